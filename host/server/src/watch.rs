//! The pack directory, watched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::packs::Packs;

/// How long a directory must be quiet before it is looked at: a copy is not to be read half-way.
const QUIET: Duration = Duration::from_millis(300);

/// A directory that is never quiet is looked at all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was seen of the directory last.
pub(crate) struct PackDirectory {
    packs: Arc<Packs>,
    directory: PathBuf,
    seen: BTreeMap<PathBuf, Seen>,
}

/// A pack's files with their sizes and times.
type Stamp = Vec<(PathBuf, u64, Option<std::time::SystemTime>)>;

struct Seen {
    stamp: Stamp,
    /// The pack's name, once it was live.
    name: Option<String>,
}

impl PackDirectory {
    pub(crate) fn new(packs: Arc<Packs>, directory: PathBuf) -> Self {
        Self { packs, directory, seen: BTreeMap::new() }
    }

    /// Makes live what is new or has changed, and takes out what is gone. A pack that is refused is tried again when it changes.
    pub(crate) async fn look(&mut self) -> std::io::Result<()> {
        let directory = self.directory.clone();
        let scanned = tokio::task::spawn_blocking(move || scan(&directory)).await.map_err(std::io::Error::other)??;
        let gone: Vec<PathBuf> = self.seen.keys().filter(|path| !scanned.contains_key(*path)).cloned().collect();
        for path in gone {
            if let Some(name) = self.seen.remove(&path).and_then(|seen| seen.name) {
                self.forget(&name).await;
            }
        }
        let mut left_out = 0_usize;
        for (path, stamp) in scanned {
            if self.seen.get(&path).is_some_and(|seen| seen.stamp == stamp) {
                continue;
            }
            let before = self.seen.get(&path).and_then(|seen| seen.name.clone());
            if before.is_none() && self.packs.is_full("") {
                left_out += 1;
                continue;
            }
            let name = self.load(&path, &stamp, before).await;
            self.seen.insert(path, Seen { stamp, name });
        }
        if left_out > 0 {
            tracing::error!(
                "{left_out} packs in {} are left out: {} are live, which is the most that may be (--max-packs)",
                self.directory.display(),
                self.packs.most
            );
        }
        Ok(())
    }

    /// Takes out the pack whose directory is gone, unless another directory has one of the same name: then that one is
    /// loaded again.
    async fn forget(&mut self, name: &str) {
        match self.seen.values_mut().find(|seen| seen.name.as_deref() == Some(name)) {
            Some(twin) => twin.stamp.clear(),
            None => {
                let _changing = self.packs.changing.lock().await;
                // It may have been taken out by hand before.
                let _ = self.packs.retire(name).await;
            }
        }
    }

    /// Loads what lies at `path` with `stamp`, and makes it live if it still lies there.
    async fn load(&self, path: &Path, stamp: &Stamp, before: Option<String>) -> Option<String> {
        let Ok(version) = self.packs.prepare(path.to_owned(), before.clone()).await else { return before };
        let _changing = self.packs.changing.lock().await;
        let looked_at = path.to_owned();
        let now = tokio::task::spawn_blocking(move || stamp_of(&looked_at)).await.unwrap_or_default();
        if now != *stamp {
            // It was changed while it was loaded; the change is told, and it is loaded again.
            return before;
        }
        match self.packs.publish(version).await {
            Ok((label, _)) => {
                let twin = self
                    .seen
                    .iter()
                    .find(|(other, seen)| other.as_path() != path && seen.name.as_ref() == Some(&label.name));
                if let Some((twin, _)) = twin {
                    tracing::warn!(
                        "{} and {} hold packs of the same name; the latter is live",
                        twin.display(),
                        path.display()
                    );
                }
                Some(label.name)
            }
            Err(error) => {
                self.packs.refused(&path.display().to_string(), before.as_deref(), &error);
                before
            }
        }
    }

    /// Looks again whenever something changes, for as long as the returned watcher lives.
    pub(crate) fn watch(mut self) -> notify::Result<notify::RecommendedWatcher> {
        let (sender, mut changes) = mpsc::unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is no change, and looking reads.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = sender.send(());
            }
        })?;
        watcher.watch(&self.directory, RecursiveMode::Recursive)?;
        tokio::spawn(async move {
            while changes.recv().await.is_some() {
                let latest = Instant::now() + PATIENCE;
                while Instant::now() < latest
                    && matches!(tokio::time::timeout(QUIET, changes.recv()).await, Ok(Some(())))
                {}
                if let Err(error) = self.look().await {
                    tracing::error!("{} cannot be read: {error}", self.directory.display());
                }
            }
        });
        Ok(watcher)
    }
}

type Scanned = BTreeMap<PathBuf, Stamp>;

fn stamp_of(pack: &Path) -> Stamp {
    let mut stamp = Vec::new();
    files(pack, 0, &mut stamp);
    stamp.sort();
    stamp
}

/// Every sub-directory with a pack.toml, with its files' sizes and times. Names with a leading dot are not looked at.
fn scan(directory: &Path) -> std::io::Result<Scanned> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.join("pack.toml").is_file() {
            let stamp = stamp_of(&path);
            found.insert(path, stamp);
        }
    }
    Ok(found)
}

fn files(directory: &Path, depth: usize, stamp: &mut Stamp) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        if metadata.is_dir() && depth < 8 {
            files(&path, depth + 1, stamp);
        } else {
            stamp.push((path, metadata.len(), metadata.modified().ok()));
        }
    }
}
