//! Writes an event of the table from its row image in straight lines: everything is checked that any encoder has to check
//! (sizes, what is lacking, ranges, UTF-8, decimals), but there is no plan, and an error has no words.

use crate::event::{AFTER, BEFORE, HIGH, OP, SLOTS, SOURCE, TRANSACTION, TS_MS};
use crate::image::FIRST_SLOT;

/// Slots of a row, the row's own being 0: those that may not be null, and those that refer to bytes.
const ROW: [u64; 2] = [bits(&[1, 2, 3, 5, 6, 8, 9]), bits(&[2, 3, 4, 5, 11, 12])];
/// The same of a transaction.
const OF_TRANSACTION: [u64; 2] = [bits(&[1, 2, 3]), bits(&[1])];
/// The same of what is always there.
const ALWAYS: [u64; 2] = [
    bits(&[0, SOURCE, SOURCE + 1, SOURCE + 2, SOURCE + 3, SOURCE + 4, SOURCE + 6, SOURCE + 8, SOURCE + 9, OP]),
    bits(&[SOURCE + 1, SOURCE + 2, SOURCE + 3, SOURCE + 5, SOURCE + 6, SOURCE + 7, SOURCE + 8, SOURCE + 9, OP]),
];

/// Most texts are shorter than so many bytes; these are copied at once, whatever lies behind them.
const PIECE: usize = 16;

const fn bits(slots: &[usize]) -> u64 {
    let (mut bits, mut i) = (0, 0);
    while i < slots.len() {
        bits |= 1 << slots[i];
        i += 1;
    }
    bits
}

/// The high bits that count in a piece, by the length of the text.
const COUNTED: [[u64; 2]; PIECE] = {
    let (mut masks, mut len) = ([[HIGH; 2]; PIECE], 0);
    while len < PIECE {
        masks[len] =
            if len < 8 { [HIGH & ((1 << (8 * len)) - 1), 0] } else { [HIGH, HIGH & ((1 << (8 * len - 64)) - 1)] };
        len += 1;
    }
    masks
};

/// Writes the payload of an image and answers its length.
#[inline]
pub fn write(image: &[u8], schema: u32, out: &mut [u8]) -> Option<usize> {
    let (head, tail) = image.split_first_chunk::<{ FIRST_SLOT + 8 * SLOTS }>()?;
    let [header, sizes, nulls, unavailable, tails, slots @ ..]: &[[u8; 8]; SLOTS + 5] =
        head.as_chunks().0.first_chunk()?;
    let [header, sizes, nulls, unavailable, tails] =
        [header, sizes, nulls, unavailable, tails].map(|word| u64::from_le_bytes(*word));
    if header != 1 || sizes != SLOTS as u64 | (tail.len() as u64) << 32 || unavailable != 0 {
        return None;
    }
    let [mut required, mut variable] = ALWAYS;
    for (slot, of) in [(BEFORE, ROW), (AFTER, ROW), (TRANSACTION, OF_TRANSACTION)] {
        let there = (nulls >> slot & 1).wrapping_sub(1);
        required |= of[0] << slot & there;
        variable |= of[1] << slot & there;
    }
    if nulls & required != 0 || variable & !nulls & !tails != 0 {
        return None;
    }
    let mut event = Writer { slots, nulls, tail, out, at: 5 };
    let [a, b, c, d] = schema.to_be_bytes();
    event.out.get_mut(..5)?.copy_from_slice(&[0, a, b, c, d]);
    event.event()?;
    Some(event.at as usize)
}

/// A payload that is being written. All of it becomes one function: which slot is meant is known when it is compiled.
struct Writer<'a> {
    slots: &'a [[u8; 8]; SLOTS],
    nulls: u64,
    tail: &'a [u8],
    out: &'a mut [u8],
    at: u32,
}

