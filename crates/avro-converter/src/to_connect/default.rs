//! Defaults of Avro fields and types as Connect defaults: `AvroData.defaultValueFromAvro` 8.3.1 over Avro's
//! `JacksonUtils.toObject` 1.12.1. Java decides by the classes of objects, so those are modelled here.

use super::graph::{Edge, Graph, Id};
use super::schema::branch_name;
use super::shape::{self, Union};
use super::union;
use crate::avro_schema::{AvroSchema, Json, Kind, TypeId};
use crate::config::AvroDataConfig;
use crate::from_connect::leaf::minimal;
use connect_data::{Node, Type, Value, logical};
use std::fmt;

/// Why there is no default.
pub(super) enum Flaw {
    /// Java logs a `DataException` and leaves the default out.
    Ignored,
    /// Java lets another exception through: the schema cannot be converted.
    Fatal(&'static str),
}

type Found = Result<Value, Flaw>;

/// A Java object that stands for JSON. What JSON holds and Java cannot (`null` of Java) is the absence of one.
#[derive(Clone, Debug)]
pub(super) enum Java {
    /// `JsonProperties.NULL_VALUE`
    Null,
    Boolean(bool),
    Integer(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    List(Vec<Option<Java>>),
    Map(Vec<(String, Option<Java>)>),
}

impl Java {
    /// `getObjectProp`: without schema.
    pub(super) fn of(json: Option<&Json>) -> Option<Self> {
        Some(match json? {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Boolean(*value),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(long), _) => i32::try_from(long).map_or(Self::Long(long), Self::Integer),
                (None, Some(double)) if number.is_f64() => Self::Double(double),
                // A BigInteger, which toObject turns into null.
                _ => return None,
            },
            Json::String(text) => Self::String(text.clone()),
            Json::Array(items) => Self::List(items.iter().map(|item| Self::of(Some(item))).collect()),
            Json::Object(members) => {
                Self::Map(members.iter().map(|(key, value)| (key.clone(), Self::of(Some(value)))).collect())
            }
        })
    }

    /// `((Number) x).intValue()`.
    pub(super) fn int_value(&self) -> Option<i32> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Long(value) => Some(*value as i32),
            Self::Float(value) => Some(*value as i32),
            Self::Double(value) => Some(*value as i32),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Long(_) | Self::Float(_) | Self::Double(_) => "a number",
            Self::String(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "an array",
            Self::Map(_) => "an object",
        }
    }
}

