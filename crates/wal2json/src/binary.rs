//! Octets as text: hexadecimal digits and Base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connect_data::{Error, Result};

/// Appends the octets that pairs of hexadecimal digits stand for; false for anything else (`out` is then undefined).
pub(crate) fn decode_hex(digits: &[u8], out: &mut Vec<u8>) -> bool {
    if !digits.len().is_multiple_of(2) {
        return false;
    }
    out.reserve(digits.len() / 2);
    for pair in digits.chunks_exact(2) {
        let [high, low] = pair else { return false };
        let (high, low) = (hex_value(*high), hex_value(*low));
        if high | low > 15 {
            return false;
        }
        out.push(high << 4 | low);
    }
    true
}

/// The value of a hexadecimal digit, 255 for anything else.
pub(crate) fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 255,
    }
}

/// Appends lower-case hexadecimal digits.
pub(crate) fn encode_hex(octets: &[u8], out: &mut Vec<u8>) {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    for octet in octets {
        out.extend_from_slice(&[digit(octet >> 4), digit(octet & 15)]);
    }
}

/// Appends Base64 with padding.
pub(crate) fn encode_base64(octets: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    out.resize(start + octets.len().div_ceil(3) * 4, 0);
    let room = out.get_mut(start..).unwrap_or_default();
    STANDARD
        .encode_slice(octets, room)
        .map(|_| ())
        .map_err(|_| Error::internal("wal2json.base64", "Base64: expected room for the text, found too little"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_and_base64() {
        let mut out = Vec::new();
        assert!(decode_hex(b"00fFa5", &mut out));
        assert_eq!(out, [0, 255, 0xA5]);
        for wrong in [&b"0"[..], b"0g", b"\\x"] {
            assert!(!decode_hex(wrong, &mut Vec::new()));
        }
        let mut text = Vec::new();
        encode_hex(&out, &mut text);
        assert_eq!(text, b"00ffa5");
        for (octets, expected) in [(&b""[..], ""), (b"a", "YQ=="), (b"ab", "YWI="), (b"abc", "YWJj")] {
            let mut text = b"x".to_vec();
            encode_base64(octets, &mut text).unwrap();
            assert_eq!(text, format!("x{expected}").into_bytes());
        }
    }
}
