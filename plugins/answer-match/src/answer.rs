//! Answers: expressions, and what is made of several of them.

mod relation;

use crate::read::token::{self, Commas, Token};
use crate::read::{Reader, Unreadable};
use crate::text;
use crate::unit;
use crate::value::expression::Expression;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it is said to be the value of, as text: the `x` of `x = 3`.
    pub name: Option<String>,
    /// The answer by itself.
    pub item: Item,
    /// The unit behind it, in one writing; `%` and `°` are units.
    pub unit: Option<String>,
}

/// What an answer may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A value.
    Expression(Expression),
    /// Several answers without brackets around them.
    List(Vec<Answer>),
    /// A set in braces; the empty one, too.
    Set(Vec<Answer>),
    /// A tuple, or an interval, with the brackets as they stand.
    Bracket(char, char, Vec<Answer>),
    /// A union of sets and intervals.
    Union(Vec<Answer>),
    /// A set without what is in another.
    Except(Box<Answer>, Box<Answer>),
    /// An equation, an inequality, or a chain of them.
    Relation(Box<Answer>, Vec<(Relation, Answer)>),
    /// Rows of a matrix.
    Matrix(Vec<Vec<Expression>>),
    /// Numbers in a ratio.
    Ratio(Vec<Expression>),
    /// An option's letter, and what stands with it.
    Choice(char, String),
    /// Anything else, in one writing.
    Words(String),
}

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

    fn of(token: &Token) -> Option<Self> {
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

impl Answer {
    pub(crate) fn of(item: Item) -> Self {
        Answer { name: None, item, unit: None }
    }

    pub(crate) fn value(expression: Expression) -> Self {
        Self::of(Item::Expression(expression))
    }
}

/// Most answers in a list, and parts of one.
const MOST_ITEMS: usize = 200;

/// The longest text that is taken apart, in bytes. Longer ones are texts.
pub(crate) const LONGEST: usize = 8_192;

/// Every way to read a text, or the likeliest alone, which is the first; they differ in what a comma between digits means. None is left out:
/// what cannot be read is [`Item::Words`].
pub(crate) fn readings(text: &str, only_first: bool) -> Vec<Answer> {
    let words = || match text::normal(text) {
        // Nothing but signs.
        plain if plain.is_empty() => Answer::of(Item::Words(text.trim().to_owned())),
        plain => Answer::of(Item::Words(plain)),
    };
    if text.len() > LONGEST {
        return vec![words()];
    }
    if let Some(choice) = text::choice(text) {
        return vec![Answer::of(choice)];
    }
    let modes: &[Commas] = match has_comma_between_digits(text) {
        true => &[Commas::Group, Commas::Separate, Commas::Point],
        false => &[Commas::Group],
    };
    let mut readings: Vec<Answer> = Vec::new();
    let plain = !text.contains(['\\', '$', '^', '_']);
    let letters: &[Letters] = match plain && text.chars().any(char::is_alphabetic) {
        true => &[Letters::Units, Letters::Factors],
        false => &[Letters::Factors],
    };
    for mode in modes {
        if *mode == Commas::Point && !is_decimal_comma(text) {
            continue;
        }
        // `5m` is a length, or five times m.
        for letters in letters {
            if let Ok(answer) = read(text, *mode, plain, *letters)
                && !readings.contains(&answer)
            {
                readings.push(answer);
                if only_first {
                    return readings;
                }
            }
        }
    }
    if readings.is_empty() {
        readings.push(words());
    }
    readings
}

fn has_comma_between_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(3).any(|three| matches!(three, [a, b',', c] if a.is_ascii_digit() && c.is_ascii_digit()))
}

