//! Commands and functions with their arguments.

use super::token::Token;
use super::{Read, Reader, Unreadable, names};
use crate::value::expression::{Constant, Expression, Function};
use crate::value::number;

impl Reader<'_> {
    pub(super) fn of_command(&mut self, name: &str) -> Read<Expression> {
        match name {
            "frac" => {
                let (above, below) = self.two_arguments()?;
                Ok(above.quotient(below))
            }
            "binom" => {
                let (n, k) = self.two_arguments()?;
                match (n.written(), k.written()) {
                    (Some(n), Some(k)) => number::binomial(n, k).map(Expression::Number).ok_or(Unreadable),
                    _ => {
                        let factorial = |of: Expression| Expression::of(Function::Factorial, of);
                        let rest = Expression::sum([n.clone(), k.clone().negated()]);
                        Ok(factorial(n).quotient(Expression::product([factorial(k), factorial(rest)])))
                    }
                }
            }
            "sqrt" => {
                self.spaces();
                let mut degree = Expression::whole(2);
                if self.sign('[') {
                    degree = self.expression()?;
                    self.expect(']')?;
                }
                let inside = match self.peek() {
                    Some(Token::Number(digits, 0)) if !digits.contains('.') => self.one_digit(digits)?,
                    Some(Token::Sign('(')) => self.atom()?,
                    _ => self.argument()?,
                };
                Ok(inside.root(degree))
            }
            "pi" => Ok(Expression::Constant(Constant::Pi)),
            "infty" => Ok(Expression::Constant(Constant::Infinity)),
            "lfloor" | "lceil" => {
                let inside = self.expression()?;
                let (close, function) = match name {
                    "lfloor" => ("rfloor", Function::Floor),
                    _ => ("rceil", Function::Ceiling),
                };
                if !self.command(close) {
                    return Err(Unreadable);
                }
                Ok(Expression::of(function, inside))
            }
            // A line over letters names something: a segment, a vector.
            "overline" | "vec" | "hat" | "bar" | "overrightarrow" | "tilde" | "mathbb" | "mathcal" | "angle"
            | "widehat" => {
                let text = self.subscript()?;
                if text.is_empty() {
                    return Err(Unreadable);
                }
                Ok(Expression::Variable(format!("\\{name}{{{text}}}")))
            }
            "sum" | "prod" | "int" | "lim" => self.over(name),
            _ if names::is_function(name) => self.function(name),
            _ => Err(Unreadable),
        }
    }

    /// A sum or product over an index, an integral, a limit: compared by its parts.
    fn over(&mut self, name: &str) -> Read<Expression> {
        let (mut below, mut above) = (String::new(), None);
        loop {
            if self.sign('_') {
                below = self.subscript()?;
            } else if self.sign('^') {
                above = Some(self.script()?);
            } else {
                break;
            }
        }
        let body = self.deeper(Self::term)?;
        Ok(Expression::Call(format!("\\{name}_{{{below}}}"), above.into_iter().chain([body]).collect()))
    }

    fn two_arguments(&mut self) -> Read<(Expression, Expression)> {
        self.spaces();
        // `\frac12`, `\frac1{2}`, `\frac{1}2`, also `\frac123`, which is `\frac12` and 3, and that nobody means.
        let first = match self.tokens.get(self.at) {
            Some(Token::Number(digits, 0)) if digits.len() == 2 && !digits.contains('.') => {
                let (above, below) = digits.split_at(1);
                self.at += 1;
                let digit = |text: &str| text.parse().map(Expression::whole).map_err(|_| Unreadable);
                return Ok((digit(above)?, digit(below)?));
            }
            Some(Token::Number(digits, 0)) if digits.len() == 1 => self.one_digit(digits)?,
            _ => self.argument()?,
        };
        self.spaces();
        let second = match self.tokens.get(self.at) {
            Some(Token::Number(digits, 0)) if digits.len() == 1 => self.one_digit(digits)?,
            _ => self.argument()?,
        };
        Ok((first, second))
    }

    /// The argument without braces: in LaTeX a single digit, and whoever writes more means them all.
    fn one_digit(&mut self, digits: &str) -> Read<Expression> {
        self.at += 1;
        self.number(digits, 0)
    }

    /// The name was taken: its power, its base, its argument.
    pub(super) fn function(&mut self, name: &str) -> Read<Expression> {
        let mut name = name;
        let mut base = None;
        let mut power = None;
        loop {
            if self.sign('_') {
                base = Some(self.script()?);
            } else if matches!(self.peek(), Some(Token::Sign('^'))) {
                self.at += 1;
                let exponent = self.script()?;
                match names::inverse(name).filter(|_| exponent == Expression::whole(-1)) {
                    Some(inverse) => name = inverse,
                    None => power = Some(exponent),
                }
            } else {
                break;
            }
        }
        let argument = self.deeper(Self::function_argument)?;
        let mut value = names::applied(name, &argument).ok_or(Unreadable)?;
        if let Some(base) = base {
            if name != "log" && name != "lg" {
                return Err(Unreadable);
            }
            let ln = |of: Expression| Expression::of(Function::Ln, of);
            value = ln(argument).quotient(ln(base));
        }
        Ok(match power {
            Some(power) => value.power(power),
            None => value,
        })
    }

    /// What stands in brackets, or the product that follows without a sign, up to the next function.
    fn function_argument(&mut self) -> Read<Expression> {
        self.spaces();
        if matches!(self.tokens.get(self.at), Some(Token::Sign('(' | '{' | '['))) {
            return self.factor_without_power();
        }
        if self.sign('-') {
            return Ok(self.function_argument()?.negated());
        }
        let mut factors = vec![self.factor()?];
        loop {
            let before = self.at;
            self.spaces();
            let next_is_function = match self.tokens.get(self.at) {
                Some(Token::Command(name) | Token::Word(name)) => names::is_function(name),
                _ => false,
            };
            if self.sign('/') {
                // `\sin x/2` is read as the sine of a half.
                match self.tokens.get(self.at) {
                    Some(Token::Number(..)) => {
                        let below = self.factor()?;
                        factors.push(below.power(Expression::whole(-1)));
                        continue;
                    }
                    _ => {
                        self.at = before;
                        return Ok(Expression::product(factors));
                    }
                }
            }
            let bracket = matches!(self.tokens.get(self.at), Some(Token::Sign('(')));
            if next_is_function || bracket || !self.begins_factor(&[]) {
                self.at = before;
                return Ok(Expression::product(factors));
            }
            factors.push(self.factor()?);
        }
    }

    /// `\sin(x)^2` is the square of the sine, not the sine of the square; a degree sign belongs to the argument.
    fn factor_without_power(&mut self) -> Read<Expression> {
        let inside = self.atom()?;
        let at = self.at;
        if matches!(self.peek(), Some(Token::Sign('^'))) && self.degrees() {
            return Ok(Expression::of(Function::Degrees, inside));
        }
        self.at = at;
        Ok(inside)
    }
}
