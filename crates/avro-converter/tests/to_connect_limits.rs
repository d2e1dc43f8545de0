//! Depth, size and stack: what is legal works, what is hostile ends in an error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use avro_converter::avro_schema::AvroSchema;
use avro_converter::config::AvroDataConfig;
use avro_converter::to_connect::{DecodePlan, to_connect_schema};
use connect_data::row_image::{Image, tree};
use connect_data::{Properties, Result, Value};

const LIST: &str =
    r#"{"type":"record","name":"L","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","L"]}]}"#;

fn config(entries: &[(&str, &str)]) -> AvroDataConfig {
    AvroDataConfig::new(&Properties::from_iter(entries.iter().copied())).unwrap()
}

fn plan(schema: &str) -> DecodePlan {
    DecodePlan::compile(&AvroSchema::parse(schema, &[]).unwrap(), None, None, &config(&[]))
}

fn decode(plan: &DecodePlan, payload: &[u8]) -> Result<Value> {
    let mut image = Vec::new();
    plan.decode(payload, 0, &mut image)?;
    tree::read(plan.schema().map(|schema| schema.as_ref()), &image, payload)
}

fn code(plan: &DecodePlan, payload: &[u8]) -> String {
    let mut image = vec![7];
    let error = plan.decode(payload, 0, &mut image).unwrap_err();
    assert_eq!(image, [7], "nothing stays of a failed record");
    error.code().to_owned()
}

fn list(length: usize) -> Vec<u8> {
    let mut bytes = [2, 2].repeat(length - 1);
    bytes.extend([4, 0]);
    bytes
}

#[test]
fn a_list_of_a_thousand_is_read_on_a_small_stack() {
    let thread = std::thread::Builder::new().stack_size(64 << 10);
    let plan = plan(LIST);
    let depth = thread
        .spawn(move || {
            let (payload, mut image) = (list(1_000), Vec::new());
            assert!(plan.decode(&payload, 0, &mut image).unwrap());
            // The thousandth is two ints deep in the innermost aggregate.
            let mut image = Image::new(&image, &payload).unwrap();
            let mut depth = 1;
            let root = plan.schema().unwrap();
            let next = connect_data::row_image::Layout::of(root).field_offset(root, 0, 1) as usize;
            // The root's own field is a struct inline, whose next are aggregates.
            let inline = !connect_data::Schema::is_back_reference(0, root.root().fields[1].node);
            let mut slot = if inline { next + 2 } else { next };
            depth += usize::from(inline);
            while !image.is_null(slot) {
                image = image.nested(slot).unwrap();
                slot = 2;
                depth += 1;
            }
            depth
        })
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(depth, 1_000);
}

#[test]
fn deeper_data_is_refused() {
    assert_eq!(code(&plan(LIST), &list(100_000)), "avro.depth");
    let any = include_str!("anything.avsc");
    let nested = [0, 0, 0, 0, 0, 0, 0, 2, 2].repeat(100_000);
    assert_eq!(code(&plan(any), &nested), "avro.depth");
}

#[test]
fn what_is_skipped_may_be_nested_too_but_not_without_end() {
    let writer = r#"{"type":"record","name":"R","fields":[{"name":"list","type":LIST},{"name":"a","type":"int"}]}"#;
    let reader = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#;
    let writer = AvroSchema::parse(&writer.replace("LIST", LIST), &[]).unwrap();
    let reader = AvroSchema::parse(reader, &[]).unwrap();
    let plan = DecodePlan::compile(&writer, Some(&reader), None, &config(&[]));
    let mut payload = list(1_000);
    payload.push(14);
    assert_eq!(decode(&plan, &payload).unwrap(), Value::Struct(vec![Value::Int32(7)]));
    assert_eq!(code(&plan, &list(1_000_000)), "avro.depth");
}

