//! The files of golden cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use rewarden_judge::explain_toml_error;
use rewarden_runtime::read_regular;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A case with where it is from.
pub(crate) struct Golden {
    /// Its name, or its place in the file.
    pub(crate) name: String,
    /// The file, for cases that name another file.
    pub(crate) file: PathBuf,
    /// The pack or plugin that it belongs to, which no file that it names lies outside of.
    pub(crate) directory: PathBuf,
    pub(crate) case: Case,
}

/// One case, by what is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Case {
    Parse(ParseCase),
    Render(RenderCase),
    Next(Box<NextCase>),
    Score(ScoreCase),
    Ask(AskCase),
    Read(ReadCase),
}

/// A TOML file: an array of tables a kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(default)]
    parse: Vec<ParseCase>,
    #[serde(default)]
    render: Vec<RenderCase>,
    #[serde(default)]
    next: Vec<NextCase>,
    #[serde(default)]
    score: Vec<ScoreCase>,
    #[serde(default)]
    ask: Vec<AskCase>,
    #[serde(default)]
    read: Vec<ReadCase>,
}

/// Numbers that are valid scores.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScaleCase {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) integer: bool,
}

/// A completion becomes scores, or a failure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParseCase {
    pub(crate) name: Option<String>,
    pub(crate) part: Option<String>,
    #[serde(default)]
    pub(crate) config: Map<String, Value>,
    pub(crate) scale: Option<ScaleCase>,
    pub(crate) completion: Option<String>,
    pub(crate) completion_file: Option<PathBuf>,
    #[serde(default)]
    pub(crate) finish: FinishCase,
    #[serde(default)]
    pub(crate) tokens: Vec<TokenCase>,
    pub(crate) shown: Option<u32>,
    pub(crate) scores: Option<Vec<ScoreValue>>,
    /// All that the parser reads by criterion, in its order.
    pub(crate) criteria: Option<Vec<CriterionCase>>,
    pub(crate) confidence: Option<f64>,
    pub(crate) failure: Option<String>,
    pub(crate) message: Option<String>,
}

/// A score under one criterion.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CriterionCase {
    pub(crate) criterion: String,
    /// The response's place, or in samples and rewards its index.
    #[serde(default)]
    pub(crate) response: u32,
    pub(crate) score: ScoreValue,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FinishCase {
    #[default]
    Stop,
    Length,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenCase {
    pub(crate) text: String,
    pub(crate) logprob: f64,
    #[serde(default)]
    pub(crate) alternatives: Vec<AlternativeCase>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlternativeCase {
    pub(crate) text: String,
    pub(crate) logprob: f64,
}

/// A score: a number, or a word.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum ScoreValue {
    Number(f64),
    /// `abstain`, or `none` for a response that a sample did not show.
    Word(String),
}

/// A task becomes a prompt.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenderCase {
    pub(crate) name: Option<String>,
    pub(crate) part: Option<String>,
    #[serde(default)]
    pub(crate) config: Map<String, Value>,
    pub(crate) scale: Option<ScaleCase>,
    pub(crate) task: Value,
    pub(crate) critique: Option<String>,
    #[serde(default)]
    pub(crate) principles: Vec<PrincipleCase>,
    /// Ids of criteria; none for all.
    #[serde(default)]
    pub(crate) asked: Vec<String>,
    #[serde(default)]
    pub(crate) earlier: Vec<EarlierCase>,
    #[serde(default)]
    pub(crate) contains: Vec<String>,
    #[serde(default)]
    pub(crate) lacks: Vec<String>,
    pub(crate) equals: Option<String>,
    pub(crate) refuses: Option<String>,
}

/// An earlier sample that a prompt shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EarlierCase {
    pub(crate) judge: Option<String>,
    /// Where the responses that it was shown are now.
    #[serde(default)]
    pub(crate) places: Vec<u32>,
    pub(crate) text: String,
}

