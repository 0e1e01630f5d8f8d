//! Which requests the engine works on at the same time.
//!
//! The engine itself takes whatever it is sent. When the memory for keys and values runs out under its sequences it
//! throws some of them out and computes them anew, by other kernels; and without paged attention it goes back and forth
//! between sequences of unlike lengths. So it is only sent what it can finish.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// What a request takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Demand {
    /// The tokens of the prompt.
    pub prompt: Arc<[u32]>,
    /// Most tokens that follow.
    pub new_tokens: usize,
}

impl Demand {
    fn tokens(&self) -> usize {
        self.prompt.len() + self.new_tokens
    }
}

/// By what rule requests share the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// One after another.
    Alone,
    /// With paged attention: any that fit into the memory, in the order in which they came. None overtakes one that
    /// waits for memory, so none waits for ever.
    Paged {
        /// Most sequences at once.
        sequences: usize,
        /// Blocks of memory that may be in use.
        blocks: usize,
        /// Tokens whose keys and values a block holds.
        block_size: usize,
    },
    /// Without: those of the same prompt, all at the same moment, when nothing else runs. Their prompt is computed once
    /// and they stay of one length.
    OnePrompt {
        /// Most sequences at once.
        sequences: usize,
    },
}

impl Sharing {
    /// Most sequences at once.
    pub(crate) fn sequences(self) -> usize {
        match self {
            Sharing::Alone => 1,
            Sharing::Paged { sequences, .. } | Sharing::OnePrompt { sequences } => sequences,
        }
    }
}

/// The rule applied, apart from any waiting: what is running and what is not.
#[derive(Debug)]
struct Queue {
    sharing: Sharing,
    next: u64,
    /// With the blocks that each holds.
    running: BTreeMap<u64, usize>,
    waiting: VecDeque<(u64, Demand)>,
}

impl Queue {
    fn new(sharing: Sharing) -> Self {
        Queue { sharing, next: 0, running: BTreeMap::new(), waiting: VecDeque::new() }
    }

    /// Puts a request at the end; returns its number.
    fn submit(&mut self, demand: Demand) -> u64 {
        let number = self.next;
        self.next += 1;
        self.waiting.push_back((number, demand));
        number
    }

    /// Takes a request out, wherever it is.
    fn leave(&mut self, number: u64) {
        if self.running.remove(&number).is_none() {
            self.waiting.retain(|(waiting, _)| *waiting != number);
        }
    }

    /// Lets in whatever may run now, and returns its numbers.
    fn admit(&mut self) -> Vec<u64> {
        match self.sharing {
            Sharing::Alone => self.admit_one_prompt(1),
            Sharing::OnePrompt { sequences } => self.admit_one_prompt(sequences),
            Sharing::Paged { sequences, blocks, block_size } => {
                let mut admitted = Vec::new();
                while let Some((number, demand)) = self.waiting.front() {
                    let needed = demand.tokens().div_ceil(block_size);
                    let used: usize = self.running.values().sum();
                    // What does not even fit alone is let in alone; the engine is asked for its own refusal.
                    let fits = used + needed <= blocks || self.running.is_empty();
                    if self.running.len() >= sequences || !fits {
                        break;
                    }
                    admitted.push(*number);
                    self.running.insert(*number, needed);
                    self.waiting.pop_front();
                }
                admitted
            }
        }
    }

    fn admit_one_prompt(&mut self, sequences: usize) -> Vec<u64> {
        if !self.running.is_empty() {
            return Vec::new();
        }
        let Some(prompt) = self.waiting.front().map(|(_, demand)| demand.prompt.clone()) else { return Vec::new() };
        let mut admitted = Vec::new();
        self.waiting.retain(|(number, demand)| {
            let joins = admitted.len() < sequences && demand.prompt == prompt;
            if joins {
                admitted.push(*number);
            }
            !joins
        });
        self.running.extend(admitted.iter().map(|number| (*number, 0)));
        admitted
    }
}

/// Lets requests into the engine.
#[derive(Debug)]
pub(crate) struct SequenceGate {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    queue: Queue,
    /// Who is told when a waiting request may run.
    told: BTreeMap<u64, oneshot::Sender<()>>,
}

/// So long a request waits for others of its prompt, which the same task sends in the same moment.
const GATHERING: Duration = Duration::from_millis(30);

