//! The components that ship, in wasmtime.

use super::Plugin;
use super::core::Cores;
use component_host::{Component, ComponentConverter, ComponentTransformation, Options};
use connect_data::{Converter, Properties, Result, SchemaStore, Transformation};
use std::path::Path;
use std::sync::Arc;

/// Components, compiled once.
pub struct Wasm {
    avro_converter: Component,
    wal2json: Component,
    extract_new_record_state: Component,
}

impl Wasm {
    /// Loads the components of a folder.
    ///
    /// # Errors
    /// A file that is missing or that the host refuses.
    pub fn load(folder: &Path) -> std::result::Result<Self, String> {
        let component = |name: &str| {
            let path = folder.join(format!("{name}.wasm"));
            let bytes =
                std::fs::read(&path).map_err(|e| format!("{}: {e}; `make components` builds it", path.display()))?;
            Component::load(&bytes, None).map_err(|e| format!("{}: {e}", path.display()))
        };
        Ok(Self {
            avro_converter: component("avro-converter")?,
            wal2json: component("wal2json")?,
            extract_new_record_state: component("extract-new-record-state")?,
        })
    }
}

impl Cores for Wasm {
    fn converter(
        &self,
        plugin: Plugin,
        properties: &Properties,
        is_key: bool,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Converter>> {
        let component = match plugin {
            Plugin::AvroConverter => &self.avro_converter,
            Plugin::Wal2JsonConverter => &self.wal2json,
        };
        Ok(Box::new(ComponentConverter::open(component, properties, is_key, schemas, &Options::default())?))
    }

    fn transformation(
        &self,
        properties: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Transformation>> {
        let component = &self.extract_new_record_state;
        Ok(Box::new(ComponentTransformation::open(component, properties, schemas, &Options::default())?))
    }
}
