//! `rewarden import`.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use rewarden_inference::Identity;
use rewarden_judge::parse_row;
use rewarden_record::{Budget, Drawn, Header, RunWriter, SamplingProvenance, Source, Task, TaskKey, strict_json};
use serde_json::{Map, Value};

use crate::args::ImportArgs;
use crate::console::err;
use crate::filter::plain;
use crate::progress::Progress;
use crate::recorded_sample::{RecordedSample, SAMPLE_FIELDS};
use crate::task_source::TaskSource;

/// Rows between two commits.
const COMMIT_EVERY: u64 = 1000;

/// Runs the command.
pub(crate) fn run(args: &ImportArgs) -> Result<ExitCode> {
    let tasks = args.tasks.as_deref().map(known_tasks).transpose()?;
    let mut rows = rewarden_tables::RowReader::open(&args.file)?;
    let drawn = Drawn {
        model: Identity {
            backend: "recorded".into(),
            model: args.model.clone(),
            digest: None,
            device: None,
            endpoint: None,
        },
        meta_model: None,
        sampling: SamplingProvenance { temperature: args.temperature, top_p: None, max_tokens: None },
        seed: 0,
        budget: Budget { max_samples: u32::MAX, ..Budget::default() },
    };
    let origin = args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let writer = RunWriter::open(&args.run, &Header::new(Source::Import, origin, drawn, None), &[])?;
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

struct Import<'a> {
    args: &'a ImportArgs,
    tasks: Option<HashMap<String, Task>>,
    writer: &'a RunWriter,
    /// Tasks that were begun by this import, with the number of their next sample.
    open: HashMap<String, (TaskKey, u32)>,
    /// Tasks that the run held samples of before.
    there: HashSet<String>,
    samples: u64,
    skipped: u64,
}

impl Import<'_> {
    fn row(&mut self, line: u64, text: &str) -> Result<()> {
        let row = strict_json(text).map_err(|error| anyhow!("expected a JSON object: {error}"))?;
        let Value::Object(row) = row else { bail!("expected a JSON object, found another kind of JSON") };
        let (mut task, samples) = self.task(line, row)?;
        for (name, value) in &self.args.fields {
            task.metadata.insert(name.clone(), Value::String(value.clone()));
        }
        if self.there.contains(&task.id) {
            self.skipped += samples.len() as u64;
            return Ok(());
        }
        let (key, mut next) = match self.open.get(&task.id) {
            Some(open) => *open,
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
        self.open.insert(task.id, (key, next));
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
