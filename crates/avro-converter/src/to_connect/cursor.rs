//! Reads Avro's binary form as Java's `BinaryDecoder` 1.12.1 does.

use super::fault::Fault;

/// What is left of a payload. Copying it is free.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    /// Length of the whole payload.
    len: usize,
}

impl<'a> Cursor<'a> {
    /// Reads `bytes` from `at` on.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { rest: bytes.get(at..).unwrap_or(&[]), len: bytes.len() }
    }

    /// The position.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.len - self.rest.len()
    }

    /// Bytes not read yet.
    #[inline]
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Fault> {
        let (byte, rest) = self.rest.split_first().ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// A 32-bit varint: at most five bytes, of whose last one the upper bits are lost.
    #[inline]
    pub(crate) fn int(&mut self) -> Result<i32, Fault> {
        self.varint(5).map(|value| zigzag_32(value as u32))
    }

    /// A 64-bit varint: at most ten bytes, of whose last one the upper bits are lost.
    #[inline]
    pub(crate) fn long(&mut self) -> Result<i64, Fault> {
        self.varint(10).map(zigzag_64)
    }

    /// An int without its sign undone, halved: the index of a branch; odd ones, which are negative, become the largest.
    #[inline]
    pub(crate) fn index(&mut self) -> Result<u32, Fault> {
        self.varint(5).map(|value| (value as u32).rotate_right(1))
    }

    /// Nearly every one is a single byte.
    #[inline]
    fn varint(&mut self, most: usize) -> Result<u64, Fault> {
        match self.rest.split_first() {
            Some((first, rest)) if *first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*first))
            }
            _ => {
                let (value, len) = longer(self.rest, most);
                self.rest = self.rest.get(len..).filter(|_| len > 0).ok_or_else(|| unfinished(self.rest, most))?;
                Ok(value)
            }
        }
    }

    /// The next bytes.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// True only for 1.
    #[inline]
    pub(crate) fn boolean(&mut self) -> Result<bool, Fault> {
        Ok(self.byte()? == 1)
    }

    /// Bytes after their length.
    #[inline]
    pub(crate) fn prefixed(&mut self) -> Result<&'a [u8], Fault> {
        // Its sign is the lowest bit: turned around, a negative one is among the largest.
        let len = self.varint(10)?.rotate_right(1);
        if len > MOST {
            return Err(Fault::Length);
        }
        self.take(len as usize)
    }

    /// Items in the next block of an array or map; 0 = no more. The size in bytes after a negative count is read and
    /// ignored. The least of all counts is its own negative: as the first one Java takes it for 0, later it refuses it.
    pub(crate) fn block(&mut self, first: bool) -> Result<usize, Fault> {
        let count = self.long()?;
        if count >= 0 {
            return limited(count);
        }
        self.long()?;
        match count.checked_neg() {
            Some(count) => limited(count),
            None if first => Ok(0),
            None => Err(Fault::Length),
        }
    }

    /// Items in the next block that have to be skipped one by one; a block that gives its size is skipped here.
    /// Any count: items may take no bytes.
    pub(crate) fn block_to_skip(&mut self) -> Result<u64, Fault> {
        loop {
            let count = self.long()?;
            if let Ok(count) = u64::try_from(count) {
                return Ok(count);
            }
            let size = self.long()?;
            self.skip(size)?;
        }
    }

    /// Skips; nothing for a negative length.
    pub(crate) fn skip(&mut self, len: i64) -> Result<(), Fault> {
        if len <= 0 {
            return Ok(());
        }
        self.take(usize::try_from(len).map_err(|_| Fault::Truncated)?).map(drop)
    }
}

/// A varint of at most `most` bytes without its sign undone, and its length; a length of 0 = it does not end.
#[inline(never)]
pub(super) fn longer(bytes: &[u8], most: usize) -> (u64, usize) {
    if let Some(word) = bytes.first_chunk() {
        let word = u64::from_le_bytes(*word);
        // The last byte is the first one without its highest bit.
        let ends = !word & 0x8080_8080_8080_8080;
        let len = ends.trailing_zeros() as usize / 8 + 1;
        if ends != 0 && len <= most {
            // All bits below the one that ends it.
            return (squeeze(word & (ends ^ ends.wrapping_sub(1))), len);
        }
    }
    let mut value = 0;
    for (i, byte) in bytes.iter().take(most).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * i);
        if *byte < 0x80 {
            return (value, i + 1);
        }
    }
    (0, 0)
}

