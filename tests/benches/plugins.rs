//! What the sandbox costs: every plugin call beside the same Rust code called natively, loading, a whole task's plugin
//! work, and the host's share of a sample.
//!
//! `cargo bench --workspace --bench plugins`, after `cargo xtask setup`. Each call into a component is a fresh
//! instance, instantiation and configuration included.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rewarden_judge::{Judge, JudgeModels, JudgeSettings, Overrides, Pack, parse_row};
use rewarden_plugin as native;
use rewarden_plugin::{Parser as _, Plugin as _, Policy as _, Template as _};
use rewarden_record::{Budget, SamplingProvenance};
use rewarden_runtime::{Limits, Plugin, Runtime};
use rewarden_tests::{component, pack};
use rewarden_types::{
    Completion, Completion as Generated, Context, FinishReason, FinishReason as Finish, GenerateProgress,
    GenerateRequest, Identity, Message, Model, ModelError, Outcome, ParseRequest, PolicyInput, RenderRequest, Role,
    Sample, Scale, Score, Task as JudgedTask, TaskView, Usage,
};
use spct::Spct;
use vote::Vote;

const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };
const NATIVE_SCALE: native::Scale = native::Scale { min: 1.0, max: 10.0, integer: true };
const K: u32 = 32;
const RESPONSES: usize = 4;

/// An answer of about `bytes` bytes in the usual form, with four scores.
fn answer(bytes: usize) -> String {
    let head = "Specific Criteria:\n1. Accuracy (Weight: 40%): facts must hold.\n2. Care (Weight: 60%): the tone fits.\n\
                Analysis:\n";
    let tail = "\nScores: \\boxed{8, 5, 7, 2}";
    let sentence = "- Response 2 answers the question, but it leaves out what was asked for in the second sentence.\n";
    let room = bytes.saturating_sub(head.len() + tail.len());
    let body: String = sentence.chars().cycle().take(room).collect();
    format!("{head}{body}{tail}")
}

fn responses() -> Vec<String> {
    (0..RESPONSES).map(|index| format!("Response number {index}. ").repeat(50)).collect()
}

fn task() -> TaskView {
    TaskView {
        messages: vec![Message {
            role: Role::User,
            content: "Which of these is the better answer, and why? ".repeat(10),
        }]
        .into(),
        responses: responses().into_iter().map(Into::into).collect(),
        reference: None,
        metadata: "{}".into(),
    }
}

fn native_task() -> native::Task {
    native::Task {
        messages: vec![native::Message::user("Which of these is the better answer, and why? ".repeat(10))],
        responses: responses(),
        reference: None,
        metadata: "{}".into(),
    }
}

fn samples() -> Vec<Sample> {
    (0..K)
        .map(|id| {
            let scores = (0..4).map(|i| Some(Score::Value(f64::from((id + i) % 10 + 1)))).collect();
            Sample { completion_tokens: 250, ..Sample::new(id, vec![0, 1, 2, 3], 0.5, Outcome::Scored(scores)) }
        })
        .collect()
}

fn native_samples() -> Vec<native::Sample> {
    (0..K)
        .map(|id| {
            let scores = (0..4).map(|i| Some(native::Score::Value(f64::from((id + i) % 10 + 1)))).collect();
            native::Sample::of(id, vec![0, 1, 2, 3], native::Outcome::Scored(scores))
        })
        .collect()
}

fn context() -> Context {
    Context { seed: 7, ..Context::new(SCALE, 256, 63) }
}

fn native_context() -> native::Context {
    native::Context { seed: 7, samples_left: 256, rounds_left: 63, ..native::Context::of(NATIVE_SCALE) }
}

const K_32: &str = r#"{"k": 32}"#;

struct Loaded {
    spct: Plugin,
    vote: Plugin,
}

fn loaded() -> Loaded {
    let runtime = Runtime::new(Limits::default(), None).unwrap();
    Loaded {
        spct: runtime.load_file(&component("spct")).unwrap(),
        vote: runtime.load_file(&component("vote")).unwrap(),
    }
}

fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("load");
    let cache = tempfile::tempdir().unwrap();
    let cold = Runtime::new(Limits::default(), None).unwrap();
    let cached = Runtime::new(Limits::default(), Some(cache.path())).unwrap();
    for name in ["spct", "vote"] {
        let file = component(name);
        cached.load_file(&file).unwrap();
        group.sample_size(10).bench_function(format!("{name}/cold"), |b| b.iter(|| cold.load_file(&file).unwrap()));
        group.sample_size(50).bench_function(format!("{name}/cached"), |b| b.iter(|| cached.load_file(&file).unwrap()));
    }
    group.finish();
}

