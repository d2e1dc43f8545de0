//! `hstore`: `"a"=>"1", "b"=>NULL`.
//!
//! Debezium reads it into a Java `HashMap`, so that the JSON text has that map's order; [`Pairs::read`] gives the same.

use crate::java_order;
use connect_data::{Error, Result};
use std::io::Write as _;
use std::ops::Range;

/// The pairs of one value; reused.
#[derive(Default)]
pub(crate) struct Pairs {
    text: Vec<u8>,
    pairs: Vec<Pair>,
}

struct Pair {
    bucket: u32,
    key: Range<usize>,
    value: Option<Range<usize>>,
}

fn malformed() -> Error {
    crate::codec::unfit("PostgreSQL's text of an hstore")
}

impl Pairs {
    /// Reads a text.
    pub(crate) fn read(&mut self, text: &[u8]) -> Result<()> {
        self.text.clear();
        self.pairs.clear();
        let mut rest = text;
        while !rest.is_empty() {
            let (key, after) = self.quoted(rest)?;
            rest = after.strip_prefix(b"=>").ok_or_else(malformed)?;
            let value = match rest.strip_prefix(b"NULL") {
                Some(after) => {
                    rest = after;
                    None
                }
                None => {
                    let (value, after) = self.quoted(rest)?;
                    rest = after;
                    Some(value)
                }
            };
            self.pairs.push(Pair { bucket: 0, key, value });
            if !rest.is_empty() {
                rest = rest.strip_prefix(b", ").filter(|rest| !rest.is_empty()).ok_or_else(malformed)?;
            }
        }
        self.order();
        Ok(())
    }

    /// A string in quotes, unescaped to `text`; what follows it.
    fn quoted<'a>(&mut self, text: &'a [u8]) -> Result<(Range<usize>, &'a [u8])> {
        let mut rest = text.strip_prefix(b"\"").ok_or_else(malformed)?;
        let start = self.text.len();
        loop {
            let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).ok_or_else(malformed)?;
            let (plain, after) = rest.split_at(stop);
            self.text.extend_from_slice(plain);
            match after {
                [b'"', after @ ..] => return Ok((start..self.text.len(), after)),
                [_, escaped, after @ ..] => {
                    self.text.push(*escaped);
                    rest = after;
                }
                _ => return Err(malformed()),
            }
        }
    }

    /// Java's order. Within a bucket by place in the text: this needs no stable sort, which would allocate.
    fn order(&mut self) {
        let entries = self.pairs.len();
        for pair in &mut self.pairs {
            let key = self.text.get(pair.key.clone()).and_then(|key| std::str::from_utf8(key).ok()).unwrap_or("");
            pair.bucket = java_order::bucket(key, entries);
        }
        self.pairs.sort_unstable_by_key(|pair| (pair.bucket, pair.key.start));
    }

    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Key and value of each pair.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let part = |range: &Range<usize>| self.text.get(range.clone()).unwrap_or(&[]);
        self.pairs.iter().map(move |pair| (part(&pair.key), pair.value.as_ref().map(part)))
    }

    /// Appends a JSON object, with the escapes that Jackson uses.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (i, (key, value)) in self.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write_string(key, out);
            out.push(b':');
            match value {
                Some(value) => write_string(value, out),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b'}');
    }
}

fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            // Writing to a vector cannot fail.
            ..0x20 => drop(write!(out, "\\u{byte:04X}")),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<String> {
        let mut pairs = Pairs::default();
        pairs.read(text.as_bytes()).ok()?;
        let mut out = Vec::new();
        pairs.write_json(&mut out);
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn json_has_javas_order_and_jacksons_escapes() {
        let text = r#""a"=>"1", "é"=>"😀", "b q"=>NULL, "c\"d"=>"e=>f", "new"=>"val""#;
        assert_eq!(json(text).unwrap(), r#"{"a":"1","new":"val","b q":null,"c\"d":"e=>f","é":"😀"}"#);
        assert_eq!(json("").unwrap(), "{}");
        assert_eq!(json("\"a\"=>\"\u{1}\u{1f}\t/\u{7f}\"").unwrap(), "{\"a\":\"\\u0001\\u001F\\t/\u{7f}\"}");
    }

    #[test]
    fn what_is_no_hstore_is_refused() {
        for text in [
            "a=>1",
            "\"a\"",
            "\"a\"=>",
            "\"a\"=>1",
            "\"a\"=>\"1\",",
            "\"a\"=>\"1\", ",
            "\"a\"=>\"1",
            "\"a\\",
            "\"a\"=>NULLx",
        ] {
            assert_eq!(json(text), None, "{text}");
        }
    }
}
