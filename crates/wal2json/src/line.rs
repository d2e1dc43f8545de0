//! Lines of format 2 that differ from an earlier one only in their values. What stands around the values is the same in
//! all messages of one shape, so that it is compared instead of parsed, and brings the plan along. Whatever is unusual
//! gives `None`, and then the line is parsed.

use crate::lexer::{split_string, unsigned, value};
use crate::lsn::Lsn;
use crate::message::{Action, Change, Header, MAX_MESSAGE};
use crate::plan::ChangePlan;
use crate::scan::{Kind, Token};
use crate::tables::write_key;
use crate::temporal::{self, Moment};
use std::sync::Arc;

/// What stands before the name of the table, in the order in which wal2json prints it.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) header: Header,
    action: Action,
    /// One bit for each key that is there: the rest of a line may hold the others.
    keys: u8,
    /// Where the rest begins.
    end: usize,
}

impl Head {
    /// The head of a line, whose table is then that of `recent`.
    pub(crate) fn read(text: &[u8], recent: &mut Recent) -> Option<Self> {
        if text.len() > MAX_MESSAGE {
            return None;
        }
        let (action, rest) = after(text, br#"{"action":""#)?.split_first()?;
        let mut rest = after(rest, b"\"")?;
        let action = match action {
            b'I' => Action::Insert,
            b'U' => Action::Update,
            b'D' => Action::Delete,
            b'T' => Action::Truncate,
            _ => return None,
        };
        let (mut header, mut keys) = (Header::default(), 0);
        if let Some(value) = after(rest, br#","xid":"#) {
            let (xid, others) = unsigned(value)?;
            header.xid = Some(xid);
            rest = others;
            keys |= 1;
        }
        if let Some(value) = after(rest, br#","timestamp":""#) {
            rest = recent.timestamp(value)?;
            header.timestamp = Some(recent.micros);
            keys |= 2;
        }
        if let Some(value) = after(rest, br#","lsn":""#) {
            let (lsn, others) = split_string(value)?;
            header.lsn = Some(Lsn::parse(lsn)?);
            rest = others;
            keys |= 4;
        }
        if let Some(value) = after(rest, br#","nextlsn":""#) {
            let (lsn, others) = split_string(value)?;
            header.next_lsn = Some(Lsn::parse(lsn)?);
            rest = others;
            keys |= 8;
        }
        recent.table(rest)?;
        Some(Self { header, action, keys, end: text.len() - rest.len() })
    }
}

/// What the last line said. Mostly the next one is of the same transaction, and of the same table.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// The timestamp as it is written, with the quote behind it.
    timestamp: Vec<u8>,
    micros: i64,
    /// The names of the table as they are written, with their keys.
    names: Vec<u8>,
    /// The same as [`table_key`](crate::tables::table_key) writes them.
    table_key: Vec<u8>,
}

impl Recent {
    pub(crate) fn table_key(&self) -> &[u8] {
        &self.table_key
    }

