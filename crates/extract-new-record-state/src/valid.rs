//! What `ConnectSchema.validateValue` refuses inside a value that is not null itself: nulls among the items of arrays, the
//! keys and values of maps and the fields of structs. A field's default excuses its null, an item's does not.

use crate::input::Input;
use connect_data::row_image::{Image, MAX_AGGREGATE_DEPTH};
use connect_data::{Error, NodeId, Result, Schema, Type};

/// Whether any value of this node can be refused: hardly any column's.
pub(crate) fn can_be_invalid(schema: &Schema, node: NodeId) -> bool {
    let definition = schema.node(node);
    let below = |child: NodeId| !Schema::is_back_reference(node, child) && can_be_invalid(schema, child);
    match definition.kind {
        Type::Struct => definition.fields.iter().any(|field| requires(schema, field.node) || below(field.node)),
        _ => definition.key.into_iter().chain(definition.item).any(|item| !schema.node(item).optional || below(item)),
    }
}

/// Whether a field of this node must not be null.
fn requires(schema: &Schema, node: NodeId) -> bool {
    let definition = schema.node(node);
    !definition.optional && definition.default.is_none()
}

/// Whether the value at `slot`, which is not null, holds no null where its schema wants a value.
pub(crate) fn is_valid(input: &Input, node: NodeId, image: &Image<'_>, slot: usize) -> Result<bool> {
    inside(input, node, image, slot, 0)
}

/// The same where `slot` refers back to the struct.
pub(crate) fn is_valid_reference(input: &Input, node: NodeId, image: &Image<'_>, slot: usize) -> Result<bool> {
    inside(input, node, &image.nested(slot)?, 0, 1)
}

fn inside(input: &Input, node: NodeId, image: &Image<'_>, slot: usize, depth: usize) -> Result<bool> {
    if depth > MAX_AGGREGATE_DEPTH {
        return Err(Error::data(
            "row-image.depth",
            format!("expected at most {MAX_AGGREGATE_DEPTH} nested aggregates, found more"),
        ));
    }
    let schema = &*input.schema;
    let definition = schema.node(node);
    match definition.kind {
        Type::Struct => {
            let mut at = slot + 1;
            for field in &definition.fields {
                let width = width(input, node, field.node);
                if image.is_null(at) {
                    if requires(schema, field.node) {
                        return Ok(false);
                    }
                } else if !child(input, node, field.node, image, at, depth)? {
                    return Ok(false);
                }
                at += width;
            }
            Ok(true)
        }
        Type::Array => match definition.item {
            None => Ok(true),
            Some(item) => {
                let items = image.nested(slot)?;
                let width = width(input, node, item);
                all(input, node, item, &items, 0, items.slots() / width, depth)
            }
        },
        Type::Map => match (definition.key, definition.item) {
            (Some(key), Some(item)) => {
                let entries = image.nested(slot)?;
                let (keys, items) = (width(input, node, key), width(input, node, item));
                let count = entries.slots() / (keys + items);
                Ok(all(input, node, key, &entries, 0, count, depth)?
                    && all(input, node, item, &entries, count * keys, count, depth)?)
            }
            _ => Ok(true),
        },
        _ => Ok(true),
    }
}

fn width(input: &Input, parent: NodeId, node: NodeId) -> usize {
    if Schema::is_back_reference(parent, node) { 1 } else { (input.layout.width(node) as usize).max(1) }
}

/// `count` items from `first` on.
fn all(
    input: &Input,
    parent: NodeId,
    node: NodeId,
    image: &Image<'_>,
    first: usize,
    count: usize,
    depth: usize,
) -> Result<bool> {
    let (width, optional) = (width(input, parent, node), input.schema.node(node).optional);
    for slot in (0..count).map(|i| first + i * width) {
        let valid = if image.is_null(slot) { optional } else { child(input, parent, node, image, slot, depth)? };
        if !valid {
            return Ok(false);
        }
    }
    Ok(true)
}

fn child(input: &Input, parent: NodeId, node: NodeId, image: &Image<'_>, slot: usize, depth: usize) -> Result<bool> {
    if image.is_unavailable(slot) {
        return Ok(true);
    }
    if Schema::is_back_reference(parent, node) {
        return inside(input, node, &image.nested(slot)?, 0, depth + 1);
    }
    inside(input, node, image, slot, depth + 1)
}
