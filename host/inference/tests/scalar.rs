//! The scalar backend against servers that behave well, badly, and not at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::{Duration, Instant};

use rewarden_inference::ServerTerms;
use rewarden_inference::scalar::{ScalarInput, ScalarModel, ScalarOptions, ScalarRoute};
use rewarden_types::{
    Completion, Constraint, FinishReason, GenerateRequest, Message, Model, ModelError, PromptInput, Role, Sampling,
    Usage,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn request() -> GenerateRequest {
    GenerateRequest {
        input: PromptInput::Chat(vec![
            Message { role: Role::User, content: "Score this.".into() }.into(),
            Message { role: Role::Assistant, content: "The second is better: \\boxed{4, 8}".into() }.into(),
        ]),
        prefill: None,
        fields: serde_json::Map::new(),
        sampling: Sampling { temperature: 0.0, top_p: None, max_tokens: 16, seed: 7 },
        constraint: None,
        stop: vec![],
        top_logprobs: 0,
    }
}

fn terms() -> ServerTerms {
    ServerTerms { first_pause: Duration::from_millis(10), attempts: 3, ..ServerTerms::default() }
}

fn options(route: ScalarRoute) -> ScalarOptions {
    ScalarOptions { route, terms: terms(), ..ScalarOptions::default() }
}

fn classify() -> ScalarOptions {
    options(ScalarRoute::Classify)
}

async fn generate(server: &MockServer, options: ScalarOptions) -> Result<Completion, ModelError> {
    ScalarModel::new(&server.uri(), "meta-rm", options).unwrap().generate(&request(), &|_| ()).await
}

/// As vLLM answers `/classify`.
fn classified(probs: Value) -> ResponseTemplate {
    let classes = probs.as_array().map_or(0, Vec::len);
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "classify-1", "object": "list", "created": 1_745_383_213, "model": "meta-rm",
        "data": [{"index": 0, "label": "LABEL_0", "probs": probs, "num_classes": classes}],
        "usage": {"prompt_tokens": 37, "total_tokens": 37, "completion_tokens": 0, "prompt_tokens_details": null},
    }))
}

/// As vLLM answers `/pooling`.
fn pooled(data: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "pool-1", "object": "list", "created": 1_745_383_213, "model": "meta-rm",
        "data": [{"index": 0, "object": "pooling", "data": data}],
        "usage": {"prompt_tokens": 37, "total_tokens": 37, "completion_tokens": 0, "prompt_tokens_details": null},
    }))
}

/// A server that gives these responses on the route in order, then the last one for ever.
async fn server(route: &str, responses: &[ResponseTemplate]) -> MockServer {
    let server = MockServer::start().await;
    for (number, response) in responses.iter().enumerate() {
        let last = number + 1 == responses.len();
        let mock = Mock::given(method("POST")).and(path(route)).respond_with(response.clone());
        let mock = if last { mock } else { mock.up_to_n_times(1) };
        // The first mounted of equal priority that still answers is taken.
        mock.mount(&server).await;
    }
    server
}

/// The bodies of what the server was asked.
async fn asked(server: &MockServer) -> Vec<Value> {
    server.received_requests().await.unwrap().iter().map(|request| request.body_json().unwrap()).collect()
}

#[tokio::test]
async fn the_raw_logit_of_classify_becomes_the_completions_text() {
    let server = server("/classify", &[classified(json!([-15.7781]))]).await;
    let completion = generate(&server, classify()).await.unwrap();
    let expected = Completion {
        usage: Usage { prompt_tokens: 37, completion_tokens: 0 },
        ..Completion::of_text("-15.7781", FinishReason::Stop)
    };
    assert_eq!(completion, expected);
    let sent = json!({
        "model": "meta-rm",
        "messages": [
            {"role": "user", "content": "Score this."},
            {"role": "assistant", "content": "The second is better: \\boxed{4, 8}"},
        ],
        "add_generation_prompt": false,
        "use_activation": false,
    });
    assert_eq!(asked(&server).await, [sent]);
}

