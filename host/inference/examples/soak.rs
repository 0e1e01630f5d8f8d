//! Draws many samples from a model and prints how much memory the process holds: it must not grow.
//!
//! `cargo build --release --workspace --all-targets`, then `target/release/examples/soak MODEL [SAMPLES]`.

use std::error::Error;
use std::time::Instant;

use rewarden_inference::mistral::{MistralModel, MistralOptions, ModelSource};
use rewarden_types::{Constraint, GenerateRequest, Model, PromptInput, Sampling};

const EVERY: u64 = 25;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: soak MODEL [SAMPLES]")?;
    let samples: u64 = arguments.next().map_or(Ok(300), |n| n.parse())?;
    let model = MistralModel::load(&ModelSource::resolve(&path)?, &MistralOptions::default(), &|_| ()).await?;
    let started = Instant::now();
    let mut tokens = 0;
    for sample in 0..samples {
        if sample % EVERY == 0 {
            report(sample, tokens, started)?;
        }
        // Prompts of unlike lengths, with and without a grammar and log-probabilities: whatever could be left behind.
        let words = "the sea, the wind and the shore; ".repeat(1 + (sample % 7) as usize);
        let sampling = Sampling { temperature: 0.8, top_p: None, max_tokens: 24, seed: sample };
        let input = PromptInput::user(format!("Score this from 1 to 10: {words}"));
        let request = GenerateRequest {
            constraint: (sample % 2 == 0).then(|| Constraint::Regex(r"[^\n]{0,40}\n\\boxed\{([1-9]|10)\}".into())),
            top_logprobs: (sample % 3) as u8,
            ..GenerateRequest::new(input, sampling)
        };
        tokens += model.generate(&request, &|_| ()).await?.usage.completion_tokens;
    }
    report(samples, tokens, started)
}

fn report(samples: u64, tokens: u32, started: Instant) -> Result<(), Box<dyn Error>> {
    // Linux only: elsewhere the file does not exist, and the error says so.
    let status = std::fs::read_to_string("/proc/self/status")?;
    let resident = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS in /proc/self/status")?;
    println!("{samples:4} samples  {tokens:6} tokens  {:7.1} s  {resident}", started.elapsed().as_secs_f64());
    Ok(())
}
