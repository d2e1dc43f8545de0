//! What a guest can reach: its schemas and a place to say something. Lives in its store.

use crate::bindings::base::bucatini::connect::{configs, errors, logging, schema_store, schemas as wit};
use crate::digest::Digest;
use crate::limits::{Limits, Usage};
use crate::logging::{Allowance, Level, Log, printable};
use connect_data::{Error, Result, Schema, SchemaId, SchemaStore, schema_codec};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A plug-in's schemas and what it may still intern. Survives the replacement of an instance.
pub(crate) struct Schemas {
    store: Arc<dyn SchemaStore>,
    limit: usize,
    interned: Mutex<Interned>,
}

#[derive(Default)]
struct Interned {
    size: usize,
    known: BTreeMap<Digest, SchemaId>,
}

impl Schemas {
    pub(crate) fn new(store: Arc<dyn SchemaStore>, limits: &Limits) -> Self {
        Self { store, limit: limits.schemas, interned: Mutex::default() }
    }

    fn intern(&self, schema: Schema) -> Result<SchemaId> {
        let form = schema_codec::to_bytes(&schema)?;
        let digest = Digest::of(&[&form]);
        let mut interned = self.interned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = interned.known.get(&digest) {
            return Ok(*id);
        }
        if interned.size + form.len() > self.limit {
            return Err(Error::data(
                "component.schemas",
                format!("expected schemas of at most {} bytes in all from a component, found more", self.limit),
            ));
        }
        let id = self.store.intern(Arc::new(schema))?;
        interned.size += form.len();
        interned.known.insert(digest, id);
        Ok(id)
    }
}

pub(crate) struct State {
    pub(crate) usage: Usage,
    schemas: Arc<Schemas>,
    log: Arc<dyn Log>,
    allowance: Allowance,
    pub(crate) plugin: Arc<str>,
    /// The last error that the guest logged: where it panicked.
    pub(crate) last_words: Option<String>,
}

impl State {
    pub(crate) fn new(limits: Limits, schemas: Arc<Schemas>, log: Arc<dyn Log>, plugin: Arc<str>) -> Self {
        let allowance = Allowance::new(Instant::now());
        Self { usage: Usage::new(limits), schemas, log, allowance, plugin, last_words: None }
    }
}

impl schema_store::Host for State {
    fn get(&mut self, id: SchemaId) -> wasmtime::Result<Option<wit::SchemaDef>> {
        match self.schemas.store.get(id) {
            None => Ok(None),
            Some(schema) => to_def(&schema).map(Some).map_err(|e| wasmtime::format_err!("schema {id}: {e}")),
        }
    }

    fn intern(&mut self, def: wit::SchemaDef) -> wasmtime::Result<std::result::Result<SchemaId, errors::Error>> {
        Ok(from_def(def).and_then(|schema| self.schemas.intern(schema)).map_err(|e| to_wit_error(&e)))
    }
}

impl logging::Host for State {
    fn log(&mut self, level: logging::Level, message: String) -> wasmtime::Result<()> {
        let message = printable(&message);
        let level = match level {
            logging::Level::Debug => Level::Debug,
            logging::Level::Info => Level::Info,
            logging::Level::Warn => Level::Warn,
            logging::Level::Error => Level::Error,
        };
        if self.allowance.take(Instant::now()) {
            self.log.log(&self.plugin, level, &message);
        }
        if level == Level::Error {
            self.last_words = Some(message);
        }
        Ok(())
    }
}

// Interfaces of types only.
impl wit::Host for State {}
impl errors::Host for State {}
impl configs::Host for State {}

connect_data::typed_conversions!(wit, errors);
