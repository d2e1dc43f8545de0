//! The opcodes that take a slot to the output: most of any plan. They run as steps of eight bytes, with all they need in
//! registers, and into bytes that are there already. Whatever is not as usual (aggregates, errors, a lack of room) is left to
//! the machine of [`super::encode`], opcode by opcode.

use super::leaf::{Number, Scalar, Variable, minimal};
use super::plan::{Code, Null, Op};
use super::resolve::Branch;
use super::write::Word;
use connect_data::row_image::Parts;
use connect_data::utf8::is_text;
use std::hint::cold_path;

/// What is done at an opcode, in eight bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    kind: Kind,
    /// The octet of null, [`NO_OCTET`] if it is another text.
    null: u8,
    /// The octet in front of a value.
    branch: u8,
    /// Which of [`bits`] is the slot's, and the number of these.
    bit: u8,
    bits: u16,
    slot: u16,
}

const NO_OCTET: u8 = u8::MAX;

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
    /// The fields follow.
    Struct,
    UnionBoolean,
    UnionByte,
    UnionShort,
    UnionInt,
    UnionLong,
    UnionFloat,
    UnionDouble,
    UnionText,
    UnionBytes,
    UnionDecimal,
    UnionStruct,
    Jump,
}

impl Kind {
    /// After the octet of a branch.
    fn in_union(self) -> Self {
        match self {
            Self::Boolean => Self::UnionBoolean,
            Self::Byte => Self::UnionByte,
            Self::Short => Self::UnionShort,
            Self::Int => Self::UnionInt,
            Self::Long => Self::UnionLong,
            Self::Float => Self::UnionFloat,
            Self::Double => Self::UnionDouble,
            Self::Text => Self::UnionText,
            Self::Bytes => Self::UnionBytes,
            Self::Decimal => Self::UnionDecimal,
            Self::Struct => Self::UnionStruct,
            other => other,
        }
    }
}

impl Step {
    /// One that has no slot of its own; whatever bits there are will do.
    const fn of(kind: Kind) -> Self {
        Self { kind, null: NO_OCTET, branch: 0, bit: 0, bits: 0, slot: 0 }
    }

    /// Whether it is one that is done here.
    pub(super) fn is_done(&self) -> bool {
        self.kind != Kind::Other
    }
}

/// The steps for a plan's opcodes, one for each.
pub(super) fn steps(code: &Code) -> Vec<Step> {
    code.ops.iter().map(|op| step(code, op).unwrap_or(Step::of(Kind::Other))).collect()
}

fn step(code: &Code, op: &Op) -> Option<Step> {
    let (kind, slot, branch, null) = match *op {
        Op::Int { slot, branch, null } => (Kind::Int, slot, branch, null),
        Op::Long { slot, branch, null } => (Kind::Long, slot, branch, null),
        Op::String { slot, branch, null } => (Kind::Text, slot, branch, null),
        Op::Scalar { slot, scalar, branch, null } => (scalar_kind(scalar)?, slot, branch, null),
        Op::Variable { slot, variable, branch, null } => {
            (variable_kind(code.variables.get(variable as usize)?)?, slot, branch, null)
        }
        Op::Struct { slot, branch, null, .. } => (Kind::Struct, slot, branch, null),
        Op::Jump { .. } => return Some(Step::of(Kind::Jump)),
        _ => return None,
    };
    let null = match code.nulls.get(null as usize)? {
        Null::Octet(octet) => *octet,
        _ => NO_OCTET,
    };
    let (kind, branch) = match branch {
        Branch::NONE => (kind, 0),
        branch => (kind.in_union(), branch.word().as_octet()?),
    };
    let slot = u16::try_from(slot).ok()?;
    Some(Step { kind, null, branch, bit: (slot % BITS) as u8, bits: slot / BITS, slot })
}

fn scalar_kind(scalar: Scalar) -> Option<Kind> {
    match scalar {
        Scalar::Boolean => Some(Kind::Boolean),
        Scalar::Int(Number::Int8) | Scalar::Long(Number::Int8) => Some(Kind::Byte),
        Scalar::Int(Number::Int16) | Scalar::Long(Number::Int16) => Some(Kind::Short),
        Scalar::Float(Number::Float32) => Some(Kind::Float),
        Scalar::Double(Number::Float64) => Some(Kind::Double),
        _ => None,
    }
}

fn variable_kind(variable: &Variable) -> Option<Kind> {
    match variable {
        Variable::Bytes => Some(Kind::Bytes),
        Variable::Decimal => Some(Kind::Decimal),
        _ => None,
    }
}

