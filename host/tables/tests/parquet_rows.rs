//! Rows of Parquet files as other programs write them, through the public API.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int8Type};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use rewarden_tables::{RowReader, TableError};
use serde_json::{Value, json};

fn written(columns: Vec<(&str, ArrayRef)>) -> tempfile::NamedTempFile {
    // Every column nullable, as data frames write them.
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

fn read(path: &Path) -> Vec<String> {
    let mut reader = RowReader::open(path).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        let row = row.unwrap();
        rows.push(row.text);
        assert_eq!(row.number, rows.len() as u64);
    }
    assert_eq!(reader.rows(), Some(rows.len() as u64));
    rows
}

fn refused(column: &str, array: ArrayRef) -> (String, String) {
    let file = written(vec![("id", Arc::new(Int64Array::from(vec![1; array.len()]))), (column, array)]);
    match RowReader::open(file.path()).err().unwrap() {
        TableError::UnsupportedColumn { path, column, found } => {
            assert_eq!(path, file.path());
            (column, found)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn columns_become_fields_in_their_order_and_null_ones_are_left_out() {
    let file = written(vec![
        ("z", Arc::new(StringArray::from(vec![Some("q \"1\"\n\u{1F600}"), None]))),
        ("a", Arc::new(BooleanArray::from(vec![None, Some(true)]))),
        ("nothing", Arc::new(NullArray::new(2))),
        ("large", Arc::new(LargeStringArray::from(vec!["", "x"]))),
        ("view", Arc::new(StringViewArray::from(vec!["a view of a long enough text", "y"]))),
        ("word", Arc::new(vec![Some("same"), Some("same")].into_iter().collect::<DictionaryArray<Int8Type>>())),
    ]);
    assert_eq!(
        read(file.path()),
        [
            r#"{"z":"q \"1\"\n😀","large":"","view":"a view of a long enough text","word":"same"}"#,
            r#"{"a":true,"large":"x","view":"y","word":"same"}"#,
        ]
    );
}

#[test]
fn numbers_keep_every_digit() {
    let decimals = Decimal128Array::from(vec![12_345_678_901_234_567_890_123_450_i128]);
    let file = written(vec![
        ("most", Arc::new(UInt64Array::from(vec![u64::MAX]))),
        ("least", Arc::new(Int64Array::from(vec![i64::MIN]))),
        ("small", Arc::new(Int8Array::from(vec![-128]))),
        ("odd", Arc::new(Int64Array::from(vec![(1 << 53) + 1]))),
        ("single", Arc::new(Float32Array::from(vec![0.1]))),
        ("double", Arc::new(Float64Array::from(vec![0.1 + 0.2]))),
        ("huge", Arc::new(Float64Array::from(vec![f64::MAX]))),
        ("decimal", Arc::new(decimals.with_precision_and_scale(30, 2).unwrap())),
    ]);
    assert_eq!(
        read(file.path()),
        ["{\"most\":18446744073709551615,\"least\":-9223372036854775808,\"small\":-128,\"odd\":9007199254740993,\
          \"single\":0.1,\"double\":0.30000000000000004,\"huge\":1.7976931348623157e+308,\
          \"decimal\":123456789012345678901234.50}"]
    );
}

#[test]
fn dates_and_times_are_text() {
    let moment = 1_700_000_000_123;
    let file = written(vec![
        ("local", Arc::new(TimestampMillisecondArray::from(vec![moment]))),
        ("paris", Arc::new(TimestampMillisecondArray::from(vec![moment]).with_timezone("Europe/Paris"))),
        ("nanos", Arc::new(TimestampNanosecondArray::from(vec![1_700_000_000_000_000_001]))),
        ("day", Arc::new(Date32Array::from(vec![19_675]))),
        ("hour", Arc::new(Time64MicrosecondArray::from(vec![3_600_000_001]))),
    ]);
    let row: Value = serde_json::from_str(&read(file.path())[0]).unwrap();
    assert_eq!(
        row,
        json!({
            "local": "2023-11-14T22:13:20.123", "paris": "2023-11-14T22:13:20.123Z",
            "nanos": "2023-11-14T22:13:20.000000001", "day": "2023-11-14", "hour": "01:00:00.000001",
        })
    );
}

fn conversations() -> ListArray {
    let fields =
        Fields::from(vec![Field::new("role", DataType::Utf8, true), Field::new("content", DataType::Utf8, true)]);
    let messages = StructArray::new(
        fields.clone(),
        vec![
            Arc::new(StringArray::from(vec!["user", "assistant", "user"])),
            Arc::new(StringArray::from(vec![Some("2+2?"), Some("4"), None])),
        ],
        None,
    );
    let item = Arc::new(Field::new("element", DataType::Struct(fields), true));
    // Two messages, none, null, one.
    let offsets = OffsetBuffer::from_lengths([2, 0, 0, 1]);
    ListArray::new(item, offsets, Arc::new(messages), Some(vec![true, true, false, true].into()))
}

#[test]
fn conversations_are_lists_of_objects() {
    let file = written(vec![("prompt", Arc::new(conversations()))]);
    assert_eq!(
        read(file.path()),
        [
            r#"{"prompt":[{"role":"user","content":"2+2?"},{"role":"assistant","content":"4"}]}"#,
            r#"{"prompt":[]}"#,
            "{}",
            r#"{"prompt":[{"role":"user"}]}"#,
        ]
    );
}

#[test]
fn nulls_in_a_list_stay_and_maps_are_objects() {
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("a");
    map.values().append_value(1);
    map.keys().append_value("b");
    map.values().append_null();
    map.append(true).unwrap();
    let mut list = ListBuilder::new(Float64Builder::new());
    list.append_value([Some(1.5), None]);
    let file = written(vec![("map", Arc::new(map.finish())), ("list", Arc::new(list.finish()))]);
    assert_eq!(read(file.path()), [r#"{"map":{"a":1,"b":null},"list":[1.5,null]}"#]);
}

#[test]
fn a_float_that_is_not_finite_is_a_fault_of_its_row_that_names_the_column() {
    let mut list = ListBuilder::new(Float32Builder::new());
    list.append_value([Some(1.0)]);
    list.append_value([Some(1.0)]);
    list.append_value([Some(1.0), Some(f32::NEG_INFINITY)]);
    let file = written(vec![
        ("score", Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None]))),
        ("scores", Arc::new(list.finish())),
    ]);
    let mut reader = RowReader::open(file.path()).unwrap();
    let mut next = || reader.next_row().unwrap().unwrap();
    assert_eq!(next().unwrap().text, r#"{"score":1.0,"scores":[1.0]}"#);
    assert_eq!(next().unwrap_err().to_string(), "row 2, column `score`: expected a finite number, found NaN");
    let fault = next().unwrap_err();
    assert_eq!((fault.number, fault.column.as_deref()), (3, Some("scores")));
    assert_eq!(fault.message, "expected a finite number, found -inf");
    assert_eq!(reader.next_row().unwrap(), None);
}

#[test]
fn columns_without_a_counterpart_in_json_are_refused_by_name_and_type() {
    let bytes: ArrayRef = Arc::new(BinaryArray::from_vec(vec![b"\x89PNG"]));
    assert_eq!(refused("image", bytes.clone()), ("image".into(), "Binary".into()));
    let fields = Fields::from(vec![Field::new("bytes", DataType::Binary, true)]);
    let nested = StructArray::new(fields, vec![bytes], None);
    assert_eq!(refused("image", Arc::new(nested)), ("image.bytes".into(), "Binary".into()));
    let mut list = ListBuilder::new(FixedSizeBinaryBuilder::new(2));
    list.values().append_value(b"ab").unwrap();
    list.append(true);
    assert_eq!(refused("hashes", Arc::new(list.finish())), ("hashes[]".into(), "FixedSizeBinary(2)".into()));
    let mut map = MapBuilder::new(None, Int64Builder::new(), Int64Builder::new());
    map.append(true).unwrap();
    assert_eq!(refused("map", Arc::new(map.finish())).0, "map");
}

#[test]
fn the_name_of_the_file_does_not_matter() {
    let file = written(vec![("a", Arc::new(Int64Array::from(vec![1])))]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.jsonl");
    std::fs::copy(file.path(), &path).unwrap();
    assert_eq!(read(&path), [r#"{"a":1}"#]);
}

#[test]
fn a_codec_that_is_not_built_in_is_named() {
    // One column `text`, one row, written by pyarrow with compression="gzip".
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/gzip.parquet"));
    let error = RowReader::open(path).err().unwrap();
    assert!(
        matches!(&error, TableError::Compression { column, codec, .. } if column == "text" && codec == "GZIP"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let file = written(vec![("text", Arc::new(StringArray::from_iter_values((0..2000).map(|i| format!("row {i}")))))]);
    let whole = std::fs::read(file.path()).unwrap();
    for length in (4..whole.len()).step_by(97) {
        std::fs::write(file.path(), &whole[..length]).unwrap();
        let error = RowReader::open(file.path()).err().unwrap();
        assert!(matches!(&error, TableError::CorruptParquet { after: 0, .. }), "{length}: {error}");
    }
}

/// A file with pages of all sorts: texts with and without a dictionary, numbers and nested lists.
static VARIED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("prompt", Arc::new(conversations())),
        ("text", Arc::new(StringArray::from_iter_values((0..4).map(|row| format!("text {row}"))))),
        ("same", Arc::new(StringArray::from(vec!["a"; 4]))),
        ("score", Arc::new(Float64Array::from(vec![Some(0.5), None, Some(1.5), Some(2.5)]))),
        ("flag", Arc::new(BooleanArray::from(vec![true, false, true, true]))),
    ];
    std::fs::read(written(columns).path()).unwrap()
});

/// Opens and reads what may be a Parquet file, to its end or its first error.
fn tried(bytes: &[u8]) -> Result<u64, TableError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let mut reader = RowReader::open(file.path())?;
    let mut rows = 0;
    while reader.next_row()?.is_some() {
        rows += 1;
    }
    assert_eq!(reader.rows(), Some(rows));
    Ok(rows)
}

#[test]
fn a_footer_that_promises_more_rows_than_there_are_is_no_silent_loss() {
    // The footer's first fields are the version and the schema; the number of rows follows them. Where that is does
    // not matter: the byte is found by trying.
    let footer = VARIED.len() - 8 - u32::from_le_bytes(VARIED[VARIED.len() - 8..][..4].try_into().unwrap()) as usize;
    let promised = (footer..VARIED.len() - 8).find_map(|at| {
        let mut bytes = VARIED.clone();
        bytes[at] = 2 * 9;
        tried(&bytes).err().map(|error| error.to_string()).filter(|error| error.contains("promises 9 rows"))
    });
    let promised = promised.expect("a byte of the footer holds the number of rows");
    assert!(promised.contains("(after row 4)"), "{promised}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    // Some of these make the decoder panic, which must not come through.
    #[test]
    fn a_damaged_file_is_an_error_or_as_many_rows_as_it_says_but_never_a_crash(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bytes = VARIED.clone();
        for (at, byte) in damage {
            // The magic stays: without it this is no Parquet.
            let at = 4 + at.index(bytes.len() - 4);
            bytes[at] = byte;
        }
        if let Err(error) = tried(&bytes) {
            let expected = matches!(
                error,
                TableError::CorruptParquet { .. }
                    | TableError::Beyond { .. }
                    | TableError::UnsupportedColumn { .. }
                    | TableError::Compression { .. }
            );
            prop_assert!(expected, "{error}");
        }
    }
}

#[test]
fn a_sound_file_with_too_many_columns_is_not_called_damaged() {
    let names: Vec<String> = (0..1001).map(|index| format!("c{index}")).collect();
    let column = || Arc::new(StringArray::from(vec!["x"])) as ArrayRef;
    let file = written(names.iter().map(|name| (name.as_str(), column())).collect());
    let error = RowReader::open(file.path()).err().unwrap().to_string();
    let path = file.path().display();
    assert_eq!(error, format!("{path}: it has more than the 1000 columns allowed; leave some out"));
}
