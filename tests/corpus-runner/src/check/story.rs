//! `story/`: what the reference story left in its topic. Every Avro message decodes to what was captured and encodes
//! again to the same bytes with the same registered schema.

use super::Verdict;
use crate::engine::{Config, Engine, Outcome, Plugin};
use crate::json::{cut, equal, get, hex, list, text};
use crate::registry::Registry;
use serde_json::{Value as Json, json};

/// Runs one message: `{"id","message","schemas"}`, `schemas` being the captured schemas by id.
///
/// # Errors
/// A message that is not in the form, or a broken engine.
pub fn check(case: &Json, engine: &mut dyn Engine) -> Result<Verdict, String> {
    let message = get(case, "message");
    let topic = text(message, "topic")?;
    let mut verdict = Verdict::default();
    for (part, is_key) in [("key", true), ("value", false)] {
        let captured = get(message, part);
        let Some(raw) = get(captured, "raw_base64").as_str() else {
            // A tombstone's value: null bytes, which no converter sees but which must come back as nothing.
            let outcome = deserialize(engine, is_key, topic, None, &Registry::default)?;
            let expected = json!({ "schema": null, "payload": null });
            super::avro::compare_decoded(&mut verdict, part, &expected, false, &outcome);
            continue;
        };
        let bytes = connect_json::base64::decode(raw).ok_or("raw_base64 is not Base64")?;
        let id = get(captured, "schema_id").as_i64().ok_or("no schema_id")?;
        let schema = get(get(case, "schemas"), &id.to_string());
        let subject = format!("{topic}-{part}");
        let registry = || registry(&subject, id, schema);
        let outcome = deserialize(engine, is_key, topic, Some(&bytes), &registry)?;
        let Outcome::Datum(mut datum) = outcome else {
            verdict.compare(part, super::unexpected(captured, &outcome));
            continue;
        };
        let (decoded, payload) = (plain(get(captured, "decoded")), get(&datum, "payload"));
        let mut differences = Vec::new();
        if !equal(&decoded, payload) {
            differences.push(format!(
                "payload: expected {}, found {}",
                cut(&decoded.to_string()),
                cut(&payload.to_string())
            ));
        }
        // Without a version of its own the schema was given the registry's, which the writer had not known.
        if let Some(datum) = get_mut(&mut datum, "schema").filter(|_| schema.get("connect.version").is_none()) {
            datum.remove("version");
        }
        engine.registry().put(registry());
        open(engine, is_key)?;
        match engine.serialize(Some(topic), &datum)? {
            Outcome::Bytes(again, _) if again == bytes => {}
            Outcome::Bytes(again, _) => {
                let registered = engine.registry().versions();
                let schema = registered.last().map(|v| v.text.as_str()).unwrap_or("none");
                let (wanted, found) = (cut(&hex(&bytes)), cut(&hex(&again)));
                differences.push(format!("bytes: expected {wanted}, found {found}; last schema {}", cut(schema)));
            }
            outcome => differences.push(format!("encoding again: found {}", super::describe(&outcome))),
        }
        verdict.compare(part, differences);
    }
    Ok(verdict)
}

fn get_mut<'a>(json: &'a mut Json, key: &str) -> Option<&'a mut serde_json::Map<String, Json>> {
    json.get_mut(key)?.as_object_mut()
}

fn registry(subject: &str, id: i64, schema: &Json) -> Registry {
    let entry = json!({ "subject": subject, "version": 1, "id": id, "schema": schema });
    // The entry is well-formed by construction.
    Registry::of_vector(&json!({ "registry": [entry] })).unwrap_or_default()
}

fn open(engine: &mut dyn Engine, is_key: bool) -> Result<(), String> {
    let url = format!("http://{}", engine.registry_address());
    let config = Config::from([("schema.registry.url".to_owned(), url)]);
    match engine.open_converter(Plugin::AvroConverter, is_key, &config)? {
        None => Ok(()),
        Some(failure) => Err(format!("refused: {}", failure.message)),
    }
}

fn deserialize(
    engine: &mut dyn Engine,
    is_key: bool,
    topic: &str,
    bytes: Option<&[u8]>,
    registry: &dyn Fn() -> Registry,
) -> Result<Outcome, String> {
    engine.registry().put(registry());
    open(engine, is_key)?;
    engine.deserialize(Some(topic), bytes, &[])
}

/// The captured value without the record names at union branches, which stand as `[name, value]`.
fn plain(decoded: &Json) -> Json {
    match decoded {
        Json::Array(pair) => match pair.as_slice() {
            [Json::String(_), value @ Json::Object(_)] => plain(value),
            items => Json::Array(items.iter().map(plain).collect()),
        },
        Json::Object(object) => Json::Object(object.iter().map(|(key, value)| (key.clone(), plain(value))).collect()),
        other => other.clone(),
    }
}

/// The cases of one captured topic; messages of the JSON runs hold no Avro and make none.
///
/// # Errors
/// A line that is not in the form.
pub fn cases(name: &str, messages: &[Json], schemas: &Json) -> Result<Vec<(String, Json)>, String> {
    let mut cases = Vec::new();
    for message in messages {
        let offset = get(message, "offset").as_i64().ok_or("a message without offset")?;
        list(message, "headers")?;
        let id = format!("{name}-{offset}");
        cases.push((id.clone(), json!({ "id": id, "message": message, "schemas": schemas })));
    }
    Ok(cases)
}
