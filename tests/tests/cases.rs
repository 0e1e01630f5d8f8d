//! Small inputs that once came out wrong, each with the outcome that is right. They are not part of this repository: they are
//! looked for in `REWARDEN_DATA`, else in `../shared/data`, and every file of a name below is tried, however many there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rewarden_tests::broken_server::{Act, BrokenServer, answer, response};
use rewarden_tests::http::Reply;
use rewarden_tests::python::or_left_out;
use rewarden_tests::serving::{Serving, rule_pack};
use rewarden_tests::{Run, Sandbox, component, pack, rows};
use serde_json::{Value, json};

#[path = "cases/hostile.rs"]
mod hostile;

/// Beginnings and ends of the names of files, and the test that tries them.
const KINDS: [(&str, &str, &str); 14] = [
    ("maths-", ".jsonl", "rows"),
    ("numeric-", ".jsonl", "rows"),
    ("odd-rows", ".jsonl", "rows and client"),
    ("parts-", ".jsonl", "rows"),
    ("verl-", ".parquet", "rows"),
    ("thinking", ".jsonl", "recorded"),
    ("labels", ".jsonl", "recorded"),
    ("ratings", ".jsonl", "recorded"),
    ("ground-truth-", ".json", "posted"),
    ("parts-", ".json", "posted"),
    ("nemo-", ".json", "posted"),
    ("verl-", ".json", "posted and client"),
    ("trl", ".json", "client"),
    ("max-completion-tokens", ".task.jsonl", "endpoint"),
];

fn directory() -> Option<PathBuf> {
    let data = match std::env::var_os("REWARDEN_DATA") {
        Some(data) => PathBuf::from(data),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
    };
    let cases = data.join("cases");
    if cases.is_dir() {
        return Some(cases);
    }
    eprintln!("SKIPPED: no cases in {}; name their directory in REWARDEN_DATA", cases.display());
    None
}

/// The files of a directory, by name.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn test_of(name: &str) -> Option<&'static str> {
    let kind = KINDS.iter().find(|(start, end, _)| name.starts_with(start) && name.ends_with(end));
    kind.map(|(.., test)| *test)
}

