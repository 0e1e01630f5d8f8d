//! Tables written as JSON lines, CSV and Parquet, through the public API.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rewarden_tables::{Column, Format, Kind, RowReader, RowWriter, TableError};
use serde_json::{Value, json};

const FORMATS: [Format; 3] = [Format::Jsonl, Format::Csv, Format::Parquet];

fn columns() -> Vec<Column> {
    vec![
        Column::required("task", Kind::Text),
        Column::optional("winner", Kind::Integer),
        Column::optional("seconds", Kind::Number),
        Column::optional("tied", Kind::Flag),
        Column::optional("order", Kind::Integers),
        Column::optional("scores", Kind::Numbers),
        Column::optional("principles", Kind::Texts),
        Column::optional("metadata", Kind::Json),
    ]
}

fn row(values: Value) -> Vec<Value> {
    values.as_array().unwrap().clone()
}

fn two_rows() -> [Vec<Value>; 2] {
    [
        row(
            json!(["a \"b\",\nc", 9007199254740993_i64, 3, true, [1, 0], [0.5, null], ["x,y", ""], {"b": 1, "a": [null]}]),
        ),
        row(json!(["=1+1", null, null, null, [], null, null, null])),
    ]
}

fn write(path: &Path, format: Format) {
    let mut writer = RowWriter::create(path, format, columns()).unwrap();
    for row in two_rows() {
        writer.write(&row).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), 2);
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn json_lines_have_every_column_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.jsonl");
    write(&path, Format::Jsonl);
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        "{\"task\":\"a \\\"b\\\",\\nc\",\"winner\":9007199254740993,\"seconds\":3.0,\"tied\":true,\"order\":[1,0],\
         \"scores\":[0.5,null],\"principles\":[\"x,y\",\"\"],\"metadata\":{\"b\":1,\"a\":[null]}}\n\
         {\"task\":\"=1+1\",\"winner\":null,\"seconds\":null,\"tied\":null,\"order\":[],\"scores\":null,\
         \"principles\":null,\"metadata\":null}\n"
    );
}

#[test]
fn csv_quotes_after_rfc_4180_and_leaves_texts_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.csv");
    write(&path, Format::Csv);
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        "task,winner,seconds,tied,order,scores,principles,metadata\r\n\
         \"a \"\"b\"\",\nc\",9007199254740993,3.0,true,\"[1,0]\",\"[0.5,null]\",\"[\"\"x,y\"\",\"\"\"\"]\",\
         \"{\"\"b\"\":1,\"\"a\"\":[null]}\"\r\n\
         =1+1,,,,[],,,\r\n"
    );
}

#[test]
fn parquet_has_the_types_of_its_columns() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.parquet");
    write(&path, Format::Parquet);
    let file = std::fs::File::open(&path).unwrap();
    let builder = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let fields = builder.schema().fields().iter();
    let fields = fields.map(|field| format!("{} {} {}", field.name(), field.data_type(), field.is_nullable()));
    assert_eq!(
        fields.collect::<Vec<_>>(),
        [
            "task Utf8 false",
            "winner Int64 true",
            "seconds Float64 true",
            "tied Boolean true",
            "order List(non-null Int64, field: 'element') true",
            "scores List(Float64, field: 'element') true",
            "principles List(non-null Utf8, field: 'element') true",
            "metadata Utf8 true",
        ]
    );
    let mut reader = RowReader::open(&path).unwrap();
    assert_eq!(
        reader.next_row().unwrap().unwrap().unwrap().text,
        "{\"task\":\"a \\\"b\\\",\\nc\",\"winner\":9007199254740993,\"seconds\":3.0,\"tied\":true,\"order\":[1,0],\
         \"scores\":[0.5,null],\"principles\":[\"x,y\",\"\"],\"metadata\":\"{\\\"b\\\":1,\\\"a\\\":[null]}\"}"
    );
    assert_eq!(reader.next_row().unwrap().unwrap().unwrap().text, "{\"task\":\"=1+1\",\"order\":[]}");
}

#[test]
fn a_table_without_rows_is_a_whole_file() {
    let directory = tempfile::tempdir().unwrap();
    for (format, size) in [(Format::Jsonl, 0), (Format::Csv, 1)] {
        let path = directory.path().join("empty");
        assert_eq!(RowWriter::create(&path, format, columns()).unwrap().finish().unwrap(), 0);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), size);
    }
    let path = directory.path().join("empty.parquet");
    RowWriter::create(&path, Format::Parquet, columns()).unwrap().finish().unwrap();
    let mut reader = RowReader::open(&path).unwrap();
    assert_eq!((reader.rows(), reader.next_row().unwrap()), (Some(0), None));
}

