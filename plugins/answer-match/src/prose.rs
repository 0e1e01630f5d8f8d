//! Expressions in sentences.

use crate::read::names;
use crate::unit;

/// The last expression of a text: between signs of mathematics (`$…$`, `\(…\)`, `\[…\]`), or a run of numbers, letters and
/// signs that stands by itself. Never a piece of one: not the 2 of `H2O`, the 9 of `9\pi`, nor a part of `1.2.3`.
///
/// It is looked for in the last [`TAIL`] bytes: whoever has said nothing for so long has said no answer.
pub(crate) fn last_expression(text: &str) -> Option<&str> {
    let start = text.len().saturating_sub(TAIL);
    // From the next word on, so that nothing begins in the middle of an expression.
    let start = match start {
        0 => 0,
        start => start + text.as_bytes().get(start..)?.iter().position(u8::is_ascii_whitespace)?,
    };
    expressions(text.get(start..)?).pop()
}

const TAIL: usize = 16_384;

/// The first one.
pub(crate) fn first_expression(text: &str) -> Option<&str> {
    expressions(text).into_iter().next()
}

/// Where the mathematics of a text begins and ends by its signs.
fn marked(text: &str) -> Vec<(usize, usize, usize, usize)> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(found) = rest.find(['$', '\\']) else { break };
        let start = at + found;
        let rest = text.get(start..).unwrap_or_default();
        let closes = [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")];
        let Some((open, close)) = closes.into_iter().find(|(open, _)| rest.starts_with(open)) else {
            // Any other command.
            at = start + 1 + usize::from(rest.starts_with('\\') && rest.get(1..2).is_some());
            continue;
        };
        let inside = rest.get(open.len()..).unwrap_or_default();
        // An expression is on one line, or on few.
        let end = inside.find(close).filter(|end| *end > 0 && *end < 2_000);
        match end {
            Some(end) if open != "$" || is_mathematics(inside.get(..end).unwrap_or_default()) => {
                spans.push((
                    start,
                    start + open.len(),
                    start + open.len() + end,
                    start + open.len() + end + close.len(),
                ));
                at = start + open.len() + end + close.len();
            }
            _ => at = start + open.len(),
        }
    }
    spans
}

/// Whether what stands between two dollar signs is no prose: `$5 and $6`.
fn is_mathematics(text: &str) -> bool {
    let mut words = 0;
    for word in text.split(|char: char| !char.is_alphabetic() && char != '\\') {
        words += usize::from(word.len() > 3 && !word.contains('\\') && !names::is_function(word));
    }
    text.contains('\\') || words == 0
}

fn expressions(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    for (start, inside_start, inside_end, end) in marked(text) {
        runs(text, at, start, &mut found);
        let inside = text.get(inside_start..inside_end).unwrap_or_default().trim();
        if !inside.is_empty() {
            // `$28$ %`
            let behind = text.get(end..).unwrap_or_default();
            let spaces = behind.len() - behind.trim_start_matches(' ').len();
            let percent =
                ["%", "\\%", "percent"].iter().find(|word| behind.trim_start_matches(' ').starts_with(**word));
            match percent {
                Some(word) => found.extend(text.get(inside_start..end + spaces + word.len())),
                None => found.push(inside),
            }
        }
        at = end;
    }
    runs(text, at, text.len(), &mut found);
    found
}

/// A piece of plain text: what can stand in a run of mathematics, and what ends one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Number,
    Letter,
    /// A function, a constant, a command.
    Name,
    /// A unit or a currency: it may end a run.
    Unit,
    Operator,
    Open,
    Close,
    Space,
    Comma,
    /// A word, or a letter that belongs to one.
    Other,
}

/// The runs of mathematics in plain text between two places.
fn runs<'a>(text: &'a str, from: usize, to: usize, found: &mut Vec<&'a str>) {
    let Some(part) = text.get(from..to) else { return };
    let mut pieces: Vec<(Piece, usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(rest) = part.get(at..).filter(|rest| !rest.is_empty()) {
        let (piece, length) = piece(rest, pieces.last().map(|last| last.0));
        pieces.push((piece, at, at + length));
        at += length;
    }
    let mut start = None;
    for position in 0..=pieces.len() {
        let piece = pieces.get(position).map(|piece| piece.0);
        let next = pieces.get(position + 1).map(|piece| piece.0);
        let belongs = match piece {
            None | Some(Piece::Other) => false,
            // A comma with a number on both sides, and no space: `1,234`. Lists are written in brackets or in mathematics.
            Some(Piece::Comma) => next == Some(Piece::Number),
            Some(_) => true,
        };
        match (belongs, start) {
            (true, None) => start = Some(position),
            (false, Some(first)) => {
                if let Some(run) = run(part, pieces.get(first..position).unwrap_or_default()) {
                    found.push(run);
                }
                start = None;
            }
            _ => {}
        }
    }
}

