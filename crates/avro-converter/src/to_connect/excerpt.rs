//! A struct cut out of a payload. In Avro the bytes of a record inside another are those of the record alone: where
//! decoding, taking the struct and encoding it give the same bytes again, they need not be done.
//!
//! That they do is proven from both plans, once. Each payload is checked whole, as strictly as decoding does and more so: a
//! number that takes more bytes than needed is read by Java and written otherwise. Whatever is not as expected goes the
//! long way, which finds the error or the value.

use super::plan::{Code, Op, Pc};
use super::straight::unscaled;
use super::words::{Number, Words};
use crate::from_connect::{Form, Written};
use connect_data::utf8::is_text;
use std::ops::Range;

/// Checks payloads of one schema and says where the struct is.
#[derive(Debug)]
pub(crate) struct Excerpt {
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    kind: Kind,
    /// The octet of null in a union with it.
    null: u8,
    /// Number of bytes; where to go on after a null struct; number of symbols.
    number: u32,
}

/// Those of values come in two: whether null is looked for is not asked for each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Boolean,
    Int,
    Long,
    Text,
    Bytes,
    Decimal,
    Fixed,
    Symbol,
    OptionalBoolean,
    OptionalInt,
    OptionalLong,
    OptionalText,
    OptionalBytes,
    OptionalDecimal,
    OptionalFixed,
    OptionalSymbol,
    /// A struct that may be null.
    Enter,
    /// The struct that is wanted begins or ends.
    Mark,
    /// The payload ends.
    Stop,
}

impl Kind {
    fn optional(self) -> Self {
        match self {
            Self::Boolean => Self::OptionalBoolean,
            Self::Int => Self::OptionalInt,
            Self::Long => Self::OptionalLong,
            Self::Text => Self::OptionalText,
            Self::Bytes => Self::OptionalBytes,
            Self::Decimal => Self::OptionalDecimal,
            Self::Fixed => Self::OptionalFixed,
            Self::Symbol => Self::OptionalSymbol,
            other => other,
        }
    }
}

/// No step has this number.
const NOWHERE: u32 = u32::MAX;

impl Excerpt {
    /// For the struct at `slot`. `None`: it cannot be cut out as what `wanted` says.
    pub(super) fn new(code: &Code, slot: u32, wanted: &[Written]) -> Option<Self> {
        let mut steps = Vec::new();
        // Step of each opcode, and the steps that lead to an opcode.
        let mut entries = vec![NOWHERE; code.ops.len()];
        let mut jumps: Vec<(usize, Pc)> = Vec::new();
        // Values in the struct, each with its opcode, and where those that are structs end.
        let mut found: Vec<(Pc, Written, Pc)> = Vec::new();
        let mut inside: Option<Range<Pc>> = None;
        let mut pc: Pc = 0;
        loop {
            *entries.get_mut(pc as usize)? = steps.len() as u32;
            if inside.as_ref().is_some_and(|range| range.end == pc) {
                steps.push(Step { kind: Kind::Mark, null: 0, number: 1 });
            }
            let (at, null, op) = match *code.ops.get(pc as usize)? {
                Op::Optional { slot: at, null, other } => {
                    let octet = 2 * u8::try_from(null).ok()?;
                    if at == slot && inside.is_none() {
                        steps.push(Step { kind: Kind::Enter, null: octet, number: NOWHERE });
                        steps.push(Step { kind: Kind::Mark, null: 0, number: 0 });
                        inside = Some(pc + 1..other);
                        pc += 1;
                        continue;
                    }
                    if other != pc + 2 || leaf(code, code.ops.get(pc as usize + 1)?).is_none() {
                        if inside.as_ref().is_some_and(|range| range.contains(&pc)) {
                            let written =
                                Written { slot: at.checked_sub(slot)?, form: Form::Struct(0), null: Some(octet) };
                            found.push((pc, written, other));
                        }
                        jumps.push((steps.len(), other));
                        steps.push(Step { kind: Kind::Enter, null: octet, number: NOWHERE });
                        pc += 1;
                        continue;
                    }
                    (Some(at), Some(octet), code.ops.get(pc as usize + 1)?)
                }
                Op::End => break,
                ref op => (None, None, op),
            };
            let (kind, number, leaf_slot, form) = leaf(code, op)?;
            if inside.as_ref().is_some_and(|range| range.contains(&pc)) {
                if at.is_some_and(|at| at != leaf_slot) {
                    return None;
                }
                found.push((pc, Written { slot: leaf_slot.checked_sub(slot)?, form: form?, null }, 0));
            }
            steps.push(match null {
                Some(null) => Step { kind: kind.optional(), null, number },
                None => Step { kind, null: 0, number },
            });
            pc += if null.is_some() { 2 } else { 1 };
        }
        steps.push(Step { kind: Kind::Stop, null: 0, number: 0 });
        for (step, pc) in jumps {
            let to = *entries.get(pc as usize).filter(|to| **to != NOWHERE)?;
            steps.get_mut(step)?.number = to;
        }
        let pcs: Vec<Pc> = found.iter().map(|(pc, ..)| *pc).collect();
        let values = found.into_iter().map(|(pc, mut written, end)| {
            if let Form::Struct(within) = &mut written.form {
                *within = pcs.iter().filter(|other| (pc + 1..end).contains(other)).count() as u32;
            }
            written
        });
        inside?;
        values.eq(wanted.iter().copied()).then_some(Self { steps })
    }