#[test]
fn a_value_that_does_not_fit_is_named_and_its_row_left_out() {
    let bad = [
        ("task", json!(null), "expected text, found null"),
        ("task", json!(7), "expected text, found 7"),
        ("winner", json!(1.0), "expected a whole number from -2^63 to 2^63 - 1 or null, found 1.0"),
        (
            "winner",
            json!(u64::MAX),
            "expected a whole number from -2^63 to 2^63 - 1 or null, found 18446744073709551615",
        ),
        (
            "seconds",
            json!(9007199254740993_i64),
            "expected a number that a 64-bit float holds exactly or null, found 9007199254740993",
        ),
        ("tied", json!("yes"), "expected true or false or null, found \"yes\""),
        ("order", json!([0, null]), "expected a list of whole numbers from -2^63 to 2^63 - 1 or null, found [0,null]"),
        (
            "scores",
            json!([1, "2"]),
            "expected a list of nulls and of numbers that a 64-bit float holds exactly or null, found [1,\"2\"]",
        ),
        (
            "principles",
            json!("é".repeat(90)),
            &format!("expected a list of texts or null, found \"{}…", "é".repeat(59)),
        ),
    ];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    for format in FORMATS {
        let mut writer = RowWriter::create(&path, format, columns()).unwrap();
        let [first, second] = two_rows();
        writer.write(&first).unwrap();
        for (column, value, message) in &bad {
            let at = columns().iter().position(|other| other.name == *column).unwrap();
            let mut row = first.clone();
            row[at] = value.clone();
            let error = writer.write(&row).unwrap_err();
            assert!(matches!(error, TableError::Value { row: 2, .. }));
            assert_eq!(error.to_string(), format!("row 2, column `{column}`: {message}"));
        }
        let error = writer.write(&first[1..]).unwrap_err();
        assert!(matches!(error, TableError::Width { row: 2, expected: 8, found: 7 }), "{error}");
        writer.write(&second).unwrap();
        assert_eq!(writer.finish().unwrap(), 2);
        let written = std::fs::read(&path).unwrap();
        write(&path, format);
        assert!(written == std::fs::read(&path).unwrap(), "{format:?}: the refused rows left a trace");
    }
}

#[test]
fn until_it_is_finished_a_table_leaves_what_was_there_before() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    for format in FORMATS {
        std::fs::write(&path, "before").unwrap();
        let mut writer = RowWriter::create(&path, format, columns()).unwrap();
        writer.write(&two_rows()[0]).unwrap();
        drop(writer);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(names(directory.path()), ["out"]);
        write(&path, format);
        assert_ne!(std::fs::read(&path).unwrap(), b"before");
        assert_eq!(names(directory.path()), ["out"]);
    }
}

#[cfg(unix)]
#[test]
fn a_table_is_as_readable_as_any_new_file_and_a_link_to_it_stays_a_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let [plain, target, link] = ["plain", "target", "link"].map(|name| directory.path().join(name));
    std::fs::write(&plain, "").unwrap();
    std::fs::write(&target, "before").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    write(&link, Format::Jsonl);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_ne!(std::fs::read_to_string(&target).unwrap(), "before");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
    assert_eq!(mode(&target), mode(&plain));
}

#[test]
fn a_place_where_no_file_can_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = RowWriter::create(directory.path(), Format::Csv, columns()).err().unwrap();
    assert!(matches!(&error, TableError::Directory { path } if path == directory.path()), "{error}");
    let path = directory.path().join("missing/out.csv");
    let error = RowWriter::create(&path, Format::Csv, columns()).err().unwrap();
    assert!(matches!(&error, TableError::Create { path: at, .. } if *at == path), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_ends_the_writing() {
    for format in FORMATS {
        let full = Path::new("/dev/full");
        let row = row(json!(["x".repeat(1 << 20), null, null, null, null, null, null, null]));
        let mut writer = RowWriter::create(full, format, columns()).unwrap();
        let error = (0..4).find_map(|_| writer.write(&row).err());
        // Parquet keeps a group until it is full.
        let error = error.unwrap_or_else(|| writer.finish().unwrap_err());
        let expected =
            "cannot write /dev/full: No space left on device (os error 28); make room, or write to another disk";
        assert_eq!(error.to_string(), expected, "{format:?}");
    }
}

/// Takes `room` bytes and then fails.
#[derive(Clone)]
struct Filling {
    room: Arc<Mutex<usize>>,
}

impl Write for Filling {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut room = self.room.lock().unwrap();
        if *room < bytes.len() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        *room -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_failure_nothing_more_is_written() {
    for format in [Format::Jsonl, Format::Csv] {
        let room = Arc::new(Mutex::new(1 << 17));
        let mut writer =
            RowWriter::to_writer("standard output", Filling { room: room.clone() }, format, columns()).unwrap();
        let error = (0..).find_map(|_| writer.write(&two_rows()[0]).err()).unwrap();
        assert!(matches!(&error, TableError::Write { name, .. } if name == "standard output"), "{error}");
        *room.lock().unwrap() = usize::MAX;
        let error = writer.write(&two_rows()[0]).unwrap_err();
        assert!(matches!(error, TableError::Stopped { .. }), "{error}");
        let error = writer.finish().unwrap_err();
        assert!(matches!(error, TableError::Stopped { .. }), "{error}");
        assert_eq!(*room.lock().unwrap(), usize::MAX);
    }
}