/// The right to run; it ends when this is dropped, which is when the engine has let go of the sequence.
#[derive(Debug)]
pub(crate) struct SequencePermit {
    number: u64,
    inner: Arc<Mutex<Inner>>,
}

impl SequenceGate {
    pub(crate) fn new(sharing: Sharing) -> Self {
        SequenceGate { inner: Arc::new(Mutex::new(Inner { queue: Queue::new(sharing), told: BTreeMap::new() })) }
    }

    /// The rule.
    pub(crate) fn sharing(&self) -> Sharing {
        lock(&self.inner).queue.sharing
    }

    /// Waits until the request may run.
    pub(crate) async fn enter(&self, demand: Demand) -> SequencePermit {
        let (tell, told) = oneshot::channel();
        let (admitted, gathers) = {
            let mut inner = lock(&self.inner);
            let number = inner.queue.submit(demand);
            inner.told.insert(number, tell);
            let gathers = matches!(inner.queue.sharing, Sharing::OnePrompt { .. });
            (SequencePermit { number, inner: Arc::clone(&self.inner) }, gathers)
        };
        if gathers {
            tokio::time::sleep(GATHERING).await;
        }
        lock(&self.inner).admit();
        // It cannot fail: the sender lies in the queue until it is used.
        let _ = told.await;
        admitted
    }
}

impl Inner {
    fn admit(&mut self) {
        for number in self.queue.admit() {
            // Whoever gave up waiting in this moment takes itself out again.
            if let Some(told) = self.told.remove(&number) {
                let _ = told.send(());
            }
        }
    }
}

impl Drop for SequencePermit {
    fn drop(&mut self) {
        let mut inner = lock(&self.inner);
        inner.told.remove(&self.number);
        inner.queue.leave(self.number);
        inner.admit();
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};

    use super::*;

    fn demand(prompt: u32, length: usize, new_tokens: usize) -> Demand {
        Demand { prompt: vec![prompt; length].into(), new_tokens }
    }

    /// An engine that holds blocks of memory as the sequences in it grow by a token each step.
    struct Simulated {
        queue: Queue,
        /// Number, tokens now, tokens at its end, result so far.
        running: Vec<(u64, usize, usize, u64)>,
        most_blocks: usize,
        most_sequences: usize,
    }

    const BLOCK: usize = 32;
    const BLOCKS: usize = 120;

    /// Runs 200 requests that arrive at random; returns the result of each, and the step at which it ended.
    fn simulate(requests: &[(usize, Demand)], sequences: usize) -> (BTreeMap<u64, (u64, usize)>, Simulated) {
        let sharing = Sharing::Paged { sequences, blocks: BLOCKS, block_size: BLOCK };
        let mut engine = Simulated { queue: Queue::new(sharing), running: vec![], most_blocks: 0, most_sequences: 0 };
        let mut results = BTreeMap::new();
        let mut numbers = BTreeMap::new();
        let mut arriving: Vec<usize> = (0..requests.len()).collect();
        arriving.sort_by_key(|&request| requests[request].0);
        let mut arriving = VecDeque::from(arriving);
        for step in 0.. {
            while let Some(&request) = arriving.front().filter(|&&request| requests[request].0 <= step) {
                numbers.insert(engine.queue.submit(requests[request].1.clone()), request);
                arriving.pop_front();
            }
            for number in engine.queue.admit() {
                let demand = &requests[numbers[&number]].1;
                engine.running.push((number, demand.prompt.len(), demand.tokens(), u64::from(demand.prompt[0])));
            }
            let blocks: usize = engine.running.iter().map(|(_, tokens, ..)| tokens.div_ceil(BLOCK)).sum();
            assert!(blocks <= BLOCKS, "step {step}: {blocks} blocks");
            engine.most_blocks = engine.most_blocks.max(blocks);
            engine.most_sequences = engine.most_sequences.max(engine.running.len());
            for (_, tokens, _, result) in &mut engine.running {
                *tokens += 1;
                *result = result.wrapping_mul(31).wrapping_add(*tokens as u64);
            }
            for (number, _, _, result) in engine.running.extract_if(.., |(_, tokens, end, _)| tokens >= end) {
                engine.queue.leave(number);
                results.insert(numbers[&number] as u64, (result, step));
            }
            if results.len() == requests.len() {
                return (results, engine);
            }
            assert!(step < 200_000, "{} of {} ended", results.len(), requests.len());
        }
        unreachable!()
    }

