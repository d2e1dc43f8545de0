//! Values made of fields of other values: compiled once per schema, executed by copying slots.

use connect_data::row_image::{Image, ImageWriter, Layout, tree};
use connect_data::schema::NodeId;
use connect_data::wire::Writer;
use connect_data::{Error, Node, Result, Schema, SchemaBuilder, SchemaId, SchemaStore, Type, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// More schemas than this in one transformation: the plans are made anew.
const MOST: usize = 1_000;

/// Plans of one transformation by the schema of its input.
pub(super) struct Plans<T>(RwLock<BTreeMap<SchemaId, Arc<T>>>);

impl<T> Plans<T> {
    pub(super) fn new() -> Self {
        Self(RwLock::new(BTreeMap::new()))
    }

    /// The plan for a schema, which `compile` makes the first time.
    pub(super) fn get(&self, schema: SchemaId, compile: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        if let Some(plan) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&schema) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(compile()?);
        let mut plans = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if plans.len() >= MOST {
            plans.clear();
        }
        plans.insert(schema, plan.clone());
        Ok(plan)
    }
}

/// A value made of places of one input and of constants.
pub(super) struct Projection {
    /// Schema of what is made.
    pub(super) schema: SchemaId,
    slots: usize,
    moves: Vec<Move>,
    /// Slots of fields that the record itself fills in.
    pub(super) inserted: Vec<usize>,
}

/// Copies the subtree of a node.
struct Move {
    from: usize,
    to: usize,
    width: usize,
    /// Slots of variable length, relative to the subtree; the flag says that they hold a row image of their own.
    variable: Vec<(usize, bool)>,
    /// Image of the node's default, which takes the place of null.
    default: Option<Vec<u8>>,
}

/// Where a field of the result comes from.
pub(super) enum Origin {
    /// This node of the input.
    Node(NodeId),
    /// [`Projection::inserted`], in order.
    Inserted(Node),
}

impl Projection {
    /// A struct with these fields below a root like `root`, which has none.
    pub(super) fn of_fields(
        input: &Schema,
        root: Node,
        fields: &[(String, Origin)],
        defaults: bool,
        store: &dyn SchemaStore,
    ) -> Result<Self> {
        let mut builder = SchemaBuilder::new();
        let top = builder.push(root);
        let mut places = Vec::new();
        for (name, origin) in fields {
            if fields.iter().filter(|(other, _)| other == name).count() > 1 {
                return Err(Error::data("transforms.field", format!("expected each field once, found {name} twice")));
            }
            let node = match origin {
                Origin::Node(node) => builder.copy(input, *node)?,
                Origin::Inserted(node) => builder.push(node.clone()),
            };
            builder.add_field(top, name.clone(), node);
            places.push(node);
        }
        let schema = builder.build()?;
        let layout = Layout::of(&schema);
        let input_layout = Layout::of(input);
        let (mut moves, mut inserted) = (Vec::new(), Vec::new());
        for ((_, origin), place) in fields.iter().zip(places) {
            let to = layout.slot(place) as usize;
            match origin {
                Origin::Node(node) => moves.push(Move::new(input, &input_layout, *node, to, defaults)?),
                Origin::Inserted(_) => inserted.push(to),
            }
        }
        let slots = layout.slots();
        Ok(Self { schema: store.intern(Arc::new(schema))?, slots, moves, inserted })
    }

    /// The value of a node as a value of its own.
    pub(super) fn of_node(input: &Schema, node: NodeId, defaults: bool, store: &dyn SchemaStore) -> Result<Self> {
        let schema = input.subschema(node)?;
        let slots = Layout::of(&schema).slots();
        let moves = vec![Move::new(input, &Layout::of(input), node, 0, defaults)?];
        Ok(Self { schema: store.intern(Arc::new(schema))?, slots, moves, inserted: Vec::new() })
    }

