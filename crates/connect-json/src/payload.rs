//! Values to and from JSON.

use crate::{base64, malformed};
use connect_data::{NodeId, Result, Schema, Step, Type, Value};
use serde_json::{Map, Value as Json, json};

/// Nesting beyond this is refused (serde_json itself stops at 128 when it reads text).
const MAX_DEPTH: usize = 1_000;

/// Reads a payload. Without schema: object = map with string keys, integer = INT64, fraction = FLOAT64.
///
/// # Errors
/// Data `connect-json`: not a value of the schema.
pub fn read(schema: Option<&Schema>, json: &Json) -> Result<Value> {
    match schema {
        Some(schema) => read_node(schema, 0, json),
        None => read_schemaless(json, 0),
    }
}

/// Reads a payload of one node.
///
/// # Errors
/// Those of [`read`].
pub fn read_node(schema: &Schema, node: NodeId, json: &Json) -> Result<Value> {
    read_at(schema, node, json, 0)
}

fn read_at(schema: &Schema, id: NodeId, json: &Json, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(malformed("payload: nested too deeply"));
    }
    if json.is_null() {
        return Ok(Value::Null);
    }
    let node = schema.node(id);
    let wrong = || malformed(format!("payload: expected {}, found {}", node.kind.name(), kind(json)));
    let integer = || json.as_i64().ok_or_else(wrong);
    Ok(match node.kind {
        Type::Boolean => Value::Boolean(json.as_bool().ok_or_else(wrong)?),
        Type::Int8 => Value::Int8(integer()?.try_into().map_err(|_| wrong())?),
        Type::Int16 => Value::Int16(integer()?.try_into().map_err(|_| wrong())?),
        Type::Int32 => Value::Int32(integer()?.try_into().map_err(|_| wrong())?),
        Type::Int64 => Value::Int64(integer()?),
        Type::Float32 => Value::Float32(float(json).ok_or_else(wrong)? as f32),
        Type::Float64 => Value::Float64(float(json).ok_or_else(wrong)?),
        Type::String => Value::String(json.as_str().ok_or_else(wrong)?.to_owned()),
        Type::Bytes => Value::Bytes(json.as_str().and_then(base64::decode).ok_or_else(wrong)?),
        Type::Struct => {
            let object = json.as_object().ok_or_else(wrong)?;
            if let Some(unknown) = object.keys().find(|key| !node.fields.iter().any(|f| f.name == **key)) {
                return Err(malformed(format!("payload: the struct has no field {unknown:?}")));
            }
            let mut values = Vec::with_capacity(node.fields.len());
            for field in &node.fields {
                let value = object.get(&field.name).unwrap_or(&Json::Null);
                values.push(read_at(schema, field.node, value, depth + 1).map_err(|e| e.field(&field.name))?);
            }
            Value::Struct(values)
        }
        Type::Array => {
            let mut items = Vec::new();
            for (i, item) in json.as_array().ok_or_else(wrong)?.iter().enumerate() {
                let item = read_at(schema, node.item.unwrap_or(0), item, depth + 1);
                items.push(item.map_err(|e| e.within(Step::Index(i as u32)))?);
            }
            Value::Array(items)
        }
        Type::Map => {
            let (key, item) = (node.key.unwrap_or(0), node.item.unwrap_or(0));
            let mut entries = Vec::new();
            if has_object_form(schema, key) {
                for (k, v) in json.as_object().ok_or_else(wrong)? {
                    let v = read_at(schema, item, v, depth + 1).map_err(|e| e.field(k))?;
                    entries.push((Value::String(k.clone()), v));
                }
            } else {
                for (i, entry) in json.as_array().ok_or_else(wrong)?.iter().enumerate() {
                    let Some([k, v]) = entry.as_array().map(Vec::as_slice) else {
                        return Err(malformed("payload: expected [key, value] as map entry"));
                    };
                    let within = |e: connect_data::Error| e.within(Step::Entry(i as u32));
                    let k = read_at(schema, key, k, depth + 1).map_err(within)?;
                    entries.push((k, read_at(schema, item, v, depth + 1).map_err(within)?));
                }
            }
            Value::Map(entries)
        }
    })
}

/// Whether a map with this key schema is a JSON object; others are arrays of pairs.
fn has_object_form(schema: &Schema, key: NodeId) -> bool {
    let key = schema.node(key);
    key.kind == Type::String && !key.optional
}

fn read_schemaless(json: &Json, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(malformed("payload: nested too deeply"));
    }
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Int64(integer),
            None => Value::Float64(number.as_f64().ok_or_else(|| malformed("payload: a number beyond a double"))?),
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => {
            Value::Array(items.iter().map(|item| read_schemaless(item, depth + 1)).collect::<Result<_>>()?)
        }
        Json::Object(object) => Value::Map(
            object
                .iter()
                .map(|(k, v)| Ok((Value::String(k.clone()), read_schemaless(v, depth + 1)?)))
                .collect::<Result<_>>()?,
        ),
    })
}

