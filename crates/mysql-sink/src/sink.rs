//! The sink: a batch is one transaction, tried again as a whole where that is safe.

use crate::batch::{Action, Batch, Input};
use crate::fault::Failure;
use crate::plans::{Plans, Wanted};
use crate::server::Server;
use crate::settings::{InsertMode, PkMode, Settings, Tombstones};
use crate::write;
use connect_data::frame::{Datum, RecordFrame};
use connect_data::row_image::Image;
use connect_data::{Error, ErrorKind, Result, SchemaStore};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// One record of a batch.
#[derive(Clone, Copy)]
pub struct SinkRecord<'a> {
    /// [`connect_data::frame::RecordFrame`] bytes; images are self-contained.
    pub frame: &'a [u8],
    /// Topic as Kafka has it, whatever a transformation made of the one in the frame.
    pub topic: &'a str,
    /// Kafka partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

/// What a sink has done since it was opened: only what is committed counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Rows sent in INSERT and UPDATE statements; of several records of one key in a batch, often only the last.
    pub rows_written: u64,
    /// Keys sent in DELETE statements.
    pub rows_deleted: u64,
    /// INSERT, UPDATE and DELETE statements.
    pub statements: u64,
    /// Transactions.
    pub transactions: u64,
    /// Batches tried again after a failure that may pass.
    pub retries: u64,
    /// Tombstones and events that changed nothing: deletes while they are off, deletes from a table that is not there.
    pub tombstones_ignored: u64,
}

/// A sink task: one connection, one transaction a batch.
pub struct Sink {
    settings: Settings,
    store: Arc<dyn SchemaStore>,
    /// `None` after a failure, and while a batch is under way: one that is abandoned takes its connection with it.
    server: Option<Server>,
    plans: Plans,
    batch: Batch,
    sql: Vec<u8>,
    statistics: Statistics,
}

/// A batch that is being tried.
struct Attempt<'a> {
    records: &'a [SinkRecord<'a>],
    /// Every record has its own row, and one that is refused is found.
    careful: bool,
    /// Bad records are listed instead of failing the batch.
    tolerant: bool,
    rejected: Vec<(usize, Error)>,
    counts: Statistics,
}

impl Sink {
    /// Connects and checks the server.
    ///
    /// # Errors
    /// Config: access denied, no such database, a server that cannot be worked with. Outage: no answer within
    /// `connection.attempts`.
    pub async fn open(settings: Settings, store: Arc<dyn SchemaStore>) -> Result<Self> {
        let mut attempt = 1;
        let server = loop {
            match Server::connect(&settings).await {
                Ok(server) => break server,
                Err(Failure::Transient { error, .. }) if attempt < settings.connect_attempts => {
                    tracing::warn!(attempt, %error, "no connection yet");
                    tokio::time::sleep(settings.connect_backoff).await;
                    attempt += 1;
                }
                Err(failure) => return Err(failure.into_error()),
            }
        };
        tracing::info!(
            server = settings.server(),
            mariadb = server.facts.mariadb,
            version = ?server.facts.version,
            max_allowed_packet = server.facts.max_packet,
            "connected"
        );
        Ok(Self {
            settings,
            store,
            server: Some(server),
            plans: Plans::default(),
            batch: Batch::new(),
            sql: Vec::new(),
            statistics: Statistics::default(),
        })
    }

