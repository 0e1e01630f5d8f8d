//! Plugins that are programs: a reward function in Python or JavaScript is scored with as it is, alone or in a pack.

use std::process::Command;

use rewarden_tests::{Sandbox, dist, interpreter, python::said};
use serde_json::{Value, json};

const REWARD: &str = r#"
import re

def accuracy(response, reference, *, credit: float = 1.0) -> float:
    """1 where the last number of the response is the reference."""
    numbers = re.findall(r"-?\d+", response)
    print("looked at", response)
    return credit if numbers and numbers[-1] == reference else 0.0

def brevity(response):
    return 1 / (1 + len(response.split()))
"#;

const TASKS: &str = r#"{"id": "a", "prompt": "2+2?", "responses": ["It is 4", "5"], "reference": "4"}
{"id": "b", "prompt": "3+3?", "responses": ["6", "no idea"], "reference": "6"}
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::default();
    sandbox.write("reward.py", REWARD);
    sandbox.write("tasks.jsonl", TASKS);
    sandbox
}

/// The binary with the bundled components and interpreters.
fn rewarden(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.rewarden();
    command.env("REWARDEN_PACK_PATH", dist().join("packs")).args(arguments);
    command
}

fn rows(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
    let base = ["score", "tasks.jsonl", "--format", "jsonl"];
    let arguments: Vec<&str> = base.iter().chain(arguments).copied().collect();
    rewarden_tests::rows(&said(&mut rewarden(sandbox, &arguments)).unwrap())
}

fn scores(rows: &[Value]) -> Vec<Value> {
    rows.iter().map(|row| row["scores"].clone()).collect()
}

