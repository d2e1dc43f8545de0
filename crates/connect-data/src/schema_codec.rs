//! The boundary form of a schema, exchanged once per schema.
//!
//! `count u32`, then each node in pre-order: `type u8`, `flags u8` (1 optional, 2 name, 4 version, 8 doc, 16 default, 32
//! key and item, 64 item only), `[name str] [version i32] [doc str]`, parameters (`count u32`, key and value `str` each),
//! `[default bytes]` (a row image of this very node, with the subtree's layout), fields (`count u32`, name `str` and node
//! `u32` each), `[key u32] [item u32]`.

use crate::error::{Error, Result};
use crate::row_image::tree;
use crate::schema::{Field, MAX_NODES, Node, NodeId, Schema, SchemaBuilder, Type};
use crate::wire::{Reader, Writer};

const OPTIONAL: u8 = 1;
const NAME: u8 = 2;
const VERSION: u8 = 4;
const DOC: u8 = 8;
const DEFAULT: u8 = 16;
const KEY_AND_ITEM: u8 = 32;
const ITEM: u8 = 64;

/// Writes a schema.
///
/// # Errors
/// Data: a default that is not of its node's type.
pub fn to_bytes(schema: &Schema) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Writer::new(&mut bytes).u32(schema.nodes().len() as u32);
    for (id, node) in schema.nodes().iter().enumerate() {
        let default = default_image(schema, id as NodeId)?;
        let mut w = Writer::new(&mut bytes);
        let mut flags = 0;
        for (present, flag) in [
            (node.optional, OPTIONAL),
            (node.name.is_some(), NAME),
            (node.version.is_some(), VERSION),
            (node.doc.is_some(), DOC),
            (default.is_some(), DEFAULT),
            (node.key.is_some(), KEY_AND_ITEM),
            (node.key.is_none() && node.item.is_some(), ITEM),
        ] {
            flags |= if present { flag } else { 0 };
        }
        w.u8(node.kind as u8);
        w.u8(flags);
        if let Some(name) = &node.name {
            w.str(name);
        }
        if let Some(version) = node.version {
            w.i32(version);
        }
        if let Some(doc) = &node.doc {
            w.str(doc);
        }
        w.u32(node.parameters.len() as u32);
        for (key, value) in &node.parameters {
            w.str(key);
            w.str(value);
        }
        if let Some(default) = default {
            w.bytes(&default);
        }
        w.u32(node.fields.len() as u32);
        for field in &node.fields {
            w.str(&field.name);
            w.u32(field.node);
        }
        for child in node.key.iter().chain(&node.item) {
            w.u32(*child);
        }
    }
    Ok(bytes)
}

/// Reads a schema.
///
/// # Errors
/// Internal: truncated or unknown codes. Data: a shape that [`SchemaBuilder::build`] refuses.
pub fn from_bytes(bytes: &[u8]) -> Result<Schema> {
    let mut r = Reader::new(bytes);
    let count = r.count(2)?;
    if count > MAX_NODES {
        return Err(Error::data(
            "schema.too-large",
            format!("schema: expected at most {MAX_NODES} nodes, found {count}"),
        ));
    }
    let mut nodes = Vec::new();
    let mut defaults = Vec::new();
    for id in 0..count as u32 {
        let code = r.u8()?;
        let kind = Type::from_code(code)
            .ok_or_else(|| Error::internal("schema.type", format!("schema: unknown type code {code}")))?;
        let flags = r.u8()?;
        let mut node = Node::new(kind);
        node.optional = flags & OPTIONAL != 0;
        if flags & NAME != 0 {
            node.name = Some(r.str()?.to_owned());
        }
        if flags & VERSION != 0 {
            node.version = Some(r.i32()?);
        }
        if flags & DOC != 0 {
            node.doc = Some(r.str()?.to_owned());
        }
        for _ in 0..r.count(8)? {
            let key = r.str()?.to_owned();
            node.parameters.push((key, r.str()?.to_owned()));
        }
        if flags & DEFAULT != 0 {
            defaults.push((id, r.bytes()?));
        }
        for _ in 0..r.count(8)? {
            let name = r.str()?.to_owned();
            node.fields.push(Field { name, node: r.u32()? });
        }
        if flags & KEY_AND_ITEM != 0 {
            node.key = Some(r.u32()?);
        }
        if flags & (KEY_AND_ITEM | ITEM) != 0 {
            node.item = Some(r.u32()?);
        }
        nodes.push(node);
    }
    if r.remaining() != 0 {
        return Err(Error::internal("schema.trailing", format!("schema: {} bytes after the last node", r.remaining())));
    }
    build(nodes, &defaults)
}

/// The default of a node as a row image with the layout of the node's own subtree.
///
/// # Errors
/// Data: a default that is not of its node's type.
pub fn default_image(schema: &Schema, id: NodeId) -> Result<Option<Vec<u8>>> {
    let Some(value) = &schema.node(id).default else {
        return Ok(None);
    };
    let mut image = Vec::new();
    tree::write(Some(&schema.subschema(id)?), value, &mut image)?;
    Ok(Some(image))
}

/// A schema from its nodes and the images of their defaults. The nodes' own defaults are replaced where there is one.
///
/// # Errors
/// Data: a shape that [`SchemaBuilder::build`] refuses. Internal: an image that does not fit its node.
pub fn build(nodes: Vec<Node>, defaults: &[(NodeId, &[u8])]) -> Result<Schema> {
    let mut builder = SchemaBuilder::new();
    nodes.into_iter().for_each(|node| {
        builder.push(node);
    });
    let plain = builder.build()?;
    if defaults.is_empty() {
        return Ok(plain);
    }
    // A default is an image of its own subtree, whose layout is known only once the whole arena is.
    let mut builder = SchemaBuilder::new();
    for node in plain.nodes() {
        builder.push(node.clone());
    }
    for (id, image) in defaults {
        let value = tree::read(Some(&plain.subschema(*id)?), image, &[])?;
        if let Some(node) = builder.node_mut(*id) {
            node.default = Some(value);
        }
    }
    builder.build()
}