/// Samples become a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextCase {
    pub(crate) name: Option<String>,
    pub(crate) part: Option<String>,
    #[serde(default)]
    pub(crate) config: Map<String, Value>,
    pub(crate) scale: Option<ScaleCase>,
    pub(crate) task: Value,
    #[serde(default)]
    pub(crate) samples: Vec<SampleCase>,
    #[serde(default)]
    pub(crate) signals: BTreeMap<String, Vec<ScoreValue>>,
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) temperature: Option<f64>,
    pub(crate) samples_left: Option<u32>,
    pub(crate) rounds_left: Option<u32>,
    /// Names of the judges beside the pack's own.
    #[serde(default)]
    pub(crate) judges: Vec<String>,
    pub(crate) step: Option<String>,
    pub(crate) draws: Option<usize>,
    pub(crate) orders: Option<Vec<Vec<u32>>>,
    pub(crate) rates: Option<Vec<u32>>,
    pub(crate) scores: Option<Vec<ScoreValue>>,
    pub(crate) used: Option<Vec<u32>>,
    /// The judges of the draws, in order; an empty name is the pack's own.
    pub(crate) asks: Option<Vec<String>>,
    /// Ids of the samples that it rejects.
    pub(crate) rejected: Option<Vec<u32>>,
    pub(crate) criteria: Option<Vec<CriterionCase>>,
    #[serde(default)]
    pub(crate) details: Map<String, Value>,
    pub(crate) refuses: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SampleCase {
    pub(crate) scores: Option<Vec<ScoreValue>>,
    pub(crate) failure: Option<String>,
    pub(crate) order: Option<Vec<u32>>,
    pub(crate) rating: Option<f64>,
    pub(crate) rating_failure: Option<String>,
    pub(crate) judge: Option<String>,
    #[serde(default)]
    pub(crate) asked: Vec<String>,
    #[serde(default)]
    pub(crate) criteria: Vec<CriterionCase>,
    pub(crate) confidence: Option<f64>,
    pub(crate) temperature: Option<f64>,
}

/// A task gets scores by rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScoreCase {
    pub(crate) name: Option<String>,
    pub(crate) part: Option<String>,
    #[serde(default)]
    pub(crate) config: Map<String, Value>,
    pub(crate) task: Value,
    pub(crate) scores: Option<Vec<ScoreValue>>,
    pub(crate) refuses: Option<String>,
}

/// A query becomes the prompt for its principles.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskCase {
    pub(crate) name: Option<String>,
    pub(crate) part: Option<String>,
    #[serde(default)]
    pub(crate) config: Map<String, Value>,
    /// A task without its responses; `metadata` is what the part is shown of it.
    pub(crate) query: Map<String, Value>,
    #[serde(default)]
    pub(crate) contains: Vec<String>,
    #[serde(default)]
    pub(crate) lacks: Vec<String>,
    pub(crate) equals: Option<String>,
    pub(crate) refuses: Option<String>,
}

/// A completion becomes principles, or a failure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadCase {
    pub(crate) name: Option<String>,
    pub(crate) part: Option<String>,
    #[serde(default)]
    pub(crate) config: Map<String, Value>,
    pub(crate) completion: String,
    #[serde(default)]
    pub(crate) finish: FinishCase,
    pub(crate) principles: Option<Vec<PrincipleCase>>,
    pub(crate) failure: Option<String>,
    pub(crate) message: Option<String>,
}

/// A principle; of one that is expected, a weight or a text that is not there may be any.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrincipleCase {
    pub(crate) name: String,
    pub(crate) weight: Option<f64>,
    pub(crate) text: Option<String>,
}

