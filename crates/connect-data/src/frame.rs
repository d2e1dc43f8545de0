//! Records, outcomes and exchanges as bytes: what a component, the JVM shim and the runner's stages hand to each other.
//! Built from [`crate::wire`]; values inside are row images.
//!
//! * record: `topic str, partition (u8, i32), timestamp (u8, i64), key datum, value datum, headers (count u32, name str
//!   and datum each)`
//! * datum: `schema u32` (0 = none), `image bytes`
//! * outcome: `u8` (0 pass, 1 drop, 2 change); a change is `mask u8`, then what the mask names in this order: 1 topic `str`,
//!   2 key datum, 4 value datum, 8 headers appended, 16 headers replaced (each as in a record)
//! * raw headers (Kafka's, before conversion): `count u32`, name `str` and value `(u8, bytes)` each
//! * exchange: see [`Exchange`]; answer: see [`Answer`]

use crate::error::{Error, Result};
use crate::store::SchemaId;
use crate::wire::{Reader, Writer};

/// A value with its schema. Schema 0 is schemaless data, whose image has one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datum<'a> {
    /// 0 = no schema.
    pub schema: SchemaId,
    /// Self-contained row image.
    pub image: &'a [u8],
}

impl<'a> Datum<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        Ok(Self { schema: r.u32()?, image: r.bytes()? })
    }

    /// Appends the datum.
    pub fn write(&self, w: &mut Writer<'_>) {
        w.u32(self.schema);
        w.bytes(self.image);
    }
}

/// Headers inside a record or outcome, read lazily.
#[derive(Clone)]
pub struct Headers<'a> {
    count: usize,
    reader: Reader<'a>,
}

impl<'a> Headers<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let count = r.count(12)?;
        let headers = Self { count, reader: r.clone() };
        for _ in 0..count {
            r.str()?;
            Datum::read(r)?;
        }
        Ok(headers)
    }

    /// Number of headers.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Name and value of each, in order; duplicates are kept.
    pub fn iter(&self) -> impl Iterator<Item = Result<(&'a str, Datum<'a>)>> + use<'a> {
        let mut reader = self.reader.clone();
        (0..self.count).map(move |_| Ok((reader.str()?, Datum::read(&mut reader)?)))
    }
}

/// A record as a transformation sees it.
pub struct RecordFrame<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Kafka partition, if known.
    pub partition: Option<i32>,
    /// Milliseconds since the epoch, if known.
    pub timestamp: Option<i64>,
    /// Key.
    pub key: Datum<'a>,
    /// Value.
    pub value: Datum<'a>,
    /// Headers.
    pub headers: Headers<'a>,
}

