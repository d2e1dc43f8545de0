//! Converters, transformations and predicates by their configuration: native cores, or components.

mod byte_array;
#[cfg(feature = "components")]
mod components;
pub(crate) mod header;
mod json;
mod own;
mod string;

pub(crate) use own::SelfContained;

use crate::config::{ComponentSource, ConverterClass, ConverterConfig, Engine, RunOptions};
use avro_converter::converter::AvroConverter;
#[cfg(not(feature = "components"))]
use connect_data::Error;
use connect_data::{Converter, Predicate, Properties, Result, SchemaStore, Transformation};
use extract_new_record_state::ExtractNewRecordState;
use std::path::PathBuf;
use std::sync::Arc;

/// Opens plug-ins of a run.
pub(crate) struct Plugins {
    /// Whatever the plug-ins' own settings say.
    engine: Option<Engine>,
    #[cfg_attr(not(feature = "components"), allow(dead_code))]
    components: Option<PathBuf>,
}

impl Plugins {
    pub(crate) fn new(options: &RunOptions) -> Self {
        Self { engine: options.engine, components: options.components.clone() }
    }

    /// The converter, and whether it asks a registry.
    ///
    /// # Errors
    /// Config: a setting is wrong, or there is no such component.
    pub(crate) fn converter(
        &self,
        config: &ConverterConfig,
        is_key: bool,
        schemas: &Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Converter>> {
        let settings = &config.properties;
        match &config.class {
            ConverterClass::Avro(engine) => match self.engine.unwrap_or(*engine) {
                Engine::Native => Ok(Box::new(AvroConverter::new(settings, is_key, schemas.clone())?)),
                Engine::Wasm => self.component_converter(&shipped("avro-converter"), settings, is_key, schemas),
            },
            ConverterClass::Component(source) => self.component_converter(source, settings, is_key, schemas),
            ConverterClass::String => Ok(Box::new(string::StringConverter::new(schemas.clone())?)),
            ConverterClass::ByteArray => Ok(Box::new(byte_array::ByteArrayConverter::new(schemas.clone())?)),
            ConverterClass::Json => Ok(Box::new(json::JsonConverter::new(settings, schemas.clone()))),
        }
    }
}

/// A component of ours, by the name of its file.
fn shipped(name: &str) -> ComponentSource {
    ComponentSource { path: PathBuf::from(name), sha256: None }
}

#[cfg(feature = "components")]
impl Plugins {
    fn component_converter(
        &self,
        source: &ComponentSource,
        settings: &Properties,
        is_key: bool,
        schemas: &Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Converter>> {
        let component = components::load(source, self.components.as_deref())?;
        let options = components::options(source);
        let schemas = schemas.clone();
        Ok(Box::new(component_host::ComponentConverter::open(&component, settings, is_key, schemas, &options)?))
    }

    fn component_transformation(
        &self,
        source: &ComponentSource,
        settings: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Transformation>> {
        let component = components::load(source, self.components.as_deref())?;
        let options = components::options(source);
        Ok(Box::new(component_host::ComponentTransformation::open(&component, settings, schemas, &options)?))
    }

    fn component_predicate(
        &self,
        source: &ComponentSource,
        settings: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Predicate>> {
        let component = components::load(source, self.components.as_deref())?;
        let options = components::options(source);
        Ok(Box::new(component_host::ComponentPredicate::open(&component, settings, schemas, &options)?))
    }
}

#[cfg(not(feature = "components"))]
impl Plugins {
    fn component_converter(
        &self,
        source: &ComponentSource,
        _: &Properties,
        _: bool,
        _: &Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Converter>> {
        Err(without_components(source))
    }

    fn component_transformation(
        &self,
        source: &ComponentSource,
        _: &Properties,
        _: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Transformation>> {
        Err(without_components(source))
    }

    fn component_predicate(
        &self,
        source: &ComponentSource,
        _: &Properties,
        _: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Predicate>> {
        Err(without_components(source))
    }
}

#[cfg(not(feature = "components"))]
fn without_components(source: &ComponentSource) -> Error {
    let message = format!("component {}: expected a program with a WebAssembly engine", source.path.display());
    Error::config("component.engine", message).hint("this program was built without the feature `components`")
}

impl crate::transforms::Plugins for Plugins {
    fn extract_new_record_state(
        &self,
        engine: Engine,
        settings: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Transformation>> {
        match self.engine.unwrap_or(engine) {
            Engine::Native => Ok(Box::new(ExtractNewRecordState::new(settings, schemas)?)),
            Engine::Wasm => self.component_transformation(&shipped("extract-new-record-state"), settings, schemas),
        }
    }

    fn transformation(
        &self,
        component: &ComponentSource,
        settings: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Transformation>> {
        self.component_transformation(component, settings, schemas)
    }

    fn predicate(
        &self,
        component: &ComponentSource,
        settings: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Predicate>> {
        self.component_predicate(component, settings, schemas)
    }
}
