//! `--isolate process`: the same results from plugins in processes of their own, and what becomes of a call whose process
//! is killed.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rewarden_runtime::{
    CallFailure, Isolation, IsolationError, LimitChange, Limits, LoadFailure, Plugin, Runtime, contract,
    isolate::SUBCOMMAND,
};
use rewarden_tests::serving::Serving;
use rewarden_tests::{ModelServer, Sandbox, component, dist, pack, rows};
use rewarden_types::{
    Completion, FinishReason, Message, ParseRequest, Principle, Query, RenderRequest, Role, Scale, TaskView,
};
use serde_json::{Value, json};

const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

fn binary() -> PathBuf {
    PathBuf::from(Sandbox::default().rewarden().get_program())
}

fn isolated(limits: Limits, cache: Option<&Path>) -> Runtime {
    Runtime::isolated(limits, cache, Isolation { program: binary(), arguments: vec![SUBCOMMAND.into()] }).unwrap()
}

fn here(limits: Limits) -> Runtime {
    Runtime::new(limits, None).unwrap()
}

fn completion(text: &str) -> Completion {
    Completion::of_text(text, FinishReason::Stop)
}

fn principle() -> Principle {
    Principle { name: "Truth".into(), weight: Some(0.1), text: "It is so.".into() }
}

fn task() -> TaskView {
    TaskView {
        messages: vec![Message { role: Role::User, content: "Which?".into() }].into(),
        responses: vec!["a \u{1f600}".into(), "b".into()].into(),
        reference: Some("a".into()),
        metadata: "{}".into(),
    }
}

#[test]
fn every_bundled_component_is_the_same_in_a_process_of_its_own() {
    let (here, apart) = (here(Limits::default()), isolated(Limits::default(), None));
    let components = std::fs::read_dir(dist().join("components")).unwrap();
    let mut seen = 0;
    for file in components.map(|entry| entry.unwrap().path()).filter(|path| path.extension() == Some("wasm".as_ref())) {
        let (one, other) = (here.load_file(&file).unwrap(), apart.load_file(&file).unwrap());
        let shown = |p: &Plugin| {
            (
                p.name().to_owned(),
                p.digest(),
                p.about().clone(),
                p.interfaces().to_vec(),
                p.imports().to_vec(),
                p.functions(),
            )
        };
        assert_eq!(shown(&one), shown(&other));
        assert_eq!((one.processes().len(), other.processes().len()), (0, 1));
        seen += 1;
    }
    assert!(seen >= 20, "{seen} components");
}

