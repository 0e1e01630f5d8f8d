//! The loop: the policy says what is next, the host does it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use rewarden_manifest::ModelHints;
use rewarden_record::{
    Begun, Budget, Drawn, Journal, MetaRecord, PrinciplesRecord, Provenance, SampleRecord, SamplingProvenance,
    TaskFailure, TaskKey, Verdict,
};
use rewarden_types::{
    Completion, EarlierText, Failure, FailureKind, GenerateProgress, GenerateRequest, Model, ModelError, Outcome,
    PolicyInput, Principle, Query, Rating, Reward, Signal, Step, Task, TaskView,
};
use serde_json::Map;

use crate::calls::{Prompting, RequestSettings, Stopped, not_generated};
use crate::order::Order;
use crate::pack::Pack;
use crate::part::{Asking, PackJudge};
use crate::principles::{PrinciplesStage, Shared, WrittenPrinciples, blank as blank_principles, query_digest};
use crate::rounds::{Next, Rounds, Terms, Wanted};
use crate::seed::task_seed;

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

/// Where the time of a task goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The scorers, all of them.
    Score,
    /// One prompt, of the judge or the meta RM.
    Render,
    /// One generation.
    Generate,
    /// One completion read.
    Parse,
    /// One step of the policy.
    Policy,
}

/// Is told of events as they happen, from any thread; must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event);

    /// A sample is there, drawn or recorded earlier; follows its [`Event::Sampled`].
    fn sample(&self, _sample: &SampleRecord) {}

    /// The sample with this id has its rating.
    fn rating(&self, _sample: u32, _rating: &MetaRecord) {}

    /// A stage took this long, failed or not.
    fn stage(&self, _stage: Stage, _took: Duration) {}
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

/// The models of a judge.
#[derive(Clone)]
pub struct JudgeModels {
    /// Of the pack's own judge, and of those that have none of their own.
    pub judge: Arc<dyn Model>,
    /// Of judges that are asked by name.
    pub named: BTreeMap<String, Arc<dyn Model>>,
    /// Of the meta RM; `None` is the judge's own.
    pub meta: Option<Arc<dyn Model>>,
}

impl JudgeModels {
    /// One model for all.
    pub fn one(judge: Arc<dyn Model>) -> Self {
        Self { judge, named: BTreeMap::new(), meta: None }
    }

    /// The models of a pack: `judge` and `meta`, but for those that `opener` says run elsewhere.
    ///
    /// # Errors
    /// What is missing to ask one of them.
    pub fn of_pack(
        pack: &Pack,
        judge: Arc<dyn Model>,
        meta: Option<Arc<dyn Model>>,
        opener: &dyn ModelOpener,
    ) -> Result<Self, String> {
        let own = if pack.asking.is_some() { opener.open(None, &pack.model)? } else { None };
        let mut named = BTreeMap::new();
        for PackJudge { name, model, .. } in &pack.judges {
            if let Some(model) = opener.open(Some(name), model)? {
                named.insert(name.to_string(), model);
            }
        }
        Ok(Self { judge: own.unwrap_or(judge), named, meta })
    }

    fn of(&self, judge: Option<&str>) -> &Arc<dyn Model> {
        judge.and_then(|name| self.named.get(name)).unwrap_or(&self.judge)
    }

    fn meta(&self) -> &Arc<dyn Model> {
        self.meta.as_ref().unwrap_or(&self.judge)
    }
}

/// Opens the models of judges that do not run on the judge's usual one.
pub trait ModelOpener: Send + Sync {
    /// The model of the pack's own judge (`None`) or of one that has a name; `None` if it is the usual one.
    ///
    /// # Errors
    /// What is missing, and how to say it.
    fn open(&self, judge: Option<&str>, hints: &ModelHints) -> Result<Option<Arc<dyn Model>>, String>;
}

/// For packs all of whose judges run on one model.
impl ModelOpener for () {
    fn open(&self, _: Option<&str>, _: &ModelHints) -> Result<Option<Arc<dyn Model>>, String> {
        Ok(None)
    }
}

