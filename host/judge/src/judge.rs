//! The loop: the policy says what is next, the host does it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use rewarden_inference::{Completion, GenerateRequest, Model};
use rewarden_record::{
    Begun, Budget, Drawn, Provenance, Recorder, SampleRecord, SamplingProvenance, StoreError, Task, TaskFailure,
    TaskFailureKind, TaskKey, Verdict,
};
use rewarden_runtime::contract::{self, Context, Failure, FailureKind, Judgement, Outcome, Reward, Step};
use serde_json::Map;

use crate::order::Order;
use crate::pack::Pack;
use crate::prompt_digest::prompt_digest;
use crate::seed::{sample_seed, task_seed};
use crate::validate::{self, CheckedDraw, StepError};

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
    pack: Arc<Pack>,
    model: Arc<dyn Model>,
    settings: JudgeSettings,
    provenance: Provenance,
}

/// Where samples come from and go to while a task is judged.
struct Journal<'a> {
    /// Drawn before this process, by id.
    recorded: BTreeMap<u32, SampleRecord>,
    recorder: Option<(&'a Recorder, TaskKey)>,
}

impl Judge {
    /// A judge; nothing is called yet.
    pub fn new(pack: Pack, model: Arc<dyn Model>, settings: JudgeSettings) -> Self {
        let drawn = Drawn {
            model: model.identity().clone(),
            sampling: settings.sampling,
            seed: settings.seed,
            budget: settings.budget,
        };
        let provenance = Provenance::new(pack.strategy(), drawn);
        Self { pack: Arc::new(pack), model, settings, provenance }
    }

    /// What every result of this judge goes back to.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Judges one task. Failures of samples are counted in the verdict; a failure of the policy is its reward's error.
    pub async fn judge(&self, task: &Task, observer: &dyn Observer) -> Verdict {
        self.run(task, Journal { recorded: BTreeMap::new(), recorder: None }, observer).await
    }

    /// Judges one task and records it: every sample when it is drawn, then the reward. A task that the run has finished is not
    /// judged again, and samples that it holds are not drawn again.
    ///
    /// # Errors
    ///
    /// The run cannot be written, or holds another task of the same id.
    pub async fn judge_recorded(
        &self,
        task: &Task,
        recorder: &Recorder,
        observer: &dyn Observer,
    ) -> Result<Verdict, StoreError> {
        let Begun { key, samples, reward } = recorder.begin(task).await?;
        if let Some(reward) = reward {
            observer.event(Event::Drawing { samples: samples.len() });
            for sample in &samples {
                observer.event(Event::Sampled { valid: sample.is_valid() });
            }
            return Ok(Verdict { task: task.id.clone(), samples, reward });
        }
        let recorded = samples.into_iter().map(|sample| (sample.id, sample)).collect();
        let verdict = self.run(task, Journal { recorded, recorder: Some((recorder, key)) }, observer).await;
        recorder.finish(key, &verdict.reward).await?;
        Ok(verdict)
    }

    async fn run(&self, task: &Task, journal: Journal<'_>, observer: &dyn Observer) -> Verdict {
        let mut samples = Vec::new();
        let reward = self.rounds(task, journal, &mut samples, observer).await;
        Verdict { task: task.id.clone(), samples, reward }
    }

