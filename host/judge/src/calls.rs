//! The calls into a pack's templates and parsers, with the host's own checks around them. Everything here blocks.

use rewarden_record::{SamplingProvenance, TaskFailure};
use rewarden_runtime::{CallError, CallFailure};
use rewarden_types::{
    Completion, EarlierText, Failure, FailureKind, GenerateRequest, Judgement, MAX_TOP_LOGPROBS, Outcome, ParseRequest,
    Principle, Prompt, Rating, Refusal, RenderRequest, Sampling, Score, TaskView,
};

use serde_json::{Map, Value};

use crate::order::Order;
use crate::part::Asking;
use crate::validate;

/// What the request of a sample depends on, besides its task.
#[derive(Clone)]
pub(crate) struct Prompting<'a> {
    pub(crate) order: Order,
    /// For a meta RM, what is to be rated.
    pub(crate) critique: Option<String>,
    /// What was written beforehand for the query.
    pub(crate) principles: &'a [Principle],
    /// Ids of criteria; empty for all.
    pub(crate) asked: Vec<String>,
    pub(crate) earlier: Vec<EarlierText>,
    pub(crate) settings: RequestSettings<'a>,
}

/// How a model is asked.
#[derive(Clone, Copy)]
pub(crate) struct RequestSettings<'a> {
    pub(crate) sampling: SamplingProvenance,
    /// Fields that go to a server as they stand.
    pub(crate) fields: &'a Map<String, Value>,
    /// Instead of that of `sampling`.
    pub(crate) temperature: f64,
    pub(crate) seed: u64,
}

impl Asking {
    /// Returns the request for one generation about the task.
    pub(crate) fn request(&self, task: &TaskView, question: Prompting<'_>) -> Result<GenerateRequest, Stopped> {
        let Prompting { order, critique, principles, asked, earlier, settings } = question;
        let shown = TaskView { responses: order.show(&task.responses).into(), ..task.clone() };
        let principles = principles.to_vec();
        let request = RenderRequest { task: shown, scale: self.scale, critique, principles, asked, earlier };
        let part = &self.template;
        let prompt = part.plugin.render(part.config_text(), &request).map_err(Stopped::of_call)?.value;
        let prompt = prompt.map_err(|refusal| refused("the template", &refusal))?;
        generate_request(prompt, settings)
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

/// Makes a request of a prompt, once it is one that a model can be given.
pub(crate) fn generate_request(prompt: Prompt, settings: RequestSettings<'_>) -> Result<GenerateRequest, Stopped> {
    validate::prompt(&prompt)?;
    let RequestSettings { sampling, fields, temperature, seed } = settings;
    let most = sampling.max_tokens.unwrap_or(u32::MAX);
    Ok(GenerateRequest {
        input: prompt.input,
        prefill: prompt.prefill,
        sampling: Sampling {
            temperature,
            top_p: sampling.top_p,
            max_tokens: prompt.max_tokens.map_or(most, |asked| asked.min(most)),
            seed,
        },
        constraint: prompt.constraint,
        stop: prompt.stop,
        top_logprobs: prompt.top_logprobs.min(MAX_TOP_LOGPROBS),
        fields: fields.clone(),
    })
}
