//! Where the stream is: what was handed out, what a restart has to leave out, and the offset that says so.

use crate::offset::{Offset, Stage};
use std::sync::Arc;
use wal2json::{Lsn, Record};

/// How far a transaction was handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Within {
    tx_id: Option<u64>,
    /// Position of the last record.
    lsn: Lsn,
    /// Records with this position, one by one; 0 = between transactions.
    records: u64,
}

/// What [`Position::restore`] goes back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saved {
    stage: Stage,
    ts_usec: Option<i64>,
    seen: Within,
    delivered: Option<Within>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Position {
    system: Arc<str>,
    basis: Arc<str>,
    stage: Stage,
    resume: Lsn,
    ts_usec: Option<i64>,
    /// Since the stream began (again).
    seen: Within,
    /// What was handed out of an unfinished transaction before the stream began again and has not come again yet.
    delivered: Option<Within>,
}

impl Position {
    /// A stream that begins at `resume`, after a snapshot if there was one.
    pub(crate) fn new(stage: Stage, resume: Lsn, system: Arc<str>, basis: Arc<str>) -> Self {
        let seen = Within { lsn: resume, ..Within::default() };
        Self { system, basis, stage, resume, ts_usec: None, seen, delivered: None }
    }

    /// Goes on from a stored offset.
    pub(crate) fn from_offset(offset: &Offset, system: Arc<str>, basis: Arc<str>) -> Self {
        let mut position = Self::new(offset.stage, offset.resume, system, basis);
        position.ts_usec = offset.ts_usec;
        position.seen = Within { tx_id: offset.tx_id, lsn: offset.lsn, records: offset.records };
        if offset.records > 0 && offset.basis.as_ref() != Some(&position.basis) {
            tracing::warn!("settings changed in the middle of a transaction: all of it is handed out again");
            position.seen.records = 0;
        }
        position.begin_again();
        position
    }

    /// What the rows of a snapshot say of themselves.
    pub(crate) fn describe_snapshot(&mut self, tx_id: Option<u64>, ts_usec: i64) {
        (self.seen.tx_id, self.ts_usec) = (tx_id, Some(ts_usec));
    }

    pub(crate) fn set_stage(&mut self, stage: Stage) {
        self.stage = stage;
    }

    /// The stream comes again from [`Self::resume`].
    pub(crate) fn begin_again(&mut self) {
        if self.delivered.is_none() && self.seen.records > 0 && self.seen.tx_id.is_some() {
            self.delivered = Some(self.seen);
        }
        self.seen.records = 0;
    }

    /// Before a message whose records may have to be taken back.
    pub(crate) fn save(&self) -> Saved {
        Saved { stage: self.stage, ts_usec: self.ts_usec, seen: self.seen, delivered: self.delivered }
    }

    /// The records since then were not handed out.
    pub(crate) fn restore(&mut self, saved: Saved) {
        let Saved { stage, ts_usec, seen, delivered } = saved;
        (self.stage, self.ts_usec, self.seen, self.delivered) = (stage, ts_usec, seen, delivered);
    }

    /// From where the log is needed.
    pub(crate) fn resume(&self) -> Lsn {
        self.resume
    }

    /// Counts a record; `false` if it was handed out before.
    pub(crate) fn admit(&mut self, record: &Record<'_>) -> bool {
        self.ts_usec = record.commit_micros;
        self.count(record.lsn, record.xid)
    }

    fn count(&mut self, lsn: Lsn, tx_id: Option<u64>) -> bool {
        self.stage = Stage::Streaming;
        let before = if (self.seen.lsn, self.seen.tx_id) == (lsn, tx_id) { self.seen.records } else { 0 };
        self.seen = Within { tx_id, lsn, records: before + 1 };
        let Some(delivered) = self.delivered else { return true };
        // A transaction comes in the order of its positions.
        if delivered.tx_id == tx_id && (lsn, self.seen.records) <= (delivered.lsn, delivered.records) {
            return false;
        }
        self.delivered = None;
        true
    }

    /// A transaction was handed out to its end.
    pub(crate) fn complete(&mut self, end: Lsn) {
        self.stage = Stage::Streaming;
        if self.seen.records > 0 {
            self.delivered = None;
        }
        self.resume = self.resume.max(end);
        (self.seen.lsn, self.seen.records) = (self.resume, 0);
    }

    /// Between two transactions: the server has nothing for us before `end`. Whether that is news.
    pub(crate) fn idle(&mut self, end: Lsn) -> bool {
        if end <= self.resume || self.seen.records > 0 || self.delivered.is_some() {
            return false;
        }
        self.complete(end);
        true
    }

