//! Principles written from the query alone, once, and critiques under them, end to end.

use std::path::PathBuf;
use std::sync::Mutex;

use rewarden_tests::{ModelServer, Run, Sandbox, component, pack, prompt};
use serde_json::{Value, json};

/// What the model writes when it is asked for principles about a query that holds `topic`.
fn principles_of(topic: &str) -> String {
    format!(
        "1. Right about {topic} (Weight: 70%): the facts on {topic} hold.\n2. Brevity (Weight: 20%): one line.\n3. Tone (Weight: 10%): calm."
    )
}

/// Whether a request is for principles.
fn asks_for_principles(body: &Value) -> bool {
    prompt(body).contains("You set up the criteria")
}

/// A judge that writes principles about the query's own topic, and scores.
fn judge() -> ModelServer {
    ModelServer::new(|body| {
        if asks_for_principles(body) {
            let topic = if prompt(body).contains("otters") { "otters" } else { "badgers" };
            principles_of(topic)
        } else {
            "Analysis: the first is better.\nScores: \\boxed{8, 3}".to_owned()
        }
    })
}

fn asked(server: &ModelServer) -> usize {
    server.requests().iter().filter(|body| asks_for_principles(body)).count()
}

/// Rollouts of one prompt as a trainer sends them: their own ids, responses, references and metadata.
fn tasks(topic: &str, count: usize) -> Vec<Value> {
    let task = |number: usize| {
        json!({"id": format!("{topic}-{number}"), "prompt": format!("Where do {topic} sleep?"),
            "responses": [format!("RESPONSE-A{number}"), format!("RESPONSE-B{number}")],
            "reference": format!("REFERENCE-{number}"), "uid": format!("UID-{number}"), "field": "zoology"})
    };
    (0..count).map(task).collect()
}

fn two_stage() -> String {
    pack("spct-two-stage").to_str().unwrap().to_owned()
}

fn score(sandbox: &Sandbox, server: &ModelServer, rows: &[Value], more: &[&str]) -> Run {
    let pack = two_stage();
    let arguments = ["--pack", &pack, "-k", "3", "--seed", "7", "--set", "policy.shuffle=none"];
    sandbox.score(server, rows, &arguments.iter().chain(more).copied().collect::<Vec<_>>())
}

fn database(sandbox: &Sandbox, run: &str) -> rusqlite::Connection {
    rusqlite::Connection::open(sandbox.path().join(run)).unwrap()
}

