//! What a server makes of constraints: found out once, by asking it and by one token that is to have a form.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use rewarden_types::{Constraint, GenerateRequest, ModelError, PromptInput, Sampling};

use super::constraint::{ConstraintDialect, ConstraintField};
use super::engine::ServerEngine;

/// What is known of a server.
pub(super) struct Negotiation {
    dialect: ConstraintDialect,
    engine: OnceCell<ServerEngine>,
    probed: Mutex<Probed>,
}

/// Whether a field was obeyed for a kind of constraint, and what came of it if not.
type Probed = BTreeMap<(ConstraintField, &'static str), Result<(), String>>;

/// A constraint as it is sent.
pub(super) type Written = (&'static str, Value);

/// Whoever can ask the server.
pub(super) trait Prober {
    /// Asks what it is.
    async fn engine(&self) -> Result<ServerEngine, ModelError>;

    /// Returns the answer to a request with this field, its thinking apart.
    async fn answer(&self, request: &GenerateRequest, written: Written) -> Result<(String, bool), ModelError>;
}

impl Negotiation {
    pub(super) fn new(dialect: ConstraintDialect) -> Self {
        Self { dialect, engine: OnceCell::new(), probed: Mutex::new(BTreeMap::new()) }
    }

    /// What the server is and takes, in one line; `None` before it was asked.
    pub(super) async fn found(&self) -> Option<String> {
        let engine = self.engine.get()?;
        let probed = self.probed.lock().await;
        let mut takes: Vec<String> = Vec::new();
        for ((field, kind), outcome) in probed.iter() {
            if outcome.is_ok() {
                takes.push(format!("takes a {kind} as {field}"));
            }
        }
        if takes.is_empty() {
            takes.push("takes no constraint that was asked for".to_owned());
        }
        Some(format!("{engine}: {}", takes.join(", ")))
    }

    /// Returns the constraint in the form in which the server obeys it.
    ///
    /// # Errors
    /// [`ModelError::ConstraintUnsupported`] if it obeys none, and why it could not be asked.
    pub(super) async fn write(
        &self,
        prober: &impl Prober,
        input: &PromptInput,
        constraint: &Constraint,
    ) -> Result<Written, ModelError> {
        let engine = match self.dialect {
            ConstraintDialect::Auto => self.engine.get_or_try_init(|| prober.engine()).await?.clone(),
            dialect => ServerEngine { dialect, version: None },
        };
        let mut reasons = Vec::new();
        for field in engine.dialect.fields(constraint) {
            let written = match field.write(constraint) {
                Ok(written) => written,
                Err(reason) if reason.starts_with("not JSON") => {
                    return Err(ModelError::ConstraintInvalid { constraint: constraint.kind(), message: reason });
                }
                Err(reason) => {
                    reasons.push(format!("{field}: {reason}"));
                    continue;
                }
            };
            // Somebody said what it is, or it is a service whose tokens cost money and whose fields are known.
            if self.dialect != ConstraintDialect::Auto || engine.dialect == ConstraintDialect::OpenAi {
                return Ok(written);
            }
            match self.probe(prober, input, *field, constraint, &engine).await? {
                Ok(()) => return Ok(written),
                Err(reason) => reasons.push(format!("{field}: {reason}")),
            }
        }
        Err(unsupported(&engine, self.dialect, constraint, &reasons))
    }

    /// Whether the server obeys the field: asked once for each kind.
    async fn probe(
        &self,
        prober: &impl Prober,
        input: &PromptInput,
        field: ConstraintField,
        constraint: &Constraint,
        engine: &ServerEngine,
    ) -> Result<Result<(), String>, ModelError> {
        let mut probed = self.probed.lock().await;
        if let Some(known) = probed.get(&(field, constraint.kind())) {
            return Ok(known.clone());
        }
        let probe = probe_of(constraint);
        let written = match field.write(&probe) {
            Ok(written) => written,
            Err(reason) => return Ok(Err(reason)),
        };
        let outcome = match prober.answer(&probing(input), written).await {
            Ok((text, thought)) => obeyed(&probe, &text, thought, engine),
            Err(ModelError::HttpStatus { status: status @ (400 | 422 | 500 | 501), body, .. }) => {
                Err(format!("refused with {status}: {body}"))
            }
            Err(ModelError::MalformedReply { expected, found, .. }) => {
                Err(format!("answered with {found} instead of {expected}"))
            }
            Err(error) => return Err(error),
        };
        probed.insert((field, constraint.kind()), outcome.clone());
        Ok(outcome)
    }
}

fn unsupported(
    engine: &ServerEngine,
    said: ConstraintDialect,
    constraint: &Constraint,
    reasons: &[String],
) -> ModelError {
    let server = match said {
        ConstraintDialect::Auto => engine.to_string(),
        said => said.server().to_owned(),
    };
    let backend = match reasons.is_empty() {
        true => server,
        false => format!("{server} ({})", reasons.join("; ")),
    };
    let advice = match said {
        ConstraintDialect::None => {
            "say with --constraints auto that it may be asked, or configure the template to ask for none"
        }
        _ => {
            "configure the template to ask for none, let the pack say `constrain = \"prefer\"` in [model], or use another server"
        }
    };
    ModelError::ConstraintUnsupported { backend, constraint: constraint.kind(), advice }
}

/// What no model says to a greeting.
const UNLIKELY: &str = "ZQ";

/// A constraint of the same kind, which shows in the first token whether it is obeyed.
fn probe_of(constraint: &Constraint) -> Constraint {
    match constraint {
        Constraint::Regex(_) => Constraint::Regex(format!("({UNLIKELY}){{1,8}}")),
        Constraint::Lark(_) => Constraint::Lark(format!("start: \"{UNLIKELY}\"+")),
        Constraint::JsonSchema(_) => Constraint::JsonSchema(
            r#"{"type": "object", "properties": {"zq": {"type": "integer"}}, "required": ["zq"], "additionalProperties": false}"#
                .to_owned(),
        ),
    }
}

/// A greeting that is answered with one token, by the route that the prompt itself takes.
fn probing(input: &PromptInput) -> GenerateRequest {
    let input = match input {
        PromptInput::Text(_) => PromptInput::Text("Hello".to_owned()),
        _ => PromptInput::user("Say hello."),
    };
    GenerateRequest::new(input, Sampling { temperature: 0.0, top_p: None, max_tokens: 1, seed: 0 })
}

/// Whether the answer has the probe's form, as far as one token can show it. `thought` says that there was thinking, which
/// servers leave free.
fn obeyed(probe: &Constraint, text: &str, thought: bool, engine: &ServerEngine) -> Result<(), String> {
    let text = text.trim();
    let fits = match probe {
        Constraint::JsonSchema(_) => text.starts_with('{'),
        _ => UNLIKELY.repeat(8).starts_with(text),
    };
    // White space, thinking or a control token: of a server that is known by name the field is believed.
    let shows_nothing = text.is_empty();
    match fits && !shows_nothing || shows_nothing && (engine.dialect != ConstraintDialect::Auto) {
        true => Ok(()),
        false if thought => Err("it was thinking, so that one token did not show whether it obeys".to_owned()),
        false => Err(format!("ignored: answered \"{}\"", crate::server::excerpt(text, None))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Cell;

    use serde_json::json;

    use super::*;

    /// A server that obeys some fields, refuses one, and ignores the rest.
    struct Server {
        dialect: ConstraintDialect,
        obeys: &'static [&'static str],
        refuses: &'static str,
        asked: Cell<Vec<String>>,
    }

    impl Server {
        fn new(dialect: ConstraintDialect, obeys: &'static [&'static str], refuses: &'static str) -> Self {
            Self { dialect, obeys, refuses, asked: Cell::default() }
        }

        fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap().clone()
        }
    }

    impl Prober for Server {
        async fn engine(&self) -> Result<ServerEngine, ModelError> {
            self.asked.lock().unwrap().push("engine".to_owned());
            Ok(ServerEngine { dialect: self.dialect, version: Some("1".to_owned()) })
        }

        async fn answer(&self, request: &GenerateRequest, (field, _): Written) -> Result<(String, bool), ModelError> {
            assert_eq!((request.sampling.max_tokens, &request.constraint), (1, &None));
            self.asked.lock().unwrap().push(field.to_owned());
            if field == self.refuses {
                let (endpoint, body) = ("http://a".to_owned(), "llguidance is not enabled".to_owned());
                return Err(ModelError::HttpStatus { endpoint, status: 400, body, attempts: 1 });
            }
            Ok((if self.obeys.contains(&field) { "Z" } else { "Hello" }.to_owned(), false))
        }
    }

    fn regex() -> Constraint {
        Constraint::Regex("[1-9]".into())
    }

    async fn write(negotiation: &Negotiation, server: &Server, constraint: &Constraint) -> Result<Written, ModelError> {
        negotiation.write(server, &PromptInput::user("judge"), constraint).await
    }

    #[tokio::test]
    async fn a_server_is_asked_once_and_then_remembered() {
        let server = Server::new(ConstraintDialect::LlamaCpp, &["grammar"], "");
        let negotiation = Negotiation::new(ConstraintDialect::Auto);
        assert_eq!(negotiation.found().await, None);
        for _ in 0..3 {
            assert_eq!(write(&negotiation, &server, &regex()).await.unwrap(), ("grammar", json!("root ::= [1-9]\n")));
        }
        assert_eq!(server.asked(), ["engine", "grammar"]);
        let found = negotiation.found().await.unwrap();
        assert_eq!(found, "llama.cpp 1: takes a regular expression as `grammar` (GBNF)");
    }

    #[tokio::test]
    async fn of_a_server_that_is_not_known_each_field_is_tried_until_one_is_obeyed() {
        let server = Server::new(ConstraintDialect::Auto, &["regex"], "grammar");
        let negotiation = Negotiation::new(ConstraintDialect::Auto);
        assert_eq!(write(&negotiation, &server, &regex()).await.unwrap().0, "regex");
        assert_eq!(server.asked(), ["engine", "structured_outputs", "grammar", "regex"]);
    }

    #[tokio::test]
    async fn a_server_that_obeys_nothing_is_told_with_what_came_of_each_field() {
        let server = Server::new(ConstraintDialect::Auto, &[], "grammar");
        let negotiation = Negotiation::new(ConstraintDialect::Auto);
        for _ in 0..2 {
            let error = write(&negotiation, &server, &regex()).await.unwrap_err();
            assert!(matches!(error, ModelError::ConstraintUnsupported { .. }), "{error}");
            let error = error.to_string();
            assert!(error.contains("`structured_outputs`: ignored: answered \"Hello\""), "{error}");
            assert!(error.contains("`grammar` (GBNF): refused with 400: llguidance is not enabled"), "{error}");
        }
        assert_eq!(server.asked().len(), 5);
    }

    #[tokio::test]
    async fn what_somebody_said_of_the_server_is_believed_and_nothing_is_asked() {
        let server = Server::new(ConstraintDialect::Auto, &[], "");
        for (dialect, field) in [(ConstraintDialect::Vllm, "structured_outputs"), (ConstraintDialect::Sglang, "regex")]
        {
            assert_eq!(write(&Negotiation::new(dialect), &server, &regex()).await.unwrap().0, field);
        }
        for dialect in [ConstraintDialect::None, ConstraintDialect::OpenAi, ConstraintDialect::Ollama] {
            let error = write(&Negotiation::new(dialect), &server, &regex()).await.unwrap_err();
            assert!(error.to_string().contains("configure the template"), "{error}");
        }
        assert_eq!(server.asked(), [""; 0]);
    }

    #[test]
    fn one_token_shows_whether_the_form_is_kept() {
        let engine = |dialect| ServerEngine { dialect, version: None };
        let (known, unknown) = (engine(ConstraintDialect::Vllm), engine(ConstraintDialect::Auto));
        let probe = probe_of(&regex());
        for good in ["Z", "ZQ", " ZQZ"] {
            obeyed(&probe, good, false, &unknown).unwrap();
        }
        obeyed(&probe, "Hello", false, &known).unwrap_err();
        obeyed(&probe, "", true, &known).unwrap();
        assert!(obeyed(&probe, "", true, &unknown).unwrap_err().contains("thinking"));
        obeyed(&probe_of(&Constraint::JsonSchema(String::new())), "{\"", false, &unknown).unwrap();
    }
}