impl Case {
    /// What is called.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Parse(_) => "parse",
            Self::Render(_) => "render",
            Self::Next(_) => "next",
            Self::Score(_) => "score",
            Self::Ask(_) => "ask",
            Self::Read(_) => "read",
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Parse(case) => case.name.as_deref(),
            Self::Render(case) => case.name.as_deref(),
            Self::Next(case) => case.name.as_deref(),
            Self::Score(case) => case.name.as_deref(),
            Self::Ask(case) => case.name.as_deref(),
            Self::Read(case) => case.name.as_deref(),
        }
    }

    /// The part that it names, and the changes to its configuration.
    pub(crate) fn part(&self) -> (Option<&str>, &Map<String, Value>) {
        match self {
            Self::Parse(case) => (case.part.as_deref(), &case.config),
            Self::Render(case) => (case.part.as_deref(), &case.config),
            Self::Next(case) => (case.part.as_deref(), &case.config),
            Self::Score(case) => (case.part.as_deref(), &case.config),
            Self::Ask(case) => (case.part.as_deref(), &case.config),
            Self::Read(case) => (case.part.as_deref(), &case.config),
        }
    }

    /// A case without an expectation could not fail.
    fn expects(&self) -> bool {
        match self {
            Self::Parse(case) => {
                case.scores.is_some()
                    || case.criteria.is_some()
                    || case.confidence.is_some()
                    || case.failure.is_some()
                    || case.message.is_some()
            }
            Self::Render(case) => {
                case.equals.is_some() || case.refuses.is_some() || !case.contains.is_empty() || !case.lacks.is_empty()
            }
            Self::Next(case) => {
                case.step.is_some()
                    || case.draws.is_some()
                    || case.orders.is_some()
                    || case.rates.is_some()
                    || case.scores.is_some()
                    || case.used.is_some()
                    || case.asks.is_some()
                    || case.rejected.is_some()
                    || case.criteria.is_some()
                    || !case.details.is_empty()
                    || case.refuses.is_some()
            }
            Self::Score(case) => case.scores.is_some() || case.refuses.is_some(),
            Self::Ask(case) => {
                case.equals.is_some() || case.refuses.is_some() || !case.contains.is_empty() || !case.lacks.is_empty()
            }
            Self::Read(case) => case.principles.is_some() || case.failure.is_some() || case.message.is_some(),
        }
    }
}

