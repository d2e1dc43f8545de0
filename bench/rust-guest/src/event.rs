//! Reads an event of the table in straight lines: everything is checked that any decoder has to check (ends, numbers, branches
//! of unions, UTF-8), but there is no plan, and an error has no words.

pub const SLOTS: usize = 46;
pub const BEFORE: usize = 1;
pub const AFTER: usize = 14;
pub const SOURCE: usize = 27;
pub const OP: usize = 40;
pub const TS_MS: usize = 41;
pub const TRANSACTION: usize = 42;

/// The highest bit of each byte.
pub const HIGH: u64 = 0x8080_8080_8080_8080;

/// Where values go.
pub trait Slots {
    fn put(&mut self, slot: usize, value: u64);
}

impl Slots for &mut [[u8; 8]; SLOTS] {
    #[inline(always)]
    fn put(&mut self, slot: usize, value: u64) {
        self[slot] = value.to_le_bytes();
    }
}

/// Nobody wants them.
impl Slots for () {
    #[inline(always)]
    fn put(&mut self, _: usize, _: u64) {}
}

/// An event that is being read. All of it becomes one function: which slot is meant is known when it is compiled. `TEXTS`:
/// whether texts are looked at.
pub struct Event<'a, S, const TEXTS: bool> {
    payload: &'a [u8],
    at: usize,
    slots: S,
    nulls: u64,
}

impl<'a, S: Slots, const TEXTS: bool> Event<'a, S, TEXTS> {
    #[inline(always)]
    pub fn new(payload: &'a [u8], slots: S) -> Self {
        Self { payload, at: 5, slots, nulls: 0 }
    }

