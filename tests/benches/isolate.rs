//! What a process of its own costs: each call in this process and in another, and loading.
//!
//! `cargo build --release --workspace`, for the binary that runs the plugins, then `cargo bench -p rewarden-tests --bench
//! isolate`. Each call is a fresh instance, instantiation and configuration included.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rewarden_runtime::{Isolation, Limits, Runtime, isolate::SUBCOMMAND};
use rewarden_tests::{Sandbox, component};
use rewarden_types::{Completion, FinishReason, Message, ParseRequest, RenderRequest, Role, Scale, TaskView};

const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

fn runtimes(cache: Option<&std::path::Path>) -> [(&'static str, Runtime); 2] {
    let program = Sandbox::default().rewarden().get_program().into();
    let isolation = Isolation { program, arguments: vec![SUBCOMMAND.into()] };
    [
        ("none", Runtime::new(Limits::default(), cache).unwrap()),
        ("process", Runtime::isolated(Limits::default(), cache, isolation).unwrap()),
    ]
}

fn calls(c: &mut Criterion) {
    for (isolate, runtime) in runtimes(None) {
        let spct = runtime.load_file(&component("spct")).unwrap();
        for kib in [1, 16] {
            let filler =
                "- Response 2 answers the question, but leaves something out.\n".chars().cycle().take(kib << 10);
            let text = format!("{}\nScores: \\boxed{{8, 5, 7, 2}}", filler.collect::<String>());
            let completion = Completion::of_text(text, FinishReason::Stop);
            assert!(spct.parse("{}", &ParseRequest::new(&completion, 4, SCALE)).unwrap().value.is_ok());
            c.bench_function(&format!("parse {kib} KiB/{isolate}"), |b| {
                b.iter(|| spct.parse("{}", &ParseRequest::new(black_box(&completion), 4, SCALE)).unwrap())
            });
        }
        let task = TaskView {
            messages: vec![Message { role: Role::User, content: "Which is better?".into() }].into(),
            responses: (0..4).map(|index| format!("Response number {index}. ").repeat(50).into()).collect(),
            reference: None,
            metadata: "{}".into(),
        };
        let request = RenderRequest::new(task, SCALE);
        c.bench_function(&format!("render n=4/{isolate}"), |b| {
            b.iter(|| spct.render("{}", black_box(&request)).unwrap())
        });
    }
}

fn load(c: &mut Criterion) {
    let cache = tempfile::tempdir().unwrap();
    let mut group = c.benchmark_group("load");
    group.sample_size(10);
    for (isolate, runtime) in runtimes(None) {
        group.bench_function(format!("cold/{isolate}"), |b| b.iter(|| runtime.load_file(&component("spct")).unwrap()));
    }
    for (isolate, runtime) in runtimes(Some(cache.path())) {
        runtime.load_file(&component("spct")).unwrap();
        group
            .bench_function(format!("cached/{isolate}"), |b| b.iter(|| runtime.load_file(&component("spct")).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, calls, load);
criterion_main!(benches);
