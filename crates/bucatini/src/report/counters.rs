//! What a run has done so far. The engine counts, the display reads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// What a run is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Looking whether everything is there.
    #[default]
    Starting,
    /// Reading the tables.
    Snapshot,
    /// Following the changes.
    Streaming,
    /// Delivering what is under way before the end.
    Draining,
}

impl Phase {
    /// One word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Snapshot => "snapshot",
            Self::Streaming => "streaming",
            Self::Draining => "draining",
        }
    }
}

/// How far the source is. Set as a whole, a few times a second at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceProgress {
    /// Tables that are read to their end.
    pub tables_done: u32,
    /// Tables of the snapshot.
    pub tables: u32,
    /// The table being read.
    pub table: Option<String>,
    /// Rows of the snapshot so far.
    pub rows: u64,
    /// Rows of the snapshot as the server's statistics have it; `None` = unknown.
    pub rows_estimated: Option<u64>,
    /// Bytes of WAL between the server's position and the last acknowledged one.
    pub lag_bytes: Option<u64>,
    /// Milliseconds between the last change's commit and its reading.
    pub lag_ms: Option<u64>,
}

/// Counters of a run. Cloning shares them; every method is cheap enough for the record path.
#[derive(Clone, Debug, Default)]
pub struct Reporter(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    read: AtomicU64,
    produced: AtomicU64,
    consumed: AtomicU64,
    written: AtomicU64,
    dropped: AtomicU64,
    rejected: AtomicU64,
    ready: AtomicBool,
    state: Mutex<(Phase, SourceProgress)>,
}

/// The counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that the source gave, snapshot and changes.
    pub read: u64,
    /// Records that Kafka acknowledged.
    pub produced: u64,
    /// Records that sinks read from Kafka.
    pub consumed: u64,
    /// Records that a sink's database committed.
    pub written: u64,
    /// Records that a transformation left out.
    pub dropped: u64,
    /// Records that were bad and tolerated (skipped, or sent to a dead-letter queue).
    pub rejected: u64,
    /// What the run is at.
    pub phase: Phase,
    /// How far the source is.
    pub source: SourceProgress,
}

impl Reporter {
    /// All zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The source gave this many records.
    pub fn read(&self, records: u64) {
        self.0.read.fetch_add(records, Relaxed);
    }

    /// Kafka acknowledged this many.
    pub fn produced(&self, records: u64) {
        self.0.produced.fetch_add(records, Relaxed);
    }

    /// A sink read this many from Kafka.
    pub fn consumed(&self, records: u64) {
        self.0.consumed.fetch_add(records, Relaxed);
    }

    /// A sink's database committed this many.
    pub fn written(&self, records: u64) {
        self.0.written.fetch_add(records, Relaxed);
    }

    /// A transformation left out this many.
    pub fn dropped(&self, records: u64) {
        self.0.dropped.fetch_add(records, Relaxed);
    }

    /// This many were bad and tolerated.
    pub fn rejected(&self, records: u64) {
        self.0.rejected.fetch_add(records, Relaxed);
    }

    /// Everything that the run needs answered: from here on a failure is one of the run, not of its start.
    pub fn ready(&self) {
        self.0.ready.store(true, Relaxed);
    }

    /// Whether [`Self::ready`] was called.
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Relaxed)
    }

    /// The run is now at this.
    pub fn phase(&self, phase: Phase) {
        self.state(|state| state.0 = phase);
    }

    /// The source is this far.
    pub fn source(&self, progress: SourceProgress) {
        self.state(|state| state.1 = progress);
    }

    /// The counters now.
    pub fn counts(&self) -> Counts {
        let (phase, source) = self.state(|state| state.clone());
        let shared = &self.0;
        Counts {
            read: shared.read.load(Relaxed),
            produced: shared.produced.load(Relaxed),
            consumed: shared.consumed.load(Relaxed),
            written: shared.written.load(Relaxed),
            dropped: shared.dropped.load(Relaxed),
            rejected: shared.rejected.load(Relaxed),
            phase,
            source,
        }
    }

    fn state<T>(&self, act: impl FnOnce(&mut (Phase, SourceProgress)) -> T) -> T {
        act(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_their_counters() {
        let reporter = Reporter::new();
        let other = reporter.clone();
        other.read(3);
        other.written(2);
        other.phase(Phase::Snapshot);
        other.ready();
        let counts = reporter.counts();
        assert_eq!((counts.read, counts.written, counts.rejected, counts.phase), (3, 2, 0, Phase::Snapshot));
        assert!(reporter.is_ready());
    }
}
