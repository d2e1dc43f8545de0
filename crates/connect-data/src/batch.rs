//! What a component and its host hand each other per record: one byte string each way, for one record or many.
//! Specification: `wit/README.md`.
//!
//! A batch is `count u32`, then each item as `len u32` and its bytes. A result has as many items as its call.
//!
//! * call of `to-connect`: `topic u32, headers bytes`, then the payload ([`ToConnect`])
//! * call of `from-connect`: `topic u32, schema u32`, then the image ([`FromConnect`])
//! * call of `apply` and `test`: a record frame
//! * result: `status u8`, then what [`status`] says

use crate::error::{Error, Result};
use crate::plugin::{Decoded, Encoded, TopicId};
use crate::store::SchemaId;
use crate::wire::{Reader, Writer};

/// First byte of a result's item.
pub mod status {
    /// The payload follows: of `to-connect` `schema u32` and the image, of `from-connect` the bytes, of `apply` the
    /// outcome, of `test` a `u8`.
    pub const DONE: u8 = 0;
    /// The boundary form of an error follows.
    pub const ERROR: u8 = 1;
    /// The `u32` number of a need follows.
    pub const NEED: u8 = 2;
    /// Nothing follows: no schema and no value, or null bytes.
    pub const NULL: u8 = 3;
}

/// Writes a batch.
pub struct BatchWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    count: u32,
}

impl<'a> BatchWriter<'a> {
    /// Appends after what `out` already holds.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Writer::new(out).u32(0);
        Self { out, start, count: 0 }
    }

    /// Appends the item that `write` appends.
    pub fn item(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.out.len();
        Writer::new(self.out).u32(0);
        write(self.out);
        let len = (self.out.len() - at - 4) as u32;
        patch(self.out, at, len);
        self.count += 1;
        patch(self.out, self.start, self.count);
    }

    /// Appends the item of a result: `write` appends the payload and names the status; an error takes the place of
    /// whatever was appended before it.
    pub fn result(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<u8>) {
        self.item(|out| {
            let at = out.len();
            out.push(status::DONE);
            let status = write(out).unwrap_or_else(|error| {
                out.truncate(at + 1);
                error.encode(out);
                status::ERROR
            });
            if let Some(first) = out.get_mut(at) {
                *first = status;
            }
        });
    }
}

/// Overwrites a `u32` that was written before.
fn patch(out: &mut [u8], at: usize, value: u32) {
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

/// The items of a batch.
#[derive(Clone)]
pub struct Items<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Items<'a> {
    /// Reads the count.
    ///
    /// # Errors
    /// Internal: more items than can fit.
    pub fn read(batch: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(batch);
        let left = reader.count(4)?;
        Ok(Self { reader, left })
    }

    /// The only item.
    ///
    /// # Errors
    /// Internal: none, several, truncated, trailing bytes.
    pub fn only(batch: &'a [u8]) -> Result<&'a [u8]> {
        let mut items = Self::read(batch)?;
        match (items.left, items.next()) {
            (1, Some(item)) if items.reader.remaining() == 0 => item,
            (count, _) => Err(Error::internal(
                "batch.count",
                format!("batch: expected one item and nothing after it, found {count} items"),
            )),
        }
    }
}

impl Items<'_> {
    /// How many there are, each checked to be there and nothing after the last.
    ///
    /// # Errors
    /// Internal: truncated, trailing bytes.
    pub fn counted(mut self) -> Result<usize> {
        let count = self.left;
        for item in &mut self {
            item?;
        }
        match self.reader.remaining() {
            0 => Ok(count),
            more => Err(Error::internal("batch.count", format!("batch: expected its end, found {more} more bytes"))),
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(self.reader.bytes())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Items<'_> {}

/// Call of `to-connect` for one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToConnect<'a> {
    /// Topic.
    pub topic: TopicId,
    /// Raw headers frame, may be empty.
    pub headers: &'a [u8],
    /// What Kafka holds.
    pub payload: &'a [u8],
}

impl<'a> ToConnect<'a> {
    /// Appends the item.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.u32(self.topic);
        w.bytes(self.headers);
        out.extend_from_slice(self.payload);
    }

    /// Reads the item.
    ///
    /// # Errors
    /// Internal: truncated.
    pub fn read(item: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(item);
        Ok(Self { topic: r.u32()?, headers: r.bytes()?, payload: rest(&mut r)? })
    }
}

/// Call of `from-connect` for one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FromConnect<'a> {
    /// Topic.
    pub topic: TopicId,
    /// `None` = schemaless data.
    pub schema: Option<SchemaId>,
    /// Self-contained image.
    pub image: &'a [u8],
}

