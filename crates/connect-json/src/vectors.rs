//! Reads files of vectors.

use crate::malformed;
use connect_data::Result;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// The corpus of this repository.
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus")
}

/// One line of a file.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Its `id`.
    pub id: String,
    /// The whole object.
    pub json: Json,
}

/// All vectors of a file, in order.
///
/// # Errors
/// Data `connect-json`: unreadable file, a line that is no JSON object with an `id`, no line at all.
pub fn read_file(path: &Path) -> Result<Vec<Vector>> {
    let text = std::fs::read_to_string(path).map_err(|e| malformed(format!("{}: {e}", path.display())))?;
    let mut vectors = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at = |what: &str| malformed(format!("{}:{}: {what}", path.display(), i + 1));
        let json: Json = serde_json::from_str(line).map_err(|e| at(&e.to_string()))?;
        let id = json.get("id").and_then(Json::as_str).ok_or_else(|| at("expected an object with an id"))?.to_owned();
        vectors.push(Vector { id, json });
    }
    if vectors.is_empty() {
        return Err(malformed(format!("{}: no vectors", path.display())));
    }
    Ok(vectors)
}

/// The vectors of all `*.jsonl` files in a folder whose names start with `prefix`, by file name.
///
/// # Errors
/// Those of [`read_file`]; no such file.
pub fn read_folder(folder: &Path, prefix: &str) -> Result<Vec<Vector>> {
    let unreadable = |e: std::io::Error| malformed(format!("{}: {e}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        if name.starts_with(prefix) && name.ends_with(".jsonl") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(malformed(format!("{}: no file {prefix}*.jsonl", folder.display())));
    }
    let mut vectors = Vec::new();
    for file in files {
        vectors.extend(read_file(&file)?);
    }
    Ok(vectors)
}
