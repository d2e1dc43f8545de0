//! Scalars of a JSON text that may not be UTF-8, without errors: `None` for what is wrong or unusual, which the
//! [`Scanner`](crate::scan::Scanner) then looks at.

use crate::scan::{Kind, Token, stops};
use connect_data::utf8::is_text;

const ONES: u64 = 0x0101_0101_0101_0101;

/// The scalar at this place; a string is UTF-8 and has no escapes.
#[inline]
pub(crate) fn value(text: &[u8], at: usize) -> Option<Token> {
    let token = |kind, start, end: usize| Token { kind, escaped: false, start: start as u32, len: (end - start) as u32 };
    match *text.get(at)? {
        b'"' => word_end(text, at + 1).map(|end| token(Kind::String, at + 1, end)),
        b'-' | b'0'..=b'9' => number_end(text, at).map(|end| token(Kind::Number, at, end)),
        b'n' => text.get(at..)?.starts_with(b"null").then(|| token(Kind::Null, at, at + 4)),
        b't' => text.get(at..)?.starts_with(b"true").then(|| token(Kind::True, at, at + 4)),
        b'f' => text.get(at..)?.starts_with(b"false").then(|| token(Kind::False, at, at + 5)),
        _ => None,
    }
}

/// Where the string that begins here, behind its quote, ends.
#[inline]
pub(crate) fn word_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut all = 0;
    loop {
        let eight = word(text, at)?;
        all |= eight;
        let stops = stops(eight);
        if stops != 0 {
            at += stops.trailing_zeros() as usize / 8;
            break;
        }
        at += 8;
    }
    let plain = text.get(at) == Some(&b'"') && (all & ONES << 7 == 0 || is_text(text.get(start..at)?));
    plain.then_some(at)
}

/// Where the number that begins here ends. One that the text ends with, or that has an exponent, is unusual.
#[inline]
fn number_end(text: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(text.get(at) == Some(&b'-'));
    let mut end = digits_end(text, start)?;
    let leading_zero = text.get(start) == Some(&b'0') && end > start + 1;
    if leading_zero || end == start {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        let point = end;
        end = digits_end(text, point + 1)?;
        if end == point + 1 {
            return None;
        }
    }
    if matches!(text.get(end)?, b'e' | b'E') { None } else { Some(end) }
}

#[inline]
fn digits_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        // High bits of bytes beyond 9; exact for the lowest such byte, which is all that is used.
        let digits = word(text, at)? ^ (ONES * b'0' as u64);
        let others = (digits.wrapping_add(ONES * 0x76) | digits) & ONES << 7;
        if others != 0 {
            return Some(at + others.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
}

/// Eight bytes; behind the end of the text there are quotes, which end everything.
#[inline]
fn word(text: &[u8], at: usize) -> Option<u64> {
    let rest = text.get(at..)?;
    Some(match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => last_word(rest),
    })
}

#[cold]
fn last_word(rest: &[u8]) -> u64 {
    rest.iter().rev().fold(ONES * b'"' as u64, |word, byte| word << 8 | u64::from(*byte))
}
