//! The corpus of `tests/corpus/wal2json`, a catalogue of its tables, and records as schemas and values.
#![allow(dead_code, unreachable_pub)] // Each test uses a part.

pub mod catalog;

use connect_data::frame::Datum;
use connect_data::row_image::tree;
use connect_data::{InternedSchemas, Properties, Result, Schema, SchemaStore, Value};
use std::path::PathBuf;
use std::sync::Arc;
use wal2json::config::DECODER_CONFIG;
use wal2json::{Decoder, Fed, Lsn, Record, RecordKind, Settings, TableAnswer, TableId, UserTypes};

/// When the tests receive their messages.
pub const RECEIVED_MS: i64 = 1_800_000_000_123;

/// A file of the corpus.
pub fn corpus(path: &str) -> PathBuf {
    connect_json::vectors::corpus().join("wal2json").join(path)
}

/// One row of `pg_logical_slot_peek_changes`.
#[derive(Clone, Debug)]
pub struct Line {
    pub lsn: Lsn,
    pub xid: u64,
    pub data: String,
}

/// A capture of `raw/`.
pub fn capture(name: &str) -> Vec<Line> {
    let text = std::fs::read_to_string(corpus(&format!("raw/{name}.jsonl"))).unwrap();
    let lines = text.lines().map(|line| {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| json[name].as_str().unwrap().to_owned();
        Line {
            lsn: Lsn::parse(field("lsn").as_bytes()).unwrap(),
            xid: field("xid").parse().unwrap(),
            data: field("data"),
        }
    });
    lines.collect()
}

/// Names of all captures that hold anything.
pub fn captures() -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(corpus("raw"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.metadata().unwrap().len() > 0)
        .filter_map(|entry| entry.file_name().to_str().unwrap().strip_suffix(".jsonl").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 70, "the corpus has {} captures", names.len());
    names
}

/// A record outside of the decoder.
#[derive(Clone, Debug)]
pub struct Event {
    pub topic: String,
    pub key: (Option<Arc<Schema>>, Value),
    pub value: (Option<Arc<Schema>>, Value),
    pub headers: Vec<(String, Value)>,
    pub kind: RecordKind,
    pub lsn: Lsn,
    pub xid: Option<u64>,
    pub event: u64,
}

impl Event {
    /// A part of the envelope.
    pub fn part(&self, name: &str) -> Value {
        field(self.value.0.as_deref().unwrap(), 0, &self.value.1, name)
    }

    /// A part of `source`.
    pub fn source(&self, name: &str) -> Value {
        let schema = self.value.0.as_deref().unwrap();
        field(schema, schema.field(0, "source").unwrap().1, &self.part("source"), name)
    }

    /// A column of `before` or `after`.
    pub fn column(&self, side: &str, name: &str) -> Value {
        let schema = self.value.0.as_deref().unwrap();
        field(schema, schema.field(0, side).unwrap().1, &self.part(side), name)
    }
}

fn field(schema: &Schema, node: u32, value: &Value, name: &str) -> Value {
    let Value::Struct(fields) = value else { return Value::Null };
    let (index, _) = schema.field(node, name).unwrap_or_else(|| panic!("no field {name}"));
    fields[index].clone()
}

/// Settings with a few keys on top of the needed ones.
pub fn settings(extra: &[(&str, &str)]) -> Settings {
    let base = [("database.server.name", "srv"), ("database.dbname", "db")];
    let mut properties = Properties::default();
    for (name, value) in base.iter().chain(extra) {
        properties.set(*name, *value);
    }
    Settings::parse(&DECODER_CONFIG, &properties).unwrap()
}

/// A decoder and what it needs around it.
pub struct Stream {
    pub decoder: Decoder,
    pub store: Arc<InternedSchemas>,
    /// Tables that were asked for.
    pub asked: Vec<TableId>,
    /// Safe points so far.
    pub safe: Vec<Lsn>,
    answer: fn(&TableId) -> TableAnswer,
}

impl Stream {
    /// A host without catalogue.
    pub fn bare(extra: &[(&str, &str)]) -> Self {
        Self::new(settings(extra), UserTypes::unknown(), false, |_| TableAnswer::Unknown)
    }

    /// A host with the corpus's catalogue.
    pub fn with_catalog(extra: &[(&str, &str)]) -> Self {
        Self::new(settings(extra), catalog::types(), true, catalog::answer)
    }

    pub fn new(settings: Settings, types: UserTypes, catalog: bool, answer: fn(&TableId) -> TableAnswer) -> Self {
        let store = Arc::new(InternedSchemas::new());
        let decoder = Decoder::new(settings, types, catalog, Arc::clone(&store) as Arc<dyn SchemaStore>).unwrap();
        Self { decoder, store, asked: Vec::new(), safe: Vec::new(), answer }
    }

    /// Feeds a message until it is accepted.
    pub fn feed(&mut self, data: &[u8], lsn: Lsn) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        for _ in 0..100 {
            let store = Arc::clone(&self.store);
            let fed = self.decoder.feed(data, lsn, RECEIVED_MS, &mut |record| {
                events.push(event(record, &store));
                Ok(())
            })?;
            match fed {
                Fed::Accepted { safe } => {
                    self.safe.extend(safe);
                    return Ok(events);
                }
                Fed::NeedTable(id) => {
                    assert!(events.is_empty(), "records before the table was known");
                    let answer = (self.answer)(&id);
                    self.decoder.set_table(&id, answer);
                    self.asked.push(id);
                }
            }
        }
        panic!("asked for tables without end");
    }

    /// Feeds a whole capture.
    pub fn feed_all(&mut self, lines: &[Line]) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        for line in lines {
            events.extend(self.feed(line.data.as_bytes(), line.lsn)?);
        }
        Ok(events)
    }
}

/// Reads the images of a record.
pub fn event(record: &Record<'_>, store: &InternedSchemas) -> Event {
    let read = |datum: Datum<'_>| {
        let schema = store.get(datum.schema);
        let value = tree::read(schema.as_deref(), datum.image, &[]).unwrap();
        (schema, value)
    };
    Event {
        topic: record.topic.to_owned(),
        key: read(record.key),
        value: read(record.value),
        headers: record.headers.iter().map(|(name, datum)| ((*name).to_owned(), read(*datum).1)).collect(),
        kind: record.kind,
        lsn: record.lsn,
        xid: record.xid,
        event: record.event,
    }
}
