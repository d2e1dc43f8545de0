//! Images that do not refer to the payload they were decoded from, which transformations and sinks want.

use connect_data::row_image::{Image, ImageWriter, Layout, tree};
use connect_data::schema::{Schema, Type};
use connect_data::{Error, Result, SchemaId, SchemaStore};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Makes images self-contained. Keeps what it knows of each schema; a thread has its own.
pub(crate) struct SelfContained {
    schemas: Arc<dyn SchemaStore>,
    plans: BTreeMap<SchemaId, Plan>,
}

enum Plan {
    /// The slots that hold text or bytes.
    Flat { slots: usize, variable: Vec<u32> },
    /// Arrays, maps or recursive structs: through a value tree.
    Nested(Arc<Schema>),
}

impl Plan {
    fn of(schema: Arc<Schema>) -> Self {
        let back = |id: u32| schema.node(id).fields.iter().any(|field| Schema::is_back_reference(id, field.node));
        let nested =
            (0u32..).zip(schema.nodes()).any(|(id, node)| matches!(node.kind, Type::Array | Type::Map) || back(id));
        if nested {
            return Self::Nested(schema);
        }
        let layout = Layout::of(&schema);
        let variable = (0u32..)
            .zip(schema.nodes())
            .filter(|(_, node)| matches!(node.kind, Type::String | Type::Bytes))
            .map(|(id, _)| layout.slot(id))
            .collect();
        Self::Flat { slots: layout.slots(), variable }
    }
}

impl SelfContained {
    pub(crate) fn new(schemas: Arc<dyn SchemaStore>) -> Self {
        Self { schemas, plans: BTreeMap::new() }
    }

    /// Appends to `out` the image that a converter made of `input`.
    ///
    /// # Errors
    /// Internal: the image is not one of this schema. Data: it becomes too large.
    pub(crate) fn copy(
        &mut self,
        schema: Option<SchemaId>,
        image: &[u8],
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let Some(id) = schema else {
            // The tagged bytes of schemaless data always lie in the tail.
            out.extend_from_slice(image);
            return Ok(());
        };
        let plan = match self.plans.entry(id) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let schema = self.schemas.get(id).ok_or_else(|| {
                    Error::internal("plugin.schema", format!("converter: expected a known schema, found number {id}"))
                })?;
                place.insert(Plan::of(schema))
            }
        };
        match plan {
            Plan::Nested(schema) => tree::write(Some(schema), &tree::read(Some(schema), image, input)?, out),
            Plan::Flat { slots, variable } => {
                let image = Image::new(image, input)?;
                image.expect_slots(*slots)?;
                let mut writer = ImageWriter::new(out, *slots)?;
                writer.copy_slots(&image, 0, 0, *slots);
                for slot in variable.iter().map(|slot| *slot as usize) {
                    if !image.is_null(slot) && !image.is_unavailable(slot) {
                        writer.tail(slot, image.bytes(slot)?)?;
                    }
                }
                writer.finish();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::schema::Node;
    use connect_data::{InternedSchemas, SchemaBuilder, Value};

    /// `a string, b int32, c {d string} optional` with `a` in the input.
    #[test]
    fn text_moves_from_the_input_to_the_tail() {
        let mut builder = SchemaBuilder::new();
        let root = builder.push(Node::new(Type::Struct));
        builder.field(root, "a", Node::new(Type::String));
        builder.field(root, "b", Node::new(Type::Int32));
        let inner = builder.field(root, "c", Node::new(Type::Struct).optional());
        builder.field(inner, "d", Node::new(Type::String));
        let schema = Arc::new(builder.build().unwrap());
        let schemas: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
        let id = schemas.intern(schema.clone()).unwrap();

        let mut image = Vec::new();
        let mut writer = ImageWriter::new(&mut image, 5).unwrap();
        writer.input(1, 2, 4);
        writer.set(2, 7);
        writer.null(3);
        writer.finish();
        let mut own = SelfContained::new(schemas);
        let mut out = vec![9, 9, 9, 9, 9, 9, 9, 9];
        own.copy(Some(id), &image, b"..penne", &mut out).unwrap();
        let value = tree::read(Some(&schema), &out[8..], &[]).unwrap();
        let expected = [Value::String("penn".into()), Value::Int32(7), Value::Null];
        assert_eq!(value, Value::Struct(expected.to_vec()));
    }

    #[test]
    fn arrays_go_with_their_items() {
        let mut builder = SchemaBuilder::new();
        let root = builder.push(Node::new(Type::Array));
        let item = builder.push(Node::new(Type::String));
        builder.node_mut(root).unwrap().item = Some(item);
        let schema = Arc::new(builder.build().unwrap());
        let schemas: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
        let id = schemas.intern(schema.clone()).unwrap();
        let mut image = Vec::new();
        let mut writer = ImageWriter::new(&mut image, 1).unwrap();
        writer
            .nested(0, 1, |items| {
                items.input(0, 1, 3);
                Ok(())
            })
            .unwrap();
        writer.finish();
        let mut out = Vec::new();
        SelfContained::new(schemas).copy(Some(id), &image, b"-abc", &mut out).unwrap();
        let value = tree::read(Some(&schema), &out, &[]).unwrap();
        assert_eq!(value, Value::Array(vec![Value::String("abc".into())]));
    }
}
