//! Format version 1: one object a transaction, whole or in chunks (`write-in-chunks`): the preamble up to the opening
//! bracket of `change`, then each change (with a comma in front from the second on), then `]}`.

use crate::message::{Action, Change, Column, Header, check_columns, missing, read_lsn, read_timestamp, read_xid};
use crate::scan::{Scanner, Token, once};
use connect_data::{Error, Result};

/// What a piece of text is.
pub(crate) enum Piece {
    /// A whole transaction was walked.
    Whole(Header),
    /// A preamble; changes follow in pieces of their own.
    Preamble(Header),
}

/// Walks a transaction, whole or only its preamble. `on_change` is called at each change and must step over it.
pub(crate) fn transaction<'a>(
    text: &'a [u8],
    mut on_change: impl FnMut(&mut Scanner<'a>) -> Result<()>,
) -> Result<Piece> {
    let mut scanner = Scanner::new(text);
    let mut header = Header::default();
    let (mut seen, mut open) = (0, false);
    scanner.expect(b'{')?;
    if !scanner.take(b'}') {
        loop {
            let key = scanner.key()?;
            let mut mark = |bit: u32| once(&mut seen, 1 << bit, &scanner);
            match key {
                b"xid" => {
                    mark(1)?;
                    header.xid = read_xid(&mut scanner)?;
                }
                b"nextlsn" => {
                    mark(2)?;
                    header.next_lsn = read_lsn(&mut scanner, text)?;
                }
                b"timestamp" => {
                    mark(3)?;
                    header.timestamp = read_timestamp(&mut scanner, text)?;
                }
                b"change" => {
                    mark(0)?;
                    let mut ahead = scanner;
                    ahead.expect(b'[')?;
                    open = ahead.peek().is_none();
                    if open {
                        scanner = ahead;
                        break;
                    }
                    scanner.array(|s, _| on_change(s))?;
                }
                b"kind" => return Err(out_of_order("a change", "the beginning of a transaction")),
                _ => scanner.skip()?,
            }
            if !scanner.take(b',') {
                scanner.expect(b'}')?;
                break;
            }
        }
    }
    scanner.end()?;
    if seen & 1 == 0 {
        return Err(missing(&scanner, "change"));
    }
    Ok(if open { Piece::Preamble(header) } else { Piece::Whole(header) })
}

/// The error for a chunk that cannot follow what came before.
pub(crate) fn out_of_order(found: &str, expected: &str) -> Error {
    Error::data("wal2json.out-of-order", format!("wal2json chunk: expected {expected}, found {found}"))
        .hint("restart the replication stream from the last acknowledged LSN")
}

/// Indexes one change, from its opening brace.
pub(crate) fn change(scanner: &mut Scanner<'_>, text: &[u8], change: &mut Change) -> Result<()> {
    change.clear();
    let (mut seen, mut action) = (0, None);
    let mut lists = Lists::default();
    let mut old = Lists::default();
    scanner.object(|s, key| {
        let mut mark = |bit: u32| once(&mut seen, 1 << bit, s);
        match key {
            b"kind" => {
                mark(0)?;
                action = Some(read_kind(s, text)?);
            }
            b"schema" => {
                mark(1)?;
                change.schema = Some(s.text()?);
            }
            b"table" => {
                mark(2)?;
                change.table = Some(s.text()?);
            }
            b"columnnames" => {
                mark(3)?;
                lists.names = Some(list(s, &mut change.columns, |s, c| s.text().map(|name| c.name = name))?);
            }
            b"columntypes" => {
                mark(4)?;
                lists.types = Some(list(s, &mut change.columns, |s, c| s.text().map(|t| c.data_type = t))?);
            }
            b"columnoptionals" => {
                mark(5)?;
                lists.more[0] =
                    Some(list(s, &mut change.columns, |s, c| s.boolean().map(|optional| c.optional = Some(optional)))?);
            }
            b"columndefaults" => {
                mark(6)?;
                lists.more[1] =
                    Some(list(s, &mut change.columns, |s, c| s.scalar().map(|default| c.default = Some(default)))?);
            }
            b"columnvalues" => {
                mark(7)?;
                lists.values = Some(list(s, &mut change.columns, |s, c| s.scalar().map(|value| c.value = value))?);
            }
            b"oldkeys" => {
                mark(8)?;
                change.has_identity = true;
                old_keys(s, &mut change.identity, &mut old)?;
            }
            b"pk" => {
                mark(9)?;
                change.has_pk = true;
                primary_key(s, &mut change.pk)?;
            }
            b"transactional" => {
                mark(10)?;
                change.transactional = s.boolean()?;
            }
            _ => s.skip()?,
        }
        Ok(())
    })?;
    lists.check(change.columns.len(), scanner, "columnnames")?;
    old.check(change.identity.len(), scanner, "keynames")?;
    change.action = action.ok_or_else(|| missing(scanner, "kind"))?;
    change.collect_values();
    Ok(())
}

