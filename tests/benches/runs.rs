//! What a run costs beside its model: a million samples of a simulated judge through the whole engine, with seals and without,
//! and a replay of LLMBar's 35,736 recorded ones through the binary.
//!
//! `cargo bench --workspace --bench runs`, after `cargo xtask setup`. `REWARDEN_BENCH_SAMPLES` (1,000,000) and
//! `REWARDEN_DATA` (`../shared/data`) change the defaults. Figures are printed, one a line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt;
use rewarden_judge::{Judge, JudgeModels, JudgeSettings, Overrides, Pack, Setting};
use rewarden_record::{Budget, Drawn, SampleRecord, SamplingProvenance};
use rewarden_runtime::{Limits, Runtime};
use rewarden_store::{Header, Recorder, RunReader, RunSource, RunWriter};
use rewarden_tests::{component, pack};
use rewarden_types::{
    Completion, FinishReason, GenerateProgress, GenerateRequest, Identity, Judgement, Message, Model, ModelError,
    Outcome, Reward, Role, Score, Sha256Digest, Task, Usage,
};
use serde_json::Map;

/// Samples of one task, as in the paper's largest setting.
const K: u32 = 32;
/// Tasks that are judged side by side.
const AT_ONCE: usize = 8;

/// A judge that has its answer ready: about 1 KiB, with scores that follow from the seed.
struct Simulated(Identity);

#[async_trait]
impl Model for Simulated {
    fn identity(&self) -> &Identity {
        &self.0
    }

    fn concurrency(&self) -> usize {
        16
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        _: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        let seed = request.sampling.seed;
        let critique =
            "- Response 2 answers the question, but leaves out what the second sentence asked for.\n".repeat(9);
        let text = format!(
            "Specific Criteria:\n1. Accuracy (Weight: 40%): facts must hold.\n2. Care (Weight: 60%): the tone fits.\n\
             Analysis:\n{critique}\nScores: \\boxed{{{}, {}}}",
            1 + seed % 10,
            1 + (seed >> 8) % 10
        );
        let usage = Usage { prompt_tokens: 900, completion_tokens: 250 };
        Ok(Completion { usage, ..Completion::of_text(text, FinishReason::Stop) })
    }
}

fn task(index: u64) -> Task {
    Task {
        id: format!("task-{index}"),
        messages: vec![Message { role: Role::User, content: "Which of these is the better answer, and why?".into() }]
            .into(),
        responses: vec![
            "The first of two answers. ".repeat(20).into(),
            "The second of two answers. ".repeat(20).into(),
        ]
        .into(),
        reference: None,
        preferred: Some(0),
        metadata: Map::new(),
    }
}

/// What a simulated run took: by the clock, and of all processors.
#[derive(Clone, Copy)]
struct Cost {
    elapsed: Duration,
    processors: Duration,
}

/// Processor time of this process so far, in steps of 10 ms.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold spaces; user and system time are fields 14 and 15.
    let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
    let ticks: u64 = after.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// Makes an empty run of schema 2, which gets no seals when it is written.
fn without_seals(path: &Path, header: &Header) {
    RunWriter::open(path, header, &[]).unwrap().close().unwrap();
    let connection = rusqlite::Connection::open(path).unwrap();
    let sql = "DROP TABLE seals; DELETE FROM run WHERE key = 'digest'; PRAGMA user_version = 2";
    connection.execute_batch(sql).unwrap();
}

