//! Value trees to row images and back: defaults, fixtures, schemaless data, copies between schemas. Not for the
//! per-record path.

use super::{Image, ImageWriter, Layout, MAX_AGGREGATE_DEPTH};
use crate::error::{Error, Result, Step};
use crate::schema::{NodeId, Schema, Type};
use crate::schemaless;
use crate::value::Value;

/// Writes `value` as a self-contained image. A schema of `None` is schemaless data.
///
/// Like stock Connect this lets nulls stand where the schema wants a value; only a value of the wrong kind is refused.
///
/// # Errors
/// Data `row-image.kind`: a value that is not of the schema's type.
pub fn write(schema: Option<&Schema>, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    let Some(schema) = schema else {
        let mut writer = ImageWriter::new(out, 1)?;
        if value.is_null() {
            writer.null(0);
        } else {
            writer.tail_with(0, |tail| schemaless::write(value, tail))?;
        }
        writer.finish();
        return Ok(());
    };
    let layout = Layout::of(schema);
    let mut writer = ImageWriter::new(out, layout.slots())?;
    put(&Context { schema, layout: &layout }, 0, value, &mut writer, 0, 0)?;
    writer.finish();
    Ok(())
}

/// Writes the value of one node of an image; `slot` is where the node starts.
///
/// # Errors
/// Those of [`write`].
pub fn write_node(
    schema: &Schema,
    layout: &Layout,
    node: NodeId,
    value: &Value,
    writer: &mut ImageWriter<'_>,
    slot: usize,
) -> Result<()> {
    put(&Context { schema, layout }, node, value, writer, slot, 0)
}

struct Context<'a> {
    schema: &'a Schema,
    layout: &'a Layout,
}

fn put(
    cx: &Context<'_>,
    node: NodeId,
    value: &Value,
    writer: &mut ImageWriter<'_>,
    slot: usize,
    depth: usize,
) -> Result<()> {
    if depth > MAX_AGGREGATE_DEPTH {
        return Err(too_deep());
    }
    let definition = cx.schema.node(node);
    match (definition.kind, value) {
        (_, Value::Null) => writer.null(slot),
        (_, Value::Unavailable) => writer.unavailable(slot),
        (Type::Boolean, Value::Boolean(v)) => writer.set(slot, u64::from(*v)),
        (Type::Int8, Value::Int8(v)) => writer.set(slot, i64::from(*v) as u64),
        (Type::Int16, Value::Int16(v)) => writer.set(slot, i64::from(*v) as u64),
        (Type::Int32, Value::Int32(v)) => writer.set(slot, i64::from(*v) as u64),
        (Type::Int64, Value::Int64(v)) => writer.set(slot, *v as u64),
        (Type::Float32, Value::Float32(v)) => writer.set(slot, u64::from(v.to_bits())),
        (Type::Float64, Value::Float64(v)) => writer.set(slot, v.to_bits()),
        (Type::String, Value::String(v)) => writer.tail(slot, v.as_bytes())?,
        (Type::Bytes, Value::Bytes(v)) => writer.tail(slot, v)?,
        (Type::Struct, Value::Struct(values)) if values.len() == definition.fields.len() => {
            writer.set(slot, 0);
            for (index, (field, value)) in definition.fields.iter().zip(values).enumerate() {
                let at = slot + cx.layout.field_offset(cx.schema, node, index) as usize;
                let result = if Schema::is_back_reference(node, field.node) && !matches!(value, Value::Null) {
                    let width = cx.layout.width(field.node) as usize;
                    writer.nested(at, width, |inner| put(cx, field.node, value, inner, 0, depth + 1))
                } else {
                    put(cx, field.node, value, writer, at, depth)
                };
                result.map_err(|e| e.field(&field.name))?;
            }
        }
        (Type::Array, Value::Array(items)) => {
            let item = definition.item.unwrap_or(0);
            let width = item_width(cx, node, item);
            writer.nested(slot, items.len() * width, |inner| {
                for (i, value) in items.iter().enumerate() {
                    put_item(cx, node, item, value, inner, i * width, depth)
                        .map_err(|e| e.within(Step::Index(i as u32)))?;
                }
                Ok(())
            })?;
        }
        (Type::Map, Value::Map(entries)) => {
            let (key, item) = (definition.key.unwrap_or(0), definition.item.unwrap_or(0));
            let (key_width, width) = (item_width(cx, node, key), item_width(cx, node, item));
            let values_start = entries.len() * key_width;
            writer.nested(slot, entries.len() * (key_width + width), |inner| {
                for (i, (k, v)) in entries.iter().enumerate() {
                    put_item(cx, node, key, k, inner, i * key_width, depth)
                        .and_then(|()| put_item(cx, node, item, v, inner, values_start + i * width, depth))
                        .map_err(|e| e.within(Step::Entry(i as u32)))?;
                }
                Ok(())
            })?;
        }
        (kind, value) => {
            return Err(Error::data("row-image.kind", format!("expected {}, found {}", kind.name(), value.kind())));
        }
    }
    Ok(())
}

/// An array or map may hold a reference back to an enclosing struct: one slot that points to an aggregate.
fn item_width(cx: &Context<'_>, parent: NodeId, item: NodeId) -> usize {
    if Schema::is_back_reference(parent, item) { 1 } else { cx.layout.width(item) as usize }
}

