//! Which packs are live.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rewarden_dialects::{PackLabel, Problem, ProblemKind};
use tokio::sync::Mutex;

/// A version of a pack that can be live.
pub(crate) trait Live: Send + Sync {
    /// Its name, version and digest.
    fn label(&self) -> &PackLabel;

    /// Called when it is live no longer. Requests that began with it still finish with it.
    fn retire(&self);
}

/// The packs that are live at one time, as versions `V`. Never changes.
pub(crate) struct LivePacks<V> {
    /// By name.
    pub(crate) packs: BTreeMap<String, Arc<V>>,
    /// The pack of requests that name none: the first that was live.
    pub(crate) default: Option<String>,
}

impl<V> Default for LivePacks<V> {
    fn default() -> Self {
        Self { packs: BTreeMap::new(), default: None }
    }
}

impl<V> LivePacks<V> {
    /// The live version of a pack, or of the default one.
    ///
    /// # Errors
    ///
    /// No such pack is live.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<Arc<V>, Problem> {
        let wanted = name.or(self.default.as_deref());
        match wanted.and_then(|name| self.packs.get(name)) {
            Some(version) => Ok(version.clone()),
            None => {
                let known: Vec<&str> = self.packs.keys().map(String::as_str).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let detail = match name {
                    Some(name) => format!("no pack `{name}` is live; live packs: {known}"),
                    None => "no pack is live; upload one to /admin/packs/NAME".to_owned(),
                };
                Err(Problem {
                    pointer: name.map(|_| "/pack".to_owned()),
                    ..Problem::new(ProblemKind::NotFound, detail)
                })
            }
        }
    }
}

/// The live packs. Reading never waits. A change swaps one pointer, so a request sees all of it or nothing.
pub(crate) struct Registry<V> {
    live: ArcSwap<LivePacks<V>>,
    changing: Mutex<()>,
}

/// What a change did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PackChange {
    /// No pack of this name was live.
    Added,
    /// This version was live.
    Swapped(PackLabel),
    /// The same version was live already.
    Same,
}

impl<V> Default for Registry<V> {
    fn default() -> Self {
        Self { live: ArcSwap::default(), changing: Mutex::default() }
    }
}

impl<V: Live> Registry<V> {
    /// The packs that are live now. A request takes one snapshot and is answered from it, whatever changes meanwhile.
    pub(crate) fn snapshot(&self) -> Arc<LivePacks<V>> {
        self.live.load_full()
    }

    /// Makes a version live.
    pub(crate) async fn put(&self, version: Arc<V>) -> PackChange {
        let _changing = self.changing.lock().await;
        let now = self.live.load_full();
        let name = version.label().name.clone();
        let before = now.packs.get(&name).cloned();
        if let Some(before) = &before
            && before.label() == version.label()
        {
            return PackChange::Same;
        }
        let mut packs = now.packs.clone();
        packs.insert(name.clone(), version);
        self.live.store(Arc::new(LivePacks { packs, default: now.default.clone().or(Some(name)) }));
        match before {
            Some(before) => {
                before.retire();
                PackChange::Swapped(before.label().clone())
            }
            None => PackChange::Added,
        }
    }

    /// Takes a pack out. Returns `None` if it was not live.
    pub(crate) async fn remove(&self, name: &str) -> Option<PackLabel> {
        let _changing = self.changing.lock().await;
        let now = self.live.load_full();
        let mut packs = now.packs.clone();
        let gone = packs.remove(name)?;
        let default = now.default.clone().filter(|default| default != name).or_else(|| packs.keys().next().cloned());
        self.live.store(Arc::new(LivePacks { packs, default }));
        gone.retire();
        Some(gone.label().clone())
    }

