//! How a run is told to end.

use std::sync::Arc;
use tokio::sync::watch;

/// How urgently a run is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not at all.
    Running,
    /// Read nothing more, deliver and acknowledge what is under way, then end.
    Drain,
    /// End at once; what is not acknowledged comes again next time.
    Now,
}

/// A request to end that all parts of a run share. It only grows more urgent.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<Level>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Level::Running)))
    }
}

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks; a less urgent request than the last one changes nothing.
    pub fn request(&self, level: Level) {
        self.0.send_if_modified(|now| {
            let more = level > *now;
            if more {
                *now = level;
            }
            more
        });
    }

    /// How urgent it is.
    pub fn level(&self) -> Level {
        *self.0.borrow()
    }

    /// Whether anybody asked.
    pub fn is_requested(&self) -> bool {
        self.level() > Level::Running
    }

    /// Waits until it is at least this urgent. Cancelling the wait loses nothing.
    pub async fn reached(&self, level: Level) {
        let mut changes = self.0.subscribe();
        // The sender lives as long as `self`, so that waiting cannot fail.
        let _ = changes.wait_for(|now| *now >= level).await;
    }

    /// Waits until anybody asks.
    pub async fn requested(&self) {
        self.reached(Level::Drain).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_reaches_all_and_only_grows() {
        let stop = Stop::new();
        let other = stop.clone();
        assert!(!other.is_requested());
        let waiting = tokio::spawn(async move { other.requested().await });
        stop.request(Level::Drain);
        waiting.await.unwrap();
        stop.request(Level::Now);
        stop.request(Level::Drain);
        assert_eq!(stop.level(), Level::Now);
        stop.reached(Level::Drain).await;
    }
}
