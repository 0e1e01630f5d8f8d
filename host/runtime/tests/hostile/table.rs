//! Rows, and how each is run: its outcome is pinned, its time and the host's memory are bounded, and after it a good
//! call on the same runtime gives what it always gave.

use std::fmt::{Debug, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rewarden_runtime::{CallError, Interface, Limits, LoadError, Metered, Plugin, Runtime, contract};
use rewarden_types::{
    Completion, Context, FinishReason, Message, ParseRequest, PolicyInput, Query, RenderRequest, Role, Scale, Score,
    TaskView,
};

use crate::guest::{Guest, SCORE};

/// What a row hands to the host.
pub enum Input {
    /// The bytes of a component, or of something else.
    Bytes(Box<dyn Fn() -> Vec<u8>>),
    /// Something in a directory of its own.
    Path(Box<dyn Fn(&Path) -> PathBuf>),
}

/// One line of the table.
pub struct Row {
    name: String,
    input: Input,
    calls: Vec<Interface>,
    limits: Limits,
    within: Duration,
    grows: usize,
}

/// A row of bytes that are loaded.
pub fn load(name: impl Into<String>, bytes: impl Fn() -> Vec<u8> + 'static) -> Row {
    row(name, Input::Bytes(Box::new(bytes)))
}

/// A row of a path that is loaded; `make` puts something into an empty directory and says what to load.
pub fn file(name: impl Into<String>, make: impl Fn(&Path) -> PathBuf + 'static) -> Row {
    row(name, Input::Path(Box::new(make)))
}

/// A row of a guest that loads and whose scorer is then called.
pub fn score(name: impl Into<String>, guest: impl Fn() -> Guest + 'static) -> Row {
    call(name, Interface::Scorer, guest)
}

/// A row of a guest that loads and of which one interface's function is then called; of `describe` that is `configure`.
pub fn call(name: impl Into<String>, interface: Interface, guest: impl Fn() -> Guest + 'static) -> Row {
    let mut row = load(name, move || guest().build());
    row.calls.push(interface);
    row
}

fn row(name: impl Into<String>, input: Input) -> Row {
    Row {
        name: name.into(),
        input,
        calls: Vec::new(),
        // A tenth of the defaults' fuel: loops end in a twentieth of a second instead of half a second.
        limits: Limits { fuel: 50_000_000, ..Limits::default() },
        within: Duration::from_secs(5),
        grows: 64 << 20,
    }
}

impl Row {
    /// Other limits.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Makes the same call a second time.
    pub fn twice(mut self) -> Self {
        self.calls.extend(self.calls.clone());
        self
    }

    /// May take so many seconds, instead of 5.
    pub fn within(mut self, seconds: u64) -> Self {
        self.within = Duration::from_secs(seconds);
        self
    }

    /// Lets the host's memory grow by so many MiB while the row runs, instead of by 64.
    pub fn grows(mut self, mib: usize) -> Self {
        self.grows = mib << 20;
        self
    }

    /// What comes of it.
    fn outcome(&self, runtime: &Runtime, input: &Given) -> String {
        let loaded = match input {
            Given::Bytes(bytes) => runtime.load("x.wasm", bytes),
            Given::Path(path) => runtime.load_file(path),
        };
        let plugin = match loaded {
            Ok(plugin) if self.calls.is_empty() => return format!("loads as {}", plugin.name()),
            Ok(plugin) => plugin,
            Err(error) => return refused(&error),
        };
        self.calls.iter().map(|interface| called(&plugin, *interface)).collect::<Vec<_>>().join("\n    ")
    }
}

enum Given {
    Bytes(Vec<u8>),
    Path(PathBuf),
}

/// A runtime with a good plugin in it.
struct Bench {
    runtime: Runtime,
    good: Plugin,
    cost: Metered<Vec<Score>>,
}

impl Bench {
    fn new(limits: &Limits) -> Self {
        let runtime = Runtime::new(limits.clone(), None).unwrap();
        let good = runtime.load("good.wasm", &Guest::default().build()).unwrap();
        let cost = score_responses(&good).unwrap();
        assert_eq!(cost.value, [Score::Value(SCORE)]);
        Self { runtime, good, cost }
    }

    /// The good plugin still gives the same for the same price, and can be loaded again.
    fn is_well(&self) -> bool {
        let again = self.runtime.load("good.wasm", &Guest::default().build());
        again
            .is_ok_and(|again| [&self.good, &again].iter().all(|good| score_responses(good).as_ref() == Ok(&self.cost)))
    }
}

/// One row at a time: memory is measured of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs the rows and gives their outcomes as text.
///
/// # Panics
/// When a row takes too long, when the host's memory grows too much, or when a good call afterwards is not what it was.
pub fn outcomes(rows: &[Row]) -> String {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut benches: Vec<Bench> = Vec::new();
    let (mut text, mut broken) = (String::new(), Vec::new());
    for row in rows {
        if benches.iter().all(|bench| *bench.runtime.limits() != row.limits) {
            benches.push(Bench::new(&row.limits));
        }
        let bench = benches.iter().find(|bench| *bench.runtime.limits() == row.limits).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let given = match &row.input {
            Input::Bytes(bytes) => Given::Bytes(bytes()),
            Input::Path(make) => Given::Path(make(directory.path())),
        };

        let (memory, started) = (PeakMemory::start(), Instant::now());
        let outcome = row.outcome(&bench.runtime, &given);
        let (took, grew) = (started.elapsed(), memory.growth());
        println!("{:7.1} ms {:6.1} MiB  {}", took.as_secs_f64() * 1e3, grew as f64 / f64::from(1 << 20), row.name);
        if took > row.within {
            broken.push(format!("{}: took {took:?}, {:?} are allowed", row.name, row.within));
        }
        if grew > row.grows {
            broken.push(format!("{}: the host grew by {grew} bytes, {} are allowed", row.name, row.grows));
        }
        if !bench.is_well() {
            broken.push(format!("{}: a good call after it is not what it was before", row.name));
        }
        let outcome = outcome.replace(contract::VERSION, "VERSION");
        let outcome = outcome.replace(&directory.path().display().to_string(), "DIRECTORY");
        writeln!(text, "{}\n    {outcome}", row.name).unwrap();
    }
    println!("{} rows", rows.len());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    text
}

fn refused(error: &LoadError) -> String {
    format!("{} {error}", kind(&error.reason))
}

/// The variant's name, with that of the failure inside it.
fn kind(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    let end = text.find([' ', '{']).unwrap_or(text.len());
    let name = text[..end].trim_end_matches(')');
    format!("{name}{}", ")".repeat(name.matches('(').count()))
}

fn called(plugin: &Plugin, interface: Interface) -> String {
    fn tell<T: Debug>(result: Result<Metered<T>, CallError>) -> String {
        match result {
            Ok(metered) => format!("{:?}", metered.value),
            Err(error) => format!("{} {error}", kind(&error.failure)),
        }
    }
    match interface {
        Interface::Describe => match plugin.check_config("{}") {
            Ok(()) => "configured".to_owned(),
            Err(error) => format!("{} {error}", kind(&error.failure)),
        },
        Interface::Template => {
            let request = RenderRequest { critique: Some("c".into()), ..RenderRequest::new(task(), SCALE) };
            tell(plugin.render("{}", &request))
        }
        Interface::Parser => {
            let completion = Completion::of_text("c", FinishReason::Stop);
            tell(plugin.parse("{}", &ParseRequest::new(&completion, 1, SCALE)))
        }
        Interface::Policy => {
            let context = Context::new(SCALE, 1, 1);
            tell(plugin.next("{}", &PolicyInput { task: task(), context, samples: vec![] }))
        }
        Interface::Scorer => tell(score_responses(plugin)),
        Interface::Prepare => match plugin.prepare("{}") {
            Ok(prepared) => format!("{:?}", prepared.interfaces),
            Err(error) => format!("{} {error}", kind(&error.failure)),
        },
        Interface::Principles => tell(plugin.ask("{}", &Query { messages: task().messages, metadata: "{}".into() })),
    }
}

const SCALE: Scale = Scale { min: 0.0, max: 1.0, integer: false };

fn task() -> TaskView {
    TaskView {
        messages: vec![Message { role: Role::User, content: "q".into() }].into(),
        responses: vec!["a".into()].into(),
        reference: None,
        metadata: "{}".into(),
    }
}

/// The scores that a plugin gives, an `Ok` of no refusal.
fn score_responses(plugin: &Plugin) -> Result<Metered<Vec<Score>>, CallError> {
    let metered = plugin.score_responses("{}", &task())?;
    let value = metered.value.unwrap_or_else(|refusal| vec![Score::Abstain(format!("refused: {refusal:?}"))]);
    Ok(Metered { value, fuel: metered.fuel, memory_bytes: metered.memory_bytes })
}

/// The most memory that this process has had in RAM since the start of a measurement, as Linux counts it.
struct PeakMemory {
    before: usize,
}

impl PeakMemory {
    fn start() -> Self {
        // Sets the peak back to what is in use now; see proc(5).
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        Self { before: status("VmHWM") }
    }

    /// Bytes at the peak beyond those at the start.
    fn growth(&self) -> usize {
        status("VmHWM").saturating_sub(self.before)
    }
}

fn status(field: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}
