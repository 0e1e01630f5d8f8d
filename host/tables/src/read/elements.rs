//! A JSON array, cut into the texts of its elements without parsing them.

use std::io::{BufRead as _, ErrorKind};

use super::row::{ENDLESS_BYTES, MOST_BYTES, Row, RowFault, Stream, endless, peek, row, too_long};
use crate::TableError;

pub(super) struct Elements {
    name: String,
    reader: Stream,
    number: u64,
    ended: bool,
}

impl Elements {
    /// Reads on after the opening bracket.
    pub(super) fn new(name: String, reader: Stream) -> Self {
        Self { name, reader, number: 0, ended: false }
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Result<Row, RowFault>>, TableError> {
        if self.ended {
            return Ok(None);
        }
        let next = self.next_byte()?;
        if next == Some(b']') {
            return self.end();
        }
        if self.number > 0 {
            if next != Some(b',') {
                return Err(self.broken("`,` or `]`", next));
            }
            self.reader.consume(1);
        }
        let next = self.next_byte()?;
        if matches!(next, None | Some(b',' | b']' | b'}')) {
            return Err(self.broken(if self.number == 0 { "a row or `]`" } else { "a row" }, next));
        }
        let (bytes, length) = self.element()?;
        self.number += 1;
        if length > MOST_BYTES {
            return Ok(Some(Err(too_long(self.number, length))));
        }
        Ok(Some(row(self.number, &bytes, "row")))
    }

    fn end(&mut self) -> Result<Option<Result<Row, RowFault>>, TableError> {
        self.reader.consume(1);
        match self.next_byte()? {
            None => {
                self.ended = true;
                Ok(None)
            }
            more => Err(self.broken("the end of the file after `]`", more)),
        }
    }

    /// The next element and how long it is. One that is too long is read over, and not kept.
    fn element(&mut self) -> Result<(Vec<u8>, u64), TableError> {
        let (mut bytes, mut length, mut scan) = (Vec::new(), 0_u64, Scan::default());
        loop {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed(error)),
            };
            if buffer.is_empty() {
                return Err(self.broken("the rest of the next row", None));
            }
            let end = scan.end(buffer);
            let taken = end.unwrap_or(buffer.len());
            length += taken as u64;
            if length > MOST_BYTES {
                bytes = Vec::new();
            } else {
                bytes.extend(buffer.iter().take(taken));
            }
            self.reader.consume(taken);
            if end.is_some() {
                return Ok((bytes, length));
            }
            if length > ENDLESS_BYTES {
                return Err(self.failed(endless(ENDLESS_BYTES)));
            }
        }
    }

    /// The next byte that is no white space, left where it is.
    fn next_byte(&mut self) -> Result<Option<u8>, TableError> {
        for _ in 0..ENDLESS_BYTES {
            match peek(&mut self.reader).map_err(|error| self.failed(error))? {
                Some(byte) if byte.is_ascii_whitespace() => self.reader.consume(1),
                other => return Ok(other),
            }
        }
        Err(self.failed(endless(ENDLESS_BYTES)))
    }

    fn failed(&self, error: std::io::Error) -> TableError {
        TableError::Read { name: self.name.clone(), after: self.number, error }
    }

    fn broken(&self, expected: &'static str, found: Option<u8>) -> TableError {
        let found = found.map_or_else(|| "the end of the file".to_owned(), |byte| format!("`{}`", byte.escape_ascii()));
        TableError::BrokenArray { name: self.name.clone(), after: self.number, expected, found }
    }
}

/// Where in an element the bytes so far have led.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl Scan {
    /// How many bytes of `buffer` belong to the element, if it ends there.
    fn end(&mut self, buffer: &[u8]) -> Option<usize> {
        for (at, byte) in buffer.iter().enumerate() {
            if self.in_text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth == 1 => return Some(at + 1),
                b',' | b']' | b'}' if self.depth == 0 => return Some(at),
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
        }
        None
    }
}
