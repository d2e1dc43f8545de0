//! Schemas to plans.

use super::constant;
use super::leaf::{Leaf, Variable};
use super::node::is_union;
use super::plan::{Code, Null, NullId, Op, Pc, Place};
use super::resolve::{Branch, Child, Context, Meeting, Resolved, Target, Types};
use super::straight;
use crate::avro_schema::TypeId;
use connect_data::{Error, NodeId, Result, Schema};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Larger plans are refused: a writer's schema can unroll a recursive one.
const MAX_OPS: usize = 2_000_000;

/// Compiles the plan of one schema.
///
/// # Errors
/// Data `avro.plan`: too large. What fails for every record fails when a record is encoded, as in Java.
pub(super) fn compile(types: &Types<'_>) -> Result<Code> {
    let mut compiler = Compiler {
        types,
        recursive: recursive(types.schema),
        code: Code { places: vec![Place::Root], ..Code::default() },
        nulls: BTreeMap::new(),
        null_errors: Vec::new(),
        bodies: BTreeMap::new(),
        waiting: VecDeque::new(),
    };
    let root = Meeting {
        node: 0,
        own: types.own.root_id(),
        writer: Target::Writer(types.writer.root_id()),
        context: Context::Item,
    };
    compiler.root(root)?;
    compiler.emit(0, Op::End)?;
    while let Some((body, calls)) = compiler.waiting.pop_front() {
        let target = compiler.here();
        for call in calls {
            compiler.patch(call, target);
        }
        // Known before its fields are compiled: they refer to it.
        compiler.bodies.insert(body, target);
        let place = compiler.place(Place::Body);
        compiler.fields(body.node, body.own, body.writer, 0, place)?;
        compiler.emit(place, Op::Return)?;
    }
    let mut code = compiler.code;
    code.steps = straight::steps(&code);
    Ok(code)
}

/// The structs that something below refers back to.
fn recursive(schema: &Schema) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    for (id, node) in schema.nodes().iter().enumerate() {
        let children = node.fields.iter().map(|f| f.node).chain(node.key).chain(node.item);
        found.extend(children.filter(|child| Schema::is_back_reference(id as NodeId, *child)));
    }
    found
}

/// Fields of a struct that recursion refers to, as one writer's record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Body {
    node: NodeId,
    own: TypeId,
    writer: Target,
}

struct Compiler<'a> {
    types: &'a Types<'a>,
    recursive: BTreeSet<NodeId>,
    code: Code,
    /// Equal constants are one.
    nulls: BTreeMap<Box<[u8]>, NullId>,
    /// Equal errors, too. There are few: most say that null was found for a required schema.
    null_errors: Vec<(Error, NullId)>,
    bodies: BTreeMap<Body, Pc>,
    /// Bodies to be compiled, with the calls that want them.
    waiting: VecDeque<(Body, Vec<Pc>)>,
}

/// Where a value is.
#[derive(Clone, Copy)]
struct Spot {
    slot: u32,
    /// A reference back: the slot points to an aggregate.
    nested: bool,
    place: u32,
}

