//! From messages to the tokens that the engine is sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use mistralrs::core::Pipeline;
use mistralrs::{TextMessageRole, TextMessages};

use super::control_tokens::ControlTokens;
use crate::thinking::{self, Start};
use rewarden_types::PromptTurn;

/// A conversation as tokens.
#[derive(Clone, Debug)]
pub(crate) struct PromptTokens {
    pub tokens: Arc<[u32]>,
    /// Whether it ends inside a thinking block.
    pub start: Start,
}

/// So many prompts are remembered: those of the tasks that are being judged at the same time.
const REMEMBERED: usize = 64;

/// Turns with the choice of thinking: what a prompt is made of.
type Asked = (Vec<PromptTurn>, Option<bool>);

/// Makes prompts, each once for all samples of it. The engine would make it once for each, between two steps.
#[derive(Default)]
pub(crate) struct PromptMaker {
    latest: Mutex<VecDeque<(Asked, PromptTokens)>>,
}

impl PromptMaker {
    /// The tokens of a conversation. The error is the chat template's.
    pub(crate) async fn tokens(
        &self,
        turns: &[PromptTurn],
        thinking: Option<bool>,
        control: &ControlTokens,
        pipeline: &tokio::sync::Mutex<dyn Pipeline>,
    ) -> Result<PromptTokens, String> {
        if let Some(known) = self.known(turns, thinking) {
            return Ok(known);
        }
        let (tokens, text) = {
            let pipeline = pipeline.lock().await;
            let messages = messages(turns, control).into();
            pipeline
                .get_processor()
                .process(&*pipeline, messages, true, true, thinking, None, Vec::new())
                .map_err(|error| format!("the chat template does not take these messages: {error:#}"))?
        };
        let start = if thinking::ends_inside(&text) { Start::Inside } else { Start::Unknown };
        let made = PromptTokens { tokens: tokens.into(), start };
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.truncate(REMEMBERED - 1);
        latest.push_front(((turns.to_vec(), thinking), made.clone()));
        Ok(made)
    }

    fn known(&self, turns: &[PromptTurn], thinking: Option<bool>) -> Option<PromptTokens> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let found = latest.iter().find(|((asked, chosen), _)| *chosen == thinking && asked == turns);
        found.map(|(_, tokens)| tokens.clone())
    }
}

/// The turns as mistral.rs takes them, without control tokens in what they say.
pub(crate) fn messages(turns: &[PromptTurn], control: &ControlTokens) -> TextMessages {
    turns.iter().fold(TextMessages::new(), |messages, turn| {
        let role = match turn.role.as_str() {
            "system" => TextMessageRole::System,
            "user" => TextMessageRole::User,
            "assistant" => TextMessageRole::Assistant,
            other => TextMessageRole::Custom(other.to_owned()),
        };
        messages.add_message(role, control.defuse(&turn.content))
    })
}