/// What of a run is an expression: from its first number, letter or name to its last sign, with a unit behind it.
fn run<'a>(text: &'a str, pieces: &[(Piece, usize, usize)]) -> Option<&'a str> {
    // Units and spaces at the front, operators that relate nothing.
    let first = pieces.iter().enumerate().position(|(at, (piece, start, end))| match piece {
        Piece::Number | Piece::Letter | Piece::Name | Piece::Open => true,
        Piece::Operator => {
            let sign = text.get(*start..*end).is_some_and(|sign| ["-", "+", "\u{2212}", "±", "|"].contains(&sign));
            sign && pieces.get(at + 1).is_some_and(|next| !matches!(next.0, Piece::Space | Piece::Operator))
        }
        Piece::Unit => text.get(*start..*end).is_some_and(|unit| ["$", "\\$", "€", "£", "¥", "₹"].contains(&unit)),
        _ => false,
    })?;
    let mut pieces = pieces.get(first..)?;
    while let [rest @ .., (last, start, end)] = pieces {
        let dangling = match last {
            Piece::Space | Piece::Open | Piece::Comma => true,
            Piece::Operator => {
                !text.get(*start..*end).is_some_and(|sign| is_superscript(sign) || ["!", "%", "|", "°"].contains(&sign))
            }
            _ => false,
        };
        if !dangling {
            break;
        }
        pieces = rest;
    }
    // A bracket that closes nothing ends the run before it: `(see 3)` and `the side (5 cm)`.
    let change = |piece: &(Piece, usize, usize)| match piece.0 {
        Piece::Open => 1_i32,
        Piece::Close => -1,
        _ => 0,
    };
    let mut balance: i32 = pieces.iter().map(change).sum();
    while balance < 0 {
        let [rest @ .., last] = pieces else { break };
        balance -= change(last);
        pieces = rest;
    }
    while balance > 0 {
        let [first, rest @ ..] = pieces else { break };
        balance -= change(first);
        pieces = rest;
    }
    let says = pieces.iter().any(|(piece, ..)| *piece == Piece::Number || *piece == Piece::Name);
    let (_, start, _) = pieces.first()?;
    let (_, _, end) = pieces.last()?;
    text.get(*start..*end).map(str::trim).filter(|run| says && !run.is_empty())
}

fn is_superscript(sign: &str) -> bool {
    ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"].contains(&sign)
}

