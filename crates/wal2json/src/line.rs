//! Lines of format 2 that differ from an earlier one only in their values. What stands around the values is the same in
//! all messages of one shape, so that it is compared instead of parsed, and brings the plan along. Whatever is unusual
//! gives `None`, and then the line is parsed.

use crate::lexer::{split_string, unsigned, value};
use crate::lsn::Lsn;
use crate::message::{Action, Change, Header, MAX_MESSAGE};
use crate::plan::ChangePlan;
use crate::scan::{Kind, Token};
use crate::temporal::{self, Moment};
use std::sync::Arc;

/// What stands before the name of the table, in the order in which wal2json prints it.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) header: Header,
    action: Action,
    /// One bit for each key that is there: the rest of a line may hold the others.
    keys: u8,
    /// Where the rest begins.
    end: usize,
    /// As they are written, and without escapes.
    pub(crate) schema: &'a [u8],
    pub(crate) table: &'a [u8],
}

impl<'a> Head<'a> {
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        if text.len() > MAX_MESSAGE {
            return None;
        }
        let (action, mut rest) = text.strip_prefix(br#"{"action":""#)?.split_first()?;
        rest = rest.strip_prefix(b"\"")?;
        let action = match action {
            b'I' => Action::Insert,
            b'U' => Action::Update,
            b'D' => Action::Delete,
            b'T' => Action::Truncate,
            _ => return None,
        };
        let (mut header, mut keys) = (Header::default(), 0);
        if let Some(after) = rest.strip_prefix(br#","xid":"#) {
            let (xid, after) = unsigned(after)?;
            header.xid = Some(xid);
            rest = after;
            keys |= 1;
        }
        if let Some(after) = rest.strip_prefix(br#","timestamp":""#) {
            let (time, after) = split_string(after)?;
            match temporal::timestamp_with_zone(time)? {
                Moment::At(at) => header.timestamp = Some(at.micros()?),
                Moment::Infinity | Moment::MinusInfinity => return None,
            }
            rest = after;
            keys |= 2;
        }
        for (key, bit, place) in
            [(&br#","lsn":""#[..], 4, &mut header.lsn), (br#","nextlsn":""#, 8, &mut header.next_lsn)]
        {
            if let Some(after) = rest.strip_prefix(key) {
                let (lsn, after) = split_string(after)?;
                *place = Some(Lsn::parse(lsn)?);
                rest = after;
                keys |= bit;
            }
        }
        let (schema, after) = split_string(rest.strip_prefix(br#","schema":""#)?)?;
        let (table, _) = split_string(after.strip_prefix(br#","table":""#)?)?;
        Some(Self { header, action, keys, end: text.len() - rest.len(), schema, table })
    }
}

/// A line without its head and its values.
#[derive(Debug)]
pub(crate) struct Line {
    action: Action,
    keys: u8,
    /// What stands around the values, one piece after the other.
    around: Box<[u8]>,
    /// Length of the piece before each value.
    before: Box<[u32]>,
    has_identity: bool,
    /// `None`: the host does not want the table.
    plan: Option<Arc<ChangePlan>>,
}

impl Line {
    /// The line that was parsed into `change` and `header`, if one that differs only in its values would be parsed
    /// likewise.
    pub(crate) fn of(text: &[u8], change: &Change, header: &Header, plan: Option<Arc<ChangePlan>>) -> Option<Self> {
        let head = Head::read(text)?;
        if head.header != *header || head.action != change.action {
            return None;
        }
        let (mut around, mut before) = (Vec::new(), Vec::new());
        let mut end = head.end;
        for column in change.columns.iter().chain(&change.identity) {
            let token = column.value;
            if token == Token::ABSENT {
                return None;
            }
            // A string's token is without its quotes.
            let quote = usize::from(token.kind == Kind::String);
            let start = (token.start as usize).checked_sub(quote)?;
            let piece = text.get(end..start)?;
            around.extend_from_slice(piece);
            before.push(piece.len() as u32);
            end = token.end();
        }
        around.extend_from_slice(text.get(end..)?);
        Some(Self {
            action: head.action,
            keys: head.keys,
            around: around.into(),
            before: before.into(),
            has_identity: change.has_identity,
            plan,
        })
    }

    /// The plan, if `text` is such a line, of which `change` then has the values and nothing else.
    pub(crate) fn read(&self, text: &[u8], head: &Head<'_>, change: &mut Change) -> Option<Option<&Arc<ChangePlan>>> {
        if self.action != head.action || self.keys != head.keys {
            return None;
        }
        change.clear();
        let (mut around, mut rest) = (&*self.around, text.get(head.end..)?);
        change.values.resize(self.before.len(), Token::ABSENT);
        for (len, found) in self.before.iter().zip(&mut change.values) {
            let (piece, others) = around.split_at_checked(*len as usize)?;
            rest = value(text, rest.strip_prefix(piece)?, found)?;
            around = others;
        }
        if rest != around {
            return None;
        }
        (change.action, change.has_identity) = (self.action, self.has_identity);
        Some(self.plan.as_ref())
    }
}