impl<'a> RecordFrame<'a> {
    /// Reads a record; nothing is copied.
    ///
    /// # Errors
    /// Internal: truncated or trailing bytes.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let topic = r.str()?;
        let partition = if r.u8()? == 0 { None } else { Some(r.i32()?) };
        let timestamp = if r.u8()? == 0 { None } else { Some(r.i64()?) };
        let key = Datum::read(&mut r)?;
        let value = Datum::read(&mut r)?;
        let headers = Headers::read(&mut r)?;
        finish(&r)?;
        Ok(Self { topic, partition, timestamp, key, value, headers })
    }

    /// Appends a record.
    pub fn write(
        topic: &str,
        partition: Option<i32>,
        timestamp: Option<i64>,
        key: Datum<'_>,
        value: Datum<'_>,
        headers: &[(&str, Datum<'_>)],
        out: &mut Vec<u8>,
    ) {
        let mut w = Writer::new(out);
        w.str(topic);
        w.u8(u8::from(partition.is_some()));
        if let Some(partition) = partition {
            w.i32(partition);
        }
        w.u8(u8::from(timestamp.is_some()));
        if let Some(timestamp) = timestamp {
            w.i64(timestamp);
        }
        key.write(&mut w);
        value.write(&mut w);
        write_headers(headers, &mut w);
    }

    /// Appends this record as an outcome leaves it; `Ok(false)` = it is dropped, and nothing was appended.
    ///
    /// # Errors
    /// Internal: truncated headers.
    pub fn write_changed(&self, outcome: &Outcome<'_>, out: &mut Vec<u8>) -> Result<bool> {
        let unchanged = Outcome::Change { topic: None, key: None, value: None, append: None, put: None };
        let (topic, key, value, append, put) = match outcome {
            Outcome::Drop => return Ok(false),
            Outcome::Pass => return self.write_changed(&unchanged, out),
            Outcome::Change { topic, key, value, append, put } => (topic, key, value, append, put),
        };
        Self::write(
            topic.unwrap_or(self.topic),
            self.partition,
            self.timestamp,
            key.unwrap_or(self.key),
            value.unwrap_or(self.value),
            &[],
            out,
        );
        // The count of headers is the last thing that was written.
        out.truncate(out.len().saturating_sub(4));
        let mut w = Writer::new(out);
        let kept = put.as_ref().unwrap_or(&self.headers);
        w.u32((kept.len() + append.as_ref().map_or(0, Headers::len)) as u32);
        for header in kept.iter().chain(append.iter().flat_map(Headers::iter)) {
            let (name, datum) = header?;
            w.str(name);
            datum.write(&mut w);
        }
        Ok(true)
    }
}

fn write_headers(headers: &[(&str, Datum<'_>)], w: &mut Writer<'_>) {
    w.u32(headers.len() as u32);
    for (name, datum) in headers {
        w.str(name);
        datum.write(w);
    }
}

fn finish(r: &Reader<'_>) -> Result<()> {
    if r.remaining() != 0 {
        return Err(Error::internal("frame.trailing", format!("frame: {} bytes after its end", r.remaining())));
    }
    Ok(())
}

/// Bits of a change's mask.
pub mod change {
    /// A new topic.
    pub const TOPIC: u8 = 1;
    /// A new key.
    pub const KEY: u8 = 2;
    /// A new value.
    pub const VALUE: u8 = 4;
    /// Headers to append after the record's own.
    pub const APPEND_HEADERS: u8 = 8;
    /// Headers instead of the record's own.
    pub const PUT_HEADERS: u8 = 16;
}

/// First byte of an outcome: the same record goes on.
pub const PASS: u8 = 0;
/// First byte of an outcome: the record is dropped.
pub const DROP: u8 = 1;
/// First byte of an outcome: a change follows.
pub const CHANGE: u8 = 2;

/// What became of a record. A transformation writes the bytes itself (see the module's table); hosts read them here.
pub enum Outcome<'a> {
    /// Unchanged: the host hands on the very same record.
    Pass,
    /// Dropped.
    Drop,
    /// Changed in the parts that are present.
    Change {
        /// New topic.
        topic: Option<&'a str>,
        /// New key.
        key: Option<Datum<'a>>,
        /// New value.
        value: Option<Datum<'a>>,
        /// Headers to append.
        append: Option<Headers<'a>>,
        /// Headers instead of the old ones.
        put: Option<Headers<'a>>,
    },
}

impl<'a> Outcome<'a> {
    /// Reads an outcome; nothing is copied.
    ///
    /// # Errors
    /// Internal: truncated, trailing bytes, unknown codes.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let outcome = match r.u8()? {
            PASS => Self::Pass,
            DROP => Self::Drop,
            CHANGE => {
                let mask = r.u8()?;
                if mask >= 32 {
                    return Err(Error::internal("frame.mask", format!("outcome: unknown mask {mask}")));
                }
                Self::Change {
                    topic: if mask & change::TOPIC != 0 { Some(r.str()?) } else { None },
                    key: if mask & change::KEY != 0 { Some(Datum::read(&mut r)?) } else { None },
                    value: if mask & change::VALUE != 0 { Some(Datum::read(&mut r)?) } else { None },
                    append: if mask & change::APPEND_HEADERS != 0 { Some(Headers::read(&mut r)?) } else { None },
                    put: if mask & change::PUT_HEADERS != 0 { Some(Headers::read(&mut r)?) } else { None },
                }
            }
            code => return Err(Error::internal("frame.outcome", format!("outcome: unknown code {code}"))),
        };
        finish(&r)?;
        Ok(outcome)
    }
}

/// Raw Kafka headers of a record that a converter reads.
pub struct RawHeaders;

impl RawHeaders {
    /// The last header with this name; empty bytes = no headers at all.
    ///
    /// # Errors
    /// Internal: truncated.
    pub fn last<'a>(bytes: &'a [u8], name: &str) -> Result<Option<&'a [u8]>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut r = Reader::new(bytes);
        let mut found = None;
        for _ in 0..r.count(5)? {
            let header = r.str()?;
            let value = r.opt_bytes()?;
            if header == name {
                found = value;
            }
        }
        Ok(found)
    }

    /// Appends headers.
    pub fn write(headers: &[(&str, Option<&[u8]>)], out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.u32(headers.len() as u32);
        for (name, value) in headers {
            w.str(name);
            w.opt_bytes(*value);
        }
    }
}

