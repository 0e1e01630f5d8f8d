//! The HTTP backend against servers that behave well, badly, and not at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::Mutex;
use std::time::{Duration, Instant};

use rewarden_inference::ServerTerms;
use rewarden_inference::openai::{ConstraintDialect, OpenAiModel, OpenAiOptions};
use rewarden_types::{
    Completion, Constraint, FinishReason, GenerateRequest, Model, ModelError, PromptInput, Sampling, Usage,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn request() -> GenerateRequest {
    GenerateRequest {
        input: PromptInput::user("Score this."),
        prefill: None,
        fields: serde_json::Map::new(),
        sampling: Sampling { temperature: 0.5, top_p: None, max_tokens: 16, seed: 7 },
        constraint: None,
        stop: vec![],
        top_logprobs: 0,
    }
}

fn terms() -> ServerTerms {
    ServerTerms { first_pause: Duration::from_millis(10), attempts: 3, ..ServerTerms::default() }
}

fn options() -> OpenAiOptions {
    OpenAiOptions { terms: terms(), ..OpenAiOptions::default() }
}

async fn generate(server: &MockServer, options: OpenAiOptions) -> Result<Completion, ModelError> {
    OpenAiModel::new(&server.uri(), "grm", options).unwrap().generate(&request(), &|_| ()).await
}

fn plain(message: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
    }))
}

fn good() -> ResponseTemplate {
    plain(json!({"role": "assistant", "content": "8, 5"}))
}

fn stream(events: &[Value], end: &str) -> ResponseTemplate {
    let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    ResponseTemplate::new(200).set_body_raw(body + end, "text/event-stream; charset=utf-8")
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn usage() -> Value {
    json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}})
}

/// A server that gives these responses in order, then the last one for ever.
async fn server(responses: &[ResponseTemplate]) -> MockServer {
    let server = MockServer::start().await;
    for (number, response) in responses.iter().enumerate() {
        let last = number + 1 == responses.len();
        let mock = Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(response.clone());
        let mock = if last { mock } else { mock.up_to_n_times(1) };
        // The first mounted of equal priority that still answers is taken.
        mock.mount(&server).await;
    }
    server
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_plain_json_reply_becomes_a_completion() {
    let server = server(&[good()]).await;
    let completion = generate(&server, options()).await.unwrap();
    let expected = Completion {
        usage: Usage { prompt_tokens: 5, completion_tokens: 3 },
        ..Completion::of_text("8, 5", FinishReason::Stop)
    };
    assert_eq!(completion, expected);
}

#[tokio::test]
async fn a_streamed_reply_is_joined_and_progress_is_told() {
    let events = [
        delta(json!({"role": "assistant"})),
        delta(json!({"content": "8,"})),
        delta(json!({"content": " 5"})),
        finish("length"),
        usage(),
    ];
    let server = server(&[stream(&events, "data: [DONE]\n\n")]).await;
    let model = OpenAiModel::new(&server.uri(), "grm", options()).unwrap();
    let told = Mutex::new(Vec::new());
    let completion = model.generate(&request(), &|news| told.lock().unwrap().push(news.new_tokens)).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.finish), ("8, 5", FinishReason::Length));
    assert_eq!(completion.usage, Usage { prompt_tokens: 5, completion_tokens: 2 });
    assert_eq!(*told.lock().unwrap(), [1, 1]);
}

#[tokio::test]
async fn a_stream_without_done_is_whole_when_it_gave_its_reason_to_end() {
    let server = server(&[stream(&[delta(json!({"content": "8"})), finish("stop"), usage()], "")]).await;
    assert_eq!(generate(&server, options()).await.unwrap().text, "8");
}

#[tokio::test]
async fn a_stream_that_ends_early_is_tried_again_and_then_a_connection_error() {
    let early = stream(&[delta(json!({"content": "8,"}))], "");
    let recovering = server(&[early.clone(), good()]).await;
    assert_eq!(generate(&recovering, options()).await.unwrap().text, "8, 5");
    let broken = server(&[early]).await;
    let error = generate(&broken, options()).await.unwrap_err();
    assert!(matches!(&error, ModelError::Connection { attempts: 3, .. }), "{error}");
    assert!(error.to_string().contains("ended before the completion did"), "{error}");
}

#[tokio::test]
async fn a_half_written_event_is_a_stream_that_ended_early() {
    let server = server(&[stream(&[], "data: {\"choices\": [{\"delta\": {\"conte")]).await;
    let error = generate(&server, options()).await.unwrap_err();
    assert!(matches!(error, ModelError::Connection { attempts: 3, .. }), "{error}");
}

