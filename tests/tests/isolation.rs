//! Calls are isolated: nothing that a call did, however it ended, changes a later one, and neither do threads,
//! processes or how much was called before. (A grader that evaluated model-written text once forged every later reward
//! of its worker: CVE-2026-6878.)

use rewarden_runtime::{CallFailure, Limits, Metered, Plugin, Runtime};
use rewarden_tests::{ModelServer, Run, Sandbox, component, pack, prompt};
use rewarden_types::{
    Completion, Context, FinishReason, Message, ParseRequest, PolicyInput, RenderRequest, Role, Scale, TaskView,
};
use serde_json::{Value, json};

const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };
const REMEMBER: &str = r#"{"mode": "remember"}"#;

fn load(name: &str) -> Plugin {
    Runtime::new(Limits::default(), None).unwrap().load_file(&component(name)).unwrap()
}

fn completion(text: &str) -> Completion {
    Completion::of_text(text.to_owned(), FinishReason::Stop)
}

fn task() -> TaskView {
    TaskView {
        messages: vec![Message { role: Role::User, content: "Which?".into() }].into(),
        responses: vec!["one".into(), "two".into()].into(),
        reference: None,
        metadata: "{}".into(),
    }
}

fn request() -> RenderRequest {
    RenderRequest::new(task(), SCALE)
}

fn context() -> Context {
    Context { seed: 1, ..Context::new(SCALE, 9, 9) }
}

/// Every call that a plugin can be asked for, as text: the result, and what it cost.
fn every_call(plugin: &Plugin, config: &str) -> [String; 5] {
    fn shown<T: std::fmt::Debug>(result: Result<Metered<T>, rewarden_runtime::CallError>) -> String {
        format!("{result:?}")
    }
    [
        format!("{:?}", plugin.check_config(config)),
        shown(plugin.render(config, &request())),
        shown(plugin.parse(config, &ParseRequest::new(&completion("fine"), 2, SCALE))),
        shown(plugin.next(config, &PolicyInput { task: task(), context: context(), samples: vec![] })),
        shown(plugin.score_responses(config, &task())),
    ]
}

