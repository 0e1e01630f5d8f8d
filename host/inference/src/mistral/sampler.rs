//! The logits processor that chooses every token, and remembers what the model thought of it.
//!
//! The engine applies it to the raw logits and then takes the last of the largest of what it returns, so it returns
//! zeros that end with the chosen token. Under a grammar the engine first samples freely;
//! when the grammar forbids that token it masks the logits and samples again. The same noise is used both times, so the
//! result is the token with the highest perturbed logit among the allowed ones: an exact draw from the masked
//! distribution. (With `top_p` the nucleus is that of the free distribution at the first try, of the masked one at the
//! second.)
//!
//! The engine's own log-probabilities are computed from what processors return, hence useless here, and in base 10. So
//! the first, unmasked look at a position also notes the true ones.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use candle_core::{Device, Storage, Tensor};
use mistralrs::CustomLogitsProcessor;

use super::admission::SequencePermit;
use super::gumbel;
use rewarden_types::Sampling;

/// One generation's sampler.
pub(crate) struct SeededSampler {
    temperature: f64,
    top_p: Option<f64>,
    seed: u64,
    top_logprobs: usize,
    grammar_end: Option<GrammarEnd>,
    trace: Mutex<Trace>,
    /// Given back when the engine lets go of this, and so of the sequence.
    _admitted: Option<SequencePermit>,
}

/// How a text ends under a grammar.
///
/// The grammar engine knows one end token, and for chat models it is often not the one that the model ends its turns
/// with. Left alone, a model that wants to stop where the grammar would let it cannot say so, and runs on to the token
/// limit. So what the model gives to all its end tokens is given to the grammar's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrammarEnd {
    /// The token that the grammar allows at its end.
    pub token: u32,
    /// The model's other end-of-turn tokens.
    pub others: Vec<u32>,
}

#[derive(Default)]
struct Trace {
    /// Length of the token sequence at the latest call. Only ever compared: after a prefix hit the engine may show a
    /// shorter sequence than there is, so it is no measure of the position.
    context_len: Option<usize>,
    steps: Vec<SamplerStep>,
    /// The logit of ending at the latest position, all end tokens together; present under a grammar.
    end_logit: Option<f32>,
}

/// What happened at one position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SamplerStep {
    /// The token that was chosen.
    pub token: u32,
    /// Present when log-probabilities are wanted.
    pub odds: Option<Odds>,
}

/// The model's own distribution at one position, at temperature 1 and without a grammar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Odds {
    /// Natural logarithm of the chosen token's probability.
    pub logprob: f64,
    /// The most probable tokens, best first, with the logarithms of their probabilities.
    pub alternatives: Vec<(u32, f64)>,
    /// Logarithm of the sum of exponentials of all logits.
    normaliser: f64,
}

impl SeededSampler {
    pub(crate) fn new(
        sampling: &Sampling,
        top_logprobs: u8,
        grammar_end: Option<GrammarEnd>,
        admitted: Option<SequencePermit>,
    ) -> Self {
        SeededSampler {
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            seed: sampling.seed,
            top_logprobs: usize::from(top_logprobs),
            grammar_end,
            trace: Mutex::default(),
            _admitted: admitted,
        }
    }

    /// Every position so far. The last one or two may lie behind a stop string.
    pub(crate) fn steps(&self) -> Vec<SamplerStep> {
        self.trace().steps.clone()
    }

    /// How many tokens were chosen so far, and the latest.
    pub(crate) fn latest(&self) -> (usize, Option<u32>) {
        let trace = self.trace();
        (trace.steps.len(), trace.steps.last().map(|step| step.token))
    }

    fn trace(&self) -> MutexGuard<'_, Trace> {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, logits: &[f32], context_len: usize) -> Option<u32> {
        let mut trace = self.trace();
        // The same length twice is the same position once more, under the grammar's mask.
        let again = trace.context_len == Some(context_len);
        let position = trace.steps.len() - usize::from(again && !trace.steps.is_empty());
        let mut logits = Cow::Borrowed(logits);
        if let Some(end) = &self.grammar_end {
            if !again {
                trace.end_logit = end.logit(&logits);
            }
            end.put(logits.to_mut(), trace.end_logit);
        }
        let logits = &*logits;
        let choice = gumbel::choose(logits, self.temperature, self.top_p, self.seed, position as u64)?;
        let logit = f64::from(*logits.get(choice)?);
        let token = u32::try_from(choice).ok()?;
        if again && let Some(step) = trace.steps.last_mut() {
            step.token = token;
            if let Some(odds) = &mut step.odds {
                odds.logprob = (logit - odds.normaliser).min(0.0);
            }
        } else {
            let odds = (self.top_logprobs > 0).then(|| Odds::of(logits, logit, self.top_logprobs));
            trace.steps.push(SamplerStep { token, odds });
        }
        trace.context_len = Some(context_len);
        Some(token)
    }
}

