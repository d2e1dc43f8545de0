//! Decoding against the golden vectors `tests/corpus/avro/a2c-*.jsonl`: what Confluent's converter made of the same
//! bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use avro_converter::avro_schema::AvroSchema;
use avro_converter::config::{AvroDataConfig, CONFIG};
use avro_converter::to_connect::DecodePlan;
use connect_data::row_image::tree;
use connect_data::{Properties, Result, Value};
use connect_json::vectors::{Vector, corpus, read_folder};
use connect_json::{Datum, compare};
use serde_json::Value as Json;

struct Case {
    plan: Result<DecodePlan>,
    payload: Vec<u8>,
}

/// The plan that the vector's configuration and schemas give, and its payload behind five bytes as in a real record.
fn case(json: &Json) -> Case {
    let config = json["config"].as_object().unwrap().iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned()));
    let mut properties: Properties = config.collect();
    properties.set("schema.registry.url", "http://localhost");
    let schemas: Vec<String> = json["schemas"].as_array().unwrap().iter().map(Json::to_string).collect();
    let version = json["writer_version"].as_u64().unwrap_or(1) as usize;
    let plan = (|| {
        CONFIG.validate(&properties)?;
        let config = AvroDataConfig::new(&properties)?;
        let writer = AvroSchema::parse(&schemas[version - 1], &[])?;
        let latest = CONFIG.boolean(&properties, "use.latest.version")?;
        let reader = latest.then(|| AvroSchema::parse(schemas.last().unwrap(), &[])).transpose()?;
        Ok(DecodePlan::compile(&writer, reader.as_ref(), Some(version as i32), &config))
    })();
    let mut payload = vec![0; 5];
    payload.extend(hex(json["bytes"].as_str().unwrap()));
    Case { plan, payload }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn decode(case: &Case) -> Result<Option<Datum>> {
    let plan = case.plan.as_ref().map_err(Clone::clone)?;
    let mut image = Vec::new();
    if !plan.decode(&case.payload, 5, &mut image)? {
        assert!(image.is_empty());
        return Ok(None);
    }
    let schema = plan.schema().map(|schema| schema.as_ref().clone());
    let value = tree::read(schema.as_ref(), &image, &case.payload).expect("a valid image");
    Ok(Some((schema, value)))
}

fn differences(expected: &Json, found: &Result<Option<Datum>>) -> Vec<String> {
    let wrong = |text: String| vec![text];
    match found {
        Err(error) if expected.get("error").is_some() => {
            assert!(!error.code().is_empty());
            Vec::new()
        }
        Err(error) => wrong(format!("unexpected error: {error}")),
        Ok(_) if expected.get("error").is_some() => {
            wrong(format!("expected the error {}", expected["error"]["message"]))
        }
        Ok(None) if expected.get("null_result").is_some() => Vec::new(),
        Ok(None) => wrong("unexpected null".to_owned()),
        Ok(Some(_)) if expected.get("null_result").is_some() => wrong("expected null".to_owned()),
        Ok(Some(found)) => match connect_json::read(expected) {
            Ok(expected) => compare::data(&expected, found),
            Err(error) => wrong(format!("vector: {error}")),
        },
    }
}

fn vectors() -> Vec<Vector> {
    read_folder(&corpus().join("avro"), "a2c-").unwrap()
}

#[test]
fn every_vector_decodes_as_in_java() {
    let (mut passed, mut failed) = (0, Vec::new());
    for vector in vectors() {
        let found = decode(&case(&vector.json));
        let alternatives = vector.json.get("alt").map(|alt| &alt["expected"]);
        let results = std::iter::once(&vector.json["expected"]).chain(alternatives.filter(|alt| !alt.is_null()));
        let mut all: Vec<Vec<String>> = results.map(|expected| differences(expected, &found)).collect();
        if all.iter().any(Vec::is_empty) {
            passed += 1;
        } else {
            failed.push(format!("{}: {}", vector.id, all.remove(0).join("; ")));
        }
    }
    println!("{passed} vectors passed");
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), passed + failed.len(), failed.join("\n"));
    assert!(passed > 1_000);
}

/// Cut and flipped payloads give an error or another value, never a panic, and never an image that does not fit.
#[test]
fn damaged_payloads_never_panic() {
    let mut decoded = 0u32;
    for vector in vectors() {
        let mut case = case(&vector.json);
        let Ok(plan) = &case.plan else { continue };
        let whole = std::mem::take(&mut case.payload);
        let mut image = Vec::new();
        let mut check = |payload: &[u8]| {
            image.clear();
            if let Ok(true) = plan.decode(payload, 5, &mut image) {
                let schema = plan.schema().map(|schema| schema.as_ref());
                let value: Value = tree::read(schema, &image, payload).expect("a valid image");
                assert!(!matches!(value, Value::Unavailable));
                decoded += 1;
            } else {
                assert!(image.is_empty());
            }
        };
        for len in 5..whole.len() {
            check(&whole[..len]);
        }
        for bit in 5 * 8..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            check(&flipped);
        }
    }
    assert!(decoded > 10_000);
}
