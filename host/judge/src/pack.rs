//! Packs: a directory with a manifest and the components that it names.

use std::path::Path;
use std::sync::Arc;

use rewarden_manifest::{
    JudgeSection, Lock, Manifest, ModelHints, PartPlugin, PartSection, PrinciplesSection, SamplingSection,
    ScaleSection, read_text,
};
use rewarden_record::{
    JudgeProvenance, JudgeSampling, MetaProvenance, PackProvenance, PartProvenance, PrinciplesProvenance,
    RecordedComponent, SamplingProvenance, ScorerProvenance, Strategy,
};
use rewarden_runtime::{Limit, Limits, Runtime, contract};
use rewarden_types::{NamedJudge, Scale, Sha256Digest, Task, TaskView};
use serde_json::{Map, Value};

use crate::configuration::{self, Setting};
use crate::loader::{Loader, PackFiles, Playing, Source, inside, limited};
use crate::pack_error::PackError;
use crate::part::{Asking, Overrides, PackJudge, Part};
use crate::part_name::PartName;
use crate::principles::PrinciplesStage;

/// A loaded pack: every component checked, configured once, and ready to be called.
#[derive(Clone)]
pub struct Pack {
    /// The manifest's `name`.
    pub name: String,
    /// The manifest's `version`.
    pub version: String,
    /// The manifest's `description`; empty when it has none.
    pub description: String,
    /// The scale of the samples' scores.
    pub scale: Scale,
    /// What the pack proposes; a command may override each.
    pub sampling: JudgeSampling,
    /// What the pack says of the model that its own judge asks.
    pub model: ModelHints,
    /// Writes principles from the query; none in a pack whose template needs none.
    pub principles: Option<PrinciplesStage>,
    /// Asks and reads the model; none in a pack that only has scorers.
    pub asking: Option<Asking>,
    /// Draws and aggregates.
    pub policy: Part,
    /// The judges that policies ask by name, in their order.
    pub judges: Vec<PackJudge>,
    /// The rubric of tasks that bring none: one JSON object for each criterion; none where there is none.
    pub rubric: Option<Value>,
    /// Rates samples.
    pub meta: Option<Asking>,
    /// Score by rule, by name.
    pub scorers: Vec<(Arc<str>, Part)>,
    /// What every call into its components may use: the host's limits, lowered where the pack says so.
    pub limits: Limits,
}

fn rubric(criteria: Vec<Value>) -> Option<Value> {
    (!criteria.is_empty()).then_some(Value::Array(criteria))
}

/// The manifest sees to it that a judge has its parts from somewhere.
fn no_own_part(judge: &str) -> PackError {
    PackError::NoOwnPart { judge: judge.to_owned() }
}

/// What of the run's sampling a section replaces.
fn judge_sampling(section: &SamplingSection) -> JudgeSampling {
    JudgeSampling { temperature: section.temperature, top_p: section.top_p, max_tokens: section.max_tokens }
}

/// The field of a task's metadata that holds its rubric.
const RUBRIC: &str = "rubric";

impl Pack {
    /// Returns a task as the pack's plugins see it: with the pack's rubric if it brings none.
    pub fn view(&self, task: &Task) -> TaskView {
        match &self.rubric {
            Some(rubric) if task.metadata.get(RUBRIC).is_none_or(Value::is_null) => {
                let mut metadata = task.metadata.clone();
                metadata.insert(RUBRIC.to_owned(), rubric.clone());
                // Neither an object nor its strings can fail to be written.
                TaskView { metadata: serde_json::to_string(&metadata).unwrap_or_default().into(), ..task.view() }
            }
            _ => task.view(),
        }
    }

    /// Returns whether it asks any model to judge.
    pub fn asks_model(&self) -> bool {
        self.asking.is_some() || !self.judges.is_empty()
    }

    /// Returns the parts that ask and read a judge, by its name; `None` names the pack's own.
    pub fn asking_of(&self, judge: Option<&str>) -> Option<&Asking> {
        match judge {
            None => self.asking.as_ref(),
            Some(name) => self.judges.iter().find(|judge| *judge.name == *name).map(|judge| &judge.asking),
        }
    }

