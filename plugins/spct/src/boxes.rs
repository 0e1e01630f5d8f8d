//! Finds boxes in a text: `\boxed{...}`.

/// A box, whole or cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    /// Where the box begins in the text, as a byte offset; its backslash is part of it.
    pub start: usize,
    /// Where the text goes on after the box.
    pub end: usize,
    /// What stands in it. Up to the next box, or the end of the text, for one that is never closed.
    pub content: &'a str,
    pub closed: bool,
}

const WORD: &str = "boxed";

/// Every box in the text, in order. One without its backslash (`boxed{8, 5}`) is a box only where none has it. A box
/// inside an unclosed or another box ends that one. Takes time linear in the length of the text.
pub(crate) fn boxes(text: &str) -> Vec<Found<'_>> {
    let openings: Vec<Opening> = text.match_indices(WORD).filter_map(|(at, _)| opening(text, at)).collect();
    let any_escaped = openings.iter().any(|opening| opening.escaped);
    let mut openings = openings.into_iter().filter(|opening| opening.escaped == any_escaped).peekable();
    let mut boxes = Vec::new();
    while let Some(opening) = openings.next() {
        let limit = openings.peek().map_or(text.len(), |next| next.start);
        let inside = text.get(opening.content..limit).unwrap_or_default();
        boxes.push(match closing_brace(inside) {
            Some(length) => Found {
                start: opening.start,
                end: opening.content + length + 1,
                content: inside.get(..length).unwrap_or_default(),
                closed: true,
            },
            None => Found { start: opening.start, end: limit, content: inside, closed: false },
        });
    }
    boxes
}

struct Opening {
    start: usize,
    content: usize,
    escaped: bool,
}

/// The opening of a box whose word stands at `at`: backslashes before it, perhaps white space and a backslash between
/// it and its brace.
fn opening(text: &str, at: usize) -> Option<Opening> {
    let before = text.get(..at)?;
    let start = before.trim_end_matches('\\').len();
    let escaped = start < at;
    if !escaped && before.ends_with(|char: char| char.is_alphanumeric()) {
        return None;
    }
    let after = text.get(at + WORD.len()..)?;
    let brace = after.trim_start();
    let inside = brace.strip_prefix('\\').unwrap_or(brace).strip_prefix('{')?;
    Some(Opening { start, content: text.len() - inside.len(), escaped })
}

/// The length of the content before the brace that closes it. Escaped braces (`\{`) count as braces too: models that
/// escape one escape both.
fn closing_brace(inside: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}
