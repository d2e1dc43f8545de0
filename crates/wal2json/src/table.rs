//! What a host knows of a table beyond what the messages say.

use std::fmt;

/// Names a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableId {
    /// Schema.
    pub schema: String,
    /// Table.
    pub table: String,
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

/// A column of `pg_attribute`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSchema {
    /// `attname`.
    pub name: String,
    /// `format_type(atttypid, atttypmod)`.
    pub data_type: String,
    /// Not `attnotnull`.
    pub optional: bool,
    /// `pg_get_expr(adbin, adrelid)`, of generated columns too; `None` = no default.
    pub default: Option<String>,
    /// `attstorage <> 'p'`: an update may leave the column out when its value lies in TOAST and did not change.
    pub toastable: bool,
}

/// A table as the catalogue has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableSchema {
    /// In the order of `attnum`, without dropped columns.
    pub columns: Vec<ColumnSchema>,
    /// Columns of the primary key in its order; empty = none.
    pub primary_key: Vec<String>,
    /// Columns to make the record key of instead of the primary key (`message.key.columns`).
    pub key: Option<Vec<String>>,
    /// Columns to leave out of the events (`column.exclude.list`).
    pub excluded: Vec<String>,
}

/// A host's answer to [`crate::Fed::NeedTable`].
#[derive(Clone, Debug)]
pub enum TableAnswer {
    /// The table as it is now.
    Known(TableSchema),
    /// There is no such table any more: the messages have to do.
    Unknown,
    /// Its changes are not wanted (`table.include.list`, `table.exclude.list`).
    Ignored,
}
