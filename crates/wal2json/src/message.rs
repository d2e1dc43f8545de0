//! What a wal2json message says, as places in its text: filled by [`crate::v1`] and [`crate::v2`], allocated once.

use crate::lsn::Lsn;
use crate::scan::{Scanner, Token};
use crate::temporal::{self, Moment};
use connect_data::{Error, Result};

/// PostgreSQL allows 1,600 columns in a table and 1,664 in a row.
pub(crate) const MAX_COLUMNS: usize = 1_664;
/// PostgreSQL cannot build a longer message (`StringInfo`).
pub(crate) const MAX_MESSAGE: usize = 1 << 30;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Begin,
    Commit,
    Insert,
    Update,
    Delete,
    Truncate,
    Message,
}

/// What is said of a transaction, in format 2 on every line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) xid: Option<u64>,
    /// Of the change, or of the commit record.
    pub(crate) lsn: Option<Lsn>,
    /// End of the transaction.
    pub(crate) next_lsn: Option<Lsn>,
    /// Commit time in microseconds since the epoch.
    pub(crate) timestamp: Option<i64>,
}

impl Header {
    /// What this line says, else what the beginning of its transaction said.
    pub(crate) fn or(self, begun: Self) -> Self {
        Self {
            xid: self.xid.or(begun.xid),
            lsn: self.lsn,
            next_lsn: self.next_lsn.or(begun.next_lsn),
            timestamp: self.timestamp.or(begun.timestamp),
        }
    }
}

/// A column of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: Token,
    /// Absent without `include-types`.
    pub(crate) data_type: Token,
    pub(crate) value: Token,
    /// Given with `include-not-null`.
    pub(crate) optional: Option<bool>,
    /// Given with `include-default`: an expression, or null.
    pub(crate) default: Option<Token>,
}

impl Column {
    pub(crate) const EMPTY: Self =
        Self { name: Token::ABSENT, data_type: Token::ABSENT, value: Token::ABSENT, optional: None, default: None };
}

/// A change of a row or table.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) action: Action,
    pub(crate) schema: Option<Token>,
    pub(crate) table: Option<Token>,
    /// The new row; without columns whose unchanged value lies in TOAST.
    pub(crate) columns: Vec<Column>,
    /// The old row, or what the replica identity keeps of it.
    pub(crate) identity: Vec<Column>,
    /// Format 1 leaves nulls out of the old row, so that it may be there and empty.
    pub(crate) has_identity: bool,
    /// Names of the primary key, with `include-pk`.
    pub(crate) pk: Vec<Token>,
    pub(crate) has_pk: bool,
    /// Of a message.
    pub(crate) transactional: bool,
    /// The values of all columns, and then those of the identity.
    pub(crate) values: Vec<Token>,
}

impl Default for Change {
    fn default() -> Self {
        Self {
            action: Action::Message,
            schema: None,
            table: None,
            columns: Vec::new(),
            identity: Vec::new(),
            has_identity: false,
            pk: Vec::new(),
            has_pk: false,
            transactional: true,
            values: Vec::new(),
        }
    }
}

impl Change {
    /// Forgets everything but the memory.
    pub(crate) fn clear(&mut self) {
        self.columns.clear();
        self.identity.clear();
        self.pk.clear();
        self.values.clear();
        (self.action, self.schema, self.table) = (Action::Message, None, None);
        (self.has_identity, self.has_pk, self.transactional) = (false, false, true);
    }

    /// Fills [`Self::values`].
    pub(crate) fn collect_values(&mut self) {
        self.values.extend(self.columns.iter().chain(&self.identity).map(|column| column.value));
    }
}

/// Checks length and encoding, once per message.
pub(crate) fn check_text(text: &[u8]) -> Result<()> {
    if text.len() > MAX_MESSAGE {
        return Err(Error::data(
            "wal2json.too-large",
            format!("wal2json message: expected at most {MAX_MESSAGE} bytes, found {}", text.len()),
        ));
    }
    std::str::from_utf8(text).map(|_| ()).map_err(|e| {
        Error::data(
            "wal2json.utf8",
            format!("wal2json message: expected UTF-8, found other bytes at byte {}", e.valid_up_to()),
        )
        .hint("a database with encoding SQL_ASCII may hold such text: convert it, or set client_encoding to UTF8")
    })
}

/// A transaction id, or null for a message outside of transactions.
pub(crate) fn read_xid(scanner: &mut Scanner<'_>) -> Result<Option<u64>> {
    if scanner.null()? { Ok(None) } else { scanner.unsigned().map(Some) }
}

/// An LSN in quotes, or null.
pub(crate) fn read_lsn(scanner: &mut Scanner<'_>, text: &[u8]) -> Result<Option<Lsn>> {
    if scanner.null()? {
        return Ok(None);
    }
    let token = scanner.text()?;
    let lsn = Lsn::parse(token.raw(text));
    lsn.map(Some).ok_or_else(|| scanner.error("wal2json.lsn", "expected an LSN such as 0/16B3748"))
}

/// A timestamp with time zone in quotes, as microseconds since the epoch, or null.
pub(crate) fn read_timestamp(scanner: &mut Scanner<'_>, text: &[u8]) -> Result<Option<i64>> {
    if scanner.null()? {
        return Ok(None);
    }
    let token = scanner.text()?;
    match temporal::timestamp_with_zone(token.raw(text)) {
        Some(Moment::At(at)) => at.micros(),
        _ => None,
    }
    .map(Some)
    .ok_or_else(|| scanner.error("wal2json.timestamp", "expected a timestamp with time zone in DateStyle ISO"))
}

/// Refuses more columns than a table can have.
pub(crate) fn check_columns(count: usize, scanner: &Scanner<'_>) -> Result<()> {
    if count < MAX_COLUMNS {
        return Ok(());
    }
    Err(scanner.error("wal2json.columns", &format!("expected at most {MAX_COLUMNS} columns, found more")))
}

/// The error for a key that a message lacks.
pub(crate) fn missing(scanner: &Scanner<'_>, key: &str) -> Error {
    scanner.error("wal2json.missing-key", &format!("expected the key {key}, found none before the end"))
}
