//! Schemas of rows and keys that have lost fields: each record may name others, and a store forgets nothing.

use connect_data::{Error, Result, Schema, SchemaId, SchemaStore, schema_codec};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of their boundary forms in one instance: tens of thousands of tables and sets of fields.
const LIMIT: usize = 16 << 20;

/// What an instance has interned for dropped fields.
#[derive(Default)]
pub(crate) struct Budget(Mutex<Spent>);

#[derive(Default)]
struct Spent {
    bytes: usize,
    known: BTreeMap<Vec<u8>, SchemaId>,
}

/// A store that interns on a budget.
pub(crate) struct Budgeted<'a> {
    pub(crate) store: &'a dyn SchemaStore,
    pub(crate) budget: &'a Budget,
}

impl SchemaStore for Budgeted<'_> {
    fn get(&self, id: SchemaId) -> Option<Arc<Schema>> {
        self.store.get(id)
    }

    fn intern(&self, schema: Arc<Schema>) -> Result<SchemaId> {
        let form = schema_codec::to_bytes(&schema)?;
        let mut spent = self.budget.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = spent.known.get(&form) {
            return Ok(*id);
        }
        let bytes = spent.bytes + form.len();
        if bytes > LIMIT {
            return Err(Error::data(
                "enrs.drop-sets",
                format!("expected a bounded number of different sets of fields to drop, found {}", spent.known.len()),
            )
            .hint("the header of drop.fields.header.name should name the same fields for the records of a table"));
        }
        let id = self.store.intern(schema)?;
        spent.bytes = bytes;
        spent.known.insert(form, id);
        Ok(id)
    }
}
