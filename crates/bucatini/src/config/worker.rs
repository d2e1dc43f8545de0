//! What is not in a connector's file: the worker's properties (`connect-standalone.properties`,
//! `connect-distributed.properties`) and what the command line says in their place.
//!
//! Unlike Connect, which takes a producer's or consumer's security settings from `producer.` and `consumer.` alone, the
//! settings without a prefix hold for all clients here, and those with a prefix win.

use super::audit::{Audit, Checker, Fate, Rest, Scope};
use super::converters;
use super::document::Document;
use super::framework::{ignored, refused};
use super::kafka::{self, Client};
use super::pipeline::{ConverterConfig, HeaderConverter};
use super::providers::{Provider, ProviderKind, Providers};
use super::secrets::Redactor;
use connect_data::config::{ConfigType, DefaultValue, Importance, OtherKey};
use connect_data::{ConfigKey, Error, Properties, Result};
use std::path::{Path, PathBuf};

/// The worker's settings.
#[derive(Debug, Default)]
pub(super) struct Worker {
    /// librdkafka properties of every client.
    pub(super) common: Properties,
    /// librdkafka properties of producers, beyond [`Self::common`].
    pub(super) producer: Properties,
    /// librdkafka properties of consumers, beyond [`Self::common`].
    pub(super) consumer: Properties,
    /// `key.converter`, for connectors that have none.
    pub(super) key_converter: Option<ConverterConfig>,
    /// `value.converter`, for connectors that have none.
    pub(super) value_converter: Option<ConverterConfig>,
    /// `header.converter`, for connectors that have none.
    pub(super) header_converter: HeaderConverter,
    /// `offset.storage.file.filename`.
    pub(super) offsets: Option<PathBuf>,
    /// `topic.creation.enable`; without it, topics are created as the connector says.
    pub(super) no_topic_creation: bool,
}

const fn key(name: &'static str, kind: ConfigType, default: DefaultValue, doc: &'static str) -> ConfigKey {
    ConfigKey::new(name, kind, default, Importance::Medium, "Worker", name, doc)
}

const KEYS: &[ConfigKey] = &[
    key(
        "key.converter",
        ConfigType::Class,
        DefaultValue::Null,
        "Converter of record keys, for connectors without one.",
    ),
    key(
        "value.converter",
        ConfigType::Class,
        DefaultValue::Null,
        "Converter of record values, for connectors without one.",
    ),
    key("header.converter", ConfigType::Class, DefaultValue::Null, "Converter of headers, for connectors without one."),
    key(
        "offset.storage.file.filename",
        ConfigType::String,
        DefaultValue::Null,
        "File that source offsets are kept in.",
    ),
    key("topic.creation.enable", ConfigType::Boolean, DefaultValue::Text("true"), "Whether sources create topics."),
    key("config.providers", ConfigType::List, DefaultValue::Text(""), "Names of config providers."),
];

const CLUSTER: &str = "it is about workers that share connectors; this program is one";
const REST: &str = "there is no REST interface here";
const STORES: &str = "offsets are kept in a file here; --offsets FILE";

