//! The sink.

use crate::Settings;
use connect_data::{Error, Result, SchemaStore};
use std::sync::Arc;

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

/// What a sink has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Rows sent in INSERT and UPDATE statements.
    pub rows_written: u64,
    /// Keys sent in DELETE statements.
    pub rows_deleted: u64,
    /// DML statements executed.
    pub statements: u64,
    /// Transactions committed.
    pub transactions: u64,
    /// Batches tried again after a failure that may pass.
    pub retries: u64,
    /// Tombstones that changed nothing.
    pub tombstones_ignored: u64,
}

/// A sink task: one connection, one transaction a batch.
pub struct Sink {
    statistics: Statistics,
}

impl Sink {
    /// Connects and checks the server.
    ///
    /// # Errors
    /// Config: access denied, no such database, a server or mode that cannot be worked with. Outage: no answer within
    /// the configured attempts.
    pub async fn open(_settings: Settings, _store: Arc<dyn SchemaStore>) -> Result<Self> {
        Ok(Self { statistics: Statistics::default() })
    }

    /// Writes records in order; when it returns Ok all of them are committed.
    ///
    /// With `rejected`, records at fault are listed there with their position instead of failing the batch.
    ///
    /// # Errors
    /// Data: the record at fault is named. Outage: the server did not recover within `max.retries`.
    pub async fn put(
        &mut self,
        _records: &[SinkRecord<'_>],
        _rejected: Option<&mut Vec<(usize, Error)>>,
    ) -> Result<()> {
        Err(Error::internal("mysql.unfinished", "the sink is not written yet"))
    }

    /// Ends the connection.
    ///
    /// # Errors
    /// Outage: the server was gone already.
    pub async fn close(self) -> Result<()> {
        Ok(())
    }

    /// What was done since [`Self::open`].
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }
}
