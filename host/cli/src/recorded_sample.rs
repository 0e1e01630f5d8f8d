//! A completion that something else recorded, as JSON.

use rewarden_inference::thinking::{self, Start};
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

    /// Sets a thinking block at the beginning of the text apart from the answer, with its tokens, as where a text is sampled: what
    /// a judge only thought is no verdict.
    fn set_thinking_apart(&mut self) {
        if self.thinking.as_deref().is_some_and(|thinking| !thinking.trim().is_empty()) {
            return;
        }
        let split = thinking::split(&self.text, Start::Unknown);
        if split.answer_start == 0 {
            return;
        }
        let mut passed = 0;
        let of_thinking = self.tokens.iter().position(|token| {
            let begins = passed >= split.answer_start;
            passed += token.text.len();
            begins
        });
        self.tokens.drain(..of_thinking.unwrap_or(self.tokens.len()));
        let (thinking, answer) = (split.thinking.map(str::to_owned), split.answer.to_owned());
        (self.thinking, self.text) = (thinking, answer);
    }

    /// The sample as a run keeps it, unread.
    pub(crate) fn record(mut self, id: u32, responses: usize, temperature: f64) -> Result<SampleRecord, String> {
        self.set_thinking_apart();
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completion(sample: Value) -> Completion {
        RecordedSample::parse(sample).unwrap().record(0, 2, 0.0).unwrap().completion.unwrap()
    }

    #[test]
    fn a_thinking_block_is_no_part_of_the_answer_and_takes_its_tokens_along() {
        let tokens: Vec<Value> = ["<think>", "9", "</think>", "\n", "8", ", 5"]
            .map(|text| json!({ "text": text, "logprob": -0.5, "alternatives": [] }))
            .to_vec();
        let closed = completion(json!({ "text": "<think>9</think>\n8, 5", "tokens": tokens }));
        assert_eq!((closed.thinking.as_deref(), closed.text.as_str()), (Some("9"), "8, 5"));
        assert_eq!(closed.tokens.iter().map(|token| token.text.as_str()).collect::<String>(), "8, 5");
        let cut = completion(json!({ "text": "<think>At first \\boxed{3, 9}", "finish": "length" }));
        assert_eq!((cut.thinking.as_deref(), cut.text.as_str()), (Some("At first \\boxed{3, 9}"), ""));
        let apart = completion(json!({ "text": "8 <think> 5", "thinking": "hm" }));
        assert_eq!((apart.thinking.as_deref(), apart.text.as_str()), (Some("hm"), "8 <think> 5"));
    }
}
