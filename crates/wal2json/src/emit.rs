//! From one change to its records: key, event, tombstone, and the pair of events that a change of the key becomes.
//! Debezium 1.7: `RelationalChangeRecordEmitter`, `EventDispatcher`.

use crate::codec::{Input, Scratch};
use crate::config::Settings;
use crate::envelope::{self, Event, Op, Snapshot};
use crate::lsn::Lsn;
use crate::message::{Action, Change, Header};
use crate::plan::{ChangePlan, Row};
use crate::record::{Record, RecordKind};
use crate::transaction::Counters;
use connect_data::frame::Datum;
use connect_data::row_image::ImageWriter;
use connect_data::{Error, Result, SchemaId};

/// Header of the records of a delete that is the first half of a change of the key.
const NEW_KEY: &str = "__debezium.newkey";
/// Header of the record of a create that is the second half.
const OLD_KEY: &str = "__debezium.oldkey";

/// Images that survive from record to record.
pub(crate) struct Images {
    scratch: Scratch,
    value: Vec<u8>,
    key: Vec<u8>,
    old_key: Vec<u8>,
    /// A null without schema.
    null: Vec<u8>,
}

impl Images {
    pub(crate) fn new() -> Result<Self> {
        let mut null = Vec::new();
        let mut w = ImageWriter::new(&mut null, 1)?;
        w.null(0);
        w.finish();
        Ok(Self { scratch: Scratch::default(), value: Vec::new(), key: Vec::new(), old_key: Vec::new(), null })
    }
}

/// What is the same for all changes of a message.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    pub(crate) header: Header,
    pub(crate) lsn: Lsn,
    pub(crate) received_ms: i64,
    pub(crate) last_commit: Option<Lsn>,
    pub(crate) snapshot: Snapshot,
    /// Whether events carry a transaction block.
    pub(crate) ordered: bool,
}

/// Which key a record or header holds.
#[derive(Clone, Copy)]
enum KeyOf {
    New,
    Old,
    None,
}

/// Hands out the records of one change.
pub(crate) struct Emitter<'a, 'b> {
    pub(crate) text: &'a [u8],
    pub(crate) change: &'a Change,
    pub(crate) plan: &'a ChangePlan,
    pub(crate) settings: &'a Settings,
    pub(crate) cx: Context,
    pub(crate) counters: &'a mut Counters,
    pub(crate) images: &'a mut Images,
    pub(crate) on_record: &'a mut (dyn FnMut(&Record<'_>) -> Result<()> + 'b),
}

impl Emitter<'_, '_> {
    pub(crate) fn change(&mut self) -> Result<()> {
        match self.change.action {
            Action::Insert => {
                self.write_keys(true, false)?;
                match self.cx.snapshot {
                    Snapshot::False => self.event(Op::Create, RecordKind::Create, KeyOf::New, None),
                    _ => self.event(Op::Read, RecordKind::Read, KeyOf::New, None),
                }
            }
            Action::Update => {
                let old = self.plan.has_old_key();
                self.write_keys(true, old)?;
                if old && self.images.old_key != self.images.key {
                    let header = Some((NEW_KEY, KeyOf::New));
                    self.event(Op::Delete, RecordKind::Delete, KeyOf::Old, header)?;
                    self.tombstone(header)?;
                    return self.event(Op::Create, RecordKind::Create, KeyOf::New, Some((OLD_KEY, KeyOf::Old)));
                }
                self.event(Op::Update, RecordKind::Update, KeyOf::New, None)
            }
            Action::Delete => {
                if !self.change.has_identity {
                    return Err(Error::data("wal2json.no-identity", "expected the old row or its key, found neither")
                        .hint("ALTER TABLE ... REPLICA IDENTITY FULL, for later changes"));
                }
                self.write_keys(false, true)?;
                self.event(Op::Delete, RecordKind::Delete, KeyOf::Old, None)?;
                self.tombstone(None)
            }
            Action::Truncate if self.settings.truncate => {
                self.event(Op::Truncate, RecordKind::Truncate, KeyOf::None, None)
            }
            _ => Ok(()),
        }
    }

    fn row(&self) -> Row<'_> {
        Row { input: Input { text: self.text, borrow: false }, change: self.change, settings: self.settings }
    }

    fn write_keys(&mut self, new: bool, old: bool) -> Result<()> {
        self.plan.check_key(!new)?;
        let row = Row { input: Input { text: self.text, borrow: false }, change: self.change, settings: self.settings };
        let Images { key, old_key, scratch, .. } = &mut *self.images;
        key.clear();
        old_key.clear();
        let table = &self.plan.table;
        let Some(plan) = &table.key else { return Ok(()) };
        let within = |e: Error| e.field("key");
        if new {
            row.write_key(table, plan, &self.plan.after, scratch, key).map_err(within)?;
        }
        if old {
            row.write_key(table, plan, &self.plan.before, scratch, old_key).map_err(within)?;
        }
        Ok(())
    }

    fn event(&mut self, op: Op, kind: RecordKind, key: KeyOf, header: Option<(&'static str, KeyOf)>) -> Result<()> {
        let index = self.counters.total();
        let order = self.counters.count(&self.plan.table.collection, self.cx.ordered);
        let event = Event {
            op,
            source_ts_ms: self.cx.header.timestamp.map_or(self.cx.received_ms, |micros| micros.div_euclid(1_000)),
            ts_ms: Some(self.cx.received_ms),
            snapshot: self.cx.snapshot,
            xid: self.cx.header.xid,
            lsn: Some(self.cx.lsn),
            last_commit: self.cx.last_commit,
            order: self.cx.ordered.then_some(order),
        };
        let mut value = std::mem::take(&mut self.images.value);
        let mut scratch = std::mem::take(&mut self.images.scratch);
        value.clear();
        let written = envelope::write(self.plan, &self.row(), &event, &mut scratch, &mut value);
        self.images.scratch = scratch;
        let result = written.and_then(|()| {
            let value = Datum { schema: self.plan.table.envelope, image: &value };
            self.hand_out(kind, index, key, Some(value), header)
        });
        self.images.value = value;
        result
    }

    fn tombstone(&mut self, header: Option<(&'static str, KeyOf)>) -> Result<()> {
        if !self.settings.tombstones {
            return Ok(());
        }
        let index = self.counters.total().saturating_sub(1);
        self.hand_out(RecordKind::Tombstone, index, KeyOf::Old, None, header)
    }

    fn hand_out(
        &mut self,
        kind: RecordKind,
        event: u64,
        key: KeyOf,
        value: Option<Datum<'_>>,
        header: Option<(&'static str, KeyOf)>,
    ) -> Result<()> {
        let Images { key: new_key, old_key, null, .. } = &*self.images;
        let nothing = Datum { schema: 0, image: null };
        let schema: SchemaId = self.plan.table.key.as_ref().map_or(0, |plan| plan.schema);
        let datum = |key| match key {
            _ if schema == 0 => nothing,
            KeyOf::New => Datum { schema, image: new_key },
            KeyOf::Old => Datum { schema, image: old_key },
            KeyOf::None => nothing,
        };
        let (name, key_in_header) = header.unwrap_or(("", KeyOf::None));
        let headers = [(name, datum(key_in_header))];
        (self.on_record)(&Record {
            topic: &self.plan.table.topic,
            key: datum(key),
            value: value.unwrap_or(nothing),
            headers: if header.is_some() { &headers } else { &[] },
            kind,
            lsn: self.cx.lsn,
            xid: self.cx.header.xid,
            commit_micros: self.cx.header.timestamp,
            event,
        })
    }
}
