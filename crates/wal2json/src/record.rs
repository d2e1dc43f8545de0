//! What the decoder hands out.

use crate::lsn::Lsn;
use connect_data::frame::{Datum, RecordFrame};

/// Kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// op `c`: an insert, or the second half of a change of the key.
    Create,
    /// op `u`.
    Update,
    /// op `d`: a delete, or the first half of a change of the key.
    Delete,
    /// Null value after a delete.
    Tombstone,
    /// op `r`: a row of a snapshot.
    Read,
    /// op `t`.
    Truncate,
    /// Beginning of a transaction, for its own topic.
    TransactionBegin,
    /// End of a transaction, likewise.
    TransactionEnd,
}

/// A record for Kafka. All images are self-contained; they live until the callback returns.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// `<server>.<schema>.<table>`, invalid characters replaced.
    pub topic: &'a str,
    /// Schema 0 and a null image where there is no key.
    pub key: Datum<'a>,
    /// Schema 0 and a null image for a tombstone.
    pub value: Datum<'a>,
    /// `__debezium.newkey` or `__debezium.oldkey`.
    pub headers: &'a [(&'a str, Datum<'a>)],
    /// Kind.
    pub kind: RecordKind,
    /// Position of the change, or of the frame it came in.
    pub lsn: Lsn,
    /// Transaction.
    pub xid: Option<u64>,
    /// Commit time in microseconds since the epoch.
    pub commit_micros: Option<i64>,
    /// Position of the event in its transaction, from 0; a tombstone has that of its delete. Together with the end of
    /// the last transaction it says where to go on after a crash.
    pub event: u64,
}

impl Record<'_> {
    /// Appends the record in the form of [`RecordFrame`].
    pub fn write_frame(&self, partition: Option<i32>, timestamp: Option<i64>, out: &mut Vec<u8>) {
        RecordFrame::write(self.topic, partition, timestamp, self.key, self.value, self.headers, out);
    }
}
