//! Looks through a GGUF file before an engine does.
//!
//! The engine believes every length in the file: one that says that it has 2^60 metadata entries, or a name of 2^62
//! bytes, makes it ask for that much memory, and the process ends. Here each count is compared with what is left of the
//! file before anything is read by it. The format is llama.cpp's: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Most metadata entries and most tensors. The largest models have some 2,000 tensors.
const MOST_ENTRIES: u64 = 100_000;
/// Most bytes of a key or a tensor's name; the format says 65,535.
const LONGEST_NAME: u64 = 65_535;
/// Most bytes of one text among the metadata.
const LONGEST_TEXT: u64 = 16 << 20;
/// Most bytes of the chat template, which the engine renders without a budget.
const LONGEST_TEMPLATE: u64 = 1 << 20;
/// Levels of arrays within arrays; the format names none beyond one.
const DEEPEST: u32 = 4;
/// Most dimensions of a tensor; llama.cpp has 4.
const MOST_DIMENSIONS: u32 = 8;
/// Largest numbers that size what the engine allocates, by the end of their key: far above every model that there is.
const LARGEST: [(&str, u64); 7] = [
    (".block_count", 10_000),
    (".context_length", 1 << 24),
    (".embedding_length", 1 << 20),
    (".feed_forward_length", 1 << 24),
    (".attention.head_count", 1 << 16),
    (".attention.head_count_kv", 1 << 16),
    (".expert_count", 1 << 16),
];

/// Why a file is no GGUF file that an engine should get.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The system does not let it be read.
    #[error(transparent)]
    Io(io::Error),
    /// The file ends before something that it announces does.
    #[error(
        "{what} needs {needed} bytes, found {left} until the end of the file; it is damaged or was cut off: fetch it again"
    )]
    Cut {
        /// What was to be read.
        what: String,
        /// Bytes that it says it has.
        needed: u64,
        /// Bytes that there are.
        left: u64,
    },
    /// It says something that no model says.
    #[error("{what}: expected {expected}, found {found}")]
    Value {
        /// Which value.
        what: String,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
}

/// Checks the file at `path`: its header, metadata and table of tensors, not the weights.
///
/// # Errors
/// Returns the first thing that does not fit.
pub fn check(path: &Path) -> Result<(), GgufError> {
    let file = File::open(path).map_err(GgufError::Io)?;
    let length = file.metadata().map_err(GgufError::Io)?.len();
    check_bytes(BufReader::new(file), length)
}

/// Checks as [`check`] does, for a file of `length` bytes that `input` reads.
///
/// # Errors
/// As [`check`].
pub fn check_bytes(input: impl Read + Seek, length: u64) -> Result<(), GgufError> {
    let mut reader = Reader { input, length, at: 0, narrow: false };
    let magic = reader.array::<4>("the magic number")?;
    if &magic != b"GGUF" {
        return Err(value("the magic number", "`GGUF`", String::from_utf8_lossy(&magic).escape_debug()));
    }
    let version = reader.u32("the version")?;
    if !(1..=3).contains(&version) {
        return Err(value("the version", "1, 2 or 3", version));
    }
    reader.narrow = version == 1;
    let tensors = reader.count("the number of tensors", 24)?;
    let entries = reader.count("the number of metadata entries", 12)?;
    let (mut known, mut alignment) = (HashSet::new(), 32);
    for _ in 0..entries {
        let key = reader.text("a metadata key", LONGEST_NAME)?;
        reader.entry(&key, &mut alignment)?;
        if !known.insert(key.clone()) {
            return Err(value(&shown(&key), "each metadata key once", "it twice"));
        }
    }
    let mut ends = Vec::new();
    known.clear();
    for _ in 0..tensors {
        let name = reader.text("a tensor's name", LONGEST_NAME)?;
        let (offset, bytes) = reader.tensor(&name)?;
        ends.push((name.clone(), offset.saturating_add(bytes)));
        if !known.insert(name.clone()) {
            return Err(value(&format!("tensor {}", shown(&name)), "each tensor once", "it twice"));
        }
    }
    let start = reader.at.next_multiple_of(alignment);
    for (name, end) in ends {
        let needed = start.saturating_add(end);
        if needed > length {
            let what = format!("tensor {}, with all that comes before it,", shown(&name));
            return Err(GgufError::Cut { what, needed, left: length });
        }
    }
    Ok(())
}

fn value(what: &str, expected: impl ToString, found: impl ToString) -> GgufError {
    GgufError::Value { what: what.to_owned(), expected: expected.to_string(), found: found.to_string() }
}

/// A name from the file, for messages.
fn shown(name: &str) -> String {
    let short: String = name.chars().take(100).collect();
    format!("`{}`", short.escape_debug())
}

/// A place in the file.
struct Reader<R> {
    input: R,
    length: u64,
    at: u64,
    /// Whether lengths have 32 bits, as in version 1.
    narrow: bool,
}

