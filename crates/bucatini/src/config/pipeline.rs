//! What the files, the worker's settings and the command line come to: the one thing that the engine is given.

use super::kafka::KafkaClientSettings;
use connect_data::Properties;
use regex::Regex;
use std::path::PathBuf;
use std::time::Duration;

/// A whole run: at most one source, any number of sinks, one Kafka.
///
/// Nothing in it shows a secret in its `Debug` form: [`Properties`] shows names only.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The source connector, if one of the files is one.
    pub source: Option<SourceConfig>,
    /// The sink connectors, in the order of their files.
    pub sinks: Vec<SinkConfig>,
    /// How to reach Kafka; `None` in a direct run.
    pub kafka: Option<KafkaClientSettings>,
    /// What the command line decides.
    pub options: RunOptions,
}

/// What the command line and the worker's file decide about a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// From the source to the sinks without Kafka and registry.
    pub direct: bool,
    /// Where source offsets are kept (`--offsets`, `offset.storage.file.filename`).
    pub offsets: Option<PathBuf>,
    /// Which form of the shipped plug-ins runs, whatever their own `engine` setting says.
    pub engine: Option<Engine>,
    /// Where the shipped components and those of `wasm:NAME` are.
    pub components: Option<PathBuf>,
    /// When the run ends by itself.
    pub until: Until,
}

/// When a run ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// Only when it is stopped.
    #[default]
    Stopped,
    /// When the snapshot has reached the sinks.
    Snapshot,
    /// When everything up to the server's position at the start has reached the sinks.
    CaughtUp,
    /// When everything up to this position in the WAL has reached the sinks.
    Lsn(u64),
    /// When nothing has moved for this long.
    Idle(Duration),
}

/// Which form of a shipped plug-in runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The core in this process.
    #[default]
    Native,
    /// The same core as a component, in a sandbox.
    Wasm,
}

/// `io.debezium.connector.postgresql.PostgresConnector`.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// `name`.
    pub name: String,
    /// The connector's own keys, for `postgres_source`.
    pub connector: Properties,
    /// `key.converter`; `None` only in a direct run.
    pub key_converter: Option<ConverterConfig>,
    /// `value.converter`; `None` only in a direct run.
    pub value_converter: Option<ConverterConfig>,
    /// `header.converter`.
    pub header_converter: HeaderConverter,
    /// `transforms`, in order.
    pub transforms: Vec<TransformConfig>,
    /// `errors.*`.
    pub errors: ErrorPolicy,
    /// `topic.creation.default.*`; `None` leaves it to the broker.
    pub topic_creation: Option<TopicCreation>,
    /// librdkafka properties of the producer: the worker's `producer.*` and the connector's `producer.override.*`.
    pub producer: Properties,
}

/// A JDBC sink connector for MySQL.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// `name`; the consumer group is `connect-<name>` unless `consumer.override.group.id` says otherwise.
    pub name: String,
    /// Whose connector it is.
    pub flavour: mysql_sink::Flavour,
    /// The connector's own keys, for `mysql_sink`.
    pub connector: Properties,
    /// `topics` or `topics.regex`.
    pub topics: Topics,
    /// `tasks.max`.
    pub tasks_max: u32,
    /// `key.converter`; `None` only in a direct run.
    pub key_converter: Option<ConverterConfig>,
    /// `value.converter`; `None` only in a direct run.
    pub value_converter: Option<ConverterConfig>,
    /// `header.converter`.
    pub header_converter: HeaderConverter,
    /// `transforms`, in order.
    pub transforms: Vec<TransformConfig>,
    /// `errors.*`.
    pub errors: ErrorPolicy,
    /// librdkafka properties of the consumer, group included: the worker's `consumer.*` and the connector's
    /// `consumer.override.*`.
    pub consumer: Properties,
}

/// `topics` or `topics.regex`.
#[derive(Clone, Debug)]
pub enum Topics {
    /// These, in order.
    Names(Vec<String>),
    /// All whose whole name matches.
    Pattern(Regex),
}

impl Topics {
    /// Whether a topic is one of them.
    pub fn contains(&self, topic: &str) -> bool {
        match self {
            Self::Names(names) => names.iter().any(|name| name == topic),
            Self::Pattern(pattern) => pattern.is_match(topic),
        }
    }
}

