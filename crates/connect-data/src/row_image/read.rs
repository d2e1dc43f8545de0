//! Reads row images; every offset is checked.

use super::{FLAG_NO_VALUE, FORMAT, HEADER, bit_words, slots_start, tail_start};
use crate::error::{Error, Result};
use crate::utf8::is_text;

/// What an image consists of, for whoever reads all of it: ranges are his to check.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    nulls: &'a [u8],
    in_tail: &'a [u8],
    /// As [`Image::get`], little-endian.
    pub slots: &'a [[u8; 8]],
    /// What slots in the tail refer to.
    pub tail: &'a [u8],
    /// What the others refer to.
    pub input: &'a [u8],
}

impl Parts<'_> {
    /// As [`Image::is_null`].
    #[inline(always)]
    pub fn is_null(&self, slot: usize) -> bool {
        bit(self.nulls, slot)
    }

    /// As [`Image::is_in_tail`].
    #[inline(always)]
    pub fn is_in_tail(&self, slot: usize) -> bool {
        bit(self.in_tail, slot)
    }
}

/// A row image and the input that its slots may refer to. Copying it is free.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    nulls: &'a [u8],
    unavailable: &'a [u8],
    in_tail: &'a [u8],
    slots: &'a [u8],
    tail: &'a [u8],
    input: &'a [u8],
    no_value: bool,
}

impl<'a> Image<'a> {
    /// Checks the header and the sizes. `input` is the payload that was decoded, empty for a self-contained image.
    ///
    /// # Errors
    /// Internal `row-image.header`: unknown format or flag, sizes that do not add up.
    pub fn new(bytes: &'a [u8], input: &'a [u8]) -> Result<Self> {
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or_else(|| header_error("fewer bytes than a header"))?;
        let [format, flags, r0, r1, s0, s1, s2, s3, n0, n1, n2, n3, t0, t1, t2, t3] = *header;
        if format != FORMAT {
            return Err(header_error("another format"));
        }
        if flags & !FLAG_NO_VALUE != 0 || [r0, r1, s0, s1, s2, s3] != [0; 6] {
            return Err(header_error("unknown flags or status"));
        }
        let count = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
        let tail_len = u32::from_le_bytes([t0, t1, t2, t3]) as usize;
        if count > bytes.len() / 8 || tail_start(count).checked_add(tail_len) != Some(bytes.len()) {
            return Err(header_error("sizes that do not add up"));
        }
        let set = 8 * bit_words(count);
        let (nulls, rest) = split(bytes.get(HEADER..).unwrap_or(&[]), set)?;
        let (unavailable, rest) = split(rest, set)?;
        let (in_tail, rest) = split(rest, set)?;
        let (slots, tail) = split(rest, 8 * count)?;
        debug_assert_eq!(slots_start(count), HEADER + 3 * set);
        Ok(Self { nulls, unavailable, in_tail, slots, tail, input, no_value: flags & FLAG_NO_VALUE != 0 })
    }

    /// Whether this is "no value and no schema".
    pub fn is_no_value(&self) -> bool {
        self.no_value
    }

    /// Number of slots.
    pub fn slots(&self) -> usize {
        self.slots.len() / 8
    }

    /// Refuses an image whose number of slots differs from what the schema's layout says.
    ///
    /// # Errors
    /// Internal `row-image.slots`.
    pub fn expect_slots(&self, expected: usize) -> Result<()> {
        if self.slots() != expected {
            return Err(Error::internal(
                "row-image.slots",
                format!("row image: expected {expected} slots, found {}", self.slots()),
            ));
        }
        Ok(())
    }

    /// Whether the slot is null.
    #[inline]
    pub fn is_null(&self, slot: usize) -> bool {
        bit(self.nulls, slot)
    }

    /// Whether the slot is unavailable.
    #[inline]
    pub fn is_unavailable(&self, slot: usize) -> bool {
        bit(self.unavailable, slot)
    }

    /// Whether any slot is unavailable: where there is none, which is nearly always, slots need not be asked one by one.
    pub fn any_unavailable(&self) -> bool {
        self.unavailable.iter().any(|bits| *bits != 0)
    }