/// Judges tasks with one pack and its models.
pub struct Judge {
    pub(crate) pack: Arc<Pack>,
    models: JudgeModels,
    /// Samples that are worth drawing at once, of all judges together.
    at_once: usize,
    pub(crate) settings: JudgeSettings,
    provenance: Provenance,
    principles: Shared,
}

/// What every sample and rating of a task is about.
#[derive(Clone)]
struct Subject {
    task: TaskView,
    /// `None` in a pack without principles written beforehand.
    principles: Option<Arc<PrinciplesRecord>>,
}

impl Subject {
    fn given(&self) -> &[Principle] {
        self.principles.as_deref().map_or(&[], PrinciplesRecord::given)
    }
}

/// What an earlier process left of a task, by the id of the sample.
#[derive(Default)]
struct Earlier {
    samples: BTreeMap<u32, SampleRecord>,
    /// A policy sees one once it has asked for it.
    ratings: BTreeMap<u32, MetaRecord>,
}

/// A task while it is judged.
struct Underway<'a, J> {
    task: &'a Task,
    journal: &'a J,
    key: TaskKey,
    observer: &'a dyn Observer,
}

impl Judge {
    /// A judge; nothing is called yet.
    pub fn new(pack: Pack, models: JudgeModels, settings: JudgeSettings) -> Self {
        let named =
            |judge: &PackJudge| Some((judge.name.to_string(), models.named.get(&*judge.name)?.identity().clone()));
        let drawn = Drawn {
            model: models.judge.identity().clone(),
            meta_model: pack.meta.as_ref().map(|_| models.meta().identity().clone()),
            judge_models: pack.judges.iter().filter_map(named).collect(),
            sampling: settings.sampling,
            seed: settings.seed,
            budget: settings.budget,
        };
        let provenance = Provenance::new(pack.strategy(), drawn);
        let at_once =
            std::iter::once(&models.judge).chain(models.named.values()).map(|model| model.concurrency().max(1));
        let at_once = at_once.sum();
        Self { pack: Arc::new(pack), models, at_once, settings, provenance, principles: Shared::default() }
    }

    /// The pack that it judges with.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// Returns what every result of this judge goes back to.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Judges one task. Failures of samples are counted in the verdict; a failure of the policy is its reward's error.
    pub async fn judge(&self, task: &Task, observer: &dyn Observer) -> Verdict {
        match self.judge_recorded(task, &(), observer).await {
            Ok(verdict) => verdict,
            Err(never) => match never {},
        }
    }

    /// Judges one task and records it: every sample when it is drawn, then the reward. A task that the journal has finished is
    /// not judged again, and samples that it holds are not drawn again.
    ///
    /// # Errors
    ///
    /// Returns the journal's error if it cannot be written, or holds another task of the same id.
    pub async fn judge_recorded<J: Journal>(
        &self,
        task: &Task,
        journal: &J,
        observer: &dyn Observer,
    ) -> Result<Verdict, J::Error> {
        let Begun { key, samples, reward } = journal.begin(task).await?;
        if let Some(reward) = reward {
            observer.event(Event::Drawing { samples: samples.len() });
            for sample in &samples {
                observer.event(Event::Sampled { valid: sample.is_valid() });
                observer.sample(sample);
                if let Some(meta) = &sample.meta {
                    observer.rating(sample.id, meta);
                }
            }
            return Ok(Verdict { task: task.id.clone(), samples, reward });
        }
        let mut earlier = Earlier::default();
        for mut sample in samples {
            earlier.ratings.extend(sample.meta.take().map(|meta| (sample.id, meta)));
            earlier.samples.insert(sample.id, sample);
        }
        let mut samples = Vec::new();
        let underway = Underway { task, journal, key, observer };
        let reward = self.rounds(&underway, earlier, &mut samples).await;
        journal.finish(key, &reward).await?;
        Ok(Verdict { task: task.id.clone(), samples, reward })
    }

