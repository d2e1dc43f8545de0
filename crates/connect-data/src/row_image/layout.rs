//! Which slot a schema node has. Derived from the schema alone, so that both sides of a boundary agree without saying
//! so.

use crate::schema::{NodeId, Schema, Type};

/// Slots of every node of one schema.
///
/// A node takes one slot; a struct's fields follow its own slot, in order, flattened (pre-order). Arrays, maps and
/// references back to an enclosing struct take one slot that points to an aggregate in the tail: a row image of its
/// own, in which item `i` of an array takes slots `i * width ..`, a map has all its keys and then all its values, and a
/// recursive struct starts at slot 0. Schemaless data takes one slot that points to [`crate::schemaless`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Slot relative to the image or aggregate that the node lives in.
    slot: Vec<u32>,
    /// Slots that the node takes in it, with everything flattened below.
    width: Vec<u32>,
}

impl Layout {
    /// The layout of `schema`.
    pub fn of(schema: &Schema) -> Self {
        let nodes = schema.nodes().len();
        let mut layout = Self { slot: vec![0; nodes], width: vec![1; nodes] };
        // Children come after their parents, so widths are known bottom-up and slots top-down.
        for id in (0..nodes as NodeId).rev() {
            let node = schema.node(id);
            if node.kind == Type::Struct {
                let fields = node.fields.iter().map(|f| layout.field_width(id, f.node)).fold(0u32, u32::saturating_add);
                set(&mut layout.width, id, fields.saturating_add(1));
            }
        }
        for id in 0..nodes as NodeId {
            let node = schema.node(id);
            let mut next = layout.slot(id) + 1;
            for field in &node.fields {
                if !Schema::is_back_reference(id, field.node) {
                    set(&mut layout.slot, field.node, next);
                }
                next += layout.field_width(id, field.node);
            }
        }
        layout
    }

    fn field_width(&self, parent: NodeId, child: NodeId) -> u32 {
        if Schema::is_back_reference(parent, child) { 1 } else { self.width(child) }
    }

    /// Slot of a node relative to the image or aggregate it lives in. For a node below a recursive struct that was
    /// reached by a reference back, subtract the slot of that struct.
    pub fn slot(&self, node: NodeId) -> u32 {
        self.slot.get(node as usize).copied().unwrap_or(0)
    }

    /// Slots that a node takes, itself included.
    pub fn width(&self, node: NodeId) -> u32 {
        self.width.get(node as usize).copied().unwrap_or(1)
    }

    /// Slots of the whole image.
    pub fn slots(&self) -> usize {
        self.width(0) as usize
    }

    /// Slot of field `index` of struct `parent`, relative to the struct's own slot, also for recursive references.
    pub fn field_offset(&self, schema: &Schema, parent: NodeId, index: usize) -> u32 {
        let fields = &schema.node(parent).fields;
        1 + fields.iter().take(index).map(|f| self.field_width(parent, f.node)).sum::<u32>()
    }
}

fn set(values: &mut [u32], node: NodeId, value: u32) {
    if let Some(place) = values.get_mut(node as usize) {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Node, SchemaBuilder};

    #[test]
    fn nested_structs_are_flattened_and_recursion_is_one_slot() {
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct));
        let inner = b.field(root, "inner", Node::new(Type::Struct));
        b.field(inner, "a", Node::new(Type::Int8));
        b.add_field(inner, "again", inner);
        let list = b.field(root, "list", Node::new(Type::Array));
        let item = b.push(Node::new(Type::Struct));
        b.field(item, "x", Node::new(Type::Int8));
        b.node_mut(list).unwrap().item = Some(item);
        let last = b.field(root, "last", Node::new(Type::Int8));
        let schema = b.build().unwrap();
        let layout = Layout::of(&schema);
        assert_eq!((layout.slot(inner), layout.width(inner)), (1, 3));
        assert_eq!(layout.field_offset(&schema, inner, 1), 2);
        assert_eq!((layout.slot(list), layout.width(list)), (4, 1));
        assert_eq!((layout.slot(item), layout.width(item)), (0, 2));
        assert_eq!((layout.slot(last), layout.slots()), (5, 6));
    }
}
