//! Malformed UTF-8 as Java reads it: `new String(bytes, UTF_8)` of JDK 17.

const REPLACEMENT: &str = "\u{FFFD}";

/// Appends `bytes` with one U+FFFD for each malformed sequence, whose length is what Java takes for it. Unlike Rust's
/// `from_utf8_lossy`, a surrogate of three bytes is one sequence, and so is what is cut off at the end.
pub(crate) fn repair(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    loop {
        let error = match std::str::from_utf8(rest) {
            Ok(text) => return out.extend_from_slice(text.as_bytes()),
            Err(error) => error,
        };
        let (good, bad) = rest.split_at_checked(error.valid_up_to()).unwrap_or((rest, &[]));
        out.extend_from_slice(good);
        out.extend_from_slice(REPLACEMENT.as_bytes());
        rest = bad.get(malformed(bad).max(1)..).unwrap_or(&[]);
    }
}

/// Length of the malformed sequence at the start of `bytes`.
fn malformed(bytes: &[u8]) -> usize {
    let continues = |index: usize| bytes.get(index).is_some_and(|byte| byte & 0xC0 == 0x80);
    let second = bytes.get(1).copied().unwrap_or(0);
    match bytes.first().copied().unwrap_or(0) {
        // A truncated pair is the whole rest, which is one byte.
        0xC2..=0xDF => 1,
        first @ 0xE0..=0xEF => {
            let bad_second = !continues(1) || (first == 0xE0 && second & 0xE0 == 0x80);
            match bytes.len() {
                1 => 1,
                _ if bad_second => 1,
                2 => 2,
                // All three continue, so it is a surrogate.
                _ if continues(2) => 3,
                _ => 2,
            }
        }
        first @ 0xF0..=0xF7 => {
            let out_of_range = first > 0xF4
                || (first == 0xF0 && !(0x90..=0xBF).contains(&second))
                || (first == 0xF4 && second & 0xF0 != 0x80);
            match bytes.len() {
                1 => 1,
                _ if out_of_range || !continues(1) => 1,
                2 => 2,
                _ if !continues(2) => 2,
                _ => 3,
            }
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        repair(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Expectations printed by JDK 17.
    #[test]
    fn sequences_are_as_long_as_java_takes_them() {
        for (bytes, text) in [
            (&b"\x61\x62"[..], "ab"),
            (&b"\x61\xFF\x62"[..], "a?b"),
            (&b"\xED\xA0\x80"[..], "?"),
            (&b"\xED\xA0\x80\xED\xB0\x80\x78"[..], "??x"),
            (&b"\xED\xA0"[..], "?"),
            (&b"\xC3"[..], "?"),
            (&b"\xC3\x41"[..], "?A"),
            (&b"\xC0\x80"[..], "??"),
            (&b"\xE2\x82"[..], "?"),
            (&b"\xE2\x82\x41"[..], "?A"),
            (&b"\xE2\x41"[..], "?A"),
            (&b"\xE0\x80\x80"[..], "???"),
            (&b"\xF0\x90\x80"[..], "?"),
            (&b"\xF0\x90"[..], "?"),
            (&b"\xF0\x90\x41"[..], "?A"),
            (&b"\xF0\x90\x80\x41"[..], "?A"),
            (&b"\xF0\x80\x80\x80"[..], "????"),
            (&b"\xF5\x80\x80\x80"[..], "????"),
            (&b"\xF8\x80"[..], "??"),
            (&b"\xF4\x90\x80\x80"[..], "????"),
            (&b"\xF0"[..], "?"),
            (&b"\xF5"[..], "?"),
            (&b"\xF0\x41"[..], "?A"),
            (&b"\xE0"[..], "?"),
            (&b"\xED"[..], "?"),
            (&b"\xF4"[..], "?"),
            (&b"\xE0\x9F"[..], "??"),
            (&b"\xE0\x80"[..], "??"),
            (&b"\xED\xA0\x41"[..], "?A"),
            (&b"\xF4\x8F\x41"[..], "?A"),
            (&b"\xF5\x80\x80"[..], "???"),
            (&b"\xF5\x80"[..], "??"),
            (&b"\xF0\x80"[..], "??"),
            (&b"\xF0\x80\x41"[..], "??A"),
            (&b"\xF4\x90"[..], "??"),
        ] {
            let text = text.replace('?', "\u{FFFD}");
            assert_eq!(repaired(bytes), text, "{bytes:X?}");
        }
    }
}
