//! Which batches of records the broker has acknowledged: a counter each, no allocation for a record.

use connect_data::Error;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Batches that may be under way at the same time.
const MAX_BATCHES: u64 = 4_096;

/// Counts deliveries by batch. A batch is done when it is sealed and each of its records was acknowledged; [`Self::done`]
/// tells how many batches from the first on are. A record that is not delivered keeps its batch, and so all later ones,
/// from being done for ever.
pub(crate) struct Deliveries {
    /// Records of a batch under way, plus one until it is sealed.
    pending: Box<[AtomicI64]>,
    state: Mutex<State>,
    /// A batch is done, or all is lost.
    changed: Condvar,
    done: watch::Sender<Done>,
}

/// How far a producer is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done {
    /// All batches with a smaller number are done.
    pub(crate) batches: u64,
    /// Why no further one will be.
    pub(crate) error: Option<Error>,
}

#[derive(Default)]
struct State {
    /// Number of the first batch that is not done.
    first: u64,
    /// Whether each batch from `first` on is done.
    open: VecDeque<bool>,
    error: Option<Error>,
}

impl Deliveries {
    pub(crate) fn new() -> Self {
        Self {
            pending: (0..MAX_BATCHES).map(|_| AtomicI64::new(0)).collect(),
            state: Mutex::default(),
            changed: Condvar::new(),
            done: watch::Sender::new(Done::default()),
        }
    }

    /// How far it is, and each change of it.
    pub(crate) fn done(&self) -> watch::Receiver<Done> {
        self.done.subscribe()
    }

    /// Begins a batch and returns its number. Waits while too many are under way; `wait` is called meanwhile and may
    /// give up.
    ///
    /// # Errors
    /// Why an earlier record was not delivered; that of `wait`.
    pub(crate) fn begin(&self, mut wait: impl FnMut() -> Result<(), Error>) -> Result<u64, Error> {
        let mut state = self.state();
        loop {
            if let Some(error) = &state.error {
                return Err(error.clone());
            }
            if (state.open.len() as u64) < MAX_BATCHES {
                break;
            }
            state = self.changed.wait_timeout(state, POLL).unwrap_or_else(PoisonError::into_inner).0;
            wait()?;
        }
        let number = state.first + state.open.len() as u64;
        state.open.push_back(false);
        self.pending(number).store(1, Ordering::SeqCst);
        Ok(number)
    }

    /// A record of the batch is about to be handed to the producer.
    pub(crate) fn sent(&self, batch: u64) {
        self.pending(batch).fetch_add(1, Ordering::SeqCst);
    }

    /// A record of the batch was delivered, or is not meant to be any more.
    pub(crate) fn delivered(&self, batch: u64) {
        if self.pending(batch).fetch_sub(1, Ordering::SeqCst) == 1 {
            self.complete(batch);
        }
    }

    /// No more records will be sent in the batch.
    pub(crate) fn seal(&self, batch: u64) {
        self.delivered(batch);
    }

    /// A record will never be delivered: no batch is done from here on. The first reason stays.
    pub(crate) fn fail(&self, error: Error) {
        let mut state = self.state();
        let error = state.error.get_or_insert(error).clone();
        self.done.send_modify(|done| done.error = Some(error));
        self.changed.notify_all();
    }

    /// Waits a moment, or until a batch is done: for a producer whose queue is full.
    ///
    /// # Errors
    /// Why a record was not delivered.
    pub(crate) fn wait(&self) -> Result<(), Error> {
        let state = self.state();
        let state = self.changed.wait_timeout(state, POLL).unwrap_or_else(PoisonError::into_inner).0;
        state.error.clone().map_or(Ok(()), Err)
    }

    fn complete(&self, batch: u64) {
        let mut state = self.state();
        let Some(place) = batch.checked_sub(state.first).and_then(|at| state.open.get_mut(at as usize)) else { return };
        *place = true;
        while state.open.front() == Some(&true) {
            state.open.pop_front();
            state.first += 1;
        }
        let first = state.first;
        self.done.send_if_modified(|done| std::mem::replace(&mut done.batches, first) != first);
        self.changed.notify_all();
    }

    fn pending(&self, batch: u64) -> &AtomicI64 {
        static NONE: AtomicI64 = AtomicI64::new(0);
        self.pending.get((batch % MAX_BATCHES) as usize).unwrap_or(&NONE)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a full queue is waited for at a time.
const POLL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(deliveries: &Deliveries) -> u64 {
        deliveries.begin(|| Ok(())).unwrap()
    }

    #[test]
    fn only_what_lies_before_the_first_gap_is_done() {
        let deliveries = Deliveries::new();
        let done = deliveries.done();
        let batches = || done.borrow().batches;
        let (a, b, c) = (begin(&deliveries), begin(&deliveries), begin(&deliveries));
        for batch in [a, a, b] {
            deliveries.sent(batch);
        }
        let _ = [a, b, c].map(|batch| deliveries.seal(batch));
        deliveries.delivered(b);
        deliveries.delivered(a);
        assert_eq!(batches(), 0, "a record of the first batch is under way");
        deliveries.delivered(a);
        assert_eq!(batches(), 3);
    }

    #[test]
    fn a_batch_is_not_done_before_it_is_sealed() {
        let deliveries = Deliveries::new();
        let batch = begin(&deliveries);
        deliveries.sent(batch);
        deliveries.delivered(batch);
        assert_eq!(deliveries.done().borrow().batches, 0);
        deliveries.seal(batch);
        assert_eq!(deliveries.done().borrow().batches, 1);
    }

    #[test]
    fn after_a_failure_nothing_is_done_any_more() {
        let deliveries = Deliveries::new();
        let batch = begin(&deliveries);
        deliveries.sent(batch);
        deliveries.seal(batch);
        deliveries.fail(Error::outage("kafka.outage", "first"));
        deliveries.fail(Error::outage("kafka.outage", "second"));
        assert_eq!(deliveries.begin(|| Ok(())).unwrap_err().message(), "first");
        assert_eq!(deliveries.wait().unwrap_err().message(), "first");
        let done = deliveries.done();
        assert_eq!((done.borrow().batches, done.borrow().error.is_some()), (0, true));
    }

    #[test]
    fn too_many_batches_wait() {
        let deliveries = Deliveries::new();
        for _ in 0..MAX_BATCHES {
            begin(&deliveries);
        }
        let stopped = deliveries.begin(|| Err(Error::outage("stopped", "")));
        assert_eq!(stopped.unwrap_err().code(), "stopped");
        deliveries.seal(0);
        assert_eq!(begin(&deliveries), MAX_BATCHES);
    }
}
