//! What the system, its environment and other processes do to a command: told by name, and cleared away.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rewarden_tests::{ModelServer, Sandbox, pack};
use serde_json::json;

/// A task file, and a closed run of it that was judged by rule.
fn scored() -> Sandbox {
    let sandbox = Sandbox::default();
    let task = json!({"id": "t", "prompt": "2+2?", "responses": ["\\boxed{4}", "5"], "reference": "4", "preferred": 0});
    sandbox.write("tasks.jsonl", format!("{task}\n"));
    sandbox.run(["score", "tasks.jsonl", "--run", "a.run", "--pack", &boxed(), "--quiet"]).expect(0);
    sandbox
}

fn boxed() -> String {
    pack("boxed-answer").to_str().unwrap().to_owned()
}

/// Runs the command under limits that the shell sets before.
fn under(limits: &str, sandbox: &Sandbox, arguments: &[&str]) -> (Option<i32>, String) {
    let rewarden = sandbox.rewarden();
    let mut shell = Command::new("bash");
    shell.current_dir(sandbox.path()).env_clear();
    shell.envs(rewarden.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
    shell.args(["-c", &format!("{limits} && exec \"$0\" \"$@\"")]).arg(rewarden.get_program()).args(arguments);
    let Output { status, stderr, .. } = shell.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn too_few_files_are_told_by_the_name_of_their_limit_and_not_by_a_panic() {
    let sandbox = scored();
    let pack = boxed();
    for command in [
        vec!["score", "tasks.jsonl", "--pack", &pack],
        vec!["serve", "--pack", &pack, "--bind", "127.0.0.1:0"],
        vec!["eval", "a.run"],
    ] {
        for files in [12, 16] {
            let (status, told) = under(&format!("ulimit -n {files}"), &sandbox, &command);
            assert_eq!(status, Some(1), "{command:?}: {told}");
            assert!(told.contains("raise its limit, such as with `ulimit -n 1024`"), "{command:?}: {told}");
            assert!(!told.contains("panicked"), "{command:?}: {told}");
        }
    }
}

#[test]
fn too_little_address_space_is_no_fault_of_a_plugin() {
    let sandbox = scored();
    for limit in [300_000, 1_000_000, 2_000_000] {
        let arguments = ["score", "tasks.jsonl", "--pack", &boxed()];
        let (status, told) = under(&format!("ulimit -v {limit}"), &sandbox, &arguments);
        assert_eq!(status, Some(1), "{limit}: {told}");
        assert!(!told.contains("panicked") && !told.contains("not of its type"), "{limit}: {told}");
    }
}

/// Whether this process may raise limits, as few but the first root may.
fn may_raise_limits() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let bits = status.lines().find_map(|line| line.strip_prefix("CapEff:\t")).unwrap();
    u64::from_str_radix(bits, 16).unwrap() >> 24 & 1 == 1
}

#[test]
fn isolation_below_its_own_limits_names_the_limit_and_not_the_kernel() {
    let sandbox = scored();
    let (status, told) =
        under("ulimit -n 32", &sandbox, &["score", "tasks.jsonl", "--pack", &boxed(), "--isolate", "process"]);
    if may_raise_limits() {
        assert_eq!(status, Some(0), "{told}");
        return;
    }
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("each of them sets its limit `ulimit -n` to 69"), "{told}");
    assert!(told.contains("the hard limit here is 32: raise it"), "{told}");
    assert!(!told.contains("kernel"), "{told}");
}

#[test]
fn what_a_killed_export_left_is_gone_after_the_next_one() {
    let sandbox = scored();
    sandbox.write(".rewarden-k1ll3d.partial", "half of a table");
    let partials = || {
        let names = std::fs::read_dir(sandbox.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".partial")).count()
    };
    sandbox.run(["export", "a.run", "--out", "rows.jsonl"]).expect(0);
    assert_eq!(partials(), 0);
    sandbox.write(".rewarden-k1ll3d.partial", "half of a page");
    sandbox.run(["report", "a.run", "--out", "page.html"]).expect(0);
    assert_eq!(partials(), 0);
    assert!(sandbox.path().join("rows.jsonl").exists() && sandbox.path().join("page.html").exists());
}

#[test]
fn a_run_with_a_damaged_head_is_told_before_any_model_is_looked_for() {
    let sandbox = scored();
    let mut bytes = std::fs::read(sandbox.path().join("a.run")).unwrap();
    bytes[..16].copy_from_slice(b"SQLitf format 3\0");
    sandbox.write("damaged.run", bytes);
    for source in ["damaged.run", "/dev/zero"] {
        let told = sandbox.run(["eval", source]).expect(1).stderr();
        let expected =
            format!("error: {source} is neither a run nor a task file: it begins with bytes that are in no text");
        assert!(told.starts_with(&expected), "{told}");
        assert!(told.contains("if it was a run, it is damaged"), "{told}");
    }
}

