//! OpenRLHF's remote reward model: `POST /get_reward`.
//!
//! The body holds lists of queries (prompt and response as decoded, with special tokens), prompts and labels. The
//! response is what follows the prompt. Several URLs are asked in turn as of 0.11; earlier versions sent empty lists to all but the
//! first, which are answered with empty lists. `extra_logs` holds numbers only, since they go into a tensor. A sample without a score fails
//! the request: OpenRLHF tries five times and goes on with reward None.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::ask::{Ask, Turn};
use crate::asked::Asked;
use crate::config::Dialect;
use crate::conversation::{question, references};
use crate::endpoint::{DialectEndpoint, ErrorForm, schema};
use crate::json::parse;
use crate::problem::{Problem, ProblemKind};
use crate::request::Url;
use crate::settings::Dialects;
use crate::special_tokens::response;
use crate::untemplate::ChatFormat;

pub(super) const ENDPOINTS: &[DialectEndpoint] = &[DialectEndpoint {
    paths: &["/get_reward"],
    summary: "OpenRLHF's remote reward model",
    schema: schema::<Body>,
    read: get_reward,
    errors: ErrorForm::Problem,
}];

#[derive(Deserialize, ToSchema)]
struct Body {
    query: Vec<String>,
    #[serde(default)]
    prompts: Vec<String>,
    #[serde(default)]
    labels: Vec<Value>,
}

#[derive(Default, Serialize)]
struct ExtraLogs {
    rewarden_samples: Vec<usize>,
    rewarden_valid: Vec<usize>,
    rewarden_tied: Vec<u8>,
}

fn get_reward(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let body: Body = parse(body)?;
    let same_length = |name: &str, length: usize| {
        if length == 0 || length == body.query.len() {
            return Ok(());
        }
        let detail = format!("expected as many as in `query`, {}, or none, found {length}", body.query.len());
        Err(Problem::at(format!("/{name}"), detail))
    };
    same_length("prompts", body.prompts.len())?;
    same_length("labels", body.labels.len())?;
    let format = dialects.format(Dialect::Openrlhf, url, None)?;
    let pointer = |index: usize| format!("/query/{index}");
    let mut asks = Vec::with_capacity(body.query.len());
    for (index, query) in body.query.iter().enumerate() {
        let (messages, response) = taken_apart(query, body.prompts.get(index), index, format)?;
        let ask = Ask {
            messages,
            responses: vec![response],
            references: references(body.labels.get(index), &format!("/labels/{index}"))?,
            ..dialects.ask(Dialect::Openrlhf, url, None)
        };
        asks.push((pointer(index), ask));
    }
    Ok(Asked::batch(asks, move |outcomes| {
        let (mut rewards, mut extra_logs) = (Vec::with_capacity(outcomes.len()), ExtraLogs::default());
        for (index, outcome) in outcomes.iter().enumerate() {
            let placed = |problem| Problem { pointer: Some(pointer(index)), ..problem };
            rewards.push(outcome.score(0).map_err(|failure| placed(failure.problem))?);
            let (samples, valid) = outcome.samples();
            extra_logs.rewarden_samples.push(samples);
            extra_logs.rewarden_valid.push(valid);
            extra_logs.rewarden_tied.push(u8::from(outcome.tied(0)));
        }
        // `scores` drive dynamic filtering: the rewards again.
        Ok(json!({ "rewards": rewards, "scores": rewards, "extra_logs": extra_logs }))
    }))
}

fn taken_apart(
    query: &str,
    prompt: Option<&String>,
    index: usize,
    format: Option<&ChatFormat>,
) -> Result<(Vec<Turn>, String), Problem> {
    let refused = |pointer: String, detail: String| Problem {
        pointer: Some(pointer),
        ..Problem::new(ProblemKind::Untemplatable, detail)
    };
    let Some(prompt) = prompt else {
        let format = format.ok_or_else(|| {
            let detail = "without `prompts` and without a chat format, nothing tells the response from the prompt; send `prompts`";
            Problem::at("/prompts", detail)
        })?;
        let exchange =
            format.untemplate(query).map_err(|error| refused(format!("/query/{index}"), error.to_string()))?;
        return Ok((exchange.messages, exchange.response));
    };
    let response = response(prompt, query, format).map_err(|offset| {
        let detail = format!("the query does not begin with its prompt: they differ at byte {offset}");
        refused(format!("/query/{index}"), detail)
    })?;
    let messages = match format {
        Some(format) => {
            format.untemplate_prompt(prompt).map_err(|error| refused(format!("/prompts/{index}"), error.to_string()))?
        }
        None => question(prompt.as_str()),
    };
    Ok((messages, response.to_owned()))
}
