//! Runs components of the package `bucatini:connect` (`wit/`) in wasmtime, behind the plug-in traits of `connect-data`.
//!
//! ```no_run
//! use component_host::{Component, ComponentConverter, Options};
//! use connect_data::{Converter, InternedSchemas, Properties};
//! use std::sync::Arc;
//!
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let component = Component::load(&std::fs::read("avro-converter.wasm")?, None)?;
//! let settings = Properties::from_iter([("schema.registry.url", "http://registry:8081")]);
//! let schemas = Arc::new(InternedSchemas::new());
//! let converter = ComponentConverter::open(&component, &settings, false, schemas, &Options::default())?;
//! let topic = converter.topic("orders")?;
//! # Ok(())
//! # }
//! ```
//!
//! One engine a process, one store a plug-in instance. A guest has no WASI, 64 MiB of memory, 128 KiB of stack and 5 s a
//! call; wasmtime installs no signal handlers. After a trap or a time-out the store is thrown away and the call made once
//! more on a new one; topics, needs and schemas are those of the host and survive that.
//!
//! A thread that calls a guest needs about 256 KiB of stack.
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod bindings;
mod cache;
mod component;
mod converter;
mod digest;
mod engine;
mod guest;
mod limits;
mod logging;
mod predicate;
mod state;
mod transformation;

pub use cache::Cache;
pub use component::{Component, MAX_COMPONENT};
pub use converter::ComponentConverter;
pub use digest::Digest;
pub use engine::ALLOWED_FEATURES;
pub use guest::Options;
pub use limits::{Limits, MAX_MEMORY};
pub use logging::{Level, Log, StandardError};
pub use predicate::ComponentPredicate;
pub use transformation::ComponentTransformation;
