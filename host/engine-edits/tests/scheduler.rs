//! The edited scheduler of mistral.rs, with its memory manager as published, under an engine that only counts.
//!
//! `build.rs` lays both out where the engine is built with edits; what they use of the rest is stood in for here.
#![cfg(edited_engine)]
#![allow(dead_code, unused_imports, unreachable_pub, unused_macros, missing_docs, reason = "code of other authors")]
#![allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "as above"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

macro_rules! get_mut_arcmutex {
    ($thing:expr) => {
        loop {
            if let Ok(inner) = $thing.try_lock() {
                break inner;
            }
        }
    };
}
pub(crate) use get_mut_arcmutex;

static TERMINATE_ALL_NEXT_STEP: AtomicBool = AtomicBool::new(false);

mod engine {
    pub struct IntervalLogger;
    impl IntervalLogger {
        pub fn set_num_running(&self, _: usize) {}
        pub fn set_num_waiting(&self, _: usize) {}
        pub fn add_prefix_cache_hit(&self) {}
    }
}

mod scheduler {
    use std::marker::PhantomData;
    use std::sync::Arc;

    use crate::engine::IntervalLogger;
    use crate::paged_attention::kv_cache_manager::KVCacheManager;
    use crate::paged_attention::scheduler::PagedAttentionSchedulerOutput;
    use crate::sequence::Sequence;

    pub enum SchedulerOutput<'a> {
        PagedAttention { output: PagedAttentionSchedulerOutput },
        Other(PhantomData<&'a ()>),
    }

    pub trait Scheduler: Send + Sync {
        fn schedule(&mut self, logger: &IntervalLogger) -> SchedulerOutput<'_>;
        fn waiting_len(&self) -> usize;
        fn running_len(&self) -> usize;
        fn add_seq(&mut self, seq: Sequence);
        fn free_finished_sequence_groups(&mut self);
        fn get_finished_recurrent_indices(&self) -> Vec<usize>;
        fn block_size(&self) -> Option<usize>;
        fn kv_cache_manager(&self) -> Option<Arc<tokio::sync::Mutex<KVCacheManager>>>;
        fn set_prefix_caching_enabled(&mut self, enabled: bool);
    }
}

mod sequence {
    use crate::paged_attention::block_hash::MultiModalFeature;

    #[derive(Clone, Copy, PartialEq, Debug)]
    pub enum StopReason {
        Canceled,
        Length,
    }

    #[derive(Clone, Copy, PartialEq, Debug)]
    pub enum SequenceState {
        Waiting,
        RunningPrompt,
        RunningCompletion,
        FinishedIgnored,
        Done(StopReason),
    }

    pub struct Sequence {
        pub id: usize,
        pub tokens: Vec<u32>,
        pub prompt: usize,
        pub end: usize,
        pub state: SequenceState,
        pub cached: usize,
    }

    impl Sequence {
        pub fn id(&self) -> &usize {
            &self.id
        }
        pub fn get_toks(&self) -> &[u32] {
            &self.tokens
        }
        pub fn mm_features(&self) -> &[MultiModalFeature] {
            &[]
        }
        pub fn has_images(&self) -> bool {
            false
        }
        pub fn images(&self) -> Option<&()> {
            None
        }
        pub fn set_state(&mut self, state: SequenceState) {
            self.state = state;
        }
        pub fn is_prompt(&self) -> bool {
            self.state == SequenceState::RunningPrompt
        }
        pub fn len(&self) -> usize {
            self.tokens.len()
        }
        pub fn prefix_cache_len(&self) -> usize {
            self.cached
        }
        pub fn set_prefix_cache_len(&mut self, cached: usize) {
            self.cached = cached;
        }
        pub fn token_offset(&self) -> usize {
            0
        }
        pub fn timestamp(&self) -> u128 {
            self.id as u128
        }
        pub fn is_finished_paged_attn(&self) -> bool {
            matches!(self.state, SequenceState::Done(_) | SequenceState::FinishedIgnored)
        }
        pub fn recurrent_state_idx(&self) -> Option<usize> {
            None
        }
    }
}

mod paged_attention {
    pub const _PAD_SLOT_ID: i64 = -1;
    pub struct CacheConfig {
        pub num_gpu_blocks: usize,
        pub block_size: usize,
    }
    pub mod block_hash {
        include!(concat!(env!("OUT_DIR"), "/block_hash.rs"));
    }
    pub mod block_pool {
        include!(concat!(env!("OUT_DIR"), "/block_pool.rs"));
    }
    pub mod kv_cache_manager {
        include!(concat!(env!("OUT_DIR"), "/kv_cache_manager.rs"));
    }
    pub mod scheduler {
        include!(concat!(env!("OUT_DIR"), "/scheduler.rs"));
    }
}

