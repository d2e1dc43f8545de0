//! The comparisons must be able to fail: every expectation of the corpus equals itself, and with any one leaf changed it
//! does not.

use super::*;
use crate::engine::{Config, Engine, Plugin};
use crate::registry::{Registry, SharedRegistry};
use connect_json::vectors;
use serde_json::json;

/// Changes leaf number `n` (counted from 0, null included) to something else of its kind.
fn change(json: &mut Json, n: &mut usize) -> bool {
    match json {
        Json::Object(object) => object.values_mut().any(|child| change(child, n)),
        Json::Array(items) => items.iter_mut().any(|child| change(child, n)),
        leaf => {
            if *n > 0 {
                *n -= 1;
                return false;
            }
            *leaf = match &leaf {
                Json::Null => json!("something"),
                Json::Bool(value) => json!(!value),
                Json::Number(number) => match number.as_i64() {
                    Some(integer) => json!(integer ^ 1),
                    None => {
                        json!(if number.as_f64().unwrap().abs() < 1e6 { number.as_f64().unwrap() + 1.5 } else { 1.25 })
                    }
                },
                Json::String(text) if text == "NaN" => json!(0.5),
                // Stays Base64 and a name, if it was one.
                Json::String(text) => json!(match text.strip_prefix('A') {
                    Some(rest) => format!("B{rest}"),
                    None => match text.char_indices().nth(1) {
                        Some((at, _)) => format!("A{}", &text[at..]),
                        None => "AAAA".to_owned(),
                    },
                }),
                _ => unreachable!(),
            };
            true
        }
    }
}