    /// What the loop of this task goes by.
    pub(crate) fn terms(&self, task: &str) -> Terms {
        Terms {
            scale: self.pack.scale,
            seed: task_seed(self.settings.seed, task),
            temperature: self.settings.sampling.temperature,
            budget: self.settings.budget,
            has_own_judge: self.pack.asking.is_some(),
            judges: self.pack.named_judges(self.settings.sampling),
            can_rate: self.pack.meta.is_some(),
        }
    }

    async fn rounds<J: Journal>(
        &self,
        underway: &Underway<'_, J>,
        mut earlier: Earlier,
        samples: &mut Vec<SampleRecord>,
    ) -> Result<Reward, TaskFailure> {
        let Underway { task, observer, .. } = *underway;
        let view = self.pack.view(task);
        let signals = timed(observer, Stage::Score, self.signals(view.clone(), task.references())).await?;
        let mut rounds = Rounds::new(view.clone(), signals, self.terms(&task.id));
        let mut subject = None;
        loop {
            let step = timed(observer, Stage::Policy, self.step(rounds.ask()?)).await?;
            match rounds.answer(step)? {
                Next::Draw(wanted) => {
                    let subject = match &subject {
                        Some(subject) => subject,
                        None => {
                            let principles = self.principles(underway).await?;
                            subject.insert(Subject { task: view.clone(), principles })
                        }
                    };
                    let drawn = self.draw_all(underway, subject, &mut earlier, wanted, samples).await?;
                    for sample in drawn {
                        rounds.drew(sample.view());
                        samples.push(sample);
                    }
                }
                Next::Rate(indices) => {
                    // There are samples to rate, so they were drawn, and the subject is there.
                    let without = Subject { task: view.clone(), principles: None };
                    let subject = subject.as_ref().unwrap_or(&without);
                    for (index, rated) in self.rate_all(underway, subject, &mut earlier, &indices, samples).await? {
                        if let Some(sample) = samples.get_mut(index) {
                            observer.rating(sample.id, &rated);
                            rounds.rated(index, rated.rating.clone());
                            sample.meta = Some(rated);
                        }
                    }
                }
                Next::Finish(reward) => return Ok(reward),
            }
        }
    }

    async fn step(&self, input: Arc<PolicyInput>) -> Result<Step, TaskFailure> {
        let pack = self.pack.clone();
        blocking(move || pack.step(&input)).await?
    }

    async fn signals(&self, task: TaskView, references: Vec<Arc<str>>) -> Result<Arc<[Signal]>, TaskFailure> {
        if self.pack.scorers.is_empty() {
            return Ok(Arc::from([]));
        }
        let pack = self.pack.clone();
        blocking(move || pack.signals(&task, &references)).await?.map(Arc::from)
    }

    /// Returns what the task is judged under: written once for its query, in this process and in its run. `None` in a pack
    /// without such a stage. A task whose query has no principles fails; it is never judged without them.
    async fn principles<J: Journal>(
        &self,
        underway: &Underway<'_, J>,
    ) -> Result<Option<Arc<PrinciplesRecord>>, TaskFailure> {
        let Some(stage) = &self.pack.principles else { return Ok(None) };
        let Underway { task, journal, key, observer } = *underway;
        let query = stage.query(task);
        let digest = query_digest(&query);
        let write = async {
            let found = journal.principles(digest).await;
            if let Some(record) = found.map_err(|error| TaskFailure::host(error.to_string()))? {
                return Ok(Arc::new(record));
            }
            let mut record = blank_principles(digest, self.settings.seed, self.settings.sampling.temperature);
            match self.write_principles(stage, query, &mut record, observer).await {
                Err(Stopped::Failed(failure)) if failure.kind == FailureKind::ModelError => {
                    return Err(TaskFailure::without_principles(&failure));
                }
                Err(Stopped::Failed(failure)) => record.outcome = Err(failure),
                Err(Stopped::Host(failure)) => return Err(failure),
                Ok(()) => {}
            }
            Ok(Arc::new(record))
        };
        let written: WrittenPrinciples = self.principles.get(digest, write).await;
        let record = written?;
        journal.judged_under(key, &record).await;
        match record.task_failure() {
            Some(failure) => Err(failure),
            None => Ok(Some(record)),
        }
    }

