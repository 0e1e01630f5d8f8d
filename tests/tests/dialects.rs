//! The dialects of `rewarden serve`, exercised by the consumers' own client code from PyPI and by `rewarden-client`.
//!
//! A virtual environment gets the consumers' packages without their dependencies (no torch, no GPU); `dialects/*.py` run their
//! code against the server, with stand-ins for what they only hold tensors with. Without Python or the network the tests
//! say LEFT OUT and why; with REWARDEN_TEST_NETWORK=required they fail instead.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rewarden_tests::python::{environment, kept, or_left_out, said};
use rewarden_tests::serving::Serving;
use rewarden_tests::{ModelServer, RUBRIC_PACK, Sandbox, component};

/// What the consumers' code itself imports, and the consumers, at the versions whose formats are spoken.
const PACKAGES: [&str; 3] = ["aiohttp", "numpy", "requests"];
const CONSUMERS: [&str; 6] =
    ["openrlhf==0.11.2", "trl==1.16.0", "llamafactory==0.9.5", "verl==0.9.1", "nemo-gym==0.7.0", "areal==1.0.4"];
const COMPLETE: [&str; 3] = ["openai==3.54.0", "jevcompat==0.1.1", "pytest"];

const DIALECTS: &str = r#"
[packs]
classify = "form"
llama-factory = "form"

[chat_formats."judges/qwen-rm"]
builtin = "chatml"

[chat_formats.policy]
builtin = "llama-3"

[chat_format]
llama-factory = "policy"
"#;

/// A server with the packs `rule` (1 where the boxed answer is the reference) and `form` (1 where the response says four).
fn served() -> Serving {
    let sandbox = Sandbox::default();
    scorer_pack(&sandbox, "rule", "answer-match", "");
    scorer_pack(&sandbox, "form", "format", "config = { regex = \"four\", whole = false }\n");
    sandbox.write("dialects.toml", DIALECTS);
    Serving::in_sandbox(sandbox, &["--pack", "./rule", "--pack", "./form", "--dialects", "dialects.toml"])
}

fn scorer_pack(sandbox: &Sandbox, name: &str, scorer: &str, config: &str) {
    let manifest = format!(
        "name = \"{name}\"\nversion = \"0.1.0\"\n[scale]\nmin = 0\nmax = 1\ninteger = false\n\
         [policy]\ncomponent = \"blend.wasm\"\nconfig = {{ judge_weight = 0, signals = {{ answer = {{ weight = 1.0 }} }} }}\n\
         [scorers.answer]\ncomponent = \"{scorer}.wasm\"\n{config}"
    );
    sandbox.write(&format!("{name}/pack.toml"), manifest);
    for plugin in ["blend", scorer] {
        std::fs::copy(component(plugin), sandbox.path().join(name).join(format!("{plugin}.wasm"))).unwrap();
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The virtual environment's Python, made once; or why there is none.
fn python() -> Result<&'static Path, &'static str> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PYTHON.get_or_init(make_environment).as_ref().map(PathBuf::as_path).map_err(String::as_str)
}

fn make_environment() -> Result<PathBuf, String> {
    let packages: Vec<&str> = PACKAGES.iter().chain(&COMPLETE).copied().collect();
    let python = environment("dialects-venv", &packages)?;
    let directory = kept("dialects-venv");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    // They are Python alone, but some wheels name one version of it and one platform, or ask for a newer one: any will do here.
    let as_named = ["--only-binary", ":all:", "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"];
    let platforms = ["--platform", "manylinux1_x86_64", "--upgrade", "--target"];
    let consumers = [&as_named[..], &platforms[..]].concat();
    said(
        Command::new(&python)
            .args(pip)
            .args(["--no-deps", "--ignore-requires-python"])
            .args(consumers)
            .arg(directory.join("consumers"))
            .args(CONSUMERS),
    )?;
    said(
        Command::new(&python)
            .args(pip)
            .args(["--no-deps", "--force-reinstall"])
            .arg(repository().join("clients/python")),
    )?;
    Ok(python)
}

/// The virtual environment's Python. None: it is said what is not checked, past the capture of passing tests, and why.
fn python_for(what: &str) -> Option<&'static Path> {
    or_left_out(what, python().map_err(str::to_owned))
}