/// `key.converter` or `value.converter` with the keys below it, prefix removed.
#[derive(Clone, Debug)]
pub struct ConverterConfig {
    /// Which converter.
    pub class: ConverterClass,
    /// Its settings.
    pub properties: Properties,
}

/// The converters that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConverterClass {
    /// Avro in Confluent's wire format, in this form unless [`RunOptions::engine`] says otherwise.
    Avro(Engine),
    /// `org.apache.kafka.connect.json.JsonConverter`.
    Json,
    /// `org.apache.kafka.connect.storage.StringConverter`.
    String,
    /// `org.apache.kafka.connect.converters.ByteArrayConverter`.
    ByteArray,
    /// A component of the author's own.
    Component(ComponentSource),
}

/// The header converters that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderConverter {
    /// `org.apache.kafka.connect.storage.SimpleHeaderConverter`.
    #[default]
    Simple,
    /// `org.apache.kafka.connect.storage.StringConverter`.
    String,
    /// `org.apache.kafka.connect.converters.ByteArrayConverter`.
    ByteArray,
}

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentSource {
    /// What stands after `wasm:`: a file, or the name of one in the components folder.
    pub path: PathBuf,
    /// `component.sha256`: the only digest that is accepted.
    pub sha256: Option<String>,
}

/// One of `transforms`.
#[derive(Clone, Debug)]
pub struct TransformConfig {
    /// Its alias.
    pub alias: String,
    /// `type` as the user wrote it: what error headers and messages name.
    pub class: String,
    /// What runs.
    pub kind: TransformKind,
    /// Its settings, prefix removed, without `type`, `predicate` and `negate`.
    pub properties: Properties,
    /// `predicate` and `negate`.
    pub predicate: Option<PredicateConfig>,
}

/// What a transformation's `type` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransformKind {
    /// Debezium's `ExtractNewRecordState`, in this form unless [`RunOptions::engine`] says otherwise.
    ExtractNewRecordState(Engine),
    /// One of Kafka's own: the simple class name, and whether the key (`$Key`) or the value is meant.
    Kafka(&'static str, Option<crate::transforms::Side>),
    /// A component of the author's own.
    Component(ComponentSource),
}

/// A predicate of a transformation.
#[derive(Clone, Debug)]
pub struct PredicateConfig {
    /// Its alias.
    pub alias: String,
    /// `type` as the user wrote it.
    pub class: String,
    /// What runs.
    pub kind: PredicateKind,
    /// Its settings, prefix removed, without `type`.
    pub properties: Properties,
    /// The transformation applies where the predicate is false.
    pub negate: bool,
}

/// What a predicate's `type` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PredicateKind {
    /// `TopicNameMatches`.
    TopicNameMatches,
    /// `RecordIsTombstone`.
    RecordIsTombstone,
    /// `HasHeaderKey`.
    HasHeaderKey,
    /// A component of the author's own.
    Component(ComponentSource),
}

/// `errors.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPolicy {
    /// `errors.tolerance=all`: a bad record is left out instead of ending the run.
    pub tolerate: bool,
    /// `errors.retry.timeout`; `None` for -1, which never gives up.
    pub retry_timeout: Option<Duration>,
    /// `errors.retry.delay.max.ms`.
    pub retry_delay_max: Duration,
    /// `errors.log.enable`.
    pub log: bool,
    /// `errors.log.include.messages`.
    pub log_messages: bool,
    /// `errors.deadletterqueue.*`, for sinks.
    pub dead_letter_queue: Option<DeadLetterQueue>,
}

/// `errors.deadletterqueue.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterQueue {
    /// `errors.deadletterqueue.topic.name`.
    pub topic: String,
    /// `errors.deadletterqueue.topic.replication.factor`.
    pub replication_factor: i32,
    /// `errors.deadletterqueue.context.headers.enable`.
    pub context_headers: bool,
}

/// `topic.creation.default.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicCreation {
    /// -1: the broker's.
    pub replication_factor: i32,
    /// -1: the broker's.
    pub partitions: i32,
    /// Any other key: a topic configuration.
    pub configs: Vec<(String, String)>,
}
