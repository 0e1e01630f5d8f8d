//! The contents of `pack.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rewarden_input::shown;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::part::{PATH_BYTES, PartPlugin, PartSection, PrinciplesSection};
use crate::text_file::read_text;
use crate::toml_error::{ManifestError, explain};

/// Scorers of one pack: each is called once a task. Bundled packs have one or two.
const SCORERS: usize = 64;
/// Judges of one pack beside its own: a jury has three to seven.
const JUDGES: usize = 32;
/// Fields that a pack may pass on to a server.
const REQUEST_FIELDS: usize = 32;
/// Bytes of the description, which is a sentence or two.
const DESCRIPTION_BYTES: usize = 4096;

/// A checked `pack.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The pack's name.
    pub name: String,
    /// The pack's version, as free text.
    pub version: String,
    /// What the pack is for; empty if the file does not say.
    #[serde(default)]
    pub description: String,
    /// The scale of the samples' scores.
    pub scale: ScaleSection,
    /// Sampling parameters that the pack proposes.
    #[serde(default)]
    pub sampling: SamplingSection,
    /// Configuration that template and parser have in common. [`Manifest::parse`] moves it to theirs.
    shared: Option<toml::Table>,
    /// Writes the principles of a query. `None` if the template needs none.
    pub principles: Option<PrinciplesSection>,
    /// Renders the prompt. `None` in a pack of scorers only.
    pub template: Option<PartSection>,
    /// Reads the completion. `None` in a pack of scorers only.
    pub parser: Option<PartSection>,
    /// Draws samples and aggregates them.
    pub policy: PartSection,
    /// What the pack says of the model that its own judge asks.
    #[serde(default)]
    pub model: ModelHints,
    /// The judges that policies ask by name.
    #[serde(default)]
    pub judges: BTreeMap<String, JudgeSection>,
    /// The criteria that tasks without a rubric of their own are judged by: what `rubric` in a task's metadata may hold.
    #[serde(default)]
    pub rubric: Vec<Map<String, Value>>,
    /// Rates samples. `None` if the pack has no meta RM.
    pub meta: Option<MetaSection>,
    /// Score by rule, by name.
    #[serde(default)]
    pub scorers: BTreeMap<String, PartSection>,
    /// Lower limits for the pack's components, by key.
    #[serde(default)]
    pub limits: BTreeMap<String, u64>,
}

/// A judge that policies ask by name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeSection {
    /// Renders its prompt. `None` is the pack's own.
    pub template: Option<PartSection>,
    /// Reads its completion. `None` is the pack's own.
    pub parser: Option<PartSection>,
    /// Configuration that template and parser have in common. [`Manifest::parse`] moves it to theirs.
    shared: Option<toml::Table>,
    /// What replaces the pack's sampling parameters.
    #[serde(default)]
    pub sampling: SamplingSection,
    /// What the pack says of the model to ask.
    #[serde(default)]
    pub model: ModelHints,
}

/// What a pack says of a model. Where it runs is said on the command line: a pack that somebody else wrote must not decide
/// which server gets to see the tasks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelHints {
    /// The name by which a server knows it; a command may name another.
    pub name: Option<String>,
    /// How it answers.
    #[serde(default)]
    pub kind: ModelKind,
    /// Fields that go to the server as they stand, beside those that the host writes.
    #[serde(default)]
    pub request: Map<String, Value>,
    /// What is done where the model's server cannot hold an answer to the form that a prompt asks for.
    #[serde(default)]
    pub constrain: ConstrainRule,
}

/// See [`ModelHints::constrain`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConstrainRule {
    /// The pack is refused before anything is drawn.
    #[default]
    Require,
    /// It is asked without; results say so, and answers that the parser cannot read count as failed.
    Prefer,
}

/// How a model answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// With text.
    #[default]
    Chat,
    /// With one number, at a server's `/classify`.
    Classify,
    /// With one number, at a server's `/pooling`.
    Pooling,
    /// With probabilities for typed questions.
    Decision,
}

/// The parts that ask a meta RM and read its answers. The model itself is chosen on the command line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetaSection {
    /// The scale of the ratings.
    pub scale: ScaleSection,
    /// Renders the meta RM's prompt.
    pub template: PartSection,
    /// Reads the meta RM's rating.
    pub parser: PartSection,
}

/// The numbers that are valid scores.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleSection {
    /// The lowest score.
    pub min: f64,
    /// The highest score.
    pub max: f64,
    /// Whether scores are whole numbers.
    pub integer: bool,
}

