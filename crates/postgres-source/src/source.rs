//! The source as its host sees it.

use crate::batch::SourceBatch;
use crate::catalog;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::heartbeat::Heartbeat;
use crate::offset::{Offset, Stage};
use crate::server::{Server, Slot};
use crate::settings::{Settings, SnapshotMode};
use crate::snapshot;
use crate::worker::{self, Shared, Worker};
use connect_data::{Error, Result, SchemaStore};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use wal2json::{Decoder, Lsn};

/// How far the source is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whether rows of a snapshot are being read.
    pub in_snapshot: bool,
    /// Tables whose rows were read.
    pub tables_done: u64,
    /// Tables of the snapshot.
    pub tables: u64,
    /// Rows read so far.
    pub rows: u64,
    /// Rows that the server's statistics promise (`reltuples`); 0 = never analysed.
    pub estimated_rows: u64,
    /// Records handed to the queue so far.
    pub records: u64,
    /// Position up to which the log was received.
    pub received_lsn: u64,
    /// Position that the slot was told to be durable.
    pub acknowledged_lsn: u64,
    /// End of the server's log, as last seen.
    pub server_lsn: u64,
    /// Bytes of log between the two: how much is still to come.
    pub lag_bytes: u64,
    /// Times that the stream was begun again.
    pub reconnects: u64,
}

/// A running source: a task reads rows or the log, decodes, and waits when its queue is full. Dropping it ends the task at
/// once; [`Self::close`] does so in order.
pub struct Source {
    settings: Arc<Settings>,
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

impl Source {
    /// Connects, checks the server, and starts to read: from `offset` if there is one, otherwise as `snapshot.mode` says.
    /// To be called inside a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// Config: what the server or the slot is not set up for, or changes that are lost; the hint names what to do.
    /// Outage: the server does not answer, or the slot is in use.
    pub async fn open(settings: Settings, offset: Option<Offset>, store: Arc<dyn SchemaStore>) -> Result<Self> {
        let settings = Arc::new(settings);
        let connection = &settings.connection;
        let connecting = |failure: Failure| failure.into_error("connecting");
        let streams = settings.snapshot != SnapshotMode::InitialOnly;
        let mut sql = Connection::open(connection, false).await.map_err(connecting)?;
        let mut replication = match streams {
            true => Some(Connection::open(connection, true).await.map_err(connecting)?),
            false => None,
        };
        let checking = |failure: Failure| failure.into_error("looking at the server");
        let server = Server::look(&mut sql, replication.as_mut(), &settings).await.map_err(checking)?;
        server.warn(&settings);
        let stored = trusted(&settings, &server, offset.filter(|offset| !offset.in_snapshot()))?;
        let takes_snapshot = match settings.snapshot {
            SnapshotMode::Always => true,
            SnapshotMode::Never => false,
            SnapshotMode::Initial | SnapshotMode::InitialOnly => stored.is_none(),
        };
        if takes_snapshot {
            server.check_readable(&settings)?;
        }
        if server.slot.as_ref().is_some_and(|slot| slot.active_pid.is_some()) && streams {
            wait_for_slot(&mut sql, &settings).await?;
        }
        let types = catalog::types(&mut sql).await.map_err(checking)?;
        let creating = |failure: Failure| failure.into_error("creating the slot");
        let (resume, exported) = match (&server.slot, replication.as_mut()) {
            (_, None) => (server.end, None),
            (Some(slot), Some(_)) => (slot.confirmed.unwrap_or_default(), None),
            (None, Some(replication)) => {
                let (point, name) =
                    Slot::create(replication, &settings.slot, takes_snapshot).await.map_err(creating)?;
                tracing::info!(slot = %settings.slot, point = %point, "slot created");
                (point, Some(name))
            }
        };
        if takes_snapshot {
            if exported.is_none() && streams {
                tracing::warn!(
                    slot = %settings.slot,
                    "the slot is kept, so that no change is missed: rows are read in a transaction of their own, and \
                     changes since {resume} that they show already come again after them"
                );
            }
            snapshot::begin(&mut sql, exported.as_deref()).await.map_err(creating)?;
        }
        if let Some(replication) = replication {
            replication.close(false).await;
        }
        let heartbeat = match settings.heartbeat {
            Some(_) => Some(Heartbeat::new(&settings.heartbeat_topic, &settings.decoder.server_name, store.as_ref())?),
            None => None,
        };
        let mut decoder = Decoder::new(settings.decoder.clone(), catalog::user_types(&types), true, store)?;
        if let Some(offset) = stored.as_ref().filter(|offset| offset.stage == Stage::Streaming) {
            decoder.restart(Some(offset.resume).filter(|resume| *resume != Lsn(0)));
        }
        let shared = Arc::new(Shared::new(&settings));
        let mut position = worker::position(stored.as_ref(), resume, &server.system, &settings);
        if !takes_snapshot && stored.is_none() {
            position.set_stage(Stage::Streaming);
        }
        let worker = Worker {
            position,
            settings: Arc::clone(&settings),
            shared: Arc::clone(&shared),
            decoder,
            types,
            sql: Some(sql),
            batch: SourceBatch::new(),
            heartbeat,
            marked_at: Instant::now(),
            marked: Lsn(0),
            has_progressed: false,
        };
        let task = tokio::spawn(worker.run(takes_snapshot));
        Ok(Self { settings, shared, task: Some(task) })
    }

