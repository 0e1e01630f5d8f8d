//! Configuration schemas that are made to cost, and runs that were edited.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use rewarden_tests::python::{or_left_out, said};
use rewarden_tests::serving::{Serving, rule_pack, tar};
use rewarden_tests::watched::{CLOCK, KIB, watched};
use rewarden_tests::{ModelServer, Sandbox, pack};
use serde_json::json;

#[allow(dead_code, reason = "the table of hostile components needs more of it")]
#[path = "../../../host/runtime/tests/hostile/guest.rs"]
mod guest;

use super::{directory, files, name, read};

/// Runs a script of the cases; `None` without a Python, which is said.
fn written(script: &Path, arguments: &[&str]) -> Option<()> {
    let what = format!("{} of the cases", name(script));
    or_left_out(&what, said(Command::new("python3").arg(script).args(arguments)).map(|_| ()))
}

/// The schemas that are kept, and those that a script writes.
fn schemas(directory: &Path, sandbox: &Sandbox) -> Vec<PathBuf> {
    let folder = directory.join("schemas");
    let of_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut schemas: Vec<PathBuf> = files(&folder).into_iter().filter(of_json).collect();
    let large = sandbox.path().join("large");
    if written(&folder.join("make_large.py"), &[large.to_str().unwrap()]).is_some() {
        schemas.extend(files(&large));
    }
    assert!(!schemas.is_empty());
    schemas
}

fn write_pack(directory: &Path, schema: &str) {
    rule_pack(directory, "rule", "2.0.0", 1.0);
    std::fs::write(directory.join("answer-match.wasm"), guest::Guest::default().schema(schema).build()).unwrap();
}

#[test]
fn a_component_with_such_a_schema_is_refused_by_name_wherever_it_is_loaded() {
    let Some(directory) = directory() else { return };
    let sandbox = Sandbox::default();
    let task = json!({"prompt": "2 + 2?", "responses": ["4"], "reference": "4"});
    sandbox.write("tasks.jsonl", format!("{task}\n"));
    let commands: [&[&str]; 3] = [
        &["inspect", "p/answer-match.wasm"],
        &["score", "tasks.jsonl", "--pack", "p"],
        &["score", "tasks.jsonl", "--pack", "p", "--isolate", "process"],
    ];
    write_pack(&sandbox.path().join("p"), "{}");
    let usual = commands.map(|arguments| {
        let (status, text, most) = watched(&sandbox, arguments);
        assert_eq!(status, 0, "{text}");
        most
    });
    let schemas = schemas(&directory, &sandbox);
    for file in &schemas {
        write_pack(&sandbox.path().join("p"), &read(file));
        for (arguments, usual) in commands.iter().zip(usual) {
            let (status, text, most) = watched(&sandbox, arguments);
            let at = format!("{}, {arguments:?}", name(file));
            assert_eq!(status, 1, "{at}: {text}");
            let refused = "component `answer-match.wasm`: its configuration schema (`config-schema`) is refused: ";
            assert!(text.contains(refused) && text.len() < 1000, "{at}: {text}");
            assert!(most < usual + KIB, "{at}: {most} KiB, where {usual} are usual");
        }
    }

    rule_pack(&sandbox.path().join("packs/rule"), "rule", "1.0.0", 1.0);
    let key = sandbox.run(["keygen", "ops", "--role", "admin"]).expect(0);
    sandbox.write("keys", key.stdout());
    let bearer = format!("Bearer {}", key.stderr().lines().next().unwrap());
    let server = Serving::in_sandbox(sandbox, &["--packs", "packs", "--keys", "keys"]);
    for file in &schemas {
        let uploaded = Sandbox::default();
        write_pack(uploaded.path(), &read(file));
        let started = Instant::now();
        let mut client = server.client().with("authorization", &bearer);
        let reply =
            client.send("POST", "/admin/packs/rule", &[("content-type", "application/x-tar")], &tar(uploaded.path()));
        let text = reply.expect(422).text();
        assert!(text.contains("configuration schema"), "{}: {text}", name(file));
        assert!(started.elapsed() < CLOCK, "{} took {:?}", name(file), started.elapsed());
    }
}

/// Two scored runs, one of them replayed from an import, as the edits want both.
fn runs() -> Sandbox {
    let sandbox = Sandbox::default();
    let task = |index: usize| {
        json!({"id": format!("t{index}"), "prompt": format!("Which, in case {index}?"), "responses": ["this", "that"],
            "preferred": index % 2, "samples": [{"text": "Scores: \\boxed{9, 2}"}, {"text": "Scores: \\boxed{3, 4}"}]})
    };
    sandbox.write("log.jsonl", (0..3).map(|index| format!("{}\n", task(index))).collect::<String>());
    let tasks = (0..3).map(|index| {
        let mut task = task(index);
        task.as_object_mut().unwrap().remove("samples");
        format!("{task}\n")
    });
    sandbox.write("tasks.jsonl", tasks.collect::<String>());
    let server = ModelServer::new(|body| format!("Scores: \\boxed{{8, {}}}", 1 + body["seed"].as_u64().unwrap() % 7));
    let (endpoint, spct) = (server.endpoint(), pack("spct-vote"));
    let spct = spct.to_str().unwrap();
    let score = ["score", "tasks.jsonl", "--endpoint", &endpoint, "--model", "m", "--pack", spct, "-k", "2"];
    sandbox.run(score.iter().chain(&["--seed", "3", "--run", "scored.run", "--quiet"])).expect(0);
    sandbox.run(["import", "log.jsonl", "--run", "log.run", "--quiet"]).expect(0);
    let replay = ["replay", "log.run", "--pack", spct, "--all-samples", "--run", "imported.run", "--quiet"];
    sandbox.run(replay).expect(0);
    sandbox
}

#[test]
fn every_forged_run_is_told_by_name_and_no_other_command_hangs_on_it() {
    let Some(directory) = directory() else { return };
    let sandbox = runs();
    for run in ["scored", "imported"] {
        let file = format!("{run}.run");
        sandbox.run(["verify", &file, "--quiet"]).expect(0);
        let (from, to) = (sandbox.path().join(&file), sandbox.path().join(run));
        let arguments = [from.to_str().unwrap(), to.to_str().unwrap()];
        let Some(()) = written(&directory.join("runs/forge.py"), &arguments) else { return };
        for forged in files(&to) {
            let path = forged.strip_prefix(sandbox.path()).unwrap().to_str().unwrap();
            let (status, text, _) = watched(&sandbox, &["verify", path, "--quiet"]);
            assert_eq!(status, 1, "{path}: {text}");
            // More than that the digest is another: which rows, or what of the file.
            let is_named =
                text.lines().any(|line| line.starts_with("task ") || line.contains("component") || line.contains(path));
            assert!(is_named && text.len() < 5_000, "{path}: {text}");
            let page = ["report", path, "--out", "page.html"];
            for other in [&["eval", path][..], &["replay", path, "--quiet"], &page, &["export", path]] {
                let (status, text, _) = watched(&sandbox, other);
                // What is not read by a command may pass it; whoever is told, is told of the file.
                assert!(status == 0 || text.contains(path), "{other:?} ended with {status}: {text}");
                assert!(!text.contains("panicked"), "{other:?}: {text}");
            }
        }
    }
}
