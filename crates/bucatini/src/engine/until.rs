//! How far the source is: what people see of it, and whether the run ends by itself.

use crate::config::Until;
use crate::report::{Phase, Reporter, SourceProgress};
use postgres_source::{Offset, Progress as Source, SourceBatch};
use std::time::{Duration, Instant};

/// How often it is looked at while no records come.
const TICK: Duration = Duration::from_millis(250);

/// Follows one attempt of a source.
pub(crate) struct Progress {
    until: Until,
    reporter: Reporter,
    /// Where [`Until::CaughtUp`] is reached; 0 = not known yet.
    target: u64,
    records: u64,
    last_record: Instant,
    updated: Option<Instant>,
    done: bool,
    phase: Phase,
}

impl Progress {
    pub(crate) fn new(until: Until, reporter: &Reporter, stored: Option<&Offset>) -> Self {
        let target = if let Until::Lsn(lsn) = until { lsn } else { 0 };
        let done = match (until, stored) {
            (Until::Snapshot, Some(offset)) => !offset.in_snapshot(),
            (Until::Lsn(lsn), Some(offset)) => !offset.in_snapshot() && offset.resume().0 >= lsn,
            _ => false,
        };
        Self {
            until,
            reporter: reporter.clone(),
            target,
            records: 0,
            last_record: Instant::now(),
            updated: None,
            done,
            phase: Phase::Starting,
        }
    }

    /// Whether the source has given all that the run is for.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// The source gave a batch.
    pub(crate) fn took(&mut self, batch: &SourceBatch, source: &Source) {
        self.records += batch.len() as u64;
        if !batch.is_empty() {
            self.reporter.read(batch.len() as u64);
            self.last_record = Instant::now();
        }
        if let Some(offset) = batch.offset() {
            self.reached(offset.in_snapshot(), offset.resume().0, source);
        }
        if self.updated.is_none_or(|at| at.elapsed() >= TICK) {
            self.update(source);
        }
    }

    fn reached(&mut self, in_snapshot: bool, position: u64, source: &Source) {
        if self.until == Until::CaughtUp && self.target == 0 {
            self.target = source.server_lsn;
        }
        self.done |= match self.until {
            Until::Stopped | Until::Idle(_) => false,
            Until::Snapshot => !in_snapshot,
            Until::CaughtUp | Until::Lsn(_) => !in_snapshot && self.target > 0 && position >= self.target,
        };
    }

    /// Waits until it is time to look again.
    pub(crate) async fn tick(&self) {
        tokio::time::sleep(TICK).await;
    }

    /// Tells people, and sees whether the end was reached without a record.
    pub(crate) fn update(&mut self, source: &Source) {
        self.updated = Some(Instant::now());
        if let Until::Idle(time) = self.until {
            self.done |= self.last_record.elapsed() >= time;
        }
        if source.records == self.records && self.until != Until::Snapshot {
            // All that was decoded was handed out.
            self.reached(source.in_snapshot, source.received_lsn, source);
        }
        if self.phase != Phase::Draining {
            self.set_phase(if source.in_snapshot { Phase::Snapshot } else { Phase::Streaming });
        }
        self.reporter.source(SourceProgress {
            tables_done: source.tables_done as u32,
            tables: source.tables as u32,
            table: None,
            rows: source.rows,
            rows_estimated: Some(source.estimated_rows).filter(|rows| *rows > 0),
            lag_bytes: Some(source.server_lsn.saturating_sub(source.acknowledged_lsn))
                .filter(|_| source.server_lsn > 0),
            lag_ms: None,
        });
    }

    /// Nothing more is read.
    pub(crate) fn draining(&mut self) {
        self.set_phase(Phase::Draining);
    }

    fn set_phase(&mut self, phase: Phase) {
        if self.phase != phase {
            self.phase = phase;
            self.reporter.phase(phase);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(records: u64, received: u64, server: u64) -> Source {
        Source { records, received_lsn: received, server_lsn: server, ..Source::default() }
    }

    fn progress(until: Until, stored: Option<&str>) -> Progress {
        let stored = stored.map(|json| Offset::from_json(json).unwrap());
        Progress::new(until, &Reporter::new(), stored.as_ref())
    }

    #[test]
    fn caught_up_means_with_the_start() {
        let mut progress = progress(Until::CaughtUp, None);
        progress.update(&source(0, 0, 0));
        assert!(!progress.is_done(), "the server has not said where it is");
        progress.update(&source(0, 50, 100));
        progress.update(&source(5, 120, 300));
        assert!(!progress.is_done(), "records that were decoded are under way");
        progress.records = 5;
        progress.update(&source(5, 120, 300));
        assert!(progress.is_done(), "what came after the start does not count");
    }

    #[test]
    fn a_snapshot_that_is_stored_is_over() {
        let running = r#"{"last_snapshot_record":false,"lsn":8,"snapshot":true}"#;
        let over = r#"{"lsn":8}"#;
        assert!(!progress(Until::Snapshot, None).is_done());
        assert!(!progress(Until::Snapshot, Some(running)).is_done());
        assert!(progress(Until::Snapshot, Some(over)).is_done());
        assert!(!progress(Until::Stopped, Some(over)).is_done());
    }

    #[test]
    fn positions_and_silence_end_a_run() {
        let mut at = progress(Until::Lsn(70), None);
        at.update(&source(0, 69, 100));
        assert!(!at.is_done());
        at.update(&source(0, 70, 100));
        assert!(at.is_done());
        let mut idle = progress(Until::Idle(Duration::from_secs(5)), None);
        idle.update(&source(0, 1, 1));
        assert!(!idle.is_done());
        if let Some(earlier) = Instant::now().checked_sub(Duration::from_secs(6)) {
            idle.last_record = earlier;
            idle.update(&source(0, 1, 1));
            assert!(idle.is_done());
        }
    }
}
