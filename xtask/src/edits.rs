//! The engine as Rewarden builds it: copies of crates as published, changed by the table in host/engine-edits.
//!
//! The copies lie below the target directory, and cargo takes them by its `patch`. The checkout holds only what is
//! ours: which lines of which file, as published, give way to what.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::layout::Layout;
use crate::metadata;
use crate::process;

/// The table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "crate")]
    crates: Vec<EditedCrate>,
}

/// A crate, as it is on the registry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditedCrate {
    name: String,
    version: String,
    #[serde(default, rename = "new")]
    new_files: Vec<NewFile>,
    #[serde(default, rename = "file")]
    files: Vec<EditedFile>,
}

/// A file of ours that is put into the crate.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFile {
    /// Where it goes, below the crate.
    path: PathBuf,
    /// Where it is, below host/engine-edits.
    from: PathBuf,
}

/// A file of the crate with what changes in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditedFile {
    path: PathBuf,
    /// SHA-256 of the file as published, in hexadecimal digits.
    sha256: String,
    #[serde(rename = "edit")]
    edits: Vec<Edit>,
}

/// Lines that give way to others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    name: String,
    /// First and last line, counted from 1 in the file as published; `[n, n - 1]` stands before line n.
    lines: [usize; 2],
    /// Why, for whoever reads the table.
    #[serde(rename = "reason")]
    _reason: String,
    /// The issue of the crate's authors about it.
    #[serde(rename = "upstream")]
    _upstream: String,
    with: String,
}

/// The edited crates, ready for cargo.
pub(crate) struct Edits {
    /// Names of crates with the directories of their copies.
    crates: BTreeMap<String, PathBuf>,
}

/// The feature that tells the host's crates that they are built against the edited engine.
pub(crate) const FEATURE: &str = "rewarden/edited";

impl Edits {
    /// Copies the crates and edits the copies, as far as that is not done yet.
    ///
    /// # Errors
    /// When the table cannot be read, a crate cannot be had, or a file is not the one that the table was written for.
    pub(crate) fn prepare(layout: &Layout) -> Result<Self> {
        let ours = layout.root().join("host/engine-edits");
        restore_lock(layout);
        let table = Table::read(&ours.join("edits.toml"))?;
        let published = published(layout, &table)?;
        let mut crates = BTreeMap::new();
        for (edited, from) in table.crates.iter().zip(published) {
            let to = directory(layout).join(format!("{}-{}", edited.name, edited.version));
            edited.write(&from, &to, &ours)?;
            crates.insert(edited.name.clone(), to);
        }
        Ok(Edits { crates })
    }

    /// Runs a command that [`Edits::cargo`] made, and leaves Cargo.lock as it was.
    ///
    /// # Errors
    /// As [`process::run`].
    pub(crate) fn run(&self, layout: &Layout, command: &mut Command) -> Result<()> {
        let _kept = KeptLock::new(layout)?;
        process::run(command)
    }

    /// Cargo with `subcommand` and what makes it take the edited crates.
    pub(crate) fn cargo(&self, layout: &Layout, subcommand: &str) -> Command {
        let mut cargo = process::cargo(layout.root());
        cargo.arg(subcommand);
        for (name, directory) in &self.crates {
            // A literal string of TOML: paths may hold backslashes.
            cargo.arg("--config").arg(format!("patch.crates-io.{name}.path='{}'", directory.display()));
        }
        cargo
    }
}

impl Table {
    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not a table of edits", path.display()))
    }
}

impl EditedCrate {
    /// Writes the edited crate to `to`; files that are there and the same stay untouched, so that cargo sees no change.
    fn write(&self, from: &Path, to: &Path, ours: &Path) -> Result<()> {
        let mut changed = BTreeMap::new();
        for file in &self.files {
            let text = read(&from.join(&file.path))?;
            let edited = file.apply(&text).with_context(|| {
                format!("the edits of {} in {} {} do not apply", file.path.display(), self.name, self.version)
            })?;
            changed.insert(file.path.clone(), edited);
        }
        for file in &self.new_files {
            ensure!(
                !from.join(&file.path).exists(),
                "{} {} has a file {} of its own",
                self.name,
                self.version,
                file.path.display()
            );
            changed.insert(file.path.clone(), read(&ours.join(&file.from))?);
        }
        let copied = to.join(".copied");
        if !copied.exists() {
            copy(from, to)?;
            write(&copied, "the crate as published, less the edits")?;
        }
        for (path, text) in changed {
            let path = to.join(path);
            if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
                write(&path, &text)?;
            }
        }
        Ok(())
    }
}