    /// The parts of an image without unavailable slots.
    #[inline]
    pub fn parts(&self) -> Parts<'a> {
        let Self { nulls, in_tail, slots, tail, input, .. } = *self;
        Parts { nulls, in_tail, slots: slots.as_chunks().0, tail, input }
    }

    /// Whether the slot points into the tail.
    #[inline]
    pub fn is_in_tail(&self, slot: usize) -> bool {
        bit(self.in_tail, slot)
    }

    /// The slot's eight bytes; 0 where there is no such slot (layouts and images are matched by
    /// [`Self::expect_slots`]).
    #[inline]
    pub fn get(&self, slot: usize) -> u64 {
        self.slots.get(slot * 8..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// The eight bytes of each of `count` slots; `None` where there are not so many.
    pub(super) fn slot_bytes(&self, from: usize, count: usize) -> Option<&'a [u8]> {
        self.slots.get(8 * from..)?.get(..8 * count)
    }

    /// Null bits and unavailable bits of up to 64 slots, the one of `from` lowest.
    pub(super) fn bits(&self, from: usize) -> (u64, u64) {
        (word(self.nulls, from), word(self.unavailable, from))
    }

    /// Offset and length that a variable-length slot holds, unchecked.
    #[inline]
    pub fn range(&self, slot: usize) -> (usize, usize) {
        let value = self.get(slot);
        ((value & 0xFFFF_FFFF) as usize, (value >> 32) as usize)
    }

    /// The bytes that a variable-length slot points to.
    ///
    /// # Errors
    /// Internal `row-image.range`: the range lies outside its heap.
    #[inline]
    pub fn bytes(&self, slot: usize) -> Result<&'a [u8]> {
        let (offset, len) = self.range(slot);
        let heap = if self.is_in_tail(slot) { self.tail } else { self.input };
        match heap.get(offset..).and_then(|rest| rest.get(..len)) {
            Some(bytes) => Ok(bytes),
            None => Err(out_of_range(slot, offset, len, heap.len())),
        }
    }

    /// The text that a slot points to.
    ///
    /// # Errors
    /// Internal: range outside its heap, or not UTF-8.
    #[inline]
    pub fn text(&self, slot: usize) -> Result<&'a str> {
        std::str::from_utf8(self.bytes(slot)?).map_err(|_| not_utf8(slot))
    }

    /// The bytes of the text that a slot points to.
    ///
    /// # Errors
    /// Those of [`Self::text`].
    #[inline]
    pub fn text_bytes(&self, slot: usize) -> Result<&'a [u8]> {
        let bytes = self.bytes(slot)?;
        if is_text(bytes) { Ok(bytes) } else { Err(not_utf8(slot)) }
    }

    /// The aggregate that a slot points to.
    ///
    /// # Errors
    /// Those of [`Self::new`] and [`Self::bytes`].
    pub fn nested(&self, slot: usize) -> Result<Image<'a>> {
        Image::new(self.bytes(slot)?, self.input)
    }
}

#[inline]
fn bit(set: &[u8], slot: usize) -> bool {
    set.get(slot / 8).is_some_and(|byte| byte & (1 << (slot % 8)) != 0)
}

/// 64 bits from `from` on; beyond the end they are 0.
fn word(set: &[u8], from: usize) -> u64 {
    let word =
        |i: usize| set.get(8 * i..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (first, shift) = (from / 64, from % 64);
    if shift == 0 { word(first) } else { word(first) >> shift | word(first + 1) << (64 - shift) }
}

fn split(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8])> {
    bytes.split_at_checked(at).ok_or_else(|| header_error("sizes that do not add up"))
}

fn header_error(found: &str) -> Error {
    Error::internal("row-image.header", format!("row image: expected format {FORMAT}, found {found}"))
}

#[cold]
fn out_of_range(slot: usize, offset: usize, len: usize, heap: usize) -> Error {
    Error::internal(
        "row-image.range",
        format!("row image: slot {slot} points to {len} bytes at {offset} of a heap of {heap}"),
    )
}

#[cold]
fn not_utf8(slot: usize) -> Error {
    Error::internal("row-image.utf8", format!("row image: slot {slot} is not UTF-8"))
}
