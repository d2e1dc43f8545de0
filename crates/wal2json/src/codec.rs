//! How the text of a value becomes slots of a row image: one operation per Connect representation.

use crate::hstore::Pairs;
use crate::interval::Interval;
use crate::numeric::{self, Numeric};
use crate::scan::{Kind, Token, unescape};
use crate::temporal::{self, Moment};
use crate::{array, binary};
use connect_data::row_image::ImageWriter;
use connect_data::{Error, Result};

/// The operation for one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Boolean,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    /// Unscaled bytes at a fixed scale.
    Decimal(usize),
    /// Struct of scale and unscaled bytes.
    VariableScaleDecimal,
    /// Text with at least this many digits behind the point.
    DecimalText(usize),
    DecimalDouble,
    /// Unscaled bytes at scale 2.
    Money,
    Text,
    /// Octets that the text shows in hexadecimal digits.
    Binary(Binary),
    /// The text itself as octets: a type that is not mapped.
    Opaque(Binary),
    BitBoolean,
    /// Little-endian, without zero octets at the end.
    Bits,
    Date,
    TimeMillis,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    ZonedTime,
    ZonedTimestamp,
    IntervalMicros,
    IntervalText,
    HstoreJson,
    HstoreMap,
    /// Struct of x, y, wkb, srid.
    Point,
    /// Struct of wkb, srid.
    Geometry,
    /// Items of one codec, each taking that many slots.
    Array(Box<Codec>, usize),
}

/// `binary.handling.mode` at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Bytes,
    Base64,
    Hex,
}

/// Buffers that survive from value to value.
#[derive(Default)]
pub(crate) struct Scratch {
    text: Vec<u8>,
    item: Vec<u8>,
    octets: Vec<u8>,
    limbs: Vec<u64>,
    pairs: Pairs,
}

/// The message that values are read from.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) text: &'a [u8],
    /// Whether the image may refer to the message instead of copying strings out of it.
    pub(crate) borrow: bool,
}

/// The largest and smallest timestamp of the PostgreSQL JDBC driver, in milliseconds; Debezium takes them for
/// microseconds.
const INFINITY_MICROS: i64 = 9_223_372_036_825_200_000;
const MINUS_INFINITY_MICROS: i64 = -9_223_372_036_832_400_000;

/// The error for a value that is not what its column's type says. It never shows the value.
pub(crate) fn unfit(expected: &str) -> Error {
    Error::data("wal2json.value", format!("expected {expected}, found something else"))
}

fn fits<T>(value: Option<T>, expected: &str) -> Result<T> {
    value.ok_or_else(|| unfit(expected))
}

impl Codec {
    /// Writes the value that a token of a message stands for.
    #[inline(always)]
    pub(crate) fn write_token(
        &self,
        input: Input<'_>,
        token: &Token,
        w: &mut ImageWriter<'_>,
        slot: usize,
        scratch: &mut Scratch,
    ) -> Result<()> {
        // What most columns hold.
        match (self, token.kind) {
            (Self::Text, Kind::String) if input.borrow && !token.escaped => {
                w.input(slot, token.start as usize, token.len as usize);
                Ok(())
            }
            (Self::Boolean, Kind::True | Kind::False) => {
                w.set(slot, u64::from(token.kind == Kind::True));
                Ok(())
            }
            (Self::Int32, Kind::Number) => write_int32(token.raw(input.text), w, slot),
            (Self::Int64, Kind::Number) => write_int64(token.raw(input.text), w, slot),
            _ => self.write_any(input, token, w, slot, scratch),
        }
    }

    #[inline(never)]
    fn write_any(
        &self,
        input: Input<'_>,
        token: &Token,
        w: &mut ImageWriter<'_>,
        slot: usize,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let raw = token.raw(input.text);
        match token.kind {
            Kind::Null => {
                w.null(slot);
                Ok(())
            }
            Kind::String if !token.escaped => self.write_text(raw, w, slot, scratch),
            Kind::String if matches!(self, Self::Text) => w.tail_with(slot, |tail| unescape(raw, tail)),
            Kind::String => {
                let mut text = std::mem::take(&mut scratch.text);
                text.clear();
                let result = unescape(raw, &mut text).and_then(|()| self.write_text(&text, w, slot, scratch));
                scratch.text = text;
                result
            }
            Kind::Number if self.is_number() => self.write_text(raw, w, slot, scratch),
            Kind::Number => Err(unfit("a string")),
            Kind::True | Kind::False => Err(unfit("a string or a number")),
        }
    }

