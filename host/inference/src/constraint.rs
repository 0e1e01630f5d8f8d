//! The form that an answer must have, and what it may cost whoever compiles it.
//!
//! A template writes the constraint, and a template is a plugin. In process llguidance compiles it, in this process and
//! without fuel of the host's: its lexer has a budget of its own, but a schema whose references double at each level
//! is unfolded without one. So a constraint is measured before any backend gets it.

use std::collections::HashMap;

use regex_syntax::ast::{Ast, RepetitionKind, RepetitionRange, parse::ParserBuilder};
use rewarden_types::Constraint;
use serde_json::Value;

/// The most bytes of a constraint. The bundled packs' have less than one hundred.
pub(crate) const LARGEST: usize = 64 << 10;

/// The most parts that a constraint may unfold to: of a schema its nodes with every reference replaced by what it names,
/// of a regular expression its characters with every counted repetition written out.
const MOST_PARTS: u64 = 100_000;

/// Levels of a regular expression or a schema.
pub(crate) const DEEPEST: u32 = 64;

/// Refuses what is too large to compile, and what cannot be measured.
///
/// # Errors
/// Returns what was expected and what was found.
pub(crate) fn check(constraint: &Constraint) -> Result<(), String> {
    let text = constraint.text();
    if text.len() > LARGEST {
        return Err(format!("expected at most {LARGEST} bytes, found {}", text.len()));
    }
    let parts = match constraint {
        Constraint::Regex(text) => {
            let mut parser = ParserBuilder::new().nest_limit(DEEPEST).build();
            let ast = parser.parse(text).map_err(|error| {
                let (at, what) = (error.span().start.offset, error.kind());
                format!("expected RE2's language, at most {DEEPEST} levels deep, found at byte {at}: {what}")
            })?;
            regex_parts(&ast)
        }
        Constraint::JsonSchema(text) => {
            let schema: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
            Schema { root: &schema, known: HashMap::new() }.parts(&schema, DEEPEST)
        }
        // llguidance shares a grammar's rules and repeats instead of unfolding them.
        Constraint::Lark(_) => return Ok(()),
    };
    if parts > MOST_PARTS {
        return Err(format!(
            "expected one that unfolds to at most {MOST_PARTS} parts, found more; refer less to what itself refers, \
                 and lower the counts"
        ));
    }
    Ok(())
}

/// The parser has bounded the depth.
fn regex_parts(ast: &Ast) -> u64 {
    match ast {
        Ast::Repetition(repetition) => {
            let times = match &repetition.op.kind {
                RepetitionKind::Range(RepetitionRange::Exactly(times) | RepetitionRange::AtLeast(times)) => *times,
                RepetitionKind::Range(RepetitionRange::Bounded(_, times)) => *times,
                _ => 1,
            };
            regex_parts(&repetition.ast).saturating_mul(u64::from(times.max(1)))
        }
        Ast::Group(group) => regex_parts(&group.ast),
        Ast::Concat(concat) => concat.asts.iter().map(regex_parts).fold(1, u64::saturating_add),
        Ast::Alternation(alternation) => alternation.asts.iter().map(regex_parts).fold(1, u64::saturating_add),
        _ => 1,
    }
}

/// A schema while it is measured.
struct Schema<'a> {
    root: &'a Value,
    /// What references to these places unfold to. One that is being measured counts 1: a schema that contains itself is
    /// compiled once.
    known: HashMap<&'a str, u64>,
}

impl<'a> Schema<'a> {
    fn parts(&mut self, node: &'a Value, levels: u32) -> u64 {
        let Some(levels) = levels.checked_sub(1) else { return u64::MAX };
        match node {
            Value::Array(items) => items.iter().fold(1, |sum: u64, item| sum.saturating_add(self.parts(item, levels))),
            Value::Object(fields) => fields.iter().fold(1, |sum: u64, (key, value)| {
                sum.saturating_add(match (key.as_str(), value) {
                    ("$ref" | "$dynamicRef", Value::String(place)) => self.referred(place, levels),
                    ("minItems" | "maxItems" | "minLength" | "maxLength", Value::Number(count)) => {
                        count.as_u64().unwrap_or(1) / 16
                    }
                    _ => self.parts(value, levels),
                })
            }),
            _ => 1,
        }
    }

    fn referred(&mut self, place: &'a str, levels: u32) -> u64 {
        if let Some(known) = self.known.get(place) {
            return *known;
        }
        let Some(target) = place.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) else { return 1 };
        self.known.insert(place, 1);
        let parts = self.parts(target, levels);
        self.known.insert(place, parts);
        parts
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn regex(text: &str) -> Result<(), String> {
        check(&Constraint::Regex(text.into()))
    }

    fn schema(schema: Value) -> Result<(), String> {
        check(&Constraint::JsonSchema(schema.to_string()))
    }

    /// References that double at each level.
    fn doubling(keyword: &str, levels: usize) -> Value {
        let both = |level: usize| json!([{"$ref": format!("#/$defs/d{level}")}, {"$ref": format!("#/$defs/d{level}")}]);
        let mut definitions: serde_json::Map<String, Value> =
            (0..levels).map(|level| (format!("d{level}"), json!({keyword: both(level + 1)}))).collect();
        definitions.insert(format!("d{levels}"), json!({"type": "integer"}));
        json!({"$ref": "#/$defs/d0", "$defs": definitions})
    }

    #[test]
    fn constraints_of_ordinary_size_pass() {
        regex(r"[\s\S]{0,4000}\\boxed\{([1-9]|10), ([1-9]|10)\}").unwrap();
        schema(json!({"type": "object", "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 10}}}))
            .unwrap();
        // A tree of comments, say: it contains itself.
        schema(json!({"$ref": "#/$defs/node", "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}}))
            .unwrap();
        check(&Constraint::Lark("start: /[0-9]+/".into())).unwrap();
    }

    #[test]
    fn counts_within_counts_are_refused_before_anybody_writes_them_out() {
        let error = regex("((a{1000}){1000}){1000}").unwrap_err();
        assert!(error.starts_with("expected one that unfolds to at most 100000 parts, found more"), "{error}");
        regex("a{1000}{100}").unwrap();
        regex("a{1000}{101}").unwrap_err();
        let error = regex(&"(".repeat(1000)).unwrap_err();
        assert!(error.starts_with("expected RE2's language, at most 64 levels deep, found at byte"), "{error}");
    }

    #[test]
    fn references_that_double_at_each_level_are_measured_in_linear_time_and_refused() {
        for keyword in ["allOf", "oneOf", "anyOf"] {
            schema(doubling(keyword, 12)).unwrap();
            let error = schema(doubling(keyword, 40)).unwrap_err();
            assert!(error.starts_with("expected one that unfolds to at most 100000 parts"), "{error}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused_whatever_it_is() {
        let long = "a".repeat(LARGEST + 1);
        for constraint in
            [Constraint::Regex(long.clone()), Constraint::JsonSchema(long.clone()), Constraint::Lark(long)]
        {
            assert_eq!(check(&constraint), Err("expected at most 65536 bytes, found 65537".to_owned()));
        }
    }
}
