//! Compiles a plan for a writer's and a reader's schema: `FastReaderBuilder` 1.12.1 and `AvroData.toConnectData` 8.3.1
//! in one pass.

use super::plan::{Code, Container, Keys, NO_PATH, Op, PathStep, Pc, Routine, Slot};
use super::resolve::{Resolution, encode_default, missing, promotes};
use super::shape::{self, Union};
use super::sizes::Sizes;
use super::union::{self, Target};
use crate::avro_schema::{Enum, Kind, Record, TypeId};
use crate::config::AvroDataConfig;
use connect_data::row_image::Layout;
use connect_data::{Error, Node, NodeId, Result, Schema, Type, logical};
use std::collections::{BTreeMap, BTreeSet};

/// Longer plans are refused: unions of unions could multiply without end.
const MAX_OPS: usize = 1 << 20;

/// What a plan is compiled from.
pub(super) struct Input<'a> {
    pub(super) resolution: Resolution<'a>,
    pub(super) schema: &'a Schema,
    pub(super) recursive: &'a BTreeSet<TypeId>,
    pub(super) config: &'a AvroDataConfig,
}

/// Where a value goes.
#[derive(Clone, Copy)]
enum Place {
    /// A node at a slot; `back` refers to an enclosing struct.
    Node { node: NodeId, slot: Slot, back: bool },
    /// Key and value of the current entry of a map.
    Entry { map: NodeId },
    /// The record as a whole.
    Root,
}

/// Compiles.
///
/// # Errors
/// Data: Java cannot even make a reader of the two schemas; `avro.too-large`.
pub(super) fn compile(input: &Input<'_>) -> Result<Code> {
    let mut compiler = Compiler {
        input,
        layout: Layout::of(input.schema),
        code: Code::default(),
        place: NO_PATH,
        routines: BTreeMap::new(),
        waiting: Vec::new(),
        skips: BTreeMap::new(),
        waiting_skips: Vec::new(),
        sizes: Sizes::new(input.resolution.writer),
    };
    compiler.root()?;
    compiler.rest()?;
    compiler.code.refuse_trailing = input.config.fail_on_trailing_data;
    Ok(compiler.code)
}

struct Compiler<'a> {
    input: &'a Input<'a>,
    layout: Layout,
    code: Code,
    /// Current place, for errors.
    place: u32,
    /// Structs to call: writer, reader, node.
    routines: BTreeMap<(TypeId, TypeId, NodeId), u32>,
    waiting: Vec<((TypeId, TypeId, NodeId), u32)>,
    /// Writer's records that are skipped, and their entries.
    skips: BTreeMap<TypeId, Pc>,
    waiting_skips: Vec<(TypeId, Vec<Pc>)>,
    sizes: Sizes<'a>,
}

