//! Plans: everything about a table that does not change from row to row, compiled once. A [`TablePlan`] holds schemas and
//! codecs, a [`ChangePlan`] says for one shape of message where each field's value stands.

use crate::codec::{Codec, Input, Scratch};
use crate::config::{Settings, Unavailable};
use crate::message::{Action, Change, Column};
use crate::names;
use crate::pg_type::UserTypes;
use crate::scan::{Kind, Token};
use crate::table::TableId;
use crate::{default_value, envelope, types};
use connect_data::row_image::{ImageWriter, Layout};
use connect_data::schema::{Node, NodeId, Schema, SchemaBuilder, Type};
use connect_data::{Error, Result, SchemaId, SchemaStore, Value};
use std::sync::Arc;

/// A column as it goes into a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnShape {
    pub(crate) name: String,
    pub(crate) data_type: String,
    pub(crate) optional: bool,
    pub(crate) default: Option<String>,
    pub(crate) toastable: bool,
}

/// What a field holds when an unchanged TOAST value is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Text,
    Bytes,
    /// An array or map of texts.
    Array,
    Map,
    /// No value can stand for it.
    None,
}

/// A field of the row.
#[derive(Debug)]
pub(crate) struct Field {
    /// Name of the column.
    pub(crate) column: String,
    pub(crate) codec: Codec,
    /// Relative to the slot of the row's struct; `None` = only in the key.
    slot: Option<usize>,
    optional: bool,
    default: Option<Value>,
    stand: Stand,
}

/// The record key.
#[derive(Debug)]
pub(crate) struct KeyPlan {
    pub(crate) schema: SchemaId,
    pub(crate) slots: usize,
    /// Field of the row and slot of the key.
    fields: Vec<(usize, usize)>,
}

/// A table at one point of its history.
#[derive(Debug)]
pub(crate) struct TablePlan {
    /// `schema.table`.
    pub(crate) collection: String,
    pub(crate) topic: String,
    pub(crate) fields: Vec<Field>,
    /// Columns whose type has no representation.
    pub(crate) left_out: Vec<String>,
    pub(crate) key: Option<KeyPlan>,
    /// A column of the key that the row does not have.
    key_lacks: Option<String>,
    pub(crate) envelope: SchemaId,
    pub(crate) layout: envelope::Slots,
    /// The strings of the source block that never change.
    pub(crate) constants: envelope::Constants,
}

impl TablePlan {
    /// Compiles a table. A column of the key stays in it when it is excluded from the row, as in Debezium.
    pub(crate) fn build(
        id: &TableId,
        columns: &[ColumnShape],
        key_columns: &[String],
        excluded: &[String],
        settings: &Settings,
        types: &UserTypes,
        store: &dyn SchemaStore,
    ) -> Result<Self> {
        let prefix = format!("{}.{id}", settings.server_name);
        let mut value = SchemaBuilder::new();
        let root = value.push(Node::new(Type::Struct).named(names::schema(&format!("{prefix}.Value"))).optional());
        let (mut fields, mut left_out) = (Vec::new(), Vec::new());
        // Name and schema of each field; its node in the row, unless it is only in the key.
        let mut parts: Vec<(String, Schema, Option<NodeId>)> = Vec::new();
        for column in columns {
            let in_row = !excluded.contains(&column.name);
            if !in_row && !key_columns.contains(&column.name) {
                continue;
            }
            let at = |e: Error| e.field(&column.name);
            let Some(mapped) = types::map(&column.data_type, settings, types).map_err(at)? else {
                left_out.push(column.name.clone());
                continue;
            };
            let name = if settings.sanitize { names::field(&column.name) } else { column.name.clone() };
            if parts.iter().any(|(other, ..)| *other == name) {
                return Err(at(Error::data(
                    "wal2json.field-name",
                    "expected columns with different names, found two alike",
                ))
                .hint("two columns differ only in characters that sanitize.field.names replaces"));
            }
            let default = column.default.as_ref().and_then(|d| default_value::parse(d, &column.data_type, &mapped));
            let schema = with_column(&mapped.schema, column.optional, default.clone())?;
            let node = if in_row { Some(value.copy(&schema, 0)?) } else { None };
            if let Some(node) = node {
                value.add_field(root, name.clone(), node);
            }
            parts.push((name, schema, node));
            fields.push(Field {
                column: column.name.clone(),
                stand: stand(&mapped.schema),
                codec: mapped.codec,
                slot: None,
                optional: column.optional,
                default,
            });
        }
        let value = value.build()?;
        let layout = Layout::of(&value);
        for (field, (.., node)) in fields.iter_mut().zip(&parts) {
            field.slot = node.map(|node| layout.slot(node) as usize);
        }
        let key_lacks = key_columns.iter().find(|key| !fields.iter().any(|f| f.column == **key)).cloned();
        let key = match key_lacks {
            None if !key_columns.is_empty() => Some(key_plan(&prefix, &parts, &fields, key_columns, store)?),
            _ => None,
        };
        let schema = envelope::schema(&names::schema(&format!("{prefix}.Envelope")), &value)?;
        Ok(Self {
            collection: id.to_string(),
            topic: names::topic(&prefix),
            fields,
            left_out,
            key,
            key_lacks,
            layout: envelope::Slots::of(&schema),
            envelope: store.intern(Arc::new(schema))?,
            constants: envelope::Constants::new(settings, id),
        })
    }

