//! Task files, imported tables, labels, and text that reaches a terminal.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rewarden_tests::{ModelServer, Sandbox, pack};
use serde_json::json;

/// What moves a cursor, turns a line around or hides, in one text.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}1m\u{202e}b\u{2066}\u{200b}c\u{e0041}\r\nforged: 1.0";

fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
}

/// Asserts that a text for people holds nothing that a terminal obeys.
fn assert_plain(what: &str, text: &str) {
    let found: Vec<char> = text.chars().filter(|c| is_obeyed(*c)).collect();
    assert!(found.is_empty(), "{what} prints {found:?}:\n{}", text.escape_debug());
}

fn boxed() -> String {
    pack("boxed-answer").display().to_string()
}

#[test]
fn a_line_that_is_too_long_is_told_by_its_number_without_being_held() {
    let sandbox = Sandbox::default();
    let good = json!({"id": "a", "prompt": "2+2?", "responses": ["\\boxed{4}"], "reference": "4"});
    let mut file = std::fs::File::create(sandbox.path().join("tasks.jsonl")).unwrap();
    writeln!(file, "{good}").unwrap();
    file.write_all(b"{\"id\": \"b\", \"prompt\": \"").unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    for _ in 0..300 {
        file.write_all(&megabyte).unwrap();
    }
    writeln!(file, "\"}}\n{}", json!({"id": "c", "prompt": "2+2?", "responses": ["\\boxed{4}"], "reference": "4"}))
        .unwrap();
    drop(file);
    let run = sandbox.run(["score", "tasks.jsonl", "--pack", &boxed(), "--format", "jsonl"]).expect(3);
    let rows = run.rows();
    assert_eq!(rows.iter().map(|row| row["line"].as_u64()).collect::<Vec<_>>(), [None, Some(2), None]);
    let message = rows[1]["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("expected a row of at most 67108864 bytes, found 3145728"), "{message}");
    assert_eq!(rows[2]["scores"], json!([0.9]));
}

#[test]
fn a_key_that_is_there_twice_is_refused_wherever_rows_come_from() {
    let sandbox = Sandbox::default();
    let rows = [
        r#"{"id": "a", "prompt": "2+2?", "responses": ["4"], "reference": "4", "reference": "5"}"#,
        r#"{"id": "b", "prompt": "2+2?", "responses": ["4"], "metadata": {"k": {"x": 1, "x": 2}}}"#,
    ];
    sandbox.write("tasks.jsonl", rows.join("\n"));
    let run = sandbox.run(["score", "tasks.jsonl", "--pack", &boxed(), "--format", "jsonl"]).expect(3);
    for (row, key) in run.rows().iter().zip(["reference", "x"]) {
        let message = row["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("expected a JSON object: the key `{key}` is there twice at line 1")),
            "{message}"
        );
    }
    sandbox.write(
        "samples.jsonl",
        r#"{"id": "a", "prompt": "q", "responses": ["r"], "text": "1", "text": "2", "order": [0]}"#,
    );
    let run = sandbox.run(["import", "samples.jsonl", "--run", "a.run"]);
    assert_ne!(run.status(), 0);
    assert!(run.stderr().contains("the key `text` is there twice"), "{}", run.stderr());
}

#[test]
fn no_text_of_a_task_a_server_or_a_subset_moves_the_terminal() {
    let sandbox = Sandbox::default();
    let task = json!({
        "id": HOSTILE, "prompt": HOSTILE, "responses": [HOSTILE, "5"], "reference": "4", "preferred": 0, "subset": HOSTILE,
    });
    sandbox.write("tasks.jsonl", format!("{task}\n"));
    let run = sandbox.run(["score", "tasks.jsonl", "--pack", &boxed(), "--format", "table", "--run", "a.run"]);
    assert!(run.stdout().contains("\\u{202e}"), "{}", run.stdout());
    assert!(!run.stdout().lines().any(|line| line.starts_with("forged")), "{}", run.stdout());
    assert_plain("score", &run.stdout());
    assert_plain("score's summary", &run.stderr());

    let eval = sandbox.run(["eval", "a.run", "--by", "subset"]).expect(0);
    assert!(eval.stdout().contains("\\u{202e}"), "{}", eval.stdout());
    assert!(!eval.stdout().lines().any(|line| line.trim_start().starts_with("forged")), "{}", eval.stdout());
    assert_plain("eval", &eval.stdout());
    let replay = sandbox.run(["replay", "a.run", "--diff"]);
    assert_plain("replay", &replay.stderr());

    let server = ModelServer::new(|_| format!("\\boxed{{7, 8}} {HOSTILE}"));
    let rows = [task.clone()];
    let judged =
        sandbox.score(&server, &rows, &["--pack", pack("spct-vote").to_str().unwrap(), "--set", "policy.k=1", "-v"]);
    assert_plain("score with a model", &judged.stderr());
    let sql = "update rewards set scores = '[7.0, 1.0]', used = '[0, 9]'";
    let edited = Command::new("python3")
        .args([
            "-c",
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()",
            "a.run",
            sql,
        ])
        .current_dir(sandbox.path())
        .status()
        .unwrap();
    assert!(edited.success());
    let verify = sandbox.run(["verify", "a.run"]);
    assert_ne!(verify.status(), 0);
    assert_plain("verify", &format!("{}{}", verify.stdout(), verify.stderr()));

    sandbox.write("hostile.jsonl", format!("{{\"{}\": 1}}\n", HOSTILE.escape_default()));
    for arguments in [vec!["inspect", HOSTILE], vec!["score", HOSTILE, "--pack", HOSTILE], vec!["verify", HOSTILE]] {
        let run = sandbox.run(&arguments);
        assert_ne!(run.status(), 0);
        assert!(!run.stderr().lines().any(|line| line.starts_with("forged")), "{}", run.stderr());
        assert_plain(arguments[0], &run.stderr());
    }
}

#[test]
fn a_terminal_that_says_it_has_no_columns_gets_lines_and_not_letters() {
    let sandbox = Sandbox::default();
    let task = json!({"id": "a", "prompt": "2+2?", "responses": ["\\boxed{4}"], "reference": "4"});
    sandbox.write("tasks.jsonl", format!("{task}\n"));
    // A fresh pseudo terminal has no rows and no columns.
    let script = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let command = sandbox.rewarden();
    let binary = command.get_program().to_owned();
    let mut terminal = Command::new("python3");
    terminal.args(["-c", script]).arg(binary).args(["score", "tasks.jsonl", "--pack", &boxed()]).env_clear();
    for (name, value) in command.get_envs() {
        terminal.env(name, value.unwrap_or_default());
    }
    let output = terminal.current_dir(sandbox.path()).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    assert!(text.lines().any(|line| line.contains("samples") && line.contains("0")), "{text}");
    let letters = text.lines().filter(|line| line.trim().chars().count() == 1).count();
    assert!(letters < 3, "{text}");
}

#[test]
fn an_id_of_any_kind_comes_back_as_it_was_written_and_no_integer_is_rounded() {
    let sandbox = Sandbox::default();
    let ids = ["123456789012345678901234567890", "18446744073709551615", "1.50", "1e30", "true", "[1, 2]"];
    let row = |id: &str| {
        format!(
            r#"{{"id": {id}, "prompt": "2+2?", "responses": ["\\boxed{{4}}"], "reference": "4", "n": [1, 18446744073709551616]}}"#
        )
    };
    sandbox.write("tasks.jsonl", ids.map(row).join("\n"));
    let run =
        sandbox.run(["score", "tasks.jsonl", "--pack", &boxed(), "--format", "jsonl", "--run", "a.run"]).expect(0);
    let written: Vec<_> = run.rows().iter().map(|row| (row["id"].clone(), row["scores"].clone())).collect();
    assert_eq!(written, ids.map(|id| (json!(id), json!([0.9]))));
    sandbox.run(["verify", "a.run"]).expect(0);
    sandbox.write(
        "log.jsonl",
        r#"{"id": 123456789012345678901234567890, "prompt": "q", "responses": ["a"], "samples": [{"text": "1"}]}"#,
    );
    sandbox.run(["import", "log.jsonl", "--run", "log.run", "--quiet"]).expect(0);
}

#[test]
fn of_several_references_any_one_counts_in_score_verify_and_replay() {
    let sandbox = Sandbox::default();
    let rows = [
        json!({"id": "list", "prompt": "2+2?", "responses": ["\\boxed{4}", "\\boxed{four}", "\\boxed{5}"], "reference": ["4", "four"]}),
        json!({"id": "object", "prompt": "2+2?", "responses": ["\\boxed{4}", "\\boxed{5}"], "reference": {"target": [4]}}),
        json!({"id": "none", "prompt": "2+2?", "responses": ["\\boxed{4}"], "reference": [null]}),
        json!({"id": "unread", "prompt": "2+2?", "responses": ["\\boxed{4}"], "reference": {"inputs": []}}),
    ];
    sandbox.write("tasks.jsonl", rows.map(|row| row.to_string()).join("\n"));
    let run =
        sandbox.run(["score", "tasks.jsonl", "--pack", &boxed(), "--format", "jsonl", "--run", "a.run"]).expect(3);
    let scored = run.rows();
    assert_eq!(
        scored[0]["scores"].as_array().unwrap()[2].as_f64(),
        scored[1]["scores"].as_array().unwrap()[1].as_f64()
    );
    assert_eq!(scored[0]["scores"][0], scored[0]["scores"][1]);
    assert_eq!((&scored[0]["scores"][0], &scored[1]["scores"][0]), (&json!(0.9), &json!(0.9)));
    // Without a reference the scorer has nothing to compare with, and says so; it is no 0.
    assert_eq!((&scored[2]["scores"], &scored[2]["error"]["kind"]), (&json!(null), &json!("scorer")));
    assert_eq!(scored[3]["error"]["field"], "reference");
    sandbox.run(["verify", "a.run"]).expect(0);
    let again = sandbox.run(["replay", "a.run"]).rows();
    assert_eq!(again[0]["scores"], scored[0]["scores"]);
}
