//! Settings, parsed from [`crate::CONFIG`].

use crate::filter::{Choice, Filters, Patterns};
use crate::keys::CONFIG;
use connect_data::{Error, Properties, Result};
use std::fmt;
use std::time::Duration;
use wal2json::RecordKind;

/// `database.sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// How to reach the server.
#[derive(Clone)]
pub(crate) struct ConnectionSettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) database: String,
    pub(crate) ssl_mode: SslMode,
    pub(crate) ssl_root_cert: Option<String>,
    pub(crate) ssl_cert: Option<String>,
    pub(crate) ssl_key: Option<String>,
    pub(crate) keep_alive: bool,
    pub(crate) timeout: Duration,
    pub(crate) initial_statements: Vec<String>,
}

/// Secrets stay out.
impl fmt::Debug for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "[hidden]"))
            .field("database", &self.database)
            .field("ssl_mode", &self.ssl_mode)
            .finish_non_exhaustive()
    }
}

/// `snapshot.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotMode {
    Initial,
    Always,
    Never,
    InitialOnly,
}

/// `event.processing.failure.handling.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureMode {
    Fail,
    Warn,
    Skip,
}

/// The form that wal2json is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Whole transactions.
    One,
    /// Format 1, a message a change.
    Chunks,
    Two,
}

/// What [`crate::Source`] does. `Debug` shows no secrets.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) decoder: wal2json::Settings,
    pub(crate) connection: ConnectionSettings,
    pub(crate) slot: String,
    pub(crate) drop_slot: bool,
    pub(crate) format: Format,
    pub(crate) stream_params: Vec<(String, String)>,
    pub(crate) filter_in_server: bool,
    pub(crate) slot_retries: u32,
    pub(crate) slot_retry_delay: Duration,
    pub(crate) status_interval: Duration,
    pub(crate) snapshot: SnapshotMode,
    pub(crate) snapshot_delay: Duration,
    pub(crate) filters: Filters,
    pub(crate) skipped: Skipped,
    pub(crate) failure: FailureMode,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) heartbeat_topic: String,
    pub(crate) heartbeat_query: Option<String>,
    pub(crate) batch_records: usize,
    pub(crate) queue_records: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) retry_wait: Duration,
    /// `None` = without end.
    pub(crate) retries: Option<u32>,
}

/// Bytes that wait for the next stage unless it is set.
const QUEUE_BYTES: usize = 64 << 20;

