//! What made a result: enough to make it again.

use std::collections::BTreeMap;

use rewarden_types::{Identity, Scale, Sha256Digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything that a reward depends on besides its task. The same provenance and the same task give the same reward
/// on the same machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// What asked, read and aggregated.
    #[serde(flatten)]
    pub strategy: Strategy,
    /// What was sampled.
    #[serde(flatten)]
    pub drawn: Drawn,
    /// The host's version.
    pub host: String,
}

impl Provenance {
    /// Made by this version of the host.
    pub fn new(strategy: Strategy, drawn: Drawn) -> Self {
        Self { strategy, drawn, host: HOST_VERSION.to_owned() }
    }
}

impl Provenance {
    /// The same for the rows of results, of which there may be millions: programs stand there as their digests, `sha256:…`.
    pub fn for_rows(&self) -> Self {
        let mut shown = self.clone();
        shown.strategy.parts_mut().for_each(PartProvenance::name_program);
        shown
    }
}

/// The version of this host.
pub const HOST_VERSION: &str = env!("CARGO_PKG_VERSION");

/// A pack as it was used: its parts with their digests and effective configurations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strategy {
    /// The pack's name and version.
    pub pack: PackProvenance,
    /// What wrote the principles; none in a pack that has none written beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principles: Option<PrinciplesProvenance>,
    /// What rendered the prompts; none in a pack that only has scorers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<PartProvenance>,
    /// What read the completions; none in a pack that only has scorers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parser: Option<PartProvenance>,
    /// What drew and aggregated.
    pub policy: PartProvenance,
    /// The judges beside the pack's own, in the order of the pack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judges: Vec<JudgeProvenance>,
    /// Fields that went to the server as they stand with each request to the pack's own judge.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub request: Map<String, Value>,
    /// The criteria that tasks without a rubric of their own were judged by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rubric: Vec<Value>,
    /// What rated samples; none in a pack without a meta RM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<MetaProvenance>,
    /// What scored by rule, in the order of the pack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scorers: Vec<ScorerProvenance>,
    /// The scale of the samples' scores.
    pub scale: Scale,
    /// The limits under which the plugins were called, of those that decide results: a call that ran out of fuel would have
    /// given something with more. By key; empty in runs of hosts that did not record them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// The newest version of the plugin contract that a component speaks.
    pub contract: String,
}

impl Strategy {
    fn parts_mut(&mut self) -> impl Iterator<Item = &mut PartProvenance> {
        let Self { principles, template, parser, policy, judges, meta, scorers, .. } = self;
        let judges = judges.iter_mut().flat_map(|judge| [&mut judge.template, &mut judge.parser]);
        let meta = meta.iter_mut().flat_map(|meta| [&mut meta.template, &mut meta.parser]);
        let parts = template.iter_mut().chain(parser).chain([policy]).chain(judges).chain(meta);
        let parts = parts.chain(scorers.iter_mut().map(|scorer| &mut scorer.part));
        parts.chain(principles.iter_mut().map(|principles| &mut principles.part))
    }
}

impl PartProvenance {
    /// Puts digests in the places of a program's files, if an interpreter plays the part: its configuration says what it runs
    /// (`source`), and as what (`as`).
    fn name_program(&mut self) {
        if !self.config.contains_key("as") {
            return;
        }
        let name = |text: &mut Value| {
            if let Value::String(program) = text {
                *text = Sha256Digest::of(program.as_bytes()).to_string().into();
            }
        };
        self.config.get_mut("source").map(name);
        let files = self.config.get_mut("files").and_then(Value::as_object_mut);
        files.into_iter().flat_map(Map::values_mut).for_each(name);
    }
}

/// How samples were drawn: all that does not depend on the pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// What generated.
    pub model: Identity,
    /// What rated samples; none without a meta RM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta_model: Option<Identity>,
    /// What the pack's other judges generated with, by the judges' names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub judge_models: BTreeMap<String, Identity>,
    /// The parameters that it generated with, where the policy did not ask for others.
    pub sampling: SamplingProvenance,
    /// The run's seed.
    pub seed: u64,
    /// What one task might cost; a policy sees what is left of it.
    pub budget: Budget,
}

/// See [`Strategy::pack`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackProvenance {
    /// The manifest's name.
    pub name: String,
    /// The manifest's version.
    pub version: String,
}

/// See [`Strategy::principles`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrinciplesProvenance {
    /// The component.
    #[serde(flatten)]
    pub part: PartProvenance,
    /// The fields of a task's metadata that are part of its query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<String>,
}

