//! Numbers, in the conventions by which they are written.

use super::{Commas, Lexer, Token, Unreadable};

/// Most groups of one number: up to 10^60.
const MOST_GROUPS: usize = 20;

impl<'a> Lexer<'a> {
    pub(super) fn number(&mut self) -> Result<(), Unreadable> {
        let run = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut digits = self.rest.get(..run(self.rest)).unwrap_or_default().to_owned();
        self.skip(digits.len());
        let first = digits.len();
        let mut point = false;
        // Groups, by one sign all the way: `1,234,567`, `12,34,567`, `1 234`, `1.234.567`, `1'234`.
        if (1..=3).contains(&first) && !digits.starts_with('0') {
            let grouped = ["{,}", ",\\!", "\\!", ",", "\\,", "\\ ", "~", " ", "'", "."].into_iter().find_map(|sign| {
                let groups = self.groups(sign)?;
                Some((sign, groups))
            });
            if let Some((sign, (groups, length))) = grouped
                && self.groups_by(sign, &groups, length)
            {
                digits.push_str(&groups.concat());
                self.skip(length);
            }
        }
        let decimal = |text: &'_ str, sign: char| text.strip_prefix(sign).map(run).filter(|length| *length > 0);
        if let Some(length) = decimal(self.rest, '.') {
            digits.push('.');
            digits.push_str(self.rest.get(1..=length).unwrap_or_default());
            self.skip(1 + length);
            point = true;
        } else if let Some(length) = decimal(self.rest, ',').filter(|_| self.commas == Commas::Point) {
            digits.push('.');
            digits.push_str(self.rest.get(1..=length).unwrap_or_default());
            self.skip(1 + length);
            point = true;
        }
        // `0.\overline{3}`
        if !point && self.rest.starts_with(".\\overline") {
            digits.push('.');
            self.skip(1);
        }
        // `1.2.3`
        if point && decimal(self.rest, '.').is_some() {
            return Err(Unreadable);
        }
        let exponent = self.exponent();
        if digits.len() > 4_000 {
            return Err(Unreadable);
        }
        self.push(Token::Number(digits, exponent));
        Ok(())
    }

    /// The groups of digits that follow with this sign before each, and their length as they stand.
    fn groups(&self, sign: &str) -> Option<(Vec<&'a str>, usize)> {
        let run = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (mut groups, mut length) = (Vec::new(), 0);
        while let Some(rest) = self.rest.get(length..).and_then(|rest| rest.strip_prefix(sign)) {
            // `11,\! 111`
            let spaces = if sign == ",\\!" { rest.len() - rest.trim_start().len() } else { 0 };
            let rest = rest.get(spaces..).unwrap_or_default();
            let digits = run(rest);
            if !(2..=3).contains(&digits) {
                break;
            }
            // No number is that long, and a list of numbers may be.
            if groups.len() == MOST_GROUPS {
                return None;
            }
            groups.push(rest.get(..digits)?);
            length += sign.len() + spaces + digits;
        }
        (!groups.is_empty()).then_some((groups, length))
    }

    /// Whether these are groups of one number.
    fn groups_by(&self, sign: &str, groups: &[&str], length: usize) -> bool {
        let threes = groups.iter().all(|group| group.len() == 3);
        let after = self.rest.get(length..).unwrap_or_default();
        match sign {
            "{,}" | ",\\!" | "\\!" => threes,
            "," => {
                let indian = groups.split_last().is_some_and(|(last, others)| {
                    last.len() == 3 && !others.is_empty() && others.iter().all(|group| group.len() == 2)
                });
                let listed = !self.brackets.is_empty() && !self.spaced;
                (threes || indian) && self.commas == Commas::Group && !listed
            }
            // `1 234`, but not the beginning of `1 234/5`, nor `100 200 x`.
            "\\," | "\\ " | "~" | " " => threes && !after.trim_start().starts_with('/'),
            "'" => threes,
            "." => {
                let comma = after.strip_prefix(',').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
                threes && (groups.len() > 1 || (comma && self.commas == Commas::Point))
            }
            _ => false,
        }
    }

    /// `e5`, `E-3` right behind a number.
    fn exponent(&mut self) -> i32 {
        let Some(after) = self.rest.strip_prefix(['e', 'E']) else { return 0 };
        let digits = after.strip_prefix(['+', '-']).unwrap_or(after);
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        let ends = !digits.get(length..).is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric()));
        if length == 0 || length > 4 || !ends {
            return 0;
        }
        let text = after.get(..after.len() - digits.len() + length).unwrap_or_default();
        let Ok(exponent) = text.trim_start_matches('+').parse() else { return 0 };
        self.skip(1 + text.len());
        exponent
    }
}