fn piece(rest: &str, before: Option<Piece>) -> (Piece, usize) {
    let Some(char) = rest.chars().next() else { return (Piece::Other, 0) };
    let length = char.len_utf8();
    let letters = || rest.chars().take_while(|next| next.is_alphabetic()).map(char::len_utf8).sum::<usize>();
    match char {
        '\\' => {
            let name = rest.get(1..).map_or(0, |after| after.bytes().take_while(u8::is_ascii_alphabetic).count());
            match (name, rest.get(1..2)) {
                (0, Some("%")) => (Piece::Operator, 2),
                (0, Some("$")) => (Piece::Unit, 2),
                (0, Some("," | ";" | "!" | ":" | " ")) => (Piece::Space, 2),
                (0, _) => (Piece::Other, 1),
                (name, _) => {
                    let command = rest.get(1..=name).unwrap_or_default();
                    let operator = [
                        "times", "cdot", "div", "pm", "mp", "leq", "geq", "neq", "le", "ge", "ne", "approx", "cup",
                        "in",
                    ];
                    if operator.contains(&command) { (Piece::Operator, 1 + name) } else { (Piece::Name, 1 + name) }
                }
            }
        }
        '$' | '€' | '£' | '¥' | '₹' => (Piece::Unit, length),
        'π' | '√' | '∞' | '½' | '¼' | '¾' => (Piece::Name, length),
        '0'..='9' | '.'
            if char != '.' || rest.get(1..2).is_some_and(|next| next.bytes().all(|b| b.is_ascii_digit())) =>
        {
            let run = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
            let mut end = run(rest);
            let mut points = 0;
            while let Some(after) = rest.get(end..).and_then(|rest| rest.strip_prefix('.'))
                && run(after) > 0
            {
                end += 1 + run(after);
                points += 1;
            }
            // Digits of a word: `H2O`, `x2`.
            let in_word = before == Some(Piece::Other) && !rest.is_empty();
            let exponent = rest.get(end..).and_then(|rest| rest.strip_prefix(['e', 'E'])).map(|after| {
                let sign = usize::from(after.starts_with(['+', '-']));
                let digits = after.get(sign..).map_or(0, run);
                if digits > 0 { 1 + sign + digits } else { 0 }
            });
            end += exponent.unwrap_or(0);
            if points > 1 || in_word { (Piece::Other, end) } else { (Piece::Number, end) }
        }
        ' ' | '\t' | '\u{a0}' => (Piece::Space, length),
        '+'
        | '-'
        | '*'
        | '/'
        | '^'
        | '='
        | '<'
        | '>'
        | '!'
        | '%'
        | '|'
        | '\u{2212}'
        | '×'
        | '·'
        | '÷'
        | '±'
        | '≤'
        | '≥'
        | '≠'
        | '≈'
        | '°'
        | '²'
        | '³'
        | '⁰'
        | '¹'
        | '⁴'..='⁹'
        | '⁻'
        | '_' => (Piece::Operator, length),
        // `9{,}500`
        '{' if rest.starts_with("{,}") => (Piece::Comma, 3),
        '(' | '[' | '{' => (Piece::Open, length),
        ')' | ']' | '}' => (Piece::Close, length),
        ',' => (Piece::Comma, length),
        _ if char.is_alphabetic() => {
            let end = letters();
            let word = rest.get(..end).unwrap_or_default();
            let digit_behind = rest.get(end..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            let after_number = matches!(before, Some(Piece::Number | Piece::Space | Piece::Close | Piece::Name));
            let known = names::is_function(word) || ["pi", "sqrt", "infinity", "percent"].contains(&word);
            let single = word.chars().count() == 1;
            let piece = match () {
                // `x2` is a word; `x^2` is none.
                () if digit_behind && !known => Piece::Other,
                // The s of `it's`.
                () if before == Some(Piece::Other) && !known => Piece::Other,
                () if known => Piece::Name,
                () if after_number && (unit::is_known(word) || (single && unit::is_letter(word))) => Piece::Unit,
                () if single && !["a", "A", "I"].contains(&word) => Piece::Letter,
                // `2ab`
                () if before == Some(Piece::Number) && word.len() <= 2 => Piece::Letter,
                () => Piece::Other,
            };
            (piece, end)
        }
        _ => (Piece::Other, length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_expression_stands_by_itself() {
        for (text, last) in [
            ("It is 41, no, 42.", Some("42")),
            ("so $1,234.50 it is", Some("$1,234.50")),
            ("that gives -3", Some("-3")),
            (r"hence $\frac{3}{4}$.", Some(r"\frac{3}{4}")),
            ("5 cm long", Some("5 cm")),
            ("5cm long", Some("5cm")),
            ("3 of H2O", Some("3")),
            ("7 for version 1.2.3", Some("7")),
            ("about 75%.", Some("75%")),
            ("(7)", Some("(7)")),
            ("x = .5", Some("x = .5")),
            ("10-3", Some("10-3")),
            ("The probability is 1 / 2.", Some("1 / 2")),
            ("It takes 5e3 J.", Some("5e3 J")),
            (r"The area is $9\pi$.", Some(r"9\pi")),
            ("The side is √5.", Some("√5")),
            ("the side (5 cm)", Some("(5 cm)")),
            ("He paid $5 and she paid $6 for it", Some("$6")),
            (r"so \(x^2\) and \[ y \]", Some("y")),
            ("It is 9π cm", Some("9π cm")),
            ("That makes 9{,}500.", Some("9{,}500")),
            ("It takes 5·10⁴ J.", Some("5·10⁴ J")),
            ("It takes 5 x 10^3 J", Some("5 x 10^3 J")),
            ("none here", None),
            ("", None),
        ] {
            assert_eq!(last_expression(text), last, "{text}");
        }
    }
}
