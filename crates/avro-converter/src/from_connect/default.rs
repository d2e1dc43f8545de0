//! Connect defaults as JSON: `AvroData.defaultValueFromConnect`.

use super::names;
use super::node::{is_union, string_keyed};
use crate::avro_schema::Json;
use crate::config::AvroDataConfig;
use connect_data::schema::logical;
use connect_data::{Error, NodeId, Result, Schema, Type, Value};

/// What JSON has no number for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NonFinite {
    /// As Jackson writes it: the string `NaN`, `Infinity` or `-Infinity`.
    Text,
    /// As a number, which is what it counts as when Avro validates a default.
    Zero,
}

/// The default of `node` as JSON.
///
/// # Errors
/// Data `avro.default`: a default that is not of the node's type. Data `avro.time-range`, `avro.decimal`.
pub(super) fn json(
    schema: &Schema,
    config: &AvroDataConfig,
    node: NodeId,
    value: &Value,
    non_finite: NonFinite,
) -> Result<Json> {
    Defaults { schema, config, non_finite, steps: Steps::default() }.json(node, value)
}

struct Defaults<'a> {
    schema: &'a Schema,
    config: &'a AvroDataConfig,
    non_finite: NonFinite,
    steps: Steps,
}

/// A default has the defaults of its own null fields in it: it may be larger than it looks, without end if it contains
/// itself.
#[derive(Default)]
pub(super) struct Steps {
    values: u32,
    depth: u32,
}

impl Steps {
    const MAX_VALUES: u32 = 100_000;
    /// As deep as schemas may be.
    const MAX_DEPTH: u32 = 200;

    /// Counts a value that is entered.
    ///
    /// # Errors
    /// Data `avro.default`: too many, or too deep.
    pub(super) fn enter(&mut self) -> Result<()> {
        self.values += 1;
        self.depth += 1;
        if self.values > Self::MAX_VALUES || self.depth > Self::MAX_DEPTH {
            return Err(Error::data("avro.default", "default: expected one that ends, found one that contains itself"));
        }
        Ok(())
    }

    /// Counts a value that is left.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }
}

impl Defaults<'_> {
    fn json(&mut self, id: NodeId, value: &Value) -> Result<Json> {
        self.steps.enter()?;
        let json = self.json_here(id, value);
        self.steps.leave();
        json
    }

    fn json_here(&mut self, id: NodeId, value: &Value) -> Result<Json> {
        let node = self.schema.node(id);
        Ok(match (node.kind, value) {
            (_, Value::Null) => Json::Null,
            (Type::Int8, Value::Int8(v)) => (*v).into(),
            (Type::Int16, Value::Int16(v)) => (*v).into(),
            (Type::Int32, Value::Int32(v)) => {
                if node.name.as_deref() == Some(logical::TIME) {
                    super::leaf::check_time(*v)?;
                }
                (*v).into()
            }
            (Type::Int64, Value::Int64(v)) => (*v).into(),
            // Java prints a Float by its own digits, not by those of the double it widens to.
            (Type::Float32, Value::Float32(v)) => self.float(v.to_string().parse().unwrap_or(f64::from(*v))),
            (Type::Float64, Value::Float64(v)) => self.float(*v),
            (Type::Boolean, Value::Boolean(v)) => (*v).into(),
            (Type::String, Value::String(v)) => v.as_str().into(),
            (Type::Bytes, Value::Bytes(v)) => {
                let decimal = node.name.as_deref() == Some(logical::DECIMAL);
                let octets = if decimal { super::leaf::minimal(v)? } else { v };
                octets.iter().copied().map(char::from).collect::<String>().into()
            }
            (Type::Array, Value::Array(items)) => {
                let item = node.item.unwrap_or(0);
                items.iter().map(|value| self.json(item, value)).collect::<Result<Vec<_>>>()?.into()
            }
            (Type::Map, Value::Map(entries)) => {
                let (key, item) = (node.key.unwrap_or(0), node.item.unwrap_or(0));
                if string_keyed(self.schema, node, self.config) {
                    let mut members = serde_json::Map::new();
                    for (k, v) in entries {
                        let Value::String(k) = k else { return Err(mismatch(Type::String, k)) };
                        members.insert(k.clone(), self.json(item, v)?);
                    }
                    Json::Object(members)
                } else {
                    let pair = |(k, v): &(Value, Value)| Ok(Json::Array(vec![self.json(key, k)?, self.json(item, v)?]));
                    entries.iter().map(pair).collect::<Result<Vec<_>>>()?.into()
                }
            }
            (Type::Struct, Value::Struct(values)) if values.len() == node.fields.len() => {
                let mut members = serde_json::Map::new();
                for (field, value) in node.fields.iter().zip(values) {
                    // Struct.get: a null field has its own default.
                    let value = match (value, &self.schema.node(field.node).default) {
                        (Value::Null, Some(default)) => default,
                        _ => value,
                    };
                    let json = self.json(field.node, value).map_err(|e| e.field(&field.name))?;
                    if is_union(node) {
                        // The reference takes the first branch, whichever is set.
                        return Ok(json);
                    }
                    let scrub = self.config.scrub_invalid_names;
                    members.insert(if scrub { names::scrub(&field.name).into() } else { field.name.clone() }, json);
                }
                Json::Object(members)
            }
            (kind, value) => return Err(mismatch(kind, value)),
        })
    }

    fn float(&self, value: f64) -> Json {
        match (serde_json::Number::from_f64(value), self.non_finite) {
            (Some(number), _) => Json::Number(number),
            (None, NonFinite::Zero) => 0.into(),
            (None, NonFinite::Text) if value.is_nan() => "NaN".into(),
            (None, NonFinite::Text) => if value > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        }
    }
}

fn mismatch(expected: Type, found: &Value) -> Error {
    Error::data("avro.default", format!("default: expected {}, found {}", expected.name(), found.kind()))
}
