//! Five thousand pairs that are equal, or not, by construction.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod pairs;

use std::collections::BTreeMap;

use answer_match::{Config, same};

#[test]
fn few_pairs_are_missed_and_hardly_any_is_rewarded_falsely() {
    let mut table: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for pair in pairs::pairs(5_000, 16) {
        let found = same(&pair.one, &pair.other, &Config::default());
        assert_eq!(found, same(&pair.other, &pair.one, &Config::default()), "{} | {}", pair.one, pair.other);
        let row = table.entry(pair.kind).or_default();
        row[usize::from(pair.equal)] += 1;
        if found != pair.equal {
            row[2 + usize::from(pair.equal)] += 1;
            println!("{}: {} | {} ({})", if found { "FALSE" } else { "MISS" }, pair.one, pair.other, pair.kind);
        }
    }
    println!("{:<28} {:>8} {:>8} {:>8} {:>8}", "kind", "unequal", "equal", "false", "missed");
    for (kind, row) in &table {
        println!("{kind:<28} {:>8} {:>8} {:>8} {:>8}", row[0], row[1], row[2], row[3]);
    }
    let sum = |column: usize| table.values().map(|row| row[column]).sum::<usize>();
    let (unequal, equal, falsely, missed) = (sum(0), sum(1), sum(2), sum(3));
    println!("{:<28} {unequal:>8} {equal:>8} {falsely:>8} {missed:>8}", "all");
    assert!(falsely * 1_000 <= unequal, "{falsely} of {unequal} unequal pairs are rewarded");
    assert!(missed * 100 <= 3 * equal, "{missed} of {equal} equal pairs are missed");
}
