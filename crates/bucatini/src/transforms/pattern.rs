//! Java's regular expressions, as far as the `regex` crate has the same.

use connect_data::{Error, Result};
use regex::Regex;

/// A pattern that must match the whole text, as `Matcher.matches` wants it.
///
/// # Errors
/// Config: not a pattern, or one that only Java has (look-around, back references, possessive quantifiers).
pub(crate) fn whole(pattern: &str, setting: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{pattern})$")).map_err(|error| refused(setting, &error))
}

fn refused(setting: &str, error: &regex::Error) -> Error {
    // The library's text shows the pattern over several lines; its last one says what is wrong.
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error:").trim().to_owned();
    Error::config(
        "config.pattern",
        format!("setting {setting}: expected a regular expression, found one with {reason}"),
    )
    .hint("look-around, back references and possessive quantifiers of Java are not available here")
}

/// A pattern that matches anywhere, as `Matcher.find` wants it.
///
/// # Errors
/// As [`whole`].
pub(crate) fn part(pattern: &str, setting: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| refused(setting, &error))
}
