//! The compact Thrift protocol, in which Parquet writes footers and page headers: read over, not kept.
//!
//! The decoder believes the sizes in them, so they are looked at before it is let near. `None` stands for bytes that end
//! early or are none of the protocol's.

/// Levels of structs and lists in each other. Parquet's own have six.
const DEEPEST: usize = 24;

/// Kinds of values, as the protocol numbers them.
pub(super) const I32: u8 = 5;
pub(super) const LIST: u8 = 9;
pub(super) const STRUCT: u8 = 12;

/// Bytes that are read from their start.
#[derive(Clone, Copy)]
pub(super) struct Thrift<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len() }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.length - self.rest.len()
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// A number without a sign, seven bits a byte.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte & 128 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A number with a sign.
    pub(super) fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// The next field of a struct, by its id and kind; the inner `None` is the struct's end. `last` is the id of the one before.
    pub(super) fn field(&mut self, last: i16) -> Option<Option<(i16, u8)>> {
        let header = self.byte()?;
        if header == 0 {
            return Some(None);
        }
        let id = match header >> 4 {
            0 => i16::try_from(self.zigzag()?).ok()?,
            step => last.checked_add(i16::from(step))?,
        };
        Some(Some((id, header & 15)))
    }

    /// The kind of a list's entries, and how many they are: no more than there are bytes.
    pub(super) fn list(&mut self) -> Option<(u8, u64)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        (count <= self.rest.len() as u64).then_some((header & 15, count))
    }

    /// Reads over a field's value.
    pub(super) fn skip(&mut self, kind: u8) -> Option<()> {
        self.skip_within(kind, DEEPEST)
    }

    fn skip_within(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            // A flag is its own kind.
            1 | 2 => Some(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.take(8),
            8 => {
                let length = self.varint()?;
                self.take(length)
            }
            LIST | 10 => {
                let depth = depth.checked_sub(1)?;
                let (kind, count) = self.list()?;
                for _ in 0..count {
                    match kind {
                        1 | 2 => self.take(1)?,
                        kind => self.skip_within(kind, depth)?,
                    }
                }
                Some(())
            }
            STRUCT => {
                let depth = depth.checked_sub(1)?;
                let mut last = 0;
                while let Some((id, kind)) = self.field(last)? {
                    self.skip_within(kind, depth)?;
                    last = id;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn take(&mut self, length: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(length).ok()?..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_struct_is_read_over_to_its_end() {
        // 1: i32 -1, 3: text `ab`, 4: list of two i32, 5: true, 200: struct of nothing.
        let bytes = [0x15, 1, 0x28, 2, b'a', b'b', 0x19, 0x25, 2, 4, 0x11, 0x0c, 0x90, 3, 0, 0, 9];
        let mut thrift = Thrift::new(&bytes);
        let mut fields = thrift;
        assert_eq!(thrift.skip(STRUCT), Some(()));
        assert_eq!(thrift.position(), bytes.len() - 1);
        assert_eq!(fields.field(0), Some(Some((1, I32))));
        assert_eq!(fields.zigzag(), Some(-1));
    }

    #[test]
    fn what_ends_early_nests_without_end_or_counts_more_than_there_is_is_refused() {
        assert_eq!(Thrift::new(&[0x15]).skip(STRUCT), None);
        assert_eq!(Thrift::new(&[0x1c; 100_000]).skip(STRUCT), None);
        assert_eq!(Thrift::new(&[0xfc, 255, 255, 255, 255, 7, 0]).list(), None);
        assert_eq!(Thrift::new(&[255; 11]).varint(), None);
        assert_eq!(Thrift::new(&[0x18, 200, 1, 0]).skip(STRUCT), None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut thrift = Thrift::new(&bytes);
            let _ = thrift.skip(STRUCT);
            prop_assert!(thrift.position() <= bytes.len());
        }
    }
}
