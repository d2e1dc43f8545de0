//! Header converters: `SimpleHeaderConverter`, `StringConverter` and `ByteArrayConverter`.
//!
//! `SimpleHeaderConverter` writes every value as text and guesses what a text once was, by the rules of Connect's `Values`
//! class. Of its guesses these are made here: null, booleans, numbers, text. Texts that look like dates, arrays or maps stay
//! texts.

use crate::config::HeaderConverter;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use connect_data::row_image::tree;
use connect_data::schema::{Node, NodeId, Schema, logical};
use connect_data::{Error, Result, SchemaId, SchemaStore, Type, Value};
use std::sync::Arc;

/// Converts headers in both directions.
pub(crate) struct Headers {
    converter: HeaderConverter,
    schemas: Arc<dyn SchemaStore>,
}

impl Headers {
    pub(crate) fn new(converter: HeaderConverter, schemas: Arc<dyn SchemaStore>) -> Self {
        Self { converter, schemas }
    }

    /// `toConnectHeader`: appends the image of a header's value and returns its schema; 0 = none.
    ///
    /// # Errors
    /// Internal: the store of schemas is full.
    pub(crate) fn to_connect(&self, value: Option<&[u8]>, out: &mut Vec<u8>) -> Result<SchemaId> {
        let (kind, value) = match (self.converter, value) {
            (_, None) => (None, Value::Null),
            (HeaderConverter::Simple, Some(bytes)) => guess(bytes),
            (HeaderConverter::String, Some(bytes)) => (Some(Type::String), text(bytes)),
            (HeaderConverter::ByteArray, Some(bytes)) => (Some(Type::Bytes), Value::Bytes(bytes.to_vec())),
        };
        let Some(kind) = kind else {
            tree::write(None, &value, out)?;
            return Ok(0);
        };
        let mut node = Node::new(kind);
        node.optional = self.converter != HeaderConverter::Simple;
        let schema = Arc::new(Schema::primitive(node));
        tree::write(Some(&schema), &value, out)?;
        self.schemas.intern(schema)
    }

    /// `fromConnectHeader`: the bytes of a header; `None` = null.
    ///
    /// # Errors
    /// Data: a value that the converter does not write.
    #[allow(clippy::wrong_self_convention)] // Connect's name
    pub(crate) fn from_connect(&self, schema: SchemaId, image: &[u8]) -> Result<Option<Vec<u8>>> {
        let schema = if schema == 0 { None } else { self.schemas.get(schema) };
        let value = tree::read(schema.as_deref(), image, &[])?;
        Ok(match (self.converter, value) {
            (_, Value::Null) => None,
            (HeaderConverter::ByteArray, Value::Bytes(bytes)) => Some(bytes),
            (HeaderConverter::ByteArray, other) => {
                let message = format!("header: expected bytes for ByteArrayConverter, found {}", other.kind());
                return Err(Error::data("header.value", message));
            }
            (_, value) => Some(text_of(schema.as_deref(), &value)?.into_bytes()),
        })
    }
}

fn text(bytes: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(bytes).into_owned())
}

/// What a text once was.
fn guess(bytes: &[u8]) -> (Option<Type>, Value) {
    let is_text = || (Some(Type::String), text(bytes));
    let Ok(token) = std::str::from_utf8(bytes) else { return is_text() };
    match token {
        "null" => return (None, Value::Null),
        "true" => return (Some(Type::Boolean), Value::Boolean(true)),
        "false" => return (Some(Type::Boolean), Value::Boolean(false)),
        _ => {}
    }
    let digits = token.strip_prefix(['-', '+']).unwrap_or(token);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let decimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !decimal(whole) || !decimal(fraction) {
        return is_text();
    }
    if fraction.bytes().all(|byte| byte == b'0') {
        let number = token.split('.').next().unwrap_or(token);
        let Ok(number) = number.parse::<i64>() else { return is_text() };
        return if let Ok(number) = i8::try_from(number) {
            (Some(Type::Int8), Value::Int8(number))
        } else if let Ok(number) = i16::try_from(number) {
            (Some(Type::Int16), Value::Int16(number))
        } else if let Ok(number) = i32::try_from(number) {
            (Some(Type::Int32), Value::Int32(number))
        } else {
            (Some(Type::Int64), Value::Int64(number))
        };
    }
    match (token.parse::<f32>(), token.parse::<f64>()) {
        (Ok(number), _) if number.is_finite() => (Some(Type::Float32), Value::Float32(number)),
        (_, Ok(number)) if number.is_finite() => (Some(Type::Float64), Value::Float64(number)),
        _ => is_text(),
    }
}