    /// wal2json writes these types without quotes.
    fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Int16
                | Self::Int32
                | Self::Int64
                | Self::Float32
                | Self::Float64
                | Self::Decimal(_)
                | Self::VariableScaleDecimal
                | Self::DecimalText(_)
                | Self::DecimalDouble
        )
    }

    /// Writes the value of PostgreSQL's text.
    #[inline]
    pub(crate) fn write_text(
        &self,
        text: &[u8],
        w: &mut ImageWriter<'_>,
        slot: usize,
        scratch: &mut Scratch,
    ) -> Result<()> {
        match self {
            Self::Boolean => w.set(slot, u64::from(read_boolean(text)?)),
            Self::Int16 => {
                let value = numeric::integer(text).and_then(|value| i16::try_from(value).ok());
                w.set(slot, i64::from(fits(value, "a whole number of 16 bits")?) as u64);
            }
            Self::Int32 => return write_int32(text, w, slot),
            Self::Int64 => return write_int64(text, w, slot),
            Self::Float32 => {
                let value = fits(numeric::float::<f32>(text), "a floating-point number")?;
                w.set(slot, u64::from(value.to_bits()));
            }
            Self::Float64 | Self::DecimalDouble => {
                w.set(slot, fits(numeric::double(text), "a floating-point number")?.to_bits());
            }
            Self::Decimal(scale) => {
                return w.tail_with(slot, |tail| numeric::write_decimal(text, *scale, &mut scratch.limbs, tail));
            }
            Self::VariableScaleDecimal => return write_variable_scale(text, w, slot, scratch),
            Self::DecimalText(scale) => return w.tail_with(slot, |tail| write_decimal_text(text, *scale, tail)),
            Self::Money => {
                let cents = fits(numeric::cents(text), "an amount of money")?;
                return w.tail_with(slot, |tail| {
                    numeric::write_minimal(&cents.to_be_bytes(), tail);
                    Ok(())
                });
            }
            Self::Text => return w.tail(slot, text),
            Self::Binary(mode) => return write_binary(text, *mode, w, slot, scratch),
            Self::Opaque(mode) => return w.tail_with(slot, |tail| mode.write(text, tail)),
            Self::BitBoolean => match text {
                b"0" => w.set(slot, 0),
                b"1" => w.set(slot, 1),
                _ => return Err(unfit("one bit").hint("do not set include-typmod to false")),
            },
            Self::Bits => return w.tail_with(slot, |tail| write_bits(text, tail)),
            Self::Date => w.set(slot, i64::from(read_date(text)?) as u64),
            Self::TimeMillis => w.set(slot, (read_time(text)? / 1_000) as u64),
            Self::TimeMicros => w.set(slot, read_time(text)? as u64),
            Self::TimestampMillis => w.set(slot, read_timestamp_millis(text)? as u64),
            Self::TimestampMicros => w.set(slot, read_timestamp_micros(text)? as u64),
            Self::ZonedTime => {
                let micros = fits(temporal::time_with_zone(text), "a time with time zone in DateStyle ISO")?;
                return w.tail_with(slot, |tail| {
                    temporal::write_zoned_time(micros, tail);
                    Ok(())
                });
            }
            Self::ZonedTimestamp => return w.tail_with(slot, |tail| write_zoned_timestamp(text, tail)),
            Self::IntervalMicros => w.set(slot, read_interval(text)?.duration_micros() as u64),
            Self::IntervalText => {
                let interval = read_interval(text)?;
                return w.tail_with(slot, |tail| {
                    interval.write_iso(tail);
                    Ok(())
                });
            }
            Self::HstoreJson => {
                scratch.pairs.read(text)?;
                return w.tail_with(slot, |tail| {
                    scratch.pairs.write_json(tail);
                    Ok(())
                });
            }
            Self::HstoreMap => {
                scratch.pairs.read(text)?;
                return write_map(&scratch.pairs, w, slot);
            }
            Self::Point => return write_point(text, w, slot),
            Self::Geometry => return write_geometry(text, w, slot, scratch),
            Self::Array(item, width) => return write_array(text, item, *width, w, slot, scratch),
        }
        Ok(())
    }

    /// Writes what Debezium puts in the place of a missing value of a NOT NULL column without default, which the old row
    /// of a table without REPLICA IDENTITY FULL has many of.
    pub(crate) fn write_fallback(&self, w: &mut ImageWriter<'_>, slot: usize, scratch: &mut Scratch) -> Result<()> {
        match self {
            Self::Decimal(_) | Self::DecimalText(_) | Self::Money | Self::VariableScaleDecimal => {
                let zero: &[u8] = if *self == Self::Money { b"$0.00" } else { b"0" };
                self.write_text(zero, w, slot, scratch)
            }
            Self::Text | Self::Binary(_) | Self::Opaque(_) | Self::Bits => w.tail(slot, b""),
            Self::ZonedTime => w.tail(slot, b"00:00:00Z"),
            Self::ZonedTimestamp => w.tail(slot, b"1970-01-01T00:00:00Z"),
            // Debezium tries a number here, which the schema refuses.
            Self::IntervalText => w.tail(slot, b"P0Y0M0DT0H0M0S"),
            Self::HstoreJson => w.tail(slot, b"{}"),
            Self::HstoreMap => self.write_text(b"", w, slot, scratch),
            Self::Array(..) => self.write_text(b"{}", w, slot, scratch),
            Self::Point => self.write_text(b"(0,0)", w, slot, scratch),
            // An empty geometry collection.
            Self::Geometry => self.write_text(b"010700000000000000", w, slot, scratch),
            // Zero, false and the epoch are what a slot starts with.
            _ => Ok(()),
        }
    }
}

