//! How fast the engine in this process is, and whether a batch changes what comes out of it.
//!
//! `engine_bench MODEL [--device DEVICE] [--prompt TOKENS] [--steps N] [--sequences 1,8,64]`. `cargo xtask bench-gpu`
//! makes a model of random weights first and runs it; on a machine without cargo, `random_model.py --run` does both.

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use rewarden_inference::mistral::{LoadEvent, MistralModel, MistralOptions, ModelSource};
use rewarden_types::{Completion, GenerateRequest, Model, ModelError, PromptInput, Sampling};

type Failed = Box<dyn Error + Send + Sync>;

/// What is asked for on the command line.
struct Plan {
    model: String,
    device: String,
    prompt: usize,
    steps: u32,
    sequences: Vec<usize>,
}

impl Plan {
    fn read() -> Result<Self, Failed> {
        let mut arguments = std::env::args().skip(1);
        let usage = "usage: engine_bench MODEL [--device DEVICE] [--prompt TOKENS] [--steps N] [--sequences 1,8,64]";
        let model = arguments.next().ok_or(usage)?;
        let mut options = HashMap::new();
        while let Some(name) = arguments.next() {
            options.insert(name, arguments.next().ok_or(usage)?);
        }
        let mut option = |name: &str, default: &str| options.remove(name).unwrap_or_else(|| default.to_owned());
        let plan = Plan {
            model,
            device: option("--device", "auto"),
            prompt: option("--prompt", "512").parse()?,
            steps: option("--steps", "64").parse()?,
            sequences: option("--sequences", "1,4,8,16,32,64").split(',').map(str::parse).collect::<Result<_, _>>()?,
        };
        if options.is_empty() { Ok(plan) } else { Err(usage.into()) }
    }
}

/// What one try took.
struct Took {
    wall: Duration,
    /// Of it, waiting for the model.
    model: Duration,
    completions: Vec<Completion>,
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let plan = Plan::read()?;
    let options = MistralOptions { device: plan.device.parse()?, ..MistralOptions::default() };
    let started = Instant::now();
    let told = |event| match event {
        LoadEvent::Loading { model, device } => eprintln!("loading {model} on {device}"),
        LoadEvent::SelfCheck => eprintln!("self-check after {:.1} s", started.elapsed().as_secs_f64()),
        LoadEvent::Checked { effect, sequences } => {
            println!("self-check: {effect}; at once: {sequences} ({:.1} s)\n", started.elapsed().as_secs_f64());
        }
    };
    let model = MistralModel::load(&ModelSource::resolve(&plan.model)?, &options, &told).await?;
    println!("edited engine: {}; batch_invariant: {:?}\n", cfg!(feature = "edited"), model.identity().batch_invariant);
    // So that nothing is measured that happens once.
    ask(&model, &[request(0, 0, plan.prompt, 4)]).await?;

    for rows in rows_to_try(&model) {
        set_rows(rows);
        println!("| sequences at once | step, ms | tokens/s | host, % of a step |");
        println!("|---|---|---|---|");
        for &sequences in plan.sequences.iter().filter(|sequences| **sequences <= model.concurrency()) {
            row(&model, &plan, &format!("{sequences}"), sequences, |_| 0).await?;
        }
        let unlike = 8.min(model.concurrency());
        row(&model, &plan, &format!("{unlike} of unlike lengths"), unlike, |n| n * 13).await?;
        println!("\nrows of a step: {}\n", if rows == 0 { "as they come".into() } else { rows.to_string() });
    }
    set_rows(rows_to_try(&model).first().copied().unwrap_or(0));
    samples_of_one_prompt(&model, &plan).await?;
    equal_alone_and_together(&model, &plan).await
}

/// A prompt of so many tokens, more or less, that begins with a number of its own.
fn request(prompt: usize, seed: u64, length: usize, max_tokens: u32) -> GenerateRequest {
    let text: String =
        format!("{prompt:05} ").chars().chain("the sea and the shore ".chars().cycle()).take(length).collect();
    let sampling = Sampling { temperature: 1.0, top_p: None, max_tokens, seed };
    GenerateRequest::new(PromptInput::user(text), sampling)
}