    async fn write_principles(
        &self,
        stage: &PrinciplesStage,
        query: Query,
        record: &mut PrinciplesRecord,
        observer: &dyn Observer,
    ) -> Result<(), Stopped> {
        let request = {
            let (stage, pack) = (stage.clone(), self.pack.clone());
            let (sampling, temperature, seed) = (self.settings.sampling, record.temperature, record.seed);
            blocking(move || {
                let settings = RequestSettings { sampling, fields: &pack.model.request, temperature, seed };
                stage.request(&query, settings)
            })
            .await??
        };
        record.prompt = Some(request.digest());
        let (completion, seconds) = generate(&**self.models.of(None), &request, observer).await?;
        record.seconds = Some(seconds);
        let completion = Arc::new(completion);
        let read = {
            let (stage, completion) = (stage.clone(), completion.clone());
            blocking(move || stage.read(&completion)).await
        };
        record.completion = Some(Arc::unwrap_or_clone(completion));
        record.outcome = Ok(read??);
        Ok(())
    }

    /// Draws these samples, as many at once as the model takes, and returns them in their order.
    async fn draw_all<J: Journal>(
        &self,
        underway: &Underway<'_, J>,
        subject: &Subject,
        earlier: &mut Earlier,
        wanted: Vec<Wanted>,
        before: &[SampleRecord],
    ) -> Result<Vec<SampleRecord>, TaskFailure> {
        let Underway { journal, key, observer, .. } = *underway;
        observer.event(Event::Drawing { samples: wanted.len() });
        let mut drawing = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            drawing.push(match earlier.samples.remove(&wanted.id) {
                Some(known) => Sampling::Known(Box::new(continued(known, &blank(&wanted))?)),
                None => Sampling::Wanted(Box::new(blank(&wanted))),
            });
        }
        let drawing = drawing.into_iter().map(|sampling| async {
            match sampling {
                Sampling::Known(sample) => Ok(*sample),
                Sampling::Wanted(mut record) => {
                    match self.draw(subject, before, &mut record, observer).await {
                        Ok(()) => {}
                        Err(Stopped::Failed(failure)) => record.outcome = Outcome::Failed(failure),
                        Err(Stopped::Host(failure)) => return Err(failure),
                    }
                    journal.sample(key, &record).await;
                    Ok(*record)
                }
            }
        });
        let mut drawing = futures::stream::iter(drawing).buffered(self.at_once);
        let mut drawn = Vec::new();
        while let Some(sample) = drawing.next().await {
            let sample = sample?;
            observer.event(Event::Sampled { valid: sample.is_valid() });
            observer.sample(&sample);
            drawn.push(sample);
        }
        Ok(drawn)
    }

    async fn draw(
        &self,
        subject: &Subject,
        before: &[SampleRecord],
        record: &mut SampleRecord,
        observer: &dyn Observer,
    ) -> Result<(), Stopped> {
        let responses = subject.task.responses.len();
        let order = Order::new(record.order.clone(), responses)
            .map_err(|error| TaskFailure::host(format!("sample {} cannot be shown: {error}", record.id)))?;
        let Some(asking) = self.pack.asking_of(record.judge.as_deref()) else {
            return Err(TaskFailure::host("there is no template to draw samples with").into());
        };
        let request = {
            let (pack, subject, run) = (self.pack.clone(), subject.clone(), self.settings.sampling);
            let shown = earlier_texts(&order, &record.built_on, before)?;
            let asked = AskedOf { sample: record.clone(), order: order.clone(), shown };
            let request = move || pack.sample_request(&subject.task, subject.given(), asked, run);
            timed(observer, Stage::Render, blocking(request)).await??
        };
        record.prompt = Some(request.digest());
        let (completion, seconds) = generate(&**self.models.of(record.judge.as_deref()), &request, observer).await?;
        record.seconds = Some(seconds);
        let completion = Arc::new(completion);
        let read = {
            let (asking, completion) = (asking.clone(), completion.clone());
            timed(observer, Stage::Parse, blocking(move || asking.read(&completion, &order, responses))).await
        };
        record.completion = Some(Arc::unwrap_or_clone(completion));
        (record.judgement, record.outcome) = read??;
        Ok(())
    }

    /// Has the samples at these places rated, as many at once as the meta RM's model takes.
    async fn rate_all<J: Journal>(
        &self,
        underway: &Underway<'_, J>,
        subject: &Subject,
        earlier: &mut Earlier,
        indices: &[usize],
        samples: &[SampleRecord],
    ) -> Result<Vec<(usize, MetaRecord)>, TaskFailure> {
        let Underway { journal, key, observer, .. } = *underway;
        let Some(meta) = &self.pack.meta else { return Err(TaskFailure::host("there is no meta RM to rate with")) };
        let (mut rated, mut wanted) = (Vec::new(), Vec::new());
        for &index in indices {
            let Some(sample) = samples.get(index) else { continue };
            match earlier.ratings.remove(&sample.id) {
                Some(rating) => rated.push((index, rating)),
                None => wanted.push((index, sample)),
            }
        }
        let mut rating = Vec::with_capacity(wanted.len());
        for (index, sample) in wanted {
            rating.push(async move {
                let mut rated = MetaRecord {
                    rating: Rating::Failed(not_generated()),
                    prompt: None,
                    completion: None,
                    seconds: None,
                };
                match self.rating(meta, subject, sample, &mut rated, observer).await {
                    Ok(()) => {}
                    Err(Stopped::Failed(failure)) => rated.rating = Rating::Failed(failure),
                    Err(Stopped::Host(failure)) => return Err(failure),
                }
                journal.rating(key, sample.id, &rated).await;
                Ok((index, rated))
            });
        }
        let new: Vec<_> =
            futures::stream::iter(rating).buffered(self.models.meta().concurrency().max(1)).collect().await;
        for rating in new {
            rated.push(rating?);
        }
        Ok(rated)
    }

    async fn rating(
        &self,
        meta: &Asking,
        subject: &Subject,
        sample: &SampleRecord,
        rated: &mut MetaRecord,
        observer: &dyn Observer,
    ) -> Result<(), Stopped> {
        let request = {
            let (meta, subject, sample) = (meta.clone(), subject.clone(), sample.clone());
            let sampling = self.settings.sampling;
            let request = move || meta_request(&meta, &subject.task, subject.given(), &sample, &sampling);
            timed(observer, Stage::Render, blocking(request)).await??
        };
        rated.prompt = Some(request.digest());
        let (completion, seconds) = generate(&**self.models.meta(), &request, observer).await?;
        rated.seconds = Some(seconds);
        let completion = Arc::new(completion);
        let read = {
            let (meta, completion) = (meta.clone(), completion.clone());
            timed(observer, Stage::Parse, blocking(move || meta.rating(&completion))).await
        };
        rated.completion = Some(Arc::unwrap_or_clone(completion));
        rated.rating = read??;
        Ok(())
    }
}

