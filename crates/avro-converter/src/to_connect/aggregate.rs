//! Row images while a plan writes them: the root image and the aggregates in its tail, several of them open at a time.
//! [`connect_data::row_image::ImageWriter`] nests by closures; a plan with its own stack cannot.

use super::fault::Fault;
use super::straight::Slots;
use connect_data::row_image::{FORMAT, HEADER, MAX_IMAGE, bit_words, slots_start, tail_start};

/// An open image. Copying it is free; the bytes are in the caller's vector, of which it is the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aggregate {
    base: usize,
    slots: usize,
}

const NULLS: usize = 0;
const IN_TAIL: usize = 2;

impl Aggregate {
    /// Opens an image at the end of `out`. `root` is where the root image starts.
    pub(super) fn open(out: &mut Vec<u8>, root: usize, slots: usize) -> Result<Self, Fault> {
        if slots > MAX_IMAGE / 8 {
            return Err(Fault::TooLarge);
        }
        let base = out.len();
        reserve(out, root, tail_start(slots))?;
        out.resize(base + tail_start(slots), 0);
        let aggregate = Self { base, slots };
        aggregate.header(out, 0);
        Ok(aggregate)
    }

    fn header(&self, out: &mut [u8], tail: u32) {
        let mut header = [0; HEADER];
        let [s0, s1, s2, s3] = (self.slots as u32).to_le_bytes();
        let [t0, t1, t2, t3] = tail.to_le_bytes();
        header.copy_from_slice(&[FORMAT, 0, 0, 0, 0, 0, 0, 0, s0, s1, s2, s3, t0, t1, t2, t3]);
        if let Some(place) = out.get_mut(self.base..self.base + HEADER) {
            place.copy_from_slice(&header);
        }
    }

