//! Whatever is posted to whichever dialect is answered or refused; never a fault, and never at length.
#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use rewarden_fuzz::{Choices, damaged};
use rewarden_server::{Answer, Ask, Caller, DialectConfig, PackLabel, Problem, Rewards, dialect_routes};
use tower::ServiceExt;

/// Routes, and a body that each takes.
const BODIES: [(&str, &str); 10] = [
    ("/get_reward", r#"{"query": ["q"], "prompts": ["q"], "labels": ["4"]}"#),
    ("/slime", r#"{"prompt": "q", "response": "4", "label": "4"}"#),
    ("/slime/group", r#"[{"prompt": "q", "response": "4", "label": "4", "metadata": {}}]"#),
    (
        "/verl/compute_score",
        r#"{"data_source": "d", "solution_str": "4", "ground_truth": "4", "extra_info": {"question": "q"}}"#,
    ),
    ("/classify", r#"{"model": "m", "input": ["q"]}"#),
    (
        "/verify",
        r#"{"responses_create_params": {"input": "q"}, "response": {"output": [{"type": "message", "content": "4"}]}}"#,
    ),
    ("/compare", r#"{"conversation_history": [], "response_objs": []}"#),
    ("/v1/fine_tuning/alpha/graders/run", r#"{"grader": {"type": "score_model"}, "item": {}, "model_sample": "4"}"#),
    ("/v1/score", r#"{"model": "m", "text_1": "q", "text_2": ["4"]}"#),
    ("/v1/rerank", r#"{"model": "m", "query": "q", "documents": ["4"]}"#),
];

/// Scores everything with 1.
struct One;

#[async_trait]
impl Rewards for One {
    async fn reward(&self, ask: Ask, _: &Caller) -> Result<Answer, Problem> {
        Ok(Answer {
            id: "task".to_owned(),
            scores: vec![Some(1.0); ask.responses.len()],
            best: None,
            tied: Vec::new(),
            k: 1,
            valid: 1,
            failures: BTreeMap::new(),
            used: vec![0],
            abstained: BTreeMap::new(),
            details: serde_json::Map::new(),
            error: None,
            pack: PackLabel { name: "fuzz".to_owned(), version: "1".to_owned(), digest: "d".to_owned() },
        })
    }
}

static ROUTER: LazyLock<Router> =
    LazyLock::new(|| dialect_routes(Arc::new(One), DialectConfig::default()).expect("routes"));

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let (route, base) = BODIES[usize::from(choices.byte()) % BODIES.len()];
    let body = match choices.byte() % 4 {
        0 => choices.0.to_vec(),
        _ => damaged(base.as_bytes(), choices),
    };
    let length = body.len();
    let request = Request::post(route).header("content-type", "application/json").body(Body::from(body));
    RUNTIME.block_on(async {
        let response = ROUTER.clone().oneshot(request.expect("a request")).await.expect("a response");
        let status = response.status().as_u16();
        assert!(status < 500, "{route}: {status}");
        let answer = to_bytes(response.into_body(), 64 << 20).await.expect("a body");
        assert!(answer.len() < 64 * 1024 + 8 * length, "{route}: {} bytes for {length}", answer.len());
    });
});
