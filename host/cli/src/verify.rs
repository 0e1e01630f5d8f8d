//! `rewarden verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueHint};
use rewarden_judge::{Given, Overrides, Pack, Replayer, verify};
use rewarden_record::differences;
use rewarden_store::{RunReader, RunSource};
use rewarden_types::Sha256Digest;

use crate::console::err;
use crate::console::out;
use crate::options::Places;
use crate::progress::Progress;
use crate::run_tasks::Selection;
use crate::{packs, run_tasks, strategy};

const VERIFY_HELP: &str = "\
Without --pack the components that the run itself holds are called. With it, those of the pack: whatever differs is named.

Exit status: 0 everything came out as recorded; 1 something did not.";

#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct VerifyArgs {
    /// The run.
    #[arg(value_name = "RUN", value_hint = ValueHint::FilePath)]
    pub(crate) run: PathBuf,

    /// Compare with the plugins of this pack instead of those that the run holds
    #[arg(long, value_name = "NAME|DIR", value_hint = ValueHint::DirPath)]
    pub(crate) pack: Option<String>,

    /// The digest that the run must have, as a paper or `rewarden report` gives it
    #[arg(long, value_name = "sha256:…")]
    pub(crate) digest: Option<Sha256Digest>,

    #[command(flatten)]
    pub(crate) selection: Selection,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Discrepancies that are printed one by one.
const TOLD: u64 = 20;
/// Tasks that are read together where nothing is done with them.
const CHUNK: usize = 128;

/// Runs the command.
pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let run = RunReader::open_changed(&args.run)?;
    let mut told = Told::default();
    let checked = run.changes(|change| told.tell(|| out!("{change}")))?;
    match checked.digest {
        Some(digest) => out!("digest {digest}{}", if checked.closed { "" } else { " (not final)" }),
        None => {
            out!("note: the run was made before runs had a digest: whether its rows were changed cannot be told")
        }
    }
    if let Some(expected) = args.digest
        && checked.digest != Some(expected)
    {
        told.tell(|| out!("digest: expected {expected}"));
    }
    if checked.digest.is_some() && !checked.closed {
        out!(
            "note: the run is not closed: it is being written, or its process was killed; {} tasks have no seal yet",
            checked.unsealed
        );
    }
    if run.header().strategy.is_none() && args.pack.is_none() {
        return unread(args, &run, told);
    }
    let runtime = strategy::runtime(&args.places)?;
    let pack = match &args.pack {
        Some(pack) => Pack::load(&runtime, &packs::find(pack, &args.places)?, &Overrides::default())?,
        None => strategy::recorded(&run, &runtime, &Overrides::default())?,
    };
    let header = run.header();
    let (then, now) = (serde_json::to_value(&header.strategy)?, serde_json::to_value(pack.strategy())?);
    for difference in differences(&then, &now) {
        let show = |value: Option<serde_json::Value>| value.map_or("nothing".to_owned(), |value| value.to_string());
        told.tell(|| {
            out!("{}: the run has {}, the pack {}", difference.path, show(difference.here), show(difference.there));
        });
    }
    if header.host != rewarden_record::HOST_VERSION {
        out!("note: the run was made by rewarden {}, this is {}", header.host, rewarden_record::HOST_VERSION);
    }
    // The prompts of a replayed run are those of the run that it came from.
    let prompts = header.source == RunSource::Score;
    let drawn = header.drawn.clone();
    let asked = Replayer::new(pack.clone(), drawn.clone(), Given::Asked);
    let all = Replayer::new(pack, drawn, Given::All);
    let progress = Progress::new(Some(run.tasks()?), !args.selection.quiet);
    let (mut tasks, mut samples, mut unfinished) = (0_u64, 0_u64, 0_u64);
    run_tasks::for_each(
        run,
        &args.selection.filters,
        |recorded| {
            // Samples of round 0 were given to the policy all at once.
            let given_all = recorded.samples.first().is_some_and(|sample| sample.round == 0);
            let mut found = verify(if given_all { &all } else { &asked }, &recorded, prompts);
            if recorded.samples.is_empty() && !found.is_empty() {
                // Without a sample there is no telling which it was.
                found = verify(&all, &recorded, prompts);
            }
            (recorded.samples.len() as u64, recorded.reward.is_some(), found)
        },
        |(drawn, finished, discrepancies)| {
            tasks += 1;
            samples += drawn;
            unfinished += u64::from(!finished);
            for discrepancy in discrepancies {
                told.tell(|| progress.print(|| out!("{discrepancy}")));
            }
            progress.task_done();
            Ok(())
        },
    )?;
    progress.finish();
    if !args.selection.quiet {
        let open = if unfinished > 0 { format!(", {unfinished} of them unfinished") } else { String::new() };
        let sound = if tasks == 0 { "nothing was compared" } else { "everything came out as recorded" };
        err!("{tasks} tasks{open}, {samples} samples: {}", told.summary(sound));
    }
    Ok(told.end())
}

/// Ends with what can be told of an import: nothing has read its samples yet, so there is nothing to compare but its rows.
fn unread(args: &VerifyArgs, run: &RunReader, told: Told) -> Result<ExitCode> {
    let mut after = None;
    loop {
        // For the checks of every value that come with reading.
        let chunk = run.chunk(after, CHUNK)?;
        let Some(last) = chunk.last() else { break };
        after = Some(last.key);
    }
    if !args.selection.quiet {
        let (tasks, samples) = (run.tasks()?, run.samples()?);
        let sound = "imported, and nothing has read them yet (rewarden replay --pack NAME)";
        err!("{tasks} tasks, {samples} samples: {}", told.summary(sound));
    }
    Ok(told.end())
}

/// Differences that were found. The first of them are printed one by one.
#[derive(Default)]
struct Told {
    found: u64,
}

impl Told {
    fn tell(&mut self, tell: impl FnOnce()) {
        self.found += 1;
        if self.found <= TOLD {
            tell();
        }
    }

    fn summary(&self, sound: &str) -> String {
        match self.found {
            0 => sound.to_owned(),
            found => format!("{found} differences"),
        }
    }

    fn end(&self) -> ExitCode {
        if self.found > TOLD {
            out!("… and {} more", self.found - TOLD);
        }
        if self.found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
