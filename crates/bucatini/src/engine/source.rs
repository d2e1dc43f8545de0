//! A source to Kafka: the source's task, a thread that transforms, converts and produces, and offsets that are stored when
//! the broker has everything before them.

use super::convert::{Converted, Converters, FromConnect, Transforms};
use super::errors::{Failure, Tolerance};
use super::recovery::Patience;
use super::until::Progress;
use super::{Shared, joined};
use crate::cli::stop::Level;
use crate::config::SourceConfig;
use crate::kafka::{Administration, Message, NewTopic, Producer, TIMED_OUT};
use crate::offsets::OffsetFile;
use crate::registry::stopped;
use crate::transforms::Chain;
use connect_data::frame::RecordFrame;
use connect_data::{ErrorKind, Properties, Result};
use postgres_source::{Offset, Source, SourceBatch};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Batches between the source and the producer.
const QUEUE: usize = 2;
/// Offsets are stored at most this often while records keep coming.
const STORE_EVERY: Duration = Duration::from_millis(500);

/// Runs the source until the run ends. An outage of PostgreSQL or Kafka that outlasts the source's and the producer's own
/// patience begins a new attempt at the stored offset, within the budget.
///
/// # Errors
/// What it cannot go on after. What was delivered before is stored and acknowledged.
pub(crate) async fn run(config: Arc<SourceConfig>, shared: Arc<Shared>) -> Result<()> {
    let mut offsets = Offsets::open(&config, &shared)?;
    let mut patience = Patience::new(config.errors.retry_timeout, config.errors.retry_delay_max);
    loop {
        let stored = offsets.stored;
        match attempt(&config, &shared, &mut offsets).await {
            Ok(()) => return Ok(()),
            Err(error) if error.code() == TIMED_OUT => return Err(error),
            Err(error) => {
                if offsets.stored > stored {
                    patience.restore();
                }
                if !patience.wait(error, &shared.stop, Level::Drain).await? {
                    return Ok(());
                }
            }
        }
    }
}

/// The stored offset of the source connector.
pub(crate) struct Offsets {
    file: OffsetFile,
    connector: String,
    partition: serde_json::Value,
    /// How often one was stored.
    pub(crate) stored: u64,
}

impl Offsets {
    pub(crate) fn open(config: &SourceConfig, shared: &Shared) -> Result<Self> {
        let settings = postgres_source::Settings::parse(&config.connector)?;
        let partition = serde_json::from_str(&settings.partition_json()).unwrap_or_default();
        let file = OffsetFile::open(&shared.offsets_path())?;
        Ok(Self { file, connector: config.name.clone(), partition, stored: 0 })
    }

    pub(crate) fn get(&self) -> Result<Option<Offset>> {
        let text = self.file.get(&self.connector, &self.partition)?;
        text.map(|text| Offset::from_json(&text)).transpose()
    }

    /// Everything before this offset is durable downstream: stores it.
    pub(crate) fn put(&mut self, offset: &Offset) -> Result<()> {
        self.stored += 1;
        let json = offset.to_json();
        tokio::task::block_in_place(|| self.file.put(&self.connector, &self.partition, &json))
    }
}

