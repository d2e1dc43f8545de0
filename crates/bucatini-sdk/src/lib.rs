//! What an author of a Bucatini component needs: implement a trait of `connect-data` in pure Rust, say how it is made from
//! its settings, and export it.
//!
//! ```
//! use bucatini_sdk::{ConfigDef, Plugin, Properties, Result, SchemaStore, Transformation};
//! use bucatini_sdk::frame::{self, RecordFrame};
//! use std::sync::Arc;
//!
//! /// Drops every tombstone.
//! pub struct DropTombstones;
//!
//! impl Transformation for DropTombstones {
//!     fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
//!         let record = RecordFrame::read(record)?;
//!         let null = bucatini_sdk::Image::new(record.value.image, &[])?.is_null(0);
//!         out.push(if null { frame::DROP } else { frame::PASS });
//!         Ok(())
//!     }
//! }
//!
//! pub enum Exported {}
//!
//! impl Plugin for Exported {
//!     type Core = DropTombstones;
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!
//!     fn config() -> &'static ConfigDef {
//!         &ConfigDef { plugin: "drop-tombstones", keys: &[] }
//!     }
//!
//!     fn open(_: &Properties, _: bool, _: Arc<dyn SchemaStore>) -> Result<DropTombstones> {
//!         Ok(DropTombstones)
//!     }
//! }
//!
//! bucatini_sdk::export_transformation!(Exported);
//! ```
//!
//! The crate is a `cdylib`, built for `wasm32-unknown-unknown` (which has no WASI to import) and turned into a component by
//! `component-build`. A panic is logged with its place only, then traps; the host replaces the instance.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

#[doc(hidden)]
pub mod bindings;
mod exports;
#[cfg(any(target_arch = "wasm32", test))]
mod memory;
mod schemas;

pub use bindings::imports::bucatini::connect::logging::{Level, log};
pub use connect_data::row_image::Image;
pub use connect_data::{
    ConfigDef, ConfigKey, Converter, Decoded, Encoded, Error, ErrorKind, Field, NeedId, Node, NodeId, Predicate,
    Properties, Result, Schema, SchemaBuilder, SchemaId, SchemaStore, TopicId, Transformation, Type, Value, config,
    frame, row_image,
};
pub use exports::{ConverterExports, Plugin, PredicateExports, TransformationExports};

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static MEMORY: memory::Memory = memory::Memory::new();

/// Exports a [`Plugin`] whose core is a [`Converter`].
#[macro_export]
macro_rules! export_converter {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exports = $crate::ConverterExports<$plugin>;
    $crate::bindings::plugin::export!(Exports with_types_in $crate::bindings::plugin);
    $crate::bindings::converter::export!(Exports with_types_in $crate::bindings::converter);
        };
    };
}

/// Exports a [`Plugin`] whose core is a [`Transformation`].
#[macro_export]
macro_rules! export_transformation {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exports = $crate::TransformationExports<$plugin>;
    $crate::bindings::plugin::export!(Exports with_types_in $crate::bindings::plugin);
    $crate::bindings::transformation::export!(Exports with_types_in $crate::bindings::transformation);
        };
    };
}

/// Exports a [`Plugin`] whose core is a [`Predicate`].
#[macro_export]
macro_rules! export_predicate {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exports = $crate::PredicateExports<$plugin>;
    $crate::bindings::plugin::export!(Exports with_types_in $crate::bindings::plugin);
    $crate::bindings::predicate::export!(Exports with_types_in $crate::bindings::predicate);
        };
    };
}