    fn field(&self, column: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.column == column)
    }
}

/// The schema of a type as that of a column.
fn with_column(schema: &Schema, optional: bool, default: Option<Value>) -> Result<Schema> {
    let mut builder = SchemaBuilder::new();
    let root = builder.copy(schema, 0)?;
    if let Some(node) = builder.node_mut(root) {
        node.optional |= optional;
        node.default = default;
    }
    builder.build()
}

fn key_plan(
    prefix: &str,
    parts: &[(String, Schema, Option<NodeId>)],
    fields: &[Field],
    columns: &[String],
    store: &dyn SchemaStore,
) -> Result<KeyPlan> {
    let mut builder = SchemaBuilder::new();
    let root = builder.push(Node::new(Type::Struct).named(names::schema(&format!("{prefix}.Key"))));
    let mut places = Vec::new();
    for column in columns {
        let index = fields.iter().position(|field| field.column == *column);
        let Some((index, (name, schema, _))) = index.and_then(|index| Some((index, parts.get(index)?))) else {
            continue;
        };
        let node = builder.copy(schema, 0)?;
        builder.add_field(root, name.clone(), node);
        places.push((index, node));
    }
    let schema = builder.build()?;
    let layout = Layout::of(&schema);
    let fields = places.into_iter().map(|(index, node)| (index, layout.slot(node) as usize)).collect();
    Ok(KeyPlan { slots: layout.slots(), schema: store.intern(Arc::new(schema))?, fields })
}

fn stand(schema: &Schema) -> Stand {
    let root = schema.root();
    let texts = |node: Option<u32>| node.is_some_and(|node| schema.node(node).kind == Type::String);
    match root.kind {
        Type::String => Stand::Text,
        Type::Bytes if root.name.is_none() => Stand::Bytes,
        Type::Array if texts(root.item) => Stand::Array,
        Type::Map if texts(root.item) => Stand::Map,
        _ => Stand::None,
    }
}

/// Where the value of a field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// One of [`Change::values`].
    Value(usize),
    /// A TOAST value that did not change.
    Unavailable,
    /// Not part of the replica identity.
    Absent,
}

/// A column as a message describes it, compared byte by byte.
#[derive(Debug)]
struct Expected {
    name: Box<[u8]>,
    data_type: Box<[u8]>,
    optional: Option<bool>,
    default: Option<(Kind, Box<[u8]>)>,
}

impl Expected {
    fn of(text: &[u8], column: &Column) -> Self {
        Self {
            name: column.name.raw(text).into(),
            data_type: column.data_type.raw(text).into(),
            optional: column.optional,
            default: column.default.map(|default| (default.kind, default.raw(text).into())),
        }
    }

