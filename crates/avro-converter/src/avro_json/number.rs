//! Numbers as text.

use std::fmt::Write;

/// A double as jansson's `jsonp_dtostr` (2.14.1) and Python print it: the fewest digits that give the same double, an
/// exponent below 10^-4 and from 10^16 on.
pub(super) fn double(value: f64, out: &mut String) {
    if special(value, out) {
        return;
    }
    let start = out.len();
    let _ = write!(out, "{value:e}");
    let exponent =
        out.get(start..).and_then(|text| text.split_once('e')).and_then(|(_, text)| text.parse::<i32>().ok());
    if exponent.is_some_and(|exponent| (-4..16).contains(&exponent)) {
        out.truncate(start);
        plain(value, start, out);
    }
}

/// The same for the digits of a float.
pub(super) fn float(value: f32, out: &mut String) {
    if special(f64::from(value), out) {
        return;
    }
    let start = out.len();
    let exponential = value != 0.0 && !(1e-4..1e16).contains(&value.abs());
    if exponential {
        let _ = write!(out, "{value:e}");
    } else {
        plain(value, start, out);
    }
}

fn plain(value: impl std::fmt::Display, start: usize, out: &mut String) {
    let _ = write!(out, "{value}");
    if !out.get(start..).unwrap_or_default().contains('.') {
        out.push_str(".0");
    }
}

/// JSON has no words for these; the ones that Java's `JsonEncoder` uses.
fn special(value: f64, out: &mut String) -> bool {
    let name = match value {
        _ if value.is_nan() => "\"NaN\"",
        f64::INFINITY => "\"Infinity\"",
        f64::NEG_INFINITY => "\"-Infinity\"",
        _ => return false,
    };
    out.push_str(name);
    true
}

/// Longer unscaled values are not turned into digits, which takes time that grows with the square of their length.
const MAX_DECIMAL: usize = 1_024;

/// A decimal from its unscaled big-endian two's complement octets; `false` = too long, nothing was appended.
pub(super) fn decimal(unscaled: &[u8], scale: usize, out: &mut String) -> bool {
    if unscaled.len() > MAX_DECIMAL || scale > MAX_DECIMAL * 3 {
        return false;
    }
    let negative = unscaled.first().is_some_and(|byte| byte & 0x80 != 0);
    // Magnitude in base 10^9, least part first.
    let mut parts: Vec<u32> = Vec::new();
    for byte in unscaled {
        let octet = if negative { !byte } else { *byte };
        shift_in(&mut parts, 256, octet.into());
    }
    if negative {
        shift_in(&mut parts, 1, 1);
    }
    let mut digits = String::new();
    for part in parts.iter().rev() {
        let _ = if digits.is_empty() { write!(digits, "{part}") } else { write!(digits, "{part:09}") };
    }
    if negative {
        out.push('-');
    }
    // At least one digit before the point.
    for _ in digits.len()..=scale {
        digits.insert(0, '0');
    }
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    out.push_str(whole);
    if scale > 0 {
        out.push('.');
        out.push_str(fraction);
    }
    true
}

/// `parts * factor + addend`.
fn shift_in(parts: &mut Vec<u32>, factor: u64, addend: u64) {
    let mut carry = addend;
    for part in parts.iter_mut() {
        let product = u64::from(*part) * factor + carry;
        *part = (product % 1_000_000_000) as u32;
        carry = product / 1_000_000_000;
    }
    if carry > 0 {
        parts.push(carry as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut String)) -> String {
        let mut out = "x".to_owned();
        write(&mut out);
        out.split_off(1)
    }

    #[test]
    fn doubles_are_janssons() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.3333333333333333"),
            (1e15, "1000000000000000.0"),
            (1234567890123456.0, "1234567890123456.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e16, "1e16"),
            (1.5e16, "1.5e16"),
            (1e22, "1e22"),
            (0.0001, "0.0001"),
            (0.00012, "0.00012"),
            (0.00001, "1e-5"),
            (1.5e-7, "1.5e-7"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
            (f64::from(1.1_f32), "1.100000023841858"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            assert_eq!(text(|out| double(value, out)), expected);
        }
    }

    #[test]
    fn floats_have_their_own_digits() {
        for (value, expected) in [
            (1.1_f32, "1.1"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1e-5, "1e-5"),
            (3.0e20, "3e20"),
            (16777216.0, "16777216.0"),
        ] {
            assert_eq!(text(|out| float(value, out)), expected);
        }
    }

    #[test]
    fn decimals_are_exact() {
        let decimal = |value: i128, scale| text(|out| assert!(decimal(&value.to_be_bytes(), scale, out)));
        for (value, scale, expected) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (1250, 2, "12.50"),
            (-1, 3, "-0.001"),
            (-1000, 3, "-1.000"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
            (i128::MAX, 38, "1.70141183460469231731687303715884105727"),
            (1_000_000_000, 0, "1000000000"),
        ] {
            assert_eq!(decimal(value, scale), expected);
        }
        assert_eq!(text(|out| assert!(super::decimal(&[0xFF], 0, out))), "-1");
        assert_eq!(text(|out| assert!(super::decimal(&[], 1, out))), "0.0");
        assert!(!super::decimal(&[1; MAX_DECIMAL + 1], 0, &mut String::new()));
    }
}
