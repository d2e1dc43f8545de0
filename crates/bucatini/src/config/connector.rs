//! A connector's file: which connector it is, and what becomes of each of its keys.

use super::audit::{Audit, Checker, Fate, Scope, without_code};
use super::converters;
use super::document::Document;
use super::framework::{COMMON_KEYS, COMMON_OTHERS, SINK_KEYS, SINK_OTHERS, SOURCE_KEYS, SOURCE_OTHERS};
use super::kafka::Client;
use super::pipeline::{
    ConverterConfig, DeadLetterQueue, ErrorPolicy, HeaderConverter, SinkConfig, SourceConfig, TopicCreation, Topics,
    TransformConfig,
};
use super::providers::Providers;
use super::secrets::Redactor;
use super::worker::{Worker, clients};
use super::{suggest, transforms};
use connect_data::config::OtherKey;
use connect_data::{ConfigKey, Properties, Result};
use mysql_sink::Flavour;
use std::path::Path;
use std::time::Duration;

const POSTGRES: &str = "io.debezium.connector.postgresql.PostgresConnector";
const SINKS: [(&str, Flavour); 3] = [
    ("io.aiven.connect.jdbc.JdbcSinkConnector", Flavour::Aiven),
    ("io.confluent.connect.jdbc.JdbcSinkConnector", Flavour::Confluent),
    ("io.debezium.connector.jdbc.JdbcSinkConnector", Flavour::Debezium),
];

/// What a connector's file holds.
#[derive(Debug)]
pub enum Connector {
    /// Reads a database.
    Source(Box<SourceConfig>),
    /// Writes one.
    Sink(Box<SinkConfig>),
}

impl Connector {
    /// Its chain.
    pub(super) fn transforms(&self) -> &[TransformConfig] {
        match self {
            Self::Source(source) => &source.transforms,
            Self::Sink(sink) => &sink.transforms,
        }
    }
}

/// What a connector is read with.
pub(super) struct Context<'a> {
    pub(super) providers: &'a Providers<'a>,
    pub(super) redactor: &'a Redactor,
    pub(super) worker: &'a Worker,
    /// Unknown keys are ignored.
    pub(super) lenient: bool,
    /// Without Kafka: converters and client settings are not needed.
    pub(super) direct: bool,
}

/// Reads a connector's file. Without a connector something in it is refused.
///
/// # Errors
/// Config: the file cannot be read at all.
pub(super) fn read(path: &Path, context: &Context<'_>) -> Result<(Option<Connector>, Audit)> {
    let document = Document::read(path)?;
    let mut checker = Checker::new(document, context.providers, context.redactor, context.lenient);
    let connector = match checker.value("connector.class").map(|class| class.trim().to_owned()) {
        None => {
            checker.refuse("connector.class", "it must be set");
            checker.dismiss("", &Fate::Ignored("without connector.class nobody knows this key".to_owned()));
            None
        }
        Some(class) => match classify(&class) {
            Ok(Class::Source) => Some(read_source(&mut checker, context)),
            Ok(Class::Sink(flavour)) => Some(read_sink(&mut checker, flavour, context)),
            Err(why) => {
                checker.refuse("connector.class", why);
                checker.dismiss("", &Fate::Ignored("connector.class is refused".to_owned()));
                None
            }
        },
    };
    let connector = connector.filter(|_| !checker.is_refused());
    Ok((connector, checker.finish()))
}

enum Class {
    Source,
    Sink(Flavour),
}

fn classify(class: &str) -> std::result::Result<Class, String> {
    if class == POSTGRES || matches!(class, "PostgresConnector" | "Postgres") {
        return Ok(Class::Source);
    }
    if let Some((_, flavour)) = SINKS.iter().find(|(known, _)| *known == class) {
        return Ok(Class::Sink(*flavour));
    }
    let available = || std::iter::once(POSTGRES).chain(SINKS.iter().map(|(class, _)| *class));
    let list = available().collect::<Vec<_>>().join(", ");
    if matches!(class, "JdbcSinkConnector" | "JdbcSink") {
        return Err(format!("{class} may be any of several; write the whole name: {list}"));
    }
    let near = suggest::nearest(class, available());
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    Err(format!("no JVM runs here that could load this class; available are {list}{hint}"))
}

/// What sources and sinks have in common.
struct Common {
    name: String,
    key_converter: Option<ConverterConfig>,
    value_converter: Option<ConverterConfig>,
    header_converter: HeaderConverter,
    transforms: Vec<TransformConfig>,
}

