//! `Retry-After` (RFC 9110, 10.2.3): seconds, or a date. There is no clock here, so that a date counts from the answer's own
//! `Date`.

/// Milliseconds to wait, if the header says so understandably.
pub(crate) fn millis(retry_after: &str, date: Option<&str>) -> Option<i64> {
    if let Ok(seconds) = retry_after.parse::<u32>() {
        return Some(i64::from(seconds) * 1_000);
    }
    let (then, now) = (seconds(retry_after)?, seconds(date?)?);
    Some((then - now).max(0) * 1_000)
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the only form of date that may be sent.
fn seconds(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: i64 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let year: i64 = words.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut clock = words.next()?.splitn(3, ':').map(|part| part.parse::<i64>().ok().filter(|n| (0..=60).contains(n)));
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    // Days of the proleptic Gregorian calendar, years beginning with March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds() {
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Thu, 29 Feb 2024 23:59:60 GMT"), Some(1_709_251_200));
        for none in ["", "Sun, 06 Nov 1994", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT", "x, y"] {
            assert_eq!(seconds(none), None, "{none}");
        }
    }

    #[test]
    fn a_date_counts_from_the_answers_own() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(millis("7", None), Some(7_000));
        assert_eq!(millis("Sun, 06 Nov 1994 08:50:07 GMT", date), Some(30_000));
        assert_eq!(millis("Sun, 06 Nov 1994 08:00:00 GMT", date), Some(0));
        assert_eq!(millis("Sun, 06 Nov 1994 08:50:07 GMT", None), None);
        assert_eq!(millis("soon", date), None);
        assert_eq!(millis("-1", date), None);
    }
}
