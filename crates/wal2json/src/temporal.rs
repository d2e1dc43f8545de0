//! Dates and times in PostgreSQL's `DateStyle` ISO: exact integer arithmetic over the proleptic Gregorian calendar, which
//! is PostgreSQL's and Java's.

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// A date or timestamp, or one of the values that lie beyond all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment<T> {
    At(T),
    Infinity,
    MinusInfinity,
}

/// A point in time without range limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    /// Days since the epoch.
    pub(crate) day: i64,
    /// Microseconds of the day, less than [`DAY`].
    pub(crate) micros: i64,
}

impl Timestamp {
    /// Microseconds since the epoch, if they fit: PostgreSQL's last 30 years (294247 and later) do not.
    pub(crate) fn micros(self) -> Option<i64> {
        match self.day.checked_mul(DAY) {
            Some(day) => day.checked_add(self.micros),
            None => i64::try_from(i128::from(self.day) * i128::from(DAY) + i128::from(self.micros)).ok(),
        }
    }

    /// Milliseconds since the epoch.
    pub(crate) fn millis(self) -> i64 {
        self.day * (DAY / 1_000) + self.micros / 1_000
    }
}

/// Eight bytes as they have to look, `0` standing for any digit.
struct Pattern {
    bytes: u64,
    /// Added to a byte's difference from the pattern, this sets the high bit of what is no digit or another separator.
    excess: u64,
}

impl Pattern {
    const fn new(pattern: [u8; 8]) -> Self {
        let mut excess = [0x76; 8];
        let mut i = 0;
        while i < 8 {
            #[allow(clippy::indexing_slicing)] // Evaluated by the compiler.
            if pattern[i] != b'0' {
                excess[i] = 0x7F;
            }
            i += 1;
        }
        Self { bytes: u64::from_le_bytes(pattern), excess: u64::from_le_bytes(excess) }
    }

    /// In each byte, the number that it and the next one show.
    #[inline]
    fn pairs(&self, text: &[u8; 8]) -> Option<u64> {
        let digits = u64::from_le_bytes(*text) ^ self.bytes;
        let others = (digits.wrapping_add(self.excess) | digits) & 0x8080_8080_8080_8080;
        if others == 0 { Some(digits * 10 + (digits >> 8)) } else { None }
    }
}

/// The byte at this place of [`Pattern::pairs`].
#[inline]
fn pair(pairs: u64, place: u32) -> i64 {
    (pairs >> (8 * place) & 0xFF) as i64
}

const DATE: Pattern = Pattern::new(*b"0000-00-");
const DAY_HOUR: Pattern = Pattern::new(*b"00 00:00");
const TIME: Pattern = Pattern::new(*b"00:00:00");
const FRACTION: Pattern = Pattern::new(*b"0.000000");

