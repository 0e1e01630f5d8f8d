//! JSON lines.

use std::io::{BufRead as _, ErrorKind, Read};

use super::row::{ENDLESS_BYTES, MOST_BYTES, Row, RowFault, Stream, endless, row, too_long};
use crate::TableError;

pub(super) struct LineReader {
    name: String,
    reader: Stream,
    line: u64,
    bytes: Vec<u8>,
}

impl LineReader {
    /// Reads on after `line` lines.
    pub(super) fn new(name: String, reader: Stream, line: u64) -> Self {
        Self { name, reader, line, bytes: Vec::new() }
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Result<Row, RowFault>>, TableError> {
        loop {
            self.bytes.clear();
            let before = self.line;
            let failed = |error| TableError::Read { name: self.name.clone(), after: before, error };
            let read = self.reader.by_ref().take(MOST_BYTES + 1).read_until(b'\n', &mut self.bytes);
            if read.map_err(failed)? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if self.bytes.len() as u64 > MOST_BYTES && !self.bytes.ends_with(b"\n") {
                self.bytes = Vec::new();
                let rest = ENDLESS_BYTES - MOST_BYTES;
                let mut line = self.reader.by_ref().take(rest);
                let skipped = line.skip_until(b'\n').map_err(failed)? as u64;
                if skipped >= rest {
                    return Err(failed(endless(ENDLESS_BYTES)));
                }
                return Ok(Some(Err(too_long(self.line, MOST_BYTES + 1 + skipped))));
            }
            if !self.bytes.trim_ascii().is_empty() {
                return Ok(Some(row(self.line, self.bytes.trim_ascii_end(), "line")));
            }
        }
    }
}

/// How many lines are not blank.
pub(super) fn count_rows(mut reader: impl Read) -> std::io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let (mut rows, mut blank) = (0, true);
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok(rows + u64::from(!blank)),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
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
