//! Makes components of programs in Python that need packages which no interpreter of ours has.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rewarden_manifest::{Manifest, PartPlugin, ProgramSection};

use crate::sdk;

/// The build of Python components, in Rewarden's repository.
const BUILD: &str = "plugins/python/build/build.py";
/// The packages that a pack's programs need, beside its pack.toml.
pub(crate) const REQUIREMENTS: &str = "requirements.txt";

/// A part whose program was made a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenPart {
    /// The part's section in pack.toml, such as `scorers.mine`.
    pub section: String,
    /// The component, beside pack.toml.
    pub component: PathBuf,
}

/// Makes a component of each program in Python of the pack in `directory`, or of the one that plays `part`: with the packages of its
/// requirements.txt, and warmed by its golden cases. What the build prints goes to standard error; tools and packages are kept in
/// `cache`.
///
/// # Errors
/// Fails if the pack has no such program, if Rewarden's source is not at hand, or as the build does: for a package with code of
/// the machine, by its name, and for a case that scores otherwise than natively.
pub fn freeze(directory: &Path, part: Option<&str>, pack_path: &[PathBuf], cache: &Path) -> Result<Vec<FrozenPart>> {
    let manifest = Manifest::read(directory)?;
    let programs = programs(&manifest);
    let wanted: Vec<_> = programs.iter().filter(|(section, ..)| part.is_none_or(|part| part == section)).collect();
    if wanted.is_empty() {
        let known = programs.iter().map(|(section, ..)| section.as_str()).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "none".to_owned() } else { known };
        bail!(
            "{}: expected a part whose `source` is a Python file, found {known}",
            directory.join("pack.toml").display()
        );
    }
    let script = script(pack_path)?;
    let mut frozen = Vec::new();
    for (section, interface, program) in wanted {
        let component = PathBuf::from(format!("{}.wasm", section.replace('.', "-")));
        let status = Command::new("python3")
            .arg(&script)
            .args(arguments(directory, interface, program, &component, cache)?)
            .stdin(Stdio::null())
            // The build's own words are progress, and standard output is for results.
            .stdout(std::io::stderr())
            .status()
            .context("cannot start python3, which builds components of Python; install Python 3.11 or later")?;
        if !status.success() {
            bail!("`{section}` was not frozen; what the build printed stands above");
        }
        frozen.push(FrozenPart { section: section.clone(), component });
    }
    Ok(frozen)
}

/// The parts that Python programs play: section, interface, program.
fn programs(manifest: &Manifest) -> Vec<(String, &'static str, &ProgramSection)> {
    let mut parts: Vec<(String, &'static str, &PartPlugin)> = Vec::new();
    parts.extend(manifest.principles.iter().map(|stage| ("principles".to_owned(), "principles", &stage.part.plugin)));
    parts.extend(manifest.template.iter().map(|part| ("template".to_owned(), "template", &part.plugin)));
    parts.extend(manifest.parser.iter().map(|part| ("parser".to_owned(), "parser", &part.plugin)));
    parts.push(("policy".to_owned(), "policy", &manifest.policy.plugin));
    let scorers = manifest.scorers.iter();
    parts.extend(scorers.map(|(name, part)| (format!("scorers.{name}"), "scorer", &part.plugin)));
    parts
        .into_iter()
        .filter_map(|(section, interface, plugin)| Some((section, interface, python_program(plugin)?)))
        .collect()
}

fn python_program(plugin: &PartPlugin) -> Option<&ProgramSection> {
    match plugin {
        PartPlugin::Program(program) if program.source.extension()? == "py" => Some(program),
        _ => None,
    }
}

fn arguments(
    directory: &Path,
    interface: &str,
    program: &ProgramSection,
    component: &Path,
    cache: &Path,
) -> Result<Vec<OsString>> {
    let mut arguments: Vec<OsString> = vec!["--freeze".into(), directory.join(&program.source).into()];
    arguments.extend(["--as".into(), interface.into(), "--cache".into(), cache.join("python").into()]);
    arguments.extend(["--output".into(), directory.join(component).into()]);
    let requirements = directory.join(REQUIREMENTS);
    if requirements.is_file() {
        arguments.extend(["--requirements".into(), requirements.into()]);
    }
    if let Some(function) = &program.function {
        arguments.extend(["--function".into(), function.into()]);
    }
    let cases = directory.join("tests");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&cases)
        .into_iter()
        .flatten()
        .map(|entry| Ok(entry.with_context(|| format!("cannot read {}", cases.display()))?.path()))
        .collect::<Result<_>>()?;
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    cases.sort();
    for (option, files) in
        [("--cases", cases), ("--with", program.files.iter().map(|file| directory.join(file)).collect())]
    {
        if !files.is_empty() {
            arguments.push(option.into());
            arguments.extend(files.into_iter().map(OsString::from));
        }
    }
    Ok(arguments)
}

/// The build script, in the repository that the SDK lies in.
fn script(pack_path: &[PathBuf]) -> Result<PathBuf> {
    let sdk = sdk::find(None, pack_path)?;
    let script = sdk.ancestors().nth(2).map(|repository| repository.join(BUILD));
    script.filter(|script| script.is_file()).with_context(|| format!("there is no {BUILD} beside {}", sdk.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_programs_are_found_in_their_parts_and_given_all_that_is_theirs() {
        let directory = tempfile::tempdir().unwrap();
        let manifest = "name = \"a\"\nversion = \"1\"\nscale = { min = 0, max = 1, integer = false }\n\
                        [policy]\nsource = \"policy.py\"\n[scorers.a]\nsource = \"a.py\"\nfiles = [\"b.py\"]\nfunction = \"f\"\n\
                        [scorers.c]\nsource = \"c.js\"\n[scorers.d]\ncomponent = \"d.wasm\"\n";
        for (file, text) in
            [("pack.toml", manifest), ("requirements.txt", ""), ("tests/two.toml", ""), ("tests/one.toml", "")]
        {
            let path = directory.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let manifest = Manifest::read(directory.path()).unwrap();
        let found = programs(&manifest);
        let sections: Vec<_> = found.iter().map(|(section, interface, _)| (section.as_str(), *interface)).collect();
        assert_eq!(sections, [("policy", "policy"), ("scorers.a", "scorer")]);
        let arguments =
            arguments(directory.path(), "scorer", found[1].2, Path::new("scorers-a.wasm"), Path::new("/cache"))
                .unwrap();
        let at = |name: &str| directory.path().join(name).display().to_string();
        let arguments: Vec<_> = arguments.iter().map(|word| word.to_str().unwrap()).collect();
        let expected = format!(
            "--freeze {} --as scorer --cache /cache/python --output {} --requirements {} --function f --cases {} {} --with {}",
            at("a.py"),
            at("scorers-a.wasm"),
            at("requirements.txt"),
            at("tests/one.toml"),
            at("tests/two.toml"),
            at("b.py"),
        );
        assert_eq!(arguments.join(" "), expected);
        let error = freeze(directory.path(), Some("scorers.d"), &[], Path::new("/cache")).unwrap_err().to_string();
        assert!(error.ends_with("expected a part whose `source` is a Python file, found policy, scorers.a"), "{error}");
    }
}
