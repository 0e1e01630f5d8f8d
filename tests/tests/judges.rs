//! Several judges in one strategy, and models that are asked in other ways than by a chat.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rewarden_tests::{ModelServer, Sandbox, prompt};
use serde_json::{Value, json};

const JURY: &str = r#"name = "jurors"
version = "0.1.0"
scale = { min = 1, max = 10, integer = true }
[template]
component = "spct.wasm"
[parser]
component = "spct.wasm"
[policy]
component = "jury.wasm"
config = { shuffle = "none" }
[judges.b]
model = { name = "b" }
[judges.c]
model = { name = "c", request = { top_k = 7 } }
sampling = { temperature = 0.25, max_tokens = 99 }
"#;

const TASKS: usize = 300;

fn tasks() -> Vec<Value> {
    let task = |number: usize| json!({"id": format!("t{number}"), "prompt": format!("Question {number}?"), "responses": ["one", "two"], "preferred": 0});
    (0..TASKS).map(task).collect()
}

/// Right with this probability, independently for each judge and question.
fn judge(name: &'static str, accuracy: f64) -> ModelServer {
    ModelServer::new(move |body| said(chance(&format!("{name} {}", question(body))) < accuracy))
}

fn said(right: bool) -> String {
    if right { "Scores: \\boxed{8, 3}" } else { "Scores: \\boxed{3, 8}" }.to_owned()
}

fn question(body: &Value) -> usize {
    prompt(body).split("Question ").nth(1).unwrap().split('?').next().unwrap().parse().unwrap()
}

/// A number from 0 to 1 that depends on the text alone.
fn chance(of: &str) -> f64 {
    let hash = of.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    ((hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 53) as f64
}

fn accuracy(rows: &[Value]) -> f64 {
    rows.iter().filter(|row| row["best"] == 0).count() as f64 / rows.len() as f64
}

fn score(sandbox: &Sandbox, a: &ModelServer, b: &ModelServer, c: &ModelServer, more: &[&str]) -> Vec<Value> {
    let judges = [format!("b={}", b.endpoint()), format!("c={}", c.endpoint())];
    let mut arguments = vec!["--pack", "pack", "--run", "t.run", "--judge", &judges[0], "--judge", &judges[1]];
    arguments.extend(more);
    sandbox.score(a, &tasks(), &arguments).expect(0).rows()
}

#[test]
fn a_jury_is_as_right_as_the_binomial_says_and_each_judge_is_asked_in_its_own_way() {
    let sandbox = Sandbox::default();
    sandbox.pack(JURY, &["spct", "jury"]);
    let (a, b, c) = (judge("a", 0.7), judge("b", 0.7), judge("c", 0.7));
    let rows = score(&sandbox, &a, &b, &c, &[]);
    let (p, n) = (0.7_f64, TASKS as f64);
    let expected = p.powi(3) + 3.0 * p.powi(2) * (1.0 - p);
    let error = (expected * (1.0 - expected) / n).sqrt();
    let found = accuracy(&rows);
    assert!((found - expected).abs() < 4.0 * error, "{found}, expected {expected} ± {error}");
    assert!(
        rows.iter().all(|row| row["details"]["opinions"] == 3.0 && row["confidence"].as_f64().unwrap() >= 2.0 / 3.0)
    );
    let asked = c.requests();
    assert_eq!(asked.len(), TASKS);
    let body = &asked[0];
    assert_eq!((&body["model"], &body["top_k"], &body["temperature"]), (&json!("c"), &json!(7), &json!(0.25)));
    assert_eq!(body["max_tokens"], 99);
    assert_eq!(b.requests()[0].get("top_k"), None);
    let provenance = &rows[0]["provenance"];
    assert_eq!(provenance["judge_models"]["c"]["model"], "c");
    assert_eq!(provenance["judges"][1]["request"]["top_k"], 7);
    let told = sandbox.run(["verify", "t.run"]).expect(0);
    assert!((told.stdout() + &told.stderr()).contains("everything came out as recorded"));
    // Two of the same judges under another rule, from the same samples.
    let replayed = sandbox.run([
        "replay",
        "t.run",
        "--quiet",
        "--set",
        "policy.judges=[\"own\",\"b\"]",
        "--set",
        "policy.aggregate=mean",
    ]);
    assert_eq!(replayed.expect(0).rows()[0]["details"]["judges"], 2.0);
}

#[test]
fn a_judge_that_dies_in_the_middle_costs_its_samples_and_no_task() {
    let sandbox = Sandbox::default();
    sandbox.pack(JURY, &["spct", "jury"]);
    let (a, b, c) = (judge("a", 0.7), judge("b", 0.7), judge("c", 0.7));
    let rows = std::thread::scope(|scope| {
        scope.spawn(|| {
            while c.requests().len() < TASKS / 3 {
                std::thread::yield_now();
            }
            c.refuse(true);
        });
        score(&sandbox, &a, &b, &c, &["--concurrency", "4"])
    });
    let dead: Vec<&Value> = rows.iter().filter(|row| row["failures"]["model_error"] == 1).collect();
    assert!(dead.len() > TASKS / 3 && dead.len() < TASKS, "{}", dead.len());
    for row in &rows {
        assert!(row["error"].is_null() && row["scores"].is_array(), "{row}");
    }
    assert!(dead.iter().all(|row| row["details"]["missing"] == "c" && row["details"]["opinions"] == 2.0));
}

#[test]
fn a_judge_without_a_server_and_one_that_the_pack_lacks_are_told_before_anything_is_asked() {
    let sandbox = Sandbox::default();
    sandbox.pack(JURY, &["spct", "jury"]);
    let a = judge("a", 0.7);
    let refused =
        sandbox.score(&a, &tasks(), &["--pack", "pack", "--judge", "z=http://127.0.0.1:9"]).expect(1).stderr();
    assert!(refused.contains("--judge names `z`, but the pack jurors has the judges b, c"), "{refused}");
    assert!(a.requests().is_empty());
}

const CASCADE: &str = r#"name = "cascading"
version = "0.1.0"
scale = { min = 1, max = 10, integer = true }
[template]
component = "spct.wasm"
[parser]
component = "spct.wasm"
[policy]
component = "cascade.wasm"
config = { k = 4, strong_k = 1, shuffle = "none", level = 1 }
[judges.strong]
model = { name = "strong" }
"#;

#[test]
fn a_cascade_asks_the_strong_judge_only_where_the_cheap_one_is_unsure() {
    let sandbox = Sandbox::default();
    sandbox.pack(CASCADE, &["spct", "cascade"]);
    // Every third question is hard: the cheap judge contradicts itself on it.
    let count = Arc::new(AtomicUsize::new(0));
    let cheap = {
        let count = count.clone();
        ModelServer::new(move |body| {
            let hard = question(body).is_multiple_of(3);
            said(!(hard && count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2)))
        })
    };
    let strong = judge("strong", 1.0);
    let judge = format!("strong={}", strong.endpoint());
    let arguments = ["--pack", "pack", "--judge", &judge, "--concurrency", "1"];
    let rows = sandbox.score(&cheap, &tasks(), &arguments).expect(0).rows();
    let escalated = rows.iter().filter(|row| row["details"]["escalated"] == true).count();
    assert_eq!((escalated, strong.requests().len()), (TASKS / 3, TASKS / 3));
    assert_eq!(accuracy(&rows), 1.0);
}

