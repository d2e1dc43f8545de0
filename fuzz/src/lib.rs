//! What the fuzz targets and the maker of their seeds have in common: the form of an input.

use avro_converter::config::AvroDataConfig;
use connect_data::Properties;

/// Splits an input: each part but the last has its length before it, as two bytes. `None` = too short.
pub fn split<const N: usize>(mut data: &[u8]) -> Option<[&[u8]; N]> {
    let mut parts = [&[][..]; N];
    let (last, first) = parts.split_last_mut()?;
    for part in first {
        let (length, rest) = data.split_first_chunk::<2>()?;
        (*part, data) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    }
    *last = data;
    Some(parts)
}

/// The reverse of [`split`]; `None` = a part is too long.
pub fn join(parts: &[&[u8]]) -> Option<Vec<u8>> {
    let (last, first) = parts.split_last()?;
    let mut data = Vec::new();
    for part in first {
        data.extend(u16::try_from(part.len()).ok()?.to_le_bytes());
        data.extend(*part);
    }
    data.extend(*last);
    Some(data)
}

/// Settings by the bits of the first byte, in the order of [`SETTINGS`].
pub fn config(bits: &[u8]) -> AvroDataConfig {
    let bits = bits.first().copied().unwrap_or(0);
    let set = SETTINGS.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
    AvroDataConfig::new(&Properties::from_iter(set.map(|(_, setting)| *setting))).unwrap()
}

/// Settings that differ from their defaults.
pub const SETTINGS: [(&str, &str); 8] = [
    ("enhanced.avro.schema.support", "true"),
    ("generalized.sum.type.support", "true"),
    ("ignore.default.for.nullables", "true"),
    ("scrub.invalid.names", "true"),
    ("connect.meta.data", "false"),
    ("discard.type.doc.default", "true"),
    ("flatten.singleton.unions", "false"),
    ("allow.optional.map.keys", "true"),
];
