//! A second executor, as the JVM shim has one: written from the documentation of `plan_codec` alone, it decodes plans and
//! programs and executes them on value trees.

use super::{Executor, Instance, Record, Result};
use connect_data::row_image::tree;
use connect_data::wire::{Reader, Writer};
use connect_data::{Error, NodeId, Schema, SchemaStore, Transformation, Value};
use connect_json::Datum;
use std::collections::BTreeMap;

type Path = Vec<usize>;

struct Plan {
    tombstone: Tombstone,
    value: ValuePlan,
}

enum Tombstone {
    Drop,
    Keep(Vec<HeaderAdd>),
    Raise(Error),
}

enum ValuePlan {
    Pass,
    Raise(Error),
    Envelope {
        after: (Path, Option<Value>),
        before: Option<Path>,
        before_default: Option<Value>,
        branches: Vec<Branch>,
    },
}

enum Branch {
    Raise(Error),
    Drop,
    Change(Change),
}

struct Change {
    headers: Vec<HeaderAdd>,
    topic: Option<(bool, Source)>,
    operation: Option<Path>,
    dropped: Option<String>,
    key: bool,
}

struct HeaderAdd {
    name: String,
    schema: u32,
    schema_of_null: u32,
    from: Source,
}

enum Source {
    Constant(Value),
    Place { guard: Option<Path>, path: Path, absent: Value, null: Value },
}

struct Program {
    key: KeyProgram,
    value: ValueProgram,
}

enum KeyProgram {
    Keep,
    Raise(Error),
    RemoveEntries(Vec<String>),
    Rebuild(Rebuild),
}

enum ValueProgram {
    Raise(Error),
    Null(u32),
    Rebuild(Rebuild),
}

struct Rebuild {
    schema: u32,
    fields: usize,
    null: Error,
    unfit: Error,
    steps: Vec<Step>,
    watch: Option<Watch>,
}

struct Watch {
    action: u8,
    placeholder: String,
    error: Error,
    header_schema: u32,
    columns: Vec<(Path, String, u8)>,
}

enum Step {
    Require(Path, String),
    Refuse(Source, String),
    Copy { from: Path, first: usize, count: usize, to: usize },
    Default(usize, Value),
    Put(usize, Source),
    Valid { path: Path, field: String, raw: bool },
}

/// Decodes with a store for the constants.
struct Decoder<'a> {
    r: Reader<'a>,
    store: &'a dyn SchemaStore,
}

