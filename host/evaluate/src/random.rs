//! Seeded randomness that neither threads nor the order of tasks can change.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A generator for one purpose: the same `seed`, `name` and `k` always give the same numbers.
pub(crate) fn generator(seed: u64, name: &str, k: u32) -> ChaCha8Rng {
    let mut bytes = [0u8; 32];
    let words = [seed, fnv1a(name.as_bytes()), u64::from(k)];
    for (to, from) in bytes.iter_mut().zip(words.iter().flat_map(|word| word.to_le_bytes())) {
        *to = from;
    }
    ChaCha8Rng::from_seed(bytes)
}

/// FNV-1a with 64 bits: the standard library's hashes may change between its versions.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// How many of `n` draws, uniform in 0..1, are below `p`: a binomial number, exact for `p` as a float.
///
/// The binary digits of all draws are compared with those of `p` at once, most significant first: a draw is decided at
/// the first digit that differs, so that half of the open ones fall away at each digit and 2n random bits do.
pub(crate) fn binomial(random: &mut impl RngCore, n: u64, p: f64) -> u64 {
    if p >= 1.0 {
        return n;
    }
    let (mut open, mut below, mut digits) = (n, 0, p.max(0.0));
    while open > 0 && digits > 0.0 {
        digits *= 2.0;
        let ones = fair_coins(random, open);
        if digits >= 1.0 {
            digits -= 1.0;
            below += open - ones;
            open = ones;
        } else {
            open -= ones;
        }
    }
    below
}

/// How many of `n` fair coins show heads.
fn fair_coins(random: &mut impl RngCore, n: u64) -> u64 {
    let words: u64 = (0..n / 64).map(|_| u64::from(random.next_u64().count_ones())).sum();
    let rest = n % 64;
    if rest == 0 { words } else { words + u64::from((random.next_u64() >> (64 - rest)).count_ones()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_name_and_k_each_change_the_numbers() {
        let first = |seed, name, k| generator(seed, name, k).next_u64();
        assert_eq!(first(1, "t1", 4), first(1, "t1", 4));
        let different = [first(1, "t1", 4), first(2, "t1", 4), first(1, "t2", 4), first(1, "t1", 5)];
        assert_eq!(std::collections::BTreeSet::from(different).len(), 4);
    }

    #[test]
    fn fnv1a_is_the_published_function() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn binomial_numbers_have_the_mean_and_variance_of_the_distribution() {
        let mut random = generator(7, "binomial", 0);
        for p in [0.0, 0.1, 0.25, 0.6, 1.0] {
            let draws: Vec<f64> = (0..20_000).map(|_| binomial(&mut random, 100, p) as f64).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
            // Five standard errors of either.
            assert!((mean - 100.0 * p).abs() < 0.2, "{p}: mean {mean}");
            assert!((variance - 100.0 * p * (1.0 - p)).abs() < 1.3, "{p}: variance {variance}");
        }
    }

    #[test]
    fn every_number_from_0_to_n_occurs_as_often_as_it_should() {
        let mut random = generator(8, "binomial", 0);
        let mut counts = [0u32; 4];
        (0..40_000).for_each(|_| counts[binomial(&mut random, 3, 0.3) as usize] += 1);
        for (count, share) in counts.iter().zip([0.343, 0.441, 0.189, 0.027]) {
            assert!((f64::from(*count) / 40_000.0 - share).abs() < 0.0125, "{counts:?}");
        }
    }
}
