//! Settings of the three connectors, parsed into one form.

mod keys;
mod other;
mod parse;
mod url;

use crate::literal::Zone;
use crate::name::TableNames;
use connect_data::config::OtherKey;
use connect_data::{ConfigDef, Properties, Result};
use std::fmt;
use std::time::Duration;
pub(crate) use url::{Target, TlsMode};

/// Whose connector the settings are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// `io.aiven.connect.jdbc.JdbcSinkConnector`, as of 6.6 to 6.10.
    Aiven,
    /// `io.confluent.connect.jdbc.JdbcSinkConnector`, as of 10.7.
    Confluent,
    /// `io.debezium.connector.jdbc.JdbcSinkConnector`, as of 3.3.
    Debezium,
}

impl Flavour {
    /// The flavour of a `connector.class`; `None` for any other class. Connect's short names (`JdbcSinkConnector`) say
    /// nothing about whose it is.
    pub fn from_class(class: &str) -> Option<Self> {
        Some(match class.trim() {
            "io.aiven.connect.jdbc.JdbcSinkConnector" => Self::Aiven,
            "io.confluent.connect.jdbc.JdbcSinkConnector" => Self::Confluent,
            "io.debezium.connector.jdbc.JdbcSinkConnector" => Self::Debezium,
            _ => return None,
        })
    }
}

/// The keys of a flavour.
pub fn config(flavour: Flavour) -> &'static ConfigDef {
    match flavour {
        Flavour::Aiven => &keys::AIVEN,
        Flavour::Confluent => &keys::CONFLUENT,
        Flavour::Debezium => &keys::DEBEZIUM,
    }
}

/// The keys that the Java connector knows and this one does not honour.
pub fn other_keys(flavour: Flavour) -> &'static [OtherKey] {
    match flavour {
        Flavour::Aiven => other::AIVEN,
        Flavour::Confluent => other::CONFLUENT,
        Flavour::Debezium => other::DEBEZIUM,
    }
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InsertMode {
    Insert,
    Upsert,
    Update,
}

/// Where the primary key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PkMode {
    None,
    Kafka,
    RecordKey,
    RecordValue,
    RecordHeader,
}

/// How columns are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Exact,
    Aiven,
    Confluent,
    Debezium,
}

/// What a tombstone does while deletes are off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tombstones {
    Skip,
    Fail,
    UpsertKey,
}

/// Which fields of the value are written. Entries are `(topic, field)`; no topic means any.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldFilter {
    pub(crate) include: Vec<(Option<String>, String)>,
    pub(crate) exclude: Vec<(Option<String>, String)>,
}

impl FieldFilter {
    pub(crate) fn accepts(&self, topic: &str, field: &str) -> bool {
        let names = |list: &[(Option<String>, String)]| {
            list.iter().any(|(t, f)| f == field && t.as_ref().is_none_or(|t| t == topic))
        };
        (self.include.is_empty() || names(&self.include)) && !names(&self.exclude)
    }
}

/// Parsed settings of a sink. Holds the password, so that its `Debug` shows next to nothing.
#[derive(Clone)]
pub struct Settings {
    pub(crate) flavour: Flavour,
    pub(crate) target: Target,
    pub(crate) connect_attempts: u32,
    pub(crate) connect_backoff: Duration,
    pub(crate) zone: Zone,
    pub(crate) quoted: bool,
    pub(crate) insert_mode: InsertMode,
    pub(crate) batch_size: usize,
    pub(crate) deletes: bool,
    pub(crate) tables: TableNames,
    pub(crate) pk_mode: PkMode,
    pub(crate) pk_fields: Vec<String>,
    pub(crate) fields: FieldFilter,
    pub(crate) create: bool,
    pub(crate) evolve: bool,
    pub(crate) max_retries: u32,
    pub(crate) retry_backoff: Duration,
    pub(crate) default_for_null: bool,
    pub(crate) profile: Profile,
    pub(crate) tombstones: Tombstones,
    pub(crate) allow_secondary_unique: bool,
    pub(crate) complex_as_json: bool,
    pub(crate) placeholder: String,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) notices: Vec<String>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("flavour", &self.flavour)
            .field("insert_mode", &self.insert_mode)
            .field("pk_mode", &self.pk_mode)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Parses what the user set.
    ///
    /// # Errors
    /// Config: a key that is missing, invalid, refused, or in conflict with another. A value that may be secret is never
    /// shown.
    pub fn parse(flavour: Flavour, properties: &Properties) -> Result<Self> {
        parse::parse(flavour, properties)
    }

    /// What was set and changes nothing here, a sentence each: ignored keys, properties of the connection URL.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Host and port of the first server, for messages.
    pub fn server(&self) -> String {
        self.target.hosts.first().map_or_else(String::new, |(host, port)| format!("{host}:{port}"))
    }
}
