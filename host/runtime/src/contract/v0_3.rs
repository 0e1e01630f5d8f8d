//! Version 0.3 of the contract.

use rewarden_types as host;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::adapter::Adapter;
use super::description::{ConfigError, Description, Prepared};
use super::exported::{Exports, FunctionIndex, call, check};
use super::functions::Functions;
use crate::error::LoadFailure;
use crate::interface::Interface;
use crate::outline::Outline;
use crate::store::CallState;

mod wit {
    #![allow(missing_docs, unreachable_pub, reason = "documented in wit/, from which this is generated")]

    wasmtime::component::bindgen!({ path: "../../wit", world: "interpreter" });

    pub(super) use exports::rewarden::plugin::describe::{ConfigError, Description};
    pub(super) use exports::rewarden::plugin::parser::Judgement;
    pub(super) use exports::rewarden::plugin::policy::{
        Context, Detail, DetailValue, Draw, Failure, FailureKind, Judge, Outcome, Rating, Rejection, RejectionKind,
        Reward, Sample, Signal, Step,
    };
    pub(super) use exports::rewarden::plugin::prepare::Prepared;
    pub(super) use exports::rewarden::plugin::principles::Query;
    pub(super) use exports::rewarden::plugin::template::{Earlier, Request};
    pub(super) use rewarden::plugin::types::{
        Alternative, AnswerForm, Choice, Completion, Constraint, CriterionScore, FinishReason, Level, Message,
        ParseFailure, Principle, Prompt, PromptInput, Question, Questionnaire, Refusal, Role, Scale, Score, Task,
        Token, Turn, YesNo,
    };
}

/// The functions of a component of this version.
struct V0_3 {
    describe: FunctionIndex,
    configure: FunctionIndex,
    render: Option<FunctionIndex>,
    parse: Option<FunctionIndex>,
    next: Option<FunctionIndex>,
    score_responses: Option<FunctionIndex>,
    ask: Option<FunctionIndex>,
    read: Option<FunctionIndex>,
    prepare: Option<FunctionIndex>,
}

/// Finds the functions of a component of this version.
pub(super) fn bind(outline: &Outline, component: &InstancePre<CallState>) -> Result<Box<dyn Adapter>, LoadFailure> {
    let exports = Exports::new(outline, component.component());
    Ok(Box::new(V0_3 {
        describe: exports.required(Interface::Describe, "describe")?,
        configure: exports.required(Interface::Describe, "configure")?,
        render: exports.optional(Interface::Template, "render")?,
        parse: exports.optional(Interface::Parser, "parse")?,
        next: exports.optional(Interface::Policy, "next")?,
        score_responses: exports.optional(Interface::Scorer, "score-responses")?,
        ask: exports.optional(Interface::Principles, "ask")?,
        read: exports.optional(Interface::Principles, "read")?,
        prepare: exports.optional(Interface::Prepare, "prepare")?,
    }))
}

type Described = (wit::Description,);
type Configured = (Result<(), wit::ConfigError>,);
type PreparedConfiguration = (Result<wit::Prepared, wit::ConfigError>,);
type Rendered = (Result<wit::Prompt, wit::Refusal>,);
type Parsed = (Result<wit::Judgement, wit::ParseFailure>,);
type Decided = (Result<wit::Step, wit::Refusal>,);
type Scored = (Result<Vec<wit::Score>, wit::Refusal>,);
type Written = (Result<Vec<wit::Principle>, wit::ParseFailure>,);

type Parse<'a> = (&'a wit::Completion, u32, wit::Scale);
type Next<'a> = (&'a wit::Task, &'a wit::Context, &'a [wit::Sample]);

