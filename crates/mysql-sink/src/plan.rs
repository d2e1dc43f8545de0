//! What is done with records of one table, key schema and value schema: compiled once, then only slots are read.

use crate::fields::{Envelope, Field, Fields, Source};
use crate::literal::{Encoder, Holds};
use crate::name::{TableName, identifier};
use crate::semantic::Semantic;
use crate::settings::{InsertMode, Settings};
use crate::table::Table;
use connect_data::row_image::{Image, tree};
use connect_data::{Error, Result, Value};

/// A compiled plan.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Number of the table among those of the sink.
    pub(crate) table: u32,
    /// The table's name in SQL.
    pub(crate) table_sql: String,
    pub(crate) columns: Vec<PlanColumn>,
    /// Positions of the key's columns, in the order of the key.
    pub(crate) keys: Vec<usize>,
    pub(crate) mode: InsertMode,
    pub(crate) envelope: Option<Envelope>,
    pub(crate) key_slots: usize,
    pub(crate) value_slots: usize,
    /// Rows must reach the table in the order of the records, beyond that of each key.
    pub(crate) ordered: bool,
    /// Keys are whole numbers: shorter ones are less.
    pub(crate) numeric_key: bool,
    /// Bytes of a statement beside its rows, at most.
    pub(crate) overhead: usize,
}

/// A column of a plan.
#[derive(Debug)]
pub(crate) struct PlanColumn {
    /// As the table has it, for messages.
    pub(crate) name: String,
    pub(crate) sql: String,
    pub(crate) source: Source,
    pub(crate) encoder: Encoder,
    pub(crate) key: bool,
    /// What a null becomes: `NULL`, or the literal of the field's default.
    pub(crate) null: Vec<u8>,
}

/// What a plan is compiled for.
pub(crate) struct Target<'a> {
    pub(crate) number: u32,
    pub(crate) name: &'a TableName,
    pub(crate) table: &'a Table,
    /// Whether any table of the sink is bound to another by foreign keys.
    pub(crate) ordered: bool,
}

impl Plan {
    /// Compiles the plan of these fields.
    ///
    /// # Errors
    /// Config: a table that lacks a column or a unique index, or has one too many. Data: a field that no column can hold.
    pub(crate) fn compile(
        settings: &Settings,
        fields: &Fields,
        target: &Target<'_>,
        slots: (usize, usize),
    ) -> Result<Self> {
        let mut columns = Vec::with_capacity(fields.all.len());
        for field in &fields.all {
            let column = target.table.column(&field.name).ok_or_else(|| {
                Error::config(
                    "mysql.column",
                    format!("table {}: expected a column for the field, found none", target.name.table),
                )
                .field(&field.name)
            })?;
            if columns.iter().any(|other: &PlanColumn| other.name == column.name) {
                return Err(Error::data(
                    "mysql.column",
                    "expected fields whose names differ in more than case, found two",
                )
                .field(&field.name));
            }
            let encoder = encoder(settings, field, column.holds)?;
            if field.key && column.loose && matches!(encoder, Encoder::Text) {
                tracing::warn!(
                    table = target.name.table,
                    column = column.name,
                    "the key's collation takes some different texts for equal: rows of such keys become one"
                );
            }
            columns.push(PlanColumn {
                sql: identifier(&column.name, settings.quoted)?,
                name: column.name.clone(),
                source: field.source,
                null: null(settings, field, &encoder)?,
                encoder,
                key: field.key,
            });
        }
        let table_sql = target.name.sql(settings.quoted)?;
        // An upsert names each column three times.
        let names: usize = columns.iter().map(|column| 3 * column.sql.len() + 16).sum();
        let plan = Self {
            table: target.number,
            overhead: 256 + table_sql.len() + names,
            table_sql,
            numeric_key: fields.keys.len() == 1
                && fields
                    .keys
                    .iter()
                    .all(|key| matches!(columns.get(*key).map(|c| &c.encoder), Some(Encoder::Integer))),
            columns,
            keys: fields.keys.clone(),
            mode: settings.insert_mode,
            envelope: fields.envelope,
            key_slots: slots.0,
            value_slots: slots.1,
            ordered: target.ordered,
        };
        if plan.mode == InsertMode::Upsert {
            plan.check_unique(settings, target)?;
        }
        Ok(plan)
    }