    /// A bit for each slot; set: null.
    #[inline(always)]
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// Reads all of it; the bytes of the row after the change.
    #[inline(always)]
    pub fn read(&mut self) -> Option<Option<&'a [u8]>> {
        if self.present(BEFORE, 0)? {
            self.row(BEFORE)?;
        }
        let mut after = None;
        if self.present(AFTER, 0)? {
            let begin = self.at;
            self.row(AFTER)?;
            after = Some(self.payload.get(begin..self.at)?);
        }
        self.source()?;
        self.text(OP)?;
        self.optional_long(TS_MS)?;
        if self.present(TRANSACTION, 0)? {
            self.text(TRANSACTION + 1)?;
            self.long(TRANSACTION + 2)?;
            self.long(TRANSACTION + 3)?;
        }
        (self.at == self.payload.len()).then_some(after)
    }

    /// The next eight bytes; behind the end come some that end no number and are no text.
    #[inline(always)]
    fn word(&self) -> u64 {
        match self.payload.get(self.at..self.at + 8) {
            Some(bytes) => look(bytes),
            None => self.last_word(),
        }
    }

    #[cold]
    fn last_word(&self) -> u64 {
        let rest = self.payload.get(self.at..).unwrap_or_default();
        let mut bytes = [0x80; 8];
        bytes[..rest.len()].copy_from_slice(rest);
        u64::from_le_bytes(bytes)
    }

    #[inline(always)]
    fn varint(&mut self) -> Option<u64> {
        let word = self.word();
        if word & 0x80 == 0 {
            self.at += 1;
            return Some(word & 0x7F);
        }
        let ends = !word & HIGH;
        if ends == 0 {
            return self.long_varint();
        }
        let mark = ends & ends.wrapping_neg();
        self.at += mark.trailing_zeros() as usize / 8 + 1;
        let sevens = word & (mark - 1) & !HIGH;
        let pairs = sevens & 0x007F_007F_007F_007F | (sevens & 0x7F00_7F00_7F00_7F00) >> 1;
        let fours = pairs & 0x0000_3FFF_0000_3FFF | (pairs & 0x3FFF_0000_3FFF_0000) >> 2;
        Some(fours & 0x0FFF_FFFF | (fours & 0x0FFF_FFFF_0000_0000) >> 4)
    }

    #[cold]
    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for (i, byte) in self.payload.get(self.at..)?.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7F) << (7 * i);
            if *byte < 0x80 {
                self.at += i + 1;
                return Some(value);
            }
        }
        None
    }

    #[inline(always)]
    fn number(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    #[inline(always)]
    fn long(&mut self, slot: usize) -> Option<()> {
        let value = self.number()?;
        self.slots.put(slot, value as u64);
        Some(())
    }

    #[inline(always)]
    fn int(&mut self, slot: usize) -> Option<()> {
        let value = i32::try_from(self.number()?).ok()?;
        self.slots.put(slot, i64::from(value) as u64);
        Some(())
    }

    #[inline(always)]
    fn bytes(&mut self, slot: usize) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let begin = self.at;
        self.at = begin.checked_add(len)?;
        self.slots.put(slot, begin as u64 | (len as u64) << 32);
        self.payload.get(begin..self.at)
    }

    #[inline(always)]
    fn text(&mut self, slot: usize) -> Option<()> {
        let word = self.word();
        let len = (word as u8 >> 1) as usize;
        let begin = self.at + 1;
        let high = if word & 0x81 != 0 {
            HIGH
        } else if len < 8 {
            // The length has no high bit either.
            word & HIGH >> (56 - 8 * len)
        } else {
            let all = self.payload.get(begin..begin + len)?;
            let last = len - 8;
            // Words that overlap instead of a loop: no processor could foresee its rounds.
            match TEXTS {
                true if last <= 16 => (word | look_at(all, last / 2)? | look_at(all, last)?) & HIGH,
                true => HIGH,
                false => 0,
            }
        };
        if high != 0 {
            return self.other_text(slot);
        }
        self.slots.put(slot, begin as u64 | (len as u64) << 32);
        self.at = begin + len;
        Some(())
    }

    /// Long or not ASCII.
    #[inline(never)]
    fn other_text(&mut self, slot: usize) -> Option<()> {
        let text = self.bytes(slot)?;
        (!TEXTS || std::str::from_utf8(text).is_ok()).then_some(())
    }

    /// The branch of a union of null and something else; `null` is 0 where null comes first, else 2.
    #[inline(always)]
    fn present(&mut self, slot: usize, null: u8) -> Option<bool> {
        let branch = *self.payload.get(self.at)?;
        self.at += 1;
        self.nulls |= u64::from(branch == null) << slot;
        (branch & !2 == 0).then_some(branch != null)
    }

    #[inline(always)]
    fn optional_text(&mut self, slot: usize, null: u8) -> Option<()> {
        if self.present(slot, null)? { self.text(slot) } else { Some(()) }
    }

    #[inline(always)]
    fn optional_long(&mut self, slot: usize) -> Option<()> {
        if self.present(slot, 0)? { self.long(slot) } else { Some(()) }
    }

    #[inline(always)]
    fn row(&mut self, slot: usize) -> Option<()> {
        self.int(slot + 1)?;
        self.text(slot + 2)?;
        self.text(slot + 3)?;
        self.optional_text(slot + 4, 0)?;
        self.bytes(slot + 5)?;
        self.int(slot + 6)?;
        if self.present(slot + 7, 0)? {
            let double = self.payload.get(self.at..)?.first_chunk()?;
            self.slots.put(slot + 7, u64::from_le_bytes(*double));
            self.at += 8;
        }
        let active = *self.payload.get(self.at)?;
        self.at += 1;
        self.slots.put(slot + 8, u64::from(active == 1));
        self.long(slot + 9)?;
        self.optional_long(slot + 10)?;
        self.optional_text(slot + 11, 0)?;
        if self.present(slot + 12, 0)? {
            self.bytes(slot + 12)?;
        }
        Some(())
    }

    #[inline(always)]
    fn source(&mut self) -> Option<()> {
        self.text(SOURCE + 1)?;
        self.text(SOURCE + 2)?;
        self.text(SOURCE + 3)?;
        self.long(SOURCE + 4)?;
        self.optional_text(SOURCE + 5, 2)?;
        self.text(SOURCE + 6)?;
        self.optional_text(SOURCE + 7, 0)?;
        self.text(SOURCE + 8)?;
        self.text(SOURCE + 9)?;
        self.optional_long(SOURCE + 10)?;
        self.optional_long(SOURCE + 11)?;
        self.optional_long(SOURCE + 12)
    }
}

#[inline(always)]
fn look(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(HIGH, |word| u64::from_le_bytes(*word))
}

#[inline(always)]
fn look_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8).map(look)
}
