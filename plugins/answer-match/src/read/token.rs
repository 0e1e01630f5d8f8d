//! From LaTeX or plain text to signs.

mod digits;

use super::Unreadable;
use super::signs::{GREEK, NOTHING, OTHER_NAMES, TEXTS, plain, superscript};

/// How a comma between digits is read, where both are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commas {
    /// Before three digits it groups them: `1,234`.
    Group,
    /// It stands between two numbers: `1,2`.
    Separate,
    /// It is the decimal point: `1,5`.
    Point,
}

/// A sign of mathematics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A number in ASCII digits, with one point at most; then how many zeros the exponent of ten adds.
    Number(String, i32),
    /// A single letter, or a command that is one: `x`, `\alpha`.
    Letter(String),
    /// Several letters in a row outside of a text command.
    Word(String),
    /// What stands in `\text{}` and its like, trimmed.
    Text(String),
    /// A command, without its backslash.
    Command(String),
    /// `\begin{…}` and `\end{…}`, without a star.
    Begin(String),
    /// See there.
    End(String),
    /// `\\` or, in an environment, a line break.
    Row,
    /// Any other sign.
    Sign(char),
    /// White space between two signs; true where it is wide, `\quad`.
    Space(bool),
}

/// Most signs of an answer.
const MOST_TOKENS: usize = 2_000;

/// Takes a text apart.
///
/// # Errors
/// When it is too long, or a number in it is no number: `1.2.3`.
pub(crate) fn tokens(text: &str, commas: Commas) -> Result<Vec<Token>, Unreadable> {
    let mut plain_text = String::with_capacity(text.len());
    let mut raised = false;
    for char in text.chars() {
        // `10⁻¹²`
        if let Some(digit) = superscript(char) {
            plain_text.push_str(if raised { "" } else { "^{" });
            plain_text.push(digit);
            raised = true;
            continue;
        }
        if std::mem::take(&mut raised) {
            plain_text.push('}');
        }
        match plain(char) {
            Some(known) => plain_text.push_str(known),
            None if ('\u{ff10}'..='\u{ff19}').contains(&char) => {
                plain_text.push(char::from_u32(char as u32 - 0xff10 + 0x30).unwrap_or('0'));
            }
            None => plain_text.push(char),
        }
    }
    if raised {
        plain_text.push('}');
    }
    // `14 {, }916`
    while let Some(at) =
        plain_text.find("{, }").or_else(|| plain_text.find("{ ,}")).or_else(|| plain_text.find("{ , }"))
    {
        let end = plain_text.get(at..).and_then(|rest| rest.find('}')).map_or(plain_text.len(), |end| at + end + 1);
        plain_text.replace_range(at..end, "{,}");
    }
    let plain_text = if plain_text.contains(" {,}") { plain_text.replace(" {,}", "{,}") } else { plain_text };
    let mut lexer =
        Lexer { rest: &plain_text, commas, tokens: Vec::new(), brackets: Vec::new(), spaced: spaced(&plain_text) };
    while !lexer.rest.is_empty() {
        lexer.next()?;
        if lexer.tokens.len() > MOST_TOKENS {
            return Err(Unreadable);
        }
    }
    while lexer.tokens.last().is_some_and(|last| matches!(last, Token::Space(_))) {
        lexer.tokens.pop();
    }
    times(&mut lexer.tokens);
    Ok(lexer.tokens)
}

/// The letter x of `5 x 10^3` is a sign.
fn times(tokens: &mut [Token]) {
    let is_number = |token: Option<&Token>| matches!(token, Some(Token::Number(..)));
    for at in 1..tokens.len() {
        let before = tokens.get(..at).unwrap_or_default().iter().rev().find(|token| !matches!(token, Token::Space(_)));
        let mut after =
            tokens.get(at + 1..).unwrap_or_default().iter().filter(|token| !matches!(token, Token::Space(_)));
        let is_ten = matches!(after.next(), Some(Token::Number(digits, 0)) if digits == "10");
        let is_power = is_ten && matches!(after.next(), Some(Token::Sign('^')));
        let is_letter = matches!(tokens.get(at), Some(Token::Letter(letter)) if letter == "x" || letter == "X");
        if is_letter
            && is_power
            && is_number(before)
            && let Some(token) = tokens.get_mut(at)
        {
            *token = Token::Sign('*');
        }
    }
}

/// Whether the text shows by itself what separates its numbers, so that a comma without a space groups.
fn spaced(text: &str) -> bool {
    text.contains(", ") || text.contains(';') || text.contains(",\\")
}

struct Lexer<'a> {
    rest: &'a str,
    commas: Commas,
    tokens: Vec<Token>,
    /// The brackets that are open.
    brackets: Vec<char>,
    spaced: bool,
}