impl GrammarEnd {
    /// The logarithm of the summed weights of all end tokens.
    fn logit(&self, logits: &[f32]) -> Option<f32> {
        let all = [self.token].into_iter().chain(self.others.iter().copied());
        let all: Vec<f32> = all.filter_map(|token| logits.get(token as usize).copied()).collect();
        let max = all.iter().copied().reduce(f32::max)?;
        let sum: f64 = all.iter().map(|&l| (f64::from(l) - f64::from(max)).exp()).sum();
        Some(if max == f32::NEG_INFINITY { max } else { (f64::from(max) + sum.ln()) as f32 })
    }

    /// Gives all the weight to the grammar's token, unless the grammar's mask forbids it.
    fn put(&self, logits: &mut [f32], end_logit: Option<f32>) {
        for token in &self.others {
            if let Some(logit) = logits.get_mut(*token as usize) {
                *logit = f32::NEG_INFINITY;
            }
        }
        if let (Some(logit), Some(end)) = (logits.get_mut(self.token as usize), end_logit)
            && *logit > f32::NEG_INFINITY
        {
            *logit = end;
        }
    }
}

impl CustomLogitsProcessor for SeededSampler {
    fn apply(&self, logits: &Tensor, context: &[u32]) -> candle_core::Result<Tensor> {
        match with_values(logits, |values| self.step(values, context.len()))? {
            Some(token) => certainty(token),
            None => {
                candle_core::bail!("the model's logits are not numbers, or the constraint leaves no token possible")
            }
        }
    }
}

/// Hands on the logits without a copy where they lie in this machine's memory, as the engine's do.
pub(super) fn with_values<T>(logits: &Tensor, work: impl FnOnce(&[f32]) -> T) -> candle_core::Result<T> {
    let (storage, layout) = logits.storage_and_layout();
    if let (Storage::Cpu(values), Some((start, end))) = (&*storage, layout.contiguous_offsets())
        && let Some(values) = values.as_slice::<f32>()?.get(start..end)
    {
        return Ok(work(values));
    }
    drop(storage);
    Ok(work(&logits.to_vec1::<f32>()?))
}

/// What makes the engine take this token: zeros up to it, of which it takes the last. A vector of the vocabulary's
/// length would cost as much as the choice itself.
pub(super) fn certainty(token: u32) -> candle_core::Result<Tensor> {
    Tensor::zeros(token as usize + 1, candle_core::DType::F32, &Device::Cpu)
}

/// The logarithm of the sum of the exponentials of the logits.
pub(super) fn normaliser(logits: &[f32]) -> f64 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|&l| (f64::from(l) - f64::from(max)).exp()).sum();
    f64::from(max) + sum.ln()
}

impl Odds {
    fn of(logits: &[f32], chosen: f64, alternatives: usize) -> Self {
        let normaliser = normaliser(logits);
        Odds {
            logprob: (chosen - normaliser).min(0.0),
            alternatives: most_probable(logits, alternatives)
                .into_iter()
                .map(|(token, logit)| (token, (f64::from(logit) - normaliser).min(0.0)))
                .collect(),
            normaliser,
        }
    }
}