const OTHERS: &[OtherKey] = &[
    ignored("plugin.path", "no Java plug-ins are loaded here"),
    ignored("plugin.discovery", "no Java plug-ins are loaded here"),
    ignored("group.id", CLUSTER),
    ignored("group.protocol", CLUSTER),
    ignored("offset.storage.topic", STORES),
    ignored("offset.storage.partitions", STORES),
    ignored("offset.storage.replication.factor", STORES),
    ignored("offset.flush.interval.ms", "offsets are stored as soon as Kafka has acknowledged the records"),
    ignored("offset.flush.timeout.ms", "offsets are stored as soon as Kafka has acknowledged the records"),
    ignored("config.storage.*", CLUSTER),
    ignored("status.storage.*", CLUSTER),
    ignored("connect.protocol", CLUSTER),
    ignored("inter.worker.*", CLUSTER),
    ignored("worker.sync.timeout.ms", CLUSTER),
    ignored("worker.unsync.backoff.ms", CLUSTER),
    ignored("scheduled.rebalance.max.delay.ms", CLUSTER),
    ignored("session.timeout.ms", CLUSTER),
    ignored("heartbeat.interval.ms", CLUSTER),
    ignored("rebalance.timeout.ms", CLUSTER),
    ignored("exactly.once.source.support", "sources write at least once here"),
    ignored("rest.*", REST),
    ignored("listeners", REST),
    ignored("listeners.*", REST),
    ignored("admin.listeners*", REST),
    ignored("access.control.*", REST),
    ignored("response.http.headers.config", REST),
    ignored("internal.key.converter*", "Kafka ignores it too"),
    ignored("internal.value.converter*", "Kafka ignores it too"),
    ignored("connector.client.config.override.policy", "whoever runs this program may override what he likes"),
    ignored("task.shutdown.graceful.timeout.ms", "a second Ctrl-C ends the run at once"),
    ignored("metrics.context.*", "there are no JMX metrics here"),
    ignored("topic.tracking.*", REST),
    ignored("admin.*", "the clients' common settings hold for administration too"),
    refused("connector.class", "this is a connector's key; give the file as SOURCE or SINK"),
];

/// Reads a worker's file. `providers` learns its `config.providers`.
pub(super) fn read(
    path: &Path,
    providers: &mut Providers<'_>,
    redactor: &Redactor,
    lenient: bool,
) -> Result<(Worker, Audit)> {
    let document = Document::read_properties(path)?;
    configure_providers(&document, providers)?;
    let mut checker = Checker::new(document, providers, redactor, lenient);
    let key_converter = converters::read(&mut checker, "key");
    let value_converter = converters::read(&mut checker, "value");
    let header_converter = converters::read_header(&mut checker);
    for name in checker.keys_below("config.providers.") {
        let known = name.ends_with(".class") || name.ends_with(".param.allowed.paths");
        let unknown = || Fate::Ignored("only the class and param.allowed.paths of a provider matter here".to_owned());
        checker.overrule(&name, if known { Fate::Honoured } else { unknown() });
    }
    let producer = clients(&mut checker, "producer.", Client::Producer);
    let consumer = clients(&mut checker, "consumer.", Client::Consumer);
    let own =
        checker.judge("", &Scope { keys: vec![KEYS], others: vec![OTHERS], rest: Rest::Left, ..Scope::default() });
    let common = clients(&mut checker, "", Client::Common);
    let worker = Worker {
        common,
        producer,
        consumer,
        key_converter,
        value_converter,
        header_converter,
        offsets: own.get("offset.storage.file.filename").map(PathBuf::from),
        no_topic_creation: own
            .get("topic.creation.enable")
            .is_some_and(|text| text.trim().eq_ignore_ascii_case("false")),
    };
    Ok((worker, checker.finish()))
}

/// The client settings below a prefix, translated.
pub(super) fn clients(checker: &mut Checker, prefix: &str, client: Client) -> Properties {
    let java = checker.unjudged_below(prefix);
    let translation = kafka::translate(client, &java);
    for (key, fate) in translation.fates {
        checker.overrule(&format!("{prefix}{key}"), fate);
    }
    translation.properties
}

fn configure_providers(document: &Document, providers: &mut Providers<'_>) -> Result<()> {
    let value = |key: &str| document.entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.trim());
    for name in value("config.providers").unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty())
    {
        let key = format!("config.providers.{name}.class");
        let class = value(&key).unwrap_or_default();
        let Some(kind) = ProviderKind::from_class(class) else {
            let message = format!(
                "{}: setting {key}: expected EnvVarConfigProvider, FileConfigProvider or DirectoryConfigProvider of \
                 org.apache.kafka.common.config.provider, found another class",
                document.path.display()
            );
            return Err(Error::config("config.provider", message));
        };
        let paths = value(&format!("config.providers.{name}.param.allowed.paths")).unwrap_or_default();
        let paths = paths.split(',').map(str::trim).filter(|path| !path.is_empty()).map(PathBuf::from);
        let real = paths.map(|path| path.canonicalize().unwrap_or(path)).collect();
        providers.set(name, Provider { kind, allowed_paths: real });
    }
    Ok(())
}
