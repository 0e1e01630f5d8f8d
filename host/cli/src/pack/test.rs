//! `rewarden pack test`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use rewarden_workbench::test;

use crate::console::out;
use crate::pack::subject::SubjectArgs;

const HELP: &str = "\
Cases lie in tests/*.toml and tests/*.jsonl. In TOML each is a table of an array; in JSONL a line is {\"KIND\": {...}}.

  [[parse]]                        # a completion becomes scores, or a failure
  name = \"reads the last line\"
  completion = \"Scores: 7, 3\"      # or completion_file = \"long.txt\", beside the cases
  scores = [7, 3]                  # \"abstain\" for an abstention; the number shown is their count, else `shown = 2`
  # or: failure = \"unparsable\" (wrong-count, out-of-scale, not-finite), with message = \"part of the message\"
  # also: finish = \"length\"; tokens = [{ text = \"yes\", logprob = -0.1, alternatives = [{ text = \"no\", logprob = -2.4 }] }]

  [[render]]                       # a task becomes a prompt
  task = { prompt = \"2+2?\", responses = [\"4\", \"5\"] }   # as in the task files of `rewarden score`
  contains = [\"2+2?\"]              # in the text of all messages; also lacks = [...], equals = \"...\"
  # or: refuses = \"unsuitable-task\" (too-few-samples, other). For a meta template: critique = \"...\"
  # for one that is given principles: principles = [{ name = \"Truth\", weight = 60, text = \"It is 4.\" }]

  [[next]]                         # samples become a step
  task = { prompt = \"2+2?\", responses = [\"4\", \"5\"] }
  samples = [{ scores = [7, 3] }, { failure = \"unparsable\" }]    # also order, rating, temperature; \"none\": not shown
  scores = [7, 3]                  # it finishes so; also used = [0], details = { valid = 1 }
  # or: draws = 4, orders = [[0, 1], [1, 0]], rates = [0, 1], step = \"draw\" (rate, finish), refuses = \"too-few-samples\"
  # also: seed, temperature, samples_left, rounds_left, signals = { format = [1, 0] }

  [[ask]]                          # a query becomes the prompt for its principles
  query = { prompt = \"2+2?\" }      # a task without responses; metadata is what the part is shown; expects as [[render]]

  [[read]]                         # a completion becomes principles
  completion = \"1. Truth (Weight: 60%): 4.\\n2. Brevity: one line.\"
  principles = [{ name = \"Truth\", weight = 60 }, { name = \"Brevity\" }]   # or failure, message, finish as in [[parse]]

  [[score]]                        # a task gets scores by rule
  task = { prompt = \"2+2?\", responses = [\"4\", \"5\"], reference = \"4\" }
  scores = [1, 0]                  # or refuses

Every case may have: name; part, such as \"meta.parser\" or \"scorers.format\", where several could run it; config, keys \
to change in the part's configuration; scale = { min = 1, max = 10, integer = true }. Numbers are equal within 1e-9 of \
their size.

Exit status: 0 all passed; 1 some failed, or there are none.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
}

/// Runs the command.
pub(crate) fn run(args: &TestArgs) -> Result<ExitCode> {
    let passed = test(&args.subject.load()?, &mut |line| out!("{line}"))?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