    fn matches(&self, text: &[u8], column: &Column) -> bool {
        *self.name == *column.name.raw(text)
            && *self.data_type == *column.data_type.raw(text)
            && self.optional == column.optional
            && match (&self.default, column.default) {
                (None, None) => true,
                (Some((kind, raw)), Some(default)) => *kind == default.kind && **raw == *default.raw(text),
                _ => false,
            }
    }
}

fn all_match<E, T>(expected: &[E], found: &[T], matches: impl Fn(&E, &T) -> bool) -> bool {
    expected.len() == found.len() && expected.iter().zip(found).all(|(e, f)| matches(e, f))
}

/// What to do with messages of one shape.
#[derive(Debug)]
pub(crate) struct ChangePlan {
    pub(crate) table: Arc<TablePlan>,
    action: Action,
    columns: Vec<Expected>,
    identity: Vec<Expected>,
    pk: Option<Vec<Box<[u8]>>>,
    /// For each field.
    pub(crate) after: Vec<From>,
    pub(crate) before: Vec<From>,
    /// Fields of the row that have a value in the message.
    after_values: Vec<Given>,
    before_values: Vec<Given>,
    pub(crate) prototypes: envelope::Prototypes,
}

/// One of the two rows of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Before,
    After,
}

/// A field whose value a message has.
#[derive(Clone, Copy, Debug)]
struct Given {
    field: usize,
    slot: usize,
    value: usize,
}

/// Those of a row; what is only in the key is not part of it.
fn given(table: &TablePlan, sources: &[From]) -> Vec<Given> {
    let fields = table.fields.iter().zip(sources).enumerate();
    let given = fields.filter_map(|(index, (field, from))| match (field.slot, from) {
        (Some(slot), From::Value(value)) => Some(Given { field: index, slot, value: *value }),
        _ => None,
    });
    given.collect()
}

impl ChangePlan {
    /// Finds the fields of a table in a message.
    pub(crate) fn build(table: Arc<TablePlan>, text: &[u8], change: &Change) -> Result<Self> {
        let place = |columns: &[Column]| -> Result<Vec<Option<usize>>> {
            columns.iter().map(|column| Ok(table.field(&column.name.to_text(text)?))).collect()
        };
        let (columns, identity) = (place(&change.columns)?, place(&change.identity)?);
        let find = |places: &[Option<usize>], field: usize| places.iter().position(|place| *place == Some(field));
        let after = (0..table.fields.len()).map(|field| match (find(&columns, field), find(&identity, field)) {
            (Some(i), _) => From::Value(i),
            (None, Some(i)) => From::Value(columns.len() + i),
            (None, None) => From::Unavailable,
        });
        let old = |field| find(&identity, field).map_or(From::Absent, |i| From::Value(columns.len() + i));
        let before = (0..table.fields.len()).map(old);
        let (after, before): (Vec<_>, Vec<_>) = (after.collect(), before.collect());
        Ok(Self {
            after_values: given(&table, &after),
            before_values: given(&table, &before),
            prototypes: envelope::Prototypes::default(),
            after,
            before,
            action: change.action,
            columns: change.columns.iter().map(|column| Expected::of(text, column)).collect(),
            identity: change.identity.iter().map(|column| Expected::of(text, column)).collect(),
            pk: change.has_pk.then(|| change.pk.iter().map(|name| name.raw(text).into()).collect()),
            table,
        })
    }

    /// A plan for rows whose values the host puts in place.
    pub(crate) fn of_snapshot(table: Arc<TablePlan>, after: Vec<From>) -> Self {
        Self {
            after_values: given(&table, &after),
            before_values: Vec::new(),
            prototypes: envelope::Prototypes::default(),
            table,
            action: Action::Insert,
            columns: Vec::new(),
            identity: Vec::new(),
            pk: None,
            after,
            before: Vec::new(),
        }
    }

    /// Whether a message has the shape of this plan.
    pub(crate) fn matches(&self, text: &[u8], change: &Change) -> bool {
        self.action == change.action
            && self.pk.is_some() == change.has_pk
            && all_match(&self.columns, &change.columns, |e, c| e.matches(text, c))
            && all_match(&self.identity, &change.identity, |e, c| e.matches(text, c))
            && self.pk.as_ref().is_none_or(|pk| all_match(pk, &change.pk, |e, name| **e == *name.raw(text)))
    }

