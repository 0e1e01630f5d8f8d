//! `rewarden import`.

use std::collections::BTreeMap;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Args, ValueHint};
use rewarden_input::mended;
use rewarden_judge::parse_row;
use rewarden_record::{Budget, Drawn, SamplingProvenance, TaskKey};
use rewarden_store::{Header, RunSource, RunWriter};
use rewarden_types::{Identity, Sha256Digest, Task, strict_json};
use serde_json::{Map, Value};

use crate::console::err;
use crate::filter::plain;
use crate::progress::Progress;
use crate::recorded_sample::{RecordedSample, SAMPLE_FIELDS};
use crate::task_source::TaskSource;

const IMPORT_HELP: &str = "\
One JSON object a line, either a task with its samples:
  {\"id\": \"t1\", \"prompt\": \"2+2?\", \"responses\": [\"4\", \"5\"], \"preferred\": 0, \"samples\": [{\"text\": \"[[A]]\", \"order\": [0, 1]}]}
or, with --tasks naming a task file, the samples alone, several or one a line; other fields join the task's metadata and id:
  {\"task\": \"t1\", \"judge\": \"gpt-4\", \"samples\": [{\"text\": \"[[B]]\", \"order\": [1, 0]}]}
  {\"task\": \"t1\", \"judge\": \"gpt-4\", \"text\": \"[[B]]\", \"order\": [1, 0]}
A sample has `text`, and may have `order` (indices of the responses in shown order; default: all in their own), `thinking`, `finish` (stop or \
length; another word is kept beside it), `temperature`, `seed`, `seconds`, `usage` {prompt_tokens, completion_tokens}, `tokens` [{text, logprob, alternatives}] and `rating`; \
other fields are kept and exported. Blocks of `<think>`, `[THINK]` \
or the like at the beginning of `text` are taken as `thinking`: what stands in them is no verdict.
Where a row is one sample, its fields of these names, and lists and objects, are the sample's; other fields are the task's, so that rows \
that differ in them are samples of different tasks. --sample-field names further fields that belong to samples, in rows of every form.

Examples:
  rewarden import judge-log.jsonl --run judge.run
  rewarden import judge-log.jsonl --tasks tasks.jsonl --sample-field annotator --run judge.run
  rewarden import natural.recorded.jsonl --tasks natural.pairs.jsonl --field subset=natural --run llmbar.run
  rewarden replay judge.run --pack my-pack --all-samples";

#[derive(Debug, Args)]
#[command(after_help = IMPORT_HELP)]
pub(crate) struct ImportArgs {
    /// Recorded completions (JSONL).
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// The run to add them to; created if there is none.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) run: PathBuf,

    /// The tasks that the completions are about, if FILE only names them
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) tasks: Option<PathBuf>,

    /// Set a metadata field of every task
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = field)]
    pub(crate) fields: Vec<(String, String)>,

    /// A field of the rows that belongs to the samples instead of the task; may be repeated
    #[arg(long = "sample-field", value_name = "NAME")]
    pub(crate) sample_fields: Vec<String>,

    /// What to call the model that wrote the completions
    #[arg(long, value_name = "NAME", default_value = "recorded")]
    pub(crate) model: String,

    /// Temperature of samples that name none; policies see it
    #[arg(long, value_name = "T", default_value_t = 0.0, value_parser = crate::options::temperature)]
    pub(crate) temperature: f64,

    /// No progress bar and no summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Rows between two commits.
const COMMIT_EVERY: u64 = 1000;

/// Runs the command.
pub(crate) fn run(args: &ImportArgs) -> Result<ExitCode> {
    let tasks = args.tasks.as_deref().map(known_tasks).transpose()?;
    let mut rows = rewarden_tables::RowReader::open(&args.file)?;
    let drawn = Drawn {
        model: Identity::new("recorded", args.model.clone()),
        meta_model: None,
        judge_models: BTreeMap::new(),
        sampling: SamplingProvenance { temperature: args.temperature, top_p: None, max_tokens: None },
        seed: 0,
        budget: Budget { max_samples: u32::MAX, ..Budget::default() },
    };
    let origin = args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let writer = RunWriter::open(&args.run, &Header::new(RunSource::Import, origin, drawn, None), &[])?;
    let progress = Progress::new(rows.rows(), !args.quiet);
    let mut import =
        Import { args, tasks, writer: &writer, open: HashMap::new(), there: HashSet::new(), samples: 0, skipped: 0 };
    let mut done = 0_u64;
    while let Some(row) = rows.next_row()? {
        let row = row.with_context(|| args.file.display().to_string())?;
        writer.begin()?;
        import.row(row.number, &row.text).with_context(|| format!("{}: row {}", args.file.display(), row.number))?;
        done += 1;
        if done.is_multiple_of(COMMIT_EVERY) {
            writer.commit()?;
        }
        progress.task_done();
    }
    let (samples, tasks, skipped) = (import.samples, import.open.len(), import.skipped);
    writer.close()?;
    progress.finish();
    if !args.quiet {
        err!("{samples} samples of {tasks} tasks are in {}", args.run.display());
        if skipped > 0 {
            err!("{skipped} samples belong to tasks that the run held before; they were left alone");
        }
        err!("next: rewarden replay {} --pack NAME --all-samples", args.run.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The tasks of a file by their id. Held in memory: they are looked up in any order.
fn known_tasks(path: &Path) -> Result<HashMap<String, Task>> {
    let mut source = TaskSource::open(path, None)?;
    let mut tasks = HashMap::new();
    while let Some(row) = source.next()? {
        let (_, task) = row.with_context(|| path.display().to_string())?;
        tasks.insert(task.id.clone(), task);
    }
    Ok(tasks)
}

/// Moves fields out of a row.
fn take(row: &mut Map<String, Value>, is_taken: impl Fn(&str, &Value) -> bool) -> Map<String, Value> {
    let all = std::mem::take(row);
    let mut taken = Map::new();
    for (name, value) in all {
        if is_taken(&name, &value) { &mut taken } else { &mut *row }.insert(name, value);
    }
    taken
}

/// A task whose rows are being imported.
struct OpenTask {
    key: TaskKey,
    /// The number of its next sample.
    next: u32,
    /// See [`content`].
    content: Sha256Digest,
}

/// Returns what a task's samples are about and what they are measured by, as a digest. Other fields may differ from row to
/// row.
fn content(task: &Task) -> Sha256Digest {
    let whole = (&task.messages, &task.responses, &task.reference, task.preferred);
    // Texts and numbers: nothing that JSON could refuse.
    Sha256Digest::of(&serde_json::to_vec(&whole).unwrap_or_default())
}

struct Import<'a> {
    args: &'a ImportArgs,
    tasks: Option<HashMap<String, Task>>,
    writer: &'a RunWriter,
    /// Tasks that were begun by this import.
    open: HashMap<String, OpenTask>,
    /// Tasks that the run held samples of before.
    there: HashSet<String>,
    samples: u64,
    skipped: u64,
}

impl Import<'_> {
    fn row(&mut self, line: u64, text: &str) -> Result<()> {
        let written = mended(text.as_bytes());
        let row = std::str::from_utf8(&written).map_err(|error| error.to_string()).and_then(strict_json::value);
        let row = row.map_err(|error| anyhow!("expected a JSON object: {error}"))?;
        let Value::Object(row) = row else { bail!("expected a JSON object, found another kind of JSON") };
        let (mut task, samples) = self.task(line, row)?;
        for (name, value) in &self.args.fields {
            task.metadata.insert(name.clone(), Value::String(value.clone()));
        }
        if self.there.contains(&task.id) {
            self.skipped += samples.len() as u64;
            return Ok(());
        }
        let content = content(&task);
        let (key, mut next) = match self.open.get(&task.id) {
            Some(open) if open.content == content => (open.key, open.next),
            Some(_) => bail!(
                "task `{}` has another conversation, other responses or another label than in an earlier row; give one of \
                 them another id",
                task.id
            ),
            None => {
                let begun = self.writer.begin_task(&task)?;
                if !begun.samples.is_empty() {
                    self.there.insert(task.id.clone());
                    self.skipped += samples.len() as u64;
                    return Ok(());
                }
                (begun.key, 0)
            }
        };
        for (index, sample) in samples.into_iter().enumerate() {
            let sample = RecordedSample::parse(sample)
                .and_then(|sample| sample.record(next, task.responses.len(), self.args.temperature))
                .map_err(|message| anyhow!("sample {} of the row: {message}", index + 1))?;
            self.writer.add_sample(key, &sample)?;
            next += 1;
            self.samples += 1;
        }
        self.open.insert(task.id, OpenTask { key, next, content });
        Ok(())
    }

    /// The task that a row is about, and its samples.
    fn task(&self, line: u64, mut row: Map<String, Value>) -> Result<(Task, Vec<Value>)> {
        let mut samples = match row.shift_remove("samples") {
            Some(Value::Array(samples)) => Some(samples),
            None => None,
            Some(_) => bail!("field `samples`: expected a list of objects"),
        };
        let of_samples = take(&mut row, |name, _| self.args.sample_fields.iter().any(|field| field == name));
        for sample in samples.iter_mut().flatten().filter_map(Value::as_object_mut) {
            for (name, value) in &of_samples {
                // What a sample says of itself holds.
                sample.entry(name.as_str()).or_insert_with(|| value.clone());
            }
        }
        if row.contains_key("responses") || row.contains_key("chosen") {
            let samples =
                samples.context("has `responses` but no `samples`; expected a list of recorded completions")?;
            let task = parse_row(line, &Value::Object(row).to_string())?;
            return Ok((task, samples));
        }
        let Some(name) = ["task", "pair", "task_id", "id"].iter().find_map(|field| row.shift_remove(*field)) else {
            bail!("has neither `responses` (a task) nor `task` (the id of one); see `rewarden import --help`");
        };
        let name = plain(&name).context("field `task`: expected the id of a task, text or a number")?;
        let Some(tasks) = &self.tasks else {
            bail!("names task `{name}`, but no task file is given; name it with --tasks FILE");
        };
        let known =
            tasks.get(&name).with_context(|| format!("names task `{name}`, which is not in {}", self.tasks_file()))?;
        let samples = samples.unwrap_or_else(|| {
            // A value that cannot tell tasks apart would be lost with the task's second sample.
            let is_sample = |name: &str, value: &Value| SAMPLE_FIELDS.contains(&name) || plain(value).is_none();
            let mut sample = take(&mut row, is_sample);
            sample.extend(of_samples);
            vec![Value::Object(sample)]
        });
        // The same task under another judge or strategy is another task.
        let mut task = known.clone();
        for (field, value) in row {
            if let Some(value) = plain(&value) {
                task.id = format!("{}/{value}", task.id);
            }
            task.metadata.insert(field, value);
        }
        if task.id != name {
            task.metadata.insert("task".to_owned(), Value::String(name));
        }
        Ok((task, samples))
    }

    fn tasks_file(&self) -> String {
        self.args.tasks.as_deref().map(|path| path.display().to_string()).unwrap_or_default()
    }
}
