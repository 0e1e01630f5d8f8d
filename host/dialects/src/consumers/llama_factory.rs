//! LLaMA-Factory's reward API: `POST /v1/score/evaluation`.
//!
//! PPO with `reward_model_type: api` posts decoded texts, special tokens kept, and reads `scores` without looking at the
//! status. So if a text has no score, the reply has no `scores`: training stops there instead of learning from a made-up
//! number.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::ask::Ask;
use crate::asked::Asked;
use crate::config::Dialect;
use crate::endpoint::{DialectEndpoint, ErrorForm, schema};
use crate::json::parse;
use crate::problem::Problem;
use crate::reply::{NO_MODEL, reply_id};
use crate::request::Url;
use crate::settings::Dialects;

pub(super) const ENDPOINTS: &[DialectEndpoint] = &[DialectEndpoint {
    paths: &["/v1/score/evaluation"],
    summary: "LLaMA-Factory's reward API",
    schema: schema::<Body>,
    read: evaluation,
    errors: ErrorForm::Problem,
}];

/// The request. `max_length`, a limit in tokens, means nothing here and is not read.
#[derive(Deserialize, ToSchema)]
struct Body {
    #[serde(default)]
    model: Option<String>,
    messages: Vec<String>,
}

fn evaluation(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let Body { model, messages } = parse(body)?;
    if messages.is_empty() {
        return Err(Problem::at("/messages", "expected at least one text, found none"));
    }
    let format = dialects.needed_format(Dialect::LlamaFactory, url, model.as_deref())?;
    let pointer = |index: usize| format!("/messages/{index}");
    let mut asks = Vec::with_capacity(messages.len());
    for (index, text) in messages.iter().enumerate() {
        let exchange = format
            .untemplate(text)
            .map_err(|error| Problem { pointer: Some(pointer(index)), ..Problem::from(error) })?;
        let ask = Ask {
            messages: exchange.messages,
            responses: vec![exchange.response],
            ..dialects.ask(Dialect::LlamaFactory, url, model.as_deref())
        };
        asks.push((pointer(index), ask));
    }
    Ok(Asked::batch(asks, move |outcomes| {
        let mut scores = Vec::with_capacity(outcomes.len());
        for (index, outcome) in outcomes.iter().enumerate() {
            let placed = |problem| Problem { pointer: Some(pointer(index)), ..problem };
            scores.push(outcome.score(0).map_err(|failure| placed(failure.problem))?);
        }
        let model = model.unwrap_or_else(|| NO_MODEL.to_owned());
        Ok(json!({ "id": reply_id("scoreval"), "object": "score.evaluation", "model": model, "scores": scores }))
    }))
}
