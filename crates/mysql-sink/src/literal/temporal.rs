//! Dates, times and timestamps as quoted literals.

use connect_data::{Error, Result};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Unit of a number of Connect's or Debezium's temporal types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Millis,
    Micros,
    Nanos,
}

/// A moment or a time of day, in microseconds.
///
/// # Errors
/// Data: nanoseconds that are no whole microsecond, which MySQL cannot store.
pub(crate) fn micros(value: i64, unit: Unit) -> Result<i64> {
    match unit {
        Unit::Millis => value.checked_mul(1000).ok_or_else(out_of_range),
        Unit::Micros => Ok(value),
        Unit::Nanos if value % 1000 == 0 => Ok(value / 1000),
        Unit::Nanos => Err(too_fine(6)),
    }
}

/// `'2021-12-13'` from days since the epoch.
pub(crate) fn date(days: i64, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'\'');
    push_date(days, out)?;
    out.push(b'\'');
    Ok(())
}

/// `'07:24:47.887'` from microseconds since midnight, with as many digits as the column has.
pub(crate) fn time(micros: i64, digits: u8, out: &mut Vec<u8>) -> Result<()> {
    if !(0..=SECONDS_PER_DAY * MICROS_PER_SECOND).contains(&micros) {
        return Err(Error::data("mysql.time", "expected a time of day from 00:00 to 24:00, found one outside of it"));
    }
    out.push(b'\'');
    push_time(micros, digits, out)?;
    out.push(b'\'');
    Ok(())
}

/// `'2021-12-13 07:24:47.887'` from microseconds since the epoch; `offset` seconds are added.
pub(crate) fn date_time(micros: i64, offset: i64, digits: u8, out: &mut Vec<u8>) -> Result<()> {
    let micros = offset.checked_mul(MICROS_PER_SECOND).and_then(|o| micros.checked_add(o)).ok_or_else(out_of_range)?;
    let per_day = SECONDS_PER_DAY * MICROS_PER_SECOND;
    out.push(b'\'');
    push_date(micros.div_euclid(per_day), out)?;
    out.push(b' ');
    push_time(micros.rem_euclid(per_day), digits, out)?;
    out.push(b'\'');
    Ok(())
}

fn push_date(days: i64, out: &mut Vec<u8>) -> Result<()> {
    // From 0001-01-01 to 9999-12-31: everything else is none that MySQL can store.
    if !(-719_162..=2_932_896).contains(&days) {
        return Err(out_of_range());
    }
    let (year, month, day) = civil(days);
    push_padded(year, 4, out);
    out.push(b'-');
    push_padded(month, 2, out);
    out.push(b'-');
    push_padded(day, 2, out);
    Ok(())
}

fn push_time(micros: i64, digits: u8, out: &mut Vec<u8>) -> Result<()> {
    let (seconds, fraction) = (micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND);
    push_padded(seconds / 3600, 2, out);
    out.push(b':');
    push_padded(seconds / 60 % 60, 2, out);
    out.push(b':');
    push_padded(seconds % 60, 2, out);
    let unit = 10_i64.pow(6 - u32::from(digits.min(6)));
    if fraction % unit != 0 {
        return Err(too_fine(digits));
    }
    if fraction != 0 {
        out.push(b'.');
        push_padded(fraction / unit, usize::from(digits.min(6)), out);
    }
    Ok(())
}

fn push_padded(value: i64, width: usize, out: &mut Vec<u8>) {
    let mut divisor = 10_i64.pow(width.saturating_sub(1) as u32);
    while divisor > 0 {
        out.push(b'0' + (value / divisor % 10) as u8);
        divisor /= 10;
    }
}

/// Year, month and day of days since 1970-01-01, proleptic Gregorian. Years begin in March here, so that leap days come
/// last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days since 1970-01-01 of a date; the inverse of [`civil`].
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// What ISO 8601 text of Debezium's string types holds: days, microseconds of the day, seconds east of Greenwich.
pub(crate) struct Iso {
    pub(crate) days: Option<i64>,
    pub(crate) micros: i64,
    pub(crate) offset: i64,
}

