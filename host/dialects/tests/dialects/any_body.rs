//! Whatever is posted to whichever route, the answer is a 200 or a problem document, and never a 500.

use proptest::prelude::*;
use rewarden_dialects::{
    ChatFormatError, Dialect, DialectConfig, DialectConfigError, Dialects, ProblemKind, document, endpoints,
};
use serde_json::{Map, Value, json};

use crate::server::{Server, chatml};

fn routes() -> Vec<&'static str> {
    endpoints().flat_map(|endpoint| endpoint.paths).copied().collect()
}

/// Field names that some dialect reads.
const FIELDS: [&str; 24] = [
    "query",
    "prompts",
    "labels",
    "prompt",
    "response",
    "label",
    "samples",
    "solution_str",
    "extra_info",
    "question",
    "model",
    "input",
    "messages",
    "responses_create_params",
    "output",
    "conversation_history",
    "response_objs",
    "grader",
    "type",
    "item",
    "model_sample",
    "text_1",
    "text_2",
    "documents",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(&["", "user", "1.5", "abstain", "score_model", "<|im_start|>user\n", "\u{e9}"][..])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&FIELDS[..]), inner), 0..6).prop_map(|fields| Value::Object(
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_json_is_answered_or_refused(route in prop::sample::select(routes()), body in value()) {
        let reply = Server::new().post(route, body);
        if reply.status != 200 {
            prop_assert!(reply.json["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{reply:?}");
            prop_assert!(reply.status != 500, "{reply:?}");
        }
    }
}

#[test]
fn what_is_not_json_is_refused_by_every_route() {
    let server = Server::new();
    for route in routes() {
        let reply = server.post_text(route, "{\"query\": [");
        assert_eq!((reply.status, &reply.json["type"]), (400, &json!("/problems/invalid-request")), "{route}");
        let reply = server.post(route, json!("text"));
        assert_eq!(reply.status, 400, "{route}: {}", reply.json);
    }
}

#[test]
fn the_document_describes_every_route_and_no_other() {
    let document = document();
    let mut described: Vec<&str> = document.paths.paths.keys().map(String::as_str).collect();
    let mut routes = routes();
    described.sort_unstable();
    routes.sort_unstable();
    assert!(routes.len() >= 17, "{routes:?}");
    assert_eq!(described, routes);
    let json = serde_json::to_value(&document).unwrap();
    let body = &json["paths"]["/get_reward"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!((&body["required"], &body["properties"]["query"]["type"]), (&json!(["query"]), &json!("array")));
    // What refers to a schema of its own has to find it, but for the problem document, which is the native API's.
    let text = json.to_string();
    for reference in text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(
            reference == "ProblemDocument" || json["components"]["schemas"].get(reference).is_some(),
            "{reference}"
        );
    }
}

#[test]
fn the_url_chooses_pack_and_chat_format_for_trainers_that_only_know_a_url() {
    let mut config = DialectConfig::default();
    config.packs.insert(Dialect::Slime, "from-config".to_owned());
    config.chat_formats.insert("qwen".to_owned(), chatml());
    let server = Server::with(config);
    let body = json!({ "prompt": "p", "response": "1", "label": null });
    server.good("/slime", body.clone());
    server.good("/slime?pack=from-url", body.clone());
    let packs: Vec<Option<String>> = server.asked().into_iter().map(|ask| ask.pack).collect();
    assert_eq!(packs, [Some("from-config".to_owned()), Some("from-url".to_owned())]);
    server.problem("/slime?chat_format=qwen", body.clone(), ProblemKind::Untemplatable);
    server.problem("/slime?chat_format=llama", body.clone(), ProblemKind::InvalidRequest);
    server.problem("/slime?pak=x", body, ProblemKind::InvalidRequest);
}

#[test]
fn a_chat_format_that_is_named_but_not_configured_stops_the_server_from_starting() {
    let mut config = DialectConfig::default();
    config.chat_format.insert(Dialect::LlamaFactory, "qwen".to_owned());
    let error = Dialects::new(config).unwrap_err();
    assert!(matches!(error, ChatFormatError::Unknown { .. }));
    assert_eq!(
        error.to_string(),
        "the dialect llama-factory names the chat format \"qwen\", which is not configured; there are: "
    );
}

#[test]
fn a_file_configures_every_setting_with_paths_relative_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dialects.toml");
    // The example of docs/dialects.md.
    let documented = include_str!("../../../../docs/dialects.md");
    let toml = documented.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    std::fs::write(&path, toml).unwrap();
    let config = DialectConfig::read(&path).unwrap();
    assert_eq!(config.packs[&Dialect::Openrlhf], "spct-vote");
    let format = &config.chat_formats["judges/qwen-rm"];
    assert_eq!(
        format.tokenizer_config.as_deref(),
        Some(directory.path().join("qwen-rm/tokenizer_config.json").as_path())
    );
    assert_eq!(
        config,
        DialectConfig {
            packs: config.packs.clone(),
            models: config.models.clone(),
            chat_formats: config.chat_formats.clone(),
            chat_format: config.chat_format.clone(),
            ..DialectConfig::default()
        }
    );
    std::fs::write(&path, "[pack]").unwrap();
    let error = DialectConfig::read(&path).unwrap_err();
    assert!(matches!(error, DialectConfigError::Invalid { .. }) && error.to_string().contains("pack"), "{error}");
}