fn calls(c: &mut Criterion) {
    let Loaded { spct, vote } = loaded();
    let native_spct = Spct::from_json("{}").unwrap();
    let native_vote = Vote::from_json(K_32).unwrap();

    let mut group = c.benchmark_group("parse");
    for (name, bytes) in [("1 KiB", 1 << 10), ("16 KiB", 16 << 10)] {
        let text = answer(bytes);
        let completion = Completion::of_text(text.clone(), FinishReason::Stop);
        assert!(spct.parse("{}", &ParseRequest::new(&completion, 4, SCALE)).unwrap().value.is_ok());
        group.bench_function(format!("{name}/component"), |b| {
            b.iter(|| spct.parse("{}", &ParseRequest::new(black_box(&completion), 4, SCALE)).unwrap())
        });
        let completion = native::Completion { text, finish: native::FinishReason::Stop, tokens: vec![] };
        group.bench_function(format!("{name}/native"), |b| {
            b.iter(|| native_spct.parse(black_box(&completion), 4, NATIVE_SCALE).unwrap())
        });
    }
    group.finish();

    let mut group = c.benchmark_group("render n=4");
    let request = RenderRequest::new(task(), SCALE);
    group.bench_function("component", |b| b.iter(|| spct.render("{}", black_box(&request)).unwrap()));
    let request = native::Request::of(native_task(), NATIVE_SCALE);
    group.bench_function("native", |b| b.iter(|| native_spct.render(black_box(&request)).unwrap()));
    group.finish();

    let mut group = c.benchmark_group("policy k=32 n=4");
    let first = PolicyInput { task: task(), context: context(), samples: Vec::new() };
    let last = PolicyInput { samples: samples(), ..first.clone() };
    group.bench_function("draw/component", |b| b.iter(|| vote.next(K_32, black_box(&first)).unwrap()));
    group.bench_function("finish/component", |b| b.iter(|| vote.next(K_32, black_box(&last)).unwrap()));
    let (task, context, samples) = (native_task(), native_context(), native_samples());
    group.bench_function("draw/native", |b| b.iter(|| native_vote.next(&task, &context, black_box(&[])).unwrap()));
    group.bench_function("finish/native", |b| {
        b.iter(|| native_vote.next(&task, &context, black_box(&samples)).unwrap())
    });
    group.finish();
}

/// Everything that plugins do for one task: 32 prompts, 32 answers of 1 KiB, two steps of the policy.
fn whole_task(c: &mut Criterion) {
    let Loaded { spct, vote } = loaded();
    let (request, task) = (RenderRequest::new(task(), SCALE), task());
    let completion = Completion::of_text(answer(1 << 10), FinishReason::Stop);
    let first = PolicyInput { task, context: context(), samples: Vec::new() };
    let last = PolicyInput { samples: samples(), ..first.clone() };
    c.bench_function("plugin work of a task, k=32 n=4", |b| {
        b.iter(|| {
            vote.next(K_32, &first).unwrap();
            for _ in 0..K {
                spct.render("{}", black_box(&request)).unwrap();
                spct.parse("{}", &ParseRequest::new(black_box(&completion), 4, SCALE)).unwrap();
            }
            vote.next(K_32, &last).unwrap()
        })
    });
}

/// A model that answers at once: what is left is the host.
struct AtOnce {
    identity: Identity,
    text: String,
}

#[async_trait]
impl Model for AtOnce {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn concurrency(&self) -> usize {
        1
    }

    async fn generate(
        &self,
        _: &GenerateRequest,
        _: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Generated, ModelError> {
        let usage = Usage { prompt_tokens: 1, completion_tokens: 1 };
        Ok(Generated { usage, ..Generated::of_text(self.text.clone(), Finish::Stop) })
    }
}

fn identity() -> Identity {
    Identity::new("instant", "instant")
}

fn judged_task() -> JudgedTask {
    let row = serde_json::json!({"id": "t", "prompt": "Which is better?", "responses": responses()});
    parse_row(1, &row.to_string()).unwrap()
}

fn judge(model: Arc<dyn Model>, pack_name: &str, settings: &[&str]) -> Judge {
    let runtime = Runtime::new(Limits::default(), None).unwrap();
    let settings = settings.iter().map(|setting| setting.parse().unwrap()).collect();
    let pack = Pack::load(&runtime, &pack(pack_name), &Overrides { settings, ..Overrides::default() }).unwrap();
    let sampling = SamplingProvenance { temperature: 0.5, top_p: None, max_tokens: Some(256) };
    Judge::new(pack, JudgeModels::one(model), JudgeSettings { sampling, seed: 7, budget: Budget::default() })
}

/// The host's time for a sample (rendering, parsing, checking, threads), then the same for one real generation.
fn host_overhead(c: &mut Criterion) {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let instant = Arc::new(AtOnce { identity: identity(), text: answer(1 << 10) });
    let judge_instantly = judge(instant, "spct-vote", &["policy.k=32"]);
    let task = judged_task();
    let mut spent = (Duration::ZERO, 0);
    c.bench_function("host work of a task without generation, k=32 n=4", |b| {
        b.iter_batched(
            || task.clone(),
            |task| {
                let started = Instant::now();
                let verdict = threads.block_on(judge_instantly.judge(&task, &()));
                spent = (spent.0 + started.elapsed(), spent.1 + 1);
                assert_eq!(verdict.valid(), K as usize);
            },
            BatchSize::SmallInput,
        )
    });
    let host = spent.0 / (spent.1 * K).max(1);

    let options = rewarden_inference::mistral::MistralOptions::default();
    let source = rewarden_inference::mistral::ModelSource::Gguf(rewarden_tests::model());
    let model = threads.block_on(rewarden_inference::mistral::MistralModel::load(&source, &options, &|_| {})).unwrap();
    let judge_really = judge(Arc::new(model), "spct-small", &["policy.k=2", "template.constrain_chars=120"]);
    let short = parse_row(1, r#"{"id": "t", "prompt": "2+2?", "responses": ["4", "5"]}"#).unwrap();
    let started = Instant::now();
    let verdict = threads.block_on(judge_really.judge(&short, &()));
    let generation = started.elapsed() / 2;
    assert_eq!(verdict.valid(), 2);
    println!(
        "host overhead: {host:?} a sample, {:.4} % of a real one ({generation:?}, {} tokens written)",
        100.0 * host.as_secs_f64() / generation.as_secs_f64(),
        verdict.samples.iter().filter_map(|s| s.completion.as_ref()).map(|c| c.usage.completion_tokens).sum::<u32>()
            / 2,
    );
}

criterion_group!(benches, load, calls, whole_task, host_overhead);
criterion_main!(benches);
