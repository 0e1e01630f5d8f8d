//! What programs cost in the sandbox, beside the same function in a warm process of its own interpreter right after it.
//!
//! `cargo bench --workspace --bench programs`, after `cargo xtask setup` and `cargo xtask runtimes`. A table is printed. Times are of the
//! processor, since other programs take its time on a shared machine; those of a call are medians of 200, a fresh instance each.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rewarden_runtime::{Limits, Runtime};
use rewarden_tests::interpreter;
use rewarden_tests::python::{environment, said};
use rewarden_types::{Message, Role, TaskView};
use serde_json::json;

const CALLS: usize = 200;

const PYTHON: &str = r#"
import re

def reward(prompt, response, reference):
    numbers = re.findall(r"-?\d+", response)
    return 1.0 if numbers and numbers[-1] == reference else 0.0
"#;

const MATHS: &str = r#"
from math_verify import parse, verify

def reward(prompt, response, reference):
    return 1.0 if verify(parse("$" + reference + "$"), parse(response)) else 0.0
"#;

const JAVASCRIPT: &str = r#"
export function reward({ response, reference }) {
  const numbers = response.match(/-?\d+/g) ?? [];
  return numbers.at(-1) === reference ? 1 : 0;
}
"#;

/// Runs the same function in a loop, with its imports done, and prints milliseconds of the processor for a task.
const NATIVE_PYTHON: &str = r#"
import sys, time, json
source, tasks = json.load(sys.stdin)
space = {}
exec(source, space)
def score(task):
    reference, responses = task
    return [space["reward"]("?", response, reference) for response in responses]
for task in tasks[:20]:
    score(task)
times = []
for task in tasks[20:]:
    start = time.process_time()
    score(task)
    times.append(time.process_time() - start)
print(sorted(times)[len(times) // 2] * 1e3)
"#;

struct Program {
    runtime: &'static str,
    file: &'static str,
    source: &'static str,
    reference: &'static str,
    responses: [&'static str; 4],
    /// What its own interpreter needs.
    packages: &'static [&'static str],
}

const PROGRAMS: [Program; 3] = [
    Program {
        runtime: "python",
        file: "reward.py",
        source: PYTHON,
        reference: "4",
        responses: ["It is 4", "5", "four, so 4", "no"],
        packages: &[],
    },
    Program {
        runtime: "python-maths",
        file: "maths.py",
        source: MATHS,
        reference: r"\frac{@a}{@b}",
        responses: [
            r"So it is $\boxed{\frac{@a}{@b}}$.",
            r"The answer is $\frac{@c}{@d}$",
            r"$\boxed{@a}$",
            r"It is $\frac{@e}{@b}$.",
        ],
        packages: &["math-verify==0.9.0"],
    },
    Program {
        runtime: "javascript",
        file: "reward.js",
        source: JAVASCRIPT,
        reference: "4",
        responses: ["It is 4", "5", "four, so 4", "no"],
        packages: &[],
    },
];

/// The reference and the responses of a task, with numbers of its own: what libraries keep of one task is of no use for the next.
fn numbered(program: &Program, task: usize) -> (String, Vec<String>) {
    let (a, b) = (task * 37 % 211 + 2, task * 53 % 197 + 3);
    let numbers = [("@a", a), ("@b", b), ("@c", 2 * a), ("@d", 2 * b), ("@e", a + 1)];
    let fill = |text: &str| {
        numbers.iter().fold(text.to_owned(), |text, (name, number)| text.replace(name, &number.to_string()))
    };
    (fill(program.reference), program.responses.iter().map(|response| fill(response)).collect())
}

/// What this process has used, all threads together.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<u64> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .map(|text| text.parse().unwrap())
        .collect();
    Duration::from_millis(fields.iter().sum::<u64>() * 10)
}

/// What this thread has used.
fn thread_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_ascii_whitespace().next().unwrap().parse().unwrap())
}

fn main() {
    println!(
        "| interpreter | size | first use, CPU and wall | from the cache | a call of four responses | natively | fuel | memory |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for program in &PROGRAMS {
        let Some(path) = interpreter(program.runtime) else { continue };
        measure(program, &path);
    }
}

fn measure(program: &Program, path: &Path) {
    let cache = tempfile::tempdir().unwrap();
    let (before, started) = (processor_time(), Instant::now());
    drop(Runtime::new(Limits::default(), Some(cache.path())).unwrap().load_file(path).unwrap());
    let (first, first_wall) = (processor_time() - before, started.elapsed());
    let (before, started) = (processor_time(), Instant::now());
    let plugin = Runtime::new(Limits::default(), Some(cache.path())).unwrap().load_file(path).unwrap();
    let config = json!({"as": "scorer", "file": program.file, "source": program.source, "options": {}});
    let prepared = plugin.prepare(&config.to_string()).unwrap();
    let (again, again_wall) = (processor_time() - before, started.elapsed());
    let mut times = Vec::new();
    let mut cost = (0, 0);
    for number in 0..CALLS {
        let (reference, responses) = numbered(program, number);
        let task = TaskView {
            messages: vec![Message { role: Role::User, content: "?".into() }].into(),
            responses: responses.into_iter().map(Into::into).collect::<Vec<_>>().into(),
            reference: Some(reference.into()),
            metadata: "{}".into(),
        };
        let before = thread_time();
        let scored = plugin.score_responses(&prepared.json, &task).unwrap();
        times.push(thread_time() - before);
        assert!(scored.value.is_ok(), "{:?}", scored.value);
        cost = (scored.fuel, scored.memory_bytes);
    }
    times.sort();
    let call = times[CALLS / 2].as_secs_f64() * 1e3;
    println!(
        "| `{}` | {:.1} MB | {:.1} s, {:.1} s | {:.2} s, {:.2} s | {call:.2} ms | {} | {:.1} M | {:.1} MB |",
        program.runtime,
        std::fs::metadata(path).unwrap().len() as f64 / 1e6,
        first.as_secs_f64(),
        first_wall.as_secs_f64(),
        again.as_secs_f64(),
        again_wall.as_secs_f64(),
        native(program),
        cost.0 as f64 / 1e6,
        cost.1 as f64 / 1e6,
    );
}

/// Milliseconds for a task in the program's own interpreter, where it is one that can be had.
fn native(program: &Program) -> String {
    if !program.file.ends_with(".py") {
        return "–".to_owned();
    }
    let python = match program.packages {
        [] => Ok("python3".into()),
        packages => environment("grader-venv", packages),
    };
    let tasks: Vec<_> = (0..CALLS).map(|number| numbered(program, number)).collect();
    let input = json!([program.source, tasks]).to_string();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), input).unwrap();
    let measured = python.and_then(|python| {
        said(Command::new(python).args(["-c", NATIVE_PYTHON]).stdin(std::fs::File::open(file.path()).unwrap()))
    });
    measured
        .map_or_else(|why| format!("not run: {why}"), |text| format!("{:.2} ms", text.trim().parse::<f64>().unwrap()))
}
