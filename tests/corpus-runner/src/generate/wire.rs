//! Random settings, contents and calls for one converter and a registry.

use super::random::Random;
use crate::engine::harness::HarnessEngine;
use crate::engine::{Config, Engine, Failure, Outcome, Plugin};
use crate::json::{get, hex};
use crate::registry::{Registry, Request};
use serde_json::{Map, Value as Json, json};

const STRATEGIES: &str = "io.confluent.kafka.serializers.subject.";
const TOPICS: &[&str] = &["t", "t", "t", "zz", "a.b", "sp ace", "ü", "a/b"];

/// A vector without its id.
///
/// # Errors
/// An engine that broke.
pub fn vector(random: &mut Random, engine: &mut HarnessEngine) -> Result<Json, String> {
    let is_key = random.chance(20);
    let config = config(random, is_key);
    let mut vector = json!({ "config": config, "is_key": is_key, "registry": contents(random, is_key) });
    let overrides = overrides(random);
    if !overrides.is_empty()
        && let Some(object) = vector.as_object_mut()
    {
        object.insert("overrides".into(), Json::Array(overrides));
    }
    engine.registry().put(Registry::of_vector(&vector)?);
    let address = engine.registry_address();
    let mut own = config;
    own.entry("schema.registry.url".into()).or_insert_with(|| format!("http://{address}"));
    let refused = engine.open_converter(Plugin::AvroConverter, is_key, &own)?;
    let mut steps = Vec::new();
    for _ in 0..1 + random.below(4) {
        let step = match (steps.last().cloned(), random.chance(25)) {
            (Some(again), true) => again,
            _ => step(random),
        };
        steps.push(answered(step, &refused, engine)?);
    }
    if let Some(object) = vector.as_object_mut() {
        object.insert("steps".into(), Json::Array(steps));
    }
    Ok(vector)
}

fn config(random: &mut Random, is_key: bool) -> Config {
    let mut config = Config::new();
    let boolean = |random: &mut Random| random.text(&["true", "false"]);
    for (name, percent) in [
        ("auto.register.schemas", 55),
        ("use.latest.version", 40),
        ("latest.compatibility.strict", 25),
        ("id.compatibility.strict", 15),
        ("normalize.schemas", 12),
        ("enhanced.avro.schema.support", 8),
        ("connect.meta.data", 8),
    ] {
        if random.chance(percent) {
            let value =
                if name == "auto.register.schemas" && random.chance(80) { "false".into() } else { boolean(random) };
            config.insert(name.into(), value);
        }
    }
    if random.chance(25) {
        config.insert("use.schema.id".into(), random.text(&["7", "8", "9", "10", "99", "-1"]));
    }
    if random.chance(25) {
        let strategy = random.text(&["TopicNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy"]);
        let side = if is_key != random.chance(10) { "key" } else { "value" };
        config.insert(format!("{side}.subject.name.strategy"), format!("{STRATEGIES}{strategy}"));
    }
    if random.chance(5) {
        config.insert("use.latest.with.metadata".into(), random.text(&["application.version=1", "x=y"]));
    }
    // Not a minute of waiting for each failure.
    config.insert("max.retries".into(), random.text(&["0", "0", "1"]));
    config.insert("retries.wait.ms".into(), "1".into());
    config
}

fn schemas() -> Vec<Json> {
    let record =
        |name: &str, fields: Json| json!({ "type": "record", "name": name, "namespace": "n", "fields": fields });
    let int = json!({ "name": "a", "type": "int" });
    let named = |mut schema: Json| {
        let name = format!("n.{}", schema["name"].as_str().unwrap_or(""));
        if let Some(object) = schema.as_object_mut() {
            object.insert("connect.name".into(), json!(name));
        }
        schema
    };
    vec![
        named(record("R", json!([int]))),
        named(record("R", json!([int, { "name": "b", "type": ["null", "string"], "default": null }]))),
        record("R", json!([{ "name": "a", "type": "long" }])),
        record("R", json!([{ "name": "b", "type": ["null", "string"], "default": null }, int])),
        record("R", json!([int, { "name": "c", "type": "string" }])),
        record("Other", json!([int])),
        json!("string"),
        json!("int"),
        json!("bytes"),
        json!(["null", named(record("R", json!([int])))]),
        json!({ "type": "enum", "name": "E", "namespace": "n", "symbols": ["A", "B"] }),
        json!({ "type": "array", "items": "int" }),
    ]
}

fn contents(random: &mut Random, is_key: bool) -> Vec<Json> {
    let own = if is_key { "t-key" } else { "t-value" };
    let mut entries: Vec<Json> = Vec::new();
    for i in 0..random.below(5) {
        let schema =
            if random.chance(60) { schemas()[random.below(4)].clone() } else { random.pick(&schemas()).clone() };
        let subject = random.text(&[own, own, own, "zz-value", "n.R", "t-n.R", "t-value"]);
        if entries.iter().any(|e| e["subject"] == json!(subject) && e["schema"] == schema) {
            continue;
        }
        let version = 1 + entries.iter().filter(|e| e["subject"] == json!(subject)).count();
        let known = entries.iter().find(|e| e["schema"] == schema).map(|e| e["id"].clone());
        let id = known.unwrap_or_else(|| json!(7 + i));
        let mut entry = json!({ "subject": subject, "version": version, "id": id, "schema": schema });
        if random.chance(6)
            && let Some(object) = entry.as_object_mut()
        {
            object.insert("metadata".into(), json!({ "properties": { "application.version": "1" } }));
        }
        entries.push(entry);
    }
    entries
}

