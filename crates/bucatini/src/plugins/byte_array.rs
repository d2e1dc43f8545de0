//! `org.apache.kafka.connect.converters.ByteArrayConverter`.

use connect_data::row_image::{ImageWriter, tree};
use connect_data::schema::{Node, Schema};
use connect_data::{Converter, Decoded, Encoded, Error, NeedId, Result, SchemaId, SchemaStore, TopicId, Type, Value};
use std::sync::Arc;

/// Bytes as they are.
pub(super) struct ByteArrayConverter {
    schemas: Arc<dyn SchemaStore>,
    bytes: SchemaId,
}

impl ByteArrayConverter {
    pub(super) fn new(schemas: Arc<dyn SchemaStore>) -> Result<Self> {
        let bytes = schemas.intern(Arc::new(Schema::primitive(Node::new(Type::Bytes).optional())))?;
        Ok(Self { schemas, bytes })
    }
}

impl Converter for ByteArrayConverter {
    fn topic(&self, _: &str) -> Result<TopicId> {
        Ok(0)
    }

    fn to_connect(&self, _: TopicId, _: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Decoded> {
        let mut writer = ImageWriter::new(out, 1)?;
        writer.tail(0, payload)?;
        writer.finish();
        Ok(Decoded::Value(Some(self.bytes)))
    }

    fn from_connect(&self, _: TopicId, schema: Option<SchemaId>, image: &[u8], out: &mut Vec<u8>) -> Result<Encoded> {
        let schema = schema.and_then(|id| self.schemas.get(id));
        match tree::read(schema.as_deref(), image, &[])? {
            Value::Null => Ok(Encoded::Null),
            Value::Bytes(bytes) => {
                out.extend_from_slice(&bytes);
                Ok(Encoded::Bytes)
            }
            other => {
                let message = format!("ByteArrayConverter: expected bytes, found {}", other.kind());
                Err(Error::data("byte-array.value", message))
            }
        }
    }

    fn exchange(&self, _: NeedId, _: i64, _: &mut Vec<u8>) -> Result<bool> {
        Ok(false)
    }

    fn answer(&self, _: &[u8], _: i64) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::InternedSchemas;

    #[test]
    fn only_bytes_go_through() {
        let schemas: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
        let converter = ByteArrayConverter::new(schemas.clone()).unwrap();
        let (mut image, mut out) = (Vec::new(), Vec::new());
        let decoded = converter.to_connect(0, &[], &[0, 255], &mut image).unwrap();
        assert_eq!(decoded, Decoded::Value(Some(converter.bytes)));
        converter.from_connect(0, Some(converter.bytes), &image, &mut out).unwrap();
        assert_eq!(out, [0, 255]);
        let text = schemas.intern(Arc::new(Schema::primitive(Node::new(Type::String)))).unwrap();
        let mut image = Vec::new();
        tree::write(schemas.get(text).as_deref(), &Value::String("a".into()), &mut image).unwrap();
        let refused = converter.from_connect(0, Some(text), &image, &mut Vec::new()).unwrap_err();
        assert_eq!(refused.code(), "byte-array.value");
    }
}
