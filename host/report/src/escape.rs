//! Text from tasks, models and plugins on its way into a page: it arrives as text and nothing else.

use serde::Serialize;

/// Text for an element's content or a quoted attribute. Characters that would be invisible, or that would reorder what
/// stands beside them, are shown by their code points.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if hidden(c) => out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Text for a chart's label: on one line, with nothing that XML forbids. The drawing backend escapes the markup.
pub(crate) fn label(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if hidden(c) || matches!(c, '\u{FFFE}' | '\u{FFFF}') => '\u{FFFD}',
            c => c,
        })
        .collect()
}

/// Characters that a reader would not see, or that change the direction of what follows. `page/browse.js` has the same
/// list for what it renders.
fn hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{FEFF}')
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{E0000}'..='\u{E007F}')
}

/// JSON that can stand in a `<script>` element: no character in it can end the element, open a comment, or count as a
/// line's end in a script. JSON has `<`, `>` and `&` in strings only, where `\u` escapes mean the same.
pub(crate) fn script_json<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(value)?;
    let mut out = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(html("<b a=\"x\" b='y'>&amp;"), "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
    }

    #[test]
    fn characters_that_hide_or_reorder_text_are_shown() {
        assert_eq!(html("a\u{202E}b\u{0}c\u{200B}"), "a⟨U+202E⟩b⟨U+0000⟩c⟨U+200B⟩");
        assert_eq!(html("line\n\ttab é 中 👩\u{200D}💻"), "line\n\ttab é 中 👩\u{200D}💻");
        assert_eq!(label("a\u{1b}[31m\nb"), "a\u{FFFD}[31m b");
    }

    #[test]
    fn json_in_a_script_element_reads_back_the_same_and_cannot_end_it() {
        let hostile = "</script><!-- ]]> &lt; \u{2028}\u{2029} \\u003c \"quoted\"";
        let json = script_json(&vec![hostile]).unwrap();
        assert!(!json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [hostile]);
    }
}