impl<'a> FromConnect<'a> {
    /// Appends the item.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.u32(self.topic);
        w.u32(self.schema.unwrap_or(0));
        out.extend_from_slice(self.image);
    }

    /// Reads the item.
    ///
    /// # Errors
    /// Internal: truncated.
    pub fn read(item: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(item);
        Ok(Self { topic: r.u32()?, schema: Some(r.u32()?).filter(|id| *id != 0), image: rest(&mut r)? })
    }
}

fn rest<'a>(r: &mut Reader<'a>) -> Result<&'a [u8]> {
    r.take(r.remaining())
}

/// Writes the payload of `to-connect`: `convert` appends the image.
///
/// # Errors
/// Those of `convert`.
pub fn write_decoded(out: &mut Vec<u8>, convert: impl FnOnce(&mut Vec<u8>) -> Result<Decoded>) -> Result<u8> {
    let at = out.len();
    Writer::new(out).u32(0);
    match convert(out)? {
        Decoded::Value(schema) => {
            patch(out, at, schema.unwrap_or(0));
            Ok(status::DONE)
        }
        Decoded::Null => {
            out.truncate(at);
            Ok(status::NULL)
        }
        Decoded::Need(need) => {
            out.truncate(at);
            Writer::new(out).u32(need);
            Ok(status::NEED)
        }
    }
}

/// Reads the item of a result of `to-connect`; appends the image to `out`.
///
/// # Errors
/// The item's. Internal: a status or length that does not fit.
pub fn read_decoded(item: &[u8], out: &mut Vec<u8>) -> Result<Decoded> {
    let (status, mut r) = read_status(item)?;
    Ok(match status {
        status::DONE => {
            let schema = r.u32()?;
            out.extend_from_slice(rest(&mut r)?);
            Decoded::Value(Some(schema).filter(|id| *id != 0))
        }
        status::NEED => Decoded::Need(r.u32()?),
        status::NULL => Decoded::Null,
        other => return Err(unknown(other)),
    })
}

/// Writes the payload of `from-connect`: `convert` appends the bytes.
///
/// # Errors
/// Those of `convert`.
pub fn write_encoded(out: &mut Vec<u8>, convert: impl FnOnce(&mut Vec<u8>) -> Result<Encoded>) -> Result<u8> {
    let at = out.len();
    match convert(out)? {
        Encoded::Bytes => Ok(status::DONE),
        Encoded::Null => {
            out.truncate(at);
            Ok(status::NULL)
        }
        Encoded::Need(need) => {
            out.truncate(at);
            Writer::new(out).u32(need);
            Ok(status::NEED)
        }
    }
}

/// Reads the item of a result of `from-connect`; appends the bytes to `out`.
///
/// # Errors
/// The item's. Internal: a status or length that does not fit.
pub fn read_encoded(item: &[u8], out: &mut Vec<u8>) -> Result<Encoded> {
    let (status, mut r) = read_status(item)?;
    Ok(match status {
        status::DONE => {
            out.extend_from_slice(rest(&mut r)?);
            Encoded::Bytes
        }
        status::NEED => Encoded::Need(r.u32()?),
        status::NULL => Encoded::Null,
        other => return Err(unknown(other)),
    })
}