impl EditedFile {
    /// The text with all edits.
    fn apply(&self, published: &str) -> Result<String> {
        let found = hex(&Sha256::digest(published));
        ensure!(
            found == self.sha256,
            "its SHA-256 is {found}, and the table was written for {}: look at what changed, and write the edits anew",
            self.sha256
        );
        let lines: Vec<&str> = published.lines().collect();
        let mut edited = String::with_capacity(published.len());
        let mut next = 1;
        for edit in &self.edits {
            let [first, last] = edit.lines;
            ensure!(
                next <= first && first <= last + 1 && last <= lines.len(),
                "edit `{}` is of lines {first} to {last}; it has to begin at line {next} or later, and the file has {}",
                edit.name,
                lines.len()
            );
            push_lines(&mut edited, lines.get(next - 1..first - 1));
            edited.push_str(&edit.with);
            if !edit.with.is_empty() && !edit.with.ends_with('\n') {
                edited.push('\n');
            }
            next = last + 1;
        }
        push_lines(&mut edited, lines.get(next - 1..));
        Ok(edited)
    }
}

fn push_lines(text: &mut String, lines: Option<&[&str]>) {
    for line in lines.unwrap_or_default() {
        text.push_str(line);
        text.push('\n');
    }
}

/// Where the copies lie.
fn directory(layout: &Layout) -> PathBuf {
    layout.target().join("edited")
}

/// The directories of the table's crates as cargo fetched them, in the table's order.
fn published(layout: &Layout, table: &Table) -> Result<Vec<PathBuf>> {
    let packages = metadata::packages(layout, &[])?;
    let directory = |edited: &EditedCrate| {
        let named = || packages.iter().filter(|package| package.name == edited.name);
        let Some(found) = named().find(|package| package.version == edited.version) else {
            let versions: Vec<_> = named().map(|package| package.version.as_str()).collect();
            bail!(
                "host/engine-edits/edits.toml is for {} {}, and Cargo.lock has {versions:?}: write the edits anew",
                edited.name,
                edited.version
            );
        };
        Ok(found.directory())
    };
    table.crates.iter().map(directory).collect()
}

fn backup(layout: &Layout) -> PathBuf {
    directory(layout).join("Cargo.lock")
}

/// Puts Cargo.lock, which cargo writes anew for crates that do not come from the registry, back as soon as it has done
/// so: cargo reads it when it starts, and tests that it runs may call cargo themselves.
pub(crate) struct KeptLock {
    /// Dropped to end the watch.
    watched: Option<Sender<()>>,
    watch: Option<JoinHandle<()>>,
}

impl KeptLock {
    /// # Errors
    /// When Cargo.lock cannot be copied.
    pub(crate) fn new(layout: &Layout) -> Result<Self> {
        const OFTEN: Duration = Duration::from_millis(200);
        let (lock, backup) = (layout.root().join("Cargo.lock"), backup(layout));
        // A copy, too, for whoever comes after a process that was killed.
        write(&backup, &read(&lock)?)?;
        let (watched, end) = channel();
        let watch = std::thread::spawn(move || {
            while end.recv_timeout(OFTEN) == Err(RecvTimeoutError::Timeout) {
                put_back(&lock, &backup);
            }
            put_back(&lock, &backup);
            let _ = fs::remove_file(&backup);
        });
        Ok(KeptLock { watched: Some(watched), watch: Some(watch) })
    }
}

impl Drop for KeptLock {
    fn drop(&mut self) {
        drop(self.watched.take());
        if let Some(watch) = self.watch.take() {
            let _ = watch.join();
        }
    }
}

