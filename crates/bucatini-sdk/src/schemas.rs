//! The instance's schemas: the host's, seen through the imports.

use crate::bindings::imports::bucatini::connect::{errors, schema_store, schemas as wit};
use connect_data::{Result, Schema, SchemaId, SchemaStore};
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

connect_data::typed_conversions!(wit, errors);

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::{Error, ErrorKind, Node, SchemaBuilder, Type, Value};

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