    fn sources(&self, state: State) -> &[From] {
        if state == State::Before { &self.before } else { &self.after }
    }

    /// Writes the fields of a row that are the same in all messages of this shape.
    pub(crate) fn write_missing(
        &self,
        state: State,
        settings: &Settings,
        w: &mut ImageWriter<'_>,
        base: usize,
        scratch: &mut Scratch,
    ) -> Result<()> {
        for (field, from) in self.table.fields.iter().zip(self.sources(state)) {
            if let (Some(slot), From::Unavailable | From::Absent) = (field.slot, from) {
                field.write_missing(*from, settings, w, base + slot, scratch)?;
            }
        }
        Ok(())
    }

    /// Whether the message holds the key of the old row.
    pub(crate) fn has_old_key(&self) -> bool {
        let Some(key) = &self.table.key else { return false };
        key.fields.iter().all(|(field, _)| matches!(self.before.get(*field), Some(From::Value(_))))
    }

    /// The error for a row whose key nobody can tell.
    pub(crate) fn check_key(&self, old: bool) -> Result<()> {
        let lacks = self.table.key_lacks.as_deref();
        let missing = lacks.or_else(|| {
            let from = if old { &self.before } else { &self.after };
            let absent = |field: &usize| matches!(from.get(*field), Some(From::Absent | From::Unavailable));
            let key = self.table.key.as_ref()?;
            let (field, _) = key.fields.iter().find(|(field, _)| absent(field))?;
            self.table.fields.get(*field).map(|field| field.column.as_str())
        });
        match missing {
            None => Ok(()),
            Some(column) => Err(Error::data(
                "wal2json.key-missing",
                "expected the columns of the record key in the message, found one missing",
            )
            .field(column)
            .hint(
                "the replica identity does not cover the key: set message.key.columns to the columns of the identity, or \
                 ALTER TABLE ... REPLICA IDENTITY FULL for later changes",
            )),
        }
    }
}

/// What the writers of rows and keys need.
pub(crate) struct Row<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) change: &'a Change,
    pub(crate) settings: &'a Settings,
}

impl Row<'_> {
    fn token(&self, from: From) -> Option<&Token> {
        match from {
            From::Value(i) => self.change.values.get(i),
            From::Unavailable | From::Absent => None,
        }
    }

    /// Writes the fields of a row whose struct has this slot.
    pub(crate) fn write(
        &self,
        plan: &ChangePlan,
        state: State,
        w: &mut ImageWriter<'_>,
        base: usize,
        scratch: &mut Scratch,
    ) -> Result<()> {
        for (field, from) in plan.table.fields.iter().zip(plan.sources(state)) {
            let Some(slot) = field.slot.map(|slot| base + slot) else { continue };
            let result = match self.token(*from) {
                Some(token) => field.write(self.input, token, w, slot, scratch),
                None => field.write_missing(*from, self.settings, w, slot, scratch),
            };
            result.map_err(|e| e.field(&field.column))?;
        }
        Ok(())
    }

    /// Writes those of them that [`ChangePlan::write_missing`] does not.
    #[inline(never)]
    pub(crate) fn write_values(
        &self,
        plan: &ChangePlan,
        state: State,
        w: &mut ImageWriter<'_>,
        base: usize,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let (fields, values) = (plan.table.fields.as_slice(), self.change.values.as_slice());
        for given in if state == State::Before { &plan.before_values } else { &plan.after_values } {
            let (Some(field), Some(token)) = (fields.get(given.field), values.get(given.value)) else { continue };
            if let Err(e) = field.write(self.input, token, w, base + given.slot, scratch) {
                return Err(e.field(&field.column));
            }
        }
        Ok(())
    }

    /// Appends the image of the key.
    pub(crate) fn write_key(
        &self,
        table: &TablePlan,
        key: &KeyPlan,
        sources: &[From],
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut w = ImageWriter::new(out, key.slots)?;
        for (index, slot) in &key.fields {
            let (Some(field), Some(from)) = (table.fields.get(*index), sources.get(*index)) else { continue };
            if let Some(token) = self.token(*from) {
                field.write(self.input, token, &mut w, *slot, scratch).map_err(|e| e.field(&field.column))?;
            }
        }
        w.finish();
        Ok(())
    }
}

