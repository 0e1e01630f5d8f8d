//! Strategies side by side on one recorded run, over the real components: a simulated judge whose accuracy is known.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rewarden_tests::{ModelServer, Sandbox, component, pack, prompt};
use serde_json::{Value, json};

const TASKS: usize = 400;
const SAMPLES: usize = 32;
/// How often a sample of the simulated judge is right.
const ACCURACY: f64 = 0.6;

/// A generator that is good enough for coin tosses, and the same everywhere (splitmix64).
struct Coins(u64);

impl Coins {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A run of the simulated judge: verdicts in both orders, with a rating that is higher, on average, where it is right.
fn simulated(sandbox: &Sandbox) {
    let mut coins = Coins(17);
    let mut log = String::new();
    for task in 0..TASKS {
        let preferred = task % 2;
        let samples: Vec<Value> = (0..SAMPLES)
            .map(|sample| {
                let order = if sample % 2 == 0 { [0, 1] } else { [1, 0] };
                let right = coins.uniform() < ACCURACY;
                let chosen = if right { preferred } else { 1 - preferred };
                let label = if order[0] == chosen { "[[A]]" } else { "[[B]]" };
                let rating = coins.uniform() + if right { 0.5 } else { 0.0 };
                json!({"text": format!("It is a close call. {label}"), "order": order, "rating": rating})
            })
            .collect();
        let row = json!({"id": format!("t{task}"), "prompt": "Which?", "responses": ["one", "two"],
            "preferred": preferred, "samples": samples});
        writeln!(log, "{row}").unwrap();
    }
    sandbox.write("log.jsonl", log);
    sandbox.run(["import", "log.jsonl", "--run", "log.run"]).expect(0);
    let manifest = r#"name = "choices"
version = "0.1.0"
scale = { min = 0, max = 1, integer = true }
[template]
component = "spct.wasm"
[parser]
component = "choice.wasm"
[policy]
component = "vote.wasm"
config = { k = 32, shuffle = "balanced" }
"#;
    sandbox.write("pack/pack.toml", manifest);
    for name in ["spct", "choice", "vote"] {
        std::fs::copy(component(name), sandbox.path().join(format!("pack/{name}.wasm"))).unwrap();
    }
}

/// Replays the log under a policy, into a run of its own.
fn replay(sandbox: &Sandbox, name: &str, policy: &str, settings: &[&str]) {
    let (policy, run) = (component(policy), format!("{name}.run"));
    let mut arguments =
        vec!["replay", "log.run", "--pack", "pack", "--policy", policy.to_str().unwrap(), "--run", &run];
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    sandbox.run(&arguments).expect(0);
}

fn rewards(sandbox: &Sandbox, name: &str) -> BTreeMap<String, Value> {
    let rows = sandbox.run(["export", &format!("{name}.run")]).expect(0).rows();
    rows.into_iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect()
}

/// The probability that more than half of k verdicts are right, a tie worth one half.
fn majority(k: usize) -> f64 {
    let mut probability = (1.0 - ACCURACY).powi(k as i32);
    let mut total = 0.0;
    for right in 0..=k {
        total += probability
            * if 2 * right > k {
                1.0
            } else if 2 * right == k {
                0.5
            } else {
                0.0
            };
        probability *= (k - right) as f64 / (right + 1) as f64 * ACCURACY / (1.0 - ACCURACY);
    }
    total
}

#[test]
fn voting_is_as_accurate_as_the_binomial_says_and_an_informative_meta_rm_makes_it_better() {
    let sandbox = Sandbox::default();
    simulated(&sandbox);
    replay(&sandbox, "vote", "vote", &["policy.k=32"]);
    replay(&sandbox, "majority", "vote", &["policy.k=32", "policy.aggregate=majority"]);
    replay(&sandbox, "meta", "meta-vote", &["policy.k=32"]);
    replay(&sandbox, "adaptive", "adaptive-vote", &["policy.k=32", "policy.batch=1"]);
    replay(&sandbox, "tournament", "tournament", &["policy.both_orders=true", "policy.repeats=16"]);

    let names = ["vote", "majority", "meta", "adaptive", "tournament"];
    let runs = names.map(|name| format!("{name}.run"));
    let mut arguments = vec!["eval"];
    arguments.extend(runs.iter().map(String::as_str));
    let table = sandbox.run(&arguments).expect(0).stdout();
    assert!(names.iter().all(|name| table.contains(name)), "{table}");
    arguments.extend(["--format", "json"]);
    let figures: Value = serde_json::from_str(&sandbox.run(&arguments).expect(0).stdout()).unwrap();
    let accuracy = |run: usize, k: u64| {
        let curve = figures[run]["at_k"].as_array().unwrap();
        curve.iter().find(|at| at["k"] == k).unwrap()["accuracy"]["value"].as_f64().unwrap()
    };
    for k in [1, 2, 4, 8, 16, 32] {
        let (measured, exact) = (accuracy(0, k), majority(k as usize));
        // Three standard errors of a share of 400 tasks.
        let margin = 3.0 * (exact * (1.0 - exact) / TASKS as f64).sqrt();
        assert!((measured - exact).abs() < margin, "k = {k}: measured {measured}, exact {exact}");
    }
    assert_eq!(accuracy(0, 32), accuracy(1, 32), "with one verdict a sample, the sum is the majority");
    for k in [4, 8, 16, 32] {
        assert!(accuracy(2, k) > accuracy(0, k) + 0.03, "k = {k}: {} and {}", accuracy(2, k), accuracy(0, k));
    }

    // The exact rule stops early and never changes the winner.
    let (vote, adaptive) = (rewards(&sandbox, "vote"), rewards(&sandbox, "adaptive"));
    let mut drawn = 0;
    for (id, reward) in &vote {
        assert_eq!((&adaptive[id]["best"], &adaptive[id]["tied"]), (&reward["best"], &reward["tied"]), "{id}");
        drawn += adaptive[id]["k"].as_u64().unwrap();
    }
    let all = (TASKS * SAMPLES) as u64;
    assert!(drawn < all * 95 / 100, "{drawn} of {all} samples");
    eprintln!("adaptive voting drew {drawn} of {all} samples");
    assert!(figures[4]["overall"]["accuracy"]["value"].as_f64().unwrap() > 0.75);
}

#[test]
fn every_rule_of_voting_gives_the_scores_that_its_name_says() {
    let sandbox = Sandbox::default();
    // The paper's figure 3.
    let samples = ["1, 5", "5, 6", "4, 8", "7, 6"].map(|scores| json!({"text": format!("\\boxed{{{scores}}}")}));
    let row = json!({"id": "t", "prompt": "q", "responses": ["a", "b"], "samples": samples});
    sandbox.write("log.jsonl", format!("{row}\n"));
    sandbox.run(["import", "log.jsonl", "--run", "log.run"]).expect(0);
    let pack = pack("spct-vote");
    for (rule, scores) in [
        ("sum", [17.0, 25.0]),
        ("mean", [4.25, 6.25]),
        ("median", [4.5, 6.0]),
        ("majority", [1.0, 3.0]),
        ("borda", [1.0, 3.0]),
    ] {
        let setting = format!("policy.aggregate={rule}");
        let arguments = ["replay", "log.run", "--pack", pack.to_str().unwrap(), "--set", &setting, "--all-samples"];
        assert_eq!(sandbox.run(arguments).expect(0).rows()[0]["scores"], json!(scores), "{rule}");
    }
}

/// A judge that writes its verdict with a confidence of 0.55 or 0.95: right as often as that says, or, if the confidence is noise,
/// as often as on average.
fn confident(informative: bool) -> ModelServer {
    ModelServer::choosing(move |body| {
        let (text, seed) = (prompt(body), body["seed"].as_u64().unwrap());
        let preferred_first = text.find("the right one") < text.find("the wrong one");
        let mut coins = Coins(seed);
        coins.uniform();
        let confidence = if coins.uniform() < 0.5 { 0.55 } else { 0.95 };
        let right = coins.uniform() < if informative { confidence } else { 0.75 };
        let (said, other) = if right == preferred_first { ("A", "B") } else { ("B", "A") };
        let token = |token: &str, logprob: f64, others: Value| json!({"token": token, "logprob": logprob, "bytes": null, "top_logprobs": others});
        let at = |token: &str, probability: f64| json!({"token": token, "logprob": probability.ln(), "bytes": null});
        let alternatives = json!([at(said, confidence), at(other, 1.0 - confidence)]);
        let sure = |text: &str| token(text, 0.0, json!([at(text, 1.0)]));
        json!({"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": format!("Verdict: [[{said}]]")},
            "logprobs": {"content": [sure("Verdict:"), sure(" [["), token(said, confidence.ln(), alternatives), sure("]]")]}})
    })
}