    /// Appends the datum that this makes of `input`; `insert` fills in [`Self::inserted`].
    pub(super) fn write(
        &self,
        input: &Image<'_>,
        insert: impl FnOnce(&mut ImageWriter<'_>, &[usize]) -> Result<()>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut w = Writer::new(out);
        w.u32(self.schema);
        w.u32(0);
        let start = out.len();
        let mut writer = ImageWriter::new(out, self.slots)?;
        for step in &self.moves {
            step.execute(input, &mut writer)?;
        }
        insert(&mut writer, &self.inserted)?;
        writer.finish();
        patch_length(out, start)
    }

    /// Appends a null of the schema that this makes.
    pub(super) fn write_null(&self, out: &mut Vec<u8>) -> Result<()> {
        Writer::new(out).u32(self.schema);
        Writer::new(out).u32(0);
        let start = out.len();
        let mut writer = ImageWriter::new(out, self.slots)?;
        writer.null(0);
        writer.finish();
        patch_length(out, start)
    }
}

/// Writes the length of the bytes from `start` on before them.
fn patch_length(out: &mut [u8], start: usize) -> Result<()> {
    let len =
        u32::try_from(out.len() - start).map_err(|_| Error::data("row-image.too-large", "a value beyond 4 GiB"))?;
    if let Some(place) = start.checked_sub(4).and_then(|at| out.get_mut(at..start)) {
        place.copy_from_slice(&len.to_le_bytes());
    }
    Ok(())
}

impl Move {
    fn new(input: &Schema, layout: &Layout, node: NodeId, to: usize, defaults: bool) -> Result<Self> {
        let mut variable = Vec::new();
        variable_slots(input, layout, node, 0, &mut variable);
        let default = match &input.node(node).default {
            Some(default) if defaults => {
                let mut image = Vec::new();
                tree::write(Some(&input.subschema(node)?), default, &mut image)?;
                Some(image)
            }
            _ => None,
        };
        let (from, width) = (layout.slot(node) as usize, layout.width(node) as usize);
        Ok(Self { from, to, width, variable, default })
    }

    fn execute(&self, input: &Image<'_>, writer: &mut ImageWriter<'_>) -> Result<()> {
        match &self.default {
            Some(default) if input.is_null(self.from) => self.copy(&Image::new(default, &[])?, 0, writer),
            _ => self.copy(input, self.from, writer),
        }
    }

    fn copy(&self, image: &Image<'_>, from: usize, writer: &mut ImageWriter<'_>) -> Result<()> {
        writer.copy_slots(image, from, self.to, self.width);
        for (offset, nested) in &self.variable {
            let slot = from + offset;
            // Null, unavailable, or below a null struct: the slot points nowhere.
            if !image.is_in_tail(slot) {
                continue;
            }
            if *nested {
                writer.align();
            }
            writer.tail(self.to + offset, image.bytes(slot)?)?;
        }
        Ok(())
    }
}

/// Slots of `node` and below whose value is elsewhere.
fn variable_slots(schema: &Schema, layout: &Layout, node: NodeId, at: usize, found: &mut Vec<(usize, bool)>) {
    let definition = schema.node(node);
    match definition.kind {
        Type::String | Type::Bytes => found.push((at, false)),
        Type::Array | Type::Map => found.push((at, true)),
        Type::Struct => {
            for (index, field) in definition.fields.iter().enumerate() {
                let slot = at + layout.field_offset(schema, node, index) as usize;
                if Schema::is_back_reference(node, field.node) {
                    found.push((slot, true));
                } else {
                    variable_slots(schema, layout, field.node, slot, found);
                }
            }
        }
        _ => {}
    }
}

/// Reads a schemaless value.
pub(super) fn read_schemaless(image: &[u8]) -> Result<Value> {
    tree::read(None, image, &[])
}

/// Appends a schemaless datum.
pub(super) fn write_schemaless(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    Writer::new(out).u32(0);
    Writer::new(out).u32(0);
    let start = out.len();
    tree::write(None, value, out)?;
    patch_length(out, start)
}
