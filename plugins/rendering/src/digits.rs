//! Patterns for the numbers of a scale: whole ones, or ones with two decimals.

use rewarden_plugin::Refusal;

use crate::steps::Steps;

/// Digits after the point on a scale of fractions.
const DECIMALS: usize = 2;

/// The largest score, in units of the last digit, that a pattern is written for.
const LARGEST: f64 = 1e12;

/// A pattern that matches exactly the scores of the scale.
///
/// # Errors
/// When the scale is too large, or too narrow to hold a number of two decimals.
pub fn score(steps: &Steps) -> Result<String, Refusal> {
    let decimals = if steps.integer { 0 } else { DECIMALS };
    let unit = 10_f64.powi(decimals as i32);
    // Rounded to the nearest unit and then moved inside the scale: the product alone is not exact (2.05 * 100 is less
    // than 205), whereas 205 / 100 is the very number that reading `2.05` gives.
    let nearest_min = (steps.min * unit).round();
    let min = if nearest_min / unit < steps.min { nearest_min + 1.0 } else { nearest_min };
    let nearest_max = (steps.max * unit).round();
    let max = if nearest_max / unit > steps.max { nearest_max - 1.0 } else { nearest_max };
    if min > max || min < -LARGEST || max > LARGEST {
        return Err(Refusal::Other(format!(
            "no constraint can be written for scores from {} to {}: switch `constrain` off, or use another scale",
            steps.min, steps.max
        )));
    }
    let (min, max) = (min as i64, max as i64);
    let mut patterns = Vec::new();
    if max >= 0 {
        patterns.extend(runs(min.max(0) as u64, max as u64, decimals).map(|run| run.pattern(decimals)));
    }
    if min < 0 {
        let nearest_to_zero = if max < 0 { max.unsigned_abs() } else { 1 };
        let runs = runs(nearest_to_zero, min.unsigned_abs(), decimals);
        patterns.extend(runs.map(|run| format!("-{}", run.pattern(decimals))));
    }
    Ok(format!("({})", patterns.join("|")))
}

/// The numbers that share all but their last digits, where one digit runs over a class and the digits after it are
/// any: 40 to 69 is `[4-6][0-9]`.
struct Run {
    /// The first number of the run.
    start: u64,
    /// How many digits after the class are any.
    any: u32,
    /// The last digit of the class; the first is that of `start`.
    last: u64,
}

/// Splits `low` to `high` into runs, as long as they can be without leading zeros before the point.
fn runs(low: u64, high: u64, decimals: usize) -> impl Iterator<Item = Run> {
    let mut start = low;
    std::iter::from_fn(move || {
        if start > high {
            return None;
        }
        // Numbers from 0 have their leading zeros only after the point.
        let most = if start == 0 { decimals as u32 } else { u32::MAX };
        let fits = |any: &u32| start.is_multiple_of(10_u64.pow(*any)) && start + 10_u64.pow(*any) - 1 <= high;
        let any = (1..=most).take_while(fits).last().unwrap_or(0);
        let block = 10_u64.pow(any);
        let first = start / block % 10;
        let last = (first..=9).take_while(|digit| start + (digit - first + 1) * block - 1 <= high).last()?;
        let run = Run { start, any, last };
        start += (last - first + 1) * block;
        Some(run)
    })
}

impl Run {
    /// The run as a pattern, with a point before the last `decimals` digits.
    fn pattern(&self, decimals: usize) -> String {
        let any = self.any as usize;
        let digits = format!("{:0width$}", self.start, width = decimals + 1);
        let class_at = digits.len() - any - 1;
        let mut pattern = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if decimals > 0 && place + decimals == digits.len() {
                pattern.push_str("\\.");
            }
            if place > class_at {
                pattern.push_str("[0-9]");
            } else if place == class_at && digit.to_digit(10).map(u64::from) != Some(self.last) {
                pattern.push_str(&format!("[{digit}-{}]", self.last));
            } else {
                pattern.push(digit);
            }
        }
        pattern
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;
    use rewarden_plugin::Scale;

    use super::*;

    fn pattern(min: f64, max: f64, integer: bool) -> Result<String, Refusal> {
        score(&Steps::of(&Scale { min, max, integer })?)
    }

    fn regex(min: f64, max: f64, integer: bool) -> Regex {
        Regex::new(&format!("^(?:{})$", pattern(min, max, integer).unwrap())).unwrap()
    }

    #[test]
    fn usual_scales_have_short_patterns() {
        assert_eq!(pattern(1.0, 10.0, true).unwrap(), "([1-9]|10)");
        assert_eq!(pattern(0.0, 100.0, true).unwrap(), "([0-9]|[1-9][0-9]|100)");
        assert_eq!(pattern(1.0, 5.0, true).unwrap(), "([1-5])");
        assert_eq!(pattern(-2.0, 2.0, true).unwrap(), "([0-2]|-[1-2])");
        assert_eq!(pattern(0.0, 1.0, false).unwrap(), "(0\\.[0-9][0-9]|1\\.00)");
        assert_eq!(pattern(0.0, 10.0, false).unwrap(), "([0-9]\\.[0-9][0-9]|10\\.00)");
    }

    #[test]
    fn scales_that_no_pattern_fits_are_refused() {
        assert!(pattern(0.001, 0.002, false).is_err());
        assert!(pattern(0.0, 1e15, true).is_err());
    }

    proptest! {
        #[test]
        fn whole_numbers_match_exactly_when_on_the_scale(
            min in -150_i32..150, size in 1_i32..1200, probe in -2000_i32..2000,
        ) {
            let max = min + size;
            let regex = regex(min.into(), max.into(), true);
            for number in [probe, min - 1, min, max, max + 1] {
                prop_assert_eq!(regex.is_match(&number.to_string()), (min..=max).contains(&number), "{}", number);
            }
        }

        #[test]
        fn decimals_match_exactly_when_on_the_scale(
            min in -300_i32..300, size in 1_i32..1500, probe in -2000_i32..2000,
        ) {
            let max = min + size;
            let regex = regex(f64::from(min) / 100.0, f64::from(max) / 100.0, false);
            for cents in [probe, min - 1, min, max, max + 1] {
                let sign = if cents < 0 { "-" } else { "" };
                let number = format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
                prop_assert_eq!(regex.is_match(&number), (min..=max).contains(&cents), "{}", number);
            }
        }
    }
}