impl Adapter for V0_3 {
    fn check_types(&self, store: &mut Store<CallState>, instance: &Instance) -> Result<(), LoadFailure> {
        check::<(), Described>(store, instance, Interface::Describe, Some(&self.describe))?;
        check::<(&str,), Configured>(store, instance, Interface::Describe, Some(&self.configure))?;
        check::<(&wit::Request,), Rendered>(store, instance, Interface::Template, self.render.as_ref())?;
        check::<Parse<'_>, Parsed>(store, instance, Interface::Parser, self.parse.as_ref())?;
        check::<Next<'_>, Decided>(store, instance, Interface::Policy, self.next.as_ref())?;
        check::<(&wit::Task,), Scored>(store, instance, Interface::Scorer, self.score_responses.as_ref())?;
        check::<(&wit::Query,), Rendered>(store, instance, Interface::Principles, self.ask.as_ref())?;
        check::<(&wit::Completion,), Written>(store, instance, Interface::Principles, self.read.as_ref())?;
        check::<(&str,), PreparedConfiguration>(store, instance, Interface::Prepare, self.prepare.as_ref())
    }

    fn describe(&self, store: &mut Store<CallState>, instance: &Instance) -> wasmtime::Result<Description> {
        let (description,) = call::<_, Described>(store, instance, Some(&self.describe), ())?;
        Ok(described(description))
    }

    fn configure(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        config: &str,
    ) -> wasmtime::Result<Result<(), ConfigError>> {
        let (taken,) = call::<_, Configured>(store, instance, Some(&self.configure), (config,))?;
        Ok(taken.map_err(config_error))
    }

    fn prepare(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        config: &str,
    ) -> wasmtime::Result<Result<Prepared, ConfigError>> {
        let (prepared,) = call::<_, PreparedConfiguration>(store, instance, self.prepare.as_ref(), (config,))?;
        let taken = |wit::Prepared { json, description, interfaces }| Prepared {
            json,
            description: described(description),
            interfaces,
        };
        Ok(prepared.map(taken).map_err(config_error))
    }
}

fn described(wit::Description { name, version, purpose, config_schema }: wit::Description) -> Description {
    Description { name, version, purpose, config_schema }
}

fn config_error(wit::ConfigError { key, message }: wit::ConfigError) -> ConfigError {
    ConfigError { key, message }
}

impl Functions for V0_3 {
    fn render(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        request: &host::RenderRequest,
    ) -> wasmtime::Result<Result<host::Prompt, host::Refusal>> {
        let request = wit::Request {
            task: task(&request.task),
            scale: scale(request.scale),
            critique: request.critique.clone(),
            principles: request.principles.iter().map(principle_in).collect(),
            asked: request.asked.clone(),
            earlier: request.earlier.iter().map(earlier).collect(),
        };
        let (rendered,) = call::<_, Rendered>(store, instance, self.render.as_ref(), (&request,))?;
        Ok(rendered.map(prompt).map_err(refusal))
    }

    fn parse(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        request: &host::ParseRequest,
    ) -> wasmtime::Result<Result<host::Judgement, host::ParseFailure>> {
        let completion = completion(&request.completion);
        let arguments = (&completion, request.shown, scale(request.scale));
        let (parsed,) = call::<_, Parsed>(store, instance, self.parse.as_ref(), arguments)?;
        Ok(parsed.map(judgement).map_err(parse_failure))
    }

    fn next(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        input: &host::PolicyInput,
    ) -> wasmtime::Result<Result<host::Step, host::Refusal>> {
        let (task, context) = (task(&input.task), context(&input.context));
        let samples: Vec<wit::Sample> = input.samples.iter().map(sample).collect();
        let arguments = (&task, &context, samples.as_slice());
        let (decided,) = call::<_, Decided>(store, instance, self.next.as_ref(), arguments)?;
        Ok(decided.map(step).map_err(refusal))
    }

    fn score_responses(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        view: &host::TaskView,
    ) -> wasmtime::Result<Result<Vec<host::Score>, host::Refusal>> {
        let task = task(view);
        let (scored,) = call::<_, Scored>(store, instance, self.score_responses.as_ref(), (&task,))?;
        Ok(scored.map(|scores| scores.into_iter().map(score_out).collect()).map_err(refusal))
    }

    fn ask(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        query: &host::Query,
    ) -> wasmtime::Result<Result<host::Prompt, host::Refusal>> {
        let query = wit::Query {
            messages: query.messages.iter().map(message_in).collect(),
            metadata: query.metadata.to_string(),
        };
        let (asked,) = call::<_, Rendered>(store, instance, self.ask.as_ref(), (&query,))?;
        Ok(asked.map(prompt).map_err(refusal))
    }