    /// Where the struct is in the payload. `None`: null, or anything that is not as expected.
    pub(crate) fn find(&self, payload: &[u8], start: usize) -> Option<Range<usize>> {
        // Positions are 32 bits wide and must not overflow.
        let (mut at, _) = (u32::try_from(start).ok()?, i32::try_from(payload.len()).ok()?);
        let words = Words::new(payload);
        let mut marks = [0; 2];
        let mut next = 0;
        loop {
            let step = self.steps.get(next)?;
            next += 1;
            at = match step.kind {
                Kind::Boolean => boolean(words, at)?,
                Kind::Int => int(words, at)?,
                Kind::Long => long(words, at)?,
                Kind::Text => text(words, at)?,
                Kind::Bytes => prefixed(words, at)?.1,
                Kind::Decimal => decimal(words, at)?,
                Kind::Fixed => words.skip(at, step.number)?,
                Kind::Symbol => symbol(words, at, step.number)?,
                Kind::OptionalBoolean => optional(words, at, step.null, boolean)?,
                Kind::OptionalInt => optional(words, at, step.null, int)?,
                Kind::OptionalLong => optional(words, at, step.null, long)?,
                Kind::OptionalText => optional(words, at, step.null, text)?,
                Kind::OptionalBytes => optional(words, at, step.null, |words, at| Some(prefixed(words, at)?.1))?,
                Kind::OptionalDecimal => optional(words, at, step.null, decimal)?,
                Kind::OptionalFixed => optional(words, at, step.null, |words, at| words.skip(at, step.number))?,
                Kind::OptionalSymbol => optional(words, at, step.null, |words, at| symbol(words, at, step.number))?,
                Kind::Enter => {
                    match words.byte(at)? ^ step.null {
                        0 => next = step.number as usize,
                        2 => {}
                        _ => return None,
                    }
                    at + 1
                }
                Kind::Mark => {
                    *marks.get_mut(step.number as usize)? = at as usize;
                    at
                }
                Kind::Stop => {
                    let [begin, end] = marks;
                    return (at as usize == payload.len()).then_some(begin..end);
                }
            };
        }
    }
}

