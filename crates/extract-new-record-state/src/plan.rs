//! What to do with the records of one schema, as data: compiled once by [`crate::compile`], executed by
//! [`crate::execute`] on row images and, from the bytes of [`crate::plan_codec`], by the JVM shim on Structs.
//!
//! A [`Plan`] belongs to a value schema and decides by the record's shape. What a rewritten key and value look like may
//! also depend on the operation, the key's schema and the fields to drop: a [`Program`] is asked for when the first such
//! record has come that far, because then Debezium fills its schema cache.

use crate::config::UnavailableAction;
use crate::input::Input;
use connect_data::logical::DECIMAL;
use connect_data::row_image::Layout;
use connect_data::{Error, NodeId, Schema, SchemaId, Type};
use std::sync::Arc;

/// What to do with the records of one value schema.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) tombstone: Tombstone,
    pub(crate) value: ValuePlan,
}

/// A record whose value is null, whatever its schema.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tombstone {
    Drop,
    Keep(Vec<HeaderAdd>),
    Fail(Error),
}

/// A record whose value is not null.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ValuePlan {
    Pass,
    Fail(Error),
    Envelope(Box<Envelope>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Envelope {
    /// Slots that an image of this schema has.
    pub(crate) slots: u32,
    pub(crate) after: Place,
    pub(crate) before: Option<Place>,
    /// Stands for an `after` that is null.
    pub(crate) after_default: Option<Constant>,
    /// Stands for a `before` that is null.
    pub(crate) before_default: Option<Constant>,
    /// By [`Shape`].
    pub(crate) branches: [Branch; 3],
}

/// Which of the two rows an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `after`, with or without `before`.
    After = 0,
    /// `before` only.
    Before = 1,
    Neither = 2,
}

impl Shape {
    pub(crate) const ALL: [Self; 3] = [Self::After, Self::Before, Self::Neither];
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Branch {
    Fail(Error),
    Drop,
    Change(Box<Change>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) headers: Vec<HeaderAdd>,
    pub(crate) topic: Option<Topic>,
    pub(crate) select: Select,
}

/// What a program depends on besides the value's schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Select {
    /// A string in the envelope.
    pub(crate) operation: Option<Place>,
    /// Name of the header that lists the fields to drop.
    pub(crate) dropped: Option<String>,
    /// The key's schema, if any field is to be dropped.
    pub(crate) key: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Topic {
    pub(crate) from: Source,
    /// Whether a topic of blanks only leaves the record's topic as it is.
    pub(crate) keep_if_blank: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeaderAdd {
    pub(crate) name: String,
    pub(crate) schema: SchemaId,
    /// Schema of the header if its value is null.
    pub(crate) schema_of_null: SchemaId,
    pub(crate) from: Source,
    pub(crate) carry: Carry,
    /// Schema and layout of what it is taken from and of itself, for what is carried whole.
    pub(crate) inputs: Option<[Arc<Input>; 2]>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    Constant(Constant),
    Place {
        /// A struct that must be there too.
        guard: Option<Place>,
        place: Place,
        /// Instead of a value whose guard or enclosing struct is null.
        absent: Option<Constant>,
        /// Instead of a null.
        null: Option<Constant>,
    },
}

/// A value that is part of the plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constant {
    pub(crate) schema: SchemaId,
    /// A row image of that schema.
    pub(crate) image: Vec<u8>,
}

/// Where something lies below the root of a value or key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Field positions, from the root.
    pub(crate) path: Vec<u32>,
    /// Slots of the structs on the way: below a null one nothing is read.
    pub(crate) guards: Vec<u32>,
    pub(crate) slot: u32,
}

/// How a value gets from one image to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Carry {
    /// Slot by slot.
    Cells(Cells),
    /// As a value tree: its schema refers back to a struct outside, so that its copy is laid out otherwise.
    Whole { node: NodeId, is_reference: bool },
}

/// The slots that a value takes, relative to its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) width: u32,
    /// Those that hold a range of the tail.
    pub(crate) variable: Vec<Variable>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) offset: u32,
    /// An aggregate, which starts at a multiple of 8.
    pub(crate) aligned: bool,
}

/// What becomes of key and value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Program {
    pub(crate) key: KeyProgram,
    pub(crate) value: ValueProgram,
}

/// A null key is always kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum KeyProgram {
    Keep,
    Fail(Error),
    /// The key is a schemaless map and loses these entries.
    RemoveEntries(Vec<String>),
    Rebuild(Rebuild),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ValueProgram {
    Fail(Error),
    /// A null of this schema; 0 = none.
    Null {
        schema: SchemaId,
        slots: u32,
    },
    Rebuild(Rebuild),
}

/// A new struct from the fields of the old.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rebuild {
    pub(crate) schema: SchemaId,
    /// Number of its fields.
    pub(crate) fields: u32,
    pub(crate) slots: u32,
    /// Schema and layout of the old datum.
    pub(crate) source: Arc<Input>,
    /// Schema and layout of the new one.
    pub(crate) target: Arc<Input>,
    /// Raised by [`Step::Require`] and [`Step::Valid`].
    pub(crate) null: Error,
    /// Raised by [`Step::Refuse`].
    pub(crate) unfit: Error,
    pub(crate) steps: Vec<Step>,
    /// Slots of the fields that no step names.
    pub(crate) nulls: Vec<u32>,
    /// Columns in which a value may be a placeholder, if anybody wants to know.
    pub(crate) watch: Option<Watch>,
}

