//! Format version 2: one object a line.

use crate::message::{Action, Change, Column, Header, check_columns, missing, read_lsn, read_timestamp, read_xid};
use crate::scan::{Kind, Scanner, Token, once};
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
                rows(s, text, &mut change.columns, &mut change.around_columns)?;
            }
            b"identity" => {
                mark(8)?;
                change.has_identity = true;
                rows(s, text, &mut change.identity, &mut change.around_identity)?;
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

/// The text around the value of a column, which is the same in all messages of a table: where it comes again, the parts
/// it holds are known without being scanned.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// From the brace to the value.
    before: Vec<u8>,
    /// From behind the value to the brace.
    after: Vec<u8>,
    /// Places are relative to `before`.
    name: Token,
    data_type: Token,
    optional: Option<bool>,
    /// Relative to `after`.
    default: Option<Token>,
}

fn rows(
    scanner: &mut Scanner<'_>,
    text: &[u8],
    columns: &mut Vec<Column>,
    known: &mut Vec<Surroundings>,
) -> Result<()> {
    scanner.array(|s, index| {
        check_columns(index, s)?;
        s.peek();
        let column = match known.get(index).and_then(|known| familiar_column(s, known)) {
            Some(column) => column?,
            None => new_column(s, text, known, index)?,
        };
        columns.push(column);
        Ok(())
    })
}

/// A column whose surroundings are known; `None` if they are others, and then nothing was read.
#[inline]
fn familiar_column(scanner: &mut Scanner<'_>, known: &Surroundings) -> Option<Result<Column>> {
    let start = *scanner;
    if !scanner.take_exactly(&known.before) {
        return None;
    }
    let value = match scanner.scalar() {
        Ok(value) => value,
        Err(error) => return Some(Err(error)),
    };
    let end = scanner.position();
    if !scanner.take_exactly(&known.after) {
        *scanner = start;
        return None;
    }
    Some(Ok(Column {
        name: known.name.moved(0, start.position()),
        data_type: if known.data_type == Token::ABSENT {
            Token::ABSENT
        } else {
            known.data_type.moved(0, start.position())
        },
        value,
        optional: known.optional,
        default: known.default.map(|default| default.moved(0, end)),
    }))
}

/// Scans a column, and remembers its surroundings if no part of it stands on the other side of the value.
fn new_column(scanner: &mut Scanner<'_>, text: &[u8], known: &mut Vec<Surroundings>, index: usize) -> Result<Column> {
    let start = scanner.position();
    let column = column(scanner)?;
    let end = scanner.position();
    // A string's token is without its quotes.
    let quote = usize::from(column.value.kind == Kind::String);
    let value = column.value.start as usize - quote..(column.value.start + column.value.len) as usize + quote;
    let in_front = |token: Token| token == Token::ABSENT || (token.start as usize) < value.start;
    let behind = |token: Token| (token.start as usize) >= value.end;
    let usual = column.value != Token::ABSENT
        && in_front(column.name)
        && in_front(column.data_type)
        && column.default.is_none_or(behind);
    if !usual {
        return Ok(column);
    }
    let (Some(before), Some(after)) = (text.get(start..value.start), text.get(value.end..end)) else {
        return Ok(column);
    };
    if index >= known.len() {
        if index > known.len() {
            return Ok(column);
        }
        known.push(Surroundings {
            before: Vec::new(),
            after: Vec::new(),
            name: Token::ABSENT,
            data_type: Token::ABSENT,
            optional: None,
            default: None,
        });
    }
    if let Some(place) = known.get_mut(index) {
        place.before.clear();
        place.before.extend_from_slice(before);
        place.after.clear();
        place.after.extend_from_slice(after);
        place.name = column.name.moved(start, 0);
        place.data_type =
            if column.data_type == Token::ABSENT { Token::ABSENT } else { column.data_type.moved(start, 0) };
        place.optional = column.optional;
        place.default = column.default.map(|default| default.moved(value.end, 0));
    }
    Ok(column)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn familiar_surroundings_change_nothing() {
        let columns = [
            r#"{"name":"a","type":"integer","value":1}"#,
            r#"{"name":"a","type":"integer","value":null}"#,
            r#"{"name":"a","type":"integer","value":"1"}"#,
            r#"{"name":"a","type":"integer","value":1 }"#,
            r#"{ "name":"a","type":"integer","value":1}"#,
            r#"{"name":"a","type":"integer","typeoid":23,"value":12,"optional":false,"position":1,"default":null}"#,
            r#"{"name":"a","type":"integer","typeoid":23,"value":3,"optional":true,"position":1,"default":"7"}"#,
            r#"{"name":"a","type":"integer","typeoid":23,"value":"x\"y","optional":true,"position":1,"default":"7"}"#,
            r#"{"name":"a","optional":true,"value":5}"#,
            r#"{"value":5,"name":"a","type":"integer"}"#,
            r#"{"default":"1","name":"b\n","type":"text","value":"v"}"#,
            r#"{"name":"b\n","type":"text","value":"v","default":"1"}"#,
            r#"{"name":"b\n","type":"text","value":"","default":"1"}"#,
            r#"{"name":"a"}"#,
        ];
        let mut reused = Change::default();
        for first in columns {
            for second in columns {
                for line in [first, second, first] {
                    let line = format!(r#"{{"action":"U","columns":[{line},{second}],"identity":[{first}]}}"#);
                    let mut fresh = Change::default();
                    parse(line.as_bytes(), &mut fresh).unwrap();
                    parse(line.as_bytes(), &mut reused).unwrap();
                    let parts = |change: &Change| format!("{:?} {:?}", change.columns, change.identity);
                    assert_eq!(parts(&reused), parts(&fresh), "{line}");
                }
            }
        }
    }

    #[test]
    fn familiar_surroundings_are_used() {
        let mut change = Change::default();
        let line = |value: &str| {
            format!(r#"{{"action":"I","columns":[{{"name":"a","type":"integer","value":{value},"optional":true}}]}}"#)
        };
        parse(line("1").as_bytes(), &mut change).unwrap();
        let known = &change.around_columns[0];
        assert_eq!(known.before, br#"{"name":"a","type":"integer","value":"#);
        assert_eq!(known.after, br#","optional":true}"#);
        let text = line("\"two\"");
        let column_text = &text.as_bytes()[text.find("{\"name").unwrap()..];
        let column = familiar_column(&mut Scanner::new(column_text), known).unwrap().unwrap();
        assert_eq!((column.name.raw(column_text), column.value.raw(column_text)), (&b"a"[..], &b"two"[..]));
        assert_eq!(column.optional, Some(true));
    }
}
