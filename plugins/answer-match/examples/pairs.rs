//! Prints pairs of answers that are equal, or not, by construction, as lines of JSON with our verdict:
//! `cargo run --example pairs -- COUNT SEED`.
#![allow(clippy::unwrap_used, reason = "a tool for measuring")]

#[path = "../tests/pairs/mod.rs"]
mod pairs;

use answer_match::{Config, same};

fn main() {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse().unwrap());
    let (count, seed) = (numbers.next().unwrap_or(5_000), numbers.next().unwrap_or(16));
    for pair in pairs::pairs(usize::try_from(count).unwrap(), seed) {
        let ours = same(&pair.one, &pair.other, &Config::default());
        let line = serde_json::json!({
            "kind": pair.kind, "one": pair.one, "other": pair.other, "equal": pair.equal, "ours": ours
        });
        println!("{line}");
    }
}