    /// Returns the sampling parameters of a judge in a run with these, and the fields that go to its server as they stand.
    pub(crate) fn sampling_of(
        &self,
        judge: Option<&str>,
        run: SamplingProvenance,
    ) -> (SamplingProvenance, &Map<String, Value>) {
        match judge.and_then(|name| self.judges.iter().find(|judge| *judge.name == *name)) {
            None => (run, &self.model.request),
            Some(judge) => (judge.sampling.over(run), &judge.model.request),
        }
    }

    /// Returns the judges that draws may name, in a run with these sampling parameters.
    pub(crate) fn named_judges(&self, run: SamplingProvenance) -> Arc<[NamedJudge]> {
        let named = |judge: &PackJudge| NamedJudge {
            name: judge.name.to_string(),
            temperature: judge.sampling.over(run).temperature,
        };
        self.judges.iter().map(named).collect()
    }

    /// Refuses settings for a part that the pack does not have: they would do nothing.
    pub(crate) fn check_settings(&self, settings: &[Setting]) -> Result<(), PackError> {
        let parts = self.parts();
        match settings.iter().find(|setting| parts.iter().all(|(part, _)| *part != setting.part)) {
            Some(setting) => Err(PackError::NoSuchPart {
                setting: setting.to_string(),
                parts: parts.iter().map(|(part, _)| part.to_string()).collect::<Vec<_>>().join(", "),
            }),
            None => Ok(()),
        }
    }

    /// Loads the pack in `directory` with `overrides` applied.
    ///
    /// Blocks while components compile: call it from a blocking thread.
    pub fn load(runtime: &Runtime, directory: &Path, overrides: &Overrides) -> Result<Self, PackError> {
        let file = directory.join("pack.toml");
        let text =
            read_text(&file).map_err(|error| PackError::Read { path: file.clone(), message: error.to_string() })?;
        let manifest = Manifest::parse(&text, &file)?;
        let origin = file.display().to_string();
        let lock = Lock::read(directory)?;
        if let Some(lock) = &lock {
            lock.check_file("pack.toml", Sha256Digest::of(text.as_bytes()))?;
        }
        let runtime = &limited(runtime, &manifest.limits, &origin)?;
        let mut loader = Loader { runtime, origin: &origin, overrides, lock: lock.as_ref(), loaded: Vec::new() };
        let files = PackFiles { directory: directory.to_owned(), manifest: file.clone() };
        let mut part = |part: PartName, section: PartSection| {
            let config = configuration::of_toml(section.config, &part, &origin)?;
            loader.part(part.clone(), config, || match section.plugin {
                PartPlugin::Component(component) => {
                    let path = inside(directory, &file, part.clone(), component.clone())?;
                    Ok::<_, PackError>(Playing::Component(Source::Own { component, path }))
                }
                PartPlugin::Program(program) => Ok(Playing::Program(program, Some(files.clone()))),
            })
        };
        let scale = |scale: &ScaleSection| Scale { min: scale.min, max: scale.max, integer: scale.integer };
        let pack_scale = scale(&manifest.scale);
        let principles = match manifest.principles {
            Some(PrinciplesSection { part: writer, metadata }) => {
                Some(PrinciplesStage { writer: part(PartName::Principles, writer)?, metadata })
            }
            None => None,
        };
        let asking = match (manifest.template, manifest.parser) {
            (Some(template), Some(parser)) => Some(Asking {
                template: part(PartName::Template, template)?,
                parser: part(PartName::Parser, parser)?,
                scale: pack_scale,
            }),
            _ => None,
        };
        let mut judges = Vec::new();
        for (name, section) in manifest.judges {
            let JudgeSection { template, parser, sampling, model, .. } = section;
            let name: Arc<str> = name.into();
            let own = |part: fn(&Asking) -> &Part| asking.as_ref().map(part).cloned().ok_or_else(|| no_own_part(&name));
            let asking = Asking {
                template: match template {
                    Some(section) => part(PartName::JudgeTemplate(name.clone()), section)?,
                    None => own(|asking| &asking.template)?,
                },
                parser: match parser {
                    Some(section) => part(PartName::JudgeParser(name.clone()), section)?,
                    None => own(|asking| &asking.parser)?,
                },
                scale: pack_scale,
            };
            judges.push(PackJudge { name, asking, sampling: judge_sampling(&sampling), model });
        }
        let policy = part(PartName::Policy, manifest.policy)?;
        let meta = match manifest.meta {
            Some(meta) => Some(Asking {
                scale: scale(&meta.scale),
                template: part(PartName::MetaTemplate, meta.template)?,
                parser: part(PartName::MetaParser, meta.parser)?,
            }),
            None => None,
        };
        let mut scorers = Vec::new();
        for (name, section) in manifest.scorers {
            let name: Arc<str> = name.into();
            scorers.push((name.clone(), part(PartName::Scorer(name), section)?));
        }
        let pack = Self {
            name: manifest.name,
            version: manifest.version,
            description: manifest.description,
            scale: pack_scale,
            sampling: judge_sampling(&manifest.sampling),
            model: manifest.model,
            principles,
            asking,
            judges,
            policy,
            rubric: rubric(manifest.rubric.into_iter().map(Value::Object).collect()),
            meta,
            scorers,
            limits: runtime.limits().clone(),
        };
        pack.check_settings(&overrides.settings)?;
        Ok(pack)
    }

