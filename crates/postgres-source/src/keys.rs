//! The keys of Debezium's PostgreSQL connector: those that are honoured, and what becomes of the others.

use connect_data::ConfigDef;
use connect_data::config::{ConfigKey, ConfigType as Type, DefaultValue, Importance, OtherKey, Treatment, Validator};
use wal2json::config::DECODER_KEYS;

const fn key(
    name: &'static str,
    kind: Type,
    default: DefaultValue,
    importance: Importance,
    group: &'static str,
    display: &'static str,
    doc: &'static str,
) -> ConfigKey {
    ConfigKey { name, kind, default, validator: Validator::Any, importance, doc, group, display }
}

const fn valid(key: ConfigKey, validator: Validator) -> ConfigKey {
    ConfigKey { validator, ..key }
}

const fn text(value: &'static str) -> DefaultValue {
    DefaultValue::Text(value)
}

use DefaultValue::{Null, Required};
use Importance::{High, Low, Medium};

const OWN: [ConfigKey; 40] = [
    valid(
        key(
            "database.hostname",
            Type::String,
            Required,
            High,
            "connection",
            "Host",
            "Host name or address of the server.",
        ),
        Validator::NonEmpty,
    ),
    valid(key("database.port", Type::Int, text("5432"), High, "connection", "Port", "Port."), Validator::AtLeast(1)),
    valid(
        key(
            "database.user",
            Type::String,
            Required,
            High,
            "connection",
            "User",
            "Role with REPLICATION and LOGIN, and SELECT on the tables.",
        ),
        Validator::NonEmpty,
    ),
    key("database.password", Type::Password, Null, High, "connection", "Password", "Password of the role."),
    valid(
        key(
            "database.sslmode",
            Type::String,
            text("prefer"),
            Medium,
            "connection",
            "TLS mode",
            "As libpq has it: disable, allow and prefer take an unencrypted connection if need be, require encrypts \
             without looking at the certificate, verify-ca checks who signed it, verify-full also the host name. \
             Debezium 1.7's default is disable, that of 2.3 and later prefer.",
        ),
        Validator::OneOfIgnoringCase(&["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
    ),
    key(
        "database.sslrootcert",
        Type::String,
        Null,
        Medium,
        "connection",
        "TLS root certificates",
        "File with the root certificates in PEM; needed for verify-ca and verify-full.",
    ),
    key(
        "database.sslcert",
        Type::String,
        Null,
        Medium,
        "connection",
        "TLS client certificate",
        "File with the client's certificate chain in PEM.",
    ),
    key(
        "database.sslkey",
        Type::String,
        Null,
        Medium,
        "connection",
        "TLS client key",
        "File with the client's private key, in PEM or as PKCS #8 in DER, without a passphrase.",
    ),
    key(
        "database.tcpKeepAlive",
        Type::Boolean,
        text("true"),
        Low,
        "connection",
        "TCP keep-alive",
        "Whether the operating system probes idle connections.",
    ),
    key(
        "database.initial.statements",
        Type::String,
        Null,
        Low,
        "connection",
        "Initial statements",
        "Statements for every SQL connection, separated by semicolons (two stand for one inside a statement). Not for \
         the one that reads the log.",
    ),
    valid(
        key(
            "plugin.name",
            Type::String,
            text("wal2json"),
            Medium,
            "slot",
            "Output plug-in",
            "wal2json in any of Debezium 1.7's spellings. wal2json_streaming takes format 1 in chunks; the others take \
             format 2, which has neither chunks nor a limit on the size of a transaction. Debezium 1.7's default is \
             decoderbufs.",
        ),
        Validator::OneOfIgnoringCase(&["wal2json", "wal2json_streaming", "wal2json_rds", "wal2json_rds_streaming"]),
    ),
    valid(
        key("slot.name", Type::String, text("debezium"), Medium, "slot", "Slot", "Name of the replication slot."),
        Validator::NonEmpty,
    ),
    key(
        "slot.drop.on.stop",
        Type::Boolean,
        text("false"),
        Medium,
        "slot",
        "Drop the slot on stop",
        "Whether the slot is dropped on an orderly stop: the changes until the next start are lost, so the next start \
         needs a snapshot. For tests.",
    ),
    key(
        "slot.stream.params",
        Type::String,
        Null,
        Low,
        "slot",
        "Options of the plug-in",
        "Further options of wal2json, as key=value separated by semicolons.",
    ),
    valid(
        key(
            "slot.max.retries",
            Type::Int,
            text("6"),
            Low,
            "slot",
            "Retries for an active slot",
            "How often to try again while another connection holds the slot.",
        ),
        Validator::AtLeast(0),
    ),
    valid(
        key(
            "slot.retry.delay.ms",
            Type::Long,
            text("10000"),
            Low,
            "slot",
            "Wait for an active slot",
            "Milliseconds between those tries.",
        ),
        Validator::AtLeast(0),
    ),
    valid(
        key(
            "status.update.interval.ms",
            Type::Int,
            text("10000"),
            Medium,
            "slot",
            "Status interval",
            "Milliseconds between two messages to the server that say how far the changes are durable.",
        ),
        Validator::AtLeast(1),
    ),
    valid(
        key(
            "snapshot.mode",
            Type::String,
            text("initial"),
            Medium,
            "snapshot",
            "Snapshot mode",
            "initial: if no offset is stored; always: at every start; never (no_data): no rows, only changes from the \
             slot on; initial_only: rows and then nothing; exported: Debezium's old name of initial.",
        ),
        Validator::OneOfIgnoringCase(&["initial", "always", "never", "no_data", "initial_only", "exported"]),
    ),
    key(
        "snapshot.include.collection.list",
        Type::List,
        Null,
        Medium,
        "snapshot",
        "Tables of the snapshot",
        "Regular expressions for schema.table: of the tables that are captured, the ones whose rows are read.",
    ),
    valid(
        key(
            "snapshot.delay.ms",
            Type::Long,
            text("0"),
            Low,
            "snapshot",
            "Wait before the snapshot",
            "Milliseconds to wait before a snapshot.",
        ),
        Validator::AtLeast(0),
    ),
    key(
        "schema.include.list",
        Type::List,
        Null,
        High,
        "tables",
        "Schemas",
        "Regular expressions for the schemas to capture; each has to match the whole name, in any case. Not together \
         with schema.exclude.list.",
    ),
    key(
        "schema.exclude.list",
        Type::List,
        Null,
        High,
        "tables",
        "Schemas to leave out",
        "Regular expressions for the schemas to leave out.",
    ),
    key(
        "table.include.list",
        Type::List,
        Null,
        High,
        "tables",
        "Tables",
        "Regular expressions for schema.table of the tables to capture; each has to match the whole name, in any case. \
         Not together with table.exclude.list.",
    ),
    key(
        "table.exclude.list",
        Type::List,
        Null,
        High,
        "tables",
        "Tables to leave out",
        "Regular expressions for schema.table of the tables to leave out.",
    ),
    key(
        "column.include.list",
        Type::List,
        Null,
        Medium,
        "tables",
        "Columns",
        "Regular expressions for schema.table.column of the columns to put into events. Not together with \
         column.exclude.list.",
    ),
    key(
        "column.exclude.list",
        Type::List,
        Null,
        Medium,
        "tables",
        "Columns to leave out",
        "Regular expressions for schema.table.column of the columns to leave out of events; they may still be in keys.",
    ),
    key(
        "message.key.columns",
        Type::String,
        Null,
        Medium,
        "tables",
        "Key columns",
        "Columns of the record key instead of the primary key: <regular expression for schema.table>:<column>,<column>, \
         several separated by semicolons.",
    ),
    key(
        "skipped.operations",
        Type::List,
        Null,
        Low,
        "events",
        "Skipped operations",
        "Operations whose changes are left out: c (insert), u (update), d (delete), t (truncate).",
    ),
    valid(
        key(
            "event.processing.failure.handling.mode",
            Type::String,
            text("fail"),
            Low,
            "events",
            "Failure handling",
            "What becomes of a change that cannot be represented: fail stops, warn logs its position and leaves it out, \
             skip leaves it out.",
        ),
        Validator::OneOfIgnoringCase(&["fail", "warn", "skip"]),
    ),
    valid(
        key(
            "heartbeat.interval.ms",
            Type::Int,
            text("0"),
            Medium,
            "heartbeat",
            "Heartbeat interval",
            "Milliseconds between two records on the heartbeat topic; 0 = none.",
        ),
        Validator::AtLeast(0),
    ),
    valid(
        key(
            "heartbeat.topics.prefix",
            Type::String,
            text("__debezium-heartbeat"),
            Low,
            "heartbeat",
            "Heartbeat topic",
            "Name of the heartbeat topic without the server's name.",
        ),
        Validator::NonEmpty,
    ),
    key(
        "heartbeat.action.query",
        Type::String,
        Null,
        Low,
        "heartbeat",
        "Heartbeat statement",
        "Statement to execute in the database with every heartbeat.",
    ),
    valid(
        key("max.batch.size", Type::Int, text("2048"), Medium, "queue", "Batch size", "Most records of one batch."),
        Validator::AtLeast(1),
    ),
    valid(
        key(
            "max.queue.size",
            Type::Int,
            text("8192"),
            Medium,
            "queue",
            "Queue size",
            "Most records that wait for the next stage; more than max.batch.size.",
        ),
        Validator::AtLeast(1),
    ),
    valid(
        key(
            "max.queue.size.in.bytes",
            Type::Long,
            text("0"),
            Medium,
            "queue",
            "Queue size in bytes",
            "Most bytes that wait for the next stage; 0 = 64 MiB. One record may be larger.",
        ),
        Validator::AtLeast(0),
    ),
    valid(
        key(
            "retriable.restart.connector.wait.ms",
            Type::Long,
            text("10000"),
            Low,
            "retries",
            "Longest wait",
            "Most milliseconds between two tries to connect again; the first ones come sooner.",
        ),
        Validator::AtLeast(0),
    ),
    valid(
        key(
            "errors.max.retries",
            Type::Int,
            text("30"),
            Low,
            "retries",
            "Retries",
            "Tries to connect again in a row before the source gives up; -1 = without end. Any progress starts the count \
             anew.",
        ),
        Validator::AtLeast(-1),
    ),
    valid(
        key(
            "wal2json.format.version",
            Type::String,
            Null,
            Low,
            "slot",
            "Format version",
            "1 or 2: the wal2json format to ask for, whatever plugin.name says. Format 1 knows no TRUNCATE, and without \
             wal2json_streaming no transaction above 1 GB.",
        ),
        Validator::OneOf(&["1", "2"]),
    ),
    valid(
        key(
            "database.connect.timeout.ms",
            Type::Long,
            text("30000"),
            Low,
            "connection",
            "Connect time-out",
            "Milliseconds until a connection must be established and authenticated.",
        ),
        Validator::AtLeast(1),
    ),
    valid(
        key(
            "wal2json.filter.tables",
            Type::String,
            text("auto"),
            Low,
            "slot",
            "Filter in the server",
            "auto: tables that the filters leave out are also left out by wal2json, so that their changes do not travel; \
             off: they are left out here only.",
        ),
        Validator::OneOfIgnoringCase(&["auto", "off"]),
    ),
];

const COUNT: usize = OWN.len() + DECODER_KEYS.len();

const fn all() -> [ConfigKey; COUNT] {
    let [first, ..] = OWN;
    let mut keys = [first; COUNT];
    let (mut own, mut decoder): (&[ConfigKey], &[ConfigKey]) = (&OWN, DECODER_KEYS);
    let mut rest: &mut [ConfigKey] = &mut keys;
    while let Some((slot, others)) = rest.split_first_mut() {
        rest = others;
        if let Some((key, keys)) = own.split_first() {
            own = keys;
            *slot = *key;
        } else if let Some((key, keys)) = decoder.split_first() {
            decoder = keys;
            *slot = *key;
        }
    }
    keys
}

static ALL: [ConfigKey; COUNT] = all();

/// Every key that is honoured.
pub static CONFIG: ConfigDef = ConfigDef { plugin: "postgres-source", keys: &ALL };

const fn ignored(name: &'static str, why: &'static str) -> OtherKey {
    OtherKey { name, treatment: Treatment::Ignored(why) }
}

const fn refused(name: &'static str, why: &'static str) -> OtherKey {
    OtherKey { name, treatment: Treatment::Refused(why) }
}

const MASKS: &str = "columns are not masked or shortened here, and passing them on in full would not be what was asked \
                     for: leave the columns out with column.exclude.list, or give the connector a view's data";
const RENAMED: &str = "Debezium renamed it in 1.3: use the include.list or exclude.list of the same start";

/// Every other key of Debezium's PostgreSQL connector, and what becomes of it.
pub const OTHER_KEYS: &[OtherKey] = &[
    ignored("tasks.max", "a slot is read by one task"),
    ignored("publication.name", "wal2json knows no publications: the tables are those of table.include.list"),
    ignored("publication.autocreate.mode", "wal2json knows no publications"),
    ignored("poll.interval.ms", "a batch is handed over as soon as it is there"),
    ignored("snapshot.fetch.size", "rows are streamed with COPY; memory is bounded by max.queue.size.in.bytes"),
    ignored("snapshot.lock.timeout.ms", "the snapshot of a slot needs no table locks"),
    ignored("snapshot.locking.mode", "the snapshot of a slot needs no table locks"),
    ignored("snapshot.isolation.mode", "the snapshot of a slot is repeatable read"),
    ignored("snapshot.max.threads", "one connection reads the rows"),
    ignored(
        "schema.refresh.mode",
        "tables are looked up when a change disagrees with what is known; a missing TOAST value alone is no reason",
    ),
    ignored("xmin.fetch.interval.ms", "source.xmin stays null"),
    ignored("incremental.snapshot.*", "there are no signals that could start an incremental snapshot"),
    ignored("database.sslfactory", "TLS is part of the program"),
    ignored("custom.metric.tags", "there is no JMX"),
    ignored("internal.*", "a switch inside Debezium"),
    refused("database.sslpassword", "an encrypted private key is not read: decrypt it with openssl pkey"),
    refused("snapshot.custom.class", "it names a Java class: use one of the built-in values of snapshot.mode"),
    refused("snapshot.select.statement.overrides*", "rows are always read completely: use a filter behind the source"),
    refused("signal.*", "signals are not read: remove the key; a new snapshot is made with snapshot.mode=always"),
    refused("converters", "custom converters are Java classes: use the handling modes"),
    refused("column.mask.*", MASKS),
    refused("column.truncate.*", MASKS),
    refused("column.propagate.source.type", "types of columns are not put into schema parameters: remove the key"),
    refused("datatype.propagate.source.type", "types of columns are not put into schema parameters: remove the key"),
    refused("flush.lsn.source", "the slot is always told what is durable, or its log would fill the disk"),
    refused("lsn.flush.mode", "the slot is always told what is durable, or its log would fill the disk"),
    refused("schema.whitelist", RENAMED),
    refused("schema.blacklist", RENAMED),
    refused("table.whitelist", RENAMED),
    refused("table.blacklist", RENAMED),
    refused("column.whitelist", RENAMED),
    refused("column.blacklist", RENAMED),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_declared_once() {
        let mut names: Vec<_> = CONFIG.keys.iter().map(|key| key.name).collect();
        for other in OTHER_KEYS {
            assert!(!names.iter().any(|name| other.matches(name)), "{}", other.name);
        }
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        assert!(names.contains(&"tombstones.on.delete") && names.contains(&"slot.name"));
    }
}
