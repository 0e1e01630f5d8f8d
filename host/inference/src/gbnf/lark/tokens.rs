//! The tokens of a Lark grammar.

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LarkToken {
    Name(String),
    Text {
        text: String,
        ignores_case: bool,
    },
    Regex {
        pattern: String,
        flags: String,
    },
    Number(u32),
    /// Two dots.
    Dots,
    Sign(char),
    /// The end of a line that has anything on it.
    Line,
}

/// A grammar's tokens, read from the front.
pub(super) struct Tokens {
    tokens: Vec<(usize, LarkToken)>,
    at: usize,
    /// Open groups, within which lines go on.
    open: usize,
}

impl Tokens {
    pub(super) fn new(grammar: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        for (number, line) in grammar.lines().enumerate() {
            tokenize(line, number + 1, &mut tokens)?;
            tokens.push((number + 1, LarkToken::Line));
        }
        Ok(Self { tokens, at: 0, open: 0 })
    }

    /// The line of the token that is next.
    pub(super) fn line(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(line, _)| *line)
    }

    pub(super) fn peek(&mut self) -> Option<&LarkToken> {
        if self.open > 0 {
            self.skip_lines();
        }
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    pub(super) fn next(&mut self) -> Option<LarkToken> {
        let token = self.peek().cloned();
        self.at += usize::from(token.is_some());
        token
    }

    pub(super) fn is(&mut self, token: &LarkToken) -> bool {
        self.peek() == Some(token)
    }

    pub(super) fn take(&mut self, token: &LarkToken) -> bool {
        let is = self.is(token);
        self.at += usize::from(is);
        is
    }

    /// Takes the sign that opens a group.
    pub(super) fn open(&mut self) {
        self.at += 1;
        self.open += 1;
    }

    /// Takes the sign that closes the latest group.
    pub(super) fn close(&mut self, sign: char) -> bool {
        let is = self.take(&LarkToken::Sign(sign));
        self.open -= usize::from(is);
        is
    }

    /// Goes past ends of lines; returns whether anything follows.
    pub(super) fn skip_lines(&mut self) -> bool {
        while matches!(self.tokens.get(self.at), Some((_, LarkToken::Line))) {
            self.at += 1;
        }
        self.at < self.tokens.len()
    }

    /// Takes the sign before another alternative, which may begin a line.
    pub(super) fn takes_alternative(&mut self) -> bool {
        let at = self.at;
        self.skip_lines();
        let takes = self.take(&LarkToken::Sign('|'));
        if !takes {
            self.at = at;
        }
        takes
    }

    pub(super) fn ends_rule(&self) -> bool {
        matches!(self.tokens.get(self.at), None | Some((_, LarkToken::Line)))
    }
}

fn tokenize(line: &str, number: usize, tokens: &mut Vec<(usize, LarkToken)>) -> Result<(), String> {
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '/' if rest.starts_with("//") => return Ok(()),
            '/' => regex(&mut rest, number)?,
            '"' => text(&mut rest, number)?,
            '.' if rest.starts_with("..") => {
                rest = rest.trim_start_matches('.');
                LarkToken::Dots
            }
            'a'..='z' | 'A'..='Z' | '_' => LarkToken::Name(taken(&mut rest, |c| c.is_ascii_alphanumeric() || c == '_')),
            '0'..='9' => {
                let digits = taken(&mut rest, |c| c.is_ascii_digit());
                LarkToken::Number(
                    digits.parse().map_err(|_| format!("line {number}: `{digits}` is too large a count"))?,
                )
            }
            '%' => {
                let directive = taken(&mut rest, |c| !c.is_whitespace());
                return Err(format!("line {number}: `{directive}` has no counterpart in GBNF"));
            }
            ':' | '|' | '(' | ')' | '[' | ']' | '{' | '}' | '?' | '*' | '+' | '~' | ',' | '!' | '.' => {
                rest = rest.get(1..).unwrap_or_default();
                LarkToken::Sign(first)
            }
            other => return Err(format!("line {number}: `{other}` has no counterpart in GBNF")),
        };
        tokens.push((number, token));
        rest = rest.trim_start();
    }
    Ok(())
}

/// Takes the characters at the front that fit.
fn taken(rest: &mut &str, fits: impl Fn(char) -> bool) -> String {
    let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
    let (taken, left) = rest.split_at(end);
    *rest = left;
    taken.to_owned()
}

/// What stands between two equal signs, escapes as they are, and the letters after it.
fn delimited<'a>(rest: &mut &'a str, number: usize) -> Result<(&'a str, String), String> {
    let whole = *rest;
    let mut chars = whole.char_indices();
    let open = chars.next().map(|(_, open)| open);
    let mut escaped = false;
    for (at, char) in chars {
        if Some(char) == open && !escaped {
            let (inner, after) = (whole.get(1..at), whole.get(at + 1..));
            *rest = after.unwrap_or_default();
            let flags = taken(rest, |c| c.is_ascii_lowercase());
            return Ok((inner.unwrap_or_default(), flags));
        }
        escaped = char == '\\' && !escaped;
    }
    Err(format!("line {number}: the text has no end"))
}

fn regex(rest: &mut &str, number: usize) -> Result<LarkToken, String> {
    let (inner, flags) = delimited(rest, number)?;
    if flags.chars().any(|flag| !"imsx".contains(flag)) {
        return Err(format!("line {number}: expected the flags i, m, s or x, found `{flags}`"));
    }
    Ok(LarkToken::Regex { pattern: inner.replace("\\/", "/"), flags })
}

fn text(rest: &mut &str, number: usize) -> Result<LarkToken, String> {
    let (inner, flags) = delimited(rest, number)?;
    let ignores_case = match flags.as_str() {
        "" => false,
        "i" => true,
        other => return Err(format!("line {number}: expected the flag i, found `{other}`")),
    };
    // The escapes of JSON, which are those that Lark's texts are written with.
    let text = serde_json::from_str(&format!("\"{inner}\"")).map_err(|error| format!("line {number}: {error}"))?;
    Ok(LarkToken::Text { text, ignores_case })
}
