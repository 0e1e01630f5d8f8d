//! From signs to expressions: what people write as an answer, in LaTeX or plainly.
//!
//! Multiplication needs no sign. A slash divides what stands before it by the one factor that follows. `3\frac12` and
//! `3 1/2` are mixed numbers. Two numbers after each other are otherwise nothing that can be read, and neither is a word
//! of more than three letters.

mod command;
pub(crate) mod names;
mod signs;
pub(crate) mod token;

use num_bigint::BigInt;
use num_traits::Zero;

use crate::value::expression::{Constant, Expression, Function};
use crate::value::number::{self, Rational};
use token::Token;

/// It is no expression that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

type Read<T> = Result<T, Unreadable>;

/// Brackets within brackets end somewhere: a guest's stack is small.
const DEEPEST: u32 = 24;

/// Words that are no products of their letters.
const SHORT_WORDS: [&str; 34] = [
    "no", "on", "so", "or", "is", "it", "if", "in", "of", "to", "we", "be", "by", "as", "at", "an", "am", "do", "go",
    "he", "me", "my", "up", "us", "and", "the", "yes", "not", "odd", "one", "two", "six", "ten", "set",
];

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

    /// The fraction of a mixed number whose whole part is all of the term so far.
    fn part_of_mixed_number(&mut self, first: usize, before: usize, spaced: bool) -> Read<Option<Expression>> {
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

    /// Whether what comes next is multiplied without a sign.
    fn begins_factor(&self, factors: &[Expression]) -> bool {
        let number_before = factors.len() == 1 && factors.last().is_some_and(|factor| factor.written().is_some());
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

    fn is_product(&self, word: &str) -> bool {
        word.len() <= 3
            && word.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !SHORT_WORDS.contains(&word.to_ascii_lowercase().as_str())
            || (word.len() <= 6 && word.bytes().all(|byte| byte.is_ascii_uppercase()))
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

    fn number(&mut self, digits: &str, exponent: i32) -> Read<Expression> {
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

    /// A letter with what hangs on it, or a function by its letter.
    fn letter(&mut self, letter: &str) -> Read<Expression> {
        let mut name = letter.to_owned();
        match letter {
            "e" => return Ok(Expression::Constant(Constant::E)),
            "i" if !self.hangs() => return Ok(Expression::Constant(Constant::I)),
            _ => {}
        }
        loop {
            match self.tokens.get(self.at) {
                Some(Token::Sign('_')) => {
                    self.at += 1;
                    name.push_str("_{");
                    name.push_str(&self.subscript()?);
                    name.push('}');
                }
                Some(Token::Sign('\'')) => {
                    self.at += 1;
                    name.push('\'');
                }
                _ => break,
            }
        }
        // `f(x)`, but `a(b+1)` is a product.
        let function =
            ["f", "g", "h", "F", "G", "H", "P", "Q", "W", "\\phi", "\\varphi", "\\psi", "\\Gamma"].contains(&letter);
        if function && matches!(self.tokens.get(self.at), Some(Token::Sign('('))) {
            self.at += 1;
            let mut arguments = vec![self.expression()?];
            while self.sign(',') {
                arguments.push(self.expression()?);
            }
            self.expect(')')?;
            return Ok(Expression::Call(name, arguments));
        }
        Ok(Expression::Variable(name))
    }

    fn hangs(&self) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Sign('_' | '\'')))
    }

    /// A subscript as text: it names, and is not computed.
    fn subscript(&mut self) -> Read<String> {
        self.spaces();
        let Some(Token::Sign('{')) = self.tokens.get(self.at) else {
            let token = self.tokens.get(self.at).ok_or(Unreadable)?;
            self.at += 1;
            return text_of(token);
        };
        self.at += 1;
        let mut text = String::new();
        let mut depth = 0_u32;
        loop {
            let token = self.tokens.get(self.at).ok_or(Unreadable)?;
            self.at += 1;
            match token {
                Token::Sign('}') if depth == 0 => return Ok(text),
                Token::Sign('}') => depth -= 1,
                Token::Sign('{') => depth += 1,
                Token::Space(_) => {}
                other => text.push_str(&text_of(other)?),
            }
        }
    }

    fn word(&mut self, word: &str) -> Read<Expression> {
        if let Some(constant) = constant(word) {
            return Ok(constant);
        }
        if names::is_function(word) {
            return self.function(word);
        }
        if self.is_product(word) {
            let mut letters = Vec::new();
            for letter in word.chars() {
                letters.push(match letter {
                    'e' => Expression::Constant(Constant::E),
                    'i' => Expression::Constant(Constant::I),
                    letter => Expression::Variable(letter.to_string()),
                });
            }
            // What hangs on a word hangs on its last letter.
            if self.hangs() || matches!(self.tokens.get(self.at), Some(Token::Sign('('))) {
                let last = word.chars().next_back().ok_or(Unreadable)?;
                letters.pop();
                letters.push(self.letter(&last.to_string())?);
            } else if matches!(self.tokens.get(self.at), Some(Token::Sign('^'))) && !self.looks_like_degrees() {
                self.at += 1;
                let exponent = self.script()?;
                let last = letters.pop().ok_or(Unreadable)?;
                letters.push(last.power(exponent));
            }
            return Ok(Expression::product(letters));
        }
        Err(Unreadable)
    }

    fn looks_like_degrees(&mut self) -> bool {
        let at = self.at;
        let degrees = self.degrees();
        self.at = at;
        degrees
    }
}

fn text_of(token: &Token) -> Read<String> {
    Ok(match token {
        Token::Number(digits, 0) => digits.clone(),
        Token::Letter(text) | Token::Word(text) | Token::Text(text) => text.clone(),
        Token::Sign(sign) if "+-*,/|'=".contains(*sign) => sign.to_string(),
        Token::Command(name) if name != "{" && name != "}" => format!("\\{name}"),
        _ => return Err(Unreadable),
    })
}

fn is_constant(word: &str) -> bool {
    constant(word).is_some()
}

fn constant(word: &str) -> Option<Expression> {
    match word {
        "pi" | "Pi" | "PI" => Some(Expression::Constant(Constant::Pi)),
        "inf" | "infinity" | "Infinity" | "oo" | "infty" => Some(Expression::Constant(Constant::Infinity)),
        _ => None,
    }
}
