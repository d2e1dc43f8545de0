//! The three shapes of a connector's file: flat JSON, JSON with `name` and `config`, a properties file.

use super::properties_file;
use connect_data::{Error, Result};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A file, read but not understood: its keys and values in order.
pub(super) struct Document {
    /// As it was given.
    pub(super) path: PathBuf,
    /// The keys, each once.
    pub(super) entries: Vec<Entry>,
}

/// A key with its value, as they stand in the file.
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// The value as text; numbers and booleans as they are written.
    pub(super) value: String,
    /// Where the key is, from 1.
    pub(super) line: usize,
}

/// Values may be secrets.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.entries.iter().map(|entry| &entry.key).collect();
        f.debug_struct("Document").field("path", &self.path).field("keys", &keys).finish()
    }
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// Config: it cannot be read, or is of none of the shapes; with line and column.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        Ok(Self { path: path.to_owned(), entries: entries(path, &text)? })
    }

    /// Reads a properties file, whatever it looks like.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn read_properties(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        let entries = properties_file::parse(&text).map_err(|(line, found)| malformed(path, line, 1, &found))?;
        Ok(Self { path: path.to_owned(), entries: unique(path, entries)? })
    }
}

fn read_text(path: &Path) -> Result<String> {
    let unreadable = |found: String| {
        Error::config("config.file", format!("{}: expected a readable file, found {found}", path.display()))
    };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("bytes that are not UTF-8".to_owned()))?;
    Ok(text.strip_prefix('\u{FEFF}').map(str::to_owned).unwrap_or(text))
}

fn entries(path: &Path, text: &str) -> Result<Vec<Entry>> {
    let start = text.trim_start();
    if start.is_empty() {
        return Err(malformed(path, 1, 1, "nothing").hint("a connector has at least connector.class"));
    }
    if start.starts_with('"') {
        let (line, column) = position(text, text.len() - start.len());
        let found = "a key: the braces around the object are missing";
        return Err(malformed(path, line, column, found).hint("put { before the first line and } after the last one"));
    }
    if start.starts_with(['{', '[']) || path.extension().is_some_and(|extension| extension == "json") {
        return json(path, text);
    }
    let entries = properties_file::parse(text).map_err(|(line, found)| malformed(path, line, 1, &found))?;
    unique(path, entries)
}

fn json(path: &Path, text: &str) -> Result<Vec<Entry>> {
    let top = object(path, text, text)?;
    let Some((_, config, _)) = top.iter().find(|(key, value, _)| key == "config" && value.starts_with('{')) else {
        return top.into_iter().filter_map(|(key, value, line)| entry(path, key, value, line).transpose()).collect();
    };
    let mut entries: Vec<Entry> = object(path, text, config)?
        .into_iter()
        .filter_map(|(key, value, line)| entry(path, key, value, line).transpose())
        .collect::<Result<_>>()?;
    for (key, value, line) in &top {
        match key.as_str() {
            // What Connect's REST interface adds when it shows a connector.
            "config" | "tasks" | "type" => {}
            "name" => {
                let Some(outer) = entry(path, key.clone(), value, *line)? else { continue };
                match entries.iter().find(|entry| entry.key == "name") {
                    Some(inner) if inner.value != outer.value => {
                        let found = format!("another name in config at line {}", inner.line);
                        return Err(malformed(path, *line, 1, &found).hint("Connect wants both to be equal"));
                    }
                    Some(_) => {}
                    None => entries.insert(0, outer),
                }
            }
            "initial_state" => entries.extend(entry(path, key.clone(), value, *line)?),
            other => {
                let found = format!("\"{other}\" beside \"config\"");
                return Err(malformed(path, *line, 1, &found).hint("settings go inside of config"));
            }
        }
    }
    Ok(entries)
}

type Member<'a> = (String, &'a str, usize);

/// The members of an object, each key once, with the text of its value and its line.
fn object<'a>(path: &Path, text: &'a str, part: &'a str) -> Result<Vec<Member<'a>>> {
    let offset = |inside: &str| inside.as_ptr() as usize - text.as_ptr() as usize;
    let members: Members<'a> = serde_json::from_str(part).map_err(|error| {
        let (first, column) = position(text, offset(part));
        let line = first + error.line().saturating_sub(1);
        let column = if error.line() > 1 { error.column() } else { column - 1 + error.column() };
        let text = error.to_string();
        let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
        malformed(path, line, column.max(1), reason)
    })?;
    let mut seen = BTreeMap::new();
    let mut found = Vec::new();
    for (key, value) in members.0 {
        let line = position(text, offset(value.get())).0;
        if let Some(before) = seen.insert(key.clone(), line) {
            return Err(twice(path, &key, before, line));
        }
        found.push((key, value.get(), line));
    }
    Ok(found)
}

