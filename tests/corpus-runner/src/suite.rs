//! Which vectors a folder or file holds. What is not understood is an error: nothing is passed over in silence.

use crate::check::{story, wal2json};
use connect_json::vectors;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What a case claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ExtractNewRecordState.
    Smt,
    /// Connect to Avro.
    C2a,
    /// Avro to Connect.
    A2c,
    /// Converter and registry.
    Wire,
    /// A message of the reference story.
    Story,
    /// A capture of wal2json's output.
    Wal2Json,
}

/// One vector.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique.
    pub id: String,
    /// File it is from, without extension: what results are counted by.
    pub group: String,
    /// What it claims.
    pub kind: Kind,
    /// The vector.
    pub json: Json,
}

/// All cases under the paths, in order.
///
/// # Errors
/// A path that does not exist or holds no vector, a file or line that is not understood, an id that occurs twice.
pub fn load(paths: &[PathBuf]) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for path in paths {
        let before = cases.len();
        if path.is_dir() {
            load_folder(path, &mut cases)?;
        } else {
            load_file(path, &mut cases)?;
        }
        if cases.len() == before {
            return Err(format!("{}: no vectors", path.display()));
        }
    }
    let mut seen = BTreeMap::new();
    for case in &cases {
        if let Some(other) = seen.insert(&case.id, &case.group) {
            return Err(format!("id {} occurs in {other} and in {}", case.id, case.group));
        }
    }
    Ok(cases)
}

fn load_folder(folder: &Path, cases: &mut Vec<Case>) -> Result<(), String> {
    if folder.join("raw/manifest.json").is_file() {
        let group = "wal2json".to_owned();
        let captures = wal2json::cases(folder)?.into_iter();
        cases.extend(captures.map(|(id, json)| Case { id, group: group.clone(), kind: Kind::Wal2Json, json }));
        return Ok(());
    }
    let at = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut entries: Vec<_> =
        fs::read_dir(folder).map_err(at)?.map(|e| e.map(|e| e.path()).map_err(at)).collect::<Result<_, _>>()?;
    entries.sort();
    let is_story = entries.iter().any(|path| file_name(path).ends_with("-connector_source.json"));
    for path in entries {
        let name = file_name(&path);
        if path.is_dir() {
            load_folder(&path, cases)?;
        } else if name.ends_with(".jsonl") {
            load_file(&path, cases)?;
        } else if is_story && name.starts_with("pasta-") {
            // Schemas are read with their messages; the rest is for readers.
        } else if !["README.md", "known-failures.json", "differences.json", "older-reference.json"].contains(&name) {
            return Err(format!("{}: not a file of vectors", path.display()));
        }
    }
    Ok(())
}

fn load_file(path: &Path, cases: &mut Vec<Case>) -> Result<(), String> {
    let group = file_name(path).trim_end_matches(".jsonl").to_owned();
    if group.starts_with("pasta-") {
        return load_story(path, &group, cases);
    }
    for vector in vectors::read_file(path).map_err(|e| e.to_string())? {
        let kind = match (vector.json.get("kind").and_then(Json::as_str), vector.json.get("generation")) {
            (Some("c2a"), None) => Kind::C2a,
            (Some("a2c"), None) => Kind::A2c,
            (Some("wire"), None) => Kind::Wire,
            (None, Some(_)) => Kind::Smt,
            _ => return Err(format!("{}: {} is of no known kind", path.display(), vector.id)),
        };
        cases.push(Case { id: vector.id, group: group.clone(), kind, json: vector.json });
    }
    Ok(())
}

/// Messages with the schemas captured next to them. A run with JsonConverter has no schemas and gives no case.
fn load_story(path: &Path, group: &str, cases: &mut Vec<Case>) -> Result<(), String> {
    let schemas = path.with_file_name(format!("{group}-schemas.json"));
    if !schemas.exists() && group.contains("-json-") {
        return Ok(());
    }
    let read = |path: &Path| fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
    let parse = |text: &str| serde_json::from_str::<Json>(text).map_err(|e| format!("{}: {e}", path.display()));
    let schemas = parse(&read(&schemas)?)?;
    let messages = read(path)?.lines().map(parse).collect::<Result<Vec<_>, _>>()?;
    for (id, json) in story::cases(group, &messages, &schemas).map_err(|e| format!("{}: {e}", path.display()))? {
        cases.push(Case { id, group: group.to_owned(), kind: Kind::Story, json });
    }
    Ok(())
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("")
}

/// `count` of the cases, chosen by `seed`, in their order.
pub fn sample(cases: Vec<Case>, count: usize, seed: u64) -> Vec<Case> {
    let mut keys: Vec<(u64, usize)> = (0..cases.len()).map(|i| (mix(seed ^ mix(i as u64)), i)).collect();
    keys.sort_unstable();
    let mut chosen: Vec<usize> = keys.into_iter().take(count).map(|(_, i)| i).collect();
    chosen.sort_unstable();
    let mut cases: Vec<Option<Case>> = cases.into_iter().map(Some).collect();
    chosen.into_iter().filter_map(|i| cases[i].take()).collect()
}

/// SplitMix64's finalizer.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
