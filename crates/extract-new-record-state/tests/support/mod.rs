//! Records of the corpus, and instances to feed them to.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod plan_executor;

use connect_data::frame::{Datum as FrameDatum, Headers, Outcome, RecordFrame};
use connect_data::row_image::tree;
use connect_data::{InternedSchemas, Node, NodeId, Properties, Schema, SchemaBuilder, SchemaStore, Type};
use connect_json::vectors::{self, Vector};
use connect_json::{Datum, compare};
use extract_new_record_state::ExtractNewRecordState;
use serde_json::Value as Json;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) topic: String,
    pub(crate) partition: Option<i32>,
    pub(crate) timestamp: Option<i64>,
    pub(crate) key: Datum,
    pub(crate) value: Datum,
    pub(crate) headers: Vec<(String, Datum)>,
}

/// The schema of a change event: `before` and `after`, whose columns `fill` adds, and `op`.
pub(crate) fn envelope_of(fill: impl Fn(&mut SchemaBuilder, NodeId)) -> Schema {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("t.Envelope"));
    for name in ["before", "after"] {
        let row = b.field(root, name, Node::new(Type::Struct).named("t.Value").optional());
        fill(&mut b, row);
    }
    b.field(root, "op", Node::new(Type::String));
    b.build().unwrap()
}

/// What became of a record.
#[derive(Clone, Debug)]
pub(crate) enum Result {
    Record(Record),
    Drop,
    Error(connect_data::Error),
}

/// The vectors of these files, with what we want where it is not what Debezium does.
pub(crate) fn smt_vectors(prefix: &str) -> Vec<Vector> {
    let differences = std::fs::read_to_string(vectors::corpus().join("differences.json")).unwrap();
    let differences: Vec<Json> = serde_json::from_str(&differences).unwrap();
    let mut vectors = vectors::read_folder(&vectors::corpus().join("smt"), prefix).unwrap();
    for vector in &mut vectors {
        if let Some(wanted) = differences.iter().find(|wanted| wanted["id"] == vector.id.as_str()) {
            vector.json["expected"] = wanted["expected"].clone();
        }
    }
    vectors
}

/// Input and expectation of each step.
pub(crate) fn steps(vector: &Vector) -> Vec<(&Json, &Json)> {
    match vector.json.get("steps") {
        Some(steps) => steps.as_array().unwrap().iter().map(|step| (&step["input"], &step["expected"])).collect(),
        None => vec![(&vector.json["input"], &vector.json["expected"])],
    }
}

/// The vector's config, for its generation.
pub(crate) fn config(vector: &Vector) -> Properties {
    let mut config = Properties::default();
    for (name, value) in vector.json["config"].as_object().unwrap() {
        config.set(name, value.as_str().unwrap());
    }
    config.set("generation", vector.json["generation"].as_str().unwrap());
    config
}

impl Record {
    pub(crate) fn read(json: &Json) -> Self {
        let headers = json["headers"].as_array().unwrap().iter();
        Self {
            topic: json["topic"].as_str().unwrap().to_owned(),
            partition: json["kafkaPartition"].as_i64().map(|p| p as i32),
            timestamp: json["timestamp"].as_i64(),
            key: connect_json::read(&json["key"]).unwrap(),
            value: connect_json::read(&json["value"]).unwrap(),
            headers: headers.map(|h| (h["key"].as_str().unwrap().to_owned(), connect_json::read(h).unwrap())).collect(),
        }
    }

    pub(crate) fn frame(&self, store: &dyn SchemaStore) -> Vec<u8> {
        let image = |datum: &Datum| {
            let mut image = Vec::new();
            tree::write(datum.0.as_ref(), &datum.1, &mut image).unwrap();
            (intern(store, datum.0.as_ref()), image)
        };
        let (key, value) = (image(&self.key), image(&self.value));
        let headers: Vec<_> = self.headers.iter().map(|(name, datum)| (name, image(datum))).collect();
        let headers: Vec<_> = headers.iter().map(|(name, image)| (name.as_str(), frame_datum(image))).collect();
        let mut frame = Vec::new();
        RecordFrame::write(
            &self.topic,
            self.partition,
            self.timestamp,
            frame_datum(&key),
            frame_datum(&value),
            &headers,
            &mut frame,
        );
        frame
    }

    /// The record with the changes of an outcome.
    pub(crate) fn after(&self, outcome: &[u8], store: &dyn SchemaStore) -> Result {
        let mut record = self.clone();
        match Outcome::read(outcome).unwrap() {
            Outcome::Pass => {}
            Outcome::Drop => return Result::Drop,
            Outcome::Change { topic, key, value, append, put } => {
                assert!(put.is_none());
                record.topic = topic.map_or(record.topic, str::to_owned);
                record.key = key.map_or(record.key, |key| datum(key, store));
                record.value = value.map_or(record.value, |value| datum(value, store));
                record.headers.extend(append.map(|headers| read_headers(&headers, store)).unwrap_or_default());
            }
        }
        Result::Record(record)
    }

