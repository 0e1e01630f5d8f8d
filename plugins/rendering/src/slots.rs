//! Prompt texts with named slots, `{{name}}`, filled in one pass: what goes into a slot is never looked at again, so
//! that text of a task cannot name a slot.

use rewarden_plugin::Refusal;

/// The text with every slot replaced by the value of that name.
///
/// # Errors
/// When the text names a slot that has no value, which is a mistake in the prompt text.
pub fn fill(text: &str, values: &[(&str, &str)]) -> Result<String, Refusal> {
    let size = text.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>();
    let mut filled = String::with_capacity(size);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        // `\boxed{{{box}}}`: the outermost brace is text.
        let after = after.strip_prefix('{').map_or(after, |after| {
            filled.push('{');
            after
        });
        let Some((name, after)) = after.split_once("}}") else {
            return Err(Refusal::Other(format!("the prompt text has an unclosed slot: {{{{{after}")));
        };
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(value),
            None => return Err(Refusal::Other(format!("the prompt text names an unknown slot: {{{{{name}}}}}"))),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_looks_like_a_slot_stays_as_it_is() {
        let filled = fill("{{a}} and {{b}}", &[("a", "{{b}}"), ("b", "{{a}}")]);
        assert_eq!(filled.unwrap(), "{{b}} and {{a}}");
    }

    #[test]
    fn a_slot_may_stand_in_braces() {
        assert_eq!(fill(r"\boxed{{{box}}} end", &[("box", "x, x")]).unwrap(), r"\boxed{x, x} end");
    }

    #[test]
    fn a_slot_without_a_value_is_refused() {
        assert!(fill("{{a}}", &[]).is_err());
        assert!(fill("{{a", &[("a", "")]).is_err());
    }
}
