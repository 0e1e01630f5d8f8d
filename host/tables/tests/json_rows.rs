//! Rows of JSON lines and JSON arrays, through the public API.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rewarden_tables::{Row, RowFault, RowReader, TableError};

/// All rows that can be read, and the error that ended them, if one did.
fn drain(reader: &mut RowReader) -> (Vec<Result<Row, RowFault>>, Option<TableError>) {
    let mut rows = Vec::new();
    loop {
        match reader.next_row() {
            Ok(Some(row)) => rows.push(row),
            Ok(None) => return (rows, None),
            Err(error) => return (rows, Some(error)),
        }
    }
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn texts(rows: &[Result<Row, RowFault>]) -> Vec<(u64, &str)> {
    rows.iter().map(|row| row.as_ref().map(|row| (row.number, row.text.as_str())).unwrap()).collect()
}

/// Reads `bytes` as a file and as a stream that hands out one byte at a time, which must agree.
fn read(bytes: &[u8]) -> (Vec<Result<Row, RowFault>>, Option<String>) {
    let file = file(bytes);
    let (rows, error) = drain(&mut RowReader::open(file.path()).unwrap());
    let stream = BufReader::with_capacity(1, std::io::Cursor::new(bytes.to_vec()));
    let name = file.path().display().to_string();
    let (streamed, stream_error) = drain(&mut RowReader::from_reader(name, stream).unwrap());
    assert_eq!(rows, streamed);
    let [error, stream_error] = [error, stream_error].map(|error| error.map(|error| error.to_string()));
    assert_eq!(error, stream_error);
    (rows, error.map(|error| error.replace(&file.path().display().to_string(), "FILE")))
}

#[test]
fn lines_are_numbered_as_in_the_file_and_blank_ones_skipped() {
    let bytes = b"\xef\xbb\xbf{\"a\":1}\r\n\n  \t\n  {\"a\":2}\nnonsense\n{\"a\":3}";
    let (rows, error) = read(bytes);
    assert_eq!(texts(&rows), [(1, "{\"a\":1}"), (4, "  {\"a\":2}"), (5, "nonsense"), (6, "{\"a\":3}")]);
    assert_eq!(error, None);
    assert_eq!(RowReader::open(file(bytes).path()).unwrap().rows(), Some(4));
}

#[test]
fn a_first_row_after_blank_lines_keeps_its_line_and_its_indent() {
    let (rows, _) = read(b"\n \n  {\"a\":1}\n");
    assert_eq!(texts(&rows), [(3, "  {\"a\":1}")]);
}

#[test]
fn a_line_that_is_not_utf_8_is_a_fault_of_that_line_alone() {
    let (rows, error) = read(b"{\"a\":1}\n {\xff}\n{\"a\":3}\n");
    let fault = rows[1].as_ref().unwrap_err();
    assert_eq!((fault.number, fault.column.as_deref()), (2, None));
    assert_eq!(fault.to_string(), "row 2: expected UTF-8, found something else at byte 3 of the line");
    assert_eq!(rows[2].as_ref().unwrap().number, 3);
    assert_eq!(error, None);
}

#[test]
fn a_file_without_rows_has_none() {
    for bytes in [&b""[..], b"\n \n", b"\xef\xbb\xbf", b"[]", b" [ \n ] \n"] {
        assert_eq!(read(bytes), (vec![], None), "{}", bytes.escape_ascii());
    }
}

#[test]
fn the_elements_of_an_array_are_cut_apart_whatever_is_in_them() {
    let bytes = r#" [ {"a": "]},{[\"\\"} ,
        {"b": [1, {"c": []}]},"text, too", 3 ,null,[4,5]]
    "#;
    let (rows, error) = read(bytes.as_bytes());
    assert_eq!(
        texts(&rows).into_iter().map(|(number, text)| (number, text.trim_end())).collect::<Vec<_>>(),
        [
            (1, r#"{"a": "]},{[\"\\"}"#),
            (2, r#"{"b": [1, {"c": []}]}"#),
            (3, r#""text, too""#),
            (4, "3"),
            (5, "null"),
            (6, "[4,5]"),
        ]
    );
    assert_eq!(error, None);
    assert_eq!(RowReader::open(file(bytes.as_bytes()).path()).unwrap().rows(), None);
}

#[test]
fn a_row_of_an_array_that_is_not_utf_8_is_a_fault_of_that_row_alone() {
    let (rows, error) = read(b"[{\"a\":1},{\"\xff\":1},{\"a\":3}]");
    assert_eq!(rows[1].as_ref().unwrap_err().message, "expected UTF-8, found something else at byte 3 of the row");
    assert_eq!(rows[2].as_ref().unwrap().text, "{\"a\":3}");
    assert_eq!(error, None);
}

#[test]
fn a_broken_array_yields_its_whole_rows_and_then_says_where_it_breaks() {
    let broken = |bytes: &[u8]| {
        let (rows, error) = read(bytes);
        (rows.len(), error.unwrap())
    };
    let message = |after: &str, expected: &str, found: &str| {
        format!("the JSON array in FILE breaks off after {after}: expected {expected}, found {found}")
    };
    let end = "the end of the file";
    assert_eq!(broken(b"["), (0, message("its start", "a row or `]`", end)));
    assert_eq!(broken(b"[{\"a\":1},{\"a\":"), (1, message("row 1", "the rest of the next row", end)));
    assert_eq!(broken(b"[{\"a\":1}"), (1, message("row 1", "`,` or `]`", end)));
    assert_eq!(broken(b"[{\"a\":1} {\"a\":2}]"), (1, message("row 1", "`,` or `]`", "`{`")));
    assert_eq!(broken(b"[{\"a\":1},]"), (1, message("row 1", "a row", "`]`")));
    assert_eq!(broken(b"[{\"a\":1}]\n{}"), (1, message("row 1", "the end of the file after `]`", "`{`")));
}

#[test]
fn a_path_that_is_no_readable_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = RowReader::open(directory.path()).err().unwrap();
    assert!(matches!(&error, TableError::Directory { path } if path == directory.path()), "{error}");
    let missing = directory.path().join("missing.jsonl");
    let error = RowReader::open(&missing).err().unwrap();
    assert!(matches!(&error, TableError::NotFound { path } if *path == missing), "{error}");
    assert!(error.to_string().contains("missing.jsonl does not exist"), "{error}");
}

#[test]
fn a_stream_that_breaks_ends_the_rows_with_its_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the line went dead"))
        }
    }
    for (start, rows) in [("{\"a\":1}\n{\"a\":2", 1), ("[{\"a\":1},{\"a\":2", 1)] {
        let stream = BufReader::new(std::io::Cursor::new(start).chain(Broken));
        let (read, error) = drain(&mut RowReader::from_reader("standard input", stream).unwrap());
        assert_eq!(read.len(), rows);
        let expected = "cannot read standard input any further, after row 1: the line went dead";
        assert_eq!(error.unwrap().to_string(), expected);
    }
}

