//! `corpus generate-avro`: what Confluent's converter makes of random data, in both directions.

use super::arguments::Options;
use super::random::Random;
use super::tree::Tree;
use super::{avro_settings, avro_types, choose, connect_types, wire};
use crate::check::avro_datum;
use crate::engine::harness::{Form, HarnessEngine};
use crate::engine::{Config, Engine, Outcome, Plugin};
use crate::json::{get, hex};
use crate::registry::Registry;
use avro_converter::avro_schema::AvroSchema;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// How to call it.
pub const USAGE: &str = "\
usage: corpus generate-avro --kind c2a|a2c|wire --confluent-jars DIR [options] OUT.jsonl
  --reference TEXT   which converter these jars are, for the id (default generated)";

const KIND: &str = "--kind";
const JARS: &str = "--confluent-jars";
const REFERENCE: &str = "--reference";
const TOPIC: &str = "t";
const SUBJECT: &str = "t-value";

/// Reads the arguments after the verb, generates, writes, and says what came out.
///
/// # Errors
/// Arguments that are not understood, an engine that does not start, a file that cannot be written.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let options = Options::read(arguments, &[KIND, JARS, REFERENCE], USAGE)?;
    let kind = options.own(KIND).to_owned();
    if !["c2a", "a2c", "wire"].contains(&kind.as_str()) || options.own(JARS).is_empty() {
        return Err(USAGE.to_owned());
    }
    let reference = match options.own(REFERENCE) {
        "" => "generated",
        given => given,
    };
    let form = Form::Stock { confluent: Some(PathBuf::from(options.own(JARS))) };
    let mut engine = HarnessEngine::new(form, "4", Path::new(""))?;
    super::write(&options, choose::avro_traits, |random, number| {
        let mut vector = match kind.as_str() {
            "c2a" => to_avro(random, &mut engine)?,
            "a2c" => to_connect(random, &mut engine)?,
            _ => wire::vector(random, &mut engine)?,
        };
        let outcomes = match vector.get("steps").and_then(Json::as_array) {
            Some(steps) => steps.iter().map(|step| super::outcome_kind(get(step, "expected"))).collect(),
            None => vec![super::outcome_kind(get(&vector, "expected"))],
        };
        if let Some(object) = vector.as_object_mut() {
            object.insert("id".into(), json!(format!("{kind}-{reference}-{}-{number}", options.seed)));
            object.insert("kind".into(), json!(kind));
            object.insert("category".into(), json!(reference));
        }
        Ok((vector, outcomes))
    })
}

fn open(engine: &mut HarnessEngine, config: &Config) -> Result<Option<Outcome>, String> {
    let mut config = config.clone();
    config.insert("schema.registry.url".into(), format!("http://{}", engine.registry_address()));
    Ok(engine.open_converter(Plugin::AvroConverter, false, &config)?.map(Outcome::Failed))
}

fn to_avro(random: &mut Random, engine: &mut HarnessEngine) -> Result<Json, String> {
    let config = avro_settings::config(random);
    let input = if random.chance(4) {
        json!({ "schema": null, "payload": schemaless(random, 3) })
    } else {
        let tree = connect_types::Types::new(random).value();
        let taste = connect_types::taste(random);
        let value = tree.value(random, taste);
        write_datum(&tree, &value)?
    };
    engine.registry().put(Registry::of_versions(SUBJECT, &[]));
    let outcome = match open(engine, &config)? {
        Some(refused) => refused,
        None => engine.serialize(Some(TOPIC), &input)?,
    };
    let expected = encoded(engine, &outcome, &input)?;
    Ok(json!({ "config": config, "input": input, "expected": expected }))
}

fn write_datum(tree: &Tree, value: &connect_data::Value) -> Result<Json, String> {
    connect_json::write(Some(&tree.schema()?), value).map_err(|e| e.to_string())
}

fn schemaless(random: &mut Random, depth: usize) -> Json {
    match random.below(if depth == 0 { 6 } else { 9 }) {
        0 => Json::Null,
        1 => json!(random.chance(50)),
        2 => json!(random.bits() as i64 >> random.below(60)),
        3 => random.pick(&[json!(0.5), json!(-1e30), json!("NaN"), json!(2.0)]).clone(),
        4 | 5 => json!(random.text(&["", "text", "Größe"])),
        6 => (0..random.below(4)).map(|_| schemaless(random, depth - 1)).collect(),
        _ => {
            let entries = (0..random.below(3)).map(|i| (format!("k{i}"), schemaless(random, depth - 1)));
            Json::Object(entries.collect())
        }
    }
}