/// What the meta RM is asked about a sample: greedily, since a rating is to be the meta RM's best one.
pub(crate) fn meta_request(
    meta: &Asking,
    task: &TaskView,
    principles: &[Principle],
    sample: &SampleRecord,
    sampling: &SamplingProvenance,
) -> Result<GenerateRequest, Stopped> {
    let refused = |message: String| Failure { kind: FailureKind::Refused, message };
    let completion =
        sample.completion.as_ref().ok_or_else(|| refused("the sample has no text that could be rated".to_owned()))?;
    let order = Order::new(sample.order.clone(), task.responses.len()).map_err(|error| refused(error.to_string()))?;
    let fields = Map::new();
    let settings = RequestSettings { sampling: *sampling, fields: &fields, temperature: 0.0, seed: sample.seed };
    let critique = Some(completion.text.clone());
    let (asked, earlier) = (Vec::new(), Vec::new());
    meta.request(task, Prompting { order, critique, principles, asked, earlier, settings })
}

/// A sample that is to be drawn, or was, with the earlier ones that its prompt shows.
pub(crate) struct AskedOf {
    pub(crate) sample: SampleRecord,
    pub(crate) order: Order,
    pub(crate) shown: Vec<EarlierText>,
}

impl Pack {
    /// Returns what a sample's judge is asked, in a run with these sampling parameters.
    pub(crate) fn sample_request(
        &self,
        task: &TaskView,
        principles: &[Principle],
        AskedOf { sample, order, shown }: AskedOf,
        run: SamplingProvenance,
    ) -> Result<GenerateRequest, Stopped> {
        let judge = sample.judge.as_deref();
        let Some(asking) = self.asking_of(judge) else {
            return Err(TaskFailure::host("there is no template to draw samples with").into());
        };
        let (sampling, fields) = self.sampling_of(judge, run);
        let settings = RequestSettings { sampling, fields, temperature: sample.temperature, seed: sample.seed };
        let (asked, earlier) = (sample.asked, shown);
        asking.request(task, Prompting { order, critique: None, principles, asked, earlier, settings })
    }
}

