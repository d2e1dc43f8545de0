//! Few vectors that show as much as many.

use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What a vector shows, as words.
pub type Traits = fn(&Json) -> BTreeSet<String>;

/// What the vectors of these files show.
///
/// # Errors
/// A file that cannot be read.
pub fn known(files: &[PathBuf], traits: Traits) -> Result<BTreeSet<String>, String> {
    let mut known = BTreeSet::new();
    for file in files {
        for vector in connect_json::vectors::read_file(file).map_err(|e| e.to_string())? {
            known.extend(traits(&vector.json));
        }
    }
    Ok(known)
}

/// `count` of the vectors, in their order: each time the one that shows most that is new, the shorter of two.
pub fn differing(vectors: Vec<Json>, known: &BTreeSet<String>, count: usize, traits: Traits) -> Vec<Json> {
    let mut left: Vec<(usize, usize, BTreeSet<String>)> = Vec::new();
    for (number, vector) in vectors.iter().enumerate() {
        left.push((number, vector.to_string().len(), traits(vector)));
    }
    let mut shown = known.clone();
    let mut chosen = BTreeSet::new();
    while chosen.len() < count {
        let best = left
            .iter()
            .enumerate()
            .max_by_key(|(_, (_, length, traits))| (traits.difference(&shown).count(), std::cmp::Reverse(*length)));
        let Some((at, _)) = best else { break };
        let (number, _, traits) = left.swap_remove(at);
        if traits.is_subset(&shown) {
            break;
        }
        shown.extend(traits);
        chosen.insert(number);
    }
    vectors.into_iter().enumerate().filter(|(number, _)| chosen.contains(number)).map(|(_, vector)| vector).collect()
}

/// Pairs of a setting and an outcome, and of two settings: where the differences are.
pub fn smt_traits(vector: &Json) -> BTreeSet<String> {
    let mut settings: Vec<String> = Vec::new();
    for (key, value) in vector["config"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or("");
        let value = match key.as_str() {
            "add.fields" | "add.headers" | "route.by.field" => class(value),
            _ => value.to_owned(),
        };
        settings.push(format!("{key}={value}"));
    }
    let mut traits = BTreeSet::new();
    let whole = std::slice::from_ref(vector);
    for step in vector["steps"].as_array().map_or(whole, Vec::as_slice) {
        let outcome = outcome(&step["input"], &step["expected"]);
        for setting in &settings {
            traits.insert(format!("{setting} -> {outcome}"));
        }
        traits.insert(outcome);
    }
    for (i, a) in settings.iter().enumerate() {
        traits.extend(settings[i + 1..].iter().map(|b| format!("{a} & {b}")));
    }
    traits
}

/// What kind of references a list holds.
fn class(list: &str) -> String {
    let kinds: BTreeSet<&str> = list
        .split(',')
        .map(|entry| match entry.trim() {
            "" => "empty",
            entry if entry.contains(':') => "renamed",
            entry if entry.starts_with("before.") || entry.starts_with("after.") => "column",
            entry if entry.contains('.') => "dotted",
            _ => "plain",
        })
        .collect();
    kinds.into_iter().collect::<Vec<_>>().join("+")
}

fn outcome(input: &Json, expected: &Json) -> String {
    if let Some(error) = expected.get("error") {
        let message = error["message"].as_str().unwrap_or("");
        let words: String = message.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').take(40).collect();
        return format!("{} {words}", error["class"]);
    }
    let Some(record) = expected.get("record") else { return "dropped".into() };
    let present = |field: &str| !input["value"]["payload"][field].is_null();
    format!(
        "record before={} after={} op={} schema={} payload={} key={} topic={} headers={}",
        present("before"),
        present("after"),
        input["value"]["payload"]["op"],
        record["value"]["schema"]["type"],
        record["value"]["payload"].is_null(),
        record["key"] == input["key"],
        record["topic"] == input["topic"],
        record["headers"] == input["headers"],
    )
}

/// Pairs of a setting and a type, of a setting and an outcome, and what types are side by side.
pub fn avro_traits(vector: &Json) -> BTreeSet<String> {
    let mut settings = vec!["plain".to_owned()];
    for (key, value) in vector["config"].as_object().into_iter().flatten() {
        settings.push(format!("{key}={}", value.as_str().unwrap_or("").to_lowercase()));
    }
    let mut kinds = BTreeSet::new();
    if let Some(schemas) = vector.get("schemas") {
        words(schemas, "", &mut kinds);
    } else {
        words(&vector["input"]["schema"], "", &mut kinds);
    }
    let mut outcomes = vec![avro_outcome(&vector["expected"])];
    for step in vector["steps"].as_array().into_iter().flatten() {
        let calls = step["requests"].as_array().into_iter().flatten().map(|r| format!("{} {}", r["method"], r["path"]));
        kinds.extend(calls);
        outcomes.push(format!("{} {}", step["op"], avro_outcome(&step["expected"])));
    }
    if let Some(again) = vector.get("reencoded") {
        outcomes.push(format!("again {}", avro_outcome(again)));
    }
    let mut traits = BTreeSet::new();
    for setting in &settings {
        traits.extend(kinds.iter().chain(&outcomes).map(|word| format!("{setting} {word}")));
    }
    for outcome in outcomes.into_iter().filter(|outcome| outcome.contains('!')) {
        traits.extend(kinds.iter().map(|kind| format!("{outcome} {kind}")));
    }
    traits
}

/// Each type with the type around it, and each property with the type it is on.
fn words(schema: &Json, around: &str, found: &mut BTreeSet<String>) {
    match schema {
        Json::String(name) => drop(found.insert(format!("{around}>{name}"))),
        Json::Array(branches) => branches.iter().for_each(|branch| words(branch, &format!("{around}|"), found)),
        Json::Object(object) => {
            let kind = object.get("type").and_then(Json::as_str).unwrap_or("");
            found.insert(format!("{around}>{kind}"));
            for (key, value) in object {
                match key.as_str() {
                    "type" if value.is_string() => {}
                    "type" | "items" | "values" | "keys" => words(value, kind, found),
                    "fields" => value.as_array().into_iter().flatten().for_each(|field| words(field, kind, found)),
                    "name" | "field" | "doc" | "symbols" | "size" | "aliases" => {}
                    _ => drop(found.insert(format!("{kind}.{key}"))),
                }
            }
        }
        _ => {}
    }
}

fn avro_outcome(expected: &Json) -> String {
    let Some(error) = expected.get("error") else { return super::outcome_kind(expected) };
    let message = error["message"].as_str().unwrap_or("");
    let words: String = message.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').take(24).collect();
    format!("! {} {words}", error["class"])
}
