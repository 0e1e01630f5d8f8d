//! What plays a part of a pack.

use std::path::{Path, PathBuf};

use rewarden_input::shown;
use serde::{Deserialize, Deserializer, de};

/// Bytes of a file's path.
pub(crate) const PATH_BYTES: usize = 1024;
/// Files of one program beside its source.
const FILES: usize = 32;

/// A plugin with its configuration.
#[derive(Debug, Deserialize)]
#[serde(try_from = "PartFields")]
pub struct PartSection {
    /// What plays the part.
    pub plugin: PartPlugin,
    /// What it is configured with: a program's options, where it is one.
    pub config: toml::Table,
}

/// The part that has the model write the principles of a query, before any response is seen.
#[derive(Debug, Deserialize)]
#[serde(try_from = "PrinciplesFields")]
pub struct PrinciplesSection {
    /// The plugin with its configuration.
    pub part: PartSection,
    /// Fields of a task's metadata that belong to its query.
    pub metadata: Vec<String>,
}

/// What plays a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartPlugin {
    /// A component, by its path in the pack.
    Component(PathBuf),
    /// A program that an interpreter runs.
    Program(ProgramSection),
}

/// A program that an interpreter runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramSection {
    /// Its source, by the path in the pack.
    pub source: PathBuf,
    /// The interpreter, by name. `None`: the one that the source asks for.
    pub runtime: Option<String>,
    /// The function that plays the part. `None`: the only one that can.
    pub function: Option<String>,
    /// Other files that the program has, by their paths in the pack.
    pub files: Vec<PathBuf>,
}

impl PartPlugin {
    /// The component, unless an interpreter plays the part.
    pub fn component(&self) -> Option<&Path> {
        match self {
            Self::Component(component) => Some(component),
            Self::Program(_) => None,
        }
    }

    /// The files of a program, its source first; none of a component.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let program = match self {
            Self::Component(_) => None,
            Self::Program(program) => Some(program),
        };
        program
            .into_iter()
            .flat_map(|program| [&program.source].into_iter().chain(&program.files))
            .map(PathBuf::as_path)
    }
}

/// The keys as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartFields {
    component: Option<PathText>,
    source: Option<PathText>,
    runtime: Option<String>,
    function: Option<String>,
    #[serde(default)]
    files: Vec<PathText>,
    #[serde(default)]
    config: toml::Table,
}

/// As [`PartFields`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrinciplesFields {
    component: Option<PathText>,
    source: Option<PathText>,
    runtime: Option<String>,
    function: Option<String>,
    #[serde(default)]
    files: Vec<PathText>,
    #[serde(default)]
    config: toml::Table,
    #[serde(default)]
    metadata: Vec<String>,
}

impl TryFrom<PrinciplesFields> for PrinciplesSection {
    type Error = String;

    fn try_from(fields: PrinciplesFields) -> Result<Self, String> {
        let PrinciplesFields { component, source, runtime, function, files, config, metadata } = fields;
        let part = PartFields { component, source, runtime, function, files, config }.try_into()?;
        Ok(Self { part, metadata })
    }
}

impl TryFrom<PartFields> for PartSection {
    type Error = String;

    fn try_from(fields: PartFields) -> Result<Self, String> {
        let PartFields { component, source, runtime, function, files, config } = fields;
        let plugin = match (component, source) {
            (Some(PathText(component)), None) => {
                let of_programs =
                    [("runtime", runtime.is_some()), ("function", function.is_some()), ("files", !files.is_empty())];
                if let Some((key, _)) = of_programs.into_iter().find(|(_, is_there)| *is_there) {
                    return Err(format!("`{key}` goes with `source`, a program's file, and not with `component`"));
                }
                PartPlugin::Component(component)
            }
            (None, Some(PathText(source))) => {
                if files.len() > FILES {
                    return Err(format!("`files` has {} entries, more than the {FILES} allowed", files.len()));
                }
                for (key, name) in [("runtime", &runtime), ("function", &function)] {
                    if let Some(name) = name.as_deref().filter(|name| !is_name(name)) {
                        return Err(format!("`{key}` is \"{}\"; expected letters, digits, `-` and `_`", shown(name)));
                    }
                }
                let files = files.into_iter().map(|PathText(path)| path).collect();
                PartPlugin::Program(ProgramSection { source, runtime, function, files })
            }
            (Some(_), Some(_)) => {
                return Err("has a `component` and a `source`; expected one of them".to_owned());
            }
            (None, None) => {
                return Err(
                    "has neither `component`, the path of a component in the pack, nor `source`, that of a program"
                        .to_owned(),
                );
            }
        };
        Ok(Self { plugin, config })
    }
}

/// It becomes the name of a file, or of a function of the program.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// A path. It goes to terminals when it is wrong.
struct PathText(PathBuf);

impl<'de> Deserialize<'de> for PathText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || text.len() > PATH_BYTES || text.chars().any(char::is_control) {
            let found = shown(&text);
            return Err(de::Error::custom(format!(
                "expected a path of 1 to {PATH_BYTES} bytes without control characters, found \"{found}\""
            )));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Result<PartSection, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn a_part_is_a_component_or_a_program() {
        assert_eq!(part("component = \"a.wasm\"").unwrap().plugin.component(), Some(Path::new("a.wasm")));
        let program = part(
            "source = \"reward.py\"\nruntime = \"python-maths\"\nfunction = \"accuracy\"\nfiles = [\"units.py\"]\n\
             config = { tolerance = 0.5 }",
        )
        .unwrap();
        assert_eq!(program.plugin.files().collect::<Vec<_>>(), [Path::new("reward.py"), Path::new("units.py")]);
        assert_eq!(program.config["tolerance"].as_float(), Some(0.5));
    }

    #[test]
    fn what_is_neither_or_both_or_misses_its_partner_is_refused() {
        for (text, expected) in [
            ("", "has neither `component`"),
            ("component = \"a.wasm\"\nsource = \"a.py\"", "expected one of them"),
            ("component = \"a.wasm\"\nruntime = \"python\"", "`runtime` goes with `source`"),
            ("component = \"a.wasm\"\nfiles = [\"a.py\"]", "`files` goes with `source`"),
            ("source = \"a.py\"\nruntime = \"../python\"", "`runtime` is \"../python\"; expected letters"),
            ("source = \"a.py\"\nfunction = \"\"", "`function` is \"\"; expected letters"),
            ("source = \"\"", "expected a path of 1 to 1024 bytes"),
            ("source = \"a.py\"\nfiels = []", "unknown field `fiels`"),
        ] {
            let message = part(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
        let many = format!("source = \"a.py\"\nfiles = [{}]", "\"b\",".repeat(FILES + 1));
        assert!(part(&many).unwrap_err().contains("has 33 entries"));
    }
}
