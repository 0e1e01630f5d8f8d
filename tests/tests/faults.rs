//! Model servers that break, and signals that come at the wrong moment: every failure is typed and counted, nothing is
//! lost, and nothing is counted twice. SIGKILL and a full disk are in `runs.rs`.

#[path = "faults/signals.rs"]
mod signals;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use rewarden_tests::broken_server::{Act, BrokenServer, answer, completion, first_words, response};
use rewarden_tests::{Run, Sandbox, pack, prompt};
use serde_json::{Value, json};

const JSON: &str = "content-type: application/json\r\n";

/// A judge whose answer is a function of the request, as a real one's is of its seed.
fn judged(body: &Value) -> String {
    let shown = prompt(body).matches("[The Begin of Response").count() as u64;
    let seed = body["seed"].as_u64().unwrap();
    let scores: Vec<String> = (0..shown).map(|index| (1 + (seed >> (8 * index)) % 10).to_string()).collect();
    format!("Specific Criteria: care\nAnalysis: seed {seed}\nScores: \\boxed{{{}}}", scores.join(", "))
}

fn tasks(sandbox: &Sandbox, count: usize) {
    let rows: String = (0..count)
        .map(|index| {
            format!("{}\n", json!({"id": format!("t{index}"), "prompt": "Which?", "responses": ["one", "two"]}))
        })
        .collect();
    sandbox.write("tasks.jsonl", rows);
}

fn arguments(run: &str, endpoint: &str, k: u32) -> Vec<String> {
    arguments_with(run, endpoint, k, "1")
}

/// With `timeout` seconds for each try.
fn arguments_with(run: &str, endpoint: &str, k: u32, timeout: &str) -> Vec<String> {
    let pack = pack("spct-vote");
    let (k, samples) = (k.to_string(), format!("{run}.samples"));
    ["score", "tasks.jsonl", "--run", run, "--endpoint", endpoint, "--model", "m", "--pack", pack.to_str().unwrap()]
        .into_iter()
        .chain(["--seed", "5", "--timeout", timeout, "--format", "jsonl", "-k", &k, "--samples", &samples])
        .map(str::to_owned)
        .collect()
}

fn score(sandbox: &Sandbox, run: &str, endpoint: &str, k: u32, more: &[&str]) -> Run {
    sandbox.run(arguments(run, endpoint, k).iter().map(String::as_str).chain(more.iter().copied()))
}

/// Everything that was written of a run: rewards and samples, as bytes.
fn written(sandbox: &Sandbox, run: &str, output: &Run) -> (String, String) {
    let samples = std::fs::read_to_string(sandbox.path().join(format!("{run}.samples"))).unwrap();
    (output.stdout(), samples)
}

/// A way to break: its name, what the server does, and words of the failure that it is.
type Fault = (&'static str, fn(&Value) -> Vec<Act>, &'static str);

/// Faults that may pass: each is tried again.
const PASSING: &[Fault] = &[
    ("hangs up without a word", |_| vec![], "could not be reached or broke off"),
    ("hangs up in the headers", |_| vec![Act::Send(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec())], "broke off"),
    ("hangs up in the body", half_written, "broke off"),
    ("writes JSON that ends early", short_json, "ended in the middle of its JSON"),
    ("writes an empty body", |_| vec![Act::Send(response("200 OK", JSON, 0, ""))], "sent an empty reply (attempts: "),
    ("dies mid-generation", |_| vec![Act::Send(first_words("Specific"))], "ended before the completion did"),
    ("dies inside an event", inside_an_event, "ended before the completion did"),
    ("breaks off between chunks", between_chunks, "broke off"),
    ("never answers", |_| vec![Act::Stall], "did not finish within 1 s"),
    ("stalls mid-generation", |_| vec![Act::Send(first_words("Specific")), Act::Stall], "did not finish within 1 s"),
    ("drips a byte now and then", drip, "did not finish within 1 s"),
    ("answers 429 with a time", |_| refusal("429 Too Many Requests", "retry-after: 1\r\n"), "answered 429"),
    ("answers 429 without a time", |_| refusal("429 Too Many Requests", ""), "answered 429"),
    ("answers 500", |_| refusal("500 Internal Server Error", ""), "answered 500"),
    ("answers 503 with a date", unavailable, "answered 503"),
    ("speaks another protocol", |_| vec![Act::Send(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec())], "broke off"),
];

