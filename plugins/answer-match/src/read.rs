//! From signs to expressions: what people write as an answer, in LaTeX or plainly.
//!
//! Multiplication needs no sign. A slash divides what stands before it by the one factor that follows. `3\frac12` and
//! `3 1/2` are mixed numbers. Two numbers after each other are otherwise nothing that can be read, and neither is a word
//! of more than three letters.

mod command;
mod letters;
pub(crate) mod names;
mod numbers;
mod signs;
pub(crate) mod token;

use crate::value::expression::{Expression, Function};
use letters::is_constant;
use token::Token;

/// It is no expression that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

type Read<T> = Result<T, Unreadable>;

/// Brackets within brackets end somewhere: a guest's stack is small.
const DEEPEST: u32 = 24;

/// Reads from a list of signs.
pub(crate) struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: u32,
    /// How many absolute values are open.
    bars: u32,
    /// Whether a letter after a number and a space may be a unit: in plain text.
    plain: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(tokens: &'a [Token], plain: bool) -> Self {
        Reader { tokens, at: 0, depth: 0, bars: 0, plain }
    }

    /// What was not read.
    pub(crate) fn rest(&self) -> &'a [Token] {
        self.tokens.get(self.at..).unwrap_or_default()
    }

    fn spaces(&mut self) -> bool {
        let before = self.at;
        while matches!(self.tokens.get(self.at), Some(Token::Space(_))) {
            self.at += 1;
        }
        self.at > before
    }

    /// The next sign that is no space.
    fn peek(&mut self) -> Option<&'a Token> {
        self.spaces();
        self.tokens.get(self.at)
    }

    fn sign(&mut self, sign: char) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: char) -> Read<()> {
        if self.sign(sign) { Ok(()) } else { Err(Unreadable) }
    }

    fn command(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Command(next)) if next == name);
        self.at += usize::from(found);
        found
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEEPEST {
            return Err(Unreadable);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// A sum, as far as it goes.
    pub(crate) fn expression(&mut self) -> Read<Expression> {
        self.deeper(|reader| {
            let mut terms = vec![reader.signed_term()?];
            loop {
                let at = reader.at;
                if !reader.is_sum_sign() {
                    reader.at = at;
                    return Ok(Expression::sum(terms));
                }
                terms.push(reader.signed_term()?);
            }
        })
    }

    /// Whether a sign of sums comes next; it is not taken.
    fn is_sum_sign(&mut self) -> bool {
        match self.peek() {
            Some(Token::Sign('+' | '-')) => true,
            Some(Token::Command(name)) => name == "pm" || name == "mp",
            _ => false,
        }
    }

    fn signed_term(&mut self) -> Read<Expression> {
        let mut negative = false;
        let mut both: Option<bool> = None;
        let mut signs = 0;
        loop {
            if self.sign('-') {
                negative = !negative;
            } else if self.command("pm") {
                both = Some(false);
            } else if self.command("mp") {
                both = Some(true);
            } else if !self.sign('+') {
                break;
            }
            signs += 1;
            // `5 - -3` is one thing, `--` in front of a text another.
            if signs > 2 {
                return Err(Unreadable);
            }
        }
        let term = self.term()?;
        let term = if negative { term.negated() } else { term };
        Ok(match both {
            Some(turned) => Expression::PlusMinus(turned, Box::new(term)),
            None => term,
        })
    }

    fn term(&mut self) -> Read<Expression> {
        let first = self.at;
        let mut factors = vec![self.factor()?];
        loop {
            let before = self.at;
            let spaced = self.spaces();
            if self.sign('*') {
                factors.push(self.after_sign()?);
            } else if self.sign('/') {
                let below = self.after_sign()?;
                factors.push(below.power(Expression::whole(-1)));
            } else if self.begins_unit() {
                self.at = before;
                return Ok(Expression::product(factors));
            } else if let Some(part) = self.part_of_mixed_number(first, before, spaced)? {
                let whole = factors.pop().ok_or(Unreadable)?;
                factors.push(Expression::sum([whole, part]));
            } else if self.begins_factor(&factors) {
                factors.push(self.factor()?);
            } else {
                self.at = before;
                return Ok(Expression::product(factors));
            }
        }
    }

    /// `2 * -3` has a sign within a product.
    fn after_sign(&mut self) -> Read<Expression> {
        if self.sign('-') { Ok(self.factor()?.negated()) } else { self.factor() }
    }

    /// Whether a fraction of units comes next: `24\frac{\text{km}}{\text{h}}`.
    fn begins_unit(&self) -> bool {
        let next = self.tokens.get(self.at..).unwrap_or_default();
        matches!(next, [Token::Command(name), Token::Sign('{'), Token::Text(_), ..] if name == "frac")
    }

    /// Whether what comes next is multiplied without a sign.
    fn begins_factor(&self, factors: &[Expression]) -> bool {
        // `5 J`, `5 * 10^3 J`
        let is_number = |factor: &Expression| match factor {
            Expression::Power(base, exponent) => base.written().is_some() && exponent.written().is_some(),
            factor => factor.written().is_some(),
        };
        let number_before = !factors.is_empty() && factors.iter().all(is_number);
        match self.tokens.get(self.at) {
            Some(Token::Letter(letter)) => !(self.plain && number_before && crate::unit::is_letter(letter)),
            Some(Token::Word(word)) => {
                names::is_function(word)
                    || is_constant(word)
                    || (self.is_product(word) && !(number_before && crate::unit::is_known(word)))
            }
            Some(Token::Command(name)) => {
                names::is_function(name)
                    || [
                        "frac", "sqrt", "pi", "binom", "lfloor", "lceil", "infty", "overline", "vec", "hat", "bar",
                        "sum", "prod",
                    ]
                    .contains(&name.as_str())
            }
            Some(Token::Sign('(' | '{')) => true,
            Some(Token::Sign('[')) => false,
            Some(Token::Sign('|')) => self.bars == 0,
            // `2^3 5` is not `2^3 * 5`: whoever means that writes a sign.
            _ => false,
        }
    }

    fn factor(&mut self) -> Read<Expression> {
        let mut factor = self.atom()?;
        loop {
            let before = self.at;
            self.spaces();
            match self.tokens.get(self.at) {
                Some(Token::Sign('^')) => {
                    if self.degrees() {
                        factor = Expression::of(Function::Degrees, factor);
                        continue;
                    }
                    self.at += 1;
                    // `x^{\prime}`
                    let exponent = self.script()?;
                    factor = factor.power(exponent);
                }
                Some(Token::Sign('!')) => {
                    self.at += 1;
                    if matches!(self.tokens.get(self.at), Some(Token::Sign('!'))) {
                        return Err(Unreadable);
                    }
                    factor = Expression::of(Function::Factorial, factor);
                }
                Some(Token::Sign('%')) => {
                    // The last sign of all is the unit.
                    if self.tokens.get(self.at + 1..).is_none_or(<[Token]>::is_empty) {
                        self.at = before;
                        return Ok(factor);
                    }
                    self.at += 1;
                    factor = factor.quotient(Expression::whole(100));
                }
                _ => {
                    self.at = before;
                    return Ok(factor);
                }
            }
        }
    }

    /// `^\circ` or `^{\circ}` in the middle of an expression; at its end it is the unit, and left there.
    fn degrees(&mut self) -> bool {
        let after = match self.tokens.get(self.at + 1..) {
            Some([Token::Command(name), ..]) if name == "circ" => 2,
            Some([Token::Sign('{'), Token::Command(name), Token::Sign('}'), ..]) if name == "circ" => 4,
            _ => return false,
        };
        self.at += after;
        true
    }

    /// What stands high: a group, or a single sign.
    fn script(&mut self) -> Read<Expression> {
        self.spaces();
        match self.tokens.get(self.at) {
            Some(Token::Sign('{')) => self.group(),
            Some(Token::Sign('-')) => {
                self.at += 1;
                Ok(self.script()?.negated())
            }
            _ => self.atom(),
        }
    }

    fn group(&mut self) -> Read<Expression> {
        self.expect('{')?;
        let bars = std::mem::take(&mut self.bars);
        let inside = self.expression();
        self.bars = bars;
        let inside = inside?;
        self.expect('}')?;
        Ok(inside)
    }

    /// `{…}` or a single digit, letter or command: the argument of `\frac` and `\sqrt`.
    fn argument(&mut self) -> Read<Expression> {
        self.spaces();
        match self.tokens.get(self.at) {
            Some(Token::Sign('{')) => self.group(),
            // `\frac12` has its digits right after each other; the rest stays.
            Some(Token::Number(..)) => Err(Unreadable),
            _ => self.atom(),
        }
    }

    fn atom(&mut self) -> Read<Expression> {
        self.spaces();
        let token = self.tokens.get(self.at).ok_or(Unreadable)?;
        self.at += 1;
        match token {
            Token::Number(digits, exponent) => self.number(digits, *exponent),
            Token::Letter(letter) => self.letter(letter),
            Token::Word(word) => self.word(word),
            Token::Sign('(') => self.inside_of(')'),
            Token::Sign('[') => self.inside_of(']'),
            Token::Sign('{') => {
                self.at -= 1;
                self.group()
            }
            Token::Sign('|') => {
                self.bars += 1;
                let inside = self.expression();
                self.bars -= 1;
                let inside = inside?;
                self.expect('|')?;
                Ok(Expression::of(Function::Abs, inside))
            }
            Token::Command(name) => self.of_command(name),
            _ => Err(Unreadable),
        }
    }

    fn inside_of(&mut self, close: char) -> Read<Expression> {
        let bars = std::mem::take(&mut self.bars);
        let inside = self.expression();
        self.bars = bars;
        let inside = inside?;
        self.expect(close)?;
        Ok(inside)
    }
}