    /// Takes every pack out, so that their runs are closed when the last request is done.
    pub(crate) fn clear(&self) {
        for version in self.live.swap(Arc::default()).packs.values() {
            version.retire();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Fake {
        label: PackLabel,
        retired: AtomicUsize,
    }

    impl Live for Fake {
        fn label(&self) -> &PackLabel {
            &self.label
        }

        fn retire(&self) {
            self.retired.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn version(name: &str, version: &str) -> Arc<Fake> {
        let digest = format!("{name}{version}");
        let label = PackLabel { name: name.to_owned(), version: version.to_owned(), digest };
        Arc::new(Fake { label, retired: AtomicUsize::new(0) })
    }

    fn retired(version: &Fake) -> usize {
        version.retired.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn a_version_is_added_swapped_and_taken_out_and_each_retires_once() {
        let registry = Registry::default();
        let (first, second) = (version("a", "1"), version("a", "2"));
        assert_eq!(registry.put(first.clone()).await, PackChange::Added);
        let before = registry.snapshot();
        assert_eq!(registry.put(version("a", "1")).await, PackChange::Same);
        assert!(Arc::ptr_eq(&registry.snapshot().find(None).unwrap(), &first));
        assert_eq!(registry.put(second.clone()).await, PackChange::Swapped(first.label.clone()));
        assert_eq!((retired(&first), retired(&second)), (1, 0));
        // A request that began before goes on with what it saw.
        assert!(Arc::ptr_eq(&before.find(Some("a")).unwrap(), &first));
        assert_eq!(registry.remove("a").await, Some(second.label.clone()));
        assert_eq!((registry.remove("a").await, retired(&first), retired(&second)), (None, 1, 1));
    }

    #[tokio::test]
    async fn the_default_is_the_first_that_was_live_and_passes_on_when_it_goes() {
        let registry = Registry::default();
        for name in ["m", "z", "b"] {
            registry.put(version(name, "1")).await;
        }
        let default = || registry.snapshot().find(None).map(|version| version.label.name.clone());
        assert_eq!(default().unwrap(), "m");
        registry.put(version("m", "2")).await;
        assert_eq!(default().unwrap(), "m");
        registry.remove("z").await;
        assert_eq!(default().unwrap(), "m");
        registry.remove("m").await;
        assert_eq!(default().unwrap(), "b");
        registry.remove("b").await;
        let problem = default().unwrap_err();
        assert_eq!((problem.kind, problem.pointer), (ProblemKind::NotFound, None));
        assert_eq!(problem.detail, "no pack is live; upload one to /admin/packs/NAME");
    }

    #[tokio::test]
    async fn a_pack_that_is_not_live_is_named_with_those_that_are() {
        let registry = Registry::default();
        registry.put(version("a", "1")).await;
        registry.put(version("b", "1")).await;
        let problem = || registry.snapshot().find(Some("c")).err().unwrap();
        assert_eq!(problem().detail, "no pack `c` is live; live packs: a, b");
        assert_eq!(problem().pointer.as_deref(), Some("/pack"));
        registry.clear();
        assert_eq!(problem().detail, "no pack `c` is live; live packs: none");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn readers_see_every_pack_at_any_time_while_versions_are_swapped_and_others_come_and_go() {
        let registry = Arc::new(Registry::default());
        registry.put(version("stays", "0")).await;
        let swap = |writer: usize| {
            let registry = registry.clone();
            tokio::spawn(async move {
                let (mut swapped, guest) = (Vec::new(), format!("guest-{writer}"));
                for number in 1..=200 {
                    let next = version("stays", &format!("{writer}.{number}"));
                    assert!(matches!(registry.put(next.clone()).await, PackChange::Swapped(_)));
                    swapped.push(next);
                    assert_eq!(registry.put(version(&guest, "1")).await, PackChange::Added);
                    assert!(registry.remove(&guest).await.is_some(), "{guest} was live");
                }
                swapped
            })
        };
        let writers: Vec<_> = (0..4).map(swap).collect();
        while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
            let live = registry.snapshot();
            assert_eq!(live.default.as_deref(), Some("stays"));
            assert_eq!(live.find(None).unwrap().label.name, "stays");
            tokio::task::yield_now().await;
        }
        let last = registry.snapshot().find(Some("stays")).unwrap();
        assert_eq!(registry.snapshot().packs.len(), 1);
        for writer in writers {
            for version in writer.await.unwrap() {
                assert_eq!(retired(&version), usize::from(!Arc::ptr_eq(&version, &last)), "{:?}", version.label);
            }
        }
    }
}
