//! Records on their way to a sink.

use super::errors::Failure;
use connect_data::wire::Reader;
use mysql_sink::SinkRecord;
use postgres_source::Offset;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A batch is handed over at this many records, or bytes.
pub(crate) const MAX_RECORDS: usize = 10_000;
/// See [`MAX_RECORDS`].
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// Records that are written in one transaction, and what the transaction makes durable.
#[derive(Default)]
pub(crate) struct Batch {
    /// [`connect_data::frame::RecordFrame`] bytes, one after the other.
    frames: Vec<u8>,
    entries: Vec<Entry>,
    /// What did not come so far, for the dead-letter queue.
    pub(crate) failed: Vec<Failed>,
    /// Kafka's own bytes of the records, if there is a dead-letter queue.
    raw: Vec<u8>,
    /// Offsets behind the last record in each partition.
    pub(crate) next: BTreeMap<(Arc<str>, i32), i64>,
    /// How far the source is behind this batch, in a direct run.
    pub(crate) offset: Option<Offset>,
    /// Records that came in, those that were left out included.
    pub(crate) taken: u64,
}

struct Entry {
    end: usize,
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    raw: Option<RawRange>,
}

/// A record that failed.
pub(crate) struct Failed {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) failure: Failure,
    raw: Option<RawRange>,
}

/// Where a record's bytes are.
#[derive(Clone)]
pub(crate) struct RawRange {
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
    timestamp: Option<i64>,
}

/// A record as Kafka has it. `headers` is in the form of [`connect_data::frame::RawHeaders`].
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: &'a [u8],
    pub(crate) timestamp: Option<i64>,
}

impl<'a> Raw<'a> {
    /// Names and values.
    pub(crate) fn headers(&self) -> Vec<(&'a str, Option<&'a [u8]>)> {
        let mut r = Reader::new(self.headers);
        let count = if self.headers.is_empty() { 0 } else { r.u32().unwrap_or(0) };
        (0..count).map_while(|_| Some((r.str().ok()?, r.opt_bytes().ok()?))).collect()
    }
}

/// Where a record was.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) topic: &'a Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

impl Batch {
    /// Number of records to write.
    pub(crate) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing came in at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.taken == 0 && self.offset.is_none()
    }

    /// Whether it is to be handed over before it grows further.
    pub(crate) fn is_full(&self) -> bool {
        self.taken as usize >= MAX_RECORDS || self.frames.len() + self.raw.len() >= MAX_BYTES
    }

    /// Forgets everything but the memory.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.entries.clear();
        self.failed.clear();
        self.raw.clear();
        self.next.clear();
        self.offset = None;
        self.taken = 0;
    }

    /// Where frames are appended; [`Self::push`] makes one of what was.
    pub(crate) fn frames(&mut self) -> &mut Vec<u8> {
        &mut self.frames
    }

    /// Keeps a record's own bytes.
    pub(crate) fn keep(&mut self, raw: Raw<'_>) -> RawRange {
        let mut append = |bytes: &[u8]| {
            let start = self.raw.len();
            self.raw.extend_from_slice(bytes);
            start..self.raw.len()
        };
        RawRange {
            key: raw.key.map(&mut append),
            value: raw.value.map(&mut append),
            headers: append(raw.headers),
            timestamp: raw.timestamp,
        }
    }

    /// The frame that was appended last belongs to this record.
    pub(crate) fn push(&mut self, place: Place<'_>, raw: Option<RawRange>) {
        let Place { topic, partition, offset } = place;
        self.entries.push(Entry { end: self.frames.len(), topic: topic.clone(), partition, offset, raw });
    }

    /// This record failed; what was appended of it is taken back.
    pub(crate) fn fail(&mut self, place: Place<'_>, raw: Option<RawRange>, failure: Failure) {
        self.take_back();
        let Place { topic, partition, offset } = place;
        self.failed.push(Failed { topic: topic.clone(), partition, offset, failure, raw });
    }

    /// Takes back what was appended without becoming a record.
    pub(crate) fn take_back(&mut self) {
        self.frames.truncate(self.entries.last().map_or(0, |entry| entry.end));
    }

    /// A record came in, whatever became of it.
    pub(crate) fn took(&mut self, place: Place<'_>) {
        self.taken += 1;
        match self.next.get_mut(&(place.topic.clone(), place.partition)) {
            Some(next) => *next = place.offset + 1,
            None => {
                self.next.insert((place.topic.clone(), place.partition), place.offset + 1);
            }
        }
    }

    /// The records, for a sink.
    pub(crate) fn records(&self) -> Vec<SinkRecord<'_>> {
        let mut start = 0;
        self.entries
            .iter()
            .map(|entry| {
                let frame = self.frames.get(start..entry.end).unwrap_or_default();
                start = entry.end;
                SinkRecord { frame, topic: &entry.topic, partition: entry.partition, offset: entry.offset }
            })
            .collect()
    }

    /// A record that the sink refused.
    pub(crate) fn refused(&self, index: usize, failure: Failure) -> Option<Failed> {
        let entry = self.entries.get(index)?;
        let (topic, raw) = (entry.topic.clone(), entry.raw.clone());
        Some(Failed { topic, partition: entry.partition, offset: entry.offset, failure, raw })
    }

    /// A failed record's own bytes, if they were kept.
    pub(crate) fn raw(&self, failed: &Failed) -> Option<Raw<'_>> {
        let raw = failed.raw.as_ref()?;
        let bytes = |range: &Range<usize>| self.raw.get(range.clone()).unwrap_or_default();
        Some(Raw {
            key: raw.key.as_ref().map(bytes),
            value: raw.value.as_ref().map(bytes),
            headers: bytes(&raw.headers),
            timestamp: raw.timestamp,
        })
    }

    /// Leaves out the records of partitions that belong to somebody else now.
    pub(crate) fn without(&mut self, partitions: &[(Arc<str>, i32)]) {
        let gone = |topic: &Arc<str>, partition: i32| partitions.iter().any(|p| p.0 == *topic && p.1 == partition);
        if !self.next.keys().any(|(topic, partition)| gone(topic, *partition)) {
            return;
        }
        let mut kept = Vec::with_capacity(self.frames.len());
        let mut start = 0;
        let frames = std::mem::take(&mut self.frames);
        self.entries.retain_mut(|entry| {
            let frame = frames.get(start..entry.end).unwrap_or_default();
            start = entry.end;
            if gone(&entry.topic, entry.partition) {
                return false;
            }
            kept.extend_from_slice(frame);
            entry.end = kept.len();
            true
        });
        self.frames = kept;
        self.failed.retain(|failed| !gone(&failed.topic, failed.partition));
        self.next.retain(|(topic, partition), _| !gone(topic, *partition));
    }
}