    /// Writes records in order; when it returns Ok all of them are committed.
    ///
    /// With `rejected`, records at fault are listed there, with their position in `records`, instead of failing the batch.
    ///
    /// # Errors
    /// Data: the record at fault is named, and nothing of the batch is written. Config: a table that is missing or does
    /// not fit. Outage: the server did not recover within `max.retries`, or (`mysql.commit-unknown`) the connection was
    /// lost during COMMIT of a batch that cannot be written twice.
    pub async fn put(&mut self, records: &[SinkRecord<'_>], rejected: Option<&mut Vec<(usize, Error)>>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let (mut careful, mut redefined, mut retries) = (false, false, 0);
        loop {
            let mut attempt = Attempt {
                records,
                careful,
                tolerant: rejected.is_some(),
                rejected: Vec::new(),
                counts: Statistics::default(),
            };
            let failure = match self.attempt(&mut attempt).await {
                Ok(()) => {
                    self.count(&attempt.counts, retries);
                    if let Some(rejected) = rejected {
                        attempt.rejected.sort_by_key(|(position, _)| *position);
                        rejected.append(&mut attempt.rejected);
                    }
                    return Ok(());
                }
                Err(failure) => failure,
            };
            match failure {
                Failure::Row(_) if !careful => careful = true,
                Failure::Row(error) | Failure::Fatal(error) => return Err(error),
                Failure::Definition(error) if redefined => return Err(error),
                Failure::Definition(error) => {
                    tracing::warn!(%error, "a table has changed: it is read again");
                    self.plans.clear();
                    redefined = true;
                }
                Failure::Transient { error, quick, .. } => {
                    if retries >= self.settings.max_retries {
                        return Err(given_up(&error, retries));
                    }
                    let pause = backoff(self.settings.retry_backoff, retries, quick);
                    retries += 1;
                    self.statistics.retries += 1;
                    tracing::warn!(%error, retry = retries, pause_ms = pause.as_millis() as u64, "the batch is tried again");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// Ends the connection.
    ///
    /// # Errors
    /// Outage: the server was gone already; everything that was put is committed all the same.
    pub async fn close(self) -> Result<()> {
        match self.server {
            Some(server) => server.disconnect().await,
            None => Ok(()),
        }
    }

    /// What was done since [`Self::open`].
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    fn count(&mut self, counts: &Statistics, retries: u32) {
        let all = &mut self.statistics;
        all.rows_written += counts.rows_written;
        all.rows_deleted += counts.rows_deleted;
        all.statements += counts.statements;
        all.transactions += counts.transactions;
        all.tombstones_ignored += counts.tombstones_ignored;
        if retries > 0 {
            tracing::info!(retries, "the batch is written");
        }
    }

    async fn attempt(&mut self, attempt: &mut Attempt<'_>) -> std::result::Result<(), Failure> {
        let mut server = match self.server.take() {
            Some(server) => server,
            None => Server::connect(&self.settings).await?,
        };
        let done = self.attempt_on(&mut server, attempt).await;
        // After a failure the connection is given up, and its transaction with it. That of a row left it in order.
        if matches!(done, Ok(()) | Err(Failure::Row(_))) {
            self.server = Some(server);
        }
        done
    }

    async fn attempt_on(&mut self, server: &mut Server, attempt: &mut Attempt<'_>) -> std::result::Result<(), Failure> {
        self.batch.start(!attempt.careful, server.facts.max_packet);
        for (at, record) in attempt.records.iter().enumerate() {
            match self.add(server, at, record, &mut attempt.counts).await {
                Ok(()) => {}
                Err(Failure::Row(error) | Failure::Fatal(error)) if error.kind() == ErrorKind::Data => {
                    let error = located(&error, record);
                    if !attempt.tolerant {
                        return Err(Failure::Fatal(error));
                    }
                    attempt.rejected.push((at, error));
                }
                Err(failure) => return Err(failure),
            }
        }
        self.batch.finish(self.plans.all());
        if self.batch.groups().iter().all(|group| group.rows.is_empty()) {
            return Ok(());
        }
        let mut writer = write::Writer {
            server,
            batch: &self.batch,
            plans: self.plans.all(),
            max_rows: self.settings.batch_size,
            sql: &mut self.sql,
            counts: &mut attempt.counts,
        };
        if attempt.careful {
            let records = attempt.records;
            let tolerant = attempt.tolerant;
            let rejected = &mut attempt.rejected;
            writer
                .write_carefully(|record, error| {
                    let error = records.get(record).map_or_else(|| error.clone(), |record| located(error, record));
                    if !tolerant {
                        return Err(error);
                    }
                    rejected.push((record, error));
                    Ok(())
                })
                .await?;
        } else {
            writer.write().await?;
        }
        let committed = server.execute(b"COMMIT").await;
        attempt.counts.transactions += 1;
        match committed {
            Err(Failure::Transient { error, lost: true, .. }) if self.has_inserts() => {
                Err(Failure::Fatal(commit_unknown(&error, attempt.records)))
            }
            other => other,
        }
    }

    /// Whether the batch has rows that must not be written twice.
    fn has_inserts(&self) -> bool {
        self.settings.insert_mode == InsertMode::Insert
            && self.batch.groups().iter().any(|group| group.action == Action::Write && !group.rows.is_empty())
    }

    async fn add(
        &mut self,
        server: &mut Server,
        at: usize,
        record: &SinkRecord<'_>,
        counts: &mut Statistics,
    ) -> std::result::Result<(), Failure> {
        let frame = RecordFrame::read(record.frame)?;
        let (key, value) = (image(&frame.key)?, image(&frame.value)?);
        if value.is_some() && frame.value.schema == 0 {
            return Err(Failure::Row(
                Error::data("mysql.record", "value: expected a struct with a schema, found a value without one").hint(
                    "use a converter with schemas, e.g. AvroConverter, or JsonConverter with schemas.enable=true",
                ),
            ));
        }
        let mut action = Action::Write;
        if value.is_none() {
            match (self.settings.deletes, self.settings.tombstones) {
                (true, _) => action = Action::Delete,
                (false, Tombstones::UpsertKey) => {}
                (false, Tombstones::Skip) => {
                    counts.tombstones_ignored += 1;
                    return Ok(());
                }
                (false, Tombstones::Fail) => {
                    return Err(Failure::Row(
                        Error::data("mysql.tombstone", "value: expected a struct, found null").hint(
                            "set delete.enabled=true, or sink.compat=skip, or drop tombstones with a transformation",
                        ),
                    ));
                }
            }
        }
        let wanted = Wanted {
            topic: frame.topic,
            key: if key.is_some() { frame.key.schema } else { 0 },
            value: if value.is_some() { frame.value.schema } else { 0 },
            headers: &frame.headers,
            deletes: action == Action::Delete,
        };
        let number = match self.plans.find(&self.settings, &wanted) {
            Some(number) => number,
            None => self.plans.make(&self.settings, self.store.as_ref(), server, &wanted).await?,
        };
        let Some((number, plan)) = number.and_then(|n| self.plans.all().get(n as usize).map(|plan| (n, plan))) else {
            counts.tombstones_ignored += 1;
            return Ok(());
        };
        if let (Some(envelope), Some(value)) = (plan.envelope, &value) {
            value.expect_slots(plan.value_slots)?;
            match if value.is_null(envelope.op as usize) { "" } else { value.text(envelope.op as usize)? } {
                "d" if self.settings.deletes => action = Action::Delete,
                "d" | "t" | "m" => {
                    counts.tombstones_ignored += 1;
                    return Ok(());
                }
                _ if value.is_null(envelope.after as usize) => {
                    return Err(Failure::Row(
                        Error::data("mysql.record", "envelope: expected a row after the change, found null")
                            .field("after"),
                    ));
                }
                _ => {}
            }
        }
        let mut headers = Vec::new();
        if self.settings.pk_mode == PkMode::RecordHeader {
            for header in frame.headers.iter() {
                let (_, datum) = header?;
                if datum.schema != 0 {
                    headers.push(Image::new(datum.image, &[])?);
                }
            }
        }
        if let Some(value) = &value {
            value.expect_slots(plan.value_slots)?;
        }
        if let Some(key) = key.as_ref().filter(|_| plan.key_slots != 0) {
            key.expect_slots(plan.key_slots)?;
        }
        let input = Input {
            record: at as u32,
            key,
            value,
            headers: &headers,
            topic: frame.topic,
            partition: record.partition,
            offset: record.offset,
        };
        self.batch.add(plan, number, action, &input, self.settings.placeholder.as_bytes())?;
        Ok(())
    }
}

/// The image of a value that is there.
fn image<'a>(datum: &Datum<'a>) -> Result<Option<Image<'a>>> {
    let image = Image::new(datum.image, &[])?;
    Ok(if image.is_no_value() || image.is_null(0) { None } else { Some(image) })
}

/// Names the record.
fn located(error: &Error, record: &SinkRecord<'_>) -> Error {
    let message = format!("record {}-{}@{}: {}", record.topic, record.partition, record.offset, error.message());
    Error::foreign(
        error.kind(),
        error.code().to_owned(),
        message,
        error.path().cloned().collect(),
        error.hint_text().map(str::to_owned),
    )
}

fn given_up(error: &Error, retries: u32) -> Error {
    let message = format!("MySQL: gave up after {retries} retries: {}", error.message());
    Error::foreign(ErrorKind::Outage, error.code().to_owned(), message, Vec::new(), None)
        .hint("nothing of the batch is committed; offsets stay, so that it comes again")
}

fn commit_unknown(error: &Error, records: &[SinkRecord<'_>]) -> Error {
    let place = |record: Option<&SinkRecord<'_>>| {
        record.map_or_else(String::new, |r| format!("{}-{}@{}", r.topic, r.partition, r.offset))
    };
    Error::outage(
        "mysql.commit-unknown",
        format!(
            "the connection was lost during COMMIT of the records from {} to {}, so that nobody knows whether they are in the table: {}",
            place(records.first()),
            place(records.last()),
            error.message()
        ),
    )
    .hint("insert.mode=insert would write them twice: look whether they are there before the sink goes on; insert.mode=upsert needs no such care")
}

/// Between half and one and a half of the back-off; after deadlocks it begins with 50 ms and doubles.
fn backoff(full: Duration, retries: u32, quick: bool) -> Duration {
    let base = if quick { full.min(Duration::from_millis(50 << retries.min(10))) } else { full };
    let random = RandomState::new().hash_one(retries) % 1024;
    base / 2 + base * random as u32 / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_vary() {
        let full = Duration::from_secs(3);
        for retries in 0..20 {
            let pause = backoff(full, retries, false);
            assert!(pause >= full / 2 && pause < full * 3 / 2);
            assert!(backoff(full, retries, true) < Duration::from_millis(75 << retries.min(10)).max(full * 3 / 2));
        }
        assert!(backoff(full, 0, true) < Duration::from_millis(75));
        assert_eq!(backoff(Duration::ZERO, 3, true), Duration::ZERO);
    }

    #[test]
    fn a_task_may_live_on_any_thread() {
        fn is_send<T: Send>(_: &T) {}
        fn put(sink: &mut Sink) {
            is_send(&sink.put(&[], None));
        }
        let _ = put;
    }
}
