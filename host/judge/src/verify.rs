//! Whether a run's results come out again from its own inputs.

use std::fmt;

use rewarden_record::{PrinciplesRecord, Recorded, SampleRecord, TaskFailure, TaskFailureKind};
use rewarden_types::{
    CriterionScore, Detail, DetailValue, Failure, FailureKind, Outcome, Principle, Rating, Rejection, Reward, Score,
};

use crate::calls::Stopped;
use crate::order::Order;
use crate::principles::query_digest;
use crate::replay::Replayer;

/// Something that did not come out as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    /// The task.
    pub task: String,
    /// The sample; `None` if it is the reward.
    pub sample: Option<u32>,
    /// What was compared: `query`, `principles' prompt`, `principles`, `prompt`, `meta prompt`, `judgement`, `scores`,
    /// `rating`, `samples` or `reward`.
    pub what: &'static str,
    /// As recorded.
    pub recorded: String,
    /// As it came out now.
    pub now: String,
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.task)?;
        if let Some(sample) = self.sample {
            write!(f, ", sample {sample}")?;
        }
        write!(f, ", {}: recorded {}, now {}", self.what, self.recorded, self.now)
    }
}

/// Calls every plugin of a finished task again with the recorded inputs: what wrote its principles and the template
/// (unless the prompts were another strategy's, as in a replay), the parser, and the policy step by step. Failures for lack of processor time are left out: whether
/// they happen again is not the plugins' doing. So are tasks that ended because the host failed.
pub fn verify(replayer: &Replayer, recorded: &Recorded, prompts: bool) -> Vec<Discrepancy> {
    let mut found = Vec::new();
    if prompts {
        found.extend(principles(replayer, recorded));
        for (place, sample) in recorded.samples.iter().enumerate() {
            let before = recorded.samples.get(..place).unwrap_or_default();
            found.extend(prompt(replayer, recorded, sample, before));
            found.extend(meta_prompt(replayer, recorded, sample));
        }
    }
    let Some(reward) = &recorded.reward else { return found };
    if reward.as_ref().is_err_and(|failure| matches!(failure.kind, TaskFailureKind::PolicyTime | TaskFailureKind::Host))
    {
        return found;
    }
    let now = replayer.replay(recorded).verdict;
    let discrepancy = |sample: Option<u32>, what, recorded_text: String, now: String| Discrepancy {
        task: recorded.task.id.clone(),
        sample,
        what,
        recorded: recorded_text,
        now,
    };
    // A policy that failed half-way may leave samples that nobody was given; one that succeeds uses what it drew.
    if reward.is_ok() && now.reward.is_ok() && now.samples.len() != recorded.samples.len() {
        found.push(discrepancy(
            None,
            "samples",
            format!("{} drawn", recorded.samples.len()),
            format!("{} asked for", now.samples.len()),
        ));
    }
    for (recorded, now) in recorded.samples.iter().zip(&now.samples) {
        if is_time(&recorded.outcome) || is_time(&now.outcome) {
            continue;
        }
        let drawn = |sample: &SampleRecord| {
            let SampleRecord { round, order, judge, asked, built_on, .. } = sample;
            let own = judge.is_none() && asked.is_empty() && built_on.is_empty();
            let more = if own {
                String::new()
            } else {
                format!(", judge {judge:?}, criteria {asked:?}, built on {built_on:?}")
            };
            format!("round {round}, order {order:?}{more}")
        };
        if drawn(recorded) != drawn(now) {
            found.push(discrepancy(Some(recorded.id), "samples", drawn(recorded), drawn(now)));
        }
        // By their text: NaN has no equal, and the text of a number is exact.
        if format!("{:?}", recorded.judgement) != format!("{:?}", now.judgement) {
            let (then, now) = (judgement_text(recorded), judgement_text(now));
            found.push(discrepancy(Some(recorded.id), "judgement", then, now));
        }
        let (scored, scored_now) = (outcome_text(&recorded.outcome), outcome_text(&now.outcome));
        if scored != scored_now {
            found.push(discrepancy(Some(recorded.id), "scores", scored, scored_now));
        }
        let (rated, rated_now) = (rating_text(recorded), rating_text(now));
        if rated != rated_now {
            found.push(discrepancy(Some(recorded.id), "rating", rated, rated_now));
        }
    }
    let (then, now) = (reward_text(reward), reward_text(&now.reward));
    if then != now {
        found.push(discrepancy(None, "reward", then, now));
    }
    found
}

