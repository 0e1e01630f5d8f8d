//! Text of a run's rows as errors show it.

/// Characters of a foreign text that an error shows: a digest in full.
const SHOWN: usize = 80;

/// Returns the beginning of a foreign text, with nothing in it that a terminal obeys.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
