//! The keys of each flavour, under their Java names and with their Java defaults, and a few of our own.

use connect_data::config::{ConfigType, DefaultValue, Importance, Validator};
use connect_data::{ConfigDef, ConfigKey};

pub(super) const AIVEN: ConfigDef = ConfigDef { plugin: "mysql-sink-aiven", keys: &AIVEN_KEYS };
pub(super) const CONFLUENT: ConfigDef = ConfigDef { plugin: "mysql-sink-confluent", keys: &CONFLUENT_KEYS };
pub(super) const DEBEZIUM: ConfigDef = ConfigDef { plugin: "mysql-sink-debezium", keys: &DEBEZIUM_KEYS };

const CONNECTION: &str = "Connection";
const WRITES: &str = "Writes";
const MAPPING: &str = "Data mapping";
const DDL: &str = "DDL support";
const RETRIES: &str = "Retries";
const BUCATINI: &str = "Bucatini";

const TRUE: DefaultValue = DefaultValue::Text("true");
const FALSE: DefaultValue = DefaultValue::Text("false");

const fn text(value: &'static str) -> DefaultValue {
    DefaultValue::Text(value)
}

const fn of(key: ConfigKey, values: &'static [&'static str]) -> ConfigKey {
    ConfigKey { validator: Validator::OneOfIgnoringCase(values), ..key }
}

const fn least(key: ConfigKey, least: i64) -> ConfigKey {
    ConfigKey { validator: Validator::AtLeast(least), ..key }
}

const URL: ConfigKey = ConfigKey {
    validator: Validator::NonEmpty,
    ..ConfigKey::new(
        "connection.url",
        ConfigType::String,
        DefaultValue::Required,
        Importance::High,
        CONNECTION,
        "JDBC URL",
        "jdbc:mysql://host:port/database or jdbc:mariadb://..., several hosts separated by commas. Properties: sslMode (also ssl-mode), useSSL, ssl-ca, ssl-cert, ssl-key (PEM files), connectTimeout, socketTimeout, connectionTimeZone.",
    )
};
const PASSWORD: ConfigKey = ConfigKey::new(
    "connection.password",
    ConfigType::Password,
    DefaultValue::Null,
    Importance::High,
    CONNECTION,
    "Password",
    "Password of the MySQL account.",
);

const fn user(name: &'static str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::String, DefaultValue::Null, Importance::High, CONNECTION, "User", "MySQL account.")
}

const fn batch_size(default: &'static str) -> ConfigKey {
    least(
        ConfigKey::new(
            "batch.size",
            ConfigType::Int,
            text(default),
            Importance::Medium,
            WRITES,
            "Rows a statement",
            "Rows in one statement at most; statements also end before max_allowed_packet.",
        ),
        1,
    )
}

const DELETE: ConfigKey = ConfigKey::new(
    "delete.enabled",
    ConfigType::Boolean,
    FALSE,
    Importance::Medium,
    WRITES,
    "Deletes",
    "Whether a record with a null value deletes the row of its key. Needs the key as primary key.",
);

const WHITELIST: ConfigKey = ConfigKey::new(
    "fields.whitelist",
    ConfigType::List,
    text(""),
    Importance::Medium,
    MAPPING,
    "Fields",
    "Fields of the value that are written; empty for all. Primary key fields are always written.",
);
const CREATE: ConfigKey = ConfigKey::new(
    "auto.create",
    ConfigType::Boolean,
    FALSE,
    Importance::Medium,
    DDL,
    "Create tables",
    "Whether a missing table is created from the record's schema.",
);
const EVOLVE: ConfigKey = ConfigKey::new(
    "auto.evolve",
    ConfigType::Boolean,
    FALSE,
    Importance::Medium,
    DDL,
    "Add columns",
    "Whether columns are added for new fields that are optional or have a default. Columns are never dropped or altered.",
);

const fn insert_mode(values: &'static [&'static str]) -> ConfigKey {
    of(
        ConfigKey::new(
            "insert.mode",
            ConfigType::String,
            text("insert"),
            Importance::High,
            WRITES,
            "Insert mode",
            "insert: a row that exists is an error. upsert: insert or update by primary key. update: a row that does not exist stays away. multi: as insert.",
        ),
        values,
    )
}

