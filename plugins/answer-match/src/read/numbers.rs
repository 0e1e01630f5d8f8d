//! Numbers, and fractions behind them.

use num_bigint::BigInt;
use num_traits::Zero;

use super::token::Token;
use super::{Read, Reader, Unreadable};
use crate::value::expression::Expression;
use crate::value::number::{self, Rational};

impl Reader<'_> {
    /// The fraction of a mixed number whose whole part is all of the term so far.
    pub(super) fn part_of_mixed_number(
        &mut self,
        first: usize,
        before: usize,
        spaced: bool,
    ) -> Read<Option<Expression>> {
        let whole = self.tokens.get(first..before).unwrap_or_default();
        let [Token::Number(digits, 0)] =
            whole.iter().filter(|token| !matches!(token, Token::Space(_))).collect::<Vec<_>>()[..]
        else {
            return Ok(None);
        };
        if digits.contains('.') {
            return Ok(None);
        }
        let start = self.at;
        let part = match self.tokens.get(self.at) {
            Some(Token::Command(name)) if name == "frac" => self.factor()?,
            // `3 1/2`
            Some(Token::Number(..)) if spaced => {
                let above = self.atom()?;
                if !self.sign('/') || !matches!(self.tokens.get(self.at), Some(Token::Number(..))) {
                    return Err(Unreadable);
                }
                above.quotient(self.atom()?)
            }
            _ => return Ok(None),
        };
        let is_below = |below: &Expression, above: &Rational| match below {
            Expression::Power(below, _) => below.written().is_some_and(|below| below.is_integer() && above < below),
            _ => false,
        };
        let is_part = match &part {
            Expression::Product(parts) => match parts.as_slice() {
                [Expression::Number(above), below] => above.is_integer() && !above.is_zero() && is_below(below, above),
                _ => false,
            },
            below => is_below(below, &Rational::from_integer(1.into())),
        };
        if is_part {
            return Ok(Some(part));
        }
        let is_fraction = matches!(self.tokens.get(start), Some(Token::Command(_)));
        self.at = start;
        // `2\frac{x}{2}` is a product; `2 3/2` is nothing.
        if is_fraction { Ok(None) } else { Err(Unreadable) }
    }

    pub(super) fn number(&mut self, digits: &str, exponent: i32) -> Read<Expression> {
        // In another base: compared by its digits.
        if matches!(self.tokens.get(self.at), Some(Token::Sign('_'))) {
            self.at += 1;
            let base = self.script()?;
            return Ok(Expression::Call(format!("\\text{{{digits} in base}}"), vec![base]));
        }
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let parsed: BigInt = format!("0{whole}{fraction}").parse().map_err(|_| Unreadable)?;
        let places = u32::try_from(fraction.len()).map_err(|_| Unreadable)?;
        let mut value = Rational::new(parsed, BigInt::from(10).pow(places));
        // `0.1\overline{6}`
        let at = self.at;
        if digits.contains('.') && self.command("overline") {
            match self.repeating(places) {
                Some(part) => return Ok(Expression::Number(value + part)),
                None => self.at = at,
            }
        }
        if exponent != 0 {
            let ten = Rational::from_integer(BigInt::from(10));
            value *= number::power(&ten, &BigInt::from(exponent)).ok_or(Unreadable)?;
            return Ok(Expression::Number(value));
        }
        Ok(if digits.contains('.') { Expression::Decimal(value, places) } else { Expression::Number(value) })
    }

    fn repeating(&mut self, places: u32) -> Option<Rational> {
        let [Token::Sign('{'), Token::Number(digits, 0), Token::Sign('}')] = self.tokens.get(self.at..self.at + 3)?
        else {
            return None;
        };
        self.at += 3;
        let length = u32::try_from(digits.len()).ok().filter(|length| *length <= 200)?;
        let nines = BigInt::from(10).pow(length) - 1;
        Some(Rational::new(digits.parse().ok()?, nines * BigInt::from(10).pow(places)))
    }
}
