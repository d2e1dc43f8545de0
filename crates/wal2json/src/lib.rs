//! [wal2json](https://github.com/eulerto/wal2json) messages to the change events of Debezium's PostgreSQL connector 1.7.
//!
//! * [`Decoder`] reads a replication stream in format 1 (whole transactions or chunks) or 2: for a host that owns the
//!   slot. It hands out records (key, event, tombstone) as row images and says which LSNs may be acknowledged.
//! * [`Wal2JsonConverter`] is Kafka Connect's `Converter` for topics that hold lines of format 2.
//!
//! Both scan the text once into places, without building values, and run a plan that was compiled for the shape of the
//! message; after warm-up a row allocates nothing. Table shapes come from the messages and, if the host has a catalogue,
//! from a [`TableSchema`].
//!
//! Pure: no I/O, no clock. What it does not do: talk to PostgreSQL, keep offsets, filter tables other than by the host's
//! answer, or read wal2json's output without types or schemas (`include-types`, `include-schemas`).
//!
//! Where Debezium 1.7 loses a value on its way from wal2json, the value is delivered: see `tests/debezium.rs` for the list
//! of differences, each with its reason.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod array;
mod binary;
mod codec;
pub mod config;
mod converter;
mod decoder;
mod default_value;
mod emit;
mod envelope;
mod hstore;
mod interval;
mod java_order;
mod lsn;
mod message;
mod names;
mod numeric;
mod pg_type;
mod plan;
mod record;
mod scan;
mod table;
mod tables;
mod temporal;
mod transaction;
mod types;
mod v1;
mod v2;

pub use config::{Settings, Unavailable};
pub use converter::Wal2JsonConverter;
pub use decoder::{Decoder, Fed, OnRecord, SnapshotPlan, SnapshotPosition};
pub use lsn::Lsn;
pub use pg_type::{UserType, UserTypes};
pub use record::{Record, RecordKind};
pub use table::{ColumnSchema, TableAnswer, TableId, TableSchema};
