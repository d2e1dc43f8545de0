//! Reads a topic's partitions from librdkafka, without a consumer group.

use super::arguments::{Arguments, Range, Start};
use super::message::{Message, Timestamp};
use super::output::Output;
use super::settings::Settings;
use super::{FAILED, Tell};
use crate::cli::Stop;
use crate::kafka;
use connect_data::{Error, ErrorKind, Result};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// librdkafka assigns partitions only to clients with a group; nothing is committed to it.
const GROUP: &str = "bucatini-cat";
/// How long to wait for messages before looking around.
const PATIENCE: Duration = Duration::from_millis(100);
/// Bytes that are collected before they are written.
const BUFFER: usize = 64 * 1024;

/// A consumer of one topic.
pub(super) struct Consume<'a> {
    consumer: BaseConsumer<Context>,
    arguments: &'a Arguments,
    partitions: BTreeMap<i32, Partition>,
    range: Range,
    tell: Tell,
    timeout: Duration,
}

struct Partition {
    leader: i32,
    /// Offset behind the last message.
    next: i64,
    /// Nothing more is wanted of it.
    done: bool,
}

/// Tells what the library says.
struct Context {
    tell: Tell,
    /// All brokers are down: kcat ends then.
    down: Mutex<Option<String>>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if level as i32 <= RDKafkaLogLevel::Warning as i32 {
            self.tell.info(&format!("{facility}: {message}"));
        } else {
            self.tell.detail(&format!("{facility}: {message}"));
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            // Comes as an event of its own.
            Some(RDKafkaErrorCode::PartitionEOF) => {}
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                *self.down.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
            }
            // The group is not ours to read, and not needed.
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => self.tell.detail(reason),
            Some(code) => self.tell.info(&format!("ERROR: {}: {reason}", description(code))),
            None => self.tell.info(&format!("ERROR: {error}: {reason}")),
        }
    }
}

impl ConsumerContext for Context {}

/// librdkafka's own words, without the name of the code around them.
fn description(code: RDKafkaErrorCode) -> String {
    let text = code.to_string();
    let inner = text.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or_else(|| text.clone(), str::to_owned)
}

/// What became of a message.
enum Shown {
    Yes,
    /// It could not be shown, and the options say to end there.
    Failed,
    /// Nobody reads standard output any more.
    Gone,
}

impl<'a> Consume<'a> {
    /// Connects, and assigns the partitions.
    ///
    /// # Errors
    /// Config: a property or option that is wrong. Outage: no broker answers.
    pub(super) fn new(arguments: &'a Arguments, settings: &Settings, tell: Tell) -> Result<Self> {
        let range = arguments.range()?;
        let mut config = ClientConfig::new();
        config.set("group.id", GROUP);
        for (name, value) in settings.kafka.iter() {
            config.set(name, value);
        }
        config
            .set("enable.partition.eof", "true")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
        if tell.verbosity <= 1 && arguments.debug.is_none() {
            config.set_log_level(RDKafkaLogLevel::Warning);
        }
        let context = Context { tell, down: Mutex::default() };
        let consumer: BaseConsumer<Context> =
            config.create_with_context(context).map_err(|error| kafka::error("starting the consumer", &error))?;
        let timeout = Duration::from_secs(arguments.metadata_timeout.max(1));
        let partitions = partitions(&consumer, arguments, timeout)?;
        let this = Self { consumer, arguments, partitions, range, tell, timeout };
        this.assign()?;
        Ok(this)
    }

    fn assign(&self) -> Result<()> {
        let topic = &self.arguments.topic;
        let mut list = TopicPartitionList::with_capacity(self.partitions.len());
        let failed = |doing, error| kafka::error(doing, &error);
        for partition in self.partitions.keys() {
            let offset = match self.range.start {
                Start::Beginning => Offset::Beginning,
                Start::End => Offset::End,
                Start::Stored => Offset::Stored,
                Start::Offset(offset) | Start::Time(offset) => Offset::Offset(offset),
                Start::Tail(count) => Offset::OffsetTail(count),
            };
            let added = list.add_partition_offset(topic, *partition, offset);
            added.map_err(|error| failed("setting an offset", error))?;
        }
        if let Start::Time(_) = self.range.start {
            let found = self.consumer.offsets_for_times(list, self.timeout);
            list = found.map_err(|error| failed("looking for offsets by time", error))?;
        }
        self.consumer.assign(&list).map_err(|error| failed("assigning partitions", error))
    }