impl Binary {
    fn write(self, octets: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Bytes => out.extend_from_slice(octets),
            Self::Base64 => binary::encode_base64(octets, out)?,
            Self::Hex => binary::encode_hex(octets, out),
        }
        Ok(())
    }
}

#[inline]
fn write_int32(text: &[u8], w: &mut ImageWriter<'_>, slot: usize) -> Result<()> {
    let value = numeric::integer(text).and_then(|value| i32::try_from(value).ok());
    w.set(slot, i64::from(fits(value, "a whole number of 32 bits")?) as u64);
    Ok(())
}

#[inline]
fn write_int64(text: &[u8], w: &mut ImageWriter<'_>, slot: usize) -> Result<()> {
    w.set(slot, fits(numeric::integer(text), "a whole number of 64 bits")? as u64);
    Ok(())
}

fn read_boolean(text: &[u8]) -> Result<bool> {
    match text {
        b"t" | b"true" => Ok(true),
        b"f" | b"false" => Ok(false),
        _ => Err(unfit("true or false")),
    }
}

fn read_interval(text: &[u8]) -> Result<Interval> {
    Interval::parse(text).ok_or_else(|| {
        unfit("an interval in IntervalStyle postgres").hint("SET IntervalStyle = postgres where wal2json runs")
    })
}

fn date_style(expected: &str) -> Error {
    unfit(&format!("{expected} in DateStyle ISO")).hint("SET DateStyle = ISO where wal2json runs")
}

/// Days since the epoch. Debezium 1.7 fails on infinity and 3.x turns it into a day that no date has; the bounds of the
/// type are at least recognisable.
fn read_date(text: &[u8]) -> Result<i32> {
    match temporal::date(text) {
        Some(Moment::At(day)) => i32::try_from(day).map_err(|_| unfit("a date of PostgreSQL's range")),
        Some(Moment::Infinity) => Ok(i32::MAX),
        Some(Moment::MinusInfinity) => Ok(i32::MIN),
        None => Err(date_style("a date")),
    }
}

fn read_time(text: &[u8]) -> Result<i64> {
    temporal::time(text).ok_or_else(|| date_style("a time"))
}

fn read_timestamp_millis(text: &[u8]) -> Result<i64> {
    Ok(match temporal::timestamp(text).ok_or_else(|| date_style("a timestamp"))? {
        Moment::At(at) => at.millis(),
        Moment::Infinity => INFINITY_MICROS / 1_000,
        Moment::MinusInfinity => MINUS_INFINITY_MICROS / 1_000,
    })
}

fn read_timestamp_micros(text: &[u8]) -> Result<i64> {
    match temporal::timestamp(text).ok_or_else(|| date_style("a timestamp"))? {
        Moment::At(at) => at.micros().ok_or_else(|| {
            unfit("a timestamp before the year 294247, which microseconds can hold")
                .hint("set time.precision.mode to connect")
        }),
        Moment::Infinity => Ok(INFINITY_MICROS),
        Moment::MinusInfinity => Ok(MINUS_INFINITY_MICROS),
    }
}

fn write_zoned_timestamp(text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if temporal::copy_utc(text, out) {
        return Ok(());
    }
    match temporal::timestamp_with_zone(text).ok_or_else(|| date_style("a timestamp with time zone"))? {
        Moment::At(at) => temporal::write_zoned_timestamp(at, out),
        Moment::Infinity | Moment::MinusInfinity => out.extend_from_slice(text),
    }
    Ok(())
}

