//! The operator's settings.

use std::time::Duration;

use rewarden_dialects::SamplingWishes;
use rewarden_judge::PartName;
use rewarden_record::Budget;

/// How packs are sampled unless a request says otherwise.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Takes precedence over each pack's own. Without a seed it is 0.
    pub sampling: SamplingWishes,
    /// Samples a task, for packs whose policy has a `k`.
    pub k: Option<u32>,
    /// What one task may cost.
    pub budget: Budget,
}

/// What requests may cost and change.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Bytes of one request's body.
    pub body_bytes: usize,
    /// Bytes of the bodies of all requests under way together.
    pub bodies_bytes: usize,
    /// From a request's first byte to its answer.
    pub request_time: Duration,
    /// Tasks of one request.
    pub batch: usize,
    /// Responses of one task.
    pub responses: usize,
    /// Tasks that ask a model and are judged at once. Further ones wait.
    pub model_tasks: usize,
    /// Tasks that ask a model and wait or are judged. Further requests are refused.
    pub model_queue: usize,
    /// Threads that judge tasks of packs without a model.
    pub rule_threads: usize,
    /// Like `model_queue`, for packs without a model.
    pub rule_queue: usize,
    /// Requests a second for each API key, or for everybody without keys. `None` for no limit.
    pub rate: Option<u32>,
    /// Connections at once. Further ones wait to be accepted.
    pub connections: usize,
    /// Bytes of an uploaded pack.
    pub upload_bytes: usize,
    /// Runs of one pack version that requests may bring about by their own settings; each is a file that stays.
    pub runs_per_pack: usize,
    /// How long loading a pack may take, waiting for other loads included.
    pub load_time: Duration,
    /// The most packs that may be live at once.
    pub packs: usize,
    /// What `set` in a request may change.
    pub allow_set: Vec<(PartName, String)>,
    /// What `sampling` in a request may change.
    pub allow_sampling: Vec<SamplingField>,
    /// Largest `policy.k` that a request may ask for.
    pub k: u32,
    /// Largest `max_tokens` that a request may ask for.
    pub new_tokens: u32,
    /// Versions of packs with a request's own settings that are kept ready.
    pub variants: usize,
    /// How long an idempotency key is remembered.
    pub idempotency: Duration,
    /// How long the first member of a cohort waits for the last, at most.
    pub cohort_time: Duration,
    /// Members of cohorts that may wait at once.
    pub cohort_members: usize,
    /// What becomes of a cohort whose deadline is over.
    pub partial_groups: PartialGroups,
    /// How long requests in flight may take to finish after a signal to stop.
    pub grace: Duration,
}

/// Sampling parameters that a request may be allowed to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplingField {
    /// `temperature`
    Temperature,
    /// `top_p`
    TopP,
    /// `max_tokens`
    MaxTokens,
    /// `seed`
    Seed,
}

impl SamplingField {
    /// The field's name in requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::MaxTokens => "max_tokens",
            Self::Seed => "seed",
        }
    }
}

/// What becomes of a cohort whose deadline is over before all its members came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialGroups {
    /// The members that came are judged together.
    Judge,
    /// Each member that came gets a timeout.
    Fail,
}

impl Default for ServerLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            body_bytes: 16 << 20,
            bodies_bytes: 512 << 20,
            request_time: Duration::from_secs(300),
            batch: 1024,
            responses: 256,
            model_tasks: 16,
            model_queue: 1024,
            rule_threads: cores,
            rule_queue: 256,
            rate: None,
            connections: 4096,
            upload_bytes: 64 << 20,
            load_time: Duration::from_secs(60),
            packs: 256,
            runs_per_pack: 64,
            allow_set: vec![(PartName::Policy, "k".to_owned())],
            allow_sampling: vec![SamplingField::Temperature, SamplingField::TopP, SamplingField::MaxTokens],
            k: 64,
            new_tokens: 4096,
            variants: 32,
            idempotency: Duration::from_secs(600),
            cohort_time: Duration::from_secs(60),
            cohort_members: 65_536,
            partial_groups: PartialGroups::Judge,
            grace: Duration::from_secs(30),
        }
    }
}
