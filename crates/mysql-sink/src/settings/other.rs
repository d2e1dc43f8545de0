//! Keys of the Java connectors that are not honoured: what becomes of each, and why.

use connect_data::config::OtherKey;
use connect_data::config::Treatment::{Ignored, Refused};

const fn ignored(name: &'static str, why: &'static str) -> OtherKey {
    OtherKey { name, treatment: Ignored(why) }
}

const fn refused(name: &'static str, why: &'static str) -> OtherKey {
    OtherKey { name, treatment: Refused(why) }
}

const STATEMENTS: OtherKey =
    ignored("jdbc.credentials.provider.*", "credentials come from connection.user and connection.password");
const PROVIDER: OtherKey = refused(
    "jdbc.credentials.provider.class.name",
    "it names a Java class; give connection.user and connection.password",
);

pub(super) const AIVEN: &[OtherKey] = &[
    PROVIDER,
    STATEMENTS,
    ignored("mssql.*", "it is about SQL Server"),
    ignored("table.types", "tables and views are both looked for"),
];

pub(super) const CONFLUENT: &[OtherKey] = &[
    PROVIDER,
    STATEMENTS,
    ignored("mssql.*", "it is about SQL Server"),
    ignored("table.types", "tables and views are both looked for"),
    ignored("trim.sensitive.log", "row values are never logged"),
    ignored("max.connection.lifetime.ms", "a connection lives until it fails"),
    refused("date.timezone", "dates are written as they are, in no zone; remove it"),
    refused(
        "timestamp.precision.mode",
        "integers are not taken for timestamps; use a transformation that gives the field a logical type",
    ),
    refused(
        "timestamp.fields.list",
        "integers are not taken for timestamps; use a transformation that gives the field a logical type",
    ),
    refused("date.calendar.system", "dates are proleptic Gregorian; remove it"),
    refused(
        "string.output.value.column.name",
        "values must be structs with a schema; use the HoistField transformation",
    ),
];

pub(super) const DEBEZIUM: &[OtherKey] = &[
    refused("connection.provider", "it names a Java class; remove it"),
    refused("collection.naming.strategy", "it names a Java class; use collection.name.format"),
    refused("table.naming.strategy", "it names a Java class; use collection.name.format"),
    refused("column.naming.strategy", "it names a Java class; rename fields with a transformation"),
    refused("column.naming.*", "fields are not renamed; use the ReplaceField transformation"),
    refused("collection.naming.*", "names follow collection.name.format only"),
    refused("cloudevents.*", "CloudEvents are not read; use the records themselves"),
    ignored("connection.pool.*", "a task has one connection"),
    ignored("use.reduction.buffer", "a batch is always reduced to the last state of each key"),
    ignored("hibernate.*", "there is no Hibernate here"),
    ignored("dialect.*", "it is about PostgreSQL or SQL Server"),
    ignored("database.time_zone", "use.time.zone is its name now"),
    ignored("flush.failure.*", "retries follow flush.max.retries"),
];
