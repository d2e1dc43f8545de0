//! [wal2json](https://github.com/eulerto/wal2json) messages to the change events of Debezium's PostgreSQL connector 1.7.
//!
//! * [`Decoder`] reads a replication stream in format 1 (whole transactions or chunks) or 2: for a host that owns the
//!   slot. It hands out records (key, event, tombstone) as row images and says which LSNs may be acknowledged.
//! * [`Wal2JsonConverter`] is Kafka Connect's `Converter` for topics that hold lines of format 2.
//!
//! Both scan the text once into places, without building values, and run a plan that was compiled for the shape of the
//! message; after warm-up a row allocates nothing. A line of format 2 that differs from an earlier one only in its values
//! is compared with it instead of parsed. Table shapes come from the messages and, if the host has a catalogue,
//! from a [`TableSchema`].
//!
//! ```
//! use connect_data::{InternedSchemas, Properties, SchemaStore};
//! use std::sync::Arc;
//! use wal2json::{Decoder, Fed, Lsn, Settings, UserTypes, config::DECODER_CONFIG};
//!
//! # fn main() -> connect_data::Result<()> {
//! let properties: Properties = [("topic.prefix", "shop"), ("database.dbname", "app")].into_iter().collect();
//! let store: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
//! let mut decoder = Decoder::new(Settings::parse(&DECODER_CONFIG, &properties)?, UserTypes::unknown(), false, store)?;
//! let mut topics = Vec::new();
//! for (line, lsn) in [
//!     (r#"{"action":"B","xid":7,"nextlsn":"0/30"}"#, Lsn(0x10)),
//!     (r#"{"action":"I","schema":"public","table":"t","columns":[{"name":"id","type":"integer","value":1}]}"#, Lsn(0x10)),
//!     (r#"{"action":"C","xid":7,"nextlsn":"0/30"}"#, Lsn(0x30)),
//! ] {
//!     let fed = decoder.feed(line.as_bytes(), lsn, 1_767_225_600_000, &mut |record| {
//!         topics.push(record.topic.to_owned());
//!         Ok(())
//!     })?;
//!     if line.contains("\"C\"") {
//!         assert_eq!(fed, Fed::Accepted { safe: Some(Lsn(0x30)) });
//!     }
//! }
//! assert_eq!(topics, ["shop.public.t"]);
//! # Ok(())
//! # }
//! ```
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
mod lexer;
mod line;
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
