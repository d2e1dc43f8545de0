//! Configuration as Kafka's `ConfigDef` has it. Each core declares its keys once; ConfigDef, documentation and validation
//! come from that table.

use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// `ConfigDef.Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// `true` or `false`, in any case.
    Boolean,
    /// Text.
    String,
    /// 32 bits, signed.
    Int,
    /// 64 bits, signed.
    Long,
    /// Comma-separated, trimmed.
    List,
    /// Text that is never shown.
    Password,
    /// A Java class name.
    Class,
}

impl ConfigType {
    /// Kafka's spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Long => "LONG",
            Self::List => "LIST",
            Self::Password => "PASSWORD",
            Self::Class => "CLASS",
        }
    }
}

/// `ConfigDef.Importance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Needed or decisive.
    High,
    /// Often useful.
    Medium,
    /// Rarely touched.
    Low,
}

/// What a value must satisfy beyond its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Validator {
    /// Anything.
    Any,
    /// Not blank.
    NonEmpty,
    /// One of these, exactly.
    OneOf(&'static [&'static str]),
    /// One of these, trimmed and in any case.
    OneOfIgnoringCase(&'static [&'static str]),
    /// A number at least this.
    AtLeast(i64),
}

/// Default of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// The key must be given.
    Required,
    /// Null: the core can tell that it was not given.
    Null,
    /// This text, as a user would write it.
    Text(&'static str),
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct ConfigKey {
    /// Name, as in the Java plug-in.
    pub name: &'static str,
    /// Type.
    pub kind: ConfigType,
    /// Default.
    pub default: DefaultValue,
    /// Validator.
    pub validator: Validator,
    /// Importance.
    pub importance: Importance,
    /// One paragraph for the user.
    pub doc: &'static str,
    /// Group, for forms.
    pub group: &'static str,
    /// Name for forms.
    pub display: &'static str,
}

/// A key that the Java plug-in knows and that is not honoured here: a host without a JVM says so instead of guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherKey {
    /// Name; a `*` at its end stands for any rest.
    pub name: &'static str,
    /// What becomes of it.
    pub treatment: Treatment,
}

/// What becomes of a key that is not honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It changes nothing here; a notice says why.
    Ignored(&'static str),
    /// Going on without it would do something else than was asked for; the text says why, and what to do.
    Refused(&'static str),
}

impl OtherKey {
    /// Whether this entry is about the key.
    pub fn matches(&self, key: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => key.starts_with(start),
            None => key == self.name,
        }
    }
}

/// What a host says once about a configuration that leaves something open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Keys any of which settles it.
    pub unless: &'static [&'static str],
    /// For the user.
    pub text: &'static str,
}

impl Notice {
    /// Whether it is to be said.
    pub fn applies(&self, properties: &Properties) -> bool {
        self.unless.iter().all(|key| properties.get(key).is_none())
    }

    /// The lines of `java.util.Properties` that the JVM shim reads beside the keys.
    pub fn to_java_properties(&self) -> String {
        format!("notice.unless={}\nnotice.text={}\n", self.unless.join(","), escape_java(self.text))
    }
}

/// What a user set. Absent and null are the same, as in Connect.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

/// Values may be secrets: only the names are shown.
impl std::fmt::Debug for Properties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Properties {
    /// What the user wrote, verbatim.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Sets a key.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

/// The keys of one plug-in.
#[derive(Clone, Copy, Debug)]
pub struct ConfigDef {
    /// Short name of the plug-in, e.g. `avro-converter`: names the generated files.
    pub plugin: &'static str,
    /// The keys, in the order in which they are documented.
    pub keys: &'static [ConfigKey],
}

impl ConfigDef {
    /// The declaration of a key.
    pub fn key(&self, name: &str) -> Option<&ConfigKey> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Checks every declared key; unknown ones are ignored, as in Connect.
    ///
    /// # Errors
    /// Config: the first key that is missing, unparsable or refused by its validator. The value is named unless the key
    /// is a password.
    pub fn validate(&self, properties: &Properties) -> Result<()> {
        self.keys.iter().try_for_each(|key| key.check(properties.get(key.name)))
    }

