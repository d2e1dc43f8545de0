//! Exact decimals: PostgreSQL's text to unscaled two's complement bytes, and to text as Java's `BigDecimal` writes it.

use connect_data::{Error, Result};

/// A finite decimal as written, without leading zeros in front of the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    pub(crate) negative: bool,
    /// Digits in front of the point; empty = 0.
    whole: &'a [u8],
    /// Digits behind the point, trailing zeros and all.
    fraction: &'a [u8],
}

/// A `numeric`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numeric<'a> {
    Finite(Decimal<'a>),
    NaN,
    Infinity,
    MinusInfinity,
}

/// PostgreSQL stores at most 131,072 digits in front of the point and 16,383 behind it.
const MAX_DIGITS: usize = 131_072 + 16_383;

impl<'a> Numeric<'a> {
    /// Reads PostgreSQL's text of a `numeric`: never an exponent.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        match text {
            b"NaN" => return Some(Self::NaN),
            b"Infinity" => return Some(Self::Infinity),
            b"-Infinity" => return Some(Self::MinusInfinity),
            _ => {}
        }
        let (negative, digits) = match text.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let point = digits.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = match point {
            Some(at) => (digits.get(..at)?, digits.get(at + 1..)?),
            None => (digits, &[][..]),
        };
        let all_digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
        if whole.is_empty() || (point.is_some() && fraction.is_empty()) || !all_digits || digits.len() > MAX_DIGITS {
            return None;
        }
        let zeros = whole.iter().take_while(|digit| **digit == b'0').count();
        Some(Self::Finite(Decimal { negative, whole: whole.get(zeros..)?, fraction }))
    }
}

impl<'a> Decimal<'a> {
    /// Digits behind the point.
    pub(crate) fn scale(&self) -> usize {
        self.fraction.len()
    }

    /// Without trailing zeros behind the point.
    pub(crate) fn stripped(self) -> Self {
        let zeros = self.fraction.iter().rev().take_while(|digit| **digit == b'0').count();
        let fraction = self.fraction.get(..self.fraction.len() - zeros).unwrap_or(&[]);
        Self { fraction, ..self }
    }

    /// Appends the unscaled value at this scale, as `BigInteger.toByteArray` writes it; false if digits would be lost.
    pub(crate) fn write_unscaled(&self, scale: usize, limbs: &mut Vec<u64>, out: &mut Vec<u8>) -> bool {
        let (kept, lost) = self.fraction.split_at(self.fraction.len().min(scale));
        if lost.iter().any(|digit| *digit != b'0') {
            return false;
        }
        let padding = scale - kept.len();
        let digits = || self.whole.iter().chain(kept).copied().chain(std::iter::repeat_n(b'0', padding));
        if self.whole.len() + scale <= 38 {
            let magnitude = digits().fold(0u128, |value, digit| value * 10 + u128::from(digit - b'0')) as i128;
            let value = if self.negative { -magnitude } else { magnitude };
            write_minimal(&value.to_be_bytes(), out);
        } else {
            write_large(self.negative, digits(), limbs, out);
        }
        true
    }

    /// Appends `BigDecimal.toString` of the value with at least `scale` digits behind the point.
    pub(crate) fn write_text(&self, scale: usize, out: &mut Vec<u8>) {
        let padding = scale.saturating_sub(self.fraction.len());
        let scale = self.fraction.len() + padding;
        let mut digits = self.whole.iter().chain(self.fraction).copied().chain(std::iter::repeat_n(b'0', padding));
        let significant = self.whole.len() + scale;
        let leading = if self.whole.is_empty() { self.fraction.iter().take_while(|d| **d == b'0').count() } else { 0 };
        let zero = self.whole.is_empty() && leading == self.fraction.len();
        // A zero keeps one digit.
        let unscaled = if zero { 1 } else { significant - leading };
        if self.negative && !zero {
            out.push(b'-');
        }
        let adjusted = unscaled as i64 - 1 - scale as i64;
        if adjusted >= -6 || scale == 0 {
            if self.whole.is_empty() {
                out.push(b'0');
            }
            for (i, digit) in digits.enumerate() {
                if i == self.whole.len() {
                    out.push(b'.');
                }
                out.push(digit);
            }
            return;
        }
        if zero {
            out.push(b'0');
        } else {
            // So small a value has no digits in front of the point.
            let first = digits.by_ref().nth(leading).unwrap_or(b'0');
            out.push(first);
            for (i, digit) in digits.enumerate() {
                if i == 0 {
                    out.push(b'.');
                }
                out.push(digit);
            }
        }
        out.extend_from_slice(b"E-");
        crate::temporal::write_digits(adjusted.unsigned_abs(), 1, out);
    }
}

