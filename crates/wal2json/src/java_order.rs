//! The order in which a Java `HashMap` of strings gives its entries, for texts that Debezium makes from one.

/// Position of a key's bucket in a map of `entries` keys: the table doubles from 16 while it is more than three quarters
/// full. Keys of one bucket come in the order in which they were put.
pub(crate) fn bucket(key: &str, entries: usize) -> u32 {
    let mut table = 16usize;
    while entries > table / 4 * 3 {
        table *= 2;
    }
    let hash = key.encode_utf16().fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
    (hash ^ hash >> 16) & (table as u32 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirteen_entries_double_the_table() {
        // "0" is 48: bucket 0 of 16, bucket 16 of 32.
        assert_eq!((bucket("0", 12), bucket("0", 13)), (0, 16));
        assert_eq!((bucket("@", 12), bucket("@", 13)), (0, 0));
        // "polygenelubricants" hashes to the smallest number.
        assert_eq!(bucket("polygenelubricants", 1), (0x8000_0000u32 ^ 0x8000) & 15);
    }
}