impl Compiler<'_> {
    fn here(&self) -> Pc {
        self.code.ops.len() as Pc
    }

    fn emit(&mut self, place: u32, op: Op) -> Result<Pc> {
        if self.code.ops.len() >= MAX_OPS {
            return Err(Error::data("avro.plan", format!("plan: expected at most {MAX_OPS} steps, found more")));
        }
        self.code.ops.push(op);
        self.code.at.push(place);
        Ok(self.here() - 1)
    }

    /// Sets where an opcode leads to.
    fn patch(&mut self, pc: Pc, target: Pc) {
        match self.code.ops.get_mut(pc as usize) {
            Some(
                Op::Struct { skip: to, .. } | Op::Array { end: to, .. } | Op::Map { end: to, .. } | Op::Jump { to },
            )
            | Some(Op::Call { target: to, .. } | Op::CallNested { target: to, .. }) => *to = target,
            _ => {}
        }
    }

    fn place(&mut self, place: Place) -> u32 {
        self.code.places.push(place);
        (self.code.places.len() - 1) as u32
    }

    fn add_null(&mut self, null: Result<Box<[u8]>>) -> NullId {
        let next = self.code.nulls.len() as NullId;
        let null = match null {
            Ok(octets) => {
                if let Some(known) = self.nulls.get(&octets) {
                    return *known;
                }
                self.nulls.insert(octets.clone(), next);
                match *octets {
                    [octet] => Null::Octet(octet),
                    _ => Null::Octets(octets),
                }
            }
            Err(error) => {
                if let Some((_, known)) = self.null_errors.iter().find(|(other, _)| *other == error) {
                    return *known;
                }
                self.null_errors.push((error.clone(), next));
                Null::Error(error)
            }
        };
        self.code.nulls.push(null);
        next
    }

    /// What null is written as.
    fn null(&mut self, meeting: Meeting) -> NullId {
        let null = constant::null(self.types, meeting);
        self.add_null(null)
    }

    fn error(&mut self, error: Error) -> u32 {
        self.code.errors.push(error);
        (self.code.errors.len() - 1) as u32
    }

    /// Equal ones are one.
    fn variable(&mut self, variable: Variable) -> u32 {
        let known = self.code.variables.iter().position(|other| *other == variable);
        let index = known.unwrap_or(self.code.variables.len());
        if known.is_none() {
            self.code.variables.push(variable);
        }
        index as u32
    }

    fn root(&mut self, meeting: Meeting) -> Result<()> {
        let node = self.types.schema.node(meeting.node);
        let spot = Spot { slot: 0, nested: false, place: 0 };
        if is_union(node) {
            return self.union(meeting, spot, true);
        }
        self.value(meeting, spot)
    }

    fn value(&mut self, meeting: Meeting, spot: Spot) -> Result<()> {
        let types = self.types;
        if is_union(types.schema.node(meeting.node)) {
            return self.union(meeting, spot, false);
        }
        let Spot { slot, nested, place } = spot;
        let null = self.null(meeting);
        let (branch, resolved) = match types.resolve(meeting) {
            Ok(found) => found,
            Err(error) => {
                let error = self.error(error);
                self.emit(place, Op::Fail { slot, null, error })?;
                return Ok(());
            }
        };
        match resolved {
            Resolved::Leaf(leaf) => {
                let op = match leaf {
                    Leaf::Scalar(scalar) if scalar.is_plain_int() => Op::Int { slot, branch, null },
                    Leaf::Scalar(scalar) if scalar.is_plain_long() => Op::Long { slot, branch, null },
                    Leaf::Scalar(scalar) => Op::Scalar { slot, scalar, branch, null },
                    Leaf::Variable(Variable::String) => Op::String { slot, branch, null },
                    Leaf::Variable(variable) => Op::Variable { slot, variable: self.variable(variable), branch, null },
                };
                self.emit(place, op)?;
                Ok(())
            }
            Resolved::Record { own, writer } => {
                let node = meeting.node;
                if !nested && !self.recursive.contains(&node) {
                    let open = self.emit(place, Op::Struct { slot, branch, null, skip: 0 })?;
                    self.fields(node, own, writer, slot, place)?;
                    let end = self.here();
                    self.patch(open, end);
                    return Ok(());
                }
                self.code.nests = true;
                let call = if nested {
                    let width = types.layout.width(node);
                    self.emit(place, Op::CallNested { slot, branch, null, target: 0, width })?
                } else {
                    self.emit(place, Op::Call { slot, branch, null, target: 0 })?
                };
                self.call(Body { node, own, writer }, call);
                Ok(())
            }
            Resolved::Array { own, writer } => {
                let item = types.schema.node(meeting.node).item.unwrap_or(0);
                let width = self.item_width(meeting.node, item);
                self.code.nests = true;
                let open = self.emit(place, Op::Array { slot, branch, null, width, end: 0 })?;
                let place = self.place(Place::Item { parent: place, entry: false });
                let nested = Schema::is_back_reference(meeting.node, item);
                let item = Meeting { node: item, own, writer, context: Context::Item };
                self.value(item, Spot { slot: 0, nested, place })?;
                self.close(open, place)
            }
            Resolved::Map { own, writer } => {
                let (open, place) = self.open_map(meeting.node, spot, branch, null)?;
                self.map_key(place)?;
                let item = types.schema.node(meeting.node).item.unwrap_or(0);
                self.emit(place, Op::MapValue { width: self.item_width(meeting.node, item) })?;
                let nested = Schema::is_back_reference(meeting.node, item);
                let item = Meeting { node: item, own, writer, context: Context::Item };
                self.value(item, Spot { slot: 0, nested, place })?;
                self.close(open, place)
            }
            Resolved::Entries { own, writer } => {
                let (open, place) = self.open_map(meeting.node, spot, branch, null)?;
                let children = types
                    .entry(own, writer)
                    .and_then(|(branch, writer)| Ok((branch, types.key_and_value(meeting.node, own, writer)?)));
                match children {
                    Ok((branch, children)) => {
                        self.emit(place, Op::Index { branch })?;
                        for (i, child) in children.iter().enumerate() {
                            if child.position > 0 {
                                let width = self.item_width(meeting.node, child.meeting.node);
                                self.emit(place, Op::MapValue { width })?;
                            } else if i > 0 {
                                self.emit(place, Op::MapKey)?;
                            }
                            let nested = Schema::is_back_reference(meeting.node, child.meeting.node);
                            self.child(child, Spot { slot: 0, nested, place })?;
                        }
                    }
                    Err(error) => {
                        let error = self.error(error);
                        self.emit(place, Op::FailAlways { error })?;
                    }
                }
                self.close(open, place)
            }
        }
    }

    fn item_width(&self, parent: NodeId, item: NodeId) -> u32 {
        if Schema::is_back_reference(parent, item) { 1 } else { self.types.layout.width(item) }
    }

    fn open_map(&mut self, id: NodeId, spot: Spot, branch: Branch, null: NullId) -> Result<(Pc, u32)> {
        let node = self.types.schema.node(id);
        let key_width = self.item_width(id, node.key.unwrap_or(0));
        let width = self.item_width(id, node.item.unwrap_or(0));
        self.code.nests = true;
        let open = self.emit(spot.place, Op::Map { slot: spot.slot, branch, null, key_width, width, end: 0 })?;
        Ok((open, self.place(Place::Item { parent: spot.place, entry: true })))
    }

    fn close(&mut self, open: Pc, place: u32) -> Result<()> {
        self.emit(place, Op::Next)?;
        let end = self.here();
        self.patch(open, end);
        Ok(())
    }

    /// Key of an Avro map. A null key is an error even where the schema allows it.
    fn map_key(&mut self, place: u32) -> Result<()> {
        let error = Error::data("avro.null-key", "Avro map: expected a key, found null").hint(
            "without allow.optional.map.keys the map is written as an array of records, which may have null keys",
        );
        let null = self.add_null(Err(error));
        self.emit(place, Op::String { slot: 0, branch: Branch::NONE, null })?;
        Ok(())
    }

    fn call(&mut self, body: Body, call: Pc) {
        if let Some(target) = self.bodies.get(&body).copied() {
            self.patch(call, target);
        } else if let Some((_, calls)) = self.waiting.iter_mut().find(|(other, _)| *other == body) {
            calls.push(call);
        } else {
            self.waiting.push_back((body, vec![call]));
        }
    }

    /// Fields of a struct whose own slot is `slot`.
    fn fields(&mut self, id: NodeId, own: TypeId, writer: Target, slot: u32, place: u32) -> Result<()> {
        let types = self.types;
        let children = match types.fields(id, own, writer) {
            Ok(children) => children,
            Err(error) => {
                let error = self.error(error);
                self.emit(place, Op::FailAlways { error })?;
                return Ok(());
            }
        };
        let mut next = slot + 1;
        let mut slots = Vec::with_capacity(children.len());
        for field in &types.schema.node(id).fields {
            slots.push(next);
            next += self.item_width(id, field.node);
        }
        for child in &children {
            let nested = Schema::is_back_reference(id, child.meeting.node);
            let place = self.place(Place::Field { parent: place, name: child.name.to_owned() });
            let slot = slots.get(child.position).copied().unwrap_or(slot);
            self.child(child, Spot { slot, nested, place })?;
        }
        Ok(())
    }

    fn child(&mut self, child: &Child<'_>, spot: Spot) -> Result<()> {
        if !child.discarded {
            return self.value(child.meeting, spot);
        }
        self.emit(spot.place, Op::Mark)?;
        self.value(child.meeting, spot)?;
        self.emit(spot.place, Op::Rewind)?;
        Ok(())
    }

    /// A union struct: the first field that is not null, or whose default takes the place of null.
    fn union(&mut self, meeting: Meeting, spot: Spot, top: bool) -> Result<()> {
        let types = self.types;
        let node = types.schema.node(meeting.node);
        let place = spot.place;
        let null = self.null(meeting);
        let open = self.emit(place, Op::Struct { slot: spot.slot, branch: Branch::NONE, null, skip: 0 })?;
        let mut slot = spot.slot + 1;
        let (mut tests, mut jumps) = (Vec::new(), Vec::new());
        for field in &node.fields {
            let place = self.place(Place::Field { parent: place, name: field.name.clone() });
            let nested = Schema::is_back_reference(meeting.node, field.node);
            let branch = Meeting { node: field.node, context: Context::Field, ..meeting };
            let default = types.uses_default(types.schema.node(field.node), Context::Field);
            let default = default.then(|| self.null(branch));
            let test = self.emit(place, Op::Present { slot, default, otherwise: 0, end: 0 })?;
            self.value(branch, Spot { slot, nested, place })?;
            jumps.push(self.emit(place, Op::Jump { to: 0 })?);
            tests.push((test, self.here()));
            slot += self.item_width(meeting.node, field.node);
        }
        if top && node.optional {
            self.emit(place, Op::NoValue)?;
        } else {
            let null = self.null(Meeting { context: Context::Item, ..meeting });
            self.emit(place, Op::Empty { null })?;
        }
        let after = self.here();
        self.patch(open, after);
        for jump in jumps {
            self.patch(jump, after);
        }
        for (test, next) in tests {
            if let Some(Op::Present { otherwise, end, .. }) = self.code.ops.get_mut(test as usize) {
                (*otherwise, *end) = (next, after);
            }
        }
        Ok(())
    }
}