#[test]
fn a_cascade_is_as_right_as_its_strong_judge_alone_at_a_fraction_of_its_calls() {
    let sandbox = Sandbox::default();
    sandbox.pack(CASCADE, &["spct", "cascade"]);
    // The cheap judge tosses a coin on every third question and knows the others.
    let cheap = ModelServer::new(|body| {
        let known = if question(body).is_multiple_of(3) { 0.5 } else { 0.97 };
        said(chance(&format!("{} {}", question(body), body["seed"])) < known)
    });
    let strong = judge("strong", 0.95);
    let alone = (0..TASKS).filter(|number| chance(&format!("strong {number}")) < 0.95).count() as f64 / TASKS as f64;
    let judge = format!("strong={}", strong.endpoint());
    let rows = sandbox.score(&cheap, &tasks(), &["--pack", "pack", "--judge", &judge]).expect(0).rows();
    let (calls, right) = (strong.requests().len() as f64 / TASKS as f64, accuracy(&rows));
    eprintln!(
        "cascade: {right:.3} right with {calls:.2} calls of the strong judge a task, which alone is right in {alone:.3}"
    );
    // All four agree on 0.97^4 of the known questions, and on an eighth of the others.
    let unsure = 2.0 / 3.0 * (1.0 - 0.97_f64.powi(4) - 0.03_f64.powi(4)) + 1.0 / 3.0 * (1.0 - 2.0 * 0.5_f64.powi(4));
    let error = |share: f64| (share * (1.0 - share) / TASKS as f64).sqrt();
    assert!((calls - unsure).abs() < 4.0 * error(unsure), "{calls} calls, expected {unsure}");
    assert!(right > alone - 3.0 * error(0.05), "{right}, alone {alone}");
}

#[test]
fn judges_see_what_the_others_said_and_the_run_knows_what_was_built_on_what() {
    let manifest = r#"name = "examined"
version = "0.1.0"
scale = { min = 1, max = 10, integer = true }
[template]
component = "spct.wasm"
[parser]
component = "spct.wasm"
[policy]
component = "second-look.wasm"
config = { k = 1, last_k = 1, shuffle = "none" }
[judges.b]
model = { name = "b" }
"#;
    let sandbox = Sandbox::default();
    sandbox.pack(manifest, &["spct", "second-look"]);
    // `a` is wrong at first and follows `b` once it sees what `b` found.
    let a = ModelServer::new(|body| said(prompt(body).contains("response two invents a rule")));
    let b = ModelServer::new(|_| format!("I checked: response two invents a rule. {}", said(true)));
    let judge = format!("b={}", b.endpoint());
    let arguments = ["--pack", "pack", "--judge", &judge, "--run", "t.run", "--samples", "s.jsonl"];
    let rows = sandbox.score(&a, &tasks()[..3], &arguments).expect(0).rows();
    assert_eq!(accuracy(&rows), 1.0);
    assert_eq!((&rows[0]["used"], &rows[0]["details"]["changed"]), (&json!([2, 3]), &json!(2.0)));
    let samples = rewarden_tests::rows(&std::fs::read_to_string(sandbox.path().join("s.jsonl")).unwrap());
    assert_eq!(samples[0].get("built_on"), None);
    assert_eq!((&samples[3]["judge"], &samples[3]["built_on"]), (&json!("b"), &json!([0, 1])));
    let exported = sandbox.run(["export", "t.run", "--what", "samples"]).expect(0).rows();
    assert_eq!((&exported[3]["judge"], &exported[3]["built_on"]), (&json!("b"), &json!([0, 1])));
    let told = sandbox.run(["verify", "t.run"]).expect(0);
    assert!((told.stdout() + &told.stderr()).contains("everything came out as recorded"));
}