    /// Waits for the next records or the next position to store, and fills `batch` with them. Cancel-safe: nothing is
    /// lost if the future is dropped. After a snapshot with `initial_only` nothing comes any more.
    ///
    /// # Errors
    /// What made the source stop; every later call returns it again. Nothing was lost: a new source goes on from the
    /// offset that was stored last.
    pub async fn next(&mut self, batch: &mut SourceBatch) -> Result<()> {
        batch.clear();
        self.shared.queue.take(batch).await
    }

    /// All records up to this offset are durable downstream, and it is stored: the slot may forget what is before it.
    pub fn acknowledge(&self, offset: &Offset) {
        if !offset.in_snapshot() {
            self.shared.acknowledged.fetch_max(offset.resume.0, Ordering::AcqRel);
            self.shared.wake.notify_one();
        }
    }

    /// How far the source is.
    pub fn progress(&self) -> Progress {
        let mut now = Progress::default();
        self.shared.progress(|progress| now = progress.clone());
        now
    }

    /// Stops reading, tells the slot what is durable, and drops it if `slot.drop.on.stop` says so.
    ///
    /// # Errors
    /// Outage: the slot could not be dropped.
    pub async fn close(mut self) -> Result<()> {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.wake.notify_one();
        if let Some(task) = self.task.take() {
            // What made it fail was told by next.
            let _: std::result::Result<(), _> = task.await;
        }
        if !self.settings.drop_slot {
            return Ok(());
        }
        let dropping = |failure: Failure| failure.into_error("dropping the slot");
        let mut sql = Connection::open(&self.settings.connection, false).await.map_err(dropping)?;
        if Slot::find(&mut sql, &self.settings.slot).await.map_err(dropping)?.is_none() {
            return Ok(());
        }
        let mut tries = 20;
        loop {
            match Slot::drop(&mut sql, &self.settings.slot).await {
                Err(failure) if failure.is_slot_active() && tries > 0 => tries -= 1,
                dropped => return dropped.map_err(dropping),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// The stored offset, if the slot can go on from it. A snapshot at every start makes good for what cannot be read any
/// more, except for rows that were deleted meanwhile.
fn trusted(settings: &Settings, server: &Server, stored: Option<Offset>) -> Result<Option<Offset>> {
    match server.check_slot(settings, stored.as_ref()) {
        Ok(()) => Ok(stored),
        Err(error)
            if settings.snapshot == SnapshotMode::Always
                && matches!(error.code(), "postgres.gap" | "postgres.slot-missing" | "postgres.other-server") =>
        {
            tracing::warn!(
                code = error.code(),
                "rows that were deleted meanwhile will not be noticed: {}",
                error.message()
            );
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Waits until nobody else reads the slot.
async fn wait_for_slot(sql: &mut Connection, settings: &Settings) -> Result<()> {
    let checking = |failure: Failure| failure.into_error("looking at the slot");
    let budget = settings.slot_retry_delay.saturating_mul(settings.slot_retries);
    let begun = Instant::now();
    loop {
        let slot = Slot::find(sql, &settings.slot).await.map_err(checking)?;
        let Some(pid) = slot.and_then(|slot| slot.active_pid) else { return Ok(()) };
        if begun.elapsed() >= budget {
            let message = format!("slot {}: expected it to be free, found it active for PID {pid}", settings.slot);
            return Err(Error::outage("postgres.slot-active", message)
                .hint("another connection reads this slot: stop it, or use a distinct slot.name for each source"));
        }
        tracing::warn!(slot = %settings.slot, pid, "the slot is active: waiting");
        tokio::time::sleep(settings.slot_retry_delay.min(Duration::from_secs(1))).await;
    }
}
