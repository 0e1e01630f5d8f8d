//! The outcome of an ask, for consumers that want a number.

use serde_json::{Map, Value};

use crate::ask::Answer;
use crate::problem::{Problem, ProblemKind};

/// The answer, or the problem that stands for it.
pub(crate) struct AskOutcome(pub(super) Result<Answer, Problem>);

/// Why a response has no score.
#[derive(Clone, Debug)]
pub(crate) struct Unscored {
    /// A failure kind of the task, a problem's name, `abstained`, or `model_error`.
    pub(crate) kind: String,
    /// The problem, for consumers that get a status instead of a number.
    pub(crate) problem: Problem,
}

impl Unscored {
    /// Returns whether the request is at fault or should be sent again later. Then the consumer gets the problem and no answer
    /// in its format.
    pub(crate) fn is_the_requests(&self) -> bool {
        matches!(
            self.problem.kind,
            ProblemKind::InvalidRequest
                | ProblemKind::Unauthorized
                | ProblemKind::Forbidden
                | ProblemKind::NotFound
                | ProblemKind::MethodNotAllowed
                | ProblemKind::UnsupportedMediaType
                | ProblemKind::TooLarge
                | ProblemKind::Conflict
                | ProblemKind::InvalidPack
                | ProblemKind::Untemplatable
                | ProblemKind::Overloaded
                | ProblemKind::Unavailable
        )
    }

    /// Returns whether the model or the server failed, so that a later try may succeed.
    pub(crate) fn is_the_servers(&self) -> bool {
        matches!(self.problem.kind, ProblemKind::Model | ProblemKind::Timeout | ProblemKind::Internal)
    }
}

impl AskOutcome {
    /// Returns the score of one response.
    pub(crate) fn score(&self, index: usize) -> Result<f64, Unscored> {
        let answer = self
            .0
            .as_ref()
            .map_err(|problem| Unscored { kind: problem.kind.name().replace('-', "_"), problem: problem.clone() })?;
        if let Some(error) = &answer.error {
            let kind = match error.kind.as_str() {
                "host" => ProblemKind::Internal,
                _ if only_model_errors(answer) => ProblemKind::Model,
                _ => ProblemKind::Unrewarded,
            };
            let detail = format!("task {} has no reward ({}): {}", answer.id, error.kind, error.message);
            return Err(Unscored { kind: error.kind.clone(), problem: Problem::new(kind, detail) });
        }
        match answer.scores.get(index).copied().flatten() {
            Some(score) if score.is_finite() => Ok(score),
            Some(_) => Err(self.none(answer, index, "not_finite")),
            None if only_model_errors(answer) => Err(self.none(answer, index, "model_error")),
            None => Err(self.none(answer, index, "abstained")),
        }
    }

    fn none(&self, answer: &Answer, index: usize, kind: &str) -> Unscored {
        let why = answer.abstained.get(&index).map_or("no reason is given", String::as_str);
        let detail = format!("response {index} of task {} has no score ({kind}): {why}", answer.id);
        let status = if kind == "model_error" { ProblemKind::Model } else { ProblemKind::Unrewarded };
        Unscored { kind: kind.to_owned(), problem: Problem::new(status, detail) }
    }

    /// Returns whether the response shares the top with others.
    pub(crate) fn tied(&self, index: usize) -> bool {
        self.0.as_ref().is_ok_and(|answer| answer.tied.contains(&index))
    }

    /// The scores by criterion of one response, in the order of the rubric. A criterion that does not apply is left out.
    pub(crate) fn criteria(&self, index: usize) -> Map<String, Value> {
        let all = self.0.as_ref().map_or(&[][..], |answer| answer.criteria.as_slice());
        let of_response = all.iter().filter(|entry| entry.response == index);
        of_response.filter_map(|entry| Some((entry.criterion.clone(), entry.score?.into()))).collect()
    }

    /// The scores of each sample with a judgement.
    pub(crate) fn sampled(&self) -> &[Vec<Option<f64>>] {
        self.0.as_ref().map_or(&[], |answer| &answer.sampled)
    }

    /// The ends of the pack's scale. 0 and 1 if there is no answer.
    pub(crate) fn scale(&self) -> (f64, f64) {
        self.0.as_ref().map_or((0.0, 1.0), |answer| answer.scale)
    }

    /// The samples drawn, and those with a judgement. Both are 0 if there is no answer.
    pub(crate) fn samples(&self) -> (usize, usize) {
        self.0.as_ref().map_or((0, 0), |answer| (answer.k, answer.valid))
    }

    /// The version of the pack as `name@version`. Empty if there is no answer.
    pub(crate) fn pack(&self) -> String {
        self.0.as_ref().map_or_else(|_| String::new(), |answer| format!("{}@{}", answer.pack.name, answer.pack.version))
    }
}

/// Returns whether there is no judgement because the model failed for every sample. A later try may then succeed.
fn only_model_errors(answer: &Answer) -> bool {
    answer.valid == 0 && !answer.failures.is_empty() && answer.failures.keys().all(|kind| kind == "model_error")
}
