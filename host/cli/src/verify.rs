//! `rewarden verify`.

use std::process::ExitCode;

use anyhow::Result;
use rewarden_judge::{Given, Overrides, Pack, Replayer, verify};
use rewarden_record::{RunReader, Source, differences};

use crate::args::VerifyArgs;
use crate::progress::Progress;
use crate::{packs, run_tasks, strategy};

/// Discrepancies that are told one by one.
const TOLD: u64 = 20;

/// Runs the command.
pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let run = RunReader::open(&args.run)?;
    let runtime = strategy::runtime(&args.places)?;
    let pack = match &args.pack {
        Some(pack) => Pack::load(&runtime, &packs::find(pack, &args.places)?, &Overrides::default())?,
        None => strategy::recorded(&run, &runtime, &Overrides::default())?,
    };
    let header = run.header();
    let mut found = 0_u64;
    let (then, now) = (serde_json::to_value(&header.strategy)?, serde_json::to_value(pack.strategy())?);
    for difference in differences(&then, &now) {
        found += 1;
        let show = |value: Option<serde_json::Value>| value.map_or("nothing".to_owned(), |value| value.to_string());
        println!("{}: the run has {}, the pack {}", difference.path, show(difference.here), show(difference.there));
    }
    if header.host != rewarden_record::HOST_VERSION {
        println!("note: the run was made by rewarden {}, this is {}", header.host, rewarden_record::HOST_VERSION);
    }
    // The prompts of a replayed run are those of the run that it came from.
    let prompts = header.source == Source::Score;
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
                found += 1;
                if found <= TOLD {
                    progress.print(|| println!("{discrepancy}"));
                }
            }
            progress.task_done();
            Ok(())
        },
    )?;
    progress.finish();
    if found > TOLD {
        println!("… and {} more", found - TOLD);
    }
    if !args.selection.quiet {
        let open = if unfinished > 0 { format!(", {unfinished} of them unfinished") } else { String::new() };
        eprintln!(
            "{tasks} tasks{open}, {samples} samples: {}",
            match found {
                0 => "everything came out as recorded".to_owned(),
                found => format!("{found} differences"),
            }
        );
    }
    Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
