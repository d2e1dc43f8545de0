//! Interned schemas: a schema travels once, afterwards its number does.

use crate::error::Result;
use crate::schema::Schema;
use crate::schema_codec;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Number of an interned schema, never reused while its store lives. 0 stands for "no schema" (schemaless) on every
/// boundary and is never given out.
pub type SchemaId = u32;

/// Where a plug-in instance finds and puts schemas. The host owns it; a component's is mirrored from its host.
pub trait SchemaStore: Send + Sync {
    /// The schema with this id.
    fn get(&self, id: SchemaId) -> Option<Arc<Schema>>;
    /// The id of this schema: equal schemas (parameter order included) give equal ids.
    ///
    /// # Errors
    /// Internal: the host's store refuses it.
    fn intern(&self, schema: Arc<Schema>) -> Result<SchemaId>;
}

/// A store in memory.
#[derive(Default)]
pub struct InternedSchemas {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    schemas: Vec<Arc<Schema>>,
    by_form: BTreeMap<Vec<u8>, SchemaId>,
}

impl InternedSchemas {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl SchemaStore for InternedSchemas {
    fn get(&self, id: SchemaId) -> Option<Arc<Schema>> {
        let index = (id as usize).checked_sub(1)?;
        self.inner.read().unwrap_or_else(PoisonError::into_inner).schemas.get(index).cloned()
    }

    fn intern(&self, schema: Arc<Schema>) -> Result<SchemaId> {
        let form = schema_codec::to_bytes(&schema)?;
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = inner.by_form.get(&form) {
            return Ok(*id);
        }
        inner.schemas.push(schema);
        let id = inner.schemas.len() as SchemaId;
        inner.by_form.insert(form, id);
        Ok(id)
    }
}