    /// Loads the strategy that a run was made with, with `overrides` applied: its components as `find` gives them, its
    /// configurations, its scale and its limits. `run` names the run in errors.
    pub fn recorded<E: From<PackError>>(
        runtime: &Runtime,
        strategy: &Strategy,
        overrides: &Overrides,
        run: &str,
        find: impl Fn(&PartProvenance) -> Result<Option<RecordedComponent>, E>,
    ) -> Result<Self, E> {
        let runtime = &limited(runtime, &strategy.limits, run)?;
        let mut loader = Loader { runtime, origin: run, overrides, lock: None, loaded: Vec::new() };
        let mut part = |part: PartName, recorded: &PartProvenance| {
            loader.part(part.clone(), recorded.config.clone(), || {
                let component = find(recorded)?.ok_or_else(|| PackError::NotRecorded {
                    part: part.clone(),
                    name: recorded.name.clone(),
                    digest: recorded.digest.to_string(),
                })?;
                Ok::<_, E>(Playing::Component(Source::Bytes(component)))
            })
        };
        let principles = match &strategy.principles {
            Some(recorded) => Some(PrinciplesStage {
                writer: part(PartName::Principles, &recorded.part)?,
                metadata: recorded.metadata.clone(),
            }),
            None => None,
        };
        let asking = match (&strategy.template, &strategy.parser) {
            (Some(template), Some(parser)) => Some(Asking {
                template: part(PartName::Template, template)?,
                parser: part(PartName::Parser, parser)?,
                scale: strategy.scale,
            }),
            _ => None,
        };
        let mut judges = Vec::new();
        for recorded in &strategy.judges {
            let name: Arc<str> = recorded.judge.as_str().into();
            let asking = Asking {
                template: part(PartName::JudgeTemplate(name.clone()), &recorded.template)?,
                parser: part(PartName::JudgeParser(name.clone()), &recorded.parser)?,
                scale: strategy.scale,
            };
            let model = ModelHints { request: recorded.request.clone(), ..ModelHints::default() };
            judges.push(PackJudge { name, asking, sampling: recorded.sampling, model });
        }
        let policy = part(PartName::Policy, &strategy.policy)?;
        let meta = match &strategy.meta {
            Some(meta) => Some(Asking {
                scale: meta.scale,
                template: part(PartName::MetaTemplate, &meta.template)?,
                parser: part(PartName::MetaParser, &meta.parser)?,
            }),
            None => None,
        };
        let mut scorers = Vec::new();
        for recorded in &strategy.scorers {
            let name: Arc<str> = recorded.scorer.as_str().into();
            scorers.push((name.clone(), part(PartName::Scorer(name), &recorded.part)?));
        }
        let pack = Self {
            name: strategy.pack.name.clone(),
            version: strategy.pack.version.clone(),
            description: String::new(),
            scale: strategy.scale,
            sampling: JudgeSampling::default(),
            model: ModelHints { request: strategy.request.clone(), ..ModelHints::default() },
            principles,
            asking,
            judges,
            policy,
            rubric: rubric(strategy.rubric.clone()),
            meta,
            scorers,
            limits: runtime.limits().clone(),
        };
        pack.check_settings(&overrides.settings)?;
        Ok(pack)
    }

