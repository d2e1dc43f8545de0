//! Every schema and payload of the corpus survives the way through connect-data and its row image.
#![allow(clippy::unwrap_used, clippy::panic)]

use connect_data::row_image::tree;
use connect_data::{Value, schema_codec};
use connect_json::{compare, vectors};
use serde_json::Value as Json;

/// Calls `check` for every object that has both keys, at any depth.
fn each_datum(json: &Json, check: &mut impl FnMut(&Json)) {
    match json {
        Json::Object(object) => {
            if object.contains_key("schema") && object.contains_key("payload") {
                check(json);
            } else {
                object.values().for_each(|child| each_datum(child, check));
            }
        }
        Json::Array(items) => items.iter().for_each(|child| each_datum(child, check)),
        _ => {}
    }
}

fn survives(id: &str, json: &Json) -> bool {
    let (schema, value) = match connect_json::read(json) {
        Ok(datum) => datum,
        // Headers of a struct schema without fields: the reference's own inconsistency.
        Err(e) if e.message().contains("the struct has no field") => return false,
        Err(e) => panic!("{id}: {e}: {json}"),
    };
    let written = connect_json::write(schema.as_ref(), &value).unwrap();
    let again = connect_json::read(&written).unwrap();
    assert_eq!(compare::data(&(schema.clone(), value.clone()), &again), Vec::<String>::new(), "{id}");
    let decoded = schema.as_ref().map(|s| schema_codec::from_bytes(&schema_codec::to_bytes(s).unwrap()).unwrap());
    assert_eq!(compare::schemas(schema.as_ref(), decoded.as_ref()), Vec::<String>::new(), "{id}");
    let mut image = Vec::new();
    tree::write(schema.as_ref(), &value, &mut image).unwrap_or_else(|e| panic!("{id}: {e}"));
    let from_image: Value = tree::read(schema.as_ref(), &image, &[]).unwrap();
    assert_eq!(compare::values(schema.as_ref(), &value, &from_image), Vec::<String>::new(), "{id}");
    true
}

#[test]
fn every_schema_and_payload() {
    let (mut data, mut inconsistent) = (0, 0);
    for folder in ["smt", "avro"] {
        for vector in vectors::read_folder(&vectors::corpus().join(folder), "").unwrap() {
            each_datum(&vector.json, &mut |json| {
                if survives(&vector.id, json) {
                    data += 1;
                } else {
                    inconsistent += 1;
                }
            });
        }
    }
    println!("{data} data, {inconsistent} headers with a schema that lacks the fields");
    assert!(data > 9_000, "{data}");
    assert!(inconsistent < 10, "{inconsistent}");
}
