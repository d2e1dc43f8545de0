//! The Avro converter, which traps for topics whose name contains `bucatini-fault`.
#![allow(clippy::panic)]

use avro_converter::{config, converter::AvroConverter};
use bucatini_sdk::{ConfigDef, Plugin, Properties, Result, SchemaStore};
use fault_converter::FaultyConverter;
use std::sync::Arc;

/// What is exported.
pub enum Exported {}

impl Plugin for Exported {
    type Core = FaultyConverter<AvroConverter>;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn config() -> &'static ConfigDef {
        &config::CONFIG
    }

    fn open(settings: &Properties, is_key: bool, schemas: Arc<dyn SchemaStore>) -> Result<Self::Core> {
        AvroConverter::new(settings, is_key, schemas).map(|converter| FaultyConverter::new(converter, fault))
    }
}

fn fault() {
    panic!("injected");
}

bucatini_sdk::export_converter!(Exported);