#[test]
fn a_scalar_reward_model_is_a_pack() {
    let sandbox = Sandbox::default();
    let manifest = r#"name = "scalar"
version = "0.1.0"
scale = { min = -100, max = 100, integer = false }
[model]
kind = "classify"
[template]
component = "response-turn.wasm"
[parser]
component = "rating.wasm"
[policy]
component = "pointwise.wasm"
"#;
    sandbox.pack(manifest, &["response-turn", "rating", "pointwise"]);
    let server = ModelServer::new(|body| {
        let messages = body["messages"].as_array().unwrap();
        assert_eq!(messages.last().unwrap()["role"], "assistant");
        if prompt(body) == "one" { "2.5" } else { "-15.75" }.to_owned()
    });
    let tasks = [json!({"id": "t", "prompt": "?", "responses": ["one", "two"]})];
    sandbox.write("tasks.jsonl", format!("{}\n", tasks[0]));
    let arguments = ["score", "tasks.jsonl", "--pack", "pack", "--model", "rm", "--format", "jsonl", "--endpoint"];
    let rows = sandbox.run(arguments.iter().copied().chain([server.classifier().as_str()])).expect(0).rows();
    assert_eq!(rows[0]["scores"], json!([2.5, -15.75]));
    assert_eq!(rows[0]["provenance"]["model"]["backend"], "scalar");
}

#[test]
fn a_decision_model_answers_a_rubric_in_one_request_for_each_response() {
    let sandbox = Sandbox::default();
    let manifest = r#"name = "decisions"
version = "0.1.0"
scale = { min = 0, max = 1, integer = false }
[model]
kind = "decision"
[template]
component = "decision.wasm"
[parser]
component = "decision.wasm"
[policy]
component = "rubric-vote.wasm"
config = { pointwise = true }
"#;
    sandbox.pack(manifest, &["decision", "rubric-vote"]);
    let server = ModelServer::new(|body| {
        let good = body["state"].as_str().unwrap().contains("one");
        let questions = body["questions"].as_object().unwrap();
        assert_eq!(questions["rule"]["type"], "noul");
        assert_eq!(questions["tone"]["criteria"], json!(["rude", "civil", "kind"]));
        let tone = if good { json!({"0": 0.0, "1": 0.5, "2": 0.5}) } else { json!({"0": 1.0, "1": 0.0, "2": 0.0}) };
        json!({
            "rule": {"type": "noul", "noul": if good { 0.75 } else { 0.25 }},
            "tone": {"type": "score", "score": 0.0, "confidence": 9.0, "probabilities": tone, "legend": {}},
        })
        .to_string()
    });
    let rubric = json!([{"id": "rule", "text": "Names the rule.", "weight": 3}, {"id": "tone", "text": "Tone.", "levels": ["rude", "civil", "kind"]}]);
    let task = json!({"id": "t", "prompt": "?", "responses": ["one", "two"], "rubric": rubric});
    let rows = sandbox.score(&server, &[task], &["--pack", "pack", "--run", "t.run"]).expect(0).rows();
    assert_eq!(rows[0]["scores"], json!([0.75, 0.1875]));
    assert_eq!(server.requests().len(), 2);
    assert_eq!(rows[0]["provenance"]["model"]["backend"], "decision");
    let told = sandbox.run(["verify", "t.run"]).expect(0);
    assert!((told.stdout() + &told.stderr()).contains("everything came out as recorded"));
}

#[test]
fn a_pack_cannot_send_tasks_to_a_server_of_its_own_choosing_or_change_what_the_host_records() {
    let sandbox = Sandbox::default();
    let a = judge("a", 0.7);
    for (extra, why) in [
        ("[judges.d]\nendpoint = \"http://evil.example\"\n", "unknown field `endpoint`"),
        ("[judges.d.model]\nrequest = { seed = 1 }\n", "which the host writes itself"),
        ("[judges.d.model]\nrequest = { messages = [] }\n", "which the host writes itself"),
    ] {
        sandbox.pack(&format!("{JURY}{extra}"), &["spct", "jury"]);
        let refused = sandbox.score(&a, &tasks(), &["--pack", "pack"]).expect(1).stderr();
        assert!(refused.contains(why), "{refused}");
    }
    assert!(a.requests().is_empty());
}
