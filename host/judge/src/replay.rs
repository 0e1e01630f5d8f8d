//! The loop over samples that are there already: read again, aggregated again, no model.

use std::sync::{Arc, OnceLock};

use rewarden_record::{
    Drawn, PrinciplesRecord, Provenance, Recorded, SampleRecord, TaskFailure, TaskFailureKind, Verdict,
};
use rewarden_types::{
    Failure, FailureKind, GenerateRequest, Outcome, Principle, Rating, Reward, Sample, Signal, Step, Task, TaskView,
    shown,
};

use crate::calls::{RequestSettings, Stopped};
use crate::judge::{AskedOf, earlier_texts, meta_request};
use crate::order::Order;
use crate::pack::Pack;
use crate::principles::PrinciplesStage;
use crate::rounds::{Next, Rounds, Terms, Wanted};
use crate::seed::task_seed;

/// Which of the recorded samples a policy is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Those that it asks for. A draw gets the first unused sample that showed the same responses in the same order, or
    /// else in another order; the policy sees the order that was really shown. A draw that names a temperature gets
    /// only samples of that temperature. Samples of another judge, about other criteria or built on others never do.
    Asked,
    /// All, before its first step, with `k` (where it has one) set to their number and no budget for more. For samples
    /// that no policy asked for.
    All,
}

/// A task that was replayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// What became of it. Samples are numbered anew; one that had another number in the run says so in `extra`, as
    /// `recorded_as`.
    pub verdict: Verdict,
    /// Samples and ratings that the policy asked for and the run does not hold.
    pub not_recorded: u32,
}

/// Replays tasks of one run with one pack. Blocks, and may be used from many threads.
pub struct Replayer {
    pack: Pack,
    drawn: Drawn,
    given: Given,
    provenance: Provenance,
}

impl Replayer {
    /// A replayer of samples that were drawn as `drawn` says.
    pub fn new(pack: Pack, drawn: Drawn, given: Given) -> Self {
        let provenance = Provenance::new(pack.strategy(), drawn.clone());
        Self { pack, drawn, given, provenance }
    }

    /// Returns what its results go back to.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Replays one task.
    pub fn replay(&self, recorded: &Recorded) -> Replayed {
        let mut pool = Pool::new(&recorded.samples);
        let mut samples = Vec::new();
        let mut not_recorded = 0;
        let reward = self.rounds(recorded, &mut pool, &mut samples, &mut not_recorded);
        Replayed { verdict: Verdict { task: recorded.task.id.clone(), samples, reward }, not_recorded }
    }

    /// A task whose samples are to be aggregated in several ways.
    pub fn subsets<'a>(&'a self, task: &'a Task) -> Subsets<'a> {
        Subsets { replayer: self, task, prepared: OnceLock::new() }
    }

