//! Dates and times of UTC as ISO 8601, from counts since the epoch. Counts of 64 bits reach far beyond the years that
//! libraries for dates take, and none may fail: this prints what a topic holds.

use std::fmt::Write;

/// A unit of a count, by how many of it are in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    fn in_second(self) -> i64 {
        match self {
            Self::Millis => 1_000,
            Self::Micros => 1_000_000,
            Self::Nanos => 1_000_000_000,
        }
    }

    fn digits(self) -> usize {
        match self {
            Self::Millis => 3,
            Self::Micros => 6,
            Self::Nanos => 9,
        }
    }
}

/// `2026-11-23`; years beyond 9999 have a sign, as in Java.
pub(super) fn date(days: i64, out: &mut String) {
    let (year, month, day) = civil(days);
    let _ = match year {
        0..=9_999 => write!(out, "{year:04}-{month:02}-{day:02}"),
        _ => write!(out, "{}{:04}-{month:02}-{day:02}", if year < 0 { '-' } else { '+' }, year.unsigned_abs()),
    };
}

/// `06:20:00`, with the digits of the unit if there is a fraction. `false` = not a time of day, nothing was appended.
pub(super) fn time(count: i64, unit: Unit, out: &mut String) -> bool {
    let in_second = unit.in_second();
    if !(0..86_400 * in_second).contains(&count) {
        return false;
    }
    let (second, fraction) = (count / in_second, count % in_second);
    let _ = write!(out, "{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
    if fraction != 0 {
        let _ = write!(out, ".{fraction:0width$}", width = unit.digits());
    }
    true
}

/// `2026-11-23T06:20:00.123`.
pub(super) fn timestamp(count: i64, unit: Unit, out: &mut String) {
    let day = 86_400 * unit.in_second();
    date(count.div_euclid(day), out);
    out.push('T');
    time(count.rem_euclid(day), unit, out);
}

/// Year, month and day of the proleptic Gregorian calendar. Eras of 400 years have equally many days; years are counted
/// from March, so that the leap day is a year's last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = i128::from(days) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_based = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_based + 2) / 5 + 1;
    let month = if march_based < 10 { march_based + 3 } else { march_based - 9 };
    let year = era * 400 + year_of_era + i128::from(month <= 2);
    (year as i64, month as i64, day as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    /// Expectations by `java.time.LocalDate.ofEpochDay` of JDK 17.
    #[test]
    fn dates() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (-719_528, "0000-01-01"),
            (-719_529, "-0001-12-31"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
            (-141_427, "1582-10-15"),
        ] {
            assert_eq!(text(|out| date(days, out)), expected);
        }
        text(|out| date(i64::MAX, out));
        text(|out| date(i64::MIN, out));
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = civil(-800_000);
        for days in -799_999..800_000 {
            let next = civil(days);
            let (year, month, day) = last;
            assert!(
                next == (year, month, day + 1) || next == (year, month + 1, 1) || next == (year + 1, 1, 1),
                "{last:?} {next:?}"
            );
            assert!(day >= 28 || next.2 == day + 1);
            last = next;
        }
        assert_eq!(civil(800_000 - 1), (4160, 4, 28));
    }

    #[test]
    fn times_and_timestamps() {
        assert_eq!(text(|out| assert!(time(0, Unit::Millis, out))), "00:00:00");
        assert_eq!(text(|out| assert!(time(86_399_999, Unit::Millis, out))), "23:59:59.999");
        assert_eq!(text(|out| assert!(time(3_600_000_007, Unit::Micros, out))), "01:00:00.000007");
        assert_eq!(text(|out| assert!(time(1, Unit::Nanos, out))), "00:00:00.000000001");
        for wrong in [-1, 86_400_000] {
            assert!(!time(wrong, Unit::Millis, &mut String::new()));
        }
        assert_eq!(text(|out| timestamp(1_639_385_467_887, Unit::Millis, out)), "2021-12-13T08:51:07.887");
        assert_eq!(text(|out| timestamp(-1, Unit::Micros, out)), "1969-12-31T23:59:59.999999");
        for count in [i64::MIN, i64::MAX] {
            for unit in [Unit::Millis, Unit::Micros, Unit::Nanos] {
                text(|out| timestamp(count, unit, out));
            }
        }
    }
}