    /// The text of a key: what the user wrote, else the default; trimmed, as Kafka does for all but passwords.
    pub fn text<'a>(&self, properties: &'a Properties, name: &str) -> Option<&'a str> {
        match (properties.get(name), self.key(name)) {
            (Some(value), Some(key)) if key.kind == ConfigType::Password => Some(value),
            (Some(value), _) => Some(trim(value)),
            (None, Some(ConfigKey { default: DefaultValue::Text(text), .. })) => Some(text),
            (None, _) => None,
        }
    }

    /// A boolean key; false if it has neither value nor default.
    ///
    /// # Errors
    /// Config: neither true nor false.
    pub fn boolean(&self, properties: &Properties, name: &str) -> Result<bool> {
        match self.text(properties, name) {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(invalid(name, "true or false")),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// Config: not a number, or neither value nor default.
    pub fn integer(&self, properties: &Properties, name: &str) -> Result<i64> {
        self.text(properties, name).and_then(|text| text.parse().ok()).ok_or_else(|| invalid(name, "a whole number"))
    }

    /// A list: split at commas, each item trimmed; empty text is an empty list.
    pub fn list<'a>(&self, properties: &'a Properties, name: &str) -> Vec<&'a str> {
        match self.text(properties, name) {
            None | Some("") => Vec::new(),
            Some(text) => text.split(',').map(trim).collect(),
        }
    }

    /// The declaration as a Java properties file, which the shim turns into `ConfigDef`: one `N.attribute=value` line
    /// each, N counting from 0.
    pub fn to_java_properties(&self) -> String {
        let mut text = format!("# Generated from the ConfigDef of {}; do not edit.\n", self.plugin);
        for (i, key) in self.keys.iter().enumerate() {
            let mut line = |attribute: &str, value: &str| {
                text.push_str(&format!("{i}.{attribute}={}\n", escape_java(value)));
            };
            line("name", key.name);
            line("type", key.kind.name());
            match key.default {
                DefaultValue::Required => line("required", "true"),
                DefaultValue::Null => {}
                DefaultValue::Text(value) => line("default", value),
            }
            match key.validator {
                Validator::Any => {}
                Validator::NonEmpty => line("validator", "non-empty"),
                Validator::OneOf(values) => line("one-of", &values.join(",")),
                Validator::OneOfIgnoringCase(values) => line("one-of-ignoring-case", &values.join(",")),
                Validator::AtLeast(least) => line("at-least", &least.to_string()),
            }
            line(
                "importance",
                match key.importance {
                    Importance::High => "HIGH",
                    Importance::Medium => "MEDIUM",
                    Importance::Low => "LOW",
                },
            );
            line("group", key.group);
            line("display", key.display);
            line("doc", key.doc);
        }
        text
    }

    /// The declaration as a Markdown table for the documentation.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from("| key | type | default | valid values | meaning |\n|---|---|---|---|---|\n");
        for key in self.keys {
            let default = match key.default {
                DefaultValue::Required => "(required)".to_owned(),
                DefaultValue::Null => "(none)".to_owned(),
                DefaultValue::Text("") => "(empty)".to_owned(),
                DefaultValue::Text(value) => format!("`{value}`"),
            };
            text.push_str(&format!(
                "| `{}` | {} | {default} | {} | {} |\n",
                key.name,
                key.kind.name().to_lowercase(),
                key.validator.describe(),
                key.doc.replace('|', "\\|")
            ));
        }
        text
    }
}

