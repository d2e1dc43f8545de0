//! The producer: idempotent, `acks=all`, every record's delivery counted.

use super::client::{self, Log};
use super::deliveries::Deliveries;
use connect_data::{Error, ErrorKind, Properties, Result};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use std::sync::Arc;
use std::time::Duration;

/// A record as Kafka has it.
pub(crate) struct Message<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: Option<i32>,
    pub(crate) timestamp: Option<i64>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Option<OwnedHeaders>,
}

/// Sends batches of records; see [`Deliveries`].
pub(crate) struct Producer {
    inner: ThreadedProducer<Context>,
    deliveries: Arc<Deliveries>,
}

/// What is done about a record that is too large or otherwise at fault itself: `true` = go on without it.
pub(crate) type Tolerate = Box<dyn Fn(&Error) -> bool + Send + Sync>;

struct Context {
    log: Log,
    deliveries: Arc<Deliveries>,
    tolerate: Tolerate,
}

/// What the Java producer of Connect does, where librdkafka's default is another; then bounds for memory and patience.
const DEFAULTS: &[(&str, &str)] = &[
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("partitioner", "murmur2_random"),
    ("queue.buffering.max.kbytes", "2048"),
    // The library's own share of a small record is larger than the record.
    ("queue.buffering.max.messages", "16384"),
    ("reconnect.backoff.max.ms", "2000"),
    ("socket.keepalive.enable", "true"),
];

impl Producer {
    /// Starts a producer, which connects by itself. `budget` is how long a record may wait for its acknowledgement;
    /// `None` = for ever.
    ///
    /// # Errors
    /// Config: a setting that librdkafka refuses.
    pub(crate) fn open(
        client: &'static str,
        properties: &Properties,
        budget: Option<Duration>,
        tolerate: Tolerate,
    ) -> Result<Self> {
        let budget = budget.map_or(0, |budget| budget.as_millis().clamp(1_000, 2_147_483_647)).to_string();
        let mut config = client::config(properties, DEFAULTS);
        if properties.get("message.timeout.ms").is_none() && properties.get("delivery.timeout.ms").is_none() {
            config.set("message.timeout.ms", budget);
        }
        let deliveries = Arc::new(Deliveries::new());
        let context = Context { log: Log::new(client), deliveries: deliveries.clone(), tolerate };
        let inner =
            config.create_with_context(context).map_err(|error| client::error("starting the producer", &error))?;
        Ok(Self { inner, deliveries })
    }

    /// The deliveries.
    pub(crate) fn deliveries(&self) -> &Arc<Deliveries> {
        &self.deliveries
    }

    /// Waits until a broker has answered. Blocks the thread.
    ///
    /// # Errors
    /// Outage: none did. Config: it refused this client.
    pub(crate) fn reach(&self) -> Result<()> {
        client::reach(rdkafka::producer::Producer::client(&self.inner), &self.inner_context().log)
    }

    /// Hands a record of a batch to the library, waiting while its queue is full; `wait` is called meanwhile and may give
    /// up. Blocks the thread.
    ///
    /// # Errors
    /// Outage: an earlier record could not be delivered. Data, Config: this one will never be. Those of `wait`.
    pub(crate) fn send(&self, batch: u64, message: Message<'_>, mut wait: impl FnMut() -> Result<()>) -> Result<()> {
        let mut record = BaseRecord::with_opaque_to(message.topic, batch as usize);
        record.partition = message.partition;
        record.timestamp = message.timestamp;
        record.key = message.key;
        record.payload = message.value;
        record.headers = message.headers;
        self.deliveries.sent(batch);
        loop {
            match self.inner.send::<[u8], [u8]>(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.deliveries.wait().and_then(|()| wait())?;
                }
                Err((error, _)) => {
                    let error = client::error(&producing(message.topic), &error);
                    if error.kind() == ErrorKind::Data && (self.inner_context().tolerate)(&error) {
                        self.deliveries.delivered(batch);
                        return Ok(());
                    }
                    return Err(error);
                }
            }
        }
    }

    fn inner_context(&self) -> &Context {
        rdkafka::producer::Producer::context(&self.inner)
    }
}

fn producing(topic: &str) -> String {
    format!("producing to topic {topic:?}")
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.log.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(error, reason);
    }
}

impl ProducerContext for Context {
    /// The batch.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, batch: usize) {
        match result {
            Ok(_) => {
                self.log.reachable();
                self.deliveries.delivered(batch as u64);
            }
            Err((error, message)) => {
                use rdkafka::Message as _;
                let error = client::error(&producing(message.topic()), error);
                if error.kind() == ErrorKind::Data && (self.tolerate)(&error) {
                    self.deliveries.delivered(batch as u64);
                } else {
                    self.deliveries.fail(error);
                }
            }
        }
    }
}