/// Appends a big-endian two's complement number without redundant leading bytes.
pub(crate) fn write_minimal(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let [first, second, ..] = rest {
        let redundant = (*first == 0 && *second < 0x80) || (*first == 0xFF && *second >= 0x80);
        if !redundant {
            break;
        }
        rest = rest.get(1..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
}

/// More than 38 digits: limbs of 64 bits, least significant first, taking 19 digits at a step.
fn write_large(negative: bool, digits: impl Iterator<Item = u8>, limbs: &mut Vec<u64>, out: &mut Vec<u8>) {
    limbs.clear();
    let (mut group, mut factor) = (0u64, 1u64);
    for digit in digits {
        group = group * 10 + u64::from(digit - b'0');
        factor *= 10;
        if factor == 10_000_000_000_000_000_000 {
            multiply_add(limbs, factor, group);
            (group, factor) = (0, 1);
        }
    }
    if factor > 1 {
        multiply_add(limbs, factor, group);
    }
    // One limb more than the magnitude needs holds the sign.
    limbs.push(0);
    if negative {
        let mut carry = true;
        for limb in limbs.iter_mut() {
            (*limb, carry) = (!*limb).overflowing_add(u64::from(carry));
        }
    }
    let start = out.len();
    for limb in limbs.iter().rev() {
        out.extend_from_slice(&limb.to_be_bytes());
    }
    let written = out.get(start..).unwrap_or(&[]);
    let redundant = written
        .iter()
        .zip(written.iter().skip(1))
        .take_while(|(first, second)| (**first == 0 && **second < 0x80) || (**first == 0xFF && **second >= 0x80))
        .count();
    out.drain(start..start + redundant);
}

fn multiply_add(limbs: &mut Vec<u64>, factor: u64, addend: u64) {
    let mut carry = addend;
    for limb in limbs.iter_mut() {
        let value = u128::from(*limb) * u128::from(factor) + u128::from(carry);
        *limb = value as u64;
        carry = (value >> 64) as u64;
    }
    if carry != 0 {
        limbs.push(carry);
    }
}

/// Cents of a `money` text: a currency symbol, groups, a minus sign or parentheses for negative amounts, and a fraction of
/// two digits after the last separator, if any.
///
/// Exact, unlike Debezium 1.7, which goes through a double and loses cents beyond 2^53.
pub(crate) fn cents(text: &[u8]) -> Option<i64> {
    let negative = text.contains(&b'-') || text.contains(&b'(');
    let last = text.iter().rposition(u8::is_ascii_digit)?;
    let separator = text.get(..=last)?.iter().rposition(|byte| matches!(byte, b'.' | b','));
    let with_fraction = separator.is_some_and(|at| last - at == 2);
    let mut value = 0i128;
    for digit in text.iter().filter(|byte| byte.is_ascii_digit()) {
        value = value.checked_mul(10)? + i128::from(digit - b'0');
    }
    if !with_fraction {
        value = value.checked_mul(100)?;
    }
    i64::try_from(if negative { -value } else { value }).ok()
}

/// A whole number.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    if digits.len() <= SHORT {
        let (value, all_digits) = digits.iter().fold((0i64, true), |(value, all_digits), digit| {
            let digit = digit.wrapping_sub(b'0');
            (value.wrapping_mul(10).wrapping_add(i64::from(digit)), all_digits & (digit < 10))
        });
        return all_digits.then_some(if negative { -value } else { value });
    }
    digits.iter().try_fold(0i64, |value, digit| {
        let digit = i64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
        value.checked_mul(10)?.checked_add(if negative { -digit } else { digit })
    })
}

/// That many digits fit 64 bits.
const SHORT: usize = 18;

/// A decimal of up to that many digits.
struct Short {
    negative: bool,
    digits: i64,
    scale: usize,
}