    fn aggregate<'a>(
        &self,
        task: &TaskView,
        id: &str,
        signals: &Arc<[Signal]>,
        samples: impl IntoIterator<Item = &'a SampleRecord>,
    ) -> Result<Reward, TaskFailure> {
        let samples: Vec<Sample> = samples.into_iter().map(SampleRecord::view).collect();
        let ratings: Vec<Option<Rating>> = samples.iter().map(|sample| sample.rating.clone()).collect();
        let config = self.pack.policy.with_k(samples.len());
        let terms = self.terms(id, true, true);
        let mut rounds = Rounds::over(task.clone(), signals.clone(), samples, terms);
        loop {
            let step = self.pack.step_as(&config, &*rounds.ask()?)?;
            if let Step::Draw(draws) = &step {
                return Err(missing(draws.len(), "samples beyond those given"));
            }
            match rounds.answer(step)? {
                Next::Draw(wanted) => return Err(missing(wanted.len(), "samples beyond those given")),
                Next::Rate(indices) => {
                    for index in indices {
                        let rating = ratings.get(index).cloned().flatten();
                        rounds.rated(index, rating.ok_or_else(|| missing(1, "a rating that the sample lacks"))?);
                    }
                }
                Next::Finish(reward) => return Ok(reward),
            }
        }
    }

    /// What the loop of this task goes by. Samples and ratings may come from elsewhere than the pack, so it is what the run
    /// holds that can be drawn and rated.
    fn terms(&self, task: &str, has_own_judge: bool, can_rate: bool) -> Terms {
        Terms {
            scale: self.pack.scale,
            seed: task_seed(self.drawn.seed, task),
            temperature: self.drawn.sampling.temperature,
            budget: self.drawn.budget,
            has_own_judge,
            judges: self.pack.named_judges(self.drawn.sampling),
            can_rate,
        }
    }

    /// What the model was asked for this sample.
    pub(crate) fn request(
        &self,
        task: &Task,
        order: &Order,
        principles: &[Principle],
        sample: &SampleRecord,
        before: &[SampleRecord],
    ) -> Result<GenerateRequest, Stopped> {
        if self.pack.asking_of(sample.judge.as_deref()).is_none() {
            return Err(no_template(sample).into());
        }
        let shown = earlier_texts(order, &sample.built_on, before)?;
        let asked = AskedOf { sample: sample.clone(), order: order.clone(), shown };
        self.pack.sample_request(&self.pack.view(task), principles, asked, self.drawn.sampling)
    }

    /// What the meta RM was asked about this sample; none without a meta RM.
    pub(crate) fn meta_request(
        &self,
        task: &Task,
        principles: &[Principle],
        sample: &SampleRecord,
    ) -> Option<Result<GenerateRequest, Stopped>> {
        let meta = self.pack.meta.as_ref()?;
        Some(meta_request(meta, &self.pack.view(task), principles, sample, &self.drawn.sampling))
    }

    /// What writes the principles of a query; none in a pack without that stage.
    pub(crate) fn principles(&self) -> Option<&PrinciplesStage> {
        self.pack.principles.as_ref()
    }

    /// The request for the principles of the task's query, as it was made for the record.
    pub(crate) fn principles_request(
        &self,
        stage: &PrinciplesStage,
        task: &Task,
        record: &PrinciplesRecord,
    ) -> Result<GenerateRequest, Stopped> {
        let fields = &self.pack.model.request;
        let (temperature, seed) = (record.temperature, record.seed);
        let settings = RequestSettings { sampling: self.drawn.sampling, fields, temperature, seed };
        stage.request(&stage.query(task), settings)
    }

    fn rounds(
        &self,
        recorded: &Recorded,
        pool: &mut Pool<'_>,
        samples: &mut Vec<SampleRecord>,
        not_recorded: &mut u32,
    ) -> Result<Reward, TaskFailure> {
        let task = &recorded.task;
        let (view, responses) = (self.pack.view(task), task.responses.len());
        let signals: Arc<[Signal]> = self.pack.signals(&view, &task.references())?.into();
        let own = |sample: &SampleRecord| sample.judge.is_none();
        let has_own_judge = self.pack.asking.is_some() || recorded.samples.iter().any(own);
        let can_rate = self.pack.meta.is_some() || recorded.samples.iter().any(|sample| sample.meta.is_some());
        let terms = self.terms(&task.id, has_own_judge, can_rate);
        let (mut rounds, config) = match self.given {
            Given::Asked => (Rounds::new(view, signals, terms), Arc::from(self.pack.policy.config_text())),
            Given::All => {
                for recorded in pool.rest() {
                    samples.push(self.read(recorded, samples.len(), 0, responses)?);
                }
                let views = samples.iter().map(SampleRecord::view).collect();
                (Rounds::over(view, signals, views, terms), self.pack.policy.with_k(samples.len()))
            }
        };
        loop {
            let step = self.pack.step_as(&config, &*rounds.ask()?)?;
            match rounds.answer(step)? {
                Next::Draw(wanted) => {
                    if let Some(failure) = without_principles(recorded) {
                        return Err(failure);
                    }
                    let round = wanted.first().map_or(0, |wanted| wanted.round);
                    let find = |wanted: &Wanted| pool.take(wanted, samples);
                    let found: Vec<&SampleRecord> = wanted.iter().filter_map(find).collect();
                    let lacking = wanted.len() - found.len();
                    if lacking > 0 {
                        *not_recorded += u32::try_from(lacking).unwrap_or(u32::MAX);
                        return Err(missing(lacking, &format!("of {} samples of its step {round}", wanted.len())));
                    }
                    for recorded in found {
                        let sample = self.read(recorded, samples.len(), round, responses)?;
                        rounds.drew(Sample { rating: None, ..sample.view() });
                        samples.push(sample);
                    }
                }
                Next::Rate(indices) => {
                    let mut lacking = 0;
                    for index in &indices {
                        match samples.get(*index).and_then(|sample| sample.meta.as_ref()) {
                            Some(meta) => rounds.rated(*index, meta.rating.clone()),
                            None => lacking += 1,
                        }
                    }
                    if lacking > 0 {
                        *not_recorded += u32::try_from(lacking).unwrap_or(u32::MAX);
                        return Err(missing(lacking, &format!("of {} ratings", indices.len())));
                    }
                }
                Next::Finish(reward) => return Ok(reward),
            }
        }
    }

    /// The sample with what this pack's parser reads in it.
    fn read(
        &self,
        recorded: &SampleRecord,
        id: usize,
        round: u32,
        responses: usize,
    ) -> Result<SampleRecord, TaskFailure> {
        let id = u32::try_from(id).unwrap_or(u32::MAX);
        let order = Order::new(recorded.order.clone(), responses).map_err(|error| {
            TaskFailure::host(format!("sample {} of the run cannot have been shown: {error}", recorded.id))
        })?;
        let mut sample = SampleRecord { id, round, ..recorded.clone() };
        if id != recorded.id {
            sample.extra.insert("recorded_as".to_owned(), recorded.id.into());
        }
        if let Some(completion) = &recorded.completion {
            (sample.judgement, sample.outcome) = match self.pack.asking_of(recorded.judge.as_deref()) {
                Some(asking) => asking.read(completion, &order, responses)?,
                None => (None, Outcome::Failed(no_template(recorded))),
            };
        } else if matches!(recorded.outcome, Outcome::Scored(_)) {
            sample.outcome = Outcome::Failed(Failure {
                kind: FailureKind::ModelError,
                message: "the run holds scores for this sample, but no text to read them from".into(),
            });
        }
        // A rating that came without a text stands as it is.
        if let (Some(meta), Some(rated)) = (&self.pack.meta, &mut sample.meta)
            && let Some(completion) = &rated.completion
        {
            rated.rating = meta.rating(completion)?;
        }
        Ok(sample)
    }
}

