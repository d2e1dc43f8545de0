//! A schema as the compiler looks at it: fields by name, with their places; and the values that schemas hold.

use crate::plan::{Carry, Cells, Constant, Place, Source};
use crate::valid::is_valid;
use connect_data::row_image::{Image, Layout, tree};
use connect_data::{Error, NodeId, Result, Schema, SchemaStore, Type, Value};
use std::sync::Arc;

/// A schema and where its fields lie.
#[derive(Debug, PartialEq)]
pub(crate) struct Input {
    pub(crate) schema: Arc<Schema>,
    pub(crate) layout: Layout,
}

/// A struct somewhere in an [`Input`], or a field of one.
#[derive(Clone, Debug)]
pub(crate) struct At {
    pub(crate) place: Place,
    pub(crate) node: NodeId,
    /// Position in the enclosing struct.
    pub(crate) position: usize,
    /// Whether this is a reference back to an enclosing struct: its content lies in an aggregate.
    pub(crate) is_reference: bool,
}

impl Input {
    pub(crate) fn new(schema: Arc<Schema>) -> Self {
        let layout = Layout::of(&schema);
        Self { schema, layout }
    }

    pub(crate) fn root(&self) -> At {
        At { place: Place::root(), node: 0, position: 0, is_reference: false }
    }

    pub(crate) fn kind(&self, at: &At) -> Type {
        self.schema.node(at.node).kind
    }

    /// The field with this name; `None` = there is none.
    ///
    /// # Errors
    /// Data: `parent` is not a struct, or lies in an aggregate.
    pub(crate) fn field(&self, parent: &At, name: &str) -> Result<Option<At>> {
        self.expect_struct(parent)?;
        match self.schema.field(parent.node, name) {
            None => Ok(None),
            Some((position, _)) => self.field_at(parent, position).map(Some),
        }
    }

    /// The field at this position.
    ///
    /// # Errors
    /// Data: the struct lies in an aggregate.
    pub(crate) fn field_at(&self, parent: &At, position: usize) -> Result<At> {
        if parent.is_reference {
            return Err(recursive());
        }
        let node = self.schema.node(parent.node).fields.get(position).map_or(0, |field| field.node);
        let place = parent.place.field(&self.schema, &self.layout, parent.node, position);
        Ok(At { place, node, position, is_reference: Schema::is_back_reference(parent.node, node) })
    }

    /// How to carry the value at `at` over to another image.
    pub(crate) fn carry(&self, at: &At) -> Carry {
        let cells = if at.is_reference { None } else { Cells::of(&self.schema, &self.layout, at.node) };
        cells.map_or(Carry::Whole { node: at.node, is_reference: at.is_reference }, Carry::Cells)
    }

    /// The value of a node at `slot` of an image.
    pub(crate) fn value(&self, node: NodeId, is_reference: bool, image: &Image<'_>, slot: usize) -> Result<Value> {
        let read = if is_reference { tree::read_reference } else { tree::read_node };
        read(&self.schema, &self.layout, node, image, slot)
    }

    /// The field with this name.
    ///
    /// # Errors
    /// Data: those of [`Self::field`]; there is none.
    pub(crate) fn require(&self, parent: &At, name: &str) -> Result<At> {
        self.field(parent, name)?.ok_or_else(|| {
            Error::data("enrs.unknown-field", format!("expected a field `{name}`, found none of this name"))
        })
    }

    /// # Errors
    /// Data: not a struct.
    pub(crate) fn expect_struct(&self, at: &At) -> Result<()> {
        match self.kind(at) {
            Type::Struct => Ok(()),
            kind => Err(Error::data("enrs.not-struct", format!("expected a struct, found {}", kind.name()))),
        }
    }

    /// The default of a field as part of a plan.
    pub(crate) fn default_of(&self, node: NodeId, store: &dyn SchemaStore) -> Result<Option<Constant>> {
        let default = self.schema.node(node).default.as_ref();
        default.map(|value| self.constant(node, value, store)).transpose()
    }

    /// A value of the schema at `node`.
    pub(crate) fn constant(&self, node: NodeId, value: &Value, store: &dyn SchemaStore) -> Result<Constant> {
        let schema = self.schema.subschema(node)?;
        let mut image = Vec::new();
        tree::write(Some(&schema), value, &mut image)?;
        Ok(Constant { schema: store.intern(Arc::new(schema))?, image })
    }

    /// Whether `Struct.put` takes the default of a field for the field.
    pub(crate) fn default_is_valid(&self, node: NodeId) -> Result<bool> {
        let Some(value) = &self.schema.node(node).default else {
            return Ok(true);
        };
        let schema = Arc::new(self.schema.subschema(node)?);
        let mut image = Vec::new();
        tree::write(Some(&schema), value, &mut image)?;
        is_valid(&Self::new(schema), 0, &Image::new(&image, &[])?, 0)
    }

    /// The value at `at` as it stands, nulls included.
    pub(crate) fn raw(&self, at: &At) -> Source {
        Source::Place { guard: None, place: at.place.clone(), absent: None, null: None }
    }
}

/// What no plan looks into, and no connector emits.
pub(crate) fn recursive() -> Error {
    Error::data(
        "enrs.recursive-schema",
        "expected a struct of its own, found one whose schema refers back to a struct around it",
    )
}
