//! Integers, floats and decimals as literals.

use connect_data::{Error, Result};
use std::io::Write;

/// Digits that DECIMAL can hold.
pub(crate) const MAX_DIGITS: usize = 65;
/// Digits after its point.
pub(crate) const MAX_SCALE: i32 = 30;
/// Longer unscaled values have more digits than DECIMAL can hold.
const MAX_BYTES: usize = 28;

/// A whole number.
pub(crate) fn integer(value: i64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        if let Some(place) = digits.get_mut(at) {
            *place = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits.get(at..).unwrap_or(&[]));
}

/// A float, with an exponent so that MySQL reads it as a float and not as a decimal.
pub(crate) fn float64(value: f64, out: &mut Vec<u8>) -> Result<()> {
    if !value.is_finite() {
        return Err(not_finite());
    }
    write!(out, "{value:e}").map_err(|_| not_finite())
}

/// [`float64`] for single precision: the shortest digits that give it back.
pub(crate) fn float32(value: f32, out: &mut Vec<u8>) -> Result<()> {
    if !value.is_finite() {
        return Err(not_finite());
    }
    write!(out, "{value:e}").map_err(|_| not_finite())
}

fn not_finite() -> Error {
    Error::data("mysql.not-finite", "expected a finite number, found NaN or infinity: MySQL's columns have neither")
}

/// A decimal from its unscaled big-endian two's complement bytes, in plain digits.
pub(crate) fn decimal(unscaled: &[u8], scale: i32, out: &mut Vec<u8>) -> Result<()> {
    let negative = unscaled.first().is_some_and(|byte| byte & 0x80 != 0);
    let leading = if negative { 0xFF } else { 0 };
    let skip = unscaled.iter().take_while(|byte| **byte == leading).count();
    let significant = unscaled.get(skip..).unwrap_or(&[]);
    if significant.len() > MAX_BYTES || scale.unsigned_abs() > 1000 {
        return Err(too_long());
    }
    // The magnitude as big-endian 32-bit limbs.
    let mut limbs = [0u32; MAX_BYTES / 4 + 1];
    for (i, byte) in significant.iter().rev().enumerate() {
        let bits = u32::from(if negative { !byte } else { *byte }) << (8 * (i % 4));
        let at = limbs.len() - 1 - i / 4;
        if let Some(limb) = limbs.get_mut(at) {
            *limb |= bits;
        }
    }
    if negative {
        // Two's complement: the inverse plus one.
        for limb in limbs.iter_mut().rev() {
            let (sum, carry) = limb.overflowing_add(1);
            *limb = sum;
            if !carry {
                break;
            }
        }
    }
    let mut digits = [0u8; 80];
    let mut count = 0;
    while limbs.iter().any(|limb| *limb != 0) {
        let mut remainder = 0u64;
        for limb in &mut limbs {
            let value = remainder << 32 | u64::from(*limb);
            *limb = (value / 1_000_000_000) as u32;
            remainder = value % 1_000_000_000;
        }
        for _ in 0..9 {
            if let Some(place) = digits.get_mut(count) {
                *place = b'0' + (remainder % 10) as u8;
            }
            remainder /= 10;
            count += 1;
        }
    }
    // Lowest digit first; zeros at the far end are leading ones.
    while count > 0 && digits.get(count - 1) == Some(&b'0') {
        count -= 1;
    }
    let digits = digits.get(..count).ok_or_else(too_long)?;
    if negative {
        out.push(b'-');
    }
    let fraction = usize::try_from(scale).unwrap_or(0);
    if count <= fraction {
        out.push(b'0');
    } else {
        out.extend(digits.iter().skip(fraction).rev());
        if count > 0 && scale < 0 {
            out.extend(std::iter::repeat_n(b'0', scale.unsigned_abs() as usize));
        }
    }
    if fraction > 0 {
        out.push(b'.');
        out.extend(std::iter::repeat_n(b'0', fraction.saturating_sub(count)));
        out.extend(digits.iter().take(fraction).rev());
    }
    Ok(())
}

fn too_long() -> Error {
    Error::data("mysql.decimal", format!("expected at most {MAX_DIGITS} digits, as DECIMAL can hold, found more"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal_text(unscaled: i128, scale: i32) -> String {
        let mut out = Vec::new();
        decimal(&unscaled.to_be_bytes(), scale, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals() {
        for (unscaled, scale, expected) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (12345, 2, "123.45"),
            (-100, 2, "-1.00"),
            (7, -3, "7000"),
            (0, -3, "0"),
            (-256, 0, "-256"),
            (i128::MAX, 0, "170141183460469231731687303715884105727"),
            (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
        ] {
            assert_eq!(decimal_text(unscaled, scale), expected);
        }
        let mut out = Vec::new();
        decimal(&[], 1, &mut out).unwrap();
        assert_eq!(out, b"0.0");
        assert_eq!(decimal(&[1; 29], 0, &mut out).unwrap_err().code(), "mysql.decimal");
        out.clear();
        decimal(&[0x7F; 28], 0, &mut out).unwrap();
        assert_eq!(out.len(), 68);
    }

    #[test]
    fn floats_that_mysql_has_not() {
        let mut out = Vec::new();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(float64(value, &mut out).unwrap_err().code(), "mysql.not-finite");
            assert!(float32(value as f32, &mut out).is_err());
        }
        float32(0.1, &mut out).unwrap();
        out.push(b' ');
        float64(-1e300, &mut out).unwrap();
        assert_eq!(out, b"1e-1 -1e300");
    }

    proptest! {
        #[test]
        fn numbers_come_back(i in any::<i64>(), d in any::<i128>(), f in any::<f64>(), s in any::<f32>()) {
            let mut out = Vec::new();
            integer(i, &mut out);
            prop_assert_eq!(std::str::from_utf8(&out).unwrap(), i.to_string());
            prop_assert_eq!(decimal_text(d, 0), d.to_string());
            if f.is_finite() {
                out.clear();
                float64(f, &mut out).unwrap();
                prop_assert_eq!(std::str::from_utf8(&out).unwrap().parse::<f64>().unwrap().to_bits(), f.to_bits());
            }
            if s.is_finite() {
                out.clear();
                float32(s, &mut out).unwrap();
                // MySQL reads a double and narrows it.
                let double: f64 = std::str::from_utf8(&out).unwrap().parse().unwrap();
                prop_assert_eq!((double as f32).to_bits(), s.to_bits());
            }
        }
    }
}
