//! Values with units behind or before them.

use super::{Answer, Context, enclosed, sign, trimmed};
use crate::read::token::Token;
use crate::read::{Reader, Unreadable};
use crate::unit;
use crate::value::expression::Expression;

impl Context {
    /// A value with its unit, if any.
    pub(super) fn quantity(&self, tokens: &[Token]) -> Result<Answer, Unreadable> {
        let (mut tokens, mut unit) = (trimmed(tokens), None);
        if let [Token::Text(currency), rest @ ..] = tokens
            && currency == "$"
        {
            (tokens, unit) = (trimmed(rest), Some("$".to_owned()));
        }
        if let [Token::Sign(currency @ ('€' | '£' | '¥' | '₹')), rest @ ..] = tokens {
            (tokens, unit) = (trimmed(rest), Some(currency.to_string()));
        }
        let mut reader = Reader::new(tokens, self.plain);
        let mut expression = reader.expression()?;
        let rest = trimmed(reader.rest());
        if let Expression::Function(crate::value::expression::Function::Degrees, inside) = &expression {
            if unit.is_some() {
                return Err(Unreadable);
            }
            (expression, unit) = (inside.as_ref().clone(), Some("°".to_owned()));
        }
        if !rest.is_empty() {
            let behind = self.unit(rest).ok_or(Unreadable)?;
            // `a regular hexagon` is no quantity.
            let counts = expression.any(|part| part.written().is_some());
            if !counts && unit::scale(&behind).is_none() {
                return Err(Unreadable);
            }
            unit = Some(match unit {
                // `$5 per day`, `37^\circ C`
                Some(before) if before == "°" && (behind == "C" || behind == "F") => behind,
                Some(before) if before == "$" && behind.starts_with('/') => format!("{before}{behind}"),
                Some(before)
                    if before == "$" && ["dollars", "usd", "dollar"].contains(&behind.to_lowercase().as_str()) =>
                {
                    before
                }
                Some(_) => return Err(Unreadable),
                None => behind,
            });
        }
        Ok(Answer { unit, ..Answer::value(expression) })
    }

    /// What stands behind a value, if it can be a unit: words, and powers and quotients of them.
    fn unit(&self, tokens: &[Token]) -> Option<String> {
        if let Some((above, below)) = fraction(tokens) {
            return Some(format!("{}/{}", self.unit(above)?, self.unit(below)?));
        }
        let mut text = String::new();
        for token in tokens {
            match token {
                Token::Text(word) | Token::Word(word) | Token::Letter(word) => text.push_str(word),
                Token::Number(digits, 0) if ["^", "^{", "^-", "^{-"].iter().any(|sign| text.ends_with(sign)) => {
                    text.push_str(digits);
                }
                Token::Space(_) => text.push(' '),
                Token::Sign('{') if text.ends_with('^') => text.push('{'),
                Token::Sign('}') if text.matches('{').count() > text.matches('}').count() => text.push('}'),
                Token::Sign(sign @ ('/' | '^' | '%' | '€' | '£' | '¥' | '₹' | '¢' | '*' | '-' | '.')) => {
                    text.push(*sign)
                }
                _ => return None,
            }
        }
        // A sentence is no unit.
        let words = text.split_whitespace().count();
        let unit = unit::normal(&text);
        (!unit.is_empty() && words <= 6).then_some(unit)
    }
}

/// The two sides of `\frac{\text{km}}{\text{h}}`.
fn fraction(tokens: &[Token]) -> Option<(&[Token], &[Token])> {
    let [Token::Command(name), rest @ ..] = trimmed(tokens) else { return None };
    let middle = rest.windows(2).position(|two| matches!(two, [Token::Sign('}'), Token::Sign('{')]))?;
    let (above, below) = rest.split_at_checked(middle + 1)?;
    let group = |tokens| enclosed(tokens, sign('{'), sign('}'));
    (name == "frac").then_some((group(above)?, group(below)?))
}