/// The most bytes of earlier samples that one prompt shows: as many as a template may return.
const SHOWN_BYTES: usize = 16 << 20;

/// The texts of earlier samples as the prompt of another one shows them.
pub(crate) fn earlier_texts(order: &Order, show: &[u32], before: &[SampleRecord]) -> Result<Vec<EarlierText>, Failure> {
    let place = |response: &u32| {
        let place = order.indices().iter().position(|shown| shown == response)?;
        u32::try_from(place).ok()
    };
    let mut left = SHOWN_BYTES;
    let text = |id: &u32| {
        let sample = before.binary_search_by_key(id, |sample| sample.id).ok().and_then(|at| before.get(at));
        let completion = sample.and_then(|sample| Some((sample, sample.completion.as_ref()?)));
        let Some((sample, completion)) = completion else {
            return Err(Failure::new(FailureKind::Refused, format!("sample {id} has no text that could be shown")));
        };
        let Some(rest) = left.checked_sub(completion.text.len()) else {
            let message = format!("the samples to be shown have more than {SHOWN_BYTES} bytes together");
            return Err(Failure::new(FailureKind::Refused, message));
        };
        left = rest;
        let (judge, places) = (sample.judge.clone(), sample.order.iter().map(place).collect());
        Ok(EarlierText { id: *id, judge, places, text: completion.text.clone() })
    };
    show.iter().map(text).collect()
}

async fn generate(
    model: &dyn Model,
    request: &GenerateRequest,
    observer: &dyn Observer,
) -> Result<(Completion, f64), Failure> {
    let started = Instant::now();
    let tokens = |progress: GenerateProgress| observer.event(Event::Tokens { new: progress.new_tokens });
    let completion = timed(observer, Stage::Generate, model.generate(request, &tokens))
        .await
        .map_err(|error| Failure { kind: model_kind(&error), message: error.to_string() })?;
    Ok((completion, started.elapsed().as_secs_f64()))
}

/// The kind under which a generation that gave nothing is counted. Another attempt would be declined again, so it is no failure
/// of the model that drawing again may cure.
fn model_kind(error: &ModelError) -> FailureKind {
    match error {
        ModelError::Declined { .. } => FailureKind::Refused,
        _ => FailureKind::ModelError,
    }
}

/// Tells the observer how long a stage took.
async fn timed<T>(observer: &dyn Observer, stage: Stage, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = work.await;
    observer.stage(stage, started.elapsed());
    done
}

/// Runs a plugin call on a blocking thread. It is lost if the host panics, or shuts down; a plugin's trap is a result.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Result<T, TaskFailure> {
    let lost = |error| TaskFailure::host(format!("a call into a plugin was lost: {error}"));
    tokio::task::spawn_blocking(call).await.map_err(lost)
}

