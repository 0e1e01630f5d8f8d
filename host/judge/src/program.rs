//! Programs as plugins: which interpreter runs one, and what it is configured with.

use std::path::{Path, PathBuf};

use rewarden_manifest::ProgramSection;
use rewarden_runtime::{Runtime, read_regular_text};
use rewarden_types::Sha256Digest;
use serde_json::{Map, Value};

use crate::part_name::PartName;

/// Bytes of one file of a program. Reward functions have some kB; all files together have to fit a configuration.
const FILE_BYTES: u64 = 512 << 10;

/// Packages that only the interpreter with mathematics has, as they are imported.
const MATHS: [&str; 4] = ["math_verify", "sympy", "mpmath", "latex2sympy2_extended"];

/// A program's file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", file.display())]
pub struct ProgramError {
    /// The file.
    pub file: PathBuf,
    /// What was expected and found.
    pub message: String,
}

/// A program with all that its interpreter has to know of it.
#[derive(Debug)]
pub(crate) struct Program {
    /// The interpreter's name.
    pub(crate) runtime: String,
    config: Map<String, Value>,
}

impl Program {
    /// Reads the files of a program that plays `part`. `find` gives the place of a file that the section names.
    ///
    /// # Errors
    /// A [`ProgramError`] if a file cannot be read, or if nothing says which interpreter the program is for.
    pub(crate) fn read<E: From<ProgramError>>(
        section: &ProgramSection,
        part: &PartName,
        options: Map<String, Value>,
        find: impl Fn(&Path) -> Result<PathBuf, E>,
    ) -> Result<Self, E> {
        let text = |name: &Path| -> Result<String, E> {
            let file = find(name)?;
            Ok(read_regular_text(&file, FILE_BYTES)
                .map_err(|error| ProgramError { file, message: format!("cannot be read: {error}") })?)
        };
        let source = text(&section.source)?;
        let runtime = match &section.runtime {
            Some(runtime) => runtime.clone(),
            None => runtime_of(&section.source, &source)?,
        };
        let mut config = Map::new();
        config.insert("as".to_owned(), part.interface().name().into());
        config.insert("file".to_owned(), name(&section.source).into());
        config.insert("source".to_owned(), source.into());
        if let Some(function) = &section.function {
            config.insert("function".to_owned(), function.as_str().into());
        }
        if !section.files.is_empty() {
            let files = section.files.iter().map(|file| Ok((name(file), text(file)?.into())));
            config.insert("files".to_owned(), Value::Object(files.collect::<Result<_, E>>()?));
        }
        config.insert(OPTIONS.to_owned(), Value::Object(options));
        Ok(Self { runtime, config })
    }

    /// Its files by their names, with their digests.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (&str, Sha256Digest)> {
        let text = |key: &str| self.config.get(key).and_then(Value::as_str);
        let files = self.config.get("files").and_then(Value::as_object);
        let files = files.into_iter().flatten().filter_map(|(name, text)| Some((name.as_str(), text.as_str()?)));
        let all = text("file").zip(text("source")).into_iter().chain(files);
        all.map(|(name, text)| (name, Sha256Digest::of(text.as_bytes())))
    }

    /// What the interpreter is configured with.
    pub(crate) fn into_config(self) -> Map<String, Value> {
        self.config
    }
}

/// Finds the component of an interpreter by its name, where the runtime has it.
pub fn interpreter(runtime: &Runtime, name: &str) -> Option<PathBuf> {
    let file = format!("{name}.wasm");
    runtime.interpreters().iter().map(|directory| directory.join(&file)).find(|path| path.is_file())
}

/// Returns the name of the interpreter that runs a program of the pack in `directory`.
///
/// # Errors
/// If the source cannot be read, or if nothing says which interpreter it is for.
pub fn interpreter_name(section: &ProgramSection, directory: &Path) -> Result<String, ProgramError> {
    let nothing = Map::new();
    let read = Program::read(section, &PartName::Policy, nothing, |name| Ok::<_, ProgramError>(directory.join(name)));
    read.map(|program| program.runtime)
}

/// The key of an interpreter's configuration that holds the program's own options.
pub(crate) const OPTIONS: &str = "options";

/// The same text on every system.
fn name(path: &Path) -> String {
    let pieces = path.components().filter(|piece| !matches!(piece, std::path::Component::CurDir));
    pieces.map(|piece| piece.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The interpreter for a file of this name with this text.
fn runtime_of(file: &Path, text: &str) -> Result<String, ProgramError> {
    let extension = file.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match extension.as_str() {
        "py" if imports_maths(text) => Ok("python-maths".to_owned()),
        "py" => Ok("python".to_owned()),
        "js" | "mjs" | "ts" | "mts" => Ok("javascript".to_owned()),
        _ => Err(ProgramError {
            file: file.to_owned(),
            message:
                "expected a file whose name ends in .py, .js, .mjs, .ts or .mts, or `runtime` beside `source` to say \
                      which interpreter it is for"
                    .to_owned(),
        }),
    }
}

fn imports_maths(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split([' ', '\t', ',']).filter(|word| !word.is_empty());
        let is_import = matches!(words.next(), Some("import" | "from"));
        is_import && words.any(|word| MATHS.contains(&word.split('.').next().unwrap_or(word)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str, text: &str) -> Result<String, String> {
        runtime_of(Path::new(file), text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_name_and_the_imports_say_which_interpreter_it_is_for() {
        for (file, text, expected) in [
            ("a.py", "import re\n# sympy is not imported\n", "python"),
            ("a.py", "def f():\n    from math_verify import parse, verify\n", "python-maths"),
            ("a.py", "import re, sympy.core\n", "python-maths"),
            ("a.py", "import sympy_like\n", "python"),
            ("dir/a.ts", "", "javascript"),
            ("a.JS", "", "javascript"),
        ] {
            assert_eq!(of(file, text).unwrap(), expected, "{text}");
        }
        assert!(of("a.rb", "").unwrap_err().starts_with("a.rb: expected a file whose name ends in .py"));
    }

    #[test]
    fn an_interpreter_is_told_what_the_program_is_for_and_all_of_its_files() {
        let directory = tempfile::tempdir().unwrap();
        for (file, text) in [("reward.py", "import units"), ("units.py", "UNITS = []")] {
            std::fs::write(directory.path().join(file), text).unwrap();
        }
        let section = |runtime: Option<&str>, files: &[&str]| ProgramSection {
            source: "./reward.py".into(),
            runtime: runtime.map(str::to_owned),
            function: None,
            files: files.iter().map(PathBuf::from).collect(),
        };
        let read = |section: &ProgramSection| {
            let find = |name: &Path| Ok::<_, ProgramError>(directory.path().join(name));
            Program::read(section, &PartName::Scorer("a".into()), Map::new(), find)
        };
        let program = read(&section(None, &["units.py"])).unwrap();
        assert_eq!(program.runtime, "python");
        let expected = serde_json::json!({
            "as": "scorer", "file": "reward.py", "source": "import units", "files": {"units.py": "UNITS = []"}, "options": {},
        });
        assert_eq!(Value::Object(program.into_config()), expected);
        let error = read(&section(Some("other"), &["none.py"])).unwrap_err().to_string();
        assert!(error.contains("none.py: cannot be read"), "{error}");
    }
}
