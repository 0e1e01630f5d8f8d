//! One generation and what became of it.

use rewarden_types::{Completion, CriterionScore, Judgement, Outcome, Rating, ScoreLevel, Sha256Digest, Usage};
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
    /// The judge that was asked; `None` is the pack's own.
    pub judge: Option<String>,
    /// Ids of the criteria that were asked about; empty for all.
    pub asked: Vec<String>,
    /// Ids of the earlier samples that the prompt showed.
    pub built_on: Vec<u32>,
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

    /// What was read and counts: nothing of a sample that failed.
    fn counted(&self) -> Option<&Judgement> {
        self.judgement.as_ref().filter(|_| self.is_valid())
    }

    /// Returns the scores by criterion that count, by the responses' own indices.
    pub fn criteria(&self) -> Vec<CriterionScore> {
        let place = |score: &CriterionScore| {
            let response = *self.order.get(usize::try_from(score.response).ok()?)?;
            Some(CriterionScore { response, ..score.clone() })
        };
        self.counted().map(|judgement| judgement.criteria.iter().filter_map(place).collect()).unwrap_or_default()
    }

    /// Returns the confidence that counts, from 0 to 1; `None` if there is none.
    pub fn confidence(&self) -> Option<f64> {
        self.counted().and_then(|judgement| judgement.confidence)
    }

    /// Returns the distributions that count: one entry per response of the task in its own order, or none at all.
    pub fn distributions(&self) -> Vec<Vec<ScoreLevel>> {
        let (Some(judgement), Outcome::Scored(scores)) = (self.counted(), &self.outcome) else { return Vec::new() };
        if judgement.distributions.is_empty() {
            return Vec::new();
        }
        let mut placed = vec![Vec::new(); scores.len()];
        for (response, levels) in self.order.iter().zip(&judgement.distributions) {
            if let Some(place) = usize::try_from(*response).ok().and_then(|response| placed.get_mut(response)) {
                place.clone_from(levels);
            }
        }
        placed
    }

    /// The sample as a policy sees it.
    pub fn view(&self) -> rewarden_types::Sample {
        rewarden_types::Sample {
            id: self.id,
            order: self.order.clone(),
            judge: self.judge.clone(),
            asked: self.asked.clone(),
            temperature: self.temperature,
            outcome: self.outcome.clone(),
            criteria: self.criteria(),
            confidence: self.confidence(),
            distributions: self.distributions(),
            answer_logprob: self.completion.as_ref().and_then(|completion| completion.answer_logprob),
            thinking_logprob: self.completion.as_ref().and_then(|completion| completion.thinking_logprob),
            rating: self.meta.as_ref().map(|meta| meta.rating.clone()),
            completion_tokens: self.completion.as_ref().map_or(0, |completion| completion.usage.completion_tokens),
        }
    }
}
