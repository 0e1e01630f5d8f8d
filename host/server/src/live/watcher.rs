//! The pack directory, watched.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::live::pack_directory::entries;
use crate::live::refused::PackRefused;

/// How long a directory must be quiet before it is scanned, so that a copy is not read half-way.
const QUIET: Duration = Duration::from_millis(300);

/// How long a scan waits for a directory that is never quiet.
const PATIENCE: Duration = Duration::from_secs(3);

/// How deep below a pack's directory its files are looked for.
const DEPTH: usize = 8;

/// What the watcher does to the live packs.
#[async_trait]
pub(crate) trait PackTarget: Send + Sync + 'static {
    /// A pack that is loaded and not live yet.
    type Loaded: Send;

    /// Held while the directory and the live packs are brought into line, never while a pack is loaded.
    fn changing(&self) -> &tokio::sync::Mutex<()>;

    /// The most packs that may be live.
    fn most(&self) -> usize;

    /// Returns whether as many packs are live as may be.
    fn has_no_room(&self) -> bool;

    /// Loads the pack in `directory`. Its name must be `name` if one is given.
    async fn load_from(&self, directory: PathBuf, name: Option<String>) -> Result<Self::Loaded, PackRefused>;

    /// Makes a pack live and returns its name.
    async fn make_live(&self, loaded: Self::Loaded) -> Result<String, PackRefused>;

    /// Takes a pack out if it is live.
    async fn take_out(&self, name: &str);

    /// Logs and counts that the pack in `directory`, so far called `name`, did not become live.
    fn report_refused(&self, directory: &Path, name: Option<&str>, error: &PackRefused);
}

/// Brings the live packs into line with the sub-directories of one directory.
pub(crate) struct PackWatcher<T> {
    target: T,
    directory: PathBuf,
    seen: BTreeMap<PathBuf, Seen>,
}

/// A pack's files, with what tells another content.
type Stamp = Vec<FileStamp>;

/// A file as it was seen. Tools that copy set size and time of the original, so those two alone tell not every change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FileStamp {
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
    /// On Unix, the inode, and seconds and nanoseconds of its last change, which no tool sets.
    inode: (u64, i64, i64),
}

impl FileStamp {
    fn new(path: PathBuf, metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let inode = (0, 0, 0);
        Self { path, bytes: metadata.len(), modified: metadata.modified().ok(), inode }
    }
}

/// What was found in a sub-directory.
struct Seen {
    stamp: Stamp,
    /// The pack's name. `None` if it was never live.
    name: Option<String>,
}

impl<T: PackTarget> PackWatcher<T> {
    pub(crate) fn new(target: T, directory: PathBuf) -> Self {
        Self { target, directory, seen: BTreeMap::new() }
    }

    /// Makes live what is new or has changed, and takes out what is gone. A pack that is refused is tried again when it
    /// changes.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub(crate) async fn scan(&mut self) -> std::io::Result<()> {
        let directory = self.directory.clone();
        let found =
            tokio::task::spawn_blocking(move || sub_directories(&directory)).await.map_err(std::io::Error::other)??;
        let gone: Vec<PathBuf> = self.seen.keys().filter(|path| !found.contains_key(*path)).cloned().collect();
        for path in gone {
            if let Some(name) = self.seen.remove(&path).and_then(|seen| seen.name) {
                self.retire(&name).await;
            }
        }
        let mut left_out = 0_usize;
        for (path, stamp) in found {
            if self.seen.get(&path).is_some_and(|seen| seen.stamp == stamp) {
                continue;
            }
            let before = self.seen.get(&path).and_then(|seen| seen.name.clone());
            if before.is_none() && self.target.has_no_room() {
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
                self.target.most()
            );
        }
        Ok(())
    }

    /// Takes out the pack whose directory is gone, unless another directory has a pack of the same name. Then that one is
    /// loaded again.
    async fn retire(&mut self, name: &str) {
        match self.seen.values_mut().find(|seen| seen.name.as_deref() == Some(name)) {
            Some(twin) => twin.stamp.clear(),
            None => {
                let _changing = self.target.changing().lock().await;
                self.target.take_out(name).await;
            }
        }
    }

    /// Loads the pack at `path` and makes it live if its files are still those of `stamp`. Returns the pack's name, which is
    /// `before` if it did not become live.
    async fn load(&self, path: &Path, stamp: &Stamp, before: Option<String>) -> Option<String> {
        let Ok(loaded) = self.target.load_from(path.to_owned(), before.clone()).await else { return before };
        let _changing = self.target.changing().lock().await;
        let loaded_from = path.to_owned();
        let now = tokio::task::spawn_blocking(move || stamp_of(&loaded_from)).await.unwrap_or_default();
        if now != *stamp {
            // It changed while it was loaded. That change is an event of its own, and then it is loaded again.
            return before;
        }
        match self.target.make_live(loaded).await {
            Ok(name) => {
                let same_name = |(other, seen): &(&PathBuf, &Seen)| {
                    other.as_path() != path && seen.name.as_deref() == Some(name.as_str())
                };
                if let Some((twin, _)) = self.seen.iter().find(same_name) {
                    tracing::warn!(
                        "{} and {} hold packs of the same name; the latter is live",
                        twin.display(),
                        path.display()
                    );
                }
                Some(name)
            }
            Err(error) => {
                self.target.report_refused(path, before.as_deref(), &error);
                before
            }
        }
    }

    /// Scans again whenever something changes, for as long as the returned watcher lives.
    ///
    /// # Errors
    ///
    /// The operating system watches no more directories.
    pub(crate) fn watch(mut self) -> notify::Result<notify::RecommendedWatcher> {
        let (sender, mut changes) = mpsc::unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Scanning reads, so reading must not cause another scan.
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
                if let Err(error) = self.scan().await {
                    tracing::error!("{} cannot be read: {error}", self.directory.display());
                }
            }
        });
        Ok(watcher)
    }
}

