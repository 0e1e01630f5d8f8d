//! Constraints as each server takes them.

use serde_json::{Map, Value, json};

use rewarden_types::Constraint;
use rewarden_types::ModelError;

/// How a server takes constraints. The protocol has a field for JSON schemas only, servers ignore fields that they do
/// not know, and text that should be constrained and is not fails later in a way that is hard to understand; so it has
/// to be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConstraintDialect {
    /// None at all: a prompt with a constraint is an error.
    #[default]
    None,
    /// JSON schemas by `response_format`, as OpenAI's own service takes them; nothing else.
    OpenAi,
    /// vLLM from 0.12 on: `structured_outputs`. Lark grammars need its guidance backend.
    Vllm,
    /// SGLang: `regex`, and `response_format` for JSON schemas. No Lark grammars.
    Sglang,
    /// llama.cpp's server, built with LLGuidance for regular expressions and Lark grammars.
    LlamaCpp,
}

impl ConstraintDialect {
    /// Adds the constraint to a request's body.
    pub(super) fn apply(self, constraint: &Constraint, body: &mut Map<String, Value>) -> Result<(), ModelError> {
        use ConstraintDialect::{LlamaCpp, None, OpenAi, Sglang, Vllm};
        let (field, value) = match (self, constraint) {
            (Vllm, Constraint::Regex(regex)) => ("structured_outputs", json!({ "regex": regex })),
            (Vllm, Constraint::JsonSchema(schema)) => ("structured_outputs", json!({ "json": parsed(schema)? })),
            (Vllm, Constraint::Lark(grammar)) => ("structured_outputs", json!({ "grammar": grammar })),
            (Sglang, Constraint::Regex(regex)) => ("regex", json!(regex)),
            (LlamaCpp, Constraint::Regex(regex)) => ("grammar", json!(llguidance(&lark_of_regex(regex)))),
            (LlamaCpp, Constraint::Lark(grammar)) => ("grammar", json!(llguidance(grammar))),
            (OpenAi | Sglang | LlamaCpp, Constraint::JsonSchema(schema)) => {
                let schema = json!({ "name": "answer", "strict": true, "schema": parsed(schema)? });
                ("response_format", json!({ "type": "json_schema", "json_schema": schema }))
            }
            (None, _) => {
                return Err(self.refuses(
                    constraint,
                    "say with --constraints which server it is, or configure the template to ask for none",
                ));
            }
            (OpenAi, _) | (Sglang, Constraint::Lark(_)) => {
                return Err(self.refuses(constraint, "configure the template to ask for none, or use another server"));
            }
        };
        body.insert(field.to_owned(), value);
        Ok(())
    }

    fn refuses(self, constraint: &Constraint, advice: &'static str) -> ModelError {
        let backend = match self {
            ConstraintDialect::None => "the server behind --endpoint",
            ConstraintDialect::OpenAi => "OpenAI's protocol",
            ConstraintDialect::Vllm => "vLLM",
            ConstraintDialect::Sglang => "SGLang",
            ConstraintDialect::LlamaCpp => "llama.cpp's server",
        };
        ModelError::ConstraintUnsupported { backend: backend.into(), constraint: constraint.kind(), advice }
    }
}

fn parsed(schema: &str) -> Result<Value, ModelError> {
    serde_json::from_str(schema).map_err(|error| ModelError::ConstraintInvalid {
        constraint: Constraint::JsonSchema(String::new()).kind(),
        message: format!("not JSON: {error}"),
    })
}

/// The first line tells llama.cpp that the rest is not its own grammar language.
fn llguidance(lark: &str) -> String {
    format!("%llguidance {{}}\n{lark}")
}

/// A grammar of one rule. Lark ends a regular expression at a slash and at the end of the line.
fn lark_of_regex(regex: &str) -> String {
    let mut escaped = String::with_capacity(regex.len());
    let mut backslash = false;
    for character in regex.chars() {
        match character {
            '/' if !backslash => escaped.push_str("\\/"),
            '\n' if !backslash => escaped.push_str("\\n"),
            // An escaped line break: the backslash is there already.
            '\n' => escaped.push('n'),
            other => escaped.push(other),
        }
        backslash = character == '\\' && !backslash;
    }
    format!("start: /{escaped}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(dialect: ConstraintDialect, constraint: Constraint) -> Value {
        let mut body = Map::new();
        dialect.apply(&constraint, &mut body).unwrap();
        Value::Object(body)
    }

    fn regex() -> Constraint {
        Constraint::Regex(r"\\boxed\{[1-9]\}".into())
    }

    fn schema() -> Constraint {
        Constraint::JsonSchema(r#"{"type": "integer"}"#.into())
    }

    #[test]
    fn each_server_gets_its_own_fields() {
        use ConstraintDialect::{LlamaCpp, OpenAi, Sglang, Vllm};
        let lark = || Constraint::Lark("start: \"a\"".into());
        assert_eq!(body(Vllm, regex()), json!({"structured_outputs": {"regex": r"\\boxed\{[1-9]\}"}}));
        assert_eq!(body(Vllm, schema()), json!({"structured_outputs": {"json": {"type": "integer"}}}));
        assert_eq!(body(Vllm, lark()), json!({"structured_outputs": {"grammar": "start: \"a\""}}));
        assert_eq!(body(Sglang, regex()), json!({"regex": r"\\boxed\{[1-9]\}"}));
        assert_eq!(body(LlamaCpp, regex()), json!({"grammar": "%llguidance {}\nstart: /\\\\boxed\\{[1-9]\\}/"}));
        assert_eq!(body(LlamaCpp, lark()), json!({"grammar": "%llguidance {}\nstart: \"a\""}));
        for dialect in [OpenAi, Sglang, LlamaCpp] {
            assert_eq!(body(dialect, schema())["response_format"]["json_schema"]["schema"], json!({"type": "integer"}));
        }
    }

    #[test]
    fn a_constraint_that_the_server_would_ignore_is_an_error_with_advice() {
        use ConstraintDialect::{None, OpenAi, Sglang};
        for (dialect, constraint) in
            [(None, regex()), (None, schema()), (OpenAi, regex()), (Sglang, Constraint::Lark("start: \"a\"".into()))]
        {
            let error = dialect.apply(&constraint, &mut Map::new()).unwrap_err();
            assert!(matches!(error, ModelError::ConstraintUnsupported { .. }), "{error}");
            assert!(error.to_string().contains("configure the template"), "{error}");
        }
    }

    #[test]
    fn a_schema_that_is_not_json_is_refused_before_anything_is_sent() {
        let broken = Constraint::JsonSchema("{".into());
        let error = ConstraintDialect::Vllm.apply(&broken, &mut Map::new()).unwrap_err();
        assert!(matches!(error, ModelError::ConstraintInvalid { .. }), "{error}");
    }

    #[test]
    fn slashes_and_line_breaks_do_not_end_a_lark_expression() {
        assert_eq!(lark_of_regex("[1-9]/10\n\\/\\\\/"), "start: /[1-9]\\/10\\n\\/\\\\\\//");
    }
}