impl Decoder<'_> {
    fn u8(&mut self) -> u8 {
        self.r.u8().unwrap()
    }

    fn number(&mut self) -> usize {
        self.r.u32().unwrap() as usize
    }

    fn text(&mut self) -> String {
        self.r.str().unwrap().to_owned()
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.number()).map(|_| item(self)).collect()
    }

    fn optional<T>(&mut self, item: impl FnOnce(&mut Self) -> T) -> Option<T> {
        match self.u8() {
            0 => None,
            1 => Some(item(self)),
            other => panic!("presence byte {other}"),
        }
    }

    fn path(&mut self) -> Path {
        self.list(Self::number)
    }

    fn error(&mut self) -> Error {
        Error::decode(self.r.bytes().unwrap()).unwrap()
    }

    fn constant(&mut self) -> Value {
        let schema = self.r.u32().unwrap();
        let schema = (schema != 0).then(|| self.store.get(schema).unwrap());
        tree::read(schema.as_deref(), self.r.bytes().unwrap(), &[]).unwrap()
    }

    fn source(&mut self) -> Source {
        match self.u8() {
            0 => Source::Constant(self.constant()),
            1 => Source::Place {
                guard: self.optional(Self::path),
                path: self.path(),
                absent: self.optional(Self::constant).unwrap_or(Value::Null),
                null: self.optional(Self::constant).unwrap_or(Value::Null),
            },
            other => panic!("source {other}"),
        }
    }

    fn headers(&mut self) -> Vec<HeaderAdd> {
        self.list(|d| HeaderAdd {
            name: d.text(),
            schema: d.r.u32().unwrap(),
            schema_of_null: d.r.u32().unwrap(),
            from: d.source(),
        })
    }

    fn plan(&mut self) -> Plan {
        assert_eq!(self.u8(), extract_new_record_state::plan_codec::FORMAT);
        let plan = Plan {
            tombstone: match self.u8() {
                0 => Tombstone::Drop,
                1 => Tombstone::Keep(self.headers()),
                2 => Tombstone::Raise(self.error()),
                other => panic!("tombstone {other}"),
            },
            value: match self.u8() {
                0 => ValuePlan::Pass,
                1 => ValuePlan::Raise(self.error()),
                2 => ValuePlan::Envelope {
                    after: (self.path(), self.optional(Self::constant)),
                    before: self.optional(Self::path),
                    before_default: self.optional(Self::constant),
                    branches: (0..3).map(|_| self.branch()).collect(),
                },
                other => panic!("value {other}"),
            },
        };
        assert_eq!(self.r.remaining(), 0);
        plan
    }

    fn branch(&mut self) -> Branch {
        match self.u8() {
            0 => Branch::Raise(self.error()),
            1 => Branch::Drop,
            2 => Branch::Change(Change {
                headers: self.headers(),
                topic: self.optional(|d| (d.u8() == 1, d.source())),
                operation: self.optional(Self::path),
                dropped: self.optional(Self::text),
                key: self.u8() == 1,
            }),
            other => panic!("branch {other}"),
        }
    }

    fn program(&mut self) -> Program {
        assert_eq!(self.u8(), extract_new_record_state::plan_codec::FORMAT);
        let key = match self.u8() {
            0 => KeyProgram::Keep,
            1 => KeyProgram::Raise(self.error()),
            2 => KeyProgram::RemoveEntries(self.list(Self::text)),
            3 => KeyProgram::Rebuild(self.rebuild()),
            other => panic!("key {other}"),
        };
        let value = match self.u8() {
            0 => ValueProgram::Raise(self.error()),
            1 => ValueProgram::Null(self.r.u32().unwrap()),
            2 => ValueProgram::Rebuild(self.rebuild()),
            other => panic!("value {other}"),
        };
        assert_eq!(self.r.remaining(), 0);
        Program { key, value }
    }

    fn rebuild(&mut self) -> Rebuild {
        Rebuild {
            schema: self.r.u32().unwrap(),
            fields: self.number(),
            null: self.error(),
            unfit: self.error(),
            steps: self.list(|d| match d.u8() {
                0 => Step::Require(d.path(), d.text()),
                1 => Step::Refuse(d.source(), d.text()),
                2 => Step::Copy { from: d.path(), first: d.number(), count: d.number(), to: d.number() },
                3 => Step::Default(d.number(), d.constant()),
                4 => Step::Put(d.number(), d.source()),
                5 => Step::Valid { path: d.path(), field: d.text(), raw: d.u8() == 1 },
                other => panic!("step {other}"),
            }),
            watch: self.optional(|d| Watch {
                action: d.u8(),
                placeholder: d.text(),
                error: d.error(),
                header_schema: d.r.u32().unwrap(),
                columns: d.list(|d| (d.path(), d.text(), d.u8())),
            }),
        }
    }
}

fn fields(value: &Value) -> &[Value] {
    match value {
        Value::Struct(fields) => fields,
        other => panic!("expected a struct, found {}", other.kind()),
    }
}

/// `None` = a struct on the way is null.
fn at<'a>(root: &'a Value, path: &[usize]) -> Option<&'a Value> {
    match path {
        [] => Some(root),
        _ if root.is_null() => None,
        [position, rest @ ..] => at(&fields(root)[*position], rest),
    }
}

fn present(root: &Value, path: &[usize]) -> bool {
    at(root, path).is_some_and(|value| !value.is_null())
}

