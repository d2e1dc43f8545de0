//! What a decode plan consists of: a flat list of opcodes and the tables they point into.

use super::quick::Quick;
use connect_data::{Error, NodeId};

/// Index of an opcode.
pub(super) type Pc = u32;

/// Slot in the current image, relative to its current base.
pub(super) type Slot = u32;

/// One step. Reads from the payload and writes slots; control opcodes move on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Boolean(Slot),
    Int(Slot),
    Int8(Slot),
    Int16(Slot),
    /// `time-millis`: an int within a day.
    Time(Slot),
    Long(Slot),
    Float(Slot),
    Double(Slot),
    IntAsLong(Slot),
    IntAsFloat(Slot),
    IntAsDouble(Slot),
    LongAsFloat(Slot),
    LongAsDouble(Slot),
    FloatAsDouble(Slot),
    Text(Slot),
    Bytes(Slot),
    /// Unscaled bytes, without what only repeats the sign.
    Decimal(Slot),
    Fixed {
        slot: Slot,
        len: u32,
    },
    FixedDecimal {
        slot: Slot,
        len: u32,
    },
    /// All that is left of the payload.
    Rest {
        slot: Slot,
        decimal: bool,
    },
    Enum {
        slot: Slot,
        table: u32,
    },
    /// A union of two with null at index `null`: then the slot is null and `other` is next, else the next opcode.
    Optional {
        slot: Slot,
        null: u32,
        other: Pc,
    },
    /// A union: table of the opcodes for its branches.
    Branch {
        table: u32,
    },
    /// Looks at the length of the bytes that come: table of pairs of length and opcode, the last one for all others.
    ByLength {
        table: u32,
    },
    Jump(Pc),
    Null(Slot),
    /// The record as a whole is null: no value and no schema.
    NoValue,
    /// Nulls for the slots of this table.
    Nulls {
        table: u32,
    },
    /// An array or map: items by the body of the container, then its exit.
    Items {
        slot: Slot,
        container: u32,
    },
    /// Slots are from here on those of the current entry's key.
    Key,
    /// Slots are from here on those of the current item or entry's value.
    Value,
    /// End of an item.
    Next,
    /// A struct inside itself: an aggregate of its own.
    Call {
        slot: Slot,
        routine: u32,
    },
    Return,
    /// Reads from these constants, until `EndDefault`.
    Default {
        start: u32,
        len: u32,
    },
    EndDefault,
    SkipInt,
    SkipLong,
    SkipPrefixed,
    Skip(u32),
    SkipItems {
        container: u32,
    },
    SkipNext,
    SkipCall {
        entry: u32,
    },
    SkipReturn,
    Fail(u32),
    End,
}

/// An array or map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Container {
    /// Slots of a key; 0 for arrays.
    pub(super) key_width: u32,
    /// Slots of an item or value.
    pub(super) width: u32,
    /// Least number of bytes of an item: bounds the count before anything is allocated.
    pub(super) least: u32,
    /// Items that all have this many bytes need not be walked to be skipped.
    pub(super) constant: Option<u32>,
    pub(super) body: Pc,
    pub(super) exit: Pc,
    pub(super) keys: Keys,
}

/// How keys are told apart: Java's maps keep the last of equal keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// An array.
    None,
    /// Strings and bytes.
    Octets,
    /// Integers and booleans.
    Bits,
    Float32,
    Float64,
    /// Structs, arrays, maps: this node.
    Tree(NodeId),
}

/// A struct that is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Routine {
    pub(super) entry: Pc,
    /// Slots of its image.
    pub(super) width: u32,
    /// Its slot where it is inline: the opcodes count from there.
    pub(super) home: Slot,
}

/// Part of a path, for errors.
#[derive(Clone, Debug)]
pub(super) struct PathStep {
    pub(super) parent: u32,
    pub(super) field: String,
}

/// No path: the root, or an item.
pub(super) const NO_PATH: u32 = u32::MAX;

/// A compiled plan.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) ops: Vec<Op>,
    /// For each opcode how it is done at once.
    pub(super) quick: Vec<Quick>,
    /// For each opcode its place, an index into `steps`.
    pub(super) places: Vec<u32>,
    pub(super) steps: Vec<PathStep>,
    pub(super) branches: Vec<Vec<Pc>>,
    pub(super) lengths: Vec<Vec<(usize, Pc)>>,
    pub(super) nulls: Vec<Vec<Slot>>,
    /// Texts by the writer's symbol; `None` = the reader knows no such symbol.
    pub(super) symbols: Vec<Vec<Option<String>>>,
    pub(super) containers: Vec<Container>,
    pub(super) routines: Vec<Routine>,
    pub(super) constants: Vec<u8>,
    pub(super) failures: Vec<Error>,
    pub(super) refuse_trailing: bool,
}

impl Code {
    /// Field names from the nearest container or call down to the opcode.
    pub(super) fn path(&self, pc: Pc) -> Vec<&str> {
        let mut names = Vec::new();
        let mut at = self.places.get(pc as usize).copied().unwrap_or(NO_PATH);
        while let Some(step) = self.steps.get(at as usize) {
            names.push(step.field.as_str());
            at = step.parent;
        }
        names
    }
}
