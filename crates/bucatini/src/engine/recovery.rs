//! How long an outage is waited out.

use crate::cli::stop::{Level, Stop};
use connect_data::{Error, ErrorKind};
use std::time::{Duration, Instant};

/// Time for something to come back, unless `errors.retry.timeout` says otherwise.
pub(crate) const BUDGET: Duration = Duration::from_secs(300);
/// First and longest pause between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// The patience of one part of a run. Only outages are waited out.
#[derive(Debug)]
pub(crate) struct Patience {
    /// `None` = without end.
    budget: Option<Duration>,
    longest_pause: Duration,
    since: Option<Instant>,
    attempts: u32,
}

impl Patience {
    /// With the budget of `errors.retry.timeout`, whose default of 0 means ours, and the longest pause of
    /// `errors.retry.delay.max.ms`.
    pub(crate) fn new(retry_timeout: Option<Duration>, longest_pause: Duration) -> Self {
        let budget = retry_timeout.map(|timeout| if timeout.is_zero() { BUDGET } else { timeout });
        Self { budget, longest_pause: longest_pause.clamp(PAUSE.0, PAUSE.1), since: None, attempts: 0 }
    }

    /// It works: the next outage has the whole budget.
    pub(crate) fn restore(&mut self) {
        self.since = None;
        self.attempts = 0;
    }

    /// The pause before the next attempt.
    ///
    /// # Errors
    /// The error itself: it is no outage, or the budget is spent.
    pub(crate) fn pause(&mut self, error: Error, now: Instant) -> Result<Duration, Error> {
        if error.kind() != ErrorKind::Outage || error.code() == crate::registry::STOPPED {
            return Err(error);
        }
        let spent = now.duration_since(*self.since.get_or_insert(now));
        if self.budget.is_some_and(|budget| spent >= budget) {
            let seconds = spent.as_secs();
            return Err(error
                .hint(format!("it did not come back within {seconds} s; what is acknowledged is safe: start again")));
        }
        let pause = PAUSE.0.saturating_mul(1 << self.attempts.min(16)).min(self.longest_pause);
        self.attempts += 1;
        if self.attempts == 1 {
            tracing::warn!("{error}; trying again");
        } else {
            tracing::debug!("{error}; trying again in {} ms", pause.as_millis());
        }
        Ok(pause)
    }

    /// Waits for the next attempt. `false`: the run is to end, at `level` or more urgently.
    ///
    /// # Errors
    /// As [`Self::pause`].
    pub(crate) async fn wait(&mut self, error: Error, stop: &Stop, level: Level) -> Result<bool, Error> {
        let pause = self.pause(error, Instant::now())?;
        Ok(tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = stop.reached(level) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage() -> Error {
        Error::outage("a.b", "gone")
    }

    #[test]
    fn pauses_grow_until_the_budget_is_spent() {
        let mut patience = Patience::new(Some(Duration::from_secs(60)), Duration::from_secs(1));
        let start = Instant::now();
        let mut pause = |at: u64| patience.pause(outage(), start + Duration::from_secs(at)).map(|p| p.as_millis());
        assert_eq!([pause(0), pause(1), pause(2), pause(3)], [Ok(200), Ok(400), Ok(800), Ok(1_000)]);
        assert_eq!(pause(60).unwrap_err().code(), "a.b");
        patience.restore();
        assert_eq!(patience.pause(outage(), start + Duration::from_secs(61)).unwrap().as_millis(), 200);
    }

    #[test]
    fn only_outages_are_waited_out() {
        let mut patience = Patience::new(None, Duration::from_secs(1));
        let now = Instant::now();
        assert!(patience.pause(Error::data("a.b", "bad"), now).is_err());
        assert!(patience.pause(Error::config("a.b", "wrong"), now).is_err());
        assert!(patience.pause(crate::registry::stopped(), now).is_err());
        assert!(patience.pause(outage(), now).is_ok());
        assert!(patience.pause(outage(), now + Duration::from_secs(1_000_000)).is_ok(), "without end");
    }

    #[test]
    fn the_default_of_connect_means_ours() {
        let mut patience = Patience::new(Some(Duration::ZERO), Duration::from_secs(60));
        let now = Instant::now();
        assert!(patience.pause(outage(), now).is_ok());
        assert!(patience.pause(outage(), now + BUDGET / 2).is_ok());
        assert!(patience.pause(outage(), now + BUDGET).is_err());
    }

    #[tokio::test]
    async fn a_run_that_ends_does_not_wait() {
        let stop = Stop::new();
        stop.request(Level::Drain);
        let mut patience = Patience::new(None, Duration::from_secs(10));
        assert!(!patience.wait(outage(), &stop, Level::Drain).await.unwrap());
    }
}