impl Short {
    #[inline]
    fn parse(text: &[u8]) -> Option<Self> {
        let (negative, text) = match text.strip_prefix(b"-") {
            Some(text) => (true, text),
            None => (false, text),
        };
        if text.len() > SHORT {
            return None;
        }
        let (mut digits, mut point) = (0, None);
        for (i, byte) in text.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                digits = digits * 10 + i64::from(digit);
            } else if *byte == b'.' && point.is_none() && i > 0 {
                point = Some(i);
            } else {
                return None;
            }
        }
        let scale = point.map_or(0, |point| text.len() - point - 1);
        if text.is_empty() || (point.is_some() && scale == 0) {
            return None;
        }
        Some(Self { negative, digits, scale })
    }

    /// The unscaled value at a scale at which that many digits remain enough.
    #[inline]
    fn unscaled(self, scale: usize) -> Option<i64> {
        let factor = POWERS.get(scale.checked_sub(self.scale)?)?;
        let value = self.digits.checked_mul(*factor as i64)?;
        Some(if self.negative { -value } else { value })
    }
}

/// Powers of ten that 53 bits hold exactly.
const POWERS: [u64; 16] = {
    let mut powers = [1; 16];
    let mut i = 1;
    while i < 16 {
        #[allow(clippy::indexing_slicing)] // Evaluated by the compiler.
        {
            powers[i] = powers[i - 1] * 10;
        }
        i += 1;
    }
    powers
};

/// A `double precision` as its text.
pub(crate) fn double(text: &[u8]) -> Option<f64> {
    short_double(text).or_else(|| float(text))
}

/// The quotient of two numbers that a double holds exactly is the double next to their true quotient.
fn short_double(text: &[u8]) -> Option<f64> {
    let Short { negative, digits, scale } = Short::parse(text)?;
    if digits >= 1 << 53 {
        return None;
    }
    let value = digits as f64 / *POWERS.get(scale)? as f64;
    Some(if negative { -value } else { value })
}

/// A floating-point number as its text.
pub(crate) fn float<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The error for a value that only some modes can hold.
pub(crate) fn special_value() -> Error {
    Error::data("wal2json.special-value", "expected a finite number, found NaN or an infinity")
        .hint("set decimal.handling.mode to string or double")
}