#[test]
fn a_query_is_asked_about_once_for_all_its_samples_and_tasks_and_the_critiques_are_under_its_principles() {
    let (sandbox, server) = (Sandbox::default(), judge());
    let rows: Vec<Value> = tasks("otters", 4).into_iter().chain(tasks("badgers", 2)).collect();
    let run = score(&sandbox, &server, &rows, &[]).expect(0);
    assert!(run.rows().iter().all(|row| row["scores"] == json!([24.0, 9.0])), "{}", run.stdout());
    let provenance = &run.rows()[0]["provenance"];
    assert_eq!(provenance["principles"]["name"], "principle-writer");
    assert_eq!(provenance["principles"]["config"]["most"], 5);

    let (asking, judging): (Vec<Value>, Vec<Value>) = server.requests().into_iter().partition(asks_for_principles);
    assert_eq!((asking.len(), judging.len()), (2, 6 * 3), "one for each of two queries, and k samples a task");
    for body in &asking {
        let text = body.to_string();
        assert!(prompt(body).contains("Where do "), "{text}");
        for secret in ["RESPONSE-", "REFERENCE-", "UID-", "zoology"] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
    for body in &judging {
        let (own, other) = match prompt(body).contains("Where do otters sleep?") {
            true => ("otters", "badgers"),
            false => ("badgers", "otters"),
        };
        let line = format!("1. Right about {own} (weight 70): the facts on {own} hold.");
        assert!(prompt(body).contains(&line), "{}", prompt(body));
        assert!(!prompt(body).contains(&format!("Right about {other}")), "{}", prompt(body));
        assert!(!prompt(body).contains("Specific Criteria:"), "the model is not asked for its own: {}", prompt(body));
    }
    assert_ne!(asking[0]["seed"], asking[1]["seed"]);
}

#[test]
fn the_fields_that_a_pack_names_are_part_of_the_query_and_no_others() {
    let (sandbox, server) = (Sandbox::default(), judge());
    copy_pack(&sandbox, |manifest| {
        manifest.replace("config = { least = 3, most = 5 }", "config = { least = 3, most = 5 }\nmetadata = [\"field\"]")
    });
    let mut rows = tasks("otters", 3);
    rows[2]["field"] = json!("law");
    sandbox.score(&server, &rows, &["--pack", "mine", "-k", "1"]).expect(0);
    let asking: Vec<Value> = server.requests().into_iter().filter(asks_for_principles).collect();
    assert_eq!(asking.len(), 2, "two of the three tasks agree in the field");
    let told = |field: &str| asking.iter().any(|body| prompt(body).contains(&format!("- field: {field}")));
    assert!(told("zoology") && told("law"));
    assert!(!asking.iter().any(|body| prompt(body).contains("UID-")));
}

/// The bundled pack under the name `mine`, with its manifest changed.
fn copy_pack(sandbox: &Sandbox, change: impl Fn(String) -> String) -> PathBuf {
    for entry in std::fs::read_dir(pack("spct-two-stage")).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = std::fs::read(entry.path()).unwrap();
        match name.as_str() {
            "pack.toml" => {
                let before = String::from_utf8(bytes).unwrap();
                let after = change(before.clone());
                assert_ne!(before, after, "the change changes nothing");
                sandbox.write("mine/pack.toml", after)
            }
            _ => sandbox.write(&format!("mine/{name}"), bytes),
        };
    }
    sandbox.path().join("mine")
}

#[test]
fn a_run_that_goes_on_does_not_ask_again_and_everything_verifies() {
    let (sandbox, server) = (Sandbox::default(), judge());
    let rows = tasks("otters", 3);
    // A server that dies after the principles and some samples, as a killed process would find it.
    score(&sandbox, &server, &rows[..1], &["--run", "a.run"]).expect(0);
    assert_eq!(asked(&server), 1);
    // What a kill between a sample and the task's end leaves behind.
    let database = database(&sandbox, "a.run");
    // As one whose process was killed: with neither an end nor a seal.
    let killed = "DELETE FROM rewards; DELETE FROM samples WHERE id > 0; DELETE FROM seals; DELETE FROM run WHERE key = 'digest'";
    database.execute_batch(killed).unwrap();
    drop(database);
    score(&sandbox, &server, &rows, &["--run", "a.run"]).expect(0);
    assert_eq!(asked(&server), 1, "the run holds the principles of the query");
    assert_eq!(server.requests().len(), 1 + 3 + 2 + 2 * 3, "and the sample that was drawn");
    let verified = sandbox.run(["verify", "a.run"]).expect(0);
    assert!(verified.stderr().contains("3 tasks, 9 samples: everything came out as recorded"), "{}", verified.stderr());
}

#[test]
fn a_tampered_principle_is_found_in_what_was_read_and_in_every_prompt_under_it() {
    let (sandbox, server) = (Sandbox::default(), judge());
    score(&sandbox, &server, &tasks("otters", 1), &["--run", "a.run"]).expect(0);
    let tampered = |change: &str| {
        std::fs::copy(sandbox.path().join("a.run"), sandbox.path().join("b.run")).unwrap();
        assert_eq!(database(&sandbox, "b.run").execute(change, []).unwrap(), 1);
        sandbox.run(["verify", "b.run"]).expect(1).stdout()
    };
    let read = tampered("UPDATE principles SET principles = replace(principles, 'hold', 'do not matter')");
    assert!(read.contains("task otters-0, principles: recorded"), "{read}");
    assert_eq!(read.matches(", prompt: recorded").count(), 3, "{read}");
    let text = tampered("UPDATE principles SET text = replace(text, 'Tone', 'Flattery')");
    assert!(text.contains("task otters-0, principles: recorded"), "{text}");
    let prompt = tampered("UPDATE principles SET seed = seed + 1");
    assert!(prompt.contains("task otters-0, principles' prompt: recorded"), "{prompt}");
    let query = tampered("UPDATE tasks SET messages = replace(messages, 'otters', 'ferrets')");
    assert!(query.contains("task otters-0, query: recorded"), "{query}");
}