/// What the scorers said of a task.
type Signals = Result<Arc<[Signal]>, TaskFailure>;

/// Rewards for parts of one task's samples; see [`Replayer::subsets`]. What does not depend on the part, the scorers'
/// signals above all, is computed once, and not before it is needed.
pub struct Subsets<'a> {
    replayer: &'a Replayer,
    task: &'a Task,
    prepared: OnceLock<(TaskView, Signals)>,
}

impl Subsets<'_> {
    /// The reward that the policy gives for these samples alone: all of them at once, as under [`Given::All`]. The
    /// samples count as read already, and are numbered anew in the order given.
    pub fn reward<'a>(&self, samples: impl IntoIterator<Item = &'a SampleRecord>) -> Result<Reward, TaskFailure> {
        let (view, signals) = self.prepared.get_or_init(|| {
            let view = self.replayer.pack.view(self.task);
            let signals = self.replayer.pack.signals(&view, &self.task.references());
            (view, signals.map(Arc::from))
        });
        let signals = signals.as_ref().map_err(TaskFailure::clone)?;
        self.replayer.aggregate(view, &self.task.id, signals, samples)
    }
}

/// How a task ended that never got to a sample, because its query has no principles.
fn without_principles(recorded: &Recorded) -> Option<TaskFailure> {
    match (&recorded.principles, &recorded.reward) {
        _ if !recorded.samples.is_empty() => None,
        (Some(record), _) => record.task_failure(),
        // The model failed, which leaves no record.
        (None, Some(Err(failure))) if failure.kind == TaskFailureKind::Principles => Some(failure.clone()),
        _ => None,
    }
}

fn no_template(sample: &SampleRecord) -> Failure {
    let message = match &sample.judge {
        None => "the pack has no [template] and [parser]".to_owned(),
        Some(judge) => format!("the pack has no [judges.{}]", shown(judge)),
    };
    Failure { kind: FailureKind::Refused, message }
}

/// What a sample is known by in the run that it was recorded in, whatever its place in a replay.
fn recorded_id(sample: &SampleRecord) -> u64 {
    let elsewhere = sample.extra.get("recorded_as").and_then(serde_json::Value::as_u64);
    elsewhere.unwrap_or_else(|| u64::from(sample.id))
}

/// Recorded samples that the policy has not been given yet.
struct Pool<'a> {
    left: Vec<Option<&'a SampleRecord>>,
}

impl<'a> Pool<'a> {
    fn new(samples: &'a [SampleRecord]) -> Self {
        Self { left: samples.iter().map(Some).collect() }
    }

    fn rest(&mut self) -> Vec<&'a SampleRecord> {
        self.left.iter_mut().filter_map(Option::take).collect()
    }

    /// See [`Given::Asked`]. `before` are the samples that the replay has given so far.
    fn take(&mut self, wanted: &Wanted, before: &[SampleRecord]) -> Option<&'a SampleRecord> {
        let order = wanted.order.indices();
        let temperature = wanted.named_temperature.then_some(wanted.temperature);
        let place = |id: &u32| before.get(usize::try_from(*id).ok()?).map(recorded_id);
        let built_on: Vec<_> = wanted.show.iter().map(place).collect();
        let fits = |sample: &SampleRecord| {
            temperature.is_none_or(|wanted| sample.temperature == wanted)
                && sample.judge == wanted.judge
                && sample.asked == wanted.asked
                && sample.built_on.iter().map(|id| Some(u64::from(*id))).eq(built_on.iter().copied())
        };
        let same_order = |sample: &SampleRecord| sample.order == order && fits(sample);
        let mut shown = order.to_vec();
        shown.sort_unstable();
        let same_responses = |sample: &SampleRecord| {
            let mut other = sample.order.clone();
            other.sort_unstable();
            other == shown && fits(sample)
        };
        let at = self
            .left
            .iter()
            .position(|sample| sample.is_some_and(same_order))
            .or_else(|| self.left.iter().position(|sample| sample.is_some_and(same_responses)))?;
        self.left.get_mut(at)?.take()
    }
}

fn missing(count: usize, what: &str) -> TaskFailure {
    TaskFailure {
        kind: TaskFailureKind::NotRecorded,
        message: format!("the policy asked for what the run does not hold: {count} {what}"),
    }
}
