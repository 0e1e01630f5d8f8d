//! One generation and what became of it.

use rewarden_types::{Completion, Judgement, Outcome, Rating, Sha256Digest, Usage};
use serde_json::{Map, Value};

/// One sample: what was shown, what came back and what was read from it.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleRecord {
    /// Counts up from 0 within the task.
    pub id: u32,
    /// The policy's step that asked for it, 1 for the first. Samples of one step are drawn without knowing each other.
    pub round: u32,
    /// Indices of the responses shown, in shown order.
    pub order: Vec<u32>,
    /// The temperature that it was drawn with.
    pub temperature: f64,
    /// The seed that it was drawn with.
    pub seed: u64,
    /// SHA-256 of the request to the model, as JSON; `None` if no prompt came to be, or when the completion came from
    /// elsewhere.
    pub prompt: Option<Sha256Digest>,
    /// What the model wrote; `None` if generation failed.
    pub completion: Option<Completion>,
    /// Wall-clock seconds that the generation took; `None` if that is not known.
    pub seconds: Option<f64>,
    /// What the parser read, in shown order, as the parser returned it; `None` if it read nothing.
    pub judgement: Option<Judgement>,
    /// What counts: scores in the task's own order that were checked by the host, or the failure.
    pub outcome: Outcome,
    /// A meta RM's rating; none until one was asked for.
    pub meta: Option<MetaRecord>,
    /// Fields of an imported sample that mean nothing to the host.
    pub extra: Map<String, Value>,
}

/// A meta RM's rating of one sample, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct MetaRecord {
    /// The rating, or why there is none.
    pub rating: Rating,
    /// As [`SampleRecord::prompt`], of the meta RM's own request.
    pub prompt: Option<Sha256Digest>,
    /// What the meta RM wrote; `None` if generation failed, or if the rating was imported.
    pub completion: Option<Completion>,
    /// Wall-clock seconds that it took; `None` if that is not known.
    pub seconds: Option<f64>,
}

impl SampleRecord {
    /// Returns whether it holds a judgement.
    pub fn is_valid(&self) -> bool {
        matches!(self.outcome, Outcome::Scored(_))
    }

    /// Returns the tokens that it cost; `None` if that is not known. There is no prompt without tokens, so zero stands for "unknown".
    pub fn usage(&self) -> Option<Usage> {
        self.completion.as_ref().map(|completion| completion.usage).filter(|usage| usage.prompt_tokens > 0)
    }

    /// The sample as a policy sees it.
    pub fn view(&self) -> rewarden_types::Sample {
        rewarden_types::Sample {
            id: self.id,
            order: self.order.clone(),
            temperature: self.temperature,
            outcome: self.outcome.clone(),
            rating: self.meta.as_ref().map(|meta| meta.rating.clone()),
            completion_tokens: self.completion.as_ref().map_or(0, |completion| completion.usage.completion_tokens),
        }
    }
}
