//! What a template writes around the turns of a conversation, found by rendering a conversation of sentinels.

use super::template::{ChatTemplate, DATE};
use crate::ask::Turn;

/// The turns of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TurnOutline {
    /// Whether a system turn comes first.
    pub(super) system: bool,
    /// Pairs of user and assistant turns, at least 1.
    pub(super) exchanges: usize,
    /// Whether the text ends with the generation prompt, the last assistant turn being still to come.
    pub(super) generation: bool,
}

impl TurnOutline {
    /// The roles of its turns, in order.
    pub(super) fn roles(self) -> Vec<&'static str> {
        let mut roles = Vec::with_capacity(2 * self.exchanges + 1);
        roles.extend(self.system.then_some("system"));
        for _ in 0..self.exchanges {
            roles.extend(["user", "assistant"]);
        }
        if self.generation {
            roles.pop();
        }
        roles
    }
}

/// The text around the turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TemplateShape {
    pub(super) roles: Vec<&'static str>,
    /// The texts before the first turn, between turns, and after the last one: one more than there are turns.
    pub(super) pieces: Vec<String>,
}

impl TemplateShape {
    /// Returns `None` if the template does not render such a conversation, or not so that its turns can be told apart.
    pub(super) fn learn(template: &ChatTemplate, outline: TurnOutline) -> Option<Self> {
        let roles = outline.roles();
        let sentinel = |index: usize, role: &str| format!("zq{index}{role}{index}qz");
        let turns: Vec<Turn> = roles
            .iter()
            .enumerate()
            .map(|(index, role)| Turn { role: (*role).to_owned(), content: sentinel(index, role) })
            .collect();
        let text = template.render(&turns, outline.generation, DATE).ok()?;
        let mut pieces = Vec::with_capacity(turns.len() + 1);
        let mut rest = text.as_str();
        for turn in &turns {
            let (before, after) = rest.split_once(&turn.content)?;
            pieces.push(before.to_owned());
            rest = after;
        }
        pieces.push(rest.to_owned());
        // A turn that is rendered twice cannot be read back.
        let once = turns.iter().all(|turn| text.matches(&turn.content).count() == 1);
        once.then_some(Self { roles, pieces })
    }

    /// Puts `date` in the place of today's date.
    pub(super) fn on(&self, date: &str) -> Self {
        let pieces = self.pieces.iter().map(|piece| piece.replace(DATE, date)).collect();
        Self { roles: self.roles.clone(), pieces }
    }

    /// Reads the date on which `text` was written, empty if the template writes none. The error is the offset at which
    /// it is missing.
    pub(super) fn date(&self, text: &str) -> Result<String, usize> {
        let Some((before, after)) = self.pieces.first().and_then(|piece| piece.split_once(DATE)) else {
            return Ok(String::new());
        };
        let rest = text.strip_prefix(before).ok_or(0_usize)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || " ,./:-".contains(c);
        let most = rest.find(|c: char| !plain(c)).unwrap_or(rest.len()).min(40);
        let next = after.split(DATE).next().unwrap_or(after);
        let ends =
            (1..=most).find_map(|length| rest.split_at_checked(length).filter(|(_, rest)| rest.starts_with(next)));
        ends.map(|(date, _)| date.to_owned()).ok_or(before.len())
    }
}

/// The tags of a thought. Templates write them around an empty thought, but they occur in real turns too.
const THOUGHT: [&str; 2] = ["<think>", "</think>"];

/// Returns the strings that separate turns. No turn may contain any of them.
///
/// They are the bracketed atoms of the pieces (`<|im_start|>`, `[INST]`), the tokenizer's special tokens in them, and,
/// for a piece between turns that has neither (`ASSISTANT:`), its trimmed text. Returns `None` if a piece between turns
/// is only white space.
pub(super) fn markers(shapes: &[TemplateShape], specials: &[String]) -> Option<Vec<String>> {
    let pieces = || shapes.iter().flat_map(|shape| &shape.pieces);
    let mut found: Vec<String> = pieces().flat_map(|piece| atoms(piece)).collect();
    found.extend(specials.iter().filter(|special| pieces().any(|piece| piece.contains(special.as_str()))).cloned());
    for shape in shapes {
        let inner = shape.pieces.len().saturating_sub(2);
        for piece in shape.pieces.iter().skip(1).take(inner) {
            if !found.iter().any(|marker| piece.contains(marker.as_str())) {
                let trimmed = piece.trim();
                if trimmed.is_empty() {
                    return None;
                }
                found.push(trimmed.to_owned());
            }
        }
    }
    found.retain(|marker| !THOUGHT.contains(&marker.as_str()) && !marker.contains(DATE));
    found.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    found.dedup();
    Some(found)
}

fn atoms(piece: &str) -> impl Iterator<Item = String> {
    let opens = piece.char_indices().filter_map(|(at, c)| match c {
        '<' => Some((at, '>')),
        '[' => Some((at, ']')),
        _ => None,
    });
    opens.filter_map(|(at, close)| {
        let rest = piece.get(at..)?;
        let end = rest.char_indices().skip(1).take(64).find(|(_, c)| *c == close || *c == '<' || c.is_whitespace())?;
        (end.1 == close && end.0 > 1).then(|| rest.get(..=end.0).unwrap_or(rest).to_owned())
    })
}

/// Finds the first marker at or after `from`, in one pass over the text.
pub(super) fn find_marker(text: &str, from: usize, markers: &[String]) -> Option<usize> {
    let rest = text.as_bytes().get(from..)?;
    // Nearly all markers begin with one of two bytes, and most positions of a text hold neither.
    let mut firsts: Vec<u8> = markers.iter().filter_map(|marker| marker.bytes().next()).collect();
    firsts.sort_unstable();
    firsts.dedup();
    let begins = |at: &usize| {
        let tail = rest.get(*at..).unwrap_or_default();
        markers.iter().any(|marker| tail.starts_with(marker.as_bytes()))
    };
    let candidates = rest.iter().enumerate().filter(|(_, byte)| firsts.contains(byte));
    candidates.map(|(at, _)| at).find(begins).map(|at| from + at)
}

/// Counts the markers of a text. Longer ones are matched first, and none is counted inside another.
pub(super) fn count_markers(text: &str, markers: &[String]) -> usize {
    let mut count = 0;
    let mut from = 0;
    while let Some(at) = find_marker(text, from, markers) {
        let rest = text.get(at..).unwrap_or_default();
        let length = markers.iter().find(|marker| rest.starts_with(marker.as_str())).map_or(1, String::len);
        count += 1;
        from = at + length;
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_marker_is_where_a_plain_search_finds_it(
            text in "[<|a>\\[é]{0,40}",
            markers in prop::collection::vec("[<|a>\\[é]{1,3}", 0..4),
            from in 0..6_usize,
        ) {
            let plain = (from..text.len()).find(|at| {
                markers.iter().any(|marker| text.as_bytes()[*at..].starts_with(marker.as_bytes()))
            });
            prop_assert_eq!(find_marker(&text, from, &markers), plain);
        }
    }

    #[test]
    fn markers_are_counted_longest_first_and_none_inside_another() {
        let markers = ["<|im_start|>", "<|", "<"].map(str::to_owned);
        assert_eq!(count_markers("<|im_start|>user<|x<", &markers), 3);
        assert_eq!(count_markers("", &markers), 0);
        assert_eq!(count_markers("text", &[]), 0);
    }
}
