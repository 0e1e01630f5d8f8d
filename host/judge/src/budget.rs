//! How much one task may cost.

/// Bounds on one task's loop, whatever its policy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Samples that a policy may draw.
    pub max_samples: u32,
    /// Steps that a policy may take, `finish` included.
    pub max_rounds: u32,
}

impl Default for Budget {
    /// 256 samples (eight times the paper's largest k) in 64 rounds.
    fn default() -> Self {
        Self { max_samples: 256, max_rounds: 64 }
    }
}
