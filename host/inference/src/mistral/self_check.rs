//! Whether an engine gives a sequence the same probabilities whatever else it works on.
//!
//! Batches must not change what a model thinks, yet engines exist in which they do, without an error: in mistral.rs
//! 0.8.1 as published, on the CPU, every sequence of a batch gets the attention of the last. So it is tried at load. A
//! fixed continuation is forced after each of some prompts, alone and with others beside it, and the logarithms of the
//! probabilities of its tokens are compared. Text would be the wrong thing to compare: it flips where two tokens are
//! almost equally probable, and stays the same where the damage is small.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::try_join_all;

use super::engine::Engine;
use rewarden_types::ModelError;

/// Something that can be made to write what it is told.
#[async_trait]
pub(crate) trait Forced: Sync {
    /// The logarithm of the probability of each token of `forced` after `prompt`.
    async fn forced(&self, prompt: Arc<[u32]>, forced: Arc<[u32]>) -> Result<Vec<f64>, ModelError>;
}

#[async_trait]
impl Forced for Engine {
    async fn forced(&self, prompt: Arc<[u32]>, forced: Arc<[u32]>) -> Result<Vec<f64>, ModelError> {
        Engine::forced(self, prompt, forced).await
    }
}

/// What a batch does to the probabilities of a sequence in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BatchEffect {
    /// Nothing: they are the same bit for bit.
    None,
    /// They differ by rounding, since another number of rows takes other kernels.
    Rounding {
        /// The largest difference of two logarithms of probabilities.
        largest: f64,
    },
    /// They are those of another text.
    Corruption {
        /// The largest difference of two logarithms of probabilities.
        largest: f64,
    },
}

impl fmt::Display for BatchEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BatchEffect::None => f.write_str("bit-equal"),
            BatchEffect::Rounding { largest } => {
                write!(f, "rounding, log-probabilities differ by {largest:.2e} at most")
            }
            BatchEffect::Corruption { largest } => write!(f, "corruption, log-probabilities differ by {largest:.2e}"),
        }
    }
}

/// A difference above this share of how log-probabilities differ anyway, from token to token, is no rounding.
const ROUNDING: f64 = 0.25;

/// A prompt, and what is forced after it.
type Probe = (Arc<[u32]>, Arc<[u32]>);

/// The sequences of a check.
pub(crate) struct Probes {
    /// Those that are compared.
    watched: Vec<Probe>,
    /// Sequences that only run beside them.
    fillers: Vec<Probe>,
    /// How many run at once, in one try after another.
    batches: Vec<usize>,
}

/// Tokens that are forced after a prompt of the paged check: with it, lengths pass multiples of 32, the size of a block.
const FORCED: usize = 12;
/// Lengths of its prompts: unlike, most of them shortly before such a multiple; the last is beyond the 512 tokens from
/// which attention may be computed in parts.
const LENGTHS: [usize; 7] = [70, 86, 88, 95, 96, 124, 509];

impl Probes {
    /// For an engine that mixes any sequences, up to `sequences` of them. `tokens` are ordinary tokens of the model;
    /// `nonce` makes prompts that no cache knows.
    pub(crate) fn of_unlike_prompts(tokens: &[u32], nonce: u64, sequences: usize) -> Self {
        let text = |number: u64, length: usize| pseudo_random(tokens, nonce.wrapping_add(number << 20), length);
        let watched = (0..).zip(LENGTHS).map(|(n, length)| (text(n, length), text(n + 100, FORCED)));
        let watched: Vec<_> = watched.take(sequences).collect();
        let fillers = 0..sequences.saturating_sub(watched.len()) as u64;
        let fillers = fillers.map(|n| (text(n + 200, 33), text(n + 300, FORCED))).collect();
        let mut batches = vec![sequences.min(8), sequences];
        batches.dedup();
        Probes { watched, fillers, batches }
    }

    /// For an engine that runs only samples of one prompt together.
    pub(crate) fn of_one_prompt(tokens: &[u32], nonce: u64) -> Self {
        let text = |number: u64, length: usize| pseudo_random(tokens, nonce.wrapping_add(number << 20), length);
        let prompt = text(0, 18);
        let watched: Vec<_> = (1..4).map(|n| (prompt.clone(), text(n, 4))).collect();
        Probes { batches: vec![watched.len()], watched, fillers: Vec::new() }
    }
}

/// Tries what batches do, and returns the worst of it.
///
/// # Errors
/// When the engine fails. That is no verdict.
pub(crate) async fn effect_of_batches(engine: &dyn Forced, probes: &Probes) -> Result<BatchEffect, ModelError> {
    let run = |(prompt, forced): &Probe| engine.forced(prompt.clone(), forced.clone());
    let mut alone = Vec::new();
    for watched in &probes.watched {
        alone.push(run(watched).await?);
    }
    let mut largest: f64 = 0.0;
    for &batch in &probes.batches {
        let members = probes.watched.iter().chain(&probes.fillers).take(batch);
        let together = try_join_all(members.map(run)).await?;
        let pairs = alone.iter().zip(&together).flat_map(|(alone, together)| alone.iter().zip(together));
        // What is not a number differs from everything.
        let differences = pairs.map(|(a, t)| if a.to_bits() == t.to_bits() { 0.0 } else { (a - t).abs() });
        largest = differences.fold(largest, |most, d| if d.is_nan() { f64::INFINITY } else { most.max(d) });
    }
    Ok(match largest {
        0.0 => BatchEffect::None,
        largest if largest <= ROUNDING * spread(&alone) => BatchEffect::Rounding { largest },
        largest => BatchEffect::Corruption { largest },
    })
}

