//! Letters, words, and what hangs on them.

use super::token::Token;
use super::{Read, Reader, Unreadable, names};
use crate::value::expression::{Constant, Expression};

/// Words that are no products of their letters.
const SHORT_WORDS: [&str; 34] = [
    "no", "on", "so", "or", "is", "it", "if", "in", "of", "to", "we", "be", "by", "as", "at", "an", "am", "do", "go",
    "he", "me", "my", "up", "us", "and", "the", "yes", "not", "odd", "one", "two", "six", "ten", "set",
];

impl Reader<'_> {
    pub(super) fn is_product(&self, word: &str) -> bool {
        word.len() <= 3
            && word.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !SHORT_WORDS.contains(&word.to_ascii_lowercase().as_str())
            || (word.len() <= 6 && word.bytes().all(|byte| byte.is_ascii_uppercase()))
    }

    /// A letter with what hangs on it, or a function by its letter.
    pub(super) fn letter(&mut self, letter: &str) -> Read<Expression> {
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
    pub(super) fn subscript(&mut self) -> Read<String> {
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

    pub(super) fn word(&mut self, word: &str) -> Read<Expression> {
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

pub(super) fn is_constant(word: &str) -> bool {
    constant(word).is_some()
}

fn constant(word: &str) -> Option<Expression> {
    match word {
        "pi" | "Pi" | "PI" => Some(Expression::Constant(Constant::Pi)),
        "inf" | "infinity" | "Infinity" | "oo" | "infty" => Some(Expression::Constant(Constant::Infinity)),
        _ => None,
    }
}
