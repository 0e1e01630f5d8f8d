//! The directory of runs in which everything scored is recorded.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rewarden_dialects::PackLabel;
use rewarden_record::RecordedComponent;
use rewarden_store::{Header, Recorder, RunWriter, StoreError};
use rewarden_types::Sha256Digest;

/// How long opening waits for a run that is being closed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A directory with one run for every pack version and way of sampling. A run is opened when it is first needed and
/// closed when its last user drops it.
pub(crate) struct RunStore {
    directory: PathBuf,
    /// Runs of one pack version.
    most: usize,
    open: Mutex<HashMap<PathBuf, Weak<OpenRun>>>,
    /// The number of recorders whose threads may still be writing.
    writing: Mutex<usize>,
    closed: Condvar,
}

/// Why there is no run to record in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// It cannot be opened or made.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are enough of this pack version.
    #[error(
        "there are {found} runs of this pack in {directory}, each of other settings, and requests may bring about no more \
         (--max-runs); send settings that were used before, or move runs away"
    )]
    TooMany { directory: String, found: usize },
}

/// An open run.
pub(crate) struct OpenRun {
    recorder: Option<Recorder>,
    store: Arc<RunStore>,
    path: PathBuf,
    /// The file that was opened and when it was last looked at.
    seen: Mutex<(FileIdentity, Instant)>,
}

/// How often to look whether a run's file is still the one that was opened.
const LOOK: Duration = Duration::from_secs(1);

/// What tells a file from another in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity {
    /// The device and inode, on Unix.
    inode: (u64, u64),
    /// A run's file never becomes shorter.
    bytes: u64,
}

impl FileIdentity {
    fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let inode = (0, 0);
        Ok(Self { inode, bytes: metadata.len() })
    }
}

impl RunStore {
    /// The runs in `directory`, which is created if it is missing.
    ///
    /// # Errors
    ///
    /// The directory cannot be created or written to.
    pub(crate) fn new(directory: &Path, most: usize) -> std::io::Result<Arc<Self>> {
        std::fs::create_dir_all(directory)?;
        // Found out now rather than by the first request.
        tempfile::NamedTempFile::new_in(directory)?;
        Ok(Arc::new(Self {
            directory: directory.to_owned(),
            most,
            open: Mutex::new(HashMap::new()),
            writing: Mutex::new(0),
            closed: Condvar::new(),
        }))
    }

    /// Opens the run of this kind, or shares it if it is open. Blocks.
    pub(crate) fn open(
        self: &Arc<Self>,
        label: &PackLabel,
        header: &Header,
        components: &[RecordedComponent],
    ) -> Result<Arc<OpenRun>, RunError> {
        let path = self.path(label, header);
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Held while opening, so that two of one kind do not race for the file.
            let mut open = lock(&self.open);
            if let Some(run) = open.get(&path).and_then(Weak::upgrade).filter(|run| run.is_in_place()) {
                return Ok(run);
            }
            if !path.exists() {
                self.check_room(label)?;
            }
            match RunWriter::open(&path, header, components) {
                Ok(writer) => {
                    // Whoever asks again after an outage wants an answer, not the outage.
                    let recorder = Recorder::start(writer.retrying())
                        .map_err(|error| StoreError::Io { path: path.clone(), message: error.to_string() })?;
                    *lock(&self.writing) += 1;
                    let identity = FileIdentity::of(&path)
                        .map_err(|error| StoreError::Io { path: path.clone(), message: error.to_string() })?;
                    let seen = Mutex::new((identity, Instant::now()));
                    let run =
                        Arc::new(OpenRun { recorder: Some(recorder), store: self.clone(), path: path.clone(), seen });
                    open.retain(|_, run| run.strong_count() > 0);
                    open.insert(path, Arc::downgrade(&run));
                    return Ok(run);
                }
                Err(StoreError::Busy { .. }) if Instant::now() < deadline => {}
                Err(error) => return Err(error.into()),
            }
            drop(open);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Refuses another run of a pack version that has enough: whoever may choose settings could fill the disk, some 600 kB
    /// with each request.
    fn check_room(&self, label: &PackLabel) -> Result<(), RunError> {
        let prefix = Self::prefix(label);
        let same = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            (name.starts_with(&prefix) && name.ends_with(".run")).then_some(())
        };
        let entries = std::fs::read_dir(&self.directory)
            .map_err(|error| StoreError::Io { path: self.directory.clone(), message: error.to_string() })?;
        match entries.filter_map(same).count() {
            found if found >= self.most => {
                Err(RunError::TooMany { directory: self.directory.display().to_string(), found })
            }
            _ => Ok(()),
        }
    }

    /// What the names of all runs of a pack version begin with.
    fn prefix(label: &PackLabel) -> String {
        format!("{}-{}-", label.name, short(&label.digest))
    }

    fn path(&self, label: &PackLabel, header: &Header) -> PathBuf {
        let drawn = serde_json::to_vec(&header.drawn).unwrap_or_default();
        let drawn = short(&Sha256Digest::of(&drawn).to_string());
        self.directory.join(format!("{}{drawn}.run", Self::prefix(label)))
    }

    /// The number of open runs.
    pub(crate) fn count(&self) -> usize {
        *lock(&self.writing)
    }

    /// Waits until every run is closed, at most `patience`. Returns whether they are. Blocks.
    pub(crate) fn wait_closed(&self, patience: Duration) -> bool {
        let (left, _) = self
            .closed
            .wait_timeout_while(lock(&self.writing), patience, |writing| *writing > 0)
            .unwrap_or_else(PoisonError::into_inner);
        *left == 0
    }
}

impl OpenRun {
    /// Returns whether its file is still where it was opened. If it was moved away, deleted or cut, what is recorded goes to where
    /// nobody looks for it. Looks once a second at most.
    pub(crate) fn is_in_place(&self) -> bool {
        let mut seen = lock(&self.seen);
        let (identity, at) = *seen;
        if at.elapsed() < LOOK {
            return true;
        }
        let found = FileIdentity::of(&self.path).ok();
        match found.filter(|found| found.inode == identity.inode && found.bytes >= identity.bytes) {
            Some(found) => {
                *seen = (found, Instant::now());
                true
            }
            None => false,
        }
    }

    /// Where it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its recorder.
    pub(crate) fn recorder(&self) -> Result<&Recorder, StoreError> {
        let lost = || StoreError::Io { path: self.store.directory.clone(), message: "the run is closed".to_owned() };
        self.recorder.as_ref().ok_or_else(lost)
    }
}

impl Drop for OpenRun {
    fn drop(&mut self) {
        let Some(recorder) = self.recorder.take() else { return };
        let store = self.store.clone();
        // Closing waits for the disk, and this may be an async thread.
        let close = move || {
            if let Err(error) = recorder.close() {
                tracing::error!("a run was not closed well: {error}");
            }
            *lock(&store.writing) -= 1;
            store.closed.notify_all();
        };
        if let Err(error) = std::thread::Builder::new().name("rewarden-close".into()).spawn(close) {
            tracing::error!("no thread to close a run on: {error}");
        }
    }
}

/// The first digits of a digest.
fn short(digest: &str) -> String {
    digest.trim_start_matches("sha256:").chars().take(12).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic leaves no count or map half-changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
