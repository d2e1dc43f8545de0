//! `DropHeaders` and `InsertHeader`.

use super::{key, list, missing, required};
use connect_data::config::{ConfigType, DefaultValue};
use connect_data::frame::{CHANGE, Datum, PASS, RecordFrame, change};
use connect_data::row_image::tree;
use connect_data::wire::Writer;
use connect_data::{
    ConfigKey, Error, Node, Properties, Result, Schema, SchemaId, SchemaStore, Transformation, Type, Value,
};
use std::sync::Arc;

pub(super) const DROP_KEYS: &[ConfigKey] =
    &[key("headers", ConfigType::List, DefaultValue::Required, "Names of the headers to drop.")];

pub(super) const INSERT_KEYS: &[ConfigKey] = &[
    key("header", ConfigType::String, DefaultValue::Required, "Name of the header."),
    key("value.literal", ConfigType::String, DefaultValue::Required, "Its value: text, a whole number, true or false."),
];

/// Drops headers by name.
pub(super) struct DropHeaders(Vec<String>);

impl DropHeaders {
    pub(super) fn new(settings: &Properties) -> Result<Self> {
        let names = list(settings, "headers");
        if names.is_empty() { Err(missing("headers")) } else { Ok(Self(names)) }
    }
}

impl Transformation for DropHeaders {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let headers = RecordFrame::read(record)?.headers;
        let kept = |name: &str| !self.0.iter().any(|dropped| dropped == name);
        let mut count = 0;
        for header in headers.iter() {
            count += u32::from(kept(header?.0));
        }
        if count as usize == headers.len() {
            out.push(PASS);
            return Ok(());
        }
        out.extend_from_slice(&[CHANGE, change::PUT_HEADERS]);
        let mut w = Writer::new(out);
        w.u32(count);
        for header in headers.iter() {
            let (name, datum) = header?;
            if kept(name) {
                w.str(name);
                datum.write(&mut w);
            }
        }
        Ok(())
    }
}

/// Adds a header with a constant value.
pub(super) struct InsertHeader {
    name: String,
    schema: SchemaId,
    image: Vec<u8>,
}

impl InsertHeader {
    pub(super) fn new(settings: &Properties, store: &dyn SchemaStore) -> Result<Self> {
        let literal = settings.get("value.literal").ok_or_else(|| missing("value.literal"))?;
        let (kind, value) = parse(literal)?;
        let schema = Schema::primitive(Node::new(kind));
        let mut image = Vec::new();
        tree::write(Some(&schema), &value, &mut image)?;
        Ok(Self { name: required(settings, "header")?.to_owned(), schema: store.intern(Arc::new(schema))?, image })
    }
}

/// What Connect's `Values.parseString` makes of a text; what it would take for something beyond text, whole numbers and
/// booleans is refused.
fn parse(literal: &str) -> Result<(Type, Value)> {
    let refused = |found: &str| {
        let message = format!("setting value.literal: expected text, a whole number, true or false, found {found}");
        Err(Error::config("config.invalid", message))
    };
    let trimmed = literal.trim();
    match trimmed {
        "true" => return Ok((Type::Boolean, Value::Boolean(true))),
        "false" => return Ok((Type::Boolean, Value::Boolean(false))),
        "null" => return refused("null"),
        _ => {}
    }
    if trimmed.starts_with(['[', '{', '"']) {
        return refused("a list, a map or a quote");
    }
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    if !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()) {
        let Ok(number) = trimmed.trim_start_matches('+').parse::<i64>() else {
            return refused("a number beyond 64 bits");
        };
        return Ok(if let Ok(number) = i8::try_from(number) {
            (Type::Int8, Value::Int8(number))
        } else if let Ok(number) = i16::try_from(number) {
            (Type::Int16, Value::Int16(number))
        } else if let Ok(number) = i32::try_from(number) {
            (Type::Int32, Value::Int32(number))
        } else {
            (Type::Int64, Value::Int64(number))
        });
    }
    if digits.starts_with(|c: char| c.is_ascii_digit()) {
        return refused("a decimal, a date or a time");
    }
    Ok((Type::String, Value::String(literal.to_owned())))
}

impl Transformation for InsertHeader {
    fn apply(&self, _record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&[CHANGE, change::APPEND_HEADERS]);
        let mut w = Writer::new(out);
        w.u32(1);
        w.str(&self.name);
        Datum { schema: self.schema, image: &self.image }.write(&mut w);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_have_the_types_that_connect_gives_them() {
        let kind = |text| parse(text).unwrap().0;
        assert_eq!(
            [kind("1"), kind("-129"), kind("40000"), kind("3000000000")],
            [Type::Int8, Type::Int16, Type::Int32, Type::Int64]
        );
        assert_eq!([kind("true"), kind("v1.2"), kind("")], [Type::Boolean, Type::String, Type::String]);
        for wrong in ["1.5", "2020-01-01", "[1]", "{}", "null", "\"x\"", "99999999999999999999"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