/// `Values.convertToString`.
///
/// # Errors
/// Internal: the value is not one of the schema.
pub(super) fn text_of(schema: Option<&Schema>, value: &Value) -> Result<String> {
    let mut out = String::new();
    match value {
        Value::String(text) => out.push_str(text),
        Value::Bytes(bytes) if schema.is_none_or(|schema| schema.root().name.as_deref() != Some(logical::DECIMAL)) => {
            out.push_str(&BASE64_STANDARD.encode(bytes));
        }
        other => append(schema.map(|schema| (schema, 0)), other, &mut out)?,
    }
    Ok(out)
}

/// A value within others; with its schema, if it has one.
fn append(schema: Option<(&Schema, NodeId)>, value: &Value, out: &mut String) -> Result<()> {
    let node = schema.map(|(schema, id)| schema.node(id));
    let below = |id: Option<NodeId>| schema.zip(id).map(|((schema, _), id)| (schema, id));
    match value {
        Value::Null | Value::Unavailable => out.push_str("null"),
        Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int8(value) => out.push_str(&value.to_string()),
        Value::Int16(value) => out.push_str(&value.to_string()),
        Value::Int32(value) => out.push_str(&value.to_string()),
        Value::Int64(value) => out.push_str(&value.to_string()),
        Value::Float32(value) => out.push_str(&java_float(&format!("{value:e}"), f64::from(*value))),
        Value::Float64(value) => out.push_str(&java_float(&format!("{value:e}"), *value)),
        Value::Bytes(bytes) => match node.filter(|node| node.name.as_deref() == Some(logical::DECIMAL)) {
            Some(node) => {
                let scale = node.get_parameter("scale").and_then(|scale| scale.parse().ok()).unwrap_or(0);
                out.push_str(&decimal(bytes, scale));
            }
            None => quoted(&BASE64_STANDARD.encode(bytes), out),
        },
        Value::String(text) => quoted(text, out),
        Value::Array(items) => {
            let item = below(node.and_then(|node| node.item));
            list('[', ']', items, out, |value, out| append(item, value, out))?;
        }
        Value::Map(entries) => {
            let (key, item) = (below(node.and_then(|node| node.key)), below(node.and_then(|node| node.item)));
            list('{', '}', entries, out, |(name, value), out| {
                append(key, name, out)?;
                out.push(':');
                append(item, value, out)
            })?;
        }
        Value::Struct(values) => {
            let Some(node) = node else {
                return Err(Error::internal("header.schema", "header: expected a struct with its schema, found none"));
            };
            let fields: Vec<_> = node.fields.iter().zip(values).collect();
            list('{', '}', &fields, out, |(field, value), out| {
                quoted(&field.name, out);
                out.push(':');
                append(below(Some(field.node)), value, out)
            })?;
        }
    }
    Ok(())
}