fn put_item(
    cx: &Context<'_>,
    parent: NodeId,
    item: NodeId,
    value: &Value,
    writer: &mut ImageWriter<'_>,
    slot: usize,
    depth: usize,
) -> Result<()> {
    if Schema::is_back_reference(parent, item) && !value.is_null() {
        let width = cx.layout.width(item) as usize;
        return writer.nested(slot, width, |inner| put(cx, item, value, inner, 0, depth + 1));
    }
    put(cx, item, value, writer, slot, depth + 1)
}

/// Reads an image as a value tree. `input` is the payload that was decoded, empty for a self-contained image.
///
/// # Errors
/// Internal: an image that does not fit the schema. Data: nesting beyond [`MAX_AGGREGATE_DEPTH`].
pub fn read(schema: Option<&Schema>, image: &[u8], input: &[u8]) -> Result<Value> {
    let image = Image::new(image, input)?;
    if image.is_no_value() {
        return Ok(Value::Null);
    }
    let Some(schema) = schema else {
        image.expect_slots(1)?;
        return if image.is_null(0) { Ok(Value::Null) } else { schemaless::read(image.bytes(0)?) };
    };
    let layout = Layout::of(schema);
    image.expect_slots(layout.slots())?;
    get(&Context { schema, layout: &layout }, 0, &image, 0, 0)
}

/// Reads one node of an image as a value tree; `slot` is where the node starts.
///
/// # Errors
/// Those of [`read`].
pub fn read_node(schema: &Schema, layout: &Layout, node: NodeId, image: &Image<'_>, slot: usize) -> Result<Value> {
    get(&Context { schema, layout }, node, image, slot, 0)
}

/// Reads the struct `node` where `slot` refers back to it.
///
/// # Errors
/// Those of [`read`].
pub fn read_reference(schema: &Schema, layout: &Layout, node: NodeId, image: &Image<'_>, slot: usize) -> Result<Value> {
    get_nested(&Context { schema, layout }, node, image, slot, 0)
}

fn get(cx: &Context<'_>, node: NodeId, image: &Image<'_>, slot: usize, depth: usize) -> Result<Value> {
    if depth > MAX_AGGREGATE_DEPTH {
        return Err(too_deep());
    }
    if image.is_null(slot) {
        return Ok(Value::Null);
    }
    if image.is_unavailable(slot) {
        return Ok(Value::Unavailable);
    }
    let definition = cx.schema.node(node);
    let bits = image.get(slot);
    Ok(match definition.kind {
        Type::Boolean => Value::Boolean(bits != 0),
        Type::Int8 => Value::Int8(bits as i8),
        Type::Int16 => Value::Int16(bits as i16),
        Type::Int32 => Value::Int32(bits as i32),
        Type::Int64 => Value::Int64(bits as i64),
        Type::Float32 => Value::Float32(f32::from_bits(bits as u32)),
        Type::Float64 => Value::Float64(f64::from_bits(bits)),
        Type::String => Value::String(image.text(slot)?.to_owned()),
        Type::Bytes => Value::Bytes(image.bytes(slot)?.to_vec()),
        Type::Struct => {
            let mut values = Vec::with_capacity(definition.fields.len());
            let mut at = slot + 1;
            for field in &definition.fields {
                let back = Schema::is_back_reference(node, field.node);
                values.push(if back {
                    get_nested(cx, field.node, image, at, depth)?
                } else {
                    get(cx, field.node, image, at, depth)?
                });
                at += if back { 1 } else { cx.layout.width(field.node) as usize };
            }
            Value::Struct(values)
        }
        Type::Array => {
            let item = definition.item.unwrap_or(0);
            let inner = image.nested(slot)?;
            let width = item_width(cx, node, item);
            let count = count(&inner, width)?;
            let mut items = Vec::with_capacity(count);
            for i in 0..count {
                items.push(get_item(cx, node, item, &inner, i * width, depth)?);
            }
            Value::Array(items)
        }
        Type::Map => {
            let (key, item) = (definition.key.unwrap_or(0), definition.item.unwrap_or(0));
            let inner = image.nested(slot)?;
            let (key_width, width) = (item_width(cx, node, key), item_width(cx, node, item));
            let count = count(&inner, key_width + width)?;
            let mut entries = Vec::with_capacity(count);
            for i in 0..count {
                let k = get_item(cx, node, key, &inner, i * key_width, depth)?;
                entries.push((k, get_item(cx, node, item, &inner, count * key_width + i * width, depth)?));
            }
            Value::Map(entries)
        }
    })
}

fn get_nested(cx: &Context<'_>, node: NodeId, image: &Image<'_>, slot: usize, depth: usize) -> Result<Value> {
    if image.is_null(slot) {
        return Ok(Value::Null);
    }
    let inner = image.nested(slot)?;
    inner.expect_slots(cx.layout.width(node) as usize)?;
    get(cx, node, &inner, 0, depth + 1)
}

fn get_item(
    cx: &Context<'_>,
    parent: NodeId,
    item: NodeId,
    image: &Image<'_>,
    slot: usize,
    depth: usize,
) -> Result<Value> {
    if Schema::is_back_reference(parent, item) {
        return get_nested(cx, item, image, slot, depth);
    }
    get(cx, item, image, slot, depth + 1)
}

fn count(image: &Image<'_>, width: usize) -> Result<usize> {
    let slots = image.slots();
    if width == 0 || !slots.is_multiple_of(width) {
        return Err(Error::internal(
            "row-image.slots",
            format!("row image: expected a multiple of {width} slots in an aggregate, found {slots}"),
        ));
    }
    Ok(slots / width)
}

fn too_deep() -> Error {
    Error::data("row-image.depth", format!("expected at most {MAX_AGGREGATE_DEPTH} nested aggregates, found more"))
}
