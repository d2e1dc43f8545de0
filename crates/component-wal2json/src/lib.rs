//! The wal2json converter as a component.

use bucatini_sdk::{ConfigDef, Plugin, Properties, Result, SchemaStore};
use std::sync::Arc;
use wal2json::{Wal2JsonConverter, config};

/// What is exported.
pub enum Exported {}

impl Plugin for Exported {
    type Core = Wal2JsonConverter;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn config() -> &'static ConfigDef {
        &config::CONFIG
    }

    fn open(settings: &Properties, is_key: bool, schemas: Arc<dyn SchemaStore>) -> Result<Wal2JsonConverter> {
        Wal2JsonConverter::new(settings, is_key, schemas)
    }
}

bucatini_sdk::export_converter!(Exported);
