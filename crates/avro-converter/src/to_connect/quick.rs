//! The values that records consist of, read a word at a time. An opcode and the optional leaf behind it are one step here;
//! whatever a step cannot take, and every error, is left where it is for [`super::straight`], opcode by opcode.

use super::cursor::{Cursor, squeeze, zigzag_32, zigzag_64};
use super::plan::{Code, Op};
use super::straight::{Slots, unscaled};
use super::words::{Number, Words};
use connect_data::utf8::is_text;
use std::hint::cold_path;

/// What is done at an opcode, in eight bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quick {
    kind: Kind,
    /// The octet of null in a union with it.
    null: u8,
    slot: u16,
    /// Number of bytes; the next step, after null or a jump.
    number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Not done here.
    Other,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Text,
    Bytes,
    Decimal,
    OptionalBoolean,
    OptionalInt,
    OptionalLong,
    OptionalFloat,
    OptionalDouble,
    OptionalText,
    OptionalBytes,
    OptionalDecimal,
    /// What follows may be null.
    Optional,
    Jump,
}

/// The steps for a plan's opcodes, one for each.
pub(super) fn steps(code: &Code) -> Vec<Quick> {
    (0..code.ops.len())
        .map(|pc| step(code, pc).unwrap_or(Quick { kind: Kind::Other, null: 0, slot: 0, number: 0 }))
        .collect()
}

fn step(code: &Code, pc: usize) -> Option<Quick> {
    match *code.ops.get(pc)? {
        Op::Optional { slot, null, other } => {
            let value = leaf(code.ops.get(pc + 1)?).filter(|(_, of)| *of == slot);
            let kind = match value {
                Some((kind, _)) if other as usize == pc + 2 && code.places.get(pc) == code.places.get(pc + 1) => {
                    kind.optional()
                }
                _ => Kind::Optional,
            };
            Some(Quick { kind, null: 2 * u8::try_from(null).ok()?, slot: u16::try_from(slot).ok()?, number: other })
        }
        Op::Jump(to) => Some(Quick { kind: Kind::Jump, null: 0, slot: 0, number: to }),
        ref op => {
            let (kind, slot) = leaf(op)?;
            Some(Quick { kind, null: 0, slot: u16::try_from(slot).ok()?, number: 0 })
        }
    }
}

fn leaf(op: &Op) -> Option<(Kind, u32)> {
    Some(match *op {
        Op::Boolean(slot) => (Kind::Boolean, slot),
        Op::Int(slot) | Op::IntAsLong(slot) => (Kind::Int, slot),
        Op::Long(slot) => (Kind::Long, slot),
        Op::Float(slot) => (Kind::Float, slot),
        Op::Double(slot) => (Kind::Double, slot),
        Op::Text(slot) => (Kind::Text, slot),
        Op::Bytes(slot) => (Kind::Bytes, slot),
        Op::Decimal(slot) => (Kind::Decimal, slot),
        _ => return None,
    })
}

impl Kind {
    fn optional(self) -> Self {
        match self {
            Self::Boolean => Self::OptionalBoolean,
            Self::Int => Self::OptionalInt,
            Self::Long => Self::OptionalLong,
            Self::Float => Self::OptionalFloat,
            Self::Double => Self::OptionalDouble,
            Self::Text => Self::OptionalText,
            Self::Bytes => Self::OptionalBytes,
            Self::Decimal => Self::OptionalDecimal,
            other => other,
        }
    }
}

/// Runs steps from `pc` on, and gives the position and opcode where something else is to be done. `base` is added to slots.
#[inline(never)]
pub(super) fn run(
    steps: &[Quick],
    words: Words<'_>,
    slots: &mut Slots<'_>,
    base: u32,
    mut at: u32,
    mut pc: usize,
) -> (u32, usize) {
    while let Some(step) = steps.get(pc) {
        let slot = base.wrapping_add(u32::from(step.slot)) as usize;
        // The value and what follows it; what is read of an optional one, and whether it is there.
        macro_rules! value {
            ($read:expr) => {{
                let Some((value, end)) = $read(words, at) else { break };
                slots.set(slot, value);
                (end, pc + 1)
            }};
        }
        macro_rules! optional {
            ($read:expr) => {{
                let Some(octet) = words.byte(at) else { break };
                let end = match octet ^ step.null {
                    0 => {
                        slots.null(slot);
                        at + 1
                    }
                    2 => {
                        let Some((value, end)) = $read(words, at + 1) else { break };
                        slots.set(slot, value);
                        end
                    }
                    _ => break,
                };
                (end, pc + 2)
            }};
        }
        (at, pc) = match step.kind {
            Kind::Boolean => value!(boolean),
            Kind::Int => value!(int),
            Kind::Long => value!(long),
            Kind::Float => value!(float),
            Kind::Double => value!(double),
            Kind::Text => value!(text),
            Kind::Bytes => value!(bytes),
            Kind::Decimal => value!(decimal),
            Kind::OptionalBoolean => optional!(boolean),
            Kind::OptionalInt => optional!(int),
            Kind::OptionalLong => optional!(long),
            Kind::OptionalFloat => optional!(float),
            Kind::OptionalDouble => optional!(double),
            Kind::OptionalText => optional!(text),
            Kind::OptionalBytes => optional!(bytes),
            Kind::OptionalDecimal => optional!(decimal),
            Kind::Optional => match words.byte(at).map(|octet| octet ^ step.null) {
                Some(0) => {
                    slots.null(slot);
                    (at + 1, step.number as usize)
                }
                Some(2) => (at + 1, pc + 1),
                _ => break,
            },
            Kind::Jump => (at, step.number as usize),
            Kind::Other => break,
        };
    }
    (at, pc)
}