/// Runs steps from `pc` on, and gives what has been written of `out` and the opcode where something else is to be done. No
/// slot may be unavailable; `base` is added to all of them.
#[inline(never)]
pub(super) fn run(code: &Code, image: Parts<'_>, base: usize, out: &mut [u8], pc: usize) -> (usize, usize) {
    let slots = image.slots.get(base..).unwrap_or_default();
    let (mut at, mut pc, mut number) = (0, pc, 0);
    let [mut nulls, mut tails] = bits(&image, base, 0);
    while let Some(step) = code.steps.get(pc) {
        if step.bits != number {
            cold_path();
            number = step.bits;
            [nulls, tails] = bits(&image, base, number);
        }
        // `$write` puts a value behind `$before` octets of a branch and says how many octets it takes.
        macro_rules! value {
            ($before:literal, $write:expr) => {
                if nulls >> step.bit & 1 != 0 {
                    null(code, pc, step.null, out, at)
                } else if let (Some(place), Some(value)) = (room(out, at), slots.get(usize::from(step.slot))) {
                    branch::<$before>(place, step.branch);
                    Some(at + $before + $write(place, u64::from_le_bytes(*value)))
                } else {
                    None
                }
            };
        }
        macro_rules! variable {
            ($before:literal, $write:expr) => {
                if nulls >> step.bit & 1 != 0 {
                    null(code, pc, step.null, out, at)
                } else if let (Some(place), Some(range)) = (room(out, at), slots.get(usize::from(step.slot))) {
                    branch::<$before>(place, step.branch);
                    let range = u64::from_le_bytes(*range);
                    let usual = if tails >> step.bit & 1 != 0 { $write(image.tail, range, out, at) } else { None };
                    match usual {
                        Some(len) => Some(at + $before + 1 + len),
                        None => {
                            cold_path();
                            other(step.kind, &image, base + usize::from(step.slot), out, at + $before)
                        }
                    }
                } else {
                    None
                }
            };
        }
        macro_rules! structure {
            ($before:literal) => {
                if nulls >> step.bit & 1 == 0 {
                    out.get_mut(at as usize).map(|place| {
                        *place = step.branch;
                        at + $before
                    })
                } else if let Some(Op::Struct { skip, .. }) = code.ops.get(pc)
                    && let Some(end) = null(code, pc, step.null, out, at)
                {
                    (at, pc) = (end, *skip as usize);
                    continue;
                } else {
                    None
                }
            };
        }
        let end = match step.kind {
            Kind::Boolean => value!(0, boolean::<0>),
            Kind::Byte => value!(0, byte::<0>),
            Kind::Short => value!(0, short::<0>),
            Kind::Int => value!(0, int::<0>),
            Kind::Long => value!(0, long::<0>),
            Kind::Float => value!(0, float::<0>),
            Kind::Double => value!(0, double::<0>),
            Kind::Text => variable!(0, text::<0>),
            Kind::Bytes => variable!(0, bytes::<0>),
            Kind::Decimal => variable!(0, decimal::<0>),
            Kind::Struct => structure!(0),
            Kind::UnionBoolean => value!(1, boolean::<1>),
            Kind::UnionByte => value!(1, byte::<1>),
            Kind::UnionShort => value!(1, short::<1>),
            Kind::UnionInt => value!(1, int::<1>),
            Kind::UnionLong => value!(1, long::<1>),
            Kind::UnionFloat => value!(1, float::<1>),
            Kind::UnionDouble => value!(1, double::<1>),
            Kind::UnionText => variable!(1, text::<1>),
            Kind::UnionBytes => variable!(1, bytes::<1>),
            Kind::UnionDecimal => variable!(1, decimal::<1>),
            Kind::UnionStruct => structure!(1),
            Kind::Jump => match code.ops.get(pc) {
                Some(Op::Jump { to }) => {
                    pc = *to as usize;
                    continue;
                }
                _ => None,
            },
            Kind::Other => None,
        };
        let Some(end) = end else { break };
        (at, pc) = (end, pc + 1);
    }
    (at as usize, pc)
}

/// As many bits as a word has, wherever the first one is in its octet.
const BITS: u16 = 57;

/// Of so many slots whether they are null, and whether they are in the tail: in registers, not in the image.
#[inline(never)]
fn bits(image: &Parts<'_>, base: usize, number: u16) -> [u64; 2] {
    let from = base + usize::from(number) * usize::from(BITS);
    [word(from, |slot| image.is_null(slot)), word(from, |slot| image.is_in_tail(slot))]
}

