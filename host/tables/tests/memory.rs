//! The size of a file does not matter: one test, since the peak it reads is the whole process's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use rewarden_tables::{Column, Format, Kind, RowReader, RowWriter};
use serde_json::json;

const ROWS: u64 = 50_000;
const TEXT: usize = 8 << 10;
/// Bytes: a sixth of the rows' own.
const ALLOWED: u64 = 64 << 20;

/// The most memory that the process has held, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

fn text(row: u64) -> String {
    format!("{row:08}").repeat(TEXT / 8)
}

fn read(path: &Path) {
    let mut reader = RowReader::open(path).unwrap();
    let mut rows = 0;
    while let Some(row) = reader.next_row().unwrap() {
        assert_eq!(row.unwrap().text.len(), r#"{"text":""}"#.len() + TEXT);
        rows += 1;
    }
    assert_eq!(rows, ROWS);
}

#[test]
fn writing_and_reading_400_megabytes_takes_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    let start = peak();
    for format in [Format::Parquet, Format::Jsonl] {
        let path = directory.path().join("rows");
        let mut writer = RowWriter::create(&path, format, vec![Column::required("text", Kind::Text)]).unwrap();
        for row in 0..ROWS {
            writer.write(&[json!(text(row))]).unwrap();
        }
        writer.finish().unwrap();
        let used = peak() - start;
        assert!(used < ALLOWED, "writing {format:?} took {} MiB", used >> 20);
        read(&path);
        let used = peak() - start;
        assert!(used < ALLOWED, "reading {format:?} took {} MiB", used >> 20);
    }
    // As some programs write it: all rows in one group.
    let path = directory.path().join("one group");
    let batch = |row| RecordBatch::try_from_iter([("text", Arc::new(StringArray::from(vec![text(row)])) as ArrayRef)]);
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch(0).unwrap().schema(), None).unwrap();
    for row in 0..ROWS {
        writer.write(&batch(row).unwrap()).unwrap();
    }
    assert_eq!(writer.close().unwrap().row_groups().len(), 1);
    let before = peak();
    read(&path);
    let used = peak() - before;
    assert!(used < ALLOWED, "reading one group took {} MiB", used >> 20);
}
