//! Numbers as exact fractions.

/// Digits that a decimal number may have, so that products of two numbers fit.
const MOST_DIGITS: usize = 18;

/// A fraction in lowest terms; two that are equal are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    numerator: i128,
    /// Above 0.
    denominator: i128,
}

impl Number {
    /// The number that a text without spaces is as a whole.
    pub(crate) fn whole(text: &str) -> Option<Self> {
        Self::first(text).filter(|(_, length)| *length == text.len()).map(|(number, _)| number)
    }

    /// The number at the start of a text, and its length: `-1,234.5`, `3/4`, `\frac{3}{4}`, `3\frac{1}{2}`, `50%`.
    pub(crate) fn first(text: &str) -> Option<(Self, usize)> {
        let unsigned = text.strip_prefix(['-', '+', '\u{2212}']).unwrap_or(text);
        let (number, mut length) = Self::unsigned(unsigned)?;
        let negative = text.starts_with(['-', '\u{2212}']);
        let mut number = if negative { Number { numerator: -number.numerator, ..number } } else { number };
        let rest = unsigned.get(length..)?;
        if let Some(percent) = ["\\%", "%"].iter().find(|percent| rest.starts_with(**percent)) {
            number = Self::quotient(number, Number { numerator: 100, denominator: 1 })?;
            length += percent.len();
        }
        Some((number, text.len() - unsigned.len() + length))
    }

    fn unsigned(text: &str) -> Option<(Self, usize)> {
        if text.starts_with('\\') {
            return Self::latex_fraction(text);
        }
        let (number, length) = Self::decimal(text)?;
        let rest = text.get(length..)?;
        if rest.starts_with("\\frac")
            && number.denominator == 1
            && let Some((part, part_length)) = Self::latex_fraction(rest)
            && part.numerator < part.denominator
        {
            let numerator = number.numerator.checked_mul(part.denominator)?.checked_add(part.numerator)?;
            return Some((Self::reduced(numerator, part.denominator)?, length + part_length));
        }
        if let Some((below, below_length)) = rest.strip_prefix('/').and_then(Self::decimal) {
            return Some((Self::quotient(number, below)?, length + 1 + below_length));
        }
        Some((number, length))
    }

    /// `\frac{3}{4}`, `\dfrac{3}{4}`, `\frac34`, with a decimal number above and below.
    fn latex_fraction(text: &str) -> Option<(Self, usize)> {
        let rest = ["\\frac", "\\dfrac", "\\tfrac"].iter().find_map(|word| text.strip_prefix(word))?;
        let (above, rest) = Self::argument(rest.trim_start())?;
        let (below, rest) = Self::argument(rest.trim_start())?;
        Some((Self::quotient(above, below)?, text.len() - rest.len()))
    }

    /// `{12}` or a single digit, and what follows.
    fn argument(text: &str) -> Option<(Self, &str)> {
        let Some(inside) = text.strip_prefix('{') else {
            let digit = text.get(..1)?.parse::<u8>().ok()?;
            return Some((Number { numerator: digit.into(), denominator: 1 }, text.get(1..)?));
        };
        // Longer ones have too many digits anyway; looking further would make long texts slow.
        let end = inside.bytes().take(64).position(|byte| byte == b'}')?;
        let (inside, rest) = (inside.get(..end)?, inside.get(end + 1..)?);
        let inside = inside.trim();
        let unsigned = inside.strip_prefix('-').unwrap_or(inside);
        let (number, _) = Self::decimal(unsigned).filter(|(_, length)| *length == unsigned.len())?;
        let numerator = if inside.len() > unsigned.len() { -number.numerator } else { number.numerator };
        Some((Number { numerator, ..number }, rest))
    }

    /// `1234`, `1,234`, `1.5`, `.5`; a comma only before groups of three digits.
    fn decimal(text: &str) -> Option<(Self, usize)> {
        let run = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut digits = text.get(..run(text))?.to_owned();
        let mut length = digits.len();
        while (1..=3).contains(&run(text))
            && let Some(group) = text.get(length..).and_then(|rest| rest.strip_prefix(','))
            && run(group) == 3
        {
            digits.push_str(group.get(..3)?);
            length += 4;
        }
        let whole = digits.len();
        if let Some(fraction) = text.get(length..).and_then(|rest| rest.strip_prefix('.'))
            && run(fraction) > 0
        {
            digits.push_str(fraction.get(..run(fraction))?);
            length += 1 + run(fraction);
        }
        if digits.is_empty() || digits.len() > MOST_DIGITS {
            return None;
        }
        let decimals = u32::try_from(digits.len() - whole).ok()?;
        Some((Self::reduced(digits.parse().ok()?, 10_i128.checked_pow(decimals)?)?, length))
    }

    fn quotient(above: Self, below: Self) -> Option<Self> {
        let numerator = above.numerator.checked_mul(below.denominator)?;
        Self::reduced(numerator, above.denominator.checked_mul(below.numerator)?)
    }

    /// None for a denominator of 0.
    fn reduced(numerator: i128, denominator: i128) -> Option<Self> {
        let (mut divisor, mut rest) = (denominator.unsigned_abs(), numerator.unsigned_abs());
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        let divisor = i128::try_from(divisor).ok().filter(|divisor| *divisor != 0 && denominator != 0)?;
        let sign = denominator.signum();
        Some(Number { numerator: sign * (numerator / divisor), denominator: sign * (denominator / divisor) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ways_to_write_a_number_are_the_same_number() {
        for [one, other] in [
            ["1,234.50", "1234.5"],
            ["0.75", "3/4"],
            [r"\frac{3}{4}", "6/8"],
            [r"\dfrac34", r"\frac{0.3}{0.4}"],
            [r"3\frac{1}{2}", "3.5"],
            [r"-\frac{1}{2}", r"\frac{-1}{2}"],
            ["75%", r"75\%"],
            ["75%", ".75"],
            ["007", "7"],
            ["-0", "0"],
            ["+5", "5.0"],
        ] {
            assert_eq!(Number::whole(one), Number::whole(other), "{one} {other}");
            assert!(Number::whole(one).is_some(), "{one}");
        }
    }

    #[test]
    fn what_is_no_number_as_a_whole_is_none() {
        for text in
            ["", "x", "1+1", "1/0", r"\frac{1}{0}", "1,23", "1.", "1e3", "--1", "1/2/3", r"\frac{1}", "5cm", "\u{661}"]
        {
            assert_eq!(Number::whole(text), None, "{text}");
        }
        assert_eq!(Number::whole(&"9".repeat(19)), None);
        assert!(Number::whole(&"9".repeat(18)).is_some());
    }

    proptest! {
        #[test]
        fn a_fraction_is_its_multiples(above in -1000_i32..1000, below in 1_i32..1000, times in 1_i32..50) {
            let same = Number::whole(&format!("{}/{}", above * times, below * times));
            prop_assert_eq!(Number::whole(&format!("{above}/{below}")), same);
            let other = Number::whole(&format!("{}/{below}", above + 1));
            prop_assert_ne!(Number::whole(&format!("{above}/{below}")), other);
        }

        #[test]
        fn arbitrary_text_is_never_a_panic(text in "[-+0-9.,/%\\\\a-z{}\u{e9}]{0,30}") {
            let _ = (Number::whole(&text), crate::extract::last_number(&text));
        }
    }
}
