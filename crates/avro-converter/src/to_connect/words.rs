//! A payload read eight bytes at a time: one look decides most of a value. What such a look does not decide is left to
//! those who read byte by byte.

use std::hint::cold_path;

/// The highest bit of each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// A payload. Copying it is free.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    bytes: &'a [u8],
}

impl<'a> Words<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    #[inline(always)]
    pub(super) fn byte(&self, at: u32) -> Option<u8> {
        self.bytes.get(at as usize).copied()
    }

    #[inline(always)]
    pub(super) fn array<const N: usize>(&self, at: u32) -> Option<[u8; N]> {
        self.bytes.get(at as usize..at as usize + N)?.first_chunk().copied()
    }

    /// The bytes from `at` on, least first; behind the end come bytes that belong to no number, length or ASCII text.
    #[inline(always)]
    pub(super) fn word(&self, at: u32) -> u64 {
        match self.array(at) {
            Some(bytes) => u64::from_le_bytes(bytes),
            None => {
                cold_path();
                let behind = (at as usize + 8 - self.bytes.len()) as u32;
                self.last().checked_shr(8 * behind).map_or(HIGH, |word| word | HIGH << (64 - 8 * behind))
            }
        }
    }

    /// The last eight bytes; of fewer the front is missing.
    #[inline(always)]
    fn last(&self) -> u64 {
        match self.bytes.last_chunk() {
            Some(last) => u64::from_le_bytes(*last),
            None => self.bytes.iter().fold(0, |word, byte| word >> 8 | u64::from(*byte) << 56),
        }
    }

    /// What follows.
    #[inline(always)]
    pub(super) fn rest(&self, at: u32) -> Option<&'a [u8]> {
        self.bytes.get(at as usize..)
    }

    /// The position behind so many bytes, if they are there.
    #[inline(always)]
    pub(super) fn skip(&self, at: u32, len: u32) -> Option<u32> {
        let end = u64::from(at) + u64::from(len);
        if end <= self.bytes.len() as u64 { Some(end as u32) } else { None }
    }

    /// The bytes behind their length, of which `word` holds the beginning, and their end. `None`: another length than one
    /// byte says, or fewer bytes.
    #[inline(always)]
    pub(super) fn prefixed(&self, at: u32, word: u64) -> Option<(&'a [u8], u32)> {
        let start = at as usize + 1;
        let end = start + short(word)?;
        Some((self.bytes.get(start..end)?, end as u32))
    }

    /// The length of an ASCII text behind it. `None`: another length than one byte says, or fewer bytes, or another text.
    #[inline(always)]
    pub(super) fn ascii(&self, at: u32, word: u64) -> Option<u32> {
        let start = at as usize;
        let len = short(word)?;
        // The length has no high bit either.
        let high = if len < 8 {
            word & HIGH >> (56 - 8 * len)
        } else {
            let all = self.bytes.get(start..start + 1 + len)?;
            // Words that overlap instead of a loop: no processor could foresee its rounds.
            let last = len - 7;
            if last <= 16 { (word | look(all, last / 2)? | look(all, last)?) & HIGH } else { many(all) }
        };
        if high == 0 { Some(len as u32) } else { None }
    }
}

#[inline(always)]
fn look(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

/// High bits of at least eight bytes.
#[inline(never)]
fn many(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks();
    let last = bytes.last_chunk().map_or(HIGH, |last| u64::from_le_bytes(*last));
    words.iter().fold(last, |all, word| all | u64::from_le_bytes(*word)) & HIGH
}

/// A length of one byte that is not negative.
#[inline(always)]
fn short(word: u64) -> Option<usize> {
    if word & 0x81 != 0 {
        cold_path();
        return None;
    }
    Some(usize::from(word as u8 >> 1))
}

/// A number of up to eight bytes at the start of a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    /// Its groups as they are, the marks of those that follow included.
    groups: u64,
    /// The mark of the last group, which is not set.
    mark: u64,
}

impl Number {
    /// `None`: it is longer.
    #[inline(always)]
    pub(super) fn of(word: u64) -> Option<Self> {
        let ends = !word & HIGH;
        let mark = ends & ends.wrapping_neg();
        if ends == 0 { None } else { Some(Self { groups: word & (mark - 1), mark }) }
    }

    #[inline(always)]
    pub(super) fn groups(self) -> u64 {
        self.groups
    }

    /// How many bytes it takes.
    #[inline(always)]
    pub(super) fn len(self) -> u32 {
        self.mark.trailing_zeros() / 8 + 1
    }

    /// Whether its last group is needed: the number has more than one byte.
    #[inline(always)]
    pub(super) fn is_minimal(self) -> bool {
        self.groups >= self.mark >> 7
    }

    /// Whether it has no more than 32 bits.
    #[inline(always)]
    pub(super) fn is_int(self) -> bool {
        self.groups < 1 << 36
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::utf8::is_text;

    #[test]
    fn behind_the_end_is_no_value() {
        for len in 0..20u8 {
            let bytes: Vec<u8> = (1..=len).collect();
            let words = Words::new(&bytes);
            for at in 0..=len {
                let mut expected = [0x80; 8];
                let rest = &bytes[usize::from(at)..];
                let there = rest.len().min(8);
                expected[..there].copy_from_slice(&rest[..there]);
                assert_eq!(words.word(u32::from(at)).to_le_bytes(), expected, "{at} of {len}");
            }
            assert_eq!(words.skip(0, u32::from(len)), Some(u32::from(len)));
            assert_eq!(words.skip(1, u32::from(len)), None);
        }
    }

    #[test]
    fn texts_of_every_length_at_the_very_end() {
        for len in 0..=63usize {
            let mut bytes = vec![0xFF; 3];
            bytes.push(2 * len as u8);
            bytes.extend((0..len).map(|i| i as u8));
            let ascii = |bytes: &[u8]| {
                let words = Words::new(bytes);
                words.ascii(3, words.word(3))
            };
            assert_eq!(ascii(&bytes), Some(len as u32));
            assert_eq!(ascii(&[&bytes[..], &[0xFF; 9]].concat()), Some(len as u32));
            for i in 0..len {
                assert_eq!(ascii(&bytes[..4 + i]), None, "{i} of {len}");
                bytes[4 + i] |= 0x80;
                assert_eq!(ascii(&bytes), None, "{i} of {len}");
                bytes[4 + i] &= 0x7F;
            }
            assert_eq!(ascii(&bytes[..3]), None);
            assert!(is_text(&bytes[4..]));
        }
        for length in [1, 3, 0x7F, 0x80, 0xFF] {
            assert_eq!(Words::new(&[length; 200]).ascii(0, u64::from(length)), None);
            assert_eq!(Words::new(&[length; 200]).prefixed(0, u64::from(length)), None);
        }
    }

    #[test]
    fn numbers_of_up_to_eight_bytes() {
        for len in 1..=8u32 {
            let mut bytes = [0xFF; 8];
            bytes[len as usize - 1] = 1;
            let number = Number::of(u64::from_le_bytes(bytes)).unwrap();
            assert_eq!((number.len(), number.is_minimal()), (len, true));
            assert_eq!(number.is_int() && number.is_minimal(), len <= 5);
            bytes[len as usize - 1] = 0x10;
            assert_eq!(Number::of(u64::from_le_bytes(bytes)).unwrap().is_int(), len <= 4);
            bytes[len as usize - 1] = 0;
            assert!(!Number::of(u64::from_le_bytes(bytes)).unwrap().is_minimal());
        }
        assert!(Number::of(u64::MAX).is_none());
    }
}
