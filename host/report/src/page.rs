//! The page about runs: its frame, and the tasks that are written into it one by one.

use std::io;

use rewarden_evaluate::Evaluation;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::ReportError;
use crate::escape::{html, script_json};
use crate::summary::sections;
use crate::task::{BrowsedTask, TaskVerdict};

const HEAD: &str = include_str!("page/head.html");
const BROWSER: &str = include_str!("page/browser.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/browse.js");

/// A block of tasks ends when it has this many bytes. The script parses one block at a time, so this bounds what
/// opening a task costs.
const BLOCK_BYTES: usize = 256 * 1024;

/// A page that is being written. Tasks go straight to the writer, in blocks: memory does not grow with their number.
///
/// The page that comes out is one file. It loads nothing, and its content security policy lets only its own script and
/// style act. When its script has rendered it, `<body>` has `data-ready="true"`, and `data-tasks` with the number of
/// tasks.
#[must_use = "a page is complete only after `finish`"]
#[derive(Debug)]
pub struct Page<W: io::Write> {
    out: W,
    /// Rows as JSON, separated by commas.
    block: String,
    tasks: u64,
    omitted: u64,
}

/// A row of the page's table.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    task: &'a BrowsedTask,
    /// One a run, in the order of `runs`.
    verdicts: Vec<TaskVerdict>,
}

/// The last block: how the script tells a page that was cut off.
#[derive(Serialize)]
struct End {
    tasks: u64,
    omitted: u64,
}

impl<W: io::Write> Page<W> {
    /// Writes the page's upper part: `title`, and the tables and charts of `evaluations`.
    ///
    /// # Errors
    /// [`ReportError::Write`]; the errors of [`crate::curve_svg`] and [`crate::histogram_svg`] for figures that have no
    /// place in a chart. Runs without labels or scores are no error: the page says so.
    pub fn begin(mut out: W, title: &str, evaluations: &[Evaluation]) -> Result<Self, ReportError> {
        let sections = sections(evaluations)?;
        let slots = [
            ("title", html(title)),
            ("policy", content_security_policy()),
            ("style", STYLE.to_owned()),
            ("runs", runs_line(evaluations)),
            ("sections", sections),
            ("browser", BROWSER.to_owned()),
        ];
        out.write_all(fill(HEAD, &slots).as_bytes())?;
        let names: Vec<String> = evaluations.iter().map(|evaluation| evaluation.name.clone()).collect();
        let mut page = Self { out, block: String::new(), tasks: 0, omitted: 0 };
        page.script_block("runs", &page_json("the runs' names", &names)?)?;
        Ok(page)
    }

    /// Adds a task to the table.
    ///
    /// # Errors
    /// [`ReportError::Write`], [`ReportError::Task`].
    pub fn task(&mut self, task: &BrowsedTask) -> Result<(), ReportError> {
        let verdicts = task.runs.iter().map(|run| task.verdict(run)).collect();
        let json = page_json(&task.id, &Row { task, verdicts })?;
        self.block.push(if self.block.is_empty() { '[' } else { ',' });
        self.block.push_str(&json);
        self.tasks += 1;
        if self.block.len() >= BLOCK_BYTES { self.end_block() } else { Ok(()) }
    }

    /// Notes that `tasks` more tasks exist than are written here, so that the page says so: browsers hold some 100 000
    /// tasks, runs may have more.
    pub fn omit(&mut self, tasks: u64) {
        self.omitted += tasks;
    }

    /// Ends the page and gives the writer back, flushed.
    ///
    /// # Errors
    /// [`ReportError::Write`].
    pub fn finish(mut self) -> Result<W, ReportError> {
        self.end_block()?;
        let end = page_json("the page's end", &End { tasks: self.tasks, omitted: self.omitted })?;
        self.script_block("end", &end)?;
        write!(self.out, "<script>{SCRIPT}</script>\n</body>\n</html>\n")?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn end_block(&mut self) -> Result<(), ReportError> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.block.push(']');
        let block = std::mem::take(&mut self.block);
        self.script_block("tasks", &block)
    }

    fn script_block(&mut self, kind: &str, json: &str) -> Result<(), ReportError> {
        Ok(writeln!(self.out, "<script type=\"application/json\" data-block=\"{kind}\">{json}</script>")?)
    }
}

fn page_json<T: Serialize>(id: &str, value: &T) -> Result<String, ReportError> {
    script_json(value).map_err(|source| ReportError::Task { id: id.to_owned(), source })
}

/// Only this script and this style sheet, by their hashes; no other source of anything, and no way from text to markup.
fn content_security_policy() -> String {
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        base64(&Sha256::digest(SCRIPT)),
        base64(&Sha256::digest(STYLE))
    )
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, place| bits << 8 | chunk.get(place).copied().map_or(0, u32::from));
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place) & 63) as usize;
            let letter = ALPHABET.get(index).filter(|_| place <= chunk.len()).copied().unwrap_or(b'=');
            out.push(char::from(letter));
        }
    }
    out
}

/// Replaces each `{{name}}` of a page part, in one pass: what is filled in is not looked through.
fn fill(part: &str, slots: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(part.len());
    let mut rest = part;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let slot = after.split_once("}}").and_then(|(name, rest)| {
            let (_, value) = slots.iter().find(|(slot, _)| *slot == name)?;
            Some((value, rest))
        });
        match slot {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out + rest
}

/// How much is on the page, in a line.
fn runs_line(evaluations: &[Evaluation]) -> String {
    let most = evaluations.iter().map(|evaluation| evaluation.overall.tasks).max();
    match (evaluations.len(), most) {
        (_, None) => "No runs.".to_owned(),
        (1, Some(tasks)) => format!("1 run of {tasks} tasks."),
        (runs, Some(tasks)) => format!("{runs} runs of up to {tasks} tasks."),
    }
}

#[cfg(test)]
mod tests;