/// The bits from `from` on, those of an octet at once.
#[inline(always)]
fn word(from: usize, bit: impl Fn(usize) -> bool) -> u64 {
    let mut word = 0;
    for i in 0..8 {
        let slot = 8 * (from / 8 + i);
        let one = |j: usize| u8::from(bit(slot | j)) << j;
        let octet = one(0) | one(1) | one(2) | one(3) | one(4) | one(5) | one(6) | one(7);
        word |= u64::from(octet) << (8 * i);
    }
    word >> (from % 8)
}

/// Writes what null becomes, unless that is an error.
#[inline(always)]
fn null(code: &Code, pc: usize, octet: u8, out: &mut [u8], at: u32) -> Option<u32> {
    if octet == NO_OCTET {
        return default(code, pc, out, at);
    }
    *out.get_mut(at as usize)? = octet;
    Some(at + 1)
}

#[inline(never)]
fn default(code: &Code, pc: usize, out: &mut [u8], at: u32) -> Option<u32> {
    let (Op::Int { null, .. }
    | Op::Long { null, .. }
    | Op::String { null, .. }
    | Op::Scalar { null, .. }
    | Op::Variable { null, .. }
    | Op::Struct { null, .. }) = code.ops.get(pc)?
    else {
        return None;
    };
    match code.nulls.get(*null as usize)? {
        Null::Octet(octet) => written(out, at, &[*octet]),
        Null::Octets(octets) => written(out, at, octets),
        Null::Error(_) => None,
    }
}

/// Room for a branch and a value that is its slot.
const ROOM: usize = 24;

#[inline(always)]
fn room<const N: usize>(out: &mut [u8], at: u32) -> Option<&mut [u8; N]> {
    out.get_mut(at as usize..at as usize + N)?.first_chunk_mut()
}

#[inline(always)]
fn set<const AT: usize, const N: usize>(place: &mut [u8; ROOM], octets: [u8; N]) {
    if let Some(place) = place.get_mut(AT..).and_then(|rest| rest.first_chunk_mut()) {
        *place = octets;
    }
}

#[inline(always)]
fn branch<const LEN: u32>(place: &mut [u8; ROOM], octet: u8) {
    if LEN == 1 {
        set::<0, 1>(place, [octet]);
    }
}

#[inline(always)]
fn put<const AT: usize>(place: &mut [u8; ROOM], word: Word) -> u32 {
    set::<AT, 8>(place, word.octets());
    word.len() as u32
}

#[inline(always)]
fn boolean<const AT: usize>(place: &mut [u8; ROOM], bits: u64) -> u32 {
    put::<AT>(place, Word::octet(u8::from(bits != 0)))
}

#[inline(always)]
fn byte<const AT: usize>(place: &mut [u8; ROOM], bits: u64) -> u32 {
    put::<AT>(place, Word::int(i32::from(bits as i8)))
}

#[inline(always)]
fn short<const AT: usize>(place: &mut [u8; ROOM], bits: u64) -> u32 {
    put::<AT>(place, Word::int(i32::from(bits as i16)))
}

#[inline(always)]
fn int<const AT: usize>(place: &mut [u8; ROOM], bits: u64) -> u32 {
    put::<AT>(place, Word::int(bits as i32))
}

#[inline(always)]
fn long<const AT: usize>(place: &mut [u8; ROOM], bits: u64) -> u32 {
    let (first, rest) = Word::long(bits as i64);
    let len = put::<AT>(place, first);
    match rest {
        None => len,
        Some(rest) => {
            cold_path();
            // The first one was of eight octets.
            match AT {
                0 => len + put::<8>(place, rest),
                _ => len + put::<9>(place, rest),
            }
        }
    }
}

#[inline(always)]
fn float<const AT: usize>(place: &mut [u8; ROOM], bits: u64) -> u32 {
    put::<AT>(place, Word::four(bits as u32))
}

#[inline(always)]
fn double<const AT: usize>(place: &mut [u8; ROOM], bits: u64) -> u32 {
    put::<AT>(place, Word::eight(bits))
}

/// Most texts are shorter. Octets are copied so many at a time: often beyond the value's end, where the next value goes.
const PIECE: usize = 16;

type Piece = [u8; PIECE];

/// What a slot refers to.
#[inline(always)]
fn all(heap: &[u8], range: u64) -> Option<&[u8]> {
    let offset = (range & 0xFFFF_FFFF) as usize;
    heap.get(offset..offset + (range >> 32) as usize)
}

