//! `interval` in `IntervalStyle` postgres: `1 year 2 mons -3 days +04:05:06.789`.

use std::io::Write as _;

/// An interval in PostgreSQL's parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interval {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    /// Microseconds below the minute, signed as the time is.
    micros: i64,
}

/// Microseconds of 30.4375 days: a twelfth of 365.25 days.
const MONTH: i128 = 2_629_800_000_000;
const DAY: i128 = 86_400_000_000;

impl Interval {
    /// Reads PostgreSQL's text; `None` for anything else, other styles included.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut interval = Self::default();
        let mut words = text.split(|byte| *byte == b' ');
        let mut parts = 0;
        while let Some(word) = words.next() {
            if word.contains(&b':') {
                interval.set_time(word)?;
                return if words.next().is_none() { Some(interval) } else { None };
            }
            let count = crate::numeric::integer(word.strip_prefix(b"+").unwrap_or(word))?;
            if count.unsigned_abs() > u64::from(u32::MAX) {
                return None;
            }
            match words.next()? {
                b"year" | b"years" => interval.years = count,
                b"mon" | b"mons" => interval.months = count,
                b"day" | b"days" => interval.days = count,
                _ => return None,
            }
            parts += 1;
        }
        (parts > 0).then_some(interval)
    }

    fn set_time(&mut self, text: &[u8]) -> Option<()> {
        let (sign, text) = match text.split_first()? {
            (b'-', rest) => (-1, rest),
            (b'+', rest) => (1, rest),
            _ => (1, text),
        };
        let mut parts = text.split(|byte| *byte == b':');
        let hours = parts.next()?;
        let (minutes, seconds) = (two(parts.next()?)?, parts.next()?);
        if hours.len() > 12 || !hours.iter().all(u8::is_ascii_digit) || parts.next().is_some() {
            return None;
        }
        let (whole, fraction) = match seconds.iter().position(|byte| *byte == b'.') {
            Some(at) => (seconds.get(..at)?, seconds.get(at + 1..)?),
            None => (seconds, &b"0"[..]),
        };
        if fraction.is_empty() || fraction.len() > 6 || !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let fraction = crate::numeric::integer(fraction)? * 10_i64.pow(6 - fraction.len() as u32);
        self.hours = sign * crate::numeric::integer(hours)?;
        self.minutes = sign * minutes;
        self.micros = sign * (two(whole)? * 1_000_000 + fraction);
        Some(())
    }

    /// Debezium's `MicroDuration`: months of 30.4375 days; beyond 64 bits the nearest bound, as in Debezium.
    pub(crate) fn duration_micros(&self) -> i64 {
        let months = i128::from(self.years) * 12 + i128::from(self.months);
        let minutes = i128::from(self.hours) * 60 + i128::from(self.minutes);
        let micros = months * MONTH + i128::from(self.days) * DAY + minutes * 60_000_000 + i128::from(self.micros);
        micros.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// Appends Debezium's `Interval`: `P1Y2M3DT4H5M6.5S`, every part with its own sign.
    ///
    /// The seconds are those of Debezium 1.7 to the digit: a double, cut after nine places, so that 6.789 becomes
    /// 6.788999999.
    pub(crate) fn write_iso(&self, out: &mut Vec<u8>) {
        let Self { years, months, days, hours, minutes, micros } = self;
        // Writing to a vector cannot fail.
        let _ = write!(out, "P{years}Y{months}M{days}DT{hours}H{minutes}M");
        let seconds = (micros / 1_000_000) as f64 + (micros % 1_000_000) as f64 / 1_000_000.0;
        let nanos = cut_to_nanos(seconds.abs());
        if seconds < 0.0 {
            out.push(b'-');
        }
        crate::temporal::write_digits(nanos / 1_000_000_000, 1, out);
        if !nanos.is_multiple_of(1_000_000_000) {
            out.push(b'.');
            crate::temporal::write_digits(nanos % 1_000_000_000, 9, out);
            while out.last() == Some(&b'0') {
                out.pop();
            }
        }
        out.push(b'S');
    }
}

fn two(digits: &[u8]) -> Option<i64> {
    match digits {
        [a @ b'0'..=b'5', b @ b'0'..=b'9'] => Some(i64::from(a - b'0') * 10 + i64::from(b - b'0')),
        _ => None,
    }
}

/// The exact value of a double below 2^10 in units of 10^-9, cut.
fn cut_to_nanos(value: f64) -> u64 {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7FF) as i32 - 1_075;
    let mantissa = u128::from(bits & ((1 << 52) - 1) | 1 << 52);
    // Below 2^-83 nothing of it reaches a place that is kept.
    if !(-127..=-43).contains(&exponent) { 0 } else { ((mantissa * 1_000_000_000) >> -exponent) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> (i64, String) {
        let interval = Interval::parse(text.as_bytes()).unwrap();
        let mut iso = Vec::new();
        interval.write_iso(&mut iso);
        (interval.duration_micros(), String::from_utf8(iso).unwrap())
    }

    #[test]
    fn values_are_those_of_debezium() {
        for (text, micros, iso) in [
            ("1 year 2 mons 3 days 04:05:06.789", 37_091_106_789_000, "P1Y2M3DT4H5M6.788999999S"),
            ("-1 years -2 mons +3 days -04:05:06.789012", -36_572_706_789_012, "P-1Y-2M3DT-4H-5M-6.789011999S"),
            ("00:00:00", 0, "P0Y0M0DT0H0M0S"),
            ("178000000 years", i64::MAX, "P178000000Y0M0DT0H0M0S"),
            ("-178000000 years", i64::MIN, "P-178000000Y0M0DT0H0M0S"),
            ("1 day", 86_400_000_000, "P0Y0M1DT0H0M0S"),
            ("1 mon", 2_629_800_000_000, "P0Y1M0DT0H0M0S"),
            ("100:00:00.5", 360_000_500_000, "P0Y0M0DT100H0M0.5S"),
            ("00:00:00.000001", 1, "P0Y0M0DT0H0M0.000000999S"),
            ("-00:00:59", -59_000_000, "P0Y0M0DT0H0M-59S"),
        ] {
            assert_eq!(both(text), (micros, iso.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_styles_are_refused() {
        for text in
            ["", "P1Y", "1-2", "@ 1 year", "1", "1 week", "1 year 2", "04:05", "04:05:60", "04:05:06.", "1 day 1:2:3"]
        {
            assert_eq!(Interval::parse(text.as_bytes()), None, "{text}");
        }
    }
}
