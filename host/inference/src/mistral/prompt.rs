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

/// What the chat template makes of the turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PromptForm {
    /// The turns and the opening of the model's, with the choice of thinking.
    Answer(Option<bool>),
    /// The turns by themselves, with no tokens but the template's.
    Conversation,
}

/// What a prompt is made of.
type Asked = (Vec<PromptTurn>, PromptForm);

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
        form: PromptForm,
        control: &ControlTokens,
        pipeline: &tokio::sync::Mutex<dyn Pipeline>,
    ) -> Result<PromptTokens, String> {
        if let Some(known) = self.known(turns, form) {
            return Ok(known);
        }
        let (tokens, text) = {
            let pipeline = pipeline.lock().await;
            let messages = messages(turns, control).into();
            let (answer, thinking) = match form {
                PromptForm::Answer(thinking) => (true, thinking),
                PromptForm::Conversation => (false, None),
            };
            pipeline
                .get_processor()
                .process(&*pipeline, messages, answer, answer, thinking, None, Vec::new())
                .map_err(|error| format!("the chat template does not take these messages: {error:#}"))?
        };
        let start = if thinking::ends_inside(&text) { Start::Inside } else { Start::Unknown };
        let made = PromptTokens { tokens: tokens.into(), start };
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.truncate(REMEMBERED - 1);
        latest.push_front(((turns.to_vec(), form), made.clone()));
        Ok(made)
    }

    fn known(&self, turns: &[PromptTurn], form: PromptForm) -> Option<PromptTokens> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let found = latest.iter().find(|((asked, chosen), _)| *chosen == form && asked == turns);
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
