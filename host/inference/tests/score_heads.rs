//! Reward models with one label in process, against what transformers says of them.
//!
//! `score_heads/make.py` makes the expected scores; the weights are made here and there by the same rule, from the
//! names of the tensors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![cfg(feature = "mistralrs")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rewarden_inference::mistral::{DeviceChoice, MistralModel, MistralOptions, ModelSource};
use rewarden_types::{
    Completion, FinishReason, GenerateRequest, Message, Model, ModelError, PromptInput, Role, Sampling, Usage,
};
use safetensors::tensor::{Dtype, TensorView};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

#[derive(Deserialize)]
struct Expected {
    conversations: Vec<Vec<Turn>>,
    models: BTreeMap<String, ExpectedModel>,
}

#[derive(Clone, Deserialize)]
struct Turn {
    role: Role,
    content: String,
}

#[derive(Deserialize)]
struct ExpectedModel {
    tensors: BTreeMap<String, Vec<usize>>,
    scores: Vec<Score>,
}

#[derive(Deserialize)]
struct Score {
    tokens: u32,
    score: f32,
}

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/score_heads").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Numbers from -1 to 1: splitmix64 of the FNV-1a hash of the name, plus the position.
fn numbers(name: &str) -> impl Iterator<Item = f64> {
    let hashed = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (0u64..).map(move |position| {
        let z = hashed.wrapping_add(position.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 40).unwrap()) / 8_388_608.0 - 1.0
    })
}

fn tensor(name: &str, shape: &[usize], gemma: bool) -> Vec<u8> {
    let columns = f64::from(u32::try_from(*shape.last().unwrap()).unwrap());
    let value = |number: f64| match name {
        _ if name.ends_with("norm.weight") => number / 10.0 + f64::from(u8::from(!gemma)),
        _ if name.ends_with(".bias") => number / 10.0,
        _ => number * 2.0 / columns.sqrt(),
    };
    numbers(name).take(shape.iter().product()).flat_map(|number| (value(number) as f32).to_le_bytes()).collect()
}

/// A model's directory as transformers would save it, in one file or in two.
fn directory(kind: &str, expected: &ExpectedModel, shards: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config: Value = read::<Value>("models.json")[kind].clone();
    fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        fs::write(directory.path().join(name), read::<Value>(name).to_string()).unwrap();
    }
    let data: Vec<(&str, &[usize], Vec<u8>)> = expected
        .tensors
        .iter()
        .map(|(name, shape)| (name.as_str(), shape.as_slice(), tensor(name, shape, kind == "gemma2")))
        .collect();
    for (shard, data) in data.chunks(data.len().div_ceil(shards)).enumerate() {
        let views =
            data.iter().map(|(name, shape, data)| (name, TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap()));
        let file = match shards {
            1 => "model.safetensors".to_owned(),
            _ => format!("model-{:05}-of-{shards:05}.safetensors", shard + 1),
        };
        safetensors::serialize_to_file(views, None, &directory.path().join(file)).unwrap();
    }
    directory
}

async fn load(directory: &Path) -> Result<MistralModel, ModelError> {
    let options = MistralOptions { device: DeviceChoice::Cpu, max_sequences: None };
    MistralModel::load(&ModelSource::resolve(directory.to_str().unwrap())?, &options, &|_| ()).await
}

fn request(turns: &[Turn]) -> GenerateRequest {
    let turns = turns.iter().map(|turn| Message { role: turn.role, content: turn.content.clone() }.into()).collect();
    let sampling = Sampling { temperature: 0.7, top_p: None, max_tokens: 400, seed: 7 };
    GenerateRequest::new(PromptInput::Chat(turns), sampling)
}

async fn scored(model: &MistralModel, turns: &[Turn]) -> Completion {
    model.generate(&request(turns), &|_| ()).await.unwrap()
}

/// One runtime for all: an engine's replies reach the runtime that asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_classifier_scores_as_transformers_does() {
    let expected: Expected = read("expected.json");
    assert_eq!(expected.models.len(), 4);
    for (kind, of_kind) in &expected.models {
        let directory = directory(kind, of_kind, if kind == "llama" { 2 } else { 1 });
        let model = load(directory.path()).await;
        if kind == "gemma2" && !cfg!(feature = "edited") {
            assert!(model.err().unwrap().to_string().contains("cargo xtask build"));
            continue;
        }
        let model = model.unwrap();
        assert_eq!(model.identity().backend, "mistral.rs-scalar");
        let cuts = u32::from(kind == "gemma2");
        let mut worst = 0f32;
        for (turns, expected) in expected.conversations.iter().zip(&of_kind.scores) {
            let Completion { text, finish, usage, .. } = scored(&model, turns).await;
            let score: f32 = text.parse().unwrap();
            worst = worst.max((score - expected.score).abs());
            assert!((score - expected.score).abs() < 1e-3, "{kind}: {score}, transformers {}", expected.score);
            // Gemma 2's turns end here with the token that fills up batches, and transformers scores before it.
            assert_eq!(usage, Usage { prompt_tokens: expected.tokens - cuts, completion_tokens: 0 }, "{kind}");
            assert_eq!(finish, FinishReason::Stop);
        }
        println!("{kind}: transformers' scores, the largest difference {worst:.1e}");
        scores_at_once_are_those_one_by_one(&model, &expected.conversations).await;
        what_a_score_cannot_satisfy_is_refused(&model, &expected.conversations[0]).await;
    }
}

async fn scores_at_once_are_those_one_by_one(model: &MistralModel, conversations: &[Vec<Turn>]) {
    let mut alone = Vec::new();
    for turns in conversations {
        alone.push(scored(model, turns).await.text);
    }
    // Several times, since the engine runs on by itself for a moment after each of them.
    for _ in 0..40 {
        let together = futures::future::join_all(conversations.iter().map(|turns| scored(model, turns))).await;
        assert_eq!(together.into_iter().map(|completion| completion.text).collect::<Vec<_>>(), alone);
    }
}

async fn what_a_score_cannot_satisfy_is_refused(model: &MistralModel, turns: &[Turn]) {
    let mut with_stop = request(turns);
    with_stop.stop = vec!["\n".into()];
    let error = model.generate(&with_stop, &|_| ()).await.unwrap_err().to_string();
    assert!(error.contains("a scalar model gives a number"), "{error}");
    let long = [Turn { role: Role::User, content: "x".repeat(600) }];
    let error = model.generate(&request(&long), &|_| ()).await.unwrap_err();
    assert!(matches!(error, ModelError::ContextLength { context: 512, .. }), "{error}");
}
