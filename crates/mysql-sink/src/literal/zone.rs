//! Time zones of `db.timezone`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// UTC, a fixed offset, or a zone with rules.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    Fixed { seconds: i64 },
    Named(TimeZone),
}

impl Zone {
    pub(crate) const UTC: Self = Self::Fixed { seconds: 0 };

    /// `None` for what is no zone.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        let offset = name.strip_prefix("UTC").or_else(|| name.strip_prefix("GMT")).unwrap_or(name);
        if offset.is_empty() || offset == "Z" || name.eq_ignore_ascii_case("Etc/UTC") {
            return Some(Self::UTC);
        }
        if let Some(digits) = offset.strip_prefix(['+', '-']) {
            let (hours, minutes) = match digits.split_once(':') {
                Some(parts) => parts,
                None => digits.split_at_checked(2).unwrap_or((digits, "")),
            };
            let hours: i64 = hours.parse().ok().filter(|hours| *hours <= 18)?;
            let minutes: i64 = if minutes.is_empty() { 0 } else { minutes.parse().ok().filter(|m| *m < 60)? };
            let seconds = 3600 * hours + 60 * minutes;
            return Some(Self::Fixed { seconds: if offset.starts_with('-') { -seconds } else { seconds } });
        }
        TimeZone::get(name).ok().map(Self::Named)
    }

    /// Seconds to add to an instant's seconds since the epoch for its wall clock.
    pub(crate) fn offset(&self, epoch_seconds: i64) -> i64 {
        match self {
            Self::Fixed { seconds } => *seconds,
            // Beyond jiff's range lies also what MySQL cannot store.
            Self::Named(zone) => match Timestamp::from_second(epoch_seconds) {
                Ok(instant) => i64::from(zone.to_offset(instant).seconds()),
                Err(_) => 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_by_name_and_by_offset() {
        for (name, instant, expected) in [
            ("UTC", 0, 0),
            ("Z", 0, 0),
            ("+02:00", 0, 7200),
            ("GMT-3", 0, -10800),
            ("-0330", 0, -12600),
            ("Europe/Rome", 1_639_385_467, 3600),
            ("Europe/Rome", 1_625_000_000, 7200),
        ] {
            assert_eq!(Zone::parse(name).unwrap().offset(instant), expected, "{name}");
        }
        for bad in ["Mars/Olympus", "+99:00", "+1:99", "nonsense"] {
            assert!(Zone::parse(bad).is_none(), "{bad}");
        }
    }
}
