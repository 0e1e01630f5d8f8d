//! The paper's own worked examples, through real components.

use rewarden_tests::{ModelServer, Sandbox, pack};
use serde_json::json;

fn spct_vote(server: &ModelServer, k: &str, shuffle: &str) -> serde_json::Value {
    let sandbox = Sandbox::default();
    let task = json!({"id": "t", "prompt": "q", "responses": ["first", "second"]});
    let pack = pack("spct-vote");
    let shuffle = format!("policy.shuffle={shuffle}");
    let run = sandbox.score(
        server,
        &[task],
        &["--pack", pack.to_str().unwrap(), "-k", k, "--concurrency", "1", "--set", &shuffle],
    );
    run.expect(0).rows().remove(0)
}

#[test]
fn figure_3_four_samples_sum_to_17_and_25() {
    let server = ModelServer::in_turn(&[
        r"Scores: \boxed{1, 5}",
        r"Scores: \boxed{5, 6}",
        r"Scores: \boxed{4, 8}",
        r"Scores: \boxed{7, 6}",
    ]);
    let row = spct_vote(&server, "4", "none");
    assert_eq!(row["scores"], json!([17.0, 25.0]));
    assert_eq!((&row["best"], &row["k"], &row["valid"]), (&json!(1), &json!(4), &json!(4)));
}

#[test]
fn table_17_scores_of_reversed_samples_are_mapped_back_and_sum_to_20_and_27() {
    // One sample in order gives (8,8), two in reversed order give (9,5) and (10,7). Which of the three draws are
    // reversed is the policy's choice, so the server answers by the order that it is shown.
    let reversed = std::sync::Mutex::new(vec![r"### Output: \boxed{10, 7}", r"**Scores: \boxed{9, 5}**"]);
    let server = ModelServer::new(move |body| {
        let text = rewarden_tests::prompt(body);
        let in_order = text.find("\nfirst").unwrap() < text.find("\nsecond").unwrap();
        let text = if in_order { r"Scores: \boxed{8, 8}" } else { reversed.lock().unwrap().pop().unwrap() };
        text.to_owned()
    });
    let (sandbox, pack) = (Sandbox::default(), pack("spct-vote"));
    let task = json!({"id": "t", "prompt": "q", "responses": ["first", "second"]});
    let score = |server: &ModelServer, seed: &str| {
        let arguments =
            ["--pack", pack.to_str().unwrap(), "-k", "3", "--set", "policy.shuffle=balanced", "--seed", seed]
                .into_iter()
                .chain(["--samples", "samples.jsonl", "--concurrency", "1"]);
        let arguments: Vec<&str> = arguments.collect();
        sandbox.score(server, std::slice::from_ref(&task), &arguments).expect(0).rows().remove(0)
    };
    // Of three balanced draws one order comes twice; some seeds make that the reversed one.
    let any = ModelServer::new(|_| r"\boxed{1, 1}".to_owned());
    let twice_reversed = (0..32).map(|seed| seed.to_string()).find(|seed| {
        score(&any, seed);
        let samples = rewarden_tests::rows(&std::fs::read_to_string(sandbox.path().join("samples.jsonl")).unwrap());
        samples.iter().filter(|sample| sample["order"] == json!([1, 0])).count() == 2
    });
    let row = score(&server, &twice_reversed.expect("none of 32 seeds shows the reversed order twice"));
    assert_eq!(row["scores"], json!([20.0, 27.0]));
}