/// The files that a test tries: at least one, or nothing would be tried.
fn files_for(directory: &Path, test: &str) -> Vec<PathBuf> {
    let tried = |path: &PathBuf| test_of(name(path)).is_some_and(|tests| tests.split(" and ").any(|one| one == test));
    let files: Vec<PathBuf> = files(directory).into_iter().filter(tried).collect();
    assert!(!files.is_empty(), "no file for the test of {test} in {}", directory.display());
    files
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_file_of_the_cases_is_of_a_kind_that_is_tried() {
    let Some(directory) = directory() else { return };
    let unknown: Vec<PathBuf> = files(&directory)
        .into_iter()
        .filter(|path| name(path) != "README.md" && test_of(name(path)).is_none())
        .collect();
    assert!(unknown.is_empty(), "nothing tries {unknown:?}");
}

/// A sandbox with the pack `rule`: 1 for a response whose answer is the reference, 0 for others.
fn rule() -> Sandbox {
    let sandbox = Sandbox::default();
    rule_pack(&sandbox.path().join("rule"), "rule", "0.1.0", 1.0);
    sandbox
}

fn scored(sandbox: &Sandbox, file: &Path) -> Run {
    sandbox.run(["score", file.to_str().unwrap(), "--pack", "rule", "--format", "jsonl", "--quiet"])
}

/// Rows with an `expect` get just these scores. Others have an answer in a box, which is right: they are scored 1, or are error
/// rows of their own.
#[test]
fn rows_are_scored_as_they_expect_and_an_odd_one_fails_alone() {
    let Some(directory) = directory() else { return };
    let sandbox = rule();
    let mut wrong = Vec::new();
    for file in files_for(&directory, "rows") {
        let run = scored(&sandbox, &file);
        let rows = run.rows();
        let mut told = |what: String| wrong.push(format!("{}: {what}", name(&file)));
        if file.extension().is_some_and(|extension| extension == "parquet") {
            of_a_table(&file, &run, &mut told);
            continue;
        }
        let lines: Vec<String> = read(&file).lines().map(str::to_owned).collect();
        if rows.len() != lines.len() {
            told(format!("{} rows of {}: {}", rows.len(), lines.len(), run.stderr()));
        }
        for (row, line) in rows.iter().zip(&lines) {
            let scores = row["scores"].as_array();
            let is_right = match serde_json::from_str::<Value>(line).ok().map(|line| line["expect"].clone()) {
                Some(Value::Array(expected)) => {
                    scores.is_some_and(|scores| scores.iter().map(Value::as_f64).eq(expected.iter().map(Value::as_f64)))
                }
                _ => match scores {
                    Some(scores) => scores.iter().all(|score| score == &json!(1.0)),
                    None => row["error"].is_object() && row["id"] != "good",
                },
            };
            if !is_right {
                told(format!("{row}, for {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A table of trainers: each response is right if its box holds the reference. One with pictures is refused, with the column.
fn of_a_table(file: &Path, run: &Run, told: &mut impl FnMut(String)) {
    if name(file).contains("images") {
        if run.status() != 1 || !run.stderr().contains("column `images[].bytes`") {
            told(format!("ended with {}: {}", run.status(), run.stderr()));
        }
        return;
    }
    let rows = run.rows();
    let scores: Vec<&Value> = rows.iter().map(|row| &row["scores"]).collect();
    if scores != [&json!([1.0, 0.0]), &json!([0.0, 1.0])] {
        told(format!("{scores:?}: {}", run.stderr()));
    }
}

/// A right answer is paid, or refused with the field at fault, or flagged: it is never a silent 0.
#[test]
fn what_consumers_post_is_paid_or_flagged_or_refused_by_field() {
    let Some(directory) = directory() else { return };
    let server = Serving::in_sandbox(rule(), &["--pack", "rule"]);
    let post = |path: &str, body: &str| {
        server.client().send("POST", path, &[("content-type", "application/json")], body.as_bytes())
    };
    let mut wrong = Vec::new();
    for file in files_for(&directory, "posted") {
        let body = read(&file);
        // Half of a pair of surrogates is JSON for Python alone.
        let fields = serde_json::from_str::<Value>(&body).unwrap_or(Value::Null);
        let path = match name(&file) {
            name if name.starts_with("nemo-") => "/verify",
            _ if fields["task"].is_object() => "/v1/reward",
            name if name.starts_with("parts-") => "/slime",
            _ => "/verl/compute_score",
        };
        let reply = post(path, &body);
        if !is_paid(path, &reply) && !is_flagged(path, &reply) && !is_refused(&reply, &body) {
            wrong.push(format!("{} at {path}: {} {}", name(&file), reply.status, reply.text()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn is_paid(path: &str, reply: &Reply) -> bool {
    let paid = match (reply.status, path) {
        (200, "/verify") => reply.json()["reward"].clone(),
        (200, "/slime") => reply.json(),
        (200, "/v1/reward") => reply.json()["scores"][0].clone(),
        (200, _) => reply.json()["score"].clone(),
        _ => Value::Null,
    };
    paid == json!(1.0)
}

fn is_flagged(path: &str, reply: &Reply) -> bool {
    reply.status == 200
        && match path {
            "/verify" => reply.json()["instance_config"]["mask_sample"] == json!(true),
            "/verl/compute_score" => reply.json()["rewarden_failed"] == json!(1),
            _ => false,
        }
}

/// Refused with a pointer to a field that the body has.
fn is_refused(reply: &Reply, body: &str) -> bool {
    let document = if (400..500).contains(&reply.status) { reply.json() } else { Value::Null };
    let field = document["pointer"].as_str().and_then(|pointer| pointer.split('/').nth(1));
    field.is_some_and(|field| !field.is_empty() && body.contains(&format!("\"{field}\"")))
}

/// A pack for texts of judges that were recorded: a parser, and the mean of what it reads.
fn reader(parser: &str, config: &str) -> String {
    format!(
        "name = \"reader\"\nversion = \"0.1.0\"\nscale = {{ min = 1, max = 10, integer = true }}\n\
         [template]\ncomponent = \"spct.wasm\"\n[parser]\ncomponent = \"{parser}.wasm\"\nconfig = {config}\n\
         [policy]\ncomponent = \"vote.wasm\"\n"
    )
}

/// A form that is restated, and what was only thought, are no verdicts.
#[test]
fn recorded_judges_are_read_as_they_decided_or_not_at_all() {
    let Some(directory) = directory() else { return };
    let mut wrong = Vec::new();
    for file in files_for(&directory, "recorded") {
        let sandbox = Sandbox::default();
        let spct = pack("spct-vote");
        let pack = match name(&file) {
            name if name.starts_with("thinking") => spct.to_str().unwrap(),
            name if name.starts_with("labels") => {
                sandbox.pack(&reader("choice", r#"{ ties = ["[[C]]"] }"#), &["spct", "choice", "vote"]);
                "./pack"
            }
            _ => {
                sandbox.pack(&reader("rating", "{}"), &["spct", "rating", "vote"]);
                "./pack"
            }
        };
        sandbox.run(["import", file.to_str().unwrap(), "--run", "log.run", "--quiet"]).expect(0);
        let replayed = sandbox.run(["replay", "log.run", "--pack", pack, "--all-samples", "--quiet"]).rows();
        let lines = rows(&read(&file));
        assert_eq!(replayed.len(), lines.len(), "{}", name(&file));
        for (row, line) in replayed.iter().zip(&lines) {
            let scores = row["scores"].as_array().unwrap();
            let is_right = match line["expect"].as_array() {
                Some(expected) => scores.iter().map(Value::as_f64).eq(expected.iter().map(Value::as_f64)),
                None => scores.iter().all(Value::is_null) && row["failures"]["unparsable"] == json!(1),
            };
            if !is_right {
                wrong.push(format!("{}: {scores:?} and {}, for {line}", name(&file), row["failures"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same through `rewarden_client`, which has no dependencies: any Python will do.
#[test]
fn the_python_client_raises_for_no_odd_sample() {
    let Some(directory) = directory() else { return };
    let found = std::process::Command::new("python3").arg("--version").output();
    let python = found.map(|_| "python3").map_err(|error| format!("python3: {error}"));
    let Some(python) = or_left_out("rewarden_client on the cases", python) else { return };
    let server = Serving::in_sandbox(rule(), &["--pack", "rule"]);
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = std::process::Command::new(python);
    command.arg(tests.join("tests/cases/client.py")).arg(format!("http://{}", server.address));
    command.args(files_for(&directory, "client")).env("PYTHONPATH", tests.join("../clients/python/src"));
    let output = command.output().unwrap();
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complaint}");
    for file in files_for(&directory, "client") {
        assert!(said.contains(&format!("checked: {}", name(&file))), "{said}\n{complaint}");
    }
}

/// OpenAI's reasoning models refuse `max_tokens`.
#[test]
fn an_endpoint_that_wants_another_field_for_tokens_is_asked_again() {
    let Some(directory) = directory() else { return };
    let server = BrokenServer::new(|body, _| {
        if body.get("max_tokens").is_none() && body.get("max_completion_tokens").is_some() {
            return answer("Scores: \\boxed{8, 5}");
        }
        let error = json!({"error": {
            "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter",
        }})
        .to_string();
        vec![Act::Send(response("400 Bad Request", "content-type: application/json\r\n", error.len(), &error))]
    });
    let (endpoint, spct) = (server.endpoint(), pack("spct-vote"));
    for file in files_for(&directory, "endpoint") {
        let sandbox = Sandbox::default();
        let arguments = ["score", file.to_str().unwrap(), "--pack", spct.to_str().unwrap(), "--endpoint", &endpoint];
        let more = ["--model", "m", "--format", "jsonl", "--set", "policy.shuffle=none", "--quiet"];
        for row in sandbox.run(arguments.iter().chain(&more)).expect(0).rows() {
            assert_eq!((&row["failures"], &row["best"]), (&json!({}), &json!(0)), "{}: {row}", name(&file));
        }
    }
}

/// What is tried with a file has to notice when it comes out wrong.
#[test]
fn a_wrong_outcome_is_none_of_those_that_are_right() {
    assert!(component("answer-match").is_file());
    let server = Serving::in_sandbox(rule(), &["--pack", "rule"]);
    let body = json!({"data_source": "quiz", "solution_str": "\\boxed{5}", "ground_truth": "4", "extra_info": {"question": "2+2?"}});
    let reply = server.client().post("/verl/compute_score", &body);
    let outcome = (is_paid("/verl/compute_score", &reply), is_flagged("/verl/compute_score", &reply));
    assert_eq!((outcome, is_refused(&reply, &body.to_string())), ((false, false), false), "{}", reply.text());
}
