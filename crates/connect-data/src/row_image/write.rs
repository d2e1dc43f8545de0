//! Writes row images.

use super::{FLAG_NO_VALUE, FORMAT, HEADER, Image, MAX_IMAGE, bit_words, slots_start, tail_start};
use crate::error::{Error, Result};

/// What many images have in common: their slots, and the first bytes of their tails.
#[derive(Clone, Debug)]
pub struct Prototype {
    image: Box<[u8]>,
    slots: usize,
}

impl Prototype {
    /// A prototype of `slots` slots, of which `fill` writes some.
    ///
    /// # Errors
    /// Those of `fill`, and Data `row-image.too-large`.
    pub fn new(slots: usize, fill: impl FnOnce(&mut ImageWriter<'_>) -> Result<()>) -> Result<Self> {
        let mut image = Vec::new();
        let mut writer = ImageWriter::new(&mut image, slots)?;
        fill(&mut writer)?;
        Ok(Self { image: image.into(), slots })
    }

    /// Starts an image like this one at the end of `out`; slots may be written once more.
    ///
    /// # Errors
    /// Data `row-image.too-large`.
    #[inline]
    pub fn start<'a>(&self, out: &'a mut Vec<u8>) -> Result<ImageWriter<'a>> {
        let base = out.len();
        grow(out, base, self.image.len())?;
        out.extend_from_slice(&self.image);
        Ok(ImageWriter::over(out, base, self.slots))
    }
}

/// Writes one image at the end of a byte vector. Slots may be set in any order; tail bytes and nested images are
/// appended. Nothing is allocated once the vector has grown.
///
/// After [`Self::new`] every slot is zero and not null.
pub struct ImageWriter<'a> {
    out: &'a mut Vec<u8>,
    base: usize,
    words: usize,
    slots: usize,
    /// Where the slots begin in `out`.
    first: usize,
    /// Where they end.
    tail: usize,
}

impl<'a> ImageWriter<'a> {
    /// Starts an image of `slots` slots at the end of `out`.
    ///
    /// # Errors
    /// Data `row-image.too-large`: the image would exceed [`MAX_IMAGE`].
    pub fn new(out: &'a mut Vec<u8>, slots: usize) -> Result<Self> {
        let base = out.len();
        let start = tail_start(slots.min(MAX_IMAGE));
        grow(out, base, start)?;
        out.resize(base + start, 0);
        if let Some(format) = out.get_mut(base) {
            *format = FORMAT;
        }
        let mut writer = Self::over(out, base, slots);
        writer.put(8, (slots as u32).to_le_bytes());
        Ok(writer)
    }

    #[inline]
    fn over(out: &'a mut Vec<u8>, base: usize, slots: usize) -> Self {
        let first = base + slots_start(slots);
        Self { out, base, words: bit_words(slots), slots, first, tail: first + 8 * slots }
    }

    #[inline]
    fn put<const N: usize>(&mut self, offset: usize, bytes: [u8; N]) {
        if let Some(place) = self.out.get_mut(self.base + offset..).and_then(|rest| rest.first_chunk_mut()) {
            *place = bytes;
        }
    }

    #[inline]
    fn set_bit(&mut self, set: usize, slot: usize) {
        debug_assert!(slot < self.slots);
        let byte = self.base + HEADER + set * 8 * self.words + slot / 8;
        if let Some(bits) = self.out.get_mut(byte) {
            *bits |= 1 << (slot % 8);
        }
    }

    /// Marks the slot as null.
    #[inline]
    pub fn null(&mut self, slot: usize) {
        self.set_bit(0, slot);
    }

    /// Marks the slot as unavailable (unchanged TOAST): neither null nor a value.
    #[inline]
    pub fn unavailable(&mut self, slot: usize) {
        self.set_bit(1, slot);
    }

