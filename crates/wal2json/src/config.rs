//! Settings: the keys, defaults and meanings of Debezium 1.7's PostgreSQL connector (`topic.prefix` is the later
//! spelling), declared once for the converter and once, with what needs a stream, for [`crate::Decoder`].

use connect_data::config::{ConfigKey, ConfigType, DefaultValue, Importance, Validator};
use connect_data::{ConfigDef, Error, Properties, Result};

/// `source.version` unless it is set.
pub const VERSION: &str = concat!("bucatini-", env!("CARGO_PKG_VERSION"));

const SERVER_NAME: ConfigKey = ConfigKey {
    name: "database.server.name",
    kind: ConfigType::String,
    default: DefaultValue::Null,
    validator: Validator::NonEmpty,
    importance: Importance::High,
    doc: "Logical name of the PostgreSQL server: source.name, and the first part of topic and schema names. Either this \
          or topic.prefix must be set.",
    group: "source",
    display: "Server name",
};

const TOPIC_PREFIX: ConfigKey = ConfigKey {
    name: "topic.prefix",
    kind: ConfigType::String,
    default: DefaultValue::Null,
    validator: Validator::NonEmpty,
    importance: Importance::High,
    doc: "What Debezium 2.0 and later call database.server.name.",
    group: "source",
    display: "Topic prefix",
};

const DBNAME: ConfigKey = ConfigKey {
    name: "database.dbname",
    kind: ConfigType::String,
    default: DefaultValue::Required,
    validator: Validator::NonEmpty,
    importance: Importance::High,
    doc: "Name of the database that the changes come from: source.db. wal2json does not write it.",
    group: "source",
    display: "Database",
};

const SOURCE_VERSION: ConfigKey = ConfigKey {
    name: "source.version",
    kind: ConfigType::String,
    default: DefaultValue::Text(VERSION),
    validator: Validator::NonEmpty,
    importance: Importance::Low,
    doc: "Text of source.version. Set 1.7.0.Final for consumers that look at it.",
    group: "source",
    display: "Version in the source block",
};

const DECIMAL: ConfigKey = ConfigKey {
    name: "decimal.handling.mode",
    kind: ConfigType::String,
    default: DefaultValue::Text("precise"),
    validator: Validator::OneOfIgnoringCase(&["precise", "double", "string"]),
    importance: Importance::Medium,
    doc: "How numeric columns are represented: precise (Decimal, or a struct of scale and unscaled value where the column \
          has no scale), double, or string. NaN and infinities fit only into double and string, and wal2json writes \
          them only with numeric-data-types-as-string.",
    group: "types",
    display: "Decimal handling",
};

const TIME: ConfigKey = ConfigKey {
    name: "time.precision.mode",
    kind: ConfigType::String,
    default: DefaultValue::Text("adaptive"),
    validator: Validator::OneOfIgnoringCase(&["adaptive", "adaptive_time_microseconds", "connect"]),
    importance: Importance::Medium,
    doc: "How date, time and timestamp columns are represented: adaptive (milliseconds or microseconds by the column's \
          precision), adaptive_time_microseconds (time always in microseconds), or connect (Kafka Connect's own types, \
          in milliseconds).",
    group: "types",
    display: "Time precision",
};

const BINARY: ConfigKey = ConfigKey {
    name: "binary.handling.mode",
    kind: ConfigType::String,
    default: DefaultValue::Text("bytes"),
    validator: Validator::OneOfIgnoringCase(&["bytes", "base64", "hex"]),
    importance: Importance::Low,
    doc: "How bytea columns, and columns of unknown types if they are included, are represented: bytes, or a string in \
          Base64 or in hexadecimal digits.",
    group: "types",
    display: "Binary handling",
};

const HSTORE: ConfigKey = ConfigKey {
    name: "hstore.handling.mode",
    kind: ConfigType::String,
    default: DefaultValue::Text("json"),
    validator: Validator::OneOfIgnoringCase(&["json", "map"]),
    importance: Importance::Low,
    doc: "How hstore columns are represented: a JSON text, or a map of strings.",
    group: "types",
    display: "hstore handling",
};

