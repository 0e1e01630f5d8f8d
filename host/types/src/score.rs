//! Scores and the scale that they lie on.

use serde::{Deserialize, Serialize};

use crate::failure::FailureKind;

/// A score of one response: a number, or the statement that there is none. A failure is never written as a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Score {
    /// Finite.
    Value(f64),
    /// No score is given, and why.
    Abstain(String),
}

impl Score {
    /// Returns the number, or `None` if the score abstains.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(*value),
            Self::Abstain(_) => None,
        }
    }

    /// Returns why there is no number, or `None` if there is one.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Value(_) => None,
            Self::Abstain(reason) => Some(reason),
        }
    }
}

/// The numbers that a score of one sample may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Lowest valid score, inclusive. Finite, below `max`.
    pub min: f64,
    /// Highest valid score, inclusive. Finite.
    pub max: f64,
    /// Whether only whole numbers are scores of one sample. Rewards may be fractional all the same.
    pub integer: bool,
}

/// Why a number is no score on a scale.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct OffScale {
    /// [`FailureKind::NotFinite`] or [`FailureKind::OutOfScale`].
    pub kind: FailureKind,
    expected: String,
    found: f64,
}

impl Scale {
    /// Checks that `value` is a score on this scale.
    ///
    /// # Errors
    /// Returns what was expected if the value is not finite, lies outside, or is a fraction where whole numbers are
    /// scores.
    pub fn check(&self, value: f64) -> Result<(), OffScale> {
        let Self { min, max, integer } = *self;
        let refuse = |kind, expected: String| Err(OffScale { kind, expected, found: value });
        if !value.is_finite() {
            return refuse(FailureKind::NotFinite, "a finite number".to_owned());
        }
        if value < min || value > max {
            return refuse(FailureKind::OutOfScale, format!("{min} to {max}"));
        }
        if integer && value.fract() != 0.0 {
            return refuse(FailureKind::OutOfScale, "a whole number".to_owned());
        }
        Ok(())
    }

    /// Returns whether `value` is a score on this scale.
    pub fn contains(&self, value: f64) -> bool {
        self.check(value).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_says_what_it_expected() {
        let scale = Scale { min: 1.0, max: 10.0, integer: true };
        assert!(scale.contains(1.0) && scale.contains(10.0));
        let told = |value: f64| scale.check(value).unwrap_err().to_string();
        assert_eq!(told(0.0), "expected 1 to 10, found 0");
        assert_eq!(told(2.5), "expected a whole number, found 2.5");
        assert_eq!(told(f64::NAN), "expected a finite number, found NaN");
        assert!(Scale { integer: false, ..scale }.contains(2.5));
    }
}