fn read_common(checker: &mut Checker, context: &Context<'_>) -> Common {
    let worker = context.worker;
    let mut converter = |side: &str, default: &Option<ConverterConfig>| {
        let name = format!("{side}.converter");
        let (set, own) = (checker.value(&name).is_some(), converters::read(checker, side));
        if !set && default.is_none() && !context.direct {
            checker.refuse(&name, "it must be set, here or in the worker's file (--worker FILE)");
        }
        if set { own } else { default.clone() }
    };
    let key_converter = converter("key", &worker.key_converter);
    let value_converter = converter("value", &worker.value_converter);
    let header_converter = match checker.value("header.converter") {
        Some(_) => converters::read_header(checker),
        None => worker.header_converter,
    };
    Common {
        name: checker.name(),
        key_converter,
        value_converter,
        header_converter,
        transforms: transforms::read(checker),
    }
}

fn scope(own: &'static [ConfigKey], framework: &'static [ConfigKey], others: [&'static [OtherKey]; 2]) -> Scope {
    Scope {
        keys: vec![COMMON_KEYS, framework, own],
        others: std::iter::once(COMMON_OTHERS).chain(others).collect(),
        ..Scope::default()
    }
}

/// Of the keys that were honoured, those that are a connector's own.
fn own(honoured: &Properties, keys: &[ConfigKey]) -> Properties {
    honoured.iter().filter(|(name, _)| keys.iter().any(|key| key.name == *name)).collect()
}

fn read_source(checker: &mut Checker, context: &Context<'_>) -> Connector {
    let common = read_common(checker, context);
    exactly_once(checker);
    let mut producer = merged(&[&context.worker.common, &context.worker.producer]);
    extend(&mut producer, &clients(checker, "producer.override.", Client::Producer));
    clients(checker, "admin.override.", Client::Common);
    let scope = Scope {
        families: &["topic.creation.default."],
        ..scope(postgres_source::CONFIG.keys, SOURCE_KEYS, [SOURCE_OTHERS, postgres_source::OTHER_KEYS])
    };
    let honoured = checker.judge("", &scope);
    several_tasks(checker, &honoured);
    let connector = own(&honoured, postgres_source::CONFIG.keys);
    if let Err(error) = postgres_source::Settings::parse(&connector) {
        checker.refuse_by("", &error, "connector.class");
    }
    Connector::Source(Box::new(SourceConfig {
        name: common.name,
        connector,
        key_converter: common.key_converter,
        value_converter: common.value_converter,
        header_converter: common.header_converter,
        transforms: common.transforms,
        errors: errors(&honoured),
        topic_creation: if context.worker.no_topic_creation { None } else { topic_creation(checker, &honoured) },
        producer,
    }))
}

fn exactly_once(checker: &mut Checker) {
    let fate = match checker.value("exactly.once.support").map(str::trim) {
        None => return,
        Some(text) if text.eq_ignore_ascii_case("requested") => {
            Fate::Ignored("sources write at least once; equal keys make that harmless for upserts".to_owned())
        }
        Some(_) => Fate::Refused("sources write at least once; expected requested, which is the default".to_owned()),
    };
    checker.overrule("exactly.once.support", fate);
}

fn several_tasks(checker: &mut Checker, honoured: &Properties) {
    if honoured.get("tasks.max").is_some_and(|tasks| tasks.trim() != "1") {
        checker.overrule("tasks.max", Fate::Ignored("one task reads a replication slot, in Debezium too".to_owned()));
    }
}

fn topic_creation(checker: &mut Checker, honoured: &Properties) -> Option<TopicCreation> {
    let prefix = "topic.creation.default.";
    let set: Vec<_> = honoured.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?, value))).collect();
    if set.is_empty() {
        return None;
    }
    let mut number = |name: &str| match set.iter().find(|(key, _)| *key == name) {
        Some((_, value)) => match value.trim().parse::<i32>() {
            Ok(number) if number != 0 => number,
            _ => {
                checker.refuse(&format!("{prefix}{name}"), "expected -1 or a number of at least 1");
                -1
            }
        },
        None => {
            checker.refuse(&format!("{prefix}{name}"), "it must be set beside other keys of topic.creation.default");
            -1
        }
    };
    let (replication_factor, partitions) = (number("replication.factor"), number("partitions"));
    let configs = set.iter().filter(|(key, _)| !matches!(*key, "replication.factor" | "partitions"));
    let configs = configs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Some(TopicCreation { replication_factor, partitions, configs })
}