#[tokio::test]
async fn an_error_inside_a_stream_is_an_error_and_not_a_short_answer() {
    let failed = json!({"error": {"message": "CUDA out of memory", "code": 500}});
    let server = server(&[stream(&[delta(json!({"content": "8,"})), failed], "")]).await;
    let error = generate(&server, options()).await.unwrap_err();
    assert!(matches!(error, ModelError::MalformedReply { .. }), "{error}");
    assert!(error.to_string().contains("CUDA out of memory"), "{error}");
}

#[tokio::test]
async fn thinking_is_set_apart_whoever_marks_it() {
    for message in [
        json!({"content": "8", "reasoning_content": "hm"}),
        json!({"content": "8", "reasoning": "hm"}),
        json!({"content": "<think>hm</think>\n8"}),
        json!({"content": "hm\n</think>\n\n8"}),
    ] {
        let server = server(&[plain(message.clone())]).await;
        let completion = generate(&server, options()).await.unwrap();
        assert_eq!((completion.text.as_str(), completion.thinking.as_deref()), ("8", Some("hm")), "{message}");
    }
}

#[tokio::test]
async fn streamed_thinking_is_joined() {
    let events = [
        delta(json!({"reasoning_content": "h"})),
        delta(json!({"reasoning_content": "m"})),
        delta(json!({"content": "8"})),
        finish("stop"),
        usage(),
    ];
    let server = server(&[stream(&events, "data: [DONE]\n\n")]).await;
    let completion = generate(&server, options()).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.thinking.as_deref()), ("8", Some("hm")));
}

fn with_logprobs() -> (GenerateRequest, Value) {
    let token = |token: &str, logprob: f64| {
        let top = json!([{"token": token, "logprob": logprob, "bytes": null}, {"token": "z", "logprob": -3.5}]);
        json!({"token": token, "logprob": logprob, "bytes": token.as_bytes(), "top_logprobs": top})
    };
    let content = json!([token("hm", -0.1), token("</think>", -0.1), token("8", -0.25), token("<|end|>", 0.0)]);
    let mut request = request();
    request.top_logprobs = 2;
    (request, content)
}

#[tokio::test]
async fn log_probabilities_are_those_of_the_answers_tokens() {
    let (request, content) = with_logprobs();
    let reply = json!({
        "choices": [{
            "message": {"content": "8", "reasoning_content": "hm"},
            "finish_reason": "stop",
            "logprobs": {"content": content},
        }],
        "usage": {"prompt_tokens": 5, "completion_tokens": 4},
    });
    let server = server(&[ResponseTemplate::new(200).set_body_json(reply)]).await;
    let model = OpenAiModel::new(&server.uri(), "grm", options()).unwrap();
    let completion = model.generate(&request, &|_| ()).await.unwrap();
    assert_eq!(completion.tokens.len(), 1);
    let token = &completion.tokens[0];
    assert_eq!((token.text.as_str(), token.logprob), ("8", -0.25));
    assert_eq!(
        token.alternatives.iter().map(|a| (a.text.as_str(), a.logprob)).collect::<Vec<_>>(),
        [("8", -0.25), ("z", -3.5)]
    );
}

#[tokio::test]
async fn missing_log_probabilities_are_an_error_when_they_were_asked_for() {
    let (request, _) = with_logprobs();
    let server = server(&[good()]).await;
    let model = OpenAiModel::new(&server.uri(), "grm", options()).unwrap();
    let error = model.generate(&request, &|_| ()).await.unwrap_err();
    assert!(matches!(error, ModelError::MalformedReply { .. }), "{error}");
    assert_eq!(asked(&server).await, 1);
}

#[tokio::test]
async fn retry_after_is_honoured_on_429() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "1").set_body_string("slow down");
    let server = server(&[busy, good()]).await;
    let started = Instant::now();
    assert_eq!(generate(&server, options()).await.unwrap().text, "8, 5");
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(asked(&server).await, 2);
}

