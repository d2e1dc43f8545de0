//! Avro's binary encoding: `org.apache.avro.io.BinaryEncoder`.
//!
//! Everything short is put together in a [`Word`] and appended at once: sixteen octets of known number, of which the
//! superfluous ones are cut off again, take a tenth of the time of a copy whose length varies.

/// Up to sixteen octets, the first one lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    octets: u128,
    len: usize,
}

impl Word {
    /// No octet.
    pub(super) const EMPTY: Self = Self { octets: 0, len: 0 };

    /// So many octets; those beyond are zero.
    #[inline]
    pub(super) fn new(octets: u128, len: usize) -> Self {
        Self { octets, len }
    }

    /// The octets and their number.
    pub(super) fn parts(self) -> (u128, usize) {
        (self.octets, self.len)
    }

    /// One octet.
    #[inline]
    pub(super) fn octet(octet: u8) -> Self {
        Self { octets: u128::from(octet), len: 1 }
    }

    /// Four octets, little-endian.
    #[inline]
    pub(super) fn four(octets: u32) -> Self {
        Self { octets: u128::from(octets), len: 4 }
    }

    /// Eight octets, little-endian.
    #[inline]
    pub(super) fn eight(octets: u64) -> Self {
        Self { octets: u128::from(octets), len: 8 }
    }

    /// Variable-length zig-zag: `int` and `long` are written alike, at most ten octets.
    #[inline]
    pub(super) fn long(value: i64) -> Self {
        let zigzag = ((value << 1) ^ (value >> 63)) as u64;
        if zigzag >= 1 << 56 {
            return Self::very_long(zigzag);
        }
        // Seven bits to each octet, by halves, without branches: lengths are hard to predict.
        let x = zigzag & 0x0FFF_FFFF | (zigzag & 0x00FF_FFFF_F000_0000) << 4;
        let x = x & 0x0000_3FFF_0000_3FFF | (x & 0x0FFF_C000_0FFF_C000) << 2;
        let x = x & 0x007F_007F_007F_007F | (x & 0x3F80_3F80_3F80_3F80) << 1;
        let bits = 64 - (zigzag | 1).leading_zeros();
        let len = bits.div_ceil(7);
        // All but the last octet say that another one follows.
        let more = 0x8080_8080_8080_8080 & ((1u64 << (8 * (len - 1))) - 1);
        Self { octets: u128::from(x | more), len: len as usize }
    }

    #[cold]
    fn very_long(zigzag: u64) -> Self {
        let (mut octets, mut len, mut rest) = (0u128, 0, zigzag);
        loop {
            let more = if rest >= 0x80 { 0x80 } else { 0 };
            octets |= u128::from(rest & 0x7F | more) << (8 * len);
            len += 1;
            rest >>= 7;
            if rest == 0 {
                return Self { octets, len };
            }
        }
    }

    /// Both, this one first; together at most sixteen octets.
    #[inline]
    pub(super) fn then(self, next: Self) -> Self {
        debug_assert!(self.len + next.len <= 16);
        Self { octets: self.octets | next.octets << (8 * self.len), len: self.len + next.len }
    }

    #[inline]
    pub(super) fn append(self, out: &mut Vec<u8>) {
        let end = out.len() + self.len;
        out.extend_from_slice(&self.octets.to_le_bytes());
        out.truncate(end);
    }
}

/// A number of items, or zero after the last one.
#[inline]
pub(super) fn count(out: &mut Vec<u8>, count: usize) {
    Word::long(count as i64).append(out);
}

/// Octets after their number: `bytes` and `string`. `before` goes first.
#[inline]
pub(super) fn bytes(out: &mut Vec<u8>, before: Word, value: &[u8]) {
    before.then(Word::long(value.len() as i64)).append(out);
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longs() {
        for (value, expected) in [
            (0, "00"),
            (-1, "01"),
            (63, "7e"),
            (64, "8001"),
            (-65, "8101"),
            (i64::MAX, "feffffffffffffffff01"),
            (i64::MIN, "ffffffffffffffffff01"),
        ] {
            let mut out = Vec::new();
            Word::long(value).append(&mut out);
            assert_eq!(out.iter().map(|b| format!("{b:02x}")).collect::<String>(), expected, "{value}");
        }
    }

    #[test]
    fn every_length_of_a_long_comes_back() {
        for shift in 0..64 {
            for value in [(1i64 << shift).wrapping_sub(1), 1i64 << shift, !(1i64 << shift), i64::MIN >> shift] {
                let mut out = vec![7];
                Word::octet(9).then(Word::long(value)).append(&mut out);
                let (mut zigzag, mut octets) = (0u64, out[2..].iter().enumerate().peekable());
                while let Some((i, octet)) = octets.next() {
                    zigzag |= u64::from(octet & 0x7F) << (7 * i);
                    assert_eq!(octet & 0x80 != 0, octets.peek().is_some());
                }
                assert_eq!((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64), value);
                assert_eq!(out[..2], [7, 9]);
            }
        }
    }
}
