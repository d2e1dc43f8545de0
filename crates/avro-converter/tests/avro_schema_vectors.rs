//! The schema model against what Java printed: texts in the registry of the wire vectors, canonical forms of the c2a
//! vectors, and the schemas that registries held after the reference story.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_types, reason = "an independent parser to compare with")]

use avro_converter::avro_schema::{AvroSchema, ParseOptions};
use connect_json::vectors::{corpus, read_folder};
use serde_json::Value as Json;

/// Every string under a key `schema`.
fn texts<'a>(json: &'a Json, found: &mut Vec<&'a str>) {
    match json {
        Json::Object(members) => {
            for (key, value) in members {
                match value {
                    Json::String(text) if key == "schema" => found.push(text),
                    value => texts(value, found),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
        _ => {}
    }
}

#[test]
fn texts_that_java_printed_are_printed_again() {
    let (mut equal, mut other) = (0, 0);
    for vector in read_folder(&corpus().join("avro"), "wire-").unwrap() {
        let mut found = Vec::new();
        texts(&vector.json["steps"], &mut found);
        for text in found {
            match AvroSchema::parse(text, &[]) {
                Ok(schema) => {
                    assert_eq!(schema.to_string(), text, "{}", vector.id);
                    equal += 1;
                }
                Err(_) => other += 1,
            }
        }
    }
    assert!(equal > 100 && other < 20, "{equal} {other}");
}

#[test]
fn canonical_forms_are_javas() {
    let mut compared = 0;
    for vector in read_folder(&corpus().join("avro"), "").unwrap() {
        for expected in [&vector.json["expected"], &vector.json["reencoded"]] {
            let (Some(canonical), schema) = (expected["canonical"].as_str(), &expected["avro_schema"]) else {
                continue;
            };
            let parsed = AvroSchema::parse(&schema.to_string(), &[]).unwrap();
            assert_eq!(parsed.canonical_form(), canonical, "{}", vector.id);
            // Printing keeps everything.
            let printed = parsed.to_string();
            assert_eq!(AvroSchema::parse(&printed, &[]).unwrap().to_string(), printed);
            compared += 1;
        }
    }
    assert!(compared > 1_500, "{compared}");
}

/// What apache-avro accepts is accepted, and its canonical form is the same.
#[test]
fn another_parser_agrees() {
    let mut compared = 0;
    for vector in read_folder(&corpus().join("avro"), "a2c-").unwrap() {
        for schema in vector.json["schemas"].as_array().unwrap() {
            let text = schema.to_string();
            // A type of no namespace inside one with: the other parser moves it into the outer one, Java does not. A dollar
            // sign in a name, which Java allows, makes it panic.
            if text.contains(r#""namespace":"""#) || text.contains('$') {
                continue;
            }
            let Ok(other) = apache_avro::Schema::parse_str(&text) else { continue };
            let options = ParseOptions { defaults: false, ..ParseOptions::STRICT };
            let parsed = AvroSchema::parse_with(&text, &[], options).unwrap_or_else(|e| panic!("{e}: {text}"));
            // Its canonical form writes some primitives as objects and loses some namespaces: read once more, if it can be.
            let Ok(canonical) = AvroSchema::parse(&other.canonical_form(), &[]) else { continue };
            assert_eq!(parsed.canonical_form(), canonical.canonical_form(), "{}", vector.id);
            compared += 1;
        }
    }
    assert!(compared > 900, "{compared}");
}
