//! Identical work in flight is done once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};

type Work<T> = BoxFuture<'static, T>;

/// Work in flight, by its key. It goes on for as long as somebody waits for it, and is dropped with the last handle.
///
/// `T` is how the work ends, for everybody who waits for it. `P` shows its progress.
pub(crate) struct SingleFlight<K: Eq + Hash, T, P> {
    flights: Arc<Mutex<Flights<K, T, P>>>,
}

struct Flights<K, T, P> {
    by_key: HashMap<K, Flight<T, P>>,
    started: u64,
}

struct Flight<T, P> {
    number: u64,
    work: WeakShared<Work<T>>,
    progress: Arc<P>,
}

/// A share in a piece of work.
pub(crate) struct Handle<T: Clone, P> {
    /// The work. Dropping it gives up the share.
    pub(crate) work: Shared<Work<T>>,
    pub(crate) progress: Arc<P>,
    /// Whether somebody else had started it.
    pub(crate) joined: bool,
}

impl<K: Eq + Hash, T, P> Default for SingleFlight<K, T, P> {
    fn default() -> Self {
        Self { flights: Arc::new(Mutex::new(Flights { by_key: HashMap::new(), started: 0 })) }
    }
}

impl<K, T, P> SingleFlight<K, T, P>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
    P: Send + Sync + 'static,
{
    /// Joins the work for `key`, or calls `start` with a new `progress` if none is in flight.
    pub(crate) fn join_or_start<F>(
        &self,
        key: K,
        progress: impl FnOnce() -> P,
        start: impl FnOnce(Arc<P>) -> F,
    ) -> Handle<T, P>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.by_key.get(&key)
            && let Some(work) = flight.work.upgrade()
        {
            return Handle { work, progress: flight.progress.clone(), joined: true };
        }
        flights.started += 1;
        let number = flights.started;
        let progress = Arc::new(progress());
        let removal = Removal { flights: self.flights.clone(), key: key.clone(), number };
        let started = start(progress.clone());
        let work = async move {
            let _removal = removal;
            started.await
        };
        let work = work.boxed().shared();
        if let Some(weak) = work.downgrade() {
            flights.by_key.insert(key, Flight { number, work: weak, progress: progress.clone() });
        }
        Handle { work, progress, joined: false }
    }
}

/// Removes a flight when its work is done or given up.
struct Removal<K: Eq + Hash, T, P> {
    flights: Arc<Mutex<Flights<K, T, P>>>,
    key: K,
    number: u64,
}

