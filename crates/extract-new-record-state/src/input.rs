//! A schema as the compiler looks at it: fields by name, with their places; and the values that schemas hold.

use crate::plan::{Constant, Place, Source};
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
}

impl Input {
    pub(crate) fn new(schema: Arc<Schema>) -> Self {
        let layout = Layout::of(&schema);
        Self { schema, layout }
    }

    pub(crate) fn root(&self) -> At {
        At { place: Place::root(), node: 0, position: 0 }
    }

    pub(crate) fn kind(&self, at: &At) -> Type {
        self.schema.node(at.node).kind
    }

    /// The field with this name; `None` = there is none.
    ///
    /// # Errors
    /// Data: `parent` is not a struct; the field refers back to an enclosing struct.
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
    /// Data: it refers back to an enclosing struct.
    pub(crate) fn field_at(&self, parent: &At, position: usize) -> Result<At> {
        let node = self.schema.node(parent.node).fields.get(position).map_or(0, |field| field.node);
        match parent.place.field(&self.schema, &self.layout, parent.node, position) {
            Some(place) => Ok(At { place, node, position }),
            None => Err(recursive()),
        }
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

/// What the row image cannot copy field by field, and no relational connector emits.
pub(crate) fn recursive() -> Error {
    Error::data(
        "enrs.recursive-schema",
        "expected fields that stand on their own, found one whose schema refers back to the struct around it",
    )
}