/// Faults that no second try cures: none is made.
const LASTING: &[Fault] = &[
    ("does not hold the prompt", too_long, "maximum context length is 4096 tokens"),
    ("knows no such model", |_| refusal("404 Not Found", ""), "answered 404"),
    ("wants another key", |_| refusal("401 Unauthorized", ""), "answered 401"),
    ("answers with a page", |_| whole("<html>hello</html>"), "sent a reply that cannot be used"),
    ("answers without a choice", |_| whole(r#"{"choices": []}"#), "sent a reply that cannot be used"),
    ("reports an error in a good reply", |_| whole(r#"{"error": {"message": "out of memory"}}"#), "out of memory"),
];

fn whole(body: &str) -> Vec<Act> {
    vec![Act::Send(response("200 OK", JSON, body.len(), body))]
}

fn refusal(status: &str, headers: &str) -> Vec<Act> {
    vec![Act::Send(response(status, headers, 9, "try later"))]
}

fn unavailable(_: &Value) -> Vec<Act> {
    // Retry-After may be a date, which is not understood and so no reason to wait longer, or to give up.
    refusal("503 Service Unavailable", "retry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n")
}

fn half_written(body: &Value) -> Vec<Act> {
    let body = completion(&judged(body));
    vec![Act::Send(response("200 OK", JSON, body.len(), &body[..body.len() / 2]))]
}

fn short_json(body: &Value) -> Vec<Act> {
    let body = completion(&judged(body));
    // A whole answer but for its last brace: what is there must not be taken for all of it.
    whole(&body[..body.len() - 1])
}

fn inside_an_event(body: &Value) -> Vec<Act> {
    let mut bytes = first_words(&judged(body));
    bytes.extend(br#"data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "st"#);
    vec![Act::Send(bytes)]
}

fn between_chunks(_: &Value) -> Vec<Act> {
    let chunk = "data: {\"choices\": []}\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    vec![Act::Send(format!("{head}{:x}\r\n{chunk}\r\n", chunk.len()).into_bytes())]
}

fn drip(body: &Value) -> Vec<Act> {
    let body = completion(&judged(body));
    let bytes = response("200 OK", JSON, body.len(), &body);
    bytes.chunks(1).flat_map(|byte| [Act::Send(byte.to_vec()), Act::Wait(Duration::from_millis(50))]).collect()
}

fn too_long(_: &Value) -> Vec<Act> {
    // As vLLM says it.
    let body = r#"{"error": {"message": "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens", "code": 400}}"#;
    vec![Act::Send(response("400 Bad Request", JSON, body.len(), body))]
}

/// Runs the same thing for all faults side by side, since most of it is waiting.
fn for_each_fault(faults: &[Fault], check: impl Fn(&Fault) + Sync) {
    std::thread::scope(|scope| {
        let threads: Vec<_> = faults.iter().map(|fault| (fault.0, scope.spawn(|| check(fault)))).collect();
        for (name, thread) in threads {
            assert!(thread.join().is_ok(), "a server that {name}: see above");
        }
    });
}

/// A server that breaks as `fault` says while `broken` holds, and the switch.
fn server(fault: &Fault, broken: impl Fn(u32) -> bool + Send + Sync + 'static) -> (BrokenServer, Arc<AtomicBool>) {
    let (act, switch) = (fault.1, Arc::new(AtomicBool::new(true)));
    let on = switch.clone();
    let server = BrokenServer::new(
        move |body, attempt| {
            if on.load(SeqCst) && broken(attempt) { act(body) } else { answer(&judged(body)) }
        },
    );
    (server, switch)
}

#[test]
fn a_fault_that_passes_leaves_no_trace_in_the_results() {
    for_each_fault(PASSING, |fault @ (name, ..)| {
        let sandbox = Sandbox::default();
        tasks(&sandbox, 3);
        let (server, broken) = server(fault, |attempt| attempt == 1);
        let disturbed = score(&sandbox, "a.run", &server.endpoint(), 2, &[]).expect(0);
        assert_eq!(server.counts(), [2; 6], "a server that {name}: each sample takes two tries");
        broken.store(false, SeqCst);
        let quiet = score(&sandbox, "b.run", &server.endpoint(), 2, &[]).expect(0);
        assert_eq!(written(&sandbox, "a.run", &disturbed), written(&sandbox, "b.run", &quiet), "a server that {name}");
    });
}

#[test]
fn a_fault_that_stays_is_a_counted_failure_of_each_sample_and_can_be_made_good() {
    for_each_fault(PASSING, |fault| stays(fault, 6));
}

#[test]
fn a_refusal_is_never_tried_again() {
    for_each_fault(LASTING, |fault| stays(fault, 1));
}

fn stays(fault @ (name, _, words): &Fault, tries: u32) {
    let sandbox = Sandbox::default();
    tasks(&sandbox, 3);
    let (server, broken) = server(fault, |_| true);
    let failed = score(&sandbox, "a.run", &server.endpoint(), 2, &[]).expect(3);
    assert_eq!(server.counts(), vec![tries; 6], "a server that {name}");
    for row in failed.rows() {
        let counts = (&row["k"], &row["valid"], &row["failures"], &row["scores"]);
        assert_eq!(counts, (&json!(2), &json!(0), &json!({"model_error": 2}), &json!([null, null])), "{name}: {row}");
    }
    let (_, samples) = written(&sandbox, "a.run", &failed);
    for sample in rewarden_tests::rows(&samples) {
        assert_eq!(sample["failure"]["kind"], "model_error");
        let message = sample["failure"]["message"].as_str().unwrap();
        assert!(message.contains(words), "a server that {name}: {message}");
        assert!(sample.get("text").is_none(), "half an answer was kept of a server that {name}: {sample}");
    }
    assert!(failed.stderr().contains("6 model_error, the first: "), "{}", failed.stderr());

    broken.store(false, SeqCst);
    let again = score(&sandbox, "a.run", &server.endpoint(), 2, &["--retry-failed"]).expect(0);
    let never = score(&sandbox, "b.run", &server.endpoint(), 2, &[]).expect(0);
    assert_eq!(written(&sandbox, "a.run", &again), written(&sandbox, "b.run", &never), "a server that {name}");
}

#[test]
fn a_storm_of_429_is_sat_out() {
    let sandbox = Sandbox::default();
    tasks(&sandbox, 12);
    // Three refusals for each of 48 requests, every other one with a time to wait.
    let server = BrokenServer::new(|body, attempt| match (attempt, body["seed"].as_u64().unwrap() % 2) {
        (4.., _) => answer(&judged(body)),
        (_, 0) => refusal("429 Too Many Requests", "retry-after: 1\r\n"),
        _ => refusal("429 Too Many Requests", ""),
    });
    let started = Instant::now();
    let stormy = score(&sandbox, "a.run", &server.endpoint(), 4, &[]).expect(0);
    assert_eq!(server.counts(), [4; 48]);
    // Without a time to wait, pauses of 0.5, 1 and 2 s at least; all 48 wait side by side in three batches of 16.
    assert!((3.5..60.0).contains(&started.elapsed().as_secs_f64()), "{:?}", started.elapsed());
    assert!(stormy.rows().iter().all(|row| row["valid"] == 4 && row["failures"] == json!({})), "{}", stormy.stdout());
}

#[test]
fn a_reply_without_end_is_given_up_before_it_fills_the_memory() {
    let sandbox = Sandbox::default();
    tasks(&sandbox, 1);
    let comment = ": still here\n".repeat(1 << 16);
    let (line, events) = ("x".repeat(1 << 20), "text/event-stream");
    for (number, (kind, piece)) in
        [("application/json", &line), (events, &line), (events, &comment)].into_iter().enumerate()
    {
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {kind}\r\n\r\n").into_bytes();
        let piece = piece.clone().into_bytes();
        let server = BrokenServer::new(move |_, _| {
            let pieces = std::iter::repeat_n(Act::Send(piece.clone()), 100);
            std::iter::once(Act::Send(head.clone())).chain(pieces).chain([Act::Stall]).collect()
        });
        let run = sandbox.run(arguments_with(&format!("{number}.run"), &server.endpoint(), 1, "300"));
        let row = run.expect(3).rows().remove(0);
        assert_eq!(row["failures"], json!({"model_error": 1}), "{row}");
        assert_eq!(server.requests(), 1, "it is not asked again");
    }
}

#[test]
fn a_server_that_dies_in_the_middle_costs_only_what_it_had_not_answered() {
    let sandbox = Sandbox::default();
    tasks(&sandbox, 20);
    let (good, dead) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(true)));
    let server = {
        let (good, dead) = (good.clone(), dead.clone());
        BrokenServer::new(move |body, _| {
            if dead.load(SeqCst) && good.load(SeqCst) >= 30 {
                return refusal("400 Bad Request", "");
            }
            good.fetch_add(1, SeqCst);
            answer(&judged(body))
        })
    };
    let first = score(&sandbox, "a.run", &server.endpoint(), 4, &["--concurrency", "1"]).expect(3);
    let counted: u64 = first.rows().iter().map(|row| row["failures"]["model_error"].as_u64().unwrap_or(0)).sum();
    assert_eq!((good.load(SeqCst), counted), (30, 50));
    dead.store(false, SeqCst);
    let healed = score(&sandbox, "a.run", &server.endpoint(), 4, &["--retry-failed"]).expect(0);
    assert_eq!(good.load(SeqCst), 80, "each sample is answered once, in the first run or in the second");
    let never = score(&sandbox, "b.run", &server.endpoint(), 4, &[]).expect(0);
    assert_eq!(written(&sandbox, "a.run", &healed), written(&sandbox, "b.run", &never));
}