/// Debezium strips trailing zeros, and a scale below 0 with them.
fn write_variable_scale(text: &[u8], w: &mut ImageWriter<'_>, slot: usize, scratch: &mut Scratch) -> Result<()> {
    let decimal = match Numeric::parse(text) {
        Some(Numeric::Finite(decimal)) => decimal.stripped(),
        Some(_) => return Err(numeric::special_value()),
        None => return Err(unfit("a decimal number")),
    };
    let scale = decimal.scale();
    w.set(slot + 1, scale as u64);
    w.tail_with(slot + 2, |tail| {
        decimal.write_unscaled(scale, &mut scratch.limbs, tail);
        Ok(())
    })
}

fn write_decimal_text(text: &[u8], scale: usize, out: &mut Vec<u8>) -> Result<()> {
    match Numeric::parse(text) {
        Some(Numeric::Finite(decimal)) => decimal.write_text(scale, out),
        // The names of Debezium's enum constants.
        Some(Numeric::NaN) => out.extend_from_slice(b"NAN"),
        Some(Numeric::Infinity) => out.extend_from_slice(b"POSITIVE_INFINITY"),
        Some(Numeric::MinusInfinity) => out.extend_from_slice(b"NEGATIVE_INFINITY"),
        None => return Err(unfit("a decimal number")),
    }
    Ok(())
}

/// wal2json leaves out the `\x` of a bytea, but not of a domain over it.
fn write_binary(text: &[u8], mode: Binary, w: &mut ImageWriter<'_>, slot: usize, scratch: &mut Scratch) -> Result<()> {
    let digits = text.strip_prefix(b"\\x").unwrap_or(text);
    let wrong = || unfit("hexadecimal digits").hint("SET bytea_output = hex where wal2json runs");
    if mode == Binary::Bytes {
        return w.tail_with(slot, |tail| if binary::decode_hex(digits, tail) { Ok(()) } else { Err(wrong()) });
    }
    scratch.octets.clear();
    if !binary::decode_hex(digits, &mut scratch.octets) {
        return Err(wrong());
    }
    w.tail_with(slot, |tail| mode.write(&scratch.octets, tail))
}

fn write_bits(text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    for eight in text.rchunks(8) {
        let mut octet = 0;
        for bit in eight {
            match bit {
                b'0' | b'1' => octet = octet << 1 | (bit - b'0'),
                _ => return Err(unfit("bits")),
            }
        }
        out.push(octet);
    }
    while out.len() > start && out.last() == Some(&0) {
        out.pop();
    }
    Ok(())
}

fn write_map(pairs: &Pairs, w: &mut ImageWriter<'_>, slot: usize) -> Result<()> {
    let count = pairs.len();
    w.nested(slot, 2 * count, |inner| {
        for (i, (key, value)) in pairs.iter().enumerate() {
            inner.tail(i, key)?;
            match value {
                Some(value) => inner.tail(count + i, value)?,
                None => inner.null(count + i),
            }
        }
        Ok(())
    })
}

/// `(x,y)` as x, y, and the well-known binary of the same point.
fn write_point(text: &[u8], w: &mut ImageWriter<'_>, slot: usize) -> Result<()> {
    let inner = text.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")"));
    let parts = inner.and_then(|inner| {
        let comma = inner.iter().position(|byte| *byte == b',')?;
        Some((numeric::double(inner.get(..comma)?)?, numeric::double(inner.get(comma + 1..)?)?))
    });
    let (x, y) = fits(parts, "a point")?;
    w.set(slot + 1, x.to_bits());
    w.set(slot + 2, y.to_bits());
    w.null(slot + 4);
    w.tail_with(slot + 3, |tail| {
        // Little-endian, type 1.
        tail.extend_from_slice(&[1, 1, 0, 0, 0]);
        tail.extend_from_slice(&x.to_le_bytes());
        tail.extend_from_slice(&y.to_le_bytes());
        Ok(())
    })
}