impl Source {
    fn give(&self, root: &Value) -> Value {
        match self {
            Self::Constant(value) => value.clone(),
            Self::Place { guard, path, absent, null } => {
                if guard.as_ref().is_some_and(|guard| !present(root, guard)) {
                    return absent.clone();
                }
                match at(root, path) {
                    None => absent.clone(),
                    Some(Value::Null) => null.clone(),
                    Some(value) => value.clone(),
                }
            }
        }
    }
}

impl Watch {
    /// The header that lists the fields; without row images there is no other way.
    fn look(&self, rows: &Value, store: &dyn SchemaStore) -> connect_data::Result<Option<(String, Datum)>> {
        let text = Value::String(self.placeholder.clone());
        let octets = self.placeholder.as_bytes();
        let number = |value: &Value| match value {
            Value::Int32(number) => i64::from(*number),
            Value::Int64(number) => *number,
            _ => -1,
        };
        let mut found = Vec::new();
        for (path, field, form) in &self.columns {
            let holds = match (form, at(rows, path)) {
                (0, Some(value)) => *value == text,
                (1, Some(Value::Bytes(bytes))) => bytes == octets,
                (2, Some(Value::Array(items))) => *items == [text.clone()],
                (3, Some(Value::Array(items))) => {
                    items.iter().map(number).eq(octets.iter().map(|octet| i64::from(*octet)))
                }
                (4, Some(Value::Map(entries))) => *entries == [(text.clone(), text.clone())],
                _ => false,
            };
            if holds && self.action == 3 {
                return Err(self.error.clone().field(field));
            }
            if holds {
                found.push(Value::String(field.clone()));
            }
        }
        let schema = || (*store.get(self.header_schema).unwrap()).clone();
        Ok((!found.is_empty()).then(|| ("__unavailable".to_owned(), (Some(schema()), Value::Array(found)))))
    }
}

impl Rebuild {
    fn run(
        &self,
        root: &Value,
        raw: &Value,
        schema: Option<&Schema>,
        store: &dyn SchemaStore,
    ) -> connect_data::Result<Datum> {
        let mut new = vec![Value::Null; self.fields];
        for step in &self.steps {
            match step {
                Step::Require(path, field) => {
                    if at(root, path).is_some_and(Value::is_null) {
                        return Err(self.null.clone().field(field));
                    }
                }
                Step::Refuse(source, field) => {
                    if !source.give(raw).is_null() {
                        return Err(self.unfit.clone().field(field));
                    }
                }
                Step::Copy { from, first, count, to } => {
                    let old = fields(at(root, from).unwrap());
                    new[*to..to + count].clone_from_slice(&old[*first..first + count]);
                }
                Step::Default(to, value) => {
                    if new[*to].is_null() {
                        new[*to] = value.clone();
                    }
                }
                Step::Put(to, source) => new[*to] = source.give(raw),
                Step::Valid { path, field, raw: of_raw } => {
                    let schema = schema.unwrap();
                    let node = path.iter().fold(0, |node, position| schema.node(node).fields[*position].node);
                    if at(if *of_raw { raw } else { root }, path)
                        .is_some_and(|value| !inside_valid(schema, node, value))
                    {
                        return Err(self.null.clone().field(field));
                    }
                }
            }
        }
        Ok((Some((*store.get(self.schema).unwrap()).clone()), Value::Struct(new)))
    }
}

/// `ConnectSchema.validateValue`, as far as nulls go.
fn inside_valid(schema: &Schema, node: NodeId, value: &Value) -> bool {
    let definition = schema.node(node);
    let item = |node: NodeId, value: &Value| match value {
        Value::Null => schema.node(node).optional,
        value => inside_valid(schema, node, value),
    };
    match value {
        Value::Struct(fields) => fields.iter().zip(&definition.fields).all(|(value, field)| {
            value.is_null() && schema.node(field.node).default.is_some() || item(field.node, value)
        }),
        Value::Array(items) => items.iter().all(|value| item(definition.item.unwrap(), value)),
        Value::Map(entries) => entries
            .iter()
            .all(|(key, value)| item(definition.key.unwrap(), key) && item(definition.item.unwrap(), value)),
        _ => true,
    }
}

