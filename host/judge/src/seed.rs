//! Seeds: every random choice of a run follows from the run's seed and what the choice is for.

use rewarden_types::Sha256Digest;
use sha2::{Digest, Sha256};

/// Derives a seed for `purpose` (and a `name`, such as a task's id) from `parent`.
///
/// The first 8 bytes, little-endian, of SHA-256 over the purpose, the parent and the name: unrelated seeds for
/// related inputs, the same on every machine.
fn derive(parent: u64, purpose: &str, name: &[u8]) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(purpose.as_bytes());
    hasher.update([0]);
    hasher.update(parent.to_le_bytes());
    hasher.update(name);
    let digest: [u8; 32] = hasher.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The seed of a task: the same whatever other tasks there are.
pub(crate) fn task_seed(run: u64, task: &str) -> u64 {
    derive(run, "task", task.as_bytes())
}

/// The seed of a task's sample. Cut to 53 bits: every server takes that as a signed integer, and every JSON reader as a number.
pub(crate) fn sample_seed(task: u64, sample: u32) -> u64 {
    derive(task, "sample", &sample.to_le_bytes()) & ((1 << 53) - 1)
}

/// The seed of a query's principles: the same whichever task asks first. Cut as a sample's is.
pub(crate) fn principles_seed(run: u64, query: Sha256Digest) -> u64 {
    derive(run, "principles", query.to_string().as_bytes()) & ((1 << 53) - 1)
}

#[cfg(test)]
mod tests {
    use super::derive;

    #[test]
    fn a_seed_depends_on_parent_purpose_and_name_and_on_nothing_else() {
        let seed = derive(1, "task", b"a");
        assert_eq!(seed, derive(1, "task", b"a"));
        assert_ne!(seed, derive(2, "task", b"a"));
        assert_ne!(seed, derive(1, "sample", b"a"));
        assert_ne!(seed, derive(1, "task", b"b"));
    }
}