    /// Reads until there is enough, somebody says so, or something fails. Returns the exit code.
    ///
    /// # Errors
    /// Outage: Kafka or standard output fail.
    pub(super) fn run(mut self, mut output: Output, stop: &Stop) -> Result<u8> {
        let mut out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        let code = self.read(&mut output, &mut out, stop)?;
        match out.flush() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritable(&error)),
            _ => Ok(code),
        }
    }

    fn read(&mut self, output: &mut Output, out: &mut impl Write, stop: &Stop) -> Result<u8> {
        let mut text = Vec::new();
        let mut shown = 0_u64;
        while !stop.is_requested() && self.partitions.values().any(|partition| !partition.done) {
            self.check()?;
            let polled = match self.consumer.poll(Duration::ZERO) {
                Some(polled) => Some(polled),
                None => {
                    // Whoever waits at the other end of a pipe sees what there is.
                    match out.flush() {
                        Ok(()) => {}
                        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(0),
                        Err(error) => return Err(unwritable(&error)),
                    }
                    self.consumer.poll(PATIENCE)
                }
            };
            match polled {
                None => {}
                Some(Err(KafkaError::PartitionEOF(partition))) => self.end(partition),
                Some(Err(error)) => self.error(&error)?,
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    let Some(state) = self.partitions.get_mut(&partition).filter(|state| !state.done) else { continue };
                    state.next = offset + 1;
                    let message = borrow(&message, state.leader);
                    if self.range.stop.is_some_and(|stop| message.timestamp.millis() >= stop) {
                        drop(message);
                        self.finish(partition, "Reached stop timestamp for", offset);
                        continue;
                    }
                    let result = show(self.arguments, self.tell, &message, output, &mut text, out)?;
                    match result {
                        Shown::Yes => shown += 1,
                        Shown::Failed => return Ok(FAILED),
                        Shown::Gone => return Ok(0),
                    }
                    if self.arguments.count == Some(shown) {
                        break;
                    }
                }
            }
        }
        Ok(0)
    }

    /// Whether the library is still trying in vain.
    fn check(&self) -> Result<()> {
        let down = self.consumer.context().down.lock().unwrap_or_else(PoisonError::into_inner).take();
        match down {
            Some(reason) if self.arguments.keep_going => {
                self.tell.always(&format!("ERROR: all brokers are down: {reason}"));
                Ok(())
            }
            Some(reason) => Err(Error::outage("kafka.outage", format!("Kafka: all brokers are down: {reason}"))),
            None => Ok(()),
        }
    }

    fn error(&self, error: &KafkaError) -> Result<()> {
        let code = error.rdkafka_error_code();
        if code == Some(RDKafkaErrorCode::GroupAuthorizationFailed) && self.range.start != Start::Stored {
            return Ok(());
        }
        let error = kafka::error(&format!("reading topic {}", self.arguments.topic), error);
        match code {
            // It goes on by itself, or the next check ends it.
            Some(
                RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::Resolve,
            ) => {
                self.tell.info(&format!("ERROR: {}", error.message()));
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// The last message that is there has been read.
    fn end(&mut self, partition: i32) {
        let Some(state) = self.partitions.get(&partition).filter(|state| !state.done) else { return };
        // Behind the last message there may be marks of transactions.
        let topic = &self.arguments.topic;
        let high = self.consumer.fetch_watermarks(topic, partition, self.timeout).map(|(_, high)| high);
        let offset = high.unwrap_or(state.next).max(state.next);
        if self.arguments.exit_at_end {
            self.finish(partition, "Reached end of", offset);
        } else {
            self.tell.info(&format!("Reached end of topic {topic} [{partition}] at offset {offset}"));
        }
    }

    /// Nothing more is wanted of a partition.
    fn finish(&mut self, partition: i32, why: &str, offset: i64) {
        let topic = &self.arguments.topic;
        if let Some(state) = self.partitions.get_mut(&partition) {
            state.done = true;
        }
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        // What it still brings is not shown.
        let _ = self.consumer.pause(&list);
        let last = self.partitions.values().all(|partition| partition.done);
        let exiting = if last { ": exiting" } else { "" };
        self.tell.info(&format!("{why} topic {topic} [{partition}] at offset {offset}{exiting}"));
    }
}

/// Writes a message, or says why not.
fn show(
    arguments: &Arguments,
    tell: Tell,
    message: &Message<'_>,
    output: &mut Output,
    text: &mut Vec<u8>,
    out: &mut impl Write,
) -> Result<Shown> {
    text.clear();
    let errors = output.write(message, text);
    for error in &errors {
        let place = format!("{} [{}] at offset {}", message.topic, message.partition, message.offset);
        // An outage is not the message's fault: the next ones would not fare better.
        let end = !arguments.keep_going || matches!(error.kind(), ErrorKind::Outage | ErrorKind::Config);
        let ending = if end { ": terminating" } else { "" };
        tell.always(&format!("ERROR: Failed to format message in {place}: {error}{ending}"));
        if end {
            return Ok(Shown::Failed);
        }
    }
    if !errors.is_empty() && !arguments.envelope {
        return Ok(Shown::Yes);
    }
    let written = out.write_all(text).and_then(|()| if arguments.unbuffered { out.flush() } else { Ok(()) });
    match written {
        Ok(()) => Ok(Shown::Yes),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Shown::Gone),
        Err(error) => Err(unwritable(&error)),
    }
}

fn unwritable(error: &io::Error) -> Error {
    Error::outage("cat.output", format!("standard output: {error}"))
}

/// The partitions that are wanted.
fn partitions(
    consumer: &BaseConsumer<Context>,
    arguments: &Arguments,
    timeout: Duration,
) -> Result<BTreeMap<i32, Partition>> {
    let topic = &arguments.topic;
    let metadata = consumer.fetch_metadata(Some(topic), timeout);
    let metadata = metadata.map_err(|error| kafka::error(&format!("asking for topic {topic}"), &error))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let missing = || Error::config("cat.topic", format!("topic {topic}: expected one that exists, found none"));
    let found = found.ok_or_else(missing)?;
    if let Some(error) = found.error() {
        let why = description(RDKafkaErrorCode::from(error));
        return Err(Error::config("cat.topic", format!("topic {topic}: {why}")));
    }
    let all: Vec<i32> = found.partitions().iter().map(|partition| partition.id()).collect();
    let wanted = |id: &i32| arguments.partition.is_none_or(|partition| partition == *id);
    let partitions: BTreeMap<_, _> = found
        .partitions()
        .iter()
        .filter(|partition| wanted(&partition.id()))
        .map(|partition| (partition.id(), Partition { leader: partition.leader(), next: 0, done: false }))
        .collect();
    if partitions.is_empty() {
        let expected = format!("one of its {} partitions", all.len());
        return Err(Error::config("cat.partition", format!("topic {topic}: expected {expected}, found another in -p")));
    }
    Ok(partitions)
}

fn borrow<'m>(message: &'m BorrowedMessage<'_>, broker: i32) -> Message<'m> {
    let headers = message.headers().map(|headers| headers.iter().map(|header| (header.key, header.value)).collect());
    Message {
        topic: message.topic(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: match message.timestamp() {
            rdkafka::Timestamp::NotAvailable => Timestamp::None,
            rdkafka::Timestamp::CreateTime(millis) => Timestamp::Create(millis),
            rdkafka::Timestamp::LogAppendTime(millis) => Timestamp::LogAppend(millis),
        },
        broker,
        headers,
        key: message.key(),
        value: message.payload(),
    }
}

#[cfg(test)]
mod tests;
