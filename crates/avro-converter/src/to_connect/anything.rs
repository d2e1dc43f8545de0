//! Schemaless data: the record `io.confluent.connect.avro.Anything`, of whose nine fields the first that is not null is
//! the value. Written in the form of [`connect_data::schemaless`].

use super::cursor::Cursor;
use super::fault::Fault;
use super::text;
use crate::config::AvroDataConfig;
use connect_data::row_image::ImageWriter;
use connect_data::{Error, schemaless};
use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    frames: Vec<Frame>,
    /// Where keys and values of the open maps start.
    entries: Vec<Entry>,
    order: Vec<u32>,
    kept: Vec<(u32, u32)>,
    room: Vec<u8>,
}

/// Start of a map's key and value in the output.
#[derive(Clone, Copy)]
struct Entry {
    key: usize,
    value: usize,
}

/// Decodes and appends the image.
pub(super) fn run(payload: &[u8], start: usize, config: &AvroDataConfig, out: &mut Vec<u8>) -> Result<bool, Error> {
    let root = out.len();
    let decoded = SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => decode(payload, start, config, out, &mut scratch),
        Err(_) => decode(payload, start, config, out, &mut Scratch::default()),
    });
    if decoded.is_err() {
        out.truncate(root);
    }
    decoded.map(|()| true)
}

