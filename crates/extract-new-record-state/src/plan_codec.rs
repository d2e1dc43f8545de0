//! The boundary form of plans and programs, for hosts that execute them on values of their own form (the JVM shim on
//! `Struct.values`). Built from [`connect_data::wire`]: little-endian, `str` and `bytes` with a `u32` length.
//!
//! # Requests
//!
//! `kind u8`, then
//! * `0` plan: `value schema u32` (0 = none);
//! * `1` program: `value schema u32, branch u8, key schema u32, operation (u8, str), dropped (count u32, each: u8,
//!   str)`.
//!   The operation is there if the plan names its place and the string is not null. `dropped` is empty if the plan names
//!   no header, the record has none of this name, its value is null or an empty list; otherwise the items of the first
//!   such header, of the record's own and then those that this plan adds: 0 = null (without str), 1 = a string, 2 = what
//!   else it is, as text. A header value that is not a list is a data error of the record. The key
//!   schema matters only if `key` of the plan is 1 and `dropped` is not empty; otherwise 0.
//!
//! Plans may be kept for ever: per value schema; programs per value schema, branch and whatever of operation, dropped
//! fields and key schema the plan names. A program must be asked for when the first record needs it, not before:
//! asking is what fills Debezium's schema cache, where the first record wins.
//!
//! # Plan
//!
//! ```text
//! plan      format u8 = 2, tombstone, value
//! tombstone u8: 0 drop the record | 1 keep it and append: headers | 2 raise: error
//! value     u8: 0 hand the record on as it is | 1 raise: error | 2 envelope
//! envelope  after path, its default (u8: 0 | 1 constant), before (u8: 0 | 1 path), its default (u8: 0 | 1 constant),
//!           branch x 3
//! branch    u8: 0 raise: error | 1 drop the record | 2 change
//! change    headers, topic (u8: 0 | 1: keep_if_blank u8, source), operation (u8: 0 | 1: path),
//!           dropped (u8: 0 | 1: header name str), key u8
//! headers   count u32, each: name str, schema u32, schema of a null u32, source
//! source    u8: 0 constant
//!             | 1 guard (u8: 0 | 1 path), path, absent (u8: 0 | 1 constant), null (u8: 0 | 1 constant)
//! constant  schema u32, row image bytes
//! path      count u32, field position u32 each
//! error     bytes, as of `Error::encode`
//! ```
//!
//! A record whose value is null, whatever its schema: `tombstone`. Otherwise `value`. In an envelope, the value at
//! `after` not null: branch 0; else the value at `before` not null: branch 1; else, or without `before`: branch 2.
//!
//! A null `after` or `before` that has a default gives way to it, for the choice of the branch and wherever a program reads
//! the row: requires, copies, defaults, the topic of branch 0. Headers, the topic of branch 1 (an error if `before` is
//! null), refused and put sources see the value as it came.
//!
//! A *path* leads from the value's root Struct down: each number is a position in `Struct.values`. If a Struct on the
//! way is null there is nothing at the path.
//!
//! A *source* gives a value: a constant; or, where there is nothing at `guard`, or a Struct on the way of `path` is null,
//! `absent`; where the value at `path` is null, `null`; else that value. `absent` and `null` are null if they are not
//! given. Values are raw, never replaced by a schema's default.
//!
//! A *change* first takes the headers to append, from the record as it came (they go after the record's own, in order),
//! then the topic (a null leaves the record's; so does, with `keep_if_blank`, a string that is empty or has no character
//! above U+0020), then the program. Partition, timestamp and the record's own headers stay.
//!
//! # Program
//!
//! ```text
//! program   format u8 = 2, key, value
//! key       u8: 0 keep | 1 raise: error | 2 remove these entries of a Map: count u32, str each | 3 rebuild
//! value     u8: 0 raise: error | 1 null with this schema: u32 (0 = no schema) | 2 rebuild
//! rebuild   schema u32, fields u32, null error, unfit error, steps (below), watch (u8: 0 | 1: action u8, placeholder str,
//!           error, header schema u32, count u32, each: path, field str, form u8)
//! steps     count u32, each: u8, then
//!             0 require  path, field str: value at path null -> raise `null` at `field`
//!             1 refuse   source, field str: source gives anything but null -> raise `unfit` at `field`
//!             2 copy     path of a Struct, first u32, count u32, to u32: these values, nulls included
//!             3 default  to u32, constant: if the new field is null
//!             4 put      to u32, source
//!             5 valid    path, field str, raw u8: there is a value at path, but a null in it where its schema wants a value
//!                        (`ConnectSchema.validateValue`) -> raise `null` at `field`; raw 1: in the value as it came
//! ```
//!
//! *Watched* columns may hold the placeholder of a value that the source did not send: as it is (form 0 text, 1 bytes), as
//! an array's only item (2), as an array of its octets (3), as the only entry of a map, key and value (4). If any does,
//! before the steps are run: action 1 adds the header `__unavailable` of the given schema, after all others, that lists
//! their names in order; 2 marks them unavailable in a row image and is 1 where there is none; 3 raises the error at the
//! field.
//!
//! A key that is null is kept, whatever the program says; `2` with a key that is not a Map raises a data error. A
//! *rebuild* makes a Struct of `schema` with `fields` values, all null, from the record's key or value (the root of its
//! paths), by the steps in order. Nothing is validated beyond the steps: they are what `Struct.put` would refuse in a
//! Struct that is itself valid.

