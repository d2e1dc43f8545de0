//! The instance's schemas: the host's, seen through the imports.

use crate::bindings::imports::bucatini::connect::{errors, schema_store, schemas as wit};
use connect_data::{Error, ErrorKind, Field, Node, Result, Schema, SchemaId, SchemaStore, Step, Type, schema_codec};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Definitions that are kept here. Beyond it all are forgotten and asked for again.
const KEPT: usize = 4_096;

/// The host's store, and a copy of what came through it.
#[derive(Default)]
pub(crate) struct HostSchemas {
    seen: RwLock<BTreeMap<SchemaId, Arc<Schema>>>,
}

impl HostSchemas {
    fn keep(&self, id: SchemaId, schema: &Arc<Schema>) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= KEPT {
            seen.clear();
        }
        seen.insert(id, schema.clone());
    }
}

impl SchemaStore for HostSchemas {
    fn get(&self, id: SchemaId) -> Option<Arc<Schema>> {
        if let Some(schema) = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Some(schema.clone());
        }
        let schema = Arc::new(from_def(schema_store::get(id)?).ok()?);
        self.keep(id, &schema);
        Some(schema)
    }

    fn intern(&self, schema: Arc<Schema>) -> Result<SchemaId> {
        let id = schema_store::intern(&to_def(&schema)?).map_err(from_wit_error)?;
        self.keep(id, &schema);
        Ok(id)
    }
}

fn to_def(schema: &Schema) -> Result<wit::SchemaDef> {
    let node = |(id, node): (usize, &Node)| {
        Ok(wit::Node {
            kind: to_kind(node.kind),
            optional: node.optional,
            name: node.name.clone(),
            version: node.version,
            doc: node.doc.clone(),
            parameters: node
                .parameters
                .iter()
                .map(|(key, value)| wit::Parameter { key: key.clone(), value: value.clone() })
                .collect(),
            default_value: schema_codec::default_image(schema, id as u32)?,
            fields: node.fields.iter().map(|f| wit::Field { name: f.name.clone(), node: f.node }).collect(),
            key: node.key,
            item: node.item,
        })
    };
    Ok(wit::SchemaDef { nodes: schema.nodes().iter().enumerate().map(node).collect::<Result<_>>()? })
}

fn from_def(def: wit::SchemaDef) -> Result<Schema> {
    let (mut nodes, mut defaults) = (Vec::new(), Vec::new());
    for (id, node) in def.nodes.into_iter().enumerate() {
        if let Some(image) = node.default_value {
            defaults.push((id as u32, image));
        }
        nodes.push(Node {
            kind: from_kind(node.kind),
            optional: node.optional,
            name: node.name,
            version: node.version,
            doc: node.doc,
            parameters: node.parameters.into_iter().map(|p| (p.key, p.value)).collect(),
            default: None,
            fields: node.fields.into_iter().map(|f| Field { name: f.name, node: f.node }).collect(),
            item: node.item,
            key: node.key,
        });
    }
    let defaults: Vec<_> = defaults.iter().map(|(id, image)| (*id, image.as_slice())).collect();
    schema_codec::build(nodes, &defaults)
}

fn to_kind(kind: Type) -> wit::Kind {
    match kind {
        Type::Int8 => wit::Kind::Int8,
        Type::Int16 => wit::Kind::Int16,
        Type::Int32 => wit::Kind::Int32,
        Type::Int64 => wit::Kind::Int64,
        Type::Float32 => wit::Kind::Float32,
        Type::Float64 => wit::Kind::Float64,
        Type::Boolean => wit::Kind::Boolean,
        Type::String => wit::Kind::Text,
        Type::Bytes => wit::Kind::Bytes,
        Type::Array => wit::Kind::Array,
        Type::Map => wit::Kind::Mapping,
        Type::Struct => wit::Kind::Struct,
    }
}

fn from_kind(kind: wit::Kind) -> Type {
    match kind {
        wit::Kind::Int8 => Type::Int8,
        wit::Kind::Int16 => Type::Int16,
        wit::Kind::Int32 => Type::Int32,
        wit::Kind::Int64 => Type::Int64,
        wit::Kind::Float32 => Type::Float32,
        wit::Kind::Float64 => Type::Float64,
        wit::Kind::Boolean => Type::Boolean,
        wit::Kind::Text => Type::String,
        wit::Kind::Bytes => Type::Bytes,
        wit::Kind::Array => Type::Array,
        wit::Kind::Mapping => Type::Map,
        wit::Kind::Struct => Type::Struct,
    }
}

/// The set-up form of an error.
pub(crate) fn to_wit_error(error: &Error) -> errors::Error {
    errors::Error {
        kind: match error.kind() {
            ErrorKind::Data => errors::ErrorKind::Data,
            ErrorKind::Config => errors::ErrorKind::Config,
            ErrorKind::Internal => errors::ErrorKind::Internal,
            ErrorKind::Outage => errors::ErrorKind::Outage,
        },
        code: error.code().to_owned(),
        message: error.message().to_owned(),
        path: error.path_text(),
        hint: error.hint_text().map(str::to_owned),
    }
}

fn from_wit_error(error: errors::Error) -> Error {
    let kind = match error.kind {
        errors::ErrorKind::Data => ErrorKind::Data,
        errors::ErrorKind::Config => ErrorKind::Config,
        errors::ErrorKind::Internal => ErrorKind::Internal,
        errors::ErrorKind::Outage => ErrorKind::Outage,
    };
    let path = if error.path.is_empty() { Vec::new() } else { vec![Step::Field(error.path)] };
    Error::foreign(kind, error.code, error.message, path, error.hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::{SchemaBuilder, Value};

    #[test]
    fn a_schema_survives_the_typed_form() {
        let mut b = SchemaBuilder::new();
        let mut root = Node::new(Type::Struct).named("r").version(3).optional().parameter("p", "q");
        root.doc = Some("d".to_owned());
        let root = b.push(root);
        b.field(root, "i", Node::new(Type::Int32).default_value(Value::Int32(-7)));
        let map = b.field(root, "m", Node::new(Type::Map));
        let key = b.push(Node::new(Type::String));
        let item = b.push(Node::new(Type::Array).default_value(Value::Array(vec![Value::String("x".to_owned())])));
        let text = b.push(Node::new(Type::String));
        b.node_mut(item).unwrap().item = Some(text);
        let node = b.node_mut(map).unwrap();
        (node.key, node.item) = (Some(key), Some(item));
        b.add_field(root, "again", root);
        let schema = b.build().unwrap();
        assert_eq!(from_def(to_def(&schema).unwrap()).unwrap(), schema);
    }

    #[test]
    fn an_error_survives_the_typed_form() {
        for kind in [ErrorKind::Data, ErrorKind::Config, ErrorKind::Internal, ErrorKind::Outage] {
            let error = Error::new(kind, "a.b", "message").field("after").hint("hint");
            assert_eq!(from_wit_error(to_wit_error(&error)), error);
        }
    }

    #[test]
    fn every_kind_survives_the_typed_form() {
        for code in 0..12 {
            let kind = Type::from_code(code).unwrap();
            assert_eq!(from_kind(to_kind(kind)), kind);
            assert_eq!(to_kind(kind) as u8, code, "the order of the WIT is that of the codes");
        }
    }
}