/// All cases of `tests/*.toml` and `tests/*.jsonl` below `directory`, by file name.
///
/// # Errors
/// When a file cannot be read or a case has not its form; the message names the file and the line.
pub(crate) fn read(directory: &Path) -> Result<Vec<Golden>> {
    let tests = directory.join("tests");
    if !tests.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(&tests).with_context(|| format!("cannot read {}", tests.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().take(FILES + 1).map(|entry| entry.path()).collect();
    if files.len() > FILES {
        bail!("{} holds more than {FILES} files; put several cases into one", tests.display());
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let cases = match file.extension().and_then(|extension| extension.to_str()) {
            Some("toml" | "jsonl") if !file.is_file() => {
                bail!("{} has the name of a golden case file and is no file; move it away", file.display());
            }
            Some("toml") => read_toml(directory, &file)?,
            Some("jsonl") => read_jsonl(directory, &file)?,
            _ => continue,
        };
        for (number, case) in (1..).zip(cases) {
            if !case.expects() {
                let name = case.name().map_or_else(|| format!("number {number}"), |name| format!("`{name}`"));
                bail!("{}: the {} case {name} expects nothing, so it cannot fail", file.display(), case.kind());
            }
            let short = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
            let name = case.name().map_or_else(|| format!("{short} number {number}"), str::to_owned);
            all.push(Golden { name, file: file.clone(), directory: directory.to_owned(), case });
        }
    }
    Ok(all)
}

/// Files with cases at most.
const FILES: usize = 1000;
/// Bytes of one of them, and of a completion that is a file of its own. The largest that was seen has some 100 kB.
const FILE_BYTES: u64 = 1 << 20;

/// The text of a file of the pack's or plugin's own: a link does not lead out of it, and nothing but a file is opened.
pub(crate) fn text_of(directory: &Path, file: &Path) -> Result<String> {
    String::from_utf8(bytes_of(directory, file)?).with_context(|| format!("{} is not UTF-8 text", file.display()))
}

/// As [`text_of`], whatever is in it.
pub(crate) fn bytes_of(directory: &Path, file: &Path) -> Result<Vec<u8>> {
    let told = || format!("cannot read {}", file.display());
    let (place, directory) = (file.canonicalize().with_context(told)?, directory.canonicalize().with_context(told)?);
    if !place.starts_with(&directory) {
        bail!("{} lies outside of {}; copy the file itself there", file.display(), directory.display());
    }
    read_regular(&place, FILE_BYTES).with_context(told)
}

fn read_toml(directory: &Path, file: &Path) -> Result<Vec<Case>> {
    let text = text_of(directory, file)?;
    let cases: CaseFile = toml::from_str(&text).map_err(|error| explain_toml_error(&error, &text, file))?;
    let parse = cases.parse.into_iter().map(Case::Parse);
    let render = cases.render.into_iter().map(Case::Render);
    let next = cases.next.into_iter().map(|case| Case::Next(Box::new(case)));
    let score = cases.score.into_iter().map(Case::Score);
    let ask = cases.ask.into_iter().map(Case::Ask);
    let read = cases.read.into_iter().map(Case::Read);
    Ok(ask.chain(read).chain(parse).chain(render).chain(next).chain(score).collect())
}

fn read_jsonl(directory: &Path, file: &Path) -> Result<Vec<Case>> {
    let text = text_of(directory, file)?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| {
                anyhow!(
                    "{}:{number}: {error}; expected {{\"parse\": {{...}}}}, or render, next, score, ask or read",
                    file.display()
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(name: &str, text: &str) -> Result<Vec<Golden>> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("tests")).unwrap();
        std::fs::write(directory.path().join("tests").join(name), text).unwrap();
        read(directory.path())
    }

    #[test]
    fn toml_and_jsonl_say_the_same() {
        let toml = cases("a.toml", "[[parse]]\nname = \"n\"\ncompletion = \"c\"\nscores = [7, \"abstain\"]\n").unwrap();
        let jsonl =
            cases("a.jsonl", "\n{\"parse\": {\"name\": \"n\", \"completion\": \"c\", \"scores\": [7, \"abstain\"]}}\n")
                .unwrap();
        for cases in [toml, jsonl] {
            let [Golden { name, case: Case::Parse(case), .. }] = &cases[..] else { panic!("one case to parse") };
            assert_eq!(name, "n");
            assert_eq!(case.scores, Some(vec![ScoreValue::Number(7.0), ScoreValue::Word("abstain".into())]));
        }
    }

    #[test]
    fn a_misspelt_key_names_the_file_and_the_line() {
        let error = cases("a.toml", "[[parse]]\ncompletion = \"c\"\nscore = [7]\n").err().unwrap().to_string();
        assert!(
            error.contains("a.toml:3: unknown field `score`") && error.contains("did you mean `scores`"),
            "{error}"
        );
        let error = cases("a.jsonl", "{\"parse\": {\"scores\": [1]}}\n{\"pars\": {}}").err().unwrap().to_string();
        assert!(error.contains("a.jsonl:2: unknown variant `pars`"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn cases_are_files_of_the_pack_itself_and_of_a_size_that_can_be_read() {
        let outer = tempfile::tempdir().unwrap();
        let (pack, outside) = (outer.path().join("pack"), outer.path().join("outside.toml"));
        let place = pack.join("tests/a.toml");
        std::fs::create_dir_all(pack.join("tests")).unwrap();
        std::fs::write(&outside, "secret = 1").unwrap();
        let refused = || read(&pack).err().map(|error| format!("{error:#}")).unwrap_or_default();
        std::os::unix::fs::symlink(&outside, &place).unwrap();
        assert!(refused().contains("a.toml lies outside of "), "{}", refused());
        std::fs::remove_file(&place).unwrap();
        std::fs::File::create(&place).unwrap().set_len(20 << 30).unwrap();
        assert!(refused().ends_with("has 21474836480 bytes, more than the 1048576 allowed"), "{}", refused());
        std::fs::remove_file(&place).unwrap();
        // A FIFO is told, and not waited for.
        assert!(std::process::Command::new("mkfifo").arg(&place).status().unwrap().success());
        let told = "tests/a.toml has the name of a golden case file and is no file; move it away";
        assert!(refused().ends_with(told), "{}", refused());
        let completion = text_of(&pack, &place.with_file_name("../../outside.toml")).unwrap_err();
        assert!(completion.to_string().contains("lies outside of "), "{completion}");
        let waited = text_of(&pack, &place).unwrap_err();
        assert!(format!("{waited:#}").ends_with("is not a regular file"), "{waited:#}");
        for number in 0..FILES {
            std::fs::write(pack.join(format!("tests/{number}.txt")), "").unwrap();
        }
        assert!(refused().ends_with("holds more than 1000 files; put several cases into one"), "{}", refused());
    }

    #[test]
    fn a_case_that_cannot_fail_is_an_error() {
        let error = cases("a.toml", "[[parse]]\ncompletion = \"c\"\n").err().unwrap().to_string();
        assert!(error.ends_with("the parse case number 1 expects nothing, so it cannot fail"), "{error}");
    }
}
