//! Connect's schema as an arena of nodes in pre-order: recursive schemas need no reference counting, and a plan can
//! address every place by number.

use crate::error::{Error, Result};
use crate::value::Value;

/// Names of the logical types of `org.apache.kafka.connect.data`.
pub mod logical {
    /// Unscaled big-endian two's complement bytes; the scale is in the parameters.
    pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
    /// Days since the epoch, INT32.
    pub const DATE: &str = "org.apache.kafka.connect.data.Date";
    /// Milliseconds since midnight, INT32.
    pub const TIME: &str = "org.apache.kafka.connect.data.Time";
    /// Milliseconds since the epoch, INT64.
    pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
    /// Parameter of [`DECIMAL`].
    pub const SCALE: &str = "scale";
}

/// `org.apache.kafka.connect.data.Schema.Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Type {
    /// 8 bits, signed.
    Int8 = 0,
    /// 16 bits, signed.
    Int16 = 1,
    /// 32 bits, signed.
    Int32 = 2,
    /// 64 bits, signed.
    Int64 = 3,
    /// IEEE 754 single.
    Float32 = 4,
    /// IEEE 754 double.
    Float64 = 5,
    /// True or false.
    Boolean = 6,
    /// Text.
    String = 7,
    /// Octets.
    Bytes = 8,
    /// Ordered items of one schema.
    Array = 9,
    /// Keys of one schema to values of one schema.
    Map = 10,
    /// Named fields in order.
    Struct = 11,
}

impl Type {
    /// The type with this boundary code.
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Int8,
            1 => Self::Int16,
            2 => Self::Int32,
            3 => Self::Int64,
            4 => Self::Float32,
            5 => Self::Float64,
            6 => Self::Boolean,
            7 => Self::String,
            8 => Self::Bytes,
            9 => Self::Array,
            10 => Self::Map,
            11 => Self::Struct,
            _ => return None,
        })
    }

    /// Connect's spelling: `int8` ... `float`, `double` as JsonConverter writes them.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float",
            Self::Float64 => "double",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Array => "array",
            Self::Map => "map",
            Self::Struct => "struct",
        }
    }
}

/// Index of a node in its schema. The root is 0.
pub type NodeId = u32;

/// A field of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Field name.
    pub name: String,
    /// Its schema. A smaller index than the struct's own is a reference back to an enclosing struct (recursion).
    pub node: NodeId,
}

/// One schema of the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Connect type.
    pub kind: Type,
    /// Whether null is a value of it.
    pub optional: bool,
    /// Schema name: logical type or record name.
    pub name: Option<String>,
    /// Schema version.
    pub version: Option<i32>,
    /// Documentation.
    pub doc: Option<String>,
    /// Parameters in insertion order (Avro enum symbols follow it).
    pub parameters: Vec<(String, String)>,
    /// Default; `None` = no default. A null default does not exist in Connect.
    pub default: Option<Value>,
    /// Fields of a struct, in order; otherwise empty.
    pub fields: Vec<Field>,
    /// Item of an array, value of a map.
    pub item: Option<NodeId>,
    /// Key of a map.
    pub key: Option<NodeId>,
}

impl Node {
    /// A required node without name or default.
    pub fn new(kind: Type) -> Self {
        Self {
            kind,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: Vec::new(),
            default: None,
            fields: Vec::new(),
            item: None,
            key: None,
        }
    }

    /// Sets the name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the version.
    #[must_use]
    pub fn version(mut self, version: i32) -> Self {
        self.version = Some(version);
        self
    }

    /// Allows null.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Sets the default.
    #[must_use]
    pub fn default_value(mut self, value: Value) -> Self {
        self.default = Some(value);
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((key.into(), value.into()));
        self
    }

    /// Value of a parameter.
    pub fn get_parameter(&self, key: &str) -> Option<&str> {
        self.parameters.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}

/// A schema: an arena whose root is node 0.
///
/// Invariants, kept by [`SchemaBuilder::build`]: a child's index is greater than its parent's, and each node but the
/// root has exactly one such parent; any other reference points back to an enclosing struct (a recursive schema).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    nodes: Vec<Node>,
}

