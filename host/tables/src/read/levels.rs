//! How the values of a page fall into rows, told from its levels without decoding a value.

use parquet::basic::Encoding;
use parquet::column::page::Page;

use super::thrift::Thrift;

/// Rows that begin in a page, and how many levels (values, nulls and empty lists) are in them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Falls {
    /// Levels before the first row that begins here: they belong to a row of the page before.
    pub(super) before: u64,
    /// Rows that begin.
    pub(super) rows: u64,
    /// Levels of the longest row that ends here too.
    pub(super) longest: u64,
    /// Levels of the last row so far.
    pub(super) last: u64,
}

impl Falls {
    fn row(&mut self) {
        if self.rows > 0 {
            self.longest = self.longest.max(self.last);
        }
        self.rows += 1;
        self.last = 1;
    }

    fn more(&mut self, levels: u64) {
        let to = if self.rows == 0 { &mut self.before } else { &mut self.last };
        *to += levels;
    }
}

/// The repetition levels of a data page and its values, as bytes; `None` if it is damaged or packed as nobody does any more.
pub(super) fn parts(page: &Page, repeated: i16, defined: i16) -> Option<(&[u8], &[u8], u64)> {
    let prefixed = |bytes: &'_ [u8]| -> Option<usize> {
        let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
        usize::try_from(length).ok()?.checked_add(4)
    };
    match page {
        Page::DataPage { buf, num_values, def_level_encoding, rep_level_encoding, .. } => {
            let (mut repetition, mut rest): (&[u8], &[u8]) = (&[], buf);
            if repeated > 0 {
                if *rep_level_encoding != Encoding::RLE {
                    return None;
                }
                let (levels, after) = rest.split_at_checked(prefixed(rest)?)?;
                (repetition, rest) = (levels.get(4..)?, after);
            }
            if defined > 0 {
                if *def_level_encoding != Encoding::RLE {
                    return None;
                }
                rest = rest.get(prefixed(rest)?..)?;
            }
            Some((repetition, rest, u64::from(*num_values)))
        }
        Page::DataPageV2 { buf, num_values, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let (repetition, rest) = buf.split_at_checked(usize::try_from(*rep_levels_byte_len).ok()?)?;
            let values = rest.get(usize::try_from(*def_levels_byte_len).ok()?..)?;
            Some((repetition, values, u64::from(*num_values)))
        }
        Page::DictionaryPage { .. } => None,
    }
}

/// Reads repetition levels, which are runs of one level or groups of eight packed ones. A level of 0 begins a row.
pub(super) fn falls(bytes: &[u8], highest: i16, count: u64) -> Option<Falls> {
    let width = u64::from(16 - highest.cast_unsigned().leading_zeros());
    let mut falls = Falls::default();
    let (mut left, mut at) = (count, 0_usize);
    while left > 0 {
        let mut thrift = Thrift::new(bytes.get(at..)?);
        let header = thrift.varint()?;
        at += thrift.position();
        if header & 1 == 0 {
            let size = usize::try_from(width.div_ceil(8)).ok()?;
            let is_start = bytes.get(at..at.checked_add(size)?)?.iter().all(|byte| *byte == 0);
            at += size;
            let levels = (header >> 1).min(left);
            if levels == 0 {
                continue;
            }
            left -= levels;
            if is_start {
                falls.row();
                if levels > 1 {
                    falls.row();
                    falls.rows += levels - 2;
                }
            } else {
                falls.more(levels);
            }
        } else {
            let size = usize::try_from((header >> 1).checked_mul(width)?).ok()?;
            // The last group may be cut off where its levels end.
            let end = at.checked_add(size)?.min(bytes.len());
            let packed = bytes.get(at..end)?;
            at = end;
            let levels = (header >> 1).checked_mul(8)?.min(left).min((packed.len() as u64).checked_mul(8)? / width);
            if levels == 0 {
                return None;
            }
            left -= levels;
            for index in 0..levels {
                let mut bits = index * width..(index + 1) * width;
                let is_start = bits.all(|bit| {
                    let byte = usize::try_from(bit / 8).ok().and_then(|byte| packed.get(byte)).copied();
                    byte.unwrap_or_default() >> (bit % 8) & 1 == 0
                });
                if is_start { falls.row() } else { falls.more(1) }
            }
        }
    }
    Some(falls)
}

