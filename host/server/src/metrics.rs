//! The metrics that `/metrics` shows.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use rewarden_dialects::Problem;
use rewarden_judge::Stage;
use rewarden_record::SampleRecord;
use rewarden_types::Outcome;

/// Bounds in seconds, from the microseconds of a plugin call to the minutes of a generation.
const SECONDS: [f64; 19] = [
    0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    15.0, 60.0, 300.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PackLabels {
    pack: String,
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Swap {
    pack: String,
    result: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabel {
    stage: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShadowLabels {
    pack: String,
    shadow: String,
    outcome: String,
}

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RouteLabels, Counter>,
    request_seconds: Histogram,
    problems: Family<KindLabel, Counter>,
    tasks: Family<PackLabels, Counter>,
    stages: [Histogram; 6],
    pub(crate) tokens: Counter,
    pub(crate) samples: Counter,
    failures: Family<KindLabel, Counter>,
    swaps: Family<Swap, Counter>,
    shadows: Family<ShadowLabels, Counter>,
    shadow_difference: Histogram,
    pub(crate) shadow_dropped: Counter,
    pub(crate) joined: Counter,
    pub(crate) repeated: Counter,
    pub(crate) partial_cohorts: Counter,
    pub(crate) in_flight: Gauge,
    pub(crate) model_tasks: Gauge,
    pub(crate) rule_tasks: Gauge,
    pub(crate) cohort_members: Gauge,
    pub(crate) open_runs: Gauge,
}

/// How a change of a live pack ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SwapResult {
    Added,
    Swapped,
    Removed,
    Refused,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("rewarden"),
            requests: Family::default(),
            request_seconds: histogram(),
            problems: Family::default(),
            tasks: Family::default(),
            stages: std::array::from_fn(|_| histogram()),
            tokens: Counter::default(),
            samples: Counter::default(),
            failures: Family::default(),
            swaps: Family::default(),
            shadows: Family::default(),
            shadow_difference: Histogram::new([0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0]),
            shadow_dropped: Counter::default(),
            joined: Counter::default(),
            repeated: Counter::default(),
            partial_cohorts: Counter::default(),
            in_flight: Gauge::default(),
            model_tasks: Gauge::default(),
            rule_tasks: Gauge::default(),
            cohort_members: Gauge::default(),
            open_runs: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let stages: Family<StageLabel, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(SECONDS));
        for (slot, name) in self.stages.iter_mut().zip(["queue", "score", "render", "generate", "parse", "policy"]) {
            *slot = stages.get_or_create_owned(&StageLabel { stage: name.to_owned() });
        }
        let r = &mut self.registry;
        r.register("requests", "Requests, by route and status", self.requests.clone());
        r.register("request_seconds", "From a request's head to its answer's", self.request_seconds.clone());
        r.register("problems", "Refused or failed requests, by kind of problem", self.problems.clone());
        r.register("tasks", "Tasks, by pack and outcome (rewarded, or the kind of failure)", self.tasks.clone());
        r.register("stage_seconds", "Where the time of tasks goes: waiting, and calls by kind", stages);
        r.register("tokens", "Tokens written by models", self.tokens.clone());
        r.register("samples", "Samples that judging used, recorded ones included", self.samples.clone());
        r.register("sample_failures", "Samples without a judgement, by kind", self.failures.clone());
        r.register("pack_changes", "Changes of live packs, by result", self.swaps.clone());
        r.register(
            "shadow_tasks",
            "Tasks that a shadow judged too, by whether the winner was the same",
            self.shadows.clone(),
        );
        r.register(
            "shadow_difference",
            "Mean absolute difference between a shadow's scores and the paid ones",
            self.shadow_difference.clone(),
        );
        r.register("shadow_dropped", "Tasks that a shadow had no time for", self.shadow_dropped.clone());
        r.register("joined", "Requests that joined an identical one in flight", self.joined.clone());
        r.register("repeated", "Requests answered from an idempotency key", self.repeated.clone());
        r.register(
            "partial_cohorts",
            "Cohorts whose deadline came before their last member",
            self.partial_cohorts.clone(),
        );
        r.register("in_flight", "Requests being answered", self.in_flight.clone());
        r.register("model_tasks", "Tasks that ask a model, waiting or being judged", self.model_tasks.clone());
        r.register("rule_tasks", "Tasks of packs without a model, waiting or being judged", self.rule_tasks.clone());
        r.register("cohort_members", "Members of cohorts that wait for others", self.cohort_members.clone());
        r.register("open_runs", "Runs that are open for writing", self.open_runs.clone());
    }

    /// Writes the metrics in OpenMetrics' text format.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub(crate) fn request(&self, route: &str, status: u16, took: Duration) {
        self.requests.get_or_create(&RouteLabels { route: route.to_owned(), status }).inc();
        self.request_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn problem(&self, problem: &Problem) {
        self.problems.get_or_create(&KindLabel { kind: problem.kind.name().to_owned() }).inc();
    }

    pub(crate) fn task(&self, pack: &str, outcome: &str) {
        self.tasks.get_or_create(&PackLabels { pack: pack.to_owned(), outcome: outcome.to_owned() }).inc();
    }

    pub(crate) fn queued(&self, took: Duration) {
        let [queue, ..] = &self.stages;
        queue.observe(took.as_secs_f64());
    }

    pub(crate) fn stage(&self, stage: Stage, took: Duration) {
        let [_, score, render, generate, parse, policy] = &self.stages;
        let histogram = match stage {
            Stage::Score => score,
            Stage::Render => render,
            Stage::Generate => generate,
            Stage::Parse => parse,
            Stage::Policy => policy,
        };
        histogram.observe(took.as_secs_f64());
    }

    pub(crate) fn sample(&self, sample: &SampleRecord) {
        self.samples.inc();
        if let Outcome::Failed(failure) = &sample.outcome {
            self.failures.get_or_create(&KindLabel { kind: failure.kind.name().to_owned() }).inc();
        }
    }

    pub(crate) fn swap(&self, pack: &str, result: SwapResult) {
        let result = match result {
            SwapResult::Added => "added",
            SwapResult::Swapped => "swapped",
            SwapResult::Removed => "removed",
            SwapResult::Refused => "refused",
        };
        self.swaps.get_or_create(&Swap { pack: pack.to_owned(), result: result.to_owned() }).inc();
    }

    pub(crate) fn shadow(&self, pack: &str, shadow: &str, outcome: &str, difference: Option<f64>) {
        let labels = ShadowLabels { pack: pack.to_owned(), shadow: shadow.to_owned(), outcome: outcome.to_owned() };
        self.shadows.get_or_create(&labels).inc();
        if let Some(difference) = difference {
            self.shadow_difference.observe(difference);
        }
    }
}
