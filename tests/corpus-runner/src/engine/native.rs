//! The cores themselves.

use super::Plugin;
use super::core::Cores;
use avro_converter::converter::AvroConverter;
use connect_data::{Converter, Properties, Result, SchemaStore, Transformation};
use extract_new_record_state::ExtractNewRecordState;
use std::sync::Arc;
use wal2json::Wal2JsonConverter;

/// The cores, linked in.
pub struct Native;

impl Cores for Native {
    fn converter(
        &self,
        plugin: Plugin,
        properties: &Properties,
        is_key: bool,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Converter>> {
        Ok(match plugin {
            Plugin::AvroConverter => Box::new(AvroConverter::new(properties, is_key, schemas)?),
            Plugin::Wal2JsonConverter => Box::new(Wal2JsonConverter::new(properties, is_key, schemas)?),
        })
    }

    fn transformation(
        &self,
        properties: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Transformation>> {
        Ok(Box::new(ExtractNewRecordState::new(properties, schemas)?))
    }
}