    /// Sets the slot's eight bytes: booleans as 0 or 1, integers sign-extended, floats as bits (FLOAT32 in the low half).
    #[inline]
    pub fn set(&mut self, slot: usize, value: u64) {
        debug_assert!(slot < self.slots);
        if let Some(place) = self.out.get_mut(self.first + 8 * slot..).and_then(|rest| rest.first_chunk_mut()) {
            *place = value.to_le_bytes();
        }
    }

    /// Takes back a null that [`Self::null`] or [`Self::copy_slots`] set.
    #[inline]
    pub fn not_null(&mut self, slot: usize) {
        debug_assert!(slot < self.slots);
        if let Some(bits) = self.out.get_mut(self.base + HEADER + slot / 8) {
            *bits &= !(1 << (slot % 8));
        }
    }

    /// Copies `count` slots of another image with their null and unavailable bits. Slots of variable length still hold
    /// the other image's ranges: the caller gives each of them its bytes with [`Self::tail`].
    pub fn copy_slots(&mut self, image: &Image<'_>, from: usize, to: usize, count: usize) {
        debug_assert!(to + count <= self.slots);
        let start = self.first + 8 * to;
        if let (Some(place), Some(bytes)) = (self.out.get_mut(start..start + 8 * count), image.slot_bytes(from, count))
        {
            place.copy_from_slice(bytes);
        }
        for offset in (0..count).step_by(64) {
            let wanted = u64::MAX >> (64 - (count - offset).min(64));
            let (nulls, unavailable) = image.bits(from + offset);
            for (set, mut bits) in [(0, nulls & wanted), (1, unavailable & wanted)] {
                while bits != 0 {
                    self.set_bit(set, to + offset + bits.trailing_zeros() as usize);
                    bits &= bits - 1;
                }
            }
        }
    }

    /// Points the slot to `len` bytes at `offset` of the input that is being decoded.
    #[inline]
    pub fn input(&mut self, slot: usize, offset: usize, len: usize) {
        self.set(slot, offset as u64 | (len as u64) << 32);
    }

    /// Copies `bytes` to the tail and points the slot to them.
    ///
    /// # Errors
    /// Data `row-image.too-large`.
    #[inline]
    pub fn tail(&mut self, slot: usize, bytes: &[u8]) -> Result<()> {
        grow(self.out, self.base, bytes.len())?;
        let offset = self.out.len() - self.tail;
        self.out.extend_from_slice(bytes);
        self.points_to_tail(slot, offset, bytes.len());
        Ok(())
    }

    /// Lets `fill` append bytes to the tail and points the slot to them.
    ///
    /// # Errors
    /// Those of `fill`, and Data `row-image.too-large`.
    pub fn tail_with(&mut self, slot: usize, fill: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        let offset = self.out.len() - self.tail;
        fill(self.out)?;
        grow(self.out, self.base, 0)?;
        let len = (self.out.len() - self.tail).saturating_sub(offset);
        self.points_to_tail(slot, offset, len);
        Ok(())
    }

