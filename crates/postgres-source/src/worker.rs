//! The task behind a source: rows of the snapshot, then the stream, and what is common to both.

use crate::batch::SourceBatch;
use crate::catalog::{self, Types};
use crate::connection::Connection;
use crate::failure::{Failure, PgResult};
use crate::heartbeat::Heartbeat;
use crate::offset::{Offset, Stage};
use crate::position::Position;
use crate::queue::Queue;
use crate::settings::{FailureMode, Settings, SnapshotMode};
use crate::source::Progress;
use connect_data::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use wal2json::{Decoder, Lsn, TableId};

/// Bytes of one batch, more or less.
pub(crate) const BATCH_BYTES: usize = 512 << 10;
/// The first wait before connecting again.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// What the task and its caller share.
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    /// Position up to which everything is durable and stored.
    pub(crate) acknowledged: AtomicU64,
    pub(crate) stopping: AtomicBool,
    /// Something of the above changed.
    pub(crate) wake: Notify,
    pub(crate) progress: Mutex<Progress>,
}

impl Shared {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            queue: Queue::new(settings.queue_records, settings.queue_bytes),
            acknowledged: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            wake: Notify::new(),
            progress: Mutex::new(Progress::default()),
        }
    }

    pub(crate) fn progress(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn acknowledged(&self) -> Lsn {
        Lsn(self.acknowledged.load(Ordering::Acquire))
    }

    /// Waits until the caller wants to stop.
    pub(crate) async fn stopped(&self) {
        while !self.is_stopping() {
            self.wake.notified().await;
        }
    }
}

/// How a phase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// There is nothing more to do in it.
    Done,
    /// The caller wants to stop.
    Stopped,
}

/// See the module.
pub(crate) struct Worker {
    pub(crate) settings: Arc<Settings>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) decoder: Decoder,
    pub(crate) types: Types,
    /// For the catalogue; `None` after it was lost.
    pub(crate) sql: Option<Connection>,
    pub(crate) position: Position,
    pub(crate) batch: SourceBatch,
    pub(crate) heartbeat: Option<Heartbeat>,
    /// When the last offset went into the queue.
    pub(crate) marked_at: Instant,
    /// Position of the last offset that went into the queue.
    pub(crate) marked: Lsn,
    /// Whether the stream has come on since the last connection was made.
    pub(crate) has_progressed: bool,
}

impl Worker {
    /// Does everything until the caller stops it or something goes wrong for good.
    pub(crate) async fn run(mut self, snapshot: bool) {
        let ended = self.phases(snapshot).await;
        if let Err(error) = ended {
            // What was decoded before is good.
            if !self.batch.is_empty() {
                self.mark();
                let _: bool = self.deliver().await;
            }
            tracing::error!(code = error.code(), "{error}");
            self.shared.queue.fail(error);
        }
    }

    async fn phases(&mut self, snapshot: bool) -> Result<()> {
        if snapshot && self.snapshot_with_retries().await? == Ended::Stopped {
            return Ok(());
        }
        if self.settings.snapshot == SnapshotMode::InitialOnly {
            self.shared.stopped().await;
            return Ok(());
        }
        let mut retries = Retries::default();
        loop {
            let failure = match self.stream().await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            self.sql = None;
            if std::mem::take(&mut self.has_progressed) {
                retries = Retries::default();
            }
            self.wait_or_give_up(failure, &mut retries, "reading the log").await?;
            if self.shared.is_stopping() {
                return Ok(());
            }
            self.position.begin_again();
            let last = self.decoder.last_commit();
            self.decoder.restart(last);
            self.shared.progress(|progress| progress.reconnects += 1);
        }
    }

    async fn snapshot_with_retries(&mut self) -> Result<Ended> {
        let mut retries = Retries::default();
        loop {
            let failure = match self.snapshot().await {
                Ok(ended) => return Ok(ended),
                Err(failure) => failure,
            };
            self.sql = None;
            self.wait_or_give_up(failure, &mut retries, "reading rows for the snapshot").await?;
            if self.shared.is_stopping() {
                return Ok(Ended::Stopped);
            }
            tracing::warn!("the snapshot begins again: its rows come twice");
        }
    }