/// Returns every sub-directory with a pack.toml, with the stamp of its files. Names with a leading dot are left out.
fn sub_directories(directory: &Path) -> std::io::Result<BTreeMap<PathBuf, Stamp>> {
    let mut found = BTreeMap::new();
    for path in entries(directory)? {
        if path.join("pack.toml").is_file() {
            let stamp = stamp_of(&path);
            found.insert(path, stamp);
        }
    }
    Ok(found)
}

fn stamp_of(pack: &Path) -> Stamp {
    let mut stamp = Vec::new();
    files(pack, 0, &mut stamp);
    stamp.sort();
    stamp
}

fn files(directory: &Path, depth: usize, stamp: &mut Stamp) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        if metadata.is_dir() && depth < DEPTH {
            files(&path, depth + 1, stamp);
        } else {
            stamp.push(FileStamp::new(path, &metadata));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    type Meanwhile = Box<dyn FnOnce(&Path) + Send>;

    /// Live packs by name, with the text of their manifests: a name, a space, anything else. `bad` loads not, `shy` is
    /// refused when it is to become live.
    struct Target {
        live: Mutex<BTreeMap<String, String>>,
        loaded: Mutex<Vec<String>>,
        refused: Mutex<Vec<String>>,
        changing: tokio::sync::Mutex<()>,
        most: usize,
        /// Called with the directory while its pack is loaded.
        meanwhile: Mutex<Option<Meanwhile>>,
    }

    #[async_trait]
    impl PackTarget for Arc<Target> {
        type Loaded = String;

        fn changing(&self) -> &tokio::sync::Mutex<()> {
            &self.changing
        }

        fn most(&self) -> usize {
            self.most
        }

        fn has_no_room(&self) -> bool {
            self.live.lock().unwrap().len() >= self.most
        }

        async fn load_from(&self, directory: PathBuf, name: Option<String>) -> Result<String, PackRefused> {
            assert!(self.changing.try_lock().is_ok(), "nothing waits for a load");
            let manifest = std::fs::read_to_string(directory.join("pack.toml")).unwrap();
            if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
                meanwhile(&directory);
            }
            self.loaded.lock().unwrap().push(manifest.clone());
            match manifest.split(' ').next() {
                Some("bad") => Err(PackRefused("bad".to_owned())),
                found if name.is_some() && found != name.as_deref() => Err(PackRefused("another name".to_owned())),
                _ => Ok(manifest),
            }
        }

        async fn make_live(&self, loaded: String) -> Result<String, PackRefused> {
            assert!(self.changing.try_lock().is_err(), "the directory must not change now");
            let name = loaded.split(' ').next().unwrap().to_owned();
            if name == "shy" {
                return Err(PackRefused("not now".to_owned()));
            }
            self.live.lock().unwrap().insert(name.clone(), loaded);
            Ok(name)
        }

        async fn take_out(&self, name: &str) {
            self.live.lock().unwrap().remove(name);
        }

        fn report_refused(&self, directory: &Path, _: Option<&str>, error: &PackRefused) {
            let directory = directory.file_name().unwrap().to_string_lossy().into_owned();
            self.refused.lock().unwrap().push(format!("{directory}: {error}"));
        }
    }

    struct Watched {
        directory: tempfile::TempDir,
        target: Arc<Target>,
        watcher: PackWatcher<Arc<Target>>,
    }

    fn watched(most: usize) -> Watched {
        let directory = tempfile::tempdir().unwrap();
        let target = Arc::new(Target {
            live: Mutex::default(),
            loaded: Mutex::default(),
            refused: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            most,
            meanwhile: Mutex::default(),
        });
        let watcher = PackWatcher::new(target.clone(), directory.path().to_owned());
        Watched { directory, target, watcher }
    }

    impl Watched {
        fn write(&self, directory: &str, manifest: &str) {
            let pack = self.directory.path().join(directory);
            std::fs::create_dir_all(&pack).unwrap();
            std::fs::write(pack.join("pack.toml"), manifest).unwrap();
        }

        fn remove(&self, directory: &str) {
            std::fs::remove_dir_all(self.directory.path().join(directory)).unwrap();
        }

        /// What is live after a scan.
        async fn live(&mut self) -> Vec<String> {
            self.watcher.scan().await.unwrap();
            self.target.live.lock().unwrap().values().cloned().collect()
        }

        fn loads(&self) -> usize {
            self.target.loaded.lock().unwrap().len()
        }
    }

    #[tokio::test]
    async fn packs_come_change_and_go_with_their_directories_and_are_loaded_only_when_they_change() {
        let mut watched = watched(9);
        watched.write("one", "a 1");
        watched.write("two", "b 1");
        watched.write(".hidden", "c 1");
        std::fs::create_dir(watched.directory.path().join("no-pack")).unwrap();
        assert_eq!(watched.live().await, ["a 1", "b 1"]);
        assert_eq!((watched.live().await.len(), watched.loads()), (2, 2));
        watched.write("one", "a 2 longer");
        assert_eq!((watched.live().await, watched.loads()), (vec!["a 2 longer".to_owned(), "b 1".to_owned()], 3));
        // A file beside the manifest counts too.
        std::fs::create_dir(watched.directory.path().join("two/deep")).unwrap();
        std::fs::write(watched.directory.path().join("two/deep/plugin.wasm"), "x").unwrap();
        assert_eq!((watched.live().await.len(), watched.loads()), (2, 4));
        watched.remove("two");
        assert_eq!(watched.live().await, ["a 2 longer"]);
    }

    #[tokio::test]
    async fn a_pack_that_is_refused_leaves_the_live_one_and_is_tried_again_when_it_changes() {
        let mut watched = watched(9);
        watched.write("one", "a 1");
        watched.write("two", "shy 1");
        assert_eq!(watched.live().await, ["a 1"]);
        assert_eq!(*watched.target.refused.lock().unwrap(), ["two: not now"]);
        watched.write("one", "bad now");
        assert_eq!((watched.live().await, watched.loads()), (vec!["a 1".to_owned()], 3));
        assert_eq!((watched.live().await, watched.loads()), (vec!["a 1".to_owned()], 3));
        // Under another name it would take the place of another pack.
        watched.write("one", "b instead");
        assert_eq!(watched.live().await, ["a 1"]);
        watched.write("one", "a mended");
        assert_eq!(watched.live().await, ["a mended"]);
        watched.remove("one");
        assert!(watched.live().await.is_empty());
    }

    #[tokio::test]
    async fn of_two_directories_with_one_name_the_other_is_live_when_one_goes() {
        for gone in ["one", "two"] {
            let mut watched = watched(9);
            watched.write("one", "a one");
            watched.write("two", "a two");
            assert_eq!(watched.live().await, ["a two"]);
            watched.remove(gone);
            let stays = if gone == "one" { "a two" } else { "a one" };
            assert_eq!(watched.live().await, [stays], "after {gone} is gone");
            watched.remove(if gone == "one" { "two" } else { "one" });
            assert!(watched.live().await.is_empty());
        }
    }

    #[tokio::test]
    async fn a_pack_that_changes_while_it_is_loaded_is_not_published_and_is_loaded_again() {
        let mut watched = watched(9);
        watched.write("one", "a half");
        let copy_goes_on = |directory: &Path| std::fs::write(directory.join("pack.toml"), "a whole copy").unwrap();
        *watched.target.meanwhile.lock().unwrap() = Some(Box::new(copy_goes_on));
        assert!(watched.live().await.is_empty());
        assert_eq!(watched.live().await, ["a whole copy"]);
        assert_eq!(watched.loads(), 2);
    }

    #[tokio::test]
    async fn beyond_the_most_that_may_be_live_packs_are_left_out_until_one_goes() {
        let mut watched = watched(2);
        for name in ["a", "b", "c"] {
            watched.write(name, name);
        }
        assert_eq!((watched.live().await, watched.loads()), (vec!["a".to_owned(), "b".to_owned()], 2));
        watched.write("a", "a again");
        assert_eq!(watched.live().await, ["a again", "b"], "one that is live may change");
        watched.remove("a");
        assert_eq!(watched.live().await, ["b", "c"]);
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_read_is_an_error_and_changes_nothing() {
        let mut watched = watched(2);
        watched.write("one", "a");
        assert_eq!(watched.live().await, ["a"]);
        std::fs::remove_dir_all(watched.directory.path()).unwrap();
        assert_eq!(watched.watcher.scan().await.unwrap_err().kind(), std::io::ErrorKind::NotFound);
        assert_eq!(watched.target.live.lock().unwrap().len(), 1);
    }
}