#[test]
fn a_call_that_leaves_all_it_can_leaves_nothing() {
    let evil = load("evil");
    let first = every_call(&evil, REMEMBER);
    for (call, result) in first.iter().enumerate().skip(1) {
        assert!(
            result.starts_with("Ok(") && !result.contains("static") && !result.contains("marks"),
            "{call}: {result}"
        );
    }
    // Each of these in every call of the contract: the good, those that trap with all their marks in place, and those
    // that run out of fuel, memory, stack or log.
    let modes =
        ["remember", "remember-and-trap", "loop", "allocate", "trap", "panic", "recurse", "huge-result", "log-flood"];
    for mode in modes {
        let worst = format!(r#"{{"mode": "{mode}"}}"#);
        let _ = every_call(&evil, &worst);
        let in_configure = evil.check_config(&format!(r#"{{"mode": "{mode}", "call": "configure"}}"#));
        assert_eq!(in_configure.is_ok(), matches!(mode, "remember" | "log-flood"), "{mode}: {in_configure:?}");
        // Values, fuel and memory alike: not even the cost of a call tells what came before.
        assert_eq!(every_call(&evil, REMEMBER), first, "after {mode}");
    }
}

#[test]
fn a_trap_in_the_middle_of_leaving_marks_was_one() {
    // So that the test above cannot pass because nothing was ever left.
    let evil = load("evil");
    let error =
        evil.parse(r#"{"mode": "remember-and-trap"}"#, &ParseRequest::new(&completion("x"), 1, SCALE)).unwrap_err();
    assert!(matches!(error.failure, CallFailure::Trap { .. }), "{error}");
    let left = evil.parse(REMEMBER, &ParseRequest::new(&completion("x"), 1, SCALE)).unwrap();
    let clean = evil.parse("{}", &ParseRequest::new(&completion("x"), 1, SCALE)).unwrap();
    assert!(left.memory_bytes >= clean.memory_bytes + (512 << 10), "{} and {}", left.memory_bytes, clean.memory_bytes);
}

/// A parser's results on texts of every kind: good, bad, long, hostile.
fn texts() -> Vec<Completion> {
    let mut texts: Vec<String> = (0..40)
        .map(|number| format!("Analysis {number}.\nScores: \\boxed{{{}, {}}}", 1 + number % 10, 1 + number % 7))
        .collect();
    texts.extend(["", "none", "\\boxed{11, 1}", "\\boxed{1}", "\\boxed{NaN, 1}"].map(String::from));
    texts.push("\\boxed{".repeat(1000));
    texts.iter().map(|text| completion(text)).collect()
}

fn parsed(plugin: &Plugin, texts: &[Completion]) -> Vec<String> {
    texts.iter().map(|text| format!("{:?}", plugin.parse("{}", &ParseRequest::new(text, 2, SCALE)))).collect()
}

#[test]
fn ten_thousand_other_calls_change_nothing() {
    let (spct, evil) = (load("spct"), load("evil"));
    let texts = texts();
    let before = parsed(&spct, &texts);
    let noise = completion("\\boxed{9, 9} ").text.repeat(20);
    for number in 0..10_000 {
        let _ = spct.parse("{}", &ParseRequest::new(&completion(&format!("{noise}{number}")), 1 + number % 3, SCALE));
        if number % 100 == 0 {
            let mode = ["remember-and-trap", "trap", "huge-result", "remember"][number as usize / 100 % 4];
            let _ = evil.parse(&format!(r#"{{"mode": "{mode}"}}"#), &ParseRequest::new(&completion("x"), 1, SCALE));
        }
    }
    assert_eq!(parsed(&spct, &texts), before);
}

#[test]
fn eight_threads_at_once_get_what_one_gets_alone() {
    let (spct, evil) = (load("spct"), load("evil"));
    let texts = texts();
    let alone = parsed(&spct, &texts);
    let remembered = every_call(&evil, REMEMBER);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(parsed(&spct, &texts), alone);
                    let _ =
                        evil.parse(r#"{"mode": "remember-and-trap"}"#, &ParseRequest::new(&completion("x"), 1, SCALE));
                    assert_eq!(every_call(&evil, REMEMBER), remembered);
                }
            });
        }
    });
}

/// A judge whose answer is a function of the request.
fn judge() -> ModelServer {
    ModelServer::new(|body| {
        let seed = body["seed"].as_u64().unwrap();
        let poison = if prompt(body).contains("POISON") { "POISON " } else { "" };
        format!("{poison}Analysis: {seed}\nScores: \\boxed{{{}, {}}}", 1 + seed % 10, 1 + seed / 16 % 10)
    })
}

fn task_row(id: &str, text: &str) -> Value {
    json!({"id": id, "prompt": "Which?", "responses": [text, "other"]})
}

/// One process over these rows: results and samples, as bytes.
fn process(server: &ModelServer, rows: &[Value], threads: usize, more: &[&str]) -> (String, String) {
    let sandbox = Sandbox::default();
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    sandbox.write("tasks.jsonl", lines);
    let (pack, threads) = (pack("spct-vote"), threads.to_string());
    let mut command = sandbox.rewarden();
    command
        .args(["score", "tasks.jsonl", "--endpoint", &server.endpoint(), "--model", "fake", "--format", "jsonl"])
        .args(["--pack", pack.to_str().unwrap(), "--seed", "3", "--samples", "samples.jsonl", "--quiet"])
        .args(["--concurrency", &threads])
        .args(more)
        .env("TOKIO_WORKER_THREADS", threads);
    let output = command.output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", String::from_utf8_lossy(&output.stderr));
    let samples = std::fs::read_to_string(sandbox.path().join("samples.jsonl")).unwrap();
    (String::from_utf8(output.stdout).unwrap(), samples)
}

#[test]
fn one_thread_and_eight_and_another_process_write_the_same_bytes() {
    let server = judge();
    let rows: Vec<Value> = (0..60).map(|number| task_row(&format!("t{number}"), "one")).collect();
    let one = process(&server, &rows, 1, &["-k", "4"]);
    assert_eq!(one.0.lines().count(), 60);
    assert_eq!(process(&server, &rows, 8, &["-k", "4"]), one);
    assert_eq!(process(&server, &rows, 8, &["-k", "4"]), one, "the same once more");
}

#[test]
fn a_poisoned_task_changes_no_other_tasks_reward() {
    let server = judge();
    let clean: Vec<Value> = (0..8).map(|number| task_row(&format!("t{number}"), "fine")).collect();
    // Between all others, so that each of them has poison before it.
    let poisoned: Vec<Value> = clean
        .iter()
        .enumerate()
        .flat_map(|(number, row)| [task_row(&format!("p{number}"), "POISON"), row.clone()])
        .collect();
    let evil = component("evil");
    let evil = evil.to_str().unwrap();
    for part in ["template", "parser", "policy"] {
        for mode in ["remember", "remember-and-trap", "allocate", "log-flood"] {
            let (component, mode_set, only) =
                (format!("--{part}"), format!("{part}.mode={mode}"), format!("{part}.only_if=POISON"));
            let mut arguments = vec![component.as_str(), evil, "--set", &mode_set, "--set", &only];
            if part != "policy" {
                arguments.extend(["-k", "2"]);
            }
            let others = |(rows, samples): (String, String), own: &str| -> (Vec<String>, Vec<String>) {
                let of_others = |text: String, field: &str| -> Vec<String> {
                    let is_other = |line: &&str| {
                        let row: Value = serde_json::from_str(line).unwrap();
                        row[field].as_str().unwrap().starts_with(own)
                    };
                    text.lines().filter(is_other).map(str::to_owned).collect()
                };
                (of_others(rows, "id"), of_others(samples, "task"))
            };
            let alone = others(process(&server, &clean, 1, &arguments), "t");
            assert_eq!(alone.0.len(), 8);
            for threads in [1, 8] {
                let beside = others(process(&server, &poisoned, threads, &arguments), "t");
                assert_eq!(beside, alone, "{part}, {mode}, {threads} threads");
            }
        }
    }
}

#[test]
fn a_flooded_log_leaves_later_calls_their_own() {
    let evil = component("evil");
    let pack = pack("spct-vote");
    let tasks: Vec<Value> = (0..4).map(|number| task_row(&format!("t{number}"), "x")).collect();
    let arguments = ["--parser", evil.to_str().unwrap(), "--set", "parser.mode=log-flood", "-k", "1"];
    let mut command = Vec::from(["--pack", pack.to_str().unwrap(), "--concurrency", "1", "-v"]);
    command.extend(arguments);
    let sandbox = Sandbox::default();
    let mut said: Vec<usize> = Vec::new();
    for count in [1, 4] {
        let run: Run = sandbox.score(&judge(), &tasks[..count], &command).expect(0);
        let stderr = run.stderr();
        assert_eq!(stderr.matches("the plugin's log is over its budget").count(), count, "{stderr}");
        said.push(stderr.lines().filter(|line| line.contains("flood flood")).count());
    }
    assert!(said[0] > 10 && said[1] == 4 * said[0], "{said:?}");
}
