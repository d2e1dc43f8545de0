//! `org.apache.kafka.connect.json.JsonConverter`, with and without schemas.
//!
//! The JSON is the same as Java's up to the order of a schema's keys. Not there: `decimal.format=NUMERIC`.

use connect_data::row_image::tree;
use connect_data::{
    Converter, Decoded, Encoded, Error, NeedId, NodeId, Properties, Result, Schema, SchemaId, SchemaStore, Step,
    TopicId, Value,
};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The converter. Not for the fastest path: values become trees.
pub(super) struct JsonConverter {
    schemas: Arc<dyn SchemaStore>,
    envelope: bool,
    defaults: bool,
    known: Mutex<Known>,
    capacity: usize,
}

/// Schemas and their JSON.
#[derive(Default)]
struct Known {
    read: BTreeMap<String, Option<SchemaId>>,
    written: BTreeMap<SchemaId, Arc<str>>,
}

impl JsonConverter {
    /// With settings that [`crate::config`] has checked.
    pub(super) fn new(properties: &Properties, schemas: Arc<dyn SchemaStore>) -> Self {
        let flag = |name: &str| properties.get(name).is_none_or(|value| value.trim().eq_ignore_ascii_case("true"));
        let capacity = properties.get("schemas.cache.size").and_then(|size| size.trim().parse().ok());
        Self {
            schemas,
            envelope: flag("schemas.enable"),
            defaults: flag("replace.null.with.default"),
            known: Mutex::default(),
            capacity: capacity.unwrap_or(1_000),
        }
    }

    fn schema(&self, json: &RawValue) -> Result<Option<SchemaId>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = known.read.get(json.get()) {
            return Ok(*id);
        }
        let tree = serde_json::from_str(json.get()).map_err(|_| not_json())?;
        let schema = connect_json::schema::read(&tree).map_err(|error| error.field("schema"))?;
        let id = schema.map(|schema| self.schemas.intern(Arc::new(schema))).transpose()?;
        if known.read.len() >= self.capacity {
            known.read.clear();
        }
        known.read.insert(json.get().to_owned(), id);
        Ok(id)
    }

    fn schema_text(&self, id: SchemaId, schema: &Schema) -> Result<Arc<str>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.written.get(&id) {
            return Ok(text.clone());
        }
        let text: Arc<str> = connect_json::schema::write(Some(schema))?.to_string().into();
        if known.written.len() >= self.capacity {
            known.written.clear();
        }
        known.written.insert(id, text.clone());
        Ok(text)
    }

    fn get(&self, id: Option<SchemaId>) -> Result<Option<Arc<Schema>>> {
        let unknown = || Error::internal("json.schema", "JsonConverter: expected a known schema, found another number");
        id.map(|id| self.schemas.get(id).ok_or_else(unknown)).transpose()
    }
}

fn not_json() -> Error {
    Error::data("json.syntax", "JsonConverter: expected JSON, found something else")
}

/// Puts defaults in the place of nulls, and refuses the nulls that no schema allows.
fn complete(schema: &Schema, id: NodeId, value: &mut Value, defaults: bool) -> Result<()> {
    let node = schema.node(id);
    match value {
        Value::Null => match &node.default {
            Some(default) if defaults => *value = default.clone(),
            _ if node.optional => {}
            _ => {
                let message = "JsonConverter: expected a value for a field that is required, found null";
                return Err(Error::data("json.null", message));
            }
        },
        Value::Struct(values) => {
            for (field, value) in node.fields.iter().zip(values) {
                complete(schema, field.node, value, defaults).map_err(|error| error.field(&field.name))?;
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                let within = |error: Error| error.within(Step::Index(i as u32));
                complete(schema, node.item.unwrap_or(0), item, defaults).map_err(within)?;
            }
        }
        Value::Map(entries) => {
            for (i, (key, item)) in entries.iter_mut().enumerate() {
                let within = |error: Error| error.within(Step::Entry(i as u32));
                complete(schema, node.key.unwrap_or(0), key, defaults).map_err(within)?;
                complete(schema, node.item.unwrap_or(0), item, defaults).map_err(within)?;
            }
        }
        _ => {}
    }
    Ok(())
}

impl Converter for JsonConverter {
    fn topic(&self, _: &str) -> Result<TopicId> {
        Ok(0)
    }

