//! Random choices that depend on nothing but (seed, position, token).
//!
//! The engine has one random generator for all requests, so what one draws depends on what else runs. Instead every
//! token gets its own noise by the Gumbel-max trick: the argmax of `logit/T + g`, with `g` independent standard Gumbel
//! noise, is distributed exactly as softmax(logits/T) (E. J. Gumbel, *Statistical Theory of Extreme Values*, 1954; as a
//! sampler: C. Maddison, D. Tarlow, T. Minka, "A* Sampling", 2014). The noise comes from a counter-based hash: the
//! SplitMix64 sequence (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014), entered at the
//! token.

use std::cmp::Ordering;

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's finaliser: every output bit depends on every input bit.
fn mix(x: u64) -> u64 {
    let x = mix_but_for_the_end(x);
    x ^ (x >> 31)
}

/// Its first 31 bits are those of [`mix`].
fn mix_but_for_the_end(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// The noise of one position.
#[derive(Clone, Copy)]
struct Noise(u64);

impl Noise {
    fn at(seed: u64, position: u64) -> Self {
        Noise(mix(mix(seed.wrapping_add(GOLDEN)) ^ position.wrapping_mul(GOLDEN)))
    }

    /// 64 random bits for a token.
    fn bits(self, token: usize) -> u64 {
        mix(self.state(token))
    }

    /// Where the sequence is at a token; the next token's is [`GOLDEN`] further.
    fn state(self, token: usize) -> u64 {
        self.0.wrapping_add((token as u64 + 1).wrapping_mul(GOLDEN))
    }

    /// Standard Gumbel noise of the first 52 bits, finite: the uniform number lies in the middle of one of 2^52 cells,
    /// never at 0 or 1.
    fn gumbel(bits: u64) -> f64 {
        let uniform = ((bits >> 12) as f64 + 0.5) * 2f64.powi(-52);
        -(-uniform.ln()).ln()
    }

    /// The least bits whose noise may reach `level`; none if no noise does. Without logarithms, so that most of a
    /// vocabulary needs none: -ln(-ln u) <= -ln(1 - u), and n leading ones of u bound that by (n + 1) ln 2.
    fn least_bits_reaching(level: f64) -> Option<u64> {
        // One less than needed pays for rounding; no more than 31, so that the hash need not be finished to compare.
        let leading_ones = (level / std::f64::consts::LN_2 - 1.0).ceil() - 1.0;
        if leading_ones <= 0.0 {
            Some(0)
        } else if leading_ones <= 52.0 {
            Some(!(u64::MAX >> leading_ones.min(31.0) as u32))
        } else {
            None
        }
    }
}

/// So many logits are passed over at once where none of them can be the choice.
const CHUNK: usize = 64;

/// Picks a token from `logits` (natural, not normalised; minus infinity is impossible). `temperature` 0 takes the most
/// probable, without noise; equal logits go to the lowest token. `top_p` narrows the choice before the noise. None when
/// nothing is possible or a logit is not a number.
///
/// Two passes: one looks for the largest logit of every chunk, the other only into chunks that can hold the choice.
pub fn choose(logits: &[f32], temperature: f64, top_p: Option<f64>, seed: u64, position: u64) -> Option<usize> {
    let largest: Vec<f32> = logits.chunks(CHUNK).map(largest_number).collect::<Option<_>>()?;
    let (first, max) = first_of_the_largest(&largest).filter(|(_, max)| *max > f32::NEG_INFINITY)?;
    let most_probable = first * CHUNK + logits.chunks(CHUNK).nth(first)?.iter().position(|logit| *logit == max)?;
    if temperature == 0.0 {
        return Some(most_probable);
    }
    let floor = top_p.filter(|p| *p < 1.0).map(|p| nucleus_floor(logits, f64::from(max), temperature, p));
    let noise = Noise::at(seed, position);
    // Relative to the largest logit, which keeps small temperatures from overflowing.
    let scaled = |logit: f32| (f64::from(logit) - f64::from(max)) / temperature;
    // What the choice has at least.
    let mut least_score = Noise::gumbel(noise.bits(most_probable));
    let mut best: Option<(usize, f64)> = None;
    for ((chunk, &largest), start) in logits.chunks(CHUNK).zip(&largest).zip((0..).step_by(CHUNK)) {
        let Some(mut least) = Noise::least_bits_reaching(least_score - scaled(largest)) else { continue };
        let mut state = noise.state(start).wrapping_sub(GOLDEN);
        for (token, &logit) in (start..).zip(chunk) {
            state = state.wrapping_add(GOLDEN);
            if mix_but_for_the_end(state) < least {
                continue;
            }
            let in_nucleus = match &floor {
                Some(floor) => floor.contains(token, logit),
                None => logit > f32::NEG_INFINITY,
            };
            if !in_nucleus {
                continue;
            }
            let score = scaled(logit) + Noise::gumbel(mix(state));
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((token, score));
                least_score = least_score.max(score);
                match Noise::least_bits_reaching(least_score - scaled(largest)) {
                    Some(bits) => least = bits,
                    None => break,
                }
            }
        }
    }
    best.map(|(token, _)| token)
}