#[inline(always)]
fn boolean(words: Words<'_>, at: u32) -> Option<(u64, u32)> {
    Some((u64::from(words.byte(at)? == 1), at + 1))
}

#[inline(always)]
fn int(words: Words<'_>, at: u32) -> Option<(u64, u32)> {
    let word = words.word(at);
    let (value, len) = if word & 0x80 == 0 {
        (word as u32 & 0x7F, 1)
    } else {
        let number = Number::of(word)?;
        if number.len() > 5 {
            return None;
        }
        (squeeze(number.groups()) as u32, number.len())
    };
    Some((i64::from(zigzag_32(value)) as u64, at + len))
}

#[inline(always)]
fn long(words: Words<'_>, at: u32) -> Option<(u64, u32)> {
    let word = words.word(at);
    let (value, len) = if word & 0x80 == 0 {
        (word & 0x7F, 1)
    } else {
        match Number::of(word) {
            Some(number) => (squeeze(number.groups()), number.len()),
            None => {
                cold_path();
                let value = Cursor::new(words.rest(at)?, 0).long().ok()?;
                return Some((value as u64, at + 9 + u32::from(words.byte(at + 8)? >> 7)));
            }
        }
    };
    Some((zigzag_64(value) as u64, at + len))
}

#[inline(always)]
fn float(words: Words<'_>, at: u32) -> Option<(u64, u32)> {
    Some((u64::from(u32::from_le_bytes(words.array(at)?)), at + 4))
}

#[inline(always)]
fn double(words: Words<'_>, at: u32) -> Option<(u64, u32)> {
    Some((u64::from_le_bytes(words.array(at)?), at + 8))
}

#[inline(always)]
fn text(words: Words<'_>, at: u32) -> Option<(u64, u32)> {
    let word = words.word(at);
    match words.ascii(at, word) {
        Some(len) => Some((range(at + 1, len), at + 1 + len)),
        None => {
            cold_path();
            other_text(words, at).map(|range| (range, end(range)))
        }
    }
}

#[inline(always)]
fn bytes(words: Words<'_>, at: u32) -> Option<(u64, u32)> {
    let word = words.word(at);
    match words.prefixed(at, word) {
        Some((bytes, end)) => Some((range(at + 1, bytes.len() as u32), end)),
        None => {
            cold_path();
            other_bytes(words, at).map(|range| (range, end(range)))
        }
    }
}

/// One that need not be shortened.
#[inline(always)]
fn decimal(words: Words<'_>, at: u32) -> Option<(u64, u32)> {
    let word = words.word(at);
    let (octets, end) = words.prefixed(at, word)?;
    match octets {
        [] | [0x00 | 0xFF, _, ..] => {
            cold_path();
            let octets = unscaled(octets).ok()?.len() as u32;
            Some((range(end - octets, octets), end))
        }
        _ => Some((range(at + 1, octets.len() as u32), end)),
    }
}

/// What a slot has to refer to bytes of the payload.
#[inline(always)]
fn range(start: u32, len: u32) -> u64 {
    u64::from(start) | u64::from(len) << 32
}

#[inline(always)]
fn end(range: u64) -> u32 {
    range as u32 + (range >> 32) as u32
}

/// Long texts, and others than ASCII.
#[inline(never)]
fn other_text(words: Words<'_>, at: u32) -> Option<u64> {
    let mut cursor = Cursor::new(words.rest(at)?, 0);
    let text = cursor.prefixed().ok()?;
    if is_text(text) { Some(range(at + (cursor.at() - text.len()) as u32, text.len() as u32)) } else { None }
}

#[inline(never)]
fn other_bytes(words: Words<'_>, at: u32) -> Option<u64> {
    let mut cursor = Cursor::new(words.rest(at)?, 0);
    let bytes = cursor.prefixed().ok()?;
    Some(range(at + (cursor.at() - bytes.len()) as u32, bytes.len() as u32))
}
