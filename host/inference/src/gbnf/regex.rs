//! Regular expressions as grammars.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::grammar::{Piece, Rules};

/// Writes the grammar of the texts that the expression matches from the first to the last character.
///
/// # Errors
/// Returns what of the expression no grammar can say.
pub(crate) fn of_regex(pattern: &str) -> Result<String, String> {
    let mut rules = Rules::default();
    let root = piece(&mut rules, pattern)?;
    Ok(rules.finish(&root))
}

/// The expression as a piece of a grammar.
pub(super) fn piece(rules: &mut Rules, pattern: &str) -> Result<Piece, String> {
    let parsed = ParserBuilder::new().nest_limit(crate::constraint::DEEPEST).build().parse(pattern);
    let hir = parsed.map_err(|error| match error {
        // Its own text draws the expression over several lines.
        regex_syntax::Error::Parse(error) => format!("expected RE2's language, found {}", error.kind()),
        regex_syntax::Error::Translate(error) => format!("expected RE2's language, found {}", error.kind()),
        error => format!("expected RE2's language, found {error}"),
    })?;
    of_hir(rules, unanchored(&hir))
}

/// The whole text is matched anyway.
fn unanchored(hir: &Hir) -> Hir {
    let HirKind::Concat(parts) = hir.kind() else {
        let is_anchor = matches!(hir.kind(), HirKind::Look(Look::Start | Look::End));
        return if is_anchor { Hir::empty() } else { hir.clone() };
    };
    let is =
        |hir: Option<&Hir>, look| hir.is_some_and(|hir| matches!(hir.kind(), HirKind::Look(found) if *found == look));
    let from = usize::from(is(parts.first(), Look::Start));
    let to = parts.len() - usize::from(is(parts.last(), Look::End));
    Hir::concat(parts.get(from..to).unwrap_or_default().to_vec())
}

/// The parser has bounded the depth.
fn of_hir(rules: &mut Rules, hir: Hir) -> Result<Piece, String> {
    let nothing = || "a class without any character that can be written".to_owned();
    match hir.into_kind() {
        HirKind::Empty => Ok(Piece::empty()),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) if !text.contains('\0') => Ok(Piece::literal(text)),
            _ => Err("bytes that no text holds".to_owned()),
        },
        HirKind::Class(Class::Unicode(class)) => {
            Piece::class(class.iter().map(|range| (range.start(), range.end()))).ok_or_else(nothing)
        }
        HirKind::Class(Class::Bytes(class)) if class.is_ascii() => {
            Piece::class(class.iter().map(|range| (range.start().into(), range.end().into()))).ok_or_else(nothing)
        }
        HirKind::Class(Class::Bytes(_)) => Err("bytes that no text holds".to_owned()),
        HirKind::Look(_) => Err("an anchor or word boundary inside the expression; remove it".to_owned()),
        HirKind::Capture(capture) => of_hir(rules, *capture.sub),
        HirKind::Concat(parts) => {
            let parts: Result<Vec<Piece>, String> = parts.into_iter().map(|part| of_hir(rules, part)).collect();
            Ok(Piece::row(parts?))
        }
        HirKind::Alternation(parts) => {
            let parts: Result<Vec<Piece>, String> = parts.into_iter().map(|part| of_hir(rules, part)).collect();
            Ok(Piece::choice(parts?))
        }
        HirKind::Repetition(repetition) => {
            let (sub, least, most) = (*repetition.sub, repetition.min, repetition.max);
            if most.is_none() && matches_empty(&sub) {
                // llama.cpp takes a loop over what may be empty for left recursion.
                let mut steps = Vec::new();
                nonempty_steps(sub, &mut steps);
                let steps: Result<Vec<Piece>, String> = steps.into_iter().map(|step| of_hir(rules, step)).collect();
                let steps = steps?;
                let step = if steps.is_empty() { Piece::empty() } else { Piece::choice(steps) };
                return Ok(rules.repeated(step, 0, None));
            }
            let sub = of_hir(rules, sub)?;
            Ok(rules.repeated(sub, least, most))
        }
    }
}

fn matches_empty(hir: &Hir) -> bool {
    hir.properties().minimum_len() == Some(0)
}

/// The parts of what may be empty such that a loop over any one of them, in any order, matches the same texts: of a row
/// whose parts may all be empty each part alone is an instance.
fn nonempty_steps(hir: Hir, steps: &mut Vec<Hir>) {
    if !matches_empty(&hir) {
        steps.push(hir);
        return;
    }
    match hir.into_kind() {
        HirKind::Capture(capture) => nonempty_steps(*capture.sub, steps),
        HirKind::Repetition(repetition) => nonempty_steps(*repetition.sub, steps),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                nonempty_steps(part, steps);
            }
        }
        // Nothing, and what stands between characters: the latter is refused where it is met.
        HirKind::Empty => {}
        kind @ HirKind::Look(_) => {
            if let HirKind::Look(look) = kind {
                steps.push(Hir::look(look));
            }
        }
        HirKind::Literal(_) | HirKind::Class(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(pattern: &str) -> String {
        of_regex(pattern).unwrap()
    }

    #[test]
    fn what_the_bundled_templates_ask_for_is_written() {
        assert_eq!(
            root(r"Analysis: [^\\\n]{1,320}\nScores: \\boxed\{([1-9]|10)\}"),
            r#"root ::= "Analysis: " [\u0001-\u0009\u000B-\u005B\u005D-\U0010FFFF]{1,320} "\u000AScores: \u005Cboxed{" ([1-9] | "10") "}""#
                .to_owned()
                + "\n"
        );
        assert_eq!(root("(Yes|No)"), "root ::= \"Yes\" | \"No\"\n");
        assert_eq!(root("a(?:bc(?:d)?)?"), "root ::= \"a\" p0?\np0 ::= \"bc\" \"d\"?\n");
    }

    #[test]
    fn what_is_counted_within_what_is_counted_gets_a_name() {
        assert_eq!(root("(?:a{1,300}b){2,5}"), "root ::= p0{2,5}\np0 ::= \"a\"{1,300} \"b\"\n");
        assert_eq!(root("(?:ab|c)*"), "root ::= p0*\np0 ::= \"ab\" | \"c\"\n");
    }

    #[test]
    fn a_loop_over_what_may_be_empty_is_written_without_the_empty_text() {
        assert_eq!(root("(?:a?b*)*"), "root ::= p0*\np0 ::= \"a\" | \"b\"\n");
        assert_eq!(root("(?:|ab?)+"), "root ::= p0*\np0 ::= \"a\" \"b\"?\n");
    }

    #[test]
    fn anchors_at_the_ends_say_nothing_new_and_others_are_refused() {
        assert_eq!(root(r"^ab$"), "root ::= \"ab\"\n");
        assert!(of_regex(r"a\bc").unwrap_err().starts_with("an anchor or word boundary"));
        assert!(of_regex("a^b").unwrap_err().starts_with("an anchor or word boundary"));
        assert!(of_regex(r"(?-u)\xff").unwrap_err().contains("UTF-8"));
        assert!(of_regex("(").unwrap_err().starts_with("expected RE2's language"));
    }
}
