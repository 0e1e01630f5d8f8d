//! vLLM's score API: `POST /score` and `/v1/score`.
//!
//! One text against many is one task with many responses, so that a pack that compares responses sees them all. Each
//! pair is a task of its own. Every pair needs a score, so the request fails if one has none.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::ask::Ask;
use crate::asked::Asked;
use crate::config::Dialect;
use crate::conversation::question;
use crate::endpoint::{DialectEndpoint, ErrorForm, schema};
use crate::json::parse;
use crate::problem::{Problem, ProblemKind};
use crate::reply::{NO_MODEL, now, reply_id, usage};
use crate::request::{InputTexts, Url, check_activation};
use crate::settings::Dialects;

pub(super) const ENDPOINTS: &[DialectEndpoint] = &[DialectEndpoint {
    paths: &["/score", "/v1/score"],
    summary: "vLLM's score API",
    schema: schema::<Body>,
    read: score,
    errors: ErrorForm::Problem,
}];

/// The request: one of four pairs of fields.
#[derive(Deserialize, ToSchema)]
struct Body {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    queries: Option<InputTexts>,
    #[serde(default)]
    documents: Option<InputTexts>,
    #[serde(default)]
    items: Option<InputTexts>,
    #[serde(default)]
    data_1: Option<InputTexts>,
    #[serde(default)]
    data_2: Option<InputTexts>,
    #[serde(default)]
    text_1: Option<InputTexts>,
    #[serde(default)]
    text_2: Option<InputTexts>,
    /// Whether a sigmoid is wanted on top; a reward is no logit.
    #[serde(default)]
    use_activation: Option<bool>,
}

fn score(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let body: Body = parse(body)?;
    check_activation(body.use_activation)?;
    let model = body.model;
    let pairs = [
        ("documents", body.queries.clone(), body.documents),
        ("items", body.queries, body.items),
        ("data_2", body.data_1, body.data_2),
        ("text_2", body.text_1, body.text_2),
    ];
    let pair = pairs
        .into_iter()
        .find_map(|(name, first, second)| first.zip(second).map(|(first, second)| (name, first, second)));
    let Some((name, first, second)) = pair else {
        let detail = "expected queries and documents, queries and items, data_1 and data_2, or text_1 and text_2";
        return Err(Problem::at("", detail));
    };
    let base = dialects.ask(Dialect::Score, url, model.as_deref());
    let asks: Vec<(String, Ask)> = match (first.texts.as_slice(), second.texts.as_slice()) {
        (_, []) => return Err(Problem::at(format!("/{name}"), "expected at least one text, found none")),
        ([query], responses) => {
            let ask = Ask { messages: question(query.as_str()), responses: responses.to_vec(), ..base };
            vec![(second.pointer(name, 0), ask)]
        }
        (queries, responses) if queries.len() == responses.len() => {
            let pair = |(index, (query, response)): (usize, (&String, &String))| {
                let messages = question(query.as_str());
                (second.pointer(name, index), Ask { messages, responses: vec![response.clone()], ..base.clone() })
            };
            queries.iter().zip(responses).enumerate().map(pair).collect()
        }
        (queries, responses) => {
            let detail = format!("expected 1 or {} texts to pair with, found {}", queries.len(), responses.len());
            return Err(Problem::at(format!("/{name}"), detail));
        }
    };
    let shape: Vec<usize> = asks.iter().map(|(_, ask)| ask.responses.len()).collect();
    Ok(Asked::batch(asks, move |outcomes| {
        let mut data = Vec::with_capacity(second.texts.len());
        for (outcome, responses) in outcomes.iter().zip(shape) {
            for response in 0..responses {
                let index = data.len();
                let placed = |problem| Problem { pointer: Some(second.pointer(name, index)), ..problem };
                let score = outcome.score(response).map_err(|failure| placed(failure.problem))?;
                data.push(json!({ "index": index, "object": "score", "score": score }));
            }
        }
        if data.len() != second.texts.len() {
            return Err(Problem::new(ProblemKind::Internal, "an answer is missing"));
        }
        let model = model.unwrap_or_else(|| NO_MODEL.to_owned());
        Ok(
            json!({ "id": reply_id("score"), "object": "list", "created": now(), "model": model, "data": data, "usage": usage() }),
        )
    }))
}