/// A value behind the index of its branch, which is 0 or 1; null is the one that is given.
#[inline(always)]
fn optional<'a>(words: Words<'a>, at: u32, null: u8, value: impl FnOnce(Words<'a>, u32) -> Option<u32>) -> Option<u32> {
    match words.byte(at)? ^ null {
        0 => Some(at + 1),
        2 => value(words, at + 1),
        _ => None,
    }
}

#[inline(always)]
fn boolean(words: Words<'_>, at: u32) -> Option<u32> {
    if words.byte(at)? > 1 { None } else { Some(at + 1) }
}

#[inline(always)]
fn int(words: Words<'_>, at: u32) -> Option<u32> {
    let word = words.word(at);
    if word & 0x80 == 0 {
        return Some(at + 1);
    }
    let number = Number::of(word)?;
    if number.is_minimal() && number.is_int() { Some(at + number.len()) } else { None }
}

#[inline(always)]
fn long(words: Words<'_>, at: u32) -> Option<u32> {
    let word = words.word(at);
    if word & 0x80 == 0 {
        return Some(at + 1);
    }
    match Number::of(word) {
        Some(number) if number.is_minimal() => Some(at + number.len()),
        Some(_) => None,
        // Ten bytes go the long way.
        None if matches!(words.byte(at + 8)?, 1..=0x7F) => Some(at + 9),
        None => None,
    }
}

#[inline(always)]
fn text(words: Words<'_>, at: u32) -> Option<u32> {
    let word = words.word(at);
    match words.ascii(at, word) {
        Some(len) => Some(at + 1 + len),
        None => long_text(words.rest(at)?, at),
    }
}

#[cold]
#[inline(never)]
fn long_text(bytes: &[u8], at: u32) -> Option<u32> {
    let (text, len) = long_prefixed(bytes)?;
    if is_text(text) { Some(at + len) } else { None }
}

#[inline(always)]
fn prefixed(words: Words<'_>, at: u32) -> Option<(&[u8], u32)> {
    let word = words.word(at);
    match words.prefixed(at, word) {
        Some(found) => Some(found),
        None => long_prefixed(words.rest(at)?).map(|(octets, len)| (octets, at + len)),
    }
}

/// Bytes behind their length, and how many both take.
#[cold]
#[inline(never)]
fn long_prefixed(bytes: &[u8]) -> Option<(&[u8], u32)> {
    let (len, rest) = number(bytes)?;
    let octets = if len & 1 == 0 { rest.get(..(len / 2) as usize)? } else { return None };
    Some((octets, (bytes.len() - rest.len() + octets.len()) as u32))
}

#[inline(always)]
fn decimal(words: Words<'_>, at: u32) -> Option<u32> {
    let (octets, end) = prefixed(words, at)?;
    match octets {
        [] => None,
        [0x00 | 0xFF, _, ..] if unscaled(octets).ok()?.len() < octets.len() => None,
        _ => Some(end),
    }
}

#[inline(always)]
fn symbol(words: Words<'_>, at: u32, symbols: u32) -> Option<u32> {
    let rest = words.rest(at)?;
    let (index, after) = number(rest)?;
    if index & 1 != 0 || index / 2 >= u64::from(symbols) {
        return None;
    }
    Some(at + (rest.len() - after.len()) as u32)
}

/// An int that takes no byte in vain, its sign not undone, and what follows.
#[inline]
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    match bytes.split_first() {
        Some((first, rest)) if *first < 0x80 => Some((u64::from(*first), rest)),
        _ => {
            let (value, len) = super::cursor::longer(bytes, 5);
            // The last group holds a bit, and an int has 32 of them.
            let bits = 64 - value.leading_zeros() as usize;
            if bits <= 7 * len.checked_sub(1)? || bits > 32 { None } else { Some((value, bytes.get(len..)?)) }
        }
    }
}