/// Reads from the front of a text.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn take(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    /// A number of at least `least` and at most `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let mut value = 0;
        let mut count = 0;
        while let Some((digit @ b'0'..=b'9', rest)) = self.rest.split_first() {
            if count == most {
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
            count += 1;
            self.rest = rest;
        }
        (count >= least).then_some(value)
    }

    fn two(&mut self, most: i64) -> Option<i64> {
        self.number(2, 2).filter(|value| *value <= most)
    }

    /// A date and a time in the usual form, with a year of four digits. Of a fraction of six digits, or of none.
    #[inline(always)]
    fn usual(&mut self) -> Option<((i64, i64, i64), i64)> {
        let (head, rest) = self.rest.split_first_chunk::<19>()?;
        let date = DATE.pairs(head.first_chunk()?)?;
        let day = DAY_HOUR.pairs(head.get(8..)?.first_chunk()?)?;
        let time = TIME.pairs(head.last_chunk()?)?;
        let (month, day) = (pair(date, 5), pair(day, 0));
        let (hour, minute, second) = (pair(time, 0), pair(time, 3), pair(time, 6));
        let mut micros = ((hour * 60 + minute) * 60 + second) * SECOND;
        if month > 12 || day > 31 || minute > 59 || second > 59 {
            return None;
        }
        let mut end = rest;
        if let Some(b'.') = rest.first() {
            let fraction = FRACTION.pairs(self.rest.get(18..)?.first_chunk()?)?;
            micros += (pair(fraction, 2) * 100 + pair(fraction, 4)) * 100 + pair(fraction, 6);
            end = rest.get(7..)?;
        }
        if micros > DAY || end.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        self.rest = end;
        Some(((pair(date, 0) * 100 + pair(date, 2), month, day), micros))
    }

    /// `YYYY-MM-DD`: year, month and day as written.
    fn date(&mut self) -> Option<(i64, i64, i64)> {
        let year = self.number(4, 7)?;
        self.take(b'-')?;
        let month = self.two(12)?;
        self.take(b'-')?;
        Some((year, month, self.two(31)?))
    }

    /// `HH:MM:SS[.ffffff]` up to 24:00:00, in microseconds.
    fn time(&mut self) -> Option<i64> {
        let hour = self.two(24)?;
        self.take(b':')?;
        let minute = self.two(59)?;
        self.take(b':')?;
        let second = self.two(59)?;
        let micros = ((hour * 60 + minute) * 60 + second) * SECOND + self.fraction()?;
        (micros <= DAY).then_some(micros)
    }

    fn fraction(&mut self) -> Option<i64> {
        if self.take(b'.').is_none() {
            return Some(0);
        }
        let before = self.rest.len();
        let value = self.number(1, 6)?;
        let digits = (before - self.rest.len()) as u32;
        Some(value * 10_i64.pow(6 - digits))
    }

    /// `±HH[:MM[:SS]]` in seconds.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.rest.split_first()? {
            (b'+', rest) => (1, rest),
            (b'-', rest) => (-1, rest),
            _ => return None,
        };
        self.rest = sign.1;
        let mut seconds = self.two(24)? * 3600;
        if self.take(b':').is_some() {
            seconds += self.two(59)? * 60;
            if self.take(b':').is_some() {
                seconds += self.two(59)?;
            }
        }
        Some(sign.0 * seconds)
    }

    /// The optional ` BC` and the end.
    fn era_and_end(&mut self) -> Option<bool> {
        match self.rest {
            b"" => Some(false),
            b" BC" => Some(true),
            _ => None,
        }
    }

    fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

