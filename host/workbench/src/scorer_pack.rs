//! A pack made of nothing but scorers: what people have who have a reward function.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use rewarden_judge::{Overrides, Pack};
use rewarden_runtime::Runtime;
use toml::{Table, Value};

use crate::create::{manifest_text, write};
use crate::freeze::REQUIREMENTS;

/// The policy of such a pack, by the name of its component.
pub const SCORER_POLICY: &str = "rule-sum.wasm";

/// A scorer: a component, or a program with the function that it is. Written `FILE` or `FILE:FUNCTION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScorerFile {
    /// The component or the program's source.
    pub file: PathBuf,
    /// The function, where the file has several.
    pub function: Option<String>,
}

impl FromStr for ScorerFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (file, function) = match text.rsplit_once(':') {
            Some((file, function)) if is_function(function) && Path::new(file).extension().is_some() => {
                (file, Some(function.to_owned()))
            }
            _ => (text, None),
        };
        if Path::new(file).file_stem().is_none() {
            return Err(format!(
                "expected a file such as reward.py, or reward.py:accuracy for one of its functions, found `{text}`"
            ));
        }
        Ok(Self { file: file.into(), function })
    }
}

fn is_function(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl ScorerFile {
    /// The name under which a pack lists it: its function's, else its file's.
    pub fn name(&self) -> String {
        let stem = || self.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let fits = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
        self.function.clone().unwrap_or_else(stem).chars().map(fits).take(64).collect()
    }

    /// Whether it is a program's file that is there, by the end of its name.
    pub fn is_program(&self) -> bool {
        let known = ["py", "js", "mjs", "ts", "mts"];
        let extension = self.file.extension().unwrap_or_default();
        known.iter().any(|known| extension.eq_ignore_ascii_case(known)) && self.file.is_file()
    }

    fn is_component(&self) -> bool {
        self.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wasm"))
    }
}

/// Writes a pack of these scorers to `directory`, which is there: their rewards are added up by the policy in `policy`, a copy of
/// [`SCORER_POLICY`].
///
/// # Errors
/// Fails if two scorers have the same name, or files of the same name differ, or if a file cannot be copied.
pub fn create_scorer_pack(name: &str, scorers: &[ScorerFile], policy: &Path, directory: &Path) -> Result<()> {
    let mut sections = Table::new();
    let mut copied: BTreeSet<(PathBuf, PathBuf)> = BTreeSet::new();
    for scorer in scorers {
        let file = &scorer.file;
        let place = PathBuf::from(file.file_name().with_context(|| format!("{} is not a file", file.display()))?);
        if copied.iter().any(|(known, from)| *known == place && from != file) {
            bail!("two files are called {}; give one of them another name", place.display());
        }
        if copied.insert((place.clone(), file.clone())) {
            fs::copy(file, directory.join(&place))
                .with_context(|| format!("cannot copy the scorer {}", file.display()))?;
        }
        let mut section = Table::new();
        let key = if scorer.is_component() { "component" } else { "source" };
        section.insert(key.to_owned(), place.to_string_lossy().into_owned().into());
        if let Some(function) = &scorer.function {
            section.insert("function".to_owned(), function.as_str().into());
        }
        if sections.insert(scorer.name(), Value::Table(section)).is_some() {
            bail!(
                "two scorers are called `{}`; name a function of each file, or give a file another name",
                scorer.name()
            );
        }
    }
    fs::copy(policy, directory.join(SCORER_POLICY)).with_context(|| format!("cannot copy {}", policy.display()))?;
    let files = scorers.iter().map(|scorer| scorer.file.file_name().unwrap_or_default().to_string_lossy());
    let files = files.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
    let scale = Table::from_iter([
        ("min".to_owned(), Value::Integer(0)),
        ("max".to_owned(), Value::Integer(1)),
        ("integer".to_owned(), Value::Boolean(false)),
    ]);
    let policy = Table::from_iter([("component".to_owned(), Value::from(SCORER_POLICY))]);
    let manifest = Table::from_iter([
        ("name".to_owned(), Value::from(name)),
        ("version".to_owned(), Value::from("0.1.0")),
        ("description".to_owned(), Value::from(format!("The rewards of {files}, added up"))),
        ("scale".to_owned(), Value::Table(scale)),
        ("policy".to_owned(), Value::Table(policy)),
        ("scorers".to_owned(), Value::Table(sections)),
    ]);
    write(&directory.join("pack.toml"), manifest_text(&manifest)?)
}

/// Writes a new pack of one scorer to `directory`, with a place for golden cases, and checks that it loads. Where a requirements.txt
/// lies beside the scorer, the pack gets it and is not loaded: its program has to be frozen first.
///
/// # Errors
/// Those of [`create_scorer_pack`], and if what was put together does not load.
pub fn start_scorer_pack(
    runtime: &Runtime,
    name: &str,
    scorer: &ScorerFile,
    policy: &Path,
    directory: &Path,
) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    create_scorer_pack(name, std::slice::from_ref(scorer), policy, directory)?;
    let requirements = scorer.file.with_file_name(REQUIREMENTS);
    if requirements.is_file() {
        fs::copy(&requirements, directory.join(REQUIREMENTS))
            .with_context(|| format!("cannot copy {}", requirements.display()))?;
    } else {
        Pack::load(runtime, directory, &Overrides::default())
            .context("what was put together does not load, so nothing is written")?;
    }
    write(&directory.join("tests/cases.toml"), include_str!("templates/pack-scorers.toml"))?;
    let from = scorer.file.display().to_string();
    let readme = include_str!("templates/pack-README.md.in").replace("{{name}}", name).replace("{{from}}", &from);
    write(&directory.join("README.md"), readme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scorer(text: &str) -> ScorerFile {
        text.parse().unwrap()
    }

    #[test]
    fn a_scorer_is_a_file_or_one_of_its_functions() {
        assert_eq!(scorer("a/reward.py").name(), "reward");
        let named = scorer("a/reward.py:accuracy_reward");
        assert_eq!((named.name().as_str(), named.file.as_path()), ("accuracy_reward", Path::new("a/reward.py")));
        assert_eq!(scorer("a b.wasm").name(), "a-b");
        assert!("".parse::<ScorerFile>().is_err());
    }

    #[test]
    fn the_pack_has_the_files_and_a_manifest_that_reads_back() {
        let (files, pack) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["reward.py", "length.wasm", SCORER_POLICY] {
            fs::write(files.path().join(name), name).unwrap();
        }
        let at = |name: &str| files.path().join(name).display().to_string();
        let policy = files.path().join(SCORER_POLICY);
        let scorers = [scorer(&at("reward.py:accuracy")), scorer(&at("reward.py:form")), scorer(&at("length.wasm"))];
        create_scorer_pack("mine", &scorers, &policy, pack.path()).unwrap();
        let manifest = rewarden_manifest::Manifest::read(pack.path()).unwrap();
        assert_eq!(manifest.scorers.keys().collect::<Vec<_>>(), ["accuracy", "form", "length"]);
        assert_eq!(fs::read_to_string(pack.path().join("reward.py")).unwrap(), "reward.py");
        let twice = [scorer(&at("reward.py")), scorer(&at("reward.py"))];
        let error = create_scorer_pack("mine", &twice, &policy, pack.path()).unwrap_err().to_string();
        assert!(error.starts_with("two scorers are called `reward`"), "{error}");
    }
}