/// The `count` largest logits, best first; of equal ones the lower token first. Impossible tokens are not listed.
fn most_probable(logits: &[f32], count: usize) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + 1);
    for (token, &logit) in (0u32..).zip(logits) {
        let full = best.len() == count;
        if logit == f32::NEG_INFINITY || (full && best.last().is_none_or(|(_, least)| logit <= *least)) {
            continue;
        }
        let place = best.partition_point(|(_, other)| *other >= logit);
        best.insert(place, (token, logit));
        best.truncate(count);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(temperature: f64, top_logprobs: u8) -> SeededSampler {
        SeededSampler::new(&Sampling { temperature, top_p: None, max_tokens: 9, seed: 11 }, top_logprobs, None, None)
    }

    fn apply(sampler: &SeededSampler, logits: &[f32], context_len: usize) -> usize {
        let logits = Tensor::from_slice(logits, logits.len(), &Device::Cpu).unwrap();
        let certain: Vec<f32> = sampler.apply(&logits, &vec![0; context_len]).unwrap().to_vec1().unwrap();
        // As the engine does: of equal ones the last.
        certain.iter().enumerate().max_by(|a, b| a.1.partial_cmp(b.1).unwrap()).unwrap().0
    }

    #[test]
    fn the_noise_moves_on_with_the_generated_tokens_whatever_the_context_length() {
        let flat = [0.0f32; 5000];
        let (cold, after_hit) = (sampler(1.0, 0), sampler(1.0, 0));
        let cold: Vec<usize> = [40, 41, 42].map(|n| apply(&cold, &flat, n)).into();
        // After a prefix hit the engine first shows the rest of the prompt only.
        let after_hit: Vec<usize> = [8, 41, 42].map(|n| apply(&after_hit, &flat, n)).into();
        assert_eq!(cold, after_hit);
        assert_ne!(cold[0], cold[1]);
    }

    #[test]
    fn a_second_call_at_the_same_position_replaces_the_choice_and_keeps_the_true_odds() {
        let sampler = sampler(0.0, 2);
        let free = [1.0f32, 3.0, 2.0];
        assert_eq!(apply(&sampler, &free, 5), 1);
        assert_eq!(apply(&sampler, &[1.0, f32::NEG_INFINITY, f32::NEG_INFINITY], 5), 0);
        assert_eq!(apply(&sampler, &free, 6), 1);
        let steps = sampler.steps();
        assert_eq!(steps.iter().map(|s| s.token).collect::<Vec<_>>(), [0, 1]);
        let normaliser = (1f64.exp() + 3f64.exp() + 2f64.exp()).ln();
        let odds = steps[0].odds.as_ref().unwrap();
        assert!((odds.logprob - (1.0 - normaliser)).abs() < 1e-6);
        assert_eq!(odds.alternatives.iter().map(|a| a.0).collect::<Vec<_>>(), [1, 2]);
        assert!((odds.alternatives[0].1 - (3.0 - normaliser)).abs() < 1e-6);
    }

    #[test]
    fn odds_do_not_depend_on_the_temperature() {
        let logits = [0.5f32, -0.25, 4.0, 1.0];
        let odds = |temperature| {
            let sampler = sampler(temperature, 3);
            apply(&sampler, &logits, 1);
            sampler.steps().remove(0).odds.unwrap().alternatives
        };
        assert_eq!(odds(0.0), odds(1.7));
        assert!(odds(1.0).iter().map(|(_, l)| l.exp()).sum::<f64>() <= 1.0);
    }

    #[test]
    fn under_a_grammar_every_wish_to_end_counts_for_the_grammars_end_token() {
        let end = GrammarEnd { token: 0, others: vec![2] };
        let sampling = Sampling { temperature: 0.0, top_p: None, max_tokens: 9, seed: 11 };
        let sampler = SeededSampler::new(&sampling, 0, Some(end), None);
        // The model wants its own end token; the grammar knows token 0 only.
        assert_eq!(apply(&sampler, &[-9.0, 1.0, 5.0], 3), 0);
        // Where the grammar may not end, the mask has the last word.
        assert_eq!(apply(&sampler, &[-9.0, 1.0, 5.0], 4), 0);
        assert_eq!(apply(&sampler, &[f32::NEG_INFINITY, 1.0, f32::NEG_INFINITY], 4), 1);
        // Where it may, the model's own end token is masked, and its weight counts all the same.
        assert_eq!(apply(&sampler, &[-9.0, 1.0, 5.0], 5), 0);
        assert_eq!(apply(&sampler, &[-9.0, 1.0, f32::NEG_INFINITY], 5), 0);
    }

    #[test]
    fn the_most_probable_tokens_come_best_first_without_impossible_ones() {
        let logits = [1.0, f32::NEG_INFINITY, 5.0, 5.0, -2.0, 3.0];
        assert_eq!(most_probable(&logits, 3), [(2, 5.0), (3, 5.0), (5, 3.0)]);
        assert_eq!(most_probable(&logits, 20).len(), 5);
    }

    #[test]
    fn broken_logits_are_an_error_not_a_token() {
        let logits = Tensor::from_slice(&[f32::NAN, 0.0], 2, &Device::Cpu).unwrap();
        let error = sampler(1.0, 0).apply(&logits, &[0]).unwrap_err().to_string();
        assert!(error.contains("not numbers"), "{error}");
    }
}
