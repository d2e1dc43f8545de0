//! Decoding allocates nothing once the output and the thread's buffers have grown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod counting;

use avro_converter::avro_schema::AvroSchema;
use avro_converter::config::{AvroDataConfig, CONFIG};
use avro_converter::to_connect::DecodePlan;
use connect_data::{Properties, Type};
use connect_json::vectors::{corpus, read_folder};
use serde_json::Value as Json;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// All vectors that decode: records, unions, recursion, defaults of a newer schema, enums. Left out: what is a Connect
/// map with keys of structs, which are compared as values.
#[test]
fn vectors_decode_without_allocating() {
    let (mut counted, mut schemaless) = (0, 0);
    for vector in read_folder(&corpus().join("avro"), "a2c-").unwrap() {
        let json = &vector.json;
        if json["expected"].get("error").is_some() {
            continue;
        }
        let config = json["config"].as_object().unwrap().iter();
        let properties: Properties = config.map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect();
        let schemas: Vec<String> = json["schemas"].as_array().unwrap().iter().map(Json::to_string).collect();
        let version = json["writer_version"].as_u64().unwrap_or(1) as usize;
        let writer = AvroSchema::parse(&schemas[version - 1], &[]).unwrap();
        let latest = CONFIG.boolean(&properties, "use.latest.version").unwrap();
        let reader = latest.then(|| AvroSchema::parse(schemas.last().unwrap(), &[]).unwrap());
        let config = AvroDataConfig::new(&properties).unwrap();
        let plan = DecodePlan::compile(&writer, reader.as_ref(), Some(1), &config);
        let nodes = plan.schema().map_or(&[][..], |schema| schema.nodes());
        let is_struct = |key: u32| nodes[key as usize].kind == Type::Struct;
        if nodes.iter().any(|node| node.key.is_some_and(is_struct)) {
            continue;
        }
        let payload = hex(json["bytes"].as_str().unwrap());
        let mut out = Vec::new();
        plan.decode(&payload, 0, &mut out).unwrap();
        let before = counting::count();
        for _ in 0..3 {
            out.clear();
            plan.decode(&payload, 0, &mut out).unwrap();
        }
        assert_eq!(counting::count() - before, 0, "{}", vector.id);
        counted += 1;
        schemaless += u32::from(plan.schema().is_none());
    }
    assert!(counted > 900 && schemaless > 5, "{counted} {schemaless}");
}

/// Blocks one after the other make the array grow, and maps drop double keys: in buffers that stay.
#[test]
fn several_blocks_and_double_keys() {
    let schema = r#"{"type":"record","name":"R","fields":[
        {"name":"a","type":{"type":"array","items":"long"}},
        {"name":"m","type":{"type":"map","values":"string"}}]}"#;
    let config = AvroDataConfig::new(&Properties::default()).unwrap();
    let plan = DecodePlan::compile(&AvroSchema::parse(schema, &[]).unwrap(), None, None, &config);
    let mut payload = Vec::new();
    for i in 0..100u8 {
        payload.extend([2, i % 64 * 2]);
    }
    payload.push(0);
    for i in 0..100u8 {
        payload.extend([2, 2, b'a' + i % 7, 2, b'v']);
    }
    payload.push(0);
    let mut out = Vec::new();
    plan.decode(&payload, 0, &mut out).unwrap();
    let before = counting::count();
    out.clear();
    plan.decode(&payload, 0, &mut out).unwrap();
    assert_eq!(counting::count() - before, 0);
}
