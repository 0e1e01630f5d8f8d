//! What it costs to choose one token: `cargo bench --workspace --bench sampler`.
//!
//! `before` is the sampler as it was: three passes over the logits, a hash for every token, and a one-hot vector in which
//! the engine looked for the largest value again. The vocabulary is Qwen's.
#![allow(missing_docs, reason = "criterion's macros write a function without")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rewarden_inference::mistral::gumbel::choose;

const VOCABULARY: usize = 151_936;

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Logits as models have them: most near the mean, some far above.
fn logits() -> Vec<f32> {
    let uniform = |n: u64| (mix(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 40) as f32 / (1u64 << 24) as f32;
    let bell = |token: u64| (0..6).map(|i| uniform(token * 6 + i + 1)).sum::<f32>() - 3.0;
    (0..VOCABULARY as u64).map(|token| 3.0 * bell(token) + if token % 5000 == 7 { 12.0 } else { 0.0 }).collect()
}

fn before(logits: &[f32], temperature: f64, seed: u64, position: u64) -> Option<usize> {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    if logits.iter().any(|l| l.is_nan() || *l == f32::INFINITY) {
        return None;
    }
    let mut greedy: Option<(usize, f32)> = None;
    for (token, &logit) in logits.iter().enumerate() {
        if logit > f32::NEG_INFINITY && greedy.is_none_or(|(_, highest)| logit > highest) {
            greedy = Some((token, logit));
        }
    }
    let (first, max) = greedy?;
    if temperature == 0.0 {
        return Some(first);
    }
    let noise = mix(mix(seed.wrapping_add(GOLDEN)) ^ position.wrapping_mul(GOLDEN));
    let mut best: Option<(usize, f64)> = None;
    for (token, &logit) in logits.iter().enumerate() {
        if logit == f32::NEG_INFINITY {
            continue;
        }
        let scaled = (f64::from(logit) - f64::from(max)) / temperature;
        let bits = mix(noise.wrapping_add((token as u64 + 1).wrapping_mul(GOLDEN))) >> 12;
        let leading_ones = (!(bits << 12)).leading_zeros().min(52);
        let bound = f64::from(leading_ones + 1) * std::f64::consts::LN_2;
        if best.is_some_and(|(_, score)| scaled + bound < score) {
            continue;
        }
        let uniform = (bits as f64 + 0.5) * 2f64.powi(-52);
        let score = scaled - (-uniform.ln()).ln();
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((token, score));
        }
    }
    best.map(|(token, _)| token)
}

/// What the engine makes of what a processor returns.
fn last_of_the_largest(values: &[f32]) -> Option<usize> {
    values.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(token, _)| token)
}

fn sampler(criterion: &mut Criterion) {
    let logits = logits();
    for temperature in [0.0, 0.5, 1.0] {
        for position in 0..200 {
            assert_eq!(before(&logits, temperature, 7, position), choose(&logits, temperature, None, 7, position));
        }
        let mut group = criterion.benchmark_group(format!("temperature {temperature}"));
        let mut position = 0;
        group.bench_function("before", |bencher| {
            bencher.iter(|| {
                position += 1;
                let values = black_box(&logits).clone();
                let token = before(&values, temperature, 7, position).unwrap_or(0);
                let one_hot: Vec<f32> =
                    (0..VOCABULARY).map(|i| if i == token { 0.0 } else { f32::NEG_INFINITY }).collect();
                last_of_the_largest(&one_hot)
            });
        });
        group.bench_function("after", |bencher| {
            bencher.iter(|| {
                position += 1;
                let token = choose(black_box(&logits), temperature, None, 7, position).unwrap_or(0);
                last_of_the_largest(&vec![0.0; token + 1])
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    // Plots need fonts, which not every machine has.
    config = Criterion::default().without_plots();
    targets = sampler
}
criterion_main!(benches);
