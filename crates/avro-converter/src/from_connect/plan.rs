//! The plan: flat opcodes, and the places they stand for in messages.

use super::leaf::{Scalar, Variable};
use super::resolve::Branch;
use super::straight::Step;
use connect_data::Error;

/// Index of an opcode.
pub(super) type Pc = u32;
/// Index of what null means somewhere.
pub(super) type NullId = u32;

/// What a null becomes.
#[derive(Clone, Debug)]
pub(super) enum Null {
    /// One octet: the index of null in a union.
    Octet(u8),
    /// A default, or null that takes no octet.
    Octets(Box<[u8]>),
    /// The error that Java throws.
    Error(Error),
}

/// One step. Slots count from the base of the current frame: the image's first slot, an array's item, a struct.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// An INT32.
    Int { slot: u32, branch: Branch, null: NullId },
    /// An INT64.
    Long { slot: u32, branch: Branch, null: NullId },
    /// A string.
    String { slot: u32, branch: Branch, null: NullId },
    /// Any other value that is its slot.
    Scalar { slot: u32, scalar: Scalar, branch: Branch, null: NullId },
    /// Any other value whose slot points to its octets; `variable` is an index into [`Code::variables`].
    Variable { slot: u32, variable: u32, branch: Branch, null: NullId },
    /// A struct whose fields follow; null skips them.
    Struct { slot: u32, branch: Branch, null: NullId, skip: Pc },
    /// A struct that recursion refers to, in line: its fields are at `target`, up to [`Op::Return`].
    Call { slot: u32, branch: Branch, null: NullId, target: Pc },
    /// [`Op::Call`] of a struct in an aggregate of `width` slots.
    CallNested { slot: u32, branch: Branch, null: NullId, target: Pc, width: u32 },
    /// End of a struct that was called.
    Return,
    /// An array whose item follows, up to [`Op::Next`].
    Array { slot: u32, branch: Branch, null: NullId, width: u32, end: Pc },
    /// A map whose key, [`Op::MapValue`] and value follow, up to [`Op::Next`].
    Map { slot: u32, branch: Branch, null: NullId, key_width: u32, width: u32, end: Pc },
    /// From the key to the value, of so many slots.
    MapValue { width: u32 },
    /// Back to the key, where the writer has it after the value.
    MapKey,
    /// The index of a union branch alone.
    Index { branch: Branch },
    /// End of an item: the next one, or zero and onwards.
    Next,
    /// A field of a union struct: if it is null, onwards at `otherwise`, or its default and onwards at `end`.
    Present { slot: u32, default: Option<NullId>, otherwise: Pc, end: Pc },
    /// Onwards elsewhere.
    Jump { to: Pc },
    /// What a union struct without any value becomes.
    Empty { null: NullId },
    /// The same at top level, where it is a null message.
    NoValue,
    /// A value that Java cannot write; null may be fine.
    Fail { slot: u32, null: NullId, error: u32 },
    /// Such a record, whatever its values.
    FailAlways { error: u32 },
    /// What follows is converted but not written, up to [`Op::Rewind`].
    Mark,
    /// Takes back what was written since [`Op::Mark`].
    Rewind,
    /// Schemaless data.
    Anything { slot: u32 },
    /// End of the record.
    End,
}

/// Where an opcode stands.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The record itself.
    Root,
    /// A field of the place with this index.
    Field { parent: u32, name: String },
    /// An item of the array or entry of the map at this place; its number is in the frame.
    Item { parent: u32, entry: bool },
    /// A struct that was called: the frame knows from where.
    Body,
}

/// A compiled plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Code {
    pub(super) ops: Vec<Op>,
    /// The same for [`super::straight`], one for each.
    pub(super) steps: Vec<Step>,
    /// Place of each opcode.
    pub(super) at: Vec<u32>,
    pub(super) places: Vec<Place>,
    pub(super) nulls: Vec<Null>,
    pub(super) variables: Vec<Variable>,
    pub(super) errors: Vec<Error>,
    /// Whether the plan enters aggregates or calls.
    pub(super) nests: bool,
}

impl Code {
    /// Adds the path of an error at `pc`. `frames` yields, innermost first, the opcode that opened each frame and the
    /// number of its current item.
    pub(super) fn locate(&self, mut error: Error, pc: Pc, mut frames: impl Iterator<Item = (Pc, u32)>) -> Error {
        let place_of = |pc: Pc| self.at.get(pc as usize).copied().unwrap_or(0);
        let mut place = place_of(pc);
        // Each step goes to an earlier place or takes a frame.
        loop {
            match self.places.get(place as usize) {
                None | Some(Place::Root) => return error,
                Some(Place::Field { parent, name }) => {
                    error = error.within(connect_data::Step::Field(name.clone()));
                    place = *parent;
                }
                Some(Place::Item { parent, entry }) => {
                    let (_, index) = frames.next().unwrap_or((0, 0));
                    error = error.within(if *entry {
                        connect_data::Step::Entry(index)
                    } else {
                        connect_data::Step::Index(index)
                    });
                    place = *parent;
                }
                Some(Place::Body) => match frames.next() {
                    Some((caller, _)) => place = place_of(caller),
                    None => return error,
                },
            }
        }
    }
}
