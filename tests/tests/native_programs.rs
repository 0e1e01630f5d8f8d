//! The same Python file gives the same scores natively (`rewarden-plugin test`) and in the sandbox (`score --scorer`).
//!
//! `REWARDEN_MATHS_PAIRS` (96) says on how many pairs of `answer-match`'s generator math-verify is compared with itself. The fuel that its
//! calls take is printed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rewarden_tests::python::{environment, or_left_out, said};
use rewarden_tests::{Sandbox, dist, interpreter};
use serde_json::{Value, json};

use crate::other_grader::{GRADER, pairs::pairs};

/// Reward functions of TRL's, verl's and OpenRLHF's documentation, carried over, with options.
const EXAMPLES: [(&str, &[&str]); 7] = [
    ("trl_accuracy", &[]),
    ("trl_format", &[]),
    ("trl_length", &["limit=150"]),
    ("verl_gsm8k", &["format_score=0.1"]),
    ("verl_custom", &[]),
    ("openrlhf_reward", &[]),
    ("options", &["tolerance=0.5"]),
];

fn python_sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/python")
}

fn natively(python: &Path, sandbox: &Sandbox, file: &Path, options: &[&str]) -> Vec<Value> {
    let mut command = Command::new(python);
    command.env("PYTHONPATH", python_sources()).args(["-m", "rewarden_plugin.command", "test"]).arg(file);
    command.arg("--tasks").arg(sandbox.path().join("tasks.jsonl"));
    options.iter().for_each(|option| _ = command.args(["--option", option]));
    rewarden_tests::rows(&String::from_utf8(command.output().unwrap().stdout).unwrap())
}

fn in_the_sandbox(sandbox: &Sandbox, file: &Path, options: &[&str]) -> Vec<Value> {
    let mut command = sandbox.rewarden();
    command.env("REWARDEN_PACK_PATH", dist().join("packs"));
    command.args(["score", "tasks.jsonl", "--format", "jsonl", "--quiet", "--scorer"]).arg(file);
    let name = file.file_stem().unwrap().to_string_lossy();
    options.iter().for_each(|option| _ = command.args(["--set", &format!("scorers.{name}.{option}")]));
    rewarden_tests::rows(&String::from_utf8(command.output().unwrap().stdout).unwrap())
}

#[test]
fn examples_of_trainers_give_the_same_scores_for_500_generated_responses() {
    if interpreter("python").is_none() {
        return;
    }
    let sandbox = Sandbox::default();
    let generate =
        "import json\nfrom generated import tasks\nfor task in tasks(125, 4, seed=11): print(json.dumps(task))";
    let mut generated = Command::new("python3");
    generated.env("PYTHONPATH", python_sources().join("tests")).args(["-c", generate]);
    sandbox.write("tasks.jsonl", said(&mut generated).unwrap());
    for (name, options) in EXAMPLES {
        let file = python_sources().join(format!("examples/{name}.py"));
        let (native, sandboxed) =
            (natively(Path::new("python3"), &sandbox, &file, options), in_the_sandbox(&sandbox, &file, options));
        assert_eq!((native.len(), sandboxed.len()), (125, 125), "{name}");
        let scores = |rows: &[Value]| rows.iter().flat_map(|row| numbers(&row["scores"])).collect::<Vec<_>>();
        let (native, sandboxed) = (scores(&native), scores(&sandboxed));
        assert_eq!(native, sandboxed, "{name}");
        assert_eq!(native.len(), 500, "{name}");
        assert!(native.iter().any(|score| *score != native[0]), "{name}: a comparison of equal numbers shows nothing");
    }
}

/// Scores as numbers, `None` where there is none.
fn numbers(scores: &Value) -> Vec<Option<f64>> {
    scores.as_array().into_iter().flatten().map(Value::as_f64).collect()
}

#[test]
fn math_verify_gives_its_own_verdicts_on_answers_of_every_kind() {
    if interpreter("python-maths").is_none() {
        return;
    }
    let Some(python) = or_left_out(GRADER, environment("grader-venv", &[GRADER])) else { return };
    let wanted = std::env::var("REWARDEN_MATHS_PAIRS").map_or(96, |number| number.parse().unwrap());
    let sandbox = Sandbox::default();
    let mut tasks = String::new();
    let pairs = pairs(wanted, 3);
    for (id, pair) in pairs.iter().enumerate() {
        let responses = [format!("So it is $\\boxed{{{}}}$.", pair.other)];
        let task = json!({"id": id, "prompt": "?", "responses": responses, "reference": pair.one});
        writeln!(tasks, "{task}").unwrap();
    }
    sandbox.write("tasks.jsonl", tasks);
    let file = python_sources().join("examples/maths.py");
    let native = natively(&python, &sandbox, &file, &[]);
    let sandboxed = in_the_sandbox(&sandbox, &file, &[]);
    assert_eq!((native.len(), sandboxed.len()), (pairs.len(), pairs.len()));
    let mut out_of_fuel = Vec::new();
    for ((pair, native), sandboxed) in pairs.iter().zip(&native).zip(&sandboxed) {
        let told = sandboxed["error"]["message"].as_str().unwrap_or_default();
        if told.contains("units of fuel") {
            out_of_fuel.push(format!("{}: {} | {}", pair.kind, pair.one, pair.other));
        } else {
            let kind = (pair.kind, &pair.one, &pair.other, told);
            assert_eq!(numbers(&sandboxed["scores"]), numbers(&native["scores"]), "{kind:?}");
        }
    }
    println!("math-verify in the sandbox: {} pairs, {} out of fuel: {out_of_fuel:?}", pairs.len(), out_of_fuel.len());
    assert!(out_of_fuel.len() * 50 <= pairs.len(), "{out_of_fuel:?}");
}