    fn to_connect(&self, _: TopicId, _: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Decoded> {
        let (id, payload) = if self.envelope {
            let parts: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(payload).map_err(|_| not_envelope())?;
            match (parts.get("schema"), parts.get("payload"), parts.len()) {
                (Some(schema), Some(payload), 2) => {
                    (self.schema(schema)?, serde_json::from_str(payload.get()).map_err(|_| not_json())?)
                }
                _ => return Err(not_envelope()),
            }
        } else {
            (None, serde_json::from_slice::<serde_json::Value>(payload).map_err(|_| not_json())?)
        };
        let schema = self.get(id)?;
        let mut value = connect_json::payload::read(schema.as_deref(), &payload)?;
        if let Some(schema) = &schema {
            complete(schema, 0, &mut value, self.defaults)?;
        }
        tree::write(schema.as_deref(), &value, out)?;
        Ok(Decoded::Value(id))
    }

    fn from_connect(&self, _: TopicId, id: Option<SchemaId>, image: &[u8], out: &mut Vec<u8>) -> Result<Encoded> {
        let schema = self.get(id)?;
        let mut value = tree::read(schema.as_deref(), image, &[])?;
        if schema.is_none() && value.is_null() {
            return Ok(Encoded::Null);
        }
        if let Some(schema) = &schema {
            complete(schema, 0, &mut value, self.defaults)?;
        }
        let payload = connect_json::payload::write(schema.as_deref(), &value)?.to_string();
        if self.envelope {
            let text = match id.zip(schema) {
                Some((id, schema)) => self.schema_text(id, &schema)?,
                None => "null".into(),
            };
            for part in [r#"{"schema":"#, &text, r#","payload":"#, &payload, "}"] {
                out.extend_from_slice(part.as_bytes());
            }
        } else {
            out.extend_from_slice(payload.as_bytes());
        }
        Ok(Encoded::Bytes)
    }

    fn exchange(&self, _: NeedId, _: i64, _: &mut Vec<u8>) -> Result<bool> {
        Ok(false)
    }

    fn answer(&self, _: &[u8], _: i64) -> Result<()> {
        Ok(())
    }
}

fn not_envelope() -> Error {
    let message = "JsonConverter with schemas.enable: expected an object of \"schema\" and \"payload\", found another";
    Error::data("json.envelope", message).hint("for plain JSON set schemas.enable=false")
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::InternedSchemas;

    const ROW: &str = r#"{"schema":{"type":"struct","optional":false,"name":"Row","fields":[{"type":"int32","optional":false,"field":"id"},{"type":"string","optional":false,"default":"x","field":"name"}]},"payload":{"id":1,"name":"spaghetti"}}"#;

    fn converter(settings: &[(&str, &str)]) -> JsonConverter {
        let settings = Properties::from_iter(settings.iter().copied());
        JsonConverter::new(&settings, Arc::new(InternedSchemas::new()))
    }

    fn there_and_back(converter: &JsonConverter, payload: &str) -> Result<String> {
        let (mut image, mut out) = (Vec::new(), Vec::new());
        let Decoded::Value(schema) = converter.to_connect(0, &[], payload.as_bytes(), &mut image)? else {
            panic!("expected a value");
        };
        assert_eq!(converter.from_connect(0, schema, &image, &mut out)?, Encoded::Bytes);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn rows_come_back_with_their_schema() {
        let converter = converter(&[]);
        for _ in 0..2 {
            assert_eq!(there_and_back(&converter, ROW).unwrap(), ROW);
        }
        let without_name = ROW.replace(r#""spaghetti""#, "null");
        assert_eq!(there_and_back(&converter, &without_name).unwrap(), ROW.replace("spaghetti", "x"));
        let without_id = ROW.replace(r#""id":1"#, r#""id":null"#);
        assert_eq!(there_and_back(&converter, &without_id).unwrap_err().code(), "json.null");
    }

    #[test]
    fn plain_json_has_no_schema() {
        let plain = converter(&[("schemas.enable", "false")]);
        assert_eq!(there_and_back(&plain, r#"{"a":[1,2.5,null,"x"]}"#).unwrap(), r#"{"a":[1,2.5,null,"x"]}"#);
        assert_eq!(there_and_back(&plain, "{").unwrap_err().code(), "json.syntax");
        assert_eq!(there_and_back(&converter(&[]), r#"{"a":1}"#).unwrap_err().code(), "json.envelope");
    }

    #[test]
    fn a_tombstone_has_no_bytes() {
        let mut image = Vec::new();
        tree::write(None, &Value::Null, &mut image).unwrap();
        let encoded = converter(&[]).from_connect(0, None, &image, &mut Vec::new()).unwrap();
        assert_eq!(encoded, Encoded::Null);
    }
}