/// Draws `samples` into a new run, with seals or without.
async fn simulate(runtime: &Runtime, samples: u64, sealed: bool) -> Cost {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("simulated.run");
    let settings = vec![format!("policy.k={K}").parse::<Setting>().unwrap()];
    let pack = Pack::load(runtime, &pack("spct-vote"), &Overrides { settings, ..Overrides::default() }).unwrap();
    let components = pack.components();
    let identity = Identity::new("simulated", "simulated");
    let sampling = SamplingProvenance { temperature: 0.5, top_p: None, max_tokens: Some(512) };
    let settings = JudgeSettings { sampling, seed: 1, budget: Budget::default() };
    let judge = Judge::new(pack, JudgeModels::one(Arc::new(Simulated(identity))), settings);
    let provenance = judge.provenance();
    let header = Header::new(RunSource::Score, None, provenance.drawn.clone(), Some(provenance.strategy.clone()));

    if !sealed {
        without_seals(&path, &header);
    }
    let (started, before) = (Instant::now(), processor_time());
    let recorder = Recorder::start(RunWriter::open(&path, &header, &components).unwrap()).unwrap();
    {
        let tasks = futures::stream::iter(0..samples / u64::from(K));
        let judged = tasks.map(|index| {
            let (judge, recorder) = (&judge, &recorder);
            async move { judge.judge_recorded(&task(index), recorder, &()).await.unwrap().valid() }
        });
        let mut judged = std::pin::pin!(judged.buffered(AT_ONCE));
        while let Some(valid) = judged.next().await {
            assert_eq!(valid, K as usize);
        }
    }
    tokio::task::block_in_place(|| recorder.close()).unwrap();
    let cost = Cost { elapsed: started.elapsed(), processors: processor_time().saturating_sub(before) };
    let run = RunReader::open(&path).unwrap();
    assert_eq!(run.samples().unwrap(), samples / u64::from(K) * u64::from(K));
    assert_eq!(run.digest().is_some(), sealed);
    cost
}

/// Writes `samples` into a new run with nothing beside it, as the recorder's thread does; microseconds a sample.
fn write(header: &Header, samples: u64, sealed: bool) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("written.run");
    if !sealed {
        without_seals(&path, header);
    }
    let text = format!("Specific Criteria: care\nAnalysis:\n{}\nScores: \\boxed{{7, 3}}", "It is right. ".repeat(60));
    let sample = |id: u32| SampleRecord {
        id,
        round: 1,
        order: vec![1, 0],
        judge: None,
        asked: Vec::new(),
        built_on: Vec::new(),
        temperature: 0.5,
        seed: u64::from(id) << 40,
        prompt: Some(Sha256Digest::of(&id.to_le_bytes())),
        completion: Some(Completion {
            usage: Usage { prompt_tokens: 900, completion_tokens: 250 },
            ..Completion::of_text(text.clone(), FinishReason::Stop)
        }),
        seconds: Some(0.25),
        judgement: Some(Judgement {
            scores: vec![Score::Value(7.0), Score::Value(3.0)],
            critique: Some(text.clone()),
            ..Judgement::default()
        }),
        outcome: Outcome::Scored(vec![Some(Score::Value(3.0)), Some(Score::Value(7.0))]),
        meta: None,
        extra: Map::new(),
    };
    let scores = vec![Score::Value(96.0), Score::Value(224.0)];
    let reward = Ok(Reward { scores, used: (0..K).collect(), ..Reward::default() });
    let writer = RunWriter::open(&path, header, &[]).unwrap();
    let started = Instant::now();
    for index in 0..samples / u64::from(K) {
        writer.begin().unwrap();
        let key = writer.begin_task(&task(index)).unwrap().key;
        for id in 0..K {
            writer.add_sample(key, &sample(id)).unwrap();
        }
        writer.finish_task(key, &reward).unwrap();
        if index % 8 == 7 {
            writer.commit().unwrap();
        }
    }
    writer.close().unwrap();
    started.elapsed().as_secs_f64() * 1e6 / samples as f64
}

/// What seals cost where there is nothing else, pairs of runs one after the other.
fn writing() {
    let identity = Identity::new("simulated", "simulated");
    let sampling = SamplingProvenance { temperature: 0.5, top_p: None, max_tokens: Some(512) };
    let drawn = Drawn {
        model: identity,
        meta_model: None,
        judge_models: BTreeMap::new(),
        sampling,
        seed: 1,
        budget: Budget::default(),
    };
    let header = Header::new(RunSource::Score, None, drawn, None);
    let pairs: Vec<(f64, f64)> =
        (0..7).map(|_| (write(&header, 32_000, true), write(&header, 32_000, false))).collect();
    println!(
        "writing alone: {:.1} us a sample with seals, {:.1} without (medians of 7)",
        median(pairs.iter().map(|pair| pair.0).collect()),
        median(pairs.iter().map(|pair| pair.1).collect())
    );
}

