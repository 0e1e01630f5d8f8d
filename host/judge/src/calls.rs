//! The calls into a pack's templates and parsers, with the host's own checks around them. Everything here blocks.

use rewarden_record::SamplingProvenance;
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
    ) -> Result<GenerateRequest, Failure> {
        let shown = TaskView { responses: order.show(&task.responses).into(), ..task.clone() };
        let request = RenderRequest { task: shown, scale: self.scale, critique, principles: principles.to_vec() };
        let part = &self.template;
        let prompt = part.plugin.render(part.config_text(), &request).map_err(sample_failure)?.value;
        let prompt = prompt.map_err(|refusal| refused("the template", &refusal))?;
        Ok(generate_request(prompt, sampling, temperature, seed))
    }

    /// What the parser reads in a completion about the responses in `order`, and what of it counts.
    pub(crate) fn read(
        &self,
        completion: &Completion,
        order: &Order,
        responses: usize,
    ) -> (Option<Judgement>, Outcome) {
        let shown = u32::try_from(order.shown()).unwrap_or(u32::MAX);
        let request = ParseRequest::new(completion, shown, self.scale);
        let part = &self.parser;
        match part.plugin.parse(part.config_text(), &request) {
            Err(error) => (None, Outcome::Failed(sample_failure(error))),
            Ok(parsed) => {
                let outcome = validate::outcome(&parsed.value, order, responses, self.scale);
                (parsed.value.ok(), outcome)
            }
        }
    }

    /// What a meta RM's parser reads in its completion: one number.
    pub(crate) fn rating(&self, completion: &Completion) -> Rating {
        let one = match Order::new(vec![0], 1) {
            Ok(one) => one,
            Err(error) => return failed_rating(FailureKind::WrongCount, error.to_string()),
        };
        match self.read(completion, &one, 1).1 {
            Outcome::Failed(failure) => Rating::Failed(failure),
            Outcome::Scored(scores) => match scores.into_iter().next().flatten() {
                Some(Score::Value(rating)) => Rating::Rated(rating),
                Some(Score::Abstain(reason)) => failed_rating(FailureKind::Refused, format!("abstained: {reason}")),
                None => failed_rating(FailureKind::WrongCount, "the meta parser gave no rating".to_owned()),
            },
        }
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

pub(crate) fn sample_failure(error: CallError) -> Failure {
    Failure { kind: call_kind(&error.failure), message: error.to_string() }
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
        | CallFailure::System { .. }
        | CallFailure::Process { .. } => FailureKind::Trap,
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
