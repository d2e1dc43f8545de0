//! Transaction metadata (`provide.transaction.metadata`): order of events, and the records of a transaction's beginning
//! and end. Debezium 1.7: `TransactionMonitor`, `TransactionContext`.

use crate::config::Settings;
use crate::java_order;
use crate::lsn::Lsn;
use crate::message::Header;
use crate::record::{Record, RecordKind};
use crate::temporal::write_digits;
use connect_data::frame::Datum;
use connect_data::row_image::ImageWriter;
use connect_data::schema::{Node, Schema, SchemaBuilder, Type};
use connect_data::{Error, Result, SchemaId, SchemaStore};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Events of the current transaction.
#[derive(Default)]
pub(crate) struct Counters {
    total: u64,
    /// Events of a table, and its place among the tables.
    tables: BTreeMap<String, (u64, usize)>,
}

impl Counters {
    pub(crate) fn clear(&mut self) {
        self.total = 0;
        self.tables.clear();
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// What [`Self::restore`] takes back to.
    pub(crate) fn mark(&self, collection: &str) -> (u64, Option<u64>) {
        (self.total, self.tables.get(collection).map(|(count, _)| *count))
    }

    /// Forgets what was counted of one table since the mark.
    pub(crate) fn restore(&mut self, collection: &str, (total, of_table): (u64, Option<u64>)) {
        self.total = total;
        match (of_table, self.tables.get_mut(collection)) {
            (Some(before), Some((count, _))) => *count = before,
            _ => drop(self.tables.remove(collection)),
        }
    }

    /// Counts an event, by table too if wanted: its order among all and among those of the table.
    pub(crate) fn count(&mut self, collection: &str, by_table: bool) -> (u64, u64) {
        self.total += 1;
        if !by_table {
            return (self.total, 0);
        }
        if let Some((count, _)) = self.tables.get_mut(collection) {
            *count += 1;
            return (self.total, *count);
        }
        let place = self.tables.len();
        self.tables.insert(collection.to_owned(), (1, place));
        (self.total, 1)
    }
}

/// Writes the records of the topic `<server>.transaction`.
pub(crate) struct Metadata {
    topic: String,
    key_schema: SchemaId,
    value_schema: SchemaId,
    key: Vec<u8>,
    value: Vec<u8>,
}

/// Slots of the key: the struct and its id.
const KEY_SLOTS: usize = 2;
/// Slots of the value: the struct, status, id, event_count, data_collections.
const VALUE_SLOTS: usize = 5;
/// Slots of an item of data_collections: the struct, data_collection, event_count.
const ITEM_SLOTS: usize = 3;

impl Metadata {
    pub(crate) fn new(settings: &Settings, store: &dyn SchemaStore) -> Result<Self> {
        Ok(Self {
            topic: crate::names::topic(&format!("{}.transaction", settings.server_name)),
            key_schema: store.intern(Arc::new(key_schema()?))?,
            value_schema: store.intern(Arc::new(value_schema()?))?,
            key: Vec::new(),
            value: Vec::new(),
        })
    }

    /// Hands out the record of a beginning.
    pub(crate) fn begin(
        &mut self,
        lsn: Lsn,
        header: &Header,
        on_record: &mut dyn FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut w = self.start(header, b"BEGIN")?;
        w.null(3);
        w.null(4);
        w.finish();
        self.hand_out(RecordKind::TransactionBegin, lsn, header, 0, on_record)
    }

    /// Hands out the record of an end.
    pub(crate) fn end(
        &mut self,
        lsn: Lsn,
        header: &Header,
        counters: &Counters,
        on_record: &mut dyn FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut tables: Vec<_> = counters.tables.iter().collect();
        tables.sort_by_key(|(name, (_, place))| (java_order::bucket(name, counters.tables.len()), *place));
        let mut w = self.start(header, b"END")?;
        w.set(3, counters.total);
        w.nested(4, tables.len() * ITEM_SLOTS, |inner| {
            for (i, (name, (count, _))) in tables.iter().enumerate() {
                inner.tail(i * ITEM_SLOTS + 1, name.as_bytes())?;
                inner.set(i * ITEM_SLOTS + 2, *count);
            }
            Ok(())
        })?;
        w.finish();
        self.hand_out(RecordKind::TransactionEnd, lsn, header, counters.total, on_record)
    }

    /// Writes the key, and status and id of the value.
    fn start(&mut self, header: &Header, status: &[u8]) -> Result<ImageWriter<'_>> {
        let xid = header.xid.ok_or_else(|| {
            Error::data("wal2json.missing-key", "wal2json message: expected the key xid, found none")
                .hint("provide.transaction.metadata needs include-xids")
        })?;
        let id = |tail: &mut Vec<u8>| {
            write_digits(xid, 1, tail);
            Ok(())
        };
        self.key.clear();
        self.value.clear();
        let mut key = ImageWriter::new(&mut self.key, KEY_SLOTS)?;
        key.tail_with(1, id)?;
        key.finish();
        let mut value = ImageWriter::new(&mut self.value, VALUE_SLOTS)?;
        value.tail(1, status)?;
        value.tail_with(2, id)?;
        Ok(value)
    }

    fn hand_out(
        &self,
        kind: RecordKind,
        lsn: Lsn,
        header: &Header,
        event: u64,
        on_record: &mut dyn FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<()> {
        on_record(&Record {
            topic: &self.topic,
            key: Datum { schema: self.key_schema, image: &self.key },
            value: Datum { schema: self.value_schema, image: &self.value },
            headers: &[],
            kind,
            lsn,
            xid: header.xid,
            commit_micros: header.timestamp,
            event,
        })
    }
}

fn key_schema() -> Result<Schema> {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("io.debezium.connector.common.TransactionMetadataKey"));
    b.field(root, "id", Node::new(Type::String));
    b.build()
}

fn value_schema() -> Result<Schema> {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("io.debezium.connector.common.TransactionMetadataValue"));
    b.field(root, "status", Node::new(Type::String));
    b.field(root, "id", Node::new(Type::String));
    b.field(root, "event_count", Node::new(Type::Int64).optional());
    let list = b.field(root, "data_collections", Node::new(Type::Array).optional());
    let item = b.push(Node::new(Type::Struct));
    b.field(item, "data_collection", Node::new(Type::String));
    b.field(item, "event_count", Node::new(Type::Int64));
    if let Some(list) = b.node_mut(list) {
        list.item = Some(item);
    }
    b.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::row_image::Layout;

    #[test]
    fn slots_are_those_of_the_schemas() {
        assert_eq!(Layout::of(&key_schema().unwrap()).slots(), KEY_SLOTS);
        let value = value_schema().unwrap();
        let layout = Layout::of(&value);
        assert_eq!(layout.slots(), VALUE_SLOTS);
        let list = value.field(0, "data_collections").unwrap().1;
        assert_eq!(layout.width(value.node(list).item.unwrap()) as usize, ITEM_SLOTS);
    }
}