/// Exact: a number's text is the shortest that reads back as the same bits.
fn score_text(score: &Score) -> String {
    match score {
        Score::Value(value) => value.to_string(),
        Score::Abstain(reason) => format!("abstained ({reason})"),
    }
}

fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", "))
}

fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Scored(scores) => list(scores, |score| score.as_ref().map_or("not shown".to_owned(), score_text)),
        Outcome::Failed(failure) => format!("{} ({})", failure.kind, failure.message),
    }
}

fn rating_text(sample: &SampleRecord) -> String {
    match sample.meta.as_ref().map(|meta| &meta.rating) {
        None => "none".to_owned(),
        Some(Rating::Rated(rating)) => rating.to_string(),
        Some(Rating::Failed(failure)) => format!("{} ({})", failure.kind, failure.message),
    }
}

/// For people: what was compared is the whole.
fn judgement_text(sample: &SampleRecord) -> String {
    match &sample.judgement {
        None => "none".to_owned(),
        Some(judgement) => format!(
            "{} as shown, {} principles, a critique of {} bytes",
            list(&judgement.scores, score_text),
            judgement.principles.len(),
            judgement.critique.as_ref().map_or(0, String::len)
        ),
    }
}

fn reward_text(reward: &Result<Reward, TaskFailure>) -> String {
    match reward {
        Ok(reward) => {
            let detail = |detail: &Detail| match &detail.value {
                DetailValue::Number(number) => format!("{} {number}", detail.name),
                DetailValue::Text(text) => format!("{} {text}", detail.name),
                DetailValue::Flag(flag) => format!("{} {flag}", detail.name),
            };
            let (scores, details) = (list(&reward.scores, score_text), list(&reward.details, detail));
            let criterion = |entry: &CriterionScore| {
                format!("{} of {} {}", entry.criterion, entry.response, score_text(&entry.score))
            };
            let rejection =
                |rejection: &Rejection| format!("{} {:?} {}", rejection.sample, rejection.kind, rejection.message);
            let mut text = format!("{scores} from samples {:?}, details {details}", reward.used);
            if !reward.rejected.is_empty() {
                text.push_str(&format!(", rejected {}", list(&reward.rejected, rejection)));
            }
            if !reward.criteria.is_empty() {
                text.push_str(&format!(", criteria {}", list(&reward.criteria, criterion)));
            }
            if let Some(confidence) = reward.confidence {
                text.push_str(&format!(", confidence {confidence}"));
            }
            text
        }
        Err(failure) => format!("{} ({})", failure.kind.name(), failure.message),
    }
}

fn meta_prompt(replayer: &Replayer, recorded: &Recorded, sample: &SampleRecord) -> Option<Discrepancy> {
    let then = sample.meta.as_ref()?.prompt?;
    let now = match replayer.meta_request(&recorded.task, given(recorded), sample) {
        Some(Ok(request)) => request.digest().to_string(),
        Some(Err(stopped)) => stopped.message(),
        None => "no meta RM".to_owned(),
    };
    (now != then.to_string()).then(|| Discrepancy {
        task: recorded.task.id.clone(),
        sample: Some(sample.id),
        what: "meta prompt",
        recorded: then.to_string(),
        now,
    })
}

