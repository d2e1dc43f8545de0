//! Kafka Connect's data model as Rust: schemas, values, row images, records, configuration, errors, and the traits
//! that every plug-in core implements.
//!
//! Pure: no I/O, no clock, no threads, no JNI, no WebAssembly types. Everything that crosses a boundary (JNI, component,
//! the runner's stages) is defined here once: [`row_image`] for values, [`frame`] for records, [`wire`] for the few
//! set-up messages.
//!
//! What this crate does not do: it knows no format (Avro, JSON) and no plug-in.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod batch;
pub mod config;
pub mod error;
pub mod frame;
pub mod plugin;
pub mod row_image;
pub mod schema;
pub mod schema_codec;
pub mod schemaless;
pub mod store;
mod typed;
pub mod utf8;
pub mod value;
pub mod wire;

pub use config::{ConfigDef, ConfigKey, Properties};
pub use error::{Error, ErrorKind, Result, Step};
pub use plugin::{Converter, Decoded, Encoded, NeedId, Predicate, TopicId, Transformation};
pub use schema::{Field, Node, NodeId, Schema, SchemaBuilder, Type, logical};
pub use store::{InternedSchemas, SchemaId, SchemaStore};
pub use value::Value;