#[test]
fn a_finish_that_is_not_known_is_kept_with_its_sample() {
    let sandbox = Sandbox::default();
    let row =
        json!({"id": "a", "prompt": "q", "responses": ["x"], "samples": [{"text": "t", "finish": "content_filter"}]});
    sandbox.write("log.jsonl", format!("{row}\n"));
    sandbox.run(["import", "log.jsonl", "--run", "a.run", "--quiet"]).expect(0);
    let samples = sandbox.run(["export", "a.run", "--what", "samples"]).expect(0).rows();
    assert_eq!(samples[0]["extra"], json!({"finish": "content_filter"}));
}

#[test]
fn help_and_the_version_that_cannot_be_written_are_an_error() {
    for argument in ["--help", "--version", "help"] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = Sandbox::default().rewarden().arg(argument).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{argument}: {told}");
        assert!(told.contains("No space left on device"), "{argument}: {told}");
    }
    assert!(Sandbox::default().run(["--help"]).expect(0).stdout().contains("Usage"));
}

#[test]
fn files_of_a_servers_operator_that_have_no_end_are_refused_in_words() {
    let sandbox = scored();
    assert!(Command::new("mkfifo").arg(sandbox.path().join("fifo")).status().unwrap().success());
    let pack = boxed();
    for (options, expected) in [
        (vec!["--keys", "/dev/zero"], "cannot be read: is not a regular file"),
        (vec!["--keys", "fifo"], "cannot be read: is not a regular file"),
        (vec!["--dialects", "/dev/zero"], "is not a regular file"),
        (vec!["--tls-cert", "/dev/zero", "--tls-key", "/dev/zero"], "cannot be read: is not a regular file"),
    ] {
        let started = Instant::now();
        let serve = ["serve", "--pack", &pack, "--bind", "127.0.0.1:0"];
        let told = sandbox.run(serve.iter().chain(&options)).expect(1).stderr();
        assert!(told.contains(expected), "{options:?}: {told}");
        assert!(started.elapsed() < Duration::from_secs(5), "{options:?}: {:?}", started.elapsed());
    }
}

#[test]
fn neither_a_proxy_nor_certificates_of_the_environment_stand_between_here_and_this_machine() {
    let server = ModelServer::new(|_| r"Scores: \boxed{9, 5}".into());
    let sandbox = Sandbox::default();
    sandbox.write("tasks.jsonl", format!("{}\n", json!({"id": "t", "prompt": "q", "responses": ["a", "b"]})));
    let spct = pack("spct-vote");
    let mut command = sandbox.rewarden();
    command
        .args(["score", "tasks.jsonl", "--endpoint", &server.endpoint(), "--model", "m", "-k", "1", "--quiet"])
        .args(["--pack", spct.to_str().unwrap()])
        // Nobody listens there, and the file never ends.
        .envs([("http_proxy", "http://127.0.0.1:1"), ("ALL_PROXY", "http://127.0.0.1:1")])
        .env("SSL_CERT_FILE", "/dev/zero");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_pack_that_cannot_be_made_whole_leaves_no_half() {
    let sandbox = Sandbox::default();
    let boxed = boxed();
    let make = |name: &str| {
        let arguments = ["pack", "new", "mine", "--kind", "pack", "--from", &boxed, "--policy", name];
        sandbox.run(arguments)
    };
    sandbox.write("no.wasm", "not a component");
    let told = make("no.wasm").expect(1).stderr();
    assert!(told.contains("what was put together does not load, so nothing is written"), "{told}");
    assert!(!sandbox.path().join("mine").exists());
    sandbox.run(["pack", "new", "mine", "--kind", "pack", "--from", &boxed]).expect(0);
    assert!(Path::new(&sandbox.path().join("mine/tests")).is_dir());
}

#[test]
fn a_golden_case_that_is_no_file_is_told() {
    let sandbox = Sandbox::default();
    sandbox.run(["pack", "new", "mine", "--kind", "pack", "--from", &boxed()]).expect(0);
    let case = sandbox.path().join("mine/tests/more.toml");
    std::fs::create_dir(&case).unwrap();
    let told = |command: &str| sandbox.run(["pack", command, "mine"]).expect(1).stderr();
    assert!(told("test").contains("tests/more.toml has the name of a golden case file and is no file"));
    std::fs::remove_dir(&case).unwrap();
    assert!(Command::new("mkfifo").arg(&case).status().unwrap().success());
    assert!(told("test").contains("tests/more.toml has the name of a golden case file and is no file"));
}
