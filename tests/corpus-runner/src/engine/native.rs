//! The cores themselves.

use super::core::Cores;
use connect_data::{Converter, Error, Properties, Result, SchemaStore, Transformation};
use extract_new_record_state::ExtractNewRecordState;
use std::sync::Arc;

/// The cores, linked in.
pub struct Native;

impl Cores for Native {
    fn converter(&self, _: &Properties, _: bool, _: Arc<dyn SchemaStore>) -> Result<Box<dyn Converter>> {
        Err(Error::internal("corpus.absent", "no converter yet"))
    }

    fn transformation(
        &self,
        properties: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Transformation>> {
        Ok(Box::new(ExtractNewRecordState::new(properties, schemas)?))
    }
}