/// Columns for which the source may not have sent a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Watch {
    pub(crate) action: UnavailableAction,
    pub(crate) placeholder: String,
    /// Raised at the field.
    pub(crate) error: Error,
    /// Of the header that lists the fields.
    pub(crate) header_schema: SchemaId,
    pub(crate) columns: Vec<WatchedColumn>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WatchedColumn {
    pub(crate) place: Place,
    pub(crate) field: String,
    pub(crate) to_slot: u32,
    pub(crate) form: Placeholder,
}

/// How Debezium writes its placeholder in a column of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placeholder {
    Text = 0,
    Bytes = 1,
    /// An array with the text as its only item.
    Texts = 2,
    /// An array of the text's octets.
    Integers = 3,
    /// A map from the text to the text.
    Entry = 4,
}

impl Placeholder {
    /// The form for a column of this node; `None` = such columns always come with their value.
    pub(crate) fn of(schema: &Schema, node: NodeId) -> Option<Self> {
        let definition = schema.node(node);
        let kind = |node: Option<NodeId>| node.map(|node| schema.node(node).kind);
        match (definition.kind, kind(definition.key), kind(definition.item)) {
            (Type::String, ..) => Some(Self::Text),
            (Type::Bytes, ..) => (definition.name.as_deref() != Some(DECIMAL)).then_some(Self::Bytes),
            (Type::Array, _, Some(Type::String)) => Some(Self::Texts),
            (Type::Array, _, Some(Type::Int32 | Type::Int64)) => Some(Self::Integers),
            (Type::Map, Some(Type::String), Some(Type::String)) => Some(Self::Entry),
            _ => None,
        }
    }
}

/// One step of a [`Rebuild`]. A field of the new struct that no step names is null.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Raises [`Rebuild::null`] at `field` if the value is null.
    Require { place: Place, field: String },
    /// Raises [`Rebuild::null`] at `field` if there is a value of schema `node`, and in it a null where its schema wants a
    /// value. `raw`: of the datum as it came, without defaults for its rows.
    Valid { place: Place, node: NodeId, is_reference: bool, field: String, raw: bool },
    /// Raises [`Rebuild::unfit`] at `field` if the source gives anything but null.
    Refuse { from: Source, field: String },
    /// Copies `count` consecutive fields of a struct, nulls included.
    Copy { from: Place, first: u32, count: u32, to: u32, from_slot: u32, to_slot: u32, cells: Cells },
    /// Replaces a copied null.
    Default { to: u32, from_slot: u32, to_slot: u32, constant: Constant, cells: Cells },
    /// Copies one field that is carried whole; `target` is its node in the new struct's schema.
    CopyWhole {
        from: Place,
        first: u32,
        to: u32,
        from_slot: u32,
        to_slot: u32,
        node: NodeId,
        is_reference: bool,
        target: NodeId,
    },
    /// Puts one value; `target` is its node in the new struct's schema.
    Put { from: Source, to: u32, to_slot: u32, carry: Carry, target: NodeId },
}

impl Place {
    /// The root.
    pub(crate) fn root() -> Self {
        Self { path: Vec::new(), guards: Vec::new(), slot: 0 }
    }

    /// A field of the struct at this place.
    pub(crate) fn field(&self, schema: &Schema, layout: &Layout, parent: NodeId, index: usize) -> Self {
        let mut place = self.clone();
        place.path.push(index as u32);
        if parent != 0 {
            place.guards.push(self.slot);
        }
        place.slot = layout.slot(parent) + layout.field_offset(schema, parent, index);
        place
    }
}

impl Cells {
    /// The slots of `node`; `None` if something in it refers back to a struct outside, whose copy would be laid out
    /// otherwise.
    pub(crate) fn of(schema: &Schema, layout: &Layout, node: NodeId) -> Option<Self> {
        if refers_outside(schema, node, node) {
            return None;
        }
        let mut cells = Self { width: layout.width(node), variable: Vec::new() };
        cells.collect(schema, layout, node, layout.slot(node));
        Some(cells)
    }

    fn collect(&mut self, schema: &Schema, layout: &Layout, node: NodeId, base: u32) {
        let offset = layout.slot(node).saturating_sub(base);
        match schema.node(node).kind {
            Type::Struct => {
                for (index, field) in schema.node(node).fields.iter().enumerate() {
                    if Schema::is_back_reference(node, field.node) {
                        let offset = offset + layout.field_offset(schema, node, index);
                        self.variable.push(Variable { offset, aligned: true });
                    } else {
                        self.collect(schema, layout, field.node, base);
                    }
                }
            }
            Type::String | Type::Bytes => self.variable.push(Variable { offset, aligned: false }),
            Type::Array | Type::Map => self.variable.push(Variable { offset, aligned: true }),
            _ => {}
        }
    }

    /// Appends the cells of the value that follows.
    pub(crate) fn append(&mut self, next: &Self) {
        let width = self.width;
        self.variable.extend(next.variable.iter().map(|v| Variable { offset: v.offset + width, ..*v }));
        self.width += next.width;
    }
}

fn refers_outside(schema: &Schema, node: NodeId, root: NodeId) -> bool {
    let definition = schema.node(node);
    let children = definition.fields.iter().map(|f| f.node).chain(definition.key).chain(definition.item);
    children.into_iter().any(|child| {
        if Schema::is_back_reference(node, child) { child < root } else { refers_outside(schema, child, root) }
    })
}
