//! `smt/`: ExtractNewRecordState.

use super::{Verdict, compare_data, unexpected};
use crate::engine::{Config, Engine, Outcome};
use crate::json::{equal, get, list, text};
use connect_json::compare;
use serde_json::{Value as Json, json};

/// Runs one vector.
///
/// # Errors
/// A vector that is not in the form, or a broken engine.
pub fn check(vector: &Json, engine: &mut dyn Engine) -> Result<Verdict, String> {
    let config: Config = super::avro::config(vector)?;
    let generation = text(vector, "generation")?;
    let whole = std::slice::from_ref(vector);
    let steps = if vector.get("steps").is_some() { list(vector, "steps")? } else { whole };
    let mut verdict = Verdict::default();
    let refused = engine.open_transformation(generation, &config)?;
    for (i, step) in steps.iter().enumerate() {
        let place = if steps.len() > 1 { format!("step {i}") } else { String::new() };
        let expected = step.get("expected").ok_or("a step without expectation")?;
        let input = step.get("input").ok_or("a step without input")?;
        let outcome = match &refused {
            Some(failure) => Outcome::Failed(failure.clone()),
            None => engine.apply(input)?,
        };
        match (&outcome, expected) {
            (Outcome::NotApplicable(why), _) => verdict.not_applicable = Some(why),
            (Outcome::Failed(failure), expected) if expected.get("error").is_some() => {
                verdict.compare_error(&place, expected, false, failure);
            }
            (Outcome::Drop, expected) if *get(expected, "drop") == true => verdict.compare(&place, Vec::new()),
            (Outcome::Record(found), expected) if expected.get("record").is_some() => {
                verdict.compare(&place, compare_records(get(expected, "record"), found));
            }
            (outcome, expected) => verdict.compare(&place, unexpected(expected, outcome)),
        }
    }
    Ok(verdict)
}

pub(super) fn compare_records(expected: &Json, found: &Json) -> Vec<String> {
    let mut differences = Vec::new();
    for key in ["topic", "kafkaPartition", "timestamp"] {
        if !equal(get(expected, key), get(found, key)) {
            differences.push(format!("{key}: expected {}, found {}", get(expected, key), get(found, key)));
        }
    }
    for key in ["key", "value"] {
        differences.extend(compare_data(get(expected, key), get(found, key)).into_iter().map(|d| format!("{key} {d}")));
    }
    let headers = |record: &Json| list(record, "headers").map(<[Json]>::to_vec);
    let (wanted, headers) = match (headers(expected), headers(found)) {
        (Ok(wanted), Ok(headers)) => (wanted, headers),
        (wanted, headers) => {
            differences.extend(wanted.err().into_iter().chain(headers.err()));
            return differences;
        }
    };
    let names = |headers: &[Json]| headers.iter().map(|h| get(h, "key").to_string()).collect::<Vec<_>>().join(", ");
    if names(&wanted) != names(&headers) {
        differences.push(format!("headers: expected [{}], found [{}]", names(&wanted), names(&headers)));
        return differences;
    }
    for (wanted, header) in wanted.iter().zip(&headers) {
        let name = get(wanted, "key");
        differences.extend(compare_header(wanted, header).into_iter().map(|d| format!("header {name} {d}")));
    }
    differences
}

/// Where the reference's schema lists no fields but its payload has some, the fields are compared by the payload alone.
fn compare_header(expected: &Json, found: &Json) -> Vec<String> {
    let payload = get(expected, "payload");
    let fieldless = connect_json::schema::read(get(expected, "schema"));
    let fieldless = fieldless.is_ok_and(|schema| schema.as_ref().is_some_and(compare::is_fieldless_struct));
    if !fieldless || payload.as_object().is_none_or(|fields| fields.is_empty()) {
        return compare_data(expected, found);
    }
    let head = |header: &Json| {
        let mut schema = get(header, "schema").clone();
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("fields".into(), Json::Array(Vec::new()));
        }
        json!({ "schema": schema, "payload": null })
    };
    let mut differences = compare_data(&head(expected), &head(found));
    if !equal(payload, get(found, "payload")) {
        differences.push(format!("payload: expected {payload}, found {}", get(found, "payload")));
    }
    differences
}
