//! Rows whose schema refers back to itself: the new row holds the old one's schema where it did, once more around.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::{Node, NodeId, Properties, Schema, SchemaBuilder, Type, Value};
use support::plan_executor::Interpreter;
use support::{Executor, Instance, Native, Record, Result};

/// A row of `id`, `next` (such a row), `all` (an array of them) and `box` (a struct around one).
fn row(b: &mut SchemaBuilder, parent: NodeId, field: &str) {
    let row = b.field(parent, field, Node::new(Type::Struct).named("t.Value").optional());
    b.field(row, "id", Node::new(Type::Int32));
    b.add_field(row, "next", row);
    let all = b.field(row, "all", Node::new(Type::Array).optional());
    b.node_mut(all).unwrap().item = Some(row);
    let around = b.field(row, "box", Node::new(Type::Struct).named("t.Box").optional());
    b.add_field(around, "row", row);
}

fn envelope() -> Schema {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("t.Envelope"));
    for name in ["before", "after"] {
        row(&mut b, root, name);
    }
    b.field(root, "op", Node::new(Type::String));
    b.build().unwrap()
}

fn leaf(id: i32) -> Value {
    Value::Struct(vec![Value::Int32(id), Value::Null, Value::Null, Value::Null])
}

fn nested() -> Value {
    let next = Value::Struct(vec![Value::Int32(2), leaf(3), Value::Null, Value::Null]);
    let all = Value::Array(vec![leaf(4), leaf(5)]);
    Value::Struct(vec![Value::Int32(1), next, all, Value::Struct(vec![leaf(6)])])
}

fn record(delete: bool, row: Value) -> Record {
    let (before, after) = if delete { (row, Value::Null) } else { (Value::Null, row) };
    let names = ["box", "next"].into_iter().map(|name| Value::String(name.into())).collect();
    let key = envelope().subschema(envelope().field(0, "after").unwrap().1).unwrap();
    Record {
        topic: "t".into(),
        partition: None,
        timestamp: None,
        key: (Some(key), nested()),
        value: (Some(envelope()), Value::Struct(vec![before, after, Value::String("x".into())])),
        headers: vec![("df".into(), (None, Value::Array(names)))],
    }
}

/// What both executors make of it.
fn apply(settings: &[(&str, &str)], record: &Record) -> Record {
    let properties = Properties::from_iter(settings.iter().copied());
    let native = Native(Instance::new(&properties).unwrap()).apply(record);
    let interpreted = Interpreter::new(Instance::new(&properties).unwrap()).apply(record);
    assert_eq!(native.differs_from(&interpreted), Vec::<String>::new());
    match native {
        Result::Record(record) => record,
        other => panic!("{}", other.describe()),
    }
}

const REWRITE: (&str, &str) = ("delete.tombstone.handling.mode", "rewrite");

#[test]
fn the_new_row_holds_the_old_rows_schema_where_it_referred_to_itself() {
    let (schema, value) = apply(&[REWRITE], &record(false, nested())).value;
    let Value::Struct(mut expected) = nested() else { panic!() };
    expected.push(Value::String("false".into()));
    assert_eq!(value, Value::Struct(expected));
    let schema = schema.unwrap();
    let (_, next) = schema.field(0, "next").unwrap();
    assert!(next > 0, "not the new row, which has __deleted");
    assert_eq!(schema.field(next, "__deleted"), None);
    assert_eq!(schema.field(next, "next").unwrap().1, next);
    assert!(schema.node(next).optional && !schema.root().optional);
}

#[test]
fn nulls_deletes_and_all_generations() {
    for settings in [&[("generation", "1.7")][..], &[], &[REWRITE], &[("add.fields", "op")]] {
        apply(settings, &record(false, nested()));
        apply(settings, &record(false, leaf(7)));
    }
    let (_, value) = apply(&[REWRITE], &record(true, nested())).value;
    assert!(matches!(value, Value::Struct(fields) if fields[4] == Value::String("true".into())));
}

#[test]
fn keys_lose_fields_and_headers_take_rows() {
    let settings = [
        ("drop.fields.header.name", "df"),
        ("drop.fields.from.key", "true"),
        ("drop.fields.keep.schema.compatible", "false"),
        ("add.headers", "after.next,after.all,before.next"),
    ];
    let changed = apply(&settings, &record(false, nested()));
    let Value::Struct(row) = nested() else { panic!() };
    let kept = Value::Struct(vec![row[0].clone(), row[2].clone()]);
    assert_eq!((&changed.key.1, &changed.value.1), (&kept, &kept));
    let headers: Vec<_> = changed.headers[1..].iter().map(|(_, (_, value))| value.clone()).collect();
    assert_eq!(headers, [row[1].clone(), row[2].clone(), Value::Null]);
}

#[test]
fn what_is_added_from_a_recursive_row() {
    let (schema, value) = apply(&[("add.fields", "after.all,before.next:old")], &record(false, nested())).value;
    let Value::Struct(fields) = value else { panic!() };
    let Value::Struct(row) = nested() else { panic!() };
    assert_eq!((&fields[4], &fields[5]), (&row[2], &Value::Null));
    assert_eq!(schema.unwrap().field(0, "__after_all").unwrap().0, 4);
}
