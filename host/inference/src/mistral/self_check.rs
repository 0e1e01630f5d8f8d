//! Whether an engine writes the same text whatever else it does.
//!
//! Batching and prefix caching must not change greedy text, yet engines exist in which they do, without an error: in
//! mistral.rs 0.8.1 on the CPU, sequences of equal length in one batch go on from each other's cache. So the two are
//! tried once at load, on texts whose continuation is all but certain: a difference then means corruption rather than a
//! rounding error that tipped a balance. (Tried on the CPU with batching forced on: it was found.)

use async_trait::async_trait;
use futures::future::try_join_all;

use rewarden_types::ModelError;

/// Something that continues a prompt greedily.
#[async_trait]
pub(crate) trait Greedy: Sync {
    async fn greedy(&self, prompt: &str) -> Result<String, ModelError>;
}

/// What the texts are made of, so that nothing precedes the list: the first words of an answer are the least certain.
pub(crate) const FORM: &str = "[0-9, ]*";

/// Lists to copy, each long enough to fill several blocks of a prefix cache. Most are of one length, because schedulers
/// put those into one batch; some are not, because they may mix lengths too.
fn prompts() -> Vec<String> {
    let lists = [(11, 30), (24, 30), (37, 30), (50, 30), (13, 40), (61, 22)];
    let list = |(first, count)| (first..first + count).map(|n: u32| n.to_string()).collect::<Vec<_>>().join(", ");
    lists.map(|l| format!("Copy this list of numbers exactly, and write nothing else: {}", list(l))).into()
}

/// Returns whether a second run, which finds the prompt in the prefix cache, gives the same text as the first.
pub(crate) async fn prefix_hits_are_harmless(engine: &dyn Greedy) -> Result<bool, ModelError> {
    for prompt in prompts() {
        if engine.greedy(&prompt).await? != engine.greedy(&prompt).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns whether several prompts at once give the texts that each gives alone.
pub(crate) async fn batches_are_harmless(engine: &dyn Greedy) -> Result<bool, ModelError> {
    let prompts = prompts();
    let mut alone = Vec::new();
    for prompt in &prompts {
        alone.push(engine.greedy(prompt).await?);
    }
    let together = try_join_all(prompts.iter().map(|prompt| engine.greedy(prompt))).await?;
    Ok(alone == together)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// An engine with the faults that are switched on.
    #[derive(Default)]
    struct Fake {
        corrupts_batches: bool,
        corrupts_prefix_hits: bool,
        fails: bool,
        running: AtomicUsize,
        cached: Mutex<HashSet<String>>,
    }

    #[async_trait]
    impl Greedy for Fake {
        async fn greedy(&self, prompt: &str) -> Result<String, ModelError> {
            if self.fails {
                return Err(ModelError::Engine { model: "fake".into(), message: "out of memory".into() });
            }
            let hit = !self.cached.lock().unwrap().insert(prompt.to_owned());
            self.running.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let batch = self.running.load(Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.running.fetch_sub(1, Ordering::SeqCst);
            let salad = (self.corrupts_batches && batch > 1) || (self.corrupts_prefix_hits && hit);
            Ok(if salad { format!("salad of {prompt}") } else { prompt.to_owned() })
        }
    }

    #[tokio::test]
    async fn a_sound_engine_passes_both_checks() {
        let engine = Fake::default();
        assert!(prefix_hits_are_harmless(&engine).await.unwrap());
        assert!(batches_are_harmless(&engine).await.unwrap());
    }

    #[tokio::test]
    async fn corrupted_prefix_hits_are_found() {
        let engine = Fake { corrupts_prefix_hits: true, ..Fake::default() };
        assert!(!prefix_hits_are_harmless(&engine).await.unwrap());
    }

    #[tokio::test]
    async fn corrupted_batches_are_found_and_not_blamed_on_the_prefix_cache() {
        let engine = Fake { corrupts_batches: true, ..Fake::default() };
        assert!(prefix_hits_are_harmless(&engine).await.unwrap());
        assert!(!batches_are_harmless(&engine).await.unwrap());
    }

    #[tokio::test]
    async fn an_engine_that_fails_is_an_error_and_not_a_verdict() {
        let engine = Fake { fails: true, ..Fake::default() };
        assert!(prefix_hits_are_harmless(&engine).await.unwrap_err().to_string().contains("out of memory"));
        assert!(batches_are_harmless(&engine).await.is_err());
    }
}
