//! Avro data as JSON text, straight from the bytes, and back.
//!
//! Two ways to write it ([`Style`]):
//!
//! | Avro | [`Style::Avro`] | [`Style::Plain`] |
//! |---|---|---|
//! | union | `null`, or an object whose only key names the branch: `{"int": 8}` | the branch's value |
//! | record, map | object, `": "` and `", "` between its parts | object without blanks |
//! | string, enum | all beyond ASCII as `\uXXXX` | as UTF-8 |
//! | bytes, fixed | string with one character from U+0000 to U+00FF for each octet | Base64 |
//! | float | the digits of the double it becomes | the fewest digits that give the float |
//! | NaN, infinities | `"NaN"`, `"Infinity"`, `"-Infinity"` | the same |
//! | logical types | their base type | see [`Style::Plain`] |
//!
//! `Style::Avro` is what kcat 1.7 prints, byte for byte: libavro's `avro_value_to_json` with jansson from 2.14.1 on (older
//! ones print doubles with 17 digits). Where kcat gives up (NaN, an octet 0 in a string, empty bytes) this goes on, and where
//! a union has two types of one simple name their full names tell them apart. A key that comes twice in a map is printed
//! twice.

mod calendar;
mod number;
mod print;
mod read;
mod shape;

pub use print::Printer;
pub use read::Reader;

/// How data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Avro's own JSON encoding, as libavro prints it.
    Avro,
    /// For people and programs that know nothing of Avro. Decimals are numbers; dates, times and timestamps are texts of
    /// ISO 8601, also those that only `connect.name` tells (Debezium's `io.debezium.time.*`); a UUID has hyphens.
    Plain,
}