/// Runs a script of `dialects/` against a fresh server; it has to end well and to have said that it checked something.
fn exercise(script: &str) {
    exercise_with(script, served);
}

fn exercise_with(script: &str, served: impl FnOnce() -> Serving) {
    let Some(python) = python_for(&format!("dialects/{script}")) else { return };
    let server = served();
    let url = format!("http://{}", server.address);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialects").join(script);
    // bin/python -> consumers
    let consumers = python.ancestors().nth(2).unwrap().join("consumers");
    let mut command = Command::new(python);
    command.arg(path).arg(&url).env("REWARDEN_URL", &url).env("PYTHONPATH", consumers);
    let output = command.output().unwrap();
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script} ended with {}:\n{said}\n{complaint}", output.status);
    assert!(said.lines().any(|line| line.starts_with("checked: ")), "{script} checked nothing:\n{said}\n{complaint}");
}

#[test]
fn openrlhf_s_executor_gets_its_rewards_by_url_and_by_file() {
    exercise("openrlhf_executor.py");
}

#[test]
fn trl_s_trainer_reads_the_callable_s_rewards_and_leaves_out_what_has_none() {
    exercise("trl_rewards.py");
}

#[test]
fn verl_s_reward_loop_reads_the_classify_and_the_embeddings_route() {
    exercise("verl_reward_loop.py");
}

#[test]
fn llama_factory_s_ppo_reads_the_scores() {
    exercise("llama_factory_ppo.py");
}

#[test]
fn openai_s_client_runs_and_validates_a_grader() {
    exercise("openai_graders.py");
}

#[test]
fn every_function_of_rewarden_client_works_against_the_server() {
    exercise("rewarden_client_functions.py");
}

/// The table "The judge dies at step 7" of docs/dialects.md.
#[test]
fn a_judge_that_dies_at_step_7_pays_nobody_and_every_trainer_is_told() {
    let model = ModelServer::choosing(|body| {
        let text = rewarden_tests::prompt(body);
        if text.contains("step 7") {
            return serde_json::Value::from(400);
        }
        let shown = text.matches("[The Begin of Response ").count().max(1);
        format!("Scores: \\boxed{{{}}}", vec!["7"; shown].join(", ")).into()
    });
    exercise_with("judge_dies.py", || {
        let sandbox = Sandbox::default();
        sandbox.write(
            "dialects.toml",
            DIALECTS.split_once("[chat_formats").map_or(String::new(), |(_, rest)| format!("[chat_formats{rest}")),
        );
        let (pack, endpoint) = (rewarden_tests::pack("spct-vote"), model.endpoint());
        let asking = ["--pack", pack.to_str().unwrap(), "-k", "2", "--endpoint", &endpoint, "--model", "fake"];
        Serving::in_sandbox(sandbox, &[&asking[..], &["--dialects", "dialects.toml"]].concat())
    });
}