    /// Describes the pack, for provenance.
    pub fn strategy(&self) -> Strategy {
        let part = |part: &Part| PartProvenance {
            name: part.about().name.clone(),
            version: part.about().version.clone(),
            digest: part.plugin.digest(),
            config: part.config.clone(),
        };
        Strategy {
            pack: PackProvenance { name: self.name.clone(), version: self.version.clone() },
            principles: self
                .principles
                .as_ref()
                .map(|stage| PrinciplesProvenance { part: part(&stage.writer), metadata: stage.metadata.clone() }),
            template: self.asking.as_ref().map(|asking| part(&asking.template)),
            parser: self.asking.as_ref().map(|asking| part(&asking.parser)),
            policy: part(&self.policy),
            judges: self
                .judges
                .iter()
                .map(|judge| JudgeProvenance {
                    judge: judge.name.to_string(),
                    template: part(&judge.asking.template),
                    parser: part(&judge.asking.parser),
                    sampling: judge.sampling,
                    request: judge.model.request.clone(),
                })
                .collect(),
            request: self.model.request.clone(),
            rubric: match &self.rubric {
                Some(Value::Array(criteria)) => criteria.clone(),
                _ => Vec::new(),
            },
            meta: self.meta.as_ref().map(|meta| MetaProvenance {
                template: part(&meta.template),
                parser: part(&meta.parser),
                scale: meta.scale,
            }),
            scorers: self
                .scorers
                .iter()
                .map(|(name, scorer)| ScorerProvenance { scorer: name.to_string(), part: part(scorer) })
                .collect(),
            scale: self.scale,
            limits: Limit::ALL
                .iter()
                .filter(|limit| limit.decides_results)
                .map(|limit| (limit.key.to_owned(), limit.value(&self.limits)))
                .collect(),
            contract: self
                .parts()
                .iter()
                .map(|(_, part)| part.plugin.contract())
                .max_by_key(|version| contract::age(version))
                .unwrap_or(contract::VERSION)
                .to_owned(),
        }
    }

    /// Its components, as a run keeps them.
    pub fn components(&self) -> Vec<RecordedComponent> {
        let mut components: Vec<RecordedComponent> = Vec::new();
        for (_, Part { plugin, .. }) in self.parts() {
            if components.iter().all(|known| known.digest != plugin.digest()) {
                let (name, digest) = (plugin.name().to_owned(), plugin.digest());
                components.push(RecordedComponent { name, digest, wasm: plugin.bytes().to_vec() });
            }
        }
        components
    }

    /// The parts, by name.
    pub fn parts(&self) -> Vec<(PartName, &Part)> {
        let mut parts = Vec::new();
        if let Some(stage) = &self.principles {
            parts.push((PartName::Principles, &stage.writer));
        }
        if let Some(asking) = &self.asking {
            parts.push((PartName::Template, &asking.template));
            parts.push((PartName::Parser, &asking.parser));
        }
        for PackJudge { name, asking, .. } in &self.judges {
            parts.push((PartName::JudgeTemplate(name.clone()), &asking.template));
            parts.push((PartName::JudgeParser(name.clone()), &asking.parser));
        }
        parts.push((PartName::Policy, &self.policy));
        if let Some(meta) = &self.meta {
            parts.push((PartName::MetaTemplate, &meta.template));
            parts.push((PartName::MetaParser, &meta.parser));
        }
        parts.extend(self.scorers.iter().map(|(name, scorer)| (PartName::Scorer(name.clone()), scorer)));
        parts
    }
}
