//! Bad input at every endpoint: always a problem document that says what is wrong, never a fault of the server.

use rewarden_tests::http::Client;
use rewarden_tests::serving::Serving;
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn every_way_to_get_a_body_wrong_is_named_with_its_field() {
    let server = Serving::rule(&["--max-batch", "3", "--max-responses", "2", "--max-body", "1"]);
    let mut client = server.client();
    let task = json!({"prompt": "q", "responses": ["a"]});
    let with = |field: &str, value: Value| {
        let mut task = task.clone();
        task[field] = value;
        json!({"task": task})
    };
    let cases: Vec<(Value, u16, &str)> = vec![
        (json!({}), 400, "/task"),
        (json!([]), 400, "/task"),
        (json!(null), 400, ""),
        (json!({"task": task, "tasks": [task]}), 400, "/tasks"),
        (json!({"tasks": []}), 400, "/tasks"),
        (json!({"tasks": [task, task, task, task]}), 413, "/tasks"),
        (json!({"tasks": [task, {"prompt": "q", "responses": []}]}), 400, "/tasks/1/responses"),
        (json!({"task": task, "pack": "other"}), 404, "/pack"),
        (json!({"task": task, "pakc": "rule"}), 400, "/pakc"),
        (json!({"task": task, "set": {"policy.judge_weight": 1}}), 403, "/set/policy.judge_weight"),
        (json!({"task": task, "set": []}), 400, "/set"),
        (json!({"task": task, "sampling": {"temprature": 1}}), 400, "/sampling/temprature"),
        (json!({"task": task, "sampling": {"top_p": 0}}), 400, "/sampling/top_p"),
        (json!({"task": task, "cohort": {"key": "g", "size": 0}}), 400, "/cohort/size"),
        (json!({"task": task, "cohort": {"key": "", "size": 2}}), 400, "/cohort/key"),
        (json!({"task": task, "cohort": {"key": "g", "size": 3}}), 400, "/cohort/size"),
        (json!({"task": task, "cohort": {"key": "g", "size": 2, "deadline": -1}}), 400, "/cohort/deadline"),
        (json!({"tasks": [task], "cohort": {"key": "g", "size": 1}}), 400, "/cohort"),
        (with("messages", json!([])), 400, "/task/messages"),
        (with("prompt", json!(7)), 400, "/task/prompt"),
        (with("responses", json!("a")), 400, "/task/responses"),
        (with("responses", json!([1])), 400, "/task/responses/0"),
        (with("responses", json!(["a", "b", "c"])), 400, "/task/responses"),
        (with("reference", json!({"a": 1})), 400, "/task/reference"),
        (with("reference", json!(["4", [5]])), 400, "/task/reference/1"),
        (with("responses", json!(["a", [{"type": "image_url"}]])), 400, "/task/responses/1/0"),
        (with("metadata", json!(1)), 400, "/task/metadata"),
        (with("preferred", json!(0)), 400, "/task/preferred"),
        (json!({"task": {"messages": [], "responses": ["a"]}}), 400, "/task/messages"),
        (json!({"task": {"messages": [{"role": "user"}], "responses": ["a"]}}), 400, "/task/messages/0/content"),
        (
            json!({"task": {"messages": [{"role": "robot", "content": ""}], "responses": ["a"]}}),
            400,
            "/task/messages/0/role",
        ),
        (
            json!({"task": {"messages": [{"role": "assistant", "content": ""}], "responses": ["a"]}}),
            400,
            "/task/messages/0/role",
        ),
    ];
    for path in ["/v1/reward", "/v1/reward/stream"] {
        for (body, status, pointer) in &cases {
            let reply = client.post(path, body);
            if path.ends_with("stream") && (body["tasks"].is_array() || body["cohort"].is_object()) {
                assert!((400..500).contains(&reply.status), "{body}: {}", reply.text());
                continue;
            }
            assert_eq!(reply.status, *status, "{body}: {}", reply.text());
            let document = reply.json();
            assert_eq!(reply.header("content-type"), "application/problem+json");
            assert_eq!(document["pointer"].as_str().unwrap_or_default(), *pointer, "{body}: {document}");
            assert!(document["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        }
    }
    let broken: [&[u8]; 6] = [b"", b"{", b"\xff\xfe", b"{\"task\": \"\\ud800\"}", b"[1,", b"{\"task\": 1e999}"];
    for body in broken {
        client.send("POST", "/v1/reward", &[JSON], body).expect(400).problem("invalid-request");
    }
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    client.send("POST", "/v1/reward", &[JSON], &deep).expect(400).problem("invalid-request");
    let large = json!({"task": {"prompt": "x".repeat(2 << 20), "responses": ["a"]}}).to_string();
    let reply = Client::new(server.address).try_send("POST", "/v1/reward", &[JSON], large.as_bytes());
    // The server may answer and end the connection before all is sent.
    if let Ok(reply) = reply {
        reply.expect(413).problem("too-large");
    }
    server.client().post("/v1/reward", &json!({"task": task})).expect(200);
}

#[test]
fn what_consumers_write_is_read_and_an_id_of_any_kind_comes_back_as_it_was_written() {
    let server = Serving::rule(&[]);
    let mut client = server.client();
    let ids = [
        json!(7),
        json!(1.5),
        json!("a"),
        json!(""),
        json!([1, "b"]),
        json!({"n": null}),
        json!(false),
        json!("x".repeat(5000)),
    ];
    for id in ids {
        let task = json!({"id": id, "prompt": "2+2?", "responses": ["\\boxed{4}"], "reference": ["5", 4]});
        let reward = client.post("/v1/reward", &json!({"task": task})).expect(200).json();
        assert_eq!((&reward["id"], &reward["scores"]), (&id, &json!([1.0])));
    }
    let parts = json!([{"type": "text", "text": "What is "}, {"type": "text", "text": "2+2?"}]);
    let rollout = json!([
        {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "add", "arguments": {"a": 2}}}]},
        {"role": "tool", "name": "add", "content": "4"},
        {"role": "assistant", "content": [{"type": "text", "text": "\\boxed{4}"}]},
    ]);
    let task = json!({"messages": [{"role": "user", "content": parts}], "responses": [rollout], "reference": 4.0});
    assert_eq!(client.post("/v1/reward", &json!({"task": task})).expect(200).json()["scores"], json!([1.0]));
    let python =
        br#"{"task": {"prompt": "2+2?", "responses": ["\\boxed{4} \ud83d"], "reference": 4, "metadata": {"d": NaN}}}"#;
    let reward = client.send("POST", "/v1/reward", &[JSON], python).expect(200).json();
    assert_eq!(reward["scores"], json!([1.0]));
}