impl<'a> Compiler<'a> {
    fn writer(&self, id: TypeId) -> &'a Kind {
        &self.input.resolution.writer.get(id).kind
    }

    fn reader(&self, id: TypeId) -> &'a Kind {
        &self.input.resolution.reader.get(id).kind
    }

    fn emit(&mut self, op: Op) -> Result<Pc> {
        if self.code.ops.len() >= MAX_OPS {
            return Err(Error::data(
                "avro.too-large",
                format!("Avro plan: expected at most {MAX_OPS} steps, found more"),
            ));
        }
        self.code.ops.push(op);
        self.code.places.push(self.place);
        Ok((self.code.ops.len() - 1) as Pc)
    }

    fn here(&self) -> Pc {
        self.code.ops.len() as Pc
    }

    fn patch(&mut self, at: Pc, op: Op) {
        if let Some(place) = self.code.ops.get_mut(at as usize) {
            *place = op;
        }
    }

    fn fail(&mut self, error: Error) -> Result<()> {
        self.code.failures.push(error);
        self.emit(Op::Fail((self.code.failures.len() - 1) as u32)).map(drop)
    }

    fn inside<T>(&mut self, field: &str, compile: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = self.place;
        self.code.steps.push(PathStep { parent: outer, field: field.to_owned() });
        self.place = (self.code.steps.len() - 1) as u32;
        let compiled = compile(self);
        self.place = outer;
        compiled
    }

    fn root(&mut self) -> Result<()> {
        let (w, r) = (self.input.resolution.writer.root_id(), self.input.resolution.reader.root_id());
        match self.writer(w) {
            // Confluent writes top-level bytes as they are, whatever the reader's schema.
            Kind::Bytes => self.raw(r, Place::Root)?,
            _ => self.value(w, r, Place::Root)?,
        }
        self.emit(Op::End)?;
        Ok(())
    }

    /// Structs that were called and records that were skipped.
    fn rest(&mut self) -> Result<()> {
        self.place = NO_PATH;
        loop {
            if let Some(((w, r, node), routine)) = self.waiting.pop() {
                let entry = self.here();
                if let Some(routine) = self.code.routines.get_mut(routine as usize) {
                    routine.entry = entry;
                }
                let slot = self.layout.slot(node);
                self.record(w, r, Place::Node { node, slot, back: false })?;
                self.emit(Op::Return)?;
            } else if let Some((id, calls)) = self.waiting_skips.pop() {
                let entry = self.here();
                self.skips.insert(id, entry);
                for call in calls {
                    self.patch(call, Op::SkipCall { entry });
                }
                if let Kind::Record(record) = self.writer(id) {
                    for field in &record.fields {
                        self.skip(field.ty)?;
                    }
                }
                self.emit(Op::SkipReturn)?;
            } else {
                return Ok(());
            }
        }
    }

    fn raw(&mut self, r: TypeId, place: Place) -> Result<()> {
        let Some((node, slot)) = self.node(place) else { return Ok(()) };
        if let Kind::Union(branches) = self.reader(r) {
            return match shape::union(self.input.resolution.reader, branches, self.input.config) {
                Union::Single(inner) | Union::Optional(inner) => self.raw(inner, place),
                Union::Struct => match branches.iter().position(|branch| matches!(self.reader(*branch), Kind::Bytes)) {
                    Some(position) => self.union_struct(node, slot, branches, position, |this, _, place| {
                        let Some((node, slot)) = this.node(place) else { return Ok(()) };
                        this.raw_leaf(node, slot)
                    }),
                    None => self.fail(mismatch("bytes", "a union without them")),
                },
            };
        }
        self.raw_leaf(node, slot)
    }

    fn raw_leaf(&mut self, node: NodeId, slot: Slot) -> Result<()> {
        let node = self.input.schema.node(node);
        if node.kind != Type::Bytes {
            return self.fail(mismatch("bytes", node.kind.name()));
        }
        match logical_type(node) {
            Err(error) => self.fail(error),
            Ok(()) => {
                let decimal = node.name.as_deref() == Some(logical::DECIMAL);
                self.emit(Op::Rest { slot, decimal }).map(drop)
            }
        }
    }

    /// Node and slot of a place that is not a map entry.
    fn node(&self, place: Place) -> Option<(NodeId, Slot)> {
        match place {
            Place::Node { node, slot, .. } => Some((node, slot)),
            Place::Root => Some((0, 0)),
            Place::Entry { .. } => None,
        }
    }

    /// Any pair of types.
    fn value(&mut self, w: TypeId, r: TypeId, place: Place) -> Result<()> {
        match (self.writer(w), self.reader(r)) {
            (Kind::Union(branches), _) => self.writer_union(w, branches, r, place),
            (_, Kind::Union(branches)) => match self.input.resolution.first_match(w, branches) {
                Some(position) => self.branch(w, branches, position, place),
                None => self.incompatible(w, r),
            },
            _ => self.plain(w, r, place),
        }
    }

    fn incompatible(&mut self, w: TypeId, r: TypeId) -> Result<()> {
        let expected = self.input.resolution.reader.get(r).full_name().to_owned();
        let found = self.input.resolution.writer.get(w).full_name().to_owned();
        self.fail(mismatch(&expected, &found).hint("the latest version of the schema cannot read this older one"))
    }

    fn writer_union(&mut self, w: TypeId, branches: &'a [TypeId], r: TypeId, place: Place) -> Result<()> {
        let readers = match self.reader(r) {
            Kind::Union(readers) if self.input.resolution.equivalent(w, r) => Some(readers),
            _ => None,
        };
        let one = |this: &mut Self, position: usize, branch: TypeId| match readers {
            Some(readers) => this.branch(branch, readers, position, place),
            None => this.value(branch, r, place),
        };
        if let (&[a, b], Place::Node { slot, .. }) = (branches, place) {
            let null = |id: TypeId| matches!(self.writer(id), Kind::Null);
            let null = if null(a) {
                Some(0)
            } else if null(b) {
                Some(1)
            } else {
                None
            };
            if let Some(null) = null.filter(|_| self.takes_null(r)) {
                let at = self.emit(Op::End)?;
                let (position, branch) = if null == 0 { (1, b) } else { (0, a) };
                one(self, position, branch)?;
                let other = self.here();
                self.patch(at, Op::Optional { slot, null, other });
                return Ok(());
            }
        }
        let at = self.emit(Op::End)?;
        let mut entries = Vec::with_capacity(branches.len());
        let mut exits = Vec::with_capacity(branches.len());
        for (position, branch) in branches.iter().enumerate() {
            entries.push(self.here());
            one(self, position, *branch)?;
            exits.push(self.emit(Op::End)?);
        }
        self.code.branches.push(entries);
        self.patch(at, Op::Branch { table: (self.code.branches.len() - 1) as u32 });
        self.join(&exits);
        Ok(())
    }

    fn takes_null(&self, r: TypeId) -> bool {
        match self.reader(r) {
            Kind::Union(branches) => branches.iter().any(|branch| matches!(self.reader(*branch), Kind::Null)),
            _ => false,
        }
    }

    fn join(&mut self, exits: &[Pc]) {
        let end = self.here();
        for exit in exits {
            self.patch(*exit, Op::Jump(end));
        }
    }

    /// A writer's type into the `position`-th branch of a reader's union.
    fn branch(&mut self, w: TypeId, branches: &'a [TypeId], position: usize, place: Place) -> Result<()> {
        let Some(branch) = branches.get(position).copied() else { return Ok(()) };
        if matches!(self.reader(branch), Kind::Null) {
            if !matches!(self.writer(w), Kind::Null) {
                return self.incompatible(w, branch);
            }
            return match place {
                Place::Root => self.emit(Op::NoValue).map(drop),
                Place::Node { slot, .. } => self.emit(Op::Null(slot)).map(drop),
                Place::Entry { .. } => self.fail(mismatch("a map entry", "null")),
            };
        }
        let Some((node, slot)) = self.node(place) else { return self.value(w, branch, place) };
        match shape::union(self.input.resolution.reader, branches, self.input.config) {
            Union::Single(_) | Union::Optional(_) => self.value(w, branch, place),
            Union::Struct if is_back(place) => self.fail(mismatch("a union", "a reference to one")),
            Union::Struct => {
                self.union_struct(node, slot, branches, position, |this, branch, place| this.value(w, branch, place))
            }
        }
    }

    fn union_struct(
        &mut self,
        node: NodeId,
        slot: Slot,
        branches: &[TypeId],
        position: usize,
        value: impl Fn(&mut Self, TypeId, Place) -> Result<()>,
    ) -> Result<()> {
        let Some(branch) = branches.get(position).copied() else { return Ok(()) };
        let context = union::Context {
            schema: self.input.schema,
            avro: self.input.resolution.reader,
            config: self.input.config,
            recursive: self.input.recursive,
        };
        let one = |this: &mut Self, target: usize| {
            let fields = &this.input.schema.node(node).fields;
            let nulls = (0..fields.len()).filter(|other| *other != target);
            let nulls = nulls.map(|other| slot + this.layout.field_offset(this.input.schema, node, other)).collect();
            this.code.nulls.push(nulls);
            this.emit(Op::Nulls { table: (this.code.nulls.len() - 1) as u32 })?;
            let Some(field) = fields.get(target) else { return Ok(()) };
            let place = this.child(node, field.node, slot + this.layout.field_offset(this.input.schema, node, target));
            this.inside(&field.name, |this| value(this, branch, place))
        };
        match context.target(node, branch, position) {
            Err(error) => self.fail(error),
            Ok(Target::Field(target)) => one(self, target),
            Ok(Target::ByLength(sizes, other)) => {
                let none = context.none(branch);
                let at = self.emit(Op::End)?;
                let mut entries = Vec::new();
                let mut exits = Vec::new();
                for (size, target) in sizes {
                    entries.push((size, self.here()));
                    one(self, target)?;
                    exits.push(self.emit(Op::End)?);
                }
                entries.push((usize::MAX, self.here()));
                match other {
                    Some(target) => one(self, target)?,
                    None => self.fail(none)?,
                }
                self.code.lengths.push(entries);
                self.patch(at, Op::ByLength { table: (self.code.lengths.len() - 1) as u32 });
                self.join(&exits);
                Ok(())
            }
        }
    }

    fn child(&self, parent: NodeId, node: NodeId, slot: Slot) -> Place {
        Place::Node { node, slot, back: Schema::is_back_reference(parent, node) }
    }

    /// Types that are no unions.
    fn plain(&mut self, w: TypeId, r: TypeId, place: Place) -> Result<()> {
        let (writer, reader) = (self.writer(w), self.reader(r));
        if let Place::Entry { .. } = place {
            return match (writer, reader) {
                (Kind::Record(_), Kind::Record(_)) => self.record(w, r, place),
                _ => self.incompatible(w, r),
            };
        }
        let Some((node, slot)) = self.node(place) else { return Ok(()) };
        match (writer, reader) {
            // Connect has no schema for null; the record as a whole may still be null.
            (Kind::Null, Kind::Null) => self.emit(Op::NoValue).map(drop),
            (Kind::Record(_), Kind::Record(_)) if is_back(place) => self.call(w, r, node, slot),
            (Kind::Record(_), Kind::Record(_)) => self.record(w, r, place),
            (Kind::Array(a), Kind::Array(b)) => self.array(*a, *b, node, slot),
            (Kind::Map(a), Kind::Map(b)) => self.map(*a, *b, node, slot),
            (Kind::Enum(a), Kind::Enum(b)) => self.enumeration((w, a), (r, b), node, slot),
            (Kind::Fixed(a), Kind::Fixed(b)) if a.name.simple() != b.name.simple() || a.size != b.size => {
                self.incompatible(w, r)
            }
            (a, b) if std::mem::discriminant(a) == std::mem::discriminant(b) || promotes(a, b) => {
                self.leaf(w, r, node, slot)
            }
            _ => self.incompatible(w, r),
        }
    }

    fn leaf(&mut self, w: TypeId, r: TypeId, node: NodeId, slot: Slot) -> Result<()> {
        if let Err(error) = self.convertible(r, node) {
            return self.fail(error);
        }
        let node = self.input.schema.node(node);
        let is = |name: &str| node.name.as_deref() == Some(name);
        let op = match (self.writer(w), self.reader(r)) {
            (Kind::Boolean, _) => Op::Boolean(slot),
            (Kind::Int, Kind::Int) if node.kind == Type::Int8 => Op::Int8(slot),
            (Kind::Int, Kind::Int) if node.kind == Type::Int16 => Op::Int16(slot),
            (Kind::Int, Kind::Int) if is(logical::TIME) => Op::Time(slot),
            (Kind::Int, Kind::Long) => Op::IntAsLong(slot),
            (Kind::Int, Kind::Float) => Op::IntAsFloat(slot),
            (Kind::Int, Kind::Double) => Op::IntAsDouble(slot),
            (Kind::Int, _) => Op::Int(slot),
            (Kind::Long, Kind::Float) => Op::LongAsFloat(slot),
            (Kind::Long, Kind::Double) => Op::LongAsDouble(slot),
            (Kind::Long, _) => Op::Long(slot),
            (Kind::Float, Kind::Double) => Op::FloatAsDouble(slot),
            (Kind::Float, _) => Op::Float(slot),
            (Kind::Double, _) => Op::Double(slot),
            // Confluent makes a String of a top-level string, which Connect then does not take for bytes.
            (Kind::String, Kind::Bytes) if w == self.input.resolution.writer.root_id() => {
                return self.fail(mismatch("bytes", "string"));
            }
            (Kind::String | Kind::Bytes, Kind::String) => Op::Text(slot),
            (Kind::Fixed(fixed), _) if is(logical::DECIMAL) => Op::FixedDecimal { slot, len: fixed.size as u32 },
            (Kind::Fixed(fixed), _) => Op::Fixed { slot, len: fixed.size as u32 },
            _ if is(logical::DECIMAL) => Op::Decimal(slot),
            _ => Op::Bytes(slot),
        };
        self.emit(op).map(drop)
    }

    /// What Java checks of every value, null excepted.
    fn convertible(&self, r: TypeId, node: NodeId) -> Result<()> {
        if self.input.config.use_logical_type_converters && self.input.resolution.reader.get(r).logical_type().is_some()
        {
            return Err(mismatch("a value that Connect knows", "one of a logical type's own class")
                .hint("leave avro.use.logical.type.converters off"));
        }
        logical_type(self.input.schema.node(node))
    }

    fn enumeration(
        &mut self,
        (w, writer): (TypeId, &Enum),
        (r, reader): (TypeId, &Enum),
        node: NodeId,
        slot: Slot,
    ) -> Result<()> {
        if writer.name.simple() != reader.name.simple() {
            return self.incompatible(w, r);
        }
        if let Err(error) = self.convertible(r, node) {
            return self.fail(error);
        }
        let known =
            |symbol: &String| reader.symbols.contains(symbol).then(|| symbol.clone()).or(reader.default.clone());
        self.code.symbols.push(writer.symbols.iter().map(known).collect());
        self.emit(Op::Enum { slot, table: (self.code.symbols.len() - 1) as u32 }).map(drop)
    }

    fn array(&mut self, w: TypeId, r: TypeId, node: NodeId, slot: Slot) -> Result<()> {
        if let Err(error) = logical_type(self.input.schema.node(node)) {
            return self.fail(error);
        }
        if self.input.schema.node(node).kind == Type::Array {
            let least = self.sizes.least(w);
            return self.items(least, node, slot, |this, item| this.value(w, r, item));
        }
        // An array of key and value.
        let key = self.input.schema.node(self.input.schema.node(node).key.unwrap_or(0));
        if key.kind == Type::String && !key.optional {
            return self.fail(
                mismatch("a map", "an array of entries with required string keys")
                    .hint("Confluent's converter cannot read this schema either"),
            );
        }
        let least = self.sizes.least(w);
        self.items(least, node, slot, |this, _| this.value(w, r, Place::Entry { map: node }))
    }

    fn map(&mut self, w: TypeId, r: TypeId, node: NodeId, slot: Slot) -> Result<()> {
        if let Err(error) = logical_type(self.input.schema.node(node)) {
            return self.fail(error);
        }
        let least = self.sizes.least(w).saturating_add(1);
        self.items(least, node, slot, |this, item| {
            this.emit(Op::Key)?;
            this.emit(Op::Text(0))?;
            this.emit(Op::Value)?;
            this.value(w, r, item)
        })
    }

    fn items(
        &mut self,
        least: u32,
        node: NodeId,
        slot: Slot,
        body: impl FnOnce(&mut Self, Place) -> Result<()>,
    ) -> Result<()> {
        let schema = self.input.schema;
        let definition = schema.node(node);
        let width = |child: Option<NodeId>| match child {
            None => 0,
            Some(child) if Schema::is_back_reference(node, child) => 1,
            Some(child) => self.layout.width(child),
        };
        let item = definition.item.unwrap_or(0);
        let mut container = Container {
            key_width: width(definition.key),
            width: width(definition.item),
            least,
            constant: None,
            body: 0,
            exit: 0,
            keys: definition.key.map_or(Keys::None, |key| keys(key, schema.node(key))),
        };
        let index = self.code.containers.len();
        self.code.containers.push(container);
        self.emit(Op::Items { slot, container: index as u32 })?;
        let place = std::mem::replace(&mut self.place, NO_PATH);
        container.body = self.here();
        body(self, self.child(node, item, 0))?;
        self.emit(Op::Next)?;
        container.exit = self.here();
        self.place = place;
        if let Some(slot) = self.code.containers.get_mut(index) {
            *slot = container;
        }
        Ok(())
    }

    fn call(&mut self, w: TypeId, r: TypeId, node: NodeId, slot: Slot) -> Result<()> {
        let key = (w, r, node);
        let routine = match self.routines.get(&key) {
            Some(routine) => *routine,
            None => {
                let routine = self.code.routines.len() as u32;
                let (width, home) = (self.layout.width(node), self.layout.slot(node));
                self.code.routines.push(Routine { entry: 0, width, home });
                self.routines.insert(key, routine);
                self.waiting.push((key, routine));
                routine
            }
        };
        self.emit(Op::Call { slot, routine }).map(drop)
    }

    /// Fields in the writer's order; then the reader's that the writer lacks.
    fn record(&mut self, w: TypeId, r: TypeId, place: Place) -> Result<()> {
        let (Kind::Record(writer), Kind::Record(reader)) = (self.writer(w), self.reader(r)) else {
            return self.incompatible(w, r);
        };
        if let Some(name) = missing(writer, reader) {
            let error = mismatch(&format!("field {name} of {}, which has no default", reader.name.full()), "none");
            return self.fail(error.hint("the latest version of the schema cannot read this older one"));
        }
        if let Some((node, _)) = self.node(place)
            && let Err(error) = self.readable(reader, self.input.schema.node(node))
        {
            return self.fail(error);
        }
        for field in &writer.fields {
            match reader.field(&field.name) {
                None => self.skip(field.ty)?,
                Some((index, other)) => {
                    self.inside(&other.name, |this| {
                        let inner = this.field(place, index, &other.name)?;
                        this.value(field.ty, other.ty, inner)
                    })?;
                }
            }
        }
        for (index, field) in reader.fields.iter().enumerate() {
            let Some(json) = field.default.as_ref().filter(|_| writer.field(&field.name).is_none()) else { continue };
            let start = self.code.constants.len();
            let mut bytes = Vec::new();
            encode_default(self.input.resolution.reader, field.ty, json, &mut bytes)
                .map_err(|e| e.field(&field.name))?;
            self.code.constants.extend_from_slice(&bytes);
            self.inside(&field.name, |this| {
                let inner = this.field(place, index, &field.name)?;
                this.default(field.ty, inner, start, bytes.len())
            })?;
        }
        Ok(())
    }

    fn field(&mut self, place: Place, index: usize, name: &str) -> Result<Place> {
        let schema = self.input.schema;
        if let Place::Entry { map } = place {
            let map_node = schema.node(map);
            let is_key = name == crate::from_connect::properties::KEY;
            self.emit(if is_key { Op::Key } else { Op::Value })?;
            let child = if is_key { map_node.key } else { map_node.item };
            return Ok(self.child(map, child.unwrap_or(0), 0));
        }
        let (node, slot) = self.node(place).unwrap_or((0, 0));
        let child = schema.node(node).fields.get(index).map_or(0, |field| field.node);
        Ok(self.child(node, child, slot + self.layout.field_offset(schema, node, index)))
    }

    /// A default is decoded like a payload that was written with the reader's schema.
    fn default(&mut self, ty: TypeId, place: Place, start: usize, len: usize) -> Result<()> {
        let reader = self.input.resolution.reader;
        let input = Input {
            resolution: Resolution::new(reader, reader),
            schema: self.input.schema,
            recursive: self.input.recursive,
            config: self.input.config,
        };
        self.emit(Op::Default { start: start as u32, len: len as u32 })?;
        let mut inner = Compiler {
            input: &input,
            layout: self.layout.clone(),
            code: std::mem::take(&mut self.code),
            place: self.place,
            routines: BTreeMap::new(),
            waiting: Vec::new(),
            skips: BTreeMap::new(),
            waiting_skips: Vec::new(),
            sizes: Sizes::new(reader),
        };
        let compiled = (|| {
            inner.value(ty, ty, place)?;
            inner.emit(Op::EndDefault)?;
            // What was called goes here, around the straight way.
            let around = inner.emit(Op::End)?;
            inner.rest()?;
            let end = inner.here();
            inner.patch(around, Op::Jump(end));
            Ok(())
        })();
        self.code = inner.code;
        compiled
    }

    /// Whether Java can make a struct of the record at all.
    fn readable(&self, reader: &Record, node: &Node) -> Result<()> {
        logical_type(node)?;
        if union::looks_like_union(node) {
            return Err(mismatch("a union", "a record with the name of one"));
        }
        let config = self.input.config;
        let lost = |name: &str| union::scrubbed(name, config) != name;
        match reader.fields.iter().find(|field| lost(&field.name)) {
            None => Ok(()),
            Some(field) => {
                let found = format!("{}, which would change", field.name);
                Err(mismatch("field names that scrub.invalid.names leaves alone", &found))
            }
        }
    }

    fn skip(&mut self, w: TypeId) -> Result<()> {
        if let Some(size) = self.sizes.constant(w) {
            return if size == 0 { Ok(()) } else { self.emit(Op::Skip(size)).map(drop) };
        }
        match self.writer(w) {
            Kind::Int | Kind::Enum(_) => self.emit(Op::SkipInt).map(drop),
            Kind::Long => self.emit(Op::SkipLong).map(drop),
            Kind::String | Kind::Bytes => self.emit(Op::SkipPrefixed).map(drop),
            Kind::Array(item) | Kind::Map(item) => {
                let map = matches!(self.writer(w), Kind::Map(_));
                let constant = if map { None } else { self.sizes.constant(*item) };
                let index = self.code.containers.len();
                let mut container =
                    Container { key_width: 0, width: 0, least: 0, constant, body: 0, exit: 0, keys: Keys::None };
                self.code.containers.push(container);
                self.emit(Op::SkipItems { container: index as u32 })?;
                container.body = self.here();
                if map {
                    self.emit(Op::SkipPrefixed)?;
                }
                self.skip(*item)?;
                self.emit(Op::SkipNext)?;
                container.exit = self.here();
                if let Some(place) = self.code.containers.get_mut(index) {
                    *place = container;
                }
                Ok(())
            }
            Kind::Union(branches) => {
                let at = self.emit(Op::End)?;
                let (mut entries, mut exits) = (Vec::new(), Vec::new());
                for branch in branches {
                    entries.push(self.here());
                    self.skip(*branch)?;
                    exits.push(self.emit(Op::End)?);
                }
                self.code.branches.push(entries);
                self.patch(at, Op::Branch { table: (self.code.branches.len() - 1) as u32 });
                self.join(&exits);
                Ok(())
            }
            Kind::Record(_) => {
                let entry = self.skips.get(&w).copied();
                let at = self.emit(Op::SkipCall { entry: entry.unwrap_or(0) })?;
                if entry.is_none() {
                    match self.waiting_skips.iter_mut().find(|(id, _)| *id == w) {
                        Some((_, calls)) => calls.push(at),
                        None => self.waiting_skips.push((w, vec![at])),
                    }
                }
                Ok(())
            }
            // Of constant size, handled above.
            Kind::Null | Kind::Boolean | Kind::Float | Kind::Double | Kind::Fixed(_) => Ok(()),
        }
    }
}

