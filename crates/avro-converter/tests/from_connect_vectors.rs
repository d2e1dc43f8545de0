//! Every `c2a` vector of the corpus: what Confluent's AvroConverter 8.3.1 registers and writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_types, reason = "an independent reader to compare with")]

use avro_converter::avro_schema::{AvroSchema, write_json};
use avro_converter::config::{AvroDataConfig, CONFIG};
use avro_converter::from_connect::EncodePlan;
use avro_converter::to_connect::DecodePlan;
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

/// Whether we want something else than the reference: the corpus's runner looks at these.
fn differs(id: &str) -> bool {
    let text = std::fs::read_to_string(vectors::corpus().join("differences.json")).unwrap();
    let wanted: Json = serde_json::from_str(&text).unwrap();
    wanted.as_array().unwrap().iter().any(|entry| entry["id"] == id)
}

#[test]
fn every_vector() {
    let vectors = vectors::read_folder(&vectors::corpus().join("avro"), "c2a-").unwrap();
    assert!(vectors.len() > 1000);
    let mut failures = Vec::new();
    for vector in vectors.iter().filter(|vector| !differs(&vector.id)) {
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

/// What a vector's bytes are decoded to is encoded again by a fresh converter of the same settings.
#[test]
fn every_reencoded_vector() {
    let vectors = vectors::read_folder(&vectors::corpus().join("avro"), "a2c-").unwrap();
    let (mut passed, mut failures) = (0, Vec::new());
    for vector in vectors.iter().filter(|vector| !differs(&vector.id)) {
        let json = &vector.json;
        let alternatives: Vec<&Json> =
            [json, &json["alt"]].into_iter().map(|side| &side["reencoded"]).filter(|side| !side.is_null()).collect();
        if alternatives.is_empty() {
            continue;
        }
        let properties = properties(json);
        let config = AvroDataConfig::new(&properties).unwrap();
        let texts: Vec<String> = json["schemas"].as_array().unwrap().iter().map(Json::to_string).collect();
        let version = json["writer_version"].as_u64().unwrap_or(1) as usize;
        let writer = AvroSchema::parse(&texts[version - 1], &[]).unwrap();
        let latest = CONFIG.boolean(&properties, "use.latest.version").unwrap();
        let reader = latest.then(|| AvroSchema::parse(texts.last().unwrap(), &[]).unwrap());
        let plan = DecodePlan::compile(&writer, reader.as_ref(), Some(version as i32), &config);
        let payload = hex(json["bytes"].as_str().unwrap());
        let mut image = Vec::new();
        let decoded = plan.decode(&payload, 0, &mut image);
        if decoded.is_err() && !json["expected"]["error"].is_null() {
            continue; // Only the older reference reads these bytes: there is nothing to encode again.
        }
        let answer = decoded.and_then(|found| {
            assert!(found, "{}: what is null is not encoded again", vector.id);
            let schema = plan.schema().map(|schema| schema.as_ref());
            encode(schema, &tree::read(schema, &image, &payload)?, &config)
        });
        let differences: Vec<Vec<String>> =
            alternatives.iter().map(|expected| differences(expected, &answer)).collect();
        if differences.iter().any(Vec::is_empty) {
            passed += 1;
        } else {
            failures.push(format!("{}: {}", vector.id, differences[0].join("\n  ")));
        }
    }
    println!("{passed} vectors passed");
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), passed + failures.len(), failures.join("\n"));
    assert!(passed > 500);
}

/// The schema that the bytes of a step follow, as far as the registry's answers tell: the one with the id in the header,
/// or for an error the last one that was handed out.
fn writer_text(vector: &Json, step: &Json) -> Option<String> {
    let text = |schema: &Json| match schema {
        Json::String(text) => Some(text.clone()),
        Json::Null => None,
        json => Some(json.to_string()),
    };
    let Some(bytes) = step["expected"]["bytes"].as_str() else {
        let last = step["requests"].as_array()?.last()?;
        let refused = step["expected"]["error"].to_string().contains("Incompatible schema");
        return if refused || last["status"] != 200 { None } else { text(&last["response"]["schema"]) };
    };
    let id = u32::from_str_radix(&bytes[2..10], 16).unwrap();
    let known = vector["registry"].as_array()?.iter().find(|entry| entry["id"] == id);
    known.and_then(|entry| text(&entry["schema"]))
}

#[test]
fn wire_vectors_with_the_schema_that_the_registry_chose() {
    let vectors = vectors::read_folder(&vectors::corpus().join("avro"), "wire-").unwrap();
    let (mut written, mut other_schema, mut failed) = (0, 0, 0);
    for vector in &vectors {
        let Ok(config) = AvroDataConfig::new(&properties(&vector.json)) else { continue };
        for step in vector.json["steps"].as_array().unwrap() {
            let payload = step["expected"]["bytes"].as_str().filter(|bytes| bytes.starts_with("00"));
            let failing = step["expected"].get("error").is_some();
            if step["op"] != "serialize" || (payload.is_none() && !failing) {
                continue;
            }
            let (schema, value) = connect_json::read(&step["input"]).unwrap();
            let writer = writer_text(&vector.json, step);
            if failing && writer.is_none() {
                continue;
            }
            let mut plan = EncodePlan::compile(schema.as_ref(), &config).unwrap();
            if let Some(text) = writer.filter(|text| *text != plan.avro_schema().to_string()) {
                let own = plan.avro_schema().to_string();
                plan = plan.with_writer_schema(AvroSchema::parse(&text, &[]).unwrap().into()).unwrap();
                assert_eq!(plan.avro_schema().to_string(), own);
                other_schema += 1;
            }
            let mut image = Vec::new();
            tree::write(schema.as_ref(), &value, &mut image).unwrap();
            let mut bytes = Vec::new();
            let result = plan.encode(&Image::new(&image, &[]).unwrap(), &mut bytes);
            match payload {
                Some(payload) => {
                    assert!(result.unwrap(), "{}", vector.id);
                    assert_eq!(bytes, hex(&payload[10..]), "{}", vector.id);
                    written += 1;
                }
                None => {
                    let code = result.unwrap_err().code().to_owned();
                    assert!(["avro.fields", "avro.writer-type"].contains(&code.as_str()), "{}: {code}", vector.id);
                    failed += 1;
                }
            }
        }
    }
    println!("{written} written, {failed} failing, {other_schema} with another schema");
    assert!(written >= 70 && failed >= 5 && other_schema >= 10);
}