const fn pk_mode(name: &'static str, values: &'static [&'static str]) -> ConfigKey {
    of(
        ConfigKey::new(
            name,
            ConfigType::String,
            text("none"),
            Importance::High,
            MAPPING,
            "Primary key",
            "Where the primary key comes from: none, kafka (topic, partition, offset), record_key, record_value, record_header (Debezium's only).",
        ),
        values,
    )
}

const fn pk_fields(name: &'static str) -> ConfigKey {
    ConfigKey::new(
        name,
        ConfigType::List,
        text(""),
        Importance::Medium,
        MAPPING,
        "Primary key fields",
        "Fields of the key, value or headers that make the primary key, or the three column names of mode kafka; empty for all.",
    )
}

const PK_MODES: &[&str] = &["none", "kafka", "record_key", "record_value"];

const fn retries(name: &'static str, default: &'static str) -> ConfigKey {
    least(
        ConfigKey::new(
            name,
            ConfigType::Int,
            text(default),
            Importance::Medium,
            RETRIES,
            "Retries",
            "How often a batch is tried again after a failure that may pass: deadlock, lost connection, read-only server.",
        ),
        0,
    )
}

const fn backoff(name: &'static str, default: &'static str) -> ConfigKey {
    least(
        ConfigKey::new(
            name,
            ConfigType::Int,
            text(default),
            Importance::Medium,
            RETRIES,
            "Retry back-off",
            "Milliseconds between tries, plus or minus a half at random; deadlocks begin with less.",
        ),
        0,
    )
}

const ATTEMPTS: ConfigKey = least(
    ConfigKey::new(
        "connection.attempts",
        ConfigType::Int,
        text("3"),
        Importance::Low,
        CONNECTION,
        "Attempts",
        "How often the first connection is tried.",
    ),
    1,
);
const ATTEMPT_BACKOFF: ConfigKey = least(
    ConfigKey::new(
        "connection.backoff.ms",
        ConfigType::Long,
        text("10000"),
        Importance::Low,
        CONNECTION,
        "Back-off",
        "Milliseconds between attempts.",
    ),
    0,
);

const TABLE_FORMAT: ConfigKey = ConfigKey {
    validator: Validator::NonEmpty,
    ..ConfigKey::new(
        "table.name.format",
        ConfigType::String,
        text("${topic}"),
        Importance::Medium,
        MAPPING,
        "Table",
        "Name of the table; ${topic} is the record's topic. One dot separates database and table.",
    )
};
const TIME_ZONE: ConfigKey = ConfigKey::new(
    "db.timezone",
    ConfigType::String,
    text("UTC"),
    Importance::Medium,
    CONNECTION,
    "Time zone",
    "Zone of the wall clock that instants (Connect's Timestamp, ZonedTimestamp) show in DATETIME columns: UTC, an offset, or a name as Europe/Rome.",
);
const DIALECT: ConfigKey = of(
    ConfigKey::new(
        "dialect.name",
        ConfigType::String,
        text(""),
        Importance::Low,
        CONNECTION,
        "Dialect",
        "MySqlDatabaseDialect or MariaDbDatabaseDialect; which of both it is, the server says.",
    ),
    &["", "MySqlDatabaseDialect", "MariaDbDatabaseDialect"],
);
const NULLS: ConfigKey = ConfigKey::new(
    "replace.null.with.default",
    ConfigType::Boolean,
    TRUE,
    Importance::Low,
    MAPPING,
    "Defaults for nulls",
    "Whether a null of a field with a default is written as the default, as Connect's Struct gives it to the Java connectors.",
);

const fn quote(name: &'static str) -> ConfigKey {
    of(
        ConfigKey::new(
            name,
            ConfigType::String,
            text("always"),
            Importance::Low,
            DDL,
            "Quote identifiers",
            "always or never. With never, names that are more than letters, digits, _ and $ are refused.",
        ),
        &["always", "never"],
    )
}

#[rustfmt::skip]
const OWN: [ConfigKey; 6] = [
    of(ConfigKey::new("ddl.profile", ConfigType::String, DefaultValue::Null, Importance::Medium, BUCATINI, "Column types",
        "How columns are made: exact (every value fits and comes back equal; the default for Aiven's and Confluent's class), or as the Java connector would: aiven, confluent, debezium (the default for Debezium's class)."),
        &["exact", "aiven", "confluent", "debezium"]),
    of(ConfigKey::new("sink.compat", ConfigType::String, DefaultValue::Null, Importance::Low, BUCATINI, "Tombstones without deletes",
        "What a record with a null value does while deletes are off: skip (and count) it, fail as Confluent's connector (confluent), or upsert the key alone as Aiven's 6.6 (aiven-6.6)."),
        &["skip", "confluent", "aiven-6.6"]),
    ConfigKey::new("allow.secondary.unique", ConfigType::Boolean, FALSE, Importance::Low, BUCATINI, "Other unique indexes",
        "Whether upserts go to a table with a unique index other than the record's key: ON DUPLICATE KEY fires on any of them and may change another row."),
    of(ConfigKey::new("complex.handling", ConfigType::String, text("error"), Importance::Low, BUCATINI, "Structures",
        "What arrays, maps and structs become: error, or json."), &["error", "json"]),
    ConfigKey::new("unavailable.value.placeholder", ConfigType::String, text("__debezium_unavailable_value"), Importance::Low, BUCATINI, "Placeholder",
        "Text that stands for an unchanged value that the source did not send: the column is left as it is."),
    least(ConfigKey::new("statement.timeout.ms", ConfigType::Int, text("60000"), Importance::Low, BUCATINI, "Statement time-out",
        "A statement that takes longer counts as a lost connection; socketTimeout of the URL goes before. 0 for none."), 0),
];

#[rustfmt::skip]
const AIVEN_KEYS: [ConfigKey; 27] = [
    URL, user("connection.user"), PASSWORD, ATTEMPTS, ATTEMPT_BACKOFF, TIME_ZONE, DIALECT, quote("sql.quote.identifiers"),
    insert_mode(&["insert", "multi", "upsert", "update"]), batch_size("3000"), DELETE,
    TABLE_FORMAT,
    ConfigKey::new("table.name.normalize", ConfigType::Boolean, FALSE, Importance::Medium, MAPPING, "Normalize table names", "Whether everything but letters, digits and _ becomes _ in the table's name."),
    ConfigKey::new("topics.to.tables.mapping", ConfigType::List, text(""), Importance::Medium, MAPPING, "Topics to tables", "topic:table pairs, which go before table.name.format."),
    pk_mode("pk.mode", PK_MODES), pk_fields("pk.fields"), WHITELIST, CREATE, EVOLVE, retries("max.retries", "10"), backoff("retry.backoff.ms", "3000"),
    OWN[0], OWN[1], OWN[2], OWN[3], OWN[4], OWN[5],
];

#[rustfmt::skip]
const CONFLUENT_KEYS: [ConfigKey; 26] = [
    URL, user("connection.user"), PASSWORD, ATTEMPTS, ATTEMPT_BACKOFF, TIME_ZONE, DIALECT, quote("quote.sql.identifiers"),
    insert_mode(&["insert", "upsert", "update"]), batch_size("3000"), DELETE, TABLE_FORMAT,
    pk_mode("pk.mode", PK_MODES), pk_fields("pk.fields"), WHITELIST, CREATE, EVOLVE, retries("max.retries", "10"), backoff("retry.backoff.ms", "3000"), NULLS,
    OWN[0], OWN[1], OWN[2], OWN[3], OWN[4], OWN[5],
];

#[rustfmt::skip]
const DEBEZIUM_KEYS: [ConfigKey; 25] = [
    URL, user("connection.username"), PASSWORD,
    ConfigKey::new("use.time.zone", ConfigType::String, text("UTC"), Importance::Medium, CONNECTION, "Time zone", "Zone of the wall clock that instants (Connect's Timestamp, ZonedTimestamp) show in DATETIME columns."),
    insert_mode(&["insert", "upsert", "update"]), batch_size("500"), DELETE,
    ConfigKey::new("truncate.enabled", ConfigType::Boolean, FALSE, Importance::Low, WRITES, "Truncates", "Whether truncate events truncate the table: refused if true; such events change nothing."),
    ConfigKey::new("collection.name.format", ConfigType::String, text("${topic}"), Importance::Medium, MAPPING, "Table", "Name of the table; ${topic} is the record's topic with _ for dots. One dot separates database and table."),
    ConfigKey::new("table.name.format", ConfigType::String, DefaultValue::Null, Importance::Low, MAPPING, "Table (before Debezium 3)", "The older name of collection.name.format."),
    pk_mode("primary.key.mode", &["none", "kafka", "record_key", "record_value", "record_header"]), pk_fields("primary.key.fields"),
    of(ConfigKey::new("schema.evolution", ConfigType::String, text("none"), Importance::Medium, DDL, "Schema evolution", "none, or basic: tables are created and columns added."), &["none", "basic"]),
    ConfigKey::new("quote.identifiers", ConfigType::Boolean, FALSE, Importance::Low, DDL, "Quote identifiers", "Names are quoted here always, which changes nothing but that every name works."),
    ConfigKey::new("field.include.list", ConfigType::List, text(""), Importance::Medium, MAPPING, "Fields", "Fields of the value that are written, as field or topic:field; empty for all."),
    ConfigKey::new("field.exclude.list", ConfigType::List, text(""), Importance::Medium, MAPPING, "Excluded fields", "Fields of the value that are not written, as field or topic:field."),
    retries("flush.max.retries", "5"), backoff("flush.retry.delay.ms", "1000"),
    ConfigKey::new("connection.restart.on.errors", ConfigType::Boolean, FALSE, Importance::Low, RETRIES, "New connection", "Every retry opens a new connection here."),
    OWN[0], OWN[1], OWN[2], OWN[3], OWN[4], OWN[5],
];