/// `Object.toString()`.
impl fmt::Display for Java {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional = |f: &mut fmt::Formatter<'_>, value: &Option<Self>| match value {
            Some(value) => value.fmt(f),
            None => f.write_str("null"),
        };
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Long(value) => value.fmt(f),
            Self::Float(value) => write_json(f, f64::from(*value)),
            Self::Double(value) => write_json(f, *value),
            Self::String(value) => f.write_str(value),
            Self::Bytes(_) => f.write_str("[B"),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    optional(f, item)?;
                }
                f.write_str("]")
            }
            Self::Map(members) => {
                f.write_str("{")?;
                for (i, (key, value)) in members.iter().enumerate() {
                    write!(f, "{}{key}=", if i > 0 { ", " } else { "" })?;
                    optional(f, value)?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_json(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    let mut text = String::new();
    crate::avro_schema::write_json(&Json::from(value), &mut text);
    f.write_str(&text)
}

/// `Field.defaultVal()`; `None` = none, or one that Java warns about and ignores.
pub(super) fn of_field(avro: &AvroSchema, ty: TypeId, json: &Json) -> Option<Java> {
    // The parser reads text in a float field as a number; what JSON cannot hold of it stays text in our model.
    if let (Kind::Float | Kind::Double, Json::String(text)) = (&avro.get(ty).kind, json) {
        let double = match text.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            _ => f64::NEG_INFINITY,
        };
        let float = matches!(avro.get(ty).kind, Kind::Float);
        return Some(if float { Java::Float(double as f32) } else { Java::Double(double) });
    }
    object(avro, ty, json).ok().flatten()
}

/// `JacksonUtils.toObject(json, schema)`; the error is any exception.
fn object(avro: &AvroSchema, ty: TypeId, json: &Json) -> Result<Option<Java>, ()> {
    let kind = &avro.get(ty).kind;
    if let Kind::Union(branches) = kind {
        return object(avro, *branches.first().ok_or(())?, json);
    }
    Ok(match (json, kind) {
        (Json::Null, _) => Some(Java::Null),
        (Json::Bool(value), _) => Some(Java::Boolean(*value)),
        (Json::Number(number), kind) => match (number.as_i64(), number.as_f64(), kind) {
            (Some(n), _, Kind::Int) => Some(i32::try_from(n).map_or(Java::Long(n), Java::Integer)),
            (Some(n), _, Kind::Long) => Some(Java::Long(n)),
            (Some(n), _, Kind::Float) => Some(Java::Float(n as f64 as f32)),
            (Some(n), _, Kind::Double) => Some(Java::Double(n as f64)),
            (None, Some(n), Kind::Double) if number.is_f64() => Some(Java::Double(n)),
            (None, Some(n), Kind::Float) if number.is_f64() => Some(Java::Float(n as f32)),
            _ => None,
        },
        (Json::String(text), Kind::String | Kind::Enum(_)) => Some(Java::String(text.clone())),
        (Json::String(text), Kind::Bytes | Kind::Fixed(_)) => Some(Java::Bytes(latin1(text))),
        (Json::String(_), _) => None,
        (Json::Array(items), Kind::Array(item)) => {
            Some(Java::List(items.iter().map(|json| object(avro, *item, json)).collect::<Result<_, _>>()?))
        }
        (Json::Array(items), _) if items.is_empty() => Some(Java::List(Vec::new())),
        (Json::Array(_), _) => return Err(()),
        (Json::Object(members), kind) => {
            let mut map = Vec::with_capacity(members.len());
            for (key, json) in members {
                let value = match kind {
                    Kind::Map(value) => object(avro, *value, json)?,
                    Kind::Record(record) => object(avro, record.field(key).ok_or(())?.1.ty, json)?,
                    _ => Java::of(Some(json)),
                };
                map.push((key.clone(), value));
            }
            Some(Java::Map(map))
        }
    })
}

/// Java's `getBytes(ISO_8859_1)`: what is not Latin-1 becomes a question mark, one for each character.
pub(super) fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

/// The default of a field, which Avro has made an object of.
pub(super) fn from_field(
    graph: &Graph,
    node: Id,
    value: &Java,
    avro: &AvroSchema,
    config: &AvroDataConfig,
) -> Result<Option<Value>, Flaw> {
    let context = Context { graph, config, avro };
    let edge = Edge { node, optional: graph.get(node).node.optional };
    let plain = context.data(edge, Some(value), false)?;
    context.accept(edge, logical_value(&graph.get(node).node, plain)?)
}

/// A `connect.default`.
pub(super) fn from_property(
    graph: &Graph,
    node: Id,
    avro: &AvroSchema,
    ty: TypeId,
    json: &Json,
    config: &AvroDataConfig,
) -> Result<Option<Value>, Flaw> {
    let context = Context { graph, config, avro };
    let edge = Edge { node, optional: graph.get(node).node.optional };
    let value = context.json(edge, ty, Some(json))?;
    context.accept(edge, value)
}

/// `toConnectLogical`: the value stays its base type, but must be one that the logical type can hold.
fn logical_value(node: &Node, value: Value) -> Found {
    match (node.name.as_deref(), &value) {
        (_, Value::Null) => {}
        (Some(logical::DECIMAL), Value::Bytes(bytes)) => {
            let scale = node.get_parameter(logical::SCALE).and_then(|scale| scale.parse::<i32>().ok());
            let unscaled = minimal(bytes).map_err(|_| Flaw::Fatal("a decimal without bytes"))?;
            return if scale.is_some() { Ok(Value::Bytes(unscaled.to_vec())) } else { Err(Flaw::Ignored) };
        }
        (Some(logical::TIME), Value::Int32(millis)) if !(0..=86_400_000).contains(millis) => return Err(Flaw::Ignored),
        (Some(logical::DATE | logical::TIME), Value::Int32(_)) | (Some(logical::TIMESTAMP), Value::Int64(_)) => {}
        (Some(logical::DECIMAL | logical::DATE | logical::TIME | logical::TIMESTAMP), _) => return Err(Flaw::Ignored),
        _ => {}
    }
    Ok(value)
}

struct Context<'a> {
    graph: &'a Graph,
    config: &'a AvroDataConfig,
    avro: &'a AvroSchema,
}

