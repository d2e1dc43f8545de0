//! The decoder of a replication stream: messages in, change events and safe points out.

use crate::config::Settings;
use crate::emit::{Context, Emitter, Images};
use crate::envelope::Snapshot;
use crate::line::{Head, Recent};
use crate::lsn::Lsn;
use crate::message::{Action, Change, Header, check_text};
use crate::pg_type::UserTypes;
use crate::plan::{ChangePlan, From};
use crate::record::Record;
use crate::scan::{Kind, Scanner, Token};
use crate::table::{TableAnswer, TableId};
use crate::tables::{Resolution, Tables, table_key};
use crate::transaction::{Counters, Metadata};
use crate::v1::{self, Piece, out_of_order};
use crate::v2;
use connect_data::{Error, Result, SchemaStore};
use std::sync::Arc;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fed {
    /// It was read to its end and all its records were handed out.
    Accepted {
        /// The end of a transaction that is now complete: once all records up to here are safe, this position may be
        /// acknowledged. `None`: nothing new may be.
        safe: Option<Lsn>,
    },
    /// Nothing was handed out. Describe the table with [`Decoder::set_table`], then feed the same message again; if it is
    /// fed again without that, the messages have to do.
    NeedTable(TableId),
}

const NOTHING_SAFE: Fed = Fed::Accepted { safe: None };

/// Who receives the records of a message.
pub type OnRecord<'a> = dyn FnMut(&Record<'_>) -> Result<()> + 'a;

/// Decodes a stream of wal2json messages of either format, in order. Format 1 may come in chunks.
///
/// The state changes only when a message was accepted: after an error or [`Fed::NeedTable`] the same message may be fed
/// again (after an error of `on_record` the records of the message are handed out again from its first).
pub struct Decoder {
    tables: Tables,
    metadata: Option<Metadata>,
    state: State,
    last_commit: Option<Lsn>,
    counters: Counters,
    change: Change,
    images: Images,
    table_key: Vec<u8>,
    recent: Recent,
    row_text: Vec<u8>,
}

/// Where in a transaction the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    /// Format 2: after B.
    Transaction(Header),
    /// Format 1 in chunks: after the preamble, and whether a change has come.
    Chunks(Header, bool),
}

/// What is known of a line of format 2.
enum Found {
    Familiar(Resolution),
    /// It was parsed; what stands in front, if that is usual.
    New(Option<Head>),
}

/// The plan for the rows of one table in a snapshot.
pub struct SnapshotPlan {
    plan: Option<ChangePlan>,
    columns: usize,
}

/// Where a row of a snapshot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPosition {
    /// The consistent point of the slot.
    pub lsn: Lsn,
    /// Transaction, if known.
    pub xid: Option<u64>,
    /// Time of the row's reading, in milliseconds.
    pub ts_ms: i64,
    /// Whether this is the last row of the last table.
    pub last: bool,
}

impl Decoder {
    /// A decoder that starts between two transactions.
    ///
    /// `types` are the user-defined types of the database, and `catalog` says whether the host answers
    /// [`Fed::NeedTable`]: without it table shapes come from the messages alone.
    ///
    /// # Errors
    /// Internal: the schema store refuses a schema.
    pub fn new(settings: Settings, types: UserTypes, catalog: bool, store: Arc<dyn SchemaStore>) -> Result<Self> {
        let metadata = if settings.transactions { Some(Metadata::new(&settings, store.as_ref())?) } else { None };
        Ok(Self {
            tables: Tables::new(settings, types, store, catalog),
            metadata,
            state: State::Between,
            last_commit: None,
            counters: Counters::default(),
            change: Change::default(),
            images: Images::new()?,
            table_key: Vec::new(),
            recent: Recent::default(),
            row_text: Vec::new(),
        })
    }

    /// Starts over after a reconnection: the stream comes again from the last acknowledged position. `last_commit` is the
    /// end of the last transaction that was handed out, if known; it goes into `source.sequence`.
    pub fn restart(&mut self, last_commit: Option<Lsn>) {
        self.state = State::Between;
        self.last_commit = last_commit;
        self.counters.clear();
    }

    /// Describes a table: the answer to [`Fed::NeedTable`], or in advance.
    pub fn set_table(&mut self, id: &TableId, answer: TableAnswer) {
        self.tables.set_table(id, answer);
    }

    /// Replaces the user-defined types: refresh them together with a table that was asked for, as it may use a new one.
    pub fn set_types(&mut self, types: UserTypes) {
        self.tables.set_types(types);
    }

    /// Columns of a table that its events lack because their types are unknown or not mapped (see
    /// `include.unknown.datatypes`): worth a warning once the table has been described or seen.
    pub fn left_out(&self, id: &TableId) -> &[String] {
        self.tables.left_out(id)
    }