/// Sampling parameters that a pack proposes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplingSection {
    /// At least 0; 0 is greedy decoding.
    pub temperature: Option<f64>,
    /// Above 0 and at most 1.
    pub top_p: Option<f64>,
    /// Upper bound on the tokens of one sample, at least 1.
    pub max_tokens: Option<u32>,
}

impl Manifest {
    /// Reads the pack.toml of the pack in `directory`. No component is looked at.
    ///
    /// # Errors
    /// A [`ManifestError`] if the file cannot be read, and those of [`Manifest::parse`].
    pub fn read(directory: &Path) -> Result<Self, ManifestError> {
        let file = directory.join("pack.toml");
        let text = read_text(&file).map_err(|error| ManifestError {
            file: file.clone(),
            line: None,
            message: format!("cannot be read: {error}; expected the directory of a pack, with a pack.toml in it"),
        })?;
        Self::parse(&text, &file)
    }

    /// Parses and checks the text of `file`.
    ///
    /// # Errors
    /// A [`ManifestError`] if the text is not TOML, has an unknown key, or describes a pack that cannot be.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ManifestError> {
        let mut manifest: Self = toml::from_str(text).map_err(|error| explain(&error, text, file))?;
        let invalid = |message: String| ManifestError { file: file.to_owned(), line: None, message };
        manifest.share().map_err(invalid)?;
        let meta_scale = manifest.meta.as_ref().map(|meta| ("[meta.scale]", &meta.scale));
        for (name, ScaleSection { min, max, .. }) in std::iter::once(("[scale]", &manifest.scale)).chain(meta_scale) {
            if !(min.is_finite() && max.is_finite() && min < max) {
                return Err(invalid(format!("{name} expected finite min below max, found min = {min}, max = {max}")));
            }
        }
        match (&manifest.template, &manifest.parser) {
            (Some(_), None) => return Err(invalid("has a [template] but no [parser] to read the answers".into())),
            (None, Some(_)) => return Err(invalid("has a [parser] but no [template] to ask the model with".into())),
            (None, None) if manifest.scorers.is_empty() && manifest.judges.is_empty() => {
                return Err(invalid(
                    "has neither [template] and [parser] nor any [judges.NAME] or [scorers.NAME]; expected one of them"
                        .into(),
                ));
            }
            _ => {}
        }
        manifest.check_judges().map_err(invalid)?;
        check_request("model", &manifest.model).map_err(invalid)?;
        if manifest.principles.is_some() && !manifest.asks_model() {
            return Err(invalid("has [principles] but no [template] and [parser] to judge under them with".into()));
        }
        if manifest.scorers.len() > SCORERS {
            let found = manifest.scorers.len();
            return Err(invalid(format!("has {found} [scorers.NAME], more than the {SCORERS} allowed")));
        }
        if manifest.description.len() > DESCRIPTION_BYTES {
            let found = manifest.description.len();
            return Err(invalid(format!("`description` has {found} bytes, more than the {DESCRIPTION_BYTES} allowed")));
        }
        check_sampling("sampling", &manifest.sampling).map_err(invalid)?;
        for name in manifest.scorers.keys() {
            check_name("scorers.NAME", name).map_err(invalid)?;
        }
        // It goes to terminals.
        if manifest.description.chars().any(|c| c.is_control() && c != '\n') {
            return Err(invalid("`description` holds control characters; expected text alone".into()));
        }
        check_name("name", &manifest.name).map_err(invalid)?;
        check_name("version", &manifest.version).map_err(invalid)?;
        Ok(manifest)
    }

    /// Returns whether the pack asks a model to judge.
    pub fn asks_model(&self) -> bool {
        self.template.is_some() || !self.judges.is_empty()
    }

    /// Returns whether the pack asks a meta RM to rate samples.
    pub fn rates_samples(&self) -> bool {
        self.meta.is_some()
    }

    /// What plays the pack's parts.
    pub fn plugins(&self) -> impl Iterator<Item = &PartPlugin> {
        let principles = self.principles.as_ref().map(|section| &section.part);
        let meta = self.meta.iter().flat_map(|meta| [&meta.template, &meta.parser]);
        let parts = self.template.iter().chain(&self.parser).chain([&self.policy]).chain(meta);
        let judges = self.judges.values().flat_map(|judge| judge.template.iter().chain(&judge.parser));
        let parts = parts.chain(judges).chain(self.scorers.values());
        principles.into_iter().chain(parts).map(|part| &part.plugin)
    }

    /// The paths of all components that the pack names, each once, in order.
    pub fn components(&self) -> BTreeSet<&Path> {
        self.plugins().filter_map(PartPlugin::component).collect()
    }

    /// The paths of all files of programs that the pack names, each once, in order.
    pub fn program_files(&self) -> BTreeSet<&Path> {
        self.plugins().flat_map(PartPlugin::files).collect()
    }

    /// The paths of all files that the pack names, components and programs, each once, in order: what travels with pack.toml.
    pub fn files(&self) -> BTreeSet<&Path> {
        self.components().into_iter().chain(self.program_files()).collect()
    }

    /// Gives what is shared to the template and to the parser, whose schemas check it like their own.
    fn share(&mut self) -> Result<(), String> {
        share("", self.shared.take(), &mut self.template, &mut self.parser)?;
        for (name, judge) in &mut self.judges {
            let within = format!("judges.{}.", shown(name));
            share(&within, judge.shared.take(), &mut judge.template, &mut judge.parser)?;
        }
        Ok(())
    }

    fn check_judges(&self) -> Result<(), String> {
        if self.judges.len() > JUDGES {
            return Err(format!("has {} [judges.NAME], more than the {JUDGES} allowed", self.judges.len()));
        }
        for (name, judge) in &self.judges {
            check_name("judges.NAME", name)?;
            for (part, is_there) in [("template", judge.template.is_some()), ("parser", judge.parser.is_some())] {
                if !is_there && self.template.is_none() {
                    return Err(format!("[judges.{name}] has no {part}, and there is no [{part}] of the pack's own"));
                }
            }
            check_sampling(&format!("judges.{name}.sampling"), &judge.sampling)?;
            check_request(&format!("judges.{name}.model"), &judge.model)?;
        }
        Ok(())
    }
}

