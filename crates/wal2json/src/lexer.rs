//! Scalars of a JSON text that need not be UTF-8 elsewhere, without errors: `None` for what is no scalar. What is unusual
//! goes to the [`Scanner`].

use crate::scan::{Kind, Scanner, Token, stops};
use connect_data::utf8::is_text;

const ONES: u64 = 0x0101_0101_0101_0101;

/// The scalar at the beginning of `rest`, which is the end of `text`, as [`Scanner::scalar`] finds it; what follows it.
#[inline(always)]
pub(crate) fn value<'a>(text: &'a [u8], rest: &'a [u8], found: &mut Token) -> Option<&'a [u8]> {
    let (first, after) = rest.split_first()?;
    let at = text.len() - rest.len();
    found.escaped = false;
    match first {
        b'"' => {
            let Some(len) = string::<true>(after) else { return unusual(text, at, found) };
            (found.kind, found.start, found.len) = (Kind::String, at as u32 + 1, len as u32);
            after.get(len + 1..)
        }
        b'-' | b'0'..=b'9' => {
            let Some(len) = number(rest) else { return unusual(text, at, found) };
            (found.kind, found.start, found.len) = (Kind::Number, at as u32, len as u32);
            rest.get(len..)
        }
        _ => {
            let (kind, len) = match first {
                b'n' if after.starts_with(b"ull") => (Kind::Null, 4),
                b't' if after.starts_with(b"rue") => (Kind::True, 4),
                b'f' if after.starts_with(b"alse") => (Kind::False, 5),
                _ => return None,
            };
            (found.kind, found.start, found.len) = (kind, at as u32, len);
            rest.get(len as usize..)
        }
    }
}

/// With escapes or an exponent, or at the end of the text.
#[cold]
#[inline(never)]
fn unusual<'a>(text: &'a [u8], at: usize, found: &mut Token) -> Option<&'a [u8]> {
    *found = Scanner::at(text, at).scalar().ok()?;
    if is_text(found.raw(text)) { text.get(found.end()..) } else { None }
}

/// What stands before the next quote, without escapes, and what behind it.
#[inline]
pub(crate) fn split_string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = string::<true>(text)?;
    Some((text.get(..len)?, text.get(len + 1..)?))
}

/// Length of the string that ends at the next quote, without escapes and with eight bytes from each of its own. It may
/// still have to be found out whether it is UTF-8.
#[inline(always)]
pub(crate) fn string<const CHECK: bool>(text: &[u8]) -> Option<usize> {
    let (mut rest, mut all) = (text, 0);
    loop {
        let (eight, after) = rest.split_first_chunk()?;
        let eight = u64::from_le_bytes(*eight);
        all |= eight;
        let stops = stops(eight);
        if stops == 0 {
            rest = after;
            continue;
        }
        let bit = stops.trailing_zeros() & !7;
        let len = text.len() - rest.len() + bit as usize / 8;
        let plain = (eight >> bit) as u8 == b'"' && (!CHECK || all & ONES << 7 == 0 || is_text(text.get(..len)?));
        return plain.then_some(len);
    }
}

/// Length of the number in front, without exponent and with eight bytes from each of its own.
#[inline(always)]
fn number(text: &[u8]) -> Option<usize> {
    let (sign, text) = match text.split_first() {
        Some((b'-', text)) => (1, text),
        _ => (0, text),
    };
    let (mut len, mut next) = digits(text)?;
    if len == 0 || (len > 1 && text.first() == Some(&b'0')) {
        return None;
    }
    if next == b'.' {
        let fraction;
        (fraction, next) = digits(text.get(len + 1..)?)?;
        if fraction == 0 {
            return None;
        }
        len += 1 + fraction;
    }
    if next | 0x20 == b'e' { None } else { Some(sign + len) }
}

/// How many digits are in front, and the byte behind them.
#[inline(always)]
fn digits(text: &[u8]) -> Option<(usize, u8)> {
    let mut rest = text;
    loop {
        let (eight, after) = rest.split_first_chunk()?;
        let eight = u64::from_le_bytes(*eight);
        // High bits of bytes beyond 9; exact for the lowest such byte, which is all that is used.
        let values = eight ^ (ONES * b'0' as u64);
        let others = (values.wrapping_add(ONES * 0x76) | values) & ONES << 7;
        if others != 0 {
            let bit = others.trailing_zeros() & !7;
            return Some((text.len() - rest.len() + bit as usize / 8, (eight >> bit) as u8));
        }
        rest = after;
    }
}

/// A whole number without sign, and what stands behind it.
#[inline]
pub(crate) fn unsigned(text: &[u8]) -> Option<(u64, &[u8])> {
    let (len, next) = digits(text)?;
    let (digits, rest) = text.split_at_checked(len)?;
    let leading_zero = len > 1 && digits.first() == Some(&b'0');
    if len == 0 || len > 19 || leading_zero || matches!(next, b'.' | b'e' | b'E') {
        return None;
    }
    Some((digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')), rest))
}
