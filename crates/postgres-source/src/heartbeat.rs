//! Heartbeat records (`heartbeat.interval.ms`). Debezium 1.7: `HeartbeatImpl`.

use connect_data::frame::{Datum, RecordFrame};
use connect_data::row_image::{ImageWriter, Layout};
use connect_data::schema::{Node, Schema, SchemaBuilder, Type};
use connect_data::{Result, SchemaId, SchemaStore};
use std::sync::Arc;

/// Writes records of the heartbeat topic: the server's name as key, the time as value.
pub(crate) struct Heartbeat {
    topic: String,
    key_schema: SchemaId,
    key: Vec<u8>,
    value_schema: SchemaId,
    value_layout: (usize, usize),
    value: Vec<u8>,
}

impl Heartbeat {
    pub(crate) fn new(topic: &str, server: &str, store: &dyn SchemaStore) -> Result<Self> {
        let key_schema = schema("io.debezium.connector.common.ServerNameKey", "serverName", Type::String)?;
        let value_schema = schema("io.debezium.connector.common.Heartbeat", "ts_ms", Type::Int64)?;
        let (slots, field) = layout(&key_schema, "serverName");
        let mut key = Vec::new();
        let mut w = ImageWriter::new(&mut key, slots)?;
        w.tail(field, server.as_bytes())?;
        w.finish();
        Ok(Self {
            topic: topic.to_owned(),
            key,
            value_layout: layout(&value_schema, "ts_ms"),
            key_schema: store.intern(Arc::new(key_schema))?,
            value_schema: store.intern(Arc::new(value_schema))?,
            value: Vec::new(),
        })
    }

    /// Appends a record.
    pub(crate) fn write(&mut self, now_ms: i64, out: &mut Vec<u8>) -> Result<()> {
        let (slots, field) = self.value_layout;
        self.value.clear();
        let mut w = ImageWriter::new(&mut self.value, slots)?;
        w.set(field, now_ms as u64);
        w.finish();
        let key = Datum { schema: self.key_schema, image: &self.key };
        let value = Datum { schema: self.value_schema, image: &self.value };
        RecordFrame::write(&self.topic, None, None, key, value, &[], out);
        Ok(())
    }
}

fn schema(name: &str, field: &str, kind: Type) -> Result<Schema> {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named(name));
    b.field(root, field, Node::new(kind));
    b.build()
}

fn layout(schema: &Schema, field: &str) -> (usize, usize) {
    let layout = Layout::of(schema);
    (layout.slots(), schema.field(0, field).map_or(0, |(_, node)| layout.slot(node) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::row_image::tree;
    use connect_data::{InternedSchemas, Value};

    #[test]
    fn a_heartbeat_is_that_of_debezium() {
        let store = InternedSchemas::new();
        let mut heartbeat = Heartbeat::new("__debezium-heartbeat.s", "s", &store).unwrap();
        let mut bytes = Vec::new();
        heartbeat.write(1_700_000_000_000, &mut bytes).unwrap();
        let record = RecordFrame::read(&bytes).unwrap();
        assert_eq!(record.topic, "__debezium-heartbeat.s");
        let (key, value) = (store.get(record.key.schema).unwrap(), store.get(record.value.schema).unwrap());
        assert_eq!(
            tree::read(Some(&key), record.key.image, &[]).unwrap(),
            Value::Struct(vec![Value::String("s".to_owned())])
        );
        assert_eq!(
            tree::read(Some(&value), record.value.image, &[]).unwrap(),
            Value::Struct(vec![Value::Int64(1_700_000_000_000)])
        );
    }
}
