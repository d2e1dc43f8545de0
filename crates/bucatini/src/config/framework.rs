//! Keys that Kafka Connect itself reads from a connector's configuration: `ConnectorConfig`, `SourceConnectorConfig` and
//! `SinkConnectorConfig` of Kafka 4.1.

use connect_data::ConfigKey;
use connect_data::config::{ConfigType, DefaultValue, Importance, OtherKey, Treatment, Validator};

const COMMON: &str = "Common";
const TRANSFORMS: &str = "Transforms";
const ERRORS: &str = "Error Handling";
const DEAD_LETTERS: &str = "Dead-letter queue";
const TOPICS: &str = "Topic Creation";

const fn key(
    name: &'static str,
    kind: ConfigType,
    default: DefaultValue,
    group: &'static str,
    display: &'static str,
    doc: &'static str,
) -> ConfigKey {
    ConfigKey { name, kind, default, validator: Validator::Any, importance: Importance::Medium, doc, group, display }
}

const fn least(key: ConfigKey, least: i64) -> ConfigKey {
    ConfigKey { validator: Validator::AtLeast(least), ..key }
}

const fn one_of(key: ConfigKey, values: &'static [&'static str]) -> ConfigKey {
    ConfigKey { validator: Validator::OneOfIgnoringCase(values), ..key }
}

use ConfigType::{Boolean, Class, Int, List, Long, String};
use DefaultValue::{Null, Required, Text};

/// Of every connector.
#[rustfmt::skip]
pub(super) const COMMON_KEYS: &[ConfigKey] = &[
    ConfigKey { validator: Validator::NonEmpty,
        ..key("name", String, Null, COMMON, "Connector name", "Name of the connector: of its offsets and of its consumer group. Without it, the file's name without its extension.") },
    key("connector.class", Class, Required, COMMON, "Connector class", "Class of the connector."),
    least(key("tasks.max", Int, Text("1"), COMMON, "Tasks max", "Most tasks of the connector."), 1),
    key("key.converter", Class, Null, COMMON, "Key converter class", "Converter of record keys; the worker's, if it has one, is the default."),
    key("value.converter", Class, Null, COMMON, "Value converter class", "Converter of record values; the worker's, if it has one, is the default."),
    key("header.converter", Class, Text("org.apache.kafka.connect.storage.SimpleHeaderConverter"), COMMON, "Header converter class", "Converter of record headers."),
    key("transforms", List, Text(""), TRANSFORMS, "Transforms", "Aliases of the transformations, in the order in which they are applied."),
    key("predicates", List, Text(""), TRANSFORMS, "Predicates", "Aliases of the predicates that transformations refer to."),
    least(key("errors.retry.timeout", Long, Text("0"), ERRORS, "Retry timeout for errors", "Milliseconds for which a failed operation is repeated; -1: without end."), -1),
    least(key("errors.retry.delay.max.ms", Long, Text("60000"), ERRORS, "Longest delay between retries", "Most milliseconds between two attempts."), 1),
    one_of(key("errors.tolerance", String, Text("none"), ERRORS, "Error tolerance", "none: the first bad record ends the connector. all: bad records are left out."), &["none", "all"]),
    key("errors.log.enable", Boolean, Text("false"), ERRORS, "Log errors", "Whether every failed operation is logged."),
    key("errors.log.include.messages", Boolean, Text("false"), ERRORS, "Log error details", "Whether such a message names the record: topic, partition, offset and timestamp."),
];

/// Of sources.
#[rustfmt::skip]
pub(super) const SOURCE_KEYS: &[ConfigKey] = &[
    least(key("topic.creation.default.replication.factor", Int, Null, TOPICS, "Replication factor", "Replication factor of topics that the connector creates; -1: the broker's."), -1),
    least(key("topic.creation.default.partitions", Int, Null, TOPICS, "Partitions", "Partitions of topics that the connector creates; -1: the broker's."), -1),
];

