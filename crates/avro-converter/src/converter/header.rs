//! The Confluent wire header: which schema a payload was written with.

use connect_data::frame::RawHeaders;
use connect_data::{Error, Result};

/// Record header with the schema's id, by `is_key`.
const fn header_name(is_key: bool) -> &'static str {
    if is_key { "__key_schema_id" } else { "__value_schema_id" }
}

/// What names a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemaRef {
    /// The registry's number.
    Id(i32),
    /// Format 1 of the header.
    Guid([u8; 16]),
}

impl SchemaRef {
    /// A GUID as the registry spells it.
    pub fn guid_text(guid: &[u8; 16]) -> String {
        let mut text = String::with_capacity(36);
        for (i, byte) in guid.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push_str(&format!("{byte:02x}"));
        }
        text
    }
}

/// The schema's name, and where the Avro bytes begin: after it, or at once if it is in a record header.
///
/// # Errors
/// Data `avro.header`: no such header, or one that is too short.
#[inline]
pub(super) fn read(headers: &[u8], in_header: bool, is_key: bool, payload: &[u8]) -> Result<(SchemaRef, usize)> {
    if in_header
        && !headers.is_empty()
        && let Some(value) = RawHeaders::last(headers, header_name(is_key))?
    {
        return Ok((read_header(value)?.0, 0));
    }
    read_header(payload)
}

/// The name of a schema at the start of a payload, or as a record header's value, and its length.
///
/// # Errors
/// Data `avro.header`: no such header, or one that is too short.
#[inline]
pub fn read_header(bytes: &[u8]) -> Result<(SchemaRef, usize)> {
    match *bytes {
        [0, a, b, c, d, ..] => Ok((SchemaRef::Id(i32::from_be_bytes([a, b, c, d])), 5)),
        [1, ref rest @ ..] if rest.len() >= 16 => match rest.first_chunk() {
            Some(guid) => Ok((SchemaRef::Guid(*guid), 17)),
            None => Err(invalid(bytes)),
        },
        _ => Err(invalid(bytes)),
    }
}

#[cold]
fn invalid(bytes: &[u8]) -> Error {
    let found = match bytes {
        [] => "no byte".to_owned(),
        [magic @ (0 | 1), rest @ ..] => format!("magic byte {magic} and {} bytes", rest.len()),
        [magic, ..] => format!("magic byte {magic}"),
    };
    let message =
        format!("Avro wire format: expected magic byte 0 and an id of 4 bytes, or 1 and a GUID of 16, found {found}");
    Error::data("avro.header", message).hint("the record was not written by a Schema Registry serializer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_guids_and_record_headers() {
        assert_eq!(read(&[], true, false, &[0, 0, 0, 1, 2, 9]).unwrap(), (SchemaRef::Id(258), 5));
        let guid = [1, 0xCD, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 99];
        let (found, start) = read(&[], true, false, &guid).unwrap();
        let SchemaRef::Guid(found) = found else { panic!() };
        assert_eq!((SchemaRef::guid_text(&found).as_str(), start), ("cd020304-0506-0708-090a-0b0c0d0e0f10", 17));
        let mut headers = Vec::new();
        RawHeaders::write(&[("__value_schema_id", Some(&[0, 0, 0, 0, 7]))], &mut headers);
        assert_eq!(read(&headers, true, false, &[2]).unwrap(), (SchemaRef::Id(7), 0));
        assert!(read(&headers, true, true, &[2]).is_err());
        assert!(read(&headers, false, false, &[2]).is_err());
        for short in [&[][..], &[0], &[0, 0, 0, 0], &[1, 0, 0, 0, 7], &[2, 0, 0, 0, 7]] {
            assert_eq!(read(&[], true, false, short).unwrap_err().code(), "avro.header");
        }
    }
}
