//! The envelope of a change event and its source block: schemas, slots, and how they are written. Debezium 1.7:
//! `Envelope`, `AbstractSourceInfoStructMaker`, `PostgresSourceInfoStructMaker`, `TransactionMonitor`.

use crate::codec::Scratch;
use crate::config::Settings;
use crate::lsn::Lsn;
use crate::plan::{ChangePlan, Row, State};
use crate::table::TableId;
use crate::temporal::write_digits;
use connect_data::row_image::{ImageWriter, Layout, Prototype};
use connect_data::schema::{Node, Schema, SchemaBuilder, Type};
use connect_data::{Result, Value};
use std::sync::OnceLock;

/// `op`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Create,
    Update,
    Delete,
    Read,
    Truncate,
}

impl Op {
    fn code(self) -> &'static [u8] {
        match self {
            Self::Create => b"c",
            Self::Update => b"u",
            Self::Delete => b"d",
            Self::Read => b"r",
            Self::Truncate => b"t",
        }
    }
}

/// `source.snapshot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Snapshot {
    /// From the stream.
    False,
    True,
    /// The last row.
    Last,
}

impl Snapshot {
    fn text(self) -> &'static [u8] {
        match self {
            Self::False => b"false",
            Self::True => b"true",
            Self::Last => b"last",
        }
    }
}

/// What is said of an event beside its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) op: Op,
    /// Commit time in milliseconds.
    pub(crate) source_ts_ms: i64,
    /// When the event was processed; `None` = nobody knows.
    pub(crate) ts_ms: Option<i64>,
    pub(crate) snapshot: Snapshot,
    pub(crate) xid: Option<u64>,
    pub(crate) lsn: Option<Lsn>,
    pub(crate) last_commit: Option<Lsn>,
    /// Order among all events of the transaction and among those of the table.
    pub(crate) order: Option<(u64, u64)>,
}

/// The envelope's schema around a row's.
pub(crate) fn schema(name: &str, value: &Schema) -> Result<Schema> {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named(name));
    for field in ["before", "after"] {
        let node = b.copy(value, 0)?;
        b.add_field(root, field, node);
    }
    let source = b.field(root, "source", Node::new(Type::Struct).named("io.debezium.connector.postgresql.Source"));
    for field in ["version", "connector", "name"] {
        b.field(source, field, Node::new(Type::String));
    }
    b.field(source, "ts_ms", Node::new(Type::Int64));
    let snapshot = Node::new(Type::String).named("io.debezium.data.Enum").version(1).optional();
    let snapshot = snapshot.parameter("allowed", "true,last,false").default_value(Value::String("false".to_owned()));
    b.field(source, "snapshot", snapshot);
    b.field(source, "db", Node::new(Type::String));
    b.field(source, "sequence", Node::new(Type::String).optional());
    for field in ["schema", "table"] {
        b.field(source, field, Node::new(Type::String));
    }
    for field in ["txId", "lsn", "xmin"] {
        b.field(source, field, Node::new(Type::Int64).optional());
    }
    b.field(root, "op", Node::new(Type::String));
    b.field(root, "ts_ms", Node::new(Type::Int64).optional());
    let transaction = b.field(root, "transaction", Node::new(Type::Struct).optional());
    b.field(transaction, "id", Node::new(Type::String));
    for field in ["total_order", "data_collection_order"] {
        b.field(transaction, field, Node::new(Type::Int64));
    }
    b.build()
}

/// Slots of an envelope: the source block and what follows it stand at fixed distances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    all: usize,
    before: usize,
    after: usize,
    source: usize,
}

const VERSION: usize = 1;
const CONNECTOR: usize = 2;
const NAME: usize = 3;
const SOURCE_TS_MS: usize = 4;
const SNAPSHOT: usize = 5;
const DB: usize = 6;
const SEQUENCE: usize = 7;
const SCHEMA: usize = 8;
const TABLE: usize = 9;
const TX_ID: usize = 10;
const LSN: usize = 11;
const XMIN: usize = 12;
const OP: usize = 13;
const TS_MS: usize = 14;
const TRANSACTION: usize = 15;

impl Slots {
    pub(crate) fn of(schema: &Schema) -> Self {
        let layout = Layout::of(schema);
        let slot = |name: &str| schema.field(0, name).map_or(0, |(_, node)| layout.slot(node) as usize);
        Self { all: layout.slots(), before: slot("before"), after: slot("after"), source: slot("source") }
    }
}

/// Strings of the source block that are the same for every event of a table.
#[derive(Clone, Debug)]
pub(crate) struct Constants {
    bytes: Vec<u8>,
    /// Distance from the source slot, offset, length.
    parts: Vec<(usize, usize, usize)>,
}

impl Constants {
    pub(crate) fn new(settings: &Settings, id: &TableId) -> Self {
        let mut constants = Self { bytes: Vec::new(), parts: Vec::new() };
        for (distance, text) in [
            (VERSION, settings.version.as_str()),
            (CONNECTOR, "postgresql"),
            (NAME, &settings.server_name),
            (DB, &settings.database),
            (SCHEMA, &id.schema),
            (TABLE, &id.table),
        ] {
            constants.parts.push((distance, constants.bytes.len(), text.len()));
            constants.bytes.extend_from_slice(text.as_bytes());
        }
        constants
    }
}

