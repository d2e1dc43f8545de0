//! A mode that Debezium 3.0 does not know: it starts all the same, and fails on the records that ask for the mode.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::{Node, Properties, Schema, Type, Value};
use support::plan_executor::Interpreter;
use support::{Executor, Instance, Native, Record, Result, envelope_of};

fn envelope() -> Schema {
    envelope_of(|b, row| {
        b.field(row, "id", Node::new(Type::Int32));
    })
}

fn what_becomes_of(schema: Option<Schema>, value: Value) -> Result {
    let record = Record {
        topic: "t".into(),
        partition: None,
        timestamp: None,
        key: (None, Value::Null),
        value: (schema, value),
        headers: Vec::new(),
    };
    let settings = [("generation", "3.0"), ("delete.tombstone.handling.mode", "delete-to-tombstone")];
    let properties = Properties::from_iter(settings);
    let native = Native(Instance::new(&properties).unwrap()).apply(&record);
    let interpreted = Interpreter::new(Instance::new(&properties).unwrap()).apply(&record);
    assert_eq!(native.differs_from(&interpreted), Vec::<String>::new());
    native
}

#[test]
fn events_with_rows_and_tombstones_are_errors() {
    let row = || Value::Struct(vec![Value::Int32(1)]);
    let event = |before, after| Value::Struct(vec![before, after, Value::String("u".into())]);
    for value in [event(Value::Null, row()), event(row(), Value::Null), Value::Null] {
        let Result::Error(error) = what_becomes_of(Some(envelope()), value) else { panic!() };
        assert_eq!(error.code(), "enrs.mode");
    }
    assert!(matches!(what_becomes_of(Some(envelope()), event(Value::Null, Value::Null)), Result::Drop));
    assert!(matches!(what_becomes_of(None, Value::Int64(1)), Result::Record(_)));
}
