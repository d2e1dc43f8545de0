//! Values of one slot: how each Connect type is written as each Avro type, where Java's `GenericDatumWriter` can do so.

use super::write::{self, Word};
use connect_data::schema::{Node, logical};
use connect_data::utf8::is_text;
use connect_data::{Error, Result, Type, Value};

/// A number as the row image has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Int8,
    Int16,
    Int32,
    /// INT32 named `org.apache.kafka.connect.data.Time`: checked.
    Time,
    Int64,
    Float32,
    Float64,
}

impl Number {
    /// The type's number, if it is one.
    pub(super) fn of(node: &Node) -> Option<Self> {
        Some(match node.kind {
            Type::Int8 => Self::Int8,
            Type::Int16 => Self::Int16,
            Type::Int32 if node.name.as_deref() == Some(logical::TIME) => Self::Time,
            Type::Int32 => Self::Int32,
            Type::Int64 => Self::Int64,
            Type::Float32 => Self::Float32,
            Type::Float64 => Self::Float64,
            _ => return None,
        })
    }

    /// Name of the Avro type that Java finds for it in a union.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Int8 | Self::Int16 | Self::Int32 | Self::Time => "int",
            Self::Int64 => "long",
            Self::Float32 => "float",
            Self::Float64 => "double",
        }
    }

    #[inline]
    fn integer(self, bits: u64) -> Result<i64> {
        Ok(match self {
            Self::Int8 => i64::from(bits as i8),
            Self::Int16 => i64::from(bits as i16),
            Self::Int32 => i64::from(bits as i32),
            Self::Time => i64::from(check_time(bits as i32)?),
            Self::Int64 => bits as i64,
            // Java's narrowing: saturating, NaN is 0.
            Self::Float32 => f32::from_bits(bits as u32) as i64,
            Self::Float64 => f64::from_bits(bits) as i64,
        })
    }

    fn double(self, bits: u64) -> Result<f64> {
        Ok(match self {
            Self::Float32 => f64::from(f32::from_bits(bits as u32)),
            Self::Float64 => f64::from_bits(bits),
            _ => self.integer(bits)? as f64,
        })
    }
}

/// A value that is its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Boolean,
    /// To `int`, `Number.intValue`.
    Int(Number),
    /// To `long`, `Number.longValue`.
    Long(Number),
    /// To `float`, `Number.floatValue`.
    Float(Number),
    /// To `double`, `Number.doubleValue`.
    Double(Number),
    /// Avro null takes any value and writes nothing.
    Nothing,
}

impl Scalar {
    /// Appends `before` and a value.
    #[inline]
    pub(super) fn write(self, before: Word, bits: u64, out: &mut Vec<u8>) -> Result<()> {
        let word = match self {
            Self::Boolean => Word::octet(u8::from(bits != 0)),
            Self::Int(Number::Float32) => Word::int(f32::from_bits(bits as u32) as i32),
            Self::Int(Number::Float64) => Word::int(f64::from_bits(bits) as i32),
            Self::Int(number) => Word::int(number.integer(bits)? as i32),
            Self::Long(number) => {
                write::long(out, before, number.integer(bits)?);
                return Ok(());
            }
            // Bits are kept, those of NaN as well.
            Self::Float(Number::Float32) => Word::four(bits as u32),
            Self::Float(Number::Float64) => Word::four((f64::from_bits(bits) as f32).to_bits()),
            Self::Float(number) => Word::four((number.integer(bits)? as f32).to_bits()),
            Self::Double(Number::Float64) => Word::eight(bits),
            Self::Double(number) => Word::eight(number.double(bits)?.to_bits()),
            Self::Nothing => Word::EMPTY,
        };
        before.append(out);
        word.append(out);
        Ok(())
    }

    /// Whether the value is any INT32 as `int` or `long`: most columns are.
    pub(super) fn is_plain_int(self) -> bool {
        matches!(self, Self::Int(Number::Int32) | Self::Long(Number::Int32))
    }

    /// Whether the value is any INT64 as `long`.
    pub(super) fn is_plain_long(self) -> bool {
        self == Self::Long(Number::Int64)
    }
}

/// A value whose slot points to its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    String,
    Bytes,
    /// Unscaled value; `BigInteger.toByteArray` has no redundant octets.
    Decimal,
    /// Whole message without length: a top-level `bytes` schema.
    Raw,
    /// [`Self::Raw`] of an unscaled value.
    RawDecimal,
    /// Exactly this many octets.
    Fixed(usize),
    /// [`Self::Fixed`] of an unscaled value.
    FixedDecimal(usize),
    /// Symbols, sorted, with their ordinals.
    Enum(Box<[(Box<str>, u32)]>),
    /// Avro null takes any value and writes nothing.
    Nothing,
}

impl Variable {
    /// Symbols in the writer's order.
    pub(super) fn enumeration(symbols: &[String]) -> Self {
        let mut sorted: Vec<(Box<str>, u32)> = symbols.iter().map(|s| s.as_str().into()).zip(0..).collect();
        sorted.sort();
        Self::Enum(sorted.into())
    }

    /// Appends `before`, at most three octets, and a value.
    #[inline]
    pub(super) fn write(&self, before: Word, octets: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let plain = |out: &mut Vec<u8>, octets: &[u8]| {
            before.append(out);
            out.extend_from_slice(octets);
        };
        match self {
            Self::String => write::bytes(out, before, check_utf8(octets)?),
            Self::Bytes => write::bytes(out, before, octets),
            Self::Decimal => write::bytes(out, before, minimal(octets)?),
            Self::Raw => plain(out, octets),
            Self::RawDecimal => plain(out, minimal(octets)?),
            Self::Fixed(size) => plain(out, check_size(octets, *size)?),
            Self::FixedDecimal(size) => plain(out, check_size(minimal(octets)?, *size)?),
            Self::Enum(symbols) => match symbols.binary_search_by(|(symbol, _)| symbol.as_bytes().cmp(octets)) {
                Ok(found) => {
                    let ordinal = symbols.get(found).map_or(0, |(_, ordinal)| *ordinal);
                    before.then(Word::count(ordinal as usize)).append(out);
                }
                Err(_) => return Err(unknown_symbol(symbols)),
            },
            Self::Nothing => before.append(out),
        }
        Ok(())
    }
}