fn read_sink(checker: &mut Checker, flavour: Flavour, context: &Context<'_>) -> Connector {
    let common = read_common(checker, context);
    let mut consumer = merged(&[&context.worker.common, &context.worker.consumer]);
    consumer.set("group.id", format!("connect-{}", common.name));
    extend(&mut consumer, &clients(checker, "consumer.override.", Client::Consumer));
    clients(checker, "admin.override.", Client::Common);
    let own_keys = mysql_sink::config(flavour).keys;
    let honoured = checker.judge("", &scope(own_keys, SINK_KEYS, [SINK_OTHERS, mysql_sink::other_keys(flavour)]));
    let connector = own(&honoured, own_keys);
    if let Err(error) = mysql_sink::Settings::parse(flavour, &connector) {
        checker.refuse_by("", &error, "connector.class");
    }
    let topics = topics(checker, &honoured);
    let errors = sink_errors(checker, &honoured);
    Connector::Sink(Box::new(SinkConfig {
        name: common.name,
        flavour,
        connector,
        topics,
        tasks_max: honoured.get("tasks.max").and_then(|tasks| tasks.trim().parse().ok()).unwrap_or(1),
        key_converter: common.key_converter,
        value_converter: common.value_converter,
        header_converter: common.header_converter,
        transforms: common.transforms,
        errors,
        consumer,
    }))
}

fn topics(checker: &mut Checker, honoured: &Properties) -> Topics {
    let names = honoured.get("topics").unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: Vec<_> = names.map(str::to_owned).collect();
    let pattern = honoured.get("topics.regex").filter(|pattern| !pattern.trim().is_empty());
    match (names.is_empty(), pattern) {
        (false, None) => return Topics::Names(names),
        (false, Some(_)) => checker.refuse("topics.regex", "topics is set too; keep one of them"),
        (true, None) => checker.refuse("topics", "topics or topics.regex must be set"),
        (true, Some(pattern)) => match crate::transforms::pattern::whole(pattern, "topics.regex") {
            Ok(pattern) => return Topics::Pattern(pattern),
            Err(error) => checker.refuse("topics.regex", without_code(&error)),
        },
    }
    Topics::Names(Vec::new())
}

fn errors(honoured: &Properties) -> ErrorPolicy {
    let is_true = |key: &str| honoured.get(key).is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
    let number =
        |key: &str, default: i64| honoured.get(key).and_then(|text| text.trim().parse().ok()).unwrap_or(default);
    ErrorPolicy {
        tolerate: honoured.get("errors.tolerance").is_some_and(|text| text.trim().eq_ignore_ascii_case("all")),
        retry_timeout: u64::try_from(number("errors.retry.timeout", 0)).ok().map(Duration::from_millis),
        retry_delay_max: Duration::from_millis(number("errors.retry.delay.max.ms", 60_000).unsigned_abs()),
        log: is_true("errors.log.enable"),
        log_messages: is_true("errors.log.include.messages"),
        dead_letter_queue: None,
    }
}

fn sink_errors(checker: &mut Checker, honoured: &Properties) -> ErrorPolicy {
    let mut policy = errors(honoured);
    let prefix = "errors.deadletterqueue.";
    let topic = honoured.get("errors.deadletterqueue.topic.name").map(str::trim).filter(|topic| !topic.is_empty());
    let Some(topic) = topic else { return policy };
    if !policy.tolerate {
        let why =
            "with errors.tolerance=none the first bad record ends the run; set errors.tolerance=all to use the queue";
        checker.refuse("errors.deadletterqueue.topic.name", why);
        return policy;
    }
    let text = |key: &str| honoured.get(&format!("{prefix}{key}")).map(str::trim);
    policy.dead_letter_queue = Some(DeadLetterQueue {
        topic: topic.to_owned(),
        replication_factor: text("topic.replication.factor").and_then(|text| text.parse().ok()).unwrap_or(3),
        context_headers: text("context.headers.enable").is_some_and(|text| text.eq_ignore_ascii_case("true")),
    });
    policy
}

/// The properties, later ones winning.
pub(super) fn merged(all: &[&Properties]) -> Properties {
    let mut merged = Properties::default();
    for properties in all {
        extend(&mut merged, properties);
    }
    merged
}

fn extend(properties: &mut Properties, more: &Properties) {
    for (key, value) in more.iter() {
        properties.set(key, value);
    }
}
