//! Format strings: kcat's `fmt_parse` and `parse_delim`.

use connect_data::{Error, Result};

/// A piece of the output of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Vec<u8>),
    Key,
    KeyLength,
    Value,
    ValueLength,
    /// 32 bits, big-endian.
    ValueLengthBinary,
    Timestamp,
    Headers,
    Topic,
    Partition,
    Offset,
}

/// Reads a format string.
///
/// # Errors
/// Config `cat.format`: an unknown token.
pub(super) fn parse(format: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some((text, after)) = rest.split_once('%') {
        if !text.is_empty() {
            pieces.push(Piece::Text(unescape(text)));
        }
        let mut chars = after.chars();
        pieces.push(match chars.next() {
            Some('k') => Piece::Key,
            Some('K') => Piece::KeyLength,
            Some('s') => Piece::Value,
            Some('S') => Piece::ValueLength,
            Some('R') => Piece::ValueLengthBinary,
            Some('T') => Piece::Timestamp,
            Some('h') => Piece::Headers,
            Some('t') => Piece::Topic,
            Some('p') => Piece::Partition,
            Some('o') => Piece::Offset,
            Some('%') => Piece::Text(b"%".to_vec()),
            found => {
                let found = found.map_or_else(|| "the end".to_owned(), |c| format!("%{c}"));
                let expected = "one of s S R k K T h t p o % after %";
                return Err(Error::config("cat.format", format!("option -f: expected {expected}, found {found}")));
            }
        });
        rest = chars.as_str();
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(unescape(rest)));
    }
    Ok(pieces)
}

/// `\n`, `\r`, `\t`, `\x` with hexadecimal digits, `\` with a decimal or (after 0) octal number; any other character after a
/// backslash stands for itself. As in kcat a number takes all digits that follow and keeps its lowest 8 bits; unlike there
/// it may begin with a letter (`\xFF`) and be 0.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.extend_from_slice(plain.as_bytes());
        let (base, digits) = match after.strip_prefix('x') {
            Some(digits) => (16, digits),
            None if after.starts_with('0') => (8, after),
            None => (10, after),
        };
        let len = digits.find(|c: char| !c.is_digit(base)).unwrap_or(digits.len());
        let (number, behind) = digits.split_at(len);
        if !number.is_empty() {
            let low = |value: u32, c: char| value.wrapping_mul(base).wrapping_add(c.to_digit(base).unwrap_or(0));
            out.push(number.chars().fold(0, low) as u8);
            rest = behind;
            continue;
        }
        let mut chars = after.chars();
        match chars.next() {
            Some('n') => out.push(b'\n'),
            Some('r') => out.push(b'\r'),
            Some('t') => out.push(b'\t'),
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => out.push(b'\\'),
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.as_bytes().to_vec())
    }

    #[test]
    fn tokens_and_texts() {
        assert_eq!(
            parse("Key: %k\\nValue: %s\\n").unwrap(),
            [text("Key: "), Piece::Key, text("\nValue: "), Piece::Value, text("\n")]
        );
        assert_eq!(
            parse("%t%p%o%T%h%K%S%R%%").unwrap(),
            [
                Piece::Topic,
                Piece::Partition,
                Piece::Offset,
                Piece::Timestamp,
                Piece::Headers,
                Piece::KeyLength,
                Piece::ValueLength,
                Piece::ValueLengthBinary,
                text("%")
            ]
        );
        assert!(parse("").unwrap().is_empty());
        for wrong in ["%", "a%", "%x", "%é"] {
            assert_eq!(parse(wrong).unwrap_err().code(), "cat.format");
        }
    }

    #[test]
    fn escapes() {
        for (escaped, expected) in [
            ("\\n\\r\\t", &b"\n\r\t"[..]),
            ("\\x30!\\x45\\x53T", b"0!EST"),
            ("\\xFF\\xfe", &[0xFF, 0xFE]),
            ("\\0", &[0]),
            ("\\65\\0101", b"AA"),
            ("\\x12345", &[0x45]),
            ("\\\\n\\q\\é", "\\nqé".as_bytes()),
            ("end\\", b"end\\"),
            ("\\x", b"x"),
        ] {
            assert_eq!(unescape(escaped), expected, "{escaped}");
        }
    }
}