/// Whether the only comma of a number can be its decimal point: `1,5`, `0,111`, `1.234,5`, but not `1,234`.
fn is_decimal_comma(text: &str) -> bool {
    let trimmed = text.trim();
    let inside = trimmed.strip_prefix('$').unwrap_or(trimmed);
    if text.contains(['(', '[', '{', ';']) || text.contains(", ") || text.matches(',').count() != 1 {
        return false;
    }
    let Some((before, after)) = inside.split_once(',') else { return false };
    let digits_after = after.bytes().take_while(u8::is_ascii_digit).count();
    let digits_before = before.bytes().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let leading = before.len() - digits_before;
    let zero = before.get(leading..) == Some("0");
    let grouped = before
        .get(..leading)
        .is_some_and(|rest| rest.ends_with(['.', ' ']) && rest.bytes().any(|b| b.is_ascii_digit()));
    digits_after != 3 || zero || digits_before > 3 || grouped
}

fn read(text: &str, commas: Commas, plain: bool, letters: Letters) -> Result<Answer, Unreadable> {
    let tokens = token::tokens(text, commas)?;
    Context { plain: plain && letters == Letters::Units }.list(trimmed(&tokens), 0)
}

/// What a letter behind a number is, where it could be both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    Units,
    Factors,
}

struct Context {
    plain: bool,
}

fn trimmed(mut tokens: &[Token]) -> &[Token] {
    loop {
        tokens = match tokens {
            [Token::Space(_), rest @ ..] => rest,
            [rest @ .., Token::Space(_)] => rest,
            // The end of a sentence.
            [rest @ .., Token::Sign('.' | ',' | ';' | ':')] => rest,
            _ => return tokens,
        };
    }
}

/// The parts between the signs at which `cut` says so, outside of brackets of all kinds.
fn split(tokens: &[Token], cut: impl Fn(&Token) -> bool) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (at, token) in tokens.iter().enumerate() {
        match nesting(token) {
            0 if depth == 0 && cut(token) => {
                parts.push(tokens.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            change => depth = (depth + change).max(0),
        }
    }
    parts.push(tokens.get(start..).unwrap_or_default());
    parts
}

fn nesting(token: &Token) -> i32 {
    match token {
        Token::Sign('(' | '[' | '{') | Token::Begin(_) => 1,
        Token::Sign(')' | ']' | '}') | Token::End(_) => -1,
        Token::Command(name) if name == "{" => 1,
        Token::Command(name) if name == "}" => -1,
        Token::Command(name) if name == "lfloor" || name == "lceil" => 1,
        Token::Command(name) if name == "rfloor" || name == "rceil" => -1,
        _ => 0,
    }
}

/// What stands between a first and a last sign that belong together.
fn enclosed(tokens: &[Token], open: impl Fn(&Token) -> bool, close: impl Fn(&Token) -> bool) -> Option<&[Token]> {
    let [first, inside @ .., last] = tokens else { return None };
    if !open(first) || !close(last) {
        return None;
    }
    let mut depth = 0_i32;
    for token in inside {
        depth += nesting(token);
        if depth < 0 {
            return None;
        }
    }
    (depth == 0).then_some(inside)
}

fn is_conjunction(token: &Token) -> bool {
    match token {
        Token::Text(word) | Token::Word(word) => {
            let word = word.trim_matches([',', ' ']).to_lowercase();
            ["and", "or", "und", "oder", "和", "或", "&"].contains(&word.as_str())
        }
        Token::Command(name) => name == "lor" || name == "land" || name == "vee" || name == "wedge",
        _ => false,
    }
}

fn command<'a>(name: &'a str) -> impl Fn(&Token) -> bool + 'a {
    move |token| matches!(token, Token::Command(other) if other == name)
}

fn sign(sign: char) -> impl Fn(&Token) -> bool {
    move |token| matches!(token, Token::Sign(other) if *other == sign)
}

