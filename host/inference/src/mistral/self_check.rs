//! Whether an engine writes the same text whatever else it does.
//!
//! Batching and prefix caching must not change greedy text, yet engines exist in which they do, without an error. So the
//! two are tried once at load, on texts whose continuation is all but certain: a difference then means corruption rather
//! than a rounding error that tipped a balance.

use async_trait::async_trait;
use futures::future::try_join_all;

use crate::error::ModelError;

/// Something that continues a prompt greedily.
#[async_trait]
pub(crate) trait Greedy: Sync {
    async fn greedy(&self, prompt: &str) -> Result<String, ModelError>;
}

/// Prompts of unlike lengths, each long enough to fill several blocks of a prefix cache.
fn prompts() -> Vec<String> {
    let count = |from: usize, to: usize| (from..to).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let repeat = |phrase: &str, times: usize| vec![phrase; times].join(" ");
if let Ok(kind) = std::env::var("NAT") {
        let c = |from: usize, n: usize| (from..from + n).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        return match kind.as_str() {
            "A" => (0..4).map(|i| format!("Continue this list of numbers, and write nothing else: {}", c(11 + 13 * i, 30 + i))).collect(),
            "B" => (0..4).map(|i| format!("Continue this list of numbers, and write nothing else: {}", c(11 + 13 * i, 30))).collect(),
            "C" => ["cat", "dog sat on the mat and the bird", "fish swam", "bird flew over"].iter().enumerate().map(|(i, x)| format!("Copy this text exactly, and write nothing else: {}", vec![*x; 12 + i].join("; "))).collect(),
            _ => ["Write a poem about the sea.", "Write a poem about the forest.", "Write a poem about my cat.", "Write a short story about a dog"].map(String::from).into(),
        };
    }
    vec![
        format!("Continue this list of numbers, and write nothing else: {}", count(1, 60)),
        format!("Continue this list of numbers, and write nothing else: {}", count(300, 320)),
        format!("Copy this text exactly, and write nothing else: {}", repeat("The cat sat on the mat.", 14)),
        format!("Copy this text exactly, and write nothing else: {}", repeat("red, green, blue;", 30)),
    ]
}

/// Whether a second run, which finds the prompt in the prefix cache, gives the same text as the first.
pub(crate) async fn prefix_hits_are_harmless(engine: &dyn Greedy) -> Result<bool, ModelError> {
    for prompt in prompts() {
        let (a, b) = (engine.greedy(&prompt).await?, engine.greedy(&prompt).await?);
        eprintln!("{a:?}\n{b:?}");
        if a != b {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether several prompts at once give the texts that each gives alone.
pub(crate) async fn batches_are_harmless(engine: &dyn Greedy) -> Result<bool, ModelError> {
    let prompts = prompts();
    let mut alone = Vec::new();
    for prompt in &prompts {
        alone.push(engine.greedy(prompt).await?);
    }
    let together = try_join_all(prompts.iter().map(|prompt| engine.greedy(prompt))).await?;
    eprintln!("{alone:#?}{together:#?}");
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
