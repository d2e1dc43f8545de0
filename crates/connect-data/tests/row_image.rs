//! Row images and schemas come back as they went, and no byte string makes a reader panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use connect_data::row_image::{Image, Layout, tree};
use connect_data::{Node, Schema, SchemaBuilder, Type, Value, schema_codec};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_value_comes_back((schema, value) in support::schemas_with_values()) {
        let mut image = Vec::new();
        tree::write(Some(&schema), &value, &mut image).unwrap();
        prop_assert_eq!(image.len() % 8, 0);
        prop_assert_eq!(tree::read(Some(&schema), &image, &[]).unwrap(), value);
    }

    #[test]
    fn a_schema_comes_back((schema, value) in support::schemas_with_values()) {
        let mut nodes = schema.nodes().to_vec();
        if !value.is_null() {
            nodes[0].default = Some(value);
        }
        let mut builder = SchemaBuilder::new();
        for node in nodes {
            builder.push(node);
        }
        let schema = builder.build().unwrap();
        prop_assert_eq!(schema_codec::from_bytes(&schema_codec::to_bytes(&schema).unwrap()).unwrap(), schema);
    }

    #[test]
    fn damage_is_an_error_or_other_data_but_never_a_panic(
        (schema, value) in support::schemas_with_values(), at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>(),
    ) {
        let mut image = Vec::new();
        tree::write(Some(&schema), &value, &mut image).unwrap();
        let at = at.index(image.len());
        if cut {
            image.truncate(at);
            prop_assert!(tree::read(Some(&schema), &image, &[]).is_err());
        } else {
            image[at] ^= 1 << bit;
            let _ = tree::read(Some(&schema), &image, &[]);
        }
        let mut bytes = schema_codec::to_bytes(&schema).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let _ = schema_codec::from_bytes(&bytes);
    }
}

fn linked_list() -> Schema {
    let mut b = SchemaBuilder::new();
    let list = b.push(Node::new(Type::Struct).named("List"));
    b.field(list, "v", Node::new(Type::Int32));
    b.add_field(list, "next", list);
    b.build().unwrap()
}

#[test]
fn recursive_values_nest_and_too_deep_ones_are_refused() {
    let schema = linked_list();
    let list_of = |n: i32| (0..n).fold(Value::Null, |next, v| Value::Struct(vec![Value::Int32(v), next]));
    let mut image = Vec::new();
    tree::write(Some(&schema), &list_of(100), &mut image).unwrap();
    assert_eq!(tree::read(Some(&schema), &image, &[]).unwrap(), list_of(100));
    // Run where the stack is large: the tree form recurses, the per-record path must not.
    let deep = std::thread::Builder::new()
        .stack_size(64 << 20)
        .spawn(move || tree::write(Some(&schema), &list_of(1_200), &mut Vec::new()).unwrap_err().code().to_owned());
    assert_eq!(deep.unwrap().join().unwrap(), "row-image.depth");
}

#[test]
fn null_in_a_required_place_is_written_and_read() {
    let schema = Schema::primitive(Node::new(Type::String));
    let mut image = Vec::new();
    tree::write(Some(&schema), &Value::Null, &mut image).unwrap();
    assert_eq!(tree::read(Some(&schema), &image, &[]).unwrap(), Value::Null);
    assert!(tree::write(Some(&schema), &Value::Int8(1), &mut Vec::new()).is_err());
}

#[test]
fn readers_refuse_what_the_specification_refuses() {
    let schema = Schema::primitive(Node::new(Type::String));
    let mut image = Vec::new();
    tree::write(Some(&schema), &Value::String("abc".into()), &mut image).unwrap();
    for (byte, value) in [(0, 2), (1, 2), (2, 1), (4, 1), (8, 2), (12, 9)] {
        let mut broken = image.clone();
        broken[byte] = value;
        assert_eq!(Image::new(&broken, &[]).unwrap_err().code(), "row-image.header", "byte {byte}");
    }
    let mut outside = image.clone();
    let slot = connect_data::row_image::slots_start(1);
    outside[slot] = 200;
    assert_eq!(Image::new(&outside, &[]).unwrap().bytes(0).unwrap_err().code(), "row-image.range");
    assert_eq!(Layout::of(&schema).slots(), 1);
}