fn read_kind(scanner: &mut Scanner<'_>, text: &[u8]) -> Result<Action> {
    let at = *scanner;
    Ok(match scanner.text()?.raw(text) {
        b"insert" => Action::Insert,
        b"update" => Action::Update,
        b"delete" => Action::Delete,
        b"truncate" => Action::Truncate,
        b"message" => Action::Message,
        _ => {
            return Err(
                at.error("wal2json.action", "expected insert, update, delete, truncate or message, found another")
            );
        }
    })
}

/// Lengths of the parallel lists that make up a row.
#[derive(Default)]
struct Lists {
    names: Option<usize>,
    types: Option<usize>,
    values: Option<usize>,
    more: [Option<usize>; 2],
}

impl Lists {
    fn check(&self, columns: usize, scanner: &Scanner<'_>, names: &str) -> Result<()> {
        if columns > 0 && (self.names.is_none() || self.values.is_none()) {
            return Err(missing(scanner, names));
        }
        let all = [self.names, self.types, self.values, self.more[0], self.more[1]];
        if all.into_iter().flatten().any(|len| len != columns) {
            return Err(scanner.error("wal2json.lists", "expected lists of one length for names, types and values"));
        }
        Ok(())
    }
}

/// Sets one part of each column from a list; its length.
fn list<'a>(
    scanner: &mut Scanner<'a>,
    columns: &mut Vec<Column>,
    mut set: impl FnMut(&mut Scanner<'a>, &mut Column) -> Result<()>,
) -> Result<usize> {
    let mut len = 0;
    scanner.array(|s, index| {
        check_columns(index, s)?;
        if index >= columns.len() {
            columns.push(Column::EMPTY);
        }
        len = index + 1;
        match columns.get_mut(index) {
            Some(column) => set(s, column),
            None => Ok(()),
        }
    })?;
    Ok(len)
}

fn old_keys(scanner: &mut Scanner<'_>, identity: &mut Vec<Column>, lists: &mut Lists) -> Result<()> {
    let mut seen = 0;
    scanner.object(|s, key| {
        let mut mark = |bit: u32| once(&mut seen, 1 << bit, s);
        match key {
            b"keynames" => {
                mark(0)?;
                lists.names = Some(list(s, identity, |s, c| s.text().map(|name| c.name = name))?);
            }
            b"keytypes" => {
                mark(1)?;
                lists.types = Some(list(s, identity, |s, c| s.text().map(|t| c.data_type = t))?);
            }
            b"keyvalues" => {
                mark(2)?;
                lists.values = Some(list(s, identity, |s, c| s.scalar().map(|value| c.value = value))?);
            }
            _ => s.skip()?,
        }
        Ok(())
    })
}

fn primary_key(scanner: &mut Scanner<'_>, pk: &mut Vec<Token>) -> Result<()> {
    let mut seen = 0;
    scanner.object(|s, key| {
        if key != b"pknames" {
            return s.skip();
        }
        once(&mut seen, 1, s)?;
        s.array(|s, index| {
            check_columns(index, s)?;
            pk.push(s.text()?);
            Ok(())
        })
    })
}
