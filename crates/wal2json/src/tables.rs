//! The tables seen so far: what is known of each, and its plans.
//!
//! A message says what a table looks like, except that an update leaves out columns whose TOAST value did not change and
//! that a delete shows only the replica identity. So an insert replaces what is known, updates and deletes add to it. With
//! a catalogue behind it, the cache asks for the table when it is new and whenever a message does not agree with what is
//! known; where the answer does not agree either (the catalogue is ahead of the stream), the message wins.

use crate::config::Settings;
use crate::line::{Head, Line};
use crate::message::{Action, Change, Column, Header};
use crate::pg_type::{PgType, UserTypes};
use crate::plan::{ChangePlan, ColumnShape, TablePlan};
use crate::scan::{Kind, Token, unescape};
use crate::table::{ColumnSchema, TableAnswer, TableId, TableSchema};
use connect_data::{Error, Result, SchemaStore};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Shapes of messages that are kept for one table: an insert, an update and a delete, and updates without this or that
/// TOAST column.
const MAX_PLANS: usize = 64;
/// Of these, lines of format 2 that are told apart without parsing them.
const MAX_LINES: usize = 8;
/// Tables that are kept.
const MAX_TABLES: usize = 10_000;

/// What to do with a change.
#[derive(Clone)]
pub(crate) enum Resolution {
    Plan(Arc<ChangePlan>),
    Ignored,
    NeedTable(TableId),
}

/// See the module.
pub(crate) struct Tables {
    settings: Settings,
    types: UserTypes,
    store: Arc<dyn SchemaStore>,
    /// Whether there is somebody to ask.
    catalog: bool,
    entries: BTreeMap<Vec<u8>, Entry>,
    /// Tables that were asked for since the last accepted message: none is asked for twice.
    asked: BTreeSet<Vec<u8>>,
}

#[derive(Default)]
struct Entry {
    ignored: bool,
    known: Option<Known>,
    table: Option<Arc<TablePlan>>,
    plans: Vec<Arc<ChangePlan>>,
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Eq)]
struct Known {
    columns: Vec<ColumnShape>,
    primary_key: Vec<String>,
    /// Chosen by the host instead of the primary key.
    key: Option<Vec<String>>,
    excluded: Vec<String>,
}

