//! Nulls where the schema wants a value or has a default: what `Struct.get`, `getWithoutDefault` and `Struct.put` make of
//! them in each generation. Beyond the corpus, from the Java sources of Debezium 1.7.0, 3.6.1 and Kafka Connect.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::{Node, Properties, Schema, SchemaBuilder, Type, Value};
use support::plan_executor::Interpreter;
use support::{Executor, Instance, Native, Record, Result, envelope_of};

/// A row of `must` (required), `def` (required, default 7), `opt` (optional, default 8).
fn envelope() -> Schema {
    envelope_of(|b, row| {
        b.field(row, "must", Node::new(Type::String));
        b.field(row, "def", Node::new(Type::Int32).default_value(Value::Int32(7)));
        b.field(row, "opt", Node::new(Type::Int32).default_value(Value::Int32(8)).optional());
    })
}

fn record(delete: bool, row: [Value; 3], dropped: &[&str]) -> Record {
    let row = Value::Struct(row.to_vec());
    let (before, after) = if delete { (row, Value::Null) } else { (Value::Null, row) };
    let names = dropped.iter().map(|name| Value::String((*name).into())).collect();
    Record {
        topic: "t".into(),
        partition: None,
        timestamp: None,
        key: (None, Value::Null),
        value: (Some(envelope()), Value::Struct(vec![before, after, Value::String("x".into())])),
        headers: vec![("df".into(), (None, Value::Array(names)))],
    }
}

/// The row that comes out, or the code of the error, the same from both executors.
fn apply(settings: &[(&str, &str)], record: &Record) -> std::result::Result<Vec<Value>, (String, String)> {
    let properties = Properties::from_iter(settings.iter().copied());
    let native = Native(Instance::new(&properties).unwrap()).apply(record);
    let interpreted = Interpreter::new(Instance::new(&properties).unwrap()).apply(record);
    assert_eq!(native.differs_from(&interpreted), Vec::<String>::new());
    match native {
        Result::Record(record) => match record.value.1 {
            Value::Struct(fields) => Ok(fields),
            other => panic!("{other:?}"),
        },
        Result::Drop => panic!("dropped"),
        Result::Error(error) => Err((error.code().to_owned(), error.path_text())),
    }
}

const LEGACY: (&str, &str) = ("generation", "1.7");
const REWRITE: (&str, &str) = ("delete.tombstone.handling.mode", "rewrite");
const KEEP: (&str, &str) = ("replace.null.with.default", "false");
const DROP: [(&str, &str); 2] = [("drop.fields.header.name", "df"), ("drop.fields.keep.schema.compatible", "false")];

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn refused(field: &str) -> std::result::Result<Vec<Value>, (String, String)> {
    Err(("enrs.null-required".into(), field.into()))
}

#[test]
fn a_null_with_a_default() {
    let row = [text("a"), Value::Null, Value::Null];
    let created = record(false, row.clone(), &[]);
    assert_eq!(apply(&[LEGACY], &created), Ok(vec![text("a"), Value::Int32(7), Value::Int32(8)]));
    assert_eq!(apply(&[], &created), refused("after.def"));
    assert_eq!(apply(&[REWRITE], &created), Ok(vec![text("a"), Value::Int32(7), Value::Int32(8), text("false")]));
    assert_eq!(apply(&[REWRITE, KEEP], &created), refused("after.def"));
    let deleted = record(true, row, &[]);
    assert_eq!(apply(&[REWRITE], &deleted), Ok(vec![text("a"), Value::Int32(7), Value::Int32(8), text("true")]));
    assert_eq!(apply(&[REWRITE, KEEP], &deleted), refused("before.def"));
    let optional = record(false, [text("a"), Value::Int32(1), Value::Null], &[]);
    assert_eq!(apply(&[], &optional), Ok(vec![text("a"), Value::Int32(1), Value::Null]));
    assert_eq!(apply(&[REWRITE, KEEP], &optional), Ok(vec![text("a"), Value::Int32(1), Value::Null, text("false")]));
}

#[test]
fn a_null_without_a_default() {
    let created = record(false, [Value::Null, Value::Int32(1), Value::Null], &[]);
    for settings in [&[LEGACY][..], &[], &[REWRITE], &[REWRITE, KEEP]] {
        assert_eq!(apply(settings, &created), refused("after.must"));
    }
}