/// Days of a month.
fn last_day(year: i64, month: i64) -> i64 {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since the epoch of a date that exists. 1 BC is the year 0.
fn epoch_day((year, month, day): (i64, i64, i64), bc: bool) -> Option<i64> {
    let year = if bc { 1 - year } else { year };
    if !(1..=12).contains(&month) || day < 1 || (day > 28 && day > last_day(year, month)) {
        return None;
    }
    // Years that begin in March put the leap day at their end.
    let (from_march, year) = if month <= 2 { (month + 9, year - 1) } else { (month - 3, year) };
    // Moved by whole cycles of 400 years, no year that seven digits can show is negative.
    const CYCLES: i64 = 25_000;
    let years = (year + 400 * CYCLES) as u64;
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (153 * from_march as u64 + 2) / 5;
    Some(days as i64 + day - 1 - 719_468 - 146_097 * CYCLES)
}

/// Year, month and day of a day since the epoch.
fn civil(epoch_day: i64) -> (i64, i64, i64) {
    let shifted = epoch_day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

fn beyond<T>(text: &[u8]) -> Option<Moment<T>> {
    match text {
        b"infinity" => Some(Moment::Infinity),
        b"-infinity" => Some(Moment::MinusInfinity),
        _ => None,
    }
}

/// `date`: days since the epoch.
pub(crate) fn date(text: &[u8]) -> Option<Moment<i64>> {
    if let Some(beyond) = beyond(text) {
        return Some(beyond);
    }
    let mut cursor = Cursor { rest: text };
    let date = cursor.date()?;
    let bc = cursor.era_and_end()?;
    epoch_day(date, bc).map(Moment::At)
}

/// `time`: microseconds since midnight, 24:00:00 included.
pub(crate) fn time(text: &[u8]) -> Option<i64> {
    let mut cursor = Cursor { rest: text };
    let time = cursor.time()?;
    cursor.end()?;
    Some(time)
}

/// `time with time zone`: microseconds since midnight in UTC, less than a day.
pub(crate) fn time_with_zone(text: &[u8]) -> Option<i64> {
    let mut cursor = Cursor { rest: text };
    let time = cursor.time()?;
    let offset = cursor.offset()?;
    cursor.end()?;
    Some((time - offset * SECOND).rem_euclid(DAY))
}

/// `timestamp`.
pub(crate) fn timestamp(text: &[u8]) -> Option<Moment<Timestamp>> {
    read_timestamp(text, false)
}

/// `timestamp with time zone`, in UTC.
pub(crate) fn timestamp_with_zone(text: &[u8]) -> Option<Moment<Timestamp>> {
    read_timestamp(text, true)
}

#[inline(always)]
fn read_timestamp(text: &[u8], zoned: bool) -> Option<Moment<Timestamp>> {
    if let Some(beyond) = beyond(text) {
        return Some(beyond);
    }
    let mut cursor = Cursor { rest: text };
    let (date, mut micros) = match cursor.usual() {
        Some(usual) => usual,
        None => {
            let date = cursor.date()?;
            cursor.take(b' ')?;
            (date, cursor.time()?)
        }
    };
    if zoned {
        micros -= cursor.offset()? * SECOND;
    }
    let bc = cursor.era_and_end()?;
    let day = epoch_day(date, bc)? + micros.div_euclid(DAY);
    Some(Moment::At(Timestamp { day, micros: micros.rem_euclid(DAY) }))
}

/// Appends a timestamp with time zone as [`write_zoned_timestamp`] does, if it is in UTC and of the usual form, which is
/// but for two characters Java's.
pub(crate) fn copy_utc(text: &[u8], out: &mut Vec<u8>) -> bool {
    let mut cursor = Cursor { rest: text };
    let Some((date, micros)) = cursor.usual() else { return false };
    let (Some(mut local), true) = (text.strip_suffix(b"+00"), cursor.rest == b"+00") else { return false };
    if micros >= DAY || epoch_day(date, false).is_none() {
        return false;
    }
    if local.len() > 19 {
        while let Some(shorter) = local.strip_suffix(b"0") {
            local = shorter;
        }
        local = local.strip_suffix(b".").unwrap_or(local);
    }
    let start = out.len();
    out.extend_from_slice(local);
    if let Some(space) = out.get_mut(start + 10) {
        *space = b'T';
    }
    out.push(b'Z');
    true
}

/// Appends a timestamp in UTC as Java's `ISO_OFFSET_DATE_TIME` writes it.
pub(crate) fn write_zoned_timestamp(at: Timestamp, out: &mut Vec<u8>) {
    let (year, month, day) = civil(at.day);
    match year {
        ..0 => out.push(b'-'),
        0..=9_999 => {}
        _ => out.push(b'+'),
    }
    write_digits(year.unsigned_abs(), 4, out);
    out.push(b'-');
    write_digits(month.unsigned_abs(), 2, out);
    out.push(b'-');
    write_digits(day.unsigned_abs(), 2, out);
    out.push(b'T');
    write_zoned_time(at.micros, out);
}

/// Appends a time in UTC as Java's `ISO_OFFSET_TIME` writes it: a fraction only where there is one, without trailing
/// zeros.
pub(crate) fn write_zoned_time(micros: i64, out: &mut Vec<u8>) {
    let seconds = micros / SECOND;
    for (i, part) in [seconds / 3600, seconds / 60 % 60, seconds % 60].into_iter().enumerate() {
        if i > 0 {
            out.push(b':');
        }
        write_digits(part.unsigned_abs(), 2, out);
    }
    let fraction = micros % SECOND;
    if fraction != 0 {
        out.push(b'.');
        write_digits(fraction.unsigned_abs(), 6, out);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    out.push(b'Z');
}

/// Appends a number with at least `width` digits.
pub(crate) fn write_digits(value: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut rest = value;
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        if rest == 0 && used >= width.max(1) {
            break;
        }
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or(&[]));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zoned(text: &str) -> Option<String> {
        let mut out = Vec::new();
        match timestamp_with_zone(text.as_bytes())? {
            Moment::At(at) => write_zoned_timestamp(at, &mut out),
            _ => return None,
        }
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        let mut previous = civil(-719_468 - 146_097);
        for day in -719_468 - 146_096..-719_468 + 146_097 {
            let date = civil(day);
            assert!(date > previous, "{day}");
            assert_eq!(epoch_day(date, false), Some(day));
            previous = date;
        }
        assert_eq!(epoch_day((1970, 1, 1), false), Some(0));
        assert_eq!(epoch_day((1, 1, 1), true), epoch_day((0, 1, 1), false));
        assert_eq!(date(b"0044-03-15 BC"), Some(Moment::At(-735_160)));
    }

    #[test]
    fn zones_fractions_and_far_years() {
        for (text, expected) in [
            ("2024-02-29 12:34:56.789012+05:30", "2024-02-29T07:04:56.789012Z"),
            ("2024-06-01 12:00:00.5+02", "2024-06-01T10:00:00.5Z"),
            ("1883-11-18 12:03:58-04:56:02", "1883-11-18T17:00:00Z"),
            ("294276-12-31 23:59:59.999999+00", "+294276-12-31T23:59:59.999999Z"),
            ("4713-01-02 00:00:00+00 BC", "-4712-01-02T00:00:00Z"),
            ("0001-01-01 00:00:00+01", "0000-12-31T23:00:00Z"),
            ("2024-12-31 24:00:00+00", "2025-01-01T00:00:00Z"),
        ] {
            assert_eq!(zoned(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(timestamp(b"-infinity"), Some(Moment::MinusInfinity));
    }

    #[test]
    fn the_usual_form_is_read_as_all_others() {
        let slow = |text: &[u8]| {
            let mut cursor = Cursor { rest: text };
            let date = cursor.date()?;
            cursor.take(b' ')?;
            Some((date, cursor.time()?, cursor.rest.len()))
        };
        let usual = |text: &[u8]| {
            let mut cursor = Cursor { rest: text };
            cursor.usual().map(|(date, micros)| (date, micros, cursor.rest.len()))
        };
        let mut agreed = 0;
        for text in [
            "2026-11-23 10:59:58.123456",
            "2026-11-23 10:59:58.123456+00",
            "2024-02-29 23:59:59+00",
            "0001-12-31 24:00:00.000000-12:30 BC",
            "9999-01-01 00:00:00.000001+05:30",
        ] {
            for at in 0..text.len() {
                for byte in *b"0123456789:;/-+. a" {
                    let mut changed = text.as_bytes().to_vec();
                    changed[at] = byte;
                    if let Some(found) = usual(&changed) {
                        assert_eq!(Some(found), slow(&changed), "{changed:?}");
                        agreed += 1;
                    }
                    let (mut short, mut long) = (Vec::new(), Vec::new());
                    if copy_utc(&changed, &mut short) {
                        let Some(Moment::At(at)) = timestamp_with_zone(&changed) else { panic!("{changed:?}") };
                        write_zoned_timestamp(at, &mut long);
                        assert_eq!(short, long, "{changed:?}");
                    }
                }
                assert!(usual(&text.as_bytes()[..at.min(18)]).is_none());
            }
        }
        assert!(agreed > 500);
        for (text, expected) in [
            ("2026-11-23 10:59:58.120000+00", "2026-11-23T10:59:58.12Z"),
            ("2026-11-23 10:50:00.000000+00", "2026-11-23T10:50:00Z"),
            ("0000-02-29 10:50:00+00", "0000-02-29T10:50:00Z"),
        ] {
            let mut out = b"x".to_vec();
            assert!(copy_utc(text.as_bytes(), &mut out));
            assert_eq!((&out[1..], zoned(text).as_deref()), (expected.as_bytes(), Some(expected)));
        }
        assert!(!copy_utc(b"2026-02-29 10:59:58+00", &mut Vec::new()));
    }

    #[test]
    fn what_is_no_date_or_time_is_refused() {
        for text in [
            "2023-02-29 00:00:00+00",
            "2024-13-01 00:00:00+00",
            "2024-00-01 00:00:00+00",
            "2024-01-00 00:00:00+00",
            "2024-01-01 24:00:01+00",
            "2024-01-01 00:60:00+00",
            "2024-01-01 00:00:00",
            "2024-01-01T00:00:00+00",
            "2024-01-01 00:00:00+00 AD",
            "2024-01-01 00:00:00.+00",
            "2024-01-01 00:00:00.1234567+00",
            "24-01-01 00:00:00+00",
            "01/01/2024 00:00:00+00",
            "",
        ] {
            assert_eq!(zoned(text), None, "{text}");
        }
        assert_eq!(time(b"24:00:00"), Some(DAY));
        assert_eq!(time(b"12:00"), None);
        assert_eq!(time_with_zone(b"24:00:00+00"), Some(0));
        assert_eq!(time_with_zone(b"00:00:00+15:59:59"), Some(DAY - (15 * 3600 + 59 * 60 + 59) * SECOND));
    }

    #[test]
    fn the_last_thirty_years_do_not_fit_microseconds() {
        let Some(Moment::At(last)) = timestamp(b"294276-12-31 23:59:59.999999") else { panic!() };
        assert_eq!((last.micros(), last.millis()), (None, 9_224_318_015_999_999));
    }
}
