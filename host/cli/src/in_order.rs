//! Work done side by side whose results come in the order of its source.

use std::collections::BTreeMap;
use std::future::Future;

use futures::future::{FutureExt as _, LocalBoxFuture};
use futures::stream::{self, FuturesUnordered, LocalBoxStream, Stream, StreamExt as _};

/// How many windows of work may be ahead of the first result that is not there yet. One slow task holds up the others only if
/// it takes as long as eight in a row, and what waits for it meanwhile stays a few hundred results.
const WINDOWS: usize = 8;

/// Runs the futures of `source`, `at_once` at a time, and hands on their results in the order of `source`.
///
/// A slow one does not hold up those after it: up to eight times `at_once` may be begun beyond it. The first error ends the
/// stream at once.
pub(crate) fn in_order<'a, F, T, E>(
    source: impl Stream<Item = Result<F, E>> + 'a,
    at_once: usize,
) -> impl Stream<Item = Result<T, E>> + 'a
where
    F: Future<Output = Result<T, E>> + 'a,
    T: 'a,
    E: 'a,
{
    let window = Window {
        source: Some(source.boxed_local()),
        running: FuturesUnordered::new(),
        done: BTreeMap::new(),
        begun: 0,
        handed_on: 0,
        at_once: at_once.max(1),
    };
    stream::try_unfold(window, |mut window| async move { Ok(window.next().await?.map(|result| (result, window))) })
}

type Numbered<'a, T, E> = LocalBoxFuture<'a, (usize, Result<T, E>)>;

struct Window<'a, F, T, E> {
    /// `None` once it has ended.
    source: Option<LocalBoxStream<'a, Result<F, E>>>,
    running: FuturesUnordered<Numbered<'a, T, E>>,
    /// Results that wait for an earlier one, by number.
    done: BTreeMap<usize, T>,
    /// How many futures were begun.
    begun: usize,
    /// How many results were handed on.
    handed_on: usize,
    at_once: usize,
}

impl<'a, F, T, E> Window<'a, F, T, E>
where
    F: Future<Output = Result<T, E>> + 'a,
    T: 'a,
    E: 'a,
{
    async fn next(&mut self) -> Result<Option<T>, E> {
        loop {
            if let Some(result) = self.done.remove(&self.handed_on) {
                self.handed_on += 1;
                return Ok(Some(result));
            }
            let has_room = self.running.len() < self.at_once && self.begun - self.handed_on < self.at_once * WINDOWS;
            let source = self.source.as_mut().filter(|_| has_room);
            if source.is_none() && self.running.is_empty() {
                return Ok(None);
            }
            let running = &mut self.running;
            let begin = async {
                match source {
                    Some(source) => source.next().await,
                    None => std::future::pending().await,
                }
            };
            let finish = async {
                match running.next().await {
                    Some(finished) => finished,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                (number, result) = finish => {
                    self.done.insert(number, result?);
                }
                begun = begin => match begun.transpose()? {
                    Some(work) => {
                        let number = self.begun;
                        self.begun += 1;
                        self.running.push(work.map(move |result| (number, result)).boxed_local());
                    }
                    None => self.source = None,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::TryStreamExt as _;
    use proptest::prelude::*;
    use tokio::sync::Notify;

    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    #[test]
    fn a_slow_first_task_lets_eight_windows_proceed_and_no_more_and_comes_out_first() {
        let (finished, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let work = |number: usize| {
            let (finished, release) = (finished.clone(), release.clone());
            async move {
                if number == 0 {
                    release.notified().await;
                } else if finished.fetch_add(1, Ordering::Relaxed) + 1 == 15 {
                    // Those that two at once may be ahead: 16, less the slow one.
                    release.notify_one();
                }
                Ok::<_, ()>(number)
            }
        };
        let all = in_order(stream::iter(0..40).map(|number| Ok(work(number))), 2);
        let numbers: Vec<usize> = block_on(all.try_collect()).unwrap();
        assert_eq!(numbers, (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn no_more_is_begun_than_the_window_allows() {
        let begun = Arc::new(AtomicUsize::new(0));
        let counted = begun.clone();
        let work = stream::iter(0..1000).map(move |number| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ()>(async move {
                if number == 0 {
                    std::future::pending::<()>().await
                }
                Ok(number)
            })
        });
        let mut all = Box::pin(in_order(work, 3));
        block_on(async { assert!(futures::poll!(all.next()).is_pending()) });
        assert_eq!(begun.load(Ordering::Relaxed), 24);
    }

    #[test]
    fn an_error_ends_it_though_an_earlier_one_is_under_way() {
        let work = stream::iter(0..10).map(|number| {
            Ok(async move {
                if number == 0 {
                    std::future::pending::<()>().await
                }
                if number == 3 { Err("lost") } else { Ok(number) }
            })
        });
        assert_eq!(block_on(in_order(work, 4).try_collect::<Vec<i32>>()), Err("lost"));
        let source = stream::iter([Ok(async { Ok(1) }), Err("unreadable")]);
        assert_eq!(block_on(in_order(source, 4).try_collect::<Vec<i32>>()), Err("unreadable"));
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_source_however_long_each_takes(
            yields in prop::collection::vec(0_usize..20, 0..60), at_once in 1_usize..6,
        ) {
            let running = Arc::new(AtomicUsize::new(0));
            let work = stream::iter(yields.clone().into_iter().enumerate()).map(|(number, yields)| {
                let running = running.clone();
                Ok(async move {
                    let now = running.fetch_add(1, Ordering::Relaxed) + 1;
                    for _ in 0..yields {
                        tokio::task::yield_now().await;
                    }
                    running.fetch_sub(1, Ordering::Relaxed);
                    if now <= at_once { Ok(number) } else { Err(now) }
                })
            });
            let numbers = block_on(in_order(work, at_once).try_collect::<Vec<usize>>());
            prop_assert_eq!(numbers, Ok((0..yields.len()).collect()));
        }
    }
}
