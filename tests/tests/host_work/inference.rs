//! What model servers and model files send.

use std::time::{Duration, Instant};

use rewarden_tests::broken_server::{Act, BrokenServer, response};
use rewarden_tests::{Sandbox, pack};
use serde_json::{Value, json};

/// Scores one task against a server that answers every request with these bytes, and gives what the sample failed with.
fn failure(sent: &[u8]) -> String {
    let (sent, sandbox) = (sent.to_vec(), Sandbox::default());
    let server = BrokenServer::new(move |_, _| vec![Act::Send(sent.clone())]);
    let task = json!({"id": "t", "prompt": "2+2?", "responses": ["4", "5"]});
    sandbox.write("tasks.jsonl", format!("{task}\n"));
    let (pack, endpoint) = (pack("spct-vote"), server.endpoint());
    let begun = Instant::now();
    let run = sandbox.run([
        "score",
        "tasks.jsonl",
        "--pack",
        pack.to_str().unwrap(),
        "--endpoint",
        &endpoint,
        "--model",
        "fake",
        "--set",
        "policy.k=1",
        "--format",
        "jsonl",
        "--samples",
        "samples.jsonl",
    ]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(run.status(), 3, "{}", run.stderr());
    // A reply that makes no sense is not asked for again.
    assert_eq!(server.requests(), 1);
    let samples = std::fs::read_to_string(sandbox.path().join("samples.jsonl")).unwrap();
    let sample: Value = serde_json::from_str(samples.lines().next().unwrap()).unwrap();
    assert_eq!(sample["failure"]["kind"], "model_error", "{sample}");
    sample["failure"]["message"].as_str().unwrap().to_owned()
}

fn ok(body: &str) -> Vec<u8> {
    response("200 OK", "content-type: application/json\r\n", body.len(), body)
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let elsewhere = BrokenServer::new(|_, _| Vec::new());
    let location = format!("location: {}/chat/completions\r\n", elsewhere.endpoint());
    for status in ["301 Moved Permanently", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let told = failure(&response(status, &location, 0, ""));
        assert!(told.contains(&format!("redirects to {}", elsewhere.endpoint())), "{told}");
        assert!(told.contains("which is not followed; if that is the server, name it"), "{told}");
    }
    assert_eq!(elsewhere.requests(), 0);
}

#[test]
fn a_reply_longer_than_what_was_asked_for_can_be_is_given_up() {
    let endless = format!(r#"{{"choices":[{}{{}}]}}"#, "{},".repeat(8 << 20));
    let told = failure(&ok(&endless));
    assert!(told.contains("a reply no longer than what was asked for can be"), "{told}");
}

#[test]
fn millions_of_empty_choices_are_one_choice() {
    let many = format!(r#"{{"choices":[{}{{}}]}}"#, "{},".repeat(2 << 20));
    let told = failure(&ok(&many));
    assert!(told.contains("expected a choice with a finish_reason, found none"), "{told}");
}

#[test]
fn a_reply_that_is_deeper_than_any_is_refused() {
    for bracket in ["[", "{\"a\":"] {
        let told = failure(&ok(&format!(r#"{{"choices":{}"#, bracket.repeat(100_000))));
        assert!(told.contains("chat completion in JSON"), "{told}");
    }
}

#[test]
fn of_an_error_only_the_beginning_is_read() {
    let long = "x".repeat(32 << 20);
    let told = failure(&response("400 Bad Request", "", long.len(), &long));
    assert!(told.contains("400") && told.len() < 2000, "{}", told.len());
}
