//! `add.fields` and `add.headers`: which field of the envelope, under which name.

use crate::config::Semantics;
use connect_data::{Error, Result};

/// A field of the envelope and the name it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldReference {
    /// The struct in the envelope that holds it; `None` = the envelope itself.
    pub(crate) parent: Option<String>,
    /// Its name there.
    pub(crate) field: String,
    /// Its new name, prefix included.
    pub(crate) name: String,
}

impl FieldReference {
    /// Reads a comma-separated list as Debezium's `FieldReference.fromConfiguration` does, which splits as Java does:
    /// empty parts at the end vanish, others stay.
    ///
    /// # Errors
    /// Config: an entry with more than one new name, or of separators only.
    pub(crate) fn list(semantics: Semantics, prefix: &str, setting: &str, text: &str) -> Result<Vec<Self>> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let entries = split(text, ',').into_iter().map(java_trim);
        entries.map(|entry| Self::parse(semantics, prefix, setting, entry)).collect()
    }

    fn parse(semantics: Semantics, prefix: &str, setting: &str, entry: &str) -> Result<Self> {
        let refused = |expected: &str| {
            Error::config("config.invalid", format!("setting {setting}: expected {expected}, found `{entry}`"))
        };
        let (reference, new) = match split(entry, ':').as_slice() {
            [reference] => (*reference, None),
            [reference, new] => (*reference, Some(*new)),
            [] => return Err(refused("a field name")),
            _ => return Err(refused("field or field:NEW")),
        };
        let (parent, field, own_name) = match split(reference, '.').as_slice() {
            [] => return Err(refused("a field name")),
            [field] => (home(semantics, field), *field, (*field).to_owned()),
            [parent, field, ..] => (Some(*parent), *field, format!("{parent}_{field}")),
        };
        let name = format!("{prefix}{}", new.unwrap_or(&own_name));
        Ok(Self { parent: parent.map(str::to_owned), field: field.to_owned(), name })
    }

    /// Whether it names the operation: the only reference that a tombstone can answer.
    pub(crate) fn is_operation(&self) -> bool {
        self.field == "op"
    }
}

/// The struct that a bare field name belongs to.
fn home(semantics: Semantics, field: &str) -> Option<&'static str> {
    match (field, semantics) {
        ("op" | "ts_ms", _) | ("ts_us" | "ts_ns", Semantics::Modern) => None,
        ("id" | "total_order" | "data_collection_order", _) => Some("transaction"),
        ("updateDescription", Semantics::Modern) => Some("updateDescription"),
        _ => Some("source"),
    }
}

/// `String.split` of Java: no empty parts at the end, and the whole text where the separator does not occur.
fn split(text: &str, separator: char) -> Vec<&str> {
    if !text.contains(separator) {
        return vec![text];
    }
    let mut parts: Vec<&str> = text.split(separator).collect();
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

/// `String.trim` of Java: everything up to U+0020.
pub(crate) fn java_trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(semantics: Semantics, text: &str) -> Vec<(Option<String>, String, String)> {
        let list = FieldReference::list(semantics, "__", "add.fields", text).unwrap();
        list.into_iter().map(|r| (r.parent, r.field, r.name)).collect()
    }

    fn entry(parent: Option<&str>, field: &str, name: &str) -> (Option<String>, String, String) {
        (parent.map(str::to_owned), field.to_owned(), name.to_owned())
    }

    #[test]
    fn names_are_split_as_java_splits() {
        let parse = |text| parse(Semantics::Modern, text);
        assert_eq!(parse(" op ,lsn:LSN,,"), [entry(None, "op", "__op"), entry(Some("source"), "lsn", "__LSN")]);
        assert_eq!(parse("a,,b:")[1..], [entry(Some("source"), "", "__"), entry(Some("source"), "b", "__b")]);
        assert_eq!(parse("source.db.x:y"), [entry(Some("source"), "db", "__y")]);
        assert_eq!(parse("transaction.id"), [entry(Some("transaction"), "id", "__transaction_id")]);
        assert_eq!(parse("source."), [entry(Some("source"), "source", "__source")]);
        assert_eq!(parse(":x"), [entry(Some("source"), "", "__x")]);
        assert_eq!(parse(","), []);
        for refused in ["op:a:b", ".", ":", "a,.:b"] {
            assert_eq!(
                FieldReference::list(Semantics::Modern, "", "add.fields", refused).unwrap_err().code(),
                "config.invalid",
                "{refused}"
            );
        }
    }

    #[test]
    fn bare_names_live_where_the_generation_says() {
        assert_eq!(parse(Semantics::Legacy, "ts_us"), [entry(Some("source"), "ts_us", "__ts_us")]);
        assert_eq!(parse(Semantics::Modern, "ts_us"), [entry(None, "ts_us", "__ts_us")]);
        assert_eq!(parse(Semantics::Legacy, "id"), [entry(Some("transaction"), "id", "__id")]);
    }
}