use crate::compile::Dropped;
use crate::plan::{
    Branch, Change, Constant, Envelope, HeaderAdd, KeyProgram, Place, Plan, Program, Rebuild, Shape, Source, Step,
    Tombstone, ValuePlan, ValueProgram,
};
use connect_data::wire::{Reader, Writer};
use connect_data::{Error, Result, SchemaId};

/// First byte of plans and programs.
pub const FORMAT: u8 = 2;

/// What a host asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Plan {
        value_schema: SchemaId,
    },
    Program {
        value_schema: SchemaId,
        shape: Shape,
        key_schema: SchemaId,
        operation: Option<String>,
        dropped: Vec<Dropped>,
    },
}

impl Request {
    /// # Errors
    /// Internal: truncated, trailing bytes, unknown codes.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let request = match r.u8()? {
            0 => Self::Plan { value_schema: r.u32()? },
            1 => {
                let value_schema = r.u32()?;
                let branch = r.u8()?;
                let shape = Shape::ALL.into_iter().find(|shape| *shape as u8 == branch);
                let shape = shape.ok_or_else(|| malformed(&format!("branch {branch}")))?;
                let key_schema = r.u32()?;
                let operation = r.opt_str()?.map(str::to_owned);
                let mut dropped = Vec::new();
                for _ in 0..r.count(1)? {
                    dropped.push(match r.u8()? {
                        0 => Dropped::Null,
                        1 => Dropped::Name(r.str()?.to_owned()),
                        2 => Dropped::Other(r.str()?.to_owned()),
                        code => return Err(malformed(&format!("item {code}"))),
                    });
                }
                Self::Program { value_schema, shape, key_schema, operation, dropped }
            }
            kind => return Err(malformed(&format!("kind {kind}"))),
        };
        if r.remaining() != 0 {
            return Err(malformed(&format!("{} more bytes", r.remaining())));
        }
        Ok(request)
    }
}

fn malformed(found: &str) -> Error {
    Error::internal("enrs.request", format!("expected a request for a plan or program, found {found}"))
}

/// Appends a plan.
pub(crate) fn write_plan(plan: &Plan, out: &mut Vec<u8>) {
    let mut w = Writer::new(out);
    w.u8(FORMAT);
    match &plan.tombstone {
        Tombstone::Drop => w.u8(0),
        Tombstone::Keep(headers) => {
            w.u8(1);
            write_headers(headers, &mut w);
        }
        Tombstone::Fail(error) => raise(2, error, &mut w),
    }
    match &plan.value {
        ValuePlan::Pass => w.u8(0),
        ValuePlan::Fail(error) => raise(1, error, &mut w),
        ValuePlan::Envelope(envelope) => {
            w.u8(2);
            write_envelope(envelope, &mut w);
        }
    }
}

fn write_envelope(envelope: &Envelope, w: &mut Writer<'_>) {
    write_path(&envelope.after, w);
    write_optional(envelope.after_default.as_ref(), w, write_constant);
    write_optional(envelope.before.as_ref(), w, write_path);
    write_optional(envelope.before_default.as_ref(), w, write_constant);
    for branch in &envelope.branches {
        match branch {
            Branch::Fail(error) => raise(0, error, w),
            Branch::Drop => w.u8(1),
            Branch::Change(change) => {
                w.u8(2);
                write_change(change, w);
            }
        }
    }
}

fn write_change(change: &Change, w: &mut Writer<'_>) {
    write_headers(&change.headers, w);
    write_optional(change.topic.as_ref(), w, |topic, w| {
        w.u8(u8::from(topic.keep_if_blank));
        write_source(&topic.from, w);
    });
    write_optional(change.select.operation.as_ref(), w, write_path);
    w.opt_str(change.select.dropped.as_deref());
    w.u8(u8::from(change.select.key));
}

