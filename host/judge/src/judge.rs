//! The loop: the policy says what is next, the host does it.

use std::sync::Arc;

use futures::StreamExt;
use rewarden_inference::{Completion, GenerateRequest, Model, Sampling};
use rewarden_runtime::contract::{
    self, Context, Failure, FailureKind, Outcome, Refusal, Request, Reward, Sample, Step,
};
use rewarden_runtime::{CallError, Metered, Plugin};

use crate::budget::Budget;
use crate::pack::{Pack, Part};
use crate::provenance::{Provenance, SamplingProvenance};
use crate::seed::derive;
use crate::task::Task;
use crate::validate::{self, CheckedDraw, StepError};
use crate::verdict::{SampleRecord, TaskFailure, TaskFailureKind, Verdict, call_kind};

/// Something that happened while a task was judged; for progress displays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The policy asked for this many more samples of the task.
    Drawing {
        /// How many.
        samples: usize,
    },
    /// The model wrote this many more tokens.
    Tokens {
        /// How many.
        new: u32,
    },
    /// A sample is there.
    Sampled {
        /// Whether it holds a judgement.
        valid: bool,
    },
}

/// Is told of events as they happen, from any thread; must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event);
}

impl Observer for () {
    fn event(&self, _event: Event) {}
}

/// What a run decides besides its pack and model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgeSettings {
    /// Sampling parameters.
    pub sampling: SamplingProvenance,
    /// From which every other seed follows.
    pub seed: u64,
    /// What one task may cost.
    pub budget: Budget,
}

/// Judges tasks with one pack and one model.
pub struct Judge {
    pack: Pack,
    model: Arc<dyn Model>,
    settings: JudgeSettings,
    provenance: Provenance,
}

impl Judge {
    /// A judge; nothing is called yet.
    pub fn new(pack: Pack, model: Arc<dyn Model>, settings: JudgeSettings) -> Self {
        let provenance = Provenance::new(&pack, model.identity().clone(), settings.sampling, settings.seed);
        Self { pack, model, settings, provenance }
    }

    /// What every result of this judge goes back to.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Judges one task. Failures of samples are counted in the verdict; a failure of the policy is its reward's error.
    pub async fn judge(&self, task: &Task, observer: &dyn Observer) -> Verdict {
        let mut samples = Vec::new();
        let reward = self.run(task, &mut samples, observer).await;
        Verdict { task: task.id.clone(), samples, reward }
    }

    async fn run(
        &self,
        task: &Task,
        samples: &mut Vec<SampleRecord>,
        observer: &dyn Observer,
    ) -> Result<Reward, TaskFailure> {
        let seed = derive(self.settings.seed, "task", task.id.as_bytes());
        let view = Arc::new(task.view());
        let Budget { max_samples, max_rounds } = self.settings.budget;
        let responses = task.responses.len();
        for round in 1..=max_rounds {
            let drawn = u32::try_from(samples.len()).unwrap_or(u32::MAX);
            let context = Context {
                scale: self.pack.scale,
                seed,
                temperature: self.settings.sampling.temperature,
                samples_left: max_samples.saturating_sub(drawn),
                rounds_left: max_rounds - round,
                signals: Vec::new(),
            };
            let samples_left = context.samples_left;
            match self.next(view.clone(), context, samples).await? {
                Step::Draw(draws) => {
                    let temperature = self.settings.sampling.temperature;
                    let draws = validate::draws(draws, responses, samples_left, temperature).map_err(invalid_step)?;
                    observer.event(Event::Drawing { samples: draws.len() });
                    let drawing = draws.into_iter().zip(drawn..).map(|(draw, id)| {
                        let seed = derive(seed, "sample", &id.to_le_bytes()) & SEED_BITS;
                        self.sample(&view, id, seed, draw, observer)
                    });
                    let mut drawing = futures::stream::iter(drawing).buffered(self.model.concurrency().max(1));
                    while let Some(sample) = drawing.next().await {
                        samples.push(sample);
                    }
                }
                Step::Rate(_) => return Err(invalid_step(StepError::NoMeta)),
                Step::Finish(reward) => {
                    validate::reward(&reward, responses, drawn).map_err(invalid_step)?;
                    return Ok(reward);
                }
            }
        }
        Err(invalid_step(StepError::TooManyRounds(max_rounds)))
    }

    async fn next(
        &self,
        task: Arc<contract::Task>,
        context: Context,
        samples: &[SampleRecord],
    ) -> Result<Step, TaskFailure> {
        let samples: Vec<Sample> = samples.iter().map(as_the_policy_sees_it).collect();
        let step = call(&self.pack.policy, move |plugin, config| plugin.next(config, &task, &context, &samples)).await;
        match step.map_err(host_failure)?? {
            Ok(step) => Ok(step),
            Err(refusal) => Err(TaskFailure { kind: TaskFailureKind::PolicyRefused, message: refusal_text(&refusal) }),
        }
    }

    async fn sample(
        &self,
        task: &Arc<contract::Task>,
        id: u32,
        seed: u64,
        draw: CheckedDraw,
        observer: &dyn Observer,
    ) -> SampleRecord {
        let mut record = SampleRecord {
            id,
            order: draw.order.indices().to_vec(),
            temperature: draw.temperature,
            seed,
            completion: None,
            judgement: None,
            outcome: Outcome::Failed(Failure { kind: FailureKind::ModelError, message: "not generated".into() }),
        };
        record.outcome = match self.draw(task, &draw, &mut record, observer).await {
            Ok(outcome) => outcome,
            Err(failure) => Outcome::Failed(failure),
        };
        observer.event(Event::Sampled { valid: matches!(record.outcome, Outcome::Scored(_)) });
        record
    }