#[cfg(test)]
mod tests {
    use super::super::errors::Stage;
    use super::*;
    use connect_data::Error;
    use connect_data::frame::RawHeaders;

    fn put(batch: &mut Batch, topic: &Arc<str>, partition: i32, offset: i64, frame: &[u8], value: &[u8]) {
        let place = Place { topic, partition, offset };
        batch.took(place);
        let mut headers = Vec::new();
        RawHeaders::write(&[("h", Some(b"1"))], &mut headers);
        let raw = Raw { key: None, value: Some(value), headers: &headers, timestamp: Some(5) };
        let raw = batch.keep(raw);
        batch.frames().extend_from_slice(frame);
        batch.push(place, Some(raw));
    }

    #[test]
    fn records_of_lost_partitions_are_left_out() {
        let topic: Arc<str> = "t".into();
        let mut batch = Batch::default();
        put(&mut batch, &topic, 0, 3, b"one", b"1");
        put(&mut batch, &topic, 1, 7, b"two", b"2");
        put(&mut batch, &topic, 0, 4, b"three", b"3");
        batch.without(&[(topic.clone(), 2)]);
        assert_eq!(batch.count(), 3);
        batch.without(&[(topic.clone(), 0)]);
        let records = batch.records();
        assert_eq!((records.len(), records[0].frame, records[0].offset), (1, &b"two"[..], 7));
        assert_eq!(batch.next, BTreeMap::from([((topic, 1), 8)]));
    }

    #[test]
    fn what_fails_leaves_no_frame_and_keeps_its_bytes() {
        let topic: Arc<str> = "t".into();
        let mut batch = Batch::default();
        put(&mut batch, &topic, 0, 3, b"one", b"1");
        let place = Place { topic: &topic, partition: 0, offset: 4 };
        batch.took(place);
        let raw = batch.keep(Raw { key: Some(b"k"), value: None, headers: &[], timestamp: None });
        batch.frames().extend_from_slice(b"half a fr");
        let failure = Failure::new(Stage::ValueConverter, "C", Error::data("a.b", "bad"));
        batch.fail(place, Some(raw), failure.clone());
        put(&mut batch, &topic, 0, 5, b"two", b"2");
        assert_eq!(batch.records().iter().map(|record| record.frame).collect::<Vec<_>>(), [&b"one"[..], b"two"]);
        let raw = batch.raw(&batch.failed[0]).unwrap();
        assert_eq!((raw.key, raw.value, raw.headers().len()), (Some(&b"k"[..]), None, 0));
        let refused = batch.refused(1, failure).unwrap();
        let raw = batch.raw(&refused).unwrap();
        assert_eq!((raw.value, raw.timestamp, raw.headers()), (Some(&b"2"[..]), Some(5), vec![("h", Some(&b"1"[..]))]));
        assert_eq!((batch.next[&(topic, 0)], batch.taken), (6, 3));
        batch.clear();
        assert!(batch.is_empty() && batch.records().is_empty());
    }
}
