//! What it costs to compare an answer in the sandbox, a fresh instance each time.
//!
//! `cargo bench --workspace --bench answers`, after `cargo xtask setup`; `plugins/answer-match/compare/speed.py` has the
//! same pairs for another grader.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rewarden_runtime::{Limits, Runtime};
use rewarden_tests::component;
use rewarden_types::{Message, Role, TaskView};

const PAIRS: [(&str, &str, &str); 3] = [
    ("number", "1,234.50", "1234.5"),
    ("fraction with roots", r"\frac{3\sqrt{2}+\sqrt{8}}{2}", r"\frac{5}{\sqrt{2}}"),
    (
        "3x3 matrix",
        r"\begin{pmatrix}1&\frac12&0\\\sqrt{4}&3&x+1\\0&0&-1\end{pmatrix}",
        r"\begin{bmatrix}1&0.5&0\\2&3&1+x\\0&0&-1\end{bmatrix}",
    ),
];

fn answers(c: &mut Criterion) {
    let runtime = Runtime::new(Limits::default(), None).unwrap();
    let plugin = runtime.load_file(&component("answer-match")).unwrap();
    for (name, reference, response) in PAIRS {
        let task = TaskView {
            messages: vec![Message { role: Role::User, content: "?".into() }].into(),
            responses: [format!("\\boxed{{{response}}}").into()].into(),
            reference: Some(reference.into()),
            metadata: "{}".into(),
        };
        let scored = plugin.score_responses("{}", &task).unwrap();
        assert!(format!("{:?}", scored.value).contains("1.0"), "{name}: {:?}", scored.value);
        println!("{name}: {} of fuel", scored.fuel);
        c.bench_function(&format!("answer-match {name}"), |b| {
            b.iter(|| plugin.score_responses("{}", black_box(&task)).unwrap())
        });
    }
}

// Plots need fonts, which not every machine has.
criterion_group! { name = benches; config = Criterion::default().without_plots(); targets = answers }
criterion_main!(benches);
