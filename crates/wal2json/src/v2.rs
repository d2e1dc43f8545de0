//! Format version 2: one object a line.

use crate::message::{Action, Change, Column, Header, check_columns, missing, read_lsn, read_timestamp, read_xid};
use crate::scan::{Scanner, Token, once};
use connect_data::Result;

/// Indexes a line into `change`.
pub(crate) fn parse(text: &[u8], change: &mut Change) -> Result<Header> {
    change.clear();
    let mut scanner = Scanner::new(text);
    let mut header = Header::default();
    let (mut seen, mut action) = (0, None);
    scanner.object(|s, key| {
        let mut mark = |bit: u32| once(&mut seen, 1 << bit, s);
        match key {
            b"action" => {
                mark(0)?;
                action = Some(read_action(s, text)?);
            }
            b"xid" => {
                mark(1)?;
                header.xid = read_xid(s)?;
            }
            b"lsn" => {
                mark(2)?;
                header.lsn = read_lsn(s, text)?;
            }
            b"nextlsn" => {
                mark(3)?;
                header.next_lsn = read_lsn(s, text)?;
            }
            b"timestamp" => {
                mark(4)?;
                header.timestamp = read_timestamp(s, text)?;
            }
            b"schema" => {
                mark(5)?;
                change.schema = Some(s.text()?);
            }
            b"table" => {
                mark(6)?;
                change.table = Some(s.text()?);
            }
            b"columns" => {
                mark(7)?;
                rows(s, &mut change.columns)?;
            }
            b"identity" => {
                mark(8)?;
                change.has_identity = true;
                rows(s, &mut change.identity)?;
            }
            b"pk" => {
                mark(9)?;
                change.has_pk = true;
                let pk = &mut change.pk;
                s.array(|s, index| {
                    check_columns(index, s)?;
                    pk.push(column(s)?.name);
                    Ok(())
                })?;
            }
            b"transactional" => {
                mark(10)?;
                change.transactional = s.boolean()?;
            }
            _ => s.skip()?,
        }
        Ok(())
    })?;
    scanner.end()?;
    change.action = action.ok_or_else(|| missing(&scanner, "action"))?;
    change.collect_values();
    Ok(header)
}

fn read_action(scanner: &mut Scanner<'_>, text: &[u8]) -> Result<Action> {
    let at = *scanner;
    Ok(match scanner.text()?.raw(text) {
        b"B" => Action::Begin,
        b"C" => Action::Commit,
        b"I" => Action::Insert,
        b"U" => Action::Update,
        b"D" => Action::Delete,
        b"T" => Action::Truncate,
        b"M" => Action::Message,
        _ => return Err(at.error("wal2json.action", "expected an action of B, C, I, U, D, T, M, found another")),
    })
}

fn rows(scanner: &mut Scanner<'_>, columns: &mut Vec<Column>) -> Result<()> {
    scanner.array(|s, index| {
        check_columns(index, s)?;
        columns.push(match usual_column(s) {
            Some(column) => column,
            None => column(s)?,
        });
        Ok(())
    })
}

/// A column as it is printed without further options; `None` for all others, of which nothing is then read.
fn usual_column(scanner: &mut Scanner<'_>) -> Option<Column> {
    let mut s = *scanner;
    s.take_exactly(br#"{"name":"#)?;
    let name = s.text().ok()?;
    s.take_exactly(br#","type":"#)?;
    let data_type = s.text().ok()?;
    s.take_exactly(br#","value":"#)?;
    let value = s.scalar().ok()?;
    s.take_exactly(b"}")?;
    *scanner = s;
    Some(Column { name, data_type, value, ..Column::EMPTY })
}

fn column(scanner: &mut Scanner<'_>) -> Result<Column> {
    let mut column = Column::EMPTY;
    let mut seen = 0;
    scanner.object(|s, key| {
        let mut mark = |bit: u32| once(&mut seen, 1 << bit, s);
        match key {
            b"name" => {
                mark(0)?;
                column.name = s.text()?;
            }
            b"type" => {
                mark(1)?;
                column.data_type = s.text()?;
            }
            b"value" => {
                mark(2)?;
                column.value = s.scalar()?;
            }
            b"optional" => {
                mark(3)?;
                column.optional = Some(s.boolean()?);
            }
            b"default" => {
                mark(4)?;
                column.default = Some(s.scalar()?);
            }
            _ => s.skip()?,
        }
        Ok(())
    })?;
    if column.name == Token::ABSENT { Err(missing(scanner, "name")) } else { Ok(column) }
}