    /// Waits before the next try, or returns the error if there is no sense or no budget left for one.
    async fn wait_or_give_up(&self, failure: Failure, retries: &mut Retries, doing: &str) -> Result<()> {
        if !failure.is_passing() {
            return Err(failure.into_error(doing));
        }
        let Some(wait) = retries.next(&failure, &self.settings) else { return Err(failure.into_error(doing)) };
        tracing::warn!(wait_ms = wait.as_millis() as u64, "{doing}: {failure}; trying again");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.shared.stopped() => {}
        }
        Ok(())
    }

    /// Notes the position behind the records so far.
    pub(crate) fn mark(&mut self) {
        let offset = self.position.offset();
        self.marked = offset.resume;
        self.marked_at = Instant::now();
        self.batch.mark(offset);
    }

    /// Hands the batch to the queue; `false` if the caller wants to stop instead.
    pub(crate) async fn deliver(&mut self) -> bool {
        let records = self.batch.len() as u64;
        while !self.shared.queue.push(&mut self.batch) {
            tokio::select! {
                () = self.shared.queue.room() => {}
                () = self.shared.stopped() => return false,
            }
        }
        self.shared.progress(|progress| progress.records += records);
        true
    }

    /// Whether the batch should go.
    pub(crate) fn is_full(&self) -> bool {
        self.batch.len() >= self.settings.batch_records || self.batch.byte_len() >= BATCH_BYTES
    }

    /// The connection for the catalogue.
    pub(crate) async fn sql(&mut self) -> PgResult<&mut Connection> {
        let connection = match self.sql.take() {
            Some(connection) => connection,
            None => Connection::open(&self.settings.connection, false).await?,
        };
        Ok(self.sql.insert(connection))
    }

    /// Tells the decoder what a table looks like now, and the types that it may use.
    pub(crate) async fn describe(&mut self, id: &TableId) -> PgResult<()> {
        let settings = Arc::clone(&self.settings);
        let sql = self.sql().await?;
        let answer = catalog::answer(sql, id, &settings.filters).await?;
        let types = catalog::types(sql).await?;
        self.set_types(types);
        tracing::debug!(table = %id, known = ?matches!(answer, wal2json::TableAnswer::Known(_)), "table described");
        self.decoder.set_table(id, answer);
        Ok(())
    }

    pub(crate) fn set_types(&mut self, types: Types) {
        if types != self.types {
            self.decoder.set_types(catalog::user_types(&types));
            self.types = types;
        }
    }

    pub(crate) fn warn_left_out(&self, id: &TableId) {
        let columns = self.decoder.left_out(id);
        if !columns.is_empty() {
            tracing::warn!(
                table = %id, ?columns,
                "columns of types that are not mapped are left out: see include.unknown.datatypes"
            );
        }
    }

    /// What becomes of a change that cannot be represented: `Ok` if it is left out.
    pub(crate) fn on_bad_change(&self, error: Error) -> Result<()> {
        if error.kind() != ErrorKind::Data {
            return Err(error);
        }
        match self.settings.failure {
            FailureMode::Fail => Err(error),
            FailureMode::Warn => {
                tracing::warn!(code = error.code(), "a change is left out: {error}");
                Ok(())
            }
            FailureMode::Skip => {
                tracing::debug!(code = error.code(), "a change is left out: {error}");
                Ok(())
            }
        }
    }

    /// Puts an offset without records into the queue.
    pub(crate) async fn announce(&mut self, stage: Stage) -> bool {
        self.position.set_stage(stage);
        self.mark();
        self.deliver().await
    }
}

/// Tries in a row.
#[derive(Default)]
struct Retries {
    count: u32,
    of_active_slot: u32,
}

impl Retries {
    /// How long to wait before the next try; `None` = that was the last one.
    fn next(&mut self, failure: &Failure, settings: &Settings) -> Option<Duration> {
        if failure.is_slot_active() {
            self.of_active_slot += 1;
            return (self.of_active_slot <= settings.slot_retries).then_some(settings.slot_retry_delay);
        }
        self.count += 1;
        let doubled = FIRST_WAIT.saturating_mul(1 << (self.count - 1).min(16));
        settings.retries.is_none_or(|most| self.count <= most).then(|| doubled.min(settings.retry_wait))
    }
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    now_micros() / 1_000
}

pub(crate) fn now_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

/// A fingerprint of what decides how many records a transaction becomes.
pub(crate) fn basis(settings: &Settings) -> Arc<str> {
    let text = format!("{:?} {:?} {:?}", settings.format, settings.filters, settings.decoder);
    let hash = text
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    format!("{hash:016x}").into()
}

/// Where to begin.
pub(crate) fn position(offset: Option<&Offset>, resume: Lsn, system: &Arc<str>, settings: &Settings) -> Position {
    let (system, basis) = (Arc::clone(system), basis(settings));
    match offset.filter(|offset| offset.stage != Stage::Snapshot) {
        Some(offset) => Position::from_offset(offset, system, basis),
        None => Position::new(Stage::SnapshotDone, resume, system, basis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::ServerError;
    use connect_data::Properties;

    fn settings(extra: &[(&str, &str)]) -> Settings {
        let base = [
            ("database.hostname", "h"),
            ("database.user", "u"),
            ("database.dbname", "d"),
            ("database.server.name", "s"),
        ];
        Settings::parse(&base.iter().chain(extra).copied().collect::<Properties>()).unwrap()
    }

    #[test]
    fn waits_double_up_to_the_longest_and_end_with_the_budget() {
        let settings = settings(&[("errors.max.retries", "4"), ("retriable.restart.connector.wait.ms", "900")]);
        let gone = Failure::Io("gone".to_owned());
        let mut retries = Retries::default();
        let waits: Vec<_> = (0..5).map(|_| retries.next(&gone, &settings).map(|wait| wait.as_millis())).collect();
        assert_eq!(waits, [Some(250), Some(500), Some(900), Some(900), None]);
    }

    #[test]
    fn an_active_slot_has_a_budget_of_its_own() {
        let settings = settings(&[("slot.max.retries", "1"), ("slot.retry.delay.ms", "7")]);
        let message = "replication slot \"s\" is active for PID 9".to_owned();
        let active = Failure::Server(ServerError { code: "55006".to_owned(), message });
        let mut retries = Retries::default();
        assert_eq!(retries.next(&active, &settings), Some(Duration::from_millis(7)));
        assert_eq!(retries.next(&active, &settings), None);
    }

    #[test]
    fn the_basis_changes_with_what_decides_the_number_of_records() {
        let plain = basis(&settings(&[]));
        assert_eq!(plain, basis(&settings(&[("max.batch.size", "7")])));
        assert_ne!(plain, basis(&settings(&[("tombstones.on.delete", "false")])));
        assert_ne!(plain, basis(&settings(&[("table.include.list", "a.b")])));
    }
}
