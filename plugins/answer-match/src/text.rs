//! Answers that are words, and options by their letters.

use crate::answer::Item;

/// Commands that change nothing about words.
const COMMANDS: [&str; 15] = [
    "\\textbf",
    "\\textit",
    "\\textrm",
    "\\text",
    "\\mathrm",
    "\\mathbf",
    "\\mathit",
    "\\mbox",
    "\\operatorname",
    "\\left",
    "\\right",
    "\\displaystyle",
    "\\boxed",
    "\\quad",
    "\\,",
];

/// Words in one writing: without what only sets them, in lower case, with single spaces, without an end of sentence.
pub(crate) fn normal(text: &str) -> String {
    let mut plain = text.to_owned();
    for command in COMMANDS {
        if plain.contains(command) {
            plain = plain.replace(command, " ");
        }
    }
    let plain = plain.replace("\\ ", " ").replace("\\!", "").replace("\\;", " ").replace("\\:", " ");
    let plain: String =
        plain.chars().filter(|char| !matches!(char, '$' | '{' | '}' | '*' | '`' | '"' | '“' | '”')).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    plain.trim_matches(|char: char| ".,;:!".contains(char) || char.is_whitespace()).to_lowercase()
}

/// The letter of an option, with what stands behind it: `(C)`, `C. mitochondrion`, `\text{(C) } \text{mitochondrion}`,
/// `Option C`. A letter by itself is none: it is a letter like any other.
pub(crate) fn choice(text: &str) -> Option<Item> {
    if text.len() > 2_000 {
        return None;
    }
    let plain = without_commands(text);
    let plain = plain.trim().trim_end_matches('.').trim_end();
    let lower = plain.to_lowercase();
    let rest = ["option ", "choice ", "answer ", "answer: "]
        .iter()
        .find_map(|word| lower.starts_with(word).then(|| plain.get(word.len()..)).flatten());
    let named = rest.is_some();
    let rest = rest.unwrap_or(plain).trim_start();
    let (rest, bracket) = match rest.strip_prefix(['(', '[']) {
        Some(inside) => (inside.trim_start(), true),
        None => (rest, false),
    };
    let letter = rest.chars().next().filter(char::is_ascii_uppercase)?;
    let behind = rest.get(1..)?.trim_start();
    if bracket {
        let behind = behind.strip_prefix([')', ']'])?;
        let words = behind.trim().trim_start_matches([':', '.', '-']).trim();
        let is_words =
            words.is_empty() || words.starts_with(|char: char| char.is_alphanumeric() || "$\\-".contains(char));
        // `(A)(B)` and `(A) + 1` are expressions.
        return (is_words && !words.starts_with(['(', '+', '*', '/', '^']))
            .then(|| Item::Choice(letter, normal(words)));
    }
    if behind.is_empty() {
        return named.then_some(Item::Choice(letter, String::new()));
    }
    let words = behind.strip_prefix([':', '.', ')'])?;
    // `S : T`, `A:B=1` are ratios, `A.5` is nothing.
    let words = words.trim();
    let begins = words.is_empty() || words.starts_with(|char: char| char.is_alphanumeric() || "$\\".contains(char));
    // `C: 42`, but no ratio of letters.
    let is_value = behind.get(1..).is_some_and(|rest| rest.starts_with(char::is_whitespace))
        && words.starts_with(|char: char| char.is_ascii_digit() || "$\\-".contains(char))
        && !words.contains(['=', ':']);
    let is_words = is_value
        || words.chars().filter(|char| char.is_alphabetic()).count() > 2
        || (behind.starts_with(')') && !words.contains('('));
    (begins && is_words).then(|| Item::Choice(letter, normal(words)))
}

fn without_commands(text: &str) -> String {
    let mut plain = text.to_owned();
    for command in COMMANDS {
        if plain.contains(command) {
            plain = plain.replace(command, "");
        }
    }
    plain.chars().filter(|char| !matches!(char, '$' | '{' | '}' | '*')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_one_writing() {
        assert_eq!(normal(r" \text{The  Cat}. "), "the cat");
        assert_eq!(normal("**Yes!**"), "yes");
        assert_eq!(normal(""), "");
    }

    #[test]
    fn options_are_known_by_their_letter() {
        for (text, letter) in [
            ("(C)", Some('C')),
            (r"\text{(C)}", Some('C')),
            (r"\text{C: mitochondrion}", Some('C')),
            (r"\textbf{(C) } \text{mitochondrion}", Some('C')),
            ("C. mitochondrion", Some('C')),
            ("Option B", Some('B')),
            ("C) 5", Some('C')),
            (r"\text{C: 42}", Some('C')),
            ("B. 1.5 cm", Some('B')),
            ("A.5", None),
            ("S : T", None),
            ("C", None),
            ("None of the above", None),
            (r"\text{An answer}", None),
            ("A:B = 1", None),
            ("(A + B)", None),
            ("c. what", None),
        ] {
            let found = match choice(text) {
                Some(Item::Choice(letter, _)) => Some(letter),
                _ => None,
            };
            assert_eq!(found, letter, "{text}");
        }
    }
}
