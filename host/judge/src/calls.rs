//! The calls into a pack's templates and parsers, with the host's own checks around them. Everything here blocks.

use rewarden_record::{SamplingProvenance, TaskFailure};
use rewarden_runtime::{CallError, CallFailure};
use rewarden_types::{
    Completion, Failure, FailureKind, GenerateRequest, Judgement, MAX_TOP_LOGPROBS, Outcome, ParseRequest, Principle,
    Prompt, Rating, Refusal, RenderRequest, Sampling, Score, TaskView,
};

use crate::order::Order;
use crate::part::Asking;
use crate::validate;

impl Asking {
    /// The request for one generation about the responses of `task` in `order`, under `principles` where they were
    /// written beforehand; for a meta RM, about a `critique` of them in that order.
    #[expect(clippy::too_many_arguments, reason = "each is one of the things that the request depends on")]
    pub(crate) fn request(
        &self,
        task: &TaskView,
        order: &Order,
        critique: Option<String>,
        principles: &[Principle],
        sampling: &SamplingProvenance,
        temperature: f64,
        seed: u64,
    ) -> Result<GenerateRequest, Stopped> {
        let shown = TaskView { responses: order.show(&task.responses).into(), ..task.clone() };
        let request = RenderRequest { task: shown, scale: self.scale, critique, principles: principles.to_vec() };
        let part = &self.template;
        let prompt = part.plugin.render(part.config_text(), &request).map_err(Stopped::of_call)?.value;
        let prompt = prompt.map_err(|refusal| refused("the template", &refusal))?;
        Ok(generate_request(prompt, sampling, temperature, seed))
    }

    /// What the parser reads in a completion about the responses in `order`, and what of it counts.
    pub(crate) fn read(
        &self,
        completion: &Completion,
        order: &Order,
        responses: usize,
    ) -> Result<(Option<Judgement>, Outcome), TaskFailure> {
        let shown = u32::try_from(order.shown()).unwrap_or(u32::MAX);
        let request = ParseRequest::new(completion, shown, self.scale);
        let part = &self.parser;
        match part.plugin.parse(part.config_text(), &request) {
            Err(error) => match Stopped::of_call(error) {
                Stopped::Failed(failure) => Ok((None, Outcome::Failed(failure))),
                Stopped::Host(failure) => Err(failure),
            },
            Ok(parsed) => {
                let outcome = validate::outcome(&parsed.value, order, responses, self.scale);
                Ok((parsed.value.ok(), outcome))
            }
        }
    }

    /// What a meta RM's parser reads in its completion: one number.
    pub(crate) fn rating(&self, completion: &Completion) -> Result<Rating, TaskFailure> {
        let one = match Order::new(vec![0], 1) {
            Ok(one) => one,
            Err(error) => return Ok(failed_rating(FailureKind::WrongCount, error.to_string())),
        };
        Ok(match self.read(completion, &one, 1)?.1 {
            Outcome::Failed(failure) => Rating::Failed(failure),
            Outcome::Scored(scores) => match scores.into_iter().next().flatten() {
                Some(Score::Value(rating)) => Rating::Rated(rating),
                Some(Score::Abstain(reason)) => failed_rating(FailureKind::Refused, format!("abstained: {reason}")),
                None => failed_rating(FailureKind::WrongCount, "the meta parser gave no rating".to_owned()),
            },
        })
    }
}

pub(crate) fn failed_rating(kind: FailureKind, message: String) -> Rating {
    Rating::Failed(Failure { kind, message })
}

/// What a sample, a rating or a query's principles are before the model was asked.
pub(crate) fn not_generated() -> Failure {
    Failure { kind: FailureKind::ModelError, message: "not generated".to_owned() }
}

pub(crate) fn refused(who: &str, refusal: &Refusal) -> Failure {
    Failure { kind: FailureKind::Refused, message: format!("{who} refused: {}", refusal) }
}

/// Why a sample, a rating or a list of principles came to no result.
#[derive(Debug, PartialEq)]
pub(crate) enum Stopped {
    /// It failed, which counts and is recorded.
    Failed(Failure),
    /// The host failed. No plugin and no model is to blame, so the task ends and nothing is recorded of it.
    Host(TaskFailure),
}

impl Stopped {
    /// What became of a call that gave no result.
    pub(crate) fn of_call(error: CallError) -> Self {
        match host_failure(&error) {
            Some(failure) => Self::Host(failure),
            None => Self::Failed(Failure { kind: call_kind(&error.failure), message: error.to_string() }),
        }
    }

    /// What happened, in words.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Failed(failure) => failure.message,
            Self::Host(failure) => failure.message,
        }
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<TaskFailure> for Stopped {
    fn from(failure: TaskFailure) -> Self {
        Self::Host(failure)
    }
}

/// The end of a task in which the host could not make a call.
pub(crate) fn host_failure(error: &CallError) -> Option<TaskFailure> {
    matches!(error.failure, CallFailure::Host { .. }).then(|| TaskFailure::host(error.to_string()))
}

/// The kind under which a failed call into a template or parser is counted.
pub(crate) fn call_kind(failure: &CallFailure) -> FailureKind {
    match failure {
        CallFailure::Fuel { .. } => FailureKind::Fuel,
        CallFailure::Memory { .. } | CallFailure::TableElements { .. } => FailureKind::Memory,
        CallFailure::Time { .. } => FailureKind::Time,
        CallFailure::OutputSize { .. } => FailureKind::OutputSize,
        CallFailure::Trap { .. }
        | CallFailure::InvalidResult { .. }
        | CallFailure::Config { .. }
        | CallFailure::NotExported(_)
        | CallFailure::Process { .. }
        // Ends the task before it is counted; see `host_failure`.
        | CallFailure::Host { .. } => FailureKind::Trap,
    }
}

pub(crate) fn generate_request(
    prompt: Prompt,
    defaults: &SamplingProvenance,
    temperature: f64,
    seed: u64,
) -> GenerateRequest {
    let most = defaults.max_tokens.unwrap_or(u32::MAX);
    GenerateRequest {
        messages: prompt.messages,
        sampling: Sampling {
            temperature,
            top_p: defaults.top_p,
            max_tokens: prompt.max_tokens.map_or(most, |asked| asked.min(most)),
            seed,
        },
        constraint: prompt.constraint,
        stop: prompt.stop,
        top_logprobs: prompt.top_logprobs.min(MAX_TOP_LOGPROBS),
    }
}
