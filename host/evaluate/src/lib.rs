//! Measures rewards against labels: accuracy and its intervals, accuracy@k, swap consistency, and the protocols of
//! public benchmarks.
//!
//! It knows nothing of runs, plugins or models. Tasks come in as numbers ([`TaskOutcome`]), one at a time, with a
//! function that makes a reward from some of a task's samples as the run's own policy would ([`Aggregate`]); one
//! [`Evaluation`] comes out, which tables, charts and pages draw.
//!
//! ```
//! use rewarden_evaluate::{AtKOptions, EvaluateOptions, Evaluator, SampleOutcome, Scores, TaskOutcome};
//!
//! let sample = |order: [u32; 2], scores: [f64; 2]| SampleOutcome {
//!     order: order.to_vec(),
//!     outcome: Ok(scores.map(Some).to_vec()),
//!     confidence: None,
//!     prompt_tokens: Some(900),
//!     completion_tokens: Some(250),
//!     seconds: None,
//! };
//! let samples = vec![sample([0, 1], [8.0, 5.0]), sample([1, 0], [6.0, 7.0]), sample([0, 1], [9.0, 4.0])];
//! // A plain sum; the caller's is the run's own policy.
//! let sum = |chosen: &[usize]| -> Option<Scores> {
//!     let of = |response: usize| {
//!         chosen.iter().filter_map(|&sample| samples[sample].outcome.as_ref().ok()?[response]).sum::<f64>()
//!     };
//!     Some(vec![Some(of(0)), Some(of(1))])
//! };
//! let task = TaskOutcome {
//!     id: "t1".into(),
//!     item: "t1".into(),
//!     fields: [("subset".to_owned(), "chat".to_owned())].into(),
//!     responses: 2,
//!     correct: vec![0],
//!     reward: Ok(vec![Some(23.0), Some(16.0)]),
//!     confidence: None,
//!     samples: samples.clone(),
//! };
//!
//! let options = EvaluateOptions { by: vec!["subset".into()], at_k: Some(AtKOptions::default()), ..EvaluateOptions::default() };
//! let mut evaluator = Evaluator::new("run.sqlite", "vote 0.1.0", "some-model", options)?;
//! let measured = evaluator.measure(task, &sum);
//! evaluator.add(measured);
//! let evaluation = evaluator.finish()?;
//!
//! assert_eq!(evaluation.overall.accuracy.map(|share| share.value), Some(1.0));
//! assert_eq!(evaluation.overall.swap_consistency.map(|share| share.value), Some(0.0));
//! // One sample of three is wrong; any two or three add up to the right winner.
//! let curve: Vec<_> = evaluation.at_k.iter().map(|point| (point.k, point.accuracy.value)).collect();
//! assert_eq!(curve, [(1, 2.0 / 3.0), (2, 1.0), (3, 1.0)]);
//! # Ok::<(), rewarden_evaluate::EvaluateError>(())
//! ```
//!
//! # What the figures are
//!
//! - **Accuracy** is the mean [`credit`] of tasks with a label and at least two responses: 1 when a right response won
//!   alone, 1/t when it shares the top with t − 1 wrong ones, 0 otherwise and without a reward. Its interval is
//!   [`wilson`]'s.
//! - **Accuracy@k** is what accuracy would have been with k samples a task. For each task, the policy aggregates
//!   random subsets of k of its samples, failed ones included, in the order in which they were drawn; all subsets where
//!   there are few. A subset without a reward earns 0. A task with fewer than k samples is left out of that k, and
//!   [`Share::tasks`] says how many took part: points measured on different tasks are not one curve. The interval is
//!   the percentile bootstrap over tasks, drawing one subset for each drawn task: how far the accuracy of one run with
//!   k samples a task would vary. Where every credit is the same, so is every replicate, and it has no width.
//! - **Swap consistency** pairs the i-th sample in an order with the i-th in the reversed one, **first shown wins** is
//!   counted over samples with a lone winner. Samples of a task resemble each other: their Wilson intervals are over
//!   the effective number of observations, not the plain one.
//! - **Histograms** have a bar for each integer where all scores are integers at most 40 apart, else 20 equal bars.
//! - **Reliability** sets confidences against the label, in ten bins ([`Reliability`]).
//! - **Voting** ([`EvaluateOptions::voting`]) sets a judge's best single sample against both-order agreement and the majority of
//!   all its samples, and finds whether majority helps or hurts; [`Voting`] says how each figure is made.
//! - **Protocols** ([`Protocol`]) are computed as the benchmarks' own code does; [`dataset`] reads their files.
//!
//! # Randomness
//!
//! Subsets depend on the seed, the task's id and k, and the bootstrap on the seed and k, never on which thread measured
//! what. Nothing else is random.

mod check;
mod credit;
mod curve;
pub mod dataset;
mod error;
mod evaluation;
mod evaluator;
mod histogram;
mod interval;
mod measurement;
mod named;
mod options;
mod protocol;
mod random;
mod reliability;
mod subsets;
mod tally;
mod task_figures;
#[cfg(test)]
mod tests;
mod voting;

pub use credit::{credit, top};
pub use error::EvaluateError;
pub use evaluation::{AtK, Bar, Evaluation, Figures, Group, ProtocolResult, ProtocolRow, Share};
pub use evaluator::{Evaluator, Measured};
pub use interval::wilson;
pub use measurement::{Aggregate, SampleOutcome, Scores, TaskOutcome};
pub use options::{AtKOptions, EvaluateOptions, VotingOptions};
pub use protocol::{Protocol, UnknownProtocol};
pub use reliability::{Reliability, ReliabilityBin};
pub use voting::{BothOrders, Finding, Gain, JudgeVotes, StrategyAccuracy, Voting};
