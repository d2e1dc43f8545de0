//! Which Connect schemas are equal: Java keeps a map from each required schema to its Avro type while it converts one
//! schema, and names unnamed structs in that order.

use super::node::{enum_parameter, is_fixed, string_keyed};
use crate::config::AvroDataConfig;
use connect_data::wire::Writer;
use connect_data::{NodeId, Schema, Type, Value};

/// Equal for equal schemas (`ConnectSchema.equals`), the root's `optional` left out.
pub(super) type Fingerprint = Vec<u8>;

/// Tells where sharing can be seen at all: only named Avro types make a difference.
pub(super) struct Sharing {
    visible: Vec<bool>,
}

impl Sharing {
    pub(super) fn of(schema: &Schema, config: &AvroDataConfig) -> Self {
        let mut visible = vec![false; schema.nodes().len()];
        // Children come after their parents.
        for (id, node) in schema.nodes().iter().enumerate().rev() {
            let named = match node.kind {
                Type::Struct => true,
                Type::Map => !string_keyed(schema, node, config),
                Type::String => enum_parameter(node, config).is_some(),
                Type::Bytes => is_fixed(node),
                _ => false,
            };
            let below = || children(node).any(|child| visible.get(child as usize).copied().unwrap_or(false));
            let seen = named || below();
            if let Some(place) = visible.get_mut(id) {
                *place = seen;
            }
        }
        Self { visible }
    }

    /// `None` where sharing cannot be seen.
    pub(super) fn fingerprint(&self, schema: &Schema, id: NodeId) -> Option<Fingerprint> {
        if !self.visible.get(id as usize).copied().unwrap_or(false) {
            return None;
        }
        let mut bytes = Vec::new();
        write(schema, id, id, &mut bytes);
        Some(bytes)
    }
}

fn children(node: &connect_data::schema::Node) -> impl Iterator<Item = NodeId> + '_ {
    node.fields.iter().map(|f| f.node).chain(node.key).chain(node.item)
}

/// Recursion is as deep as the schema, which is bounded.
fn write(schema: &Schema, root: NodeId, id: NodeId, bytes: &mut Vec<u8>) {
    let node = schema.node(id);
    let mut w = Writer::new(bytes);
    w.u8(node.kind as u8);
    w.u8(u8::from(node.optional && id != root));
    w.opt_str(node.name.as_deref());
    w.opt_str(node.doc.as_deref());
    w.u8(u8::from(node.version.is_some()));
    w.i32(node.version.unwrap_or(0));
    let mut parameters: Vec<_> = node.parameters.iter().collect();
    parameters.sort();
    w.u32(parameters.len() as u32);
    for (key, value) in parameters {
        w.str(key);
        w.str(value);
    }
    match &node.default {
        None => w.u8(0),
        Some(default) => {
            w.u8(1);
            value(default, bytes);
        }
    }
    Writer::new(bytes).u32(node.fields.len() as u32);
    for field in &node.fields {
        Writer::new(bytes).str(&field.name);
        child(schema, root, id, field.node, bytes);
    }
    for below in node.key.into_iter().chain(node.item) {
        child(schema, root, id, below, bytes);
    }
}

/// A reference back is written as its distance from the root: inside the subtree that is the same for equal schemas.
fn child(schema: &Schema, root: NodeId, parent: NodeId, id: NodeId, bytes: &mut Vec<u8>) {
    if Schema::is_back_reference(parent, id) {
        let mut w = Writer::new(bytes);
        w.u8(0xFF);
        w.i64(i64::from(id) - i64::from(root));
    } else {
        write(schema, root, id, bytes);
    }
}

fn value(value: &Value, bytes: &mut Vec<u8>) {
    let mut w = Writer::new(bytes);
    w.str(value.kind());
    match value {
        Value::Null | Value::Unavailable => {}
        Value::Boolean(v) => w.u8(u8::from(*v)),
        Value::Int8(v) => w.i64(i64::from(*v)),
        Value::Int16(v) => w.i64(i64::from(*v)),
        Value::Int32(v) => w.i64(i64::from(*v)),
        Value::Int64(v) => w.i64(*v),
        Value::Float32(v) => w.u32(v.to_bits()),
        Value::Float64(v) => w.i64(v.to_bits() as i64),
        Value::String(v) => w.str(v),
        Value::Bytes(v) => w.bytes(v),
        Value::Array(items) | Value::Struct(items) => {
            w.u32(items.len() as u32);
            items.iter().for_each(|item| self::value(item, bytes));
        }
        Value::Map(entries) => {
            w.u32(entries.len() as u32);
            for (key, item) in entries {
                self::value(key, bytes);
                self::value(item, bytes);
            }
        }
    }
}
