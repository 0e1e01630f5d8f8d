//! What an evaluation as a whole says, through the public interface.

mod at_k;
mod figures;
mod protocols;
mod voting;

use std::collections::BTreeMap;

use crate::{Aggregate, EvaluateError, EvaluateOptions, Evaluation, Evaluator, SampleOutcome, Scores, TaskOutcome};

fn scores(scores: &[f64]) -> Scores {
    scores.iter().copied().map(Some).collect()
}

fn sample(order: &[u32], outcome: Result<Scores, &str>) -> SampleOutcome {
    SampleOutcome {
        order: order.to_vec(),
        outcome: outcome.map_err(str::to_owned),
        confidence: None,
        prompt_tokens: None,
        completion_tokens: None,
        seconds: None,
    }
}

/// A task with a reward and no samples.
fn task(id: &str, fields: &[(&str, &str)], correct: &[usize], reward: &[f64]) -> TaskOutcome {
    TaskOutcome {
        id: id.into(),
        item: id.into(),
        fields: fields.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect::<BTreeMap<_, _>>(),
        responses: reward.len(),
        correct: correct.to_vec(),
        reward: Ok(scores(reward)),
        confidence: None,
        samples: Vec::new(),
    }
}

fn failed(task: TaskOutcome) -> TaskOutcome {
    TaskOutcome { reward: Err("no_valid_samples".into()), ..task }
}

/// The majority of the samples' winners, as scores: a policy to test with.
fn majority<'a>(samples: &'a [SampleOutcome], responses: usize) -> impl Fn(&[usize]) -> Option<Scores> + Sync + 'a {
    move |chosen| {
        let mut votes = vec![0.0; responses];
        for sample in chosen.iter().map(|index| &samples[*index]) {
            if let Ok(scores) = &sample.outcome
                && let [winner] = crate::top(scores).as_slice()
            {
                votes[*winner] += 1.0;
            }
        }
        votes.iter().any(|votes| *votes > 0.0).then(|| scores(&votes))
    }
}

fn never(_: &[usize]) -> Option<Scores> {
    panic!("nothing here needs the policy")
}

fn evaluate(options: EvaluateOptions, tasks: Vec<TaskOutcome>) -> Result<Evaluation, EvaluateError> {
    let mut evaluator = Evaluator::new("run", "vote 0.1.0", "model", options)?;
    for task in tasks {
        let samples = task.samples.clone();
        let policy = majority(&samples, task.responses);
        let policy: &Aggregate<'_> = if samples.is_empty() { &never } else { &policy };
        let measured = evaluator.measure(task, policy);
        evaluator.add(measured);
    }
    evaluator.finish()
}