/// Gives what is shared to a template and to a parser. `within` is what stands before their names.
fn share(
    within: &str,
    shared: Option<toml::Table>,
    template: &mut Option<PartSection>,
    parser: &mut Option<PartSection>,
) -> Result<(), String> {
    let Some(shared) = shared else { return Ok(()) };
    let (Some(template), Some(parser)) = (template, parser) else {
        return Err(format!(
            "has [{within}shared], the configuration that [{within}template] and [{within}parser] have in common, but not \
             both of them; move it to the part that it is for"
        ));
    };
    for (part, section) in [("template", template), ("parser", parser)] {
        for (key, value) in &shared {
            if section.config.insert(key.clone(), value.clone()).is_some() {
                let key = shown(key);
                return Err(format!(
                    "`{key}` is in [{within}shared] and in [{within}{part}.config]; expected it in one of them"
                ));
            }
        }
    }
    Ok(())
}

fn check_sampling(section: &str, sampling: &SamplingSection) -> Result<(), String> {
    let SamplingSection { temperature, top_p, max_tokens } = *sampling;
    if temperature.is_some_and(|temperature| !(temperature.is_finite() && temperature >= 0.0)) {
        return Err(format!("[{section}] `temperature` expected a finite number of at least 0"));
    }
    if top_p.is_some_and(|top_p| !(top_p > 0.0 && top_p <= 1.0)) {
        return Err(format!("[{section}] `top_p` expected a number above 0 and at most 1"));
    }
    if max_tokens == Some(0) {
        return Err(format!("[{section}] `max_tokens` expected at least 1"));
    }
    Ok(())
}

/// Fields of a request that the host itself writes; another value would make the record of a run wrong.
const HOST_FIELDS: [&str; 20] = [
    "continue_final_message",
    "add_generation_prompt",
    "grammar",
    "guided_regex",
    "input",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "model",
    "n",
    "prompt",
    "questions",
    "response_format",
    "seed",
    "state",
    "stop",
    "stream",
    "temperature",
    "top_logprobs",
];