impl Settings {
    /// Reads and checks all settings.
    ///
    /// # Errors
    /// Config: what [`CONFIG`] refuses, expressions that do not compile, both lists of a kind, options that would break
    /// the stream.
    pub fn parse(properties: &Properties) -> Result<Self> {
        CONFIG.validate(properties)?;
        let decoder = wal2json::Settings::parse(&CONFIG, properties)?;
        let text = |name: &str| CONFIG.text(properties, name).unwrap_or("");
        let some = |name: &str| match text(name) {
            "" => None,
            text => Some(text.to_owned()),
        };
        let number = |name: &str| CONFIG.integer(properties, name);
        let millis = |name: &str| Ok::<_, Error>(Duration::from_millis(number(name)?.max(0) as u64));
        let list = |name: &str| split_patterns(text(name));
        let choice = |what: &str| {
            let (include, exclude) = (list(&format!("{what}.include.list")), list(&format!("{what}.exclude.list")));
            Choice::new(what, &include, &exclude)
        };
        let plugin = text("plugin.name").to_ascii_lowercase();
        let format = match (text("wal2json.format.version"), plugin.ends_with("_streaming")) {
            ("2", _) | ("", false) => Format::Two,
            (_, true) => Format::Chunks,
            _ => Format::One,
        };
        let snapshot_tables = list("snapshot.include.collection.list");
        let topic = format!("{}.{}", text("heartbeat.topics.prefix"), decoder.server_name);
        let batch_records = number("max.batch.size")?.max(1) as usize;
        let queue_records = number("max.queue.size")?.max(1) as usize;
        if queue_records < batch_records {
            return Err(Error::config(
                "config.invalid",
                format!("setting max.queue.size: expected at least max.batch.size, {batch_records}, found less"),
            ));
        }
        Ok(Self {
            connection: ConnectionSettings {
                host: text("database.hostname").to_owned(),
                port: u16::try_from(number("database.port")?).map_err(|_| {
                    Error::config("config.invalid", "setting database.port: expected 1 to 65535, found something else")
                })?,
                user: text("database.user").to_owned(),
                password: properties.get("database.password").map(str::to_owned),
                database: decoder.database.clone(),
                ssl_mode: match text("database.sslmode").to_ascii_lowercase().as_str() {
                    "disable" => SslMode::Disable,
                    "allow" => SslMode::Allow,
                    "require" => SslMode::Require,
                    "verify-ca" => SslMode::VerifyCa,
                    "verify-full" => SslMode::VerifyFull,
                    _ => SslMode::Prefer,
                },
                ssl_root_cert: some("database.sslrootcert"),
                ssl_cert: some("database.sslcert"),
                ssl_key: some("database.sslkey"),
                keep_alive: CONFIG.boolean(properties, "database.tcpKeepAlive")?,
                timeout: millis("database.connect.timeout.ms")?,
                initial_statements: split_statements(text("database.initial.statements")),
            },
            slot: slot_name(text("slot.name"))?,
            drop_slot: CONFIG.boolean(properties, "slot.drop.on.stop")?,
            format,
            stream_params: crate::options::parse_params(text("slot.stream.params"))?,
            filter_in_server: text("wal2json.filter.tables").eq_ignore_ascii_case("auto"),
            slot_retries: number("slot.max.retries")?.max(0) as u32,
            slot_retry_delay: millis("slot.retry.delay.ms")?,
            status_interval: millis("status.update.interval.ms")?,
            snapshot: match text("snapshot.mode").to_ascii_lowercase().as_str() {
                "always" => SnapshotMode::Always,
                "never" | "no_data" => SnapshotMode::Never,
                "initial_only" => SnapshotMode::InitialOnly,
                _ => SnapshotMode::Initial,
            },
            snapshot_delay: millis("snapshot.delay.ms")?,
            filters: Filters {
                schemas: choice("schema")?,
                tables: choice("table")?,
                columns: choice("column")?,
                snapshot: match snapshot_tables.is_empty() {
                    true => None,
                    false => Some(Patterns::new("snapshot.include.collection.list", &snapshot_tables)?),
                },
                keys: Filters::parse_keys(text("message.key.columns"))?,
            },
            skipped: Skipped::parse(&CONFIG.list(properties, "skipped.operations"))?,
            failure: match text("event.processing.failure.handling.mode").to_ascii_lowercase().as_str() {
                "warn" => FailureMode::Warn,
                "skip" => FailureMode::Skip,
                _ => FailureMode::Fail,
            },
            heartbeat: Some(millis("heartbeat.interval.ms")?).filter(|interval| !interval.is_zero()),
            heartbeat_topic: topic,
            heartbeat_query: some("heartbeat.action.query"),
            batch_records,
            queue_records,
            queue_bytes: match number("max.queue.size.in.bytes")? {
                0 => QUEUE_BYTES,
                bytes => bytes.max(1) as usize,
            },
            retry_wait: millis("retriable.restart.connector.wait.ms")?,
            retries: u32::try_from(number("errors.max.retries")?).ok(),
            decoder,
        })
    }

    /// The partition under which offsets are stored: `{"server":"<name>"}`.
    pub fn partition_json(&self) -> String {
        serde_json::json!({ "server": self.decoder.server_name }).to_string()
    }

    /// `database.server.name`.
    pub fn server_name(&self) -> &str {
        &self.decoder.server_name
    }

    /// `slot.name`.
    pub fn slot_name(&self) -> &str {
        &self.slot
    }
}

/// `skipped.operations`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    create: bool,
    update: bool,
    delete: bool,
    truncate: bool,
}

impl Skipped {
    fn parse(items: &[&str]) -> Result<Self> {
        let mut skipped = Self::default();
        for item in items {
            match *item {
                "c" | "i" => skipped.create = true,
                "u" => skipped.update = true,
                "d" => skipped.delete = true,
                "t" => skipped.truncate = true,
                "" | "none" => {}
                _ => {
                    return Err(Error::config(
                        "config.invalid",
                        "setting skipped.operations: expected c, u, d or t, found something else",
                    ));
                }
            }
        }
        Ok(skipped)
    }

