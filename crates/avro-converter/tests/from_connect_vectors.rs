//! Every `c2a` vector of the corpus: what Confluent's AvroConverter 8.3.1 registers and writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use avro_converter::avro_schema::write_json;
use avro_converter::config::{AvroDataConfig, CONFIG};
use avro_converter::from_connect::EncodePlan;
use connect_data::row_image::{Image, tree};
use connect_data::{Properties, Result, Schema, Value};
use connect_json::vectors;
use serde_json::Value as Json;

/// What the converter answered: schema text, canonical form and bytes; `None` = null bytes.
type Answer = Option<(String, String, Vec<u8>)>;

fn properties(vector: &Json) -> Properties {
    let mut properties = Properties::default();
    properties.set("schema.registry.url", "http://localhost");
    for (name, value) in vector["config"].as_object().unwrap() {
        properties.set(name, value.as_str().unwrap());
    }
    properties
}

fn encode(schema: Option<&Schema>, value: &Value, config: &AvroDataConfig) -> Result<Answer> {
    let plan = EncodePlan::compile(schema, config)?;
    let mut image = Vec::new();
    tree::write(schema, value, &mut image)?;
    let mut bytes = b"before".to_vec();
    let image = Image::new(&image, &[])?;
    let written = plan.encode(&image, &mut bytes)?;
    assert_eq!(&bytes[..6], b"before");
    if !written {
        assert_eq!(bytes.len(), 6);
        return Ok(None);
    }
    let schema = plan.avro_schema();
    Ok(Some((schema.to_string(), schema.canonical_form(), bytes[6..].to_vec())))
}

/// The differences between an answer and the corpus's form E of it.
fn differences(expected: &Json, answer: &Result<Answer>) -> Vec<String> {
    let (text, canonical, bytes) = match (expected.get("error"), answer) {
        (Some(_), Err(_)) => return Vec::new(),
        (Some(error), Ok(_)) => return vec![format!("expected {error}, found none")],
        (None, Err(error)) => return vec![format!("found {error}")],
        (None, Ok(None)) if expected["null"] == true => return Vec::new(),
        (None, Ok(None)) => return vec!["found null".to_owned()],
        (None, Ok(Some(_))) if expected["null"] == true => return vec!["expected null, found bytes".to_owned()],
        (None, Ok(Some(answer))) => answer,
    };
    let mut differences = Vec::new();
    // The corpus keeps the order in which Java wrote it, so the whole text can be compared.
    let mut expected_text = String::new();
    write_json(&expected["avro_schema"], &mut expected_text);
    if *text != expected_text {
        differences.push(format!("schema\n  expected {expected_text}\n  found    {text}"));
    }
    if canonical != expected["canonical"].as_str().unwrap() {
        differences.push(format!("canonical form\n  expected {}\n  found    {canonical}", expected["canonical"]));
    }
    let expected_bytes = hex(expected["bytes"].as_str().unwrap());
    let same = if expected["map_order_unspecified"] == true {
        // Both must be exactly one record each, equal but for the order of map entries.
        expected_bytes.len() == bytes.len() && decoded(canonical, &expected_bytes) == decoded(canonical, bytes)
    } else {
        expected_bytes == *bytes
    };
    if !same {
        let found: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        differences.push(format!("bytes\n  expected {}\n  found    {found}", expected["bytes"]));
    }
    differences
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// By Avro's Rust implementation, as text, with maps sorted.
fn decoded(canonical: &str, bytes: &[u8]) -> String {
    let mut json: Json = serde_json::from_str(canonical).unwrap();
    plain_names(&mut json);
    let schema = apache_avro::Schema::parse(&json).unwrap();
    let mut reader = bytes;
    let value = apache_avro::from_avro_datum(&schema, &mut reader, None).unwrap();
    assert!(reader.is_empty());
    let mut text = String::new();
    sorted(&value, &mut text);
    text
}

/// Avro's Rust implementation takes ASCII names only, also as namespaces, which Java does not check.
fn plain_names(json: &mut Json) {
    match json {
        Json::String(text) => {
            let plain = |c: char| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '_' };
            *text = text.chars().map(plain).collect();
        }
        Json::Array(items) => items.iter_mut().for_each(plain_names),
        Json::Object(members) => members.values_mut().for_each(plain_names),
        _ => {}
    }
}

fn sorted(value: &apache_avro::types::Value, out: &mut String) {
    use apache_avro::types::Value as Avro;
    let mut list = |items: Vec<&Avro>, sort: bool| {
        let mut texts: Vec<String> = items
            .into_iter()
            .map(|item| {
                let mut text = String::new();
                sorted(item, &mut text);
                text
            })
            .collect();
        if sort {
            texts.sort();
        }
        out.push_str(&format!("[{}]", texts.join(",")));
    };
    match value {
        Avro::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            for (key, value) in entries {
                out.push_str(&format!("{key:?}:"));
                sorted(value, out);
            }
        }
        // A map whose keys are no strings.
        Avro::Array(items) => {
            let entry = |item: &Avro| matches!(item, Avro::Record(fields) if matches!(fields.as_slice(), [(k, _), (v, _)] if k == "key" && v == "value"));
            list(items.iter().collect(), items.iter().all(entry));
        }
        Avro::Record(fields) => list(fields.iter().map(|(_, value)| value).collect(), false),
        Avro::Union(index, value) => {
            out.push_str(&format!("{index}/"));
            sorted(value, out);
        }
        other => out.push_str(&format!("{other:?}")),
    }
}

#[test]
fn every_vector() {
    let vectors = vectors::read_folder(&vectors::corpus().join("avro"), "c2a-").unwrap();
    assert!(vectors.len() > 1000);
    let mut failures = Vec::new();
    for vector in &vectors {
        let json = &vector.json;
        let properties = properties(json);
        let configured = CONFIG.validate(&properties).and_then(|()| AvroDataConfig::new(&properties));
        let at_configure = json["expected"]["error"]["phase"] == "configure";
        let config = match configured {
            Ok(_) if at_configure => {
                failures.push(format!("{}: expected a refused setting", vector.id));
                continue;
            }
            Err(_) if at_configure => continue,
            Err(error) => {
                failures.push(format!("{}: {error}", vector.id));
                continue;
            }
            Ok(config) => config,
        };
        let answer = connect_json::read(&json["input"]).map(|(schema, value)| encode(schema.as_ref(), &value, &config));
        match answer {
            Err(error) => failures.push(format!("{}: corpus: {error}", vector.id)),
            Ok(answer) => {
                let differences = differences(&json["expected"], &answer);
                if !differences.is_empty() {
                    failures.push(format!("{}: {}", vector.id, differences.join("\n  ")));
                }
            }
        }
    }
    let (failed, all) = (failures.len(), vectors.len());
    assert!(failures.is_empty(), "{failed} of {all} vectors fail:\n{}", failures.join("\n"));
}
