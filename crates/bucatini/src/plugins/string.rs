//! `org.apache.kafka.connect.storage.StringConverter`, UTF-8.

use super::header::text_of;
use connect_data::row_image::{ImageWriter, tree};
use connect_data::schema::{Node, Schema};
use connect_data::{Converter, Decoded, Encoded, Error, NeedId, Result, SchemaId, SchemaStore, TopicId, Type, Value};
use std::sync::Arc;

/// Text as it is; other values as Java's `toString` writes them, as far as that is one thing.
pub(super) struct StringConverter {
    schemas: Arc<dyn SchemaStore>,
    text: SchemaId,
}

impl StringConverter {
    pub(super) fn new(schemas: Arc<dyn SchemaStore>) -> Result<Self> {
        let text = schemas.intern(Arc::new(Schema::primitive(Node::new(Type::String).optional())))?;
        Ok(Self { schemas, text })
    }
}

impl Converter for StringConverter {
    fn topic(&self, _: &str) -> Result<TopicId> {
        Ok(0)
    }

    fn to_connect(&self, _: TopicId, _: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Decoded> {
        // As Java's `new String`: what is no UTF-8 is replaced.
        let text = String::from_utf8_lossy(payload);
        let mut writer = ImageWriter::new(out, 1)?;
        writer.tail(0, text.as_bytes())?;
        writer.finish();
        Ok(Decoded::Value(Some(self.text)))
    }

    fn from_connect(&self, _: TopicId, schema: Option<SchemaId>, image: &[u8], out: &mut Vec<u8>) -> Result<Encoded> {
        let schema = schema.and_then(|id| self.schemas.get(id));
        match tree::read(schema.as_deref(), image, &[])? {
            Value::Null => Ok(Encoded::Null),
            Value::String(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(Encoded::Bytes)
            }
            value @ (Value::Struct(_) | Value::Map(_) | Value::Array(_) | Value::Bytes(_)) => Err(Error::data(
                "string.value",
                format!("StringConverter: expected text, a boolean or a number, found {}", value.kind()),
            )
            .hint("Java would write an object's toString(), which nothing can read again")),
            value => {
                out.extend_from_slice(text_of(schema.as_deref(), &value)?.as_bytes());
                Ok(Encoded::Bytes)
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
    fn text_goes_through_and_structs_do_not() {
        let schemas: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
        let converter = StringConverter::new(schemas.clone()).unwrap();
        let mut image = Vec::new();
        let decoded = converter.to_connect(0, &[], "größe".as_bytes(), &mut image).unwrap();
        let Decoded::Value(schema) = decoded else { panic!("{decoded:?}") };
        let mut out = Vec::new();
        assert_eq!(converter.from_connect(0, schema, &image, &mut out).unwrap(), Encoded::Bytes);
        assert_eq!(out, "größe".as_bytes());

        let number = schemas.intern(Arc::new(Schema::primitive(Node::new(Type::Int64)))).unwrap();
        let (mut image, mut out) = (Vec::new(), Vec::new());
        tree::write(schemas.get(number).as_deref(), &Value::Int64(-5), &mut image).unwrap();
        converter.from_connect(0, Some(number), &image, &mut out).unwrap();
        assert_eq!(out, b"-5");

        let row = schemas.intern(Arc::new(Schema::primitive(Node::new(Type::Struct)))).unwrap();
        let mut image = Vec::new();
        tree::write(schemas.get(row).as_deref(), &Value::Struct(Vec::new()), &mut image).unwrap();
        assert_eq!(converter.from_connect(0, Some(row), &image, &mut Vec::new()).unwrap_err().code(), "string.value");
    }
}