impl Tables {
    pub(crate) fn new(settings: Settings, types: UserTypes, store: Arc<dyn SchemaStore>, catalog: bool) -> Self {
        Self { settings, types, store, catalog, entries: BTreeMap::new(), asked: BTreeSet::new() }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A message was accepted: the next one may ask again.
    pub(crate) fn accepted(&mut self) {
        self.asked.clear();
    }

    /// Columns of a table that its plan leaves out.
    pub(crate) fn left_out(&self, id: &TableId) -> &[String] {
        let mut key = Vec::new();
        write_key(id.schema.as_bytes(), id.table.as_bytes(), &mut key);
        let table = self.entries.get(&key).and_then(|entry| entry.table.as_ref());
        table.map_or(&[], |table| table.left_out.as_slice())
    }

    /// Replaces what is known of types; plans are compiled anew.
    pub(crate) fn set_types(&mut self, types: UserTypes) {
        self.types = types;
        for entry in self.entries.values_mut() {
            entry.forget_plans();
        }
    }

    /// Takes what the host knows of a table.
    pub(crate) fn set_table(&mut self, id: &TableId, answer: TableAnswer) {
        let mut key = Vec::new();
        write_key(id.schema.as_bytes(), id.table.as_bytes(), &mut key);
        let entry = match answer {
            TableAnswer::Ignored => Entry { ignored: true, ..Entry::default() },
            TableAnswer::Unknown => Entry::default(),
            TableAnswer::Known(schema) => Entry { known: Some(Known::from_host(schema)), ..Entry::default() },
        };
        self.make_room(&key);
        self.entries.insert(key, entry);
    }

    fn make_room(&mut self, key: &[u8]) {
        if self.entries.len() >= MAX_TABLES && !self.entries.contains_key(key) {
            self.entries.clear();
        }
    }

    /// The plan for a message, if there is one. `key` is what [`table_key`] wrote.
    pub(crate) fn find(&self, key: &[u8], text: &[u8], change: &Change) -> Option<Resolution> {
        let entry = self.entries.get(key)?;
        if entry.ignored {
            return Some(Resolution::Ignored);
        }
        let plan = entry.plans.iter().find(|plan| plan.matches(text, change))?;
        Some(Resolution::Plan(Arc::clone(plan)))
    }

    /// The plan for a line of format 2 that differs from an earlier one only in its values, which are then in `change`;
    /// `Some(None)` if its table is ignored.
    pub(crate) fn familiar(
        &self,
        text: &[u8],
        head: &Head,
        key: &[u8],
        change: &mut Change,
    ) -> Option<Option<&Arc<ChangePlan>>> {
        let lines = &self.entries.get(key)?.lines;
        lines.iter().find_map(|line| line.read(text, head, change))
    }

    /// Whether [`Self::remember`] would have room.
    pub(crate) fn has_room(&self, key: &[u8]) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.lines.len() < MAX_LINES)
    }

    /// Lets lines like this one be familiar. A table that has too many kinds keeps the first ones.
    pub(crate) fn remember(
        &mut self,
        key: &[u8],
        text: &[u8],
        head: &Head,
        (header, change): (&Header, &Change),
        resolution: &Resolution,
    ) {
        let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.lines.len() < MAX_LINES) else { return };
        let plan = match resolution {
            // The table may have changed since.
            Resolution::Plan(plan) if entry.plans.iter().any(|known| Arc::ptr_eq(known, plan)) => Some(plan),
            Resolution::Ignored if entry.ignored => None,
            _ => return,
        };
        entry.lines.extend(Line::of(text, head, change, header, plan.cloned()));
    }

    /// The plan for a message, compiled if need be.
    pub(crate) fn resolve(&mut self, key: &[u8], text: &[u8], change: &Change) -> Result<Resolution> {
        if let Some(found) = self.find(key, text, change) {
            return Ok(found);
        }
        let id = table_id(text, change)?;
        let message = Described::read(text, change)?;
        let known = self.entries.get(key).and_then(|entry| entry.known.as_ref());
        let agrees = known.is_some_and(|known| message.agrees_with(known));
        if self.catalog && !agrees && self.asked.insert(key.to_vec()) {
            return Ok(Resolution::NeedTable(id));
        }
        if change.action == Action::Truncate && known.is_none() {
            // Nobody knows its columns, and an event without them would get a schema of its own.
            return Ok(Resolution::Ignored);
        }
        let merged = message.merge(known).map_err(|e| e.field(&id.to_string()))?;
        self.make_room(key);
        let entry = self.entries.entry(key.to_vec()).or_default();
        if entry.known.as_ref() != Some(&merged) {
            entry.forget_plans();
        }
        let table = match &entry.table {
            Some(table) => Arc::clone(table),
            None => merged.compile(&id, &self.settings, &self.types, self.store.as_ref())?,
        };
        entry.known = Some(merged);
        entry.table = Some(Arc::clone(&table));
        if entry.plans.len() >= MAX_PLANS {
            entry.plans.clear();
        }
        let plan = Arc::new(ChangePlan::build(table, text, change)?);
        entry.plans.push(Arc::clone(&plan));
        Ok(Resolution::Plan(plan))
    }

    /// The plan of a table whose rows the host reads itself; it must have been described by [`Self::set_table`].
    pub(crate) fn table_plan(&mut self, id: &TableId) -> Result<Option<Arc<TablePlan>>> {
        let mut key = Vec::new();
        write_key(id.schema.as_bytes(), id.table.as_bytes(), &mut key);
        let unknown = || {
            Error::internal("wal2json.table", "expected a table that the host has described, found another")
                .field(&id.to_string())
        };
        let entry = self.entries.get_mut(&key).ok_or_else(unknown)?;
        if entry.ignored {
            return Ok(None);
        }
        if let Some(table) = &entry.table {
            return Ok(Some(Arc::clone(table)));
        }
        let known = entry.known.as_ref().ok_or_else(unknown)?;
        let table = known.compile(id, &self.settings, &self.types, self.store.as_ref())?;
        entry.table = Some(Arc::clone(&table));
        Ok(Some(table))
    }
}

/// Writes the name of a message's table as a key of the cache.
pub(crate) fn table_key(text: &[u8], change: &Change, key: &mut Vec<u8>) -> Result<()> {
    key.clear();
    let (schema, table) = names(change)?;
    unescape(schema.raw(text), key)?;
    key.push(0);
    unescape(table.raw(text), key)
}