/// Checks what a section would pass on to a server.
fn check_request(section: &str, hints: &ModelHints) -> Result<(), String> {
    if let Some(name) = &hints.name
        && (name.is_empty() || name.len() > PATH_BYTES || name.chars().any(char::is_control))
    {
        return Err(format!("[{section}] `name` expected 1 to {PATH_BYTES} bytes without control characters"));
    }
    if let Some(key) = hints.request.keys().find(|key| HOST_FIELDS.contains(&key.as_str()) || *key == "top_p") {
        return Err(format!(
            "[{section}.request] has `{key}`, which the host writes itself: set it in [sampling], or in the template"
        ));
    }
    if hints.request.len() > REQUEST_FIELDS {
        return Err(format!(
            "[{section}.request] expected at most {REQUEST_FIELDS} fields, found {}",
            hints.request.len()
        ));
    }
    Ok(())
}

/// Names end up in file names, URLs and logs.
fn check_name(field: &str, name: &str) -> Result<(), String> {
    let fits = !name.is_empty()
        && name.len() <= 64
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'))
        && !name.starts_with('.');
    if fits {
        Ok(())
    } else {
        Err(format!(
            "`{field}` is \"{}\"; expected 1 to 64 letters, digits, `-`, `_`, `.` or `+`, no leading dot",
            shown(name)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "mine"
version = "0.1.0"
[scale]
min = 1
max = 10
integer = true
[template]
component = "t.wasm"
[parser]
component = "p.wasm"
[policy]
component = "v.wasm"
config = { k = 4 }
"#;

    fn error(text: &str) -> ManifestError {
        Manifest::parse(text, Path::new("mine/pack.toml")).unwrap_err()
    }

    #[test]
    fn a_complete_manifest_parses() {
        let manifest = Manifest::parse(GOOD, Path::new("pack.toml")).unwrap();
        assert_eq!(manifest.policy.config["k"].as_integer(), Some(4));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_its_file_and_the_nearest_known_key() {
        let error = error(&GOOD.replace("[policy]\ncomponent", "[policy]\ncomponnet"));
        assert_eq!(error.line, Some(13));
        let text = error.to_string();
        assert!(text.starts_with("mine/pack.toml:13: unknown field `componnet`"), "{text}");
        assert!(text.ends_with("did you mean `component`?"), "{text}");
    }

    #[test]
    fn what_is_shared_is_in_the_template_and_in_the_parser_and_said_once() {
        let shared =
            |text: &str| Manifest::parse(&format!("{text}[shared]\nlabels = [\"A\"]\n"), Path::new("pack.toml"));
        let manifest = shared(GOOD).unwrap();
        for part in [manifest.template.unwrap(), manifest.parser.unwrap()] {
            assert_eq!(part.config["labels"].as_array().unwrap().len(), 1);
        }
        assert!(manifest.policy.config.get("labels").is_none());

        let twice = GOOD.replace("\"p.wasm\"", "\"p.wasm\"\nconfig = { labels = [] }");
        let error = shared(&twice).unwrap_err().to_string();
        assert_eq!(error, "pack.toml: `labels` is in [shared] and in [parser.config]; expected it in one of them");
        let parts = "[template]\ncomponent = \"t.wasm\"\n[parser]\ncomponent = \"p.wasm\"\n";
        let scorers = GOOD.replace(parts, "[scorers.a]\ncomponent = \"s.wasm\"\n");
        assert!(shared(&scorers).unwrap_err().message.contains("but not both of them"));
    }

    #[test]
    fn text_without_end_in_any_form_is_refused_in_words_and_in_time() {
        // As long as a manifest may be.
        let fill = |piece: &str| piece.repeat((crate::MANIFEST_BYTES as usize - GOOD.len()) / piece.len() - 8);
        let numbered = |line: fn(usize) -> String| (0..10_000).map(line).collect::<String>();
        let scorers = numbered(|number| format!("[scorers.s{number}]\ncomponent = \"a\"\n"));
        for (what, text, expected) in [
            ("a dotted key", format!("{GOOD}[shared]\n{}a = 1", fill("a.")), "recursion limit"),
            ("a dotted table", format!("{GOOD}[shared.{}a]", fill("a.")), "recursion limit"),
            ("nested arrays", format!("{GOOD}[shared]\na = {}", fill("[")), "max recursion depth"),
            ("nested tables", format!("{GOOD}[shared]\na = {}", fill("{a=")), "max recursion depth"),
            ("a long key", format!("{GOOD}[{}]", fill("x")), "unknown field `xxx"),
            ("a long number", format!("{GOOD}[shared]\na = {}", fill("9")), "overflow"),
            ("an open text", format!("{GOOD}[shared]\na = \"{}", fill("x")), "invalid basic string"),
            ("the same key again and again", format!("{GOOD}[shared]\n{}", fill("a=1\n")), "duplicate key"),
            ("many scorers", format!("{GOOD}{scorers}"), "has 10000 [scorers.NAME], more than the 64 allowed"),
            ("a long path", GOOD.replace("t.wasm", &fill("x")), "expected a path of 1 to 1024 bytes"),
            ("no path", GOOD.replace("t.wasm", ""), "expected a path of 1 to 1024 bytes"),
            ("a long name", GOOD.replace("\"mine\"", &format!("\"{}\"", fill("x"))), "`name` is \"xxx"),
            ("a long description", format!("description = \"{}\"{GOOD}", fill("x")), "more than the 4096 allowed"),
            ("a long limit", format!("{GOOD}[limits]\n{} = -1", fill("x")), "invalid value"),
        ] {
            let started = std::time::Instant::now();
            let message = error(&text).to_string();
            assert!(message.contains(expected), "{what}: {message:.300}");
            assert!(message.len() < 1500, "{what}: {} bytes of message", message.len());
            assert!(started.elapsed().as_secs() < 2, "{what}: {:?}", started.elapsed());
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_told_as_it_is_written() {
        let escape = GOOD.replace("\nmin = 1", "\n\"\\u001b[31m\\u202e\" = 1\nmin = 1");
        let message = error(&escape).to_string();
        assert!(message.contains(r"unknown field `\u{1b}[31m\u{202e}`"), "{message}");
        let name = error(&GOOD.replace("\"mine\"", "\"\\u202emine\"")).message;
        assert!(name.starts_with(r#"`name` is "\u{202e}mine"; expected"#), "{name}");
        let path = GOOD.replace("t.wasm", "\\u001b[2K.wasm");
        assert!(error(&path).message.contains(r#"without control characters, found "\u{1b}[2K.wasm""#));
        let principles = "[principles]\ncomponent = \"\\u0007.wasm\"\n";
        assert!(error(&format!("{GOOD}{principles}")).message.contains("without control characters"));
    }

    #[test]
    fn sampling_that_no_model_can_do_is_refused() {
        for (sampling, expected) in [
            ("temperature = inf", "`temperature` expected a finite number"),
            ("temperature = nan", "`temperature` expected a finite number"),
            ("temperature = -0.5", "`temperature` expected a finite number"),
            ("top_p = 0.0", "`top_p` expected a number above 0"),
            ("top_p = nan", "`top_p` expected a number above 0"),
            ("max_tokens = 0", "`max_tokens` expected at least 1"),
        ] {
            let message = error(&format!("{GOOD}[sampling]\n{sampling}\n")).message;
            assert!(message.contains(expected), "{sampling}: {message}");
        }
    }

    #[test]
    fn a_missing_part_and_an_empty_scale_are_errors() {
        assert!(error(&GOOD.replace("[parser]\ncomponent = \"p.wasm\"\n", "")).message.contains("parser"));
        let asking = "[template]\ncomponent = \"t.wasm\"\n[parser]\ncomponent = \"p.wasm\"\n";
        let stage = "[scorers.s]\ncomponent = \"s.wasm\"\n[principles]\ncomponent = \"w.wasm\"\n";
        assert!(error(&GOOD.replace(asking, stage)).message.contains("has [principles] but no [template]"));
        assert!(error(&GOOD.replace("max = 10", "max = 1")).message.contains("min below max"));
        assert!(error(&GOOD.replace("name = \"mine\"", "name = \"../mine\"")).message.contains("`name`"));
    }

    #[test]
    fn every_part_names_a_component_and_configurations_name_none() {
        let text = format!(
            "{GOOD}[shared]\ncomponent = \"no.wasm\"\n[scorers.config]\ncomponent = \"s.wasm\"\n\
             config = {{ component = \"no.wasm\" }}\n[scorers.again]\ncomponent = \"s.wasm\"\n\
             [principles]\ncomponent = \"w.wasm\"\n[meta]\nscale = {{ min = 0, max = 1, integer = false }}\n\
             template = {{ component = \"mt.wasm\" }}\nparser = {{ component = \"mp.wasm\" }}\n"
        );
        let manifest = Manifest::parse(&text, Path::new("pack.toml")).unwrap();
        let names = ["mp.wasm", "mt.wasm", "p.wasm", "s.wasm", "t.wasm", "v.wasm", "w.wasm"];
        assert_eq!(manifest.components(), names.map(Path::new).into());
    }
}