/// The length of less than a piece, its octets, and what lies behind.
#[inline(always)]
fn piece(heap: &[u8], range: u64) -> Option<(u32, Piece)> {
    let (offset, len) = (range as u32 as usize, (range >> 32) as u32);
    if len >= PIECE as u32 {
        return None;
    }
    match heap.get(offset..offset + PIECE) {
        Some(piece) => Some((len, *piece.first_chunk()?)),
        None => {
            cold_path();
            let missing = offset + PIECE - all(heap, range).map(|_| heap.len())?;
            let last = u128::from_le_bytes(*heap.last_chunk()?);
            Some((len, last.checked_shr(8 * missing as u32).unwrap_or(0).to_le_bytes()))
        }
    }
}

/// The length of one or two pieces and their ends: instead of a loop, whose number of rounds no processor could foresee.
#[inline(always)]
fn ends(heap: &[u8], range: u64) -> Option<(u32, Piece, Piece)> {
    let all = all(heap, range).filter(|all| all.len() <= 2 * PIECE)?;
    Some((all.len() as u32, *all.first_chunk()?, *all.last_chunk()?))
}

#[inline(always)]
fn text<const BEFORE: usize>(heap: &[u8], range: u64, out: &mut [u8], at: u32) -> Option<u32> {
    if let Some((len, piece)) = piece(heap, range) {
        let ([a, b], counted) = (words(piece), COUNTED.get(len as usize)?);
        if a & counted[0] | b & counted[1] == 0 { one::<BEFORE>(len, piece, out, at) } else { None }
    } else {
        let (len, first, last) = ends(heap, range)?;
        let [[a, b], [c, d]] = [words(first), words(last)];
        if (a | b | c | d) & HIGH == 0 { two::<BEFORE>(len, first, last, out, at) } else { None }
    }
}

#[inline(always)]
fn bytes<const BEFORE: usize>(heap: &[u8], range: u64, out: &mut [u8], at: u32) -> Option<u32> {
    let (len, piece) = piece(heap, range)?;
    one::<BEFORE>(len, piece, out, at)
}

/// One that need not be shortened.
#[inline(always)]
fn decimal<const BEFORE: usize>(heap: &[u8], range: u64, out: &mut [u8], at: u32) -> Option<u32> {
    let (len, piece) = piece(heap, range)?;
    let [first, _] = words(piece);
    if len == 0 || len > 1 && matches!(first as u8, 0x00 | 0xFF) {
        return None;
    }
    one::<BEFORE>(len, piece, out, at)
}

/// Up to a piece, behind its number.
#[inline(always)]
fn one<const BEFORE: usize>(len: u32, piece: Piece, out: &mut [u8], at: u32) -> Option<u32> {
    let place = room(out, at)?;
    match BEFORE {
        0 => {
            set::<0, 1>(place, [2 * len as u8]);
            set::<1, PIECE>(place, piece);
        }
        _ => {
            set::<1, 1>(place, [2 * len as u8]);
            set::<2, PIECE>(place, piece);
        }
    }
    Some(len)
}

/// Up to two pieces, which overlap.
#[inline(always)]
fn two<const BEFORE: usize>(len: u32, first: Piece, last: Piece, out: &mut [u8], at: u32) -> Option<u32> {
    let end = at as usize + BEFORE + 1 + len as usize;
    *out.get_mut(end - PIECE..end)?.first_chunk_mut()? = last;
    one::<BEFORE>(len, first, out, at)
}

/// Whatever is longer, not ASCII or at the end of the image.
#[inline(never)]
fn other(kind: Kind, image: &Parts<'_>, slot: usize, out: &mut [u8], at: u32) -> Option<u32> {
    let heap = if image.is_in_tail(slot) { image.tail } else { image.input };
    let octets = all(heap, u64::from_le_bytes(*image.slots.get(slot)?))?;
    let octets = match kind {
        Kind::Text | Kind::UnionText if !is_text(octets) => return None,
        Kind::Decimal | Kind::UnionDecimal => minimal(octets).ok()?,
        _ => octets,
    };
    let number = Word::count(octets.len());
    *room(out, at)? = number.octets();
    written(out, at + number.len() as u32, octets)
}

#[inline]
fn written(out: &mut [u8], at: u32, octets: &[u8]) -> Option<u32> {
    out.get_mut(at as usize..at as usize + octets.len())?.copy_from_slice(octets);
    Some(at + octets.len() as u32)
}

