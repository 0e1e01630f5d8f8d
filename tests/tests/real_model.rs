//! The whole path with the real default model: template, mistral.rs, parser, policy.

use rewarden_tests::{Sandbox, model, pack, rows};
use serde_json::{Value, json};

const TASKS: &str = concat!(
    r#"{"id": "capital", "prompt": "What is the capital of France?", "responses": ["Paris.", "Rome."]}"#,
    "\n",
    r#"{"id": "sum", "prompt": "2 + 2?", "responses": ["5", "4", "It is 4."], "reference": "4"}"#,
    "\n"
);

/// Results and samples of one run, as bytes.
fn score(seed: &str) -> (String, String) {
    let sandbox = Sandbox::default();
    sandbox.write("tasks.jsonl", TASKS);
    let (pack, model) = (pack("spct-small"), model());
    let run = sandbox.run(
        ["score", "tasks.jsonl", "--pack", pack.to_str().unwrap(), "--model", model.to_str().unwrap(), "-k", "2"]
            .into_iter()
            // Short texts: this test is about the path, not about the scores.
            .chain(["--set", "template.constrain_chars=60", "--samples", "samples.jsonl", "--seed", seed]),
    );
    let results = run.expect(0).stdout();
    (results, std::fs::read_to_string(sandbox.path().join("samples.jsonl")).unwrap())
}

#[test]
fn real_samples_are_valid_shown_in_both_orders_and_the_same_again_for_the_same_seed() {
    let (results, samples) = score("1");
    for row in rows(&results) {
        assert_eq!((&row["k"], &row["valid"]), (&json!(2), &json!(2)), "{row}");
    }
    let orders: Vec<Value> = rows(&samples)[..2].iter().map(|sample| sample["order"].clone()).collect();
    assert!(orders.contains(&json!([0, 1])) && orders.contains(&json!([1, 0])), "{orders:?}");
    assert!(rows(&samples).iter().all(|sample| sample["text"].as_str().unwrap().contains(r"\boxed{")));

    assert_eq!((results.clone(), samples.clone()), score("1"), "the same seed must give the same bytes");
    assert_ne!(samples, score("2").1, "another seed must give other samples");
}