impl Iso {
    /// Microseconds since the epoch.
    pub(crate) fn instant(&self) -> Option<i64> {
        let seconds = self.days?.checked_mul(SECONDS_PER_DAY)?.checked_sub(self.offset)?;
        seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(self.micros)
    }

    /// Parses `2021-12-13T07:24:47.887Z`, `07:24:47+01:00`, `2021-12-13Z` and what lies between.
    ///
    /// # Errors
    /// Data: another form, a year outside of 0001 to 9999 (so also infinity), finer than microseconds.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut rest = text.as_bytes();
        let days = if text.as_bytes().get(4) == Some(&b'-') {
            let (year, month, day) = (number(&mut rest, 4)?, after(&mut rest, b'-')?, after(&mut rest, b'-')?);
            let days = days_of(year, month, day);
            if year == 0 || civil(days) != (year, month, day) {
                return Err(not_iso());
            }
            if let Some((b'T' | b' ', tail)) = rest.split_first() {
                rest = tail;
            }
            Some(days)
        } else {
            None
        };
        let mut micros = 0;
        if rest.get(2) == Some(&b':') {
            let (hour, minute) = (number(&mut rest, 2)?, after(&mut rest, b':')?);
            let second = if rest.first() == Some(&b':') { after(&mut rest, b':')? } else { 0 };
            if hour > 24 || minute > 59 || second > 59 {
                return Err(not_iso());
            }
            micros = ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + fraction(&mut rest)?;
        } else if days.is_none() {
            return Err(not_iso());
        }
        let offset = match rest.split_first() {
            None => 0,
            Some((b'Z', [])) => 0,
            Some((sign @ (b'+' | b'-'), tail)) => {
                rest = tail;
                let hours = number(&mut rest, 2)?;
                let minutes = if rest.is_empty() { 0 } else { after(&mut rest, b':')? };
                let seconds = if rest.is_empty() { 0 } else { after(&mut rest, b':')? };
                let seconds = hours * 3600 + minutes * 60 + seconds;
                if rest.is_empty() && *sign == b'-' {
                    -seconds
                } else if rest.is_empty() {
                    seconds
                } else {
                    return Err(not_iso());
                }
            }
            Some(_) => return Err(not_iso()),
        };
        Ok(Self { days, micros, offset })
    }
}

fn number(rest: &mut &[u8], width: usize) -> Result<i64> {
    let (digits, tail) = rest.split_at_checked(width).ok_or_else(not_iso)?;
    *rest = tail;
    digits.iter().try_fold(0, |value, digit| match digit {
        b'0'..=b'9' => Ok(value * 10 + i64::from(digit - b'0')),
        _ => Err(not_iso()),
    })
}

fn after(rest: &mut &[u8], separator: u8) -> Result<i64> {
    match rest.split_first() {
        Some((first, tail)) if *first == separator => {
            *rest = tail;
            number(rest, 2)
        }
        _ => Err(not_iso()),
    }
}

/// Microseconds of a fraction, if one follows.
fn fraction(rest: &mut &[u8]) -> Result<i64> {
    let Some((b'.', tail)) = rest.split_first() else { return Ok(0) };
    let count = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut micros = 0;
    for i in 0..count.max(6) {
        let digit = if i < count { i64::from(tail.get(i).copied().unwrap_or(b'0') - b'0') } else { 0 };
        if i < 6 {
            micros = micros * 10 + digit;
        } else if digit != 0 {
            return Err(too_fine(6));
        }
    }
    *rest = tail.get(count..).unwrap_or(&[]);
    Ok(micros)
}

pub(super) fn not_iso() -> Error {
    Error::data(
        "mysql.date-time",
        "expected a date or time in ISO 8601 with a year from 0001 to 9999, found something else (infinity, perhaps)",
    )
}

fn out_of_range() -> Error {
    Error::data(
        "mysql.date-time",
        "expected a date from 0001-01-01 to 9999-12-31, as MySQL can store, found one outside of it (infinity, perhaps)",
    )
}