    fn requests(seed: u64) -> Vec<(usize, Demand)> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |n: u32| (random.next_u32() % n) as usize;
        let one = |_| (below(3000), demand(below(1000) as u32, 1 + below(900), 1 + below(600)));
        (0..200).map(one).collect()
    }

    #[test]
    fn two_hundred_requests_never_take_more_memory_than_there_is_and_all_of_them_end() {
        for seed in 0..20 {
            let (results, engine) = simulate(&requests(seed), 64);
            assert_eq!(results.len(), 200);
            assert!(engine.most_sequences > 4 && engine.most_blocks > BLOCKS / 2, "it does share");
            assert!(engine.queue.running.is_empty() && engine.queue.waiting.is_empty());
        }
    }

    #[test]
    fn no_request_is_overtaken_by_later_ones_for_longer_than_what_ran_before_it() {
        // A request as large as the memory, and small ones without end that would fit beside what runs.
        let mut requests: Vec<_> = (0..199).map(|i| (i, demand(i as u32, 20, 200))).collect();
        requests.push((50, demand(7, BLOCK * BLOCKS - 100, 100)));
        let (results, _) = simulate(&requests, 64);
        let ended = results[&199].1;
        let later = results.iter().filter(|(request, _)| **request != 199).filter(|(_, (_, step))| *step > ended);
        assert!(later.count() > 100, "it ended at step {ended}, before most that came after it");
    }

    #[test]
    fn results_do_not_depend_on_the_order_of_arrival_or_on_how_many_share() {
        let all = requests(3);
        let (expected, _) = simulate(&all, 64);
        let mut moved = all.clone();
        for (at, (when, _)) in moved.iter_mut().enumerate() {
            *when = 3000 - *when + at % 7;
        }
        for (requests, sequences) in [(&moved, 64), (&all, 1), (&all, 3)] {
            let (results, engine) = simulate(requests, sequences);
            assert!(engine.most_sequences <= sequences);
            for (request, (result, _)) in results {
                assert_eq!(result, expected[&request].0, "request {request}");
            }
        }
    }

    #[test]
    fn without_paged_attention_only_samples_of_one_prompt_run_together() {
        let mut queue = Queue::new(Sharing::OnePrompt { sequences: 3 });
        let numbers: Vec<u64> = [1, 2, 1, 1, 1].map(|prompt| queue.submit(demand(prompt, 5, 5))).into();
        assert_eq!(queue.admit(), [numbers[0], numbers[2], numbers[3]]);
        queue.leave(numbers[0]);
        assert!(queue.admit().is_empty(), "the others have gone on");
        queue.leave(numbers[2]);
        queue.leave(numbers[3]);
        assert_eq!(queue.admit(), [numbers[1]]);
        queue.leave(numbers[1]);
        assert_eq!(queue.admit(), [numbers[4]]);
    }

    #[test]
    fn what_is_larger_than_the_memory_runs_alone_and_blocks_nobody() {
        let mut queue = Queue::new(Sharing::Paged { sequences: 8, blocks: 4, block_size: 32 });
        let huge = queue.submit(demand(1, 32 * 9, 1));
        let small = queue.submit(demand(2, 10, 1));
        assert_eq!(queue.admit(), [huge]);
        queue.leave(huge);
        assert_eq!(queue.admit(), [small]);
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_makes_room() {
        let admission = SequenceGate::new(Sharing::Alone);
        let first = admission.enter(demand(1, 3, 3)).await;
        let second = tokio::time::timeout(Duration::from_millis(20), admission.enter(demand(2, 3, 3))).await;
        assert!(second.is_err(), "one at a time");
        drop(first);
        drop(tokio::time::timeout(Duration::from_secs(20), admission.enter(demand(3, 3, 3))).await.unwrap());
        let inner = lock(&admission.inner);
        assert!(inner.told.is_empty() && inner.queue.running.is_empty() && inner.queue.waiting.is_empty());
    }

    #[tokio::test]
    async fn samples_of_one_prompt_that_come_in_the_same_moment_run_together() {
        let admission = SequenceGate::new(Sharing::OnePrompt { sequences: 8 });
        let all = futures::future::join_all((0..8).map(|_| admission.enter(demand(1, 3, 3)))).await;
        assert_eq!(lock(&admission.inner).queue.running.len(), 8);
        drop(all);
    }
}