/// Text of a scalar; null is as good as absent.
fn entry(path: &Path, key: String, value: &str, line: usize) -> Result<Option<Entry>> {
    let text = match value.as_bytes().first() {
        Some(b'"') => serde_json::from_str(value).map_err(|error| {
            malformed(path, line, 1, &format!("a value of {key} that is no JSON string ({:?})", error.classify()))
        })?,
        Some(b'n') => return Ok(None),
        Some(b'{' | b'[') => {
            let found =
                format!("{} as the value of {key}", if value.starts_with('{') { "an object" } else { "a list" });
            return Err(malformed(path, line, 1, &found)
                .hint("values are texts, numbers or booleans; lists are texts with commas"));
        }
        _ => value.to_owned(),
    };
    Ok(Some(Entry { key, value: text, line }))
}

fn unique(path: &Path, entries: Vec<Entry>) -> Result<Vec<Entry>> {
    let mut seen = BTreeMap::new();
    for entry in &entries {
        if let Some(before) = seen.insert(entry.key.as_str(), entry.line) {
            return Err(twice(path, &entry.key, before, entry.line));
        }
    }
    Ok(entries)
}

fn twice(path: &Path, key: &str, before: usize, line: usize) -> Error {
    malformed(path, line, 1, &format!("{} a second time", super::secrets::shown_key(key)))
        .hint(format!("it is set at line {before} already; remove one"))
}

fn malformed(path: &Path, line: usize, column: usize, found: &str) -> Error {
    let message = format!("{}:{line}:{column}: expected a connector's settings, found {found}", path.display());
    Error::config("config.syntax", message)
}

/// Line and column, from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before.len() - line_start + 1)
}

/// An object's members in order, duplicates included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Visitor).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Vec<(String, String, usize)>> {
        let found = entries(Path::new(name), text)?;
        Ok(found.into_iter().map(|entry| (entry.key, entry.value, entry.line)).collect())
    }

    fn refused(name: &str, text: &str) -> String {
        read(name, text).unwrap_err().to_string()
    }

    fn set(key: &str, value: &str, line: usize) -> (String, String, usize) {
        (key.to_owned(), value.to_owned(), line)
    }

    #[test]
    fn the_three_shapes_say_the_same() {
        let flat =
            read("c.json", "{\n\"name\": \"n\",\n\"tasks.max\": 1, \"a\": true, \"x\": null,\"b\": 1.10}").unwrap();
        assert_eq!(flat, [set("name", "n", 2), set("tasks.max", "1", 3), set("a", "true", 3), set("b", "1.10", 3)]);
        let nested = read(
            "c.json",
            "{\"name\": \"n\", \"config\":\n {\"a\": \"\\u00e9\\n\"}, \"tasks\": [], \"type\": \"sink\"}",
        );
        assert_eq!(nested.unwrap(), [set("name", "n", 1), set("a", "é\n", 2)]);
        let properties = read("c.properties", "# remark\nname=n\n a : 1\n").unwrap();
        assert_eq!(properties, [set("name", "n", 2), set("a", "1", 3)]);
        assert_eq!(read("c", "{\"config\": \"text\"}").unwrap(), [set("config", "text", 1)]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        assert_eq!(
            refused("source.json", "\n  \"name\":\"cdc-source-pg\",\n"),
            "source.json:2:3: expected a connector's settings, found a key: the braces around the object are missing \
             [config.syntax]; put { before the first line and } after the last one"
        );
        assert!(
            refused("c.json", "{\"a\": 1,\n \"b\" 2}").starts_with("c.json:2:6: "),
            "{}",
            refused("c.json", "{\"a\": 1,\n \"b\" 2}")
        );
        assert!(
            refused("c.json", "{\"a\": \"1\",\n}")
                .contains("c.json:2:1: expected a connector's settings, found trailing comma")
        );
        assert!(
            refused("c.json", "{\"a\": 1,\n \"a\": 2}")
                .contains("c.json:2:1: expected a connector's settings, found a a second time")
        );
        assert!(refused("c.json", "{\"a\": {\"b\": 1}}").contains("an object as the value of a"));
        assert!(
            refused("c.json", "{\"name\":\"x\",\"config\":{\n\"name\":\"y\"}}")
                .contains("another name in config at line 2")
        );
        assert!(
            refused("c.json", "{\"config\":{}, \"connector.class\":\"x\"}")
                .contains("\"connector.class\" beside \"config\"")
        );
        assert!(refused("c.json", "").contains("found nothing"));
        assert!(refused("c.json", "name=x").contains("c.json:1:"));
        assert!(refused("c", "[1]").contains("c:1:"));
        assert!(
            refused("c.json", "{\"name\":\"n\",\"config\":\n{\"a\":}}").contains("c.json:2:6"),
            "{}",
            refused("c.json", "{\"name\":\"n\",\"config\":\n{\"a\":}}")
        );
    }
}
