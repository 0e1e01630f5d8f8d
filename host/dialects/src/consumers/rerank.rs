//! Jina's and Cohere's rerank API, as vLLM speaks it: `POST /rerank`, `/v1/rerank` and `/v2/rerank`.
//!
//! The documents are the responses of one task. The reply lists them best first, ties in the order of the request. A
//! document without a score is left out of the results and named in `rewarden.unscored`. If no document has a score,
//! the request fails.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::ask::Ask;
use crate::asked::Asked;
use crate::config::Dialect;
use crate::conversation::{content, question};
use crate::endpoint::{DialectEndpoint, ErrorForm, schema};
use crate::json::parse;
use crate::problem::Problem;
use crate::reply::{NO_MODEL, reply_id, usage};
use crate::request::Url;
use crate::settings::Dialects;

pub(super) const ENDPOINTS: &[DialectEndpoint] = &[
    DialectEndpoint {
        paths: &["/rerank", "/v1/rerank"],
        summary: "Jina's and Cohere's rerank API",
        schema: schema::<Body>,
        read: |dialects, url, body| ranked(dialects, url, body, true),
        errors: ErrorForm::Problem,
    },
    DialectEndpoint {
        paths: &["/v2/rerank"],
        summary: "Jina's and Cohere's rerank API",
        schema: schema::<Body>,
        read: |dialects, url, body| ranked(dialects, url, body, false),
        errors: ErrorForm::Problem,
    },
];

#[derive(Deserialize, ToSchema)]
struct Body {
    #[serde(default)]
    model: Option<String>,
    query: Value,
    documents: Vec<Value>,
    /// The most results; 0 or nothing for all.
    #[serde(default)]
    top_n: Option<usize>,
    #[serde(default)]
    return_documents: Option<bool>,
}

/// `with_documents` decides whether results hold their documents if the request does not.
fn ranked(dialects: &Dialects, url: &Url, body: &[u8], with_documents: bool) -> Result<Asked, Problem> {
    let body: Body = parse(body)?;
    if body.documents.is_empty() {
        return Err(Problem::at("/documents", "expected at least one document, found none"));
    }
    let texts = body.documents.iter().enumerate();
    let documents: Result<Vec<String>, Problem> =
        texts.map(|(index, document)| content(document, &format!("/documents/{index}"))).collect();
    let documents = documents?;
    let ask = Ask {
        messages: question(content(&body.query, "/query")?),
        responses: documents.clone(),
        ..dialects.ask(Dialect::Rerank, url, body.model.as_deref())
    };
    Ok(Asked::one(ask, move |outcome| {
        let mut scored = Vec::with_capacity(documents.len());
        let mut unscored = Map::new();
        for (index, document) in documents.iter().enumerate() {
            match outcome.score(index) {
                Ok(score) => scored.push((index, score, document)),
                // None of the other documents will have a score either.
                Err(failure) if failure.is_the_requests() || failure.is_the_servers() => return Err(failure.problem),
                Err(failure) if unscored.len() + 1 == documents.len() => return Err(failure.problem),
                Err(failure) => {
                    unscored.insert(index.to_string(), failure.problem.detail.into());
                }
            }
        }
        scored.sort_by(|(_, a, _), (_, b, _)| b.partial_cmp(a).unwrap_or(Ordering::Equal));
        scored.truncate(body.top_n.filter(|most| *most > 0).unwrap_or(documents.len()));
        let with_documents = body.return_documents.unwrap_or(with_documents);
        let result = |(index, score, document): &(usize, f64, &String)| {
            if with_documents {
                json!({ "index": index, "document": { "text": document }, "relevance_score": score })
            } else {
                json!({ "index": index, "relevance_score": score })
            }
        };
        let results: Vec<Value> = scored.iter().map(result).collect();
        let model = body.model.unwrap_or_else(|| NO_MODEL.to_owned());
        Ok(json!({
            "id": reply_id("rerank"), "model": model, "usage": usage(), "results": results,
            "rewarden": { "pack": outcome.pack(), "unscored": unscored },
        }))
    }))
}
