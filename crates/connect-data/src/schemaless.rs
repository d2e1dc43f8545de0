//! Schemaless data inside a row image: a tag byte before each value, recursively.
//!
//! `0` null · `1` false · `2` true · `3` int8 · `4` int16 · `5` int32 · `6` int64 (the integers as 8 bytes) · `7` float
//! (4 bytes) · `8` double (8 bytes) · `9` string · `10` bytes (length, bytes) · `11` array (count, values) · `12` map
//! (count, key and value in turn).

use crate::error::{Error, Result};
use crate::value::Value;
use crate::wire::{Reader, Writer};

/// Nesting beyond this is refused: it bounds the stack, and Connect's own converters stop far earlier.
pub const MAX_DEPTH: usize = 256;

/// Appends `value`.
///
/// # Errors
/// Data: nesting beyond [`MAX_DEPTH`]; a struct or an unavailable value, which have no schemaless form.
pub fn write(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    write_at(value, out, 0)
}

fn write_at(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<()> {
    check_depth(depth)?;
    let mut w = Writer::new(out);
    match value {
        Value::Null => w.u8(0),
        Value::Boolean(b) => w.u8(1 + u8::from(*b)),
        Value::Int8(v) => int(&mut w, 3, i64::from(*v)),
        Value::Int16(v) => int(&mut w, 4, i64::from(*v)),
        Value::Int32(v) => int(&mut w, 5, i64::from(*v)),
        Value::Int64(v) => int(&mut w, 6, *v),
        Value::Float32(v) => {
            w.u8(7);
            w.u32(v.to_bits());
        }
        Value::Float64(v) => int(&mut w, 8, v.to_bits() as i64),
        Value::String(v) => {
            w.u8(9);
            w.str(v);
        }
        Value::Bytes(v) => {
            w.u8(10);
            w.bytes(v);
        }
        Value::Array(items) => {
            w.u8(11);
            w.u32(items.len() as u32);
            for item in items {
                write_at(item, out, depth + 1)?;
            }
        }
        Value::Map(entries) => {
            w.u8(12);
            w.u32(entries.len() as u32);
            for (key, value) in entries {
                write_at(key, out, depth + 1)?;
                write_at(value, out, depth + 1)?;
            }
        }
        Value::Struct(_) | Value::Unavailable => {
            return Err(Error::data("schemaless.kind", format!("expected a schemaless value, found {}", value.kind())));
        }
    }
    Ok(())
}

fn int(w: &mut Writer<'_>, tag: u8, value: i64) {
    w.u8(tag);
    w.i64(value);
}

fn check_depth(depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::data(
            "schemaless.depth",
            format!("schemaless data: expected at most {MAX_DEPTH} levels, found more"),
        ));
    }
    Ok(())
}

/// Reads one value and refuses anything after it.
///
/// # Errors
/// Internal: truncated, unknown tag, trailing bytes. Data: nesting beyond [`MAX_DEPTH`].
pub fn read(bytes: &[u8]) -> Result<Value> {
    let mut r = Reader::new(bytes);
    let value = read_at(&mut r, 0)?;
    if r.remaining() != 0 {
        return Err(Error::internal(
            "schemaless.trailing",
            format!("schemaless data: {} bytes after the value", r.remaining()),
        ));
    }
    Ok(value)
}

fn read_at(r: &mut Reader<'_>, depth: usize) -> Result<Value> {
    check_depth(depth)?;
    Ok(match r.u8()? {
        0 => Value::Null,
        1 => Value::Boolean(false),
        2 => Value::Boolean(true),
        3 => Value::Int8(r.i64()? as i8),
        4 => Value::Int16(r.i64()? as i16),
        5 => Value::Int32(r.i64()? as i32),
        6 => Value::Int64(r.i64()?),
        7 => Value::Float32(f32::from_bits(r.u32()?)),
        8 => Value::Float64(f64::from_bits(r.i64()? as u64)),
        9 => Value::String(r.str()?.to_owned()),
        10 => Value::Bytes(r.bytes()?.to_vec()),
        11 => {
            let count = r.count(1)?;
            let mut items = Vec::new();
            for _ in 0..count {
                items.push(read_at(r, depth + 1)?);
            }
            Value::Array(items)
        }
        12 => {
            let count = r.count(2)?;
            let mut entries = Vec::new();
            for _ in 0..count {
                let key = read_at(r, depth + 1)?;
                entries.push((key, read_at(r, depth + 1)?));
            }
            Value::Map(entries)
        }
        tag => return Err(Error::internal("schemaless.tag", format!("schemaless data: unknown tag {tag}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back() {
        let value = Value::Map(vec![
            (Value::String("a".into()), Value::Array(vec![Value::Null, Value::Boolean(true), Value::Int8(-1)])),
            (Value::Int64(i64::MIN), Value::Float32(f32::NAN)),
            (Value::Bytes(vec![1, 2]), Value::Float64(-0.0)),
            (Value::Int16(-2), Value::Int32(i32::MAX)),
        ]);
        let mut bytes = Vec::new();
        write(&value, &mut bytes).unwrap();
        assert_eq!(read(&bytes).unwrap(), value);
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        let mut value = Value::Null;
        for _ in 0..=MAX_DEPTH {
            value = Value::Array(vec![value]);
        }
        assert_eq!(write(&value, &mut Vec::new()).unwrap_err().code(), "schemaless.depth");
        let mut bytes = Vec::new();
        for _ in 0..100_000 {
            bytes.extend_from_slice(&[11, 1, 0, 0, 0]);
        }
        assert_eq!(read(&bytes).unwrap_err().code(), "schemaless.depth");
    }
}
