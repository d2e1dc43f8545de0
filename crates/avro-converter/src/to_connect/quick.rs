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
    Byte,
    Short,
    Int,
    Long,
    Float,
    Double,
    Text,
    Bytes,
    Decimal,
    OptionalBoolean,
    OptionalByte,
    OptionalShort,
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
        Op::Int8(slot) => (Kind::Byte, slot),
        Op::Int16(slot) => (Kind::Short, slot),
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
            Self::Byte => Self::OptionalByte,
            Self::Short => Self::OptionalShort,
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
            Kind::Byte => value!(byte),
            Kind::Short => value!(short),
            Kind::Int => value!(int),
            Kind::Long => value!(long),
            Kind::Float => value!(float),
            Kind::Double => value!(double),
            Kind::Text => value!(text),
            Kind::Bytes => value!(bytes),
            Kind::Decimal => value!(decimal),
            Kind::OptionalBoolean => optional!(boolean),
            Kind::OptionalByte => optional!(byte),
            Kind::OptionalShort => optional!(short),
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

/// An int of which the upper bits are lost.
#[inline(never)]
fn byte(words: Words<'_>, at: u32) -> Option<(u64, u32)> {
    int(words, at).map(|(value, end)| (i64::from(value as i8) as u64, end))
}

/// The same of sixteen bits.
#[inline(never)]
fn short(words: Words<'_>, at: u32) -> Option<(u64, u32)> {
    int(words, at).map(|(value, end)| (i64::from(value as i16) as u64, end))
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

#[cfg(test)]
mod tests {
    use super::super::compile::{self, Input};
    use super::super::{decode, resolve, schema};
    use crate::avro_schema::AvroSchema;
    use crate::config::AvroDataConfig;
    use connect_data::row_image::Layout;
    use connect_data::{Properties, Schema};

    const RECORD: &str = r#"{"type":"record","name":"E","fields":[
        {"name":"flag","type":"boolean"},{"name":"flags","type":["boolean","null"]},
        {"name":"id","type":"int"},{"name":"ids","type":["null","int"]},
        {"name":"small","type":{"type":"int","connect.type":"int16"}},
        {"name":"tiny","type":["null",{"type":"int","connect.type":"int8"}]},
        {"name":"at","type":"long"},{"name":"ats","type":["null","long"]},
        {"name":"f","type":"float"},{"name":"fs","type":["null","float"]},
        {"name":"d","type":"double"},{"name":"ds","type":["null","double"]},
        {"name":"inner","type":["null",{"type":"record","name":"I","fields":[
            {"name":"raw","type":"bytes"},{"name":"raws","type":["null","bytes"]},
            {"name":"list","type":{"type":"array","items":["null","string"]}}]}]},
        {"name":"price","type":["null",{"type":"bytes","logicalType":"decimal","precision":64,"scale":2,"connect.name":
            "org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2"},"connect.version":1}]},
        {"name":"text","type":"string"},{"name":"texts","type":["null","string"]}]}"#;

    /// A plan, with its steps and without.
    fn both() -> [super::Code; 2] {
        let config = AvroDataConfig::new(&Properties::default()).unwrap();
        let avro = AvroSchema::parse(RECORD, &[]).unwrap();
        let converted = schema::to_connect_schema(&avro, None, &config).unwrap();
        [true, false].map(|quick| {
            let mut code = compile::compile(&Input {
                resolution: resolve::Resolution::new(&avro, &avro),
                schema: &converted.schema,
                recursive: &converted.recursive,
                config: &config,
            })
            .unwrap();
            if !quick {
                code.quick.clear();
            }
            code
        })
    }

    fn schema() -> Schema {
        let config = AvroDataConfig::new(&Properties::default()).unwrap();
        let avro = AvroSchema::parse(RECORD, &[]).unwrap();
        schema::to_connect_schema(&avro, None, &config).unwrap().schema
    }

    fn payload(null: bool, text: &[u8]) -> Vec<u8> {
        let optional = |value: &[u8]| if null { vec![0] } else { [&[2], value].concat() };
        let text = [&[2 * text.len() as u8], text].concat();
        let price: &[u8] = if text.len() % 2 == 0 { &[4, 0x01, 0x80] } else { &[6, 0x00, 0x00, 0x80] };
        let inner = [&[6, 1, 2, 3][..], &optional(&[4, 8, 9]), &[4, 0, 2, 2, b'x', 0]].concat();
        [
            &[1][..],
            if null { &[2] } else { &[0, 1] },
            &[0x80, 0x80, 1],
            &optional(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
            &[0xFF, 0xFF, 5],
            &optional(&[0x82, 0x83, 9]),
            &[0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 7],
            &optional(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]),
            &[1, 2, 3, 4],
            &optional(&[5, 6, 7, 8]),
            &[1, 2, 3, 4, 5, 6, 7, 8],
            &optional(&[1, 2, 3, 4, 5, 6, 7, 8]),
            &optional(&inner),
            &optional(price),
            &text,
            &optional(&text),
        ]
        .concat()
    }

    #[test]
    fn with_and_without_steps_the_same() {
        let (codes, schema) = (both(), schema());
        let slots = Layout::of(&schema).slots();
        let same = |payload: &[u8], start: usize| {
            let [quick, slow] = codes.each_ref().map(|code| {
                let mut image = vec![7; 8];
                let decoded = decode::run(code, &schema, slots, payload, start, &mut image);
                (decoded.map_err(|error| error.to_string()), image)
            });
            assert_eq!(quick, slow, "{payload:?}");
            quick.0.is_ok()
        };
        for null in [false, true] {
            for len in 0..=40 {
                let text: Vec<u8> = (0..len).map(|i| b'a' + i % 26).collect();
                let payload = payload(null, &text);
                assert!(same(&payload, 0) && same(&[&[9; 5], &payload[..]].concat(), 5));
                same(&[&payload[..], &[0]].concat(), 0);
                for cut in 0..payload.len() {
                    assert!(!same(&payload[..cut], 0), "{cut} of {}", payload.len());
                }
                for at in 0..payload.len() {
                    for byte in [0, 1, 2, 3, 4, 0x7E, 0x7F, 0x80, 0x81, 0xC3, 0xFF] {
                        let mut other = payload.clone();
                        other[at] = byte;
                        same(&other, 0);
                    }
                }
            }
        }
        for text in
            ["é", "Grüße aus Köln", "漢字", "twenty-three bytes: é.", "more than thirty-two bytes, of which two: é"]
        {
            assert!(same(&payload(false, text.as_bytes()), 0));
            for cut in 0..text.len() {
                assert!(same(&payload(false, &text.as_bytes()[cut..]), 0));
            }
        }
        let long = [&payload(false, b"")[..payload(false, b"").len() - 3], &[0x90, 3], &[b'x'; 200], &[0]].concat();
        assert!(same(&long, 0));
        for start in 0..=payload(true, b"text").len() + 2 {
            same(&payload(true, b"text"), start);
        }
    }
}
