//! Kafka to a sink: a thread that polls and converts, a task that writes, a batch between them.
//!
//! While the database is busy the next batch grows; when it is free it gets what there is. Offsets are committed after the
//! database's transaction, never before.

use super::batch::{Batch, Place, Raw};
use super::convert::{Converters, ToConnect, Transforms};
use super::errors::{Failure, Stage, Tolerance};
use super::recovery::Patience;
use super::writer::{Writer, describe};
use super::{Shared, joined};
use crate::cli::stop::Level;
use crate::config::{SinkConfig, Until};
use crate::kafka::{Consumer, Polled, Positions, read_headers};
use crate::plugins::SelfContained;
use crate::registry::stopped;
use crate::transforms::Chain;
use connect_data::{Error, Result};
use rdkafka::Message as _;
use rdkafka::message::BorrowedMessage;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// How long a poll waits when there is nothing else to do; it is also how long a request to end may go unnoticed.
const IDLE_POLL: Duration = Duration::from_millis(100);
/// How long it waits while a batch is ready and the writer is not.
const BUSY_POLL: Duration = Duration::from_millis(5);
/// When the writer is busy for longer than this, the consumer only stays in its group.
const PATIENCE_OF_THE_GROUP: Duration = Duration::from_secs(5);
/// Offsets are committed at most this often while records keep coming.
const COMMIT_EVERY: Duration = Duration::from_millis(500);
/// How often new topics of a pattern are looked for.
const PATTERN_EVERY: Duration = Duration::from_secs(30);

/// Runs one task of a sink until the run ends.
///
/// # Errors
/// What it cannot go on after. What was written before is committed as far as Kafka answers.
pub(crate) async fn run(config: Arc<SinkConfig>, task: u32, shared: Arc<Shared>) -> Result<()> {
    let tolerance = Tolerance::new(&config.errors, &config.name, task, &shared.reporter);
    let kafka = shared.pipeline.kafka.as_ref().map(|kafka| &kafka.properties);
    let writer =
        Writer::open(&config, kafka, tolerance.clone(), shared.schemas.clone(), &shared.stop, &shared.reporter).await?;
    let positions = Arc::new(Positions::default());
    let consumer = Arc::new(Consumer::open(&config.consumer, &config.topics, positions.clone())?);
    let convert = to_connect(&config, &shared)?;
    if !reach(&consumer, &config, &shared).await? {
        return Ok(());
    }
    shared.part_is_ready();

    let (batches, incoming) = mpsc::channel(1);
    let pool = Arc::new(Pool::default());
    let writing = tokio::spawn(write(writer, incoming, consumer.clone(), positions.clone(), pool.clone()));
    let stop = shared.stop.clone();
    let reader = Reader {
        keeps_raw: config.errors.dead_letter_queue.is_some(),
        patience: Patience::new(config.errors.retry_timeout, config.errors.retry_delay_max),
        handle: Handle::current(),
        topic: "".into(),
        headers: Vec::new(),
        batch: Batch::default(),
        idle_since: Instant::now(),
        ends: BTreeMap::new(),
        consumer,
        positions,
        pool,
        tolerance,
        convert,
        shared,
    };
    let reading = tokio::task::spawn_blocking(move || reader.run(batches));
    let (read, consumer) = joined(reading.await)?;
    let written = joined(writing.await)?;
    // What the writer says is the cause, if it says anything: without it the reader could not go on either.
    let outcome = written.and(read);
    // Committing and leaving the group wait for the broker; who is in a hurry does not.
    let closing = tokio::task::spawn_blocking(move || {
        let committed = consumer.commit(true);
        drop(consumer);
        committed
    });
    let closed = tokio::select! {
        closed = closing => joined(closed)?,
        () = stop.reached(Level::Now) => Ok(()),
    };
    if let Err(error) = closed {
        tracing::warn!("{error}: the last records come again at the next start, and change nothing");
    }
    outcome
}

