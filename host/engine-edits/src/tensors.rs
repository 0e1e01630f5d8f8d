// Part of Rewarden; `edits.toml` puts this file into mistralrs-core, and `lib.rs` tests it.
//! What the edits need of tensors, apart from mistral.rs's own types.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use candle_core::{DType, Device, IndexOp, Result, Tensor, TensorId};
use rayon::prelude::*;

/// How many rows a decode step has at least; 0 leaves steps as they come.
static DECODE_ROWS: AtomicUsize = AtomicUsize::new(0);

/// Makes every decode step of this process at least `rows` sequences long: empty ones fill it up.
///
/// Matrix kernels differ with the number of rows, and so do the last bits of what they return. With one number, a
/// sequence gets the same logits whatever else runs. It holds for paged attention, so for GPUs; 0 switches it off.
pub fn set_decode_rows(rows: usize) {
    DECODE_ROWS.store(rows, Ordering::SeqCst);
}

/// What [`set_decode_rows`] last set.
pub fn decode_rows() -> usize {
    DECODE_ROWS.load(Ordering::SeqCst)
}

/// Whether the CPU decodes several sequences as published, which corrupts them.
static AS_PUBLISHED: AtomicBool = AtomicBool::new(false);

/// Takes back, for this process, what was edited of batches on the CPU: a check of batches has to find the fault.
pub fn set_as_published(as_published: bool) {
    AS_PUBLISHED.store(as_published, Ordering::SeqCst);
}

/// What [`set_as_published`] last set.
pub fn as_published() -> bool {
    AS_PUBLISHED.load(Ordering::SeqCst)
}

/// Microseconds that steps waited for the model.
static MODEL_MICROS: AtomicUsize = AtomicUsize::new(0);

/// Adds to what [`model_time`] returns.
pub fn add_model_time(time: Duration) {
    MODEL_MICROS.fetch_add(usize::try_from(time.as_micros()).unwrap_or(usize::MAX), Ordering::Relaxed);
}

/// How long the steps of this process waited for the model so far, from its inputs to its logits in host memory. What a
/// step takes beyond that is the host's: choosing tokens, schedules, replies.
pub fn model_time() -> Duration {
    Duration::from_micros(MODEL_MICROS.load(Ordering::Relaxed) as u64)
}

/// The rows of the rotary tables for sequences that begin at `offsets` and are `length` tokens long each.
///
/// `cos` and `sin` have the shape (positions, half a head). The result has the shape (length, half a head) when all
/// offsets are equal, else (sequences, length, half a head); candle's `rope` takes both. Made once a step and kept for
/// the other layers, which ask for the same.
pub fn rotary_rows(cos: &Tensor, sin: &Tensor, offsets: &[usize], length: usize) -> Result<(Tensor, Tensor)> {
    /// More tables than a model has kinds of layers.
    const KEPT: usize = 4;
    type Rows = (TensorId, TensorId, Vec<usize>, usize, Tensor, Tensor);
    thread_local!(static LATEST: RefCell<Vec<Rows>> = const { RefCell::new(Vec::new()) });

    let Some(&first) = offsets.first() else { candle_core::bail!("no sequence to rotate") };
    if offsets.iter().all(|&offset| offset == first) {
        return Ok((cos.narrow(0, first, length)?, sin.narrow(0, first, length)?));
    }
    let known = LATEST.with_borrow(|latest| {
        let found = latest.iter().find(|(c, s, o, l, ..)| (*c, *s, *l) == (cos.id(), sin.id(), length) && o == offsets);
        found.map(|(.., cos, sin)| (cos.clone(), sin.clone()))
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let positions: Vec<u32> = offsets
        .iter()
        .flat_map(|&offset| offset..offset + length)
        .map(|position| u32::try_from(position).map_err(candle_core::Error::wrap))
        .collect::<Result<_>>()?;
    let positions = Tensor::new(positions, cos.device())?;
    let rows = |table: &Tensor| {
        let half = table.dim(1)?;
        table.index_select(&positions, 0)?.reshape((offsets.len(), length, half))
    };
    let (rows_cos, rows_sin) = (rows(cos)?, rows(sin)?);
    LATEST.with_borrow_mut(|latest| {
        latest.truncate(KEPT - 1);
        latest.insert(0, (cos.id(), sin.id(), offsets.to_vec(), length, rows_cos.clone(), rows_sin.clone()));
    });
    Ok((rows_cos, rows_sin))
}

/// The first `sequences` rows of `logits`, shape (rows, 1, vocabulary), each by itself in host memory as `f32`.
///
/// One copy for all of them: to copy a view to the host copies what it is a view of, so that doing it row by row costs
/// the square of their number.
pub fn rows_on_host(logits: &Tensor, sequences: usize) -> Result<Vec<Tensor>> {
    let wanted = if logits.dim(0)? > sequences {
        // A narrowed tensor still holds, and would copy, all rows.
        logits.narrow(0, 0, sequences)?.force_contiguous()?
    } else {
        logits.clone()
    };
    let wanted = wanted.to_device(&Device::Cpu)?;
    (0..sequences).into_par_iter().map(|row| wanted.i(row)?.to_dtype(DType::F32)).collect()
}