impl<K: Eq + Hash, T, P> Drop for Removal<K, T, P> {
    fn drop(&mut self) {
        let mut flights = lock(&self.flights);
        // Since this one was given up, another may have started under the same key.
        if flights.by_key.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            flights.by_key.remove(&self.key);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half-changed by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::channel::oneshot;
    use proptest::prelude::*;

    use super::*;

    type Flown = SingleFlight<u8, usize, ()>;

    /// Work that ends when the test says so, and counts itself.
    struct Controlled {
        live: Arc<AtomicUsize>,
    }

    impl Drop for Controlled {
        fn drop(&mut self) {
            self.live.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn join(flights: &Flown, key: u8, live: &Arc<AtomicUsize>) -> (Handle<usize, ()>, Option<oneshot::Sender<usize>>) {
        let mut sender = None;
        let handle = flights.join_or_start(
            key,
            || (),
            |_| {
                let (end, ended) = oneshot::channel();
                sender = Some(end);
                live.fetch_add(1, Ordering::SeqCst);
                let counted = Controlled { live: live.clone() };
                async move {
                    let _counted = counted;
                    ended.await.unwrap_or(usize::MAX)
                }
            },
        );
        (handle, sender)
    }

    fn in_flight(flights: &Flown) -> usize {
        lock(&flights.flights).by_key.len()
    }

    #[tokio::test]
    async fn work_is_started_once_and_all_who_wait_get_how_it_ends() {
        let (flights, live) = (Flown::default(), Arc::default());
        let (first, end) = join(&flights, 1, &live);
        let (second, none) = join(&flights, 1, &live);
        let (other, other_end) = join(&flights, 2, &live);
        assert!(none.is_none() && other_end.is_some());
        assert_eq!((first.joined, second.joined, other.joined), (false, true, false));
        end.unwrap().send(7).unwrap();
        assert_eq!(futures::join!(first.work, second.work), (7, 7));
        drop((other, other_end));
        assert_eq!((in_flight(&flights), live.load(Ordering::SeqCst)), (0, 0));
    }

    #[tokio::test]
    async fn work_goes_on_until_the_last_who_waits_leaves_and_is_started_anew_after_that() {
        let (flights, live) = (Flown::default(), Arc::default());
        let (first, end) = join(&flights, 1, &live);
        let (second, _) = join(&flights, 1, &live);
        drop(first);
        assert!(!end.as_ref().unwrap().is_canceled());
        drop(second);
        assert!(end.unwrap().is_canceled());
        assert_eq!((in_flight(&flights), live.load(Ordering::SeqCst)), (0, 0));
        let (third, end) = join(&flights, 1, &live);
        assert!(!third.joined);
        end.unwrap().send(3).unwrap();
        assert_eq!(third.work.await, 3);
    }

    #[tokio::test]
    async fn work_that_is_done_is_not_joined_any_more() {
        let (flights, live) = (Flown::default(), Arc::default());
        let (first, end) = join(&flights, 1, &live);
        end.unwrap().send(1).unwrap();
        assert_eq!(first.work.clone().await, 1);
        // Still held, but over.
        let (second, end) = join(&flights, 1, &live);
        assert!(!second.joined);
        end.unwrap().send(2).unwrap();
        assert_eq!((second.work.await, first.work.await), (2, 1));
    }

    /// What may happen to one of two keys.
    #[derive(Clone, Debug)]
    enum Happening {
        Join(u8),
        /// One of those who wait leaves.
        Leave(u8, prop::sample::Index),
        /// One of those who wait looks whether it is done.
        Look(u8, prop::sample::Index),
        End(u8),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        let key = || 0..2_u8;
        prop_oneof![
            3 => key().prop_map(Happening::Join),
            3 => (key(), any::<prop::sample::Index>()).prop_map(|(key, who)| Happening::Leave(key, who)),
            1 => (key(), any::<prop::sample::Index>()).prop_map(|(key, who)| Happening::Look(key, who)),
            1 => key().prop_map(Happening::End),
        ]
    }

    /// The model: for each key, those who wait for the flight that can be joined.
    #[derive(Default)]
    struct Waiting {
        handles: Vec<Handle<usize, ()>>,
        end: Option<oneshot::Sender<usize>>,
        ends_with: Option<usize>,
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn in_any_order_of_joining_leaving_and_ending_there_is_one_flight_a_key_while_anybody_waits(
            happenings in prop::collection::vec(happening(), 1..60)
        ) {
            let (flights, live) = (Flown::default(), Arc::new(AtomicUsize::new(0)));
            let mut waiting = [Waiting::default(), Waiting::default()];
            for (number, happening) in happenings.into_iter().enumerate() {
                match happening {
                    Happening::Join(key) => {
                        let at = &mut waiting[usize::from(key)];
                        let (handle, end) = join(&flights, key, &live);
                        prop_assert_eq!(handle.joined, !at.handles.is_empty());
                        prop_assert_eq!(end.is_some(), at.handles.is_empty());
                        if end.is_some() {
                            (at.end, at.ends_with) = (end, None);
                        }
                        at.handles.push(handle);
                    }
                    Happening::Leave(key, who) => {
                        let at = &mut waiting[usize::from(key)];
                        if !at.handles.is_empty() {
                            at.handles.swap_remove(who.index(at.handles.len()));
                        }
                    }
                    Happening::Look(key, who) => {
                        let at = &mut waiting[usize::from(key)];
                        if !at.handles.is_empty() {
                            let handle = &at.handles[who.index(at.handles.len())];
                            let found = handle.work.clone().now_or_never();
                            prop_assert_eq!(found, at.ends_with);
                            if found.is_some() {
                                // It is over, and everybody who waits for it gets the same.
                                for handle in at.handles.drain(..) {
                                    prop_assert_eq!(handle.work.now_or_never(), found);
                                }
                            }
                        }
                    }
                    Happening::End(key) => {
                        let at = &mut waiting[usize::from(key)];
                        if let Some(end) = at.end.take()
                            && end.send(number).is_ok()
                        {
                            at.ends_with = Some(number);
                        }
                    }
                }
                let flying = waiting.iter().filter(|at| !at.handles.is_empty()).count();
                prop_assert_eq!((in_flight(&flights), live.load(Ordering::SeqCst)), (flying, flying));
            }
        }
    }

    #[test]
    fn threads_that_join_and_leave_at_once_neither_lose_work_nor_leave_any_behind() {
        let (flights, live) = (Flown::default(), Arc::<AtomicUsize>::default());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
        let one = |number: usize| {
            let (flights, live) = (&flights, &live);
            let handle = flights.join_or_start(
                u8::from(number.is_multiple_of(3)),
                || (),
                |_| {
                    live.fetch_add(1, Ordering::SeqCst);
                    let counted = Controlled { live: live.clone() };
                    async move {
                        let _counted = counted;
                        for _ in 0..number % 4 {
                            tokio::task::yield_now().await;
                        }
                        number
                    }
                },
            );
            async move {
                match number % 5 {
                    // Leaves without having looked.
                    0 => drop(handle),
                    // Leaves after it has looked once.
                    1 => drop(handle.work.now_or_never()),
                    _ => assert!(handle.work.await < 2000),
                }
            }
        };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let runtime = &runtime;
                scope.spawn(move || {
                    for number in 0..500 {
                        runtime.block_on(one(thread * 500 + number));
                    }
                });
            }
        });
        assert_eq!((in_flight(&flights), live.load(Ordering::SeqCst)), (0, 0));
    }
}
