//! Reads Avro's binary form as Java's `BinaryDecoder` 1.12.1 does.

use super::fault::Fault;

/// A payload and a position in it.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Reads `bytes` from `at` on.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The position.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes back to an earlier position.
    pub(crate) fn back_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Bytes not read yet.
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Fault> {
        let byte = *self.bytes.get(self.at).ok_or(Fault::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    /// A 32-bit varint: at most five bytes, of whose last one the upper bits are lost.
    #[inline]
    pub(crate) fn int(&mut self) -> Result<i32, Fault> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(zigzag_32(u32::from(first)));
        }
        let mut value = u32::from(first & 0x7F);
        for shift in [7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(zigzag_32(value));
            }
        }
        Err(Fault::Varint)
    }

    /// A 64-bit varint: at most ten bytes, of whose last one the upper bits are lost.
    #[inline]
    pub(crate) fn long(&mut self) -> Result<i64, Fault> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(zigzag_64(u64::from(first)));
        }
        let mut value = u64::from(first & 0x7F);
        let mut shift = 7;
        while shift <= 63 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(zigzag_64(value));
            }
            shift += 7;
        }
        Err(Fault::Varint)
    }

    /// The next bytes.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.get(..len)).ok_or(Fault::Truncated)?;
        self.at += len;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()).ok_or(Fault::Truncated)?;
        self.at += N;
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
        let len = limited(self.long()?)?;
        self.take(len)
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

/// A number of items that take at least a byte each: so many that they cannot be counted cannot be there either.
pub(super) fn countable(items: u64) -> usize {
    usize::try_from(items).unwrap_or(usize::MAX)
}

/// Java's arrays end at 2^31 - 9. Said of every length, so that a host of 32 bits gives the same errors.
fn limited(count: i64) -> Result<usize, Fault> {
    if count > i64::from(i32::MAX) - 8 {
        return Err(Fault::Length);
    }
    usize::try_from(count).map_err(|_| Fault::Length)
}

#[inline]
fn zigzag_32(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

#[inline]
fn zigzag_64(value: u64) -> i64 {
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