/// PostGIS shows EWKB in hexadecimal digits; the SRID is also given on its own.
fn write_geometry(text: &[u8], w: &mut ImageWriter<'_>, slot: usize, scratch: &mut Scratch) -> Result<()> {
    const SRID_FOLLOWS: u32 = 0x2000_0000;
    let octets = &mut scratch.octets;
    octets.clear();
    if !binary::decode_hex(text, octets) || octets.len() < 9 {
        return Err(unfit("a geometry in hexadecimal EWKB"));
    }
    let [order, a, b, c, d, e, f, g, h, ..] = octets.as_slice() else {
        return Err(unfit("a geometry in hexadecimal EWKB"));
    };
    let word = |bytes| if *order == 0 { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    if word([*a, *b, *c, *d]) & SRID_FOLLOWS != 0 {
        w.set(slot + 2, i64::from(word([*e, *f, *g, *h]) as i32) as u64);
    } else {
        w.null(slot + 2);
    }
    w.tail(slot + 1, octets)
}

fn write_array(
    text: &[u8],
    item: &Codec,
    width: usize,
    w: &mut ImageWriter<'_>,
    slot: usize,
    scratch: &mut Scratch,
) -> Result<()> {
    let mut buffer = std::mem::take(&mut scratch.item);
    let mut count = 0;
    let mut result = array::items(text, b',', &mut buffer, |_| {
        count += 1;
        Ok(())
    });
    if result.is_ok() {
        result = w.nested(slot, count * width, |inner| {
            let mut at = 0;
            array::items(text, b',', &mut buffer, |value| {
                match value {
                    Some(value) => item.write_text(value, inner, at, scratch)?,
                    None => inner.null(at),
                }
                at += width;
                Ok(())
            })
        });
    }
    scratch.item = buffer;
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::row_image::Image;

    fn write(codec: &Codec, text: &str, slots: usize) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut w = ImageWriter::new(&mut out, slots)?;
        codec.write_text(text.as_bytes(), &mut w, 0, &mut Scratch::default())?;
        w.finish();
        Ok(out)
    }

    fn bytes(codec: &Codec, text: &str) -> Vec<u8> {
        let image = write(codec, text, 1).unwrap();
        Image::new(&image, &[]).unwrap().bytes(0).unwrap().to_vec()
    }

    fn number(codec: &Codec, text: &str) -> i64 {
        Image::new(&write(codec, text, 1).unwrap(), &[]).unwrap().get(0) as i64
    }

    #[test]
    fn bits_are_little_endian_without_zeros_at_the_end() {
        for (text, expected) in [("1010101010", &[0xAA, 2][..]), ("0000000001", &[1]), ("0000000000", &[]), ("", &[])] {
            assert_eq!(bytes(&Codec::Bits, text), expected);
        }
        assert!(write(&Codec::Bits, "102", 1).is_err());
    }

    #[test]
    fn infinities_have_the_values_of_debezium() {
        assert_eq!(number(&Codec::TimestampMicros, "infinity"), 9_223_372_036_825_200_000);
        assert_eq!(number(&Codec::TimestampMillis, "-infinity"), -9_223_372_036_832_400);
        assert_eq!(bytes(&Codec::ZonedTimestamp, "-infinity"), b"-infinity");
        assert_eq!(number(&Codec::Date, "infinity"), i64::from(i32::MAX));
        assert_eq!(write(&Codec::TimestampMicros, "294276-12-31 23:59:59", 1).unwrap_err().code(), "wal2json.value");
    }

    #[test]
    fn special_numbers_fit_only_some_modes() {
        assert_eq!(bytes(&Codec::DecimalText(0), "-Infinity"), b"NEGATIVE_INFINITY");
        assert!(f64::from_bits(number(&Codec::DecimalDouble, "NaN") as u64).is_nan());
        assert_eq!(write(&Codec::Decimal(2), "NaN", 1).unwrap_err().code(), "wal2json.special-value");
        assert_eq!(write(&Codec::VariableScaleDecimal, "NaN", 3).unwrap_err().code(), "wal2json.special-value");
    }

    #[test]
    fn a_geometry_keeps_its_bytes_and_shows_its_srid() {
        let image = write(&Codec::Geometry, "0101000020E6100000000000000000F03F0000000000000040", 3).unwrap();
        let image = Image::new(&image, &[]).unwrap();
        assert_eq!((image.get(2), image.bytes(1).unwrap().len()), (4326, 25));
        let image = write(&Codec::Geometry, "0101000000000000000000F03F0000000000000040", 3).unwrap();
        assert!(Image::new(&image, &[]).unwrap().is_null(2));
        assert!(write(&Codec::Geometry, "00", 3).is_err());
    }

    #[test]
    fn octets_come_with_and_without_prefix() {
        for text in ["00ff", "\\x00ff"] {
            assert_eq!(bytes(&Codec::Binary(Binary::Bytes), text), [0, 255]);
            assert_eq!(bytes(&Codec::Binary(Binary::Base64), text), b"AP8=");
            assert_eq!(bytes(&Codec::Binary(Binary::Hex), text), b"00ff");
        }
        assert_eq!(bytes(&Codec::Opaque(Binary::Hex), "ab"), b"6162");
    }
}