const INTERVAL: ConfigKey = ConfigKey {
    name: "interval.handling.mode",
    kind: ConfigType::String,
    default: DefaultValue::Text("numeric"),
    validator: Validator::OneOfIgnoringCase(&["numeric", "string"]),
    importance: Importance::Low,
    doc: "How interval columns are represented: microseconds, a month being 30.4375 days, or an ISO 8601 text.",
    group: "types",
    display: "Interval handling",
};

const UNKNOWN: ConfigKey = ConfigKey {
    name: "include.unknown.datatypes",
    kind: ConfigType::Boolean,
    default: DefaultValue::Text("false"),
    validator: Validator::Any,
    importance: Importance::Low,
    doc: "Whether columns of types that Debezium 1.7 does not map (geometric types other than point, tsvector, pg_lsn, \
          composite types and so on) are left out, or included as PostgreSQL's text in the form of \
          binary.handling.mode.",
    group: "types",
    display: "Include unknown types",
};

const PLACEHOLDER: ConfigKey = ConfigKey {
    name: "unavailable.value.placeholder",
    kind: ConfigType::String,
    default: DefaultValue::Text("__debezium_unavailable_value"),
    validator: Validator::Any,
    importance: Importance::Medium,
    doc: "Stands for a value that was stored out of line (TOAST) and not changed, so that PostgreSQL did not log it. A \
          value that starts with hex: is read as hexadecimal octets.",
    group: "types",
    display: "Placeholder for unchanged TOAST",
};

const TOASTED_PLACEHOLDER: ConfigKey = ConfigKey {
    name: "toasted.value.placeholder",
    kind: ConfigType::String,
    default: DefaultValue::Null,
    validator: Validator::Any,
    importance: Importance::Low,
    doc: "What Debezium 1.7 calls unavailable.value.placeholder; it wins if both are set.",
    group: "types",
    display: "Placeholder for unchanged TOAST (1.x name)",
};

const TRUNCATE: ConfigKey = ConfigKey {
    name: "truncate.handling.mode",
    kind: ConfigType::String,
    default: DefaultValue::Text("skip"),
    validator: Validator::OneOfIgnoringCase(&["skip", "include"]),
    importance: Importance::Low,
    doc: "Whether TRUNCATE is skipped or gives an event with op t. wal2json reports it only in format version 2.",
    group: "events",
    display: "TRUNCATE handling",
};

const SANITIZE: ConfigKey = ConfigKey {
    name: "sanitize.field.names",
    kind: ConfigType::Boolean,
    default: DefaultValue::Text("false"),
    validator: Validator::Any,
    importance: Importance::Low,
    doc: "Whether characters of column names that Avro does not allow are replaced by underscores. Debezium switches this \
          on by itself next to an Avro converter.",
    group: "events",
    display: "Sanitize field names",
};

const ENGINE: ConfigKey = ConfigKey {
    name: "engine",
    kind: ConfigType::String,
    default: DefaultValue::Text("native"),
    validator: Validator::OneOf(&["native", "wasm"]),
    importance: Importance::Low,
    doc: "Which form of the core does the work: the native library, or the same core as a WebAssembly component in a \
          sandbox.",
    group: "engine",
    display: "Engine",
};

const TOMBSTONES: ConfigKey = ConfigKey {
    name: "tombstones.on.delete",
    kind: ConfigType::Boolean,
    default: DefaultValue::Text("true"),
    validator: Validator::Any,
    importance: Importance::Medium,
    doc: "Whether a delete event is followed by a tombstone, so that compaction can remove all records of the key.",
    group: "events",
    display: "Tombstones on delete",
};

const TRANSACTIONS: ConfigKey = ConfigKey {
    name: "provide.transaction.metadata",
    kind: ConfigType::Boolean,
    default: DefaultValue::Text("false"),
    validator: Validator::Any,
    importance: Importance::Low,
    doc: "Whether events carry a transaction block, and transaction boundaries are written to the topic \
          <server>.transaction.",
    group: "events",
    display: "Transaction metadata",
};

/// Settings of [`crate::Wal2JsonConverter`].
pub static CONFIG: ConfigDef = ConfigDef {
    plugin: "wal2json-converter",
    keys: &[
        SERVER_NAME,
        TOPIC_PREFIX,
        DBNAME,
        DECIMAL,
        TIME,
        BINARY,
        HSTORE,
        INTERVAL,
        UNKNOWN,
        PLACEHOLDER,
        TOASTED_PLACEHOLDER,
        TRUNCATE,
        SANITIZE,
        SOURCE_VERSION,
        ENGINE,
    ],
};