impl Writer<'_> {
    #[inline(always)]
    fn event(&mut self) -> Option<()> {
        if self.present(BEFORE)? {
            self.row(BEFORE)?;
        }
        if self.present(AFTER)? {
            self.row(AFTER)?;
        }
        self.source()?;
        self.text(OP)?;
        self.optional_long(TS_MS)?;
        if self.present(TRANSACTION)? {
            self.text(TRANSACTION + 1)?;
            self.long(TRANSACTION + 2)?;
            self.long(TRANSACTION + 3)?;
        }
        Some(())
    }

    #[inline(always)]
    fn row(&mut self, slot: usize) -> Option<()> {
        self.int(slot + 1)?;
        self.text(slot + 2)?;
        self.text(slot + 3)?;
        self.optional_text(slot + 4)?;
        self.decimal(slot + 5)?;
        self.int(slot + 6)?;
        if self.present(slot + 7)? {
            let double = self.get(slot + 7);
            self.word(double, 8)?;
        }
        let active = self.get(slot + 8);
        self.word(u64::from(active != 0), 1)?;
        self.long(slot + 9)?;
        self.optional_long(slot + 10)?;
        self.optional_text(slot + 11)?;
        if self.present(slot + 12)? {
            self.octets(self.range(slot + 12), false)?;
        }
        Some(())
    }

    #[inline(always)]
    fn source(&mut self) -> Option<()> {
        self.text(SOURCE + 1)?;
        self.text(SOURCE + 2)?;
        self.text(SOURCE + 3)?;
        self.long(SOURCE + 4)?;
        if self.is_null(SOURCE + 5) {
            // The default.
            self.word(u64::from_le_bytes(*b"\0\x0Afalse\0"), 7)?;
        } else {
            self.word(0, 1)?;
            self.text(SOURCE + 5)?;
        }
        self.text(SOURCE + 6)?;
        self.optional_text(SOURCE + 7)?;
        self.text(SOURCE + 8)?;
        self.text(SOURCE + 9)?;
        self.optional_long(SOURCE + 10)?;
        self.optional_long(SOURCE + 11)?;
        self.optional_long(SOURCE + 12)
    }

    #[inline(always)]
    fn is_null(&self, slot: usize) -> bool {
        self.nulls >> slot & 1 != 0
    }

    #[inline(always)]
    fn get(&self, slot: usize) -> u64 {
        u64::from_le_bytes(self.slots[slot])
    }

    /// The branch of a union of null and something else.
    #[inline(always)]
    fn present(&mut self, slot: usize) -> Option<bool> {
        let there = !self.is_null(slot);
        self.word(2 * u64::from(there), 1)?;
        Some(there)
    }

    /// As many bytes as count, least first.
    #[inline(always)]
    fn word(&mut self, word: u64, len: u32) -> Option<()> {
        *room(self.out, self.at)? = word.to_le_bytes();
        self.at += len;
        Some(())
    }

    #[inline(always)]
    fn varint(&mut self, bits: u64, spread: u64) -> Option<()> {
        let [word, len] = varint(bits, spread);
        self.word(word, len as u32)
    }

    #[inline(always)]
    fn int(&mut self, slot: usize) -> Option<()> {
        let value = self.get(slot) as i32;
        let bits = ((value << 1) ^ (value >> 31)) as u32;
        let low = bits & 0x3FFF | (bits & 0x0FFF_C000) << 2;
        let low = low & 0x007F_007F | (low & 0x3F80_3F80) << 1;
        self.varint(bits.into(), u64::from(low) | u64::from(bits >> 28) << 32)
    }

    #[inline(always)]
    fn long(&mut self, slot: usize) -> Option<()> {
        let value = self.get(slot) as i64;
        let bits = ((value << 1) ^ (value >> 63)) as u64;
        if bits >> 56 != 0 {
            self.word(spread(bits & (u64::MAX >> 8)) | HIGH, 8)?;
            return self.varint(bits >> 56, bits >> 56);
        }
        self.varint(bits, spread(bits))
    }

    #[inline(always)]
    fn optional_long(&mut self, slot: usize) -> Option<()> {
        if self.present(slot)? { self.long(slot) } else { Some(()) }
    }

    #[inline(always)]
    fn optional_text(&mut self, slot: usize) -> Option<()> {
        if self.present(slot)? { self.text(slot) } else { Some(()) }
    }

    #[inline(always)]
    fn range(&self, slot: usize) -> [u32; 2] {
        let range = self.get(slot);
        [range as u32, (range >> 32) as u32]
    }

    #[inline(always)]
    fn text(&mut self, slot: usize) -> Option<()> {
        self.octets(self.range(slot), true)
    }

    /// An unscaled value, without redundant bytes of its sign.
    #[inline(always)]
    fn decimal(&mut self, slot: usize) -> Option<()> {
        let [offset, len] = self.range(slot);
        let octets = part(self.tail, offset, len)?;
        let range = match octets {
            [] => return None,
            [0x00, next, ..] if *next < 0x80 => redundant(offset, octets),
            [0xFF, next, ..] if *next >= 0x80 => redundant(offset, octets),
            _ => [offset, len],
        };
        self.octets(range, false)
    }

    /// Bytes behind their number.
    #[inline(always)]
    fn octets(&mut self, [offset, len]: [u32; 2], text: bool) -> Option<()> {
        if let (Some(counted), Some(piece)) = (COUNTED.get(len as usize), array(self.tail, offset)) {
            let [first, second] = words(piece);
            if !text || first & counted[0] | second & counted[1] == 0 {
                return self.copy(len, piece);
            }
        } else if (PIECE as u32..=2 * PIECE as u32).contains(&len) {
            // Pieces that overlap instead of a loop: no processor could foresee its rounds.
            let octets = part(self.tail, offset, len)?;
            let (first, last) = (*octets.first_chunk()?, *octets.last_chunk()?);
            let [[a, b], [c, d]] = [words(first), words(last)];
            if !text || (a | b | c | d) & HIGH == 0 {
                *room(self.out, self.at + 1 + len - PIECE as u32)? = last;
                return self.copy(len, first);
            }
        }
        self.at = other_octets(self.tail, [offset, len], self.out, self.at, text)?;
        Some(())
    }

    /// Up to 63 bytes, of which the first ones are here.
    #[inline(always)]
    fn copy(&mut self, len: u32, first: [u8; PIECE]) -> Option<()> {
        let place: &mut [u8; PIECE + 1] = room(self.out, self.at)?;
        place[0] = 2 * len as u8;
        *place.last_chunk_mut()? = first;
        self.at += 1 + len;
        Some(())
    }
}

