//! The logits processor that forces tokens, and notes how probable the model found each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::Tensor;
use mistralrs::CustomLogitsProcessor;

use super::admission::SequencePermit;
use super::sampler::{certainty, normaliser, with_values};

/// Forces one continuation, whatever the model makes of it.
pub(crate) struct ForcedSampler {
    tokens: Arc<[u32]>,
    logprobs: Mutex<Vec<f64>>,
    _admitted: SequencePermit,
}

impl ForcedSampler {
    pub(crate) fn new(tokens: Arc<[u32]>, admitted: SequencePermit) -> Self {
        ForcedSampler { tokens, logprobs: Mutex::default(), _admitted: admitted }
    }

    /// How many tokens were forced so far.
    pub(crate) fn seen(&self) -> usize {
        self.lock().len()
    }

    /// The logarithm of the probability of each forced token so far.
    pub(crate) fn logprobs(&self) -> Vec<f64> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<f64>> {
        self.logprobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CustomLogitsProcessor for ForcedSampler {
    fn apply(&self, logits: &Tensor, _context: &[u32]) -> candle_core::Result<Tensor> {
        let mut logprobs = self.lock();
        let Some(&token) = self.tokens.get(logprobs.len()) else {
            candle_core::bail!("the engine went on after all forced tokens");
        };
        let logprob = with_values(logits, |values| {
            values.get(token as usize).map(|&logit| f64::from(logit) - normaliser(values))
        })?;
        let Some(logprob) = logprob else {
            candle_core::bail!("token {token} is none of the model's");
        };
        logprobs.push(logprob);
        certainty(token)
    }
}
