//! The dialects over HTTP: what the routes add to what `rewarden-dialects` reads and writes.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::{Extension, Router};
use rewarden_dialects::{Answer, Ask, BatchRefused, DialectConfig, PackLabel, Problem, ProblemKind, endpoints};
use rewarden_server::{Caller, Rewards, dialect_routes};
use serde_json::{Map, Value, json};
use tower::ServiceExt;

/// Pays 1 for each response but those that are `full`, for which there is no room.
#[derive(Default)]
struct One {
    batches: Mutex<Vec<(Vec<Ask>, Caller)>>,
}

#[async_trait]
impl Rewards for One {
    async fn rewards(&self, asks: Vec<Ask>, caller: &Caller) -> Result<Vec<Result<Answer, Problem>>, BatchRefused> {
        self.batches.lock().unwrap().push((asks.clone(), caller.clone()));
        if asks.iter().any(|ask| ask.responses == ["full"]) {
            let problem =
                Problem { retry_after: Some(3), ..Problem::new(ProblemKind::Overloaded, "the queue is full") };
            return Err(BatchRefused { task: None, problem });
        }
        let answer = |ask: Ask| Answer {
            id: "task".into(),
            scores: vec![Some(1.0); ask.responses.len()],
            best: None,
            tied: Vec::new(),
            k: 1,
            valid: 1,
            failures: BTreeMap::new(),
            used: vec![0],
            abstained: BTreeMap::new(),
            criteria: Vec::new(),
            confidence: None,
            sampled: Vec::new(),
            scale: (0.0, 1.0),
            details: Map::new(),
            error: None,
            pack: PackLabel { name: "one".to_owned(), version: "1".to_owned(), digest: "d".to_owned() },
        };
        Ok(asks.into_iter().map(|ask| Ok(answer(ask))).collect())
    }
}

struct Reply {
    status: u16,
    headers: BTreeMap<String, String>,
    json: Value,
}

fn routes(rewards: &Arc<One>) -> Router {
    let caller = Caller { key: Some("trainer".to_owned()), request: "r1".to_owned() };
    dialect_routes(rewards.clone(), DialectConfig::default()).unwrap().layer(Extension(caller))
}

async fn send(routes: &Router, request: Request<Body>) -> Reply {
    let response = routes.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
    };
    let headers = response.headers().iter().map(header).collect();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Reply { status, headers, json: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

async fn post(routes: &Router, path: &str, body: &Value) -> Reply {
    let request = Request::post(path).header("content-type", "application/json");
    send(routes, request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_request_of_several_tasks_is_one_batch_of_its_caller_and_the_reply_names_the_version() {
    let one = Arc::new(One::default());
    let body = json!({ "query": ["a1", "b2", "c3"], "prompts": ["a", "b", "c"] });
    let reply = post(&routes(&one), "/get_reward?pack=p", &body).await;
    assert_eq!((reply.status, &reply.json["rewards"]), (200, &json!([1.0, 1.0, 1.0])));
    assert_eq!(reply.headers["x-rewarden-pack"], "one@1;d");
    assert_eq!(reply.headers["content-type"], "application/json");
    let batches = one.batches.lock().unwrap();
    let [(asks, caller)] = batches.as_slice() else { panic!("{} batches", batches.len()) };
    assert_eq!((asks.len(), asks[2].pack.as_deref()), (3, Some("p")));
    assert_eq!((caller.key.as_deref(), caller.request.as_str()), (Some("trainer"), "r1"));
}

#[tokio::test]
async fn a_refused_batch_is_a_problem_document_that_says_when_to_come_again() {
    let one = Arc::new(One::default());
    let body = json!({ "text_1": ["a", "b"], "text_2": ["x", "full"] });
    let reply = post(&routes(&one), "/score", &body).await;
    assert_eq!((reply.status, &reply.json["type"]), (429, &json!("/problems/overloaded")));
    assert_eq!(reply.headers["content-type"], "application/problem+json");
    assert_eq!(reply.headers["retry-after"], "3");
    assert!(!reply.headers.contains_key("x-rewarden-pack"));
}

#[tokio::test]
async fn a_request_without_tasks_asks_for_nothing() {
    let one = Arc::new(One::default());
    let reply = post(&routes(&one), "/get_reward", &json!({ "query": [] })).await;
    assert_eq!((reply.status, &reply.json["rewards"]), (200, &json!([])));
    assert!(one.batches.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_endpoint_is_routed_and_takes_json_by_post_alone() {
    let routes = routes(&Arc::new(One::default()));
    for path in endpoints().flat_map(|endpoint| endpoint.paths) {
        let reply = post(&routes, path, &json!("text")).await;
        assert_eq!((reply.status, &reply.json["type"]), (400, &json!("/problems/invalid-request")), "{path}");
        let plain = Request::post(*path).header("content-type", "text/plain").body(Body::from("{}")).unwrap();
        let reply = send(&routes, plain).await;
        assert_eq!(reply.json["type"], "/problems/unsupported-media-type", "{path}");
        let get = send(&routes, Request::get(*path).body(Body::empty()).unwrap()).await;
        assert_eq!(get.status, 405, "{path}");
    }
}