impl<'a> Lexer<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn push(&mut self, token: Token) {
        self.tokens.push(token);
    }

    fn space(&mut self, wide: bool) {
        match self.tokens.last_mut() {
            None => {}
            Some(Token::Space(before)) => *before |= wide,
            Some(_) => self.push(Token::Space(wide)),
        }
    }

    fn next(&mut self) -> Result<(), Unreadable> {
        let Some(char) = self.peek() else { return Ok(()) };
        match char {
            '\\' => return self.command(),
            '$' => {
                // Around an expression it is nothing, before a number the currency.
                self.skip(1);
                if self.rest.starts_with(|next: char| next.is_ascii_digit()) && self.odd_dollar() {
                    self.push(Token::Text("$".into()));
                }
            }
            _ if char.is_whitespace() => {
                self.skip(char.len_utf8());
                self.space(false);
            }
            '~' => {
                self.skip(1);
                self.space(false);
            }
            _ if char.is_ascii_digit() || (char == '.' && self.second().is_some_and(|next| next.is_ascii_digit())) => {
                return self.number();
            }
            _ if char.is_alphabetic() => {
                let word: String = self.rest.chars().take_while(|next| next.is_alphabetic()).collect();
                self.skip(word.len());
                if word.chars().count() == 1 { self.push(Token::Letter(word)) } else { self.push(Token::Word(word)) }
            }
            '*' if self.rest.starts_with("**") => {
                self.skip(2);
                self.push(Token::Sign('^'));
            }
            '<' | '>' | '!' | '=' if self.rest.get(1..2) == Some("=") => {
                self.skip(2);
                self.push(match char {
                    '<' => Token::Command("leq".into()),
                    '>' => Token::Command("geq".into()),
                    '!' => Token::Command("neq".into()),
                    _ => Token::Sign('='),
                });
            }
            '(' | '[' | ')' | ']' => {
                self.skip(1);
                self.bracket(char);
                self.push(Token::Sign(char));
            }
            // `9{,}500`
            '{' if self.rest.starts_with("{,}")
                || self.rest.starts_with("{ , }")
                || self.rest.starts_with("{,\\!}") =>
            {
                // In front of digits without digits before it, it is a comma like others.
                let end = self.rest.find('}').unwrap_or_default();
                self.skip(end + 1);
                self.push(Token::Sign(','));
            }
            _ => {
                self.skip(char.len_utf8());
                self.push(Token::Sign(char));
            }
        }
        Ok(())
    }

    fn bracket(&mut self, char: char) {
        if "([".contains(char) {
            self.brackets.push(char);
        } else {
            self.brackets.pop();
        }
    }

    /// Whether no other dollar sign closes this one.
    fn odd_dollar(&self) -> bool {
        !self.rest.contains('$')
    }

    fn second(&self) -> Option<char> {
        self.rest.chars().nth(1)
    }

    fn command(&mut self) -> Result<(), Unreadable> {
        let after = self.rest.get(1..).unwrap_or_default();
        let name: &str = after.get(..after.bytes().take_while(u8::is_ascii_alphabetic).count()).unwrap_or_default();
        if name.is_empty() {
            let Some(sign) = after.chars().next() else {
                self.skip(1);
                return Ok(());
            };
            // Of a text that was escaped once too often.
            let doubled = after.get(1..).is_some_and(is_known);
            if sign == '\\' && doubled && !self.in_rows() {
                self.skip(1);
                return Ok(());
            }
            self.skip(1 + sign.len_utf8());
            match sign {
                '\\' => {
                    // `\\[2pt]`
                    if let Some(length) = self.rest.strip_prefix('[').and_then(|rest| rest.find(']'))
                        && self.rest.get(1..=length).is_some_and(|text| text.ends_with("pt") || text.ends_with("em"))
                    {
                        self.skip(length + 2);
                    }
                    self.push(Token::Row);
                }
                '!' => {}
                ',' | ';' | ':' | ' ' | '>' => self.space(false),
                '(' | ')' | '[' | ']' => {}
                '{' | '}' => self.push(Token::Command(sign.to_string())),
                '|' => self.push(Token::Sign('|')),
                '$' => self.push(Token::Text("$".into())),
                '%' => self.push(Token::Sign('%')),
                '&' | '#' | '_' => self.push(Token::Sign(sign)),
                _ => return Err(Unreadable),
            }
            return Ok(());
        }
        self.skip(1 + name.len());
        if NOTHING.contains(&name) {
            // `\left.` and `\right.` stand for no bracket at all.
            if matches!(name, "left" | "right" | "middle") {
                self.rest = self.rest.trim_start();
                if self.rest.starts_with('.') {
                    self.skip(1);
                }
            }
            return Ok(());
        }
        if TEXTS.contains(&name) {
            return self.text(name);
        }
        match name {
            "quad" | "qquad" => self.space(true),
            // `\quadx`, from which a space was lost.
            _ if name.starts_with("quad") || name.starts_with("qquad") => {
                self.space(true);
                let glued = name.len() - name.find("quad").unwrap_or_default() - 4;
                self.rest = after.get(name.len() - glued..).unwrap_or_default();
            }
            "begin" | "end" => {
                let environment = self.argument().ok_or(Unreadable)?.trim().trim_end_matches('*').to_owned();
                if environment == "array" || environment == "tabular" {
                    self.rest = self.rest.trim_start();
                    if name == "begin" && self.rest.starts_with('{') {
                        self.argument().ok_or(Unreadable)?;
                    }
                }
                self.push(if name == "begin" { Token::Begin(environment) } else { Token::End(environment) });
            }
            "hspace" | "vspace" | "label" | "tag" => {
                self.argument();
            }
            "boxed" | "fbox" | "mathop" | "mathord" | "mathbin" | "mathrel" => {}
            "lbrace" => self.push(Token::Command("{".to_owned())),
            "rbrace" => self.push(Token::Command("}".to_owned())),
            "pi" | "infty" => self.push(Token::Command(name.to_owned())),
            _ if GREEK.contains(&name) => self.push(Token::Letter(format!("\\{name}"))),
            _ => match OTHER_NAMES.iter().find(|(other, _)| *other == name) {
                Some((_, sign)) if sign.len() == 1 => {
                    let sign = sign.chars().next().unwrap_or(' ');
                    self.bracket(sign);
                    self.push(Token::Sign(sign));
                }
                Some((_, known)) => self.push(Token::Command((*known).to_owned())),
                None => self.push(Token::Command(name.to_owned())),
            },
        }
        Ok(())
    }

    /// Whether lines end here with `\\`.
    fn in_rows(&self) -> bool {
        let count = |begin: bool| {
            self.tokens
                .iter()
                .filter(|token| if begin { matches!(token, Token::Begin(_)) } else { matches!(token, Token::End(_)) })
                .count()
        };
        count(true) > count(false)
    }

    /// What stands in the braces that follow.
    fn argument(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let inside = rest.strip_prefix('{')?;
        let mut depth = 0_usize;
        for (at, byte) in inside.bytes().enumerate() {
            match byte {
                b'{' => depth += 1,
                b'}' if depth == 0 => {
                    self.rest = inside.get(at + 1..)?;
                    return inside.get(..at);
                }
                b'}' => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// Takes a part apart in the place of the whole; how deep that goes, the length of an answer bounds.
    fn within(&mut self, inside: &'a str) -> Result<(), Unreadable> {
        let outer = std::mem::replace(&mut self.rest, inside);
        while !self.rest.is_empty() {
            self.next()?;
        }
        self.rest = outer;
        Ok(())
    }

    /// `\text{…}`: a letter or a number in it is one, anything else is a text.
    fn text(&mut self, name: &str) -> Result<(), Unreadable> {
        let Some(inside) = self.argument() else {
            // `\mathrm x`
            return Ok(());
        };
        let spaced_before = inside.starts_with(char::is_whitespace);
        let spaced_after = inside.ends_with(char::is_whitespace);
        let inside = inside.trim();
        if spaced_before {
            self.space(false);
        }
        let word = |text: &str| text.chars().all(char::is_alphabetic);
        if inside.is_empty() {
        } else if inside.contains('\\') {
            // `\textbf{\text{(B)}}`, `\mathbf{\mathrm{km}}`
            self.within(inside)?;
        } else if inside.chars().count() == 1 && word(inside) {
            let number = |token: &&Token| !matches!(token, Token::Space(_));
            let behind_number = matches!(self.tokens.iter().rev().find(number), Some(Token::Number(..)));
            // `5\text{ m}`, upright, is a length.
            match behind_number && crate::unit::is_letter(inside) {
                true => self.push(Token::Text(inside.to_owned())),
                false => self.push(Token::Letter(inside.to_owned())),
            }
        } else if name == "operatorname" || (name.starts_with("math") && super::names::is_function(inside)) {
            self.push(Token::Command(inside.to_owned()));
        } else if is_mathematics(inside) {
            self.within(inside)?;
        } else {
            self.push(Token::Text(inside.to_owned()));
        }
        if spaced_after {
            self.space(false);
        }
        Ok(())
    }
}

/// Whether a text in a text command is written as mathematics: `13`, `(1, 2)`, `1/2`.
fn is_mathematics(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && !text.chars().any(|char| char.is_alphabetic() && char != 'e')
        || (text.starts_with('(') && text.ends_with(')') && text.chars().count() == 3)
        || ["=", "+", "-", "<", ">", ",", "."].contains(&text)
}

/// Whether a text begins with the name of a command of more than two letters.
fn is_known(text: &str) -> bool {
    let name = text.get(..text.bytes().take_while(u8::is_ascii_alphabetic).count()).unwrap_or_default();
    let others = ["frac", "sqrt", "boxed", "begin", "end", "cdot", "pi", "infty", "leq", "geq", "neq", "cup", "pm"];
    name.len() >= 2
        && (NOTHING.contains(&name)
            || TEXTS.contains(&name)
            || GREEK.contains(&name)
            || others.contains(&name)
            || OTHER_NAMES.iter().any(|(other, _)| *other == name)
            || super::names::is_function(name))
}
