//! A reward model as verl deploys one: vLLM's `POST /classify`, SGLang's `POST /v1/embeddings`.
//!
//! verl templates the conversation with the reward model's chat template and reads one number. So the text is first taken
//! apart by that model's chat format. Without a score the request fails: verl tries a 5xx up to 16 times, and stops at a
//! 4xx.

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::ask::Ask;
use crate::asked::Asked;
use crate::config::Dialect;
use crate::endpoint::{DialectEndpoint, ErrorForm, schema};
use crate::json::parse;
use crate::outcome::AskOutcome;
use crate::problem::Problem;
use crate::reply::{NO_MODEL, now, reply_id, usage};
use crate::request::{InputTexts, Url, check_activation};
use crate::settings::Dialects;

pub(super) const ENDPOINTS: &[DialectEndpoint] = &[
    DialectEndpoint {
        paths: &["/classify", "/v1/classify"],
        summary: "verl's reward model, as vLLM serves one",
        schema: schema::<Body>,
        read: classify,
        errors: ErrorForm::Problem,
    },
    DialectEndpoint {
        paths: &["/v1/embeddings"],
        summary: "verl's reward model, as SGLang serves one",
        schema: schema::<Body>,
        read: embeddings,
        errors: ErrorForm::Problem,
    },
];

#[derive(Deserialize, ToSchema)]
struct Body {
    #[serde(default)]
    model: Option<String>,
    input: InputTexts,
    /// Whether a sigmoid or softmax is wanted on top; a reward is no logit.
    #[serde(default)]
    use_activation: Option<bool>,
}

fn classify(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let body: Body = parse(body)?;
    check_activation(body.use_activation)?;
    scored(dialects, url, body, |model, scores| {
        let row = |(index, score): (usize, &f64)| json!({ "index": index, "label": "reward", "probs": [score], "num_classes": 1 });
        let data: Vec<Value> = scores.iter().enumerate().map(row).collect();
        json!({ "id": reply_id("classify"), "object": "list", "created": now(), "model": model, "data": data, "usage": usage() })
    })
}

fn embeddings(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    scored(dialects, url, parse(body)?, |model, scores| {
        let row =
            |(index, score): (usize, &f64)| json!({ "object": "embedding", "index": index, "embedding": [score] });
        let data: Vec<Value> = scores.iter().enumerate().map(row).collect();
        json!({ "object": "list", "model": model, "data": data, "usage": usage() })
    })
}

/// Takes the texts apart. Each must have a score; `reply` gets the model's name and all scores.
fn scored(dialects: &Dialects, url: &Url, body: Body, reply: fn(&str, &[f64]) -> Value) -> Result<Asked, Problem> {
    let Body { model, input, .. } = body;
    let format = dialects.needed_format(Dialect::Classify, url, model.as_deref())?;
    if input.texts.is_empty() {
        return Err(Problem::at("/input", "expected at least one text, found none"));
    }
    let mut asks = Vec::with_capacity(input.texts.len());
    for (index, text) in input.texts.iter().enumerate() {
        let pointer = input.pointer("input", index);
        let exchange = format
            .untemplate(text)
            .map_err(|error| Problem { pointer: Some(pointer.clone()), ..Problem::from(error) })?;
        let ask = Ask {
            messages: exchange.messages,
            responses: vec![exchange.response],
            ..dialects.ask(Dialect::Classify, url, model.as_deref())
        };
        asks.push((pointer, ask));
    }
    let score = move |(index, outcome): (usize, &AskOutcome)| {
        let placed = |problem| Problem { pointer: Some(input.pointer("input", index)), ..problem };
        outcome.score(0).map_err(|failure| placed(failure.problem))
    };
    Ok(Asked::batch(asks, move |outcomes| {
        let scores: Vec<f64> = outcomes.iter().enumerate().map(score).collect::<Result<_, _>>()?;
        Ok(reply(model.as_deref().unwrap_or(NO_MODEL), &scores))
    }))
}