    /// Takes a timestamp; what follows it.
    fn timestamp<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        if !self.timestamp.is_empty()
            && let Some(others) = text.strip_prefix(self.timestamp.as_slice())
        {
            return Some(others);
        }
        let (time, others) = split_string(text)?;
        let Some(Moment::At(at)) = temporal::timestamp_with_zone(time) else { return None };
        self.micros = at.micros()?;
        self.timestamp.clear();
        self.timestamp.extend_from_slice(text.get(..=time.len())?);
        Some(others)
    }

    /// Takes the names of a table.
    fn table(&mut self, text: &[u8]) -> Option<()> {
        if !self.names.is_empty() && text.starts_with(&self.names) {
            return Some(());
        }
        let (schema, others) = split_string(after(text, br#","schema":""#)?)?;
        let (table, others) = split_string(after(others, br#","table":""#)?)?;
        self.table_key.clear();
        write_key(schema, table, &mut self.table_key);
        self.names.clear();
        self.names.extend_from_slice(text.get(..text.len() - others.len())?);
        Some(())
    }
}

/// What stands behind a key, which is compared in place, being as short as it is.
#[inline(always)]
fn after<'a, const N: usize>(text: &'a [u8], key: &[u8; N]) -> Option<&'a [u8]> {
    let (front, after) = text.split_first_chunk()?;
    if front == key { Some(after) } else { None }
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
    pub(crate) fn of(
        text: &[u8],
        head: &Head,
        change: &Change,
        header: &Header,
        plan: Option<Arc<ChangePlan>>,
    ) -> Option<Self> {
        if change.values.contains(&Token::ABSENT) || head.header != *header || head.action != change.action {
            return None;
        }
        let (mut around, mut before) = (Vec::new(), Vec::new());
        let mut end = head.end;
        for column in change.columns.iter().chain(&change.identity) {
            let token = column.value;
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
    pub(crate) fn read(&self, text: &[u8], head: &Head, change: &mut Change) -> Option<Option<&Arc<ChangePlan>>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::check_text;
    use crate::tables::table_key;
    use crate::v2;

    const LINES: [&str; 5] = [
        r#"{"action":"U","xid":701,"timestamp":"2026-11-23 10:00:00.123456+00","lsn":"0/16B3748","nextlsn":"0/16B3800","schema":"public","table":"items","columns":[{"name":"id","type":"integer","value":12},{"name":"name","type":"text","value":"hollow spaghetti, no 7"},{"name":"weight","type":"double precision","value":-0.875},{"name":"active","type":"boolean","value":true},{"name":"none","type":"text","value":null}],"identity":[{"name":"id","type":"integer","value":12}],"pk":[{"name":"id","type":"integer"}]}"#,
        r#"{"action":"I","schema":"s é","table":"t","columns":[{"name":"a","type":"integer","typeoid":23,"value":1,"optional":false,"position":1,"default":"7"},{"name":"b\n","type":"text","value":"é\"\u00e9","optional":true}]}"#,
        r#"{"action":"D","xid":0,"schema":"s","table":"t","identity":[{"name":"a","value":1e3},{"name":"b","value":"x"}]}"#,
        r#"{"action":"U","xid":5,"schema":"s","table":"t", "columns" : [ {"name":"a", "value":false , "x":[1,{"y":null}]} ], "identity":[]} "#,
        r#"{"action":"T","schema":"s","table":"table_1"}"#,
    ];

    /// All that is known after a line was parsed, but what the plan stands for.
    fn parsed(text: &[u8]) -> Option<(Header, Change)> {
        let mut change = Change::default();
        let header = check_text(text).and_then(|()| v2::parse(text, &mut change)).ok()?;
        Some((header, change))
    }

    fn remembered(text: &[u8]) -> Option<Line> {
        let (header, change) = parsed(text)?;
        Line::of(text, &Head::read(text, &mut Recent::default())?, &change, &header, None)
    }

    fn line(text: &[u8]) -> Line {
        remembered(text).unwrap()
    }

    /// What the texts of a message's columns say beside their values.
    fn descriptions(text: &[u8], change: &Change) -> Vec<String> {
        let columns = change.columns.iter().chain(&change.identity).map(|column| {
            let default = column.default.map(|token| (token.kind, token.raw(text)));
            format!("{:?}", (column.name.raw(text), column.data_type.raw(text), column.optional, default))
        });
        let pk = change.pk.iter().map(|token| format!("{:?}", token.raw(text)));
        let names = [change.schema, change.table].map(|token| format!("{:?}", token.map(|token| token.raw(text))));
        columns.chain(pk).chain(names).collect()
    }

    /// Whether the text is read without being parsed; if so, as if it had been.
    fn familiar(line: &Line, original: &[u8], text: &[u8]) -> bool {
        let mut change = Change::default();
        let mut recent = Recent::default();
        let first = Head::read(text, &mut recent).map(|head| head.header);
        // Also as the line after another one.
        Head::read(original, &mut recent);
        let Some(head) = Head::read(text, &mut recent) else { return false };
        assert!(first.is_none_or(|first| first == head.header));
        if line.read(text, &head, &mut change).is_none() {
            return false;
        }
        let (header, expected) = parsed(text).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(text)));
        assert_eq!(head.header, header);
        let mut key = Vec::new();
        table_key(text, &expected, &mut key).unwrap();
        assert_eq!(recent.table_key(), key);
        assert_eq!(change.values, expected.values, "{}", String::from_utf8_lossy(text));
        assert_eq!((change.action, change.has_identity), (expected.action, expected.has_identity));
        let (_, known) = parsed(original).unwrap();
        assert_eq!(descriptions(text, &expected), descriptions(original, &known));
        assert_eq!(expected.has_pk, known.has_pk);
        true
    }

    #[test]
    fn what_is_read_without_parsing_would_be_parsed_likewise() {
        for original in LINES.map(str::as_bytes) {
            let line = line(original);
            assert!(familiar(&line, original, original));
            let mut read = 0;
            for at in 0..original.len() {
                assert!(!familiar(&line, original, &original[..at]));
                for byte in *b"\"\\{}[],:0159.-+eE unft\x00\x1F\x7F\x80\xC3\xE9\xFF" {
                    let mut changed = original.to_vec();
                    changed[at] = byte;
                    read += usize::from(familiar(&line, original, &changed));
                    changed[at] = original[at];
                    changed.insert(at, byte);
                    read += usize::from(familiar(&line, original, &changed));
                }
                let mut shorter = original.to_vec();
                shorter.remove(at);
                read += usize::from(familiar(&line, original, &shorter));
            }
            assert!(read > 10 || original.ends_with(b"_1\"}"), "{read}");
        }
    }

    #[test]
    fn every_value_is_read_in_the_place_of_every_other() {
        let values = [
            "0",
            "-0",
            "12345678",
            "123456789012345678901234567890",
            "-1.5",
            "0.000000001",
            "1e5",
            "-2.5E-10",
            "null",
            "true",
            "false",
            "\"\"",
            "\"1234567\"",
            "\"12345678\"",
            "\"123456789 é 😀\"",
            r#""a\"b""#,
            r#""\\""#,
            r#""\u00e9\ud83d\ude00""#,
            "\"\u{7f}\"",
        ];
        for value in values {
            let original =
                format!(r#"{{"action":"I","schema":"s","table":"t","columns":[{{"name":"a","value":{value}}}]}}"#);
            let line = line(original.as_bytes());
            for other in values {
                let text = original.replace(&format!(":{value}}}"), &format!(":{other}}}"));
                assert!(familiar(&line, original.as_bytes(), text.as_bytes()), "{text}");
            }
            for wrong in
                ["01", "-", "1.", ".5", "1e", "+1", "nul", "nulL", "True", "\"", "\"\\x\"", "\"\t\"", "[]", "{}", ""]
            {
                let text = original.replace(&format!(":{value}}}"), &format!(":{wrong}}}"));
                assert!(!familiar(&line, original.as_bytes(), text.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn one_line_is_not_another() {
        for (i, line_text) in LINES.iter().enumerate() {
            let line = line(line_text.as_bytes());
            for (j, other) in LINES.iter().enumerate() {
                assert_eq!(familiar(&line, line_text.as_bytes(), other.as_bytes()), i == j);
            }
        }
        // The same text behind the head, but other keys in it: this one would come twice.
        let late = r#"{"action":"D","schema":"s","table":"t","identity":[{"name":"a","value":1}],"xid":null}"#;
        let twice = late.replace("\"D\"", "\"D\",\"xid\":5");
        assert!(!familiar(&line(late.as_bytes()), late.as_bytes(), twice.as_bytes()));
    }

    #[test]
    fn unusual_lines_are_always_parsed() {
        for text in [
            // Something of the head stands elsewhere, and would be taken for constant.
            r#"{"action":"D","schema":"s","table":"t","identity":[{"name":"a","value":1}],"xid":7}"#,
            r#"{"action":"D","xid": 7,"schema":"s","table":"t","identity":[{"name":"a","value":1}]}"#,
            r#"{"action":"D","timestamp":"infinity","schema":"s","table":"t"}"#,
            r#"{"action":"D","table":"t","schema":"s","identity":[{"name":"a","value":1}]}"#,
            r#"{"action":"D","schema":"s\n","table":"t","identity":[{"name":"a","value":1}]}"#,
            r#"{"schema":"s","table":"t","action":"D"}"#,
            // No value, or in another order.
            r#"{"action":"D","schema":"s","table":"t","identity":[{"name":"a"}]}"#,
            r#"{"action":"U","schema":"s","table":"t","identity":[{"name":"a","value":1}],"columns":[{"name":"a","value":1}]}"#,
            // No row.
            r#"{"action":"B","xid":7}"#,
        ] {
            assert!(remembered(text.as_bytes()).is_none(), "{text}");
        }
    }
}
