//! `avro/c2a-*` and `avro/a2c-*`: AvroData in both directions, through a converter and a registry.

use super::{Verdict, avro_datum, compare_data, unexpected};
use crate::engine::{Config, Engine, Failure, Outcome, Plugin};
use crate::json::{cut, equal, get, hex, list, text, unhex};
use crate::registry::Registry;
use serde_json::Value as Json;

/// Topic of these vectors.
const TOPIC: &str = "t";

/// Subject of their values.
const SUBJECT: &str = "t-value";

/// Settings of a vector.
pub fn config(vector: &Json) -> Result<Config, String> {
    let config = get(vector, "config").as_object().ok_or("expected an object as \"config\"")?;
    let value = |value: &Json| value.as_str().map(str::to_owned).ok_or("a setting that is no string");
    config.iter().map(|(key, v)| Ok((key.clone(), value(v)?))).collect()
}

/// Settings with the registry of the engine.
pub fn registry_config(vector: &Json, engine: &dyn Engine) -> Result<Config, String> {
    let address = engine.registry_address();
    let mut config = config(vector)?;
    config.values_mut().for_each(|value| *value = value.replace("{REGISTRY}", &address));
    config.entry("schema.registry.url".into()).or_insert_with(|| format!("http://{address}"));
    Ok(config)
}

/// Runs a Connect-to-Avro vector.
///
/// # Errors
/// A vector that is not in the form, or a broken engine.
pub fn check_c2a(vector: &Json, engine: &mut dyn Engine) -> Result<Verdict, String> {
    engine.registry().put(Registry::of_versions(SUBJECT, &[]));
    let config = registry_config(vector, engine)?;
    let input = vector.get("input").ok_or("no input")?;
    let outcome = match engine.open_converter(Plugin::AvroConverter, false, &config)? {
        Some(failure) => Outcome::Failed(failure),
        None => engine.serialize(Some(TOPIC), input)?,
    };
    let any = exhausts(vector);
    either(vector, "expected", |expected| {
        let mut verdict = Verdict::default();
        compare_encoded(&mut verdict, "", expected, any, &outcome, engine)?;
        Ok(verdict)
    })
}

/// Runs an Avro-to-Connect vector.
///
/// # Errors
/// A vector that is not in the form, or a broken engine.
pub fn check_a2c(vector: &Json, engine: &mut dyn Engine) -> Result<Verdict, String> {
    let schemas = list(vector, "schemas")?;
    let writer = get(vector, "writer_version").as_u64().unwrap_or(1) as u32;
    let mut bytes = vec![0];
    bytes.extend(writer.to_be_bytes());
    bytes.extend(unhex(text(vector, "bytes")?)?);
    engine.registry().put(Registry::of_versions(SUBJECT, schemas));
    let config = registry_config(vector, engine)?;
    let outcome = match engine.open_converter(Plugin::AvroConverter, false, &config)? {
        Some(failure) => Outcome::Failed(failure),
        None => engine.deserialize(Some(TOPIC), Some(&bytes), &[])?,
    };
    let mut again = None;
    if vector.get("reencoded").is_some() && matches!(outcome, Outcome::Datum(_)) {
        engine.registry().put(Registry::of_versions(SUBJECT, &[]));
        again = Some(match engine.open_converter(Plugin::AvroConverter, false, &config)? {
            Some(failure) => Outcome::Failed(failure),
            None => engine.serialize_last(TOPIC)?,
        });
    }
    let any = exhausts(vector);
    let check = |side: &Json| -> Result<Verdict, String> {
        let mut verdict = Verdict::default();
        compare_decoded(&mut verdict, "", side.get("expected").ok_or("no expectation")?, any, &outcome);
        let reencoded = get(side, "reencoded");
        if let (false, Some(again)) = (reencoded.is_null(), &again) {
            compare_encoded(&mut verdict, "reencoded", reencoded, false, again, engine)?;
        }
        Ok(verdict)
    };
    best(check(vector)?, vector.get("alt").map(check).transpose()?)
}

/// The verdict for the vector or, if that fails and there is one, for its `alt`.
fn either(vector: &Json, key: &str, check: impl Fn(&Json) -> Result<Verdict, String>) -> Result<Verdict, String> {
    let verdict = check(vector.get(key).ok_or("no expectation")?)?;
    let alternative = vector.get("alt").and_then(|alt| alt.get(key)).map(check).transpose()?;
    best(verdict, alternative)
}