fn write_headers(headers: &[HeaderAdd], w: &mut Writer<'_>) {
    w.u32(headers.len() as u32);
    for header in headers {
        w.str(&header.name);
        w.u32(header.schema);
        w.u32(header.schema_of_null);
        write_source(&header.from, w);
    }
}

fn write_source(source: &Source, w: &mut Writer<'_>) {
    match source {
        Source::Constant(constant) => {
            w.u8(0);
            write_constant(constant, w);
        }
        Source::Place { guard, place, absent, null } => {
            w.u8(1);
            write_optional(guard.as_ref(), w, write_path);
            write_path(place, w);
            write_optional(absent.as_ref(), w, write_constant);
            write_optional(null.as_ref(), w, write_constant);
        }
    }
}

fn write_constant(constant: &Constant, w: &mut Writer<'_>) {
    w.u32(constant.schema);
    w.bytes(&constant.image);
}

fn write_path(place: &Place, w: &mut Writer<'_>) {
    w.u32(place.path.len() as u32);
    for position in &place.path {
        w.u32(*position);
    }
}

fn write_optional<T>(value: Option<&T>, w: &mut Writer<'_>, write: impl FnOnce(&T, &mut Writer<'_>)) {
    w.u8(u8::from(value.is_some()));
    if let Some(value) = value {
        write(value, w);
    }
}

fn write_error(error: &Error, w: &mut Writer<'_>) {
    let mut bytes = Vec::new();
    error.encode(&mut bytes);
    w.bytes(&bytes);
}

fn raise(code: u8, error: &Error, w: &mut Writer<'_>) {
    w.u8(code);
    write_error(error, w);
}

/// Appends a program.
pub(crate) fn write_program(program: &Program, out: &mut Vec<u8>) {
    let mut w = Writer::new(out);
    w.u8(FORMAT);
    match &program.key {
        KeyProgram::Keep => w.u8(0),
        KeyProgram::Fail(error) => raise(1, error, &mut w),
        KeyProgram::RemoveEntries(names) => {
            w.u8(2);
            w.u32(names.len() as u32);
            names.iter().for_each(|name| w.str(name));
        }
        KeyProgram::Rebuild(rebuild) => {
            w.u8(3);
            write_rebuild(rebuild, &mut w);
        }
    }
    match &program.value {
        ValueProgram::Fail(error) => raise(0, error, &mut w),
        ValueProgram::Null { schema, .. } => {
            w.u8(1);
            w.u32(*schema);
        }
        ValueProgram::Rebuild(rebuild) => {
            w.u8(2);
            write_rebuild(rebuild, &mut w);
        }
    }
}

fn write_rebuild(rebuild: &Rebuild, w: &mut Writer<'_>) {
    w.u32(rebuild.schema);
    w.u32(rebuild.fields);
    write_error(&rebuild.null, w);
    write_error(&rebuild.unfit, w);
    w.u32(rebuild.steps.len() as u32);
    for step in &rebuild.steps {
        match step {
            Step::Require { place, field } => {
                w.u8(0);
                write_path(place, w);
                w.str(field);
            }
            Step::Refuse { from, field } => {
                w.u8(1);
                write_source(from, w);
                w.str(field);
            }
            Step::Copy { from, first, count, to, .. } => {
                w.u8(2);
                write_path(from, w);
                [*first, *count, *to].into_iter().for_each(|number| w.u32(number));
            }
            Step::CopyWhole { from, first, to, .. } => {
                w.u8(2);
                write_path(from, w);
                [*first, 1, *to].into_iter().for_each(|number| w.u32(number));
            }
            Step::Default { to, constant, .. } => {
                w.u8(3);
                w.u32(*to);
                write_constant(constant, w);
            }
            Step::Put { from, to, .. } => {
                w.u8(4);
                w.u32(*to);
                write_source(from, w);
            }
            Step::Valid { place, field, raw, .. } => {
                w.u8(5);
                write_path(place, w);
                w.str(field);
                w.u8(u8::from(*raw));
            }
        }
    }
    write_optional(rebuild.watch.as_ref(), w, |watch, w| {
        w.u8(watch.action as u8);
        w.str(&watch.placeholder);
        write_error(&watch.error, w);
        w.u32(watch.header_schema);
        w.u32(watch.columns.len() as u32);
        for column in &watch.columns {
            write_path(&column.place, w);
            w.str(&column.field);
            w.u8(column.form as u8);
        }
    });
}