/// Longer ones, those at the end of the image and texts that are not ASCII.
#[inline(never)]
fn other_octets(tail: &[u8], [offset, len]: [u32; 2], out: &mut [u8], at: u32, text: bool) -> Option<u32> {
    let octets = part(tail, offset, len)?;
    if text && !octets.is_ascii() {
        std::str::from_utf8(octets).ok()?;
    }
    let [count, bytes] = varint(2 * u64::from(len), spread(2 * u64::from(len)));
    *room(out, at)? = count.to_le_bytes();
    let at = at + bytes as u32;
    out.get_mut(at as usize..at as usize + octets.len())?.copy_from_slice(octets);
    Some(at + len)
}

/// The bytes of up to 56 bits, seven to a byte, and how many they are; without branches, as lengths are hard to predict.
#[inline(always)]
fn varint(bits: u64, spread: u64) -> [u64; 2] {
    let highest = 63 - (bits | 1).leading_zeros();
    let len = (9 * highest + 73) / 64;
    [spread | HIGH & ((1 << ((8 * len - 8) & 63)) - 1), len.into()]
}

#[inline(always)]
fn array(bytes: &[u8], at: u32) -> Option<[u8; PIECE]> {
    bytes.get(at as usize..at as usize + PIECE)?.first_chunk().copied()
}

#[inline(always)]
fn part(bytes: &[u8], offset: u32, len: u32) -> Option<&[u8]> {
    bytes.get(offset as usize..offset as usize + len as usize)
}

#[inline(always)]
fn room<const N: usize>(out: &mut [u8], at: u32) -> Option<&mut [u8; N]> {
    out.get_mut(at as usize..at as usize + N)?.first_chunk_mut()
}

#[cold]
fn redundant(offset: u32, octets: &[u8]) -> [u32; 2] {
    let pairs = octets.windows(2);
    let many = pairs.take_while(|pair| pair[0] == octets[0] && (pair[1] ^ pair[0]) < 0x80).count();
    [offset + many as u32, (octets.len() - many) as u32]
}

/// The low 56 bits, seven to a byte, in halves of halves of halves.
#[inline(always)]
fn spread(bits: u64) -> u64 {
    let bits = bits & 0x0FFF_FFFF | (bits & 0x00FF_FFFF_F000_0000) << 4;
    let bits = bits & 0x0000_3FFF_0000_3FFF | (bits & 0x0FFF_C000_0FFF_C000) << 2;
    bits & 0x007F_007F_007F_007F | (bits & 0x3F80_3F80_3F80_3F80) << 1
}

#[inline(always)]
fn words(piece: [u8; PIECE]) -> [u64; 2] {
    let both = u128::from_le_bytes(piece);
    [both as u64, (both >> 64) as u64]
}