/// The keys of [`DECODER_CONFIG`], for a connector that adds its own.
pub const DECODER_KEYS: &[ConfigKey] = &[
    SERVER_NAME,
    TOPIC_PREFIX,
    DBNAME,
    DECIMAL,
    TIME,
    BINARY,
    HSTORE,
    INTERVAL,
    UNKNOWN,
    PLACEHOLDER,
    TOASTED_PLACEHOLDER,
    TOMBSTONES,
    TRANSACTIONS,
    TRUNCATE,
    SANITIZE,
    SOURCE_VERSION,
];

/// The keys of Debezium's PostgreSQL connector that [`crate::Decoder`] honours.
pub static DECODER_CONFIG: ConfigDef = ConfigDef { plugin: "wal2json-decoder", keys: DECODER_KEYS };

/// `decimal.handling.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMode {
    /// Exact.
    Precise,
    /// FLOAT64.
    Double,
    /// As Java's `BigDecimal.toString` writes it.
    String,
}

/// `time.precision.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeMode {
    /// By the column's precision.
    Adaptive,
    /// As adaptive, but time always in microseconds.
    AdaptiveTimeMicroseconds,
    /// Kafka Connect's logical types.
    Connect,
}

/// `binary.handling.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryMode {
    /// BYTES.
    Bytes,
    /// STRING in Base64 with padding.
    Base64,
    /// STRING in lower-case hexadecimal digits.
    Hex,
}

/// What becomes of an unchanged TOAST value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The placeholder, as in Debezium; a type that cannot hold it is an error.
    Placeholder,
    /// The unavailable bit of the row image: for a host whose next stage understands it.
    Bit,
}

/// Parsed settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `database.server.name` or `topic.prefix`.
    pub server_name: String,
    /// `database.dbname`.
    pub database: String,
    /// `source.version`.
    pub version: String,
    /// `decimal.handling.mode`.
    pub decimal: DecimalMode,
    /// `time.precision.mode`.
    pub time: TimeMode,
    /// `binary.handling.mode`.
    pub binary: BinaryMode,
    /// `hstore.handling.mode` is `map`.
    pub hstore_map: bool,
    /// `interval.handling.mode` is `string`.
    pub interval_text: bool,
    /// `include.unknown.datatypes`.
    pub include_unknown: bool,
    /// `sanitize.field.names`.
    pub sanitize: bool,
    /// `truncate.handling.mode` is `include`.
    pub truncate: bool,
    /// `tombstones.on.delete`.
    pub tombstones: bool,
    /// `provide.transaction.metadata`.
    pub transactions: bool,
    /// `unavailable.value.placeholder`.
    pub placeholder: Vec<u8>,
    /// Not a setting: the host decides.
    pub unavailable: Unavailable,
}

impl Settings {
    /// Reads the settings that `def` ([`CONFIG`] or [`DECODER_CONFIG`]) declares; keys it does not declare have their
    /// defaults.
    ///
    /// # Errors
    /// Config: a value that its declaration refuses, no server name, two different ones, a placeholder that is neither
    /// text nor hexadecimal octets.
    pub fn parse(def: &ConfigDef, properties: &Properties) -> Result<Self> {
        def.validate(properties)?;
        let mode = |name: &str| def.text(properties, name).unwrap_or("").to_ascii_lowercase();
        Ok(Self {
            server_name: server_name(def, properties)?,
            database: def.text(properties, DBNAME.name).unwrap_or("").to_owned(),
            version: def.text(properties, SOURCE_VERSION.name).unwrap_or(VERSION).to_owned(),
            decimal: match mode(DECIMAL.name).as_str() {
                "double" => DecimalMode::Double,
                "string" => DecimalMode::String,
                _ => DecimalMode::Precise,
            },
            time: match mode(TIME.name).as_str() {
                "connect" => TimeMode::Connect,
                "adaptive_time_microseconds" => TimeMode::AdaptiveTimeMicroseconds,
                _ => TimeMode::Adaptive,
            },
            binary: match mode(BINARY.name).as_str() {
                "base64" => BinaryMode::Base64,
                "hex" => BinaryMode::Hex,
                _ => BinaryMode::Bytes,
            },
            hstore_map: mode(HSTORE.name) == "map",
            interval_text: mode(INTERVAL.name) == "string",
            include_unknown: def.boolean(properties, UNKNOWN.name)?,
            sanitize: def.boolean(properties, SANITIZE.name)?,
            truncate: mode(TRUNCATE.name) == "include",
            tombstones: def.boolean(properties, TOMBSTONES.name)?,
            transactions: def.boolean(properties, TRANSACTIONS.name)?,
            placeholder: placeholder(def, properties)?,
            unavailable: Unavailable::Placeholder,
        })
    }
}