    /// Writes an aggregate (array, map, recursive struct) of `slots` slots through `fill` and points the slot to it.
    ///
    /// # Errors
    /// Those of `fill`, and Data `row-image.too-large`.
    pub fn nested(
        &mut self,
        slot: usize,
        slots: usize,
        fill: impl FnOnce(&mut ImageWriter<'_>) -> Result<()>,
    ) -> Result<()> {
        self.align();
        self.tail_with(slot, |out| {
            let mut nested = ImageWriter::new(out, slots)?;
            fill(&mut nested)?;
            nested.finish();
            Ok(())
        })
    }

    /// Pads the tail so that a nested image starts at a multiple of 8.
    #[inline]
    pub fn align(&mut self) {
        let used = self.out.len() - self.base;
        let padded = self.base + used.next_multiple_of(8);
        self.out.resize(padded, 0);
    }

    /// Bytes written to the tail so far: with [`Self::begin_nested`] for writers that cannot use a closure.
    #[inline]
    pub fn tail_len(&self) -> usize {
        self.out.len() - self.tail
    }

    /// The vector behind the writer, to append tail bytes; pair with [`Self::tail_len`] and [`Self::points_to_tail`].
    #[inline]
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Points the slot to bytes that are already in the tail.
    #[inline]
    pub fn points_to_tail(&mut self, slot: usize, offset: usize, len: usize) {
        self.set_bit(2, slot);
        self.set(slot, offset as u64 | (len as u64) << 32);
    }

    /// Pads the tail and completes the header. Dropping a writer without this leaves an image that readers refuse only
    /// if it had a tail, so call it always.
    pub fn finish(mut self) {
        self.align();
        let tail_len = (self.out.len() - self.tail) as u32;
        self.put(12, tail_len.to_le_bytes());
    }
}

#[inline]
fn grow(out: &mut Vec<u8>, base: usize, more: usize) -> Result<()> {
    let size = (out.len() - base).saturating_add(more);
    if size > MAX_IMAGE {
        return Err(too_large(size));
    }
    out.try_reserve(more).map_err(|_| no_memory(more))
}

#[cold]
fn too_large(size: usize) -> Error {
    let message = format!("row image: expected at most {MAX_IMAGE} bytes, found at least {size}");
    Error::data("row-image.too-large", message)
}

#[cold]
fn no_memory(more: usize) -> Error {
    Error::internal("row-image.memory", format!("row image: cannot reserve {more} bytes"))
}

/// Writes the image that means "no value and no schema".
pub fn write_null(out: &mut Vec<u8>) {
    out.extend_from_slice(&[FORMAT, FLAG_NO_VALUE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_slots_keep_their_bits_whatever_the_offset() {
        let mut source = Vec::new();
        let mut writer = ImageWriter::new(&mut source, 200).unwrap();
        for slot in 0..200 {
            match slot % 7 {
                0 => writer.null(slot),
                3 => writer.unavailable(slot),
                _ => writer.set(slot, slot as u64 + 1),
            }
        }
        writer.finish();
        let source = Image::new(&source, &[]).unwrap();
        for (from, to, count) in [(0, 0, 200), (5, 3, 64), (13, 40, 65), (199, 0, 1), (70, 1, 130), (8, 8, 0)] {
            let mut copy = Vec::new();
            let mut writer = ImageWriter::new(&mut copy, 200).unwrap();
            writer.copy_slots(&source, from, to, count);
            writer.finish();
            let copy = Image::new(&copy, &[]).unwrap();
            for slot in 0..200 {
                let expected = (to..to + count).contains(&slot).then(|| from + slot - to);
                assert_eq!(copy.is_null(slot), expected.is_some_and(|s| source.is_null(s)));
                assert_eq!(copy.is_unavailable(slot), expected.is_some_and(|s| source.is_unavailable(s)));
                assert_eq!(copy.get(slot), expected.map_or(0, |s| source.get(s)));
            }
        }
    }

    #[test]
    fn a_prototype_is_completed() {
        let prototype = Prototype::new(3, |w| {
            w.null(0);
            w.tail(1, b"abc")
        })
        .unwrap();
        let mut bytes = b"12345678".to_vec();
        for text in ["d", "efghijklmn"] {
            bytes.truncate(8);
            let mut writer = prototype.start(&mut bytes).unwrap();
            writer.tail(2, text.as_bytes()).unwrap();
            writer.finish();
            let image = Image::new(&bytes[8..], &[]).unwrap();
            assert!(image.is_null(0) && !image.is_null(1));
            assert_eq!((image.bytes(1).unwrap(), image.bytes(2).unwrap()), (&b"abc"[..], text.as_bytes()));
        }
    }

    #[test]
    fn a_null_can_be_taken_back() {
        let mut bytes = Vec::new();
        let mut writer = ImageWriter::new(&mut bytes, 10).unwrap();
        writer.null(8);
        writer.null(9);
        writer.not_null(9);
        writer.finish();
        let image = Image::new(&bytes, &[]).unwrap();
        assert!(image.is_null(8) && !image.is_null(9));
    }
}