/// Of sinks.
#[rustfmt::skip]
pub(super) const SINK_KEYS: &[ConfigKey] = &[
    key("topics", List, Null, COMMON, "Topics", "Topics to read, separated by commas."),
    key("topics.regex", String, Null, COMMON, "Topics regex", "Pattern that the whole name of a topic to read matches; instead of topics."),
    key("errors.deadletterqueue.topic.name", String, Text(""), DEAD_LETTERS, "Dead-letter queue topic", "Topic that bad records go to; empty: none."),
    key("errors.deadletterqueue.topic.replication.factor", Int, Text("3"), DEAD_LETTERS, "Dead-letter queue replication factor", "Replication factor with which it is created if there is none."),
    key("errors.deadletterqueue.context.headers.enable", Boolean, Text("false"), DEAD_LETTERS, "Headers with the error", "Whether records there carry headers that say where they come from and what is wrong."),
];

pub(super) const fn ignored(name: &'static str, why: &'static str) -> OtherKey {
    OtherKey { name, treatment: Treatment::Ignored(why) }
}

pub(super) const fn refused(name: &'static str, why: &'static str) -> OtherKey {
    OtherKey { name, treatment: Treatment::Refused(why) }
}

const VERSIONS: &str = "there is one version of each plug-in here, which is part of the program";

/// Of every connector, and not honoured.
pub(super) const COMMON_OTHERS: &[OtherKey] = &[
    ignored("config.action.reload", "values of config providers are read once, at the start"),
    ignored("tasks.max.enforce", "there are never more tasks than tasks.max"),
    ignored("initial_state", "the connector runs as long as the program does"),
    ignored("connector.plugin.version", VERSIONS),
    ignored("key.converter.plugin.version", VERSIONS),
    ignored("value.converter.plugin.version", VERSIONS),
    ignored("header.converter.plugin.version", VERSIONS),
];

/// Of sources, and not honoured.
pub(super) const SOURCE_OTHERS: &[OtherKey] = &[
    ignored("transaction.boundary", "it matters with exactly-once support only"),
    ignored("transaction.boundary.interval.ms", "it matters with exactly-once support only"),
    refused("offsets.storage.topic", "offsets are kept in a file; use --offsets FILE"),
    ignored("errors.deadletterqueue.*", "only sinks have a dead-letter queue"),
    refused("topic.creation.groups", "only the default group is available; use topic.creation.default.*"),
    ignored("consumer.override.*", "a source has no consumer"),
    refused("topics", "a source names its topics after its tables; topics is for sinks"),
];

/// Of sinks, and not honoured.
pub(super) const SINK_OTHERS: &[OtherKey] = &[
    ignored("producer.override.*", "a dead-letter queue's producer has the clients' common settings"),
    ignored("topic.creation.*", "a sink creates no topics"),
];

/// Below `transforms.<alias>.` and `predicates.<alias>.`.
pub(super) const PLUGIN_OTHERS: &[OtherKey] = &[ignored("plugin.version", VERSIONS)];

/// Below `transforms.<alias>.`, beside the transformation's own.
#[rustfmt::skip]
pub(super) const TRANSFORM_KEYS: &[ConfigKey] = &[
    key("type", Class, Required, TRANSFORMS, "Transformation type", "Class of the transformation, or wasm:FILE for a component."),
    key("predicate", String, Null, TRANSFORMS, "Predicate", "Alias of the predicate under which the transformation applies."),
    key("negate", Boolean, Text("false"), TRANSFORMS, "Negate", "Whether it applies where the predicate is false instead."),
];

/// Below `predicates.<alias>.`, beside the predicate's own.
#[rustfmt::skip]
pub(super) const PREDICATE_KEYS: &[ConfigKey] = &[
    key("type", Class, Required, TRANSFORMS, "Predicate type", "Class of the predicate, or wasm:FILE for a component."),
];

/// Below the prefix of anything that is `wasm:FILE`.
#[rustfmt::skip]
pub(super) const COMPONENT_KEYS: &[ConfigKey] = &[
    key("component.sha256", String, Null, TRANSFORMS, "Digest", "SHA-256 of the component; any other is refused."),
];