/// A hostile or runaway schema stops here; the largest real tables have a few thousand columns.
pub const MAX_NODES: usize = 200_000;
/// Nesting beyond this is refused, which bounds every recursion over schemas.
pub const MAX_DEPTH: usize = 200;

impl Schema {
    /// A schema of one node, for primitives.
    pub fn primitive(node: Node) -> Self {
        Self { nodes: vec![node] }
    }

    /// The nodes, root first, in pre-order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The root.
    pub fn root(&self) -> &Node {
        self.node(0)
    }

    /// The node with this index. Indices come from this schema, so a wrong one is a bug: it gives the root.
    pub fn node(&self, id: NodeId) -> &Node {
        match self.nodes.get(id as usize).or(self.nodes.first()) {
            Some(node) => node,
            None => unreachable!("a schema has at least its root"),
        }
    }

    /// Position and node of the field with this name.
    pub fn field(&self, node: NodeId, name: &str) -> Option<(usize, NodeId)> {
        let fields = &self.node(node).fields;
        fields.iter().position(|f| f.name == name).and_then(|i| fields.get(i).map(|f| (i, f.node)))
    }

    /// Whether the reference from `parent` to `child` points back to an enclosing struct.
    pub fn is_back_reference(parent: NodeId, child: NodeId) -> bool {
        child <= parent
    }

    /// The subtree at `node` as a schema of its own.
    ///
    /// # Errors
    /// Data: more than [`MAX_NODES`] nodes or [`MAX_DEPTH`] levels.
    pub fn subschema(&self, node: NodeId) -> Result<Self> {
        let mut builder = SchemaBuilder::new();
        builder.copy(self, node)?;
        builder.build()
    }
}

/// Builds a [`Schema`]: push the parent first, then its children, then link them.
#[derive(Default, Debug)]
pub struct SchemaBuilder {
    nodes: Vec<Node>,
}

impl SchemaBuilder {
    /// An empty arena.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node; its children (if any) must be pushed after it.
    pub fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        (self.nodes.len() - 1) as NodeId
    }

    /// The node, to change it.
    pub fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id as usize)
    }

    /// Appends a field to a struct.
    pub fn add_field(&mut self, parent: NodeId, name: impl Into<String>, node: NodeId) {
        if let Some(parent) = self.nodes.get_mut(parent as usize) {
            parent.fields.push(Field { name: name.into(), node });
        }
    }

    /// Pushes `node` and appends it as a field of `parent`.
    pub fn field(&mut self, parent: NodeId, name: impl Into<String>, node: Node) -> NodeId {
        let id = self.push(node);
        self.add_field(parent, name, id);
        id
    }

    /// Copies a subtree of another schema. A reference back to a struct outside the subtree is expanded.
    ///
    /// # Errors
    /// Data: more than [`MAX_NODES`] nodes or [`MAX_DEPTH`] levels.
    pub fn copy(&mut self, from: &Schema, node: NodeId) -> Result<NodeId> {
        self.copy_at(from, node, &mut Vec::new())
    }

    fn copy_at(&mut self, from: &Schema, node: NodeId, enclosing: &mut Vec<(NodeId, NodeId)>) -> Result<NodeId> {
        let original = from.node(node);
        // Only structs can be referred back to: below an array of the struct that encloses it comes another such array.
        if original.kind == Type::Struct
            && let Some((_, copied)) = enclosing.iter().find(|(original, _)| *original == node)
        {
            return Ok(*copied);
        }
        if enclosing.len() > MAX_DEPTH || self.nodes.len() >= MAX_NODES {
            return Err(too_large());
        }
        let mut copy = original.clone();
        copy.fields = Vec::new();
        let id = self.push(copy);
        enclosing.push((node, id));
        for field in &original.fields {
            let child = self.copy_at(from, field.node, enclosing)?;
            self.add_field(id, field.name.clone(), child);
        }
        let key = original.key.map(|key| self.copy_at(from, key, enclosing)).transpose()?;
        let item = original.item.map(|item| self.copy_at(from, item, enclosing)).transpose()?;
        enclosing.pop();
        if let Some(copy) = self.node_mut(id) {
            copy.key = key;
            copy.item = item;
        }
        Ok(id)
    }

    /// Checks the invariants of [`Schema`].
    ///
    /// # Errors
    /// Data: no node, too many or too deep, a reference that is neither to a child nor to an enclosing struct, a type
    /// without the children it needs.
    pub fn build(self) -> Result<Schema> {
        let schema = Schema { nodes: self.nodes };
        if schema.nodes.is_empty() {
            return Err(Error::data("schema.empty", "schema: expected at least one node, found none"));
        }
        if schema.nodes.len() > MAX_NODES {
            return Err(too_large());
        }
        let mut seen = 0;
        check(&schema, 0, &mut seen, &mut Vec::new())?;
        if seen as usize != schema.nodes.len() {
            return Err(shape("a node that nothing refers to"));
        }
        Ok(schema)
    }
}

