//! Runs that an earlier host made, with components of an earlier contract, are still what they were.
//!
//! `tests/data/compat` holds runs which carry components of contract 0.2.0. They stay there: whatever a later host changes, it
//! verifies and replays them. Two are of 2026-11-26, by the host of commit 2615ca5. `packs-0.2.tar.zst` holds one of each bundled
//! pack of commit e48a493, the last before contract 0.3, and of each policy and parser that no pack had: four tasks of
//! `examples/demo.jsonl` each, against a server whose answers were partly no answers.

use std::path::Path;

use rewarden_tests::Sandbox;
use serde_json::Value;

fn with_run(name: &str) -> Sandbox {
    let sandbox = Sandbox::default();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/compat").join(name);
    sandbox.write("old.run", std::fs::read(kept).unwrap());
    sandbox
}

/// Prompts, what was read, scores and rewards: `verify` compares them all, by their bytes.
#[test]
fn every_pack_policy_and_parser_of_contract_0_2_does_what_it_did() {
    let packed =
        std::fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/compat/packs-0.2.tar.zst")).unwrap();
    let mut decoder = zstd::Decoder::new(packed).unwrap();
    decoder.window_log_max(27).unwrap();
    let sandbox = Sandbox::default();
    tar::Archive::new(decoder).unpack(sandbox.path()).unwrap();
    let runs = std::fs::read_dir(sandbox.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut runs: Vec<String> = runs.map(|name| name.into_string().unwrap()).collect();
    runs.retain(|name| name.ends_with(".run"));
    assert_eq!(runs.len(), 15, "{runs:?}");
    for run in runs {
        let verified = sandbox.run(["verify", &run]).expect(0);
        let told = verified.stdout() + &verified.stderr();
        assert!(told.contains("everything came out as recorded"), "{run}: {told}");
    }
}

#[test]
fn every_run_of_an_earlier_host_verifies_and_its_rewards_come_out_again() {
    // The second holds the samples of an import, all of which its policy was given at once.
    for (name, given) in [("boxed-0.2.run", None), ("llmbar-0.2.run", Some("--all-samples"))] {
        let sandbox = with_run(name);
        let verified = sandbox.run(["verify", "old.run"]).expect(0);
        let told = verified.stdout() + &verified.stderr();
        assert!(told.contains("everything came out as recorded"), "{name}: {told}");
        sandbox.run(["export", "old.run", "--out", "rewards.jsonl", "--quiet"]).expect(0);
        let text = std::fs::read_to_string(sandbox.path().join("rewards.jsonl")).unwrap();
        let recorded: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let replayed = sandbox.run(["replay", "old.run", "--quiet"].into_iter().chain(given)).expect(0).rows();
        assert!(!recorded.is_empty(), "{name}");
        assert_eq!(recorded.len(), replayed.len(), "{name}");
        for (then, now) in recorded.iter().zip(&replayed) {
            for field in ["id", "scores", "best", "k", "valid"] {
                assert_eq!(then[field], now[field], "{name}: {field} of {}", then["id"]);
            }
        }
    }
}