    fn read(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        written: &host::Completion,
    ) -> wasmtime::Result<Result<Vec<host::Principle>, host::ParseFailure>> {
        let completion = completion(written);
        let (read,) = call::<_, Written>(store, instance, self.read.as_ref(), (&completion,))?;
        Ok(read.map(|principles| principles.into_iter().map(principle_out).collect()).map_err(parse_failure))
    }
}

// From the host's types to this version's.

fn task(view: &host::TaskView) -> wit::Task {
    wit::Task {
        messages: view.messages.iter().map(message_in).collect(),
        responses: view.responses.iter().map(ToString::to_string).collect(),
        reference: view.reference.as_deref().map(str::to_owned),
        metadata: view.metadata.to_string(),
    }
}

fn message_in(message: &host::Message) -> wit::Message {
    let role = match message.role {
        host::Role::System => wit::Role::System,
        host::Role::User => wit::Role::User,
        host::Role::Assistant => wit::Role::Assistant,
    };
    wit::Message { role, content: message.content.clone() }
}

fn scale(host::Scale { min, max, integer }: host::Scale) -> wit::Scale {
    wit::Scale { min, max, integer }
}

fn principle_in(principle: &host::Principle) -> wit::Principle {
    let host::Principle { name, weight, text } = principle.clone();
    wit::Principle { name, weight, text }
}

fn earlier(earlier: &host::EarlierText) -> wit::Earlier {
    let host::EarlierText { id, judge, places, text } = earlier.clone();
    wit::Earlier { id, judge, places, text }
}

/// The thinking and the costs stay behind: no parser of this version sees them.
fn completion(completion: &host::Completion) -> wit::Completion {
    let alternative = |alternative: &host::Alternative| wit::Alternative {
        text: alternative.text.clone(),
        logprob: alternative.logprob,
    };
    let token = |token: &host::Token| wit::Token {
        text: token.text.clone(),
        logprob: token.logprob,
        alternatives: token.alternatives.iter().map(alternative).collect(),
    };
    wit::Completion {
        text: completion.text.clone(),
        finish: match completion.finish {
            host::FinishReason::Stop => wit::FinishReason::Stop,
            host::FinishReason::Length => wit::FinishReason::Length,
        },
        tokens: completion.tokens.iter().map(token).collect(),
    }
}

fn context(context: &host::Context) -> wit::Context {
    let signal = |signal: &host::Signal| wit::Signal {
        scorer: signal.scorer.clone(),
        scores: signal.scores.iter().map(score_in).collect(),
    };
    wit::Context {
        scale: scale(context.scale),
        seed: context.seed,
        temperature: context.temperature,
        samples_left: context.samples_left,
        rounds_left: context.rounds_left,
        signals: context.signals.iter().map(signal).collect(),
        judges: context.judges.iter().map(judge).collect(),
        has_own_judge: context.has_own_judge,
    }
}

fn judge(host::NamedJudge { name, temperature }: &host::NamedJudge) -> wit::Judge {
    wit::Judge { name: name.clone(), temperature: *temperature }
}

fn score_in(score: &host::Score) -> wit::Score {
    match score {
        host::Score::Value(value) => wit::Score::Value(*value),
        host::Score::Abstain(reason) => wit::Score::Abstain(reason.clone()),
    }
}