fn decode(
    payload: &[u8],
    start: usize,
    config: &AvroDataConfig,
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<(), Error> {
    let mut writer = ImageWriter::new(out, 1)?;
    let mut null = false;
    let offset = writer.tail_len();
    let buffer = writer.buffer();
    let from = buffer.len();
    let mut cursor = Cursor::new(payload, start);
    values(&mut cursor, buffer, scratch).map_err(|fault| fault.into_error(&[]))?;
    if config.fail_on_trailing_data && cursor.remaining() > 0 {
        return Err(Fault::Trailing.into_error(&[]));
    }
    if buffer.get(from..) == Some(&[NULL]) {
        buffer.truncate(from);
        null = true;
    }
    let len = buffer.len() - from;
    if null {
        writer.null(0);
    } else {
        writer.points_to_tail(0, offset, len);
    }
    writer.finish();
    Ok(())
}

const NULL: u8 = 0;
const ARRAY: u8 = 11;
const MAP: u8 = 12;

/// Fields of Anything, by position.
const BOOLEAN: u8 = 0;
const BYTES: u8 = 1;
const DOUBLE: u8 = 2;
const FLOAT: u8 = 3;
const INT: u8 = 4;
const LONG: u8 = 5;
const STRING: u8 = 6;
const LIST: u8 = 7;
const ENTRIES: u8 = 8;
const FIELDS: u8 = 9;

/// A record in progress.
#[derive(Clone, Copy)]
struct Record {
    /// Next field.
    field: u8,
    /// Whether its value was found.
    found: bool,
    /// Whether the value is wanted: not if it belongs to a field that another one hides.
    wanted: bool,
}

#[derive(Clone, Copy)]
struct Frame {
    /// The record around it.
    record: Record,
    wanted: bool,
    is_map: bool,
    /// In a map: the value is next.
    at_value: bool,
    left: usize,
    done: usize,
    /// Where the count is.
    count_at: usize,
    /// Entries of maps around it.
    entries_from: usize,
}

fn values(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, scratch: &mut Scratch) -> Result<(), Fault> {
    scratch.frames.clear();
    scratch.entries.clear();
    let mut record = Record { field: 0, found: false, wanted: true };
    loop {
        if record.field < FIELDS {
            let field = record.field;
            record.field += 1;
            match cursor.int()? {
                0 => continue,
                1 => {}
                _ => return Err(Fault::Branch),
            }
            let wanted = record.wanted && !record.found;
            record.found = true;
            if field < LIST {
                scalar(field, cursor, wanted.then_some(&mut *out))?;
                continue;
            }
            let left = cursor.block(true)?;
            // Each item is a record of at least nine bytes; each entry is two.
            if left.saturating_mul(FIELDS as usize) > cursor.remaining() {
                return Err(Fault::Truncated);
            }
            let is_map = field == ENTRIES;
            let count_at = out.len() + 1;
            if wanted {
                out.push(if is_map { MAP } else { ARRAY });
                out.extend_from_slice(&[0; 4]);
            }
            if left == 0 {
                continue;
            }
            if scratch.frames.len() >= schemaless::MAX_DEPTH {
                return Err(Fault::SchemalessDepth);
            }
            let entries_from = scratch.entries.len();
            scratch.frames.push(Frame {
                record,
                wanted,
                is_map,
                at_value: false,
                left,
                done: 0,
                count_at,
                entries_from,
            });
            record = begin(scratch, out);
            continue;
        }
        if record.wanted && !record.found {
            out.push(NULL);
        }
        let Some(frame) = scratch.frames.last_mut() else { return Ok(()) };
        if frame.is_map && !frame.at_value {
            frame.at_value = true;
        } else {
            frame.at_value = false;
            frame.done += 1;
            frame.left -= 1;
            if frame.left == 0 {
                frame.left = cursor.block(false)?;
                if frame.left.saturating_mul(FIELDS as usize) > cursor.remaining() {
                    return Err(Fault::Truncated);
                }
            }
        }
        if frame.left > 0 {
            record = begin(scratch, out);
            continue;
        }
        let frame = *frame;
        scratch.frames.pop();
        if frame.wanted {
            let count = if frame.is_map { distinct(&frame, out, scratch) } else { frame.done };
            if let Some(place) = out.get_mut(frame.count_at..frame.count_at + 4) {
                place.copy_from_slice(&(count as u32).to_le_bytes());
            }
        }
        record = frame.record;
    }
}

/// The next item, key or value of the innermost container.
fn begin(scratch: &mut Scratch, out: &[u8]) -> Record {
    let Some(frame) = scratch.frames.last() else { return Record { field: 0, found: false, wanted: true } };
    if frame.is_map && frame.wanted {
        if frame.at_value {
            if let Some(entry) = scratch.entries.last_mut() {
                entry.value = out.len();
            }
        } else {
            scratch.entries.push(Entry { key: out.len(), value: 0 });
        }
    }
    Record { field: 0, found: false, wanted: frame.wanted }
}

/// Appends a value with its tag, or only reads it.
fn scalar(field: u8, cursor: &mut Cursor<'_>, out: Option<&mut Vec<u8>>) -> Result<(), Fault> {
    let Some(out) = out else {
        return match field {
            BOOLEAN => cursor.boolean().map(drop),
            BYTES | STRING => cursor.prefixed().map(drop),
            DOUBLE => cursor.array::<8>().map(drop),
            FLOAT => cursor.array::<4>().map(drop),
            INT => cursor.int().map(drop),
            LONG => cursor.long().map(drop),
            _ => Err(Fault::Plan),
        };
    };
    let integer = |out: &mut Vec<u8>, tag: u8, value: i64| {
        out.push(tag);
        out.extend_from_slice(&value.to_le_bytes());
    };
    match field {
        BOOLEAN => out.push(1 + u8::from(cursor.boolean()?)),
        BYTES => prefixed(10, cursor.prefixed()?, out),
        DOUBLE => integer(out, 8, i64::from_le_bytes(cursor.array()?)),
        FLOAT => {
            out.push(7);
            out.extend_from_slice(&cursor.array::<4>()?);
        }
        INT => integer(out, 5, i64::from(cursor.int()?)),
        LONG => integer(out, 6, cursor.long()?),
        STRING => {
            let bytes = cursor.prefixed()?;
            if std::str::from_utf8(bytes).is_ok() {
                prefixed(9, bytes, out);
            } else {
                prefixed(9, &[], out);
                let start = out.len();
                text::repair(bytes, out);
                let len = (out.len() - start) as u32;
                if let Some(place) = out.get_mut(start - 4..start) {
                    place.copy_from_slice(&len.to_le_bytes());
                }
            }
        }
        _ => return Err(Fault::Plan),
    }
    Ok(())
}

fn prefixed(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Drops what a later entry of the same key replaces, as Java's map does; returns how many stay. Equal keys have equal
/// bytes here.
fn distinct(frame: &Frame, out: &mut Vec<u8>, scratch: &mut Scratch) -> usize {
    let Scratch { entries, order, kept, room, .. } = scratch;
    let own = entries.get(frame.entries_from..).unwrap_or(&[]);
    let key = |index: u32| {
        let entry = own.get(index as usize)?;
        out.get(entry.key..entry.value)
    };
    order.clear();
    order.extend(0..own.len() as u32);
    order.sort_unstable_by(|a, b| key(*a).cmp(&key(*b)).then(a.cmp(b)));
    let mut count = frame.done;
    if order.windows(2).any(|pair| matches!(pair, [a, b] if key(*a) == key(*b))) {
        kept.clear();
        for group in order.chunk_by(|a, b| key(*a) == key(*b)) {
            if let (Some(first), Some(last)) = (group.first(), group.last()) {
                kept.push((*first, *last));
            }
        }
        kept.sort_unstable();
        room.clear();
        for (first, last) in kept.iter() {
            let Some(value) = own.get(*last as usize).map(|entry| entry.value) else { continue };
            let end = own.get(*last as usize + 1).map_or(out.len(), |next| next.key);
            room.extend_from_slice(key(*first).unwrap_or(&[]));
            room.extend_from_slice(out.get(value..end).unwrap_or(&[]));
        }
        count = kept.len();
        out.truncate(frame.count_at + 4);
        out.extend_from_slice(room);
    }
    entries.truncate(frame.entries_from);
    count
}
