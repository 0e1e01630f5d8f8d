// Part of Rewarden; `edits.toml` puts this file into mistralrs-core, where it is the module `rewarden`.
//! What the edits call: continuous batching whose results do not depend on what else runs.

mod tensors;

pub(crate) use tensors::{add_model_time, rotary_rows};
pub use tensors::{as_published, decode_rows, model_time, set_as_published, set_decode_rows};

use candle_core::Result;

use crate::kv_cache::EitherCache;
use crate::pipeline::ForwardInputsResult;
use crate::sequence::Sequence;

/// How many rows the next decode step has.
pub(crate) fn rows_of_step(sequences: &[&mut Sequence]) -> usize {
    // Hybrid models keep a state for each sequence beside the keys and values; there is none for an empty row.
    if sequences.iter().any(|sequence| sequence.recurrent_state_idx().is_some()) { 0 } else { decode_rows() }
}

/// The logits of each sequence in host memory; empty for anything but logits of the next token.
pub(crate) fn logits_of_each(result: &ForwardInputsResult, sequences: usize) -> Result<Vec<ForwardInputsResult>> {
    let ForwardInputsResult::CausalGeneration { logits } = result else { return Ok(Vec::new()) };
    let rows = tensors::rows_on_host(logits, sequences)?;
    Ok(rows.into_iter().map(|logits| ForwardInputsResult::CausalGeneration { logits }).collect())
}

/// Whether these sequences are one prompt several times, so that one of them stands for all.
pub(crate) fn is_one_prompt(cache: &EitherCache, sequences: &[&mut Sequence]) -> bool {
    let EitherCache::Normal(_) = cache else { return false };
    let [first, rest @ ..] = sequences else { return false };
    let plain = |sequence: &Sequence| {
        !sequence.has_images() && sequence.token_offset() == 0 && sequence.recurrent_state_idx().is_none()
    };
    !rest.is_empty() && plain(first) && rest.iter().all(|other| plain(other) && other.get_toks() == first.get_toks())
}

/// Gives the keys and values that were computed for the first sequence to the others.
///
/// They are views of one memory until the next decode step, which copies the caches of a batch that has changed into
/// one of its own before it writes.
pub(crate) fn share_cache(sequences: &mut [&mut Sequence]) {
    let [first, rest @ ..] = sequences else { return };
    let computed = first.normal_cache().clone();
    for sequence in rest {
        *sequence.normal_cache() = computed.clone();
    }
}
