//! A struct on its way through the steps of the Java code, symbolically: which fields it has, where each comes from, and
//! what would have become of a null.

use crate::config::Unavailable;
use crate::input::{At, Input, recursive};
use crate::plan::{Carry, Cells, Constant, Placeholder, Rebuild, Source, Step, Watch, WatchedColumn};
use crate::valid::can_be_invalid;
use connect_data::row_image::{Layout, tree};
use connect_data::{Error, Node, NodeId, Result, Schema, SchemaBuilder, SchemaStore, Type, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The field that marks deletes.
pub(crate) const DELETED: &str = "__deleted";

pub(crate) struct Row<'a> {
    input: &'a Arc<Input>,
    root: At,
    /// Where the struct is, for errors.
    label: &'static str,
    fields: Vec<RowField>,
    /// Fields that are gone, but were copied before, and whether they were required then.
    checks: Vec<(At, bool)>,
    /// Whether any step has rebuilt the struct's schema.
    rebuilt: bool,
}

struct RowField {
    name: String,
    origin: Origin,
}

enum Origin {
    Column { at: At, nulls: Nulls },
    Marker(&'static str),
    Added { schema: Arc<Schema>, from: AddedFrom },
}

/// What has become of a null so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Kept,
    Replaced,
    Refused,
}

/// What of the envelope an added field is.
#[derive(Clone, Copy)]
pub(crate) struct Added {
    pub(crate) node: NodeId,
    pub(crate) is_reference: bool,
}

/// Where an added field comes from.
pub(crate) enum AddedFrom {
    Source(Source, Carry, Added),
    /// It stays null.
    Nothing,
    /// A value from here is an error.
    Unfit(Source),
}

impl<'a> Row<'a> {
    /// The struct at `root` as it came.
    ///
    /// # Errors
    /// Data: it is not a struct, or lies in an aggregate.
    pub(crate) fn new(input: &'a Arc<Input>, root: At, label: &'static str) -> Result<Self> {
        input.expect_struct(&root).map_err(|error| error.field(label))?;
        let mut fields = Vec::new();
        for (position, field) in input.schema.node(root.node).fields.iter().enumerate() {
            let at = input.field_at(&root, position).map_err(|error| error.field(&field.name).field(label))?;
            fields.push(RowField { name: field.name.clone(), origin: Origin::Column { at, nulls: Nulls::Kept } });
        }
        Ok(Self { input, root, label, fields, checks: Vec::new(), rebuilt: false })
    }

    /// Copies every field with `Struct.get` (`with_defaults`) or `getWithoutDefault`, and `Struct.put`, which refuses
    /// nulls for fields that are not optional.
    ///
    /// `put` also refuses what is invalid inside a value, and a struct that is a default: its schema cannot have itself as
    /// default and so is another than the field's.
    pub(crate) fn copy(&mut self, with_defaults: bool) -> Result<()> {
        self.rebuilt = true;
        for field in &mut self.fields {
            if let Origin::Column { at, nulls } = &mut field.origin
                && *nulls == Nulls::Kept
            {
                let node = self.input.schema.node(at.node);
                if with_defaults && node.default.is_some() {
                    let fits = node.kind != Type::Struct && self.input.default_is_valid(at.node)?;
                    *nulls = if fits { Nulls::Replaced } else { Nulls::Refused };
                } else if !node.optional {
                    *nulls = Nulls::Refused;
                }
            }
        }
        Ok(())
    }

    /// Appends `__deleted`.
    ///
    /// # Errors
    /// Data: there is a field of this name.
    pub(crate) fn mark(&mut self, value: &'static str) -> Result<()> {
        self.push(DELETED, Origin::Marker(value))
    }

    /// Appends a field from elsewhere.
    ///
    /// # Errors
    /// Data: there is a field of this name.
    pub(crate) fn add(&mut self, name: &str, schema: Arc<Schema>, from: AddedFrom) -> Result<()> {
        self.push(name, Origin::Added { schema, from })
    }

