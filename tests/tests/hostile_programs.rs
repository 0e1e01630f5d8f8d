//! Programs that misbehave, as `score --scorer` runs them: each ends as its table says.
//!
//! The tables are the interpreters' own: `plugins/python/tests/hostile/outcomes.json` and
//! `plugins/javascript/tests/hostile/outcomes.toml`.

use std::path::{Path, PathBuf};

use rewarden_tests::{Sandbox, dist, interpreter};
use serde::Deserialize;
use serde_json::json;

/// What must become of a program.
struct Outcome {
    /// Any of them is right: which limit comes first depends on the interpreter's build.
    kinds: Vec<String>,
    /// What the failure says, or the log.
    says: Option<String>,
    log: Option<String>,
    scores: Option<Vec<f64>>,
    responses: Vec<String>,
}

fn hostile(interpreter: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/{interpreter}/tests/hostile"))
}

/// Scores a task by the program under this name, and compares what became of it.
fn check(directory: &Path, file: &str, name: &str, outcome: &Outcome) {
    let sandbox = Sandbox::default();
    let source = std::fs::read(directory.join(file)).unwrap();
    sandbox.write(name, source);
    let task = json!({"id": "a", "prompt": "?", "responses": outcome.responses, "reference": "4"});
    sandbox.write("tasks.jsonl", format!("{task}\n"));
    let mut command = sandbox.rewarden();
    command.env("REWARDEN_PACK_PATH", dist().join("packs")).args(["score", "tasks.jsonl", "--format", "jsonl", "-v"]);
    let output = command.args(["--scorer", name]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let row = String::from_utf8_lossy(&output.stdout).lines().next().map(|row| rewarden_tests::rows(row).remove(0));
    let (kind, message) = match &row {
        None if stderr.contains("used up its") => ("fuel-at-load", stderr.to_string()),
        None => ("config-error", stderr.to_string()),
        Some(row) => match row["error"]["message"].as_str() {
            None => ("scores", String::new()),
            Some(message) => (kind_of(message), message.to_owned()),
        },
    };
    assert!(outcome.kinds.iter().any(|expected| expected == kind), "{file}: {kind}: {message:.600}");
    assert!(message.len() < 3000 || row.is_none(), "{file}: {} bytes of message", message.len());
    if let Some(says) = &outcome.says {
        assert!(message.contains(says), "{file}: {message:.600}");
    }
    if let Some(log) = &outcome.log {
        assert!(stderr.contains(log), "{file}: {stderr:.600}");
    }
    if let Some(scores) = &outcome.scores {
        assert_eq!(row.unwrap()["scores"], json!(scores), "{file}");
    }
}

fn kind_of(message: &str) -> &'static str {
    let kinds = [
        ("units of fuel", "fuel"),
        ("bytes of memory, ", "memory"),
        ("of processor time allowed", "time"),
        ("trapped: ", "trap"),
    ];
    kinds.into_iter().find(|(words, _)| message.contains(words)).map_or("other", |(_, kind)| kind)
}

#[derive(Deserialize)]
struct PythonOutcome {
    kinds: Vec<String>,
    says: Option<String>,
    log: Option<String>,
    scores: Option<Vec<f64>>,
    responses: Option<Vec<String>>,
}

#[test]
fn hostile_programs_in_python_end_as_their_table_says() {
    if interpreter("python").is_none() {
        return;
    }
    let directory = hostile("python");
    let table = std::fs::read_to_string(directory.join("outcomes.json")).unwrap();
    let table: std::collections::BTreeMap<String, PythonOutcome> = serde_json::from_str(&table).unwrap();
    assert!(table.len() >= 20);
    for (file, PythonOutcome { kinds, says, log, scores, responses }) in table {
        let responses = responses.unwrap_or_else(|| vec!["4".to_owned(), "no".to_owned()]);
        check(&directory, &file, &file, &Outcome { kinds, says, log, scores, responses });
    }
}

#[derive(Deserialize)]
struct JavaScriptOutcomes {
    case: Vec<JavaScriptOutcome>,
}

#[derive(Deserialize)]
struct JavaScriptOutcome {
    file: String,
    outcome: String,
    says: Option<String>,
    scores: Option<Vec<f64>>,
}

#[test]
fn hostile_programs_in_javascript_end_as_their_table_says() {
    if interpreter("javascript").is_none() {
        return;
    }
    let directory = hostile("javascript");
    let table = std::fs::read_to_string(directory.join("outcomes.toml")).unwrap();
    let JavaScriptOutcomes { case } = toml::from_str(&table).unwrap();
    assert!(case.len() >= 20);
    for JavaScriptOutcome { file, outcome, says, scores } in case {
        // This host ends a call by its limit where another answers the failed growth.
        let kinds = if outcome == "refusal" { vec!["other".to_owned()] } else { vec![outcome] };
        let responses = vec!["x".to_owned(), "y".to_owned()];
        check(&directory, &file, "reward.js", &Outcome { kinds, says, log: None, scores, responses });
    }
}
