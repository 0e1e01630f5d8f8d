//! Tasks, samples and a small host, for the tests of policies. Panics where a policy breaks the contract.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use rewarden_plugin::{
    Context, Detail, DetailValue, Draw, Failure, FailureKind, Message, Outcome, Policy, Rating, Refusal, Reward,
    Sample, Scale, Score, Step, Task,
};

/// Whole numbers from 1 to 10.
pub const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

/// A task with this many responses.
pub fn task(responses: usize) -> Task {
    Task {
        messages: vec![Message::user("Which?")],
        responses: (0..responses).map(|number| format!("response {number}")).collect(),
        reference: None,
        metadata: "{}".to_owned(),
    }
}

/// Seed 5, temperature 0.5, 64 samples and 8 rounds.
pub fn context() -> Context {
    Context { seed: 5, samples_left: 64, rounds_left: 8, ..Context::of(SCALE) }
}

/// The context of a policy that is given all samples at once.
pub fn nothing_left() -> Context {
    Context { samples_left: 0, ..context() }
}

/// A sample without a rating.
pub fn sample(id: u32, order: Vec<u32>, outcome: Outcome) -> Sample {
    Sample::of(id, order, outcome)
}

/// A sample with these scores in the task's own order.
pub fn scored(id: u32, scores: &[f64]) -> Sample {
    sample(id, (0..scores.len() as u32).collect(), all(scores))
}

/// A score for every response.
pub fn all(scores: &[f64]) -> Outcome {
    Outcome::Scored(scores.iter().map(|score| Some(Score::Value(*score))).collect())
}

/// A sample whose scores were not found, of two responses.
pub fn failed(id: u32) -> Sample {
    sample(id, vec![0, 1], failure())
}

/// Scores were not found.
pub fn failure() -> Outcome {
    Outcome::Failed(Failure { kind: FailureKind::Unparsable, message: "no box".to_owned() })
}

/// The same sample with this rating.
pub fn rated(sample: Sample, rating: f64) -> Sample {
    Sample { rating: Some(Rating::Rated(rating)), ..sample }
}

/// The reward of a policy that has to finish.
pub fn finish(policy: &impl Policy, task: &Task, context: &Context, samples: &[Sample]) -> Reward {
    match policy.next(task, context, samples).unwrap() {
        Step::Finish(reward) => checked(reward, task, samples),
        step => panic!("expected a reward, found {step:?}"),
    }
}

/// The draws of a policy that has to draw.
pub fn draws(policy: &impl Policy, task: &Task, context: &Context, samples: &[Sample]) -> Vec<Draw> {
    match policy.next(task, context, samples).unwrap() {
        Step::Draw(draws) => draws,
        step => panic!("expected draws, found {step:?}"),
    }
}

/// The scores, none of which may be an abstention.
pub fn values(reward: &Reward) -> Vec<f64> {
    let values = reward.scores.iter().map(|score| match score {
        Score::Value(value) => *value,
        Score::Abstain(reason) => panic!("expected a score, found an abstention: {reason}"),
    });
    values.collect()
}

/// A detail that is a number.
pub fn number(reward: &Reward, name: &str) -> f64 {
    match detail(reward, name) {
        DetailValue::Number(number) => *number,
        other => panic!("expected a number in {name}, found {other:?}"),
    }
}

/// A detail that is a text.
pub fn text<'a>(reward: &'a Reward, name: &str) -> &'a str {
    match detail(reward, name) {
        DetailValue::Text(text) => text,
        other => panic!("expected a text in {name}, found {other:?}"),
    }
}

/// A detail that is a flag.
pub fn flag(reward: &Reward, name: &str) -> bool {
    match detail(reward, name) {
        DetailValue::Flag(flag) => *flag,
        other => panic!("expected a flag in {name}, found {other:?}"),
    }
}

fn detail<'a>(reward: &'a Reward, name: &str) -> &'a DetailValue {
    let found = reward.details.iter().find(|detail| detail.name == name);
    &found.unwrap_or_else(|| panic!("expected a detail {name}, found {:?}", reward.details)).value
}

/// What the host checks of a reward.
fn checked(reward: Reward, task: &Task, samples: &[Sample]) -> Reward {
    assert_eq!(reward.scores.len(), task.responses.len(), "one score per response");
    for score in &reward.scores {
        assert!(!matches!(score, Score::Value(value) if !value.is_finite()), "{:?}", reward.scores);
    }
    assert!(reward.used.iter().all(|used| samples.iter().any(|sample| sample.id == *used)), "{:?}", reward.used);
    let names: BTreeSet<&str> = reward.details.iter().map(|Detail { name, .. }| name.as_str()).collect();
    assert_eq!(names.len(), reward.details.len(), "{:?}", reward.details);
    for Detail { name, value } in &reward.details {
        assert!(!matches!(value, DetailValue::Number(number) if !number.is_finite()), "{name}: {value:?}");
    }
    reward
}

/// Runs a task as the host does: `judge` gives the outcome of each draw by its id, `meta` a rating of each sample.
/// Returns the reward and all samples.
///
/// # Errors
/// The policy's refusal.
pub fn run(
    policy: &impl Policy,
    task: &Task,
    context: &Context,
    mut judge: impl FnMut(u32, &Draw) -> Outcome,
    meta: impl Fn(&Sample) -> Rating,
) -> Result<(Reward, Vec<Sample>), Refusal> {
    let mut samples: Vec<Sample> = Vec::new();
    for rounds_left in (0..=context.rounds_left).rev() {
        let samples_left = context.samples_left - samples.len() as u32;
        let context = Context { samples_left, rounds_left, ..context.clone() };
        match policy.next(task, &context, &samples)? {
            Step::Draw(draws) => {
                assert!(!draws.is_empty() && draws.len() <= samples_left as usize, "{} draws", draws.len());
                for (draw, id) in draws.into_iter().zip(samples.len() as u32..) {
                    let shown: BTreeSet<u32> = draw.order.iter().copied().collect();
                    assert!(!shown.is_empty() && shown.len() == draw.order.len(), "{:?}", draw.order);
                    assert!(shown.iter().all(|response| (*response as usize) < task.responses.len()));
                    let outcome = judge(id, &draw);
                    samples.push(sample(id, draw.order, outcome));
                }
            }
            Step::Rate(ids) => {
                assert!(!ids.is_empty(), "a step that rates nothing");
                for id in ids {
                    let sample = &mut samples[id as usize];
                    sample.rating = Some(meta(sample));
                }
            }
            Step::Finish(reward) => return Ok((checked(reward, task, &samples), samples)),
        }
    }
    panic!("not finished within the budget of rounds")
}

/// For policies that rate nothing.
pub fn no_meta(sample: &Sample) -> Rating {
    panic!("rated sample {}", sample.id)
}
