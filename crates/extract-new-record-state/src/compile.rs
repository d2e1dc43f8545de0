//! Settings and schemas to plans: the order of work of `ExtractNewRecordState.apply`, done once.

use crate::budget::{Budget, Budgeted};
use crate::claims::{Added, ClaimKey, Claims};
use crate::config::{DeleteMode, DropFields, Semantics, Settings};
use crate::field_reference::{FieldReference, java_trim};
use crate::input::{At, Input};
use crate::plan::{
    Branch, Carry, Change, Envelope, HeaderAdd, KeyProgram, Plan, Program, Select, Shape, Source, Tombstone, Topic,
    ValuePlan, ValueProgram,
};
use crate::resolve::{Resolved, accepts, field_schema, header_schema, resolve};
use crate::row::{self, AddedFrom, Row, exists, text_cells, text_constant};
use connect_data::row_image::Layout;
use connect_data::{Error, ErrorKind, Node, Result, Schema, SchemaId, SchemaStore, Type, schema_codec};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Suffix of an envelope's schema name.
const ENVELOPE: &str = ".Envelope";

pub(crate) struct Compiler<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) store: &'a dyn SchemaStore,
    pub(crate) claims: &'a Claims,
    pub(crate) budget: &'a Budget,
}

/// What a program is for, besides the value's schema.
pub(crate) struct Selected<'a> {
    pub(crate) shape: Shape,
    pub(crate) operation: Option<&'a str>,
    pub(crate) key_schema: SchemaId,
    /// Fields to drop; empty = none.
    pub(crate) dropped: &'a [Dropped],
}

/// An item of the list of fields to drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    Null,
    Name(String),
    /// The text of what is no string: it names a field only where texts are all that is looked at.
    Other(String),
}

