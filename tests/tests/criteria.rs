//! Rubrics from end to end: a judge's verdicts by criterion, through the components, into rewards, rows, runs and exports.

use std::collections::BTreeMap;

use rewarden_tests::{ModelServer, RUBRIC_PACK, Sandbox, prompt};
use serde_json::{Value, json};

fn with_rubrics() -> Sandbox {
    let sandbox = Sandbox::default();
    sandbox.pack(RUBRIC_PACK, &["rubric", "rubric-vote"]);
    sandbox
}

/// A number from 0 to 1 that depends on the text alone.
fn chance(of: &str) -> f64 {
    let hash =
        of.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// The ids that a prompt asks about, in its order.
fn asked(text: &str) -> Vec<String> {
    let list = text.split("#### Principles ####\n").nth(1).unwrap().split("\n\n").next().unwrap();
    list.lines().filter_map(|line| Some(line.split_once(". ")?.1.split_once(": ")?.0.to_owned())).collect()
}

/// What is true of a response under a criterion.
fn truth(task: &str, id: &str, response: usize) -> bool {
    chance(&format!("{task} {id} {response}")) < 0.6
}

/// A judge that knows the truth and garbles one criterion in ten: it forgets it, renames it, writes it twice, or says neither
/// yes nor no.
fn garbling(body: &Value) -> String {
    let (text, seed) = (prompt(body), body["seed"].as_u64().unwrap());
    let task = text.split("Task ").nth(1).unwrap().split(':').next().unwrap();
    let mut verdicts = Vec::new();
    for response in 0..2 {
        let mut fields = Vec::new();
        for id in asked(text) {
            let verdict = if truth(task, &id, response) { "yes" } else { "no" };
            let draw = chance(&format!("{seed} {task} {id} {response}"));
            match (draw * 80.0) as u32 {
                // Of two responses: each is garbled half as often, so that one criterion in ten is.
                0 => {}
                1 => fields.push(format!("\"{id} (weight 2)\": \"{verdict}\"")),
                2 => fields.extend([format!("\"{id}\": \"{verdict}\""), format!("\"{}\": \"no\"", id.to_uppercase())]),
                3 => fields.push(format!("\"{id}\": \"partly\"")),
                _ => fields.push(format!("\"{id}\": \"{verdict}\"")),
            }
        }
        verdicts.push(format!("\"response_{}\": {{{}}}", response + 1, fields.join(", ")));
    }
    format!("{{\"analysis\": \"Weighed.\", {}}}", verdicts.join(", "))
}

fn long_rubric() -> Vec<Value> {
    (0..25).map(|number| json!({"id": format!("c{number}"), "text": format!("Does thing {number}."), "weight": 1 + number % 4})).collect()
}

fn expected(task: &str, response: usize) -> f64 {
    let (mut earned, mut all) = (0.0, 0.0);
    for (number, criterion) in long_rubric().iter().enumerate() {
        let weight = criterion["weight"].as_f64().unwrap();
        all += weight;
        earned += if truth(task, &format!("c{number}"), response) { weight } else { 0.0 };
    }
    earned / all
}

/// How many samples of a judge that garbles one criterion in ten are kept, by the number of criteria in a prompt.
#[test]
fn a_garbled_criterion_costs_its_sample_and_never_makes_a_wrong_reward() {
    let server = ModelServer::new(garbling);
    let rows: Vec<Value> = (0..40)
        .map(|task| {
            json!({"id": format!("t{task}"), "prompt": format!("Task {task}: do all 25 things."), "responses": ["one", "two"],
                "rubric": long_rubric()})
        })
        .collect();
    let mut kept = BTreeMap::new();
    for (most, k) in [(25, 16), (5, 8), (1, 4)] {
        let sandbox = with_rubrics();
        let (k, most_set) = (format!("policy.k={k}"), format!("policy.max_criteria={most}"));
        let arguments =
            ["--pack", "pack", "--set", &k, "--set", &most_set, "--set", "policy.shuffle=none", "--max-samples", "512"];
        let run = sandbox.score(&server, &rows, &arguments);
        let results = run.rows();
        let (mut rewarded, mut valid, mut drawn, mut kinds) = (0, 0, 0, BTreeMap::new());
        for row in &results {
            valid += row["valid"].as_u64().unwrap();
            drawn += row["k"].as_u64().unwrap();
            for (kind, count) in row["failures"].as_object().unwrap() {
                *kinds.entry(kind.clone()).or_insert(0) += count.as_u64().unwrap();
            }
            for (response, score) in row["scores"].as_array().unwrap().iter().enumerate() {
                let Some(score) = score.as_f64() else { continue };
                let expected = expected(&row["id"].as_str().unwrap()[1..], response);
                assert!((score - expected).abs() < 1e-9, "{row}: {score}, expected {expected}");
                rewarded += 1;
            }
        }
        let share = valid as f64 / drawn as f64;
        // A sample with m criteria on two responses is whole with 0.95^2m.
        let theory = 0.95_f64.powi(2 * most);
        let error = (theory * (1.0 - theory) / drawn as f64).sqrt();
        assert!((share - theory).abs() < 5.0 * error, "{most} a prompt: kept {share}, expected {theory} ± {error}");
        for kind in ["missing_criterion", "unknown_criterion", "repeated_criterion", "unparsable"] {
            assert!(kinds.contains_key(kind), "{most} a prompt: {kinds:?}");
        }
        eprintln!(
            "{most} criteria a prompt: {:.1} % of {drawn} samples kept, {rewarded} of 80 responses rewarded",
            share * 100.0
        );
        kept.insert(most, (share, rewarded));
    }
    assert!(kept[&1].0 > kept[&5].0 && kept[&5].0 > kept[&25].0);
    assert_eq!(kept[&1].1, 80, "with one criterion a prompt every response has a reward");
}

#[test]
fn criteria_reach_rows_samples_exports_and_the_run_and_come_out_again() {
    let server = ModelServer::new(|_| {
        r#"{"analysis": "a", "response_1": {"rule": "yes", "tone": "n/a"}, "response_2": {"rule": "no", "tone": 1}}"#
            .to_owned()
    });
    let sandbox = with_rubrics();
    let rubric = json!([{"id": "rule", "text": "Names the rule.", "weight": 3},
        {"id": "tone", "text": "Tone.", "levels": ["rude", "kind"]}]);
    let task = json!({"id": "t", "prompt": "Why?", "responses": ["a", "b"], "rubric": rubric});
    let arguments = ["--pack", "pack", "--run", "t.run", "--samples", "s.jsonl", "--set", "policy.shuffle=none"];
    let rows = sandbox.score(&server, std::slice::from_ref(&task), &arguments).expect(0).rows();
    assert_eq!(rows[0]["scores"], json!([1.0, 0.25]));
    let criteria = json!([
        {"criterion": "rule", "response": 0, "score": 1.0},
        {"criterion": "tone", "response": 0, "score": null, "abstained": "n/a"},
        {"criterion": "rule", "response": 1, "score": 0.0},
        {"criterion": "tone", "response": 1, "score": 1.0},
    ]);
    assert_eq!(rows[0]["criteria"], criteria);
    let samples = rewarden_tests::rows(&std::fs::read_to_string(sandbox.path().join("s.jsonl")).unwrap());
    assert_eq!(samples[0]["criteria"], criteria);
    let told = sandbox.run(["verify", "t.run"]).expect(0);
    assert!((told.stdout() + &told.stderr()).contains("everything came out as recorded"));
    let exported = sandbox.run(["export", "t.run"]).expect(0).rows();
    assert_eq!(exported[0]["criteria"], criteria);
    // The same samples under other weights need no judge.
    let replayed = sandbox.run(["replay", "t.run", "--quiet", "--set", "policy.not_applicable=zero"]).expect(0).rows();
    assert_eq!(replayed[0]["scores"], json!([0.75, 0.25]));
}

#[test]
fn a_packs_own_rubric_is_for_tasks_that_bring_none() {
    let server = ModelServer::new(|body| {
        let ids = asked(prompt(body));
        let verdicts: Vec<String> = ids.iter().map(|id| format!("\"{id}\": \"yes\"")).collect();
        format!("{{\"response_1\": {{{}}}}}", verdicts.join(", "))
    });
    let sandbox = Sandbox::default();
    let house = "[[rubric]]\nid = \"house\"\ntext = \"Keeps the house rules.\"\nweight = 2\n";
    sandbox.pack(&format!("{RUBRIC_PACK}{house}"), &["rubric", "rubric-vote"]);
    let own = json!({"id": "own", "prompt": "?", "responses": ["a"], "rubric": [{"id": "mine", "text": "Mine."}]});
    let none = json!({"id": "none", "prompt": "?", "responses": ["a"]});
    let rows = sandbox.score(&server, &[own, none], &["--pack", "pack", "--run", "t.run"]).expect(0).rows();
    assert_eq!(rows[0]["criteria"][0]["criterion"], "mine");
    assert_eq!(rows[1]["criteria"][0]["criterion"], "house");
    assert_eq!(rows[0]["provenance"]["rubric"][0]["id"], "house");
    let told = sandbox.run(["verify", "t.run"]).expect(0);
    assert!((told.stdout() + &told.stderr()).contains("everything came out as recorded"));
}

#[test]
fn nothing_is_taken_of_verdicts_that_were_cut_or_of_a_task_without_a_rubric() {
    let server = ModelServer::in_turn(&[r#"{"response_1": {"rule": "yes", "tone": "#]);
    let sandbox = with_rubrics();
    let cut = json!({"id": "cut", "prompt": "?", "responses": ["a"], "rubric": [{"id": "rule", "text": "x"}]});
    let none = json!({"id": "none", "prompt": "?", "responses": ["a"]});
    let rows = sandbox.score(&server, &[cut, none], &["--pack", "pack"]).expect(3).rows();
    assert_eq!((&rows[0]["scores"], &rows[0]["failures"]), (&json!([null]), &json!({"unparsable": 1})));
    assert_eq!(rows[1]["error"]["kind"], "policy_refused");
    assert!(rows[1]["error"]["message"].as_str().unwrap().contains("metadata.rubric"), "{}", rows[1]);
}
