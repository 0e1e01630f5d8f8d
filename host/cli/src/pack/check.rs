//! `rewarden pack check`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use rewarden_workbench::check;

use crate::console::out;
use crate::pack::subject::SubjectArgs;

const HELP: &str = "\
Laws; one that is broken is a failure, with its first counterexample:
  parser    never traps or runs over a limit; gives one score on the scale for each response, or a failure; a response
            quoted from the prompt before an answer does not change the scores read from it
  template  never traps or runs over a limit; shows every response; a changed response gives another prompt; no text of
            the task can repeat what stands between two responses
            (in a pack with principles: shows each one, and none can repeat that either)
  principles  never trap or run over a limit; the prompt shows the query, which cannot repeat the lines around it; reading
            gives 1 to 64 principles with names and valid weights, or a failure
  policy    never traps or runs over a limit; draws no more than it may; names each response at most once; finishes or
            refuses within its rounds, with one finite score a response and samples that exist
  scorer    never traps or runs over a limit; gives one finite score a response, or refuses
Beside them, notes tell of what a plugin may rightly do, such as a policy whose result depends on the order of its samples.

The input is made up from the seed and, where there are golden cases, from them: the same seed tries the same again.

Exit status: 0 all hold; 1 some do not.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,

    /// Made-up inputs for each law
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) cases: u32,

    /// Decides what is made up
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

/// Runs the command.
pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode> {
    let broken = check(&args.subject.load()?, args.cases, args.seed, &mut |line| out!("{line}"))?;
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