fn server_name(def: &ConfigDef, properties: &Properties) -> Result<String> {
    match (def.text(properties, SERVER_NAME.name), def.text(properties, TOPIC_PREFIX.name)) {
        (Some(name), Some(prefix)) if name != prefix => Err(Error::config(
            "wal2json.server-name",
            "settings database.server.name and topic.prefix: expected one name, found two",
        )
        .hint("they are the 1.x and the 2.x spelling of the same setting: remove one")),
        (Some(name), _) | (None, Some(name)) => Ok(name.to_owned()),
        (None, None) => {
            Err(Error::config("config.missing", "setting database.server.name: expected a value, found none")
                .hint("set database.server.name or topic.prefix"))
        }
    }
}

fn placeholder(def: &ConfigDef, properties: &Properties) -> Result<Vec<u8>> {
    let names = [TOASTED_PLACEHOLDER.name, PLACEHOLDER.name];
    let (name, text) =
        names.into_iter().find_map(|name| def.text(properties, name).map(|text| (name, text))).unwrap_or(("", ""));
    let Some(digits) = text.strip_prefix("hex:") else {
        return Ok(text.as_bytes().to_vec());
    };
    let mut octets = Vec::new();
    if !crate::binary::decode_hex(digits.as_bytes(), &mut octets) {
        return Err(Error::config(
            "config.invalid",
            format!("setting {name}: expected pairs of hexadecimal digits after hex:, found something else"),
        ));
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(extra: &[(&str, &str)]) -> Result<Settings> {
        let base = [("database.dbname", "d"), ("database.server.name", "s")];
        let all = base.iter().chain(extra).filter(|(_, value)| *value != "-");
        let mut properties: Properties = all.copied().collect();
        if extra.contains(&("database.server.name", "-")) {
            properties = extra.iter().chain(&base[..1]).filter(|(_, value)| *value != "-").copied().collect();
        }
        Settings::parse(&DECODER_CONFIG, &properties)
    }

    #[test]
    fn defaults_are_those_of_debezium() {
        let settings = parse(&[]).unwrap();
        assert_eq!((settings.decimal, settings.time), (DecimalMode::Precise, TimeMode::Adaptive));
        assert_eq!((settings.binary, settings.hstore_map), (BinaryMode::Bytes, false));
        assert!(settings.tombstones && !settings.transactions && !settings.truncate && !settings.interval_text);
        assert_eq!(settings.placeholder, b"__debezium_unavailable_value");
    }

    #[test]
    fn both_spellings_of_the_server_name_are_read() {
        let renamed = parse(&[("database.server.name", "-"), ("topic.prefix", "p")]).unwrap();
        assert_eq!(renamed.server_name, "p");
        assert_eq!(parse(&[("topic.prefix", "p")]).unwrap_err().code(), "wal2json.server-name");
        assert_eq!(parse(&[("database.server.name", "-")]).unwrap_err().code(), "config.missing");
    }

    #[test]
    fn a_placeholder_may_be_hexadecimal() {
        assert_eq!(parse(&[("toasted.value.placeholder", "hex:00Ff")]).unwrap().placeholder, [0, 255]);
        assert_eq!(parse(&[("unavailable.value.placeholder", "hex:0")]).unwrap_err().code(), "config.invalid");
        assert_eq!(parse(&[("decimal.handling.mode", "exact")]).unwrap_err().code(), "config.invalid");
    }
}
