//! Values as SQL literals, straight from the slots of a row image. Nothing is allocated but what the statement grows by.

mod decimal;
mod json;
mod temporal;
mod text;
mod zone;

use crate::semantic::Semantic;
use connect_data::row_image::Image;
use connect_data::{Result, Schema};
pub(crate) use decimal::{MAX_DIGITS, MAX_SCALE, integer};
pub(crate) use json::JsonWriter;
use std::sync::Arc;
pub(crate) use temporal::Unit;
pub(crate) use text::text;
pub(crate) use zone::Zone;

/// What a column of the target holds, as far as literals depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Number,
    Text,
    Binary,
    Bit,
    Date,
    /// Digits of a second.
    DateTime(u8),
    /// As [`Self::DateTime`], but kept as an instant: always written in UTC.
    Timestamp(u8),
    Time(u8),
    Other,
}

/// How one column's literal is written.
#[derive(Clone, Debug)]
pub(crate) enum Encoder {
    Integer,
    /// A number into a text column: compared as text, so that an index on the column serves.
    QuotedInteger,
    Float32,
    Float64,
    Text,
    Bytes,
    Bits,
    Decimal {
        scale: i32,
        quoted: bool,
    },
    VariableDecimal {
        scale: u32,
        value: u32,
        quoted: bool,
    },
    Date,
    Time {
        unit: Unit,
        digits: u8,
    },
    DateTime {
        unit: Unit,
        digits: u8,
        zone: Zone,
    },
    IsoTimestamp {
        digits: u8,
        zone: Zone,
    },
    IsoTime {
        digits: u8,
    },
    IsoDate,
    Json(Arc<JsonWriter>),
}

impl Encoder {
    /// The encoder for values of this meaning into such a column; `None` for a structure (see [`Self::json`]).
    pub(crate) fn new(semantic: Semantic, holds: Holds, zone: &Zone) -> Option<Self> {
        let digits = match holds {
            Holds::DateTime(digits) | Holds::Timestamp(digits) | Holds::Time(digits) => digits,
            _ => 6,
        };
        let zone = if matches!(holds, Holds::Timestamp(_)) { Zone::UTC } else { zone.clone() };
        let quoted = holds == Holds::Text;
        Some(match semantic {
            Semantic::Structure => return None,
            Semantic::Integer if quoted => Self::QuotedInteger,
            Semantic::Integer => Self::Integer,
            // A table that another connector made keeps temporal types as the numbers they are.
            Semantic::Date | Semantic::Time(_) | Semantic::LocalTimestamp(_) | Semantic::Instant
                if holds == Holds::Number =>
            {
                Self::Integer
            }
            Semantic::Float32 => Self::Float32,
            Semantic::Float64 => Self::Float64,
            Semantic::Bytes => Self::Bytes,
            Semantic::Bits { .. } if holds == Holds::Binary => Self::Bytes,
            Semantic::Bits { .. } => Self::Bits,
            Semantic::Decimal { scale, .. } => Self::Decimal { scale, quoted },
            Semantic::VariableDecimal { scale, value } => Self::VariableDecimal { scale, value, quoted },
            Semantic::Date => Self::Date,
            Semantic::Time(unit) => Self::Time { unit, digits },
            Semantic::LocalTimestamp(unit) => Self::DateTime { unit, digits, zone: Zone::UTC },
            Semantic::Instant => Self::DateTime { unit: Unit::Millis, digits, zone },
            Semantic::IsoTimestamp | Semantic::IsoTime | Semantic::IsoDate
                if matches!(holds, Holds::Text | Holds::Other) =>
            {
                Self::Text
            }
            Semantic::IsoTimestamp => Self::IsoTimestamp { digits, zone },
            Semantic::IsoTime => Self::IsoTime { digits },
            Semantic::IsoDate => Self::IsoDate,
            Semantic::Text | Semantic::Json | Semantic::Uuid | Semantic::Enum { .. } => Self::Text,
        })
    }

    /// The encoder for a structure as JSON.
    pub(crate) fn json(schema: &Arc<Schema>, node: connect_data::NodeId) -> Self {
        Self::Json(Arc::new(JsonWriter::new(schema, node)))
    }

    /// Whether values are text: those may be the placeholder of an unavailable value.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Bytes)
    }

    /// Appends the literal of a slot that is neither null nor unavailable.
    ///
    /// # Errors
    /// Data: a value that MySQL cannot store. Internal: a broken image.
    pub(crate) fn write(&self, image: &Image<'_>, slot: usize, out: &mut Vec<u8>) -> Result<()> {
        let number = image.get(slot) as i64;
        match self {
            Self::Integer => integer(number, out),
            Self::QuotedInteger => quote(out, |out| {
                integer(number, out);
                Ok(())
            })?,
            Self::Float32 => decimal::float32(f32::from_bits(image.get(slot) as u32), out)?,
            Self::Float64 => decimal::float64(f64::from_bits(image.get(slot)), out)?,
            Self::Text => text(image.text(slot)?, out),
            Self::Bytes => text::hexadecimal(image.bytes(slot)?, out),
            Self::Bits => text::hexadecimal_reversed(image.bytes(slot)?, out),
            Self::Decimal { scale, quoted: false } => decimal::decimal(image.bytes(slot)?, *scale, out)?,
            Self::Decimal { scale, quoted: true } => {
                quote(out, |out| decimal::decimal(image.bytes(slot)?, *scale, out))?
            }
            Self::VariableDecimal { scale, value, quoted } => {
                let bytes = image.bytes(slot + *value as usize)?;
                let scale = image.get(slot + *scale as usize) as i32;
                if *quoted {
                    quote(out, |out| decimal::decimal(bytes, scale, out))?;
                } else {
                    decimal::decimal(bytes, scale, out)?;
                }
            }
            Self::Date => temporal::date(number, out)?,
            Self::Time { unit, digits } => temporal::time(temporal::micros(number, *unit)?, *digits, out)?,
            Self::DateTime { unit, digits, zone } => {
                let micros = temporal::micros(number, *unit)?;
                temporal::date_time(micros, zone.offset(micros.div_euclid(1_000_000)), *digits, out)?;
            }
            Self::IsoTimestamp { digits, zone } => {
                let instant = temporal::Iso::parse(image.text(slot)?)?.instant();
                let micros = instant.ok_or_else(temporal::not_iso)?;
                temporal::date_time(micros, zone.offset(micros.div_euclid(1_000_000)), *digits, out)?;
            }
            Self::IsoTime { digits } => {
                let iso = temporal::Iso::parse(image.text(slot)?)?;
                let micros = iso.micros - iso.offset * 1_000_000;
                // A day has passed or is yet to come; midnight at its end stays as it is.
                let micros = if iso.offset == 0 { micros } else { micros.rem_euclid(86_400_000_000) };
                temporal::time(micros, *digits, out)?;
            }
            Self::IsoDate => {
                let days = temporal::Iso::parse(image.text(slot)?)?.days;
                temporal::date(days.ok_or_else(temporal::not_iso)?, out)?;
            }
            Self::Json(writer) => {
                let mut json = String::new();
                writer.write(image, slot, &mut json)?;
                text(&json, out);
            }
        }
        Ok(())
    }
}

fn quote(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    out.push(b'\'');
    write(out)?;
    out.push(b'\'');
    Ok(())
}