/// How a value is checked, its slot, and what it is to be written as.
fn leaf(code: &Code, op: &Op) -> Option<(Kind, u32, u32, Option<Form>)> {
    Some(match *op {
        Op::Boolean(slot) => (Kind::Boolean, 0, slot, Some(Form::Boolean)),
        Op::Int(slot) => (Kind::Int, 0, slot, Some(Form::Int)),
        Op::Long(slot) => (Kind::Long, 0, slot, Some(Form::Long)),
        Op::Float(slot) => (Kind::Fixed, 4, slot, Some(Form::Float)),
        Op::Double(slot) => (Kind::Fixed, 8, slot, Some(Form::Double)),
        Op::Text(slot) => (Kind::Text, 0, slot, Some(Form::String)),
        Op::Bytes(slot) => (Kind::Bytes, 0, slot, Some(Form::Bytes)),
        Op::Decimal(slot) => (Kind::Decimal, 0, slot, Some(Form::Decimal)),
        Op::Fixed { slot, len } => (Kind::Fixed, len, slot, Some(Form::Fixed(len))),
        Op::Enum { slot, table } => {
            let symbols = code.symbols.get(table as usize)?;
            if !symbols.iter().all(Option::is_some) {
                return None;
            }
            (Kind::Symbol, u32::try_from(symbols.len()).ok()?, slot, None)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::avro_schema::AvroSchema;
    use crate::config::AvroDataConfig;
    use crate::from_connect::EncodePlan;
    use crate::to_connect::DecodePlan;
    use connect_data::row_image::{Image, Layout, tree};
    use connect_data::{Properties, Schema, SchemaBuilder, Value};

    const ENVELOPE: &str = r#"{"type":"record","name":"E","fields":[
        {"name":"before","type":["null",{"type":"record","name":"R","fields":[
            {"name":"id","type":"int"},{"name":"text","type":"string"},{"name":"note","type":["null","string"]},
            {"name":"long","type":"long"},{"name":"at","type":["null","long"]},{"name":"on","type":"boolean"},
            {"name":"f","type":"float"},{"name":"d","type":["null","double"]},{"name":"raw","type":["null","bytes"]},
            {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":64,"scale":2,"connect.name":
                "org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2"},"connect.version":1}},
            {"name":"inner","type":["null",{"type":"record","name":"I","fields":[{"name":"x","type":"int"},
                {"name":"deep","type":{"type":"record","name":"D","fields":[{"name":"y","type":["null","string"]}]}}]}]},
            {"name":"last","type":"string"}]}]},
        {"name":"after","type":["null","R"]},
        {"name":"kind","type":{"type":"enum","name":"K","symbols":["a","b","c"]}},
        {"name":"op","type":"string"}]}"#;

    struct Both {
        decode: DecodePlan,
        envelope: Schema,
        row: Schema,
        encode: EncodePlan,
        slot: u32,
    }

    fn both(avro: &str) -> Both {
        let config = AvroDataConfig::new(&Properties::default()).unwrap();
        let decode = DecodePlan::compile(&AvroSchema::parse(avro, &[]).unwrap(), None, None, &config);
        let envelope = Schema::clone(decode.schema().unwrap());
        let after = envelope.root().fields.iter().find(|field| field.name == "after").unwrap().node;
        let mut builder = SchemaBuilder::new();
        let root = builder.copy(&envelope, after).unwrap();
        builder.node_mut(root).unwrap().optional = false;
        let row = builder.build().unwrap();
        let encode = EncodePlan::compile(Some(&row), &config).unwrap();
        let slot = Layout::of(&envelope).slot(after);
        Both { decode, envelope, row, encode, slot }
    }

    impl Both {
        /// The long way.
        fn row(&self, payload: &[u8]) -> Option<Vec<u8>> {
            let (mut image, mut own, mut out) = (Vec::new(), Vec::new(), Vec::new());
            self.decode.decode(payload, 0, &mut image).ok()?;
            let Value::Struct(fields) = tree::read(Some(&self.envelope), &image, payload).unwrap() else { panic!() };
            tree::write(Some(&self.row), &fields[1], &mut own).unwrap();
            self.encode.encode(&Image::new(&own, &[]).unwrap(), &mut out).ok()?;
            Some(out)
        }
    }

    fn row(null: bool, seed: u8) -> Vec<u8> {
        let mut out = vec![0x80 | seed, 1, 6, b'a', b'b', b'c'];
        let optional = |out: &mut Vec<u8>, value: &[u8]| {
            out.push(if null { 0 } else { 2 });
            out.extend_from_slice(if null { &[] } else { value });
        };
        optional(&mut out, "\u{c}nine\u{e9}".as_bytes());
        out.extend_from_slice(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, seed | 1]);
        optional(&mut out, &[seed & 0x7F]);
        out.extend_from_slice(&[seed & 1, 1, 2, 3, 4]);
        optional(&mut out, &[1, 2, 3, 4, 5, 6, 7, 8]);
        optional(&mut out, &[4, 0xFF, 0xFE]);
        out.extend_from_slice(&[4, 0x00, 0x80]);
        optional(&mut out, &[8, 2, 4, b'd', b'p']);
        out.extend_from_slice(&[2, b'z']);
        out
    }

    fn payload(before: Option<Vec<u8>>, after: Option<Vec<u8>>) -> Vec<u8> {
        let row = |row: Option<Vec<u8>>| row.map_or(vec![0], |row| [vec![2], row].concat());
        [row(before), row(after), vec![4, 2, b'u']].concat()
    }

    #[test]
    fn what_is_cut_out_is_what_the_long_way_gives() {
        let both = both(ENVELOPE);
        let excerpt = both.decode.excerpt(both.slot, &both.encode).unwrap();
        for (before, after) in
            [(None, row(false, 3)), (Some(row(true, 9)), row(true, 1)), (Some(row(false, 2)), row(false, 5))]
        {
            let payload = payload(before, Some(after.clone()));
            let found = excerpt.find(&payload, 0).unwrap();
            assert_eq!(payload[found.clone()], after);
            let mut agreed = 0;
            for at in 0..payload.len() {
                for byte in 0..=u8::MAX {
                    let mut other = payload.clone();
                    other[at] = byte;
                    if let Some(found) = excerpt.find(&other, 0) {
                        assert_eq!(Some(&other[found]), both.row(&other).as_deref(), "byte {at} = {byte}");
                        agreed += 1;
                    }
                }
                assert_eq!(excerpt.find(&payload[..at], 0), None, "{at}");
            }
            assert!(agreed > 1_000, "{agreed}");
            assert_eq!(excerpt.find(&[&payload[..], &[0]].concat(), 0), None);
            assert_eq!(excerpt.find(&[&[7, 7], &payload[..]].concat(), 2), Some(found.start + 2..found.end + 2));
        }
        assert_eq!(excerpt.find(&payload(Some(row(false, 1)), None), 0), None);
    }

    #[test]
    fn what_is_written_otherwise_is_not_cut_out() {
        for column in [
            r#"{"type":"array","items":"int"}"#,
            r#"{"type":"map","values":"int"}"#,
            r#"{"type":"int","connect.type":"int8"}"#,
            r#"{"type":"int","logicalType":"time-millis","connect.name":"org.apache.kafka.connect.data.Time","connect.version":1}"#,
            r#"["string","null"]"#,
            r#"["null","string","int"]"#,
            r#"{"type":"enum","name":"C","symbols":["a"]}"#,
        ] {
            let avro = format!(
                r#"{{"type":"record","name":"E","fields":[{{"name":"before","type":"int"}},{{"name":"after","type":["null",
                {{"type":"record","name":"R","fields":[{{"name":"c","type":{column}}}]}}]}}]}}"#
            );
            let both = both(&avro);
            assert!(both.decode.excerpt(both.slot, &both.encode).is_none(), "{column}");
            assert!(both.decode.excerpt(0, &both.encode).is_none());
        }
    }
}
