//! What guests say: shortened, limited in number, handed to whoever runs them.

use std::time::{Duration, Instant};

/// How important a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For who debugs the plug-in.
    Debug,
    /// Ordinary.
    Info,
    /// Unusual.
    Warn,
    /// A fault.
    Error,
}

/// Where messages go.
pub trait Log: Send + Sync {
    /// Takes a message of a plug-in.
    fn log(&self, plugin: &str, level: Level, message: &str);
}

/// Warnings and errors to standard error.
pub struct StandardError;

impl Log for StandardError {
    fn log(&self, plugin: &str, level: Level, message: &str) {
        if level >= Level::Warn {
            eprintln!("bucatini: {plugin}: {level:?}: {message}");
        }
    }
}

const MAX_MESSAGE: usize = 1_000;
const BURST: u32 = 20;
const REGAINED_EVERY: Duration = Duration::from_secs(1);

/// Lets 20 messages through at once and one a second.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: u32,
    since: Instant,
}

impl Allowance {
    pub(crate) fn new(now: Instant) -> Self {
        Self { left: BURST, since: now }
    }

    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let regained = now.duration_since(self.since).as_millis() / REGAINED_EVERY.as_millis();
        if regained > 0 {
            self.left = (self.left + regained.min(u128::from(BURST)) as u32).min(BURST);
            self.since = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

/// The part of a message that is passed on: one line of bounded length.
pub(crate) fn printable(message: &str) -> String {
    let kept = message.get(..message.floor_char_boundary(MAX_MESSAGE)).unwrap_or_default();
    kept.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_beyond_the_allowance_are_dropped_until_time_passes() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let passed = |allowance: &mut Allowance, seconds| {
            (0..100).filter(|_| allowance.take(start + seconds * REGAINED_EVERY)).count()
        };
        assert_eq!(passed(&mut allowance, 0), 20);
        assert_eq!(passed(&mut allowance, 3), 3);
        assert_eq!(passed(&mut allowance, 1_000), 20);
    }

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        assert_eq!(printable("a\nb\u{1b}"), "a b ");
        assert_eq!(printable(&"\u{fc}".repeat(1_000)).chars().count(), 500);
    }
}
