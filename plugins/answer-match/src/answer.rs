//! Answers: expressions, and what is made of several of them.

mod quantity;
mod relation;

use crate::read::token::{self, Commas, Token};
use crate::read::{Reader, Unreadable};
use crate::text;
use crate::value::expression::Expression;

pub use relation::Relation;

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
    // A power of ten makes no formula of `5 x 10^3 J`.
    let plain = !text.contains(['\\', '$', '_']) && !text.replace("10^", "").contains('^');
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
            let rows: Vec<&[Token]> = rows.iter().map(Vec::as_slice).collect();
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
    fn system(&self, tokens: &[Token]) -> Option<Vec<Vec<Token>>> {
        let (tokens, brace) = match tokens {
            [Token::Command(brace), rest @ ..] if brace == "{" && !rest.iter().any(command("}")) => {
                (trimmed(rest), true)
            }
            _ => (tokens, false),
        };
        let Some(Token::Begin(name)) = tokens.first() else { return None };
        let is_aligned = ["aligned", "align", "gathered", "split", "alignedat"].contains(&name.as_str());
        if !brace && !is_aligned && name != "cases" && name != "dcases" {
            return None;
        }
        let inside = enclosed(tokens, |t| matches!(t, Token::Begin(_)), |t| matches!(t, Token::End(_)))?;
        let rows = split(inside, |token| *token == Token::Row).into_iter().map(|row| unaligned(row, is_aligned));
        let rows: Vec<Vec<Token>> = rows.map(|row| trimmed(&row).to_vec()).filter(|row| !row.is_empty()).collect();
        // Elsewhere that sign separates a value from its condition.
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
}

/// A row without the signs that only align it: all, or those beside a relation.
fn unaligned(row: &[Token], is_aligned: bool) -> Vec<Token> {
    let is_blank = |token: &&Token| matches!(token, Token::Space(_) | Token::Sign('&'));
    let relates = |token: Option<&Token>| token.is_some_and(|token| Relation::of(token).is_some());
    let mut kept = Vec::with_capacity(row.len());
    for (at, token) in row.iter().enumerate() {
        let (before, after) = row.split_at(at);
        let aligns = || {
            is_aligned
                || relates(after.iter().find(|token| !is_blank(token)))
                || relates(before.iter().rev().find(|token| !is_blank(token)))
        };
        if *token != Token::Sign('&') || !aligns() {
            kept.push(token.clone());
        }
    }
    kept
}

fn flattened(list: Answer) -> Answer {
    let Item::List(items) = list.item else { return list };
    let flat = items.into_iter().flat_map(|answer| match answer.item {
        Item::List(inner) if answer.name.is_none() => inner,
        item => vec![Answer { item, ..answer }],
    });
    Answer::of(Item::List(flat.collect()))
}