/// The highest bit of each octet.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The highest bits of the octets that count in a piece, by their number.
const COUNTED: [[u64; 2]; PIECE] = {
    let mut masks = [[0; 2]; PIECE];
    let (mut len, mut rest): (u32, &mut [[u64; 2]]) = (0, &mut masks);
    while let Some((mask, others)) = rest.split_first_mut() {
        let high = HIGH as u128 | (HIGH as u128) << 64;
        let counted = high & ((1 << (8 * len)) - 1);
        (*mask, len, rest) = ([counted as u64, (counted >> 64) as u64], len + 1, others);
    }
    masks
};

#[inline(always)]
fn words(piece: Piece) -> [u64; 2] {
    let both = u128::from_le_bytes(piece);
    [both as u64, (both >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use super::super::EncodePlan;
    use crate::config::AvroDataConfig;
    use connect_data::row_image::{HEADER, Image, tree};
    use connect_data::schema::{Node, logical};
    use connect_data::{Properties, SchemaBuilder, Type, Value};
    use std::sync::Arc;

    /// A plan, with its steps and without, of a struct of more slots than [`super::BITS`].
    fn both() -> [EncodePlan; 2] {
        let mut b = SchemaBuilder::new();
        let row = b.push(Node::new(Type::Struct).named("Row"));
        for i in 0..30 {
            b.field(row, format!("n{i}"), Node::new([Type::Int8, Type::Int16, Type::Int32, Type::Int64][i % 4]));
            b.field(row, format!("o{i}"), Node::new([Type::Float32, Type::Boolean, Type::Float64][i % 3]).optional());
        }
        let kept = b.field(row, "kept", Node::new(Type::Struct).named("Kept").optional());
        b.field(kept, "default", Node::new(Type::String).optional().default_value(Value::String("none".into())));
        b.field(row, "price", Node::new(Type::Bytes).named(logical::DECIMAL).parameter("scale", "2"));
        b.field(row, "bytes", Node::new(Type::Bytes).optional());
        b.field(row, "text", Node::new(Type::String));
        let config = AvroDataConfig::new(&Properties::default()).unwrap();
        let plan = EncodePlan::compile(Some(&b.build().unwrap()), &config).unwrap();
        let mut slow = plan.clone();
        Arc::make_mut(&mut slow.code).steps.clear();
        [plan, slow]
    }

    fn image(plan: &EncodePlan, text: String, null: bool) -> Vec<u8> {
        let number = i64::MIN >> (text.len() % 64);
        let mut values = Vec::new();
        for i in 0..30 {
            values.push(match i % 4 {
                0 => Value::Int8(number as i8),
                1 => Value::Int16(number as i16),
                2 => Value::Int32(number as i32),
                _ => Value::Int64(number),
            });
            values.push(match i % 3 {
                _ if null => Value::Null,
                0 => Value::Float32(number as f32),
                1 => Value::Boolean(i % 2 == 0),
                _ => Value::Float64(number as f64),
            });
        }
        let kept = match (text.len() % 2, null) {
            (0, _) => Value::Null,
            (_, true) => Value::Struct(vec![Value::Null]),
            (_, false) => Value::Struct(vec![Value::String(text.clone())]),
        };
        let price = if null { vec![0, 0, 0x80] } else { vec![0xFE; text.len() % 20 + 1] };
        let bytes = if null { Value::Null } else { Value::Bytes(text.clone().into()) };
        values.extend([kept, Value::Bytes(price), bytes, Value::String(text)]);
        let mut image = Vec::new();
        tree::write(plan.source.schema.as_ref(), &Value::Struct(values), &mut image).unwrap();
        image
    }

    #[test]
    fn with_and_without_steps_the_same() {
        let plans = both();
        let encode = |image: &[u8]| {
            let [quick, slow] = plans.each_ref().map(|plan| {
                let mut bytes = vec![9; 3];
                let result = Image::new(image, &[]).and_then(|image| plan.encode(&image, &mut bytes));
                (result.map_err(|error| error.to_string()), bytes)
            });
            assert_eq!(quick, slow);
            quick.0.is_ok()
        };
        for len in 0..70 {
            for null in [false, true] {
                for at in 0..=len {
                    for other in ["", "\u{e9}"] {
                        let text = "a".repeat(at) + other + &"b".repeat(len - at);
                        assert!(encode(&image(&plans[0], text, null)));
                    }
                }
                let whole = image(&plans[0], "t".repeat(len), null);
                for at in (HEADER + 8..whole.len()).filter(|at| at % 7 == len % 7) {
                    for bits in [0x01, 0x80, 0xFF] {
                        let mut image = whole.clone();
                        image[at] ^= bits;
                        encode(&image);
                    }
                }
            }
        }
    }
}