#[test]
fn a_replay_needs_no_model_and_keeps_the_principles_under_another_pack_too() {
    let (sandbox, server) = (Sandbox::default(), judge());
    score(&sandbox, &server, &tasks("otters", 2), &["--run", "a.run"]).expect(0);
    let requests = server.requests().len();
    drop(server);
    let same = sandbox.run(["replay", "a.run", "--run", "b.run", "--out", "b.jsonl"]).expect(0);
    let rows = rewarden_tests::rows(&std::fs::read_to_string(sandbox.path().join("b.jsonl")).unwrap());
    assert_eq!(rows[1]["scores"], json!([24.0, 9.0]), "{}", same.stderr());
    let one_stage = pack("spct-vote");
    let other = ["replay", "a.run", "--pack", one_stage.to_str().unwrap(), "--set", "policy.k=2", "--run", "c.run"];
    sandbox.run(other.iter().chain(&["--out", "c.jsonl"])).expect(0);
    let rows = rewarden_tests::rows(&std::fs::read_to_string(sandbox.path().join("c.jsonl")).unwrap());
    assert_eq!(rows[0]["scores"], json!([16.0, 6.0]));
    assert_eq!(requests, 1 + 2 * 3);
    for run in ["a.run", "b.run", "c.run"] {
        let held: (u32, u32) = database(&sandbox, run)
            .query_row("SELECT (SELECT count(*) FROM principles), (SELECT count(*) FROM queries)", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(held, (1, 2), "{run}");
        sandbox.run(["verify", run]).expect(0);
    }
}

#[test]
fn a_query_without_principles_fails_its_tasks_and_no_other_and_is_never_judged_without_them() {
    let sandbox = Sandbox::default();
    let server = ModelServer::new(|body| match asks_for_principles(body) {
        true if prompt(body).contains("otters") => "I would rather not.".to_owned(),
        true => principles_of("badgers"),
        false => "Analysis: fine.\nScores: \\boxed{8, 3}".to_owned(),
    });
    let rows: Vec<Value> = tasks("otters", 2).into_iter().chain(tasks("badgers", 1)).collect();
    let run = score(&sandbox, &server, &rows, &["--run", "a.run"]).expect(3);
    let results = run.rows();
    for row in &results[..2] {
        assert_eq!((&row["error"]["kind"], &row["scores"], &row["k"]), (&json!("principles"), &Value::Null, &json!(0)));
        let message = row["error"]["message"].as_str().unwrap();
        assert!(message.contains("unparsable (expected a list of principles, found none"), "{message}");
    }
    assert_eq!(results[2]["scores"], json!([24.0, 9.0]));
    assert_eq!(asked(&server), 2, "a failure is shared as principles are");
    sandbox.run(["verify", "a.run"]).expect(0);
    // It would fail again, so it is not asked again.
    score(&sandbox, &server, &rows, &["--run", "a.run", "--retry-failed"]).expect(3);
    assert_eq!(asked(&server), 2);
    let replayed = sandbox.run(["replay", "a.run"]).expect(3).rows();
    assert_eq!(replayed[0]["error"], results[0]["error"]);
}

#[test]
fn principles_that_failed_with_the_model_are_not_kept_and_asked_for_again_when_told_to() {
    let (sandbox, server) = (Sandbox::default(), judge());
    let rows = tasks("otters", 2);
    server.refuse(true);
    let failed = score(&sandbox, &server, &rows, &["--run", "a.run"]).expect(3).rows();
    assert_eq!(failed[0]["error"]["kind"], "principles");
    assert!(failed[0]["error"]["message"].as_str().unwrap().contains("model_error"), "{}", failed[0]);
    let kept = "SELECT count(*) FROM principles";
    assert_eq!(database(&sandbox, "a.run").query_row(kept, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
    sandbox.run(["verify", "a.run"]).expect(0);
    server.refuse(false);
    score(&sandbox, &server, &rows, &["--run", "a.run"]).expect(3);
    assert_eq!(server.requests().len(), 0, "a finished task stays as it is");
    let again = score(&sandbox, &server, &rows, &["--run", "a.run", "--retry-failed"]).expect(0).rows();
    assert!(again.iter().all(|row| row["scores"] == json!([24.0, 9.0])), "{again:?}");
    assert_eq!(asked(&server), 1);
}

#[test]
fn a_writer_that_misbehaves_is_a_failure_of_its_tasks_by_kind() {
    for (mode, call, kind) in [
        ("trap", "ask", "trap"),
        ("panic", "read", "trap"),
        ("loop", "ask", "fuel"),
        ("huge-result", "read", "output_size"),
        ("nan", "read", "not_finite"),
        ("wrong-count", "read", "wrong_count"),
    ] {
        let (sandbox, server) = (Sandbox::default(), judge());
        let stage = "component = \"principle-writer.wasm\"\nconfig = { least = 3, most = 5 }";
        let evil = format!("component = \"evil.wasm\"\nconfig = {{ mode = \"{mode}\", call = \"{call}\" }}");
        copy_pack(&sandbox, |manifest| manifest.replace(stage, &evil));
        std::fs::copy(component("evil"), sandbox.path().join("mine/evil.wasm")).unwrap();
        let row = sandbox.score(&server, &tasks("otters", 1), &["--pack", "mine"]).expect(3).rows().remove(0);
        assert_eq!(row["error"]["kind"], "principles", "{mode}: {row}");
        let message = row["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("the query has no principles: {kind} (")), "{mode}: {message}");
        assert!(server.requests().iter().all(|body| !prompt(body).contains("RESPONSE-")), "{mode}");
    }
}

#[test]
fn settings_reach_the_stage_and_a_pack_without_it_says_so() {
    let (sandbox, server) = (Sandbox::default(), judge());
    let setting = ["--set", "principles.guidance=Think of the animals."];
    score(&sandbox, &server, &tasks("otters", 1), &setting).expect(0);
    assert!(server.requests().iter().any(|body| prompt(body).contains("Think of the animals.")));
    let one_stage = pack("spct-vote");
    let arguments = ["--pack", one_stage.to_str().unwrap(), "--set", "principles.most=4"];
    let refused = sandbox.score(&server, &tasks("otters", 1), &arguments).expect(1);
    assert!(refused.stderr().contains("the pack has no such part"), "{}", refused.stderr());
    let shown = sandbox.run(["inspect", &two_stage()]).expect(0).stdout();
    assert!(shown.contains("[principles]") && shown.contains("principle-writer"), "{shown}");
}

#[test]
fn tasks_that_wait_for_the_same_query_wait_for_one_generation() {
    let sandbox = Sandbox::default();
    let asking = Mutex::new(0_u32);
    // Slow enough for every task to be under way.
    let server = ModelServer::new(move |body| {
        if asks_for_principles(body) {
            *asking.lock().unwrap() += 1;
            std::thread::sleep(std::time::Duration::from_millis(300));
            principles_of("otters")
        } else {
            "Analysis: fine.\nScores: \\boxed{8, 3}".to_owned()
        }
    });
    score(&sandbox, &server, &tasks("otters", 12), &["--concurrency", "12"]).expect(0);
    assert_eq!(asked(&server), 1);
}