pub(crate) fn write_key(schema: &[u8], table: &[u8], key: &mut Vec<u8>) {
    key.extend_from_slice(schema);
    key.push(0);
    key.extend_from_slice(table);
}

fn names(change: &Change) -> Result<(Token, Token)> {
    let missing = |name: &str| {
        Error::data("wal2json.missing-key", format!("wal2json message: expected the key {name}, found none"))
    };
    let table = change.table.ok_or_else(|| missing("table"))?;
    let schema = change.schema.ok_or_else(|| missing("schema").hint("do not set include-schemas to false"))?;
    Ok((schema, table))
}

fn table_id(text: &[u8], change: &Change) -> Result<TableId> {
    let (schema, table) = names(change)?;
    Ok(TableId { schema: schema.to_text(text)?, table: table.to_text(text)? })
}

impl Entry {
    fn forget_plans(&mut self) {
        self.table = None;
        self.plans.clear();
        self.lines.clear();
    }
}

impl Known {
    fn from_host(schema: TableSchema) -> Self {
        let shape = |column: ColumnSchema| ColumnShape {
            name: column.name,
            data_type: column.data_type,
            optional: column.optional,
            default: column.default,
            toastable: column.toastable,
        };
        Self {
            columns: schema.columns.into_iter().map(shape).collect(),
            primary_key: schema.primary_key,
            key: schema.key,
            excluded: schema.excluded,
        }
    }

    fn compile(
        &self,
        id: &TableId,
        settings: &Settings,
        types: &UserTypes,
        store: &dyn SchemaStore,
    ) -> Result<Arc<TablePlan>> {
        let key = self.key.as_ref().unwrap_or(&self.primary_key);
        let table = TablePlan::build(id, &self.columns, key, &self.excluded, settings, types, store);
        table.map(Arc::new).map_err(|e| e.field(&id.to_string()))
    }

    fn column(&self, name: &str) -> Option<&ColumnShape> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// A message's description of its table.
struct Described {
    action: Action,
    columns: Vec<DescribedColumn>,
    identity: Vec<DescribedColumn>,
    pk: Option<Vec<String>>,
}

struct DescribedColumn {
    name: String,
    data_type: Option<String>,
    optional: Option<bool>,
    default: Option<Option<String>>,
}

impl DescribedColumn {
    fn read(text: &[u8], column: &Column) -> Result<Self> {
        let given = |token: Token| if token.kind == Kind::Null { Ok(None) } else { token.to_text(text).map(Some) };
        Ok(Self {
            name: column.name.to_text(text)?,
            data_type: given(column.data_type)?,
            optional: column.optional,
            default: column.default.map(given).transpose()?,
        })
    }