#[test]
fn verl_nemo_gym_and_trl_receive_scores_by_criterion() {
    // The second sample's judge finds that "tone" does not apply.
    let model = ModelServer::new(|body| {
        let text = rewarden_tests::prompt(body);
        let blocks = text.split("[The Begin of Response ").skip(1).enumerate();
        let verdicts = blocks.map(|(at, block)| {
            let (fact, tone) = if block.contains("It is four.") { ("yes", "1") } else { ("no", "\"n/a\"") };
            format!(r#""response_{}": {{"fact": "{fact}", "tone": {tone}}}"#, at + 1)
        });
        format!("{{{}}}", verdicts.collect::<Vec<_>>().join(", "))
    });
    exercise_with("criteria.py", || {
        let sandbox = Sandbox::default();
        let rubric = "[[rubric]]\nid = \"fact\"\ntext = \"Says four.\"\nweight = 3\n\
                      [[rubric]]\nid = \"tone\"\ntext = \"Kind.\"\nlevels = [\"rude\", \"kind\"]\n";
        sandbox.pack(&format!("{RUBRIC_PACK}{rubric}"), &["rubric", "rubric-vote"]);
        let endpoint = model.endpoint();
        Serving::in_sandbox(sandbox, &["--pack", "pack", "--endpoint", &endpoint, "--model", "fake"])
    });
}

/// A judge that scores each response by its text alone, from 1 to 10.
fn opinionated() -> ModelServer {
    ModelServer::new(|body| {
        let text = rewarden_tests::prompt(body);
        let blocks = text.split("[The Begin of Response ").skip(1);
        let scores = blocks.map(|block| {
            let hash = block.bytes().fold(17_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
            (1 + (hash >> 8) % 10).to_string()
        });
        format!("Scores: \\boxed{{{}}}", scores.collect::<Vec<_>>().join(", "))
    })
}

/// What jevcompat leaves out although it may require it, each with the reason.
const NOT_APPLICABLE: [(&str, &str); 1] = [
    // Whatever a valid key or none may ask gets an answer or a validation error; overload and a judge that is down are
    // situations that the suite does not bring about.
    ("errors.shape", "not exercised"),
];

/// The open conformance suite of decision models, against a pack that asks a judge with words; without keys and with them.
#[test]
fn jevcompat_finds_a_pack_to_be_a_decision_model() {
    let Some(python) = python_for("jevcompat") else { return };
    let model = opinionated();
    let sandbox = Sandbox::default();
    let made = sandbox.run(["keygen", "trainer", "--role", "score"]).expect(0);
    sandbox.write("keys", made.stdout());
    let secret = made.stderr().lines().next().unwrap().to_owned();
    let keys = sandbox.path().join("keys");
    for key in [None, Some(secret.as_str())] {
        let arguments = key.map_or(vec![], |_| vec!["--keys", keys.to_str().unwrap()]);
        let server = Serving::voting(&model, &arguments);
        let file = server.sandbox.path().join("jevcompat.json");
        let url = format!("http://{}", server.address);
        let mut command = Command::new(python);
        command.args(["-m", "jevcompat.cli", "test", &url, "--json"]).arg(&file).env("NO_COLOR", "1");
        if let Some(key) = key {
            command.args(["--key", key]);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let report = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}: {said}"));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["summary"]["verdict"], "conformant", "{said}");
        assert_eq!((&report["case_errors"], &report["inconclusive"]), (&serde_json::json!([]), &serde_json::json!([])));
        let mut passed = 0;
        for result in report["results"].as_array().unwrap() {
            let id = result["id"].as_str().unwrap();
            match (result["status"].as_str().unwrap(), NOT_APPLICABLE.iter().find(|(name, _)| *name == id)) {
                ("pass", None) => passed += 1,
                ("skip", Some((_, why))) => assert!(result["reason"].as_str().unwrap().contains(why), "{result:#}"),
                // Only one of the two kinds of servers can be asked.
                ("skip", None) if id == "auth.ignored-when-off" && key.is_some() => {}
                ("skip", None) if id.starts_with("auth.") && key.is_none() => {}
                _ => panic!("{result:#}"),
            }
        }
        eprintln!(
            "jevcompat {}, {}: {passed} requirements pass",
            report["tool_version"],
            key.map_or("open", |_| "keys")
        );
    }
}

#[test]
fn rewarden_client_passes_its_own_tests() {
    let Some(python) = python_for("rewarden-client's own tests") else { return };
    let output = Command::new(python)
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(repository().join("clients/python"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
