//! Confluent's `AvroConverter` as a component.

use avro_converter::{config, converter::AvroConverter};
use bucatini_sdk::{ConfigDef, Plugin, Properties, Result, SchemaStore};
use std::sync::Arc;

/// What is exported.
pub enum Exported {}

impl Plugin for Exported {
    type Core = AvroConverter;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn config() -> &'static ConfigDef {
        &config::CONFIG
    }

    fn open(settings: &Properties, is_key: bool, schemas: Arc<dyn SchemaStore>) -> Result<AvroConverter> {
        AvroConverter::new(settings, is_key, schemas)
    }
}

bucatini_sdk::export_converter!(Exported);
