//! Runs a [`Pipeline`]: a source to Kafka, Kafka to sinks, both at once, or a source directly to a sink.
//!
//! | stage | where | what is between |
//! |---|---|---|
//! | source | task | two batches of records |
//! | transformations, converters, producer | thread | librdkafka's queue, 2 MiB or 16,384 records |
//! | deliveries, stored offsets, acknowledgements | the source's task | |
//! | consumer, converters, transformations | thread | one batch, at most 1 MiB or 10,000 records |
//! | database, dead-letter queue, committed offsets | task | |
//!
//! Nothing is acknowledged before it is durable: a source offset is stored when the broker (or the database) has every
//! record before it, and only then is the replication slot told; Kafka's offsets are committed after the database's
//! transaction. Whatever is killed, records come again rather than not at all, and upserts make that harmless.
//!
//! An outage is no bad record: it is waited out (`errors.retry.timeout`, five minutes if that is 0) and then ends the run
//! with an error of kind Outage. `errors.tolerance` is for errors of kind Data alone.

mod batch;
mod convert;
mod direct;
mod errors;
mod recovery;
mod sink;
mod source;
mod until;
mod writer;

use crate::cli::stop::{Level, Stop};
use crate::config::{ConverterClass, ConverterConfig, Pipeline, Until};
use crate::plugins::Plugins;
use crate::registry::http::HttpClient;
use crate::registry::{NoRegistry, OverHttp, Performer, Registered};
use crate::report::Reporter;
use connect_data::{Error, InternedSchemas, Result, SchemaStore};
use schema_registry::Transport;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};

/// Where source offsets are kept unless `--offsets` says otherwise.
const OFFSETS: &str = "bucatini.offsets.json";

/// Runs a pipeline until `stop` is requested or it ends by itself ([`RunOptions::until`](crate::config::RunOptions)).
///
/// Needs a multi-threaded runtime with time and I/O. [`Level::Drain`] delivers what is under way; [`Level::Now`] leaves it,
/// and it comes again at the next start. A part that fails makes the others drain.
///
/// # Errors
/// Config: a setting is wrong, or a server refuses what was asked of it. Data: a record is bad and not tolerated. Outage:
/// something did not come back in time. Internal: a broken invariant. In all cases what was acknowledged is durable.
pub async fn run(pipeline: Pipeline, stop: Stop, reporter: Reporter) -> Result<()> {
    let shared = Arc::new(Shared::new(pipeline, stop, reporter));
    let mut parts = JoinSet::new();
    if shared.pipeline.options.direct {
        parts.spawn(direct::run(shared.clone()));
    } else {
        for config in &shared.pipeline.sinks {
            let config = Arc::new(config.clone());
            for task in 0..config.tasks_max.max(1) {
                parts.spawn(sink::run(config.clone(), task, shared.clone()));
            }
        }
        if let Some(config) = &shared.pipeline.source {
            parts.spawn(source::run(Arc::new(config.clone()), shared.clone()));
        }
    }
    let mut outcome = Ok(());
    while let Some(part) = parts.join_next().await {
        match joined(part).and_then(|ended| ended) {
            Ok(()) => {}
            // Somebody's way of saying that it was told to.
            Err(error) if error.code() == crate::registry::STOPPED => {}
            Err(error) => {
                if outcome.is_ok() {
                    outcome = Err(error);
                } else {
                    tracing::error!("{error}");
                }
                shared.stop.request(Level::Drain);
            }
        }
    }
    outcome
}

/// What all parts of a run share.
struct Shared {
    pipeline: Pipeline,
    stop: Stop,
    reporter: Reporter,
    schemas: Arc<dyn SchemaStore>,
    plugins: Plugins,
    http_clients: Mutex<Vec<(Transport, Arc<HttpClient>)>>,
    /// Parts that have not connected yet.
    starting: AtomicUsize,
    /// Topics that the source has made.
    created: AtomicU64,
    /// The source has given all: sinks end where the topics end.
    finishing: AtomicBool,
}

impl Shared {
    fn new(pipeline: Pipeline, stop: Stop, reporter: Reporter) -> Self {
        let sinks: u32 = pipeline.sinks.iter().map(|sink| sink.tasks_max.max(1)).sum();
        let parts = if pipeline.options.direct { 1 } else { sinks as usize + usize::from(pipeline.source.is_some()) };
        let alone = pipeline.source.is_none() && !matches!(pipeline.options.until, Until::Stopped | Until::Idle(_));
        Self {
            plugins: Plugins::new(&pipeline.options),
            pipeline,
            stop,
            reporter,
            schemas: Arc::new(InternedSchemas::new()),
            http_clients: Mutex::default(),
            starting: AtomicUsize::new(parts),
            created: AtomicU64::new(0),
            finishing: AtomicBool::new(alone),
        }
    }

    /// One part is connected; may be said again.
    fn part_is_ready(&self) {
        let before = self.starting.fetch_update(SeqCst, SeqCst, |parts| parts.checked_sub(1));
        if before == Ok(1) {
            self.reporter.ready();
        }
    }

    fn topic_was_created(&self) {
        self.created.fetch_add(1, SeqCst);
    }

    fn topics_created(&self) -> u64 {
        self.created.load(SeqCst)
    }

    fn source_is_done(&self) {
        self.finishing.store(true, SeqCst);
    }

    fn is_finishing(&self) -> bool {
        self.finishing.load(SeqCst)
    }

    fn offsets_path(&self) -> PathBuf {
        self.pipeline.options.offsets.clone().unwrap_or_else(|| PathBuf::from(OFFSETS))
    }

    /// A converter with what answers its questions.
    fn registered(&self, config: &ConverterConfig, is_key: bool) -> Result<Registered> {
        let converter = self.plugins.converter(config, is_key, &self.schemas)?;
        let asks = match &config.class {
            ConverterClass::Avro(_) => true,
            ConverterClass::Component(_) => config.properties.get("schema.registry.url").is_some(),
            ConverterClass::Json | ConverterClass::String | ConverterClass::ByteArray => false,
        };
        let performer: Box<dyn Performer> = if asks {
            let client = self.http_client(&Transport::new(&config.properties)?)?;
            Box::new(OverHttp::new(client, Handle::current(), self.stop.clone()))
        } else {
            Box::new(NoRegistry)
        };
        Ok(Registered::new(converter, performer))
    }

    /// A client for these settings. They are mostly the same for all converters, and a client holds the system's
    /// certificate authorities.
    fn http_client(&self, transport: &Transport) -> Result<Arc<HttpClient>> {
        let mut clients = self.http_clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| known == transport) {
            return Ok(client.clone());
        }
        let client = Arc::new(HttpClient::new(transport)?);
        clients.push((transport.clone(), client.clone()));
        Ok(client)
    }
}

/// The outcome of a task or thread; one that panicked is a broken invariant.
fn joined<T>(outcome: std::result::Result<T, JoinError>) -> Result<T> {
    outcome.map_err(|error| Error::internal("engine.panic", format!("a part of the run broke: {error}")))
}