enum Sampling {
    Known(Box<SampleRecord>),
    Wanted(Box<SampleRecord>),
}

/// Returns the record of a sample that is still to be drawn.
fn blank(wanted: &Wanted) -> SampleRecord {
    SampleRecord {
        id: wanted.id,
        round: wanted.round,
        order: wanted.order.indices().to_vec(),
        judge: wanted.judge.clone(),
        asked: wanted.asked.clone(),
        built_on: wanted.show.clone(),
        temperature: wanted.temperature,
        seed: wanted.seed,
        prompt: None,
        completion: None,
        seconds: None,
        judgement: None,
        outcome: Outcome::Failed(not_generated()),
        meta: None,
        extra: Map::new(),
    }
}

/// A sample that an earlier process drew, when it is the one that the policy asks for now.
fn continued(known: SampleRecord, wanted: &SampleRecord) -> Result<SampleRecord, TaskFailure> {
    let kind = |sample: &SampleRecord| (sample.round, sample.order.clone(), sample.temperature, sample.seed);
    let about = |sample: &SampleRecord| (sample.judge.clone(), sample.asked.clone(), sample.built_on.clone());
    if kind(&known) == kind(wanted) && about(&known) == about(wanted) {
        return Ok(known);
    }
    Err(TaskFailure::host(format!(
        "the run holds sample {} with (round, order, temperature, seed) {:?} and (judge, criteria, earlier samples) {:?}, but \
         the policy asks for {:?} and {:?}: the run was changed, or the policy is not a function of its arguments",
        known.id,
        kind(&known),
        about(&known),
        kind(wanted),
        about(wanted)
    )))
}

#[cfg(test)]
mod tests {
    use rewarden_record::TaskFailureKind;
    use rewarden_types::FinishReason;

    use super::*;

    #[tokio::test]
    async fn a_panic_of_the_host_ends_the_task_and_is_no_trap_of_a_plugin() {
        let lost = blocking(|| -> Result<(), Failure> { panic!("on purpose") }).await.unwrap_err();
        assert_eq!(lost.kind, TaskFailureKind::Host);
        assert!(lost.message.starts_with("a call into a plugin was lost: "), "{lost}");
        assert_eq!(Stopped::from(lost.clone()), Stopped::Host(lost));
    }
    /// A sample of two responses, drawn in this order, that wrote this text.
    fn written(id: u32, order: &[u32], text: String) -> SampleRecord {
        let order = Order::new(order.to_vec(), 2).unwrap();
        let (judge, asked, show) = (Some("b".to_owned()), Vec::new(), Vec::new());
        let wanted =
            Wanted { id, round: 1, seed: 0, order, judge, asked, show, temperature: 0.0, named_temperature: false };
        SampleRecord { completion: Some(Completion::of_text(text, FinishReason::Stop)), ..blank(&wanted) }
    }

    #[test]
    fn earlier_samples_are_shown_with_the_places_of_now_and_no_more_of_them_than_fits() {
        let before = [written(0, &[0, 1], "one".to_owned()), written(2, &[1], "x".repeat(SHOWN_BYTES))];
        let now = Order::new(vec![1, 0], 2).unwrap();
        let shown = earlier_texts(&now, &[0], &before).unwrap();
        let expected =
            EarlierText { id: 0, judge: Some("b".to_owned()), places: vec![Some(1), Some(0)], text: "one".to_owned() };
        assert_eq!(shown, [expected]);
        assert_eq!(earlier_texts(&now, &[2], &before).unwrap()[0].places, [Some(0)]);
        let refused = |show: &[u32]| earlier_texts(&now, show, &before).unwrap_err();
        assert_eq!(refused(&[0, 2]).kind, FailureKind::Refused);
        assert!(refused(&[2, 0]).message.contains("more than 16777216 bytes together"));
        assert!(refused(&[1]).message.contains("sample 1 has no text"));
    }
}