#[test]
fn parquet_from_a_pipe_is_refused_with_what_to_do() {
    let error = RowReader::from_reader("standard input", std::io::Cursor::new(b"PAR1....")).err().unwrap();
    assert!(matches!(&error, TableError::ParquetPipe { name } if name == "standard input"), "{error}");
}

/// Counts the bytes that its reader takes.
struct Counted<R> {
    inner: R,
    taken: Arc<AtomicUsize>,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.taken.fetch_add(read, Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken.fetch_add(amount, Ordering::Relaxed);
        self.inner.consume(amount);
    }
}

#[test]
fn no_byte_of_a_later_row_is_taken_before_its_turn() {
    const ROWS: usize = 50_000;
    for (open, between, close) in [("", "\n", "\n"), ("[", ",", "]")] {
        let rows = (0..ROWS).map(|row| format!("{{\"row\":{row}}}")).collect::<Vec<_>>();
        let bytes = format!("{open}{}{close}", rows.join(between));
        let taken = Arc::new(AtomicUsize::new(0));
        let stream = Counted { inner: std::io::Cursor::new(bytes), taken: taken.clone() };
        let mut reader = RowReader::from_reader("rows", stream).unwrap();
        let mut due = open.len();
        for expected in &rows {
            let row = reader.next_row().unwrap().unwrap().unwrap();
            assert_eq!(&row.text, expected);
            due += row.text.len() + between.len();
            assert!(taken.load(Ordering::Relaxed) <= due);
        }
        assert_eq!(reader.next_row().unwrap(), None);
    }
}

/// The same byte for ever, without a copy of it for each: what is measured is the reader.
struct Endless(Vec<u8>);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = buffer.len().min(self.0.len());
        buffer[..size].copy_from_slice(&self.0[..size]);
        Ok(size)
    }
}

impl BufRead for Endless {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        Ok(&self.0)
    }

    fn consume(&mut self, _: usize) {}
}

#[test]
fn input_without_an_end_ends_in_words() {
    let stream = std::io::Cursor::new("{\"a\":1}\n").chain(Endless(vec![b'x'; 1 << 20]));
    let (read, error) = drain(&mut RowReader::from_reader("standard input", stream).unwrap());
    assert_eq!(read.len(), 1);
    let expected = "cannot read standard input any further, after row 1: a row, or the blanks before it, has more than \
                    4294967296 bytes; expected rows that end with a line break, or one array";
    assert_eq!(error.unwrap().to_string(), expected);

    let blanks = RowReader::from_reader("standard input", Endless(vec![b' '; 1 << 20])).err().unwrap();
    let expected =
        "cannot read standard input any further, after its start: a row, or the blanks before it, has more than";
    assert!(blanks.to_string().starts_with(expected), "{blanks}");
}
