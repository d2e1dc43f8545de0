//! Finds what `add.fields` and `add.headers` refer to in an envelope, as each generation looks for it.

use crate::config::Semantics;
use crate::field_reference::FieldReference;
use crate::input::{At, Input};
use crate::plan::Source;
use connect_data::{Error, Node, Result, Schema, SchemaBuilder, SchemaStore, Type, Value};

/// What a reference refers to.
pub(crate) enum Resolved {
    Found {
        at: At,
        from: Source,
    },
    /// 3.x leaves it out.
    Skipped,
    /// 1.7 could not give it a schema; but where an earlier record did, it reads a null below this null struct.
    Nowhere {
        parent: At,
        error: Error,
    },
}

/// # Errors
/// Data: the envelope has nothing that could ever be added.
pub(crate) fn resolve(
    semantics: Semantics,
    envelope: &Input,
    reference: &FieldReference,
    store: &dyn SchemaStore,
) -> Result<Resolved> {
    let root = envelope.root();
    let parent = match &reference.parent {
        None => None,
        Some(name) => Some(envelope.require(&root, name)?),
    };
    match semantics {
        Semantics::Legacy => legacy(envelope, parent, reference, store),
        Semantics::Modern => modern(envelope, parent, reference),
    }
}

/// `Struct.get` on both levels: a null struct or field gives way to its default.
fn legacy(
    envelope: &Input,
    parent: Option<At>,
    reference: &FieldReference,
    store: &dyn SchemaStore,
) -> Result<Resolved> {
    let Some(parent) = parent else {
        let at = envelope.require(&envelope.root(), &reference.field)?;
        let null = envelope.default_of(at.node, store)?;
        let from = Source::Place { guard: None, place: at.place.clone(), absent: None, null };
        return Ok(Resolved::Found { at, from });
    };
    let at = match envelope.require(&parent, &reference.field) {
        Ok(at) => at,
        Err(error) => {
            let error = error.field(reference.parent.as_deref().unwrap_or_default());
            return Ok(Resolved::Nowhere { parent, error });
        }
    };
    let null = envelope.default_of(at.node, store)?;
    let absent = match &envelope.schema.node(parent.node).default {
        Some(Value::Struct(values)) => match values.get(at.position) {
            None | Some(Value::Null) => null.clone(),
            Some(value) => Some(envelope.constant(at.node, value, store)?),
        },
        _ => None,
    };
    let from = Source::Place { guard: None, place: at.place.clone(), absent, null };
    Ok(Resolved::Found { at, from })
}

/// `getWithoutDefault`; what the struct lacks may lie in the envelope itself, but is null where the struct is.
fn modern(envelope: &Input, parent: Option<At>, reference: &FieldReference) -> Result<Resolved> {
    let root = envelope.root();
    if let Some(parent) = &parent
        && let Some(at) = envelope.field(parent, &reference.field)?
    {
        let from = envelope.raw(&at);
        return Ok(Resolved::Found { at, from });
    }
    Ok(match envelope.field(&root, &reference.field)? {
        None => Resolved::Skipped,
        Some(at) => {
            let guard = parent.map(|parent| parent.place);
            let from = Source::Place { guard, place: at.place.clone(), absent: None, null: None };
            Resolved::Found { at, from }
        }
    })
}

/// The schema of an added header: the field's, optional, without its default.
///
/// Debezium's copy of a struct has no fields and that of a map no item, so that no consumer could read the value; here
/// they are kept. For a null, which anybody can read, a struct has none: [`field_schema`].
pub(crate) fn header_schema(envelope: &Input, at: &At) -> Result<Schema> {
    let mut builder = SchemaBuilder::new();
    let root = builder.copy(&envelope.schema, at.node)?;
    if let Some(node) = builder.node_mut(root) {
        node.optional = true;
        node.default = None;
    }
    builder.build()
}

/// The schema of an added field: as [`header_schema`], but a struct has no fields, as in Debezium.
pub(crate) fn field_schema(envelope: &Input, at: &At) -> Result<Schema> {
    if envelope.kind(at) != Type::Struct {
        return header_schema(envelope, at);
    }
    let mut node = envelope.schema.node(at.node).clone();
    node.fields = Vec::new();
    node.optional = true;
    node.default = None;
    Ok(Schema::primitive(node))
}

/// Whether `Struct.put` takes the values of the field at `at` for `target`, a [`field_schema`] of this envelope or of an
/// earlier one. Nulls it takes always.
///
/// 1.7 runs with a Kafka whose copy of an array's schema has no item schema, so that none but null passes.
pub(crate) fn accepts(semantics: Semantics, target: &Schema, envelope: &Input, at: &At) -> Result<bool> {
    let source = envelope.schema.subschema(at.node)?;
    Ok(takes(target, 0, &source, 0) && (semantics == Semantics::Modern || source.root().kind != Type::Array))
}

fn takes(target: &Schema, to: u32, source: &Schema, from: u32) -> bool {
    let (wanted, found) = (target.node(to), source.node(from));
    if wanted.kind != found.kind || logical_name(wanted) != logical_name(found) {
        return false;
    }
    match wanted.kind {
        Type::Struct => match (target.subschema(to), source.subschema(from)) {
            (Ok(target), Ok(source)) => target == source,
            _ => false,
        },
        // The copied schema of a map has no key schema, so that nothing but null passes.
        Type::Map => false,
        Type::Array => match (wanted.item, found.item) {
            (Some(to), Some(from)) => {
                let may_be_null = source.node(from).optional;
                takes(target, to, source, from) && (!may_be_null || target.node(to).optional)
            }
            _ => false,
        },
        _ => true,
    }
}

/// Values of these types have a Java class of their own.
fn logical_name(node: &Node) -> Option<&str> {
    use connect_data::logical::{DATE, DECIMAL, TIME, TIMESTAMP};
    node.name.as_deref().filter(|name| [DECIMAL, DATE, TIME, TIMESTAMP].contains(name))
}
