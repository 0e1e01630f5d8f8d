//! LaTeX that changes nothing, taken off.

/// Left out altogether, longest first where one begins another.
const NOTHING: [&str; 16] = [
    "\\displaystyle",
    "\\left",
    "\\right",
    "^{\\circ}",
    "^\\circ",
    "\\quad",
    "\\!",
    "\\,",
    "\\;",
    "\\:",
    "\\ ",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    "\\$",
];

/// Words whose braces hold plain text.
const WRAPPERS: [&str; 8] =
    ["\\text", "\\textbf", "\\textit", "\\mathrm", "\\mathbf", "\\mathit", "\\mbox", "\\operatorname"];

/// The answer without white space, dollar signs, LaTeX that changes nothing, a full stop at the end, a variable before
/// its only equals sign, and brackets around a single letter. Words alone are in lower case.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.trim();
    rest = rest.strip_suffix('.').unwrap_or(rest);
    // How deep braces are nested, and at which depths those of a wrapper stand.
    let (mut depth, mut wrappers) = (0_usize, Vec::new());
    while let Some(char) = rest.chars().next() {
        if let Some(after) = NOTHING.iter().find_map(|nothing| after_word(rest, nothing)) {
            rest = after;
        } else if let Some(after) =
            WRAPPERS.iter().find_map(|word| after_word(rest, word)?.trim_start().strip_prefix('{'))
        {
            depth += 1;
            wrappers.push(depth);
            rest = after;
        } else if let Some(after) = ["\\dfrac", "\\tfrac"].iter().find_map(|word| after_word(rest, word)) {
            plain.push_str("\\frac");
            rest = after;
        } else {
            rest = rest.get(char.len_utf8()..).unwrap_or_default();
            match char {
                '{' => depth += 1,
                '}' => {
                    depth = depth.saturating_sub(1);
                    if wrappers.last().is_some_and(|wrapper| *wrapper > depth) {
                        wrappers.pop();
                        continue;
                    }
                }
                _ => {}
            }
            match char {
                '$' | '~' | '\u{b0}' => {}
                '\u{2212}' => plain.push('-'),
                char if char.is_whitespace() => {}
                char => plain.push(char),
            }
        }
    }
    if let Some((variable, value)) = plain.split_once('=')
        && matches!(variable.as_bytes(), [letter] if letter.is_ascii_alphabetic())
        && !value.contains('=')
    {
        plain = value.to_owned();
    }
    if let ['(', letter, ')'] = plain.chars().collect::<Vec<_>>()[..]
        && letter.is_alphabetic()
    {
        plain = letter.to_string();
    }
    if plain.chars().all(char::is_alphabetic) { plain.to_lowercase() } else { plain }
}

/// What follows a word that the text begins with; a name such as `\left` ends where letters end.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(word)?;
    let is_name = word.ends_with(|char: char| char.is_ascii_alphabetic());
    // `\frac12` has its digits right after its name, other names too.
    if is_name && rest.starts_with(|char: char| char.is_ascii_alphabetic()) { None } else { Some(rest) }
}

/// The brackets around a plain text, if any.
pub(crate) fn brackets(text: &str) -> Option<(char, char)> {
    let (first, last) = (text.chars().next()?, text.chars().next_back()?);
    (text.len() > 1 && "([".contains(first) && ")]".contains(last)).then_some((first, last))
}

/// The parts of a plain text between the commas outside of brackets and braces, brackets around all of it aside.
pub(crate) fn items(text: &str) -> Vec<&str> {
    let inside = match brackets(text) {
        Some(_) => text.get(1..text.len() - 1).unwrap_or_default(),
        None => text,
    };
    let mut items = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                items.push(inside.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(inside.get(start..).unwrap_or_default());
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_goes() {
        for (text, expected) in [
            (r" $ \left( 1 ,\, \dfrac{1}{2} \right) $. ", r"(1,\frac{1}{2})"),
            (r"\text{ The Cat }", "thecat"),
            (r"x = 5", "5"),
            (r"90^\circ", "90"),
            (r"\mathbf{\text{(B)}}", "b"),
            (r"\{1, 2\}", r"\{1,2\}"),
            (r"\sqrt{2}", r"\sqrt{2}"),
            (r"\leftarrow", r"\leftarrow"),
            (r"y = 2x = 4", "y=2x=4"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn items_are_split_outside_of_brackets() {
        assert_eq!(items("(1,(2,3),[4,5))"), ["1", "(2,3)", "[4,5)"]);
        assert_eq!(items("1"), ["1"]);
    }
}