#[tokio::test]
async fn a_retry_after_beyond_the_deadline_ends_it_with_the_servers_answer() {
    let server = server(&[ResponseTemplate::new(429).insert_header("retry-after", "3600")]).await;
    let started = Instant::now();
    let error = generate(&server, options()).await.unwrap_err();
    assert!(matches!(error, ModelError::HttpStatus { status: 429, attempts: 1, .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn server_errors_are_tried_again_until_the_attempts_are_used_up() {
    let recovering = server(&[ResponseTemplate::new(500), ResponseTemplate::new(503), good()]).await;
    assert_eq!(generate(&recovering, options()).await.unwrap().text, "8, 5");
    let broken = server(&[ResponseTemplate::new(500).set_body_string("engine died")]).await;
    let error = generate(&broken, options()).await.unwrap_err();
    assert!(matches!(&error, ModelError::HttpStatus { status: 500, attempts: 3, .. }), "{error}");
    assert!(error.to_string().contains("engine died"), "{error}");
    assert_eq!(asked(&broken).await, 3);
}

#[tokio::test]
async fn other_client_errors_are_never_tried_again() {
    for status in [400, 401, 403, 404, 413, 422] {
        let server =
            server(&[ResponseTemplate::new(status).set_body_json(json!({"error": {"message": "no such model"}}))])
                .await;
        let error = generate(&server, options()).await.unwrap_err();
        assert!(matches!(&error, ModelError::HttpStatus { status: s, attempts: 1, .. } if *s == status), "{error}");
        assert!(error.to_string().contains("no such model"), "{error}");
        assert_eq!(asked(&server).await, 1, "{status}");
    }
}

#[tokio::test]
async fn a_slow_try_is_given_up_and_tried_again() {
    let slow = good().set_delay(Duration::from_secs(30));
    let recovering = server(&[slow.clone(), good()]).await;
    let patience = OpenAiOptions { terms: ServerTerms { try_timeout: Duration::from_secs(1), ..terms() }, ..options() };
    assert_eq!(generate(&recovering, patience.clone()).await.unwrap().text, "8, 5");
    let stuck = server(&[slow]).await;
    let error = generate(&stuck, patience).await.unwrap_err();
    assert!(matches!(error, ModelError::Timeout { limit: "per-try", attempts: 3, .. }), "{error}");
}

#[tokio::test]
async fn all_tries_together_have_a_limit_too() {
    let server = server(&[good().set_delay(Duration::from_secs(30))]).await;
    let error = generate(
        &server,
        OpenAiOptions { terms: ServerTerms { total_timeout: Duration::from_millis(300), ..terms() }, ..options() },
    )
    .await
    .unwrap_err();
    assert!(matches!(error, ModelError::Timeout { limit: "total", attempts: 1, .. }), "{error}");
}

#[tokio::test]
async fn malformed_replies_are_errors_that_show_what_came() {
    for (body, shown) in [
        ("<html>not found</html>", "<html>"),
        ("{\"choices\": []}", "finish_reason"),
        ("{\"choices\": [{\"message\": {\"content\": 5}, \"finish_reason\": \"stop\"}]}", "invalid type"),
        ("{\"choices\": [{\"message\": {\"content\": \"x\"}, \"finish_reason\": \"tool_calls\"}]}", "tool_calls"),
    ] {
        let server = server(&[ResponseTemplate::new(200).set_body_raw(body, "application/json")]).await;
        let error = generate(&server, options()).await.unwrap_err();
        assert!(matches!(&error, ModelError::MalformedReply { .. }), "{error}");
        assert!(error.to_string().contains(shown), "{error}");
        assert_eq!(asked(&server).await, 1);
    }
}

#[tokio::test]
async fn json_that_ends_early_is_a_broken_connection() {
    let server =
        server(&[ResponseTemplate::new(200).set_body_raw("{\"choices\": [{\"mess", "application/json"), good()]).await;
    assert_eq!(generate(&server, options()).await.unwrap().text, "8, 5");
}

/// A server that reads a request, writes these bytes and hangs up.
async fn hangs_up_after(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(bytes).await;
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_connection_that_breaks_off_or_is_refused_is_named_with_its_cause() {
    let broken: [&[u8]; 3] = [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"choices\": [",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 500\r\n\r\ndata: {\"choices\": []}\n\n",
    ];
    for bytes in broken {
        let endpoint = hangs_up_after(bytes).await;
        let model = OpenAiModel::new(&endpoint, "grm", options()).unwrap();
        let error = model.generate(&request(), &|_| ()).await.unwrap_err();
        assert!(matches!(error, ModelError::Connection { attempts: 3, .. }), "{error}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let model = OpenAiModel::new(&format!("http://{nobody}"), "grm", options()).unwrap();
    let error = model.generate(&request(), &|_| ()).await.unwrap_err().to_string();
    assert!(error.contains("refused") && error.contains("is the server running there?"), "{error}");
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_allowed() {
    let server = server(&[good().set_delay(Duration::from_millis(400))]).await;
    let model = OpenAiModel::new(
        &server.uri(),
        "grm",
        OpenAiOptions { terms: ServerTerms { concurrency: 2, ..terms() }, ..options() },
    )
    .unwrap();
    assert_eq!(model.concurrency(), 2);
    let started = Instant::now();
    let requests = vec![request(); 6];
    let all = futures::future::try_join_all(requests.iter().map(|request| model.generate(request, &|_| ())));
    let while_running = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        asked(&server).await
    };
    let (completions, seen) = tokio::join!(all, while_running);
    assert_eq!(completions.unwrap().len(), 6);
    assert!(seen <= 2, "{seen} requests had arrived");
    assert!(started.elapsed() >= Duration::from_millis(1200), "{:?}", started.elapsed());
}

#[tokio::test]
async fn the_key_is_sent_and_shown_nowhere() {
    let key = "sk-very-secret";
    let server = MockServer::start().await;
    let refusal = ResponseTemplate::new(401).set_body_string(format!("wrong key {key}"));
    Mock::given(header("authorization", format!("Bearer {key}").as_str())).respond_with(refusal).mount(&server).await;
    let options = OpenAiOptions { terms: ServerTerms { api_key: Some(key.into()), ..terms() }, ..options() };
    let model = OpenAiModel::new(&server.uri(), "grm", options.clone()).unwrap();
    let error = model.generate(&request(), &|_| ()).await.unwrap_err();
    let shown = format!("{options:?} {options:#?} {model:?} {error} {error:?} {}", json!(model.identity()));
    assert!(error.to_string().contains("wrong key (key)"), "{error}");
    assert!(!shown.contains(key), "{shown}");
}

#[test]
fn keys_that_cannot_be_sent_are_refused_without_being_quoted() {
    for key in ["", "  ", "sk-\nbroken", "sk-é"] {
        let options = OpenAiOptions { terms: ServerTerms { api_key: Some(key.into()), ..terms() }, ..options() };
        let error = OpenAiModel::new("http://localhost", "grm", options).unwrap_err().to_string();
        assert!(error.contains("api_key") && !error.contains("sk-"), "{error}");
    }
}

#[tokio::test]
async fn constraints_seed_and_stop_strings_reach_the_server() {
    let server = MockServer::start().await;
    let expected = json!({"seed": 7, "stop": ["END"], "structured_outputs": {"regex": "[1-9]"}, "model": "grm"});
    Mock::given(body_partial_json(expected)).respond_with(good()).mount(&server).await;
    let mut request = request();
    request.constraint = Some(Constraint::Regex("[1-9]".into()));
    request.stop = vec!["END".into()];
    let options = OpenAiOptions { constraints: ConstraintDialect::Vllm, ..options() };
    let model = OpenAiModel::new(&server.uri(), "grm", options).unwrap();
    assert_eq!(model.generate(&request, &|_| ()).await.unwrap().text, "8, 5");
    let none = OpenAiOptions { constraints: ConstraintDialect::None, ..self::options() };
    let none = OpenAiModel::new(&server.uri(), "grm", none).unwrap();
    let error = none.generate(&request, &|_| ()).await.unwrap_err();
    assert!(matches!(error, ModelError::ConstraintUnsupported { .. }), "{error}");
}

#[test]
fn the_identity_has_the_base_url() {
    let model = OpenAiModel::new("http://localhost:8000", "grm", options()).unwrap();
    let expected = json!({
        "backend": "openai", "model": "grm", "digest": null, "device": null, "endpoint": "http://localhost:8000/v1",
    });
    assert_eq!(json!(model.identity()), expected);
}

/// llama.cpp, restarted: it listens before it has loaded its model.
#[tokio::test]
async fn a_server_that_is_loading_its_model_is_waited_for_longer_than_one_that_is_down() {
    let loading =
        || ResponseTemplate::new(503).set_body_json(json!({"error": {"message": "Loading model", "code": 503}}));
    let server = server(&[loading(), loading(), loading(), loading(), loading(), loading(), good()]).await;
    assert_eq!(generate(&server, options()).await.unwrap().text, "8, 5");
    let down = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(503)).mount(&down).await;
    let error = generate(&down, options()).await.unwrap_err();
    assert!(matches!(error, ModelError::HttpStatus { status: 503, attempts: 3, .. }), "{error}");
}

/// What a chat completion is in the shapes that common servers send it in.
#[tokio::test]
async fn replies_in_every_shape_are_read() {
    let whole = |choices: Value, usage: Value| {
        ResponseTemplate::new(200).set_body_json(json!({"choices": choices, "usage": usage}))
    };
    let message = |message: Value, reason: &str| {
        whole(
            json!([{"index": 0, "message": message, "finish_reason": reason}]),
            json!({"prompt_tokens": 5, "completion_tokens": 3}),
        )
    };
    let several = json!([
        {"index": 1, "message": {"content": "1, 1"}, "finish_reason": "length"},
        {"index": 0, "message": {"content": "8, 5"}, "finish_reason": "stop"},
    ]);
    let event = |index: u32, text: &str, reason: Value| json!({"choices": [{"index": index, "delta": {"content": text}, "message": null, "finish_reason": reason}]});
    let streamed = [
        json!({"choices": null, "prompt_filter_results": []}),
        json!({"choices": [{"index": 0, "delta": null, "finish_reason": null, "logprobs": null}], "usage": null}),
        event(0, "8,", Value::Null),
        event(1, "1,", Value::Null),
        event(0, " 5", json!("stop_sequence")),
        event(1, " 1", json!("length")),
    ];
    for (what, reply) in [
        ("TGI", message(json!({"role": "assistant", "content": "8, 5"}), "eos_token")),
        (
            "parts",
            message(json!({"content": [{"type": "text", "text": "8, "}, {"type": "text", "text": "5"}]}), "stop"),
        ),
        (
            "null fields",
            message(json!({"content": "8, 5", "refusal": null, "reasoning_content": null, "tool_calls": null}), "stop"),
        ),
        ("several choices", whole(several, json!({"prompt_tokens": 5, "completion_tokens": 3}))),
        ("null usage", whole(json!([{"message": {"content": "8, 5"}, "finish_reason": "stop"}]), Value::Null)),
        (
            "usage of nulls",
            whole(
                json!([{"message": {"content": "8, 5"}, "finish_reason": "end_turn"}]),
                json!({"prompt_tokens": null, "completion_tokens": null}),
            ),
        ),
        (
            "usage in fractions",
            whole(
                json!([{"message": {"content": "8, 5"}, "finish_reason": "STOP"}]),
                json!({"prompt_tokens": 5.0, "completion_tokens": 3.0}),
            ),
        ),
        ("a stream of several choices with nulls", stream(&streamed, "data: [DONE]\n\n")),
    ] {
        let server = server(&[reply]).await;
        let completion = generate(&server, options()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((completion.text.as_str(), completion.finish), ("8, 5", FinishReason::Stop), "{what}");
    }
    let thinking =
        json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "8, 5"}]);
    let server = server(&[message(json!({"content": thinking}), "model_length")]).await;
    let completion = generate(&server, options()).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.thinking.as_deref()), ("8, 5", Some("hm")));
    assert_eq!(completion.finish, FinishReason::Length);
}

#[tokio::test]
async fn refusals_and_what_is_no_text_are_told_apart_and_never_tried_again() {
    let reply = |message: Value, reason: &str| {
        ResponseTemplate::new(200).set_body_json(json!({"choices": [{"message": message, "finish_reason": reason}]}))
    };
    for (reply, expected) in [
        (
            reply(json!({"content": null, "refusal": "I cannot judge this."}), "stop"),
            "declined to answer: I cannot judge this.",
        ),
        (reply(json!({"content": [{"type": "refusal", "refusal": "No."}]}), "stop"), "declined to answer: No."),
        (reply(json!({"content": "8"}), "content_filter"), "declined to answer: finish_reason `content_filter`"),
        (
            reply(json!({"content": [{"type": "image_url"}]}), "stop"),
            "expected content parts of text, found `image_url`",
        ),
        (
            reply(json!({"content": "", "tool_calls": []}), "tool_calls"),
            "expected finish_reason `stop` or `length`, found `tool_calls`",
        ),
    ] {
        let server = server(&[reply]).await;
        let error = generate(&server, options()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(asked(&server).await, 1);
    }
    let gave_up = server(&[reply(json!({"content": "8"}), "abort"), good()]).await;
    assert_eq!(generate(&gave_up, options()).await.unwrap().text, "8, 5");
}

#[tokio::test]
async fn probabilities_that_are_null_are_missing_and_never_a_number() {
    let with = |logprob: Value, top: Value| {
        let token = json!({"token": "8", "bytes": null, "logprob": logprob, "top_logprobs": top});
        ResponseTemplate::new(200).set_body_json(json!({"choices": [{
            "message": {"content": "8"}, "finish_reason": "stop", "logprobs": {"content": [token]},
        }]}))
    };
    let asking = GenerateRequest { top_logprobs: 2, ..request() };
    let alternatives = json!([{"token": "8", "logprob": -0.5}, {"token": "9", "logprob": null}]);
    let server_of = async |reply| server(&[reply]).await;
    let server = server_of(with(json!(-0.5), alternatives)).await;
    let completion =
        OpenAiModel::new(&server.uri(), "grm", options()).unwrap().generate(&asking, &|_| ()).await.unwrap();
    assert_eq!((completion.tokens.len(), completion.tokens[0].alternatives.len()), (1, 1));
    let server = server_of(with(Value::Null, Value::Null)).await;
    let error =
        OpenAiModel::new(&server.uri(), "grm", options()).unwrap().generate(&asking, &|_| ()).await.unwrap_err();
    assert!(error.to_string().contains("null for one of them"), "{error}");
}

/// `max-completion-tokens.task.jsonl`: OpenAI's reasoning models, by the code or by the words of the error.
#[tokio::test]
async fn an_endpoint_that_wants_max_completion_tokens_is_asked_again_and_remembered() {
    for error in [
        json!({"error": {"code": "unsupported_parameter", "param": "max_tokens", "message": "Unsupported parameter."}}),
        json!({"error": {"message": "Use 'max_completion_tokens' instead."}}),
    ] {
        let server = MockServer::start().await;
        let renamed = Mock::given(body_partial_json(json!({"max_completion_tokens": 16}))).respond_with(good());
        renamed.mount(&server).await;
        let refused = ResponseTemplate::new(400).set_body_json(error);
        Mock::given(body_partial_json(json!({"max_tokens": 16}))).respond_with(refused).mount(&server).await;
        let model = OpenAiModel::new(&server.uri(), "grm", options()).unwrap();
        for _ in 0..3 {
            assert_eq!(model.generate(&request(), &|_| ()).await.unwrap().text, "8, 5");
        }
        assert_eq!(asked(&server).await, 4);
    }
}

/// A server is told by what it says of itself, obeyed once for one token, and then known.
#[tokio::test]
async fn the_server_is_asked_what_it_is_before_the_first_constraint_and_never_again() {
    let server = MockServer::start().await;
    let models = json!({"object": "list", "data": [{"id": "grm", "object": "model", "owned_by": "llamacpp"}]});
    Mock::given(path("/v1/models")).respond_with(ResponseTemplate::new(200).set_body_json(models)).mount(&server).await;
    let props = json!({"build_info": "b11434-0abc", "model_path": "grm.gguf"});
    Mock::given(path("/props")).respond_with(ResponseTemplate::new(200).set_body_json(props)).mount(&server).await;
    let obeyed = plain(json!({"content": "Z"}));
    Mock::given(body_partial_json(json!({"max_tokens": 1}))).respond_with(obeyed).mount(&server).await;
    Mock::given(body_partial_json(json!({"grammar": "root ::= [1-9]\n"}))).respond_with(good()).mount(&server).await;
    let request = GenerateRequest { constraint: Some(Constraint::Regex("[1-9]".into())), ..request() };
    let model = OpenAiModel::new(&server.uri(), "grm", options()).unwrap();
    assert_eq!(model.found().await, None);
    for _ in 0..2 {
        assert_eq!(model.generate(&request, &|_| ()).await.unwrap().text, "8, 5");
    }
    let asked = server.received_requests().await.unwrap();
    let paths: Vec<&str> = asked.iter().map(|request| request.url.path()).collect();
    let chat = "/v1/chat/completions";
    assert_eq!(paths, ["/v1/models", "/props", chat, chat, chat]);
    let sent: Value = serde_json::from_slice(&asked[2].body).unwrap();
    assert_eq!((&sent["max_tokens"], &sent["grammar"]), (&json!(1), &json!("root ::= \"ZQ\"{1,8}\n")));
    let found = model.found().await.unwrap();
    assert!(found.ends_with("/v1 is llama.cpp b11434-0abc: takes a regular expression as `grammar` (GBNF)"), "{found}");
}