async fn ask(model: &MistralModel, requests: &[GenerateRequest]) -> Result<Took, ModelError> {
    let (started, before) = (Instant::now(), model_time());
    let completions = try_join_all(requests.iter().map(|request| model.generate(request, &|_| ()))).await?;
    Ok(Took { wall: started.elapsed(), model: model_time() - before, completions })
}

/// Measures steps: what the same requests take with many tokens and with one, each.
async fn row(
    model: &MistralModel,
    plan: &Plan,
    name: &str,
    sequences: usize,
    longer: impl Fn(usize) -> usize,
) -> Result<(), Failed> {
    let requests =
        |tokens| -> Vec<_> { (0..sequences).map(|n| request(n, n as u64, plan.prompt + longer(n), tokens)).collect() };
    let prompts = ask(model, &requests(1)).await?;
    let all = ask(model, &requests(plan.steps + 1)).await?;
    let tokens: u32 = all.completions.iter().map(|completion| completion.usage.completion_tokens - 1).sum();
    let (wall, waited) = (all.wall.saturating_sub(prompts.wall), all.model.saturating_sub(prompts.model));
    let step = wall.as_secs_f64() * 1e3 / f64::from(plan.steps);
    let host = 100.0 * (1.0 - waited.as_secs_f64() / wall.as_secs_f64()).max(0.0);
    let host = if cfg!(feature = "edited") { format!("{host:.0}") } else { "not measured".into() };
    println!("| {name} | {step:.1} | {:.0} | {host} |", f64::from(tokens) / wall.as_secs_f64());
    Ok(())
}

async fn samples_of_one_prompt(model: &MistralModel, plan: &Plan) -> Result<(), Failed> {
    let samples: Vec<_> = (0..8).map(|seed| request(77, seed, plan.prompt, plan.steps)).collect();
    let together = ask(model, &samples).await?;
    let mut alone = Duration::ZERO;
    for sample in &samples {
        alone += ask(model, std::slice::from_ref(sample)).await?.wall;
    }
    let (alone, together) = (alone.as_secs_f64(), together.wall.as_secs_f64());
    println!("8 samples of one prompt: {together:.2} s together, {alone:.2} s one by one: {:.1}x", alone / together);
    Ok(())
}

async fn equal_alone_and_together(model: &MistralModel, plan: &Plan) -> Result<(), Failed> {
    let most = model.concurrency();
    let asked = |n: usize| {
        let mut request = request(n, n as u64, plan.prompt / 2 + n * 7, plan.steps.min(40));
        request.top_logprobs = 3;
        request
    };
    let requests: Vec<_> = (0..most).map(asked).collect();
    let together = ask(model, &requests).await?.completions;
    let watched = most.min(8);
    let mut equal = 0;
    for (request, together) in requests.iter().zip(&together).take(watched) {
        let alone = ask(model, std::slice::from_ref(request)).await?.completions;
        equal += usize::from(alone.first() == Some(together));
    }
    println!("completions with log-probabilities, alone and among {most}: {equal} of {watched} equal bit for bit");
    Ok(())
}

/// The fixed number of rows, and none, where the engine can do both.
fn rows_to_try(model: &MistralModel) -> Vec<usize> {
    let on_gpu = model.identity().device.as_deref().is_some_and(|device| device.starts_with("cuda"));
    if cfg!(feature = "edited") && on_gpu { vec![rewarden_inference::mistral::MAX_SEQUENCES, 0] } else { vec![0] }
}

#[cfg(feature = "edited")]
fn set_rows(rows: usize) {
    mistralrs::core::rewarden::set_decode_rows(rows);
}

#[cfg(not(feature = "edited"))]
fn set_rows(_: usize) {}

#[cfg(feature = "edited")]
fn model_time() -> Duration {
    mistralrs::core::rewarden::model_time()
}

#[cfg(not(feature = "edited"))]
fn model_time() -> Duration {
    Duration::ZERO
}