impl<R: Read + Seek> Reader<R> {
    /// Says whether `needed` more bytes are there.
    fn need(&self, what: &str, needed: u64) -> Result<(), GgufError> {
        let left = self.length.saturating_sub(self.at);
        if needed > left {
            return Err(GgufError::Cut { what: what.to_owned(), needed, left });
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        self.need(what, N as u64)?;
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(GgufError::Io)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn length(&mut self, what: &str) -> Result<u64, GgufError> {
        if self.narrow { self.u32(what).map(u64::from) } else { self.array(what).map(u64::from_le_bytes) }
    }

    /// A number of things of at least `each` bytes.
    fn count(&mut self, what: &str, each: u64) -> Result<u64, GgufError> {
        let count = self.length(what)?;
        if count > MOST_ENTRIES {
            return Err(value(what, format!("at most {MOST_ENTRIES}"), count));
        }
        self.need(what, count * each)?;
        Ok(count)
    }

    fn skip(&mut self, what: &str, bytes: u64) -> Result<(), GgufError> {
        self.need(what, bytes)?;
        self.at += bytes;
        self.input.seek(SeekFrom::Start(self.at)).map(|_| ()).map_err(GgufError::Io)
    }

    fn sized(&mut self, what: &str, most: u64) -> Result<u64, GgufError> {
        let length = self.length(what)?;
        if length > most {
            return Err(value(what, format!("at most {most} bytes"), format!("{length} bytes")));
        }
        self.need(what, length)?;
        Ok(length)
    }

    fn text(&mut self, what: &str, most: u64) -> Result<String, GgufError> {
        let length = self.sized(what, most)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.input.read_exact(&mut bytes).map_err(GgufError::Io)?;
        self.at += length;
        String::from_utf8(bytes).map_err(|_| value(what, "UTF-8", "other bytes"))
    }

    /// The value of a metadata entry.
    fn entry(&mut self, key: &str, alignment: &mut u64) -> Result<(), GgufError> {
        let what = format!("metadata {}", shown(key));
        let kind = self.u32(&what)?;
        let number = match kind {
            4 => Some(u64::from(self.u32(&what)?)),
            10 => Some(u64::from_le_bytes(self.array(&what)?)),
            8 => {
                let most = if key.starts_with("tokenizer.chat_template") { LONGEST_TEMPLATE } else { LONGEST_TEXT };
                let length = self.sized(&what, most)?;
                self.skip(&what, length)?;
                None
            }
            kind => {
                self.value(&what, kind, DEEPEST)?;
                None
            }
        };
        let Some(number) = number else { return Ok(()) };
        if key == "general.alignment" {
            if !number.is_power_of_two() || number > 1 << 20 {
                return Err(value(&what, "a power of two, at most 1048576", number));
            }
            *alignment = number;
        }
        match LARGEST.iter().find(|(end, _)| key.ends_with(end)) {
            Some((_, most)) if number > *most => Err(value(&what, format!("at most {most}"), number)),
            _ => Ok(()),
        }
    }

    fn value(&mut self, what: &str, kind: u32, levels: u32) -> Result<(), GgufError> {
        if let Some(bytes) = fixed(kind) {
            return self.skip(what, bytes);
        }
        match kind {
            8 => {
                let length = self.sized(what, LONGEST_TEXT)?;
                self.skip(what, length)
            }
            9 if levels > 0 => {
                let kind = self.u32(what)?;
                let count = self.length(what)?;
                if let Some(bytes) = fixed(kind) {
                    return self.skip(what, count.saturating_mul(bytes));
                }
                // Of its kinds only texts and arrays are left, and either has a length of its own.
                self.need(what, count.saturating_mul(if self.narrow { 4 } else { 8 }))?;
                (0..count).try_for_each(|_| self.value(what, kind, levels - 1))
            }
            9 => Err(value(what, format!("arrays at most {DEEPEST} deep"), "a deeper one")),
            other => Err(value(what, "a type from 0 to 12", other)),
        }
    }

    /// Where a tensor's weights begin, counted from the first tensor's, and how many bytes they have.
    fn tensor(&mut self, name: &str) -> Result<(u64, u64), GgufError> {
        let what = format!("tensor {}", shown(name));
        let dimensions = self.u32(&what)?;
        if dimensions > MOST_DIMENSIONS {
            return Err(value(&what, format!("at most {MOST_DIMENSIONS} dimensions"), dimensions));
        }
        let mut elements = 1_u64;
        for _ in 0..dimensions {
            elements = elements
                .checked_mul(self.length(&what)?)
                .ok_or_else(|| value(&what, "fewer than 2^64 elements", "more"))?;
        }
        // The type. The engine knows all of them; none takes less than a byte for eight elements.
        self.u32(&what)?;
        let offset = u64::from_le_bytes(self.array(&what)?);
        Ok((offset, elements / 8))
    }
}

/// Bytes of a value of this type; `None` for texts, arrays and types that do not exist.
fn fixed(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    }

    /// A file of version 3 with this metadata (key, type and value) and these tensors (name, dimensions, offset).
    fn file(metadata: &[(&str, u32, Vec<u8>)], tensors: &[(&str, &[u64], u64)], weights: usize) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3_u32.to_le_bytes());
        file.extend((tensors.len() as u64).to_le_bytes());
        file.extend((metadata.len() as u64).to_le_bytes());
        for (key, kind, value) in metadata {
            file.extend(text(key));
            file.extend(kind.to_le_bytes());
            file.extend(value);
        }
        for (name, dimensions, offset) in tensors {
            file.extend(text(name));
            file.extend((dimensions.len() as u32).to_le_bytes());
            dimensions.iter().for_each(|dimension| file.extend(dimension.to_le_bytes()));
            file.extend(8_u32.to_le_bytes());
            file.extend(offset.to_le_bytes());
        }
        file.resize(file.len().next_multiple_of(32) + weights, 0);
        file
    }

    fn told(bytes: &[u8]) -> Result<(), String> {
        check_bytes(Cursor::new(bytes), bytes.len() as u64).map_err(|error| error.to_string())
    }

    fn sound() -> Vec<u8> {
        let tokens = [8_u32.to_le_bytes().to_vec(), 2_u64.to_le_bytes().to_vec(), text("a"), text("b")].concat();
        let metadata = [
            ("general.architecture", 8, text("llama")),
            ("llama.block_count", 4, 30_u32.to_le_bytes().to_vec()),
            ("tokenizer.ggml.tokens", 9, tokens),
        ];
        file(&metadata, &[("a.weight", &[64, 2], 0), ("b.weight", &[64], 160)], 256)
    }

    #[test]
    fn a_sound_file_passes_and_one_that_is_cut_anywhere_says_so() {
        let sound = sound();
        assert_eq!(told(&sound), Ok(()));
        let header = sound.len() - 256;
        for length in 0..header {
            let error = told(&sound[..length]).unwrap_err();
            assert!(error.contains("until the end of the file"), "{length}: {error}");
        }
    }

    #[test]
    fn lengths_that_the_file_does_not_have_are_refused_before_anything_is_allocated() {
        let huge = |at: usize| {
            let mut bytes = sound();
            bytes[at..at + 8].copy_from_slice(&(1_u64 << 60).to_le_bytes());
            told(&bytes).unwrap_err()
        };
        assert_eq!(huge(8), "the number of tensors: expected at most 100000, found 1152921504606846976");
        assert_eq!(huge(16), "the number of metadata entries: expected at most 100000, found 1152921504606846976");
        assert_eq!(huge(24), "a metadata key: expected at most 65535 bytes, found 1152921504606846976 bytes");
        let many = [4_u32.to_le_bytes().to_vec(), (1_u64 << 62).to_le_bytes().to_vec()].concat();
        let error = told(&file(&[("a", 9, many)], &[], 0)).unwrap_err();
        assert!(error.starts_with("metadata `a` needs 18446744073709551615 bytes, found "), "{error}");
        let error = told(&file(&[], &[("w", &[1 << 40, 1 << 40], 0)], 64)).unwrap_err();
        assert_eq!(error, "tensor `w`: expected fewer than 2^64 elements, found more");
        let error = told(&file(&[], &[("w", &[1 << 40], 0)], 64)).unwrap_err();
        assert!(error.starts_with("tensor `w`, with all that comes before it, needs 13743895353"), "{error}");
        let error = told(&file(&[], &[("w", &[8], u64::MAX)], 64)).unwrap_err();
        assert!(error.contains("needs 18446744073709551615 bytes"), "{error}");
    }

    #[test]
    fn what_no_model_says_is_refused_by_its_key() {
        let number =
            |key: &str, number: u32| told(&file(&[(key, 4, number.to_le_bytes().to_vec())], &[], 0)).unwrap_err();
        assert_eq!(
            number("llama.context_length", u32::MAX),
            "metadata `llama.context_length`: expected at most 16777216, found 4294967295"
        );
        assert_eq!(
            number("qwen2.block_count", 20_000),
            "metadata `qwen2.block_count`: expected at most 10000, found 20000"
        );
        assert_eq!(
            number("general.alignment", 0),
            "metadata `general.alignment`: expected a power of two, at most 1048576, found 0"
        );
        let twice = ("a", 4, 1_u32.to_le_bytes().to_vec());
        assert_eq!(
            told(&file(&[twice.clone(), twice], &[], 0)),
            Err("`a`: expected each metadata key once, found it twice".into())
        );
        let template = ("tokenizer.chat_template", 8, text(&"x".repeat((1 << 20) + 1)));
        assert!(told(&file(&[template], &[], 0)).unwrap_err().contains("expected at most 1048576 bytes"));
        let mut nested = [8_u32.to_le_bytes().to_vec(), 0_u64.to_le_bytes().to_vec()].concat();
        for _ in 0..5 {
            nested = [9_u32.to_le_bytes().to_vec(), 1_u64.to_le_bytes().to_vec(), nested].concat();
        }
        assert!(told(&file(&[("a", 9, nested)], &[], 0)).unwrap_err().contains("arrays at most 4 deep"));
    }

    proptest! {
        #[test]
        fn damage_never_panics(at in 0_usize..400, byte: u8, cut in 0_usize..600) {
            let mut bytes = sound();
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(cut.max(1));
            let _ = told(&bytes);
        }
    }
}