    /// Whether a transaction has begun and not ended.
    pub fn in_transaction(&self) -> bool {
        self.state != State::Between
    }

    /// End of the last transaction that was handed out.
    pub fn last_commit(&self) -> Option<Lsn> {
        self.last_commit
    }

    /// Takes one message: `lsn` is the start position of its frame (the `lsn` column of
    /// `pg_logical_slot_peek_changes`), `received_ms` the wall clock.
    ///
    /// # Errors
    /// Data: the message is malformed, out of order, or holds a value that its type or the settings cannot represent.
    /// Nothing of this LSN may be acknowledged. Also whatever `on_record` returns. The path begins with the LSN.
    pub fn feed(&mut self, message: &[u8], lsn: Lsn, received_ms: i64, on_record: &mut OnRecord<'_>) -> Result<Fed> {
        // Out of the way of the borrow checker; the memory is kept.
        let mut change = std::mem::take(&mut self.change);
        let cx = Context {
            header: Header::default(),
            lsn,
            received_ms,
            last_commit: self.last_commit,
            snapshot: Snapshot::False,
            ordered: self.metadata.is_some(),
        };
        let head = match self.state {
            State::Chunks(..) => None,
            _ => Head::read(message, &mut self.recent),
        };
        let fed = match head.as_ref().and_then(|head| Some((head.header, self.familiar(message, head, &mut change)?))) {
            Some((header, found)) => self.line(message, &mut change, header, Found::Familiar(found), cx, on_record),
            None => check_text(message).and_then(|()| self.dispatch(message, &mut change, head, cx, on_record)),
        };
        self.change = change;
        match fed {
            Ok(fed) => {
                if matches!(fed, Fed::Accepted { .. }) {
                    self.tables.accepted();
                }
                Ok(fed)
            }
            Err(e) => Err(e.field(&format!("LSN {lsn}"))),
        }
    }

    fn dispatch(
        &mut self,
        text: &[u8],
        change: &mut Change,
        head: Option<Head>,
        cx: Context,
        on_record: &mut OnRecord<'_>,
    ) -> Result<Fed> {
        match (self.state, Scanner::new(text).peek()) {
            (State::Chunks(header, _), Some(b']')) => {
                let mut scanner = Scanner::new(text);
                scanner.expect(b']')?;
                scanner.expect(b'}')?;
                scanner.end()?;
                // The position of this frame is the end of the transaction.
                self.commit(Context { header, ..cx }, Some(header.next_lsn.unwrap_or(cx.lsn)), on_record)
            }
            (State::Chunks(header, true), Some(b',')) => self.chunk(text, change, Context { header, ..cx }, on_record),
            (State::Chunks(header, false), Some(b'{')) if begins_with_key(text, b"kind") => {
                self.chunk(text, change, Context { header, ..cx }, on_record)
            }
            (State::Chunks(..), Some(b'{')) => {
                Err(out_of_order("the beginning of a message", "the next change or the end of the transaction"))
            }
            (State::Chunks(..), _) => {
                Err(out_of_order("something else", "the next change or the end of the transaction"))
            }
            (_, Some(b',' | b']')) => Err(out_of_order("the middle of a transaction", "its beginning")),
            _ if begins_with_key(text, b"action") => {
                let header = v2::parse(text, change)?;
                self.line(text, change, header, Found::New(head), cx, on_record)
            }
            (State::Transaction(_), _) => Err(out_of_order("another message", "a line of format 2")),
            (State::Between, _) => self.whole(text, change, cx, on_record),
        }
    }

    /// What to do with a line of format 2, without parsing it.
    fn familiar(&self, text: &[u8], head: &Head, change: &mut Change) -> Option<Resolution> {
        let plan = self.tables.familiar(text, head, self.recent.table_key(), change)?;
        Some(plan.map_or(Resolution::Ignored, |plan| Resolution::Plan(Arc::clone(plan))))
    }

