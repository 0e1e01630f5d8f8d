//! Progress of a run: a bar for people who look, counters for the summary.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, ProgressBar, ProgressState, ProgressStyle};
use rewarden_judge::{Event, Observer};

use crate::console::err;
use crate::terminal;

/// Counts what happens, and draws it when stderr is a terminal.
pub(crate) struct Progress {
    started: Instant,
    drawn: AtomicU64,
    sampled: AtomicU64,
    tokens: AtomicU64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// `rows` is the number of tasks where it is known; `show` whether a bar is wanted at all.
    pub(crate) fn new(rows: Option<u64>, show: bool) -> Self {
        let bar = (show && terminal::is_watched()).then(|| bar(rows));
        if let Some(bar) = &bar {
            terminal::share_with(bar);
        }
        Self {
            started: Instant::now(),
            drawn: AtomicU64::new(0),
            sampled: AtomicU64::new(0),
            tokens: AtomicU64::new(0),
            bar,
        }
    }

    /// A task is finished.
    pub(crate) fn task_done(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Time since the run began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Tokens that the model wrote so far.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens.load(Ordering::Relaxed)
    }

    /// Takes the bar off the screen.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Runs `print` with the bar out of the way.
    pub(crate) fn print<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn refresh(&self) {
        if let Some(bar) = &self.bar {
            let tokens = self.tokens.load(Ordering::Relaxed);
            let rate = tokens as f64 / self.elapsed().as_secs_f64().max(0.001);
            let (sampled, drawn) = (self.sampled.load(Ordering::Relaxed), self.drawn.load(Ordering::Relaxed));
            bar.set_message(format!("{sampled}/{drawn} samples, {tokens} tokens, {rate:.1} tok/s"));
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        match event {
            Event::Drawing { samples } => {
                self.drawn.fetch_add(samples as u64, Ordering::Relaxed);
            }
            Event::Tokens { new } => {
                self.tokens.fetch_add(u64::from(new), Ordering::Relaxed);
            }
            Event::Sampled { .. } => {
                self.sampled.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.refresh();
    }
}

/// A line that says what is waited for, and for how long already: for as long as this lives.
pub(crate) struct CompilerWait(Option<ProgressBar>);

impl CompilerWait {
    /// A large component is compiled, which happens once.
    pub(crate) fn for_compiler(component: &str, bytes: usize) -> Self {
        let what = format!("compiling {component} ({}), which happens once", DecimalBytes(bytes as u64));
        if !terminal::is_watched() {
            err!("{what}");
            return Self(None);
        }
        let style = ProgressStyle::with_template("{spinner} {msg}: {elapsed} so far")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style).with_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }
}

impl Drop for CompilerWait {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn bar(rows: Option<u64>) -> ProgressBar {
    let (bar, template) = match rows {
        Some(rows) => {
            (ProgressBar::new(rows), "{bar:24.cyan/dim} {pos}/{len} tasks  {msg}  {elapsed} so far, {left} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {pos} tasks  {msg}  {elapsed} so far"),
    };
    let left = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        // The mean over all tasks so far; before the first one is done there is nothing to estimate from.
        let _ = match (state.pos(), state.len()) {
            (0, _) | (_, None) => write!(text, "?"),
            (done, Some(all)) => {
                let left = state.elapsed().mul_f64(all.saturating_sub(done) as f64 / done as f64);
                write!(text, "{:#}", indicatif::HumanDuration(left))
            }
        };
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.with_key("left", left).progress_chars("━╸─"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
