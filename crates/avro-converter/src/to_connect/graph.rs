//! A Connect schema while it is converted: nodes may be referred to from several places and from inside themselves, each
//! time with another `optional`, as Java's `CyclicSchemaWrapper` allows. [`connect_data::Schema`] allows one flag per
//! node and references to enclosing structs only, so what does not fit is unrolled at the end.

use crate::avro_schema;
use connect_data::schema::{MAX_DEPTH, MAX_NODES};
use connect_data::{Error, Node, NodeId, Result, Schema, SchemaBuilder, Type};

pub(super) type Id = usize;

/// A use of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) node: Id,
    pub(super) optional: bool,
}

/// A node whose children are edges; those of `node` itself stay empty.
#[derive(Debug)]
pub(super) struct GraphNode {
    pub(super) node: Node,
    pub(super) fields: Vec<(String, Edge)>,
    pub(super) key: Option<Edge>,
    pub(super) item: Option<Edge>,
}

#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<GraphNode>,
}

impl Graph {
    pub(super) fn push(&mut self, node: Node) -> Result<Id> {
        if self.nodes.len() >= MAX_NODES {
            return Err(too_large());
        }
        self.nodes.push(GraphNode { node, fields: Vec::new(), key: None, item: None });
        Ok(self.nodes.len() - 1)
    }

    pub(super) fn get(&self, id: Id) -> &GraphNode {
        match self.nodes.get(id) {
            Some(node) => node,
            None => unreachable!("ids come from this graph"),
        }
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut GraphNode {
        match self.nodes.get_mut(id) {
            Some(node) => node,
            None => unreachable!("ids come from this graph"),
        }
    }

    /// The schema seen through `root`.
    ///
    /// # Errors
    /// Data `schema.too-large`.
    pub(super) fn into_schema(self, root: Edge) -> Result<Schema> {
        let mut builder = SchemaBuilder::new();
        self.copy(root, &mut builder, &mut Vec::new())?;
        builder.build()
    }

    fn copy(&self, edge: Edge, builder: &mut SchemaBuilder, enclosing: &mut Vec<(Edge, NodeId)>) -> Result<NodeId> {
        if let Some((_, copied)) = enclosing.iter().find(|(around, _)| *around == edge) {
            return Ok(*copied);
        }
        if enclosing.len() > MAX_DEPTH {
            return Err(too_large());
        }
        let original = self.get(edge.node);
        let id = builder.push(Node { optional: edge.optional, ..original.node.clone() });
        if id as usize >= MAX_NODES {
            return Err(too_large());
        }
        // Only structs are referred back to.
        let is_struct = original.node.kind == Type::Struct;
        let depth = enclosing.len();
        enclosing.push((if is_struct { edge } else { Edge { node: Id::MAX, ..edge } }, id));
        for (name, child) in &original.fields {
            let child = self.copy(*child, builder, enclosing)?;
            builder.add_field(id, name.clone(), child);
        }
        let key = original.key.map(|key| self.copy(key, builder, enclosing)).transpose()?;
        let item = original.item.map(|item| self.copy(item, builder, enclosing)).transpose()?;
        enclosing.truncate(depth);
        if let Some(node) = builder.node_mut(id) {
            node.key = key;
            node.item = item;
        }
        Ok(id)
    }
}

pub(super) fn too_large() -> Error {
    Error::data(
        "avro.too-large",
        format!(
            "Avro schema: expected at most {MAX_NODES} Connect schemas and {} levels, found more",
            avro_schema::MAX_DEPTH
        ),
    )
    .hint("a record that contains itself without a union, array or map between is such a schema, too")
}