#[test]
fn weighing_votes_by_confidence_helps_where_it_means_something_and_does_no_harm_where_it_is_noise() {
    let manifest = r#"name = "choices"
version = "0.1.0"
scale = { min = 0, max = 1, integer = true }
[template]
component = "spct.wasm"
config = { top_logprobs = 2 }
[parser]
component = "choice.wasm"
[policy]
component = "vote.wasm"
config = { k = 6, shuffle = "balanced" }
"#;
    for informative in [true, false] {
        let (sandbox, judge) = (Sandbox::default(), confident(informative));
        sandbox.pack(manifest, &["spct", "choice", "vote"]);
        let task = |number: usize| {
            let responses = if number.is_multiple_of(2) {
                ["the right one", "the wrong one"]
            } else {
                ["the wrong one", "the right one"]
            };
            json!({"id": format!("t{number}"), "prompt": format!("Question {number}?"), "responses": responses, "preferred": number % 2})
        };
        let tasks: Vec<Value> = (0..TASKS).map(task).collect();
        let rows =
            sandbox.score(&judge, &tasks, &["--pack", "pack", "--run", "equal.run", "--samples", "s.jsonl"]).expect(0);
        assert_eq!(rows.rows().len(), TASKS);
        let samples = rewarden_tests::rows(&std::fs::read_to_string(sandbox.path().join("s.jsonl")).unwrap());
        let sure = |sample: &&Value| (sample["confidence"].as_f64().unwrap() - 0.95).abs() < 1e-9;
        let share = samples.iter().filter(sure).count() as f64 / samples.len() as f64;
        assert!((share - 0.5).abs() < 0.05, "{share} are sure");
        let right = |run: &str| -> Vec<f64> {
            let rows = sandbox.run(["export", run]).expect(0).rows();
            let share = |row: &Value| match row["best"].as_u64() {
                Some(best) => f64::from(u8::from(best == row["preferred"].as_u64().unwrap())),
                None => 0.5,
            };
            rows.iter().map(share).collect()
        };
        let equal = right("equal.run");
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        for weights in ["confidence", "log-odds"] {
            let (run, setting) = (format!("{weights}.run"), format!("policy.weights={weights}"));
            sandbox.run(["replay", "equal.run", "--pack", "pack", "--set", &setting, "--run", &run]).expect(0);
            let gains: Vec<f64> = right(&run).iter().zip(&equal).map(|(weighted, equal)| weighted - equal).collect();
            let gain = mean(&gains);
            let error = (gains.iter().map(|one| (one - gain).powi(2)).sum::<f64>()).sqrt() / TASKS as f64;
            eprintln!(
                "confidence {}, weights = {weights}: {:.3} instead of {:.3}, gain {gain:+.4} ± {error:.4}",
                if informative { "informative" } else { "noise" },
                mean(&equal) + gain,
                mean(&equal)
            );
            match (informative, weights) {
                (true, _) => assert!(gain > 3.0 * error, "{gain} ± {error}"),
                (false, "confidence") => assert!(gain.abs() < 3.0 * error, "{gain} ± {error}"),
                // Weights that trust noise throw samples away.
                (false, _) => assert!(gain < 3.0 * error, "{gain} ± {error}"),
            }
        }
    }
}