    fn agrees_with(&self, known: &Known) -> bool {
        known.column(&self.name).is_some_and(|column| {
            self.data_type.as_ref().is_none_or(|data_type| same_type(data_type, &column.data_type))
                && self.optional.is_none_or(|optional| optional == column.optional)
        })
    }
}

/// Catalogues and messages may spell one type differently.
fn same_type(a: &str, b: &str) -> bool {
    a == b || PgType::parse(a) == PgType::parse(b)
}

impl Described {
    fn read(text: &[u8], change: &Change) -> Result<Self> {
        let read = |columns: &[Column]| -> Result<Vec<DescribedColumn>> {
            let columns =
                columns.iter().map(|column| DescribedColumn::read(text, column)).collect::<Result<Vec<_>>>()?;
            let mut names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
            names.sort_unstable();
            if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
                return Err(Error::data("wal2json.duplicate-column", "expected each column once, found one twice"));
            }
            Ok(columns)
        };
        let pk = change.pk.iter().map(|name| name.to_text(text)).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            action: change.action,
            columns: read(&change.columns)?,
            identity: read(&change.identity)?,
            pk: change.has_pk.then_some(pk),
        })
    }

    fn mentions(&self, name: &str) -> bool {
        self.columns.iter().chain(&self.identity).any(|column| column.name == name)
    }

    /// Whether the message could be of the table as it is known.
    fn agrees_with(&self, known: &Known) -> bool {
        let same_key = |pk: &Vec<String>| {
            let (mut a, mut b) = (pk.clone(), known.primary_key.clone());
            a.sort_unstable();
            b.sort_unstable();
            a == b
        };
        self.columns.iter().chain(&self.identity).all(|column| column.agrees_with(known))
            && self.pk.as_ref().is_none_or(same_key)
            && match self.action {
                Action::Insert => known.columns.iter().all(|column| self.mentions(&column.name)),
                Action::Update => known.columns.iter().all(|column| column.toastable || self.mentions(&column.name)),
                _ => true,
            }
    }

    /// What is known after this message.
    fn merge(&self, known: Option<&Known>) -> Result<Known> {
        let mut columns = Vec::new();
        if let (Some(known), true) = (known, self.action != Action::Insert) {
            for column in &known.columns {
                let described = self.columns.iter().chain(&self.identity).find(|c| c.name == column.name);
                match described {
                    Some(described) => columns.push(self.shape(described, Some(known))?),
                    // A column of a fixed width is not in TOAST: an update without it says that it was dropped.
                    None if self.action == Action::Update && !column.toastable => {}
                    None => columns.push(column.clone()),
                }
            }
        }
        // REPLICA IDENTITY FULL shows all columns in order, the new row perhaps not.
        let (first, second) = match self.columns.iter().all(|c| self.identity.iter().any(|i| i.name == c.name)) {
            true => (&self.identity, &self.columns),
            false => (&self.columns, &self.identity),
        };
        for described in first.iter().chain(second) {
            if !columns.iter().any(|column| column.name == described.name) {
                // The new row says more of a column than the old one.
                let fullest = self.columns.iter().find(|c| c.name == described.name).unwrap_or(described);
                columns.push(self.shape(fullest, known)?);
            }
        }
        let primary_key = match (&self.pk, known) {
            // The message lists the columns of the key, the catalogue also knows their order.
            (Some(pk), Some(known)) if pk.len() == known.primary_key.len() => {
                if pk.iter().all(|name| known.primary_key.contains(name)) {
                    known.primary_key.clone()
                } else {
                    pk.clone()
                }
            }
            (Some(pk), _) => pk.clone(),
            (None, Some(known)) => known.primary_key.clone(),
            (None, None) => Vec::new(),
        };
        Ok(Known {
            columns,
            primary_key,
            key: known.and_then(|known| known.key.clone()),
            excluded: known.map(|known| known.excluded.clone()).unwrap_or_default(),
        })
    }

    fn shape(&self, described: &DescribedColumn, known: Option<&Known>) -> Result<ColumnShape> {
        let column = known.and_then(|known| known.column(&described.name));
        let data_type = described.data_type.clone().or_else(|| column.map(|column| column.data_type.clone()));
        let data_type = data_type.ok_or_else(|| {
            Error::data("wal2json.missing-key", "wal2json message: expected the type of a column, found none")
                .field(&described.name)
                .hint("do not set include-types to false")
        })?;
        let in_key = self.pk.as_ref().is_some_and(|pk| pk.contains(&described.name));
        let optional = described.optional.or(column.map(|column| column.optional)).unwrap_or(!in_key);
        let default = match &described.default {
            Some(default) => default.clone(),
            None => column.and_then(|column| column.default.clone()),
        };
        // Two spellings of one type are no change.
        let (data_type, toastable) = match column {
            Some(column) if same_type(&data_type, &column.data_type) => (column.data_type.clone(), column.toastable),
            _ => {
                let toastable = may_be_toasted(&data_type);
                (data_type, toastable)
            }
        };
        Ok(ColumnShape { name: described.name.clone(), data_type, optional, default, toastable })
    }
}

/// Types of a fixed width never go to TOAST.
fn may_be_toasted(data_type: &str) -> bool {
    let pg_type = PgType::parse(data_type);
    let fixed = matches!(
        pg_type.name.as_str(),
        "bool"
            | "int2"
            | "int4"
            | "int8"
            | "oid"
            | "float4"
            | "float8"
            | "money"
            | "date"
            | "time"
            | "timetz"
            | "timestamp"
            | "timestamptz"
            | "interval"
            | "uuid"
            | "char"
            | "name"
            | "macaddr"
            | "macaddr8"
            | "point"
            | "line"
            | "lseg"
            | "box"
            | "circle"
            | "pg_lsn"
    );
    pg_type.array || !fixed
}
