//! The bounded queue between the task that reads and the caller of [`crate::Source::next`].

use crate::batch::SourceBatch;
use connect_data::Error;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Batches whose memory is kept for later ones.
const SPARE: usize = 4;

#[derive(Default)]
struct State {
    ready: VecDeque<SourceBatch>,
    spare: Vec<SourceBatch>,
    records: usize,
    bytes: usize,
    /// Why nothing more comes.
    failed: Option<Error>,
}

/// See the module. One side pushes, one side takes.
pub(crate) struct Queue {
    state: Mutex<State>,
    max_records: usize,
    max_bytes: usize,
    filled: Notify,
    emptied: Notify,
}

impl Queue {
    pub(crate) fn new(max_records: usize, max_bytes: usize) -> Self {
        let (filled, emptied) = (Notify::new(), Notify::new());
        Self { state: Mutex::new(State::default()), max_records, max_bytes, filled, emptied }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the batch and leaves an empty one, if there is room: an empty queue has room for any batch.
    pub(crate) fn push(&self, batch: &mut SourceBatch) -> bool {
        let mut state = self.state();
        let (records, bytes) = (state.records + batch.len(), state.bytes + batch.byte_len());
        if !state.ready.is_empty() && (records > self.max_records || bytes > self.max_bytes) {
            return false;
        }
        (state.records, state.bytes) = (records, bytes);
        let mut full = state.spare.pop().unwrap_or_default();
        std::mem::swap(&mut full, batch);
        state.ready.push_back(full);
        drop(state);
        self.filled.notify_one();
        true
    }

    /// Waits until something was taken since the last [`Self::push`] that failed.
    pub(crate) async fn room(&self) {
        self.emptied.notified().await;
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.state().ready.is_empty()
    }

    /// Nothing more comes: when the queue is empty, takers get the error.
    pub(crate) fn fail(&self, error: Error) {
        self.state().failed = Some(error);
        self.filled.notify_one();
    }

    /// Waits for a batch and swaps it with the caller's. Cancel-safe.
    pub(crate) async fn take(&self, batch: &mut SourceBatch) -> Result<(), Error> {
        loop {
            {
                let mut state = self.state();
                if let Some(mut full) = state.ready.pop_front() {
                    state.records -= full.len();
                    state.bytes -= full.byte_len();
                    std::mem::swap(&mut full, batch);
                    full.clear();
                    if state.spare.len() < SPARE {
                        state.spare.push(full);
                    }
                    drop(state);
                    self.emptied.notify_one();
                    return Ok(());
                }
                if let Some(error) = &state.failed {
                    batch.clear();
                    return Err(error.clone());
                }
            }
            self.filled.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offset::Offset;

    fn batch(records: usize) -> SourceBatch {
        let mut batch = SourceBatch::new();
        for _ in 0..records {
            batch.push_frame(|out| out.extend_from_slice(b"0123456789"));
        }
        batch.mark(Offset::default());
        batch
    }

    #[tokio::test]
    async fn records_and_bytes_are_bounded_but_an_empty_queue_takes_anything() {
        let queue = Queue::new(3, 45);
        let (mut big, mut small) = (batch(5), batch(1));
        assert!(queue.push(&mut big) && big.is_empty());
        assert!(!queue.push(&mut small) && small.len() == 1);
        let mut taken = SourceBatch::new();
        queue.take(&mut taken).await.unwrap();
        assert_eq!(taken.len(), 5);
        queue.room().await;
        assert!(queue.push(&mut small) && queue.push(&mut batch(2)));
        assert!(!queue.push(&mut batch(1)), "records");
        let queue = Queue::new(100, 45);
        assert!(queue.push(&mut batch(4)) && !queue.push(&mut batch(1)), "bytes");
    }

    #[tokio::test]
    async fn what_is_there_comes_before_the_error_and_the_error_stays() {
        let queue = Queue::new(10, 1_000);
        queue.push(&mut batch(1));
        queue.fail(Error::outage("x.y", "gone"));
        let mut taken = SourceBatch::new();
        queue.take(&mut taken).await.unwrap();
        assert_eq!(taken.len(), 1);
        for _ in 0..2 {
            assert_eq!(queue.take(&mut taken).await.unwrap_err().code(), "x.y");
            assert!(taken.is_empty());
        }
    }
}
