//! Logical types: `org.apache.avro.LogicalTypes` of Avro 1.12.1. An invalid annotation is ignored, as there.

use super::{AvroType, Json, Kind};

/// A valid logical type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogicalType {
    /// `decimal` on bytes or fixed.
    Decimal {
        /// Digits.
        precision: i32,
        /// Digits after the point.
        scale: i32,
    },
    /// `date` on int.
    Date,
    /// `time-millis` on int.
    TimeMillis,
    /// `timestamp-millis` on long.
    TimestampMillis,
    /// Any other that Avro knows and that fits its type: Connect has no counterpart.
    Other,
}

impl LogicalType {
    pub(super) fn of(ty: &AvroType) -> Option<Self> {
        match (ty.props.text("logicalType")?, &ty.kind) {
            ("decimal", Kind::Bytes | Kind::Fixed(_)) => decimal(ty),
            ("date", Kind::Int) => Some(Self::Date),
            ("time-millis", Kind::Int) => Some(Self::TimeMillis),
            ("timestamp-millis", Kind::Long) => Some(Self::TimestampMillis),
            ("big-decimal", Kind::Bytes)
            | ("uuid", Kind::String)
            | (
                "time-micros"
                | "timestamp-micros"
                | "timestamp-nanos"
                | "local-timestamp-millis"
                | "local-timestamp-micros"
                | "local-timestamp-nanos",
                Kind::Long,
            ) => Some(Self::Other),
            ("uuid", Kind::Fixed(fixed)) if fixed.size == 16 => Some(Self::Other),
            ("duration", Kind::Fixed(fixed)) if fixed.size == 12 => Some(Self::Other),
            _ => None,
        }
    }
}

fn decimal(ty: &AvroType) -> Option<LogicalType> {
    let int = |key: &str| ty.props.get(key).and_then(Json::as_i64).and_then(|n| i32::try_from(n).ok());
    let precision = int("precision")?;
    let scale = if ty.props.get("scale").is_some() { int("scale")? } else { 0 };
    let most = match &ty.kind {
        // What fits into `size` octets of two's complement.
        Kind::Fixed(fixed) => (std::f64::consts::LOG10_2 * (8.0 * fixed.size as f64 - 1.0)).floor() as i64,
        _ => i64::from(i32::MAX),
    };
    let valid = precision > 0 && i64::from(precision) <= most && (0..=precision).contains(&scale);
    valid.then_some(LogicalType::Decimal { precision, scale })
}
