//! Parquet files that promise more than a reader should hold: each is refused in words, or read in little memory. Each is
//! read by a process of its own, whose peak is then the reading's.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use rewarden_tables::RowReader;

const MEBI: u64 = 1 << 20;
/// Bytes that reading a hostile file may take, the process itself included.
const ALLOWED: u64 = 256 * MEBI;
/// Rows after which reading ends.
const ROWS: u64 = 300;
/// The file that a process of its own is to read.
const FILE: &str = "REWARDEN_TEST_FILE";

/// The most memory that the process has held, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

/// What came of a file: rows that could be read, faults of rows, and the error that ended it.
fn read(path: &Path) -> (u64, Vec<String>, Option<String>) {
    let mut reader = match RowReader::open(path) {
        Ok(reader) => reader,
        Err(error) => return (0, Vec::new(), Some(error.to_string())),
    };
    let (mut rows, mut faults) = (0, Vec::new());
    while rows < ROWS {
        match reader.next_row() {
            Ok(None) => break,
            Ok(Some(Ok(_))) => rows += 1,
            Ok(Some(Err(fault))) => faults.push(fault.to_string()),
            Err(error) => return (rows, faults, Some(error.to_string())),
        }
        if faults.len() > 20 {
            break;
        }
    }
    (rows, faults, None)
}

fn write(path: &Path, column: ArrayRef, properties: WriterProperties) {
    let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn zstd() -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(1).unwrap())
}

fn dictionary_pages() -> WriterProperties {
    let most = 1 << 30;
    WriterProperties::builder()
        .set_compression(zstd())
        .set_dictionary_page_size_limit(most)
        .set_data_page_size_limit(most)
        .set_data_page_row_count_limit(most)
        .build()
}

/// One text, `times` times, as a dictionary of one.
fn repeated(text: &str, times: usize) -> DictionaryArray<Int32Type> {
    DictionaryArray::new(Int32Array::from(vec![0; times]), Arc::new(StringArray::from(vec![text])))
}

/// The text of `size` bytes in each of `rows` rows.
fn a_text_in_every_row(path: &Path, size: usize, rows: usize) {
    write(path, Arc::new(repeated(&"x".repeat(size), rows)), dictionary_pages());
}

/// A text of `size` bytes, `times` times in the list of one row.
fn a_text_in_one_list(path: &Path, size: usize, times: usize) {
    let values = repeated(&"x".repeat(size), times);
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    let list = ListArray::new(item, OffsetBuffer::from_lengths([times]), Arc::new(values), None);
    write(path, Arc::new(list), dictionary_pages());
}

/// A small file with `change` made to its bytes.
fn changed(path: &Path, compression: Compression, change: impl FnOnce(&mut Vec<u8>)) {
    let properties = WriterProperties::builder().set_compression(compression).set_dictionary_enabled(false).build();
    write(path, Arc::new(StringArray::from(vec!["a text of some length"; 3])), properties);
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn zigzag(value: i64) -> Vec<u8> {
    varint(((value << 1) ^ (value >> 63)) as u64)
}

/// Puts another page size into the first page's header, at the same length: the header is read as a whole.
fn claim_page(bytes: &mut Vec<u8>, uncompressed: i64) {
    // `PAR1`, then fields 1 to 3 of the header, each a zigzag number behind 0x15.
    assert_eq!(bytes[4..7], [0x15, 0, 0x15], "another header than this test knows");
    let length = bytes[7..].iter().position(|byte| byte & 128 == 0).unwrap() + 1;
    let claimed = zigzag(uncompressed);
    let grown = claimed.len() - length;
    let next = 7 + claimed.len();
    bytes.splice(7..7 + length, claimed);
    // The header is longer now, so the page gives up as many bytes: the footer, which has their sum, is not changed.
    assert!(bytes[next] == 0x15 && bytes[next + 1] < 128, "another header than this test knows");
    bytes[next + 1] -= 2 * grown as u8;
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    let end = bytes.len() - 8 - footer;
    bytes.drain(end - grown..end);
}

/// A file of nothing but a footer.
fn footer_only(path: &Path, footer: &[u8]) {
    let mut file = std::fs::File::create(path).unwrap();
    file.write_all(b"PAR1").unwrap();
    file.write_all(footer).unwrap();
    file.write_all(&u32::try_from(footer.len()).unwrap().to_le_bytes()).unwrap();
    file.write_all(b"PAR1").unwrap();
}

/// `FileMetaData` with these schema elements, no rows and no row groups.
fn footer(elements: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0x15, 2, 0x19, 0xfc];
    bytes.extend(varint(elements.len() as u64));
    bytes.extend(elements.iter().flatten());
    bytes.extend([0x16, 0, 0x19, 0x0c, 0]);
    bytes
}

