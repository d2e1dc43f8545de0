//! The opcodes that move numbers and ranges to slots: most of any plan. They run with all they need in registers; what
//! appends to the image, nests or jumps far is left to the machine of [`super::decode`].

use super::cursor::Cursor;
use super::fault::Fault;
use super::plan::Op;
use super::quick::{self, Quick};
use super::words::Words;
use crate::from_connect::leaf::minimal;
use connect_data::utf8::is_text;

/// The null bits and slots of an image, borrowed while nothing is appended.
pub(super) struct Slots<'o> {
    pub(super) nulls: &'o mut [u8],
    pub(super) slots: &'o mut [[u8; 8]],
}

impl Slots<'_> {
    #[inline(always)]
    pub(super) fn set(&mut self, slot: usize, value: u64) {
        debug_assert!(slot < self.slots.len());
        if let Some(place) = self.slots.get_mut(slot) {
            *place = value.to_le_bytes();
        }
    }

    #[inline(always)]
    pub(super) fn null(&mut self, slot: usize) {
        if let Some(bits) = self.nulls.get_mut(slot / 8) {
            *bits |= 1 << (slot % 8);
        }
    }
}

/// Where a run of opcodes is.
pub(super) struct Straight<'p, 'o> {
    pub(super) cursor: Cursor<'p>,
    pub(super) slots: Slots<'o>,
    /// Added to the slots of opcodes.
    pub(super) base: u32,
    pub(super) pc: usize,
    /// Whether the bytes are the payload's: then slots refer to them, otherwise they have to be copied.
    pub(super) in_payload: bool,
}

impl<'p> Straight<'p, '_> {
    /// Goes on to the first opcode that is none of these, and gives it; `pc` is then behind it. A text that has to be
    /// repaired is given, too, and not read yet.
    #[inline(always)]
    pub(super) fn run(&mut self, ops: &[Op], steps: &[Quick], payload: &'p [u8]) -> Result<Op, Fault> {
        let words = Words::new(payload);
        loop {
            if self.in_payload {
                let at = self.cursor.at() as u32;
                let (at, pc) = quick::run(steps, words, &mut self.slots, self.base, at, self.pc);
                (self.cursor, self.pc) = (Cursor::new(payload, at as usize), pc);
            }
            let op = *ops.get(self.pc).ok_or(Fault::Plan)?;
            self.pc += 1;
            match op {
                Op::Boolean(slot) => {
                    let value = self.cursor.boolean()?;
                    self.set(slot, u64::from(value));
                }
                Op::Int(slot) | Op::IntAsLong(slot) => {
                    let value = self.cursor.int()?;
                    self.set(slot, i64::from(value) as u64);
                }
                Op::Int8(slot) => {
                    let value = self.cursor.int()? as i8;
                    self.set(slot, i64::from(value) as u64);
                }
                Op::Int16(slot) => {
                    let value = self.cursor.int()? as i16;
                    self.set(slot, i64::from(value) as u64);
                }
                Op::Time(slot) => {
                    let value = self.cursor.int()?;
                    if !(0..=86_400_000).contains(&value) {
                        return Err(Fault::Time);
                    }
                    self.set(slot, value as u64);
                }
                Op::Long(slot) => {
                    let value = self.cursor.long()?;
                    self.set(slot, value as u64);
                }
                Op::Float(slot) => {
                    let value = u32::from_le_bytes(self.cursor.array()?);
                    self.set(slot, u64::from(value));
                }
                Op::Double(slot) => {
                    let value = u64::from_le_bytes(self.cursor.array()?);
                    self.set(slot, value);
                }
                Op::IntAsFloat(slot) => {
                    let value = self.cursor.int()? as f32;
                    self.set(slot, u64::from(value.to_bits()));
                }
                Op::IntAsDouble(slot) => {
                    let value = f64::from(self.cursor.int()?);
                    self.set(slot, value.to_bits());
                }
                Op::LongAsFloat(slot) => {
                    let value = self.cursor.long()? as f32;
                    self.set(slot, u64::from(value.to_bits()));
                }
                Op::LongAsDouble(slot) => {
                    let value = self.cursor.long()? as f64;
                    self.set(slot, value.to_bits());
                }
                Op::FloatAsDouble(slot) => {
                    let value = f32::from_le_bytes(self.cursor.array()?);
                    self.set(slot, f64::from(value).to_bits());
                }
                Op::Text(slot) if self.in_payload => {
                    let before = self.cursor;
                    let bytes = self.cursor.prefixed()?;
                    if !is_text(bytes) {
                        self.cursor = before;
                        return Ok(op);
                    }
                    self.refer(slot, bytes);
                }
                Op::Bytes(slot) if self.in_payload => {
                    let bytes = self.cursor.prefixed()?;
                    self.refer(slot, bytes);
                }
                Op::Decimal(slot) if self.in_payload => {
                    let bytes = unscaled(self.cursor.prefixed()?)?;
                    self.refer(slot, bytes);
                }
                Op::Fixed { slot, len } if self.in_payload => {
                    let bytes = self.cursor.take(len as usize)?;
                    self.refer(slot, bytes);
                }
                Op::FixedDecimal { slot, len } if self.in_payload => {
                    let bytes = unscaled(self.cursor.take(len as usize)?)?;
                    self.refer(slot, bytes);
                }
                Op::Optional { slot, null, other } => match self.cursor.index()? {
                    index if index == null => {
                        self.null(slot);
                        self.pc = other as usize;
                    }
                    0 | 1 => {}
                    _ => return Err(Fault::Branch),
                },
                Op::Jump(pc) => self.pc = pc as usize,
                Op::Null(slot) => self.null(slot),
                Op::SkipInt => {
                    self.cursor.int()?;
                }
                Op::SkipLong => {
                    self.cursor.long()?;
                }
                Op::SkipPrefixed => {
                    let len = self.cursor.long()?;
                    self.cursor.skip(len)?;
                }
                Op::Skip(len) => {
                    self.cursor.take(len as usize)?;
                }
                other => return Ok(other),
            }
        }
    }

    #[inline(always)]
    fn set(&mut self, slot: u32, value: u64) {
        self.slots.set(self.base.wrapping_add(slot) as usize, value);
    }

    #[inline(always)]
    fn null(&mut self, slot: u32) {
        self.slots.null(self.base.wrapping_add(slot) as usize);
    }

    /// Points a slot to bytes that end at the current position.
    #[inline(always)]
    fn refer(&mut self, slot: u32, bytes: &[u8]) {
        let offset = self.cursor.at() - bytes.len();
        self.set(slot, offset as u64 | (bytes.len() as u64) << 32);
    }
}

/// A decimal as `BigDecimal` has it: without the bytes in front that only repeat the sign.
#[inline]
pub(super) fn unscaled(bytes: &[u8]) -> Result<&[u8], Fault> {
    match bytes {
        [] => Err(Fault::EmptyDecimal),
        [0x00 | 0xFF, _, ..] => minimal(bytes).map_err(|_| Fault::EmptyDecimal),
        _ => Ok(bytes),
    }
}