fn too_fine(digits: u8) -> Error {
    Error::data(
        "mysql.fraction",
        format!("expected at most {digits} digits of a second, as the column holds, found more: MySQL would round"),
    )
    .hint("give the column up to 6 digits, as in DATETIME(6)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> std::result::Result<String, String> {
        let mut out = Vec::new();
        write(&mut out).map_err(|e| e.code().to_owned())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn dates_to_their_limits() {
        for (days, expected) in
            [(0, "'1970-01-01'"), (18_974, "'2021-12-13'"), (-719_162, "'0001-01-01'"), (2_932_896, "'9999-12-31'")]
        {
            assert_eq!(written(|out| date(days, out)).unwrap(), expected);
        }
        for days in [-719_163, 2_932_897, i64::from(i32::MAX), i64::MIN] {
            assert_eq!(written(|out| date(days, out)).unwrap_err(), "mysql.date-time");
        }
    }

    #[test]
    fn times_and_their_fractions() {
        assert_eq!(written(|out| time(0, 6, out)).unwrap(), "'00:00:00'");
        assert_eq!(written(|out| time(86_400_000_000, 0, out)).unwrap(), "'24:00:00'");
        assert_eq!(written(|out| time(26_687_000_500, 6, out)).unwrap(), "'07:24:47.000500'");
        assert_eq!(written(|out| time(26_687_887_000, 3, out)).unwrap(), "'07:24:47.887'");
        assert_eq!(written(|out| time(26_687_887_001, 3, out)).unwrap_err(), "mysql.fraction");
        assert_eq!(written(|out| time(-1, 6, out)).unwrap_err(), "mysql.time");
    }

    #[test]
    fn timestamps_and_infinity() {
        let micros = 1_639_380_287_887_136;
        assert_eq!(written(|out| date_time(micros, 0, 6, out)).unwrap(), "'2021-12-13 07:24:47.887136'");
        assert_eq!(written(|out| date_time(micros, -3600, 6, out)).unwrap(), "'2021-12-13 06:24:47.887136'");
        assert_eq!(written(|out| date_time(-1, 0, 6, out)).unwrap(), "'1969-12-31 23:59:59.999999'");
        for infinity in [9_223_372_036_825_200_000, -9_223_372_036_832_400_000] {
            assert_eq!(written(|out| date_time(infinity, 3600, 6, out)).unwrap_err(), "mysql.date-time");
        }
        assert_eq!(micros_of(1_639_380_287_887, Unit::Millis), Ok(1_639_380_287_887_000));
        assert_eq!(micros_of(1, Unit::Nanos), Err("mysql.fraction".to_owned()));
        assert_eq!(micros_of(i64::MAX, Unit::Millis), Err("mysql.date-time".to_owned()));
    }

    fn micros_of(value: i64, unit: Unit) -> std::result::Result<i64, String> {
        micros(value, unit).map_err(|e| e.code().to_owned())
    }

    #[test]
    fn iso_text() {
        let instant = |text: &str| Iso::parse(text).ok().and_then(|iso| iso.instant());
        assert_eq!(instant("2021-12-13T07:24:47.887136Z"), Some(1_639_380_287_887_136));
        assert_eq!(instant("2021-12-13T08:24:47.887136+01:00"), Some(1_639_380_287_887_136));
        assert_eq!(instant("2021-12-13T07:24:47.8871360Z"), Some(1_639_380_287_887_136));
        assert_eq!(instant("2021-12-13Z"), Some(18_974 * 86_400_000_000));
        let time = Iso::parse("07:24:47.5-03:30").unwrap();
        assert_eq!((time.days, time.micros, time.offset), (None, 26_687_500_000, -12_600));
        for bad in [
            "",
            "infinity",
            "2021-02-30T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "+12345-01-01T00:00:00Z",
            "294247-01-10T04:00:54.775Z",
            "2021-12-13T07:24:47.887136Zx",
            "2021-12-13T25:00:00Z",
            "07:24:47.1234567Z",
            "2021-12-13T07:24:47+01:00:00:00",
        ] {
            assert!(Iso::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn days_are_inverse_to_dates(days in -719_162_i64..2_932_896) {
            let (year, month, day) = civil(days);
            prop_assert_eq!(days_of(year, month, day), days);
        }

        #[test]
        fn no_text_makes_iso_panic(text in "\\PC{0,30}|[0-9T:Z.+-]{0,30}") {
            let _ = Iso::parse(&text);
        }
    }
}