fn sample(sample: &host::Sample) -> wit::Sample {
    let outcome = match &sample.outcome {
        host::Outcome::Scored(scores) => {
            wit::Outcome::Scored(scores.iter().map(|score| score.as_ref().map(score_in)).collect())
        }
        host::Outcome::Failed(cause) => wit::Outcome::Failed(failure(cause)),
    };
    let rating = |rating: &host::Rating| match rating {
        host::Rating::Rated(rating) => wit::Rating::Rated(*rating),
        host::Rating::Failed(cause) => wit::Rating::Failed(failure(cause)),
    };
    wit::Sample {
        id: sample.id,
        order: sample.order.clone(),
        judge: sample.judge.clone(),
        asked: sample.asked.clone(),
        temperature: sample.temperature,
        outcome,
        criteria: sample.criteria.iter().map(criterion_in).collect(),
        confidence: sample.confidence,
        distributions: sample.distributions.iter().map(|levels| levels.iter().map(level_in).collect()).collect(),
        answer_logprob: sample.answer_logprob,
        thinking_logprob: sample.thinking_logprob,
        rating: sample.rating.as_ref().map(rating),
        completion_tokens: sample.completion_tokens,
    }
}

fn criterion_in(score: &host::CriterionScore) -> wit::CriterionScore {
    let host::CriterionScore { criterion, response, score, reason } = score;
    wit::CriterionScore {
        criterion: criterion.clone(),
        response: *response,
        score: score_in(score),
        reason: reason.clone(),
    }
}

fn level_in(host::ScoreLevel { score, probability }: &host::ScoreLevel) -> wit::Level {
    wit::Level { score: *score, probability: *probability }
}

fn failure(failure: &host::Failure) -> wit::Failure {
    let kind = match failure.kind {
        // Those of a policy are in rewards only, which no policy sees.
        host::FailureKind::Unparsable
        | host::FailureKind::UnknownCriterion
        | host::FailureKind::MissingCriterion
        | host::FailureKind::RepeatedCriterion
        | host::FailureKind::NotApplicable
        | host::FailureKind::Rejected => wit::FailureKind::Unparsable,
        host::FailureKind::WrongCount => wit::FailureKind::WrongCount,
        host::FailureKind::OutOfScale => wit::FailureKind::OutOfScale,
        host::FailureKind::NotFinite => wit::FailureKind::NotFinite,
        host::FailureKind::Refused => wit::FailureKind::Refused,
        host::FailureKind::Trap => wit::FailureKind::Trap,
        host::FailureKind::Fuel => wit::FailureKind::Fuel,
        host::FailureKind::Memory => wit::FailureKind::Memory,
        host::FailureKind::Time => wit::FailureKind::Time,
        host::FailureKind::OutputSize => wit::FailureKind::OutputSize,
        host::FailureKind::ModelError => wit::FailureKind::ModelError,
    };
    wit::Failure { kind, message: failure.message.clone() }
}

// From this version's types to the host's.

fn prompt(wit::Prompt { input, prefill, constraint, stop, max_tokens, top_logprobs }: wit::Prompt) -> host::Prompt {
    host::Prompt {
        input: prompt_input(input),
        prefill,
        constraint: constraint.map(|constraint| match constraint {
            wit::Constraint::Regex(text) => host::Constraint::Regex(text),
            wit::Constraint::JsonSchema(text) => host::Constraint::JsonSchema(text),
            wit::Constraint::Lark(text) => host::Constraint::Lark(text),
        }),
        stop,
        max_tokens,
        top_logprobs,
    }
}

fn prompt_input(input: wit::PromptInput) -> host::PromptInput {
    let turn = |wit::Turn { role, content }: wit::Turn| host::PromptTurn { role, content };
    match input {
        wit::PromptInput::Chat(turns) => host::PromptInput::Chat(turns.into_iter().map(turn).collect()),
        wit::PromptInput::Text(text) => host::PromptInput::Text(text),
        wit::PromptInput::Questions(wit::Questionnaire { state, questions }) => {
            host::PromptInput::Questions { state, questions: questions.into_iter().map(question).collect() }
        }
    }
}

fn question(wit::Question { id, instructions, form }: wit::Question) -> host::Question {
    let option = |wit::Choice { name, text }: wit::Choice| host::AnswerOption { name, text };
    let form = match form {
        wit::AnswerForm::YesNo(wit::YesNo { yes, no }) => host::AnswerForm::YesNo { yes, no },
        wit::AnswerForm::Choice(options) => host::AnswerForm::Choice(options.into_iter().map(option).collect()),
        wit::AnswerForm::Levels(levels) => host::AnswerForm::Levels(levels),
    };
    host::Question { id, instructions, form }
}

