//! Public benchmarks' own protocols: how each of them turns verdicts into its headline figure.

pub(crate) mod judge_bench;
mod observations;
mod reward_bench;
mod reward_bench_2;
pub(crate) mod rm_bench;
mod ties;

use std::fmt;
use std::str::FromStr;

pub(crate) use observations::{Observation, Observations};

use crate::{Aggregate, EvaluateError, ProtocolResult, TaskOutcome};

/// A public benchmark whose figures can be computed as its own code does. What it counts is said in
/// [`ProtocolResult::rule`]; what it needs of a task:
///
/// | protocol | responses | label | metadata, id |
/// |---|---|---|---|
/// | `rewardbench` | 2 | one is right | `subset`, one of 23 |
/// | `rewardbench-2` | at least 2 | at least one is right | `subset`, one of 6; in Ties an id `ref:N` or `tied:N` |
/// | `judgebench` | 2, judged in both orders | one is right | `source` |
/// | `rm-bench` | 6 | the first three are right | `domain`, one of 5 |
///
/// The mappings in [`crate::dataset`] make such tasks from the benchmarks' own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// RewardBench (arXiv 2403.13787).
    RewardBench,
    /// RewardBench 2 (arXiv 2506.01937).
    RewardBench2,
    /// JudgeBench (arXiv 2410.12784).
    JudgeBench,
    /// RM-Bench (arXiv 2410.16184).
    RmBench,
}

/// A name that is no protocol's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a protocol, one of {}; found `{found}`{}", names(), did_you_mean(*suggestion))]
pub struct UnknownProtocol {
    /// The name found.
    pub found: String,
    /// The protocol that was probably meant.
    pub suggestion: Option<Protocol>,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RewardBench, Self::RewardBench2, Self::JudgeBench, Self::RmBench];

    /// The name that [`Protocol::from_str`] takes and results carry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RewardBench => "rewardbench",
            Self::RewardBench2 => "rewardbench-2",
            Self::JudgeBench => "judgebench",
            Self::RmBench => "rm-bench",
        }
    }

    pub(crate) fn observe(self, task: &TaskOutcome, aggregate: &Aggregate<'_>) -> Result<Observation, EvaluateError> {
        let task = Subject { protocol: self, task };
        match self {
            Self::RewardBench => reward_bench::observe(&task),
            Self::RewardBench2 => reward_bench_2::observe(&task),
            Self::JudgeBench => judge_bench::observe(&task, aggregate),
            Self::RmBench => rm_bench::observe(&task),
        }
    }

    pub(crate) fn result(self, observations: &Observations) -> ProtocolResult {
        let (rule, (rows, total)) = match self {
            Self::RewardBench => (reward_bench::RULE, reward_bench::result(observations)),
            Self::RewardBench2 => (reward_bench_2::RULE, reward_bench_2::result(observations)),
            Self::JudgeBench => (judge_bench::RULE, judge_bench::result(observations)),
            Self::RmBench => (rm_bench::RULE, rm_bench::result(observations)),
        };
        ProtocolResult { protocol: self.name(), rule, rows, total }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    /// Takes the name in any case, with or without its hyphens, underscores and spaces.
    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        let plain = plain(text);
        if let Some(protocol) = Self::ALL.into_iter().find(|protocol| self::plain(protocol.name()) == plain) {
            return Ok(protocol);
        }
        let likeness = |protocol: &Self| strsim::jaro_winkler(&self::plain(protocol.name()), &plain);
        let suggestion = Self::ALL
            .into_iter()
            .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
            .filter(|protocol| likeness(protocol) > 0.8);
        Err(UnknownProtocol { found: text.to_owned(), suggestion })
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn names() -> String {
    Protocol::ALL.map(|protocol| format!("`{protocol}`")).join(", ")
}

fn did_you_mean(protocol: Option<Protocol>) -> String {
    protocol.map_or_else(String::new, |protocol| format!("; did you mean `{protocol}`?"))
}

/// A task that a protocol looks at.
struct Subject<'a> {
    protocol: Protocol,
    task: &'a TaskOutcome,
}

impl Subject<'_> {
    fn error(&self, field: &'static str, message: String) -> EvaluateError {
        EvaluateError::Protocol { protocol: self.protocol, task: self.task.id.clone(), field, message }
    }

    /// The value of a field.
    fn field(&self, field: &'static str) -> Result<&str, EvaluateError> {
        let value = self.task.fields.get(field);
        value.map(String::as_str).ok_or_else(|| self.error(field, "is missing from the task's metadata".into()))
    }

    /// The value of a field that must be one of `names`, whatever its case.
    fn field_in(&self, field: &'static str, names: &[&'static str]) -> Result<&'static str, EvaluateError> {
        let value = self.field(field)?;
        names
            .iter()
            .copied()
            .find(|name| name.eq_ignore_ascii_case(value))
            .ok_or_else(|| self.error(field, format!("expected one of {}; found `{value}`", names.join(", "))))
    }

    fn expect_responses(&self, responses: usize) -> Result<(), EvaluateError> {
        if self.task.responses == responses {
            return Ok(());
        }
        Err(self.error("responses", format!("expected {responses}, found {}", self.task.responses)))
    }

    /// The right response, where there must be one of two.
    fn the_right_one(&self) -> Result<usize, EvaluateError> {
        self.expect_responses(2)?;
        match self.task.correct.as_slice() {
            [right] => Ok(*right),
            other => Err(self.error("preferred", format!("expected one right response, found {}", other.len()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_however_they_are_spelt() {
        for (text, protocol) in [
            ("rewardbench", Protocol::RewardBench),
            ("RewardBench", Protocol::RewardBench),
            ("reward-bench-2", Protocol::RewardBench2),
            ("RewardBench 2", Protocol::RewardBench2),
            ("judge_bench", Protocol::JudgeBench),
            ("RM-Bench", Protocol::RmBench),
        ] {
            assert_eq!(text.parse(), Ok(protocol));
        }
        assert!(Protocol::ALL.into_iter().all(|protocol| protocol.to_string().parse() == Ok(protocol)));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_names_there_are_and_the_likely_one() {
        let error = "rewardbnech".parse::<Protocol>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a protocol, one of `rewardbench`, `rewardbench-2`, `judgebench`, `rm-bench`; found \
             `rewardbnech`; did you mean `rewardbench`?"
        );
        assert_eq!("mmlu".parse::<Protocol>().unwrap_err().suggestion, None);
    }
}
