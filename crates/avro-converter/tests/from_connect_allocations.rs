//! Encoding allocates nothing once the output and the thread's frames have grown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod counting;

use avro_converter::config::AvroDataConfig;
use avro_converter::from_connect::EncodePlan;
use connect_data::row_image::{Image, tree};
use connect_data::schema::{Node, logical};
use connect_data::{NodeId, Properties, Schema, SchemaBuilder, Type, Value};
fn allocations(schema: Option<&Schema>, values: &[Value]) -> u64 {
    let mut properties = Properties::default();
    properties.set("enhanced.avro.schema.support", "true");
    let config = AvroDataConfig::new(&properties).unwrap();
    let plan = EncodePlan::compile(schema, &config).unwrap();
    let images: Vec<Vec<u8>> = values
        .iter()
        .map(|value| {
            let mut image = Vec::new();
            tree::write(schema, value, &mut image).unwrap();
            image
        })
        .collect();
    let mut out = Vec::new();
    let mut counted = 0;
    for round in 0..3 {
        out.clear();
        let before = counting::count();
        for image in &images {
            assert!(plan.encode(&Image::new(image, &[]).unwrap(), &mut out).unwrap());
        }
        if round > 0 {
            counted += counting::count() - before;
        }
    }
    assert!(!out.is_empty());
    counted
}

/// A node of every kind, `again` deep.
fn everything(b: &mut SchemaBuilder, parent: NodeId, again: u32) {
    let kinds = [
        Type::Int8,
        Type::Int16,
        Type::Int32,
        Type::Int64,
        Type::Float32,
        Type::Float64,
        Type::Boolean,
        Type::String,
        Type::Bytes,
    ];
    for (i, kind) in kinds.into_iter().enumerate() {
        b.field(parent, format!("required{i}"), Node::new(kind));
        b.field(parent, format!("optional{i}"), Node::new(kind).optional());
    }
    b.field(parent, "decimal", Node::new(Type::Bytes).named(logical::DECIMAL).parameter("scale", "2"));
    b.field(parent, "default", Node::new(Type::String).optional().default_value(Value::String("d".into())));
    let color = Node::new(Type::String)
        .named("e.Color")
        .parameter("io.confluent.connect.avro.Enum", "e.Color")
        .parameter("io.confluent.connect.avro.Enum.RED", "RED");
    b.field(parent, "enum", color);
    let map = b.field(parent, "map", Node::new(Type::Map));
    let key = b.push(Node::new(Type::String));
    let item = b.push(Node::new(Type::Int64).optional());
    (b.node_mut(map).unwrap().key, b.node_mut(map).unwrap().item) = (Some(key), Some(item));
    let entries = b.field(parent, "entries", Node::new(Type::Map).named(format!("e.Entry{again}")));
    let key = b.push(Node::new(Type::Int32));
    let item = b.push(Node::new(Type::String));
    (b.node_mut(entries).unwrap().key, b.node_mut(entries).unwrap().item) = (Some(key), Some(item));
    if again > 0 {
        let array = b.field(parent, "array", Node::new(Type::Array));
        let inner = b.push(Node::new(Type::Struct).named(format!("e.Inner{again}")));
        b.node_mut(array).unwrap().item = Some(inner);
        everything(b, inner, again - 1);
    }
}

fn some_of(schema: &Schema, id: NodeId, null: bool) -> Value {
    let node = schema.node(id);
    if null && node.optional {
        return Value::Null;
    }
    match node.kind {
        Type::Int8 => Value::Int8(-5),
        Type::Int16 => Value::Int16(500),
        Type::Int32 => Value::Int32(70_000),
        Type::Int64 => Value::Int64(i64::MIN),
        Type::Float32 => Value::Float32(1.5),
        Type::Float64 => Value::Float64(f64::NAN),
        Type::Boolean => Value::Boolean(true),
        Type::String if node.name.is_some() => Value::String("RED".into()),
        Type::String => Value::String("größe".into()),
        Type::Bytes => Value::Bytes(vec![0, 1, 2]),
        Type::Array => Value::Array((0..3).map(|i| some_of(schema, node.item.unwrap(), i == 1)).collect()),
        Type::Map => {
            let key = some_of(schema, node.key.unwrap(), false);
            Value::Map(vec![(key, some_of(schema, node.item.unwrap(), null))])
        }
        Type::Struct => Value::Struct(node.fields.iter().map(|f| some_of(schema, f.node, null)).collect()),
    }
}

#[test]
fn a_nested_record_of_every_kind() {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("e.Row"));
    everything(&mut b, root, 3);
    let schema = b.build().unwrap();
    let values = [some_of(&schema, 0, false), some_of(&schema, 0, true)];
    assert_eq!(allocations(Some(&schema), &values), 0);
}

#[test]
fn a_recursive_record() {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("e.List").optional());
    b.field(root, "v", Node::new(Type::Int32));
    b.add_field(root, "next", root);
    let schema = b.build().unwrap();
    let mut value = Value::Null;
    for i in 0..300 {
        value = Value::Struct(vec![Value::Int32(i), value]);
    }
    assert_eq!(allocations(Some(&schema), &[value]), 0);
}

#[test]
fn schemaless_data() {
    let value = Value::Map(vec![
        (Value::String("a".into()), Value::Array(vec![Value::Null, Value::Boolean(true), Value::Int64(-1)])),
        (Value::Int64(i64::MIN), Value::Float32(1.5)),
    ]);
    assert_eq!(allocations(None, &[value]), 0);
}