    async fn rounds(
        &self,
        task: &Task,
        mut journal: Journal<'_>,
        samples: &mut Vec<SampleRecord>,
        observer: &dyn Observer,
    ) -> Result<Reward, TaskFailure> {
        let seed = task_seed(self.settings.seed, &task.id);
        let view = Arc::new(task.view());
        let Budget { max_samples, max_rounds } = self.settings.budget;
        let temperature = self.settings.sampling.temperature;
        let responses = task.responses.len();
        for round in 1..=max_rounds {
            let drawn = u32::try_from(samples.len()).unwrap_or(u32::MAX);
            let samples_left = max_samples.saturating_sub(drawn);
            let context = Context {
                scale: self.pack.scale,
                seed,
                temperature,
                samples_left,
                rounds_left: max_rounds - round,
                signals: Vec::new(),
            };
            match self.step(view.clone(), context, samples).await? {
                Step::Draw(draws) => {
                    let draws = validate::draws(draws, responses, samples_left, temperature).map_err(invalid_step)?;
                    observer.event(Event::Drawing { samples: draws.len() });
                    let mut drawing = Vec::with_capacity(draws.len());
                    for (draw, id) in draws.into_iter().zip(drawn..) {
                        let wanted = blank(id, round, sample_seed(seed, id), &draw);
                        let known = journal.recorded.remove(&id);
                        drawing.push(match known {
                            Some(known) => Sampling::Known(Box::new(continued(known, &wanted)?)),
                            None => Sampling::Wanted(Box::new(wanted), draw.order),
                        });
                    }
                    let recorder = journal.recorder;
                    let drawing = drawing.into_iter().map(|sampling| async {
                        match sampling {
                            Sampling::Known(sample) => *sample,
                            Sampling::Wanted(wanted, order) => {
                                let sample = self.sample(&view, *wanted, order, observer).await;
                                if let Some((recorder, key)) = recorder {
                                    recorder.sample(key, &sample).await;
                                }
                                sample
                            }
                        }
                    });
                    let mut drawing = futures::stream::iter(drawing).buffered(self.model.concurrency().max(1));
                    while let Some(sample) = drawing.next().await {
                        observer.event(Event::Sampled { valid: sample.is_valid() });
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

    async fn step(
        &self,
        task: Arc<contract::Task>,
        context: Context,
        samples: &[SampleRecord],
    ) -> Result<Step, TaskFailure> {
        let samples: Vec<contract::Sample> = samples.iter().map(SampleRecord::view).collect();
        let pack = self.pack.clone();
        tokio::task::spawn_blocking(move || pack.step(&task, &context, &samples)).await.map_err(|error| {
            TaskFailure { kind: TaskFailureKind::Host, message: format!("a call into a plugin was lost: {error}") }
        })?
    }

    async fn sample(
        &self,
        task: &Arc<contract::Task>,
        mut record: SampleRecord,
        order: Order,
        observer: &dyn Observer,
    ) -> SampleRecord {
        if let Err(failure) = self.draw(task, &order, &mut record, observer).await {
            record.outcome = Outcome::Failed(failure);
        }
        record
    }

    async fn draw(
        &self,
        task: &Arc<contract::Task>,
        order: &Order,
        record: &mut SampleRecord,
        observer: &dyn Observer,
    ) -> Result<(), Failure> {
        let request = self.request(task, order, record).await?;
        record.prompt = Some(prompt_digest(&request));
        let started = Instant::now();
        let completion = self
            .model
            .generate(&request, &|progress| observer.event(Event::Tokens { new: progress.new_tokens }))
            .await
            .map_err(|error| Failure { kind: FailureKind::ModelError, message: error.to_string() })?;
        record.seconds = Some(started.elapsed().as_secs_f64());
        let completion = Arc::new(completion);
        let read = self.read(completion.clone(), order, task.responses.len()).await;
        record.completion = Some(Arc::unwrap_or_clone(completion));
        (record.judgement, record.outcome) = read?;
        Ok(())
    }

    async fn request(
        &self,
        task: &Arc<contract::Task>,
        order: &Order,
        record: &SampleRecord,
    ) -> Result<GenerateRequest, Failure> {
        let (pack, task, order) = (self.pack.clone(), task.clone(), order.clone());
        let (sampling, temperature, seed) = (self.settings.sampling, record.temperature, record.seed);
        let request = move || pack.request(&task, &order, &sampling, temperature, seed);
        tokio::task::spawn_blocking(request).await.map_err(lost)?
    }

    async fn read(
        &self,
        completion: Arc<Completion>,
        order: &Order,
        responses: usize,
    ) -> Result<(Option<Judgement>, Outcome), Failure> {
        let (pack, order) = (self.pack.clone(), order.clone());
        tokio::task::spawn_blocking(move || pack.read(&completion, &order, responses)).await.map_err(lost)
    }
}

enum Sampling {
    Known(Box<SampleRecord>),
    Wanted(Box<SampleRecord>, Order),
}

/// A sample that is still to be drawn.
fn blank(id: u32, round: u32, seed: u64, draw: &CheckedDraw) -> SampleRecord {
    SampleRecord {
        id,
        round,
        order: draw.order.indices().to_vec(),
        temperature: draw.temperature,
        seed,
        prompt: None,
        completion: None,
        seconds: None,
        judgement: None,
        outcome: Outcome::Failed(Failure { kind: FailureKind::ModelError, message: "not generated".into() }),
        rating: None,
        extra: Map::new(),
    }
}

/// A sample that an earlier process drew, when it is the one that the policy asks for now.
fn continued(known: SampleRecord, wanted: &SampleRecord) -> Result<SampleRecord, TaskFailure> {
    let kind = |sample: &SampleRecord| (sample.round, sample.order.clone(), sample.temperature, sample.seed);
    if kind(&known) == kind(wanted) {
        return Ok(known);
    }
    Err(TaskFailure {
        kind: TaskFailureKind::Host,
        message: format!(
            "the run holds sample {} with (round, order, temperature, seed) {:?}, but the policy asks for {:?}: the run was \
             changed, or the policy is not a function of its arguments",
            known.id,
            kind(&known),
            kind(wanted)
        ),
    })
}

pub(crate) fn invalid_step(error: StepError) -> TaskFailure {
    TaskFailure { kind: TaskFailureKind::PolicyStep, message: format!("the policy {error}") }
}

fn lost(error: tokio::task::JoinError) -> Failure {
    Failure { kind: FailureKind::Trap, message: format!("a call into a plugin was lost: {error}") }
}
