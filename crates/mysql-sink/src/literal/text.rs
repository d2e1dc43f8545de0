//! Text and bytes as literals that mean the same in every `sql_mode`.
//!
//! A quoted literal with a backslash means one thing with `NO_BACKSLASH_ESCAPES` and another without. Text that has one
//! is therefore written in hexadecimal with its character set, which no mode changes; all other text needs nothing but
//! its quotes doubled.

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Text as a literal of character set utf8mb4.
pub(crate) fn text(value: &str, out: &mut Vec<u8>) {
    let bytes = value.as_bytes();
    let mut from = 0;
    let start = out.len();
    out.push(b'\'');
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\'' => {
                out.extend_from_slice(bytes.get(from..=at).unwrap_or(&[]));
                from = at;
            }
            b'\\' => {
                out.truncate(start);
                out.extend_from_slice(b"_utf8mb4 ");
                hexadecimal(bytes, out);
                return;
            }
            _ => {}
        }
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or(&[]));
    out.push(b'\'');
}

/// Octets as a binary literal.
pub(crate) fn hexadecimal(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(3 + 2 * bytes.len());
    out.extend_from_slice(b"x'");
    for byte in bytes {
        push_hex(*byte, out);
    }
    out.push(b'\'');
}

/// Octets as a binary literal, the last one first.
pub(crate) fn hexadecimal_reversed(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"x'");
    for byte in bytes.iter().rev() {
        push_hex(*byte, out);
    }
    out.push(b'\'');
}

fn push_hex(byte: u8, out: &mut Vec<u8>) {
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
    out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn literal(value: &str) -> String {
        let mut out = Vec::new();
        text(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Reads a literal as MySQL does, with or without backslash escapes; `None` where it does not end at its end.
    fn read(literal: &str, backslash_escapes: bool) -> Option<String> {
        if let Some(hex) = literal.strip_prefix("_utf8mb4 x'").and_then(|rest| rest.strip_suffix('\'')) {
            let bytes = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap());
            return String::from_utf8(bytes.collect()).ok();
        }
        let mut chars = literal.strip_prefix('\'')?.chars();
        let mut value = String::new();
        loop {
            match chars.next()? {
                '\'' => match chars.next() {
                    None => return Some(value),
                    Some('\'') => value.push('\''),
                    Some(_) => return None,
                },
                '\\' if backslash_escapes => value.push(chars.next()?),
                c => value.push(c),
            }
        }
    }

    #[test]
    fn text_of_all_kinds() {
        assert_eq!(literal(""), "''");
        assert_eq!(literal("spaghetti"), "'spaghetti'");
        assert_eq!(literal("'o'' "), "'''o'''' '");
        assert_eq!(literal("a\\'b"), "_utf8mb4 x'615c2762'");
        assert_eq!(literal("è\0\n"), "'è\0\n'");
    }

    #[test]
    fn octets() {
        let mut out = Vec::new();
        hexadecimal(&[0, 0xAB, 9], &mut out);
        hexadecimal_reversed(&[1, 2], &mut out);
        assert_eq!(out, b"x'00ab09'x'0201'");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_in_every_mode(value in "[a'\\\\è\\PC\0]{0,40}") {
            for backslash_escapes in [false, true] {
                prop_assert_eq!(read(&literal(&value), backslash_escapes), Some(value.clone()));
            }
        }
    }
}
