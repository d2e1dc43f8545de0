//! Random schemas with values that fit them.

use connect_data::{Node, NodeId, Schema, SchemaBuilder, Type, Value};
use proptest::prelude::*;

/// A schema as a tree, which proptest can shrink; the arena is built from it.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Leaf(Type, bool),
    Struct(Vec<Shape>, bool),
    Array(Box<Shape>, bool),
    Map(Box<Shape>, Box<Shape>, bool),
}

pub(crate) fn shapes() -> impl Strategy<Value = Shape> {
    let leaf =
        (0u8..9, any::<bool>()).prop_map(|(code, optional)| Shape::Leaf(Type::from_code(code).unwrap(), optional));
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            3 => (prop::collection::vec(inner.clone(), 0..6), any::<bool>()).prop_map(|(f, o)| Shape::Struct(f, o)),
            1 => (inner.clone(), any::<bool>()).prop_map(|(i, o)| Shape::Array(Box::new(i), o)),
            1 => (inner.clone(), inner, any::<bool>()).prop_map(|(k, v, o)| Shape::Map(Box::new(k), Box::new(v), o)),
        ]
    })
}

pub(crate) fn schema_of(shape: &Shape) -> Schema {
    let mut builder = SchemaBuilder::new();
    push(shape, &mut builder);
    builder.build().unwrap()
}

fn push(shape: &Shape, builder: &mut SchemaBuilder) -> NodeId {
    let node = |kind, optional: &bool| Node { optional: *optional, ..Node::new(kind) };
    match shape {
        Shape::Leaf(kind, optional) => builder.push(node(*kind, optional)),
        Shape::Struct(fields, optional) => {
            let id = builder.push(node(Type::Struct, optional).named("proptest.Struct").version(1));
            for (i, field) in fields.iter().enumerate() {
                let child = push(field, builder);
                builder.add_field(id, format!("f{i}"), child);
            }
            id
        }
        Shape::Array(item, optional) => {
            let id = builder.push(node(Type::Array, optional));
            let item = push(item, builder);
            builder.node_mut(id).unwrap().item = Some(item);
            id
        }
        Shape::Map(key, value, optional) => {
            let id = builder.push(node(Type::Map, optional));
            let key = push(key, builder);
            let value = push(value, builder);
            let map = builder.node_mut(id).unwrap();
            (map.key, map.item) = (Some(key), Some(value));
            id
        }
    }
}

pub(crate) fn values(shape: &Shape) -> BoxedStrategy<Value> {
    let (value, optional) = match shape {
        Shape::Leaf(kind, optional) => (leaf(*kind), optional),
        Shape::Struct(fields, optional) => {
            (fields.iter().map(values).collect::<Vec<_>>().prop_map(Value::Struct).boxed(), optional)
        }
        Shape::Array(item, optional) => {
            (prop::collection::vec(values(item), 0..4).prop_map(Value::Array).boxed(), optional)
        }
        Shape::Map(key, value, optional) => {
            (prop::collection::vec((values(key), values(value)), 0..4).prop_map(Value::Map).boxed(), optional)
        }
    };
    if *optional { prop_oneof![1 => Just(Value::Null), 4 => value].boxed() } else { value }
}

fn leaf(kind: Type) -> BoxedStrategy<Value> {
    match kind {
        Type::Int8 => any::<i8>().prop_map(Value::Int8).boxed(),
        Type::Int16 => any::<i16>().prop_map(Value::Int16).boxed(),
        Type::Int32 => any::<i32>().prop_map(Value::Int32).boxed(),
        Type::Int64 => any::<i64>().prop_map(Value::Int64).boxed(),
        Type::Float32 => any::<u32>().prop_map(|bits| Value::Float32(f32::from_bits(bits))).boxed(),
        Type::Float64 => any::<u64>().prop_map(|bits| Value::Float64(f64::from_bits(bits))).boxed(),
        Type::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Type::String => any::<String>().prop_map(Value::String).boxed(),
        _ => any::<Vec<u8>>().prop_map(Value::Bytes).boxed(),
    }
}

pub(crate) fn schemas_with_values() -> impl Strategy<Value = (Schema, Value)> {
    shapes().prop_flat_map(|shape| (Just(schema_of(&shape)), values(&shape)))
}
