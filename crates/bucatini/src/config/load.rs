//! From files and command line to a pipeline.

use super::audit::{Audit, Fate};
use super::connector::{self, Connector, Context, merged};
use super::kafka::{self, KafkaClientSettings};
use super::pipeline::{Pipeline, RunOptions, TransformConfig, TransformKind};
use super::providers::{Environment, Providers};
use super::secrets::Redactor;
use super::worker::{self, Worker};
use connect_data::{Error, Properties, Result};
use extract_new_record_state::config::UNDECIDED;
use std::path::PathBuf;

/// What is to be read.
pub struct Request<'a> {
    /// Connectors' files.
    pub files: &'a [PathBuf],
    /// The worker's file.
    pub worker: Option<PathBuf>,
    /// Brokers; they win over those of the worker's file.
    pub bootstrap_servers: Option<String>,
    /// librdkafka properties of all clients, which win over everything.
    pub kafka_properties: &'a [(String, String)],
    /// Unknown keys are ignored.
    pub lenient: bool,
    /// What else the command line decides.
    pub options: RunOptions,
    /// Environment variables.
    pub environment: &'a Environment,
    /// Learns the secrets.
    pub redactor: &'a Redactor,
}

/// What was read.
#[derive(Debug)]
pub struct Loaded {
    /// The worker's file first, then the connectors'.
    pub audits: Vec<Audit>,
    /// The connectors in which nothing is refused.
    pub connectors: Vec<Connector>,
    worker: Worker,
    options: RunOptions,
    override_properties: Properties,
}

/// Reads all files.
///
/// # Errors
/// Config: a file cannot be read, or `kafka_properties` are wrong.
pub fn load(request: &Request<'_>) -> Result<Loaded> {
    let mut providers = Providers::new(request.environment);
    let mut audits = Vec::new();
    let mut read = Worker::default();
    if let Some(path) = &request.worker {
        let (worker, audit) = worker::read(path, &mut providers, request.redactor, request.lenient)?;
        read = worker;
        audits.push(audit);
    }
    let mut override_properties = Properties::default();
    if let Some(servers) = &request.bootstrap_servers {
        override_properties.set("bootstrap.servers", servers.trim());
    }
    for (name, value) in request.kafka_properties {
        request.redactor.learn(name, value);
        override_properties.set(name.as_str(), value.as_str());
    }
    kafka::check(&override_properties).map_err(|error| error.hint("see --kafka-property and -b"))?;
    let mut connectors = Vec::new();
    for path in request.files {
        let context = Context {
            providers: &providers,
            redactor: request.redactor,
            worker: &read,
            lenient: request.lenient,
            direct: request.options.direct,
        };
        let (connector, audit) = connector::read(path, &context)?;
        connectors.extend(connector);
        audits.push(audit);
    }
    Ok(Loaded { audits, connectors, worker: read, options: request.options.clone(), override_properties })
}

impl Loaded {
    /// The pipeline, if nothing is refused.
    ///
    /// # Errors
    /// Config: all refusals at once; two sources, two connectors of one name, no connector, no brokers.
    pub fn pipeline(mut self) -> Result<Pipeline> {
        let refusals: Vec<_> = self.audits.iter().filter_map(Audit::error).collect();
        if let Some(first) = refusals.first() {
            let all: Vec<_> = refusals.iter().map(Error::message).collect();
            let error = Error::config("config.refused", all.join("\n"));
            return Err(error.hint(first.hint_text().unwrap_or_default()));
        }
        if self.options.offsets.is_none() {
            self.options.offsets = self.worker.offsets.take();
        }
        let (mut source, mut sinks) = (None, Vec::new());
        for connector in self.connectors {
            match connector {
                Connector::Source(_) if source.is_some() => {
                    return Err(Error::config("config.files", "expected at most one source connector, found two")
                        .hint("start one program for each"));
                }
                Connector::Source(found) => source = Some(*found),
                Connector::Sink(found) => sinks.push(*found),
            }
        }
        let mut names: Vec<_> = sinks.iter().map(|sink| sink.name.as_str()).collect();
        names.extend(source.as_ref().map(|source| source.name.as_str()));
        names.sort_unstable();
        if let Some([name, _]) = names.array_windows().find(|[one, other]| one == other) {
            return Err(Error::config(
                "config.files",
                format!("expected connectors of different names, found {name} twice"),
            ));
        }
        if self.options.direct && (source.is_none() || sinks.is_empty()) {
            return Err(Error::config(
                "config.files",
                "a direct run needs a source and a sink, found only one of them",
            ));
        }
        let common = merged(&[&self.worker.common, &self.override_properties]);
        if !self.options.direct && common.get("bootstrap.servers").is_none_or(|servers| servers.trim().is_empty()) {
            return Err(Error::config("config.kafka", "expected Kafka's brokers, found none")
                .hint("give them with -b HOST:PORT or in the worker's file (--worker FILE), or run with --direct"));
        }
        if let Some(source) = &mut source {
            source.producer = merged(&[&source.producer, &self.override_properties]);
        }
        for sink in &mut sinks {
            sink.consumer = merged(&[&sink.consumer, &self.override_properties]);
        }
        let kafka = (!self.options.direct).then_some(KafkaClientSettings { properties: common });
        Ok(Pipeline { source, sinks, kafka, options: self.options })
    }

    /// What the user should hear although the run starts.
    pub fn notices(&self) -> Vec<String> {
        let unwrap = |transform: &&TransformConfig| matches!(transform.kind, TransformKind::ExtractNewRecordState(_));
        let mut chains = self.connectors.iter().flat_map(Connector::transforms);
        let undecided = chains.find(|transform| unwrap(transform) && UNDECIDED.applies(&transform.properties));
        let undecided = undecided.map(|transform| format!("transforms.{}: {}", transform.alias, UNDECIDED.text));
        self.audits.iter().flat_map(Audit::notices).chain(undecided).collect()
    }

    /// Whether anything is refused.
    pub fn is_refused(&self) -> bool {
        self.audits.iter().any(|audit| audit.keys.iter().any(|key| matches!(key.fate, Fate::Refused(_))))
    }
}
