//! Strategies are swapped without rebuilding anything.

use rewarden_tests::{ModelServer, Sandbox, component, pack};
use serde_json::{Value, json};

const TEXTS: [&str; 2] = [r"Scores: \boxed{9, 5}", r"Scores: \boxed{2, 5}"];

fn score(arguments: &[&str]) -> Value {
    let task = json!({"id": "t", "prompt": "q", "responses": ["a", "b"], "preferred": 0});
    let pack = pack("spct-vote");
    let base = ["--pack", pack.to_str().unwrap(), "-k", "2", "--concurrency", "1"];
    let arguments: Vec<&str> = base.iter().chain(arguments).copied().collect();
    Sandbox::default().score(&ModelServer::in_turn(&TEXTS), &[task], &arguments).expect(0).rows().remove(0)
}

#[test]
fn another_policy_component_gives_other_rewards_for_the_same_samples() {
    let none = ["--set", "policy.shuffle=none"];
    let vote = score(&none);
    assert_eq!((&vote["scores"], &vote["best"]), (&json!([11.0, 10.0]), &json!(0)));

    let worst_case = component("worst-case");
    let swapped = score(&["--policy", worst_case.to_str().unwrap()]);
    assert_eq!(swapped["best"], json!(1), "{swapped}");
    assert_ne!(vote["provenance"]["policy"]["digest"], swapped["provenance"]["policy"]["digest"]);
    assert_eq!(vote["provenance"]["parser"], swapped["provenance"]["parser"]);
}

#[test]
fn a_setting_changes_the_configuration_and_shows_in_the_provenance() {
    let mean = score(&["--set", "policy.shuffle=none", "--set", "policy.aggregate=mean"]);
    assert_eq!(mean["scores"], json!([5.5, 5.0]));
    assert_eq!(mean["provenance"]["policy"]["config"]["aggregate"], "mean");
    assert_eq!(mean["provenance"]["policy"]["config"]["k"], 2);
}

#[test]
fn a_misspelt_setting_names_the_key_and_the_nearest_one() {
    let pack = pack("spct-vote");
    let task = json!({"prompt": "q", "responses": ["a"]});
    let arguments = ["--pack", pack.to_str().unwrap(), "--set", "policy.agregate=mean"];
    let run = Sandbox::default().score(&ModelServer::in_turn(&TEXTS), &[task], &arguments).expect(1);
    assert!(run.stderr().contains("key `agregate`: unknown; did you mean `aggregate`?"), "{}", run.stderr());
}

#[test]
fn a_component_in_a_part_that_it_does_not_play_is_refused() {
    let pack = pack("spct-vote");
    let vote = component("vote");
    let task = json!({"prompt": "q", "responses": ["a"]});
    let arguments = ["--pack", pack.to_str().unwrap(), "--parser", vote.to_str().unwrap()];
    let run = Sandbox::default().score(&ModelServer::in_turn(&TEXTS), &[task], &arguments).expect(1);
    assert!(run.stderr().contains("`vote.wasm` does not export `parser`"), "{}", run.stderr());
}