pub(super) fn best(verdict: Verdict, alternative: Option<Verdict>) -> Result<Verdict, String> {
    match alternative {
        Some(alternative) if !verdict.differences.is_empty() && alternative.differences.is_empty() => Ok(alternative),
        _ => Ok(verdict),
    }
}

fn exhausts(vector: &Json) -> bool {
    *get(vector, "resource_exhaustion") == true
}

/// Compares with `{"schema","payload"}`, `{"null_result"}` or an error.
pub(super) fn compare_decoded(verdict: &mut Verdict, place: &str, expected: &Json, any: bool, outcome: &Outcome) {
    match outcome {
        Outcome::NotApplicable(why) => verdict.not_applicable = Some(why),
        Outcome::Failed(failure) if expected.get("error").is_some() => {
            verdict.compare_error(place, expected, any, failure);
        }
        Outcome::Datum(found) if expected.get("schema").is_some() || expected.get("payload").is_some() => {
            verdict.compare(place, compare_data(expected, found));
        }
        Outcome::Datum(found) if *get(expected, "null_result") == true => {
            let nothing = get(found, "schema").is_null() && get(found, "payload").is_null();
            verdict.compare(place, if nothing { Vec::new() } else { unexpected(expected, outcome) });
        }
        outcome => verdict.compare(place, unexpected(expected, outcome)),
    }
}

/// Compares with `{"avro_schema","bytes"}`, `{"null"}` or an error. The registry tells what was registered.
pub(super) fn compare_encoded(
    verdict: &mut Verdict,
    place: &str,
    expected: &Json,
    any: bool,
    outcome: &Outcome,
    engine: &dyn Engine,
) -> Result<(), String> {
    match outcome {
        Outcome::NotApplicable(why) => verdict.not_applicable = Some(why),
        Outcome::Failed(failure) if expected.get("error").is_some() => {
            verdict.compare_error(place, expected, any, failure);
        }
        Outcome::NullBytes if *get(expected, "null") == true => verdict.compare(place, Vec::new()),
        Outcome::Bytes(bytes, _) if expected.get("bytes").is_some() => {
            let wanted_schema = get(expected, "avro_schema");
            let (schema, body) = registered(bytes, engine)?;
            let mut differences = Vec::new();
            if !equal(wanted_schema, &schema) {
                let (wanted, found) = (cut(&wanted_schema.to_string()), cut(&schema.to_string()));
                differences.push(format!("avro_schema: expected {wanted}, found {found}"));
            }
            let wanted = unhex(text(expected, "bytes")?)?;
            let same = if wanted != body && *get(expected, "map_order_unspecified") == true {
                avro_datum::equal(wanted_schema, &wanted, &body)
            } else {
                Ok(wanted == body)
            };
            if same != Ok(true) {
                let why = same.err().map(|e| format!(" ({e})")).unwrap_or_default();
                differences.push(format!("bytes: expected {}, found {}{why}", cut(&hex(&wanted)), cut(&hex(&body))));
            }
            verdict.compare(place, differences);
        }
        outcome => verdict.compare(place, unexpected(expected, outcome)),
    }
    Ok(())
}

/// The registered schema that the wire header names, and the bytes after it.
fn registered(bytes: &[u8], engine: &dyn Engine) -> Result<(Json, Vec<u8>), String> {
    let Some(([0, id @ ..], body)) = bytes.split_first_chunk::<5>() else {
        return Err(format!("no wire header in {}", hex(bytes)));
    };
    let id = i64::from(u32::from_be_bytes(*id));
    let versions = engine.registry().versions();
    let registered = versions.iter().find(|v| v.id == id).ok_or(format!("schema id {id} was never registered"))?;
    let schema = serde_json::from_str(&registered.text).map_err(|e| format!("registered schema: {e}"))?;
    Ok((schema, body.to_vec()))
}

/// An outcome out of a refused configuration or an operation.
pub(super) fn outcome_of(
    refused: &Option<Failure>,
    operation: impl FnOnce() -> Result<Outcome, String>,
) -> Result<Outcome, String> {
    match refused {
        Some(failure) => Ok(Outcome::Failed(failure.clone())),
        None => operation(),
    }
}