/// The standard deviation of log-probabilities: how much it matters to the model which token comes.
fn spread(logprobs: &[Vec<f64>]) -> f64 {
    let all: Vec<f64> = logprobs.iter().flatten().copied().collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    (all.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt()
}

/// `length` of the tokens, chosen by a multiplicative hash of `seed` and place.
fn pseudo_random(tokens: &[u32], seed: u64, length: usize) -> Arc<[u32]> {
    let at = |place: usize| {
        let hash = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(place as u64 + 1);
        let hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        tokens.get(((hash >> 33) as usize) % tokens.len().max(1)).copied()
    };
    (0..length).filter_map(at).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// What a fake engine does to sequences that run together.
    #[derive(Clone, Copy, PartialEq)]
    enum Fault {
        None,
        /// Other kernels, other last bits.
        Rounding,
        /// Sequences of unlike lengths get each other's keys and values.
        MixedLengths,
        /// A sequence that passes the end of a block finds an old one.
        StaleBlocks,
        NotANumber,
        Fails,
    }

    struct Fake {
        fault: Fault,
        /// The lengths of the prompts that run now.
        running: Mutex<Vec<usize>>,
        most: AtomicUsize,
    }

    impl Fake {
        fn new(fault: Fault) -> Self {
            Fake { fault, running: Mutex::default(), most: AtomicUsize::new(0) }
        }
    }

    /// The log-probability of a token after a context: any function of both will do.
    fn logprob(context: &[u32], token: u32) -> f64 {
        let hash = context.iter().chain([&token]).fold(7u64, |h, t| (h ^ u64::from(*t)).wrapping_mul(0x100_0000_01b3));
        -((hash >> 40) as f64 / (1u64 << 24) as f64) * 12.0
    }

    #[async_trait]
    impl Forced for Fake {
        async fn forced(&self, prompt: Arc<[u32]>, forced: Arc<[u32]>) -> Result<Vec<f64>, ModelError> {
            if self.fault == Fault::Fails {
                return Err(ModelError::Engine { model: "fake".into(), message: "out of memory".into() });
            }
            self.running.lock().unwrap().push(prompt.len());
            tokio::task::yield_now().await;
            let beside = self.running.lock().unwrap().clone();
            self.most.fetch_max(beside.len(), Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.running.lock().unwrap().retain(|length| *length != prompt.len());
            let mixed = beside.iter().any(|length| *length != prompt.len());
            let mut context = prompt.to_vec();
            let step = |&token: &u32| {
                let true_one = logprob(&context, token);
                context.push(token);
                let crosses = beside.len() > 1 && context.len() % 32 < 4;
                match self.fault {
                    Fault::Rounding if mixed => true_one + 1e-3,
                    Fault::MixedLengths if mixed => logprob(&context[1..], token),
                    Fault::StaleBlocks if crosses => logprob(&context[2..], token),
                    Fault::NotANumber if mixed => f64::NAN,
                    _ => true_one,
                }
            };
            Ok(forced.iter().map(step).collect())
        }
    }

    async fn found(fault: Fault, sequences: usize) -> BatchEffect {
        let tokens: Vec<u32> = (0..5000).collect();
        let fake = Fake::new(fault);
        let effect = effect_of_batches(&fake, &Probes::of_unlike_prompts(&tokens, 3, sequences)).await.unwrap();
        assert_eq!(fake.most.load(Ordering::SeqCst), sequences);
        effect
    }

    #[tokio::test]
    async fn a_sound_engine_is_bit_equal() {
        assert_eq!(found(Fault::None, 64).await, BatchEffect::None);
        assert_eq!(found(Fault::None, 2).await, BatchEffect::None);
    }

    #[tokio::test]
    async fn rounding_is_told_from_corruption() {
        assert!(matches!(found(Fault::Rounding, 64).await, BatchEffect::Rounding { largest } if largest < 2e-3));
    }

    #[tokio::test]
    async fn sequences_that_mix_are_found() {
        assert!(matches!(found(Fault::MixedLengths, 64).await, BatchEffect::Corruption { largest } if largest > 1.0));
        assert!(matches!(found(Fault::MixedLengths, 2).await, BatchEffect::Corruption { .. }));
    }

    #[tokio::test]
    async fn stale_blocks_are_found() {
        assert!(matches!(found(Fault::StaleBlocks, 8).await, BatchEffect::Corruption { .. }));
    }

    #[tokio::test]
    async fn what_is_not_a_number_is_corruption() {
        let found = found(Fault::NotANumber, 8).await;
        assert_eq!(found, BatchEffect::Corruption { largest: f64::INFINITY });
    }

    #[tokio::test]
    async fn an_engine_that_fails_is_an_error_and_not_a_verdict() {
        let probes = Probes::of_one_prompt(&[1, 2, 3], 0);
        let error = effect_of_batches(&Fake::new(Fault::Fails), &probes).await.unwrap_err();
        assert!(error.to_string().contains("out of memory"));
    }
}