/// Returns whether one or two lists of lengths, each packed as differences, have no more than `most` entries: the decoder makes room
/// for as many as they say, and entries that do not differ take no bytes.
pub(super) fn lengths_fit(mut bytes: &[u8], lists: usize, most: u64) -> bool {
    for _ in 0..lists {
        match after_lengths(bytes, most) {
            Some(rest) => bytes = rest,
            None => return false,
        }
    }
    true
}

fn after_lengths(bytes: &[u8], most: u64) -> Option<&[u8]> {
    let mut thrift = Thrift::new(bytes);
    let (block, minis, count) = (thrift.varint()?, thrift.varint()?, thrift.varint()?);
    thrift.zigzag()?;
    if count > most || minis == 0 || minis > block {
        return None;
    }
    let size = block / minis;
    let mut rest = bytes.get(thrift.position()..)?;
    let mut left = count.saturating_sub(1);
    while left > 0 {
        let mut thrift = Thrift::new(rest);
        thrift.zigzag()?;
        let (widths, after) = rest.get(thrift.position()..)?.split_at_checked(usize::try_from(minis).ok()?)?;
        rest = after;
        for width in widths {
            if left == 0 {
                break;
            }
            let bytes = size.checked_mul(u64::from(*width))?.div_ceil(8);
            rest = rest.get(usize::try_from(bytes).ok()?..)?;
            left = left.saturating_sub(size);
        }
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(levels: &[u8], width: usize) -> Vec<u8> {
        let groups = levels.len().div_ceil(8);
        let mut bytes = vec![0; groups * width];
        for (index, level) in levels.iter().enumerate() {
            for bit in 0..width {
                let at = index * width + bit;
                bytes[at / 8] |= (level >> bit & 1) << (at % 8);
            }
        }
        assert!(groups < 64);
        bytes.insert(0, (groups as u8) << 1 | 1);
        bytes
    }

    /// The same, by the rule alone.
    fn counted(levels: &[u8]) -> Falls {
        let mut falls = Falls::default();
        for level in levels {
            if *level == 0 { falls.row() } else { falls.more(1) }
        }
        falls
    }

    #[test]
    fn a_run_costs_the_same_however_long_it_is() {
        // A row, then a run of 2^31 - 2 more levels of it.
        let mut bytes = vec![2, 0];
        bytes.extend([0xfe, 0xff, 0xff, 0xff, 0x1f, 1]);
        let falls = falls(&bytes, 1, u64::from(u32::MAX >> 1)).unwrap();
        assert_eq!((falls.rows, falls.last), (1, u64::from(u32::MAX >> 1)));
    }

    #[test]
    fn levels_that_end_early_are_refused() {
        assert_eq!(falls(&[], 1, 1), None);
        assert_eq!(falls(&[2], 1, 1), None);
        assert_eq!(falls(&[3], 1, 8), None);
        assert_eq!(falls(&[0, 0], 1, 8), None);
    }

    #[test]
    fn lengths_of_no_bytes_are_counted_as_what_they_say() {
        // Blocks of 128 in 4 parts, 2^31 entries, the first 0; one block whose parts have no bits.
        let many = [0x80, 1, 4, 0x80, 0x80, 0x80, 0x80, 8, 0, 0, 0, 0, 0, 0];
        assert!(!lengths_fit(&many, 1, 1000));
        let few = [0x80, 1, 4, 100, 0, 0, 0, 0, 0, 0];
        assert!(lengths_fit(&few, 1, 1000));
        assert!(!lengths_fit(&few, 2, 1000));
        assert!(lengths_fit(&[few, few].concat(), 2, 1000));
    }

    proptest! {
        #[test]
        fn packed_levels_fall_into_rows_as_they_are_written(
            levels in prop::collection::vec(0_u8..4, 1..300), width in 2_usize..4,
        ) {
            let highest = if width == 2 { 3 } else { 7 };
            prop_assert_eq!(falls(&packed(&levels, width), highest, levels.len() as u64), Some(counted(&levels)));
        }

        #[test]
        fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..100), count in any::<u32>()) {
            if let Some(falls) = falls(&bytes, 3, u64::from(count)) {
                prop_assert!(falls.rows <= u64::from(count));
            }
            let _ = lengths_fit(&bytes, 2, u64::from(count));
        }
    }
}