/// Values, fuel, memory and errors alike.
#[test]
fn calls_and_their_failures_are_equal_to_the_last_unit_of_fuel() {
    let limits = || Limits { fuel: 20_000_000, ..Limits::default() };
    let (here, apart) = (here(limits()), isolated(limits(), None));
    for name in ["evil", "spct", "format", "principle-writer"] {
        let (one, other) = (here.load_file(&component(name)).unwrap(), apart.load_file(&component(name)).unwrap());
        let request = RenderRequest { principles: vec![principle()], ..RenderRequest::new(task(), SCALE) };
        let query = Query { messages: task().messages, metadata: "{}".into() };
        let modes = ["loop", "allocate", "trap", "panic", "recurse", "huge-result", "wrong-count", "log-flood"];
        // Marks that a call leaves are not found by the next, also where both are made in one process.
        let modes = modes.into_iter().chain(["remember", "remember-and-trap", "remember", "none"]);
        let configs = modes.map(|mode| format!(r#"{{"mode": "{mode}"}}"#)).chain(["{}".to_owned()]);
        for config in configs {
            let said = completion("1. Truth (Weight: 100%): It is so.\nScores: \\boxed{3, 4}");
            assert_eq!(one.render(&config, &request), other.render(&config, &request), "{name} {config}");
            let parse = |plugin: &Plugin| plugin.parse(&config, &ParseRequest::new(&said, 2, SCALE));
            assert_eq!(parse(&one), parse(&other), "{name} {config}");
            let score = |plugin: &Plugin| plugin.score_responses(&config, &task());
            assert_eq!(score(&one), score(&other), "{name} {config}");
            assert_eq!(one.ask(&config, &query), other.ask(&config, &query), "{name} {config}");
            assert_eq!(one.read(&config, &said), other.read(&config, &said), "{name} {config}");
            assert_eq!(one.check_config(&config), other.check_config(&config), "{name} {config}");
        }
    }
}

/// A pack's limits are lower than the host's, and each component's process keeps to its own.
#[test]
fn a_pack_that_lowers_limits_lowers_those_of_its_own_processes_alone() {
    let (here, apart) = (here(Limits::default()), isolated(Limits::default(), None));
    let lower = |runtime: &Runtime, change: &str| runtime.tightened(&[change.parse::<LimitChange>().unwrap()]).unwrap();
    let parse = |plugin: &Plugin, mode: &str| {
        plugin.parse(&format!(r#"{{"mode": "{mode}"}}"#), &ParseRequest::new(&completion("\\boxed{3, 4}"), 2, SCALE))
    };
    let ample = apart.load_file(&component("evil")).unwrap();
    for (change, mode) in
        [("fuel=3_000_000", "loop"), ("memory_bytes=4_000_000", "allocate"), ("result_bytes=100_000", "huge-result")]
    {
        let tight = lower(&apart, change);
        let one = lower(&here, change).load_file(&component("evil")).unwrap();
        let other = tight.load_file(&component("evil")).unwrap();
        assert_eq!((one.limits(), other.limits()), (tight.limits(), tight.limits()));
        assert_eq!(parse(&one, mode), parse(&other, mode), "{change}");
        assert_ne!(parse(&one, mode), parse(&ample, mode), "{change}");
        assert_eq!(parse(&one, "none"), parse(&other, "none"), "{change}");
    }
    for change in ["component_bytes=1000", "function_bytes=20", "component_functions=3", "memory_bytes=65536"] {
        let refusal =
            |runtime: &Runtime| lower(runtime, change).load_file(&component("evil")).err().unwrap().to_string();
        assert_eq!(refusal(&here), refusal(&apart));
    }
}

#[test]
fn a_server_gives_the_same_rewards_and_runs_plugins_in_processes_of_its_own() {
    let model = ModelServer::new(|_| r"Scores: \boxed{9, 5}".into());
    let task = json!({"task": {"prompt": "Which?", "responses": ["a", "b"]}, "samples": true});
    let served = |isolate: &str| {
        let mut server = Serving::voting(&model, &["--isolate", isolate]);
        let reward = server.client().post("/v1/reward", &task).expect(200).text();
        let processes = plugin_processes(server.pid());
        server.terminate();
        assert_eq!(server.wait(), 0, "{}", server.stderr());
        (reward, processes.len())
    };
    let ((reward, none), (isolated, some)) = (served("none"), served("process"));
    assert_eq!(reward, isolated);
    assert_eq!(none, 0);
    assert!(some >= 2, "{some} processes: one component is template and parser, another the policy");
}

#[test]
fn what_is_refused_here_is_refused_there_in_the_same_words() {
    let (here, apart) = (here(Limits::default()), isolated(Limits::default(), None));
    let spct = std::fs::read(component("spct")).unwrap();
    let mut damaged = spct.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0xff);
    let empty = |name: &str| format!(r#"(component (instance $none) (export "{name}" (instance $none)))"#);
    let wasi = r#"(component (import "wasi:cli/environment@0.2.6" (instance (export "f" (func)))))"#;
    for bytes in [
        b"GGUF nonsense".to_vec(),
        spct[..spct.len() / 3].to_vec(),
        damaged,
        wat::parse_str("(module)").unwrap(),
        wat::parse_str("(component)").unwrap(),
        wat::parse_str(wasi).unwrap(),
        wat::parse_str(empty("rewarden:plugin/describe@0.0.9")).unwrap(),
        wat::parse_str(empty(&format!("rewarden:plugin/describe@{}", contract::VERSION))).unwrap(),
        wat::parse_str(empty(&format!("a:b/{}", "long".repeat(100)))).unwrap(),
    ] {
        let refusal = |runtime: &Runtime| runtime.load("x.wasm", &bytes).err().expect("a refusal").to_string();
        assert_eq!(refusal(&here), refusal(&apart));
    }
}

/// Scores a task that sets the evil plugin off between two that do not.
#[test]
fn rows_are_equal_to_the_byte_whatever_the_plugins_do() {
    let server = ModelServer::new(|body| {
        let poison = if rewarden_tests::prompt(body).contains("POISON") { "POISON " } else { "" };
        format!(r"{poison}Scores: \boxed{{3, 4}}")
    });
    let task = |id: &str, text: &str| json!({"id": id, "prompt": text, "responses": [text, "b"]});
    let tasks = [task("before", "fine"), task("poisoned", "POISON"), task("after", "fine")];
    let (pack, evil) = (pack("spct-vote"), component("evil"));
    let (pack, evil) = (pack.to_str().unwrap(), evil.to_str().unwrap());
    for part in ["template", "parser", "policy"] {
        for mode in ["none", "loop", "allocate", "trap", "panic", "huge-result", "nan", "wrong-count"] {
            let score = |isolate: &str| {
                let (part_flag, mode) = (format!("--{part}"), format!("{part}.mode={mode}"));
                let only = format!("{part}.only_if=POISON");
                let mut arguments = vec!["--isolate", isolate, "--pack", pack, &part_flag, evil];
                arguments.extend(["--set", &mode, "--set", &only]);
                if part != "policy" {
                    arguments.extend(["-k", "1"]);
                }
                let run = Sandbox::default().score(&server, &tasks, &arguments);
                (run.status(), run.stdout())
            };
            let (none, process) = (score("none"), score("process"));
            assert!(none.1.lines().count() == 3, "{}", none.1);
            assert_eq!(none, process, "{part} {mode}");
        }
    }
}

fn signal(signal: &str, process: u32) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

/// Processes that this one started and that run plugins.
fn plugin_processes(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let numbers = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter(|process| {
            let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            let command = std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
            status.contains(&format!("\nPPid:\t{parent}\n")) && command.contains(&format!("{SUBCOMMAND}\0run\0"))
        })
        .collect()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "not in 30 s: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Processor time in clock ticks.
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse().unwrap()
}

#[test]
fn a_call_whose_process_is_killed_from_outside_is_made_again_and_after_three_it_is_the_hosts_failure() {
    let limits = Limits { fuel: u64::MAX, processor: Duration::from_secs(300), ..Limits::default() };
    // By another name, which tells its processes from those of tests beside this one.
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("killed");
    std::os::unix::fs::symlink(binary(), &program).unwrap();
    let isolation = Isolation { program: program.clone(), arguments: vec![SUBCOMMAND.into()] };
    let evil = Runtime::isolated(limits, None, isolation).unwrap().load_file(&component("evil")).unwrap();
    let parse =
        |mode: &str| evil.parse(&format!(r#"{{"mode": "{mode}"}}"#), &ParseRequest::new(&completion("5"), 1, SCALE));
    let is_of_evil = |process: &u32| {
        let command = std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        command.starts_with(program.to_str().unwrap())
    };
    let mut killed: Vec<u32> = Vec::new();
    let failure = std::thread::scope(|scope| {
        let call = scope.spawn(|| parse("loop").unwrap_err().failure);
        for signal_name in ["-KILL", "-TERM", "-HUP"] {
            let mut process = 0;
            wait_until("the call is under way", || {
                let found = plugin_processes(std::process::id()).into_iter().filter(is_of_evil);
                found.into_iter().find(|found| !killed.contains(found)).is_some_and(|found| {
                    process = found;
                    ticks(found) >= 20
                })
            });
            signal(signal_name, process);
            killed.push(process);
        }
        call.join().unwrap()
    });
    let CallFailure::Host { what } = failure else { panic!("{failure}") };
    assert_eq!(what, "the processes of 3 tries were killed from outside; the last was killed by signal 1");
    assert!(parse("none").is_ok());
}

#[test]
fn a_process_that_is_killed_while_idle_costs_nothing() {
    let vote = isolated(Limits::default(), None).load_file(&component("spct")).unwrap();
    let [process] = vote.processes()[..] else { panic!() };
    signal("-KILL", process);
    // Its first thread is seen dead before the others are.
    wait_until("all of it is dead", || {
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).map_or(0, |threads| threads.count());
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        threads <= 1 && (stat.is_empty() || stat.contains(") Z"))
    });
    assert!(vote.parse("{}", &ParseRequest::new(&completion("\\boxed{5}"), 1, SCALE)).unwrap().value.is_ok());
}

#[test]
fn a_process_that_hangs_is_killed_when_the_time_is_over() {
    let limits = Limits { processor: Duration::from_millis(100), ..Limits::default() };
    let spct = isolated(limits, None).load_file(&component("spct")).unwrap();
    let [process] = spct.processes()[..] else { panic!() };
    signal("-STOP", process);
    let failure = spct.parse("{}", &ParseRequest::new(&completion("\\boxed{5}"), 1, SCALE)).unwrap_err().failure;
    let CallFailure::Process { what } = failure else { panic!("{failure}") };
    assert_eq!(what, "gave no answer within 22.0 s altogether and was killed");
    assert!(spct.parse("{}", &ParseRequest::new(&completion("\\boxed{5}"), 1, SCALE)).is_ok());
}

#[test]
fn processes_that_are_killed_in_mid_job_are_no_traps_of_the_plugin_and_the_job_goes_on() {
    assert!((0..5).any(|_| killed_in_mid_job()), "no process was killed before it had answered, in five jobs");
}

/// Kills a process once, which costs nothing, and then every process: the task ends as the host's failure, which is asked again.
/// Returns false if one of those was faster than the killing.
fn killed_in_mid_job() -> bool {
    let job = Arc::new(AtomicU32::new(0));
    let killing = Arc::new(AtomicU32::new(0));
    let server = ModelServer::new({
        let (job, killing) = (job.clone(), killing.clone());
        move |body| {
            let prompt = rewarden_tests::prompt(body);
            // The calls for the task before are over by then.
            std::thread::sleep(Duration::from_millis(300));
            let parent = job.load(Ordering::SeqCst);
            let kill_all = move || plugin_processes(parent).iter().for_each(|process| _ = kill(*process));
            if prompt.contains("ONCE") {
                kill_all();
            }
            if prompt.contains("ALWAYS") && killing.load(Ordering::SeqCst) == 0 {
                killing.store(1, Ordering::SeqCst);
                let killing = killing.clone();
                std::thread::spawn(move || {
                    while killing.load(Ordering::SeqCst) == 1 {
                        kill_all();
                    }
                });
                std::thread::sleep(Duration::from_millis(200));
            }
            r"Scores: \boxed{3, 4}".into()
        }
    });
    let task = |id: &str, text: &str| json!({"id": id, "prompt": text, "responses": [text, "b"]});
    let tasks = [task("before", "fine"), task("once", "ONCE"), task("always", "ALWAYS")];
    let (child, sandbox) = start(&server, &tasks);
    job.store(child.id(), Ordering::SeqCst);
    let output = child.wait_with_output().unwrap();
    killing.store(2, Ordering::SeqCst);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let rows = rows(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(rows.len(), 3, "{stderr}");
    for row in &rows[..2] {
        assert_eq!((&row["valid"], &row["failures"]), (&json!(1), &json!({})), "{stderr}");
    }
    assert_eq!(rows[2]["failures"], json!({}), "{stderr}");
    if rows[2]["valid"] == json!(1) {
        return false;
    }
    assert_eq!(rows[2]["error"]["kind"], json!("host"), "{stderr}");
    assert!(stderr.contains("was killed by SIGKILL"), "{stderr}");
    let verified = sandbox.run(["verify", "job.run"]);
    assert_eq!(verified.status(), 0, "{}{}", verified.stdout(), verified.stderr());
    let again = scoring(&sandbox, &server).arg("--retry-failed").output().unwrap();
    let rows = rewarden_tests::rows(std::str::from_utf8(&again.stdout).unwrap());
    assert_eq!((&rows[2]["valid"], &rows[2]["error"]), (&json!(1), &Value::Null), "{rows:?}");
    assert_eq!(sandbox.run(["verify", "job.run"]).status(), 0);
    true
}

/// It may have ended by itself.
fn kill(process: u32) -> std::io::Result<std::process::Output> {
    Command::new("kill").args(["-KILL", &process.to_string()]).output()
}

fn start(server: &ModelServer, tasks: &[Value]) -> (std::process::Child, Sandbox) {
    let sandbox = Sandbox::default();
    sandbox.write("tasks.jsonl", tasks.iter().map(|task| format!("{task}\n")).collect::<String>());
    let child = scoring(&sandbox, server).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    (child, sandbox)
}

fn scoring(sandbox: &Sandbox, server: &ModelServer) -> Command {
    let mut command = sandbox.rewarden();
    command
        .env("REWARDEN_ISOLATE", "process")
        .args(["score", "tasks.jsonl", "--endpoint", &server.endpoint(), "--model", "fake", "--format", "jsonl"])
        .args(["--pack", pack("spct-vote").to_str().unwrap(), "-k", "1", "--concurrency", "1", "--run", "job.run"]);
    command
}

#[test]
fn no_process_outlives_a_job_that_is_killed_not_even_one_that_hangs() {
    let asked = Arc::new(AtomicU32::new(0));
    let server = ModelServer::new({
        let asked = asked.clone();
        move |_| {
            asked.store(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_secs(5));
            r"\boxed{3, 4}".into()
        }
    });
    let (mut job, _sandbox) = start(&server, &[json!({"id": "t", "prompt": "q", "responses": ["a", "b"]})]);
    wait_until("the model is asked", || asked.load(Ordering::SeqCst) == 1);
    let processes = plugin_processes(job.id());
    assert!(!processes.is_empty());
    // A stopped process does not see the end of its input.
    processes.iter().for_each(|process| signal("-STOP", *process));
    job.kill().unwrap();
    job.wait().unwrap();
    wait_until("all are gone", || {
        processes.iter().all(|process| {
            std::fs::read_to_string(format!("/proc/{process}/stat")).map_or(true, |stat| stat.contains(") Z"))
        })
    });
}

#[test]
fn a_process_has_no_environment_no_files_and_cannot_be_looked_into() {
    let spct = isolated(Limits::default(), None).load_file(&component("spct")).unwrap();
    let [process] = spct.processes()[..] else { panic!() };
    assert_eq!(std::fs::read(format!("/proc/{process}/environ")).unwrap(), b"");
    assert_eq!(std::fs::read_link(format!("/proc/{process}/cwd")).unwrap(), Path::new("/"));
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    for file in files.map(|file| std::fs::read_link(file.unwrap().path()).unwrap()) {
        let name = file.to_string_lossy().into_owned();
        let image = name.starts_with("/memfd:wasm-memory-image");
        assert!(image || name.starts_with("pipe:") || name == "/dev/null", "{name}");
    }
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1\n") && status.contains("Seccomp:\t2\n"), "{status}");
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let hard = |what: &str| limits.lines().find(|line| line.starts_with(what)).unwrap().split_whitespace().rev().nth(1);
    // Five that it has, and an image of a memory for each core instance: none can be made any more.
    assert_eq!((hard("Max open files"), hard("Max core file size")), (Some("69"), Some("0")), "{limits}");
    // Three times 128 MiB, eight times 16 MiB, and 128 MiB: see `memory` in `supervisor.rs`.
    assert_eq!(hard("Max data size"), Some((640_u64 << 20).to_string().as_str()), "{limits}");
}

#[test]
fn a_program_that_is_no_plugin_process_is_told_apart_from_one_by_type() {
    let start = |script: &str| {
        let isolation = Isolation { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] };
        Runtime::isolated(Limits::default(), None, isolation)
    };
    for (script, words) in [
        ("exit 7", "its process ended with exit status: 7, without an answer"),
        (r"printf '\377\377\377\377'; sleep 60", "sent 4294967295 bytes, more than the 4096 allowed"),
        (r"printf '\001\000\000\000\011'; sleep 60", "answered nonsense"),
        ("exec sleep 60", "gave no answer within 20.0 s altogether and was killed"),
    ] {
        let error = start(script).err().expect("an error");
        assert!(matches!(error, IsolationError::Start { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    // Says that it is confined, and then anything.
    let runtime = start(r"printf '\002\000\000\000\000\000\377\377\377\377'; cat > /dev/null").unwrap();
    let failure = runtime.load_file(&component("spct")).err().expect("an error").reason;
    assert!(matches!(failure, LoadFailure::Process { .. }), "{failure}");
}

#[test]
fn what_a_process_compiled_is_kept_for_processes_alone_and_made_anew_when_damaged() {
    let cache = tempfile::tempdir().unwrap();
    let load = || isolated(Limits::default(), Some(cache.path())).load_file(&component("vote")).unwrap();
    let about = load().about().clone();
    let entries: Vec<PathBuf> = std::fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert!(entry.to_string_lossy().ends_with("-confined.cwasm"), "{entry:?}");
    assert_eq!(load().about(), &about);
    std::fs::write(entry, b"damaged").unwrap();
    assert_eq!(load().about(), &about);
    assert!(std::fs::metadata(entry).unwrap().len() > 1000, "the damaged entry must be replaced");
    // A runtime without isolation does not look at it.
    Runtime::new(Limits::default(), Some(cache.path())).unwrap().load_file(&component("vote")).unwrap();
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 2);
}