#[test]
fn wrong_methods_types_and_places_are_problems_at_every_route() {
    let server = Serving::rule(&[]);
    let document = server.client().get("/openapi.json").expect(200).json();
    let paths = document["paths"].as_object().unwrap();
    for expected in ["/v1/reward", "/v1/reward/stream", "/v1/packs", "/v1/models", "/healthz", "/readyz", "/metrics"] {
        assert!(paths.contains_key(expected), "{expected} is not described");
    }
    for (path, methods) in paths {
        let path = path.replace("{name}", "rule").replace("{kind}", "timeout");
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let known = methods.get(method.to_ascii_lowercase()).is_some();
            let reply = server.client().send(method, &path, &[("content-type", "text/plain")], b"hello");
            if known && method == "GET" {
                assert_eq!(reply.status, 200, "{path}: {}", reply.text());
                continue;
            }
            let status = if known { [403, 415] } else { [405, 403] };
            assert!(status.contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text());
            // Decision models' clients expect FastAPI's form.
            let decisions = ["/v1/systemone", "/v1/evaluations"].contains(&path.as_str());
            let form = if decisions { "application/json" } else { "application/problem+json" };
            assert_eq!(reply.header("content-type"), form, "{method} {path}");
        }
    }
    for path in ["/nope", "/v1/", "/v1/reward/", "/..%2f..%2fetc/passwd", "//", "/problems/nope", "/%00"] {
        server.client().get(path).expect(404).problem("not-found");
    }
}

#[test]
fn what_is_not_http_ends_the_connection_and_nothing_else() {
    use std::io::{Read, Write};

    let server = Serving::rule(&[]);
    for bytes in
        [&b"\x16\x03\x01\x02\x00"[..], b"GET\r\n\r\n", b"POST /v1/reward HTTP/1.1\r\ncontent-length: -1\r\n\r\n"]
    {
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 5"), "{bytes:?}");
    }
    server.client().get("/healthz").expect(200);
}