fn to_connect(random: &mut Random, engine: &mut HarnessEngine) -> Result<Json, String> {
    let mut config = avro_settings::config(random);
    let writer = avro_types::Types::schema(random);
    let mut schemas = vec![writer.json(random)];
    let mut bytes = writer.datum(random);
    if random.chance(30) {
        for _ in 0..1 + random.below(2) {
            schemas.push(writer.changed(random).json(random));
        }
        if random.chance(85) {
            config.insert("use.latest.version".into(), "true".into());
        }
    }
    if random.chance(10) {
        damage(random, &mut bytes);
    }
    engine.registry().put(Registry::of_versions(SUBJECT, &schemas));
    let mut framed = vec![0, 0, 0, 0, 1];
    framed.extend(&bytes);
    let outcome = match open(engine, &config)? {
        Some(refused) => refused,
        None => engine.deserialize(Some(TOPIC), Some(&framed), &[])?,
    };
    let mut vector = json!({ "config": config, "schemas": schemas, "bytes": hex(&bytes) });
    let (expected, reencoded) = match outcome {
        Outcome::Failed(failure) => (failed("toConnectData", &failure), None),
        Outcome::Datum(datum) if get(&datum, "schema").is_null() && get(&datum, "payload").is_null() => {
            (json!({ "null_result": true }), None)
        }
        Outcome::Datum(datum) => {
            engine.registry().put(Registry::of_versions(SUBJECT, &[]));
            let again = match open(engine, &config)? {
                Some(refused) => refused,
                None => engine.serialize_last(TOPIC)?,
            };
            let again = encoded(engine, &again, &datum)?;
            (datum, Some(again))
        }
        other => return Err(format!("a converter answered {other:?}")),
    };
    if let Some(object) = vector.as_object_mut() {
        if expected["error"]["class"] == "java.lang.OutOfMemoryError" {
            object.insert("resource_exhaustion".into(), json!(true));
        }
        object.insert("expected".into(), expected);
        reencoded.into_iter().for_each(|again| drop(object.insert("reencoded".into(), again)));
    }
    Ok(vector)
}

fn failed(operation: &str, failure: &crate::engine::Failure) -> Json {
    super::error(operation, failure)
}

/// What was registered and written, as the vectors say it.
fn encoded(engine: &HarnessEngine, outcome: &Outcome, input: &Json) -> Result<Json, String> {
    Ok(match outcome {
        Outcome::Failed(failure) => failed("fromConnectData", failure),
        Outcome::NullBytes => json!({ "null": true }),
        Outcome::Bytes(bytes, _) => {
            let Some(([0, id @ ..], body)) = bytes.split_first_chunk::<5>() else {
                return Err(format!("no wire header in {}", hex(bytes)));
            };
            let id = i64::from(u32::from_be_bytes(*id));
            let versions = engine.registry().versions();
            let text = &versions.iter().find(|v| v.id == id).ok_or("an id that was never registered")?.text;
            let schema: Json = serde_json::from_str(text).map_err(|e| format!("registered schema: {e}"))?;
            let mut expected = json!({ "avro_schema": &schema, "bytes": hex(body) });
            if let Some(object) = expected.as_object_mut() {
                if let Ok(schema) = AvroSchema::parse(text, &[]) {
                    object.insert("canonical".into(), json!(schema.canonical_form()));
                }
                if has_wide_map(get(input, "schema"), get(input, "payload")) {
                    // Two records of one name: nobody could tell whether other bytes are these in another order.
                    if avro_datum::equal(&schema, body, body) != Ok(true) {
                        return Err("a map's bytes are not of the registered schema".into());
                    }
                    object.insert("map_order_unspecified".into(), json!(true));
                }
            }
            expected
        }
        other => return Err(format!("a converter answered {other:?}")),
    })
}

/// Whether a map in the data, or in a default that may stand in for a null, has more than one entry.
fn has_wide_map(schema: &Json, payload: &Json) -> bool {
    let inner = |key: &str, items: &[Json]| items.iter().any(|item| has_wide_map(get(schema, key), item));
    let default = get(schema, "default");
    if payload.is_null() && !default.is_null() {
        return has_wide_map(schema, default);
    }
    match (get(schema, "type").as_str(), payload) {
        (None, Json::Object(entries)) => entries.len() > 1 || entries.values().any(|value| has_wide_map(schema, value)),
        (None, Json::Array(items)) => items.iter().any(|item| has_wide_map(schema, item)),
        (Some("map"), Json::Object(entries)) => {
            entries.len() > 1 || entries.values().any(|value| has_wide_map(get(schema, "values"), value))
        }
        (Some("map"), Json::Array(entries)) => {
            entries.len() > 1 || entries.iter().any(|entry| has_wide_map(get(schema, "values"), &entry[1]))
        }
        (Some("array"), Json::Array(items)) => inner("items", items),
        (Some("struct"), Json::Object(_)) => get(schema, "fields")
            .as_array()
            .into_iter()
            .flatten()
            .any(|field| has_wide_map(field, get(payload, field["field"].as_str().unwrap_or("")))),
        _ => false,
    }
}

/// One thing that goes wrong on the way.
fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    match random.below(4) {
        0 => bytes.truncate(at),
        1 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        2 => bytes.insert(at.min(bytes.len()), random.bits() as u8),
        _ => bytes.extend([0xff; 3]),
    }
}
