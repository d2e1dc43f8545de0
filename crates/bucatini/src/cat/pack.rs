//! Packed numbers: kcat's pack strings, which follow Python's `struct`.
//!
//! kcat reads little-endian numbers (`<`) as big-endian ones; this follows its documentation instead.

use connect_data::{Error, Result};
use std::io::Write;

/// One character of a pack string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Space,
    Little,
    Big,
    /// Octets, and whether there is a sign.
    Integer(usize, bool),
    Character,
    Rest,
    End,
}

/// Reads a pack string.
///
/// # Errors
/// Config `cat.pack`: empty, or an unknown character.
pub(super) fn parse(text: &str) -> Result<Vec<Token>> {
    let invalid = |found: &str| {
        let expected = "avro, or characters of \" <>bBhHiIqQcs$\"";
        Error::config("cat.pack", format!("option -s: expected {expected}, found {found}"))
    };
    if text.is_empty() {
        return Err(invalid("nothing"));
    }
    let token = |c: char| {
        Ok(match c {
            ' ' => Token::Space,
            '<' => Token::Little,
            '>' => Token::Big,
            'b' => Token::Integer(1, true),
            'B' => Token::Integer(1, false),
            'h' => Token::Integer(2, true),
            'H' => Token::Integer(2, false),
            'i' => Token::Integer(4, true),
            'I' => Token::Integer(4, false),
            'q' => Token::Integer(8, true),
            'Q' => Token::Integer(8, false),
            'c' => Token::Character,
            's' => Token::Rest,
            '$' => Token::End,
            _ => return Err(invalid(&format!("{c:?}"))),
        })
    };
    text.chars().map(token).collect()
}

/// Appends what the tokens make of `bytes`; what they do not read is ignored.
///
/// # Errors
/// Data `cat.packed`: too few bytes, or too many where the end must be.
pub(super) fn unpack(tokens: &[Token], bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut rest = bytes;
    let take = |len: usize, rest: &mut &[u8]| -> Result<Vec<u8>> {
        let (taken, after) = rest.split_at_checked(len).ok_or_else(|| {
            let found = rest.len();
            Error::data("cat.packed", format!("packed data: expected {len} more bytes, found {found}"))
        })?;
        *rest = after;
        Ok(taken.to_vec())
    };
    let mut little = false;
    for token in tokens {
        match *token {
            Token::Space => out.push(b' '),
            Token::Little => little = true,
            Token::Big => little = false,
            Token::Integer(size, signed) => {
                let mut octets = take(size, &mut rest)?;
                if little {
                    octets.reverse();
                }
                let negative = signed && octets.first().is_some_and(|octet| octet & 0x80 != 0);
                let start: i128 = if negative { -1 } else { 0 };
                let number = octets.iter().fold(start, |number, octet| number << 8 | i128::from(*octet));
                // Writing into a vector does not fail.
                let _ = write!(out, "{number}");
            }
            Token::Character => out.append(&mut take(1, &mut rest)?),
            Token::Rest => out.append(&mut take(rest.len(), &mut rest)?),
            Token::End if rest.is_empty() => {}
            Token::End => {
                let found = rest.len();
                return Err(Error::data(
                    "cat.packed",
                    format!("packed data: expected its end, found {found} more bytes"),
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(pack: &str, bytes: &[u8]) -> Result<String> {
        let mut out = Vec::new();
        unpack(&parse(pack).unwrap(), bytes, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn numbers_of_all_sizes() {
        assert_eq!(unpacked("b B", &[0xFF, 0xFF]).unwrap(), "-1 255");
        assert_eq!(unpacked("h H", &[0xFF, 0xFE, 0xFF, 0xFE]).unwrap(), "-2 65534");
        assert_eq!(unpacked("i <i", &[0, 0, 0, 7, 7, 0, 0, 0]).unwrap(), "7 7");
        assert_eq!(unpacked("<I>h", &[1, 2, 0, 0, 1, 2]).unwrap(), "513258");
        assert_eq!(unpacked("q", &[0x80, 0, 0, 0, 0, 0, 0, 0]).unwrap(), i64::MIN.to_string());
        assert_eq!(unpacked("Q$", &[0xFF; 8]).unwrap(), u64::MAX.to_string());
        assert_eq!(unpacked("cs", b"xyz").unwrap(), "xyz");
        assert_eq!(unpacked("b", &[1, 2, 3]).unwrap(), "1");
    }

    #[test]
    fn lengths_must_fit() {
        for (pack, bytes) in [("i", &[0, 0, 0][..]), ("c", &[]), ("b$", &[1, 2])] {
            assert_eq!(unpacked(pack, bytes).unwrap_err().code(), "cat.packed");
        }
    }
}