/// Waits for Kafka; `false` = the run ends.
async fn reach(consumer: &Arc<Consumer>, config: &SinkConfig, shared: &Shared) -> Result<bool> {
    let mut patience = Patience::new(config.errors.retry_timeout, config.errors.retry_delay_max);
    loop {
        let consumer = consumer.clone();
        match joined(tokio::task::spawn_blocking(move || consumer.reach()).await)? {
            Ok(()) => return Ok(true),
            Err(error) => {
                if !patience.wait(error, &shared.stop, Level::Drain).await? {
                    return Ok(false);
                }
            }
        }
    }
}

fn to_connect(config: &SinkConfig, shared: &Shared) -> Result<ToConnect> {
    let (key, value) = (config.key_converter.as_ref(), config.value_converter.as_ref());
    let converters = shared.converters(key, value, config.header_converter)?;
    let chain = Chain::new(&config.transforms, &shared.plugins, &shared.schemas)?;
    Ok(ToConnect::new(converters, SelfContained::new(shared.schemas.clone()), Transforms::new(chain)))
}

/// Batches whose memory is used again.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Vec<Batch>>);

impl Pool {
    pub(crate) fn take(&self) -> Batch {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(crate) fn put(&self, mut batch: Batch) {
        batch.clear();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }
}

async fn write(
    mut writer: Writer,
    mut batches: mpsc::Receiver<Batch>,
    consumer: Arc<Consumer>,
    positions: Arc<Positions>,
    pool: Arc<Pool>,
) -> Result<()> {
    let mut committed = Instant::now();
    let outcome = loop {
        let Some(mut batch) = batches.recv().await else { break Ok(()) };
        if let Err(error) = writer.write(&batch).await {
            break Err(error);
        }
        positions.finished(std::mem::take(&mut batch.next));
        pool.put(batch);
        if batches.is_empty() || committed.elapsed() >= COMMIT_EVERY {
            committed = Instant::now();
            if let Err(error) = consumer.commit(false) {
                tracing::debug!("{error}");
            }
        }
    };
    positions.end();
    writer.close().await;
    outcome
}

/// The thread that polls and converts.
struct Reader {
    consumer: Arc<Consumer>,
    positions: Arc<Positions>,
    convert: ToConnect,
    tolerance: Tolerance,
    keeps_raw: bool,
    patience: Patience,
    pool: Arc<Pool>,
    shared: Arc<Shared>,
    handle: Handle,
    /// Of the last message.
    topic: Arc<str>,
    headers: Vec<u8>,
    batch: Batch,
    idle_since: Instant,
    /// Where partitions ended when the end of the run came.
    ends: BTreeMap<(String, i32), i64>,
}

/// What the next thing to do is.
enum Next {
    GoOn,
    End,
}

impl Reader {
    /// Returns the consumer, so that it is closed after the writer.
    fn run(mut self, batches: mpsc::Sender<Batch>) -> (Result<()>, Arc<Consumer>) {
        let outcome = self.read(&batches);
        let outcome = outcome.and_then(|()| {
            // What was taken is written before the end.
            if self.batch.is_empty() { Ok(()) } else { self.hand_over(&batches) }
        });
        (outcome, self.consumer)
    }

