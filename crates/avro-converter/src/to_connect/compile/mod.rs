//! Compiles a plan for a writer's and a reader's schema: `FastReaderBuilder` 1.12.1 and `AvroData.toConnectData` 8.3.1
//! in one pass.

mod record;
mod skip;
mod unions;

use super::plan::{Code, Container, Keys, NO_PATH, Op, PathStep, Pc, Slot};
use super::quick;
use super::resolve::{Resolution, promotes};
use super::shape::{self, Union};
use super::sizes::Sizes;
use crate::avro_schema::{Enum, Kind, TypeId};
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
    compiler.code.quick = quick::steps(&compiler.code);
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

    fn join(&mut self, exits: &[Pc]) {
        let end = self.here();
        for exit in exits {
            self.patch(*exit, Op::Jump(end));
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
