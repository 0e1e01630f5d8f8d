//! Equations, inequalities and assignments.

use super::{Answer, Context, Item, enclosed, nesting, sign, split, trimmed};
use crate::read::Unreadable;
use crate::read::token::Token;
use crate::value::expression::{Constant, Expression};

/// How two sides stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Smaller.
    Less,
    /// Smaller or equal.
    LessEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterEqual,
    /// Element of.
    In,
    /// Equal, roughly.
    Approximately,
}

impl Relation {
    /// The sign, as LaTeX.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Relation::Equal => "=",
            Relation::NotEqual => "\\neq",
            Relation::Less => "<",
            Relation::LessEqual => "\\leq",
            Relation::Greater => ">",
            Relation::GreaterEqual => "\\geq",
            Relation::In => "\\in",
            Relation::Approximately => "\\approx",
        }
    }

    /// The same said from the other side.
    pub(crate) fn turned(self) -> Self {
        match self {
            Relation::Less => Relation::Greater,
            Relation::LessEqual => Relation::GreaterEqual,
            Relation::Greater => Relation::Less,
            Relation::GreaterEqual => Relation::LessEqual,
            same => same,
        }
    }

    /// Returns whether it says which side is smaller.
    pub(crate) fn is_order(self) -> bool {
        matches!(self, Relation::Less | Relation::LessEqual | Relation::Greater | Relation::GreaterEqual)
    }

    pub(super) fn of(token: &Token) -> Option<Self> {
        Some(match token {
            Token::Sign('=') => Relation::Equal,
            Token::Sign('<') => Relation::Less,
            Token::Sign('>') => Relation::Greater,
            Token::Command(name) => match name.as_str() {
                "neq" => Relation::NotEqual,
                "leq" => Relation::LessEqual,
                "geq" => Relation::GreaterEqual,
                "in" => Relation::In,
                "approx" | "simeq" | "sim" | "thickapprox" => Relation::Approximately,
                "equiv" => Relation::Equal,
                _ => return None,
            },
            _ => return None,
        })
    }
}

impl Context {
    /// An equation, an inequality, an assignment, or `x \in …`.
    pub(super) fn relation(&self, tokens: &[Token], depth: u32) -> Result<Option<Answer>, Unreadable> {
        let sides = split(tokens, |token| Relation::of(token).is_some());
        if sides.len() < 2 {
            return Ok(None);
        }
        let mut relations = Vec::new();
        {
            let mut depth = 0_i32;
            for token in tokens {
                let change = nesting(token);
                if change == 0 && depth == 0 {
                    relations.extend(Relation::of(token));
                }
                depth = (depth + change).max(0);
            }
        }
        let mut sides: Vec<&[Token]> = sides.into_iter().map(trimmed).collect();
        // `<=` in signs of its own was read already; `= <` is nothing.
        if sides.iter().skip(1).any(|side| side.is_empty()) || sides.len() > 12 {
            return Err(Unreadable);
        }
        // `x \approx 2` says what x is; of `1/3 \approx 0.33` the left side is the answer.
        if let Some(at) = relations.iter().position(|relation| *relation == Relation::Approximately) {
            if at == 0 && self.name(sides.first().copied().unwrap_or_default()).is_some() {
                if let Some(relation) = relations.first_mut() {
                    *relation = Relation::Equal;
                }
                if let Some(next) = relations.iter().position(|relation| *relation == Relation::Approximately) {
                    relations.truncate(next);
                    sides.truncate(next + 1);
                }
            } else {
                relations.truncate(at);
                sides.truncate(at + 1);
            }
            if relations.is_empty() {
                return self.list(sides.first().copied().unwrap_or_default(), depth + 1).map(Some);
            }
        }
        let (first, last) = (sides.first().copied().unwrap_or_default(), sides.last().copied().unwrap_or_default());
        let all_equal = relations.iter().all(|relation| *relation == Relation::Equal);
        if all_equal || (relations.first() == Some(&Relation::In) && relations.len() == 1) {
            let name = if first.is_empty() { Some(String::new()) } else { self.name(first) };
            if let Some(name) = name {
                let mut answer = self.list(last, depth + 1)?;
                if !name.is_empty() {
                    answer.name = Some(name);
                }
                return Ok(Some(answer));
            }
            // `1 + 1 = 2` is 2.
            let is_number = |side: &[Token]| {
                self.expression(side)
                    .is_ok_and(|side| !side.any(|part| matches!(part, Expression::Variable(_) | Expression::Call(..))))
            };
            if all_equal && is_number(first) && is_number(last) {
                return self.list(last, depth + 1).map(Some);
            }
        }
        let mut read = sides.iter().map(|side| self.side(side));
        let first = read.next().ok_or(Unreadable)??;
        let rest: Vec<Answer> = read.collect::<Result<_, _>>()?;
        Ok(Some(Answer::of(Item::Relation(Box::new(first), relations.into_iter().zip(rest).collect()))))
    }

    /// A side of a relation; a unit behind it adds nothing.
    fn side(&self, tokens: &[Token]) -> Result<Answer, Unreadable> {
        let side = self.quantity(tokens)?;
        Ok(Answer::of(side.item))
    }

    /// The name that an assignment gives a value to, in one writing: a letter, a function of letters, a segment, words, a
    /// tuple or a ratio or a quotient of such. None for what could be one side of an equation.
    fn name(&self, tokens: &[Token]) -> Option<String> {
        if let Some(inside) = enclosed(tokens, sign('('), sign(')')) {
            let parts: Option<Vec<String>> =
                split(inside, sign(',')).into_iter().map(|part| self.name(trimmed(part))).collect();
            return parts.map(|parts| format!("({})", parts.join(", ")));
        }
        let parts = split(tokens, sign(':'));
        if parts.len() > 1 {
            let parts: Option<Vec<String>> = parts.into_iter().map(|part| self.name(trimmed(part))).collect();
            return parts.map(|parts| parts.join(" : "));
        }
        let words: Option<Vec<&str>> = tokens
            .iter()
            .filter(|token| !matches!(token, Token::Space(_)))
            .map(|token| match token {
                Token::Text(word) | Token::Word(word) => Some(word.as_str()),
                _ => None,
            })
            .collect();
        if let Some(words) = words.filter(|words| !words.is_empty()) {
            return Some(format!("\\text{{{}}}", words.join(" ").to_lowercase()));
        }
        let expression = self.expression(tokens).ok()?;
        is_name(&expression).then(|| crate::print::expression(&expression))
    }
}

fn is_name(expression: &Expression) -> bool {
    let is_capital = |part: &Expression| match part {
        Expression::Variable(name) => name.starts_with(|char: char| char.is_ascii_uppercase()),
        _ => false,
    };
    match expression {
        Expression::Variable(_) => true,
        // `E = 5`
        Expression::Constant(Constant::E | Constant::I) => false,
        Expression::Call(_, arguments) => {
            arguments.iter().all(|argument| matches!(argument, Expression::Variable(_)) || argument.written().is_some())
        }
        Expression::Function(crate::value::expression::Function::Abs, inside) => match inside.as_ref() {
            Expression::Product(parts) => parts.iter().all(is_capital),
            inside => is_capital(inside),
        },
        // `AB`, `\frac{NO}{BO}`
        Expression::Product(parts) => parts.iter().all(|part| match part {
            Expression::Power(base, exponent) => {
                **exponent == Expression::whole(-1)
                    && match base.as_ref() {
                        Expression::Product(parts) => parts.iter().all(is_capital),
                        base => is_capital(base),
                    }
            }
            part => is_capital(part),
        }),
        _ => false,
    }
}