    /// What to store when everything up to here is durable.
    pub(crate) fn offset(&self) -> Offset {
        let mut within = self.delivered.unwrap_or(self.seen);
        if self.stage != Stage::Streaming {
            // A snapshot that was asked for again: what comes after it is stored as coming from its beginning.
            (within.lsn, within.records) = (self.resume, 0);
        }
        Offset {
            stage: self.stage,
            resume: self.resume,
            lsn: within.lsn.max(self.resume),
            records: within.records,
            basis: Some(Arc::clone(&self.basis)),
            tx_id: within.tx_id,
            ts_usec: self.ts_usec,
            system: Some(Arc::clone(&self.system)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Position {
        Position::new(Stage::SnapshotDone, Lsn(100), "7".into(), "b".into())
    }

    /// A transaction as (position, number) of its records; what of it is handed out.
    fn hand_out(position: &mut Position, tx_id: u64, records: &[u64]) -> Vec<usize> {
        let admitted = records.iter().enumerate().filter(|(_, lsn)| position.count(Lsn(**lsn), Some(tx_id)));
        admitted.map(|(at, _)| at).collect()
    }

    /// An insert, three rows of a COPY at one position, an update.
    const RECORDS: [u64; 5] = [110, 120, 120, 120, 130];

    #[test]
    fn a_restart_within_a_transaction_leaves_out_what_was_handed_out() {
        for handed_out in 0..=RECORDS.len() {
            let mut first = position();
            assert_eq!(hand_out(&mut first, 5, &RECORDS[..handed_out]).len(), handed_out);
            let stored = Offset::from_json(&first.offset().to_json()).unwrap();
            assert_eq!(stored, first.offset());
            let mut second = Position::from_offset(&stored, "7".into(), "b".into());
            assert_eq!(second.resume(), Lsn(100));
            let expected: Vec<_> = (handed_out..RECORDS.len()).collect();
            assert_eq!(hand_out(&mut second, 5, &RECORDS), expected, "{handed_out}");
            second.complete(Lsn(140));
            assert_eq!((second.offset().resume, second.offset().records), (Lsn(140), 0));
            // Positions of the next transaction may be lower: it began earlier.
            assert_eq!(hand_out(&mut second, 4, &[105, 120]), [0, 1]);
        }
    }

    #[test]
    fn an_interruption_while_catching_up_changes_nothing() {
        let mut position = position();
        hand_out(&mut position, 5, &RECORDS[..4]);
        for _ in 0..2 {
            position.begin_again();
            assert!(hand_out(&mut position, 5, &RECORDS[..2]).is_empty());
            assert_eq!((position.offset().lsn, position.offset().records), (Lsn(120), 3));
            assert!(!position.idle(Lsn(500)));
        }
        position.begin_again();
        assert_eq!(hand_out(&mut position, 5, &RECORDS), [4]);
    }

    #[test]
    fn other_transactions_and_other_settings_are_handed_out_completely() {
        let mut first = position();
        hand_out(&mut first, 5, &RECORDS[..4]);
        let stored = first.offset();
        let mut other = Position::from_offset(&stored, "7".into(), "b".into());
        assert_eq!(hand_out(&mut other, 6, &RECORDS), [0, 1, 2, 3, 4]);
        let mut changed = Position::from_offset(&stored, "7".into(), "c".into());
        assert_eq!(hand_out(&mut changed, 5, &RECORDS), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_snapshot_that_is_taken_again_stores_nothing_of_the_transaction_before_it() {
        let mut first = position();
        hand_out(&mut first, 5, &RECORDS[..2]);
        let mut again = Position::from_offset(&first.offset(), "7".into(), "b".into());
        again.set_stage(Stage::Snapshot);
        let stored = again.offset();
        assert_eq!((stored.resume, stored.lsn, stored.records), (Lsn(100), Lsn(100), 0));
        assert_eq!(Offset::from_json(&stored.to_json()).unwrap(), stored);
    }

    #[test]
    fn records_that_are_taken_back_count_as_not_handed_out() {
        let mut position = position();
        hand_out(&mut position, 5, &RECORDS[..1]);
        let (before, saved) = (position.offset(), position.save());
        hand_out(&mut position, 5, &RECORDS[1..]);
        position.restore(saved);
        assert_eq!(position.offset(), before);
    }

    #[test]
    fn idle_positions_move_on_between_transactions_only() {
        let mut position = position();
        assert!(!position.idle(Lsn(100)) && position.offset().stage == Stage::SnapshotDone);
        assert!(position.idle(Lsn(200)) && position.offset().stage == Stage::Streaming);
        assert_eq!(position.offset().acknowledged(), Lsn(200));
        hand_out(&mut position, 9, &[210]);
        assert!(!position.idle(Lsn(300)));
        assert_eq!((position.offset().resume, position.offset().lsn), (Lsn(200), Lsn(210)));
    }
}
