//! The consumer of a sink: group management, and offsets that are committed only for what the sink has committed.

use super::client::{self, Log};
use crate::config::Topics;
use connect_data::{Properties, Result};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::metadata::MetadataTopic;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A partition of a topic.
pub(crate) type Partition = (Arc<str>, i32);

/// Time for the requests of this module.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a rebalance waits for what the sink is writing. What is not done by then comes again, to the new owner.
const REVOKE_PATIENCE: Duration = Duration::from_secs(30);

/// Connect's choices, then bounds for memory and patience. A process that was killed is missed by its group for
/// `session.timeout.ms`, during which a new one gets no partitions.
const DEFAULTS: &[(&str, &str)] = &[
    ("auto.offset.reset", "earliest"),
    ("isolation.level", "read_committed"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("session.timeout.ms", "10000"),
    ("heartbeat.interval.ms", "3000"),
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("queued.max.messages.kbytes", "2048"),
    ("queued.min.messages", "20000"),
    ("fetch.max.bytes", "2097152"),
    ("reconnect.backoff.max.ms", "2000"),
    ("socket.keepalive.enable", "true"),
];

/// A member of a sink's consumer group. Offsets go back through [`Positions`].
pub(crate) struct Consumer {
    inner: BaseConsumer<Context>,
    topics: Topics,
    /// What is subscribed.
    names: Mutex<BTreeSet<String>>,
}

struct Context {
    log: Log,
    positions: Arc<Positions>,
}

impl Consumer {
    /// Starts a consumer, which connects by itself.
    ///
    /// # Errors
    /// Config: a setting that librdkafka refuses.
    pub(crate) fn open(properties: &Properties, topics: &Topics, positions: Arc<Positions>) -> Result<Self> {
        let mut config = client::config(properties, DEFAULTS);
        config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        let context = Context { log: Log::new("consumer"), positions };
        let inner =
            config.create_with_context(context).map_err(|error| client::error("starting the consumer", &error))?;
        Ok(Self { inner, topics: topics.clone(), names: Mutex::default() })
    }

    /// Waits until a broker has answered. Blocks the thread.
    ///
    /// # Errors
    /// Outage: none did. Config: it refused this client.
    pub(crate) fn reach(&self) -> Result<()> {
        client::reach(self.inner.client(), &self.inner.context().log)
    }

    /// Subscribes to the topics, or to those that match by now. Blocks the thread when topics are given by a pattern.
    ///
    /// # Errors
    /// Outage: no broker answered.
    pub(crate) fn subscribe(&self) -> Result<()> {
        let names: BTreeSet<String> = match &self.topics {
            Topics::Names(names) => names.iter().cloned().collect(),
            Topics::Pattern(_) => {
                let metadata = self.inner.fetch_metadata(None, TIMEOUT);
                let metadata = metadata.map_err(|error| client::error("listing topics", &error))?;
                let names = metadata.topics().iter().map(|topic| topic.name());
                names.filter(|name| self.topics.contains(name)).map(str::to_owned).collect()
            }
        };
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.is_empty() || (self.is_pattern() && *known == names) {
            return Ok(());
        }
        let all: Vec<_> = names.iter().map(String::as_str).collect();
        self.inner.subscribe(&all).map_err(|error| client::error("subscribing", &error))?;
        *known = names;
        Ok(())
    }

    /// Whether [`Self::subscribe`] has to be called again for topics that are made later.
    pub(crate) fn is_pattern(&self) -> bool {
        matches!(self.topics, Topics::Pattern(_))
    }

    /// The next message. Serves rebalances, too, so it has to be called every few minutes at least.
    ///
    /// # Errors
    /// Those after which there is no going on.
    pub(crate) fn poll(&self, timeout: Duration) -> Result<Option<Polled<'_>>> {
        match self.inner.poll(timeout) {
            None => Ok(None),
            Some(Ok(message)) => {
                self.inner.context().log.reachable();
                Ok(Some(Polled::Message(message)))
            }
            Some(Err(KafkaError::MessageConsumption(
                RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic,
            ))) => Ok(Some(Polled::UnknownTopic)),
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => Err(client::error("consuming", &error)),
            Some(Err(error)) => {
                let mapped = client::error("consuming", &error);
                if mapped.kind() == connect_data::ErrorKind::Config {
                    return Err(mapped);
                }
                self.inner.context().log.error(error, mapped.message());
                Ok(None)
            }
        }
    }

    /// Stops fetching, but stays in the group as long as [`Self::poll`] is called; and goes on.
    ///
    /// # Errors
    /// Outage: the library refuses.
    pub(crate) fn pause(&self, pause: bool) -> Result<()> {
        let assigned = self.assignment()?;
        let done = if pause { self.inner.pause(&assigned) } else { self.inner.resume(&assigned) };
        done.map_err(|error| client::error("pausing", &error))
    }

    /// Commits what is not committed yet; if `wait`, everything that is finished, be it for the second time: of commits that
    /// nobody waited for the outcome is not known, and during a rebalance the broker refuses them.
    ///
    /// # Errors
    /// Outage: refused, or not answered if `wait`.
    pub(crate) fn commit(&self, wait: bool) -> Result<()> {
        let mode = if wait { CommitMode::Sync } else { CommitMode::Async };
        commit(&self.inner, &self.inner.context().positions, mode)
            .map_err(|error| client::error("committing offsets", &error))
    }

    /// Whether the group has committed everything that was in its topics when `ends` was filled, which happens on the first
    /// call. Commits what is finished. Blocks the thread.
    ///
    /// # Errors
    /// Outage: no broker answered.
    pub(crate) fn caught_up(&self, ends: &mut BTreeMap<(String, i32), i64>) -> Result<bool> {
        let failed = |error| client::error("asking for offsets", &error);
        if !self.inner.context().positions.is_idle() {
            return Ok(false);
        }
        self.commit(true)?;
        let mut partitions = TopicPartitionList::new();
        for (topic, count) in self.existing()? {
            for partition in 0..count {
                partitions.add_partition(&topic, partition);
                if let Entry::Vacant(place) = ends.entry((topic.clone(), partition)) {
                    let (low, high) = self.inner.fetch_watermarks(&topic, partition, TIMEOUT).map_err(failed)?;
                    // What is empty, or was deleted, is not waited for.
                    place.insert(if low == high { 0 } else { high });
                }
            }
        }
        if partitions.count() == 0 {
            return Ok(true);
        }
        let committed = self.inner.committed_offsets(partitions, TIMEOUT).map_err(failed)?;
        Ok(committed.elements().iter().all(|element| {
            let end = ends.get(&(element.topic().to_owned(), element.partition())).copied().unwrap_or(0);
            let reached = if let Offset::Offset(offset) = element.offset() { offset } else { 0 };
            reached >= end
        }))
    }

    /// The topics that exist, with the number of their partitions.
    fn existing(&self) -> Result<Vec<(String, i32)>> {
        let failed = |error| client::error("listing topics", &error);
        let mut existing = Vec::new();
        let mut add = |topic: &MetadataTopic| {
            if topic.error().is_none() {
                existing.push((topic.name().to_owned(), topic.partitions().len() as i32));
            }
        };
        match &self.topics {
            Topics::Pattern(_) => {
                let metadata = self.inner.fetch_metadata(None, TIMEOUT).map_err(failed)?;
                metadata.topics().iter().filter(|topic| self.topics.contains(topic.name())).for_each(&mut add);
            }
            Topics::Names(names) => {
                for name in names {
                    let metadata = self.inner.fetch_metadata(Some(name), TIMEOUT).map_err(failed)?;
                    metadata.topics().iter().for_each(&mut add);
                }
            }
        }
        Ok(existing)
    }

    fn assignment(&self) -> Result<TopicPartitionList> {
        self.inner.assignment().map_err(|error| client::error("asking for the assignment", &error))
    }
}

