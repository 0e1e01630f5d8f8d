//! Task files, read line by line so that their size does not matter.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use rewarden_judge::{RowError, Task, parse_row};

/// An open task file or standard input.
pub(crate) struct TaskSource {
    reader: Box<dyn BufRead + Send>,
    line: u64,
    /// Line of each id, since a result must name one task.
    ids: HashMap<String, u64>,
    /// Rows in the file, where that could be counted.
    rows: Option<u64>,
}

impl TaskSource {
    /// Opens `path`, or standard input for `-`.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (reader, rows): (Box<dyn BufRead + Send>, _) = if path == Path::new("-") {
            (Box::new(BufReader::new(std::io::stdin())), None)
        } else {
            let file = || File::open(path).with_context(|| format!("cannot open the task file {}", path.display()));
            let opened = file()?;
            let metadata = opened.metadata().with_context(|| format!("cannot read {}", path.display()))?;
            if metadata.is_dir() {
                bail!("{} is a directory; expected a task file (JSONL, one object a line)", path.display());
            }
            // A pipe can be read once only.
            let rows = metadata.is_file().then(|| count_rows(BufReader::new(file()?))).transpose()?;
            (Box::new(BufReader::with_capacity(1 << 16, opened)), rows)
        };
        Ok(Self { reader, line: 0, ids: HashMap::new(), rows })
    }

    /// How many rows there are, where that is known before reading them.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// The next row, skipping empty lines. The outer error is the file's, and final; the inner one is the row's.
    pub(crate) fn next(&mut self) -> Result<Option<Result<Task, RowError>>> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = self.reader.read_until(b'\n', &mut bytes);
            if read.with_context(|| format!("reading the task file failed after line {}", self.line))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            let start = if self.line == 1 && bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
            let row = bytes.get(start..).unwrap_or_default();
            if !row.trim_ascii().is_empty() {
                return Ok(Some(self.row(row)));
            }
        }
    }

    fn row(&mut self, bytes: &[u8]) -> Result<Task, RowError> {
        let line = self.line;
        let text = std::str::from_utf8(bytes).map_err(|error| RowError {
            line,
            id: None,
            field: None,
            message: format!("expected UTF-8, found something else at byte {} of the line", error.valid_up_to() + 1),
        })?;
        let task = parse_row(line, text)?;
        if let Some(first) = self.ids.insert(task.id.clone(), line) {
            self.ids.insert(task.id.clone(), first);
            let message = format!("`{}` is the id of line {first} already; expected ids to be unique", task.id);
            return Err(RowError { line, id: Some(task.id), field: Some("id".into()), message });
        }
        Ok(task)
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

fn count_rows(mut reader: impl Read) -> Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let (mut rows, mut blank) = (0, true);
    loop {
        let read = reader.read(&mut buffer).context("cannot read the task file")?;
        if read == 0 {
            return Ok(rows + u64::from(!blank));
        }
        for byte in buffer.iter().take(read) {
            if *byte == b'\n' {
                rows += u64::from(!blank);
                blank = true;
            } else if !byte.is_ascii_whitespace() {
                blank = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A task's id, or the line and field at fault.
    type Row = Result<String, (u64, Option<String>)>;

    fn rows(text: &[u8]) -> (Option<u64>, Vec<Row>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let mut source = TaskSource::open(file.path()).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = source.next().unwrap() {
            rows.push(row.map(|task| task.id).map_err(|error| (error.line, error.field)));
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