fn float(json: &Json) -> Option<f64> {
    match json {
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        other => other.as_f64(),
    }
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number that does not fit",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

/// Writes a payload. Schemaless integers and floats of any width are JSON numbers, bytes are Base64; a schemaless map
/// with other than string keys is an array of pairs.
///
/// # Errors
/// Data `connect-json`: not a value of the schema.
pub fn write(schema: Option<&Schema>, value: &Value) -> Result<Json> {
    match schema {
        Some(schema) => write_node(schema, 0, value),
        None => write_schemaless(value, 0),
    }
}

/// Writes a payload of one node.
///
/// # Errors
/// Those of [`write`].
pub fn write_node(schema: &Schema, node: NodeId, value: &Value) -> Result<Json> {
    write_at(schema, node, value, 0)
}

fn write_at(schema: &Schema, id: NodeId, value: &Value, depth: usize) -> Result<Json> {
    if depth > MAX_DEPTH {
        return Err(malformed("payload: nested too deeply"));
    }
    let node = schema.node(id);
    Ok(match (node.kind, value) {
        (_, Value::Null) => Json::Null,
        (Type::Boolean, Value::Boolean(v)) => json!(v),
        (Type::Int8, Value::Int8(v)) => json!(v),
        (Type::Int16, Value::Int16(v)) => json!(v),
        (Type::Int32, Value::Int32(v)) => json!(v),
        (Type::Int64, Value::Int64(v)) => json!(v),
        (Type::Float32, Value::Float32(v)) => write_float(f64::from(*v)),
        (Type::Float64, Value::Float64(v)) => write_float(*v),
        (Type::String, Value::String(v)) => json!(v),
        (Type::Bytes, Value::Bytes(v)) => json!(base64::encode(v)),
        (Type::Struct, Value::Struct(values)) if values.len() == node.fields.len() => {
            let mut object = Map::new();
            for (field, value) in node.fields.iter().zip(values) {
                let value = write_at(schema, field.node, value, depth + 1).map_err(|e| e.field(&field.name))?;
                object.insert(field.name.clone(), value);
            }
            Json::Object(object)
        }
        (Type::Array, Value::Array(items)) => {
            let item = node.item.unwrap_or(0);
            Json::Array(items.iter().map(|v| write_at(schema, item, v, depth + 1)).collect::<Result<_>>()?)
        }
        (Type::Map, Value::Map(entries)) => {
            let (key, item) = (node.key.unwrap_or(0), node.item.unwrap_or(0));
            let string_keys = entries.iter().all(|(k, _)| matches!(k, Value::String(_)));
            if has_object_form(schema, key) && string_keys {
                let mut object = Map::new();
                for (k, v) in entries {
                    if let Value::String(k) = k {
                        object.insert(k.clone(), write_at(schema, item, v, depth + 1)?);
                    }
                }
                Json::Object(object)
            } else {
                let mut pairs = Vec::new();
                for (k, v) in entries {
                    let k = write_at(schema, key, k, depth + 1)?;
                    pairs.push(json!([k, write_at(schema, item, v, depth + 1)?]));
                }
                Json::Array(pairs)
            }
        }
        (kind, value) => {
            return Err(malformed(format!("payload: expected {}, found {}", kind.name(), value.kind())));
        }
    })
}

fn write_schemaless(value: &Value, depth: usize) -> Result<Json> {
    if depth > MAX_DEPTH {
        return Err(malformed("payload: nested too deeply"));
    }
    Ok(match value {
        Value::Null => Json::Null,
        Value::Boolean(v) => json!(v),
        Value::Int8(v) => json!(v),
        Value::Int16(v) => json!(v),
        Value::Int32(v) => json!(v),
        Value::Int64(v) => json!(v),
        Value::Float32(v) => write_float(f64::from(*v)),
        Value::Float64(v) => write_float(*v),
        Value::String(v) => json!(v),
        Value::Bytes(v) => json!(base64::encode(v)),
        Value::Array(items) => {
            Json::Array(items.iter().map(|v| write_schemaless(v, depth + 1)).collect::<Result<_>>()?)
        }
        Value::Map(entries) if entries.iter().all(|(k, _)| matches!(k, Value::String(_))) => {
            let mut object = Map::new();
            for (k, v) in entries {
                if let Value::String(k) = k {
                    object.insert(k.clone(), write_schemaless(v, depth + 1)?);
                }
            }
            Json::Object(object)
        }
        Value::Map(entries) => {
            let mut pairs = Vec::new();
            for (k, v) in entries {
                pairs.push(json!([write_schemaless(k, depth + 1)?, write_schemaless(v, depth + 1)?]));
            }
            Json::Array(pairs)
        }
        Value::Struct(_) | Value::Unavailable => {
            return Err(malformed(format!("payload: expected a schemaless value, found {}", value.kind())));
        }
    })
}

fn write_float(value: f64) -> Json {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn floats_keep_their_bits() {
        let schema = schema::read(&json!({"type": "float"})).unwrap().unwrap();
        for (text, bits) in [("-0.0", 0x8000_0000), ("0.1", 0x3DCC_CCCD), ("\"-Infinity\"", 0xFF80_0000u32)] {
            let json: Json = serde_json::from_str(text).unwrap();
            let value = read(Some(&schema), &json).unwrap();
            assert_eq!(value, Value::Float32(f32::from_bits(bits)), "{text}");
            assert_eq!(read(Some(&schema), &write(Some(&schema), &value).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn a_map_is_an_object_only_with_required_string_keys() {
        let map = |optional: bool| {
            let keys = json!({"type": "string", "optional": optional});
            schema::read(&json!({"type": "map", "keys": keys, "values": {"type": "int8"}})).unwrap().unwrap()
        };
        let value = Value::Map(vec![(Value::String("a".into()), Value::Int8(1))]);
        assert_eq!(read(Some(&map(false)), &json!({"a": 1})).unwrap(), value);
        assert_eq!(read(Some(&map(true)), &json!([["a", 1]])).unwrap(), value);
        assert_eq!(write(Some(&map(true)), &value).unwrap(), json!([["a", 1]]));
        assert!(read(Some(&map(true)), &json!({"a": 1})).is_err());
    }

    #[test]
    fn unknown_struct_fields_are_refused() {
        let schema = schema::read(&json!({"type": "struct", "fields": []})).unwrap().unwrap();
        assert!(read(Some(&schema), &json!({"a": 1})).is_err());
    }
}