fn refused(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let output = rewarden(sandbox, arguments).output().unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_reward_function_scores_as_it_is_and_several_are_added_up() {
    if interpreter("python").is_none() {
        return;
    }
    let sandbox = sandbox();
    let of_one = rows(&sandbox, &["--scorer", "reward.py:accuracy"]);
    assert_eq!(scores(&of_one), [json!([1.0, 0.0]), json!([1.0, 0.0])]);
    let of_both = rows(&sandbox, &["--scorer", "reward.py:accuracy", "--scorer", "reward.py:brevity"]);
    assert_eq!(scores(&of_both), [json!([1.25, 0.5]), json!([1.5, 1.0 / 3.0])]);
    let processes = rows(&sandbox, &["--scorer", "reward.py:accuracy", "--isolate", "process"]);
    assert_eq!(scores(&processes), scores(&of_one));
}

#[test]
fn options_of_the_function_are_settings_and_what_it_does_not_take_is_refused_by_name() {
    if interpreter("python").is_none() {
        return;
    }
    let sandbox = sandbox();
    let scorer = ["--scorer", "reward.py:accuracy"];
    let half = rows(&sandbox, &[&scorer[..], &["--set", "scorers.accuracy.credit=0.5"]].concat());
    assert_eq!(scores(&half), [json!([0.5, 0.0]), json!([0.5, 0.0])]);
    let base = ["score", "tasks.jsonl"];
    for (setting, expected) in [("scorers.accuracy.credit=high", "credit"), ("scorers.accuracy.credt=1", "credt")] {
        let told = refused(&sandbox, &[&base[..], &scorer[..], &["--set", setting]].concat());
        assert!(told.contains(expected) && told.lines().count() < 8, "{told}");
    }
}

#[test]
fn a_run_of_a_program_is_replayed_and_verified_without_its_file() {
    if interpreter("python").is_none() {
        return;
    }
    let sandbox = sandbox();
    let scored = rows(&sandbox, &["--scorer", "reward.py:accuracy", "--run", "a.run"]);
    std::fs::remove_file(sandbox.path().join("reward.py")).unwrap();
    // Neither the file nor the interpreter is looked for: the run holds both.
    let replayed = sandbox.run(["replay", "a.run"]).expect(0).rows();
    assert_eq!(scores(&replayed), scores(&scored));
    sandbox.run(["verify", "a.run"]).expect(0);
    let size = std::fs::metadata(sandbox.path().join("a.run")).unwrap().len();
    let interpreter = std::fs::metadata(dist().join("runtimes/python.wasm")).unwrap().len();
    assert!(size < interpreter / 2, "{size} bytes with an interpreter of {interpreter}");
}

#[test]
fn a_pack_of_a_program_is_started_tested_checked_and_locked() {
    if interpreter("python").is_none() {
        return;
    }
    let sandbox = sandbox();
    let run = |arguments: &[&str]| said(&mut rewarden(&sandbox, arguments)).unwrap();
    run(&["pack", "new", "mine", "--kind", "pack", "--from", "reward.py:accuracy"]);
    sandbox.write(
        "mine/tests/cases.toml",
        "[[score]]\nname = \"right\"\ntask = { prompt = \"2+2?\", responses = [\"4\", \"5\"], reference = \"4\" }\nscores = [1, 0]\n",
    );
    run(&["pack", "test", "mine"]);
    run(&["pack", "check", "mine", "--cases", "20"]);
    let locked = run(&["pack", "lock", "mine"]);
    assert!(locked.contains("reward.py") && locked.contains("(interpreter python)"), "{locked}");
    assert_eq!(rows(&sandbox, &["--pack", "mine"]).len(), 2);
    let inspected = run(&["inspect", "mine"]);
    assert!(inspected.contains("1 where the last number of the response is the reference."), "{inspected}");

    sandbox.write("mine/reward.py", REWARD.replace("0.0", "0.1"));
    let told = refused(&sandbox, &["score", "tasks.jsonl", "--pack", "mine"]);
    assert!(told.contains("pack.lock: expected reward.py with sha256:"), "{told}");
}

#[test]
fn what_cannot_be_run_is_told_by_file_and_line_before_anything_is_scored() {
    if interpreter("python").is_none() {
        return;
    }
    let sandbox = sandbox();
    for (file, source, expected) in [
        ("syntax.py", "def reward(response:\n    return 1\n", &["syntax.py", "SyntaxError"][..]),
        (
            "raises.py",
            "def reward(response):\n    return 1\n\nraise ValueError('broken')\n",
            &["raises.py:4", "ValueError: broken"],
        ),
        ("none.py", "x = 1\n", &["none.py"]),
        ("missing.py", "import numpy\ndef reward(response):\n    return 1\n", &["numpy"]),
        ("other.rb", "1", &["expected a file whose name ends in .py"]),
    ] {
        sandbox.write(file, source);
        let told = refused(&sandbox, &["score", "tasks.jsonl", "--scorer", file]);
        assert!(expected.iter().all(|part| told.contains(part)) && !told.contains("wasm trap"), "{file}: {told}");
    }
    let none = refused(&sandbox, &["score", "tasks.jsonl", "--scorer", "gone.py"]);
    assert!(none.contains("gone.py"), "{none}");
    sandbox.write("reward.py", REWARD);
    let elsewhere = ["score", "tasks.jsonl", "--scorer", "reward.py:accuracy", "--runtimes", "elsewhere"];
    let told = refused(&sandbox, &elsewhere);
    assert!(
        told.contains("there is no python.wasm in elsewhere; build the interpreters with `cargo xtask runtimes`"),
        "{told}"
    );
}

#[test]
fn a_program_that_fails_on_a_task_fails_that_task_with_its_traceback_and_no_other() {
    if interpreter("python").is_none() {
        return;
    }
    let sandbox = sandbox();
    sandbox.write("fails.py", "def reward(response, reference):\n    return 1 / (len(response) - 7)\n");
    let arguments = ["score", "tasks.jsonl", "--format", "jsonl", "--scorer", "fails.py"];
    let output = rewarden(&sandbox, &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let rows = rewarden_tests::rows(&String::from_utf8(output.stdout).unwrap());
    let error = rows[0]["error"].to_string();
    assert!(error.contains("ZeroDivisionError") && error.contains("fails.py:2"), "{error}");
    assert_eq!(rows[0]["scores"], Value::Null);
    assert!(rows[1]["scores"].is_null(), "`no idea` has seven characters too: {}", rows[1]);
}
