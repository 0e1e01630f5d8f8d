//! The regular expression that makes a model end with its scores.
//!
//! Three lines: criteria, analysis, and the box with one valid score per response. The free text holds no line breaks
//! and no backslashes, so it cannot hold a box.

use rewarden_plugin::{Constraint, Refusal, Scale};

use crate::steps::Steps;

/// Digits after the point on a scale of fractions.
const DECIMALS: usize = 2;

/// The largest score, in units of the last digit, that a pattern is written for.
const LARGEST: f64 = 1e12;

/// A constraint for `shown` scores after at most `chars` characters of free text.
///
/// # Errors
/// When the scale is too large, or too narrow to hold two scores of two decimals.
pub(crate) fn constraint(scale: &Scale, shown: usize, chars: u32) -> Result<Constraint, Refusal> {
    let score = score(&Steps::of(scale)?)?;
    let scores = vec![score.as_str(); shown].join(", ");
    let criteria = chars * 2 / 5;
    let analysis = chars - criteria;
    let free = if criteria == 0 {
        String::new()
    } else {
        format!("Specific Criteria: [^\\\\\\n]{{1,{criteria}}}\\nAnalysis: [^\\\\\\n]{{1,{analysis}}}\\n")
    };
    Ok(Constraint::Regex(format!("{free}Scores: \\\\boxed\\{{{scores}\\}}")))
}

/// A pattern for the scores of the scale: whole numbers, or numbers with two decimals.
fn score(steps: &Steps) -> Result<String, Refusal> {
    let decimals = if steps.integer { 0 } else { DECIMALS };
    let unit = 10_f64.powi(decimals as i32);
    let (min, max) = ((steps.min * unit).ceil(), (steps.max * unit).floor());
    if min > max || min < -LARGEST || max > LARGEST {
        return Err(Refusal::Other(format!(
            "no constraint can be written for scores from {} to {}: switch `constrain` off, or use another scale",
            steps.min, steps.max
        )));
    }
    let (min, max) = (min as i64, max as i64);
    let mut patterns = Vec::new();
    if max >= 0 {
        between(max_of(min, 0), max as u64, decimals, "", &mut patterns);
    }
    if min < 0 {
        between(max_of(max.saturating_neg(), 1), min.unsigned_abs(), decimals, "-", &mut patterns);
    }
    Ok(format!("({})", patterns.join("|")))
}

fn max_of(value: i64, least: u64) -> u64 {
    u64::try_from(value).unwrap_or(0).max(least)
}

/// Adds patterns that together match exactly the numbers from `low` to `high`, without leading zeros, and with a
/// point before the last `decimals` digits.
fn between(low: u64, high: u64, decimals: usize, sign: &str, patterns: &mut Vec<String>) {
    let mut low = low;
    while low <= high {
        // The largest block of numbers that starts here, fits, and is "some digits, then any digits".
        let mut block = 1_u64;
        while low % (block * 10) == 0 && low + block * 10 - 1 <= high && (low > 0 || block * 10 <= 10_u64.pow(decimals as u32))
        {
            block *= 10;
        }
        // Several such blocks side by side make a digit class; they must not go over to the next higher digit.
        let first = low / block % 10;
        let last = (first..=9).take_while(|digit| low + (digit - first + 1) * block - 1 <= high).last().unwrap_or(first);
        let any = block.ilog10() as usize;
        let width = decimals + 1;
        let digits = format!("{:0>width$}", low / block, width = width.saturating_sub(any).max(1));
        let fixed = digits.get(..digits.len() - 1).unwrap_or_default();
        let class = if first == last { first.to_string() } else { format!("[{first}-{last}]") };

        let mut pattern = sign.to_owned();
        let places = digits.len() + any;
        let parts = fixed.chars().map(String::from).chain([class]).chain(std::iter::repeat_n("[0-9]".to_owned(), any));
        for (place, part) in parts.enumerate() {
            if decimals > 0 && place == places - decimals {
                pattern.push_str("\\.");
            }
            pattern.push_str(&part);
        }
        patterns.push(pattern);
        low += (last - first + 1) * block;
    }
}