impl Context {
    /// One answer, or several with signs between them.
    fn list(&self, tokens: &[Token], depth: u32) -> Result<Answer, Unreadable> {
        if depth > 12 || tokens.is_empty() {
            return Err(Unreadable);
        }
        let tokens = trimmed(tokens);
        if let Some(inside) = enclosed(tokens, sign('{'), sign('}')) {
            return self.list(inside, depth + 1);
        }
        if let Some(rows) = self.system(tokens) {
            return self.several(&rows, depth);
        }
        // What separates less stands further in.
        for separates in
            [&sign(';') as &dyn Fn(&Token) -> bool, &is_conjunction, &sign(','), &|token: &Token| *token == Token::Row]
        {
            let parts = split(tokens, separates);
            let parts: Vec<&[Token]> = parts.into_iter().map(trimmed).filter(|part| !part.is_empty()).collect();
            if parts.len() > 1 {
                let list = self.several(&parts, depth)?;
                // `1, 2 and 3` is one list; `1, 2; 3, 4` are two.
                let flat = separates(&Token::Text("and".into()));
                return Ok(if flat { flattened(list) } else { list });
            }
            if let [part] = parts[..]
                && part.len() < tokens.len()
                && separates(&Token::Sign(','))
            {
                return self.list(part, depth + 1);
            }
        }
        self.item(tokens, depth)
    }

    fn several(&self, parts: &[&[Token]], depth: u32) -> Result<Answer, Unreadable> {
        if parts.len() > MOST_ITEMS {
            return Err(Unreadable);
        }
        let items: Vec<Answer> = parts.iter().map(|part| self.list(part, depth + 1)).collect::<Result<_, _>>()?;
        // `a = 4, -8`: the name holds on.
        Ok(Answer::of(Item::List(items)))
    }

