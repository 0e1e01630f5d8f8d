//! Going through a run's tasks: read on one thread, worked on by all, handed on in order.

use std::path::Path;
use std::sync::mpsc;

use anyhow::{Context as _, Result};
use clap::Args;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rewarden_record::Recorded;
use rewarden_store::RunReader;

use crate::console::err;
use crate::filter::Filter;

/// Which tasks of a run, and how much is said meanwhile.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct Selection {
    /// Only tasks whose metadata field has this value (* stands for anything); may be repeated
    #[arg(long = "where", value_name = "FIELD=PATTERN")]
    pub(crate) filters: Vec<Filter>,

    /// No progress bar and no summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Tasks that are read and worked on together.
const CHUNK: usize = 128;
/// Wasm may use 512 KiB of a thread's stack.
const STACK: usize = 4 << 20;

/// Opens a run to be read, and says on standard error if it may not be all that was recorded.
///
/// # Errors
/// See [`RunReader::open`].
pub(crate) fn open(path: &Path) -> Result<RunReader> {
    let run = RunReader::open(path)?;
    if !run.has_seals() {
        err!("{} was made before runs had a digest: whether it was changed since cannot be told", path.display());
    } else if run.digest().is_none() {
        err!(
            "{} was never closed: it is being written, or what wrote it was stopped; {} of its {} tasks have no end",
            path.display(),
            run.unfinished()?,
            run.tasks()?
        );
    }
    Ok(run)
}

/// Does `work` on every task of the run that all filters keep, side by side, and gives its results to `take` in the order
/// of the run. No more than a few chunks are in memory.
pub(crate) fn for_each<T: Send>(
    run: RunReader,
    filters: &[Filter],
    work: impl Fn(Recorded) -> T + Sync,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build().context("cannot start the worker threads")?;
    std::thread::scope(|scope| {
        let (sender, chunks) = mpsc::sync_channel(2);
        let reading = scope.spawn(move || -> Result<()> {
            let mut after = None;
            loop {
                let mut chunk = run.chunk(after, CHUNK)?;
                let Some(last) = chunk.last() else { return Ok(()) };
                after = Some(last.key);
                chunk.retain(|recorded| filters.iter().all(|filter| filter.keeps(&recorded.task)));
                if sender.send(chunk).is_err() {
                    // Taking failed; its error is the one to tell.
                    return Ok(());
                }
            }
        });
        let mut taken = Ok(());
        for chunk in chunks {
            let done: Vec<T> = pool.install(|| chunk.into_par_iter().map(&work).collect());
            taken = done.into_iter().try_for_each(&mut take);
            if taken.is_err() {
                break;
            }
        }
        let read = reading.join().map_err(|_| anyhow::anyhow!("the thread that reads the run was lost"));
        taken.and(read?)
    })
}

/// What a run is called in tables: its file's name without the ending.
pub(crate) fn name(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
