//! The source as its host sees it.

use crate::batch::SourceBatch;
use crate::offset::Offset;
use crate::settings::Settings;
use connect_data::{Error, Result, SchemaStore};
use std::sync::Arc;

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
    /// Position of the last message that was decoded.
    pub received_lsn: u64,
    /// Position that the slot was told to be durable.
    pub acknowledged_lsn: u64,
    /// End of the server's log as far as it said.
    pub server_lsn: u64,
    /// Bytes between the server's end of the log and the last message: how much is still to come.
    pub lag_bytes: u64,
    /// Connections that were lost and made again.
    pub reconnects: u64,
}

/// A running source: a task reads rows or the log, decodes, and waits when its queue is full.
pub struct Source {}

impl Source {
    /// Connects, checks the server, and starts to read: from `offset` if there is one, otherwise as `snapshot.mode` says.
    ///
    /// # Errors
    /// Config: what the server or the slot is not set up for; the hint names the statement that changes it. Outage: the
    /// server does not answer, or the slot is in use.
    pub async fn open(settings: Settings, offset: Option<Offset>, store: Arc<dyn SchemaStore>) -> Result<Self> {
        let _ = (settings, offset, store);
        Err(Error::internal("postgres.skeleton", "not there yet"))
    }

    /// Waits for the next records or the next position to store, and fills `batch` with them. Cancel-safe: nothing is
    /// lost if the future is dropped.
    ///
    /// # Errors
    /// What made the source stop; every later call returns it again. Nothing after the last batch was lost: a new source
    /// goes on from the last stored offset.
    pub async fn next(&mut self, batch: &mut SourceBatch) -> Result<()> {
        batch.clear();
        Err(Error::internal("postgres.skeleton", "not there yet"))
    }

    /// All records up to this offset are durable downstream, and it is stored: the slot may forget what is before it.
    pub fn acknowledge(&self, offset: &Offset) {
        let _ = offset;
    }

    /// How far the source is.
    pub fn progress(&self) -> Progress {
        Progress::default()
    }

    /// Stops reading, tells the slot what is durable, and drops it if `slot.drop.on.stop` says so.
    ///
    /// # Errors
    /// Outage: the slot could not be dropped.
    pub async fn close(self) -> Result<()> {
        Ok(())
    }
}