    async fn draw(
        &self,
        task: &Arc<contract::Task>,
        draw: &CheckedDraw,
        record: &mut SampleRecord,
        observer: &dyn Observer,
    ) -> Result<Outcome, Failure> {
        let request = Request {
            task: contract::Task { responses: draw.order.show(&task.responses), ..contract::Task::clone(task) },
            scale: self.pack.scale,
            critique: None,
        };
        let prompt = call(&self.pack.template, move |plugin, config| plugin.render(config, &request)).await;
        let prompt = prompt.map_err(host_sample_failure)?.map_err(sample_failure)?.map_err(|refusal| Failure {
            kind: FailureKind::Refused,
            message: format!("the template refused: {}", refusal_text(&refusal)),
        })?;

        let request = self.generate_request(prompt, draw.temperature, record.seed);
        let completion = self
            .model
            .generate(&request, &|progress| observer.event(Event::Tokens { new: progress.new_tokens }))
            .await
            .map_err(|error| Failure { kind: FailureKind::ModelError, message: error.to_string() })?;
        let read = as_the_parser_sees_it(&completion);
        record.completion = Some(completion);

        let (shown, scale) = (draw.order.shown(), self.pack.scale);
        let parsed = call(&self.pack.parser, move |plugin, config| {
            plugin.parse(config, &read, u32::try_from(shown).unwrap_or(u32::MAX), scale)
        });
        let parsed = parsed.await.map_err(host_sample_failure)?.map_err(sample_failure)?;
        let outcome = validate::outcome(&parsed, &draw.order, task.responses.len(), scale);
        record.judgement = parsed.ok();
        Ok(outcome)
    }

    fn generate_request(&self, prompt: contract::Prompt, temperature: f64, seed: u64) -> GenerateRequest {
        let defaults = self.settings.sampling;
        GenerateRequest {
            messages: prompt
                .messages
                .into_iter()
                .map(|message| rewarden_inference::Message { role: role(message.role), content: message.content })
                .collect(),
            sampling: Sampling {
                temperature,
                top_p: defaults.top_p,
                max_tokens: prompt.max_tokens.map_or(defaults.max_tokens, |asked| asked.min(defaults.max_tokens)),
                seed,
            },
            constraint: prompt.constraint.map(|constraint| match constraint {
                contract::Constraint::Regex(text) => rewarden_inference::Constraint::Regex(text),
                contract::Constraint::JsonSchema(text) => rewarden_inference::Constraint::JsonSchema(text),
                contract::Constraint::Lark(text) => rewarden_inference::Constraint::Lark(text),
            }),
            stop: prompt.stop,
            top_logprobs: prompt.top_logprobs.min(rewarden_inference::MAX_TOP_LOGPROBS),
        }
    }
}

/// Seeds of samples are cut to 53 bits: every server takes them as a signed integer, and every JSON reader as a number.
const SEED_BITS: u64 = (1 << 53) - 1;

/// Runs a plugin call on a blocking thread. The outer error is the host's own: the thread died.
async fn call<T: Send + 'static>(
    part: &Part,
    run: impl FnOnce(&Plugin, &str) -> Result<Metered<T>, CallError> + Send + 'static,
) -> Result<Result<T, CallError>, tokio::task::JoinError> {
    let (plugin, config) = (part.plugin.clone(), part.config_text.clone());
    let result = tokio::task::spawn_blocking(move || run(&plugin, &config)).await?;
    Ok(result.map(|metered| metered.value))
}

fn invalid_step(error: StepError) -> TaskFailure {
    TaskFailure { kind: TaskFailureKind::PolicyStep, message: format!("the policy {error}") }
}

fn host_failure(error: tokio::task::JoinError) -> TaskFailure {
    TaskFailure { kind: TaskFailureKind::Host, message: format!("a call into a plugin was lost: {error}") }
}

fn host_sample_failure(error: tokio::task::JoinError) -> Failure {
    Failure { kind: FailureKind::Trap, message: format!("a call into a plugin was lost: {error}") }
}

fn sample_failure(error: CallError) -> Failure {
    Failure { kind: call_kind(&error.failure), message: error.to_string() }
}

fn refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::UnsuitableTask(reason) => format!("unsuitable task: {reason}"),
        Refusal::TooFewSamples(reason) => format!("too few samples: {reason}"),
        Refusal::Other(reason) => reason.clone(),
    }
}

fn role(role: contract::Role) -> rewarden_inference::Role {
    match role {
        contract::Role::System => rewarden_inference::Role::System,
        contract::Role::User => rewarden_inference::Role::User,
        contract::Role::Assistant => rewarden_inference::Role::Assistant,
    }
}

fn as_the_policy_sees_it(record: &SampleRecord) -> Sample {
    Sample {
        id: record.id,
        order: record.order.clone(),
        temperature: record.temperature,
        outcome: record.outcome.clone(),
        rating: None,
        completion_tokens: record.completion.as_ref().map_or(0, |completion| completion.usage.completion_tokens),
    }
}

fn as_the_parser_sees_it(completion: &Completion) -> contract::Completion {
    let alternative = |alternative: &rewarden_inference::Alternative| contract::Alternative {
        text: alternative.text.clone(),
        logprob: alternative.logprob,
    };
    contract::Completion {
        text: completion.text.clone(),
        finish: match completion.finish {
            rewarden_inference::FinishReason::Stop => contract::FinishReason::Stop,
            rewarden_inference::FinishReason::Length => contract::FinishReason::Length,
        },
        tokens: completion
            .tokens
            .iter()
            .map(|token| contract::Token {
                text: token.text.clone(),
                logprob: token.logprob,
                alternatives: token.alternatives.iter().map(alternative).collect(),
            })
            .collect(),
    }
}