fn prompt(
    replayer: &Replayer,
    recorded: &Recorded,
    sample: &SampleRecord,
    before: &[SampleRecord],
) -> Option<Discrepancy> {
    let differs = |recorded_text: String, now: String| {
        let task = recorded.task.id.clone();
        Some(Discrepancy { task, sample: Some(sample.id), what: "prompt", recorded: recorded_text, now })
    };
    let order = match Order::new(sample.order.clone(), recorded.task.responses.len()) {
        Ok(order) => order,
        Err(error) => return differs(format!("{:?}", sample.order), error.to_string()),
    };
    let request = replayer.request(&recorded.task, &order, given(recorded), sample, before);
    match (sample.prompt, request) {
        (Some(then), Ok(request)) => {
            let now = request.digest();
            if then == now { None } else { differs(then.to_string(), now.to_string()) }
        }
        (None, Err(Stopped::Failed(failure))) => {
            if is_time(&sample.outcome) || failure.kind == FailureKind::Time {
                return None;
            }
            let (then, now) = (outcome_text(&sample.outcome), outcome_text(&Outcome::Failed(failure)));
            if then == now { None } else { differs(then, now) }
        }
        (None, Err(Stopped::Host(failure))) => differs(outcome_text(&sample.outcome), failure.message),
        (Some(then), Err(stopped)) => differs(then.to_string(), stopped.message()),
        (None, Ok(request)) => differs("none".into(), request.digest().to_string()),
    }
}

/// What the samples were judged under.
fn given(recorded: &Recorded) -> &[Principle] {
    recorded.principles.as_deref().map_or(&[], PrinciplesRecord::given)
}

/// Whose principles they are, what the model was asked for, and what was read from its answer.
fn principles(replayer: &Replayer, recorded: &Recorded) -> Vec<Discrepancy> {
    let Some(record) = &recorded.principles else { return Vec::new() };
    let mut found = Vec::new();
    let mut compare = |what: &'static str, then: String, now: String| {
        if then != now {
            let task = recorded.task.id.clone();
            found.push(Discrepancy { task, sample: None, what, recorded: then, now });
        }
    };
    let Some(stage) = replayer.principles() else {
        compare("principles", principles_text(&record.outcome), "no [principles] in the pack".to_owned());
        return found;
    };
    compare("query", record.query.to_string(), query_digest(&stage.query(&recorded.task)).to_string());
    let timed_out = |outcome: &Result<_, Failure>| outcome.as_ref().is_err_and(|f| f.kind == FailureKind::Time);
    match (record.prompt, replayer.principles_request(stage, &recorded.task, record)) {
        (Some(then), Ok(request)) => {
            compare("principles' prompt", then.to_string(), request.digest().to_string());
        }
        (Some(then), Err(stopped)) => compare("principles' prompt", then.to_string(), stopped.message()),
        (None, Ok(request)) => compare("principles' prompt", "none".to_owned(), request.digest().to_string()),
        (None, Err(Stopped::Failed(now))) if timed_out(&record.outcome) || now.kind == FailureKind::Time => {}
        (None, Err(Stopped::Failed(now))) => {
            compare("principles' prompt", principles_text(&record.outcome), principles_text(&Err(now)));
        }
        (None, Err(Stopped::Host(now))) => {
            compare("principles' prompt", principles_text(&record.outcome), now.message);
        }
    }
    if let Some(completion) = &record.completion {
        let now = match stage.read(completion) {
            Ok(principles) => Ok(principles),
            Err(Stopped::Failed(failure)) => Err(failure),
            Err(Stopped::Host(failure)) => {
                compare("principles", principles_text(&record.outcome), failure.message);
                return found;
            }
        };
        if !timed_out(&record.outcome) && !timed_out(&now) {
            compare("principles", principles_text(&record.outcome), principles_text(&now));
        }
    }
    found
}

fn principles_text(outcome: &Result<Vec<Principle>, Failure>) -> String {
    let one = |principle: &Principle| {
        let weight = principle.weight.map_or_else(String::new, |weight| format!(" ({weight})"));
        format!("{}{weight}: {}", principle.name, principle.text)
    };
    match outcome {
        Ok(principles) => list(principles, one),
        Err(failure) => format!("{} ({})", failure.kind, failure.message),
    }
}

fn is_time(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(failure) if failure.kind == FailureKind::Time)
}
