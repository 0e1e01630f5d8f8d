//! The footer of a Parquet file, looked at before it is decoded.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use super::thrift::{I32, LIST, STRUCT, Thrift};

/// Bytes. Footers have some hundred bytes for each column of each row group, texts of statistics included. Decoded they take
/// some ten times as much.
const FOOTER_BYTES: u32 = 16 << 20;
/// Columns, with those in structs and lists. Each has a page and a decoder open while rows are read.
pub(super) const COLUMNS: u64 = 1000;
/// Columns times row groups: 700 bytes each once decoded.
pub(super) const CHUNKS: u64 = 200_000;
/// Structs and lists in each other; two levels of the schema make one list. The decoder calls itself for each.
const DEEPEST: usize = 64;

/// Why a file is not read.
pub(super) enum Unfit {
    /// It is cut off or damaged.
    Damaged(String),
    /// It may be sound, and has more than is read.
    Beyond(String),
}

/// Reads over the footer.
///
/// # Errors
/// Returns what is wrong with it.
pub(super) fn check(file: &File) -> Result<(), Unfit> {
    let unreadable = |error: std::io::Error| Unfit::Damaged(error.to_string());
    let mut file = file;
    let length = file.metadata().map_err(unreadable)?.len();
    // `PAR1` at both ends, and before the last one the length of the footer.
    let Some(at) = length.checked_sub(8).filter(|at| *at >= 4) else {
        return Err(Unfit::Damaged(format!("it has {length} bytes, fewer than any")));
    };
    let mut tail = [0; 4];
    file.seek(SeekFrom::Start(at)).map_err(unreadable)?;
    file.read_exact(&mut tail).map_err(unreadable)?;
    let size = u32::from_le_bytes(tail);
    if size > FOOTER_BYTES {
        return Err(Unfit::Damaged(format!("its footer has {size} bytes, more than the {FOOTER_BYTES} allowed")));
    }
    let Some(start) = at.checked_sub(u64::from(size)) else {
        return Err(Unfit::Damaged(format!("its footer has {size} bytes, more than there are")));
    };
    let mut footer = Vec::new();
    file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
    file.take(u64::from(size)).read_to_end(&mut footer).map_err(unreadable)?;
    let mut thrift = Thrift::new(&footer);
    metadata(&mut thrift).unwrap_or_else(|| Err(Unfit::Damaged("its footer is damaged".to_owned())))
}

/// `FileMetaData`: field 2 is the schema, field 4 the row groups.
fn metadata(thrift: &mut Thrift<'_>) -> Option<Result<(), Unfit>> {
    let mut last = 0;
    while let Some((id, kind)) = thrift.field(last)? {
        last = id;
        let found = match (id, kind) {
            (2, LIST) => schema(thrift)?,
            (4, LIST) => row_groups(thrift)?,
            _ => {
                thrift.skip(kind)?;
                Ok(())
            }
        };
        if found.is_err() {
            return Some(found);
        }
    }
    Some(Ok(()))
}

/// A tree, each element before its children, of which field 5 says how many there are.
fn schema(thrift: &mut Thrift<'_>) -> Option<Result<(), Unfit>> {
    let (kind, count) = thrift.list()?;
    // How many children are still to come, for each level.
    let mut levels: Vec<i64> = Vec::new();
    let mut columns = 0;
    for _ in 0..count {
        if kind != STRUCT {
            return None;
        }
        let children = children(thrift)?;
        if let Some(left) = levels.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            levels.push(children);
        } else {
            columns += 1;
        }
        while levels.last().is_some_and(|left| *left <= 0) {
            levels.pop();
        }
        if levels.len() > DEEPEST {
            return Some(Err(Unfit::Beyond(format!(
                "its columns nest deeper than the {DEEPEST} levels allowed; make them flatter or leave them out"
            ))));
        }
        if columns > COLUMNS {
            return Some(Err(Unfit::Beyond(format!("it has more than the {COLUMNS} columns allowed; leave some out"))));
        }
    }
    Some(Ok(()))
}

fn children(thrift: &mut Thrift<'_>) -> Option<i64> {
    let (mut last, mut children) = (0, 0);
    while let Some((id, kind)) = thrift.field(last)? {
        last = id;
        match (id, kind) {
            (5, I32) => children = thrift.zigzag()?,
            _ => thrift.skip(kind)?,
        }
    }
    Some(children)
}

/// Field 1 of each holds its columns.
fn row_groups(thrift: &mut Thrift<'_>) -> Option<Result<(), Unfit>> {
    let (kind, groups) = thrift.list()?;
    let mut chunks = 0;
    for _ in 0..groups {
        if kind != STRUCT {
            return None;
        }
        let mut last = 0;
        while let Some((id, kind)) = thrift.field(last)? {
            last = id;
            if (id, kind) == (1, LIST) {
                let mut list = *thrift;
                chunks += list.list()?.1;
            }
            thrift.skip(kind)?;
        }
        if chunks > CHUNKS {
            let message = format!(
                "it has more than the {CHUNKS} pieces of columns allowed; write it again with larger row groups"
            );
            return Some(Err(Unfit::Beyond(message)));
        }
    }
    Some(Ok(()))
}