    fn read(&mut self, batches: &mpsc::Sender<Batch>) -> Result<()> {
        self.subscribe()?;
        let mut created = self.shared.topics_created();
        let mut unknown = false;
        let mut looked = Instant::now();
        let mut waiting = true;
        loop {
            if self.shared.stop.is_requested() {
                return Ok(());
            }
            if !self.batch.is_empty() && (waiting || self.batch.is_full()) {
                match batches.try_reserve() {
                    Ok(permit) => {
                        let next = self.pool.take();
                        self.positions.sent();
                        permit.send(std::mem::replace(&mut self.batch, next));
                    }
                    Err(mpsc::error::TrySendError::Closed(())) => return Ok(()),
                    Err(mpsc::error::TrySendError::Full(())) if self.batch.is_full() => {
                        self.hand_over(batches)?;
                    }
                    Err(mpsc::error::TrySendError::Full(())) => {}
                }
            }
            let timeout = match (self.batch.is_empty(), waiting) {
                (true, _) => IDLE_POLL,
                (false, true) => BUSY_POLL,
                (false, false) => Duration::ZERO,
            };
            let consumer = self.consumer.clone();
            let polled = consumer.poll(timeout)?;
            let revoked = self.positions.take_revoked();
            if !revoked.is_empty() {
                self.batch.without(&revoked);
            }
            waiting = true;
            match polled {
                Some(Polled::Message(message)) => {
                    waiting = false;
                    self.take(&message)?;
                }
                Some(Polled::UnknownTopic) if !std::mem::replace(&mut unknown, true) => {
                    tracing::warn!("sink {}: a topic does not exist yet", self.tolerance.connector());
                }
                Some(Polled::UnknownTopic) | None => {}
            }
            if waiting {
                // Nothing is there at the moment: time for what is rare.
                let now_created = self.shared.topics_created();
                let is_new = now_created != created;
                created = now_created;
                if (unknown && is_new) || (self.consumer.is_pattern() && (is_new || looked.elapsed() >= PATTERN_EVERY))
                {
                    looked = Instant::now();
                    unknown = false;
                    self.subscribe()?;
                }
                if let Next::End = self.is_done()? {
                    return Ok(());
                }
            }
        }
    }

