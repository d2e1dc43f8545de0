//! Values that the source did not send: the placeholder in every form that Debezium writes it, and what becomes of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::{Node, Properties, Schema, Type, Value};
use support::plan_executor::Interpreter;
use support::{Executor, Instance, Native, Record, Result, envelope_of};

const PLACEHOLDER: &str = "__debezium_unavailable_value";
const COLUMNS: [&str; 7] = ["text", "bytes", "texts", "ints", "longs", "tags", "price"];

fn envelope() -> Schema {
    envelope_of(|b, row| {
        b.field(row, "text", Node::new(Type::String));
        b.field(row, "bytes", Node::new(Type::Bytes).optional());
        for (name, kind) in [("texts", Type::String), ("ints", Type::Int32), ("longs", Type::Int64)] {
            let list = b.field(row, name, Node::new(Type::Array).optional());
            let item = b.push(Node::new(kind).optional());
            b.node_mut(list).unwrap().item = Some(item);
        }
        let tags = b.field(row, "tags", Node::new(Type::Map).optional());
        let (key, item) = (b.push(Node::new(Type::String)), b.push(Node::new(Type::String).optional()));
        b.node_mut(tags).unwrap().key = Some(key);
        b.node_mut(tags).unwrap().item = Some(item);
        b.field(
            row,
            "price",
            Node::new(Type::Bytes).named("org.apache.kafka.connect.data.Decimal").parameter("scale", "2"),
        );
    })
}

fn placeholders() -> [Value; 7] {
    let text = Value::String(PLACEHOLDER.into());
    [
        text.clone(),
        Value::Bytes(PLACEHOLDER.into()),
        Value::Array(vec![text.clone()]),
        Value::Array(PLACEHOLDER.bytes().map(|octet| Value::Int32(octet.into())).collect()),
        Value::Array(PLACEHOLDER.bytes().map(|octet| Value::Int64(octet.into())).collect()),
        Value::Map(vec![(text.clone(), text)]),
        // A number of any octets is a number.
        Value::Bytes(PLACEHOLDER.into()),
    ]
}

/// Values that look like the placeholder but are none.
fn values() -> [Value; 7] {
    let text = Value::String(PLACEHOLDER.into());
    [
        Value::String(format!("{PLACEHOLDER} ")),
        Value::Bytes(Vec::new()),
        Value::Array(vec![text.clone(), text.clone()]),
        Value::Array(vec![Value::Null; PLACEHOLDER.len()]),
        Value::Array(PLACEHOLDER.bytes().map(|octet| Value::Int64(-i64::from(octet))).collect()),
        Value::Map(vec![(text, Value::Null)]),
        Value::Bytes(vec![1]),
    ]
}

fn record(row: [Value; 7]) -> Record {
    Record {
        topic: "t".into(),
        partition: None,
        timestamp: None,
        key: (None, Value::Null),
        value: (
            Some(envelope()),
            Value::Struct(vec![Value::Null, Value::Struct(row.to_vec()), Value::String("u".into())]),
        ),
        headers: vec![("own".into(), (None, Value::Null))],
    }
}

fn apply(settings: &[(&str, &str)], record: &Record) -> Result {
    Native(Instance::new(&Properties::from_iter(settings.iter().copied())).unwrap()).apply(record)
}

fn same_from_both(settings: &[(&str, &str)], record: &Record) -> Result {
    let properties = Properties::from_iter(settings.iter().copied());
    let native = apply(settings, record);
    let interpreted = Interpreter::new(Instance::new(&properties).unwrap()).apply(record);
    assert_eq!(native.differs_from(&interpreted), Vec::<String>::new());
    native
}

fn row(result: Result) -> (Vec<Value>, Vec<String>) {
    let Result::Record(record) = result else { panic!("{result:?}") };
    let Value::Struct(row) = record.value.1 else { panic!() };
    (row, record.headers.into_iter().map(|(name, _)| name).collect())
}

const HANDLING: &str = "unavailable.value.handling";

#[test]
fn kept_as_debezium_does() {
    for settings in [&[][..], &[(HANDLING, "keep")]] {
        assert_eq!(
            row(same_from_both(settings, &record(placeholders()))),
            (placeholders().to_vec(), vec!["own".into()])
        );
    }
}

#[test]
fn listed_in_a_header() {
    let Result::Record(found) = same_from_both(&[(HANDLING, " Header ")], &record(placeholders())) else { panic!() };
    let (name, (schema, value)) = found.headers.last().unwrap();
    let listed = COLUMNS[..6].iter().map(|name| Value::String((*name).into())).collect();
    assert_eq!((name.as_str(), value), ("__unavailable", &Value::Array(listed)));
    assert_eq!(schema.as_ref().unwrap().root().kind, Type::Array);
    assert_eq!(found.value.1, Value::Struct(placeholders().to_vec()));
    assert_eq!(
        row(same_from_both(&[(HANDLING, "header")], &record(values()))),
        (values().to_vec(), vec!["own".into()])
    );
}

#[test]
fn marked_in_the_row() {
    let (found, headers) = row(apply(&[(HANDLING, "mark")], &record(placeholders())));
    assert_eq!(found[..6], vec![Value::Unavailable; 6]);
    assert_eq!((&found[6], headers), (&placeholders()[6], vec!["own".to_owned()]));
    assert_eq!(row(apply(&[(HANDLING, "mark")], &record(values()))).0, values());
}

#[test]
fn refused() {
    for (column, name) in COLUMNS[..6].iter().enumerate() {
        let mut row = values();
        row[column] = placeholders()[column].clone();
        let Result::Error(error) = same_from_both(&[(HANDLING, "fail")], &record(row)) else { panic!("{name}") };
        assert_eq!((error.code(), error.path_text()), ("enrs.unavailable", (*name).to_owned()));
        assert!(!error.to_string().contains(PLACEHOLDER));
    }
    assert_eq!(row(same_from_both(&[(HANDLING, "fail")], &record(values()))).0, values());
}

#[test]
fn another_placeholder() {
    let mut row = values();
    row[0] = Value::String("?".into());
    let settings = [(HANDLING, "fail"), ("unavailable.value.placeholder", "?")];
    assert!(matches!(same_from_both(&settings, &record(row)), Result::Error(_)));
}
