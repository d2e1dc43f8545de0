//! Settings.

use connect_data::config::OtherKey;
use connect_data::{ConfigDef, Properties, Result};

/// Whose connector the settings are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// `io.aiven.connect.jdbc.JdbcSinkConnector`.
    Aiven,
    /// `io.confluent.connect.jdbc.JdbcSinkConnector`.
    Confluent,
    /// `io.debezium.connector.jdbc.JdbcSinkConnector`.
    Debezium,
}

impl Flavour {
    /// The flavour of a `connector.class`, full or short; `None` for any other class.
    pub fn from_class(class: &str) -> Option<Self> {
        Some(match class {
            "io.aiven.connect.jdbc.JdbcSinkConnector" => Self::Aiven,
            "io.confluent.connect.jdbc.JdbcSinkConnector" => Self::Confluent,
            "io.debezium.connector.jdbc.JdbcSinkConnector" => Self::Debezium,
            _ => return None,
        })
    }
}

/// The keys of a flavour.
pub fn config(_flavour: Flavour) -> &'static ConfigDef {
    &ConfigDef { plugin: "mysql-sink", keys: &[] }
}

/// The keys that the Java connector knows and this one does not honour.
pub fn other_keys(_flavour: Flavour) -> &'static [OtherKey] {
    &[]
}

/// Parsed settings of a sink.
#[derive(Clone)]
pub struct Settings {}

impl Settings {
    /// Parses what the user set.
    ///
    /// # Errors
    /// Config: a key that is missing, invalid, refused, or in conflict with another. Never shows a value that may be secret.
    pub fn parse(flavour: Flavour, properties: &Properties) -> Result<Self> {
        config(flavour).validate(properties)?;
        Ok(Self {})
    }

    /// What was set and changes nothing here, one sentence each: unknown properties of the connection URL, ignored keys.
    pub fn notices(&self) -> &[String] {
        &[]
    }
}