    /// A line of format 2, and what to do with it if that is known.
    fn line(
        &mut self,
        text: &[u8],
        change: &mut Change,
        header: Header,
        found: Found,
        mut cx: Context,
        on_record: &mut OnRecord<'_>,
    ) -> Result<Fed> {
        let begun = match self.state {
            State::Transaction(begun) => Some(begun),
            _ => None,
        };
        cx.header = header.or(begun.unwrap_or_default());
        let other = begun.is_some_and(|begun| header.xid.is_some() && begun.xid.is_some() && header.xid != begun.xid);
        match (change.action, begun) {
            // Inside a transaction or outside of all.
            (Action::Message, _) => Ok(NOTHING_SAFE),
            (Action::Begin, None) => {
                self.begin(cx, on_record)?;
                self.state = State::Transaction(header);
                Ok(NOTHING_SAFE)
            }
            (Action::Begin, Some(_)) => Err(out_of_order("the beginning of a transaction", "the end of the last one")),
            (Action::Commit, None) => Err(out_of_order("the end of a transaction", "its beginning")),
            (_, Some(_)) if other => Err(out_of_order("a line of another transaction", "the end of the last one")),
            (Action::Commit, Some(_)) => self.commit(cx, Some(cx.header.next_lsn.unwrap_or(cx.lsn)), on_record),
            _ => {
                // The line's own position; the frame's is the same.
                cx.lsn = header.lsn.unwrap_or(cx.lsn);
                if begun.is_none() {
                    // Without include-transaction nobody says which changes belong together.
                    self.counters.clear();
                    cx.ordered = false;
                }
                let resolution = match found {
                    Found::Familiar(found) => found,
                    Found::New(head) => self.resolve_line(text, change, &header, head)?,
                };
                self.one(text, change, resolution, cx, on_record)
            }
        }
    }

    /// A chunk of format 1 with one change.
    fn chunk(&mut self, text: &[u8], change: &mut Change, cx: Context, on_record: &mut OnRecord<'_>) -> Result<Fed> {
        let mut scanner = Scanner::new(text);
        scanner.take(b',');
        v1::change(&mut scanner, text, change)?;
        scanner.end()?;
        let fed = if change.action == Action::Message {
            NOTHING_SAFE
        } else {
            let resolution = self.resolve(text, change)?;
            self.one(text, change, resolution, cx, on_record)?
        };
        if fed == NOTHING_SAFE {
            self.state = State::Chunks(cx.header, true);
        }
        Ok(fed)
    }

    fn one(
        &mut self,
        text: &[u8],
        change: &Change,
        resolution: Resolution,
        cx: Context,
        on_record: &mut OnRecord<'_>,
    ) -> Result<Fed> {
        match resolution {
            Resolution::NeedTable(id) => return Ok(Fed::NeedTable(id)),
            Resolution::Ignored => {}
            Resolution::Plan(plan) => self.emit(text, change, &plan, cx, on_record)?,
        }
        Ok(NOTHING_SAFE)
    }

    /// A transaction of format 1, or the preamble of one in chunks. Two walks: one that checks everything and finds all
    /// plans, and one that hands out the records.
    fn whole(
        &mut self,
        text: &[u8],
        change: &mut Change,
        mut cx: Context,
        on_record: &mut OnRecord<'_>,
    ) -> Result<Fed> {
        let mut need = None;
        let (mut rows, mut transactional) = (false, true);
        let piece = v1::transaction(text, |scanner| {
            v1::change(scanner, text, change)?;
            transactional &= change.transactional;
            if change.action != Action::Message {
                rows = true;
                if need.is_none()
                    && let Resolution::NeedTable(id) = self.resolve(text, change)?
                {
                    need = Some(id);
                }
            }
            Ok(())
        })?;
        if let Some(id) = need {
            return Ok(Fed::NeedTable(id));
        }
        match piece {
            Piece::Preamble(header) => {
                cx.header = header;
                self.begin(cx, on_record)?;
                self.state = State::Chunks(header, false);
                return Ok(NOTHING_SAFE);
            }
            // A message outside of transactions looks like a transaction of its own.
            Piece::Whole(_) if !rows && !transactional => return Ok(NOTHING_SAFE),
            Piece::Whole(header) => cx.header = header,
        }
        self.begin(cx, on_record)?;
        v1::transaction(text, |scanner| {
            v1::change(scanner, text, change)?;
            if change.action == Action::Message {
                return Ok(());
            }
            let resolution = self.resolve(text, change)?;
            match self.one(text, change, resolution, cx, on_record)? {
                Fed::Accepted { .. } => Ok(()),
                Fed::NeedTable(_) => {
                    Err(Error::internal("wal2json.plan", "expected the plan of the first walk, found none"))
                }
            }
        })?;
        // The position of the frame is where the transaction begins, so only the message can say where it ends.
        self.commit(cx, cx.header.next_lsn, on_record)
    }

    fn begin(&mut self, cx: Context, on_record: &mut OnRecord<'_>) -> Result<()> {
        self.counters.clear();
        match &mut self.metadata {
            Some(metadata) => metadata.begin(cx.lsn, &cx.header, on_record),
            None => Ok(()),
        }
    }