/// The largest of the logits; none if one of them is not a number, or infinite.
fn largest_number(logits: &[f32]) -> Option<f32> {
    const LANES: usize = 8;
    let wrong = |logit: f32| u32::from(logit.is_nan() || logit == f32::INFINITY);
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (mut largest, mut found) = ([f32::NEG_INFINITY; LANES], [0; LANES]);
    let (lanes, rest) = logits.as_chunks::<LANES>();
    // Without a branch and side by side, so that it becomes vector instructions.
    for lane in lanes {
        for ((largest, found), &logit) in largest.iter_mut().zip(&mut found).zip(lane) {
            *largest = larger(*largest, logit);
            *found |= wrong(logit);
        }
    }
    let found = rest.iter().fold(found.into_iter().max().unwrap_or(0), |found, logit| found.max(wrong(*logit)));
    let largest = largest.into_iter().chain(rest.iter().copied()).fold(f32::NEG_INFINITY, larger);
    (found == 0).then_some(largest)
}

fn first_of_the_largest(values: &[f32]) -> Option<(usize, f32)> {
    let largest = values.iter().copied().reduce(f32::max)?;
    Some((values.iter().position(|value| *value == largest)?, largest))
}

/// The least probable token that nucleus sampling keeps; of equally probable ones the lowest tokens are kept first.
struct NucleusFloor {
    logit: f32,
    token: usize,
}

impl NucleusFloor {
    fn contains(&self, token: usize, logit: f32) -> bool {
        logit > self.logit || (logit == self.logit && token <= self.token)
    }
}