fn group(children: u64) -> Vec<u8> {
    // Field 3 repetition, 4 name, 5 number of children.
    let mut bytes = vec![0x35, 0, 0x18, 1, b'g', 0x15];
    bytes.extend(zigzag(children as i64));
    bytes.push(0);
    bytes
}

fn leaf() -> Vec<u8> {
    // Field 1 type INT32, 3 repetition, 4 name.
    vec![0x15, 2, 0x25, 0, 0x18, 1, b'c', 0]
}

struct Case {
    name: &'static str,
    make: Box<dyn Fn(&Path)>,
    /// What the file's or a row's error says; nothing for what is read as it is.
    says: &'static str,
}

fn case(name: &'static str, says: &'static str, make: impl Fn(&Path) + 'static) -> Case {
    Case { name, says, make: Box::new(make) }
}

fn cases() -> Vec<Case> {
    vec![
        case("a text of 1 MB in 300 rows", "", |path| a_text_in_every_row(path, 1 << 20, 300)),
        case("a text of 65 MB in 20 rows", "row 1, column `text`: expected a row of at most 67108864 bytes", |path| {
            a_text_in_every_row(path, 65 << 20, 20);
        }),
        case("a text of 200 MB", "column `text` is too large: pages of", |path| {
            a_text_in_every_row(path, 200 << 20, 20)
        }),
        case("a text of 1 MB, 1,000 times in a list", "row 1, column `text`: expected a row of at most", |path| {
            a_text_in_one_list(path, 1 << 20, 1000);
        }),
        case("a list of 10,000,000 texts", "more than the 500000 values allowed in one row, in row 1", |path| {
            a_text_in_one_list(path, 8, 10_000_000)
        }),
        case("texts that share all they have with the one before", "column `text.list.item` is too large", |path| {
            let text = "x".repeat(1 << 20);
            let values = StringArray::from_iter_values((0..600).map(|_| &text));
            let item = Arc::new(Field::new("item", DataType::Utf8, true));
            let list = ListArray::new(item, OffsetBuffer::from_lengths([600]), Arc::new(values), None);
            let properties = WriterProperties::builder()
                .set_dictionary_enabled(false)
                .set_encoding(Encoding::DELTA_BYTE_ARRAY)
                .set_data_page_size_limit(1 << 30)
                .build();
            write(path, Arc::new(list), properties);
        }),
        case("a page of zstd that claims 2 GB", "column `text` is too large: pages of", |path| {
            changed(path, zstd(), |bytes| claim_page(bytes, i64::from(i32::MAX)));
        }),
        case("a page of Snappy that claims 2 GB", "column `text` is too large: pages of", |path| {
            changed(path, Compression::SNAPPY, |bytes| claim_page(bytes, i64::from(i32::MAX)));
        }),
        case("a page that claims less than nothing", "is no whole Parquet file", |path| {
            changed(path, Compression::SNAPPY, |bytes| claim_page(bytes, -5_000_000));
        }),
        case("groups in groups, 500,000 deep", "its columns nest deeper than the 64 levels allowed", |path| {
            let mut elements = vec![group(1); 500_000];
            elements.push(leaf());
            footer_only(path, &footer(&elements));
        }),
        case("200,000 columns", "columns", |path| {
            let mut elements = vec![group(200_000)];
            elements.extend(vec![leaf(); 200_000]);
            footer_only(path, &footer(&elements));
        }),
        case("a list of 2,147,483,647 row groups", "is no whole Parquet file", |path| {
            let mut bytes = footer(&[group(1), leaf()]);
            bytes.truncate(bytes.len() - 3);
            bytes.extend([0x19, 0xfc]);
            bytes.extend(varint(i32::MAX as u64));
            bytes.push(0);
            footer_only(path, &bytes);
        }),
        case("a footer of 40 MB", "is no whole Parquet file", |path| {
            let mut bytes = footer(&[group(1), leaf()]);
            bytes.pop();
            // Field 5 of pairs of texts, here one whose key is long.
            bytes.extend([0x19, 0x1c, 0x18]);
            bytes.extend(varint(40 << 20));
            bytes.extend(vec![b'x'; 40 << 20]);
            bytes.extend([0, 0]);
            footer_only(path, &bytes);
        }),
    ]
}