    fn commit(&mut self, cx: Context, end: Option<Lsn>, on_record: &mut OnRecord<'_>) -> Result<Fed> {
        if let Some(metadata) = &mut self.metadata {
            metadata.end(cx.lsn, &cx.header, &self.counters, on_record)?;
        }
        self.state = State::Between;
        self.last_commit = Some(end.unwrap_or(cx.lsn));
        Ok(Fed::Accepted { safe: end })
    }

    fn resolve(&mut self, text: &[u8], change: &Change) -> Result<Resolution> {
        if change.action == Action::Truncate && !self.tables.settings().truncate {
            return Ok(Resolution::Ignored);
        }
        table_key(text, change, &mut self.table_key)?;
        self.tables.resolve(&self.table_key, text, change)
    }

    fn resolve_line(
        &mut self,
        text: &[u8],
        change: &Change,
        header: &Header,
        head: Option<Head>,
    ) -> Result<Resolution> {
        let resolution = self.resolve(text, change)?;
        if let (Some(head), true) = (head, change.action != Action::Truncate) {
            self.tables.remember(&self.table_key, text, &head, (header, change), &resolution);
        }
        Ok(resolution)
    }

    fn emit(
        &mut self,
        text: &[u8],
        change: &Change,
        plan: &ChangePlan,
        cx: Context,
        on_record: &mut OnRecord<'_>,
    ) -> Result<()> {
        let collection = &plan.table.collection;
        let mark = self.counters.mark(collection);
        let (counters, images, settings) = (&mut self.counters, &mut self.images, self.tables.settings());
        let mut emitter = Emitter { text, change, plan, settings, cx, counters, images, on_record };
        let result = emitter.change();
        result.map_err(|e| {
            self.counters.restore(collection, mark);
            e.field(collection)
        })
    }

    /// The plan for the rows of a table that the host reads itself and has described with [`Self::set_table`]; `columns`
    /// are those that it reads, in its order.
    ///
    /// # Errors
    /// Internal: an undescribed table, a column of it that is not read. Data: no schema for it.
    pub fn snapshot_plan(&mut self, id: &TableId, columns: &[&str]) -> Result<SnapshotPlan> {
        let Some(table) = self.tables.table_plan(id)? else {
            return Ok(SnapshotPlan { plan: None, columns: columns.len() });
        };
        let after = table.fields.iter().map(|field| {
            columns.iter().position(|column| *column == field.column).map(From::Value).ok_or_else(|| {
                Error::internal("wal2json.snapshot", "snapshot: expected all columns of the table, found one missing")
                    .field(&field.column)
            })
        });
        let after = after.collect::<Result<Vec<_>>>()?;
        Ok(SnapshotPlan { plan: Some(ChangePlan::of_snapshot(table, after)), columns: columns.len() })
    }

    /// Hands out a row of a snapshot as an event with op `r`. `values` are PostgreSQL's texts, as `COPY` and `::text` give
    /// them, unescaped.
    ///
    /// # Errors
    /// Data: a value that its type or the settings cannot represent. Internal: another number of values than columns. Also
    /// whatever `on_record` returns.
    pub fn snapshot_row(
        &mut self,
        plan: &SnapshotPlan,
        values: &[Option<&[u8]>],
        position: &SnapshotPosition,
        received_ms: i64,
        on_record: &mut OnRecord<'_>,
    ) -> Result<()> {
        if values.len() != plan.columns {
            let message = format!("snapshot: expected {} values in a row, found {}", plan.columns, values.len());
            return Err(Error::internal("wal2json.snapshot", message));
        }
        let Some(plan) = &plan.plan else { return Ok(()) };
        let mut text = std::mem::take(&mut self.row_text);
        let mut change = std::mem::take(&mut self.change);
        text.clear();
        change.clear();
        change.action = Action::Insert;
        for value in values {
            change.values.push(match value {
                Some(value) => {
                    let (start, len) = (text.len() as u32, value.len() as u32);
                    text.extend_from_slice(value);
                    Token { kind: Kind::String, escaped: false, start, len }
                }
                None => Token::ABSENT,
            });
        }
        let timestamp = Some(position.ts_ms.saturating_mul(1_000));
        let cx = Context {
            header: Header { xid: position.xid, timestamp, ..Header::default() },
            lsn: position.lsn,
            received_ms,
            last_commit: None,
            snapshot: if position.last { Snapshot::Last } else { Snapshot::True },
            ordered: false,
        };
        let result = check_text(&text).and_then(|()| self.emit(&text, &change, plan, cx, on_record));
        self.row_text = text;
        self.change = change;
        result
    }
}

/// Whether the first key of an object is this one: every message of both formats begins with the key that tells it apart.
fn begins_with_key(text: &[u8], key: &[u8]) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.take(b'{') && scanner.key().is_ok_and(|first| first == key)
}