/// Unscaled bytes of a finite value at a fixed scale.
///
/// # Errors
/// Data: not a number, not finite, more digits behind the point than the scale holds.
pub(crate) fn write_decimal(text: &[u8], scale: usize, limbs: &mut Vec<u64>, out: &mut Vec<u8>) -> Result<()> {
    if let Some(value) = Short::parse(text).and_then(|short| short.unscaled(scale)) {
        let bytes = value.to_be_bytes();
        let significant = (64 - (value ^ (value >> 63)).leading_zeros() as usize) / 8 + 1;
        out.extend_from_slice(bytes.get(8 - significant..).unwrap_or(&bytes));
        return Ok(());
    }
    match Numeric::parse(text) {
        Some(Numeric::Finite(decimal)) if decimal.write_unscaled(scale, limbs, out) => Ok(()),
        Some(Numeric::Finite(_)) => {
            Err(Error::data("wal2json.scale", format!("expected at most {scale} digits behind the point, found more")))
        }
        Some(_) => Err(special_value()),
        None => Err(crate::codec::unfit("a decimal number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unscaled(text: &str, scale: usize) -> Option<Vec<u8>> {
        let mut out = vec![9];
        write_decimal(text.as_bytes(), scale, &mut Vec::new(), &mut out).ok()?;
        Some(out.split_off(1))
    }

    fn text(value: &str, scale: usize) -> String {
        let Some(Numeric::Finite(decimal)) = Numeric::parse(value.as_bytes()) else { panic!("{value}") };
        let mut out = Vec::new();
        decimal.write_text(scale, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn unscaled_bytes_are_minimal_twos_complement() {
        for (value, scale, bytes) in [
            ("0", 0, &[0][..]),
            ("-0.00", 2, &[0]),
            ("1.10", 2, &[110]),
            ("1.28", 2, &[0, 128]),
            ("-1.28", 2, &[128]),
            ("-1.29", 2, &[0xFF, 0x7F]),
            ("2.5", 3, &[9, 0xC4]),
            ("2.500", 1, &[25]),
            ("007", 0, &[7]),
        ] {
            assert_eq!(unscaled(value, scale).unwrap(), bytes, "{value}");
        }
        assert_eq!(unscaled("1.25", 1), None);
        for wrong in ["", "-", "1.", ".5", "1e5", "--1", "1.2.3", "NaN"] {
            assert_eq!(unscaled(wrong, 2), None, "{wrong}");
        }
    }

    #[test]
    fn long_numbers_agree_with_short_ones() {
        // The same value by both ways: 38 digits fit a machine word, padding makes them many.
        for digits in
            ["1", "127", "128", "255", "256", "18446744073709551616", "99999999999999999999999999999999999999"]
        {
            for sign in ["", "-"] {
                let short = unscaled(&format!("{sign}{digits}"), 0).unwrap();
                let mut long = Vec::new();
                write_large(sign == "-", digits.bytes(), &mut Vec::new(), &mut long);
                assert_eq!(long, short, "{sign}{digits}");
            }
        }
        // 2^128 and -2^127 straddle a limb.
        assert_eq!(unscaled("340282366920938463463374607431768211456", 0).unwrap(), {
            let mut bytes = vec![1];
            bytes.extend([0; 16]);
            bytes
        });
        assert_eq!(unscaled("-170141183460469231731687303715884105728", 0).unwrap(), {
            let mut bytes = vec![0x80];
            bytes.extend([0; 15]);
            bytes
        });
    }

    #[test]
    fn texts_are_those_of_big_decimal() {
        for (value, scale, expected) in [
            ("0", 0, "0"),
            ("0.00", 0, "0.00"),
            ("-0.1", 0, "-0.1"),
            ("1.5", 2, "1.50"),
            ("100", 2, "100.00"),
            ("0.000001", 0, "0.000001"),
            ("0.0000001", 0, "1E-7"),
            ("0.00000012", 0, "1.2E-7"),
            ("-0.000000120", 0, "-1.20E-7"),
            ("0.000000000000000000", 0, "0E-18"),
            ("0", 18, "0E-18"),
            ("0.000000", 0, "0.000000"),
            ("0.0000000", 0, "0E-7"),
            ("-123500", 0, "-123500"),
            ("-12345678901234567890.123456789012345678", 18, "-12345678901234567890.123456789012345678"),
        ] {
            assert_eq!(text(value, scale), expected, "{value}");
        }
    }

    #[test]
    fn money_is_exact_in_every_locale() {
        for (text, expected) in [
            ("$1.23", 123),
            ("-$92,233,720,368,547,758.08", i64::MIN),
            ("$92,233,720,368,547,758.07", i64::MAX),
            ("($0.01)", -1),
            ("1.234,56 €", 123_456),
            ("￥1,234", 123_400),
            ("$0.00", 0),
        ] {
            assert_eq!(cents(text.as_bytes()), Some(expected), "{text}");
        }
        assert_eq!(cents(b"$"), None);
        assert_eq!(cents(b"$92,233,720,368,547,758.08"), None);
    }

    #[test]
    fn short_numbers_agree_with_long_ones() {
        let texts = [
            "0",
            "-0",
            "0.00",
            "-0.0",
            "1",
            "-1",
            "127",
            "128",
            "-128",
            "-129",
            "255",
            "256",
            "32767",
            "-32768",
            "48.53",
            "-48.5",
            "0.125",
            "63.875",
            "007.50",
            "123456789012345678",
            "-123456789012345678",
            "9007199254740991",
            "9007199254740993",
            "0.1",
            "0.3",
            "2.675",
            "0.000000000000001",
            "123456789.123456789",
            "99999999999999.999",
            "1234567890123456789",
            ".5",
            "5.",
            ".",
            "-",
            "",
            "--1",
            "1.2.3",
            "+1",
            "1e5",
            "1 ",
            "NaN",
        ];
        for text in texts {
            let bytes = text.as_bytes();
            let expected = float::<f64>(bytes).map(f64::to_bits);
            assert_eq!(double(bytes).map(f64::to_bits), expected, "{text}");
            for scale in [0, 1, 2, 3, 9, 15, 16, 20] {
                let mut long = Vec::new();
                let decimal = match Numeric::parse(bytes) {
                    Some(Numeric::Finite(decimal)) => decimal.write_unscaled(scale, &mut Vec::new(), &mut long),
                    _ => false,
                };
                assert_eq!(unscaled(text, scale), decimal.then_some(long), "{text} {scale}");
            }
        }
        let mut digits = 1u64;
        for i in 0..20_000u64 {
            digits = digits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let text = (digits >> (i % 40)).to_string();
            let text = match (i % 17) as usize {
                point if point > 0 && point < text.len() => format!("{}.{}", &text[..point], &text[point..]),
                _ => text,
            };
            assert_eq!(double(text.as_bytes()), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn integers_have_limits() {
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(b"-999999999999999999"), Some(-999_999_999_999_999_999));
        for wrong in [&b"9223372036854775808"[..], b"", b"-", b"+1", b"1.0", b"1 ", b"zzzzzzzzzzzzzzzzzz", &[47; 18]] {
            assert_eq!(integer(wrong), None);
        }
    }
}
