//! Numbers as JSON Schema has them: a number without a fraction is an integer, however it is written.

use std::cmp::Ordering;
use std::fmt;

/// A number that is compared exactly, whether it was written as an integer or not.
#[derive(Clone, Copy, Debug)]
pub(super) enum ExactNumber {
    Integer(i128),
    /// With a fraction, or beyond what [`i128`] holds. Finite.
    Float(f64),
}

/// 2^127: from there on a float is no `i128`.
const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;

impl ExactNumber {
    /// `None` for what is no finite number, which JSON does not have.
    pub(super) fn of(number: &serde_json::Number) -> Option<Self> {
        let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        match integer {
            Some(integer) => Some(Self::Integer(integer)),
            None => number.as_f64().filter(|float| float.is_finite()).map(Self::of_float),
        }
    }

    fn of_float(float: f64) -> Self {
        if float.fract() == 0.0 && float.abs() < BEYOND {
            // Exact: it has no fraction and is within the range.
            Self::Integer(float as i128)
        } else {
            Self::Float(float)
        }
    }

    pub(super) fn is_integer(self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Float(float) => float.fract() == 0.0,
        }
    }
}

impl Ord for ExactNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(&b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(&b),
            (Self::Integer(a), Self::Float(b)) => integer_to_float(a, b),
            (Self::Float(a), Self::Integer(b)) => integer_to_float(b, a).reverse(),
        }
    }
}

fn integer_to_float(integer: i128, float: f64) -> Ordering {
    if float >= BEYOND {
        Ordering::Less
    } else if float < -BEYOND {
        Ordering::Greater
    } else {
        // `as` cuts the fraction off, towards zero.
        integer.cmp(&(float as i128)).then_with(|| 0.0_f64.total_cmp(&float.fract()))
    }
}

impl PartialOrd for ExactNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ExactNumber {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ExactNumber {}

impl fmt::Display for ExactNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => integer.fmt(f),
            // `Debug` writes 1e300 where `Display` writes 301 digits.
            Self::Float(float) => write!(f, "{float:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> ExactNumber {
        ExactNumber::of(&text.parse().unwrap()).unwrap()
    }

    #[test]
    fn one_number_is_equal_to_itself_however_it_is_written() {
        assert_eq!(number("1"), number("1.0"));
        assert_eq!(number("1e2"), number("100"));
        assert_eq!(number("-0.0"), number("0"));
        assert!(number("1.0").is_integer() && number("1e300").is_integer() && !number("0.5").is_integer());
    }

    #[test]
    fn large_integers_are_compared_to_the_last_digit() {
        assert!(number("9007199254740993") > number("9007199254740992.0"));
        assert!(number("18446744073709551615") < number("18446744073709551616"));
        assert!(number("-0.5") < number("0") && number("0.5") > number("0"));
        assert!(number("-1.5") < number("-1") && number("-1.5") > number("-2"));
        assert!(number("1e300") > number("18446744073709551615") && number("-1e300") < number("0"));
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_numbers(a in any::<f64>(), b in any::<i64>(), c in -4.0..4.0_f64, d in -4i64..4) {
            for (float, integer) in [(a, b), (c, d)] {
                if !float.is_finite() { continue }
                let ours = ExactNumber::of_float(float).cmp(&ExactNumber::Integer(integer.into()));
                prop_assert_eq!(ExactNumber::Integer(integer.into()).cmp(&ExactNumber::of_float(float)), ours.reverse());
                // A float of less than 2^53 is compared exactly by `f64` where the integer is that small too.
                if integer.unsigned_abs() < 1 << 53 {
                    prop_assert_eq!(Some(ours), float.partial_cmp(&(integer as f64)));
                }
            }
        }
    }
}
