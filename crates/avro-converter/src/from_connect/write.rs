//! Avro's binary encoding: `org.apache.avro.io.BinaryEncoder`.

/// Variable-length zig-zag: `int` and `long` are written alike.
#[inline]
pub(super) fn long(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    if rest < 0x80 {
        out.push(rest as u8);
        return;
    }
    let mut octets = [0; 10];
    let mut len = 0;
    for octet in &mut octets {
        *octet = rest as u8 & 0x7F;
        rest >>= 7;
        len += 1;
        if rest == 0 {
            break;
        }
        *octet |= 0x80;
    }
    out.extend_from_slice(octets.get(..len).unwrap_or(&octets));
}

/// Length and octets: `bytes` and `string`.
#[inline]
pub(super) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    long(out, value.len() as i64);
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longs() {
        for (value, expected) in [
            (0, "00"),
            (-1, "01"),
            (63, "7e"),
            (64, "8001"),
            (-65, "8101"),
            (i64::MAX, "feffffffffffffffff01"),
            (i64::MIN, "ffffffffffffffffff01"),
        ] {
            let mut out = Vec::new();
            long(&mut out, value);
            assert_eq!(out.iter().map(|b| format!("{b:02x}")).collect::<String>(), expected, "{value}");
        }
    }
}
