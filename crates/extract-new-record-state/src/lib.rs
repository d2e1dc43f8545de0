//! Debezium's `ExtractNewRecordState`, of 1.7 and of 3.x, compiled to plans.
//!
//! [`ExtractNewRecordState`] is a `Transformation` on row images. For a host that holds Structs it hands out the same
//! plans as bytes ([`plan_codec`]). The behaviour is that of debezium-core 1.7.0.Final on Kafka Connect 2.8.0 and of
//! debezium-connect-plugins 3.6.1.Final on Kafka 4.3.0, as `tests/corpus/smt` records it.
//!
//! What this crate does not do: MongoDB's `ExtractNewDocumentState`. Known differences: an added header that is a struct
//! or a map keeps the schema of its content, which Debezium loses; a list of fields to drop is not looked for among the
//! headers that this very transformation adds; rows whose schema refers back to itself are refused.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod cache;
mod claims;
mod compile;
pub mod config;
mod execute;
mod field_reference;
mod input;
mod plan;
pub mod plan_codec;
mod resolve;
mod row;
mod transformation;

pub use transformation::ExtractNewRecordState;