    /// Subscribes; a broker that is away is waited for.
    fn subscribe(&mut self) -> Result<()> {
        loop {
            match self.consumer.subscribe() {
                Ok(()) => return Ok(()),
                Err(error) => {
                    if !self.handle.block_on(self.patience.wait(error, &self.shared.stop, Level::Drain))? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Whether the run ends by itself here.
    fn is_done(&mut self) -> Result<Next> {
        if !self.batch.is_empty() {
            return Ok(Next::GoOn);
        }
        if let Until::Idle(time) = self.shared.pipeline.options.until
            && self.shared.pipeline.source.is_none()
        {
            return Ok(if self.idle_since.elapsed() >= time { Next::End } else { Next::GoOn });
        }
        if !self.shared.is_finishing() {
            return Ok(Next::GoOn);
        }
        match self.consumer.caught_up(&mut self.ends) {
            Ok(true) => Ok(Next::End),
            Ok(false) => Ok(Next::GoOn),
            Err(error) => {
                self.handle.block_on(self.patience.wait(error, &self.shared.stop, Level::Drain))?;
                Ok(Next::GoOn)
            }
        }
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) -> Result<()> {
        self.idle_since = Instant::now();
        self.shared.reporter.consumed(1);
        if message.topic() != &*self.topic {
            self.topic = message.topic().into();
        }
        let topic = self.topic.clone();
        let place = Place { topic: &topic, partition: message.partition(), offset: message.offset() };
        self.headers.clear();
        let readable = read_headers(message.headers(), &mut self.headers);
        let headers = std::mem::take(&mut self.headers);
        let raw = Raw {
            key: message.key(),
            value: message.payload(),
            headers: &headers,
            timestamp: message.timestamp().to_millis(),
        };
        let kept = self.keeps_raw.then(|| self.batch.keep(raw));
        let converted = match readable {
            Ok(()) => self.convert_patiently(place, raw)?,
            Err(error) => Err(Failure::new(Stage::HeaderConverter, "", error)),
        };
        self.headers = headers;
        self.batch.took(place);
        match converted {
            Ok(true) => self.batch.push(place, kept),
            Ok(false) => {
                self.batch.take_back();
                self.shared.reporter.dropped(1);
            }
            Err(failure) => {
                self.batch.fail(place, kept, failure);
                if let Some(failed) = self.batch.failed.last() {
                    self.tolerance.tolerate(&failed.failure, &|| describe(failed))?;
                }
            }
        }
        Ok(())
    }

    /// Converts; an outage of the registry is waited out.
    fn convert_patiently(&mut self, place: Place<'_>, raw: Raw<'_>) -> Result<std::result::Result<bool, Failure>> {
        loop {
            match self.convert.convert(place.topic, place.partition, raw, self.batch.frames()) {
                Err(failure) if failure.error.kind() == connect_data::ErrorKind::Outage => {
                    self.batch.take_back();
                    let waited = self.patience.wait(failure.error, &self.shared.stop, Level::Now);
                    if !self.handle.block_on(waited)? {
                        return Err(stopped());
                    }
                }
                outcome => {
                    self.patience.restore();
                    return Ok(outcome);
                }
            }
        }
    }

    /// Waits until the writer takes the batch. A long wait would cost the membership in the group; so the consumer polls on,
    /// without fetching.
    fn hand_over(&mut self, batches: &mpsc::Sender<Batch>) -> Result<()> {
        let mut paused = false;
        loop {
            let reserved = self.handle.block_on(async {
                tokio::select! {
                    reserved = batches.reserve() => Some(reserved),
                    () = tokio::time::sleep(if paused { IDLE_POLL } else { PATIENCE_OF_THE_GROUP }) => None,
                    () = self.shared.stop.reached(Level::Now) => Some(Err(mpsc::error::SendError(()))),
                }
            });
            match reserved {
                Some(Ok(permit)) => {
                    let next = self.pool.take();
                    self.positions.sent();
                    permit.send(std::mem::replace(&mut self.batch, next));
                    if paused {
                        self.consumer.pause(false)?;
                    }
                    return Ok(());
                }
                // The writer has failed and says why; or all is to end.
                Some(Err(_)) => {
                    self.batch.clear();
                    return Ok(());
                }
                None => {
                    if !std::mem::replace(&mut paused, true) {
                        self.consumer.pause(true)?;
                    }
                    let consumer = self.consumer.clone();
                    let polled = consumer.poll(IDLE_POLL)?;
                    // First: the message may be of a partition that was taken away and given back meanwhile.
                    let revoked = self.positions.take_revoked();
                    self.batch.without(&revoked);
                    if let Some(Polled::Message(message)) = polled {
                        self.take(&message)?;
                    }
                }
            }
        }
    }
}

impl Shared {
    /// The converters of a connector.
    pub(crate) fn converters(
        &self,
        key: Option<&crate::config::ConverterConfig>,
        value: Option<&crate::config::ConverterConfig>,
        headers: crate::config::HeaderConverter,
    ) -> Result<Converters> {
        let missing =
            |which: &str| Error::config("config.missing", format!("setting {which}: expected a class, found none"));
        let key = key.ok_or_else(|| missing("key.converter"))?;
        let value = value.ok_or_else(|| missing("value.converter"))?;
        let classes = [class(key), class(value)];
        let key = self.registered(key, true).map_err(|error| error.field("key.converter"))?;
        let value = self.registered(value, false).map_err(|error| error.field("value.converter"))?;
        let headers = crate::plugins::header::Headers::new(headers, self.schemas.clone());
        Ok(Converters::new(key, value, headers, classes))
    }
}

/// The Java class that does what this converter does: what reads dead letters knows it.
fn class(config: &crate::config::ConverterConfig) -> String {
    use crate::config::ConverterClass;
    match &config.class {
        ConverterClass::Avro(_) => "io.confluent.connect.avro.AvroConverter".to_owned(),
        ConverterClass::Json => "org.apache.kafka.connect.json.JsonConverter".to_owned(),
        ConverterClass::String => "org.apache.kafka.connect.storage.StringConverter".to_owned(),
        ConverterClass::ByteArray => "org.apache.kafka.connect.converters.ByteArrayConverter".to_owned(),
        ConverterClass::Component(component) => format!("wasm:{}", component.path.display()),
    }
}