/// A value of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    Scalar(Scalar),
    Variable(Variable),
}

impl Leaf {
    /// Writes a value that is not in an image: a default.
    pub(super) fn write(&self, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        let bits = match (self, value) {
            (Self::Variable(variable), Value::String(v)) => return variable.write(Word::EMPTY, v.as_bytes(), out),
            (Self::Variable(variable), Value::Bytes(v)) => return variable.write(Word::EMPTY, v, out),
            (_, Value::Boolean(v)) => u64::from(*v),
            (_, Value::Int8(v)) => i64::from(*v) as u64,
            (_, Value::Int16(v)) => i64::from(*v) as u64,
            (_, Value::Int32(v)) => i64::from(*v) as u64,
            (_, Value::Int64(v)) => *v as u64,
            (_, Value::Float32(v)) => u64::from(v.to_bits()),
            (_, Value::Float64(v)) => v.to_bits(),
            (_, value) => return Err(not_of_its_type(value)),
        };
        match self {
            Self::Scalar(scalar) => scalar.write(Word::EMPTY, bits, out)?,
            Self::Variable(_) => return Err(not_of_its_type(value)),
        }
        Ok(())
    }
}

fn not_of_its_type(value: &Value) -> Error {
    Error::data("avro.default", format!("default: expected a value of its schema's type, found {}", value.kind()))
}

#[inline]
fn check_utf8(octets: &[u8]) -> Result<&[u8]> {
    if is_text(octets) {
        return Ok(octets);
    }
    Err(Error::internal("row-image.utf8", "row image: expected UTF-8, found other bytes"))
}

/// Java writes the beginning of a value that is too long, and loses the rest; here both lengths are errors.
#[inline]
fn check_size(octets: &[u8], size: usize) -> Result<&[u8]> {
    if octets.len() == size {
        return Ok(octets);
    }
    Err(Error::data("avro.fixed-size", format!("Avro fixed: expected {size} bytes, found {}", octets.len()))
        .hint("correct the value, or the schema parameter connect.fixed.size"))
}

/// `Time.fromLogical`: Kafka lets midnight at the end of the day through.
#[inline]
pub(super) fn check_time(millis: i32) -> Result<i32> {
    if (0..=86_400_000).contains(&millis) {
        return Ok(millis);
    }
    Err(Error::data("avro.time-range", "Time: expected milliseconds from 0 to 86400000, found a value outside")
        .hint("a time of day has no date and no sign; use a Timestamp or an INT32 for durations"))
}

/// An unscaled value without redundant sign octets.
#[inline]
pub(crate) fn minimal(octets: &[u8]) -> Result<&[u8]> {
    let mut rest = octets;
    loop {
        match rest {
            [] => return Err(Error::data("avro.decimal", "Decimal: expected at least one byte, found none")),
            [0x00, next, ..] if *next < 0x80 => {}
            [0xFF, next, ..] if *next >= 0x80 => {}
            _ => return Ok(rest),
        }
        rest = rest.get(1..).unwrap_or(&[]);
    }
}

#[cold]
fn unknown_symbol(symbols: &[(Box<str>, u32)]) -> Error {
    let mut known: Vec<&(Box<str>, u32)> = symbols.iter().collect();
    known.sort_by_key(|(_, ordinal)| *ordinal);
    let known: Vec<&str> = known.iter().map(|(symbol, _)| symbol.as_ref()).collect();
    Error::data("avro.enum-symbol", format!("Avro enum: expected one of {}, found another text", known.join(", ")))
        .hint("the writer's enum has symbols that the schema does not list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_lose_redundant_sign_octets() {
        for (octets, expected) in [
            (&[0u8, 0, 1][..], &[1u8][..]),
            (&[0, 0x80], &[0, 0x80]),
            (&[0xFF, 0xFF, 0x80], &[0x80]),
            (&[0xFF, 0x7F], &[0xFF, 0x7F]),
            (&[0, 0], &[0]),
            (&[0xFF], &[0xFF]),
        ] {
            assert_eq!(minimal(octets).unwrap(), expected);
        }
        assert_eq!(minimal(&[]).unwrap_err().code(), "avro.decimal");
    }

    #[test]
    fn numbers_convert_as_in_java() {
        let write = |scalar: Scalar, bits: u64| {
            let mut out = Vec::new();
            scalar.write(Word::EMPTY, bits, &mut out).unwrap();
            out
        };
        let long = |value: i64| {
            let mut out = Vec::new();
            write::long(&mut out, Word::EMPTY, value);
            out
        };
        assert_eq!(write(Scalar::Int(Number::Int64), (1u64 << 32) + 5), long(5));
        assert_eq!(write(Scalar::Int(Number::Float64), 1e300f64.to_bits()), long(i64::from(i32::MAX)));
        assert_eq!(write(Scalar::Long(Number::Float32), u64::from(f32::NAN.to_bits())), long(0));
        assert_eq!(write(Scalar::Long(Number::Int32), -7i64 as u64), long(-7));
        assert_eq!(write(Scalar::Double(Number::Int8), -7i64 as u64), (-7f64).to_le_bytes());
        assert_eq!(write(Scalar::Float(Number::Int64), 16_777_217), 16_777_216f32.to_le_bytes());
    }
}