#[test]
fn counts_that_the_payload_cannot_hold_are_refused_at_once() {
    let huge = [0xFE, 0xFF, 0xFF, 0xFF, 0x07, 2, 2];
    assert_eq!(code(&plan(r#"{"type":"array","items":"int"}"#), &huge), "avro.truncated");
    assert_eq!(code(&plan(r#"{"type":"map","values":"int"}"#), &huge), "avro.truncated");
    // Items of no bytes: only memory bounds them.
    let empty = r#"{"type":"array","items":{"type":"record","name":"E","fields":[]}}"#;
    assert_eq!(code(&plan(empty), &[0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0]), "avro.length");
    assert_eq!(code(&plan(empty), &[0xFE, 0xFF, 0xFF, 0x7F, 0]), "avro.too-large");
    assert_eq!(decode(&plan(empty), &[4, 0]).unwrap(), Value::Array(vec![Value::Struct(vec![]); 2]));
    let nulls = r#"{"type":"record","name":"R","fields":[{"name":"n","type":{"type":"array","items":"null"}},{"name":"a","type":"int"}]}"#;
    let reader = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#;
    let (writer, reader) = (AvroSchema::parse(nulls, &[]).unwrap(), AvroSchema::parse(reader, &[]).unwrap());
    let plan = DecodePlan::compile(&writer, Some(&reader), None, &config(&[]));
    let most = [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 14];
    assert_eq!(decode(&plan, &most).unwrap(), Value::Struct(vec![Value::Int32(7)]));
}

#[test]
fn many_small_blocks_take_linear_time() {
    let mut payload = [2, 2].repeat(500_000);
    payload.push(0);
    let Value::Array(items) = decode(&plan(r#"{"type":"array","items":"int"}"#), &payload).unwrap() else { panic!() };
    assert!(items.len() == 500_000 && items.iter().all(|item| *item == Value::Int32(1)));
}

#[test]
fn blocks_keep_strings_nulls_and_nested_arrays() {
    let schema = r#"{"type":"map","values":{"type":"array","items":["null","string"]}}"#;
    let mut payload = Vec::new();
    for key in b"abcde" {
        // One entry with two blocks of its own, the second with a size.
        payload.extend([2, 2, *key, 4, 0, 2, 2, *key, 1, 6, 2, 4, 0xC3, 0x28, 0]);
    }
    payload.push(0);
    let Value::Map(entries) = decode(&plan(schema), &payload).unwrap() else { panic!() };
    for ((key, value), expected) in entries.iter().zip(["a", "b", "c", "d", "e"]) {
        assert_eq!(*key, Value::String(expected.into()));
        let repaired = Value::String("\u{FFFD}(".into());
        assert_eq!(*value, Value::Array(vec![Value::Null, Value::String(expected.into()), repaired]));
    }
    assert_eq!(entries.len(), 5);
}

#[test]
fn the_last_of_equal_keys_stays() {
    let mut payload = vec![12];
    for (key, value) in [(b'x', 1), (b'y', 2), (b'x', 3), (b'z', 4), (b'y', 5), (b'x', 6)] {
        payload.extend([2, key, value * 2]);
    }
    payload.push(0);
    let entry = |key: &str, value| (Value::String(key.into()), Value::Int32(value));
    let expected = Value::Map(vec![entry("x", 6), entry("y", 5), entry("z", 4)]);
    assert_eq!(decode(&plan(r#"{"type":"map","values":"int"}"#), &payload).unwrap(), expected);
    let entries = r#"{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro",
        "fields":[{"name":"value","type":"int"},{"name":"key","type":{"type":"record","name":"K","fields":[
            {"name":"f","type":"float"},{"name":"s","type":["null","string"]}]}}]}}"#;
    let mut payload = vec![6];
    for (value, key) in [(1, "0000c07f02026b"), (2, "0000807f00"), (3, "0000c07f02026b")] {
        payload.push(value * 2);
        payload.extend((0..key.len() / 2).map(|i| u8::from_str_radix(&key[2 * i..2 * i + 2], 16).unwrap()));
    }
    payload.push(0);
    let Value::Map(found) = decode(&plan(entries), &payload).unwrap() else { panic!() };
    assert_eq!(found.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>(), [Value::Int32(3), Value::Int32(2)]);
}

#[test]
fn hostile_schemas_end_in_errors_on_a_small_stack() {
    let chain = |length: usize| {
        let types: String = (0..length)
            .map(|i| {
                format!(r#"{{"type":"record","name":"R{i}","fields":[{{"name":"a","type":["null","R{}"]}}]}},"#, i + 1)
            })
            .collect();
        format!(r#"[{types}{{"type":"record","name":"R{length}","fields":[]}}]"#)
    };
    let doubling: String = (0..100)
        .map(|i| {
            let fields = format!(r#"{{"name":"a","type":"D{0}"}},{{"name":"b","type":"D{0}"}}"#, i + 1);
            format!(r#"{{"type":"record","name":"D{i}","fields":[{fields}]}},"#)
        })
        .collect();
    let doubling = format!(r#"[{doubling}{{"type":"record","name":"D100","fields":[]}}]"#);
    let itself = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"R"}]}"#.to_owned();
    // A JVM's threads have 1 MiB; without optimization frames are several times as large.
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    thread
        .spawn(move || {
            for text in [chain(30), chain(40), chain(250), doubling, itself] {
                let Ok(schema) = AvroSchema::parse(&text, &[]) else { continue };
                let _ = schema.to_string();
                let _ = schema.canonical_form();
                let _ = schema == schema.clone();
                let _ = schema.incompatibility(&schema);
                let _ = to_connect_schema(&schema, None, &config(&[]));
                let plan = DecodePlan::compile(&schema, Some(&schema.clone()), None, &config(&[]));
                let _ = plan.decode(&[0; 100], 0, &mut Vec::new());
            }
        })
        .unwrap()
        .join()
        .unwrap();
}