/// See [`Strategy::judges`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeProvenance {
    /// The name by which policies ask it.
    pub judge: String,
    /// What rendered its prompts.
    pub template: PartProvenance,
    /// What read its completions.
    pub parser: PartProvenance,
    /// Its own sampling parameters; those that are missing were the run's.
    #[serde(default, skip_serializing_if = "JudgeSampling::is_empty")]
    pub sampling: JudgeSampling,
    /// Fields that went to its server as they stand.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub request: Map<String, Value>,
}

/// Sampling parameters that replace those of the run for one judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgeSampling {
    /// At least 0; 0 is greedy decoding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Above 0, at most 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Upper bound on new tokens of one sample, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

impl JudgeSampling {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the run's parameters with these in their places.
    pub fn over(self, run: SamplingProvenance) -> SamplingProvenance {
        SamplingProvenance {
            temperature: self.temperature.unwrap_or(run.temperature),
            top_p: self.top_p.or(run.top_p),
            max_tokens: self.max_tokens.or(run.max_tokens),
        }
    }
}

/// See [`Strategy::meta`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetaProvenance {
    /// What rendered its prompts.
    pub template: PartProvenance,
    /// What read its ratings.
    pub parser: PartProvenance,
    /// The scale of its ratings.
    pub scale: Scale,
}

/// See [`Strategy::scorers`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScorerProvenance {
    /// The name under which the pack lists it, and policies see its signals.
    pub scorer: String,
    /// The component.
    #[serde(flatten)]
    pub part: PartProvenance,
}

/// One part of the pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// See [`Drawn::sampling`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplingProvenance {
    /// At least 0; 0 is greedy decoding.
    pub temperature: f64,
    /// Nucleus sampling: above 0, at most 1; none is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Upper bound on new tokens of one sample; `None` if completions came from elsewhere and it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

/// The most rounds that a budget may have, a thousand times the default: whoever verifies a run goes through as many of
/// another's policy.
pub const MOST_ROUNDS: u32 = 65_536;

/// Bounds on one task's loop, whatever its policy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Lists where two descriptions of a run differ: `path: here this, there that`, a line each, in the order of the first.
pub fn differences(here: &Value, there: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(here), Some(there), &mut found);
    found
}

/// One value that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Dotted path of the value, such as `policy.config.k`.
    pub path: String,
    /// The value on one side; `None` if it is missing there.
    pub here: Option<Value>,
    /// The value on the other side.
    pub there: Option<Value>,
}

fn compare(path: &str, here: Option<&Value>, there: Option<&Value>, found: &mut Vec<Difference>) {
    if let (Some(Value::Object(a)), Some(Value::Object(b))) = (here, there) {
        let only_there = b.keys().filter(|key| !a.contains_key(*key));
        for key in a.keys().chain(only_there) {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            compare(&path, a.get(key), b.get(key), found);
        }
    } else if here != there {
        found.push(Difference { path: path.to_owned(), here: here.cloned(), there: there.cloned() });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_hold_digests_of_programs_and_everything_else_as_it_is() {
        let mut part = PartProvenance {
            name: "reward".to_owned(),
            version: "0.1.0".to_owned(),
            digest: Sha256Digest::of(b""),
            config:
                json!({"as": "scorer", "file": "a.py", "source": "x = 1", "files": {"b.py": ""}, "options": {"k": 1}})
                    .as_object()
                    .cloned()
                    .unwrap_or_default(),
        };
        part.name_program();
        let digest = |text: &str| Sha256Digest::of(text.as_bytes()).to_string();
        let files = json!({"b.py": digest("")});
        let expected = json!({
            "as": "scorer", "file": "a.py", "source": digest("x = 1"), "files": files, "options": {"k": 1},
        });
        assert_eq!(Value::Object(part.config.clone()), expected);
        part.config = json!({"source": "a text"}).as_object().cloned().unwrap_or_default();
        part.name_program();
        assert_eq!(part.config["source"], "a text");
    }

    #[test]
    fn a_difference_is_named_by_its_path_wherever_it_lies() {
        let run = json!({"policy": {"config": {"k": 4}, "digest": "a"}, "seed": 1});
        let command = json!({"policy": {"config": {"k": 8, "tie": true}, "digest": "a"}, "seed": 1});
        let paths: Vec<_> = differences(&run, &command).into_iter().map(|d| (d.path, d.here, d.there)).collect();
        assert_eq!(
            paths,
            [
                ("policy.config.k".to_owned(), Some(json!(4)), Some(json!(8))),
                ("policy.config.tie".to_owned(), None, Some(json!(true))),
            ]
        );
        assert!(differences(&run, &run).is_empty());
    }
}