/// The smallest set of most probable tokens with a mass of at least `top_p` at this temperature.
fn nucleus_floor(logits: &[f32], max: f64, temperature: f64, top_p: f64) -> NucleusFloor {
    let weight = |logit: f32| ((f64::from(logit) - max) / temperature).exp();
    let total: f64 = logits.iter().map(|&l| weight(l)).sum();
    // Tokens below this share cannot be needed: all of them together weigh less than 1 - top_p. Leaves few to sort.
    let negligible = total * (1.0 - top_p) / logits.len() as f64;
    let mut candidates: Vec<(usize, f32)> = logits
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, l)| weight(*l) >= negligible && *l > f32::NEG_INFINITY)
        .collect();
    candidates.sort_unstable_by(|a, b| b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal).then(a.0.cmp(&b.0)));
    let mut mass = 0.0;
    let mut floor = NucleusFloor { logit: f32::NEG_INFINITY, token: 0 };
    for (token, logit) in candidates {
        mass += weight(logit);
        floor = NucleusFloor { logit, token };
        if mass >= top_p * total {
            break;
        }
    }
    floor
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 5] = [2.0, 1.0, 0.0, -1.0, f32::NEG_INFINITY];

    fn shares(temperature: f64, top_p: Option<f64>) -> [f64; 5] {
        let draws = 200_000;
        let mut counts = [0u32; 5];
        for seed in 0..draws {
            counts[choose(&LOGITS, temperature, top_p, seed, seed % 7).unwrap()] += 1;
        }
        counts.map(|c| f64::from(c) / draws as f64)
    }

    fn softmax(temperature: f64, kept: usize) -> [f64; 5] {
        let mut weights = LOGITS.map(|l| (f64::from(l) / temperature).exp());
        weights[kept..].fill(0.0);
        let total: f64 = weights.iter().sum();
        weights.map(|w| w / total)
    }

    fn close(found: [f64; 5], expected: [f64; 5]) {
        for (f, e) in found.iter().zip(expected) {
            // Four standard deviations of a share of 200,000 draws.
            let slack = 4.0 * (e * (1.0 - e) / 200_000.0).sqrt();
            assert!((f - e).abs() <= slack, "found {found:?}, expected {expected:?}");
        }
    }

    #[test]
    fn choices_are_distributed_as_softmax_of_the_logits_over_the_temperature() {
        close(shares(1.0, None), softmax(1.0, 5));
        close(shares(0.5, None), softmax(0.5, 5));
        close(shares(2.0, Some(1.0)), softmax(2.0, 5));
    }

    #[test]
    fn top_p_keeps_the_smallest_set_that_reaches_the_mass() {
        // Shares at temperature 1: 0.644, 0.237, 0.087, 0.032.
        close(shares(1.0, Some(0.6)), softmax(1.0, 1));
        close(shares(1.0, Some(0.7)), softmax(1.0, 2));
        close(shares(1.0, Some(0.9)), softmax(1.0, 3));
    }

    #[test]
    fn top_p_keeps_the_lowest_of_equally_probable_tokens() {
        let flat = [0.0f32; 10];
        for seed in 0..500 {
            assert!(choose(&flat, 1.0, Some(0.25), seed, 0).unwrap() < 3);
        }
    }

    #[test]
    fn the_noise_depends_on_seed_position_and_token_alone() {
        let draw = |seed, position| choose(&[0.0; 1000], 1.0, None, seed, position).unwrap();
        assert_eq!(draw(7, 3), draw(7, 3));
        assert_ne!(draw(7, 3), draw(8, 3));
        assert_ne!(draw(7, 3), draw(7, 4));
        // Written down once: a change of the hash changes every published result.
        assert_eq!([draw(0, 0), draw(1, 0), draw(0, 1), draw(u64::MAX, u64::MAX)], [543, 567, 74, 816]);
    }

    #[test]
    fn a_token_that_wins_free_also_wins_among_fewer() {
        // Why one processor serves a grammar: masking the losers does not change the winner.
        let logits: Vec<f32> = (0..200).map(|i| (i % 13) as f32 / 3.0).collect();
        for seed in 0..300 {
            let winner = choose(&logits, 0.7, None, seed, 5).unwrap();
            let masked: Vec<f32> = logits
                .iter()
                .enumerate()
                .map(|(i, &l)| if i == winner || i % 3 == 0 { l } else { f32::NEG_INFINITY })
                .collect();
            assert_eq!(choose(&masked, 0.7, None, seed, 5), Some(winner));
        }
    }

    #[test]
    fn temperature_zero_takes_the_first_of_the_most_probable_tokens() {
        assert_eq!(choose(&[0.0, 3.0, 3.0], 0.0, None, 9, 9), Some(1));
    }

    #[test]
    fn tiny_temperatures_are_greedy_and_do_not_overflow() {
        for seed in 0..100 {
            assert_eq!(choose(&[1000.0, 900.0, -1000.0], 1e-12, None, seed, 0), Some(0));
        }
    }

    #[test]
    fn nothing_is_chosen_from_broken_or_impossible_logits() {
        assert_eq!(choose(&[], 1.0, None, 0, 0), None);
        assert_eq!(choose(&[f32::NEG_INFINITY; 3], 1.0, None, 0, 0), None);
        assert_eq!(choose(&[0.0, f32::NAN], 0.0, None, 0, 0), None);
        assert_eq!(choose(&[0.0, f32::INFINITY], 1.0, None, 0, 0), None);
    }

    #[test]
    fn noise_that_reaches_a_level_is_never_passed_over() {
        let noise = Noise::at(3, 1);
        let mut edges: Vec<u64> = (0..64).flat_map(|n| [u64::MAX << n, !(u64::MAX >> n), u64::MAX >> n]).collect();
        edges.extend((0..100_000).map(|token| noise.bits(token)));
        for bits in edges {
            let gumbel = Noise::gumbel(bits);
            assert!(gumbel.is_finite());
            for level in [gumbel, gumbel - 1e-9, gumbel - 0.5, gumbel - 30.0] {
                let least = Noise::least_bits_reaching(level);
                assert!(least.is_some_and(|least| bits >= least), "{bits:#x}: {gumbel}, {level}, {least:?}");
            }
        }
        assert_eq!(Noise::least_bits_reaching(f64::NEG_INFINITY), Some(0));
        assert_eq!(Noise::least_bits_reaching(60.0), None);
    }

    /// The choice as it is defined, without anything that spares work.
    fn defined(logits: &[f32], temperature: f64, seed: u64, position: u64) -> Option<usize> {
        let max = f64::from(logits.iter().copied().reduce(f32::max)?);
        let noise = Noise::at(seed, position);
        let score =
            |token: usize, logit: f32| (f64::from(logit) - max) / temperature + Noise::gumbel(noise.bits(token));
        let scores = logits.iter().enumerate().filter(|(_, l)| **l > f32::NEG_INFINITY).map(|(t, &l)| (t, score(t, l)));
        scores.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(token, _)| token)
    }

    proptest::proptest! {
        #[test]
        fn what_spares_work_does_not_change_the_choice(
            spread in 0.01f32..40.0, length in 1usize..3000, temperature in 0.05f64..3.0, seed: u64, position in 0u64..500,
        ) {
            let noise = Noise::at(seed, position + 1000);
            let logit = |token| match noise.bits(token) {
                bits if bits % 17 == 0 => f32::NEG_INFINITY,
                bits => (bits >> 40) as f32 / (1u64 << 24) as f32 * spread,
            };
            let logits: Vec<f32> = (0..length).map(logit).collect();
            let expected = logits.iter().any(|l| *l > f32::NEG_INFINITY).then(|| defined(&logits, temperature, seed, position));
            proptest::prop_assert_eq!(choose(&logits, temperature, None, seed, position), expected.flatten());
        }
    }
}