fn leaves(json: &Json) -> usize {
    match json {
        Json::Object(object) => object.values().map(leaves).sum(),
        Json::Array(items) => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// Five changes of one leaf each, spread over the expectation.
fn changed(json: &Json) -> Vec<Json> {
    let count = leaves(json);
    (0..5.min(count))
        .map(|i| {
            let mut copy = json.clone();
            let mut n = count * i / 5;
            assert!(change(&mut copy, &mut n));
            copy
        })
        .collect()
}

fn each(folder: &str, prefix: &str, check: impl Fn(&str, &Json)) {
    for vector in vectors::read_folder(&vectors::corpus().join(folder), prefix).unwrap() {
        check(&vector.id, &vector.json);
    }
}

#[test]
fn a_changed_record_is_found() {
    each("smt", "", |id, vector| {
        let steps = vector.get("steps").and_then(Json::as_array).cloned().unwrap_or_else(|| vec![vector.clone()]);
        for record in steps.iter().filter_map(|step| step["expected"].get("record")) {
            assert_eq!(smt::compare_records(record, record), Vec::<String>::new(), "{id}");
            for other in changed(record) {
                assert_ne!(smt::compare_records(record, &other), Vec::<String>::new(), "{id}: {other}");
            }
        }
    });
}

#[test]
fn a_changed_datum_is_found() {
    each("avro", "a2c-", |id, vector| {
        let expected = &vector["expected"];
        if expected.get("schema").is_some() {
            assert_eq!(compare_data(expected, expected), Vec::<String>::new(), "{id}");
            for other in changed(expected) {
                assert_ne!(compare_data(expected, &other), Vec::<String>::new(), "{id}: {other}");
            }
        }
    });
}

/// Answers what it is told.
struct Parrot {
    registry: SharedRegistry,
    outcome: Outcome,
}

impl Engine for Parrot {
    fn registry(&self) -> &SharedRegistry {
        &self.registry
    }

    fn registry_address(&self) -> String {
        "parrot".into()
    }

    fn open_transformation(&mut self, _: &str, _: &Config) -> Result<Option<Failure>, String> {
        Ok(None)
    }

    fn open_converter(&mut self, _: Plugin, _: bool, _: &Config) -> Result<Option<Failure>, String> {
        Ok(None)
    }

    fn apply(&mut self, _: &Json) -> Result<Outcome, String> {
        Ok(self.outcome.clone())
    }

    fn serialize(&mut self, _: Option<&str>, _: &Json) -> Result<Outcome, String> {
        Ok(self.outcome.clone())
    }

    fn serialize_last(&mut self, _: &str) -> Result<Outcome, String> {
        Ok(self.outcome.clone())
    }

    fn deserialize(&mut self, _: Option<&str>, _: Option<&[u8]>, _: &[(String, Vec<u8>)]) -> Result<Outcome, String> {
        Ok(self.outcome.clone())
    }
}

/// What comes of a Connect-to-Avro vector if this schema was registered as id 1 and these bytes were written.
fn encoded(vector: &Json, schema: &Json, body: &[u8]) -> Verdict {
    let registry = SharedRegistry::default();
    registry.put(Registry::of_versions("t-value", std::slice::from_ref(schema)));
    let outcome = Outcome::Bytes([&[0, 0, 0, 0, 1], body].concat(), Vec::new());
    let parrot = Parrot { registry, outcome: outcome.clone() };
    let mut verdict = Verdict::default();
    avro::compare_encoded(&mut verdict, "", &vector["expected"], false, &outcome, &parrot).unwrap();
    verdict
}

#[test]
fn changed_bytes_and_schemas_are_found() {
    each("avro", "c2a-", |id, vector| {
        let expected = &vector["expected"];
        let Some(bytes) = expected.get("bytes").and_then(Json::as_str) else { return };
        let (schema, bytes) = (&expected["avro_schema"], crate::json::unhex(bytes).unwrap());
        assert_eq!(encoded(vector, schema, &bytes).differences, Vec::<String>::new(), "{id}");
        for other in changed(schema).iter().filter(|other| other.is_object() || other.is_array()) {
            assert!(!encoded(vector, other, &bytes).differences.is_empty(), "{id}: {other}");
        }
        let longer = [&bytes[..], &[1]].concat();
        assert!(!encoded(vector, schema, &longer).differences.is_empty(), "{id}");
    });
}

#[test]
fn an_answer_of_another_kind_is_found() {
    let failure = Failure { configuring: false, class: "a.b.DataException".into(), message: String::new() };
    for (outcome, own) in [
        (Outcome::Drop, "drop"),
        (Outcome::Failed(failure), "error"),
        (Outcome::Record(json!({})), "record"),
        (Outcome::NullBytes, "null"),
    ] {
        each("smt", "", |id, vector| {
            if vector.get("steps").is_some() || vector["expected"].get(own).is_some() {
                return;
            }
            let mut parrot = Parrot { registry: SharedRegistry::default(), outcome: outcome.clone() };
            let verdict = smt::check(vector, &mut parrot).unwrap();
            assert!(!verdict.differences.is_empty() && verdict.compared > 0, "{id} {own}");
        });
    }
}

#[test]
fn a_request_too_many_too_few_or_changed_is_found() {
    each("avro", "wire-", |id, vector| {
        for step in vector["steps"].as_array().unwrap() {
            let Some(expected) = step["requests"].as_array().filter(|list| !list.is_empty()) else { continue };
            let requests = expected.iter().map(wire::as_request).collect::<Result<Vec<_>, _>>().unwrap();
            let compare = |made: &[crate::registry::Request]| wire::compare_requests(expected, made).unwrap();
            assert_eq!(compare(&requests), Vec::<String>::new(), "{id}");
            assert!(!compare(&requests[1..]).is_empty(), "{id}");
            assert!(!compare(&[&requests[..], &requests[..1]].concat()).is_empty(), "{id}");
            let mut other = requests.clone();
            other[0].authorization = Some("Basic x".into());
            assert!(!compare(&other).is_empty(), "{id}");
            let mut other = requests.clone();
            other[0].query.insert("a".into(), "b".into());
            assert!(!compare(&other).is_empty(), "{id}");
            if let Some(body) = &requests[0].body {
                let mut other = requests.clone();
                let schema = body["schema"].as_str().unwrap().replacen(['i', 's'], "x", 1);
                other[0].body = Some(json!({ "schema": schema }));
                assert!(!compare(&other).is_empty(), "{id}");
            }
        }
    });
}

#[test]
fn the_phase_of_an_error_counts_and_its_class_is_reported() {
    let expected = json!({ "error": { "phase": "apply", "class": "a.b.DataException" } });
    let verdict = |configuring: bool, class: &str| {
        let mut verdict = Verdict::default();
        let failure = Failure { configuring, class: class.into(), message: String::new() };
        verdict.compare_error("", &expected, false, &failure);
        (verdict.differences.len(), verdict.other_classes.len())
    };
    assert_eq!(verdict(false, "x.DataException"), (0, 0));
    assert_eq!(verdict(false, "x.ConfigException"), (0, 1));
    assert_eq!(verdict(true, "x.DataException"), (1, 0));
}
