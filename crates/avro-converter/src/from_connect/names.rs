//! Names: `AvroData.scrubName`, `splitName` and what `org.apache.avro.Schema` refuses.

use crate::avro_schema::{Kind, Name, NameRule};
use connect_data::{Error, Result};
use std::borrow::Cow;
use std::fmt::Write;

/// `AvroData.doScrubName`: `URLEncoder.encode`, then `_` for whatever is still not `[A-Za-z0-9_]`, and an `x` before a
/// leading digit. A name that is good already, and an empty one, stay.
pub(crate) fn scrub(name: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let digit_first = name.starts_with(|c: char| c.is_ascii_digit());
    if !digit_first && name.chars().all(plain) {
        return Cow::Borrowed(name);
    }
    let mut scrubbed = String::with_capacity(name.len() + 1);
    if digit_first {
        scrubbed.push('x');
    }
    for c in name.chars() {
        if plain(c) {
            scrubbed.push(c);
        } else if matches!(c, '.' | '-' | '*' | ' ') {
            // URLEncoder leaves these one character, which is then replaced.
            scrubbed.push('_');
        } else {
            let mut octets = [0; 4];
            for octet in c.encode_utf8(&mut octets).bytes() {
                // `%C3` with its `%` replaced. Writing to a String cannot fail.
                let _ = write!(scrubbed, "_{octet:02X}");
            }
        }
    }
    Cow::Owned(scrubbed)
}

/// `AvroData.splitName` and `Schema.Name`: the Avro name of a Connect schema name. Trailing dots vanish, as with Java's
/// `String.split`.
///
/// # Errors
/// Data `avro.name`.
pub(crate) fn record_name(name: &str, scrubbing: bool) -> Result<Name> {
    let parts: Vec<Cow<'_, str>> = parts(name).map(|part| if scrubbing { scrub(part) } else { part.into() }).collect();
    let Some((simple, space)) = parts.split_last() else {
        return Err(invalid(name, "at least one part that is not empty"));
    };
    check(Name::new(simple, Some(&space.join("."))))
}

/// `AvroData.scrubFullName`: what a Connect name is compared with.
pub(crate) fn full_name(name: &str, scrubbing: bool) -> Cow<'_, str> {
    if !scrubbing {
        return name.into();
    }
    let parts: Vec<Cow<'_, str>> = parts(name).map(scrub).collect();
    parts.join(".").into()
}

/// `AvroData.splitName(name)[1]`: the last part.
pub(crate) fn simple_name(name: &str, scrubbing: bool) -> Cow<'_, str> {
    let last = parts(name).next_back().unwrap_or("");
    if scrubbing { scrub(last) } else { last.into() }
}

/// Java's `name.split("\\.")`.
fn parts(name: &str) -> impl DoubleEndedIterator<Item = &str> {
    let trimmed = name.trim_end_matches('.');
    // An empty name is one empty part; a name of dots alone has none.
    let none = trimmed.is_empty() && !name.is_empty();
    trimmed.split('.').take(if none { 0 } else { usize::MAX }).collect::<Vec<_>>().into_iter()
}

/// Refuses what `Schema.Name` and `NamedSchema` refuse.
///
/// # Errors
/// Data `avro.name`.
pub(crate) fn check(name: Name) -> Result<Name> {
    if !NameRule::Letters.accepts(name.simple()) {
        return Err(invalid(name.full(), "a name of letters, digits and underscores that starts with no digit"));
    }
    if Kind::primitive(name.full()).is_some() {
        return Err(invalid(name.full(), "a name other than that of a primitive type"));
    }
    Ok(name)
}

/// Refuses a field name or enum symbol that Avro refuses.
///
/// # Errors
/// Data `avro.name`.
pub(crate) fn check_simple(name: &str) -> Result<()> {
    if NameRule::Letters.accepts(name) {
        return Ok(());
    }
    Err(invalid(name, "a name of letters, digits and underscores that starts with no digit"))
}

fn invalid(found: &str, expected: &str) -> Error {
    Error::data("avro.name", format!("Avro name: expected {expected}, found {found:?}"))
        .hint("rename it, or set scrub.invalid.names=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrubbing_follows_url_encoder() {
        for (name, scrubbed) in [
            ("ok_1", "ok_1"),
            ("", ""),
            ("1a", "x1a"),
            ("a-b", "a_b"),
            ("a.b", "a_b"),
            ("a b*", "a_b_"),
            ("a+b", "a_2Bb"),
            ("ü", "_C3_BC"),
            ("😀", "_F0_9F_98_80"),
            ("-", "_"),
        ] {
            assert_eq!(scrub(name), scrubbed);
        }
    }

    #[test]
    fn names_split_as_in_java() {
        assert_eq!(record_name("a.b.C", false).unwrap().full(), "a.b.C");
        assert_eq!(record_name("a-b.1C", true).unwrap().full(), "a_b.x1C");
        assert_eq!(record_name("a.", false).unwrap().full(), "a");
        assert_eq!(record_name(".a", false).unwrap().namespace(), None);
        for bad in ["", ".", "a.b-c", "int", "1a"] {
            assert_eq!(record_name(bad, false).unwrap_err().code(), "avro.name", "{bad}");
        }
        assert_eq!(record_name("n.int", false).unwrap().full(), "n.int");
        assert_eq!(full_name("a-b.c.", true), "a_b.c");
        assert_eq!(full_name("a-b.c.", false), "a-b.c.");
        assert_eq!(simple_name("a.b-c", true), "b_c");
    }
}
