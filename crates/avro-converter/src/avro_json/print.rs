//! Bytes to JSON text.

use super::Style;
use super::calendar;
use super::number;
use super::shape::{Look, Shape, shapes};
use crate::avro_schema::{AvroSchema, TypeId};
use crate::to_connect::{Cursor, Fault, repair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connect_data::{Error, Result, Step};
use std::fmt::Write;

/// Deeper values are refused: each level takes some of the stack.
const MAX_DEPTH: u32 = 400;
/// Longer texts are refused: an array of a few bytes may have 2^31 items that take none.
const MAX_TEXT: usize = 256 << 20;

/// Prints data of one schema. Immutable: compile one for each schema and share it.
#[derive(Debug)]
pub struct Printer {
    shapes: Vec<Shape>,
    root: TypeId,
    style: Style,
}

impl Printer {
    /// Prepares a schema.
    pub fn new(schema: &AvroSchema, style: Style) -> Self {
        Self { shapes: shapes(schema, style), root: schema.root_id(), style }
    }

    /// Appends the value whose Avro bytes begin at `start` of `payload`. What follows it is ignored. Bytes at the root are
    /// the whole rest, without a length, as Confluent's serializers have them.
    ///
    /// # Errors
    /// Nothing is appended then. Data `avro.truncated`, `avro.varint`, `avro.length`, `avro.branch`, `avro.symbol`: the
    /// bytes are not of the schema. Data `avro.utf-8`: with [`Style::Avro`], a string that is none; otherwise it is
    /// repaired as in Java. Data `avro.depth`, `avro.too-large`.
    pub fn print(&self, payload: &[u8], start: usize, out: &mut String) -> Result<()> {
        let before = out.len();
        let mut printing =
            Printing { printer: self, cursor: Cursor::new(payload, start), limit: before + MAX_TEXT, out };
        let printed = match self.shapes.get(self.root as usize) {
            Some(Shape::Bytes(look)) => {
                let rest = printing.cursor.remaining();
                printing.cursor.take(rest).map_err(fault).map(|octets| printing.octets(octets, *look))
            }
            _ => printing.value(self.root, 0),
        };
        if printed.is_err() {
            out.truncate(before);
        }
        printed
    }
}

struct Printing<'p, 'o> {
    printer: &'p Printer,
    cursor: Cursor<'p>,
    /// Length of `out` that may not be exceeded.
    limit: usize,
    out: &'o mut String,
}

#[cold]
fn fault(fault: Fault) -> Error {
    fault.into_error(&[])
}

impl<'p> Printing<'p, '_> {
    fn value(&mut self, ty: TypeId, depth: u32) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::data(
                "avro.depth",
                format!("Avro payload: expected at most {MAX_DEPTH} levels, found more"),
            ));
        }
        if self.out.len() > self.limit {
            let expected = format!("a text of at most {MAX_TEXT} bytes");
            return Err(Error::data(
                "avro.too-large",
                format!("Avro payload as JSON: expected {expected}, found more"),
            ));
        }
        let printer = self.printer;
        let Some(shape) = printer.shapes.get(ty as usize) else {
            return Err(Error::internal("avro.plan", "Avro schema: expected a known type, found another"));
        };
        match shape {
            Shape::Null => self.out.push_str("null"),
            Shape::Boolean => {
                let value = self.cursor.boolean().map_err(fault)?;
                self.out.push_str(if value { "true" } else { "false" });
            }
            Shape::Int(look) => {
                let value = self.cursor.int().map_err(fault)?;
                self.integer(value.into(), *look);
            }
            Shape::Long(look) => {
                let value = self.cursor.long().map_err(fault)?;
                self.integer(value, *look);
            }
            Shape::Float => {
                let value = f32::from_le_bytes(self.cursor.array().map_err(fault)?);
                match printer.style {
                    Style::Avro => number::double(value.into(), self.out),
                    Style::Plain => number::float(value, self.out),
                }
            }
            Shape::Double => {
                let value = f64::from_le_bytes(self.cursor.array().map_err(fault)?);
                number::double(value, self.out);
            }
            Shape::Bytes(look) => {
                let octets = self.cursor.prefixed().map_err(fault)?;
                self.octets(octets, *look);
            }
            Shape::Fixed(size, look) => {
                let octets = self.cursor.take(*size).map_err(fault)?;
                self.octets(octets, *look);
            }
            Shape::String => self.string()?,
            Shape::Enum(symbols) => {
                let index = self.cursor.int().map_err(fault)?;
                let symbol = usize::try_from(index).ok().and_then(|index| symbols.get(index));
                self.out.push_str(symbol.ok_or_else(|| fault(Fault::Symbol))?);
            }
            Shape::Union(branches) => {
                let index = self.cursor.long().map_err(fault)?;
                let branch = usize::try_from(index).ok().and_then(|index| branches.get(index));
                let branch = branch.ok_or_else(|| fault(Fault::Branch))?;
                self.out.push_str(&branch.before);
                self.value(branch.ty, depth + 1)?;
                self.out.push_str(branch.after);
            }
            Shape::Record(members) => {
                for member in members {
                    self.out.push_str(&member.before);
                    self.value(member.ty, depth + 1).map_err(|error| error.field(&member.name))?;
                }
                self.out.push_str(if members.is_empty() { "{}" } else { "}" });
            }
            Shape::Array(item) => self.items(*item, false, depth)?,
            Shape::Map(value) => self.items(*value, true, depth)?,
        }
        Ok(())
    }

    /// An array, or a map.
    fn items(&mut self, ty: TypeId, keys: bool, depth: u32) -> Result<()> {
        let (open, close) = if keys { ('{', '}') } else { ('[', ']') };
        let (comma, colon) = match self.printer.style {
            Style::Avro => (", ", ": "),
            Style::Plain => (",", ":"),
        };
        self.out.push(open);
        let mut index = 0_u32;
        loop {
            let count = self.cursor.block(index == 0).map_err(fault)?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                if index > 0 {
                    self.out.push_str(comma);
                }
                let step = if keys { Step::Entry(index) } else { Step::Index(index) };
                let mut item = || {
                    if keys {
                        self.string()?;
                        self.out.push_str(colon);
                    }
                    self.value(ty, depth + 1)
                };
                item().map_err(|error| error.within(step))?;
                index = index.saturating_add(1);
            }
        }
        self.out.push(close);
        Ok(())
    }

    fn integer(&mut self, value: i64, look: Look) {
        let start = self.out.len();
        let _ = match look {
            Look::Date | Look::Time(_) | Look::Timestamp(..) => write!(self.out, "\""),
            _ => write!(self.out, "{value}"),
        };
        match look {
            Look::Date => calendar::date(value, self.out),
            Look::Timestamp(unit, instant) => {
                calendar::timestamp(value, unit, self.out);
                if instant {
                    self.out.push('Z');
                }
            }
            Look::Time(unit) if calendar::time(value, unit, self.out) => {}
            Look::Time(_) => {
                // Not within a day: the count itself is all there is to say.
                self.out.truncate(start);
                let _ = write!(self.out, "{value}");
                return;
            }
            _ => return,
        }
        self.out.push('"');
    }

    fn octets(&mut self, octets: &[u8], look: Look) {
        if let Look::Decimal(scale) = look
            && number::decimal(octets, scale, self.out)
        {
            return;
        }
        self.out.push('"');
        match (look, self.printer.style) {
            (Look::Uuid, _) => {
                for (i, octet) in octets.iter().enumerate() {
                    let _ = write!(self.out, "{}{octet:02x}", if matches!(i, 4 | 6 | 8 | 10) { "-" } else { "" });
                }
            }
            (_, Style::Plain) => STANDARD.encode_string(octets, self.out),
            (_, Style::Avro) => octets.iter().for_each(|octet| escaped(char::from(*octet), true, self.out)),
        }
        self.out.push('"');
    }

    fn string(&mut self) -> Result<()> {
        let octets = self.cursor.prefixed().map_err(fault)?;
        let style = self.printer.style;
        match (std::str::from_utf8(octets), style) {
            (Ok(text), _) => string(text, style, self.out),
            (Err(_), Style::Avro) => {
                return Err(Error::data(
                    "avro.utf-8",
                    "Avro payload: expected UTF-8 in a string, found something else",
                ));
            }
            (Err(_), Style::Plain) => {
                let mut repaired = Vec::new();
                repair(octets, &mut repaired);
                string(&String::from_utf8_lossy(&repaired), style, self.out);
            }
        }
        Ok(())
    }
}

/// Appends a quoted text.
pub(super) fn string(text: &str, style: Style, out: &mut String) {
    out.push('"');
    let mut rest = text;
    // Most texts have nothing to escape.
    while let Some(at) =
        rest.find(|c: char| c < ' ' || c == '"' || c == '\\' || (style == Style::Avro && !c.is_ascii()))
    {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        if let Some(c) = chars.next() {
            escaped(c, style == Style::Avro, out);
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Appends a character as jansson escapes it; all beyond ASCII only with `ascii`.
fn escaped(c: char, ascii: bool, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        ' '..='\u{7F}' => out.push(c),
        _ if ascii || c < ' ' => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04X}");
            }
        }
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests;