/// Reads the item of a result that is done or an error: `apply` and `test`.
///
/// # Errors
/// The item's. Internal: another status.
pub fn read_done(item: &[u8]) -> Result<&[u8]> {
    match read_status(item)? {
        (status::DONE, mut r) => rest(&mut r),
        (other, _) => Err(unknown(other)),
    }
}

fn read_status(item: &[u8]) -> Result<(u8, Reader<'_>)> {
    let mut r = Reader::new(item);
    match r.u8()? {
        status::ERROR => Err(Error::decode(rest(&mut r)?)?),
        status => Ok((status, r)),
    }
}

fn unknown(status: u8) -> Error {
    Error::internal("batch.status", format!("batch: found the unexpected status {status}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_out_as_they_went_in() {
        let calls = [
            ToConnect { topic: 7, headers: b"hh", payload: b"payload" },
            ToConnect { topic: 0, headers: b"", payload: b"" },
        ];
        let mut bytes = vec![1, 2, 3];
        let mut batch = BatchWriter::new(&mut bytes);
        calls.iter().for_each(|call| batch.item(|out| call.write(out)));
        let items = Items::read(&bytes[3..]).unwrap();
        assert_eq!(items.len(), 2);
        let read: Vec<_> = items.map(|item| ToConnect::read(item.unwrap()).unwrap()).collect();
        assert_eq!(read, calls);
        assert_eq!(Items::only(&bytes[3..]).unwrap_err().code(), "batch.count");

        let call = FromConnect { topic: 1, schema: None, image: b"image" };
        let mut bytes = Vec::new();
        BatchWriter::new(&mut bytes).item(|out| call.write(out));
        assert_eq!(FromConnect::read(Items::only(&bytes).unwrap()).unwrap(), call);
        bytes.push(0);
        assert_eq!(Items::only(&bytes).unwrap_err().code(), "batch.count");
    }

    #[test]
    fn items_are_counted_only_if_all_are_there() {
        let mut bytes = Vec::new();
        let mut batch = BatchWriter::new(&mut bytes);
        batch.item(|item| item.push(1));
        batch.item(|_| {});
        assert_eq!(Items::read(&bytes).unwrap().counted().unwrap(), 2);
        assert!(Items::read(&bytes[..bytes.len() - 1]).and_then(Items::counted).is_err());
        bytes.push(0);
        assert!(Items::read(&bytes).unwrap().counted().is_err());
    }

    #[test]
    fn results_keep_their_status_and_nothing_of_what_failed() {
        let decoded = |convert: fn(&mut Vec<u8>) -> Result<Decoded>| {
            let mut bytes = Vec::new();
            BatchWriter::new(&mut bytes).result(|out| write_decoded(out, convert));
            let mut image = vec![9];
            (read_decoded(Items::only(&bytes).unwrap(), &mut image), image)
        };
        let done = decoded(|out| {
            out.extend_from_slice(b"image");
            Ok(Decoded::Value(Some(4)))
        });
        assert_eq!(done, (Ok(Decoded::Value(Some(4))), b"\x09image".to_vec()));
        let schemaless = decoded(|_| Ok(Decoded::Value(None)));
        assert_eq!(schemaless, (Ok(Decoded::Value(None)), vec![9]));
        let null = decoded(|out| {
            out.push(1);
            Ok(Decoded::Null)
        });
        assert_eq!(null, (Ok(Decoded::Null), vec![9]));
        let need = decoded(|_| Ok(Decoded::Need(11)));
        assert_eq!(need, (Ok(Decoded::Need(11)), vec![9]));
        let error = decoded(|out| {
            out.push(1);
            Err(Error::data("a.b", "c"))
        });
        assert_eq!(error, (Err(Error::data("a.b", "c")), vec![9]));

        let mut bytes = Vec::new();
        BatchWriter::new(&mut bytes).result(|out| write_encoded(out, |_| Ok(Encoded::Need(3))));
        assert_eq!(read_encoded(Items::only(&bytes).unwrap(), &mut Vec::new()), Ok(Encoded::Need(3)));
        assert_eq!(read_done(Items::only(&bytes).unwrap()).unwrap_err().code(), "batch.status");
    }
}