async fn attempt(config: &Arc<SourceConfig>, shared: &Arc<Shared>, offsets: &mut Offsets) -> Result<()> {
    let stored = offsets.get()?;
    let settings = postgres_source::Settings::parse(&config.connector)?;
    let tolerance = Tolerance::new(&config.errors, &config.name, 0, &shared.reporter);
    let producer = Arc::new(open_producer(config, &tolerance)?);
    let producing = Producing::new(config, shared, tolerance, producer.clone())?;
    let reached = {
        let producer = producer.clone();
        tokio::task::spawn_blocking(move || producer.reach())
    };
    let mut source = tokio::select! {
        opened = Source::open(settings, stored.clone(), shared.schemas.clone()) => opened?,
        () = shared.stop.requested() => return Ok(()),
    };
    joined(reached.await)??;
    shared.part_is_ready();

    let (batches, incoming) = mpsc::channel(QUEUE);
    let (returned, mut spare) = mpsc::channel(QUEUE + 2);
    let thread = tokio::task::spawn_blocking(move || producing.run(incoming, returned));
    let mut batches = Some(batches);
    let mut done = producer.deliveries().done();
    let mut progress = Progress::new(shared.pipeline.options.until, &shared.reporter, stored.as_ref());
    let mut under_way: VecDeque<(u64, Offset)> = VecDeque::new();
    let mut finished = 0u64;
    let mut durable: Option<Offset> = None;
    let mut stored_at: Option<Instant> = None;
    let mut batch = SourceBatch::new();
    let mut permit = None;
    let mut failed = None;
    let mut counted = 0u64;

    loop {
        if batches.is_some() && (shared.stop.is_requested() || progress.is_done() || failed.is_some()) {
            drop(permit.take());
            batches = None;
            progress.draining();
        }
        if batches.is_none() && under_way.is_empty() {
            break;
        }
        let store_in =
            durable.as_ref().map(|_| stored_at.map_or(Duration::ZERO, |at| STORE_EVERY.saturating_sub(at.elapsed())));
        tokio::select! {
            biased;
            () = shared.stop.reached(Level::Now) => {
                failed = Some(stopped());
                break;
            }
            changed = done.changed() => {
                let now = done.borrow_and_update().clone();
                while finished < now.batches
                    && let Some((records, offset)) = under_way.pop_front()
                {
                    finished += 1;
                    counted += records;
                    durable = Some(offset);
                }
                shared.reporter.produced(std::mem::take(&mut counted));
                if changed.is_err() || now.error.is_some() {
                    failed = now.error.or(failed);
                    break;
                }
            }
            () = tokio::time::sleep(store_in.unwrap_or_default()), if store_in.is_some() => {
                if let Some(offset) = durable.take() {
                    offsets.put(&offset)?;
                    source.acknowledge(&offset);
                    stored_at = Some(Instant::now());
                }
            }
            reserved = reserve(batches.as_ref()), if permit.is_none() && batches.is_some() => match reserved {
                Some(reserved) => permit = Some(reserved),
                // The thread has ended, and says why.
                None => break,
            },
            next = source.next(&mut batch), if permit.is_some() => match next {
                Ok(()) => {
                    progress.took(&batch, &source.progress());
                    if let (Some(permit), Some(offset)) = (permit.take(), batch.offset().cloned()) {
                        under_way.push_back((batch.len() as u64, offset));
                        let empty = spare.try_recv().unwrap_or_default();
                        permit.send(std::mem::replace(&mut batch, empty));
                    }
                }
                Err(error) => failed = Some(error),
            },
            () = progress.tick(), if batches.is_some() => progress.update(&source.progress()),
        }
    }
    drop((permit, batches));
    // On the way out as well: what is delivered is stored, so that it does not come again.
    if let Some(offset) = durable.take() {
        offsets.put(&offset)?;
        source.acknowledge(&offset);
    }
    if failed.is_some() {
        producer.deliveries().fail(stopped());
    }
    let produced = joined(thread.await)?;
    tokio::select! {
        closed = source.close() => {
            if let Err(error) = closed {
                tracing::warn!("{error}");
            }
        }
        () = shared.stop.reached(Level::Now) => {}
    }
    // What the thread or the deliveries say is the cause of a source that was stopped by it.
    match (produced, failed) {
        (Err(error), None) => Err(error),
        (Err(error), Some(_)) if error.code() != crate::registry::STOPPED => Err(error),
        (_, Some(error)) => Err(error),
        (Ok(()), None) => {
            shared.source_is_done();
            Ok(())
        }
    }
}

async fn reserve(batches: Option<&mpsc::Sender<SourceBatch>>) -> Option<mpsc::OwnedPermit<SourceBatch>> {
    batches?.clone().reserve_owned().await.ok()
}

fn open_producer(config: &SourceConfig, tolerance: &Tolerance) -> Result<Producer> {
    let budget = match config.errors.retry_timeout {
        Some(timeout) if timeout.is_zero() => Some(super::recovery::BUDGET),
        other => other,
    };
    let tolerance = tolerance.clone();
    let tolerate = move |error: &connect_data::Error| {
        let failure = Failure::new(
            super::errors::Stage::KafkaProduce,
            "org.apache.kafka.clients.producer.KafkaProducer",
            error.clone(),
        );
        tolerance.tolerate(&failure, &|| "a record for Kafka".to_owned()).is_ok()
    };
    Producer::open("producer", &config.producer, budget, Box::new(tolerate))
}

/// The thread that transforms, converts and produces.
struct Producing {
    convert: FromConnect,
    producer: Arc<Producer>,
    tolerance: Tolerance,
    patience: Patience,
    config: Arc<SourceConfig>,
    shared: Arc<Shared>,
    handle: Handle,
    administration: Administration,
    /// Topics that exist.
    topics: BTreeSet<String>,
}

