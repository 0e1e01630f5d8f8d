//! Where result rows and samples go.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use rewarden_judge::RowError;
use rewarden_record::{Provenance, Verdict};
use rewarden_types::Task;
use serde::Serialize;

use crate::console::{self, Escaping, line};
use crate::options::{OutputOptions, ResultFormat};
use crate::{display, output_path};

/// The open outputs of one run.
pub(crate) struct Output {
    rows: Option<Lines>,
    samples: Option<Lines>,
    table: bool,
}

struct Lines {
    writer: Box<dyn Write + Send>,
    name: String,
}

#[derive(Serialize)]
struct ErrorRow<'a> {
    id: Option<&'a str>,
    line: u64,
    scores: Option<()>,
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    message: &'a str,
}

impl Output {
    /// Refuses to overwrite the task file that is being read, and to write two outputs into one file.
    pub(crate) fn check(options: &OutputOptions, tasks: &Path) -> Result<()> {
        let outputs = [
            ("--run", options.run.as_deref()),
            ("--out", options.out.as_deref()),
            ("--samples", options.samples.as_deref()),
        ];
        output_path::check(&outputs, &[tasks])
    }

    /// Opens the files.
    pub(crate) fn open(options: &OutputOptions) -> Result<Self> {
        let terminal = io::stdout().is_terminal();
        let format = options.format.unwrap_or(if terminal { ResultFormat::Table } else { ResultFormat::Jsonl });
        let rows = match (&options.out, format) {
            (Some(path), _) => Some(Lines::create(path)?),
            (None, ResultFormat::Jsonl) => Some(Lines { writer: console::data(), name: "stdout".into() }),
            (None, ResultFormat::Table) => None,
        };
        // With --out, stdout is free for the table: shown to a person, or when asked for.
        let table = match options.format {
            Some(format) => format == ResultFormat::Table,
            None => terminal && !options.quiet,
        };
        let samples = options.samples.as_deref().map(Lines::create).transpose()?;
        Ok(Self { rows, samples, table })
    }

    /// Opens the files of a replay. Rows go to stdout where `rows` are wanted and have no file.
    pub(crate) fn of_replay(out: Option<&Path>, samples: Option<&Path>, rows: bool) -> Result<Self> {
        let rows = match out {
            Some(path) => Some(Lines::create(path)?),
            None => rows.then(|| Lines { writer: Box::new(BufWriter::new(console::data())), name: "stdout".into() }),
        };
        let samples = samples.map(Lines::create).transpose()?;
        Ok(Self { rows, samples, table: false })
    }

    /// Writes what became of a task, at once.
    pub(crate) fn verdict(&mut self, task: &Task, verdict: &Verdict, provenance: &Provenance) -> Result<()> {
        self.verdict_buffered(task, verdict, provenance)?;
        self.flush()
    }

    /// Writes what became of a task, some time before [`finish`](Output::finish).
    pub(crate) fn verdict_buffered(&mut self, task: &Task, verdict: &Verdict, provenance: &Provenance) -> Result<()> {
        if let Some(samples) = &mut self.samples {
            for row in verdict.sample_rows() {
                samples.write(&row)?;
            }
        }
        if let Some(rows) = &mut self.rows {
            rows.write(&verdict.row(provenance))?;
        }
        if self.table {
            Escaping(io::stdout().lock()).write_all(display::verdict(task, verdict).as_bytes())?;
        }
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()
    }

    /// Writes what is wrong with a row.
    pub(crate) fn error(&mut self, error: &RowError) -> Result<()> {
        if let Some(rows) = &mut self.rows {
            rows.write(&ErrorRow {
                id: error.id.as_deref(),
                line: error.line,
                scores: None,
                error: ErrorBody { kind: "bad_row", field: error.field.as_deref(), message: &error.message },
            })?;
        }
        if self.table {
            writeln!(io::stdout(), "{}\n", line(&error.to_string()))?;
        }
        self.flush()
    }

    /// Every row is worth keeping at once: samples are expensive, and the run may be stopped at any moment.
    fn flush(&mut self) -> Result<()> {
        for lines in self.rows.iter_mut().chain(&mut self.samples) {
            lines.writer.flush().with_context(|| format!("cannot write to {}", lines.name))?;
        }
        Ok(())
    }
}

impl Lines {
    fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write to {}", path.display()))?;
        Ok(Self { writer: Box::new(BufWriter::new(file)), name: path.display().to_string() })
    }

    fn write(&mut self, row: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(row).context("a result row cannot be written as JSON")?;
        line.push(b'\n');
        self.writer.write_all(&line).with_context(|| format!("cannot write to {}", self.name))
    }
}
