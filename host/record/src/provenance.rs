//! What made a result: enough to make it again.

use rewarden_inference::Identity;
use rewarden_runtime::{Sha256Digest, contract};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::pack::{Pack, Part};

/// Everything that a reward depends on besides its task. The same provenance and the same task give the same reward
/// on the same machine.
#[derive(Clone, Debug, Serialize)]
pub struct Provenance {
    /// The pack's name and version.
    pub pack: PackProvenance,
    /// What rendered the prompts.
    pub template: PartProvenance,
    /// What read the completions.
    pub parser: PartProvenance,
    /// What drew and aggregated.
    pub policy: PartProvenance,
    /// The scale of the samples' scores.
    pub scale: ScaleProvenance,
    /// What generated.
    pub model: Identity,
    /// The parameters that it generated with, where the policy did not ask for others.
    pub sampling: SamplingProvenance,
    /// The run's seed.
    pub seed: u64,
    /// The host's version.
    pub host: &'static str,
    /// The version of the plugin contract.
    pub contract: &'static str,
}

/// See [`Provenance::pack`].
#[derive(Clone, Debug, Serialize)]
pub struct PackProvenance {
    /// The manifest's name.
    pub name: String,
    /// The manifest's version.
    pub version: String,
}

/// One part of the pack.
#[derive(Clone, Debug, Serialize)]
pub struct PartProvenance {
    /// What the component calls itself.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// SHA-256 of the component.
    pub digest: Sha256Digest,
    /// The effective configuration, defaults included.
    pub config: Map<String, Value>,
}

/// See [`Provenance::scale`].
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ScaleProvenance {
    /// Lowest score, inclusive.
    pub min: f64,
    /// Highest score, inclusive.
    pub max: f64,
    /// Whether only whole numbers are scores.
    pub integer: bool,
}

/// See [`Provenance::sampling`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SamplingProvenance {
    /// At least 0; 0 is greedy decoding.
    pub temperature: f64,
    /// Nucleus sampling: above 0, at most 1; none is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Upper bound on new tokens of one sample.
    pub max_tokens: u32,
}

impl Provenance {
    pub(crate) fn new(pack: &Pack, model: Identity, sampling: SamplingProvenance, seed: u64) -> Self {
        let contract::Scale { min, max, integer } = pack.scale;
        Self {
            pack: PackProvenance { name: pack.name.clone(), version: pack.version.clone() },
            template: PartProvenance::new(&pack.template),
            parser: PartProvenance::new(&pack.parser),
            policy: PartProvenance::new(&pack.policy),
            scale: ScaleProvenance { min, max, integer },
            model,
            sampling,
            seed,
            host: env!("CARGO_PKG_VERSION"),
            contract: contract::VERSION,
        }
    }
}

impl PartProvenance {
    fn new(part: &Part) -> Self {
        Self {
            name: part.plugin.about().name.clone(),
            version: part.plugin.about().version.clone(),
            digest: part.plugin.digest(),
            config: part.config.clone(),
        }
    }
}
