//! The progress of a task that is being judged.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rewarden_judge::{Event, Observer, Stage};
use rewarden_record::{MetaRecord, SampleRecord};
use tokio::sync::mpsc;

use crate::metrics::Metrics;

/// A step that watchers are shown.
#[derive(Clone, Debug)]
pub(crate) enum ProgressEvent {
    /// The policy asked for this many more samples.
    Drawing(usize),
    /// A sample was drawn.
    Sample(Box<SampleRecord>),
    /// The sample with this id was rated.
    Rating(u32, Box<MetaRecord>),
}

/// Sends a task's events to all its watchers and counts them in the metrics. A late watcher gets the past events first.
pub(crate) struct SampleProgress {
    metrics: Arc<Metrics>,
    history: Mutex<History>,
}

#[derive(Default)]
struct History {
    events: Vec<ProgressEvent>,
    watchers: Vec<mpsc::UnboundedSender<ProgressEvent>>,
}

impl SampleProgress {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, history: Mutex::default() }
    }

    /// Returns all events, those of the past first. Their number is bounded by what one task may draw.
    pub(crate) fn subscribe(&self) -> mpsc::UnboundedReceiver<ProgressEvent> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut history = self.lock();
        for event in &history.events {
            let _ = sender.send(event.clone());
        }
        history.watchers.push(sender);
        receiver
    }

    fn publish(&self, event: ProgressEvent) {
        let mut history = self.lock();
        history.watchers.retain(|watcher| watcher.send(event.clone()).is_ok());
        history.events.push(event);
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for SampleProgress {
    fn event(&self, event: Event) {
        match event {
            Event::Drawing { samples } => self.publish(ProgressEvent::Drawing(samples)),
            Event::Tokens { new } => {
                self.metrics.tokens.inc_by(new.into());
            }
            Event::Sampled { .. } => {}
        }
    }

    fn sample(&self, sample: &SampleRecord) {
        self.metrics.sample(sample);
        self.publish(ProgressEvent::Sample(Box::new(sample.clone())));
    }

    fn rating(&self, sample: u32, rating: &MetaRecord) {
        self.publish(ProgressEvent::Rating(sample, Box::new(rating.clone())));
    }

    fn stage(&self, stage: Stage, took: std::time::Duration) {
        self.metrics.stage(stage, took);
    }
}