    /// `ON DUPLICATE KEY` must fire on the key and on nothing else.
    fn check_unique(&self, settings: &Settings, target: &Target<'_>) -> Result<()> {
        let names: Vec<String> = self.key_columns().map(|column| column.name.clone()).collect();
        let table = &target.name.table;
        let others: Vec<&str> = target.table.other_unique(&names).collect();
        if !target.table.is_unique_on(&names) {
            let error = Error::config(
                "mysql.no-unique-key",
                format!(
                    "table {table}: expected a primary key or unique index on ({}), found none: upserts would insert rows twice",
                    names.join(", ")
                ),
            );
            if !settings.allow_secondary_unique || others.is_empty() {
                return Err(error.hint("make that index, or choose other pk.fields"));
            }
        }
        if !others.is_empty() {
            if !settings.allow_secondary_unique {
                return Err(Error::config(
                    "mysql.secondary-unique",
                    format!("table {table}: expected no unique index but on ({}), found {}: an upsert that meets another row there would change that row", names.join(", "), others.join(", ")),
                )
                .hint("drop the index, or set allow.secondary.unique=true"));
            }
            tracing::warn!(
                table,
                indexes = others.join(", "),
                "upserts may change rows that other unique indexes find"
            );
        }
        Ok(())
    }

    pub(crate) fn key_columns(&self) -> impl Iterator<Item = &PlanColumn> {
        self.keys.iter().filter_map(|key| self.columns.get(*key))
    }

    /// Names of the columns, which errors may show.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }
}

fn encoder(settings: &Settings, field: &Field, holds: Holds) -> Result<Encoder> {
    let semantic = Semantic::of(&field.schema, field.node);
    if field.key
        && holds == Holds::Number
        && matches!(semantic, Semantic::Text | Semantic::Uuid | Semantic::Enum { .. })
    {
        // MySQL would compare them as numbers, and find other rows.
        return Err(Error::config(
            "mysql.key-type",
            "expected a text column for a key that is text, found a column of numbers",
        )
        .field(&field.name));
    }
    match Encoder::new(semantic, holds, &settings.zone) {
        Some(encoder) => Ok(encoder),
        None if settings.complex_as_json && !field.key => Ok(Encoder::json(&field.schema, field.node)),
        None => {
            let node = field.definition();
            Err(Error::data(
                "mysql.type",
                format!("expected a type that MySQL has, found {}", node.name.as_deref().unwrap_or(node.kind.name())),
            )
            .hint("complex.handling=json keeps structures as JSON; or flatten or drop the field with a transformation")
            .field(&field.name))
        }
    }
}

fn null(settings: &Settings, field: &Field, encoder: &Encoder) -> Result<Vec<u8>> {
    match &field.definition().default {
        Some(value) if settings.default_for_null && !field.key => default_literal(field, value, encoder),
        _ => Ok(b"NULL".to_vec()),
    }
}

/// The literal of a field's default.
///
/// # Errors
/// Data: a default that MySQL cannot store.
pub(crate) fn default_literal(field: &Field, value: &Value, encoder: &Encoder) -> Result<Vec<u8>> {
    let schema = field.schema.subschema(field.node)?;
    let mut bytes = Vec::new();
    tree::write(Some(&schema), value, &mut bytes)?;
    let mut literal = Vec::new();
    encoder.write(&Image::new(&bytes, &[])?, 0, &mut literal).map_err(|error| error.field(&field.name))?;
    Ok(literal)
}