/// Walks in pre-order: the next forward child must be exactly the next node.
fn check(schema: &Schema, id: NodeId, seen: &mut NodeId, enclosing: &mut Vec<NodeId>) -> Result<()> {
    if enclosing.len() > MAX_DEPTH {
        return Err(too_large());
    }
    *seen += 1;
    let node = schema.node(id);
    let wanted = (node.kind == Type::Map, matches!(node.kind, Type::Map | Type::Array), node.kind == Type::Struct);
    if (node.key.is_some(), node.item.is_some()) != (wanted.0, wanted.1) || (!wanted.2 && !node.fields.is_empty()) {
        return Err(shape("a type whose children do not fit it"));
    }
    enclosing.push(id);
    let children = node.fields.iter().map(|f| f.node).chain(node.key).chain(node.item);
    for child in children {
        if Schema::is_back_reference(id, child) {
            if !enclosing.contains(&child) || schema.node(child).kind != Type::Struct {
                return Err(shape("a reference back to something other than an enclosing struct"));
            }
        } else if child != *seen {
            return Err(shape("nodes out of pre-order"));
        } else {
            check(schema, child, seen, enclosing)?;
        }
    }
    enclosing.pop();
    Ok(())
}

fn too_large() -> Error {
    Error::data(
        "schema.too-large",
        format!("schema: expected at most {MAX_NODES} nodes and {MAX_DEPTH} levels, found more"),
    )
}

fn shape(found: &str) -> Error {
    Error::data("schema.shape", format!("schema: found {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked_list() -> Schema {
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct).named("Holder"));
        let list = b.field(root, "list", Node::new(Type::Struct).named("List").optional());
        b.field(list, "v", Node::new(Type::Int32));
        b.add_field(list, "next", list);
        b.build().unwrap()
    }

    #[test]
    fn a_recursive_subtree_keeps_its_recursion() {
        let list = linked_list().subschema(1).unwrap();
        assert_eq!(list.nodes().len(), 2);
        assert_eq!(list.field(0, "next"), Some((1, 0)));
    }

    #[test]
    fn an_array_of_the_struct_around_it_has_a_subtree_too() {
        let mut b = SchemaBuilder::new();
        let tree = b.push(Node::new(Type::Struct).named("Tree"));
        let children = b.field(tree, "children", Node::new(Type::Array).default_value(Value::Array(Vec::new())));
        b.node_mut(children).unwrap().item = Some(tree);
        let schema = b.build().unwrap();
        let array = schema.subschema(children).unwrap();
        assert_eq!(array.nodes().len(), 3);
        assert_eq!(array.node(2).item, Some(1));
        let bytes = crate::schema_codec::to_bytes(&schema).unwrap();
        assert_eq!(crate::schema_codec::from_bytes(&bytes).unwrap(), schema);
    }

    #[test]
    fn broken_arenas_are_refused() {
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct));
        b.push(Node::new(Type::Int8));
        b.add_field(root, "a", 7);
        assert_eq!(b.build().unwrap_err().code(), "schema.shape");
        let mut b = SchemaBuilder::new();
        b.push(Node::new(Type::Array));
        assert_eq!(b.build().unwrap_err().code(), "schema.shape");
    }
}