fn score_out(score: wit::Score) -> host::Score {
    match score {
        wit::Score::Value(value) => host::Score::Value(value),
        wit::Score::Abstain(reason) => host::Score::Abstain(reason),
    }
}

fn principle_out(wit::Principle { name, weight, text }: wit::Principle) -> host::Principle {
    host::Principle { name, weight, text }
}

fn criterion_out(
    wit::CriterionScore { criterion, response, score, reason }: wit::CriterionScore,
) -> host::CriterionScore {
    host::CriterionScore { criterion, response, score: score_out(score), reason }
}

fn level_out(wit::Level { score, probability }: wit::Level) -> host::ScoreLevel {
    host::ScoreLevel { score, probability }
}

fn judgement(
    wit::Judgement { scores, criteria, confidence, distributions, principles, critique }: wit::Judgement,
) -> host::Judgement {
    host::Judgement {
        scores: scores.into_iter().map(score_out).collect(),
        criteria: criteria.into_iter().map(criterion_out).collect(),
        confidence,
        distributions: distributions.into_iter().map(|levels| levels.into_iter().map(level_out).collect()).collect(),
        principles: principles.into_iter().map(principle_out).collect(),
        critique,
    }
}

fn parse_failure(failure: wit::ParseFailure) -> host::ParseFailure {
    match failure {
        wit::ParseFailure::Unparsable(message) => host::ParseFailure::Unparsable(message),
        wit::ParseFailure::WrongCount(count) => {
            host::ParseFailure::WrongCount(host::CountMismatch { expected: count.expected, found: count.found })
        }
        wit::ParseFailure::OutOfScale(message) => host::ParseFailure::OutOfScale(message),
        wit::ParseFailure::NotFinite(message) => host::ParseFailure::NotFinite(message),
    }
}

fn refusal(refusal: wit::Refusal) -> host::Refusal {
    match refusal {
        wit::Refusal::UnsuitableTask(reason) => host::Refusal::UnsuitableTask(reason),
        wit::Refusal::TooFewSamples(reason) => host::Refusal::TooFewSamples(reason),
        wit::Refusal::Other(reason) => host::Refusal::Other(reason),
    }
}

fn step(step: wit::Step) -> host::Step {
    match step {
        wit::Step::Draw(draws) => {
            let draw = |wit::Draw { order, temperature, judge, asked, show }: wit::Draw| host::Draw {
                order,
                temperature,
                judge,
                asked,
                show,
            };
            host::Step::Draw(draws.into_iter().map(draw).collect())
        }
        wit::Step::Rate(samples) => host::Step::Rate(samples),
        wit::Step::Finish(wit::Reward { scores, used, rejected, criteria, confidence, details }) => {
            host::Step::Finish(host::Reward {
                scores: scores.into_iter().map(score_out).collect(),
                used,
                rejected: rejected.into_iter().map(rejection).collect(),
                criteria: criteria.into_iter().map(criterion_out).collect(),
                confidence,
                details: details.into_iter().map(detail).collect(),
            })
        }
    }
}

fn rejection(wit::Rejection { sample, kind, message }: wit::Rejection) -> host::Rejection {
    let kind = match kind {
        wit::RejectionKind::UnknownCriterion => host::RejectionKind::UnknownCriterion,
        wit::RejectionKind::MissingCriterion => host::RejectionKind::MissingCriterion,
        wit::RejectionKind::RepeatedCriterion => host::RejectionKind::RepeatedCriterion,
        wit::RejectionKind::NotApplicable => host::RejectionKind::NotApplicable,
        wit::RejectionKind::Other => host::RejectionKind::Other,
    };
    host::Rejection { sample, kind, message }
}

fn detail(wit::Detail { name, value }: wit::Detail) -> host::Detail {
    let value = match value {
        wit::DetailValue::Number(number) => host::DetailValue::Number(number),
        wit::DetailValue::Text(text) => host::DetailValue::Text(text),
        wit::DetailValue::Flag(flag) => host::DetailValue::Flag(flag),
    };
    host::Detail { name, value }
}
