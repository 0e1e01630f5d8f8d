//! Rows of task files and imports: each is a task or is refused by its number, and the rows after it are still read.
#![no_main]

use std::io::Write as _;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rewarden_fuzz::{Choices, damaged};
use rewarden_judge::parse_row;
use rewarden_tables::{Column, Format, Kind, RowReader, RowWriter};

static DIRECTORY: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));

/// A Parquet file of three tasks.
static PARQUET: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = DIRECTORY.path().join("base.parquet");
    let columns = vec![
        Column::required("id", Kind::Text),
        Column::required("prompt", Kind::Text),
        Column::required("n", Kind::Integer),
    ];
    let mut writer = RowWriter::create(&path, Format::Parquet, columns).expect("a writer");
    for row in 0..3 {
        writer.write(&[format!("t{row}").into(), "2+2?".into(), row.into()]).expect("a row");
    }
    writer.finish().expect("a file");
    std::fs::read(path).expect("the file's bytes")
});

fuzz_target!(|data: &[u8]| {
    let path = DIRECTORY.path().join("rows");
    let bytes = match data.first() {
        Some(0) => damaged(&PARQUET, Choices(data)),
        _ => data.to_vec(),
    };
    std::fs::File::create(&path).and_then(|mut file| file.write_all(&bytes)).expect("a writable file");
    let Ok(mut rows) = RowReader::open(&path) else { return };
    let mut last = 0;
    // A damaged footer may promise rows without end that hold nothing.
    for _ in 0..1000 {
        match rows.next_row() {
            Ok(Some(Ok(row))) => {
                assert!(row.number > last, "{} after {last}", row.number);
                last = row.number;
                if let Err(error) = parse_row(row.number, &row.text) {
                    assert!(error.line == row.number && !error.message.is_empty());
                }
            }
            Ok(Some(Err(fault))) => {
                assert!(fault.number > last && !fault.message.is_empty());
                last = fault.number;
            }
            Ok(None) => break,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                break;
            }
        }
    }
});