/// What [`Consumer::poll`] found.
pub(crate) enum Polled<'a> {
    /// A message.
    Message(BorrowedMessage<'a>),
    /// A topic of the subscription does not exist.
    UnknownTopic,
}

fn commit(consumer: &BaseConsumer<Context>, positions: &Positions, mode: CommitMode) -> KafkaResult<()> {
    let offsets = match mode {
        CommitMode::Async => positions.take(),
        CommitMode::Sync => positions.finished_so_far(),
    };
    if offsets.is_empty() {
        return Ok(());
    }
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for ((topic, partition), offset) in &offsets {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    let committed = consumer.commit(&list, mode);
    if committed.is_err() {
        positions.again(offsets.into_keys());
    }
    committed
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.log.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(error, reason);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                tracing::debug!("Kafka assigns {} partitions", list.count());
                self.positions.assign(partitions(list));
            }
            Rebalance::Revoke(list) => {
                tracing::debug!("Kafka revokes {} partitions", list.count());
                if !consumer.assignment_lost() && list.count() > 0 {
                    if !self.positions.wait_until_idle(REVOKE_PATIENCE) {
                        tracing::warn!("Kafka revokes partitions before their records are written: they come again");
                    }
                    if let Err(error) = commit(consumer, &self.positions, CommitMode::Sync) {
                        tracing::warn!("{}: records come again", client::error("committing offsets", &error));
                    }
                }
                self.positions.revoke(partitions(list));
            }
            Rebalance::Error(error) => tracing::warn!("{}", client::error("rebalancing", error)),
        }
    }
}

fn partitions(list: &TopicPartitionList) -> impl Iterator<Item = Partition> {
    let all: Vec<_> = list.elements().iter().map(|element| (element.topic().into(), element.partition())).collect();
    all.into_iter()
}

/// How far a sink is in each of its partitions: the thread that reads, the one that writes and the rebalance meet here.
#[derive(Default)]
pub(crate) struct Positions {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    assigned: BTreeSet<Partition>,
    /// Offset behind the last record that the sink committed.
    done: BTreeMap<Partition, i64>,
    /// Partitions whose `done` is not committed to Kafka.
    uncommitted: BTreeSet<Partition>,
    /// Batches that the reader handed over and the writer has not finished.
    under_way: usize,
    /// Partitions that were revoked since the reader last asked.
    revoked: Vec<Partition>,
    /// The writer is gone.
    ended: bool,
}

