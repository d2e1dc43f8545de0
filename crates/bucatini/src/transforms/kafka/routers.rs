//! `RegexRouter` and `TimestampRouter`.

use super::{key, missing, required};
use crate::transforms::pattern;
use connect_data::config::{ConfigType, DefaultValue};
use connect_data::frame::{CHANGE, PASS, RecordFrame, change};
use connect_data::wire::Writer;
use connect_data::{ConfigKey, Error, Properties, Result, Transformation};
use regex::Regex;

pub(super) const REGEX_KEYS: &[ConfigKey] = &[
    key("regex", ConfigType::String, DefaultValue::Required, "Pattern that the whole topic name must match."),
    key("replacement", ConfigType::String, DefaultValue::Required, "The new topic; $1 stands for the first group."),
];

pub(super) const TIMESTAMP_KEYS: &[ConfigKey] = &[
    key(
        "topic.format",
        ConfigType::String,
        DefaultValue::Text("${topic}-${timestamp}"),
        "The new topic; ${topic} and ${timestamp} are replaced.",
    ),
    key(
        "timestamp.format",
        ConfigType::String,
        DefaultValue::Text("yyyyMMdd"),
        "How ${timestamp} is written, in UTC, as java.text.SimpleDateFormat has it: y, M, d, H, m, s, S and quoted text.",
    ),
];

/// Renames topics whose whole name matches.
pub(super) struct RegexRouter {
    whole: Regex,
    first: Regex,
    replacement: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
    Named(String),
}

impl RegexRouter {
    pub(super) fn new(settings: &Properties) -> Result<Self> {
        let regex = settings.get("regex").filter(|regex| !regex.is_empty()).ok_or_else(|| missing("regex"))?;
        let replacement = settings.get("replacement").ok_or_else(|| missing("replacement"))?;
        let whole = pattern::whole(regex, "regex")?;
        let first = pattern::part(regex, "regex")?;
        Ok(Self { replacement: replacement_pieces(replacement, &first)?, whole, first })
    }
}

/// Java's replacement: `$n` takes as many digits as there are such groups, `${name}`, a backslash before anything.
fn replacement_pieces(text: &str, regex: &Regex) -> Result<Vec<Piece>> {
    let wrong = |found: &str| {
        Error::config("config.invalid", format!("setting replacement: expected groups of regex, found {found}"))
    };
    let (mut pieces, mut literal) = (Vec::new(), String::new());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => literal.push(rest.next().ok_or_else(|| wrong("a backslash at the end"))?),
            '$' => {
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                if rest.next_if_eq(&'{').is_some() {
                    let name: String = std::iter::from_fn(|| rest.next_if(|c| *c != '}')).collect();
                    if rest.next().is_none() || !regex.capture_names().flatten().any(|known| known == name) {
                        return Err(wrong("the name of no group"));
                    }
                    pieces.push(Piece::Named(name));
                    continue;
                }
                let mut group = rest.next().and_then(|c| c.to_digit(10)).ok_or_else(|| wrong("$ without a number"))?;
                if group as usize >= regex.captures_len() {
                    return Err(wrong(&format!("${group}")));
                }
                while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + digit;
                    if longer as usize >= regex.captures_len() {
                        break;
                    }
                    group = longer;
                    rest.next();
                }
                pieces.push(Piece::Group(group as usize));
            }
            c => literal.push(c),
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Ok(pieces)
}

impl Transformation for RegexRouter {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let topic = RecordFrame::read(record)?.topic;
        let captures = if self.whole.is_match(topic) { self.first.captures(topic) } else { None };
        let Some((captures, found)) = captures.and_then(|captures| captures.get(0).map(|found| (captures, found)))
        else {
            out.push(PASS);
            return Ok(());
        };
        let mut renamed = topic.get(..found.start()).unwrap_or_default().to_owned();
        for piece in &self.replacement {
            renamed.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Group(group) => captures.get(*group).map_or("", |found| found.as_str()),
                Piece::Named(name) => captures.name(name).map_or("", |found| found.as_str()),
            });
        }
        renamed.push_str(topic.get(found.end()..).unwrap_or_default());
        write_topic(&renamed, out);
        Ok(())
    }
}

fn write_topic(topic: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&[CHANGE, change::TOPIC]);
    Writer::new(out).str(topic);
}

/// Adds the record's time to its topic.
pub(super) struct TimestampRouter {
    topic: String,
    format: Vec<DatePart>,
}