/// Most memory that this process has held, in MB.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1000.0)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn simulation() {
    let many = std::env::var("REWARDEN_BENCH_SAMPLES").map_or(1_000_000, |text| text.parse().unwrap());
    let few = 10_000;
    let runtime = Runtime::new(Limits::default(), None).unwrap();
    let workers = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(4 << 20).build().unwrap();
    // The same command at both sizes, alternating, on a machine whose speed changes over minutes.
    let draw = |samples: u64, sealed: bool| {
        workers.block_on(async {
            let runtime = runtime.clone();
            tokio::spawn(async move { simulate(&runtime, samples, sealed).await }).await.unwrap()
        })
    };
    let each = |samples: u64| draw(samples, true).elapsed.as_secs_f64() * 1e6 / samples as f64;
    each(few);
    let before: Vec<f64> = (0..3).map(|_| each(few)).collect();
    let sealed = draw(many, true);
    let large = sealed.elapsed.as_secs_f64() * 1e6 / many as f64;
    let peak = peak_memory();
    let after: Vec<f64> = (0..3).map(|_| each(few)).collect();
    let small = median(before.into_iter().chain(after).collect());
    println!("simulated run, {few} samples: {small:.0} us a sample (median of 6)");
    println!("simulated run, {many} samples: {large:.0} us a sample, {:.2} times that", large / small);
    println!("most memory held, after {many} samples: {peak:.0} MB");
    let bare = draw(many, false);
    let share = |with: Duration, without: Duration| 100.0 * (with.as_secs_f64() / without.as_secs_f64() - 1.0);
    println!(
        "the same without seals: {:.0} us a sample; seals and the digest add {:.1} % of the time, {:.1} % of processor time",
        bare.elapsed.as_secs_f64() * 1e6 / many as f64,
        share(sealed.elapsed, bare.elapsed),
        share(sealed.processors, bare.processors)
    );
}

fn data() -> Option<PathBuf> {
    let data = std::env::var_os("REWARDEN_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    let llmbar = data.join("llmbar");
    llmbar.is_dir().then_some(llmbar)
}

fn replay() {
    let Some(data) = data() else {
        println!("replay of recorded judges: left out, no data (name its directory in REWARDEN_DATA)");
        return;
    };
    // target/release/deps/runs-… -> target/release/rewarden
    let binary = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("rewarden");
    let directory = tempfile::tempdir().unwrap();
    let rewarden = |arguments: &[&str]| {
        let mut command = Command::new(&binary);
        command.current_dir(directory.path()).env("REWARDEN_CACHE_DIR", directory.path().join("cache"));
        let started = Instant::now();
        let output = command.args(arguments).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", String::from_utf8_lossy(&output.stderr));
        started.elapsed().as_secs_f64()
    };
    for subset in ["natural", "neighbor", "mt-bench"] {
        let file = |kind: &str| data.join(format!("{subset}.{kind}.jsonl")).to_str().unwrap().to_owned();
        rewarden(&["import", &file("recorded"), "--tasks", &file("pairs"), "--run", "llmbar.run", "--quiet"]);
    }
    let (pack, policy) = (pack("llmbar"), component("pointwise"));
    let mut number = 0;
    let times: Vec<f64> = (0..7)
        .map(|_| {
            number += 1;
            let run = format!("{number}.run");
            let arguments =
                ["replay", "llmbar.run", "--pack", pack.to_str().unwrap(), "--policy", policy.to_str().unwrap()];
            rewarden(&[&arguments[..], &["--all-samples", "--out", "rows.jsonl", "--run", &run, "--quiet"]].concat())
        })
        .collect();
    println!(
        "replay of 35,736 recorded samples into rows and a new run: {:.2} s (median of 7; the first, which compiles the \
         plugins, {:.2} s)",
        median(times[1..].to_vec()),
        times[0]
    );
}

fn main() {
    writing();
    replay();
    simulation();
}
