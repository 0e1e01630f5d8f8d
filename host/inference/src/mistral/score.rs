//! The score of a conversation by a model with a [`ScoreHead`].
//!
//! The conversation is what transformers' `apply_chat_template` gives without the opening of a further turn, and the
//! score is the first logit after it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::Tensor;
use mistralrs::CustomLogitsProcessor;

use super::admission::{Demand, SequencePermit};
use super::engine::{Engine, refuse_what_is_not_offered};
use super::prompt::PromptForm;
use super::sampler::{certainty, with_values};
use super::score_head::ScoreHead;
use crate::scalar::refuse_what_presumes_text;
use rewarden_types::{Completion, FinishReason, GenerateRequest, ModelError, Usage};

impl Engine {
    /// The score as a completion whose text is the number, like that of a reward model behind a server: the fewest
    /// decimal digits that read back as the same 32-bit number, and no exponent.
    pub(crate) async fn score(&self, request: &GenerateRequest, head: &ScoreHead) -> Result<Completion, ModelError> {
        refuse_what_presumes_text(request)?;
        refuse_what_is_not_offered(request)?;
        let turns = crate::request::chat_turns(request)?;
        let made = self.prompts.tokens(turns, PromptForm::Conversation, &self.vocabulary.control, &self.pipeline).await;
        let prompt = without_padding(made.map_err(|message| self.failed(message))?.tokens, head.pad());
        if prompt.is_empty() {
            return Err(self.failed("the chat template makes no tokens of this conversation".into()));
        }
        if prompt.len() + 1 > self.context {
            let (model, context) = (self.name.clone(), self.context);
            return Err(ModelError::ContextLength { model, prompt_tokens: prompt.len(), max_tokens: 1, context });
        }
        let admitted = self.gate.enter(Demand { prompt: prompt.clone(), new_tokens: 1 }).await;
        let first = Arc::new(FirstLogit { value: Mutex::default(), _admitted: admitted });
        self.observe(&prompt, 1, Arc::clone(&first) as _, || first.value().is_some()).await?;
        let score = (*first.value()).filter(|score| score.is_finite());
        let text = score.ok_or_else(|| self.failed("its score is not a finite number".into()))?.to_string();
        let prompt_tokens = u32::try_from(prompt.len()).unwrap_or(u32::MAX);
        let usage = Usage { prompt_tokens, completion_tokens: 0 };
        Ok(Completion { usage, ..Completion::of_text(text, FinishReason::Stop) })
    }
}

/// The tokens up to the last one that does not fill up a batch; of nothing but such the first, as transformers does.
fn without_padding(tokens: Arc<[u32]>, pad: Option<u32>) -> Arc<[u32]> {
    let last = tokens.iter().rposition(|token| Some(*token) != pad).unwrap_or_default();
    match last + 1 < tokens.len() {
        true => tokens.iter().take(last + 1).copied().collect(),
        false => tokens,
    }
}

/// Notes the logit of the first token of the vocabulary.
struct FirstLogit {
    value: Mutex<Option<f32>>,
    _admitted: SequencePermit,
}

impl FirstLogit {
    fn value(&self) -> MutexGuard<'_, Option<f32>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CustomLogitsProcessor for FirstLogit {
    fn apply(&self, logits: &Tensor, _context: &[u32]) -> candle_core::Result<Tensor> {
        let first = with_values(logits, |values| values.first().copied())?;
        // The engine may go on until it finds out that nobody listens any more.
        self.value().get_or_insert(first.unwrap_or(f32::NAN));
        certainty(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_padding_at_the_end_is_cut() {
        let cut = |tokens: &[u32], pad| without_padding(tokens.into(), pad).to_vec();
        assert_eq!(cut(&[1, 9, 2, 9, 9], Some(9)), [1, 9, 2]);
        assert_eq!(cut(&[1, 9, 2], Some(9)), [1, 9, 2]);
        assert_eq!(cut(&[1, 9], None), [1, 9]);
        assert_eq!(cut(&[9, 9], Some(9)), [9]);
        assert!(cut(&[], Some(9)).is_empty());
    }
}