#[derive(Debug, PartialEq, Eq)]
enum DatePart {
    Text(String),
    /// Letter and how often it stands there.
    Number(char, usize),
}

impl TimestampRouter {
    pub(super) fn new(settings: &Properties) -> Result<Self> {
        let format = settings.get("timestamp.format").unwrap_or("yyyyMMdd");
        let topic = match settings.get("topic.format") {
            Some(_) => required(settings, "topic.format")?,
            None => "${topic}-${timestamp}",
        };
        Ok(Self { topic: topic.to_owned(), format: date_parts(format)? })
    }
}

fn date_parts(format: &str) -> Result<Vec<DatePart>> {
    let wrong = |found: &str| {
        let message = format!("setting timestamp.format: expected y, M, d, H, m, s, S and quoted text, found {found}");
        Error::config("config.invalid", message)
    };
    let (mut parts, mut literal) = (Vec::new(), String::new());
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' if rest.next_if_eq(&'\'').is_some() => literal.push('\''),
            '\'' => loop {
                match rest.next().ok_or_else(|| wrong("a quote that does not end"))? {
                    '\'' if rest.next_if_eq(&'\'').is_some() => literal.push('\''),
                    '\'' => break,
                    c => literal.push(c),
                }
            },
            c if c.is_ascii_alphabetic() => {
                let mut count = 1;
                while rest.next_if_eq(&c).is_some() {
                    count += 1;
                }
                if !"yMdHmsS".contains(c) || (c == 'M' && count > 2) {
                    return Err(wrong(&c.to_string().repeat(count)));
                }
                if !literal.is_empty() {
                    parts.push(DatePart::Text(std::mem::take(&mut literal)));
                }
                parts.push(DatePart::Number(c, count));
            }
            c => literal.push(c),
        }
    }
    if !literal.is_empty() {
        parts.push(DatePart::Text(literal));
    }
    Ok(parts)
}

fn format_date(parts: &[DatePart], timestamp: i64) -> String {
    let (days, ms) = (timestamp.div_euclid(86_400_000), timestamp.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let mut text = String::new();
    for part in parts {
        match part {
            DatePart::Text(literal) => text.push_str(literal),
            DatePart::Number(letter, width) => {
                let number = match letter {
                    'y' if *width == 2 => year.rem_euclid(100),
                    'y' => year,
                    'M' => month,
                    'd' => day,
                    'H' => ms / 3_600_000,
                    'm' => ms / 60_000 % 60,
                    's' => ms / 1_000 % 60,
                    _ => ms % 1_000,
                };
                text.push_str(&format!("{number:0width$}"));
            }
        }
    }
    text
}

/// Year, month and day of a number of days since 1970-01-01 in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years that begin in March, counted from 0000-03-01, in eras of 400 years.
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

impl Transformation for TimestampRouter {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let record = RecordFrame::read(record)?;
        let timestamp = record.timestamp.ok_or_else(|| {
            Error::data("transforms.timestamp", "expected a record with a timestamp, found one without")
        })?;
        let topic = self.topic.replace("${topic}", record.topic);
        write_topic(&topic.replace("${timestamp}", &format_date(&self.format, timestamp)), out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_simple_date_format_does() {
        let format = |format: &str, timestamp| format_date(&date_parts(format).unwrap(), timestamp);
        assert_eq!(format("yyyyMMdd", 1_639_385_467_887), "20211213");
        assert_eq!(format("yy-M-d 'at' HH:mm:ss.SSS", 1_639_385_467_887), "21-12-13 at 08:51:07.887");
        assert_eq!(format("yyyy''", -1), "1969'");
        assert_eq!(format("yyyyMMdd", 951_782_400_000), "20000229");
        for wrong in ["EEE", "MMM", "yyyy'", "YYYY"] {
            assert!(date_parts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn replacements_are_javas() {
        let regex = Regex::new("(a)(?<n>b)").unwrap();
        let pieces = |text| replacement_pieces(text, &regex);
        assert_eq!(
            pieces("x$12${n}\\$").unwrap(),
            [
                Piece::Text("x".into()),
                Piece::Group(1),
                Piece::Text("2".into()),
                Piece::Named("n".into()),
                Piece::Text("$".into())
            ]
        );
        for wrong in ["$3", "$", "$x", "${m}", "${n", "\\"] {
            assert!(pieces(wrong).is_err(), "{wrong}");
        }
    }
}