/// Images of a plan's events without what differs from event to event, each made when it is first wanted: by `op`, and
/// whether the message has the old row. `None` = a missing value has nothing that could stand for it.
#[derive(Debug, Default)]
pub(crate) struct Prototypes([OnceLock<Option<Prototype>>; 10]);

impl Prototypes {
    fn get(&self, plan: &ChangePlan, row: &Row<'_>, op: Op) -> Option<&Prototype> {
        let place = self.0.get(2 * op as usize + usize::from(row.change.has_identity))?;
        place.get_or_init(|| prototype(plan, row, op).ok()).as_ref()
    }
}

#[cold]
fn prototype(plan: &ChangePlan, row: &Row<'_>, op: Op) -> Result<Prototype> {
    let slots = &plan.table.layout;
    Prototype::new(slots.all, |w| {
        let scratch = &mut Scratch::default();
        if has_before(row, op) {
            plan.write_missing(State::Before, row.settings, w, slots.before, scratch)?;
        }
        if has_after(op) {
            plan.write_missing(State::After, row.settings, w, slots.after, scratch)?;
        }
        write_constants(w, plan, row, op)
    })
}

fn has_before(row: &Row<'_>, op: Op) -> bool {
    matches!(op, Op::Update | Op::Delete) && row.change.has_identity
}

fn has_after(op: Op) -> bool {
    matches!(op, Op::Create | Op::Update | Op::Read)
}

/// Writes what all events of a plan have, and what most have.
fn write_constants(w: &mut ImageWriter<'_>, plan: &ChangePlan, row: &Row<'_>, op: Op) -> Result<()> {
    let Slots { before, after, source, .. } = plan.table.layout;
    if !has_before(row, op) {
        w.null(before);
    }
    if !has_after(op) {
        w.null(after);
    }
    let constants = &plan.table.constants;
    let start = w.tail_len();
    w.buffer().extend_from_slice(&constants.bytes);
    for (distance, offset, len) in &constants.parts {
        w.points_to_tail(source + distance, start + offset, *len);
    }
    w.tail(source + SNAPSHOT, Snapshot::False.text())?;
    w.null(source + XMIN);
    w.tail(source + OP, op.code())
}

/// Appends the image of an event.
pub(crate) fn write(
    plan: &ChangePlan,
    row: &Row<'_>,
    event: &Event,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<()> {
    let Slots { all, before, after, source } = plan.table.layout;
    let mut w = match plan.prototypes.get(plan, row, event.op) {
        Some(prototype) => {
            let mut w = prototype.start(out)?;
            if has_before(row, event.op) {
                row.write_values(plan, State::Before, &mut w, before, scratch).map_err(|e| e.field("before"))?;
            }
            if has_after(event.op) {
                row.write_values(plan, State::After, &mut w, after, scratch).map_err(|e| e.field("after"))?;
            }
            w
        }
        // The first fault is named, be it a value or that there is none.
        None => {
            let mut w = ImageWriter::new(out, all)?;
            if has_before(row, event.op) {
                row.write(plan, State::Before, &mut w, before, scratch).map_err(|e| e.field("before"))?;
            }
            if has_after(event.op) {
                row.write(plan, State::After, &mut w, after, scratch).map_err(|e| e.field("after"))?;
            }
            write_constants(&mut w, plan, row, event.op)?;
            w
        }
    };
    write_event(&mut w, source, event)?;
    w.finish();
    Ok(())
}

fn optional(w: &mut ImageWriter<'_>, slot: usize, value: Option<i64>) {
    match value {
        Some(value) => w.set(slot, value as u64),
        None => w.null(slot),
    }
}

/// Writes what is said of an event beside its row.
fn write_event(w: &mut ImageWriter<'_>, source: usize, event: &Event) -> Result<()> {
    w.set(source + SOURCE_TS_MS, event.source_ts_ms as u64);
    if event.snapshot != Snapshot::False {
        w.tail(source + SNAPSHOT, event.snapshot.text())?;
    }
    match event.lsn {
        None => w.null(source + SEQUENCE),
        Some(lsn) => w.tail_with(source + SEQUENCE, |tail| {
            write_sequence(event.last_commit, lsn, tail);
            Ok(())
        })?,
    }
    optional(w, source + TX_ID, event.xid.map(|xid| xid as i64));
    optional(w, source + LSN, event.lsn.map(|lsn| lsn.0 as i64));
    optional(w, source + TS_MS, event.ts_ms);
    match event.order {
        None => w.null(source + TRANSACTION),
        Some((total, of_table)) => {
            w.tail_with(source + TRANSACTION + 1, |tail| {
                write_digits(event.xid.unwrap_or(0), 1, tail);
                Ok(())
            })?;
            w.set(source + TRANSACTION + 2, total);
            w.set(source + TRANSACTION + 3, of_table);
        }
    }
    Ok(())
}

/// `["<end of the last transaction>","<this change>"]`, decimal; null before the first transaction.
fn write_sequence(last_commit: Option<Lsn>, lsn: Lsn, out: &mut Vec<u8>) {
    out.push(b'[');
    match last_commit {
        None => out.extend_from_slice(b"null"),
        Some(lsn) => write_quoted(lsn, out),
    }
    out.push(b',');
    write_quoted(lsn, out);
    out.push(b']');
}

fn write_quoted(lsn: Lsn, out: &mut Vec<u8>) {
    out.push(b'"');
    write_digits(lsn.0, 1, out);
    out.push(b'"');
}
