//! Runs that an earlier host made, with components of an earlier contract, are still what they were.
//!
//! `tests/data/compat` holds runs made on 2026-11-26 by the host of commit 2615ca5, which carry components of contract 0.2.0.
//! They stay there: whatever a later host changes, it verifies and replays them.

use std::path::Path;

use rewarden_tests::Sandbox;
use serde_json::Value;

fn with_run(name: &str) -> Sandbox {
    let sandbox = Sandbox::default();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/compat").join(name);
    sandbox.write("old.run", std::fs::read(kept).unwrap());
    sandbox
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
