//! Headers of Kafka's messages.

use connect_data::frame::RawHeaders;
use connect_data::{Error, Result};
use rdkafka::message::{Header, Headers, OwnedHeaders};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Writes a message's headers in the form of [`RawHeaders`]; nothing if there are none.
///
/// # Errors
/// Data: a name is not UTF-8.
pub(crate) fn read_headers(headers: Option<&impl Headers>, out: &mut Vec<u8>) -> Result<()> {
    let Some(headers) = headers.filter(|headers| headers.count() > 0) else { return Ok(()) };
    // The library panics on such a name.
    let read = || -> Vec<_> { headers.iter().map(|header| (header.key, header.value)).collect() };
    let all = catch_unwind(AssertUnwindSafe(read))
        .map_err(|_| Error::data("kafka.header", "header: expected a name in UTF-8, found other bytes"))?;
    RawHeaders::write(&all, out);
    Ok(())
}

/// Headers for a message; `None` if there are none.
pub(crate) fn to_kafka_headers<'a>(
    headers: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
) -> Option<OwnedHeaders> {
    let mut out: Option<OwnedHeaders> = None;
    for (key, value) in headers {
        out = Some(out.unwrap_or_default().insert(Header { key, value }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::wire::Reader;

    #[test]
    fn headers_come_back_in_order_with_nulls_and_duplicates() {
        let headers = to_kafka_headers([("a", Some(&b"1"[..])), ("b", None), ("a", Some(b""))]).unwrap();
        let mut raw = Vec::new();
        read_headers(Some(&headers), &mut raw).unwrap();
        let mut r = Reader::new(&raw);
        assert_eq!(r.u32().unwrap(), 3);
        let mut next = || (r.str().unwrap().to_owned(), r.opt_bytes().unwrap().map(<[u8]>::to_vec));
        assert_eq!(next(), ("a".to_owned(), Some(b"1".to_vec())));
        assert_eq!(next(), ("b".to_owned(), None));
        assert_eq!(next(), ("a".to_owned(), Some(Vec::new())));
        assert!(to_kafka_headers([]).is_none());
    }
}