/// Canned answers that are of no use.
fn overrides(random: &mut Random) -> Vec<Json> {
    if !random.chance(15) {
        return Vec::new();
    }
    let path = random.text(&["/schemas/ids/", "/subjects/t-value/versions", "/subjects/t-value", "/subjects/"]);
    let status = *random.pick(&[500, 503, 408, 404, 409, 422, 400, 403, 429, 418]);
    let body = random
        .pick(&[json!({ "error_code": 50001, "message": "broken" }), json!("<html>no</html>"), json!({}), json!([1])])
        .clone();
    vec![json!({ "path": path, "status": status, "body": body })]
}

fn step(random: &mut Random) -> Json {
    let topic = random.text(TOPICS);
    if random.chance(45) {
        return json!({ "op": "serialize", "topic": topic, "input": random.pick(&inputs()).clone() });
    }
    let bytes = match random.below(12) {
        0 => Json::Null,
        1 => json!(random.text(&["", "00", "0000", "00000000", "0000000007", "01", "0200000007", "ff0000000702"])),
        _ => {
            let id = *random.pick(&[7, 7, 7, 8, 8, 9, 10, 99]);
            json!(format!("00{id:08x}{}", random.text(&["02", "02", "0200", "020278", "", "04020200"])))
        }
    };
    json!({ "op": "deserialize", "topic": topic, "bytes": bytes })
}

fn inputs() -> Vec<Json> {
    let schema = |fields: Json| json!({ "type": "struct", "optional": false, "name": "n.R", "fields": fields });
    let a = json!({ "type": "int32", "optional": false, "field": "a" });
    let b = json!({ "type": "string", "optional": true, "field": "b" });
    let mut optional = schema(json!([a]));
    optional["optional"] = json!(true);
    let mut unnamed = schema(json!([a]));
    unnamed.as_object_mut().map(|object| object.remove("name"));
    vec![
        json!({ "schema": schema(json!([a])), "payload": { "a": 1 } }),
        json!({ "schema": schema(json!([a])), "payload": { "a": 2 } }),
        json!({ "schema": schema(json!([a, b])), "payload": { "a": 1, "b": "x" } }),
        json!({ "schema": schema(json!([b, a])), "payload": { "b": null, "a": 1 } }),
        json!({ "schema": optional, "payload": { "a": 1 } }),
        json!({ "schema": optional, "payload": null }),
        json!({ "schema": unnamed, "payload": { "a": 1 } }),
        json!({ "schema": { "type": "string", "optional": false }, "payload": "x" }),
        json!({ "schema": { "type": "int32", "optional": false }, "payload": 5 }),
        json!({ "schema": { "type": "bytes", "optional": false }, "payload": "AQI=" }),
        json!({ "schema": null, "payload": { "k": 1 } }),
        json!({ "schema": null, "payload": null }),
    ]
}

/// The step with what came of it. What an earlier answer said is replaced.
fn answered(mut step: Json, refused: &Option<Failure>, engine: &mut HarnessEngine) -> Result<Json, String> {
    engine.registry().take_requests();
    let operation = step["op"].as_str().unwrap_or("").to_owned();
    let topic = step["topic"].as_str();
    let outcome = match refused {
        Some(failure) => Outcome::Failed(failure.clone()),
        None if operation == "serialize" => engine.serialize(topic, get(&step, "input"))?,
        None => {
            let bytes = get(&step, "bytes").as_str().map(crate::json::unhex).transpose()?;
            engine.deserialize(topic, bytes.as_deref(), &[])?
        }
    };
    let expected = match outcome {
        Outcome::Failed(failure) => super::error(&operation, &failure),
        Outcome::Bytes(bytes, _) => json!({ "bytes": hex(&bytes) }),
        Outcome::NullBytes => json!({ "null": true }),
        Outcome::Datum(datum) => datum,
        other => return Err(format!("a converter answered {other:?}")),
    };
    let requests = engine.registry().take_requests().iter().map(request).collect();
    if let Some(object) = step.as_object_mut() {
        object.insert("expected".into(), expected);
        object.insert("requests".into(), Json::Array(requests));
    }
    Ok(step)
}

fn request(request: &Request) -> Json {
    let mut headers = Map::new();
    if let Some(authorization) = &request.authorization {
        headers.insert("authorization".into(), json!(authorization));
    }
    let mut json = json!({
        "method": request.method, "path": request.path, "query": request.query, "headers": headers,
    });
    if let (Some(body), Some(object)) = (&request.body, json.as_object_mut()) {
        object.insert("body".into(), body.clone());
    }
    json
}
