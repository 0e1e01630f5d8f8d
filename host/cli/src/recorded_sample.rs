//! A completion that something else recorded, as JSON.

use rewarden_record::{MetaRecord, SampleRecord};
use rewarden_types::{Completion, Failure, FailureKind, FinishReason, Outcome, Rating, Token, Usage};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Fields that a sample is made of.
pub(crate) const SAMPLE_FIELDS: [&str; 12] = [
    "text",
    "completion",
    "order",
    "thinking",
    "finish",
    "finish_reason",
    "temperature",
    "seed",
    "seconds",
    "usage",
    "tokens",
    "rating",
];

/// The largest seed that a run can keep: SQLite and Parquet have signed integers.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// See `rewarden import --help`.
#[derive(Debug, Deserialize)]
pub(crate) struct RecordedSample {
    #[serde(alias = "completion")]
    text: String,
    order: Option<Vec<u32>>,
    thinking: Option<String>,
    #[serde(alias = "finish_reason")]
    finish: Option<String>,
    temperature: Option<f64>,
    seed: Option<u64>,
    seconds: Option<f64>,
    usage: Option<Usage>,
    #[serde(default)]
    tokens: Vec<Token>,
    rating: Option<f64>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl RecordedSample {
    /// Reads one; the error says which field is wrong.
    pub(crate) fn parse(value: Value) -> Result<Self, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    /// The sample as a run keeps it, unread.
    pub(crate) fn record(mut self, id: u32, responses: usize, temperature: f64) -> Result<SampleRecord, String> {
        let all = || (0..u32::try_from(responses).unwrap_or(u32::MAX)).collect();
        let order = self.order.take().unwrap_or_else(all);
        let mut seen = vec![false; responses];
        for &index in &order {
            match seen.get_mut(index as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => {
                    return Err(format!(
                        "field `order`: expected indices of {responses} responses, each at most once, found {order:?}"
                    ));
                }
            }
        }
        if order.is_empty() {
            return Err("field `order`: expected at least one response to be shown".to_owned());
        }
        let temperature = self.temperature.unwrap_or(temperature);
        if !temperature.is_finite() || temperature < 0.0 {
            return Err(format!("field `temperature`: expected a number of at least 0, found {temperature}"));
        }
        if let Some(seconds) = self.seconds.filter(|seconds| *seconds < 0.0) {
            return Err(format!("field `seconds`: expected a number of at least 0, found {seconds}"));
        }
        let seed = self.seed.unwrap_or(0);
        if seed > LARGEST_SEED {
            return Err(format!(
                "field `seed`: expected a whole number from 0 to {LARGEST_SEED}, which is the most that a run can keep, \
                 found {seed}; leave it out, or write it into a field of another name"
            ));
        }
        let finish = match self.finish.as_deref() {
            Some("length" | "max_tokens") => FinishReason::Length,
            None | Some("" | "stop" | "eos" | "end_turn") => FinishReason::Stop,
            Some(other) => {
                self.extra.insert("finish".to_owned(), Value::String(other.to_owned()));
                FinishReason::Stop
            }
        };
        Ok(SampleRecord {
            id,
            round: 0,
            order,
            judge: None,
            asked: Vec::new(),
            built_on: Vec::new(),
            temperature,
            seed,
            prompt: None,
            completion: Some(Completion {
                text: self.text,
                thinking: self.thinking,
                finish,
                usage: self.usage.unwrap_or_default(),
                answer_logprob: Completion::mean_logprob(&self.tokens),
                thinking_logprob: None,
                tokens: self.tokens,
            }),
            seconds: self.seconds,
            judgement: None,
            outcome: Outcome::Failed(Failure {
                kind: FailureKind::Refused,
                message: "imported; no parser has read it yet (rewarden replay)".to_owned(),
            }),
            meta: self.rating.filter(|rating| rating.is_finite()).map(|rating| MetaRecord {
                rating: Rating::Rated(rating),
                prompt: None,
                completion: None,
                seconds: None,
            }),
            extra: self.extra,
        })
    }
}
