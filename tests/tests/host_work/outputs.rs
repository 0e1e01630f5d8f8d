//! What commands write: nothing over what they read, nothing lost without a word.

use std::fs::OpenOptions;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use rewarden_tests::{Sandbox, pack};

/// A closed run of one task that was judged by rule.
fn scored() -> Sandbox {
    let sandbox = Sandbox::default();
    let task =
        r#"{"id": "t", "prompt": "2+2?", "responses": ["\\boxed{4}", "\\boxed{5}"], "reference": "4", "preferred": 0}"#;
    sandbox.write("tasks.jsonl", format!("{task}\n"));
    let boxed = pack("boxed-answer");
    let boxed = boxed.to_str().unwrap();
    sandbox.run(["score", "tasks.jsonl", "--run", "a.run", "--pack", boxed, "--quiet"]).expect(0);
    sandbox
}

#[test]
fn no_output_takes_the_place_of_what_is_read_or_of_another_output() {
    let sandbox = scored();
    let at = |name: &str| sandbox.path().join(name);
    symlink(at("a.run"), at("link")).unwrap();
    std::fs::hard_link(at("a.run"), at("other-name")).unwrap();
    let before = std::fs::read(at("a.run")).unwrap();
    let boxed = pack("boxed-answer");
    let boxed = boxed.to_str().unwrap();
    for name in ["a.run", "./a.run", "link", "other-name"] {
        let commands: [&[&str]; 5] = [
            &["export", "a.run", "--out", name],
            &["report", "a.run", "--out", name],
            &["replay", "a.run", "--out", name],
            &["replay", "a.run", "--out", "rows", "--samples", name],
            &["score", "tasks.jsonl", "--run", "a.run", "--pack", boxed, "--out", name],
        ];
        for command in commands {
            let told = sandbox.run(command).expect(1).stderr();
            assert!(told.contains("is the file that"), "{command:?}: {told}");
            assert_eq!(std::fs::read(at("a.run")).unwrap(), before, "{command:?}");
        }
    }
    let twice = ["score", "tasks.jsonl", "--pack", boxed, "--out", "x", "--samples", "./x"];
    let told = sandbox.run(twice).expect(1).stderr();
    assert!(told.contains("--samples ./x is the file that --out writes to"), "{told}");
    let told = sandbox.run(["score", "tasks.jsonl", "--pack", boxed, "--run", "nope/x.run"]).expect(1).stderr();
    assert!(told.contains("--run nope/x.run: there is no directory nope; make it first"), "{told}");
}

#[test]
fn a_device_or_a_link_stays_what_it_is_when_a_report_goes_there() {
    let sandbox = scored();
    symlink("/dev/null", sandbox.path().join("null")).unwrap();
    sandbox.run(["report", "a.run", "--out", "null", "--format", "html"]).expect(0);
    assert!(!std::path::Path::new("/dev/null").is_file());
    symlink("page.html", sandbox.path().join("latest.html")).unwrap();
    sandbox.run(["report", "a.run", "--out", "latest.html"]).expect(0);
    assert!(sandbox.path().join("latest.html").is_symlink());
}

#[test]
fn what_cannot_be_written_to_standard_output_is_an_error_of_every_command() {
    let sandbox = scored();
    let boxed = pack("boxed-answer");
    let boxed = boxed.to_str().unwrap();
    let commands: [&[&str]; 7] = [
        &["verify", "a.run"],
        &["eval", "a.run"],
        &["export", "a.run"],
        &["inspect", boxed],
        &["pack", "test", boxed],
        &["config"],
        &["completions", "bash"],
    ];
    for command in commands {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = sandbox.rewarden().args(command).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {told}");
        assert!(told.contains("No space left on device"), "{command:?}: {told}");
    }
}

#[test]
fn a_run_that_was_never_closed_says_so_whoever_reads_it() {
    let sandbox = scored();
    let connection = rusqlite::Connection::open(sandbox.path().join("a.run")).unwrap();
    // As the run is while it is written, and after its process was killed.
    connection.execute_batch("DELETE FROM run WHERE key = 'digest'").unwrap();
    drop(connection);
    let commands: [&[&str]; 3] =
        [&["eval", "a.run"], &["export", "a.run", "--out", "rows.jsonl"], &["report", "a.run", "--out", "page.html"]];
    for command in commands {
        let told = sandbox.run(command).expect(0).stderr();
        assert!(told.contains("a.run was never closed"), "{command:?}: {told}");
        assert!(told.contains("0 of its 1 tasks have no end"), "{command:?}: {told}");
    }
}

#[test]
fn a_command_that_is_refused_its_run_leaves_the_outputs_of_the_one_that_has_it() {
    let sandbox = scored();
    sandbox.write("rows.jsonl", "the rows of another process\n");
    // The run is of another seed, as it is of another process while that writes it.
    let boxed = pack("boxed-answer");
    let score = ["score", "tasks.jsonl", "--run", "a.run", "--pack", boxed.to_str().unwrap(), "--out", "rows.jsonl"];
    let told = sandbox.run(score.iter().chain(&["--seed", "77"])).expect(1).stderr();
    assert!(told.contains("seed"), "{told}");
    let kept = std::fs::read_to_string(sandbox.path().join("rows.jsonl")).unwrap();
    assert_eq!(kept, "the rows of another process\n");
}

#[test]
fn two_rows_of_an_import_with_one_id_and_different_tasks_are_refused() {
    let sandbox = Sandbox::default();
    let row = |prompt: &str| serde_json::json!({"id": "a", "prompt": prompt, "responses": ["x", "y"], "samples": [{"text": "fine"}]});
    sandbox.write("log.jsonl", format!("{}\n{}\n{}\n", row("one"), row("one"), row("two")));
    let told = sandbox.run(["import", "log.jsonl", "--run", "b.run"]).expect(1).stderr();
    assert!(told.contains("log.jsonl: row 3") && told.contains("give one of them another id"), "{told}");
}

#[test]
fn a_component_that_was_changed_in_a_closed_run_is_refused_by_every_command() {
    let sandbox = scored();
    let connection = rusqlite::Connection::open(sandbox.path().join("a.run")).unwrap();
    connection.execute_batch("UPDATE components SET wasm = x'00'").unwrap();
    drop(connection);
    let boxed = pack("boxed-answer");
    let commands: [&[&str]; 5] = [
        &["verify", "a.run"],
        &["export", "a.run"],
        &["eval", "a.run"],
        &["replay", "a.run"],
        &["score", "tasks.jsonl", "--run", "a.run", "--pack", boxed.to_str().unwrap()],
    ];
    for command in commands {
        let ran = sandbox.run(command).expect(1);
        let told = ran.stdout() + &ran.stderr();
        assert!(told.contains("component"), "{command:?}: {told}");
    }
}

#[test]
fn what_clap_quotes_moves_no_terminal() {
    let sandbox = Sandbox::default();
    let output = sandbox.rewarden().args(["score", "x", "--k\u{1b}[2J\u{202e}"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!told.contains(['\u{1b}', '\u{202e}']) && told.contains("\\u{202e}"), "{told:?}");
}