#[test]
fn what_a_parquet_file_claims_costs_nothing_before_it_is_believed() {
    let directory = tempfile::tempdir().unwrap();
    // Made before anything is measured, since making them takes memory too.
    let files: Vec<(Case, PathBuf)> = cases()
        .into_iter()
        .enumerate()
        .map(|(index, case)| {
            let path = directory.path().join(format!("{index}.parquet"));
            (case.make)(&path);
            (case, path)
        })
        .collect();
    for (case, path) in &files {
        let started = Instant::now();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "a_process_of_its_own_reads_a_file"])
            .env(FILE, path)
            .output()
            .unwrap();
        let took = started.elapsed();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let found = printed.lines().find_map(|line| line.split_once("outcome ")).map(|(_, outcome)| outcome);
        let found = found.unwrap_or_else(|| panic!("{} ends the process: {output:?}", case.name));
        let (rows, used, said): (u64, u64, String) = serde_json::from_str(found).unwrap();
        println!("{}: {rows} rows, {} MiB, {took:?}: {said:.300}", case.name, used / MEBI);
        if case.says.is_empty() {
            assert_eq!((rows, said.as_str()), (ROWS, ""), "{}", case.name);
        } else {
            assert!(said.contains(case.says), "{}: {said}", case.name);
        }
        assert!(used < ALLOWED, "{} took {} MiB", case.name, used / MEBI);
        assert!(took.as_secs() < 10, "{} took {took:?}", case.name);
    }
}

#[test]
#[ignore = "the test above runs it for each file"]
fn a_process_of_its_own_reads_a_file() {
    let (rows, faults, error) = read(Path::new(&std::env::var_os(FILE).unwrap()));
    let said = error.or_else(|| faults.first().cloned()).unwrap_or_default();
    println!("outcome {}", serde_json::json!([rows, peak(), said]));
}

#[test]
fn wide_and_deep_tables_that_people_have_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wide.parquet");
    let fields: Vec<Field> = (0..500).map(|index| Field::new(format!("c{index}"), DataType::Utf8, false)).collect();
    let columns = (0..500).map(|_| Arc::new(StringArray::from(vec!["x", "y"])) as ArrayRef).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    assert_eq!(read(&path), (2, Vec::new(), None));
}

/// Files with lists, dictionaries and each encoding of texts whose lengths are read before the texts.
fn small_files(directory: &Path) -> Vec<Vec<u8>> {
    let encodings = [None, Some(Encoding::DELTA_BYTE_ARRAY), Some(Encoding::DELTA_LENGTH_BYTE_ARRAY)];
    let versions = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];
    let path = directory.join("small.parquet");
    let mut files = Vec::new();
    for (encoding, version) in encodings.into_iter().flat_map(|encoding| versions.map(|version| (encoding, version))) {
        let texts: StringArray = (0..60).map(|index| Some("abcdefgh".repeat(index % 5))).collect();
        let item = Arc::new(Field::new("item", DataType::Utf8, true));
        let lists = OffsetBuffer::from_lengths((0..20).map(|_| 3));
        let list = ListArray::new(item, lists, Arc::new(texts), None);
        let properties = WriterProperties::builder().set_compression(zstd()).set_writer_version(version);
        let properties = match encoding {
            None => properties,
            Some(encoding) => properties.set_dictionary_enabled(false).set_encoding(encoding),
        };
        write(&path, Arc::new(list), properties.set_data_page_row_count_limit(7).set_write_batch_size(7).build());
        assert_eq!(read(&path), (20, Vec::new(), None), "{encoding:?} {version:?}");
        files.push(std::fs::read(&path).unwrap());
    }
    files
}

#[test]
fn files_of_every_encoding_are_read_and_what_is_damaged_in_them_is_told_in_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    let files = small_files(directory.path());
    // Panics of the decoder are told as damage, and not on the terminal of who runs this.
    std::panic::set_hook(Box::new(|_| {}));
    let mut seed = 1_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let (path, mut told) = (directory.path().join("damaged.parquet"), 0);
    for _ in 0..1500 {
        let mut bytes = files[random(files.len())].clone();
        for _ in 0..=random(3) {
            let at = random(bytes.len() - 12) + 4;
            bytes[at] = match random(4) {
                0 => 255,
                1 => bytes[at] ^ (1 << random(8)),
                _ => random(256) as u8,
            };
        }
        std::fs::write(&path, bytes).unwrap();
        let (rows, faults, error) = read(&path);
        told += u32::from(error.is_some() || !faults.is_empty());
        assert!(rows <= ROWS);
    }
    let _ = std::panic::take_hook();
    assert!(told > 500, "{told} of 1500 damaged files were told");
    let used = peak();
    assert!(used < 2 * ALLOWED, "{} MiB", used / MEBI);
}
