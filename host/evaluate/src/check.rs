//! Whether a task's numbers fit together.

use crate::{EvaluateError, Scores, TaskOutcome};

/// Every index within the responses, one score a response, every score finite: figures made from anything else would
/// be wrong without a sign of it.
pub(crate) fn check(task: &TaskOutcome) -> Result<(), EvaluateError> {
    let error = |message: String| EvaluateError::Task { task: task.id.clone(), message };
    if task.responses == 0 {
        return Err(error("expected at least one response, found none".into()));
    }
    if let Some(index) = task.correct.iter().find(|index| **index >= task.responses) {
        return Err(error(format!("the label names response {index}, but there are only {}", task.responses)));
    }
    if let Ok(scores) = &task.reward {
        scores_fit(scores, task.responses).map_err(|message| error(format!("its reward has {message}")))?;
    }
    for (number, sample) in task.samples.iter().enumerate() {
        if let Some(index) = sample.order.iter().find(|index| **index as usize >= task.responses) {
            let responses = task.responses;
            return Err(error(format!("sample {number} shows response {index}, but there are only {responses}")));
        }
        if let Ok(scores) = &sample.outcome {
            scores_fit(scores, task.responses).map_err(|message| error(format!("sample {number} has {message}")))?;
        }
    }
    Ok(())
}

fn scores_fit(scores: &Scores, responses: usize) -> Result<(), String> {
    if scores.len() != responses {
        return Err(format!("{} scores for {responses} responses; expected one for each", scores.len()));
    }
    match scores.iter().flatten().find(|score| !score.is_finite()) {
        Some(score) => Err(format!("a score of {score}; expected a finite number")),
        None => Ok(()),
    }
}
