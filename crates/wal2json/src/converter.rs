//! The converter for Kafka Connect: topics that hold wal2json's lines of format 2.

use crate::codec::{Input, Scratch};
use crate::config::{CONFIG, Settings};
use crate::envelope::{self, Event, Op, Snapshot};
use crate::line::{Head, Recent};
use crate::message::{Action, Change, Header, check_text};
use crate::pg_type::UserTypes;
use crate::plan::{ChangePlan, Row};
use crate::scan::Scanner;
use crate::tables::{Resolution, Tables, table_key};
use crate::v2;
use connect_data::{Converter, Decoded, Encoded, Error, NeedId, Properties, Result, SchemaId, SchemaStore, TopicId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Topics that one instance tells apart.
const MAX_TOPICS: usize = 100_000;

/// `org.apache.kafka.connect.storage.Converter` for one line of wal2json's format 2 per record.
///
/// As value converter it gives the change event of the line; as key converter the record key, or null for tables without
/// primary key. Lines without a row (B, C, M, and T unless `truncate.handling.mode` is `include`) give null.
///
/// One record in, one record out: a change of the key stays one event with op `u`, and no tombstones are made. There is no
/// clock and no catalogue here, so that `ts_ms` is null, and user-defined types are strings.
pub struct Wal2JsonConverter {
    is_key: bool,
    settings: Settings,
    tables: RwLock<Tables>,
    topics: RwLock<BTreeMap<String, TopicId>>,
}

#[derive(Default)]
struct Workspace {
    change: Change,
    scratch: Scratch,
    table_key: Vec<u8>,
    recent: Recent,
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

impl Wal2JsonConverter {
    /// `configure`.
    ///
    /// # Errors
    /// Config: see [`Settings::parse`].
    pub fn new(properties: &Properties, is_key: bool, store: Arc<dyn SchemaStore>) -> Result<Self> {
        let settings = Settings::parse(&CONFIG, properties)?;
        let tables = Tables::new(settings.clone(), UserTypes::unknown(), store, false);
        Ok(Self { is_key, settings, tables: RwLock::new(tables), topics: RwLock::default() })
    }

    fn convert(&self, payload: &[u8], work: &mut Workspace, out: &mut Vec<u8>) -> Result<Decoded> {
        let head = Head::read(payload, &mut work.recent);
        if let Some(head) = &head {
            let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(plan) = tables.familiar(payload, head, work.recent.table_key(), &mut work.change) {
                return self.write(payload, &head.header, plan, work, out);
            }
        }
        check_text(payload)?;
        refuse_format_1(payload)?;
        let Workspace { change, table_key: key, .. } = work;
        let header = v2::parse(payload, change)?;
        if !self.has_row(change.action) {
            return Ok(Decoded::Null);
        }
        table_key(payload, change, key)?;
        let resolution = self.resolve(key, payload, head.as_ref(), (&header, change))?;
        match &resolution {
            Resolution::Plan(plan) => self.write(payload, &header, Some(plan), work, out),
            Resolution::Ignored | Resolution::NeedTable(_) => Ok(Decoded::Null),
        }
    }

    fn has_row(&self, action: Action) -> bool {
        match action {
            Action::Insert | Action::Update | Action::Delete => true,
            Action::Truncate => self.settings.truncate && !self.is_key,
            Action::Begin | Action::Commit | Action::Message => false,
        }
    }

    fn write(
        &self,
        payload: &[u8],
        header: &Header,
        plan: Option<&Arc<ChangePlan>>,
        work: &mut Workspace,
        out: &mut Vec<u8>,
    ) -> Result<Decoded> {
        let Workspace { change, scratch, .. } = work;
        let Some(plan) = plan.filter(|_| self.has_row(change.action)) else { return Ok(Decoded::Null) };
        let row = Row { input: Input { text: payload, borrow: true }, change, settings: &self.settings };
        let written = if self.is_key {
            write_key(plan, &row, scratch, out)
        } else {
            envelope::write(plan, &row, &event(change.action, header), scratch, out)
                .map(|()| Decoded::Value(Some(plan.table.envelope)))
        };
        written.map_err(|e| {
            let e = e.field(&plan.table.collection);
            header.lsn.map_or(e.clone(), |lsn| e.field(&format!("LSN {lsn}")))
        })
    }

    fn resolve(
        &self,
        key: &[u8],
        text: &[u8],
        head: Option<&Head>,
        (header, change): (&Header, &Change),
    ) -> Result<Resolution> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let (found, has_room) = (tables.find(key, text, change), head.is_some() && tables.has_room(key));
        drop(tables);
        if let (Some(found), false) = (&found, has_room) {
            return Ok(found.clone());
        }
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let resolution = match found {
            Some(found) => found,
            None => tables.resolve(key, text, change)?,
        };
        if let Some(head) = head {
            tables.remember(key, text, head, (header, change), &resolution);
        }
        Ok(resolution)
    }
}

fn event(action: Action, header: &Header) -> Event {
    Event {
        op: match action {
            Action::Update => Op::Update,
            Action::Delete => Op::Delete,
            Action::Truncate => Op::Truncate,
            _ => Op::Create,
        },
        source_ts_ms: header.timestamp.map_or(0, |micros| micros.div_euclid(1_000)),
        ts_ms: None,
        snapshot: Snapshot::False,
        xid: header.xid,
        lsn: header.lsn,
        last_commit: None,
        order: None,
    }
}

fn write_key(plan: &ChangePlan, row: &Row<'_>, scratch: &mut Scratch, out: &mut Vec<u8>) -> Result<Decoded> {
    let old = row.change.action == Action::Delete;
    plan.check_key(old)?;
    let Some(key) = &plan.table.key else { return Ok(Decoded::Null) };
    let sources = if old { &plan.before } else { &plan.after };
    row.write_key(&plan.table, key, sources, scratch, out)?;
    Ok(Decoded::Value(Some(key.schema)))
}

/// A line of format 2 has an action; what begins like format 1 is named as such.
fn refuse_format_1(payload: &[u8]) -> Result<()> {
    let mut scanner = Scanner::new(payload);
    let chunk = matches!(scanner.peek(), Some(b',' | b']'));
    let key = if chunk || !scanner.take(b'{') { None } else { scanner.key().ok() };
    if chunk || matches!(key, Some(b"change" | b"kind" | b"xid" | b"nextlsn" | b"timestamp" | b"origin")) {
        return Err(Error::data(
            "wal2json.format-1",
            "expected a line of wal2json's format version 2, found format version 1, where one message holds a whole \
             transaction and a converter can give only one record",
        )
        .hint("read the slot with the option format-version=2, or use the runner, which takes both"));
    }
    Ok(())
}

impl Converter for Wal2JsonConverter {
    fn topic(&self, name: &str) -> Result<TopicId> {
        if let Some(id) = self.topics.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(*id);
        }
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let next = topics.len();
        if next >= MAX_TOPICS && !topics.contains_key(name) {
            return Err(Error::data("wal2json.topics", format!("expected at most {MAX_TOPICS} topics, found more")));
        }
        Ok(*topics.entry(name.to_owned()).or_insert(next as TopicId))
    }

    fn to_connect(&self, _topic: TopicId, _headers: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Decoded> {
        WORKSPACE.with_borrow_mut(|work| self.convert(payload, work, out))
    }

    fn from_connect(
        &self,
        _topic: TopicId,
        _schema: Option<SchemaId>,
        _image: &[u8],
        _out: &mut Vec<u8>,
    ) -> Result<Encoded> {
        Err(Error::data(
            "wal2json.read-only",
            "expected a record to read, found one to write: wal2json text is only read",
        )
        .hint("use this converter in a sink connector, and another one in a source connector"))
    }

    fn exchange(&self, _need: NeedId, _now_ms: i64, _out: &mut Vec<u8>) -> Result<bool> {
        Ok(false)
    }

    fn answer(&self, _answer: &[u8], _now_ms: i64) -> Result<()> {
        Ok(())
    }
}