    /// Where this record differs from an expected one.
    pub(crate) fn differences(&self, expected: &Json) -> Vec<String> {
        let mut found = Vec::new();
        let mut check = |what: &str, expected: String, real: String| {
            if expected != real {
                found.push(format!("{what}: expected {expected}, found {real}"));
            }
        };
        check("topic", expected["topic"].as_str().unwrap().to_owned(), self.topic.clone());
        check(
            "partition",
            format!("{:?}", expected["kafkaPartition"].as_i64().map(|p| p as i32)),
            format!("{:?}", self.partition),
        );
        check("timestamp", format!("{:?}", expected["timestamp"].as_i64()), format!("{:?}", self.timestamp));
        let headers = expected["headers"].as_array().unwrap();
        let names = headers.iter().map(|h| h["key"].as_str().unwrap()).collect::<Vec<_>>().join(",");
        check("headers", names, self.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(","));
        found.extend(compare::data(&connect_json::read(&expected["key"]).unwrap(), &self.key));
        found.extend(compare::data(&connect_json::read(&expected["value"]).unwrap(), &self.value));
        for (expected, (name, real)) in headers.iter().zip(&self.headers) {
            let schema = &expected["schema"];
            let differences = if schema["type"] == "struct"
                && schema.get("fields").is_none_or(|f| f == &serde_json::json!([]))
                && expected["payload"].as_object().is_some_and(|fields| !fields.is_empty())
            {
                // The reference writes such a schema next to a full payload; only the payload can be compared.
                let payload = connect_json::payload::write(real.0.as_ref(), &real.1).unwrap();
                if payload == expected["payload"] { Vec::new() } else { vec![format!("{payload}")] }
            } else {
                compare::data(&connect_json::read(expected).unwrap(), real)
            };
            found.extend(differences.into_iter().map(|d| format!("header {name}: {d}")));
        }
        found
    }
}

impl Result {
    /// Where this result differs from an expectation of the corpus.
    pub(crate) fn differences(&self, expected: &Json) -> Vec<String> {
        match self {
            Self::Record(record) if expected.get("record").is_some() => record.differences(&expected["record"]),
            Self::Drop if expected.get("drop").is_some() => Vec::new(),
            Self::Error(_) if expected.get("error").is_some() => Vec::new(),
            other => {
                let mut expected = expected.to_string();
                expected.truncate(300);
                vec![format!("expected {expected}, found {}", other.describe())]
            }
        }
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Record(_) => "a record".to_owned(),
            Self::Drop => "a drop".to_owned(),
            Self::Error(error) => error.to_string(),
        }
    }

    /// Where two results differ; errors by their text.
    pub(crate) fn differs_from(&self, other: &Self) -> Vec<String> {
        match (self, other) {
            (Self::Drop, Self::Drop) => Vec::new(),
            (Self::Error(a), Self::Error(b)) if a.to_string() == b.to_string() => Vec::new(),
            (Self::Record(a), Self::Record(b)) => {
                let mut found = compare::data(&a.key, &b.key);
                found.extend(compare::data(&a.value, &b.value));
                let rest = |r: &Record| (r.topic.clone(), r.partition, r.timestamp, r.headers.len());
                if rest(a) != rest(b) {
                    found.push(format!("{:?} and {:?}", rest(a), rest(b)));
                }
                for ((name, a), (other, b)) in a.headers.iter().zip(&b.headers) {
                    if name != other {
                        found.push(format!("headers {name} and {other}"));
                    }
                    found.extend(compare::data(a, b));
                }
                found
            }
            (a, b) => vec![format!("{} and {}", a.describe(), b.describe())],
        }
    }
}

pub(crate) fn intern(store: &dyn SchemaStore, schema: Option<&Schema>) -> u32 {
    schema.map_or(0, |schema| store.intern(Arc::new(schema.clone())).unwrap())
}

fn frame_datum((schema, image): &(u32, Vec<u8>)) -> FrameDatum<'_> {
    FrameDatum { schema: *schema, image }
}

pub(crate) fn datum(datum: FrameDatum<'_>, store: &dyn SchemaStore) -> Datum {
    let schema = (datum.schema != 0).then(|| store.get(datum.schema).unwrap());
    let value = tree::read(schema.as_deref(), datum.image, &[]).unwrap();
    (schema.map(|schema| (*schema).clone()), value)
}

fn read_headers(headers: &Headers<'_>, store: &dyn SchemaStore) -> Vec<(String, Datum)> {
    headers.iter().map(|header| header.unwrap()).map(|(name, d)| (name.to_owned(), datum(d, store))).collect()
}

/// One configured instance and its store.
pub(crate) struct Instance {
    pub(crate) smt: ExtractNewRecordState,
    pub(crate) store: Arc<InternedSchemas>,
}

impl Instance {
    pub(crate) fn new(config: &Properties) -> connect_data::Result<Self> {
        let store = Arc::new(InternedSchemas::new());
        Ok(Self { smt: ExtractNewRecordState::new(config, store.clone())?, store })
    }
}

/// Runs records through one kind of executor.
pub(crate) trait Executor {
    fn apply(&mut self, record: &Record) -> Result;
}

/// The executor on row images.
pub(crate) struct Native(pub(crate) Instance);

impl Executor for Native {
    fn apply(&mut self, record: &Record) -> Result {
        use connect_data::Transformation;
        let mut out = vec![7; 3];
        match self.0.smt.apply(&record.frame(&*self.0.store), &mut out) {
            Ok(()) => record.after(&out[3..], &*self.0.store),
            Err(error) => {
                assert_eq!(out.len(), 3, "nothing is left behind by an error");
                Result::Error(error)
            }
        }
    }
}