impl Validator {
    /// What is valid, for documentation and errors.
    pub fn describe(&self) -> String {
        match self {
            Self::Any => String::new(),
            Self::NonEmpty => "not empty".to_owned(),
            Self::OneOf(values) | Self::OneOfIgnoringCase(values) => values.join(", "),
            Self::AtLeast(least) => format!("at least {least}"),
        }
    }
}

impl ConfigKey {
    /// A key that takes any value of its type.
    pub const fn new(
        name: &'static str,
        kind: ConfigType,
        default: DefaultValue,
        importance: Importance,
        group: &'static str,
        display: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { name, kind, default, validator: Validator::Any, importance, doc, group, display }
    }

    fn check(&self, value: Option<&str>) -> Result<()> {
        let Some(value) = value else {
            return match self.default {
                DefaultValue::Required => {
                    Err(Error::config("config.missing", format!("setting {}: expected a value, found none", self.name)))
                }
                _ => Ok(()),
            };
        };
        let trimmed = trim(value);
        let typed = match self.kind {
            ConfigType::Boolean => trimmed.eq_ignore_ascii_case("true") || trimmed.eq_ignore_ascii_case("false"),
            ConfigType::Int => trimmed.parse::<i32>().is_ok(),
            ConfigType::Long => trimmed.parse::<i64>().is_ok(),
            _ => true,
        };
        if !typed {
            return Err(invalid(self.name, &format!("a value of type {}", self.kind.name().to_lowercase())));
        }
        let valid = match self.validator {
            Validator::Any => true,
            Validator::NonEmpty => !trimmed.is_empty(),
            Validator::OneOf(values) => values.contains(&trimmed),
            Validator::OneOfIgnoringCase(values) => values.iter().any(|v| v.eq_ignore_ascii_case(trimmed)),
            Validator::AtLeast(least) => trimmed.parse::<i64>().is_ok_and(|number| number >= least),
        };
        if !valid {
            return Err(invalid(self.name, &self.validator.describe()));
        }
        Ok(())
    }
}

/// `String.trim` of Java: everything up to U+0020, and no other blank.
fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

fn invalid(name: &str, expected: &str) -> Error {
    Error::config("config.invalid", format!("setting {name}: expected {expected}, found something else"))
}

/// Escapes for `java.util.Properties`: leading blanks, backslashes, line ends, and everything beyond ASCII.
fn escape_java(value: &str) -> String {
    let mut text = String::new();
    for (i, c) in value.chars().enumerate() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            ' ' if i == 0 => text.push_str("\\ "),
            c if c.is_ascii() => text.push(c),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEF: ConfigDef = ConfigDef {
        plugin: "test",
        keys: &[ConfigKey {
            name: "mode",
            kind: ConfigType::String,
            default: DefaultValue::Text("drop"),
            validator: Validator::OneOfIgnoringCase(&["drop", "rewrite"]),
            importance: Importance::Medium,
            doc: "Wählt.",
            group: "g",
            display: "Mode",
        }],
    };

    #[test]
    fn other_keys_match_by_name_or_by_their_start() {
        let family = OtherKey { name: "signal.*", treatment: Treatment::Refused("no signals") };
        assert!(family.matches("signal.data.collection") && !family.matches("signals"));
        let one = OtherKey { name: "publication.name", treatment: Treatment::Ignored("not read by wal2json") };
        assert!(one.matches("publication.name") && !one.matches("publication.name.x"));
    }

    #[test]
    fn values_are_trimmed_and_checked_and_defaults_apply() {
        let set = |value: &str| Properties::from_iter([("mode", value)]);
        assert_eq!(DEF.text(&set(" Rewrite "), "mode"), Some("Rewrite"));
        assert!(DEF.validate(&set(" Rewrite ")).is_ok());
        assert_eq!(DEF.validate(&set("x")).unwrap_err().code(), "config.invalid");
        assert_eq!(DEF.text(&Properties::default(), "mode"), Some("drop"));
        assert!(DEF.to_java_properties().contains("0.doc=W\\u00E4hlt.\n"));
    }
}