use paged_attention::scheduler::{PagedAttentionScheduler, PagedAttentionSchedulerConfig};
use scheduler::Scheduler;
use sequence::{Sequence, SequenceState, StopReason};

/// What the engine was told to do in one step.
struct Step {
    is_prompt: bool,
    sequences: Vec<usize>,
}

/// Runs sequences of these lengths of prompt and text; returns what the scheduler had done, step by step.
fn run(lengths: &[(usize, usize)], blocks: usize, at_once: usize) -> Vec<Step> {
    let config = paged_attention::CacheConfig { num_gpu_blocks: blocks, block_size: 32 };
    let mut scheduler = PagedAttentionScheduler::new(PagedAttentionSchedulerConfig { max_num_seqs: at_once }, config);
    scheduler.set_prefix_caching_enabled(false);
    for (id, &(prompt, new_tokens)) in lengths.iter().enumerate() {
        let tokens = (0..prompt as u32).map(|token| token * 7 + id as u32).collect();
        let state = SequenceState::Waiting;
        scheduler.add_seq(Sequence { id, tokens, prompt, end: prompt + new_tokens, state, cached: 0 });
    }
    let mut steps = Vec::new();
    while scheduler.waiting_len() + scheduler.running_len() > 0 {
        assert!(steps.len() < 100_000, "it does not end");
        let output = PagedAttentionScheduler::schedule(&mut scheduler, &engine::IntervalLogger);
        let is_prompt = output.scheduled.first().is_some_and(|first| first.lock().unwrap().is_prompt());
        steps.push(Step { is_prompt, sequences: output.scheduled.iter().map(|s| s.lock().unwrap().id).collect() });
        hold_blocks_of_their_own(&scheduler, &output.scheduled);
        for sequence in &output.scheduled {
            let mut sequence = sequence.lock().unwrap();
            assert_eq!(sequence.is_prompt(), is_prompt, "either all prompts or none");
            let token = sequence.tokens.len() as u32;
            sequence.tokens.push(token);
            if sequence.tokens.len() >= sequence.end {
                sequence.set_state(SequenceState::Done(StopReason::Length));
            }
        }
        scheduler.free_finished_sequence_groups();
    }
    steps
}

fn hold_blocks_of_their_own(scheduler: &PagedAttentionScheduler, scheduled: &[Arc<Mutex<Sequence>>]) {
    let manager = scheduler.kv_cache_manager.try_lock().unwrap();
    let mut held = BTreeSet::new();
    for sequence in scheduled {
        let sequence = sequence.lock().unwrap();
        let blocks = manager.get_block_ids(sequence.id).unwrap();
        assert!(blocks.len() * 32 >= sequence.tokens.len(), "room for every token");
        for block in blocks {
            assert!(held.insert(*block), "block {block} is two sequences'");
        }
    }
}

fn unlike_lengths() -> Vec<(usize, usize)> {
    (0..40).map(|n| (20 + n * 13 % 170, 5 + n * 29 % 90)).collect()
}

#[test]
fn sequences_of_unlike_lengths_decode_together_and_none_is_computed_twice() {
    let lengths = unlike_lengths();
    let steps = run(&lengths, 2000, 64);
    let mut prompts: BTreeMap<usize, usize> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.is_prompt) {
        assert_eq!(step.sequences.len(), 1, "one prompt at a time");
        *prompts.entry(step.sequences[0]).or_default() += 1;
    }
    assert_eq!(prompts, (0..40).map(|id| (id, 1)).collect(), "each prompt once");
    let decode: Vec<usize> = steps.iter().filter(|s| !s.is_prompt).map(|s| s.sequences.len()).collect();
    let longest = lengths.iter().map(|(_, new_tokens)| new_tokens).max().unwrap();
    assert_eq!(decode.len(), longest - 1, "as many steps as the longest needs");
    assert_eq!(decode.first(), Some(&40), "all of them in the first");
}

#[test]
fn no_more_run_than_may_and_all_of_them_end() {
    let lengths = unlike_lengths();
    let steps = run(&lengths, 2000, 7);
    assert!(steps.iter().all(|step| step.sequences.len() <= 7));
    let ran: BTreeSet<usize> = steps.iter().flat_map(|step| step.sequences.iter().copied()).collect();
    assert_eq!(ran.len(), lengths.len());
}