    /// Its null bits and slots, which stay where they are until something is appended.
    #[inline]
    pub(super) fn slots<'o>(&self, out: &'o mut [u8]) -> Slots<'o> {
        let image = out.get_mut(self.base..).unwrap_or_default();
        let (marks, rest) = image.split_at_mut_checked(slots_start(self.slots)).unwrap_or_default();
        let (slots, _) = rest.get_mut(..8 * self.slots).unwrap_or_default().as_chunks_mut();
        Slots { nulls: marks.get_mut(HEADER..).unwrap_or_default(), slots }
    }

    /// Where the image starts.
    pub(super) fn base(&self) -> usize {
        self.base
    }

    fn tail(&self) -> usize {
        self.base + tail_start(self.slots)
    }

    #[inline]
    pub(super) fn set(&self, out: &mut [u8], slot: usize, value: u64) {
        debug_assert!(slot < self.slots);
        let at = self.base + slots_start(self.slots) + 8 * slot;
        if let Some(place) = out.get_mut(at..at + 8) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }

    pub(super) fn get(&self, out: &[u8], slot: usize) -> u64 {
        let at = self.base + slots_start(self.slots) + 8 * slot;
        out.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    #[inline]
    fn bit_at(&self, set: usize, slot: usize) -> usize {
        self.base + HEADER + set * 8 * bit_words(self.slots) + slot / 8
    }

    #[inline]
    fn mark(&self, out: &mut [u8], set: usize, slot: usize) {
        debug_assert!(slot < self.slots);
        if let Some(bits) = out.get_mut(self.bit_at(set, slot)) {
            *bits |= 1 << (slot % 8);
        }
    }

    fn marked(&self, out: &[u8], set: usize, slot: usize) -> bool {
        out.get(self.bit_at(set, slot)).is_some_and(|bits| bits & (1 << (slot % 8)) != 0)
    }

    #[inline]
    pub(super) fn null(&self, out: &mut [u8], slot: usize) {
        self.mark(out, NULLS, slot);
    }

    pub(super) fn is_null(&self, out: &[u8], slot: usize) -> bool {
        self.marked(out, NULLS, slot)
    }

    /// Points a slot into the payload.
    #[inline]
    pub(super) fn input(&self, out: &mut [u8], slot: usize, offset: usize, len: usize) {
        self.set(out, slot, offset as u64 | (len as u64) << 32);
    }

    /// Lets `fill` append to the tail and points a slot there.
    pub(super) fn append(&self, out: &mut Vec<u8>, slot: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = out.len();
        fill(out);
        self.points_to(out, slot, start);
    }

    /// Points a slot to everything from `start` to the end of `out`.
    pub(super) fn points_to(&self, out: &mut [u8], slot: usize, start: usize) {
        let (offset, len) = (start - self.tail(), out.len() - start);
        self.mark(out, IN_TAIL, slot);
        self.set(out, slot, offset as u64 | (len as u64) << 32);
    }

    /// The bytes that a slot points to.
    pub(super) fn bytes<'a>(&self, out: &'a [u8], input: &'a [u8], slot: usize) -> &'a [u8] {
        let value = self.get(out, slot);
        let (offset, len) = ((value & 0xFFFF_FFFF) as usize, (value >> 32) as usize);
        let heap = if self.marked(out, IN_TAIL, slot) { out.get(self.tail()..).unwrap_or(&[]) } else { input };
        heap.get(offset..).and_then(|rest| rest.get(..len)).unwrap_or(&[])
    }

    /// Pads the tail and completes the header.
    pub(super) fn finish(&self, out: &mut Vec<u8>) {
        align(out, self.base);
        let tail = out.len() - self.tail();
        self.header(out, tail as u32);
    }

    /// Moves slot `from` to slot `to`, marks included.
    pub(super) fn move_slot(&self, out: &mut [u8], from: usize, to: usize) {
        let value = self.get(out, from);
        self.set(out, to, value);
        for set in [NULLS, IN_TAIL] {
            let marked = self.marked(out, set, from);
            if let Some(bits) = out.get_mut(self.bit_at(set, to)) {
                *bits = *bits & !(1 << (to % 8)) | u8::from(marked) << (to % 8);
            }
        }
    }

    /// Gives the image another number of slots: the first `keys` stay, the `values` from `from` on go to `to`, all others
    /// are zero. The tail moves along; nothing else may be open inside. `room` is a buffer.
    pub(super) fn reshape(
        &self,
        out: &mut Vec<u8>,
        root: usize,
        slots: usize,
        keys: usize,
        (from, to, values): (usize, usize, usize),
        room: &mut Vec<u8>,
    ) -> Result<Self, Fault> {
        if slots > MAX_IMAGE / 8 {
            return Err(Fault::TooLarge);
        }
        let new = Self { base: self.base, slots };
        let (old_tail, new_tail, len) = (self.tail(), new.tail(), out.len());
        room.clear();
        room.extend_from_slice(out.get(self.base..old_tail).unwrap_or(&[]));
        if new_tail > old_tail {
            reserve(out, root, new_tail - old_tail)?;
            out.resize(len + new_tail - old_tail, 0);
        }
        out.copy_within(old_tail..len, new_tail);
        out.truncate(len - old_tail + new_tail);
        if let Some(place) = out.get_mut(new.base..new_tail) {
            place.fill(0);
        }
        new.header(out, 0);
        let old = Self { base: 0, slots: self.slots };
        for (a, b) in (0..keys).map(|slot| (slot, slot)).chain((0..values).map(|i| (from + i, to + i))) {
            new.set(out, b, old.get(room, a));
            for set in [NULLS, IN_TAIL] {
                if old.marked(room, set, a) {
                    new.mark(out, set, b);
                }
            }
        }
        Ok(new)
    }
}

/// Refuses an image that would grow beyond [`MAX_IMAGE`].
pub(super) fn reserve(out: &mut Vec<u8>, root: usize, more: usize) -> Result<(), Fault> {
    if (out.len() - root).saturating_add(more) > MAX_IMAGE {
        return Err(Fault::TooLarge);
    }
    out.try_reserve(more).map_err(|_| Fault::TooLarge)
}

/// Pads to a multiple of 8, counted from `root`.
pub(super) fn align(out: &mut Vec<u8>, root: usize) {
    let padded = root + (out.len() - root).next_multiple_of(8);
    out.resize(padded, 0);
}
