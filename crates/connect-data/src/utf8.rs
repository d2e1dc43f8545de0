//! Whether bytes are text. Names, codes and most other texts are ASCII and short, which is seen sooner than UTF-8.

/// Whether the bytes are UTF-8.
#[inline]
pub fn is_text(bytes: &[u8]) -> bool {
    is_ascii(bytes) || std::str::from_utf8(bytes).is_ok()
}

/// Whether the bytes are ASCII. In words, of which some overlap with others: up to 32 bytes without a loop, whose number of
/// rounds no processor could foresee.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    let all = if let (Some(first), Some(last)) = (word(bytes, 0), bytes.last_chunk()) {
        let ends = first | u64::from_le_bytes(*last);
        let within = bytes.len() - 8;
        match (word(bytes, within.min(8)), word(bytes, within.saturating_sub(8))) {
            (Some(second), Some(third)) if within <= 24 => ends | second | third,
            _ => ends | rest(bytes),
        }
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u64::from(u32::from_le_bytes(*first) | u32::from_le_bytes(*last))
    } else {
        u64::from(bytes.iter().fold(0, |all, byte| all | byte))
    };
    all & 0x8080_8080_8080_8080 == 0
}

#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

#[inline(never)]
fn rest(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks();
    words.iter().fold(0, |all, word| all | u64::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_high_bit_anywhere_is_seen() {
        for len in 0..40 {
            let mut bytes = vec![0x7F; len];
            assert!(is_ascii(&bytes));
            for i in 0..len {
                bytes[i] = 0x80;
                assert!(!is_ascii(&bytes) && !is_text(&bytes), "{i} of {len}");
                bytes[i] = 0x7F;
            }
        }
        assert!(is_text("π and more".as_bytes()) && !is_text(b"\xCF and more"));
    }
}