fn put_back(lock: &Path, backup: &Path) {
    let Ok(kept) = fs::read_to_string(backup) else { return };
    if fs::read_to_string(lock).is_ok_and(|found| found != kept)
        && let Err(error) = fs::write(lock, kept)
    {
        eprintln!("{} stays as cargo left it: {error}", lock.display());
    }
}

/// Puts back what was kept by a process that was killed.
fn restore_lock(layout: &Layout) {
    let backup = backup(layout);
    put_back(&layout.root().join("Cargo.lock"), &backup);
    let _ = fs::remove_file(backup);
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
        let entry = entry.with_context(|| format!("{} cannot be read", from.display()))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
    }
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(published: &str, edits: &[([usize; 2], &str)]) -> EditedFile {
        let edits = edits.iter().map(|&(lines, with)| Edit {
            name: "an-edit".into(),
            lines,
            _reason: String::new(),
            _upstream: String::new(),
            with: with.into(),
        });
        let sha256 = hex(&Sha256::digest(published));
        EditedFile { path: "src/lib.rs".into(), sha256, edits: edits.collect() }
    }

    #[test]
    fn lines_are_replaced_removed_and_put_in() {
        let published = "one\ntwo\nthree\nfour\n";
        let edited = file(published, &[([1, 0], "zero"), ([2, 3], "2\n3\n"), ([4, 4], "")]).apply(published).unwrap();
        assert_eq!(edited, "zero\none\n2\n3\n");
    }

    #[test]
    fn edits_that_overlap_or_pass_the_end_are_refused() {
        let published = "one\ntwo\n";
        for wrong in [&[([1, 2], ""), ([2, 2], "")][..], &[([2, 3], "")], &[([4, 3], "")]] {
            let message = format!("{:#}", file(published, wrong).apply(published).unwrap_err());
            assert!(message.contains("an-edit"), "{message}");
        }
    }

    /// Every file of the real table, changed by one character, is refused; unchanged it is taken.
    #[test]
    fn every_edit_refuses_a_file_that_is_not_the_published_one() {
        let layout = Layout::find().unwrap();
        let table = Table::read(&layout.root().join("host/engine-edits/edits.toml")).unwrap();
        let published = published(&layout, &table).unwrap();
        let mut files = 0;
        for (edited, directory) in table.crates.iter().zip(published) {
            for file in &edited.files {
                let text = read(&directory.join(&file.path)).unwrap();
                file.apply(&text).unwrap_or_else(|error| panic!("{}: {error:#}", file.path.display()));
                let message = file.apply(&format!("{text} ")).unwrap_err().to_string();
                assert!(message.contains("SHA-256") && message.contains("look at what changed"), "{message}");
                files += 1;
            }
        }
        assert!(files > 5, "{files}");
    }

    #[test]
    fn an_edited_crate_is_written_once_and_a_changed_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("published"), dir.path().join("copy"));
        write(&from.join("src/lib.rs"), "one\n").unwrap();
        write(&from.join("Cargo.toml"), "[package]\n").unwrap();
        write(&dir.path().join("ours.rs"), "ours\n").unwrap();
        let edited = EditedCrate {
            name: "a-crate".into(),
            version: "1.0.0".into(),
            new_files: vec![NewFile { path: "src/new.rs".into(), from: "ours.rs".into() }],
            files: vec![file("one\n", &[([1, 1], "1")])],
        };
        edited.write(&from, &to, dir.path()).unwrap();
        let read = |name: &str| fs::read_to_string(to.join(name)).unwrap();
        assert_eq!(
            (read("src/lib.rs"), read("src/new.rs"), read("Cargo.toml")),
            ("1\n".into(), "ours\n".into(), "[package]\n".into())
        );
        let written = fs::metadata(to.join("src/lib.rs")).unwrap().modified().unwrap();
        edited.write(&from, &to, dir.path()).unwrap();
        assert_eq!(fs::metadata(to.join("src/lib.rs")).unwrap().modified().unwrap(), written);
        write(&from.join("src/lib.rs"), "another\n").unwrap();
        let message = format!("{:#}", edited.write(&from, &to, dir.path()).unwrap_err());
        assert!(message.contains("src/lib.rs") && message.contains("a-crate 1.0.0"), "{message}");
    }
}