#[test]
fn a_null_in_a_field_that_is_dropped() {
    // Created rows are copied before fields are dropped, deleted ones after.
    let row = [Value::Null, Value::Int32(1), Value::Null];
    assert_eq!(apply(&DROP, &record(false, row.clone(), &["must"])), refused("after.must"));
    // With __deleted the row is copied once more, before.
    let [header, all] = DROP;
    assert_eq!(apply(&[header, all, REWRITE], &record(true, row, &["must"])), refused("before.must"));
    let row = [text("a"), Value::Int32(1), Value::Null];
    assert_eq!(apply(&DROP, &record(false, row.clone(), &["must"])), Ok(vec![Value::Int32(1), Value::Int32(8)]));
    assert_eq!(apply(&DROP, &record(false, row, &[])), Ok(vec![text("a"), Value::Int32(1), Value::Null]));
}

#[test]
fn unavailable_is_neither_null_nor_a_value() {
    let row = [Value::Unavailable, Value::Unavailable, Value::Unavailable];
    let properties = Properties::from_iter([REWRITE]);
    let result = Native(Instance::new(&properties).unwrap()).apply(&record(false, row.clone(), &[]));
    let Result::Record(result) = result else { panic!() };
    assert_eq!(result.value.1, Value::Struct([&row[..], &[text("false")]].concat()));
}

/// An envelope with an optional `source` (whose default has a name), an own field `extra` and a row of one field.
fn with_source(source: Value) -> Record {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("t.Envelope"));
    let row = b.field(root, "after", Node::new(Type::Struct).named("t.Value").optional());
    b.field(row, "id", Node::new(Type::Int32));
    let default = Value::Struct(vec![text("default"), Value::Null]);
    let node = b.field(root, "source", Node::new(Type::Struct).optional().default_value(default));
    b.field(node, "name", Node::new(Type::String).optional());
    b.field(node, "lsn", Node::new(Type::Int64).optional().default_value(Value::Int64(3)));
    b.field(root, "op", Node::new(Type::String));
    b.field(root, "extra", Node::new(Type::String));
    let row = Value::Struct(vec![Value::Int32(1)]);
    Record {
        topic: "t".into(),
        partition: None,
        timestamp: None,
        key: (None, Value::Null),
        value: (Some(b.build().unwrap()), Value::Struct(vec![row, source, text("c"), text("e")])),
        headers: Vec::new(),
    }
}

#[test]
fn an_added_field_of_a_struct_that_is_null() {
    let fields = |value: &'static str| [("add.fields", value)];
    let there = with_source(Value::Struct(vec![text("n"), Value::Null]));
    let absent = with_source(Value::Null);
    // 3.x finds `extra` in the envelope, but only where `source`, in which it looks first, is not null.
    assert_eq!(apply(&fields("name,lsn,extra"), &there).unwrap()[1..], [text("n"), Value::Null, text("e")]);
    assert_eq!(apply(&fields("name,lsn,extra"), &absent).unwrap()[1..], [Value::Null, Value::Null, Value::Null]);
    // 1.7 takes the defaults of both.
    let legacy = [LEGACY, ("add.fields", "name,lsn")];
    assert_eq!(apply(&legacy, &there).unwrap()[1..], [text("n"), Value::Int64(3)]);
    assert_eq!(apply(&legacy, &absent).unwrap()[1..], [text("default"), Value::Int64(3)]);
}

#[test]
fn optional_fields_of_a_value_without_schema() {
    let deleted = record(true, [text("a"), Value::Int32(1), Value::Null], &["opt"]);
    let settings = [("delete.tombstone.handling.mode", "delete-to-tombstone"), ("drop.fields.header.name", "df")];
    assert_eq!(apply(&settings, &deleted), Err(("enrs.drop-fields".into(), String::new())));
}

/// An envelope whose row is as `build` makes it, twice, with `default` for both.
fn enveloped(build: impl Fn(&mut SchemaBuilder, u32), default: Option<Value>, rows: [Value; 2]) -> Record {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("t.Envelope"));
    for name in ["before", "after"] {
        let mut node = Node::new(Type::Struct).named("t.Value").optional();
        node.default.clone_from(&default);
        let row = b.field(root, name, node);
        build(&mut b, row);
    }
    b.field(root, "op", Node::new(Type::String));
    let [before, after] = rows;
    Record {
        topic: "t".into(),
        partition: None,
        timestamp: None,
        key: (None, Value::Null),
        value: (Some(b.build().unwrap()), Value::Struct(vec![before, after, text("u")])),
        headers: Vec::new(),
    }
}

