//! Avro's binary encoding: `org.apache.avro.io.BinaryEncoder`.
//!
//! Whatever is short is put together in a [`Word`] and appended at once: eight octets, of which the superfluous ones are
//! cut off again, take a fraction of the time of a copy whose length varies.

/// Up to eight octets, the first one lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    octets: u64,
    len: u32,
}

impl Word {
    /// No octet.
    pub(super) const EMPTY: Self = Self { octets: 0, len: 0 };

    /// One octet.
    #[inline]
    pub(super) fn octet(octet: u8) -> Self {
        Self { octets: u64::from(octet), len: 1 }
    }

    /// Four octets, little-endian.
    #[inline]
    pub(super) fn four(octets: u32) -> Self {
        Self { octets: u64::from(octets), len: 4 }
    }

    /// Eight octets, little-endian.
    #[inline]
    pub(super) fn eight(octets: u64) -> Self {
        Self { octets, len: 8 }
    }

    /// Variable-length zig-zag: at most five octets.
    #[inline]
    pub(super) fn int(value: i32) -> Self {
        let bits = ((value << 1) ^ (value >> 31)) as u32;
        let low = bits & 0x3FFF | (bits & 0x0FFF_C000) << 2;
        let low = low & 0x007F_007F | (low & 0x3F80_3F80) << 1;
        Self::spread(bits.into(), u64::from(low) | u64::from(bits >> 28) << 32)
    }

    /// A number of octets or items, as a long: at most five octets, as nothing in an image is larger.
    #[inline]
    pub(super) fn count(count: usize) -> Self {
        debug_assert!(count < 1 << 34);
        Self::variable((count as u64) << 1)
    }

    /// Seven bits to an octet, at most 56 of them. No branches and no table: lengths are hard to predict.
    #[inline]
    fn variable(bits: u64) -> Self {
        Self::spread(bits, spread(bits))
    }

    #[inline]
    fn spread(bits: u64, octets: u64) -> Self {
        let highest = 63 - (bits | 1).leading_zeros();
        // The seventh part, rounded up: exact for all of 64 bits.
        let len = (9 * highest + 73) / 64;
        let more = 0x8080_8080_8080_8080 & ((1 << ((8 * len - 8) & 63)) - 1);
        Self { octets: octets | more, len }
    }

    /// Variable-length zig-zag in as many octets as fit, and what is left, which takes one or two.
    #[inline]
    pub(super) fn long(value: i64) -> (Self, Option<Self>) {
        let bits = ((value << 1) ^ (value >> 63)) as u64;
        if bits < 1 << 56 {
            return (Self::variable(bits), None);
        }
        (Self { octets: spread(bits) | 0x8080_8080_8080_8080, len: 8 }, Some(Self::variable(bits >> 56)))
    }

    /// The octets, of which the first [`Self::len`] count.
    #[inline]
    pub(super) fn octets(self) -> [u8; 8] {
        self.octets.to_le_bytes()
    }

    /// The octet, if it is one.
    pub(super) fn as_octet(self) -> Option<u8> {
        (self.len == 1).then_some(self.octets as u8)
    }

    /// How many octets.
    #[inline]
    pub(super) fn len(self) -> usize {
        self.len as usize
    }

    /// Both, this one first; together at most eight octets.
    #[inline]
    pub(super) fn then(self, next: Self) -> Self {
        debug_assert!(self.len + next.len <= 8 && self.len < 8);
        Self { octets: self.octets | next.octets << ((8 * self.len) & 63), len: self.len + next.len }
    }

    #[inline]
    pub(super) fn append(self, out: &mut Vec<u8>) {
        let end = out.len() + self.len();
        out.extend_from_slice(&self.octets.to_le_bytes());
        out.truncate(end);
    }
}

/// Variable-length zig-zag, at most ten octets, after `before`.
#[inline]
pub(super) fn long(out: &mut Vec<u8>, before: Word, value: i64) {
    before.append(out);
    let (first, rest) = Word::long(value);
    first.append(out);
    if let Some(rest) = rest {
        rest.append(out);
    }
}

/// The low 56 bits, seven to an octet, in halves of halves of halves.
#[inline]
fn spread(bits: u64) -> u64 {
    let bits = bits & 0x0FFF_FFFF | (bits & 0x00FF_FFFF_F000_0000) << 4;
    let bits = bits & 0x0000_3FFF_0000_3FFF | (bits & 0x0FFF_C000_0FFF_C000) << 2;
    bits & 0x007F_007F_007F_007F | (bits & 0x3F80_3F80_3F80_3F80) << 1
}

/// Octets after their number: `bytes` and `string`. `before`, at most three octets, goes first.
#[inline]
pub(super) fn bytes(out: &mut Vec<u8>, before: Word, value: &[u8]) {
    before.then(Word::count(value.len())).append(out);
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
            long(&mut out, Word::EMPTY, value);
            assert_eq!(out.iter().map(|b| format!("{b:02x}")).collect::<String>(), expected, "{value}");
        }
    }

    /// Octet by octet.
    fn expected(value: i64) -> Vec<u8> {
        let mut rest = ((value << 1) ^ (value >> 63)) as u64;
        let mut octets = Vec::new();
        while rest >= 0x80 {
            octets.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        octets.push(rest as u8);
        octets
    }

    #[test]
    fn every_length() {
        let around = |shift: u32| [1i64 << shift, !(1i64 << shift), i64::MIN >> shift, 0x5A5A_5A5A_5A5A_5A5A >> shift];
        for value in (0..64).flat_map(around).flat_map(|value| [value, value.wrapping_sub(1)]) {
            for before in [Word::EMPTY, Word::octet(9), Word::count(40_000)] {
                let (mut out, mut start) = (vec![7], vec![7]);
                before.append(&mut start);
                long(&mut out, before, value);
                assert_eq!(out, [start.clone(), expected(value)].concat(), "{value}");
                if let Ok(value) = i32::try_from(value) {
                    let mut at_once = vec![7];
                    before.then(Word::int(value)).append(&mut at_once);
                    assert_eq!(out, at_once, "{value}");
                }
            }
        }
        for count in [0, 1, 63, 64, 1 << 20, (1 << 33) - 1] {
            let mut out = Vec::new();
            Word::count(count).append(&mut out);
            assert_eq!(out, expected(count as i64));
        }
    }
}
