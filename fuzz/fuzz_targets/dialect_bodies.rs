//! Whatever is posted to whichever dialect is answered or refused; never a fault, and never at length.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rewarden_dialects::{Answer, Ask, DialectConfig, Dialects, PackLabel, endpoints};
use rewarden_fuzz::{Choices, damaged};

/// Routes, and a body that each takes.
const BODIES: [(&str, &str); 11] = [
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
    (
        "/v1/systemone",
        r#"{"state": "s", "questions": {"a": {"type": "noul", "instructions": "i"}, "b": {"type": "choice", "criteria": {"x": null, "y": "z"}}, "c": {"type": "score", "criteria": ["low", "high"]}}}"#,
    ),
    ("/v1/rerank", r#"{"model": "m", "query": "q", "documents": ["4"]}"#),
];

/// Scores everything with 1.
fn answer(ask: &Ask) -> Answer {
    Answer {
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
        confidence: Some(0.5),
        sampled: vec![vec![Some(1.0); ask.responses.len()]],
        scale: (0.0, 1.0),
        details: serde_json::Map::new(),
        error: None,
        pack: PackLabel { name: "fuzz".to_owned(), version: "1".to_owned(), digest: "d".to_owned() },
    }
}

static DIALECTS: LazyLock<Dialects> = LazyLock::new(|| Dialects::new(DialectConfig::default()).expect("dialects"));

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let (route, base) = BODIES[usize::from(choices.byte()) % BODIES.len()];
    let body = match choices.byte() % 4 {
        0 => choices.0.to_vec(),
        _ => damaged(base.as_bytes(), choices),
    };
    let endpoint = endpoints().find(|endpoint| endpoint.paths.contains(&route)).expect("an endpoint");
    let reply = endpoint.read(&DIALECTS, "", &body).and_then(|asked| {
        let answers = asked.asks.iter().map(|ask| Ok(answer(ask))).collect();
        asked.reply.write(Ok(answers)).body
    });
    let reply = reply.unwrap_or_else(|problem| {
        assert!(problem.kind.status() < 500, "{route}: {problem:?}");
        problem.document()
    });
    let length = reply.to_string().len();
    assert!(length < 64 * 1024 + 8 * body.len(), "{route}: {length} bytes for {}", body.len());
});