impl Producing {
    fn new(
        config: &Arc<SourceConfig>,
        shared: &Arc<Shared>,
        tolerance: Tolerance,
        producer: Arc<Producer>,
    ) -> Result<Self> {
        let (key, value) = (config.key_converter.as_ref(), config.value_converter.as_ref());
        let converters: Converters = shared.converters(key, value, config.header_converter)?;
        let chain = Chain::new(&config.transforms, &shared.plugins, &shared.schemas)?;
        let nothing = Properties::default();
        let kafka = shared.pipeline.kafka.as_ref().map_or(&nothing, |kafka| &kafka.properties);
        Ok(Self {
            administration: Administration::open(kafka)?,
            convert: FromConnect::new(converters, Transforms::new(chain)),
            producer,
            tolerance,
            patience: Patience::new(config.errors.retry_timeout, config.errors.retry_delay_max),
            config: config.clone(),
            shared: shared.clone(),
            handle: Handle::current(),
            topics: BTreeSet::new(),
        })
    }

    fn run(mut self, mut batches: mpsc::Receiver<SourceBatch>, returned: mpsc::Sender<SourceBatch>) -> Result<()> {
        let outcome = loop {
            let Some(batch) = batches.blocking_recv() else { return Ok(()) };
            if let Err(error) = self.produce(&batch) {
                break Err(error);
            }
            // Without a taker its memory is not needed.
            let _ = returned.try_send(batch);
        };
        if let Err(error) = &outcome {
            // Wakes whoever waits for deliveries.
            self.producer.deliveries().fail(error.clone());
        }
        outcome
    }

    fn produce(&mut self, batch: &SourceBatch) -> Result<()> {
        let stop = self.shared.stop.clone();
        let wait = move || if stop.level() == Level::Now { Err(stopped()) } else { Ok(()) };
        let number = self.producer.deliveries().begin(&wait)?;
        for frame in batch.iter() {
            match self.convert.transform(frame) {
                Ok(true) => {}
                Ok(false) => {
                    self.shared.reporter.dropped(1);
                    continue;
                }
                Err(failure) => {
                    self.tolerance.tolerate(&failure, &|| describe(frame))?;
                    continue;
                }
            }
            loop {
                match self.convert.convert() {
                    Ok(record) => {
                        if !self.topics.contains(record.topic) {
                            let topic = record.topic.to_owned();
                            self.create(&topic)?;
                            self.topics.insert(topic);
                            continue;
                        }
                        let Converted { topic, partition, timestamp, key, value, headers } = record;
                        let message = Message { topic, partition, timestamp, key, value, headers };
                        self.producer.send(number, message, &wait)?;
                        break;
                    }
                    Err(failure) if failure.error.kind() == ErrorKind::Outage => {
                        let waited = self.patience.wait(failure.error, &self.shared.stop, Level::Now);
                        if !self.handle.block_on(waited)? {
                            return Err(stopped());
                        }
                    }
                    Err(failure) => {
                        self.tolerance.tolerate(&failure, &|| describe(frame))?;
                        break;
                    }
                }
            }
        }
        self.patience.restore();
        self.producer.deliveries().seal(number);
        Ok(())
    }

    /// Makes a topic before its first record.
    fn create(&mut self, name: &str) -> Result<()> {
        let (partitions, replication_factor, configs) = match &self.config.topic_creation {
            None => (-1, -1, &[][..]),
            Some(creation) => (creation.partitions, creation.replication_factor, creation.configs.as_slice()),
        };
        let topic = NewTopic { name, partitions, replication_factor, configs };
        self.handle.block_on(async {
            loop {
                let created = tokio::select! {
                    created = self.administration.create(&topic) => created,
                    () = self.shared.stop.reached(Level::Now) => Err(stopped()),
                };
                match created {
                    Ok(()) => {
                        self.shared.topic_was_created();
                        return Ok(());
                    }
                    Err(error) => {
                        if !self.patience.wait(error, &self.shared.stop, Level::Now).await? {
                            return Err(stopped());
                        }
                    }
                }
            }
        })
    }
}

/// A record by its topic: its content stays out of messages.
pub(crate) fn describe(frame: &[u8]) -> String {
    match RecordFrame::read(frame) {
        Ok(record) => format!("record for topic {}", record.topic),
        Err(_) => "record".to_owned(),
    }
}
