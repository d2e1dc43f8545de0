//! The converter for Kafka Connect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::row_image::{Image, Layout, tree};
use connect_data::{Converter, Decoded, Error, ErrorKind, InternedSchemas, Properties, Schema, SchemaStore, Value};
use std::sync::Arc;
use support::{Stream, capture};
use wal2json::{RecordKind, Wal2JsonConverter};

struct Connect {
    converter: Wal2JsonConverter,
    store: Arc<InternedSchemas>,
}

impl Connect {
    fn new(is_key: bool, extra: &[(&str, &str)]) -> Self {
        let base = [("topic.prefix", "srv"), ("database.dbname", "db")];
        let properties: Properties = base.iter().chain(extra).copied().collect();
        let store = Arc::new(InternedSchemas::new());
        let as_store: Arc<dyn SchemaStore> = store.clone();
        Self { converter: Wal2JsonConverter::new(&properties, is_key, as_store).unwrap(), store }
    }

    fn read(&self, payload: &str) -> Result<Option<(Arc<Schema>, Value)>, Error> {
        let mut out = b"before".to_vec();
        match self.converter.to_connect(0, &[], payload.as_bytes(), &mut out)? {
            Decoded::Value(Some(id)) => {
                let schema = self.store.get(id).unwrap();
                let value = tree::read(Some(&schema), &out[6..], payload.as_bytes()).unwrap();
                Ok(Some((schema, value)))
            }
            Decoded::Null => {
                assert_eq!(out, b"before");
                Ok(None)
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The envelope without what only the decoder knows.
fn essence(schema: &Schema, value: &Value) -> Vec<(String, Value)> {
    let Value::Struct(parts) = value else { panic!("no envelope") };
    let fields = schema.root().fields.iter().zip(parts);
    fields
        .filter(|(f, _)| ["before", "after", "op"].contains(&f.name.as_str()))
        .map(|(f, v)| (f.name.clone(), v.clone()))
        .collect()
}

#[test]
fn events_are_those_of_the_decoder() {
    for name in ["full-v2-default", "m-v2-default", "m-v2-all"] {
        let modes = [("time.precision.mode", "connect")];
        let (connect, mut stream) = (Connect::new(false, &modes), Stream::bare(&modes));
        let (mut same, mut nulls) = (0, 0);
        for line in capture(name) {
            // This one the decoder refuses: its key is unknown. The converter's value needs none.
            if line.data.contains("ri_index") && line.data.contains("\"pk\"") {
                assert!(connect.read(&line.data).unwrap().is_some());
                continue;
            }
            let mut events = stream.feed(line.data.as_bytes(), line.lsn).unwrap();
            events.retain(|event| event.kind != RecordKind::Tombstone);
            let found = connect.read(&line.data).unwrap();
            match (events.as_slice(), &found) {
                ([], None) => nulls += 1,
                ([event], Some((schema, value))) => {
                    assert_eq!(event.value.0.as_ref(), Some(schema), "{}", line.data);
                    assert_eq!(essence(schema, value), essence(schema, &event.value.1), "{}", line.data);
                    same += 1;
                }
                // One record in, one record out: the change of a key stays an update.
                ([_, create], Some((schema, value))) => {
                    let found = essence(schema, value);
                    assert_eq!(found[2].1, Value::String("u".to_owned()));
                    assert_eq!(found[1], essence(schema, &create.value.1)[1]);
                }
                (events, found) => panic!("{}: {events:?} {found:?}", line.data),
            }
        }
        assert!(same > 15 && nulls > 40, "{name}: {same} {nulls}");
    }
}

#[test]
fn strings_stay_in_the_payload() {
    let connect = Connect::new(false, &[]);
    let payload = concat!(
        r#"{"action":"I","xid":7,"timestamp":"2026-01-02 03:04:05.678+00","lsn":"1/A","schema":"s","table":"t","columns":["#,
        r#"{"name":"a","type":"text","value":"plain"},{"name":"b","type":"text","value":"esc\t"}]}"#
    );
    let mut out = Vec::new();
    let Decoded::Value(Some(id)) = connect.converter.to_connect(0, &[], payload.as_bytes(), &mut out).unwrap() else {
        panic!("no value")
    };
    let schema = connect.store.get(id).unwrap();
    let layout = Layout::of(&schema);
    let after = schema.field(0, "after").unwrap().1;
    let slot = |name: &str| layout.slot(schema.field(after, name).unwrap().1) as usize;
    let image = Image::new(&out, payload.as_bytes()).unwrap();
    assert_eq!((image.is_in_tail(slot("a")), image.is_in_tail(slot("b"))), (false, true));
    assert_eq!((image.text(slot("a")).unwrap(), image.text(slot("b")).unwrap()), ("plain", "esc\t"));
    // The source block has what the line says; nobody knows when the event was processed.
    let source = schema.field(0, "source").unwrap().1;
    let at = |name: &str| layout.slot(schema.field(source, name).unwrap().1) as usize;
    assert_eq!(
        (image.get(at("txId")), image.get(at("lsn")), image.get(at("ts_ms"))),
        (7, (1 << 32) + 10, 1_767_323_045_678)
    );
    assert_eq!(image.text(at("sequence")).unwrap(), "[null,\"4294967306\"]");
    assert!(image.is_null(layout.slot(schema.field(0, "ts_ms").unwrap().1) as usize));
}

#[test]
fn keys_come_from_the_primary_key() {
    let keys = Connect::new(true, &[]);
    let insert = r#"{"action":"I","schema":"s","table":"t","columns":[{"name":"a","type":"integer","value":1},{"name":"b","type":"text","value":"x"}],"pk":[{"name":"b","type":"text"}]}"#;
    let (schema, value) = keys.read(insert).unwrap().unwrap();
    assert_eq!(
        (schema.root().name.as_deref(), value),
        (Some("srv.s.t.Key"), Value::Struct(vec![Value::String("x".into())]))
    );
    assert!(!schema.node(1).optional);
    let delete = r#"{"action":"D","schema":"s","table":"t","identity":[{"name":"b","type":"text","value":"y"}],"pk":[{"name":"b","type":"text"}]}"#;
    assert_eq!(keys.read(delete).unwrap().unwrap().1, Value::Struct(vec![Value::String("y".into())]));
    let keyless =
        r#"{"action":"I","schema":"s","table":"u","columns":[{"name":"a","type":"integer","value":1}],"pk":[]}"#;
    assert_eq!(keys.read(keyless).unwrap(), None);
    assert_eq!(keys.read(r#"{"action":"B"}"#).unwrap(), None);
}

#[test]
fn lines_without_a_row_are_null() {
    let connect = Connect::new(false, &[]);
    for line in [
        r#"{"action":"B","xid":1}"#,
        r#"{"action":"C","xid":1}"#,
        r#"{"action":"M","transactional":false,"prefix":"p","content":"c"}"#,
        r#"{"action":"T","schema":"s","table":"t"}"#,
    ] {
        assert_eq!(connect.read(line).unwrap(), None, "{line}");
    }
}

#[test]
fn format_1_is_refused_with_the_reason() {
    let connect = Connect::new(false, &[]);
    for name in ["m-v1-default", "m-v1-all", "full-v1-debezium17", "m-v1-chunks-pretty-lsn"] {
        for line in capture(name) {
            let error = connect.read(&line.data).unwrap_err();
            assert_eq!((error.code(), error.kind()), ("wal2json.format-1", ErrorKind::Data), "{}", line.data);
            assert!(error.hint_text().unwrap().contains("format-version=2"), "{error}");
        }
    }
    for other in ["", "x", "{}", "[1]", "{\"foo\":1}"] {
        assert_ne!(connect.read(other).unwrap_err().code(), "wal2json.format-1", "{other}");
    }
}

#[test]
fn it_only_reads_and_needs_nothing() {
    let connect = Connect::new(false, &[]);
    let error = connect.converter.from_connect(0, None, &[], &mut Vec::new()).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("wal2json.read-only", ErrorKind::Data));
    assert!(!connect.converter.exchange(1, 0, &mut Vec::new()).unwrap());
    connect.converter.answer(&[], 0).unwrap();
    let topics: Vec<_> = ["a", "b", "a"].iter().map(|name| connect.converter.topic(name).unwrap()).collect();
    assert_eq!(topics, [0, 1, 0]);
    let refused = Wal2JsonConverter::new(&Properties::default(), false, Arc::new(InternedSchemas::new()));
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::Config);
}

#[test]
fn one_converter_serves_many_threads() {
    let connect = Connect::new(false, &[("time.precision.mode", "connect")]);
    let lines: Vec<_> = capture("m-v2-default").into_iter().map(|line| line.data).collect();
    // One thread has gone first, so that all learn of the tables in the same order.
    let expected: Vec<_> = lines.iter().map(|line| connect.read(line).unwrap()).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let found: Vec<_> = lines.iter().map(|line| connect.read(line).unwrap()).collect();
                    assert_eq!(found, expected);
                }
            });
        }
    });
}
