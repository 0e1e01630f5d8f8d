//! Names and labels with a slot for the response.

/// The slots: upper-case letter, lower-case letter, number from 1.
const SLOTS: [&str; 3] = ["{A}", "{a}", "{1}"];

/// Whether the pattern has exactly one slot.
pub(crate) fn has_slot(pattern: &str) -> bool {
    SLOTS.iter().map(|slot| pattern.matches(slot).count()).sum::<usize>() == 1
}

/// The pattern for the response at this place in shown order, from 0; none where letters run out, after 26.
pub(crate) fn spelled(pattern: &str, place: usize) -> Option<String> {
    let (slot, written) = if pattern.contains("{1}") {
        ("{1}", (place + 1).to_string())
    } else {
        let letter = char::from(b'A' + u8::try_from(place).ok().filter(|place| *place < 26)?);
        if pattern.contains("{A}") {
            ("{A}", letter.to_string())
        } else {
            ("{a}", letter.to_ascii_lowercase().to_string())
        }
    };
    Some(pattern.replace(slot, &written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_letters_or_numbers() {
        assert_eq!(spelled("[[{A}]]", 1).as_deref(), Some("[[B]]"));
        assert_eq!(spelled("Output ({a})", 25).as_deref(), Some("Output (z)"));
        assert_eq!(spelled("Response {1}", 26).as_deref(), Some("Response 27"));
        assert_eq!(spelled("[[{A}]]", 26), None);
    }

    #[test]
    fn a_pattern_has_one_slot() {
        assert!(has_slot("[[{A}]]"));
        assert!(!has_slot("[[A]]") && !has_slot("{A}{1}") && !has_slot("{a} {a}"));
    }
}
