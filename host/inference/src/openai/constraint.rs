//! Constraints as each server takes them.

use std::fmt;

use serde_json::{Value, json};

use rewarden_types::Constraint;

use crate::gbnf;

/// How a server takes constraints. The protocol has a field for JSON schemas only, and servers ignore fields that they do
/// not know, so it has to be found out or said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConstraintDialect {
    /// The server is asked what it is, and whether it obeys.
    #[default]
    Auto,
    /// None at all: a prompt with a constraint is an error.
    None,
    /// JSON schemas by `response_format`, as OpenAI's own service takes them; nothing else.
    OpenAi,
    /// vLLM from 0.12 on: `structured_outputs`.
    Vllm,
    /// SGLang: `regex`, `ebnf`, and `response_format` for JSON schemas.
    Sglang,
    /// llama.cpp's server: GBNF grammars, and `response_format` for JSON schemas.
    LlamaCpp,
    /// Text Generation Inference: regular expressions and JSON schemas by its own `response_format`.
    Tgi,
    /// Ollama: JSON schemas by `response_format`; nothing else.
    Ollama,
    /// LM Studio: JSON schemas by `response_format`; nothing else.
    LmStudio,
}

/// The field that a constraint is sent in, and its form there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum ConstraintField {
    /// `response_format` with a JSON schema, as in OpenAI's protocol.
    JsonSchema,
    /// vLLM's `structured_outputs`.
    StructuredOutputs,
    /// vLLM's fields before 0.12: `guided_regex`, `guided_json`, `guided_grammar`.
    Guided,
    /// SGLang's `regex`.
    Regex,
    /// SGLang's `ebnf`, whose language is GBNF.
    Ebnf,
    /// llama.cpp's `grammar` in its own language.
    Gbnf,
    /// llama.cpp's `grammar`, in a build with LLGuidance.
    Llguidance,
    /// TGI's `response_format`.
    Tgi,
}

impl fmt::Display for ConstraintField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JsonSchema => "`response_format`",
            Self::StructuredOutputs => "`structured_outputs`",
            Self::Guided => "`guided_…` (vLLM before 0.12)",
            Self::Regex => "`regex`",
            Self::Ebnf => "`ebnf`",
            Self::Gbnf => "`grammar` (GBNF)",
            Self::Llguidance => "`grammar` (llguidance)",
            Self::Tgi => "`response_format` (TGI)",
        })
    }
}

impl ConstraintDialect {
    /// The fields in which a server may take a constraint of this kind, the likeliest first; those of [`Self::Auto`] are of
    /// a server that is not known.
    pub(super) fn fields(self, constraint: &Constraint) -> &'static [ConstraintField] {
        use ConstraintField::{Ebnf, Gbnf, Guided, JsonSchema, Llguidance, Regex, StructuredOutputs, Tgi};
        match (self, constraint) {
            (Self::None, _) => &[],
            (Self::Vllm, _) => &[StructuredOutputs, Guided],
            (Self::Tgi, Constraint::Lark(_)) => &[],
            (Self::Tgi, _) => &[Tgi],
            (_, Constraint::JsonSchema(_)) => &[JsonSchema],
            (Self::OpenAi | Self::Ollama | Self::LmStudio, _) => &[],
            (Self::Sglang, Constraint::Regex(_)) => &[Regex],
            (Self::Sglang, Constraint::Lark(_)) => &[Ebnf],
            (Self::LlamaCpp, _) => &[Gbnf, Llguidance],
            (Self::Auto, Constraint::Regex(_)) => &[StructuredOutputs, Gbnf, Regex, Tgi],
            (Self::Auto, Constraint::Lark(_)) => &[StructuredOutputs, Gbnf, Ebnf],
        }
    }

    /// What the server is called.
    pub(super) fn server(self) -> &'static str {
        match self {
            Self::Auto | Self::None => "the server behind --endpoint",
            Self::OpenAi => "OpenAI's protocol",
            Self::Vllm => "vLLM",
            Self::Sglang => "SGLang",
            Self::LlamaCpp => "llama.cpp's server",
            Self::Tgi => "TGI",
            Self::Ollama => "Ollama",
            Self::LmStudio => "LM Studio",
        }
    }
}

