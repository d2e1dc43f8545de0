//! Debezium's `ExtractNewRecordState` as a component.

use bucatini_sdk::{ConfigDef, Plugin, Properties, Result, SchemaStore};
use extract_new_record_state::{ExtractNewRecordState, config};
use std::sync::Arc;

/// What is exported.
pub enum Exported {}

impl Plugin for Exported {
    type Core = ExtractNewRecordState;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn config() -> &'static ConfigDef {
        &config::CONFIG
    }

    fn open(settings: &Properties, _: bool, schemas: Arc<dyn SchemaStore>) -> Result<ExtractNewRecordState> {
        ExtractNewRecordState::new(settings, schemas)
    }
}

bucatini_sdk::export_transformation!(Exported);