impl Context<'_> {
    /// `SchemaBuilder.defaultValue`, which validates. A null default is none.
    fn accept(&self, edge: Edge, value: Value) -> Result<Option<Value>, Flaw> {
        self.validate(edge, &value)?;
        Ok(if value.is_null() { None } else { Some(value) })
    }

    /// `ConnectSchema.validateValue`: nulls only where they are allowed, and the right kinds.
    fn validate(&self, edge: Edge, value: &Value) -> Result<(), Flaw> {
        let node = self.graph.get(edge.node);
        match (node.node.kind, value) {
            (_, Value::Null) if edge.optional => Ok(()),
            (Type::Boolean, Value::Boolean(_))
            | (Type::Int8, Value::Int8(_))
            | (Type::Int16, Value::Int16(_))
            | (Type::Int32, Value::Int32(_))
            | (Type::Int64, Value::Int64(_))
            | (Type::Float32, Value::Float32(_))
            | (Type::Float64, Value::Float64(_))
            | (Type::String, Value::String(_))
            | (Type::Bytes, Value::Bytes(_)) => Ok(()),
            (Type::Array, Value::Array(items)) => {
                let item = node.item.ok_or(Flaw::Ignored)?;
                items.iter().try_for_each(|value| self.validate(item, value))
            }
            (Type::Map, Value::Map(entries)) => {
                let (key, item) = (node.key.ok_or(Flaw::Ignored)?, node.item.ok_or(Flaw::Ignored)?);
                entries.iter().try_for_each(|(k, v)| self.validate(key, k).and_then(|()| self.validate(item, v)))
            }
            (Type::Struct, Value::Struct(values)) if values.len() == node.fields.len() => {
                node.fields.iter().zip(values).try_for_each(|((_, edge), value)| self.validate(*edge, value))
            }
            _ => Err(Flaw::Ignored),
        }
    }

    /// `toConnectData` of an object.
    fn data(&self, edge: Edge, value: Option<&Java>, logical: bool) -> Found {
        let Some(value) = value else {
            return if edge.optional { Ok(Value::Null) } else { Err(Flaw::Ignored) };
        };
        let graph_node = self.graph.get(edge.node);
        let node = &graph_node.node;
        let converted = match (node.kind, value) {
            (_, Java::Null) => return Ok(Value::Null),
            (Type::Int32, Java::Integer(value)) => Value::Int32(*value),
            (Type::Int16, Java::Integer(value)) => Value::Int16(*value as i16),
            (Type::Int8, Java::Integer(value)) => Value::Int8(*value as i8),
            (Type::Int64, Java::Long(value)) => Value::Int64(*value),
            (Type::Float32, Java::Float(value)) => Value::Float32(*value),
            (Type::Float64, Java::Double(value)) => Value::Float64(*value),
            (Type::Boolean, Java::Boolean(value)) => Value::Boolean(*value),
            (Type::String, Java::String(value)) => Value::String(value.clone()),
            (Type::Bytes, Java::Bytes(value)) => Value::Bytes(value.clone()),
            (Type::Array, Java::List(items)) => {
                let item = graph_node.item.ok_or(Flaw::Ignored)?;
                let items = items.iter().map(|value| self.data(item, value.as_ref(), true));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            (Type::Map, Java::Map(members)) => self.map(graph_node.key, graph_node.item, members)?,
            // Arrays of key and value: only an empty one gets through Java's casts.
            (Type::Map, Java::List(items)) if items.is_empty() && !self.string_keyed(graph_node.key) => {
                Value::Map(Vec::new())
            }
            (Type::Struct, value) if union::looks_like_union(node) => self.branch(edge.node, value)?,
            // Java returns a struct from here, before it looks for a logical type.
            (Type::Struct, Java::Map(members)) => return self.record(edge.node, members),
            _ => return Err(Flaw::Ignored),
        };
        if logical { logical_value(node, converted) } else { Ok(converted) }
    }

    fn string_keyed(&self, key: Option<Edge>) -> bool {
        key.is_some_and(|key| !key.optional && self.graph.get(key.node).node.kind == Type::String)
    }

    fn map(&self, key: Option<Edge>, item: Option<Edge>, members: &[(String, Option<Java>)]) -> Found {
        let item = item.filter(|_| self.string_keyed(key)).ok_or(Flaw::Ignored)?;
        let mut entries = Vec::with_capacity(members.len());
        for (key, value) in members {
            entries.push((Value::String(key.clone()), self.data(item, value.as_ref(), true)?));
        }
        Ok(Value::Map(entries))
    }

    fn record(&self, node: Id, members: &[(String, Option<Java>)]) -> Found {
        let mut values = Vec::new();
        for (name, edge) in &self.graph.get(node).fields {
            let name = union::scrubbed(name, self.config);
            let converted = match members.iter().find(|(key, _)| *key == name) {
                Some((_, value)) => self.data(*edge, value.as_ref(), true)?,
                None => self.absent(*edge)?,
            };
            self.validate(*edge, &converted)?;
            values.push(converted);
        }
        Ok(Value::Struct(values))
    }

    /// A member that is missing takes the Connect default of its field, which goes through `toConnectData` once more:
    /// that fails on all objects that Avro would not have made.
    fn absent(&self, edge: Edge) -> Found {
        match &self.graph.get(edge.node).node.default {
            None => self.data(edge, None, true),
            Some(default) => self.data(edge, Some(&self.as_java(edge, default).ok_or(Flaw::Ignored)?), true),
        }
    }

    fn as_java(&self, edge: Edge, value: &Value) -> Option<Java> {
        let graph_node = self.graph.get(edge.node);
        let is_logical = matches!(
            graph_node.node.name.as_deref(),
            Some(logical::DECIMAL | logical::DATE | logical::TIME | logical::TIMESTAMP)
        );
        Some(match value {
            Value::Null => Java::Null,
            _ if is_logical => return None,
            Value::Int32(value) => Java::Integer(*value),
            Value::Int64(value) => Java::Long(*value),
            Value::Float32(value) => Java::Float(*value),
            Value::Float64(value) => Java::Double(*value),
            Value::Boolean(value) => Java::Boolean(*value),
            Value::String(value) => Java::String(value.clone()),
            Value::Bytes(value) => Java::Bytes(value.clone()),
            Value::Array(items) => {
                let item = graph_node.item?;
                Java::List(items.iter().map(|value| self.as_java(item, value).map(Some)).collect::<Option<_>>()?)
            }
            Value::Map(entries) => {
                let item = graph_node.item?;
                let entry = |(key, value): &(Value, Value)| match key {
                    Value::String(key) => Some((key.clone(), Some(self.as_java(item, value)?))),
                    _ => None,
                };
                Java::Map(entries.iter().map(entry).collect::<Option<_>>()?)
            }
            Value::Int8(_) | Value::Int16(_) | Value::Struct(_) | Value::Unavailable => return None,
        })
    }

    /// A value for a struct that stands for a union: the first field whose class fits.
    fn branch(&self, node: Id, value: &Java) -> Found {
        let fields = &self.graph.get(node).fields;
        for (index, (_, edge)) in fields.iter().enumerate() {
            let field = &self.graph.get(edge.node).node;
            let fits = match (field.kind, value) {
                _ if union::is_enum(field) => false,
                (Type::Int32, Java::Integer(_))
                | (Type::Int64, Java::Long(_))
                | (Type::Float32, Java::Float(_))
                | (Type::Float64, Java::Double(_))
                | (Type::Boolean, Java::Boolean(_))
                | (Type::String, Java::String(_))
                | (Type::Array, Java::List(_))
                | (Type::Map, Java::Map(_)) => true,
                (Type::Bytes, Java::Bytes(bytes)) => union::fixed_size(field).is_none_or(|size| size == bytes.len()),
                _ => false,
            };
            if !fits {
                continue;
            }
            let converted = self.data(*edge, Some(value), true)?;
            let name =
                union::member_name(field, index, self.config).ok_or(Flaw::Fatal("a union branch without name"))?;
            let target = fields.iter().position(|(field, _)| *field == name).ok_or(Flaw::Ignored)?;
            if let Some((_, edge)) = fields.get(target) {
                self.validate(*edge, &converted)?;
            }
            let mut values = vec![Value::Null; fields.len()];
            if let Some(place) = values.get_mut(target) {
                *place = converted;
            }
            return Ok(Value::Struct(values));
        }
        Err(Flaw::Ignored)
    }

    /// `defaultValueFromAvro` of a JSON node: each Avro type reads it in its own lenient way, as Jackson's accessors do.
    fn json(&self, edge: Edge, ty: TypeId, json: Option<&Json>) -> Found {
        let Some(json) = json else { return Ok(Value::Null) };
        let graph_node = self.graph.get(edge.node);
        let node = &graph_node.node;
        let value = match &self.avro.get(ty).kind {
            Kind::Int => match node.kind {
                Type::Int8 => Value::Int8(int_value(json) as i8),
                Type::Int16 => Value::Int16(int_value(json) as i16),
                Type::Int32 => Value::Int32(int_value(json)),
                _ => Value::Null,
            },
            Kind::Long => Value::Int64(long_value(json)),
            Kind::Float => Value::Float32(double_value(json) as f32),
            Kind::Double => Value::Float64(double_value(json)),
            Kind::Boolean => Value::Boolean(boolean(json)),
            Kind::Null => Value::Null,
            Kind::String | Kind::Enum(_) => Value::String(as_text(json)),
            Kind::Bytes | Kind::Fixed(_) => match json {
                Json::String(text) => Value::Bytes(latin1(text)),
                _ => Value::Null,
            },
            Kind::Array(item) => {
                let Json::Array(items) = json else { return Err(Flaw::Ignored) };
                let inner = graph_node.item.ok_or(Flaw::Ignored)?;
                let items = items.iter().map(|json| self.json(inner, *item, Some(json)));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Kind::Map(value) => {
                let Json::Object(members) = json else { return Err(Flaw::Ignored) };
                let inner = graph_node.item.ok_or(Flaw::Ignored)?;
                let entry = |(key, json): (&String, &Json)| {
                    Ok((Value::String(key.clone()), self.json(inner, *value, Some(json))?))
                };
                Value::Map(members.iter().map(entry).collect::<Result<_, _>>()?)
            }
            Kind::Record(record) => {
                let (Json::Object(members), Type::Struct) = (json, node.kind) else { return Err(Flaw::Ignored) };
                let mut values = Vec::new();
                for (field, (_, inner)) in record.fields.iter().zip(&graph_node.fields) {
                    let value = self.json(*inner, field.ty, members.get(&field.name))?;
                    self.validate(*inner, &value)?;
                    values.push(value);
                }
                Value::Struct(values)
            }
            Kind::Union(branches) => return self.json_union(edge, branches, json),
        };
        logical_value(node, value)
    }

    fn json_union(&self, edge: Edge, branches: &[TypeId], json: &Json) -> Found {
        let Some(first) = branches.first() else { return Err(Flaw::Fatal("a union without branches")) };
        let ty = self.avro.get(*first);
        if matches!(ty.kind, Kind::Null) {
            return Ok(Value::Null);
        }
        let graph_node = self.graph.get(edge.node);
        if graph_node.node.kind != Type::Struct {
            return Err(Flaw::Ignored);
        }
        let name = branch_name(ty, 0, self.config);
        let Some((_, inner)) = graph_node.fields.iter().find(|(field, _)| *field == name) else {
            return Err(Flaw::Fatal("a default of a union"));
        };
        // The reference makes the bare value the default of the union's struct, which Connect then refuses.
        let value = self.json(*inner, *first, Some(json))?;
        match shape::union(self.avro, branches, self.config) {
            Union::Struct if !value.is_null() => Err(Flaw::Ignored),
            _ => Ok(value),
        }
    }
}

/// `JsonNode.intValue`: 0 for all but numbers.
fn int_value(json: &Json) -> i32 {
    match json.as_i64() {
        Some(long) => long as i32,
        None => json.as_f64().unwrap_or(0.0) as i32,
    }
}

fn long_value(json: &Json) -> i64 {
    json.as_i64().unwrap_or_else(|| json.as_f64().unwrap_or(0.0) as i64)
}

fn double_value(json: &Json) -> f64 {
    json.as_f64().unwrap_or(0.0)
}

/// `JsonNode.asBoolean`.
fn boolean(json: &Json) -> bool {
    match json {
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_i64().is_some_and(|n| n != 0),
        Json::String(text) => text.trim() == "true",
        _ => false,
    }
}

/// `JsonNode.asText`.
fn as_text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Array(_) | Json::Object(_) => String::new(),
        json => {
            let mut text = String::new();
            crate::avro_schema::write_json(json, &mut text);
            text
        }
    }
}