/// Brings the low seven bits of each byte together.
#[inline(always)]
pub(super) fn squeeze(word: u64) -> u64 {
    let word = word & 0x7F7F_7F7F_7F7F_7F7F;
    let word = word & 0x007F_007F_007F_007F | (word & 0x7F00_7F00_7F00_7F00) >> 1;
    let word = word & 0x0000_3FFF_0000_3FFF | (word & 0x3FFF_0000_3FFF_0000) >> 2;
    word & 0x0FFF_FFFF | (word & 0x0FFF_FFFF_0000_0000) >> 4
}

/// Why a varint does not end.
#[cold]
fn unfinished(bytes: &[u8], most: usize) -> Fault {
    if bytes.len() < most { Fault::Truncated } else { Fault::Varint }
}

/// A number of items that take at least a byte each: so many that they cannot be counted cannot be there either.
pub(super) fn countable(items: u64) -> usize {
    usize::try_from(items).unwrap_or(usize::MAX)
}

/// Java's arrays end at 2^31 - 9. Said of every length, so that a host of 32 bits gives the same errors.
const MOST: u64 = i32::MAX as u64 - 8;

/// A count of items; a negative one is among the largest.
#[inline]
fn limited(count: i64) -> Result<usize, Fault> {
    if count as u64 > MOST { Err(Fault::Length) } else { Ok(count as usize) }
}

#[inline]
pub(super) fn zigzag_32(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

#[inline]
pub(super) fn zigzag_64(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(bytes: &[u8]) -> Result<i64, Fault> {
        Cursor::new(bytes, 0).long()
    }

    #[test]
    fn varints_are_zigzag_and_may_be_too_long() {
        for (bytes, value) in [
            (&[0][..], 0),
            (&[1], -1),
            (&[0x80, 1], 64),
            (&[0x82, 0x80, 0], 1),
            (&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], i64::MIN),
            (&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], i64::MIN),
        ] {
            assert_eq!(long(bytes), Ok(value));
        }
        assert_eq!(long(&[0xFF; 10]), Err(Fault::Varint));
        assert_eq!(long(&[0x80]), Err(Fault::Truncated));
        assert_eq!(Cursor::new(&[0xFE, 0xFF, 0xFF, 0xFF, 0x7F], 0).int(), Ok(i32::MAX));
        assert_eq!(Cursor::new(&[0xFF; 6], 0).int(), Err(Fault::Varint));
    }

    #[test]
    fn lengths_are_limited_as_in_java() {
        let (most, more) = ([0xEE, 0xFF, 0xFF, 0xFF, 0x0F], [0xF0, 0xFF, 0xFF, 0xFF, 0x0F]);
        assert_eq!(Cursor::new(&most, 0).prefixed(), Err(Fault::Truncated));
        assert_eq!(Cursor::new(&more, 0).prefixed(), Err(Fault::Length));
        assert_eq!(Cursor::new(&[1], 0).prefixed(), Err(Fault::Length));
        assert_eq!(Cursor::new(&most, 0).block(true), Ok(0x7FFF_FFF7));
        assert_eq!(Cursor::new(&more, 0).block(true), Err(Fault::Length));
        assert_eq!(Cursor::new(&[0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], 0).block_to_skip(), Ok((1 << 41) - 1));
    }

    #[test]
    fn blocks_may_be_negative() {
        assert_eq!(Cursor::new(&[3, 9], 0).block(true), Ok(2));
        let least = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0];
        assert_eq!(Cursor::new(&least, 0).block(true), Ok(0));
        assert_eq!(Cursor::new(&least, 0).block(false), Err(Fault::Length));
        assert_eq!(Cursor::new(&[3, 4, 7, 7, 6], 0).block_to_skip(), Ok(3));
    }
}
