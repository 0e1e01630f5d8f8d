//! `answer-match` in the sandbox beside math-verify, on pairs whose truth is known by construction.
//!
//! `plugins/answer-match/README.md` has the table of 5,000 pairs; here are a few hundred of them. Without Python or the network the
//! comparison says LEFT OUT and why; with REWARDEN_TEST_NETWORK=required it fails instead. Our own side is checked always.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use rewarden_tests::Sandbox;
use rewarden_tests::python::{environment, or_left_out};
use serde_json::{Value, json};

#[path = "../../plugins/answer-match/tests/pairs/mod.rs"]
pub(crate) mod pairs;

/// Of every kind of answer twenty.
const PAIRS: usize = 640;

pub(crate) const GRADER: &str = "math-verify==0.9.0";

const PACK: &str = r#"
name = "rule"
version = "0.1.0"
[scale]
min = 0
max = 1
integer = false
[policy]
component = "blend.wasm"
config = { judge_weight = 0, signals = { answer = { weight = 1.0 } } }
[scorers.answer]
component = "answer-match.wasm"
"#;

#[test]
fn answers_are_matched_as_they_were_made_and_as_another_grader_matches_them() {
    let sandbox = Sandbox::default();
    sandbox.pack(PACK, &["blend", "answer-match"]);
    let pairs = pairs::pairs(PAIRS, 7);
    let mut tasks = String::new();
    for (id, pair) in pairs.iter().enumerate() {
        let response = format!("It is \\boxed{{{}}}.", pair.other);
        writeln!(tasks, "{}", json!({"id": id, "prompt": "?", "responses": [response], "reference": pair.one}))
            .unwrap();
    }
    sandbox.write("tasks.jsonl", tasks);
    let rows = sandbox.run(["score", "tasks.jsonl", "--pack", "pack", "--format", "jsonl"]).expect(0).rows();
    assert_eq!(rows.len(), PAIRS);
    let mut lines = String::new();
    let mut wrong = Vec::new();
    for (pair, row) in pairs.iter().zip(&rows) {
        let ours = row["scores"] == json!([1.0]);
        if ours != pair.equal {
            wrong.push(format!("{} | {}", pair.one, pair.other));
        }
        let line: Value = json!({
            "kind": pair.kind, "one": pair.one, "other": pair.other, "equal": pair.equal, "ours": ours
        });
        writeln!(lines, "{line}").unwrap();
    }
    assert!(wrong.len() * 1000 <= 3 * PAIRS, "{wrong:?}");
    let pairs = sandbox.write("pairs.jsonl", lines);
    if let Some(python) = or_left_out(GRADER, environment("grader-venv", &[GRADER])) {
        compare(&python, &pairs);
    }
}

fn compare(python: &Path, pairs: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/answer-match/compare/math_verify_table.py");
    let output = Command::new(python).arg(script).arg(pairs).arg("--check").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("checked: "), "{said}");
}

/// A response that is made to cost fuel, memory or stack gets its 0, and takes nothing from the others.
#[test]
fn no_answer_is_too_much_for_the_sandbox() {
    let sandbox = Sandbox::default();
    sandbox.pack(PACK, &["blend", "answer-match"]);
    let many = |from: u32, to: u32, piece: &dyn Fn(u32) -> String, sign: &str| {
        (from..to).map(piece).collect::<Vec<_>>().join(sign)
    };
    let fractions = many(0, 200, &|n| format!("\\frac{{1}}{{x+{n}}}"), "+");
    let hostile = [
        "10^{10^{9}}".to_owned(),
        "((100!)!)!".to_owned(),
        "(2500!)^{1} \\cdot 2499! \\cdot 2498!".to_owned(),
        "(x+y+z+w+u+v)^{24}(a+b+c+d)^{24}".to_owned(),
        "7".repeat(100_000),
        format!("{}1{}", "(".repeat(4000), "+1)".repeat(4000)),
        format!("{}y{}", "\\frac{1}{".repeat(60), "}".repeat(60)),
        format!("{}y{}", "\\sin(".repeat(30), ")".repeat(30)),
        format!("{}y{}", "\\text{".repeat(1000), "}".repeat(1000)),
        "1,".repeat(4000) + "1",
        "|".repeat(3000),
        many(0, 1500, &|n| n.to_string(), ","),
        many(2, 900, &|n| format!("\\sqrt{{{n}}}"), "+"),
        fractions.clone(),
    ];
    let mut tasks = String::new();
    for (id, reference) in ["1", "x", &format!("{fractions}+1")].into_iter().enumerate() {
        for (n, answer) in hostile.iter().enumerate() {
            let responses = [format!("\\boxed{{{answer}}}"), format!("\\boxed{{{reference}}}")];
            let task =
                json!({"id": format!("{id} {n}"), "prompt": "?", "responses": responses, "reference": reference});
            writeln!(tasks, "{task}").unwrap();
        }
    }
    for (n, text) in ["The side is 5 cm, so $x = 3$. ", "1 ", "$", "\\boxed{", "answer is ", "{"].iter().enumerate() {
        let responses = [text.repeat(1_000_000 / text.len()), "\\boxed{7}".to_owned()];
        writeln!(
            tasks,
            "{}",
            json!({"id": format!("long {n}"), "prompt": "?", "responses": responses, "reference": "7"})
        )
        .unwrap();
    }
    sandbox.write("tasks.jsonl", tasks);
    let rows = sandbox.run(["score", "tasks.jsonl", "--pack", "pack", "--format", "jsonl"]).expect(0).rows();
    assert_eq!(rows.len(), 3 * hostile.len() + 6);
    for row in rows {
        assert_eq!(row["scores"], json!([0.0, 1.0]), "{}: {}", row["id"], row["error"]);
    }
}