#[tokio::test]
async fn pooling_is_asked_for_the_conversation_as_a_whole_and_not_for_every_token() {
    let server = server("/pooling", &[pooled(json!([1.3126]))]).await;
    let completion = generate(&server, options(ScalarRoute::Pooling)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.usage.prompt_tokens), ("1.3126", 37));
    let sent = &asked(&server).await[0];
    assert_eq!((&sent["task"], &sent["use_activation"]), (&json!("classify"), &json!(false)));
}

#[tokio::test]
async fn as_text_the_turns_are_joined_by_a_blank_line_and_no_messages_are_sent() {
    for (route, path, reply) in [
        (ScalarRoute::Classify, "/classify", classified(json!([0.5]))),
        (ScalarRoute::Pooling, "/pooling", pooled(json!([0.5]))),
    ] {
        let server = server(path, &[reply]).await;
        let options = ScalarOptions { input: ScalarInput::Text, ..options(route) };
        assert_eq!(generate(&server, options).await.unwrap().text, "0.5");
        let sent = &asked(&server).await[0];
        assert_eq!(sent["input"], json!("Score this.\n\nThe second is better: \\boxed{4, 8}"));
        assert!(sent.get("messages").is_none() && sent.get("add_generation_prompt").is_none(), "{sent}");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_messages_is_named_with_the_option_to_change() {
    let misses = json!({"object": "error", "code": 400, "message":
        "[{'type': 'missing', 'loc': ('body', 'input'), 'msg': 'Field required', 'input': {'model': 'meta-rm'}}]"});
    for status in [400, 422] {
        let server = server("/classify", &[ResponseTemplate::new(status).set_body_json(&misses)]).await;
        let error = generate(&server, classify()).await.unwrap_err();
        assert!(matches!(error, ModelError::InvalidOption { option: "input", .. }), "{error}");
        for part in ["expected text", "/classify does not take", "Field required"] {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
        assert_eq!(asked(&server).await.len(), 1);
        let as_text = ScalarOptions { input: ScalarInput::Text, ..classify() };
        let error = generate(&server, as_text).await.unwrap_err();
        assert!(matches!(&error, ModelError::HttpStatus { status: s, .. } if *s == status), "{error}");
    }
}

#[tokio::test]
async fn a_reply_without_exactly_one_number_is_an_error_that_shows_what_came() {
    for (reply, shown) in [
        (classified(json!([0.1, 0.7, 0.2])), "3 labels"),
        (classified(json!([])), "an empty list"),
        (classified(json!(["0.5"])), "\"0.5\""),
        (classified(json!(0.5)), "no list but 0.5"),
        (pooled(json!([0.5])), "no `probs`"),
        (ResponseTemplate::new(200).set_body_json(json!({"data": []})), "0 entries"),
        (ResponseTemplate::new(200).set_body_json(json!({"data": [{"probs": [1]}, {"probs": [2]}]})), "2 entries"),
        (ResponseTemplate::new(200).set_body_json(json!([{"embedding": [0.5]}])), "embedding"),
        (ResponseTemplate::new(200).set_body_string("<html>hello</html>"), "<html>"),
    ] {
        let server = server("/classify", &[reply]).await;
        let error = generate(&server, classify()).await.unwrap_err();
        assert!(matches!(error, ModelError::MalformedReply { .. }), "{error}");
        assert!(error.to_string().contains(shown), "{shown}: {error}");
        assert_eq!(asked(&server).await.len(), 1, "a whole reply is not asked for again");
    }
}

#[tokio::test]
async fn pooling_of_every_token_or_in_another_encoding_is_refused() {
    for (data, shown) in [
        (json!([[0.25], [0.5], [-1.5]]), "a list for every token"),
        (json!("AACAPw=="), "no list but"),
        (json!([0.1, 0.2]), "2 labels"),
    ] {
        let server = server("/pooling", &[pooled(data)]).await;
        let error = generate(&server, options(ScalarRoute::Pooling)).await.unwrap_err();
        assert!(matches!(error, ModelError::MalformedReply { .. }), "{error}");
        assert!(error.to_string().contains(shown), "{shown}: {error}");
    }
}

#[tokio::test]
async fn a_number_that_is_not_finite_is_refused_however_it_is_written() {
    for (number, shown) in [("NaN", "NaN"), ("null", "not finite"), ("-Infinity", "-Infinity"), ("1e999", "1e999")] {
        let body = format!(r#"{{"data": [{{"index": 0, "probs": [{number}], "num_classes": 1}}]}}"#);
        let server = server("/classify", &[ResponseTemplate::new(200).set_body_raw(body, "application/json")]).await;
        let error = generate(&server, classify()).await.unwrap_err();
        assert!(matches!(error, ModelError::MalformedReply { .. }), "{error}");
        let error = error.to_string();
        assert!(error.contains("one finite number") && error.contains(shown), "{error}");
    }
}

#[tokio::test]
async fn the_one_that_a_softmax_over_one_label_always_gives_is_no_score() {
    let softmax = server("/classify", &[classified(json!([1.0]))]).await;
    let error = generate(&softmax, classify()).await.unwrap_err();
    assert!(matches!(error, ModelError::MalformedReply { .. }), "{error}");
    assert!(error.to_string().contains("softmax over one label"), "{error}");
    let raw = server("/pooling", &[pooled(json!([1.0]))]).await;
    assert_eq!(generate(&raw, options(ScalarRoute::Pooling)).await.unwrap().text, "1");
}

#[tokio::test]
async fn usage_that_is_not_reported_is_zero() {
    let reply = ResponseTemplate::new(200).set_body_json(json!({"data": [{"probs": [2.5]}]}));
    let server = server("/classify", &[reply]).await;
    let completion = generate(&server, classify()).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.usage), ("2.5", Usage::default()));
}

#[tokio::test]
async fn what_presumes_a_text_is_refused_and_nothing_is_sent() {
    let server = server("/classify", &[classified(json!([0.5]))]).await;
    let model = ScalarModel::new(&server.uri(), "meta-rm", classify()).unwrap();
    let constrained = GenerateRequest { constraint: Some(Constraint::Regex("[1-9]".into())), ..request() };
    let error = model.generate(&constrained, &|_| ()).await.unwrap_err();
    assert!(matches!(error, ModelError::ConstraintUnsupported { .. }), "{error}");
    assert!(error.to_string().contains("writes no text"), "{error}");
    for (wrong, name) in [
        (GenerateRequest { stop: vec!["END".into()], ..request() }, "stop"),
        (GenerateRequest { top_logprobs: 5, ..request() }, "top_logprobs"),
        (GenerateRequest { input: PromptInput::Chat(vec![]), ..request() }, "messages"),
    ] {
        let error = model.generate(&wrong, &|_| ()).await.unwrap_err();
        assert!(matches!(&error, ModelError::InvalidRequest { field, .. } if *field == name), "{error}");
    }
    assert!(asked(&server).await.is_empty());
}

#[tokio::test]
async fn busy_servers_are_tried_again_until_the_attempts_are_used_up() {
    let busy = [ResponseTemplate::new(429), ResponseTemplate::new(503), classified(json!([-2.25]))];
    let recovering = server("/classify", &busy).await;
    assert_eq!(generate(&recovering, classify()).await.unwrap().text, "-2.25");
    assert_eq!(asked(&recovering).await.len(), 3);
    let broken = server("/classify", &[ResponseTemplate::new(503).set_body_string("engine died")]).await;
    let error = generate(&broken, classify()).await.unwrap_err();
    assert!(matches!(error, ModelError::HttpStatus { status: 503, attempts: 3, .. }), "{error}");
    assert!(error.to_string().contains("engine died"), "{error}");
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "1");
    let server = server("/classify", &[busy, classified(json!([0.5]))]).await;
    let started = Instant::now();
    assert_eq!(generate(&server, classify()).await.unwrap().text, "0.5");
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_reply_that_ends_early_is_asked_for_again() {
    let early = ResponseTemplate::new(200).set_body_raw("{\"data\": [{\"probs\": [0.", "application/json");
    let server = server("/classify", &[early, classified(json!([0.5]))]).await;
    assert_eq!(generate(&server, classify()).await.unwrap().text, "0.5");
}

#[tokio::test]
async fn other_client_errors_are_never_tried_again() {
    for status in [400, 401, 404, 413] {
        let refusal = ResponseTemplate::new(status).set_body_string("maximum context length is 8192 tokens");
        let server = server("/classify", &[refusal]).await;
        let error = generate(&server, classify()).await.unwrap_err();
        assert!(matches!(&error, ModelError::HttpStatus { status: s, attempts: 1, .. } if *s == status), "{error}");
        assert!(error.to_string().contains("maximum context length"), "{error}");
        assert_eq!(asked(&server).await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn one_try_and_all_tries_have_their_time_limits() {
    let slow = classified(json!([0.5])).set_delay(Duration::from_secs(30));
    let server = server("/classify", &[slow]).await;
    let limited =
        ScalarOptions { terms: ServerTerms { try_timeout: Duration::from_millis(200), ..terms() }, ..classify() };
    let error = generate(&server, limited).await.unwrap_err();
    assert!(matches!(error, ModelError::Timeout { limit: "per-try", attempts: 3, .. }), "{error}");
    let limited =
        ScalarOptions { terms: ServerTerms { total_timeout: Duration::from_millis(200), ..terms() }, ..classify() };
    let error = generate(&server, limited).await.unwrap_err();
    assert!(matches!(error, ModelError::Timeout { limit: "total", attempts: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_connection_error() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let model = ScalarModel::new(&format!("http://{nobody}"), "meta-rm", classify()).unwrap();
    let error = model.generate(&request(), &|_| ()).await.unwrap_err();
    assert!(matches!(error, ModelError::Connection { attempts: 3, .. }), "{error}");
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_allowed() {
    let server = server("/classify", &[classified(json!([0.5])).set_delay(Duration::from_millis(400))]).await;
    let options = ScalarOptions { terms: ServerTerms { concurrency: 2, ..terms() }, ..classify() };
    let model = ScalarModel::new(&server.uri(), "meta-rm", options).unwrap();
    assert_eq!(model.concurrency(), 2);
    let requests = vec![request(); 4];
    let all = futures::future::try_join_all(requests.iter().map(|request| model.generate(request, &|_| ())));
    let while_running = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        asked(&server).await.len()
    };
    let (completions, seen) = tokio::join!(all, while_running);
    assert_eq!(completions.unwrap().len(), 4);
    assert!(seen <= 2, "{seen} requests had arrived");
}

#[tokio::test]
async fn the_key_is_sent_and_shown_nowhere() {
    let key = "sk-very-secret";
    let server = MockServer::start().await;
    let refusal = ResponseTemplate::new(401).set_body_string(format!("wrong key {key}"));
    Mock::given(header("authorization", format!("Bearer {key}").as_str())).respond_with(refusal).mount(&server).await;
    let options = ScalarOptions { terms: ServerTerms { api_key: Some(key.into()), ..terms() }, ..classify() };
    let model = ScalarModel::new(&server.uri(), "meta-rm", options.clone()).unwrap();
    let error = model.generate(&request(), &|_| ()).await.unwrap_err();
    let shown = format!("{options:?} {options:#?} {model:?} {error} {error:?} {}", json!(model.identity()));
    assert!(error.to_string().contains("wrong key (key)"), "{error}");
    assert!(!shown.contains(key), "{shown}");
}

#[test]
fn the_identity_has_the_base_url_and_options_out_of_range_are_refused() {
    for given in ["http://localhost:8000", "http://localhost:8000/", "http://localhost:8000/classify"] {
        let model = ScalarModel::new(given, "meta-rm", classify()).unwrap();
        let expected = json!({
            "backend": "scalar", "model": "meta-rm", "digest": null, "device": null,
            "endpoint": "http://localhost:8000",
        });
        assert_eq!(json!(model.identity()), expected, "{given}");
    }
    for (options, name) in [
        (ScalarOptions { terms: ServerTerms { concurrency: 0, ..terms() }, ..classify() }, "concurrency"),
        (ScalarOptions { terms: ServerTerms { attempts: 0, ..terms() }, ..classify() }, "attempts"),
    ] {
        let error = ScalarModel::new("http://localhost:8000", "meta-rm", options).unwrap_err();
        assert!(matches!(&error, ModelError::InvalidOption { option, .. } if *option == name), "{error}");
    }
    let error = ScalarModel::new("http://me:hunter2@host", "meta-rm", classify()).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}