    fn push(&mut self, name: &str, origin: Origin) -> Result<()> {
        if self.has(name) {
            return Err(exists(name));
        }
        self.fields.push(RowField { name: name.to_owned(), origin });
        Ok(())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// Names of the fields whose schema is optional.
    pub(crate) fn optional_fields(&self) -> impl Iterator<Item = &str> {
        self.fields
            .iter()
            .filter(|field| match &field.origin {
                Origin::Column { at, .. } => self.input.schema.node(at.node).optional,
                Origin::Marker(_) | Origin::Added { .. } => true,
            })
            .map(|field| field.name.as_str())
    }

    /// Removes fields as `ReplaceField` does.
    pub(crate) fn remove(&mut self, names: &BTreeSet<String>) -> Result<()> {
        let (gone, kept) = std::mem::take(&mut self.fields).into_iter().partition(|field| names.contains(&field.name));
        self.fields = kept;
        if self.rebuilt {
            self.checks.extend(gone.into_iter().filter_map(|field: RowField| match field.origin {
                Origin::Column { at, nulls } => Some((at, nulls == Nulls::Refused)),
                _ => None,
            }));
        }
        self.copy(true)
    }

    /// `Struct.getString` of a field, for the topic.
    ///
    /// # Errors
    /// Data: no such field, or not a string.
    pub(crate) fn text(&self, name: &str, store: &dyn SchemaStore) -> Result<Source> {
        let wrong = |found: &str| {
            Error::data("enrs.route-by-field", format!("expected a string field `{name}`, found {found}"))
                .field(self.label)
                .hint("route.by.field must name a string column")
        };
        let field =
            self.fields.iter().find(|field| field.name == name).ok_or_else(|| wrong("no field of this name"))?;
        match &field.origin {
            Origin::Marker(value) => marker(value, store).map(Source::Constant),
            Origin::Column { at, nulls } => match self.input.kind(at) {
                Type::String => {
                    let replaced = *nulls == Nulls::Replaced;
                    let null = if replaced { self.input.default_of(at.node, store)? } else { None };
                    Ok(Source::Place { guard: None, place: at.place.clone(), absent: None, null })
                }
                kind => Err(wrong(kind.name())),
            },
            Origin::Added { .. } => Err(wrong("an added field")),
        }
    }

    /// The schema that the struct has now.
    pub(crate) fn schema(&self) -> Result<Schema> {
        if self.rebuilt { Ok(self.build()?.0) } else { self.input.schema.subschema(self.root.node) }
    }

    /// `SchemaUtil.copySchemaBasics` and the fields: no longer optional, no default.
    fn build(&self) -> Result<(Schema, Vec<NodeId>)> {
        let old = self.input.schema.node(self.root.node);
        let mut node = Node::new(Type::Struct);
        node.name.clone_from(&old.name);
        node.version = old.version;
        node.doc.clone_from(&old.doc);
        node.parameters.clone_from(&old.parameters);
        let mut builder = SchemaBuilder::new();
        let root = builder.push(node);
        let mut nodes = Vec::new();
        for field in &self.fields {
            let node = match &field.origin {
                Origin::Column { at, .. } => builder.copy(&self.input.schema, at.node)?,
                Origin::Marker(_) => builder.push(Node::new(Type::String).optional()),
                Origin::Added { schema, .. } => builder.copy(schema, 0)?,
            };
            builder.add_field(root, field.name.clone(), node);
            nodes.push(node);
        }
        Ok((builder.build()?, nodes))
    }

    /// What an executor has to do.
    pub(crate) fn finish(self, store: &dyn SchemaStore, unavailable: Option<&Unavailable>) -> Result<Rebuild> {
        let (schema, nodes) = self.build()?;
        let target = Arc::new(Input::new(Arc::new(schema)));
        let layout = &target.layout;
        let mut rebuild = Rebuild {
            schema: 0,
            fields: nodes.len() as u32,
            slots: layout.slots() as u32,
            source: self.input.clone(),
            target: target.clone(),
            null: Error::data(
                "enrs.null-required",
                "expected a value where the schema wants one, found a null that has no default of the field's own schema",
            ),
            unfit: Error::data(
                "enrs.unfit",
                "expected null in a field that cannot be added (a struct, a map, or another schema than that of the first \
                 record with this row), found a value",
            )
            .hint("name single fields in add.fields; after a change of the envelope restart the task"),
            steps: Vec::new(),
            nulls: Vec::new(),
            watch: unavailable.map(|unavailable| self.watch(unavailable, &nodes, layout, store)).transpose()?,
        };
        self.guards(&mut rebuild.steps);
        self.copies(&nodes, layout, &mut rebuild.steps);
        for (to, (field, node)) in self.fields.iter().zip(&nodes).enumerate() {
            let (to, to_slot) = (to as u32, layout.slot(*node));
            match &field.origin {
                Origin::Column { at, nulls: Nulls::Replaced } => {
                    if let Some(constant) = self.input.default_of(at.node, store)? {
                        let Carry::Cells(cells) = self.input.carry(at) else { return Err(recursive()) };
                        let from_slot = at.place.slot;
                        rebuild.steps.push(Step::Default { to, from_slot, to_slot, constant, cells });
                    }
                }
                Origin::Column { .. } => {}
                Origin::Marker(value) => {
                    let (from, carry) = (Source::Constant(marker(value, store)?), Carry::Cells(text_cells()));
                    rebuild.steps.push(Step::Put { from, to, to_slot, carry, target: *node });
                }
                Origin::Added { from: AddedFrom::Source(from, carry, _), .. } => {
                    let (from, carry) = (from.clone(), carry.clone());
                    rebuild.steps.push(Step::Put { from, to, to_slot, carry, target: *node });
                }
                Origin::Added { .. } => rebuild.nulls.push(to_slot),
            }
        }
        rebuild.schema = store.intern(target.schema.clone())?;
        Ok(rebuild)
    }

    fn watch(
        &self,
        unavailable: &Unavailable,
        nodes: &[NodeId],
        layout: &Layout,
        store: &dyn SchemaStore,
    ) -> Result<Watch> {
        let mut names = SchemaBuilder::new();
        let list = names.push(Node::new(Type::Array));
        let item = names.push(Node::new(Type::String));
        if let Some(list) = names.node_mut(list) {
            list.item = Some(item);
        }
        let columns = self.fields.iter().zip(nodes).filter_map(|(field, node)| match &field.origin {
            Origin::Column { at, .. } => Some(WatchedColumn {
                place: at.place.clone(),
                field: field.name.clone(),
                to_slot: layout.slot(*node),
                form: Placeholder::of(&self.input.schema, at.node)?,
            }),
            _ => None,
        });
        Ok(Watch {
            action: unavailable.action,
            placeholder: unavailable.placeholder.clone(),
            error: Error::data(
                "enrs.unavailable",
                "expected a value, found the placeholder of an unchanged one that the source did not send",
            )
            .hint("set REPLICA IDENTITY FULL for the table, or unavailable.value.handling"),
            header_schema: store.intern(Arc::new(names.build()?))?,
            columns: columns.collect(),
        })
    }

    /// What must hold before anything is copied.
    fn guards(&self, steps: &mut Vec<Step>) {
        for field in &self.fields {
            match &field.origin {
                Origin::Column { at, nulls } => self.guard(at, *nulls == Nulls::Refused, steps),
                Origin::Added { from: AddedFrom::Unfit(from), .. } => {
                    steps.push(Step::Refuse { from: from.clone(), field: field.name.clone() });
                }
                Origin::Added { from: AddedFrom::Source(Source::Place { place, .. }, _, added), .. }
                    if can_be_invalid(&self.input.schema, added.node) =>
                {
                    let (place, field, Added { node, is_reference }) = (place.clone(), field.name.clone(), *added);
                    steps.push(Step::Valid { place, node, is_reference, field, raw: true });
                }
                _ => {}
            }
        }
        for (at, required) in &self.checks {
            self.guard(at, *required, steps);
        }
    }

    fn guard(&self, at: &At, required: bool, steps: &mut Vec<Step>) {
        let names = &self.input.schema.node(self.root.node).fields;
        let name = names.get(at.position).map_or("", |field| field.name.as_str());
        let (place, field) = (&at.place, format!("{}.{name}", self.label));
        if required {
            steps.push(Step::Require { place: place.clone(), field: field.clone() });
        }
        if can_be_invalid(&self.input.schema, at.node) {
            let is_reference = at.is_reference;
            steps.push(Step::Valid { place: place.clone(), node: at.node, is_reference, field, raw: false });
        }
    }

    /// Columns that follow each other in the old struct and in the new are one copy.
    fn copies(&self, nodes: &[NodeId], layout: &Layout, steps: &mut Vec<Step>) {
        let mut open: Option<Step> = None;
        for (to_field, (field, node)) in self.fields.iter().zip(nodes).enumerate() {
            let Origin::Column { at, .. } = &field.origin else {
                continue;
            };
            let next = match self.input.carry(at) {
                Carry::Cells(cells) => cells,
                Carry::Whole { node: from_node, is_reference } => {
                    steps.extend(open.take());
                    steps.push(Step::CopyWhole {
                        from: self.root.place.clone(),
                        first: at.position as u32,
                        to: to_field as u32,
                        from_slot: at.place.slot,
                        to_slot: layout.slot(*node),
                        node: from_node,
                        is_reference,
                        target: *node,
                    });
                    continue;
                }
            };
            match &mut open {
                Some(Step::Copy { first, count, to, cells, .. })
                    if *first + *count == at.position as u32 && *to + *count == to_field as u32 =>
                {
                    *count += 1;
                    cells.append(&next);
                }
                _ => {
                    let step = Step::Copy {
                        from: self.root.place.clone(),
                        first: at.position as u32,
                        count: 1,
                        to: to_field as u32,
                        from_slot: at.place.slot,
                        to_slot: layout.slot(*node),
                        cells: next,
                    };
                    steps.extend(open.replace(step));
                }
            }
        }
        steps.extend(open);
    }
}

/// `SchemaBuilderException`: a struct cannot have two fields of one name.
pub(crate) fn exists(name: &str) -> Error {
    Error::data("enrs.field-exists", format!("expected to add a field `{name}`, found it there"))
        .hint("choose another prefix or a new name")
}

fn marker(value: &str, store: &dyn SchemaStore) -> Result<Constant> {
    let schema = Schema::primitive(Node::new(Type::String).optional());
    text_constant(schema, value, store)
}

/// A string as part of a plan.
pub(crate) fn text_constant(schema: Schema, value: &str, store: &dyn SchemaStore) -> Result<Constant> {
    let mut image = Vec::new();
    tree::write(Some(&schema), &Value::String(value.to_owned()), &mut image)?;
    Ok(Constant { schema: store.intern(Arc::new(schema))?, image })
}

/// The slot of a string.
pub(crate) fn text_cells() -> Cells {
    Cells { width: 1, variable: vec![crate::plan::Variable { offset: 0, aligned: false }] }
}
