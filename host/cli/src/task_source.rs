//! Task files, read row by row so that their size does not matter.

use std::collections::HashMap;
use std::io::BufReader;
use std::path::Path;

use anyhow::Result;
use rewarden_evaluate::{Protocol, dataset};
use rewarden_input::mended;
use rewarden_judge::{RowError, parse_row};
use rewarden_tables::{Row, RowReader};
use rewarden_types::{Task, strict_json};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// An open task file or standard input.
pub(crate) struct TaskSource {
    rows: RowReader,
    /// Line of each id (by a hash of it, since there may be millions), as a result must name one task.
    ids: HashMap<[u8; 16], u64>,
    dataset: Option<Protocol>,
}

impl TaskSource {
    /// Opens `path`, or standard input for `-`. Rows are in the form of `dataset`'s own files where one is given.
    pub(crate) fn open(path: &Path, dataset: Option<Protocol>) -> Result<Self> {
        let rows = if path == Path::new("-") {
            RowReader::from_reader("standard input", BufReader::new(std::io::stdin()))?
        } else {
            RowReader::open(path)?
        };
        Ok(Self { rows, ids: HashMap::new(), dataset })
    }

    /// Returns the number of rows if it is known before they are read.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.rows.rows()
    }

    /// The next row and its number. The outer error is the file's, and final; the inner one is the row's.
    pub(crate) fn next(&mut self) -> Result<Option<Result<(u64, Task), RowError>>> {
        Ok(self.rows.next_row()?.map(|row| match row {
            Ok(row) => self.task(row),
            Err(fault) => Err(RowError { line: fault.number, id: None, field: fault.column, message: fault.message }),
        }))
    }

    fn task(&mut self, Row { number: line, text }: Row) -> Result<(u64, Task), RowError> {
        let task = match self.dataset {
            None => parse_row(line, &text)?,
            Some(dataset) => parse_row(line, &mapped(dataset, line, &text)?)?,
        };
        let hash = hash(&task.id);
        if let Some(first) = self.ids.insert(hash, line) {
            self.ids.insert(hash, first);
            let message = format!("`{}` is the id of line {first} already; expected ids to be unique", task.id);
            return Err(RowError { line, id: Some(task.id), field: Some("id".into()), message });
        }
        Ok((line, task))
    }
}

/// A benchmark's own row as one of ours.
fn mapped(dataset: Protocol, line: u64, text: &str) -> Result<String, RowError> {
    let wrong = |field: Option<String>, message: String| RowError { line, id: None, field, message };
    let written = mended(text.as_bytes());
    let row = match std::str::from_utf8(&written).map_err(|error| error.to_string()).and_then(strict_json::value) {
        Ok(Value::Object(row)) => row,
        Ok(_) => return Err(wrong(None, "expected a JSON object, found another kind of JSON".to_owned())),
        Err(error) => return Err(wrong(None, format!("expected a JSON object: {error}"))),
    };
    match dataset::map_row(dataset, row) {
        Ok(row) => Ok(Value::Object(row).to_string()),
        Err(error) => Err(wrong(Some(error.field.clone()), error.to_string())),
    }
}

/// The first half of SHA-256: enough that two ids out of millions do not meet.
fn hash(id: &str) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    let mut half = [0; 16];
    half.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    half
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A task's id, or the line and field at fault.
    type Outcome = Result<String, (u64, Option<String>)>;

    fn rows(text: &[u8]) -> (Option<u64>, Vec<Outcome>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let mut source = TaskSource::open(file.path(), None).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = source.next().unwrap() {
            rows.push(row.map(|(_, task)| task.id).map_err(|error| (error.line, error.field)));
        }
        (source.rows(), rows)
    }

    #[test]
    fn a_bad_row_is_an_error_with_its_line_and_the_rows_after_it_are_still_read() {
        let text = b"\xef\xbb\xbf{\"id\":\"a\",\"prompt\":\"q\",\"responses\":[\"r\"]}\n\nnonsense\n\xff\n\
            {\"id\":\"a\",\"prompt\":\"q\",\"responses\":[\"r\"]}\n{\"prompt\":\"q\",\"responses\":[\"r\"]}";
        let (count, rows) = rows(text);
        assert_eq!(count, Some(5));
        assert_eq!(
            rows,
            [
                Ok("a".to_owned()),
                Err((3, None)),
                Err((4, None)),
                Err((5, Some("id".to_owned()))),
                Ok("line-6".to_owned()),
            ]
        );
    }
}
