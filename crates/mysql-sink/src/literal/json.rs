//! Structures as JSON text, as Connect's JsonConverter without schemas writes them: bytes in base64, maps whose keys are
//! no strings as lists of pairs. Decimals are plain numbers, as its `decimal.format=NUMERIC`.

use super::decimal;
use crate::semantic::Semantic;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connect_data::row_image::{Image, Layout};
use connect_data::schema::{NodeId, Schema, Type};
use connect_data::{Error, Result};
use std::fmt::Write;
use std::sync::Arc;

/// Nesting beyond this is refused; MySQL's own limit for JSON.
const MAX_DEPTH: usize = 100;

/// Writes values of one node.
#[derive(Debug)]
pub(crate) struct JsonWriter {
    schema: Arc<Schema>,
    layout: Layout,
    node: NodeId,
}

impl JsonWriter {
    pub(crate) fn new(schema: &Arc<Schema>, node: NodeId) -> Self {
        Self { schema: Arc::clone(schema), layout: Layout::of(schema), node }
    }

    /// Appends the value at a slot.
    ///
    /// # Errors
    /// Data: NaN, infinity, too deep. Internal: a broken image.
    pub(crate) fn write(&self, image: &Image<'_>, slot: usize, out: &mut String) -> Result<()> {
        self.value(self.node, image, slot, 0, out)
    }

    fn value(&self, id: NodeId, image: &Image<'_>, slot: usize, depth: usize, out: &mut String) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::data("mysql.json", format!("expected at most {MAX_DEPTH} levels of JSON, found more")));
        }
        if image.is_null(slot) || image.is_unavailable(slot) {
            out.push_str("null");
            return Ok(());
        }
        let node = self.schema.node(id);
        let bits = image.get(slot);
        match node.kind {
            Type::Boolean => out.push_str(if bits != 0 { "true" } else { "false" }),
            Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => number(out, bits as i64),
            Type::Float32 | Type::Float64 => {
                let mut text = Vec::new();
                if node.kind == Type::Float32 {
                    decimal::float32(f32::from_bits(bits as u32), &mut text)?;
                } else {
                    decimal::float64(f64::from_bits(bits), &mut text)?;
                }
                out.push_str(&String::from_utf8_lossy(&text));
            }
            Type::String => string(image.text(slot)?, out),
            Type::Bytes => match Semantic::of_connect(node) {
                Semantic::Decimal { scale, .. } => {
                    let mut text = Vec::new();
                    decimal::decimal(image.bytes(slot)?, scale, &mut text)?;
                    out.push_str(&String::from_utf8_lossy(&text));
                }
                _ => {
                    out.push('"');
                    STANDARD.encode_string(image.bytes(slot)?, out);
                    out.push('"');
                }
            },
            Type::Struct => {
                out.push('{');
                let mut at = slot + 1;
                for (i, field) in node.fields.iter().enumerate() {
                    if i != 0 {
                        out.push(',');
                    }
                    string(&field.name, out);
                    out.push(':');
                    at += self.child(id, field.node, image, at, depth, out)?;
                }
                out.push('}');
            }
            Type::Array => {
                let item = node.item.unwrap_or(0);
                let inner = image.nested(slot)?;
                let width = self.width(id, item);
                out.push('[');
                for i in 0..inner.slots() / width {
                    if i != 0 {
                        out.push(',');
                    }
                    self.child(id, item, &inner, i * width, depth, out)?;
                }
                out.push(']');
            }
            Type::Map => self.map(id, image, slot, depth, out)?,
        }
        Ok(())
    }

    fn map(&self, id: NodeId, image: &Image<'_>, slot: usize, depth: usize, out: &mut String) -> Result<()> {
        let node = self.schema.node(id);
        let (key, item) = (node.key.unwrap_or(0), node.item.unwrap_or(0));
        let inner = image.nested(slot)?;
        let (key_width, width) = (self.width(id, key), self.width(id, item));
        let count = inner.slots() / (key_width + width);
        let object = self.schema.node(key).kind == Type::String;
        out.push(if object { '{' } else { '[' });
        for i in 0..count {
            if i != 0 {
                out.push(',');
            }
            if !object {
                out.push('[');
            }
            self.child(id, key, &inner, i * key_width, depth, out)?;
            out.push(if object { ':' } else { ',' });
            self.child(id, item, &inner, count * key_width + i * width, depth, out)?;
            if !object {
                out.push(']');
            }
        }
        out.push(if object { '}' } else { ']' });
        Ok(())
    }

    /// Writes a child and returns the slots it takes. A reference back to an enclosing struct points to an image of its
    /// own.
    fn child(
        &self,
        parent: NodeId,
        id: NodeId,
        image: &Image<'_>,
        slot: usize,
        depth: usize,
        out: &mut String,
    ) -> Result<usize> {
        if Schema::is_back_reference(parent, id) && !image.is_null(slot) {
            self.value(id, &image.nested(slot)?, 0, depth + 1, out)?;
        } else {
            self.value(id, image, slot, depth + 1, out)?;
        }
        Ok(self.width(parent, id))
    }

    fn width(&self, parent: NodeId, child: NodeId) -> usize {
        if Schema::is_back_reference(parent, child) { 1 } else { (self.layout.width(child) as usize).max(1) }
    }
}

fn number(out: &mut String, value: i64) {
    // Writing to a String does not fail.
    let _ = write!(out, "{value}");
}

fn string(value: &str, out: &mut String) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::row_image::tree;
    use connect_data::schema::{Node, SchemaBuilder};
    use connect_data::{Value, logical};

    #[test]
    fn structures_of_all_kinds() {
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct));
        let list = b.field(root, "list", Node::new(Type::Array));
        let item = b.push(Node::new(Type::Struct).optional());
        b.field(item, "d", Node::new(Type::Bytes).named(logical::DECIMAL).parameter("scale", "1"));
        b.field(item, "f", Node::new(Type::Float64));
        b.node_mut(list).unwrap().item = Some(item);
        let map = b.field(root, "map", Node::new(Type::Map));
        let key = b.push(Node::new(Type::Int32));
        let value = b.push(Node::new(Type::Bytes).optional());
        b.node_mut(map).unwrap().key = Some(key);
        b.node_mut(map).unwrap().item = Some(value);
        b.field(root, "text", Node::new(Type::String));
        b.add_field(root, "again", root);
        let schema = Arc::new(b.build().unwrap());
        let leaf =
            Value::Struct(vec![Value::Array(vec![]), Value::Map(vec![]), Value::String(String::new()), Value::Null]);
        let tree_value = Value::Struct(vec![
            Value::Array(vec![Value::Struct(vec![Value::Bytes(vec![0xFF]), Value::Float64(0.5)]), Value::Null]),
            Value::Map(vec![(Value::Int32(1), Value::Bytes(vec![1, 2])), (Value::Int32(2), Value::Null)]),
            Value::String("a\"\\\n".into()),
            leaf,
        ]);
        let mut bytes = Vec::new();
        tree::write(Some(&schema), &tree_value, &mut bytes).unwrap();
        let mut json = String::new();
        JsonWriter::new(&schema, 0).write(&Image::new(&bytes, &[]).unwrap(), 0, &mut json).unwrap();
        assert_eq!(
            json,
            r#"{"list":[{"d":-0.1,"f":5e-1},null],"map":[[1,"AQI="],[2,null]],"text":"a\"\\\u000a","again":{"list":[],"map":[],"text":"","again":null}}"#
        );
    }
}