fn list<T>(
    open: char,
    close: char,
    items: &[T],
    out: &mut String,
    mut write: impl FnMut(&T, &mut String) -> Result<()>,
) -> Result<()> {
    out.push(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out)?;
    }
    out.push(close);
    Ok(())
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// `Double.toString` of the shortest digits, which come as `1.5e10`.
fn java_float(digits: &str, value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{:?}", digits.parse::<f64>().unwrap_or(value));
    }
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((digits, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

/// `BigDecimal.toString` without its exponents: big-endian two's complement, with so many digits behind the point.
fn decimal(unscaled: &[u8], scale: usize) -> String {
    let negative = unscaled.first().is_some_and(|byte| *byte >= 0x80);
    // Magnitude, most significant first.
    let mut number: Vec<u8> = unscaled.to_vec();
    if negative {
        let mut carry = true;
        for byte in number.iter_mut().rev() {
            let (inverted, overflow) = (!*byte).overflowing_add(u8::from(carry));
            *byte = inverted;
            carry = overflow;
        }
        if carry {
            number.insert(0, 1);
        }
    }
    let mut digits = Vec::new();
    while number.iter().any(|byte| *byte != 0) {
        let mut rest = 0u32;
        for byte in &mut number {
            let value = rest << 8 | u32::from(*byte);
            *byte = (value / 10) as u8;
            rest = value % 10;
        }
        digits.push(b'0' + rest as u8);
    }
    while digits.len() <= scale {
        digits.push(b'0');
    }
    let mut text = String::from(if negative { "-" } else { "" });
    for (place, digit) in digits.iter().enumerate().rev() {
        text.push(char::from(*digit));
        if place == scale && scale > 0 {
            text.push('.');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::{InternedSchemas, SchemaBuilder};

    fn converted(converter: HeaderConverter, value: Option<&[u8]>) -> (Option<Type>, Value) {
        let schemas: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
        let headers = Headers::new(converter, schemas.clone());
        let mut image = Vec::new();
        let id = headers.to_connect(value, &mut image).unwrap();
        let schema = schemas.get(id);
        let back = headers.from_connect(id, &image).ok();
        let value_read = tree::read(schema.as_deref(), &image, &[]).unwrap();
        if !matches!(value_read, Value::Float32(_) | Value::Null) {
            assert_eq!(back.flatten().as_deref(), value, "it comes back as it was");
        }
        (schema.map(|schema| schema.root().kind), value_read)
    }

    #[test]
    fn texts_are_guessed_as_connect_does() {
        let simple = |text: &str| converted(HeaderConverter::Simple, Some(text.as_bytes()));
        assert_eq!(simple("a b"), (Some(Type::String), Value::String("a b".into())));
        assert_eq!(simple("true"), (Some(Type::Boolean), Value::Boolean(true)));
        assert_eq!(simple("127"), (Some(Type::Int8), Value::Int8(127)));
        assert_eq!(simple("-129"), (Some(Type::Int16), Value::Int16(-129)));
        assert_eq!(simple("70000"), (Some(Type::Int32), Value::Int32(70_000)));
        assert_eq!(simple("1639385467887"), (Some(Type::Int64), Value::Int64(1_639_385_467_887)));
        assert_eq!(simple("1.5"), (Some(Type::Float32), Value::Float32(1.5)));
        assert_eq!(simple("null"), (None, Value::Null));
        assert_eq!(converted(HeaderConverter::Simple, None), (None, Value::Null));
        assert_eq!(simple("1-2"), (Some(Type::String), Value::String("1-2".into())));
    }

    #[test]
    fn other_converters_do_not_guess() {
        assert_eq!(converted(HeaderConverter::String, Some(b"12")), (Some(Type::String), Value::String("12".into())));
        assert_eq!(
            converted(HeaderConverter::ByteArray, Some(b"12")),
            (Some(Type::Bytes), Value::Bytes(b"12".to_vec()))
        );
    }

    #[test]
    fn collections_are_written_as_connect_does() {
        let value = Value::Map(vec![
            (Value::String("a\"".into()), Value::Array(vec![Value::Int8(1), Value::Null])),
            (Value::String("b".into()), Value::String("x".into())),
        ]);
        assert_eq!(text_of(None, &value).unwrap(), r#"{"a\"":[1,null],"b":"x"}"#);
        assert_eq!(text_of(None, &Value::Bytes(vec![1, 2])).unwrap(), "AQI=");
    }

    /// `__debezium.oldkey`.
    #[test]
    fn a_key_is_written_with_its_fields() {
        let mut builder = SchemaBuilder::new();
        let root = builder.push(Node::new(Type::Struct));
        builder.field(root, "name", Node::new(Type::String));
        builder.field(root, "price", Node::new(Type::Bytes).named(logical::DECIMAL).parameter("scale", "2"));
        let schema = builder.build().unwrap();
        let value = Value::Struct(vec![Value::String("spaghetti".into()), Value::Bytes(vec![0xFF, 0x85])]);
        assert_eq!(text_of(Some(&schema), &value).unwrap(), r#"{"name":"spaghetti","price":-1.23}"#);
    }

    #[test]
    fn numbers_are_written_as_java_does() {
        let float = |value: f64| text_of(None, &Value::Float64(value)).unwrap();
        assert_eq!([float(1.0), float(0.001), float(1e7), float(1.5e-10)], ["1.0", "0.001", "1.0E7", "1.5E-10"]);
        assert_eq!(text_of(None, &Value::Float32(0.1)).unwrap(), "0.1");
        assert_eq!(float(f64::NEG_INFINITY), "-Infinity");
        assert_eq!(
            (decimal(&[], 0), decimal(&[0x80], 0), decimal(&[5], 3)),
            ("0".into(), "-128".into(), "0.005".into())
        );
        assert_eq!(decimal(&[1, 0, 0, 0, 0, 0, 0, 0, 0], 0), "18446744073709551616");
    }
}
