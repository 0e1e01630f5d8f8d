//! The template of a scalar reward model that judges responses: the conversation as it is, with the response as the
//! assistant's last turn. The model gives one number, so it sees one response at a time: its policy is `pointwise`, and a parser
//! of ratings reads the number.
//!
//! Nothing is escaped or added: such models are trained on plain conversations, and have no markers that a text could forge.
//! Control tokens of the model are the server's to defuse.

use rewarden_plugin::{ConfigError, NoConfig, Plugin, Prompt, Refusal, Request, Role, Template, Turn};

/// The configured template.
#[derive(Debug)]
pub struct ResponseTurn;

impl Plugin for ResponseTurn {
    type Config = NoConfig;

    const NAME: &str = "response-turn";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str =
        "Shows a scalar reward model the conversation with one response as the assistant's last turn.";

    fn new(_: NoConfig) -> Result<Self, ConfigError> {
        Ok(ResponseTurn)
    }
}

impl Template for ResponseTurn {
    fn render(&self, request: &Request) -> Result<Prompt, Refusal> {
        let unsuitable = |message: String| Err(Refusal::UnsuitableTask(message));
        if request.critique.is_some() {
            return unsuitable(
                "expected a response to score, found a critique to rate: take `critique-turn`".to_owned(),
            );
        }
        if !request.earlier.is_empty() {
            return unsuitable(
                "expected no earlier samples to show, since a scalar model reads none: take another policy".to_owned(),
            );
        }
        let [response] = request.task.responses.as_slice() else {
            let shown = request.task.responses.len();
            return unsuitable(format!(
                "expected one response, since a scalar model gives one number; found {shown}: take the policy `pointwise`"
            ));
        };
        let role = |role| match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let turns = request.task.messages.iter().map(|message| Turn::of(role(message.role), message.content.clone()));
        Ok(Prompt::chat(turns.chain([Turn::assistant(response.clone())]).collect()))
    }
}

rewarden_plugin::export!(ResponseTurn: template);
