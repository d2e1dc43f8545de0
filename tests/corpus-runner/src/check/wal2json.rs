//! `wal2json/`: captured output of the plug-in, line by line through the wal2json converter, as the value of a record.
//!
//! Format 2: a row's line gives the change event of that row; other lines give null. What cannot be read (format 1, lines
//! without types or schema) must be refused. Types whose value an event has in another form are compared in the core's own
//! tests, against Debezium's output.

use super::{Verdict, describe};
use crate::engine::{Config, Engine, Outcome, Plugin};
use crate::json::{cut, equal, get, list, text};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::Path;

/// The cases of a folder: one for each capture that holds anything.
///
/// # Errors
/// A manifest or capture that is not in the form, or one that the manifest does not list.
pub fn cases(folder: &Path) -> Result<Vec<(String, Json)>, String> {
    let read = |path: &Path| fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
    let manifest = folder.join("raw/manifest.json");
    let parsed: Json = serde_json::from_str(&read(&manifest)?).map_err(|e| format!("{}: {e}", manifest.display()))?;
    let mut cases = Vec::new();
    let captures = list(&parsed, "captures")?;
    for capture in captures {
        let file = text(capture, "file")?;
        let path = folder.join("raw").join(file);
        let lines: Vec<Json> = read(&path)?
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|e| format!("{}: {e}", path.display())))
            .collect::<Result<_, _>>()?;
        if get(capture, "rows").as_u64() != Some(lines.len() as u64) {
            return Err(format!("{}: expected {} lines, found {}", path.display(), get(capture, "rows"), lines.len()));
        }
        // Empty where PostgreSQL refused the options.
        if !lines.is_empty() {
            let id = format!("wal2json-{}", file.trim_end_matches(".jsonl"));
            cases.push((id, json!({ "lines": lines, "options": get(capture, "options") })));
        }
    }
    let files = fs::read_dir(folder.join("raw")).map_err(|e| format!("{}: {e}", folder.display()))?.flatten();
    let captured = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "jsonl")).count();
    if captured != captures.len() {
        return Err(format!("{}: {} captures listed, {captured} found", manifest.display(), captures.len()));
    }
    Ok(cases)
}

/// Runs one capture.
///
/// # Errors
/// A line that is not in the form, or a broken engine.
pub fn check(case: &Json, engine: &mut dyn Engine) -> Result<Verdict, String> {
    // Connect's own time types hold every timestamp that PostgreSQL does.
    let settings = [("database.server.name", "srv"), ("database.dbname", "db"), ("time.precision.mode", "connect")];
    let config = Config::from(settings.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let mut verdict = Verdict::default();
    if let Some(failure) = engine.open_converter(Plugin::Wal2JsonConverter, false, &config)? {
        return Err(format!("refused: {}", failure.message));
    }
    let option = |name: &str, value: &str| list(case, "options").is_ok_and(|o| o.contains(&json!([name, value])));
    let lines_of_rows = option("format-version", "2");
    let readable = lines_of_rows && !option("include-types", "false") && !option("include-schemas", "false");
    for (i, line) in list(case, "lines")?.iter().enumerate() {
        let data = text(line, "data")?;
        let outcome = engine.deserialize(Some("lines"), Some(data.as_bytes()), &[])?;
        let row = if lines_of_rows { parse(data)? } else { Json::Null };
        let changes = ["I", "U", "D"].map(Json::from).contains(get(&row, "action"));
        let differences = match &outcome {
            Outcome::Datum(found) if readable && changes => compare_event(&row, get(found, "payload"))?,
            Outcome::Datum(found) if get(found, "payload").is_null() && !changes && row.get("action").is_some() => {
                Vec::new()
            }
            Outcome::Failed(_) if !readable => Vec::new(),
            outcome => vec![format!("found {} for {}", describe(outcome), cut(data))],
        };
        verdict.compare(&format!("line {}", i + 1), differences);
    }
    Ok(verdict)
}

/// Parses a line. Numbers that no JSON number of ours can hold become strings: their columns are of types that are not
/// compared here.
fn parse(data: &str) -> Result<Json, String> {
    let mut text = String::with_capacity(data.len());
    let (mut rest, mut in_string) = (data, false);
    while let Some(c) = rest.chars().next() {
        let digits = rest.find(|c: char| !"+-.eE0123456789".contains(c)).unwrap_or(rest.len());
        let taken = if in_string && c == '\\' {
            2
        } else if !in_string && digits > 18 {
            text.push('"');
            text.push_str(&rest[..digits]);
            text.push('"');
            rest = &rest[digits..];
            continue;
        } else {
            in_string ^= c == '"';
            c.len_utf8()
        };
        text.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    serde_json::from_str(&text).map_err(|e| format!("{e}: {}", cut(data)))
}

fn compare_event(row: &Json, event: &Json) -> Result<Vec<String>, String> {
    let mut differences = Vec::new();
    let mut check = |what: &str, wanted: &Json, found: &Json, same: bool| {
        if !same {
            differences.push(format!(
                "{what}: expected {}, found {}",
                cut(&wanted.to_string()),
                cut(&found.to_string())
            ));
        }
    };
    let op = match text(row, "action")? {
        "I" => "c",
        "U" => "u",
        _ => "d",
    };
    check("op", &json!(op), get(event, "op"), *get(event, "op") == op);
    for key in ["schema", "table"] {
        let (wanted, found) = (get(row, key), get(get(event, "source"), key));
        check(key, wanted, found, wanted == found);
    }
    let (side, columns, other) = match op {
        "d" => ("before", list(row, "identity")?, Some("after")),
        "c" => ("after", list(row, "columns")?, Some("before")),
        _ => ("after", list(row, "columns")?, None),
    };
    if let Some(other) = other {
        check(other, &Json::Null, get(event, other), get(event, other).is_null());
    }
    for column in columns {
        let (name, wanted) = (text(column, "name")?, get(column, "value"));
        let Some(found) = get(event, side).get(name) else {
            check(name, wanted, &json!("no such field"), kind(text(column, "type")?) == Kind::Other);
            continue;
        };
        let same = match kind(text(column, "type")?) {
            _ if wanted.is_null() || found.is_null() => wanted.is_null() && found.is_null(),
            // A long number was made a string above; a domain's value is one in wal2json's own output.
            Kind::Exact => {
                equal(wanted, found)
                    || wanted.as_str().is_some_and(|text| equal(&json!(text.parse::<i64>().ok()), found))
            }
            // A float column's text has as many digits as a float needs; the event has the float.
            Kind::Float => number(wanted).map(|v| v as f32) == number(found).map(|v| v as f32),
            Kind::Double => number(wanted) == number(found),
            Kind::Other => true,
        };
        check(name, wanted, found, same);
    }
    Ok(differences)
}

fn number(json: &Json) -> Option<f64> {
    json.as_f64().or_else(|| json.as_str()?.parse().ok())
}

#[derive(PartialEq, Eq)]
enum Kind {
    /// The event has the JSON value itself.
    Exact,
    Float,
    Double,
    /// The event has another form of it, or no column of this type.
    Other,
}

fn kind(data_type: &str) -> Kind {
    let base = data_type.split('(').next().unwrap_or("").trim();
    match base {
        "integer" | "smallint" | "bigint" | "boolean" | "text" | "character varying" | "character" => {
            // Arrays and qualified domains end in something else.
            if data_type.ends_with(']') { Kind::Other } else { Kind::Exact }
        }
        "real" => Kind::Float,
        "double precision" => Kind::Double,
        _ => Kind::Other,
    }
}
