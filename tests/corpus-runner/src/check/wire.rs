//! `avro/wire-*`: one converter and a registry over several steps, with the calls it makes.

use super::avro::{best, compare_decoded, outcome_of, registry_config};
use super::{Verdict, unexpected};
use crate::engine::{Engine, Outcome, Plugin};
use crate::json::{cut, equal, equal_texts, get, hex, list, text, unhex};
use crate::registry::{Registry, Request};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Runs one vector.
///
/// # Errors
/// A vector that is not in the form, or a broken engine.
pub fn check(vector: &Json, engine: &mut dyn Engine) -> Result<Verdict, String> {
    let is_key = get(vector, "is_key").as_bool().ok_or("expected a boolean as \"is_key\"")?;
    engine.registry().put(Registry::of_vector(vector)?);
    let config = registry_config(vector, engine)?;
    let refused = engine.open_converter(Plugin::AvroConverter, is_key, &config)?;
    let mut whole = Verdict::default();
    for (i, step) in list(vector, "steps")?.iter().enumerate() {
        engine.registry().take_requests();
        let topic = get(step, "topic").as_str();
        let outcome = match text(step, "op")? {
            "serialize" => {
                let input = step.get("input").ok_or("a step without input")?;
                outcome_of(&refused, || engine.serialize(topic, input))?
            }
            "deserialize" => {
                let bytes = get(step, "bytes").as_str().map(unhex).transpose()?;
                let headers = headers(list(step, "headers")?)?;
                outcome_of(&refused, || engine.deserialize(topic, bytes.as_deref(), &headers))?
            }
            other => return Err(format!("unknown op {other:?}")),
        };
        let requests = engine.registry().take_requests();
        let place = format!("step {i}");
        let verdict = compare(&place, step, &outcome, &requests)?;
        let alternative = step.get("alt").map(|alt| compare(&place, alt, &outcome, &requests)).transpose()?;
        let verdict = best(verdict, alternative)?;
        whole.compared += verdict.compared;
        whole.differences.extend(verdict.differences);
        whole.other_classes.extend(verdict.other_classes);
        whole.not_applicable = whole.not_applicable.or(verdict.not_applicable);
    }
    Ok(whole)
}

fn headers(list: &[Json]) -> Result<Vec<(String, Vec<u8>)>, String> {
    list.iter().map(|header| Ok((text(header, "key")?.to_owned(), unhex(text(header, "hex")?)?))).collect()
}

fn compare(place: &str, side: &Json, outcome: &Outcome, requests: &[Request]) -> Result<Verdict, String> {
    let mut verdict = Verdict::default();
    let expected = side.get("expected").ok_or("a step without expectation")?;
    match outcome {
        Outcome::Bytes(bytes, found) if expected.get("bytes").is_some() => {
            let wanted = unhex(text(expected, "bytes")?)?;
            let mut differences = Vec::new();
            if wanted != *bytes {
                differences.push(format!("bytes: expected {}, found {}", cut(&hex(&wanted)), cut(&hex(bytes))));
            }
            let wanted = headers(list(expected, "headers")?)?;
            if wanted != *found {
                differences.push(format!("headers: expected {wanted:?}, found {found:?}"));
            }
            verdict.compare(place, differences);
        }
        Outcome::NullBytes if *get(expected, "null") == true => verdict.compare(place, Vec::new()),
        Outcome::Bytes(..) | Outcome::NullBytes => verdict.compare(place, unexpected(expected, outcome)),
        outcome => compare_decoded(&mut verdict, place, expected, false, outcome),
    }
    if verdict.not_applicable.is_none() {
        let wanted = list(side, "requests")?;
        verdict.compare(place, compare_requests(wanted, requests)?);
    }
    Ok(verdict)
}

pub(super) fn compare_requests(expected: &[Json], found: &[Request]) -> Result<Vec<String>, String> {
    let line =
        |r: &Json| format!("{} {}", get(r, "method").as_str().unwrap_or(""), get(r, "path").as_str().unwrap_or(""));
    let wanted: Vec<_> = expected.iter().map(line).collect();
    let made: Vec<_> = found.iter().map(|r| format!("{} {}", r.method, r.path)).collect();
    if wanted != made {
        return Ok(vec![format!("requests: expected {wanted:?}, found {made:?}")]);
    }
    let mut differences = Vec::new();
    for (wanted, made) in expected.iter().zip(found) {
        let mut check = |what: &str, same: bool, wanted: String, found: String| {
            if !same {
                differences.push(format!("request {} {what}: expected {wanted}, found {found}", made.path));
            }
        };
        let query = query(get(wanted, "query"))?;
        check("query", query == made.query, format!("{query:?}"), format!("{:?}", made.query));
        let headers = get(wanted, "headers").as_object().ok_or("expected an object as \"headers\"")?;
        let authorization = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let authorization = authorization.and_then(|(_, value)| value.as_str());
        let same = authorization == made.authorization.as_deref();
        check("authorization", same, format!("{authorization:?}"), format!("{:?}", made.authorization));
        let body = get(wanted, "body");
        let schema = get(body, "schema").as_str();
        let sent = made.body.as_ref().and_then(|body| get(body, "schema").as_str());
        let same = match (schema, sent) {
            (Some(wanted), Some(sent)) => equal_texts(wanted, sent),
            (None, None) => true,
            _ => equal(body, made.body.as_ref().unwrap_or(&Json::Null)),
        };
        check("schema", same, cut(&format!("{schema:?}")), cut(&format!("{sent:?}")));
    }
    Ok(differences)
}

fn query(json: &Json) -> Result<BTreeMap<String, String>, String> {
    let value = |value: &Json| match value {
        Json::String(text) => Ok(text.clone()),
        Json::Array(values) => Ok(values.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(",")),
        other => Err(format!("a query parameter {other}")),
    };
    match json {
        Json::Null => Ok(BTreeMap::new()),
        Json::Object(object) => object.iter().map(|(key, v)| Ok((key.clone(), value(v)?))).collect(),
        other => Err(format!("expected an object as \"query\", found {other}")),
    }
}

/// A call that a vector expects, as if it had been made.
#[cfg(test)]
pub(super) fn as_request(expected: &Json) -> Result<Request, String> {
    let headers = get(expected, "headers").as_object().ok_or("no headers")?;
    Ok(Request {
        method: text(expected, "method")?.to_owned(),
        path: text(expected, "path")?.to_owned(),
        query: query(get(expected, "query"))?,
        authorization: headers.get("authorization").and_then(Json::as_str).map(str::to_owned),
        body: expected.get("body").filter(|body| !body.is_null()).cloned(),
    })
}
