//! The scale in words and numbers: how scores are written, and which part of the scale means what.

use rewarden_plugin::{Refusal, Scale};

/// A part of the scale, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// As good as it gets.
    Excellent,
    /// Worth having.
    Good,
    /// Of little worth.
    Weak,
    /// Of none.
    Bad,
}

/// A checked scale.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// Lowest score. A whole number on an integer scale.
    pub min: f64,
    /// Highest score. A whole number on an integer scale.
    pub max: f64,
    /// Whether only whole numbers are scores.
    pub integer: bool,
}

/// Where `Weak`, `Good` and `Excellent` begin, as shares of the scale. On 1 to 10 the parts are 1-2, 3-5, 6-8, 9-10.
const STARTS: [f64; 3] = [0.2, 0.5, 0.8];

impl Steps {
    /// The scale, with its ends moved to the nearest whole numbers inside it where it has only those.
    ///
    /// # Errors
    /// When no two different scores fit the scale.
    pub fn of(scale: &Scale) -> Result<Self, Refusal> {
        let (min, max) = if scale.integer { (scale.min.ceil(), scale.max.floor()) } else { (scale.min, scale.max) };
        if min.is_finite() && max.is_finite() && min < max {
            return Ok(Steps { min, max, integer: scale.integer });
        }
        let kind = if scale.integer { "whole numbers" } else { "numbers" };
        Err(Refusal::Other(format!(
            "expected a scale with at least two different scores, found {kind} from {} to {}: correct the pack's [scale]",
            scale.min, scale.max
        )))
    }

    /// The parts of the scale with their first and last score, best first. Fewer than four on a scale of two or three
    /// whole numbers. On a scale of fractions each part ends where the next better one begins.
    pub fn parts(&self) -> Vec<(Quality, f64, f64)> {
        use Quality::{Bad, Excellent, Good, Weak};
        if !self.integer {
            let at = |share: f64| self.min + (self.max - self.min) * share;
            let [weak, good, excellent] = STARTS.map(at);
            return vec![
                (Excellent, excellent, self.max),
                (Good, good, excellent),
                (Weak, weak, good),
                (Bad, self.min, weak),
            ];
        }
        let steps = self.max - self.min + 1.0;
        if steps < 3.0 {
            return vec![(Excellent, self.max, self.max), (Bad, self.min, self.min)];
        }
        if steps < 4.0 {
            let middle = self.min + 1.0;
            return vec![(Excellent, self.max, self.max), (Good, middle, middle), (Bad, self.min, self.min)];
        }
        let [weak, good, excellent] = STARTS.map(|share| self.min + (steps * share).round());
        vec![
            (Excellent, excellent, self.max),
            (Good, good, excellent - 1.0),
            (Weak, weak, good - 1.0),
            (Bad, self.min, weak - 1.0),
        ]
    }

    /// Where a response begins to be worth having.
    pub fn sufficient(&self) -> Option<f64> {
        self.parts().into_iter().find(|(quality, ..)| *quality == Quality::Good).map(|(_, first, _)| first)
    }

    /// What scores are, in the plural.
    pub fn kind(&self) -> &'static str {
        if self.integer { "whole numbers" } else { "numbers" }
    }
}

/// A score as people write it: `7`, `0.25`. Rounded to four decimals, which only ever shortens the edge of a part.
pub fn written(score: f64) -> String {
    // Adding zero turns -0 into 0.
    ((score * 1e4).round() / 1e4 + 0.0).to_string()
}

/// `9-10`, or `10` where the part is one score. Signs would run into the dash, so negative parts say `to`.
pub fn range(first: f64, last: f64) -> String {
    match (written(first), written(last)) {
        (first, last) if first == last => first,
        (first, last) if first.starts_with('-') || last.starts_with('-') => format!("{first} to {last}"),
        (first, last) => format!("{first}-{last}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges(min: f64, max: f64, integer: bool) -> Vec<String> {
        let steps = Steps::of(&Scale { min, max, integer }).unwrap();
        steps.parts().into_iter().map(|(_, first, last)| range(first, last)).collect()
    }

    #[test]
    fn one_to_ten_has_the_bands_of_the_method() {
        assert_eq!(ranges(1.0, 10.0, true), ["9-10", "6-8", "3-5", "1-2"]);
        assert_eq!(Steps::of(&Scale { min: 1.0, max: 10.0, integer: true }).unwrap().sufficient(), Some(6.0));
    }

    #[test]
    fn other_scales_have_bands_of_their_own() {
        assert_eq!(ranges(0.0, 100.0, true), ["81-100", "51-80", "20-50", "0-19"]);
        assert_eq!(ranges(1.0, 5.0, true), ["5", "4", "2-3", "1"]);
        assert_eq!(ranges(1.0, 4.0, true), ["4", "3", "2", "1"]);
        assert_eq!(ranges(0.0, 2.0, true), ["2", "1", "0"]);
        assert_eq!(ranges(0.0, 1.0, true), ["1", "0"]);
        assert_eq!(ranges(0.0, 1.0, false), ["0.8-1", "0.5-0.8", "0.2-0.5", "0-0.2"]);
        assert_eq!(ranges(-5.0, 5.0, true), ["4-5", "1-3", "-3 to 0", "-5 to -4"]);
    }

    #[test]
    fn a_scale_without_two_scores_is_refused() {
        for (min, max, integer) in
            [(1.0, 1.0, true), (2.0, 1.0, false), (0.2, 0.8, true), (f64::NAN, 1.0, false), (0.0, f64::INFINITY, false)]
        {
            assert!(Steps::of(&Scale { min, max, integer }).is_err(), "{min} {max}");
        }
    }

    proptest! {
        #[test]
        fn the_parts_of_a_whole_scale_cover_it_without_gaps(min in -200_i32..200, size in 1_i32..300) {
            let (min, max) = (f64::from(min), f64::from(min + size));
            let parts = Steps::of(&Scale { min, max, integer: true }).unwrap().parts();
            let mut next = max;
            for (_, first, last) in parts {
                prop_assert_eq!(last, next);
                prop_assert!(first <= last);
                next = first - 1.0;
            }
            prop_assert_eq!(next, min - 1.0);
        }
    }
}
