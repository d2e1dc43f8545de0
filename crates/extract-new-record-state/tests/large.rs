//! Wide rows and large values.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::{Node, Properties, SchemaBuilder, Type, Value};
use support::{Executor, Instance, Native, Record, Result};

fn record(columns: usize, value: impl Fn(usize) -> Value) -> Record {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("t.Envelope"));
    for name in ["before", "after"] {
        let row = b.field(root, name, Node::new(Type::Struct).named("t.Value").optional());
        for column in 0..columns {
            let kind = if column % 2 == 0 { Type::String } else { Type::Int64 };
            b.field(row, format!("column_{column}"), Node::new(kind).optional());
        }
    }
    b.field(root, "op", Node::new(Type::String));
    let row = Value::Struct((0..columns).map(value).collect());
    Record {
        topic: "t".into(),
        partition: Some(3),
        timestamp: Some(1),
        key: (None, Value::Null),
        value: (Some(b.build().unwrap()), Value::Struct(vec![row.clone(), row, Value::String("u".into())])),
        headers: Vec::new(),
    }
}

fn unwrapped(record: &Record) -> Vec<Value> {
    let settings = Properties::from_iter([("delete.tombstone.handling.mode", "rewrite"), ("add.fields", "op")]);
    match Native(Instance::new(&settings).unwrap()).apply(record) {
        Result::Record(Record { value: (_, Value::Struct(row)), .. }) => row,
        other => panic!("{}", other.describe()),
    }
}

#[test]
fn a_thousand_columns() {
    let value = |column: usize| match column {
        _ if column.is_multiple_of(3) => Value::Null,
        _ if column.is_multiple_of(2) => Value::String(format!("value {column}")),
        _ => Value::Int64(column as i64),
    };
    let row = unwrapped(&record(1_000, value));
    assert_eq!(row.len(), 1_002);
    assert!((0..1_000).all(|column| row[column] == value(column)));
    assert_eq!(row[1_000..], [Value::String("false".into()), Value::String("u".into())]);
}

#[test]
fn ten_megabytes_in_one_value() {
    let text = Value::String("ä".repeat(5 << 20));
    let value = |column: usize| if column == 0 { text.clone() } else { Value::Int64(7) };
    let row = unwrapped(&record(2, value));
    assert_eq!(row[..2], [text.clone(), Value::Int64(7)]);
}
