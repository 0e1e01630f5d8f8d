//! What was written reads back equal, whatever the values.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rewarden_tables::{Column, Format, Kind, RowReader, RowWriter};
use serde_json::{Map, Value, json};

const COLUMNS: [Column; 9] = [
    Column::required("id", Kind::Text),
    Column::optional("text", Kind::Text),
    Column::optional("integer", Kind::Integer),
    Column::optional("number", Kind::Number),
    Column::optional("flag", Kind::Flag),
    Column::optional("integers", Kind::Integers),
    Column::optional("numbers", Kind::Numbers),
    Column::optional("texts", Kind::Texts),
    Column::optional("json", Kind::Json),
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".*", "[\\x00-\\x1f\",\\\\\r\n=+@-]*", Just(String::new())]
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just((1 << 53) + 1)]
}

fn number() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        integer().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        number().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(prop_oneof![Just(Value::Null), inner.clone()], 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A value, or null.
fn maybe<T: std::fmt::Debug + Into<Value>>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = Value> {
    prop::option::of(strategy).prop_map(|value| value.map_or(Value::Null, Into::into))
}

fn row() -> impl Strategy<Value = Vec<Value>> {
    let list = || 0..4;
    let columns = (
        text(),
        maybe(text()),
        maybe(integer()),
        maybe(number()),
        maybe(any::<bool>()),
        maybe(prop::collection::vec(integer(), list())),
        maybe(prop::collection::vec(prop::option::of(number()), list())),
        maybe(prop::collection::vec(text(), list())),
        maybe(document()),
    );
    columns.prop_map(|(id, b, c, d, e, f, g, h, i)| vec![json!(id), b, c, d, e, f, g, h, i])
}

fn written(rows: &[Vec<Value>], format: Format) -> tempfile::TempPath {
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    let mut writer = RowWriter::create(&path, format, COLUMNS.to_vec()).unwrap();
    for row in rows {
        writer.write(row).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), rows.len() as u64);
    path
}

fn read(path: &std::path::Path) -> Vec<Map<String, Value>> {
    let mut reader = RowReader::open(path).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        rows.push(serde_json::from_str(&row.unwrap().text).unwrap());
    }
    assert_eq!(reader.rows(), Some(rows.len() as u64));
    rows
}

fn named(row: &[Value]) -> impl Iterator<Item = (String, Value)> {
    COLUMNS.iter().zip(row).map(|(column, value)| (column.name.to_owned(), value.clone()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parquet_reads_back_equal_without_the_nulls(rows in prop::collection::vec(row(), 0..40)) {
        let expected = rows.iter().map(|row| {
            let present = named(row).filter(|(_, value)| !value.is_null());
            let as_text = |(name, value): (String, Value)| {
                let value = if name == "json" { value.to_string().into() } else { value };
                (name, value)
            };
            present.map(as_text).collect::<Map<_, _>>()
        });
        prop_assert_eq!(read(&written(&rows, Format::Parquet)), expected.collect::<Vec<_>>());
    }

    #[test]
    fn json_lines_read_back_equal(rows in prop::collection::vec(row(), 0..40)) {
        let expected = rows.iter().map(|row| named(row).collect::<Map<_, _>>());
        prop_assert_eq!(read(&written(&rows, Format::Jsonl)), expected.collect::<Vec<_>>());
    }

    #[test]
    fn csv_reads_back_equal_with_lists_as_their_json_text(rows in prop::collection::vec(row(), 0..40)) {
        let path = written(&rows, Format::Csv);
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let names = COLUMNS.iter().map(|column| column.name);
        prop_assert!(reader.headers().unwrap().iter().eq(names));
        let read = reader.into_records().map(|record| record.unwrap()).collect::<Vec<_>>();
        prop_assert_eq!(read.len(), rows.len());
        for (record, row) in read.iter().zip(&rows) {
            for ((field, value), column) in record.iter().zip(row).zip(&COLUMNS) {
                match (value, column.kind) {
                    (Value::Null, _) => prop_assert_eq!(field, ""),
                    (Value::String(text), Kind::Text) => prop_assert_eq!(field, text),
                    _ => prop_assert_eq!(&serde_json::from_str::<Value>(field).unwrap(), value),
                }
            }
        }
    }
}