impl Field {
    #[inline(always)]
    fn write(
        &self,
        input: Input<'_>,
        token: &Token,
        w: &mut ImageWriter<'_>,
        slot: usize,
        scratch: &mut Scratch,
    ) -> Result<()> {
        if token.kind == Kind::Null {
            return self.write_null(w, slot);
        }
        self.codec.write_token(input, token, w, slot, scratch)
    }

    /// What stands for a value that the message does not have.
    fn write_missing(
        &self,
        from: From,
        settings: &Settings,
        w: &mut ImageWriter<'_>,
        slot: usize,
        scratch: &mut Scratch,
    ) -> Result<()> {
        match from {
            From::Unavailable => self.write_unavailable(settings, w, slot),
            _ => self.write_absent(w, slot, scratch),
        }
    }

    fn write_null(&self, w: &mut ImageWriter<'_>, slot: usize) -> Result<()> {
        if self.optional {
            w.null(slot);
            return Ok(());
        }
        Err(Error::data("wal2json.required-null", "expected a value for a NOT NULL column, found null").hint(
            "wal2json writes NaN and infinities as null unless numeric-data-types-as-string is set (2.6 and later)",
        ))
    }

    fn write_unavailable(&self, settings: &Settings, w: &mut ImageWriter<'_>, slot: usize) -> Result<()> {
        if settings.unavailable == Unavailable::Bit {
            w.unavailable(slot);
            return Ok(());
        }
        let placeholder = settings.placeholder.as_slice();
        match self.stand {
            Stand::Text if std::str::from_utf8(placeholder).is_ok() => w.tail(slot, placeholder),
            Stand::Bytes => w.tail(slot, placeholder),
            Stand::Array if std::str::from_utf8(placeholder).is_ok() => {
                w.nested(slot, 1, |inner| inner.tail(0, placeholder))
            }
            Stand::Map if std::str::from_utf8(placeholder).is_ok() => w.nested(slot, 2, |inner| {
                inner.tail(0, placeholder)?;
                inner.tail(1, placeholder)
            }),
            _ => Err(Error::data(
                "wal2json.unavailable",
                "expected a value, found none: it lies in TOAST and did not change, and its type cannot hold the placeholder",
            )
            .hint("ALTER TABLE ... REPLICA IDENTITY FULL makes PostgreSQL log it, for later changes")),
        }
    }

    fn write_absent(&self, w: &mut ImageWriter<'_>, slot: usize, scratch: &mut Scratch) -> Result<()> {
        match &self.default {
            _ if self.optional => w.null(slot),
            Some(default) => return write_value(default, w, slot),
            None => return self.codec.write_fallback(w, slot, scratch),
        }
        Ok(())
    }
}

/// Writes the default of a schema, which is never an aggregate.
fn write_value(value: &Value, w: &mut ImageWriter<'_>, slot: usize) -> Result<()> {
    match value {
        Value::Boolean(v) => w.set(slot, u64::from(*v)),
        Value::Int16(v) => w.set(slot, i64::from(*v) as u64),
        Value::Int32(v) => w.set(slot, i64::from(*v) as u64),
        Value::Int64(v) => w.set(slot, *v as u64),
        Value::Float32(v) => w.set(slot, u64::from(v.to_bits())),
        Value::Float64(v) => w.set(slot, v.to_bits()),
        Value::String(v) => return w.tail(slot, v.as_bytes()),
        Value::Bytes(v) => return w.tail(slot, v),
        other => {
            return Err(Error::internal(
                "wal2json.default",
                format!("expected a scalar default, found {}", other.kind()),
            ));
        }
    }
    Ok(())
}