/// One HTTP exchange that a host performs for a core: request, wait, answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Goes back in the answer.
    pub id: u32,
    /// `GET`, `POST` ...
    pub method: String,
    /// Absolute URL without user info.
    pub url: String,
    /// Request headers, authorization included: a host never logs them.
    pub headers: Vec<(String, String)>,
    /// Request body.
    pub body: Option<Vec<u8>>,
    /// Wait this long before sending, in milliseconds (back-off, Retry-After).
    pub delay_ms: u32,
    /// Time for connecting, in milliseconds.
    pub connect_timeout_ms: u32,
    /// Time for the whole exchange, in milliseconds.
    pub timeout_ms: u32,
    /// A longer response body is a failure of the exchange, not read to its end.
    pub max_response_bytes: u32,
}

/// Header values may be credentials: only the names are shown.
impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Exchange")
            .field("id", &self.id)
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &headers)
            .field("delay_ms", &self.delay_ms)
            .finish_non_exhaustive()
    }
}

impl Exchange {
    /// Appends the exchange: `id u32, method str, url str, headers (count u32, name str, value str), body (u8, bytes),
    /// delay_ms u32, connect_timeout_ms u32, timeout_ms u32, max_response_bytes u32`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.u32(self.id);
        w.str(&self.method);
        w.str(&self.url);
        w.u32(self.headers.len() as u32);
        for (name, value) in &self.headers {
            w.str(name);
            w.str(value);
        }
        w.opt_bytes(self.body.as_deref());
        w.u32(self.delay_ms);
        w.u32(self.connect_timeout_ms);
        w.u32(self.timeout_ms);
        w.u32(self.max_response_bytes);
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// Internal: truncated.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let (id, method, url) = (r.u32()?, r.str()?.to_owned(), r.str()?.to_owned());
        let mut headers = Vec::new();
        for _ in 0..r.count(8)? {
            let name = r.str()?.to_owned();
            headers.push((name, r.str()?.to_owned()));
        }
        Ok(Self {
            id,
            method,
            url,
            headers,
            body: r.opt_bytes()?.map(<[u8]>::to_vec),
            delay_ms: r.u32()?,
            connect_timeout_ms: r.u32()?,
            timeout_ms: r.u32()?,
            max_response_bytes: r.u32()?,
        })
    }
}

/// What came of an [`Exchange`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Of the exchange.
    pub id: u32,
    /// HTTP status; 0 = no response, and `body` says why in UTF-8 (refused, time-out, too large, TLS).
    pub status: u16,
    /// Response headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Response body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Appends the answer: `id u32, status u32, headers (count u32, name str, value str), body bytes`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.u32(self.id);
        w.u32(u32::from(self.status));
        w.u32(self.headers.len() as u32);
        for (name, value) in &self.headers {
            w.str(name);
            w.str(value);
        }
        w.bytes(&self.body);
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// Internal: truncated.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let (id, status) = (r.u32()?, r.u32()? as u16);
        let mut headers = Vec::new();
        for _ in 0..r.count(8)? {
            let name = r.str()?.to_ascii_lowercase();
            headers.push((name, r.str()?.to_owned()));
        }
        Ok(Self { id, status, headers, body: r.bytes()?.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_rewritten_as_its_outcome_says() {
        let datum = |schema| Datum { schema, image: &[1, 2] };
        let mut bytes = Vec::new();
        RecordFrame::write("t", Some(3), None, datum(1), datum(2), &[("a", datum(3))], &mut bytes);
        let record = RecordFrame::read(&bytes).unwrap();

        let mut outcome = vec![CHANGE, change::TOPIC | change::VALUE | change::APPEND_HEADERS];
        let mut w = Writer::new(&mut outcome);
        w.str("u");
        datum(7).write(&mut w);
        write_headers(&[("b", datum(8))], &mut w);
        let mut changed = Vec::new();
        assert!(record.write_changed(&Outcome::read(&outcome).unwrap(), &mut changed).unwrap());
        let mut expected = Vec::new();
        RecordFrame::write("u", Some(3), None, datum(1), datum(7), &[("a", datum(3)), ("b", datum(8))], &mut expected);
        assert_eq!(changed, expected);

        let mut outcome = vec![CHANGE, change::PUT_HEADERS];
        write_headers(&[("c", datum(9))], &mut Writer::new(&mut outcome));
        changed.clear();
        assert!(record.write_changed(&Outcome::read(&outcome).unwrap(), &mut changed).unwrap());
        expected.clear();
        RecordFrame::write("t", Some(3), None, datum(1), datum(2), &[("c", datum(9))], &mut expected);
        assert_eq!(changed, expected);

        changed.clear();
        assert!(record.write_changed(&Outcome::Pass, &mut changed).unwrap());
        assert_eq!(changed, bytes);
        changed.clear();
        assert!(!record.write_changed(&Outcome::Drop, &mut changed).unwrap() && changed.is_empty());
    }
}