/// Plans and programs of one instance, kept as the documentation allows.
pub(crate) struct Interpreter {
    instance: Instance,
    plans: BTreeMap<u32, std::rc::Rc<Plan>>,
    programs: BTreeMap<Vec<u8>, std::rc::Rc<Program>>,
}

impl Interpreter {
    pub(crate) fn new(instance: Instance) -> Self {
        Self { instance, plans: BTreeMap::new(), programs: BTreeMap::new() }
    }

    fn ask<T>(&self, request: &[u8], decode: impl FnOnce(&mut Decoder<'_>) -> T) -> connect_data::Result<T> {
        let mut answer = Vec::new();
        assert!(self.instance.smt.plan(request, &mut answer)?);
        Ok(decode(&mut Decoder { r: Reader::new(&answer), store: &*self.instance.store }))
    }

    fn plan(&mut self, schema: u32) -> connect_data::Result<std::rc::Rc<Plan>> {
        if let Some(plan) = self.plans.get(&schema) {
            return Ok(plan.clone());
        }
        let mut request = Vec::new();
        let mut w = Writer::new(&mut request);
        w.u8(0);
        w.u32(schema);
        let plan = std::rc::Rc::new(self.ask(&request, |d| d.plan())?);
        self.plans.insert(schema, plan.clone());
        Ok(plan)
    }

    fn program(
        &mut self,
        record: &Record,
        new: &Record,
        branch: u8,
        change: &Change,
    ) -> connect_data::Result<std::rc::Rc<Program>> {
        let operation = change.operation.as_ref().and_then(|path| match at(&record.value.1, path) {
            Some(Value::String(text)) => Some(text.clone()),
            None | Some(Value::Null) => None,
            Some(other) => panic!("operation: {}", other.kind()),
        });
        let mut dropped = Vec::new();
        if let Some((_, (_, value))) = change.dropped.as_ref().and_then(|n| new.headers.iter().find(|(m, _)| m == n)) {
            dropped = match value {
                Value::Null => Vec::new(),
                Value::Array(items) => items.iter().map(item).collect(),
                _ => {
                    return Err(Error::data("enrs.drop-fields", "expected a list of field names, found another value")
                        .field("headers"));
                }
            };
        }
        let key = change.key && !dropped.is_empty();
        let store = &*self.instance.store;
        let mut request = Vec::new();
        let mut w = Writer::new(&mut request);
        w.u8(1);
        w.u32(super::intern(store, record.value.0.as_ref()));
        w.u8(branch);
        w.u32(if key { super::intern(store, record.key.0.as_ref()) } else { 0 });
        w.opt_str(operation.as_deref());
        w.u32(dropped.len() as u32);
        for (code, text) in &dropped {
            w.u8(*code);
            if *code != 0 {
                w.str(text);
            }
        }
        if let Some(program) = self.programs.get(&request) {
            return Ok(program.clone());
        }
        let program = std::rc::Rc::new(self.ask(&request, |d| d.program())?);
        self.programs.insert(request, program.clone());
        Ok(program)
    }

    fn headers(&self, root: &Value, adds: &[HeaderAdd]) -> Vec<(String, Datum)> {
        let schema = |id: u32| (*self.instance.store.get(id).unwrap()).clone();
        let datum = |add: &HeaderAdd| {
            let value = add.from.give(root);
            (Some(schema(if value.is_null() { add.schema_of_null } else { add.schema })), value)
        };
        adds.iter().map(|add| (add.name.clone(), datum(add))).collect()
    }

    fn transform(&mut self, record: &Record) -> connect_data::Result<Option<Record>> {
        let plan = self.plan(super::intern(&*self.instance.store, record.value.0.as_ref()))?;
        let mut new = record.clone();
        let root = &record.value.1;
        if root.is_null() {
            return match &plan.tombstone {
                Tombstone::Drop => Ok(None),
                Tombstone::Raise(error) => Err(error.clone()),
                Tombstone::Keep(headers) => {
                    new.headers.extend(self.headers(root, headers));
                    Ok(Some(new))
                }
            };
        }
        let (after, before, before_default, branches) = match &plan.value {
            ValuePlan::Pass => return Ok(Some(new)),
            ValuePlan::Raise(error) => return Err(error.clone()),
            ValuePlan::Envelope { after, before, before_default, branches } => {
                (after, before, before_default, branches)
            }
        };
        let raw = root;
        let mut with_defaults = raw.clone();
        let before_place = before.as_ref().map(|before| (before, before_default));
        for (path, default) in before_place.into_iter().chain([(&after.0, &after.1)]) {
            if let (false, Some(default), Value::Struct(fields)) = (present(raw, path), default, &mut with_defaults) {
                fields[path[0]] = default.clone();
            }
        }
        let root = &with_defaults;
        let branch = if present(root, &after.0) {
            0
        } else if before.as_ref().is_some_and(|before| present(root, before)) {
            1
        } else {
            2
        };
        let change = match &branches[branch] {
            Branch::Raise(error) => return Err(error.clone()),
            Branch::Drop => return Ok(None),
            Branch::Change(change) => change,
        };
        if branch == 1 && change.topic.is_some() && !before.as_ref().is_some_and(|before| present(raw, before)) {
            return Err(Error::data("enrs.no-before", "expected a row in `before`, found none"));
        }
        new.headers.extend(self.headers(raw, &change.headers));
        if let Some((keep_if_blank, source)) = &change.topic
            && let Value::String(topic) = source.give(if branch == 0 { root } else { raw })
            && !(*keep_if_blank && topic.chars().all(|c| c <= ' '))
        {
            new.topic = topic;
        }
        let program = self.program(record, &new, branch as u8, change)?;
        if !record.key.1.is_null() {
            match &program.key {
                KeyProgram::Keep => {}
                KeyProgram::Raise(error) => return Err(error.clone()),
                KeyProgram::RemoveEntries(names) => match &mut new.key.1 {
                    Value::Map(entries) => {
                        entries.retain(|(key, _)| !matches!(key, Value::String(key) if names.contains(key)));
                    }
                    _ => {
                        return Err(Error::data(
                            "enrs.drop-fields",
                            "expected a key that is a map or a struct, found another value",
                        )
                        .field("key")
                        .hint("set drop.fields.from.key=false"));
                    }
                },
                KeyProgram::Rebuild(rebuild) => {
                    new.key =
                        rebuild.run(&record.key.1, &record.key.1, record.key.0.as_ref(), &*self.instance.store)?;
                }
            }
        }
        new.value = match &program.value {
            ValueProgram::Raise(error) => return Err(error.clone()),
            ValueProgram::Null(0) => (None, Value::Null),
            ValueProgram::Null(schema) => (Some((*self.instance.store.get(*schema).unwrap()).clone()), Value::Null),
            ValueProgram::Rebuild(rebuild) => {
                if let Some(watch) = &rebuild.watch {
                    new.headers.extend(watch.look(root, &*self.instance.store)?);
                }
                rebuild.run(root, raw, record.value.0.as_ref(), &*self.instance.store)?
            }
        };
        Ok(Some(new))
    }
}

fn item(item: &Value) -> (u8, String) {
    match item {
        Value::Null => (0, String::new()),
        Value::String(text) => (1, text.clone()),
        Value::Int32(number) => (2, number.to_string()),
        Value::Int64(number) => (2, number.to_string()),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|value| self::item(value).1).collect();
            (2, format!("[{}]", items.join(", ")))
        }
        other => (2, format!("{other:?}")),
    }
}

impl Executor for Interpreter {
    fn apply(&mut self, record: &Record) -> Result {
        match self.transform(record) {
            Ok(Some(record)) => Result::Record(record),
            Ok(None) => Result::Drop,
            Err(error) => Result::Error(error),
        }
    }
}