#[test]
fn a_row_that_is_null_but_has_a_default() {
    let id = |b: &mut SchemaBuilder, row| {
        b.field(row, "id", Node::new(Type::Int32));
    };
    let row = |id| Value::Struct(vec![Value::Int32(id)]);
    let record = |rows| enveloped(id, Some(row(9)), rows);
    let op = [("add.fields", "op,after.id:AFTER")];
    let fields = |id, after| Ok(vec![Value::Int32(id), text("u"), after]);
    // `Struct.get` gives the row; what is added is read without defaults.
    assert_eq!(apply(&op, &record([Value::Null, Value::Null])), fields(9, Value::Null));
    assert_eq!(apply(&op, &record([row(1), row(2)])), fields(2, Value::Int32(2)));
    assert_eq!(apply(&[op[0], LEGACY], &record([Value::Null, Value::Null])), fields(9, Value::Int32(9)));
}

#[test]
fn nulls_inside_of_values() {
    let columns = |b: &mut SchemaBuilder, row| {
        let list = b.field(row, "list", Node::new(Type::Array).optional());
        let item = b.push(Node::new(Type::Int32).default_value(Value::Int32(1)));
        b.node_mut(list).unwrap().item = Some(item);
        let nested = b.field(row, "nested", Node::new(Type::Struct).optional());
        b.field(nested, "must", Node::new(Type::Int32));
        b.field(nested, "def", Node::new(Type::Int32).default_value(Value::Int32(1)));
    };
    let list = |item| Value::Array(vec![Value::Int32(3), item]);
    let nested = |must, def| Value::Struct(vec![must, def]);
    let (one, null) = (|| Value::Int32(1), || Value::Null);
    let outcome = |list: Value, nested: Value| {
        let row = Value::Struct(vec![list.clone(), nested.clone()]);
        let record = enveloped(columns, None, [Value::Null, row]);
        let found = [&[][..], &[LEGACY], &[REWRITE]].map(|settings| {
            apply(settings, &record).map(|mut row| {
                row.truncate(2);
                row
            })
        });
        assert!(found.iter().all(|other| *other == found[0]), "{found:?}");
        found[0].clone()
    };
    assert!(outcome(list(one()), nested(one(), one())).is_ok());
    assert!(outcome(null(), null()).is_ok());
    // A field's default excuses its null, an item's does not.
    assert!(outcome(null(), nested(one(), null())).is_ok());
    assert_eq!(outcome(list(null()), null()), refused("after.list"));
    assert_eq!(outcome(null(), nested(null(), one())), refused("after.nested"));
}

#[test]
fn a_struct_that_is_a_default_fits_no_field() {
    let columns = |b: &mut SchemaBuilder, row| {
        let node = Node::new(Type::Struct).optional().default_value(Value::Struct(vec![Value::Int32(1)]));
        let nested = b.field(row, "nested", node);
        b.field(nested, "a", Node::new(Type::Int32));
    };
    let record = enveloped(columns, None, [Value::Null, Value::Struct(vec![Value::Null])]);
    assert_eq!(apply(&[LEGACY], &record), refused("after.nested"));
    assert_eq!(apply(&[REWRITE], &record), refused("after.nested"));
    assert_eq!(apply(&[], &record), Ok(vec![Value::Null]));
}

#[test]
fn the_list_of_fields_to_drop_may_be_an_added_header() {
    let columns = |b: &mut SchemaBuilder, row| {
        let tags = b.field(row, "tags", Node::new(Type::Array).optional());
        let item = b.push(Node::new(Type::String));
        b.node_mut(tags).unwrap().item = Some(item);
        b.field(row, "x", Node::new(Type::Int32).optional());
        b.field(row, "y", Node::new(Type::Int32).optional());
    };
    let tags = Value::Array(vec![text("x"), Value::String("nope".into())]);
    let row = Value::Struct(vec![tags.clone(), Value::Int32(1), Value::Int32(2)]);
    let mut record = enveloped(columns, None, [Value::Null, row]);
    let settings = [("add.headers", "after.tags:drop"), ("drop.fields.header.name", "__drop")];
    assert_eq!(apply(&settings, &record), Ok(vec![tags.clone(), Value::Int32(2)]));
    // The record's own comes first, even a null.
    record.headers.push(("__drop".into(), (None, Value::Null)));
    assert_eq!(apply(&settings, &record), Ok(vec![tags.clone(), Value::Int32(1), Value::Int32(2)]));
    record.headers[0].1 = (None, Value::Array(vec![Value::Null, Value::Int64(5), text("y")]));
    assert_eq!(apply(&settings, &record), Ok(vec![tags, Value::Int32(1)]));
}