impl Positions {
    /// A batch is handed to the writer.
    pub(crate) fn sent(&self) {
        self.state().under_way += 1;
    }

    /// The sink has committed a batch; `next` are the offsets behind its last record in each partition.
    pub(crate) fn finished(&self, next: impl IntoIterator<Item = (Partition, i64)>) {
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(1);
        for (partition, offset) in next {
            if state.assigned.contains(&partition) {
                state.uncommitted.insert(partition.clone());
                state.done.insert(partition, offset);
            }
        }
        self.idle.notify_all();
    }

    /// Nothing will be finished any more.
    pub(crate) fn end(&self) {
        self.state().ended = true;
        self.idle.notify_all();
    }

    /// Partitions that were taken away since the last call: what is read of them but not handed over is not to be written.
    pub(crate) fn take_revoked(&self) -> Vec<Partition> {
        std::mem::take(&mut self.state().revoked)
    }

    fn assign(&self, partitions: impl Iterator<Item = Partition>) {
        self.state().assigned.extend(partitions);
    }

    fn revoke(&self, partitions: impl Iterator<Item = Partition>) {
        let mut state = self.state();
        for partition in partitions {
            state.assigned.remove(&partition);
            state.done.remove(&partition);
            state.uncommitted.remove(&partition);
            state.revoked.push(partition);
        }
    }

    fn is_idle(&self) -> bool {
        self.state().under_way == 0
    }

    fn wait_until_idle(&self, patience: Duration) -> bool {
        let state = self.state();
        let waiting = |state: &mut State| state.under_way > 0 && !state.ended;
        let (state, _) = self.idle.wait_timeout_while(state, patience, waiting).unwrap_or_else(PoisonError::into_inner);
        state.under_way == 0
    }

    /// All offsets, committed or not.
    fn finished_so_far(&self) -> BTreeMap<Partition, i64> {
        let mut state = self.state();
        state.uncommitted.clear();
        state.done.clone()
    }

    /// The offsets to commit.
    fn take(&self) -> BTreeMap<Partition, i64> {
        let mut state = self.state();
        let uncommitted = std::mem::take(&mut state.uncommitted);
        uncommitted
            .into_iter()
            .filter_map(|partition| {
                let offset = *state.done.get(&partition)?;
                Some((partition, offset))
            })
            .collect()
    }

    /// These were not committed after all.
    fn again(&self, partitions: impl IntoIterator<Item = Partition>) {
        let mut state = self.state();
        for partition in partitions {
            if state.done.contains_key(&partition) {
                state.uncommitted.insert(partition);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32) -> Partition {
        ("t".into(), number)
    }

    #[test]
    fn only_finished_batches_of_own_partitions_are_committed() {
        let positions = Positions::default();
        positions.assign([partition(0), partition(1)].into_iter());
        positions.sent();
        assert!(positions.take().is_empty(), "nothing is written");
        positions.finished([(partition(0), 5), (partition(7), 9)]);
        assert_eq!(positions.take(), BTreeMap::from([(partition(0), 5)]));
        assert!(positions.take().is_empty(), "committed once");
        let all = BTreeMap::from([(partition(0), 5)]);
        assert_eq!(positions.finished_so_far(), all, "perhaps refused");
        positions.finished([(partition(0), 7), (partition(1), 2)]);
        assert_eq!(positions.finished_so_far(), BTreeMap::from([(partition(0), 7), (partition(1), 2)]));
        assert!(positions.take().is_empty());
        positions.finished([(partition(0), 5)]);
        assert_eq!(positions.take(), all);
        positions.again([partition(0)]);
        assert_eq!(positions.take(), BTreeMap::from([(partition(0), 5)]));
    }

    #[test]
    fn a_partition_that_is_gone_is_not_committed() {
        let positions = Positions::default();
        positions.assign([partition(0), partition(1)].into_iter());
        positions.sent();
        positions.sent();
        positions.finished([(partition(0), 5), (partition(1), 6)]);
        positions.revoke([partition(0)].into_iter());
        positions.finished([(partition(0), 8)]);
        assert_eq!(positions.take(), BTreeMap::from([(partition(1), 6)]));
        assert_eq!(positions.take_revoked(), [partition(0)]);
        assert!(positions.take_revoked().is_empty());
        positions.again([partition(0)]);
        assert!(positions.take().is_empty());
    }

    #[test]
    fn a_rebalance_waits_for_what_is_being_written() {
        let positions = Arc::new(Positions::default());
        positions.sent();
        assert!(!positions.wait_until_idle(Duration::from_millis(1)));
        let writer = positions.clone();
        let thread = std::thread::spawn(move || writer.finished([]));
        assert!(positions.wait_until_idle(Duration::from_secs(60)));
        thread.join().unwrap();
        positions.sent();
        positions.end();
        assert!(!positions.wait_until_idle(Duration::from_secs(60)), "a writer that is gone is not waited for");
    }
}