    /// The rows of `\begin{cases}` and of what stands behind a lone brace.
    fn system<'a>(&self, tokens: &'a [Token]) -> Option<Vec<&'a [Token]>> {
        let tokens = match tokens {
            [Token::Command(brace), rest @ ..] if brace == "{" && !rest.iter().any(command("}")) => trimmed(rest),
            [Token::Begin(name), ..] if ["cases", "aligned", "align", "gathered"].contains(&name.as_str()) => tokens,
            _ => return None,
        };
        let inside = enclosed(tokens, |t| matches!(t, Token::Begin(_)), |t| matches!(t, Token::End(_)))?;
        let rows: Vec<&[Token]> = split(inside, |token| *token == Token::Row);
        // The sign that aligns them separates nothing.
        let rows: Vec<&[Token]> = rows.into_iter().map(trimmed).filter(|row| !row.is_empty()).collect();
        (!rows.is_empty() && rows.iter().all(|row| !row.contains(&Token::Sign('&')))).then_some(rows)
    }

    fn item(&self, tokens: &[Token], depth: u32) -> Result<Answer, Unreadable> {
        if depth > 12 {
            return Err(Unreadable);
        }
        let related = self.relation(tokens, depth)?;
        if let Some(answer) = related {
            return Ok(answer);
        }
        if tokens.len() == 1 && command("emptyset")(tokens.first().ok_or(Unreadable)?) {
            return Ok(Answer::of(Item::Set(Vec::new())));
        }
        let parts = split(tokens, command("cup"));
        if parts.len() > 1 {
            let parts = parts.into_iter().map(|part| self.list(trimmed(part), depth + 1)).collect::<Result<_, _>>()?;
            return Ok(Answer::of(Item::Union(parts)));
        }
        let parts = split(tokens, |token| command("setminus")(token) || command("backslash")(token));
        if let [whole, without] = parts[..] {
            let whole = self.list(trimmed(whole), depth + 1)?;
            let without = self.list(trimmed(without), depth + 1)?;
            return Ok(Answer::of(Item::Except(Box::new(whole), Box::new(without))));
        }
        if let Some(inside) = enclosed(tokens, command("{"), command("}")) {
            return self.set(trimmed(inside), depth);
        }
        if let Some(bracket) = self.bracket(tokens, depth)? {
            return Ok(bracket);
        }
        if tokens.iter().any(|token| matches!(token, Token::Begin(_))) {
            return crate::matrix::read(tokens, self.plain).map(|rows| Answer::of(Item::Matrix(rows)));
        }
        let parts = split(tokens, sign(':'));
        if parts.len() > 1 {
            let parts = parts.into_iter().map(|part| self.expression(trimmed(part))).collect::<Result<_, _>>()?;
            return Ok(Answer::of(Item::Ratio(parts)));
        }
        self.quantity(tokens)
    }

    fn set(&self, inside: &[Token], depth: u32) -> Result<Answer, Unreadable> {
        if inside.is_empty() {
            return Ok(Answer::of(Item::Set(Vec::new())));
        }
        // `\{x \mid x > 2\}` is what its condition says.
        let parts = split(inside, |token| sign('|')(token) || sign(':')(token));
        if let [element, condition] = parts[..]
            && condition.iter().any(|token| Relation::of(token).is_some())
        {
            let element = split(element, command("in"));
            let element = self.expression(trimmed(element.first().copied().ok_or(Unreadable)?))?;
            if matches!(element, Expression::Variable(_)) {
                return self.list(trimmed(condition), depth + 1);
            }
            return Err(Unreadable);
        }
        let list = self.list(inside, depth + 1)?;
        Ok(Answer::of(Item::Set(match list.item {
            Item::List(items) if list.name.is_none() => items,
            _ => vec![list],
        })))
    }

    /// `(1, 2)`, `[0, 1)`, `]0, 1[`.
    fn bracket(&self, tokens: &[Token], depth: u32) -> Result<Option<Answer>, Unreadable> {
        let (Some(Token::Sign(open)), Some(Token::Sign(close))) = (tokens.first(), tokens.last()) else {
            return Ok(None);
        };
        if !"([]".contains(*open) || !")][".contains(*close) || tokens.len() < 4 {
            return Ok(None);
        }
        let Some(inside) = tokens.get(1..tokens.len() - 1) else { return Ok(None) };
        let mut depth_within = 0_i32;
        for token in inside {
            depth_within += nesting(token);
            if depth_within < 0 {
                return Ok(None);
            }
        }
        if depth_within != 0 {
            return Ok(None);
        }
        let semicolons = split(inside, sign(';'));
        let parts = if semicolons.len() > 1 { semicolons } else { split(inside, sign(',')) };
        if parts.len() < 2 || parts.len() > MOST_ITEMS {
            return Ok(None);
        }
        let items = parts.into_iter().map(|part| self.list(trimmed(part), depth + 1)).collect::<Result<_, _>>()?;
        let open = if *open == ']' { '(' } else { *open };
        let close = if *close == '[' { ')' } else { *close };
        Ok(Some(Answer::of(Item::Bracket(open, close, items))))
    }

    fn expression(&self, tokens: &[Token]) -> Result<Expression, Unreadable> {
        let mut reader = Reader::new(tokens, self.plain);
        let expression = reader.expression()?;
        if trimmed(reader.rest()).is_empty() { Ok(expression) } else { Err(Unreadable) }
    }

    /// A value with its unit, if any.
    fn quantity(&self, tokens: &[Token]) -> Result<Answer, Unreadable> {
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
        let mut text = String::new();
        for token in tokens {
            match token {
                Token::Text(word) | Token::Word(word) | Token::Letter(word) => text.push_str(word),
                Token::Number(digits, 0) if text.ends_with('^') || text.ends_with("^{") => text.push_str(digits),
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

fn flattened(list: Answer) -> Answer {
    let Item::List(items) = list.item else { return list };
    let flat = items.into_iter().flat_map(|answer| match answer.item {
        Item::List(inner) if answer.name.is_none() => inner,
        item => vec![Answer { item, ..answer }],
    });
    Answer::of(Item::List(flat.collect()))
}