    /// Whether a record is left out. A change of the key is an update, though it comes as a delete and a create, which
    /// the headers tell.
    pub(crate) fn skips(self, kind: RecordKind, has_headers: bool) -> bool {
        match kind {
            RecordKind::Create | RecordKind::Delete | RecordKind::Tombstone if has_headers => self.update,
            RecordKind::Create => self.create,
            RecordKind::Update => self.update,
            RecordKind::Delete | RecordKind::Tombstone => self.delete,
            RecordKind::Truncate => self.truncate,
            _ => false,
        }
    }
}

/// Items of a list of expressions: a comma after a backslash belongs to the expression, as in Debezium.
fn split_patterns(text: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut rest, mut from) = (text, 0);
    while let Some(comma) = rest.get(from..).and_then(|tail| tail.find(',')).map(|at| at + from) {
        if rest.get(..comma).is_some_and(|before| before.ends_with('\\')) {
            from = comma + 1;
            continue;
        }
        items.push(rest.get(..comma).unwrap_or("").trim());
        (rest, from) = (rest.get(comma + 1..).unwrap_or(""), 0);
    }
    items.push(rest.trim());
    items.retain(|item| !item.is_empty());
    items
}

/// Statements separated by semicolons; two of them stand for one inside a statement.
fn split_statements(text: &str) -> Vec<String> {
    let marked = text.replace(";;", "\0");
    let statements = marked.split(';').map(|statement| statement.replace('\0', ";").trim().to_owned());
    statements.filter(|statement| !statement.is_empty()).collect()
}

fn slot_name(name: &str) -> Result<String> {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > 63 || !name.bytes().all(valid) {
        return Err(Error::config(
            "config.invalid",
            "setting slot.name: expected up to 63 lower-case letters, digits and underscores, found something else",
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn parse(extra: &[(&str, &str)]) -> Result<Settings> {
        let base = [
            ("database.hostname", "h"),
            ("database.user", "u"),
            ("database.password", "secret"),
            ("database.dbname", "d"),
            ("database.server.name", "s"),
        ];
        Settings::parse(&base.iter().chain(extra).copied().collect())
    }

    #[test]
    fn defaults_and_secrets() {
        let settings = parse(&[]).unwrap();
        assert_eq!((settings.slot.as_str(), settings.format), ("debezium", Format::Two));
        assert_eq!(settings.queue_bytes, 64 << 20);
        assert_eq!(settings.partition_json(), r#"{"server":"s"}"#);
        assert_eq!(settings.heartbeat_topic, "__debezium-heartbeat.s");
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn spellings_of_the_plugin_choose_the_format() {
        for (plugin, version, format) in [
            ("wal2json", "", Format::Two),
            ("wal2json_rds", "1", Format::One),
            ("wal2json_streaming", "", Format::Chunks),
            ("WAL2JSON_RDS_STREAMING", "2", Format::Two),
        ] {
            let mut extra = vec![("plugin.name", plugin)];
            if !version.is_empty() {
                extra.push(("wal2json.format.version", version));
            }
            assert_eq!(parse(&extra).unwrap().format, format, "{plugin} {version}");
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        for extra in [
            ("slot.name", "Big"),
            ("database.port", "70000"),
            ("plugin.name", "decoderbufs"),
            ("snapshot.mode", "custom"),
            ("skipped.operations", "x"),
            ("max.queue.size", "10"),
            ("slot.stream.params", "include-types=0"),
        ] {
            assert!(parse(&[extra]).is_err(), "{extra:?}");
        }
    }

    #[test]
    fn lists_and_statements_are_split() {
        assert_eq!(split_patterns("a, b\\,c ,,d{1\\,2}"), ["a", "b\\,c", "d{1\\,2}"]);
        assert_eq!(split_statements("SET a = 1; SELECT ';;' ;"), ["SET a = 1", "SELECT ';'"]);
    }

    #[test]
    fn a_change_of_the_key_is_an_update() {
        let skipped = Skipped::parse(&["u"]).unwrap();
        assert!(skipped.skips(RecordKind::Delete, true) && skipped.skips(RecordKind::Create, true));
        assert!(!skipped.skips(RecordKind::Delete, false) && !skipped.skips(RecordKind::Read, false));
    }
}