fn is_back(place: Place) -> bool {
    matches!(place, Place::Node { back: true, .. })
}

/// What Connect's logical types demand of the schema, by its name: checked by Java for every value.
fn logical_type(node: &Node) -> Result<()> {
    let wanted = match node.name.as_deref() {
        Some(logical::DECIMAL) => Type::Bytes,
        Some(logical::DATE | logical::TIME) => Type::Int32,
        Some(logical::TIMESTAMP) => Type::Int64,
        _ => return Ok(()),
    };
    if node.kind != wanted {
        let name = node.name.as_deref().unwrap_or("");
        return Err(mismatch(&format!("{} for the logical type {name}", wanted.name()), node.kind.name()));
    }
    let scale = node.get_parameter(logical::SCALE).map(str::parse::<i32>);
    if wanted == Type::Bytes && !matches!(scale, Some(Ok(_))) {
        return Err(mismatch("a decimal with the parameter scale", "none, or one that is no number"));
    }
    Ok(())
}

fn keys(id: NodeId, node: &Node) -> Keys {
    match node.kind {
        Type::Boolean | Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => Keys::Bits,
        Type::Float32 => Keys::Float32,
        Type::Float64 => Keys::Float64,
        Type::String | Type::Bytes => Keys::Octets,
        Type::Array | Type::Map | Type::Struct => Keys::Tree(id),
    }
}

fn mismatch(expected: &str, found: &str) -> Error {
    Error::data("avro.type", format!("Avro value: expected {expected}, found {found}"))
}