impl Compiler<'_> {
    fn modern(&self) -> bool {
        self.settings.semantics == Semantics::Modern
    }

    /// The plan for records with this value schema. What is wrong with the records is part of the plan.
    ///
    /// # Errors
    /// Internal: the store does not know the schema.
    pub(crate) fn plan(&self, value_schema: SchemaId) -> Result<Plan> {
        Ok(Plan { tombstone: self.tombstone()?, value: self.value_plan(value_schema)? })
    }

    fn tombstone(&self) -> Result<Tombstone> {
        if self.settings.deletes == DeleteMode::Unknown {
            return Ok(Tombstone::Fail(unknown_mode()));
        }
        if !self.settings.keep_tombstones {
            return Ok(Tombstone::Drop);
        }
        let mut headers = Vec::new();
        for reference in self.settings.headers.iter().filter(|reference| reference.is_operation()) {
            let constant = text_constant(Schema::primitive(Node::new(Type::String)), "d", self.store)?;
            headers.push(HeaderAdd {
                name: reference.name.clone(),
                schema: constant.schema,
                schema_of_null: constant.schema,
                from: Source::Constant(constant),
                carry: Carry::Cells(text_cells()),
                inputs: None,
            });
        }
        Ok(Tombstone::Keep(headers))
    }

    fn value_plan(&self, schema: SchemaId) -> Result<ValuePlan> {
        if schema == 0 {
            return Ok(ValuePlan::Pass);
        }
        let input = self.input(schema)?;
        if !input.schema.root().name.as_deref().is_some_and(|name| name.ends_with(ENVELOPE)) {
            return Ok(ValuePlan::Pass);
        }
        or_fail(self.envelope(&input).map(|envelope| ValuePlan::Envelope(Box::new(envelope))), ValuePlan::Fail)
    }

    fn input(&self, schema: SchemaId) -> Result<Arc<Input>> {
        let schema = self.store.get(schema).ok_or_else(|| {
            Error::internal("enrs.schema-id", format!("expected an interned schema, found the unknown number {schema}"))
        })?;
        Ok(Arc::new(Input::new(schema)))
    }

    fn envelope(&self, input: &Arc<Input>) -> Result<Envelope> {
        let after = input.require(&input.root(), "after")?;
        let before = input.field(&input.root(), "before")?;
        let headers = self.headers(input)?;
        let mut branches = [Branch::Drop, Branch::Drop, Branch::Drop];
        for (shape, branch) in Shape::ALL.into_iter().zip(&mut branches) {
            *branch = or_fail(self.branch(input, shape, &after, before.as_ref(), &headers), Branch::Fail)?;
        }
        let slots = input.layout.slots() as u32;
        // 1.7 takes the topic of a delete from `before` as it is, before anything gives it its default.
        let before_default = before.as_ref().filter(|_| self.modern() || self.settings.route_by.is_none());
        Ok(Envelope {
            slots,
            after_default: input.default_of(after.node, self.store)?,
            before_default: before_default.map_or(Ok(None), |at| input.default_of(at.node, self.store))?,
            after: after.place,
            before: before.map(|before| before.place),
            branches,
        })
    }

    fn headers(&self, input: &Arc<Input>) -> Result<Vec<HeaderAdd>> {
        let mut headers = Vec::new();
        for reference in &self.settings.headers {
            let resolved = self.resolve(input, reference).map_err(|error| error.hint("add.headers names it"))?;
            match resolved {
                Resolved::Skipped => {}
                Resolved::Nowhere { error, .. } => return Err(error.hint("add.headers names it")),
                Resolved::Found { at, from } => {
                    let header = Arc::new(header_schema(input, &at)?);
                    let schema = self.store.intern(header.clone())?;
                    let schema_of_null = self.store.intern(Arc::new(field_schema(input, &at)?))?;
                    let carry = input.carry(&at);
                    let is_whole = matches!(carry, Carry::Whole { .. });
                    let inputs = is_whole.then(|| [input.clone(), Arc::new(Input::new(header))]);
                    headers.push(HeaderAdd {
                        name: reference.name.clone(),
                        schema,
                        schema_of_null,
                        from,
                        carry,
                        inputs,
                    });
                }
            }
        }
        Ok(headers)
    }

    fn resolve(&self, input: &Arc<Input>, reference: &FieldReference) -> Result<Resolved> {
        let resolved = resolve(self.settings.semantics, input, reference, self.store);
        resolved.map_err(|error| match &reference.parent {
            Some(parent) if error.code() == "enrs.not-struct" => error.field(parent),
            _ => error,
        })
    }

    fn branch(
        &self,
        input: &Arc<Input>,
        shape: Shape,
        after: &At,
        before: Option<&At>,
        headers: &[HeaderAdd],
    ) -> Result<Branch> {
        let deletes = self.settings.deletes;
        let topic = match shape {
            Shape::After | Shape::Before if deletes == DeleteMode::Unknown => return Err(unknown_mode()),
            Shape::After => {
                let mut row = Row::new(input, after.clone(), "after")?;
                if self.modern() {
                    self.rewrite(&mut row, "false")?;
                }
                self.topic(&row)?
            }
            Shape::Before if self.modern() && deletes == DeleteMode::Drop => return Ok(Branch::Drop),
            Shape::Before => {
                let before = before.ok_or_else(no_before)?;
                let topic = match &self.settings.route_by {
                    None => None,
                    Some(_) => self.topic(&Row::new(input, before.clone(), "before")?)?,
                };
                match deletes {
                    DeleteMode::Drop => return Ok(Branch::Drop),
                    DeleteMode::Rewrite => input.expect_struct(before).map_err(|error| error.field("before"))?,
                    DeleteMode::Null | DeleteMode::Tombstone | DeleteMode::Unknown => {}
                }
                // 1.7 rebuilds such a record from the original and so loses the topic.
                topic.filter(|_| self.modern() || deletes != DeleteMode::Rewrite)
            }
            Shape::Neither if self.modern() => return before.map(|_| Branch::Drop).ok_or_else(no_before),
            Shape::Neither if self.settings.route_by.is_some() => {
                return Err(no_before().hint("route.by.field reads `before` of deletes"));
            }
            Shape::Neither if deletes == DeleteMode::Drop => return Ok(Branch::Drop),
            Shape::Neither if deletes == DeleteMode::Rewrite => return Err(no_before()),
            Shape::Neither => None,
        };
        let mut select = Select::default();
        if self.has_row(shape) {
            select.operation = self.operation(input)?;
        }
        if let Some(drop) = &self.settings.drop_fields {
            select.dropped = Some(drop.header.clone());
            select.key = drop.from_key;
        }
        Ok(Branch::Change(Box::new(Change { headers: headers.to_vec(), topic, select })))
    }

    /// Whether records of this shape, if not dropped, get a row.
    fn has_row(&self, shape: Shape) -> bool {
        shape == Shape::After || (shape == Shape::Before && self.settings.deletes == DeleteMode::Rewrite)
    }

    fn topic(&self, row: &Row<'_>) -> Result<Option<Topic>> {
        let Some(name) = &self.settings.route_by else {
            return Ok(None);
        };
        Ok(Some(Topic { from: row.text(name, self.store)?, keep_if_blank: self.modern() }))
    }

    /// 3.x reads the operation for its cache even where the result does not depend on it.
    fn operation(&self, input: &Arc<Input>) -> Result<Option<crate::plan::Place>> {
        if !self.modern() {
            return Ok(None);
        }
        let at = input.require(&input.root(), "op")?;
        match input.kind(&at) {
            Type::String => Ok((!self.settings.fields.is_empty()).then_some(at.place)),
            kind => Err(Error::data("enrs.operation", format!("expected a string, found {}", kind.name())).field("op")),
        }
    }

    /// What becomes of key and value of records with this schema that are not dropped. What is wrong with them is part
    /// of the program.
    ///
    /// # Errors
    /// Internal: the store does not know a schema.
    pub(crate) fn program(&self, value_schema: SchemaId, selected: &Selected<'_>) -> Result<Program> {
        if selected.dropped.is_empty() {
            return self.compiled(value_schema, selected);
        }
        let store = &Budgeted { store: self.store, budget: self.budget };
        Compiler { store, ..*self }.compiled(value_schema, selected)
    }

    fn compiled(&self, value_schema: SchemaId, selected: &Selected<'_>) -> Result<Program> {
        let input = self.input(value_schema)?;
        let key = match self.settings.drop_fields.as_ref().filter(|drop| drop.from_key && !selected.dropped.is_empty())
        {
            None => KeyProgram::Keep,
            Some(drop) => or_fail(self.key(drop, selected), KeyProgram::Fail)?,
        };
        let value = or_fail(self.value(&input, selected), ValueProgram::Fail)?;
        Ok(Program { key, value })
    }

    fn key(&self, drop: &DropFields, selected: &Selected<'_>) -> Result<KeyProgram> {
        if selected.key_schema == 0 {
            if drop.keep_compatible {
                return Err(Error::data("enrs.drop-fields", "expected a key with a schema, found none")
                    .field("key")
                    .hint("set drop.fields.keep.schema.compatible=false or drop.fields.from.key=false"));
            }
            return Ok(KeyProgram::RemoveEntries(excluded(texts(selected.dropped)).into_iter().collect()));
        }
        let input = self.input(selected.key_schema)?;
        let mut row = Row::new(&input, input.root(), "key")?;
        match to_drop(drop, selected.dropped, &row) {
            None => Ok(KeyProgram::Keep),
            Some(names) => {
                row.remove(&names)?;
                row.finish(self.store, None).map(KeyProgram::Rebuild)
            }
        }
    }

    fn value(&self, input: &Arc<Input>, selected: &Selected<'_>) -> Result<ValueProgram> {
        if !self.has_row(selected.shape) {
            return self.null_value(input, selected);
        }
        let shape = selected.shape;
        let (name, deleted) = if shape == Shape::After { ("after", "false") } else { ("before", "true") };
        let at = input.require(&input.root(), name)?;
        let mut row = Row::new(input, at, name)?;
        if self.modern() {
            self.rewrite(&mut row, deleted)?;
            if shape == Shape::Before {
                self.drop_fields(&mut row, selected)?;
            }
            self.add_fields(&mut row, input, selected)?;
            if shape == Shape::After {
                self.drop_fields(&mut row, selected)?;
            }
        } else {
            self.add_fields(&mut row, input, selected)?;
            self.rewrite(&mut row, deleted)?;
        }
        row.finish(self.store, self.settings.unavailable.as_ref()).map(ValueProgram::Rebuild)
    }

    /// A delete that becomes null: with the schema of `after`, or without.
    fn null_value(&self, input: &Arc<Input>, selected: &Selected<'_>) -> Result<ValueProgram> {
        let at = input.require(&input.root(), "after")?;
        // Debezium looks for optional fields in the new value's schema even if that value is null.
        if self.settings.drop_fields.as_ref().is_some_and(|d| d.keep_compatible) && !selected.dropped.is_empty() {
            if self.settings.deletes == DeleteMode::Tombstone {
                return Err(Error::data(
                    "enrs.drop-fields",
                    "expected a value with a schema to drop optional fields from, found none",
                )
                .hint("set drop.fields.keep.schema.compatible=false or another delete.tombstone.handling.mode"));
            }
            input.expect_struct(&at)?;
        }
        if self.settings.deletes == DeleteMode::Tombstone {
            return Ok(ValueProgram::Null { schema: 0, slots: 1 });
        }
        let schema = input.schema.subschema(at.node)?;
        let slots = Layout::of(&schema).slots() as u32;
        Ok(ValueProgram::Null { schema: self.store.intern(Arc::new(schema))?, slots })
    }

    /// `InsertField` of `__deleted`, in the modes that rewrite deletes.
    fn rewrite(&self, row: &mut Row<'_>, deleted: &'static str) -> Result<()> {
        if self.settings.deletes != DeleteMode::Rewrite {
            return Ok(());
        }
        row.copy(self.settings.replace_null || !self.modern())?;
        row.mark(deleted)
    }

    fn drop_fields(&self, row: &mut Row<'_>, selected: &Selected<'_>) -> Result<()> {
        let drop = self.settings.drop_fields.as_ref().filter(|_| !selected.dropped.is_empty());
        match drop.and_then(|drop| to_drop(drop, selected.dropped, row)) {
            None => Ok(()),
            Some(names) => row.remove(&names),
        }
    }

    fn add_fields(&self, row: &mut Row<'_>, input: &Arc<Input>, selected: &Selected<'_>) -> Result<()> {
        if self.settings.fields.is_empty() {
            return row.copy(!self.modern());
        }
        let key = ClaimKey {
            row: schema_codec::to_bytes(&row.schema()?)?,
            operation: selected.operation.filter(|_| self.modern()).map(str::to_owned),
        };
        let named = |error: Error| match error.hint_text() {
            None => error.hint("add.fields names it"),
            Some(_) => error,
        };
        let claimed = self.claims.get_or_insert(key, || self.claim(row, input)).map_err(named)?;
        row.copy(!self.modern())?;
        let mut references = Vec::new();
        for reference in &self.settings.fields {
            let resolved = self.resolve(input, reference).map_err(named)?;
            let known = claimed.iter().any(|(name, _)| *name == reference.name);
            match resolved {
                Resolved::Skipped => {}
                _ if !known => return Err(first_without(reference)),
                resolved => references.push((&reference.name, resolved)),
            }
        }
        for (name, schema) in claimed.iter() {
            let from = match references.iter().find(|(reference, _)| *reference == name) {
                None | Some((_, Resolved::Skipped)) => AddedFrom::Nothing,
                Some((_, Resolved::Nowhere { parent, .. })) => AddedFrom::Unfit(input.raw(parent)),
                Some((_, Resolved::Found { at, from })) => match accepts(self.settings.semantics, schema, input, at)? {
                    false => AddedFrom::Unfit(from.clone()),
                    true => {
                        let added = row::Added { node: at.node, is_reference: at.is_reference };
                        AddedFrom::Source(from.clone(), input.carry(at), added)
                    }
                },
            };
            row.add(name, schema.clone(), from)?;
        }
        Ok(())
    }

    /// The schemas that this envelope gives to the added fields.
    fn claim(&self, row: &Row<'_>, input: &Arc<Input>) -> Result<Added> {
        let mut added = Added::new();
        for reference in &self.settings.fields {
            match self.resolve(input, reference)? {
                Resolved::Skipped => {}
                Resolved::Nowhere { error, .. } => return Err(error),
                Resolved::Found { .. } if row.has(&reference.name) => return Err(exists(&reference.name)),
                Resolved::Found { at, .. } => {
                    added.push((reference.name.clone(), Arc::new(field_schema(input, &at)?)));
                }
            }
        }
        Ok(added)
    }
}

