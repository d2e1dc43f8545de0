//! What a call of [`crate::Source::next`] fills: record frames in one buffer, and where to go on after them.

use crate::offset::Offset;
use wal2json::{Record, RecordKind};

/// Records in the order of the log, and the position behind them.
///
/// A batch is reused: [`crate::Source::next`] takes its memory for a later one.
#[derive(Debug, Default)]
pub struct SourceBatch {
    bytes: Vec<u8>,
    records: Vec<Entry>,
    /// Positions inside the batch: how many records each stands behind. Ascending; the last one stands behind all.
    offsets: Vec<(u32, Offset)>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    end: usize,
    kind: Option<RecordKind>,
}

impl SourceBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of records; 0 if only the position moved.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes of all records.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The record, in the form of [`connect_data::frame::RecordFrame`].
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = self.records.get(index)?.end;
        let start = match index.checked_sub(1) {
            None => 0,
            Some(before) => self.records.get(before)?.end,
        };
        self.bytes.get(start..end)
    }

    /// Kind of the record; `None` for a heartbeat.
    pub fn kind(&self, index: usize) -> Option<RecordKind> {
        self.records.get(index)?.kind
    }

    /// All records, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.records.len()).filter_map(|index| self.get(index))
    }

    /// What to store once all records of this batch are durable. Never `None` in a batch that
    /// [`crate::Source::next`] filled.
    pub fn offset(&self) -> Option<&Offset> {
        self.offsets.last().map(|(_, offset)| offset)
    }

    /// What may be stored once record `index` and all before it are durable: the last position that is not behind it.
    /// `None`: nothing new yet.
    pub fn offset_after(&self, index: usize) -> Option<&Offset> {
        let known = self.offsets.partition_point(|(records, _)| *records as usize <= index + 1);
        self.offsets.get(known.checked_sub(1)?).map(|(_, offset)| offset)
    }

    /// Forgets everything but the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
        self.offsets.clear();
    }

    /// Appends a record.
    pub(crate) fn push(&mut self, record: &Record<'_>) {
        record.write_frame(None, None, &mut self.bytes);
        self.records.push(Entry { end: self.bytes.len(), kind: Some(record.kind) });
    }

    /// Appends a record that no row is behind: `write` appends its frame.
    pub(crate) fn push_frame(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.records.push(Entry { end: self.bytes.len(), kind: None });
    }

    /// Notes the position behind all records so far; a later one at the same place takes over.
    pub(crate) fn mark(&mut self, offset: Offset) {
        let records = self.records.len() as u32;
        if self.offsets.last().is_some_and(|(at, _)| *at == records) {
            self.offsets.pop();
        }
        self.offsets.push((records, offset));
    }

    /// Takes back the records from `len` on: what an interrupted call left.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.records.truncate(len);
        self.bytes.truncate(self.records.last().map_or(0, |entry| entry.end));
        self.offsets.retain(|(records, _)| *records as usize <= len);
    }
}