impl ConstraintField {
    /// Returns the field of the request, by its name.
    ///
    /// # Errors
    /// Returns why the constraint cannot be said in this form.
    pub(super) fn write(self, constraint: &Constraint) -> Result<(&'static str, Value), String> {
        use Constraint::{JsonSchema, Lark, Regex};
        let unfit = || Err(format!("{self} takes no {}", constraint.kind()));
        Ok(match (self, constraint) {
            (Self::StructuredOutputs, Regex(regex)) => ("structured_outputs", json!({ "regex": regex })),
            (Self::StructuredOutputs, JsonSchema(schema)) => ("structured_outputs", json!({ "json": parsed(schema)? })),
            (Self::StructuredOutputs, Lark(grammar)) => ("structured_outputs", json!({ "grammar": grammar })),
            (Self::Guided, Regex(regex)) => ("guided_regex", json!(regex)),
            (Self::Guided, JsonSchema(schema)) => ("guided_json", parsed(schema)?),
            (Self::Guided, Lark(grammar)) => ("guided_grammar", json!(grammar)),
            (Self::Regex, Regex(regex)) => ("regex", json!(regex)),
            (Self::Ebnf, Lark(grammar)) => ("ebnf", json!(gbnf::of_lark(grammar)?)),
            (Self::Gbnf, Regex(regex)) => ("grammar", json!(gbnf::of_regex(regex)?)),
            (Self::Gbnf, Lark(grammar)) => ("grammar", json!(gbnf::of_lark(grammar)?)),
            (Self::Llguidance, Regex(regex)) => ("grammar", json!(llguidance(&lark_of_regex(regex)))),
            (Self::Llguidance, Lark(grammar)) => ("grammar", json!(llguidance(grammar))),
            (Self::JsonSchema, JsonSchema(schema)) => {
                let schema = json!({ "name": "answer", "strict": true, "schema": parsed(schema)? });
                ("response_format", json!({ "type": "json_schema", "json_schema": schema }))
            }
            (Self::Tgi, Regex(regex)) => ("response_format", json!({ "type": "regex", "value": regex })),
            (Self::Tgi, JsonSchema(schema)) => ("response_format", json!({ "type": "json", "value": parsed(schema)? })),
            (Self::Tgi | Self::Regex, _) | (Self::Ebnf | Self::JsonSchema, _) | (Self::Gbnf | Self::Llguidance, _) => {
                return unfit();
            }
        })
    }
}

fn parsed(schema: &str) -> Result<Value, String> {
    serde_json::from_str(schema).map_err(|error| format!("not JSON: {error}"))
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

    fn sent(dialect: ConstraintDialect, constraint: &Constraint) -> (&'static str, Value) {
        dialect.fields(constraint)[0].write(constraint).unwrap()
    }

    #[test]
    fn each_server_gets_its_own_fields() {
        use ConstraintDialect::{LlamaCpp, LmStudio, Ollama, OpenAi, Sglang, Tgi, Vllm};
        let regex = &Constraint::Regex(r"\\boxed\{[1-9]\}".into());
        let schema = &Constraint::JsonSchema(r#"{"type": "integer"}"#.into());
        let lark = &Constraint::Lark("start: \"a\"".into());
        assert_eq!(sent(Vllm, regex), ("structured_outputs", json!({"regex": r"\\boxed\{[1-9]\}"})));
        assert_eq!(sent(Vllm, schema), ("structured_outputs", json!({"json": {"type": "integer"}})));
        assert_eq!(sent(Vllm, lark), ("structured_outputs", json!({"grammar": "start: \"a\""})));
        assert_eq!(sent(Sglang, regex), ("regex", json!(r"\\boxed\{[1-9]\}")));
        assert_eq!(sent(Sglang, lark), ("ebnf", json!("root ::= l-start\nl-start ::= \"a\"\n")));
        assert_eq!(sent(LlamaCpp, regex), ("grammar", json!("root ::= \"\\u005Cboxed{\" [1-9] \"}\"\n")));
        assert_eq!(sent(LlamaCpp, lark).0, "grammar");
        assert_eq!(sent(Tgi, regex), ("response_format", json!({"type": "regex", "value": r"\\boxed\{[1-9]\}"})));
        assert_eq!(sent(Tgi, schema), ("response_format", json!({"type": "json", "value": {"type": "integer"}})));
        for dialect in [OpenAi, Sglang, LlamaCpp, Ollama, LmStudio] {
            assert_eq!(sent(dialect, schema).1["json_schema"]["schema"], json!({"type": "integer"}));
        }
        for (dialect, constraint) in [(OpenAi, regex), (Ollama, lark), (LmStudio, regex), (Tgi, lark)] {
            assert!(dialect.fields(constraint).is_empty(), "{dialect:?} {constraint:?}");
        }
    }

    #[test]
    fn llguidance_is_for_what_gbnf_cannot_say() {
        let fields = ConstraintDialect::LlamaCpp.fields(&Constraint::Lark(String::new()));
        let ignoring = Constraint::Lark("start: \"a\"\n%ignore \" \"".into());
        assert!(fields[0].write(&ignoring).unwrap_err().contains("%ignore"));
        assert_eq!(fields[1].write(&ignoring).unwrap().1, json!("%llguidance {}\nstart: \"a\"\n%ignore \" \""));
    }

    #[test]
    fn a_schema_that_is_not_json_is_refused_before_anything_is_sent() {
        let broken = Constraint::JsonSchema("{".into());
        assert!(ConstraintField::JsonSchema.write(&broken).unwrap_err().starts_with("not JSON"));
    }

    #[test]
    fn slashes_and_line_breaks_do_not_end_a_lark_expression() {
        assert_eq!(lark_of_regex("[1-9]/10\n\\/\\\\/"), "start: /[1-9]\\/10\\n\\/\\\\\\//");
    }
}
