//! `known-failures.json`, `differences.json` and `older-reference.json` next to the vectors.

use crate::json::{get, list, text};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;

/// Vectors that need not pass yet, and vectors for which we want something else than the reference.
#[derive(Debug, Default)]
pub struct Exceptions {
    /// Engines and reason by id.
    known: BTreeMap<String, (Vec<String>, String)>,
    differences: BTreeMap<String, Json>,
}

impl Exceptions {
    /// Reads both files of a folder; each must exist.
    ///
    /// # Errors
    /// A missing file, an entry without id, reason, engines or expectation, an id twice.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut exceptions = Self::default();
        for entry in entries(&folder.join("known-failures.json"))? {
            let (id, reason) = (text(&entry, "id")?.to_owned(), text(&entry, "reason")?.to_owned());
            let engines: Vec<_> = list(&entry, "engines")?.iter().filter_map(Json::as_str).map(str::to_owned).collect();
            if engines.is_empty() || reason.is_empty() {
                return Err(format!("known-failures.json: {id}: expected engines and a reason"));
            }
            if exceptions.known.insert(id.clone(), (engines, reason)).is_some() {
                return Err(format!("known-failures.json: {id} occurs twice"));
            }
        }
        for entry in entries(&folder.join("differences.json"))? {
            let id = text(&entry, "id")?.to_owned();
            if text(&entry, "reason")?.is_empty() || entry.get("expected").is_none() {
                return Err(format!("differences.json: {id}: expected a reason and an expectation"));
            }
            if exceptions.differences.insert(id.clone(), entry).is_some() {
                return Err(format!("differences.json: {id} occurs twice"));
            }
        }
        Ok(exceptions)
    }

    /// Lets the stock engine fail where Confluent's converter of the peers, which is older than the vectors' reference,
    /// does otherwise.
    ///
    /// # Errors
    /// A missing file, an entry without reason or ids, an id that is listed already.
    pub fn allow_older_reference(&mut self, folder: &Path) -> Result<(), String> {
        for entry in entries(&folder.join("older-reference.json"))? {
            let (reason, ids) = (text(&entry, "reason")?, list(&entry, "ids")?);
            if reason.is_empty() || ids.is_empty() {
                return Err("older-reference.json: expected a reason and ids".into());
            }
            for id in ids {
                let id = id.as_str().ok_or("older-reference.json: an id that is no string")?.to_owned();
                if self.known.insert(id.clone(), (vec!["stock".into()], reason.to_owned())).is_some() {
                    return Err(format!("older-reference.json: {id} is listed twice"));
                }
            }
        }
        Ok(())
    }

    /// Why this vector need not pass with this engine.
    pub fn known(&self, id: &str, engine: &str) -> Option<&str> {
        let (engines, reason) = self.known.get(id)?;
        engines.iter().any(|e| e == engine).then_some(reason)
    }

    /// The vector with what we want instead of the reference's answer. `expected` is an EXP for a vector of one step, for
    /// one with steps an array of step members to replace (null = as the reference). An `alt` goes.
    ///
    /// # Errors
    /// An entry that does not fit its vector.
    pub fn apply(&self, id: &str, vector: &mut Json) -> Result<(), String> {
        let Some(entry) = self.differences.get(id) else { return Ok(()) };
        let vector = vector.as_object_mut().ok_or("a vector that is no object")?;
        match (vector.get_mut("steps"), get(entry, "expected")) {
            (None, expected) => {
                for key in ["alt", "reencoded"] {
                    vector.remove(key);
                }
                vector.insert("expected".into(), expected.clone());
                if let Some(reencoded) = entry.get("reencoded") {
                    vector.insert("reencoded".into(), reencoded.clone());
                }
                Ok(())
            }
            (Some(Json::Array(steps)), Json::Array(wanted)) if steps.len() == wanted.len() => {
                for (step, wanted) in steps.iter_mut().zip(wanted) {
                    if let (Some(step), Some(wanted)) = (step.as_object_mut(), wanted.as_object()) {
                        step.remove("alt");
                        wanted.iter().for_each(|(key, value)| drop(step.insert(key.clone(), value.clone())));
                    }
                }
                Ok(())
            }
            _ => Err(format!("differences.json: {id}: expected as many items as the vector has steps")),
        }
    }

    /// All ids that either file names.
    #[cfg(test)]
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.known.keys().chain(self.differences.keys()).map(String::as_str)
    }
}

fn entries(path: &Path) -> Result<Vec<Json>, String> {
    let at = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| at(&e))?;
    match serde_json::from_str(&text).map_err(|e| at(&e))? {
        Json::Array(entries) => Ok(entries),
        _ => Err(at(&"expected an array")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_replaces_the_expectation() {
        let mut exceptions = Exceptions::default();
        let put = |e: &mut Exceptions, entry: Json| e.differences.insert("a".into(), entry);
        put(&mut exceptions, json!({ "expected": { "drop": true } }));
        let mut vector = json!({ "expected": { "record": {} }, "alt": {} });
        exceptions.apply("a", &mut vector).unwrap();
        assert_eq!(vector, json!({ "expected": { "drop": true } }));
        put(&mut exceptions, json!({ "expected": [null, { "expected": 1 }] }));
        let mut vector = json!({ "steps": [{ "expected": 0, "alt": 1 }, { "expected": 0, "alt": 1, "op": "x" }] });
        exceptions.apply("a", &mut vector).unwrap();
        assert_eq!(vector, json!({ "steps": [{ "expected": 0, "alt": 1 }, { "expected": 1, "op": "x" }] }));
        assert!(exceptions.apply("a", &mut json!({ "steps": [] })).is_err());
    }

    #[test]
    fn every_listed_id_exists() {
        let corpus = connect_json::vectors::corpus();
        let mut exceptions = Exceptions::read(&corpus).unwrap();
        exceptions.allow_older_reference(&corpus).unwrap();
        let cases =
            crate::suite::load(&["avro", "smt", "story", "wal2json"].map(|folder| corpus.join(folder))).unwrap();
        for id in exceptions.ids() {
            assert!(cases.iter().any(|case| case.id == id), "{id}");
        }
    }
}
