//! Positions in PostgreSQL's write-ahead log.

use std::fmt;

/// A log sequence number: `pg_lsn`. Debezium writes it as a decimal number, PostgreSQL as `16/B374D848`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Reads PostgreSQL's form; `None` for anything else.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let slash = text.iter().position(|byte| *byte == b'/')?;
        let (high, low) = (text.get(..slash)?, text.get(slash + 1..)?);
        Some(Self(u64::from(hex32(high)?) << 32 | u64::from(hex32(low)?)))
    }
}

fn hex32(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0u32, |value, byte| Some(value << 4 | char::from(*byte).to_digit(16)?))
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_form_comes_back() {
        assert_eq!(Lsn::parse(b"16/B374D848").unwrap().to_string(), "16/B374D848");
        assert_eq!(Lsn::parse(b"0/0"), Some(Lsn(0)));
        for wrong in [&b"0"[..], b"/1", b"1/", b"g/1", b"1/123456789", b"1/-1", b"1/2/3"] {
            assert_eq!(Lsn::parse(wrong), None);
        }
    }
}
