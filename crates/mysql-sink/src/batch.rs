//! Rows of a batch as SQL literals, put into groups of one statement form each.
//!
//! The groups, executed in their order, leave every key as the records in their order would: a row goes to a later group
//! than any earlier one of its key, or takes the place of that one where it overwrites all that it wrote.

use crate::fields::Source;
use crate::literal::{integer, text};
use crate::plan::Plan;
use crate::settings::InsertMode;
use connect_data::row_image::Image;
use connect_data::{Error, Result};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

/// What a row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Write,
    Delete,
}

/// A record's images and position.
pub(crate) struct Input<'a> {
    pub(crate) record: u32,
    pub(crate) key: Option<Image<'a>>,
    pub(crate) value: Option<Image<'a>>,
    pub(crate) headers: &'a [Image<'a>],
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Position of its record.
    pub(crate) record: u32,
    literal: Range<usize>,
    key: Range<usize>,
    live: bool,
}

/// Rows for statements of one form.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) plan: u32,
    pub(crate) action: Action,
    /// Number of the set of columns that are left out.
    pub(crate) omitted: u32,
    pub(crate) rows: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    table: u32,
    group: u32,
    row: u32,
    next: Option<u32>,
}

/// A batch under construction. Its buffers are kept from batch to batch.
#[derive(Debug)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    groups: Vec<Group>,
    used: usize,
    entries: Vec<Entry>,
    index: HashMap<u64, u32>,
    hasher: RandomState,
    omitted: Vec<Vec<u16>>,
    scratch: Vec<u16>,
    /// Whether later rows take the place of earlier ones.
    reduce: bool,
    /// Longest statement that the server takes.
    max_packet: usize,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            rows: Vec::new(),
            groups: Vec::new(),
            used: 0,
            entries: Vec::new(),
            index: HashMap::new(),
            hasher: RandomState::new(),
            omitted: vec![Vec::new()],
            scratch: Vec::new(),
            reduce: true,
            max_packet: usize::MAX,
        }
    }

    /// Empties it. Without `reduce` every record keeps its own row.
    pub(crate) fn start(&mut self, reduce: bool, max_packet: usize) {
        self.bytes.clear();
        self.rows.clear();
        for group in self.groups.iter_mut().take(self.used) {
            group.rows.clear();
        }
        self.used = 0;
        self.entries.clear();
        self.index.clear();
        self.omitted.truncate(1);
        self.reduce = reduce;
        self.max_packet = max_packet;
    }

    /// The groups in the order in which they are executed.
    pub(crate) fn groups(&self) -> &[Group] {
        self.groups.get(..self.used).unwrap_or(&[])
    }

    pub(crate) fn row(&self, row: u32) -> Option<&Row> {
        self.rows.get(row as usize).filter(|row| row.live)
    }

    /// The row's literal.
    pub(crate) fn literal(&self, row: &Row) -> &[u8] {
        self.bytes.get(row.literal.clone()).unwrap_or(&[])
    }

    /// The row's key, as literals.
    pub(crate) fn key(&self, row: &Row) -> &[u8] {
        self.bytes.get(row.key.clone()).unwrap_or(&[])
    }

    /// Columns that a group leaves out.
    pub(crate) fn omitted(&self, group: &Group) -> &[u16] {
        self.omitted.get(group.omitted as usize).map_or(&[], Vec::as_slice)
    }

    /// Drops rows that others took the place of, and sorts each statement's rows by their keys, so that transactions take
    /// their locks in one order.
    pub(crate) fn finish(&mut self, plans: &[Plan]) {
        for at in 0..self.used {
            let Some(group) = self.groups.get_mut(at) else { continue };
            let mut rows = std::mem::take(&mut group.rows);
            let plan = plans.get(group.plan as usize);
            rows.retain(|row| self.row(*row).is_some());
            if let Some(plan) = plan.filter(|plan| self.reduce && !plan.ordered && !plan.keys.is_empty()) {
                let key = |row: &u32| self.row(*row).map_or(&[][..], |row| self.key(row));
                if plan.numeric_key {
                    rows.sort_by(|a, b| {
                        let (a, b) = (key(a), key(b));
                        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
                    });
                } else {
                    rows.sort_by(|a, b| key(a).cmp(key(b)));
                }
            }
            if let Some(group) = self.groups.get_mut(at) {
                group.rows = rows;
            }
        }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// Data: a value that MySQL cannot store, a null in the key; the batch is as it was before.
    pub(crate) fn add(
        &mut self,
        plan: &Plan,
        number: u32,
        action: Action,
        input: &Input<'_>,
        placeholder: &[u8],
    ) -> Result<()> {
        let start = self.bytes.len();
        self.scratch.clear();
        let written = match (action, plan.mode) {
            (Action::Delete, _) => self.write_deleted_key(plan, input),
            (Action::Write, InsertMode::Update) => self.write_update(plan, input, placeholder),
            (Action::Write, _) => self.write_row(plan, input, placeholder),
        };
        let literal = start..self.bytes.len();
        let key = match written.and_then(|()| self.write_key(plan, input)) {
            Ok(key) => key,
            Err(error) => {
                self.bytes.truncate(start);
                return Err(error);
            }
        };
        if literal.len() + plan.overhead > self.max_packet {
            self.bytes.truncate(start);
            return Err(Error::data(
                "mysql.packet",
                format!(
                    "expected a row that fits a statement of {} bytes (max_allowed_packet of the server), found a longer one",
                    self.max_packet
                ),
            ));
        }
        if literal.is_empty() {
            return Ok(());
        }
        let omitted = self.intern_omitted();
        let row = Row { record: input.record, literal, key, live: true };
        self.place(plan, (number, action, omitted), row);
        Ok(())
    }

    /// Puts a row into a group.
    fn place(&mut self, plan: &Plan, form: (u32, Action, u32), row: Row) {
        if plan.keys.is_empty() {
            let group = self.group(form, None, plan.ordered || !self.reduce);
            self.push(group, row);
            return;
        }
        let hash = self.hasher.hash_one((plan.table, self.key(&row)));
        let found = self.find(hash, plan.table, &row);
        let mut after = None;
        if let Some(entry) = found {
            let (group, earlier) = self.entries.get(entry).map_or((0, 0), |entry| (entry.group, entry.row));
            let same = self.groups.get(group as usize).is_some_and(|g| (g.plan, g.action, g.omitted) == form);
            let newest = !plan.ordered || group as usize + 1 == self.used;
            let overwrites = self.reduce && (form.1 == Action::Delete || plan.mode != InsertMode::Insert);
            if overwrites && same && newest {
                if let Some(place) = self.rows.get_mut(earlier as usize) {
                    *place = row;
                }
                return;
            }
            if overwrites
                && form.1 == Action::Delete
                && !plan.ordered
                && let Some(earlier) = self.rows.get_mut(earlier as usize)
                && self.groups.get(group as usize).is_some_and(|group| group.action == Action::Write)
            {
                earlier.live = false;
            }
            after = Some(group);
        }
        let group = self.group(form, after, plan.ordered || !self.reduce);
        let number = self.push(group, row);
        match found.and_then(|entry| self.entries.get_mut(entry)) {
            Some(entry) => (entry.group, entry.row) = (group, number),
            None => {
                let next = self.index.insert(hash, self.entries.len() as u32);
                self.entries.push(Entry { table: plan.table, group, row: number, next });
            }
        }
    }

    fn push(&mut self, group: u32, row: Row) -> u32 {
        let number = self.rows.len() as u32;
        self.rows.push(row);
        if let Some(group) = self.groups.get_mut(group as usize) {
            group.rows.push(number);
        }
        number
    }

    /// The entry of the row's key.
    fn find(&self, hash: u64, table: u32, row: &Row) -> Option<usize> {
        let mut next = self.index.get(&hash).copied();
        while let Some(at) = next {
            let entry = self.entries.get(at as usize)?;
            let other = self.rows.get(entry.row as usize)?;
            if entry.table == table && self.key(other) == self.key(row) {
                return Some(at as usize);
            }
            next = entry.next;
        }
        None
    }

    /// A group of this form after another one: the first there is, or a new one at the end. In order only the last group
    /// will do.
    fn group(&mut self, form: (u32, Action, u32), after: Option<u32>, ordered: bool) -> u32 {
        let first = after.map_or(0, |after| after as usize + 1);
        let first = if ordered { first.max(self.used.saturating_sub(1)) } else { first };
        let found = self.groups().iter().enumerate().skip(first).find(|(_, g)| (g.plan, g.action, g.omitted) == form);
        if let Some((at, _)) = found {
            return at as u32;
        }
        let (plan, action, omitted) = form;
        match self.groups.get_mut(self.used) {
            Some(group) => (group.plan, group.action, group.omitted) = form,
            None => self.groups.push(Group { plan, action, omitted, rows: Vec::new() }),
        }
        self.used += 1;
        self.used as u32 - 1
    }

    fn intern_omitted(&mut self) -> u32 {
        if self.scratch.is_empty() {
            return 0;
        }
        match self.omitted.iter().position(|set| *set == self.scratch) {
            Some(at) => at as u32,
            None => {
                self.omitted.push(self.scratch.clone());
                self.omitted.len() as u32 - 1
            }
        }
    }

    /// `(1,'spaghetti',8,'false')`
    fn write_row(&mut self, plan: &Plan, input: &Input<'_>, placeholder: &[u8]) -> Result<()> {
        self.bytes.push(b'(');
        let mut any = false;
        for (i, column) in plan.columns.iter().enumerate() {
            let before = self.bytes.len();
            if any {
                self.bytes.push(b',');
            }
            if self.write_column(plan, i, input, placeholder).map_err(|error| error.field(&column.name))? {
                any = true;
            } else {
                self.bytes.truncate(before);
                self.scratch.push(i as u16);
            }
        }
        self.bytes.push(b')');
        Ok(())
    }

    /// ``UPDATE `t` SET `a`=1 WHERE `k`=2``; nothing if there is nothing to set.
    fn write_update(&mut self, plan: &Plan, input: &Input<'_>, placeholder: &[u8]) -> Result<()> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(b"UPDATE ");
        self.bytes.extend_from_slice(plan.table_sql.as_bytes());
        self.bytes.extend_from_slice(b" SET ");
        let mut any = false;
        for (i, column) in plan.columns.iter().enumerate().filter(|(_, column)| !column.key) {
            let before = self.bytes.len();
            if any {
                self.bytes.push(b',');
            }
            self.bytes.extend_from_slice(column.sql.as_bytes());
            self.bytes.push(b'=');
            if self.write_column(plan, i, input, placeholder).map_err(|error| error.field(&column.name))? {
                any = true;
            } else {
                self.bytes.truncate(before);
                self.scratch.push(i as u16);
            }
        }
        if !any {
            self.bytes.truncate(start);
            return Ok(());
        }
        self.bytes.extend_from_slice(b" WHERE ");
        self.write_condition(plan, input)
    }

    /// What stands between the brackets of `IN`: the literal of a key of one column, the tuple `(1,2)` of others.
    fn write_deleted_key(&mut self, plan: &Plan, input: &Input<'_>) -> Result<()> {
        if let [_] = plan.keys.as_slice() {
            return self.write_key(plan, input).map(drop);
        }
        self.bytes.push(b'(');
        self.write_key(plan, input)?;
        self.bytes.push(b')');
        Ok(())
    }

    fn write_condition(&mut self, plan: &Plan, input: &Input<'_>) -> Result<()> {
        for (n, key) in plan.keys.iter().enumerate() {
            let Some(column) = plan.columns.get(*key) else { continue };
            if n != 0 {
                self.bytes.extend_from_slice(b" AND ");
            }
            self.bytes.extend_from_slice(column.sql.as_bytes());
            self.bytes.push(b'=');
            self.write_column(plan, *key, input, &[]).map_err(|error| error.field(&column.name))?;
        }
        Ok(())
    }

    /// The key's literals with commas between them.
    fn write_key(&mut self, plan: &Plan, input: &Input<'_>) -> Result<Range<usize>> {
        let start = self.bytes.len();
        for (n, key) in plan.keys.iter().enumerate() {
            let Some(column) = plan.columns.get(*key) else { continue };
            if n != 0 {
                self.bytes.push(b',');
            }
            self.write_column(plan, *key, input, &[]).map_err(|error| error.field(&column.name))?;
        }
        Ok(start..self.bytes.len())
    }

    /// Writes a column's literal; false if its value is unavailable.
    fn write_column(&mut self, plan: &Plan, at: usize, input: &Input<'_>, placeholder: &[u8]) -> Result<bool> {
        let Some(column) = plan.columns.get(at) else { return Ok(false) };
        let out = &mut self.bytes;
        let (image, slot) = match column.source {
            Source::Value(slot) => (input.value.as_ref(), slot as usize),
            Source::Key(slot) => (input.key.as_ref(), slot as usize),
            Source::Header(n) => (input.headers.get(n as usize), 0),
            Source::Topic => {
                text(input.topic, out);
                return Ok(true);
            }
            Source::Partition => {
                integer(i64::from(input.partition), out);
                return Ok(true);
            }
            Source::Offset => {
                integer(input.offset, out);
                return Ok(true);
            }
        };
        let Some(image) = image else {
            return Err(Error::data("mysql.record", "expected a key, value or header for the column, found none"));
        };
        if image.is_unavailable(slot) {
            return if column.key { Err(unavailable_key()) } else { Ok(false) };
        }
        if image.is_null(slot) {
            if column.key {
                return Err(Error::data("mysql.null-key", "expected a value in the primary key, found null"));
            }
            out.extend_from_slice(&column.null);
            return Ok(true);
        }
        if !column.key && !placeholder.is_empty() && column.encoder.is_text() && image.bytes(slot)? == placeholder {
            return Ok(false);
        }
        column.encoder.write(image, slot, out)?;
        Ok(true)
    }
}

fn unavailable_key() -> Error {
    Error::data("mysql.unavailable-key", "expected a value in the primary key, found one that the source did not send")
        .hint("ALTER TABLE ... REPLICA IDENTITY FULL in PostgreSQL makes it send them")
}