/// Names of the fields to drop from this struct, as Debezium finds them; `None` = `ReplaceField` is not called.
fn to_drop(drop: &DropFields, dropped: &[Dropped], row: &Row<'_>) -> Option<BTreeSet<String>> {
    if !drop.keep_compatible {
        return Some(excluded(texts(dropped)));
    }
    let named = |field: &&str| dropped.iter().any(|name| matches!(name, Dropped::Name(name) if name == field));
    let names: Vec<&str> = row.optional_fields().filter(named).collect();
    (!names.is_empty()).then(|| excluded(names))
}

/// What Debezium joins: everything but nulls.
fn texts(dropped: &[Dropped]) -> Vec<&str> {
    let text = |item| match item {
        &Dropped::Null => None,
        Dropped::Name(text) | Dropped::Other(text) => Some(text.as_str()),
    };
    dropped.iter().filter_map(text).collect()
}

/// What Kafka's `ReplaceField` makes of the names: they reach it as one comma-separated setting.
fn excluded(names: Vec<&str>) -> BTreeSet<String> {
    let joined = names.join(",");
    let setting = java_trim(&joined);
    if setting.is_empty() {
        return BTreeSet::new();
    }
    setting.split(',').map(|name| name.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']).to_owned()).collect()
}

fn unknown_mode() -> Error {
    Error::data("enrs.mode", "expected a delete.tombstone.handling.mode that Debezium 3.0 knows, found another")
        .hint("choose drop, tombstone, rewrite or rewrite-with-tombstone, or set generation=3.x")
}

pub(crate) fn no_before() -> Error {
    Error::data("enrs.no-before", "expected a row in `before`, found none")
}

fn first_without(reference: &FieldReference) -> Error {
    Error::data(
        "enrs.first-without",
        format!("expected no field `{}`: the first record with this row and operation had none", reference.name),
    )
    .hint("Debezium keeps the first schema too: restart the task")
}

/// Turns what is wrong with the data into a part of the plan.
fn or_fail<T>(result: Result<T>, fail: impl FnOnce(Error) -> T) -> Result<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::Data => Ok(fail(error)),
        other => other,
    }
}
