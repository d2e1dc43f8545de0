//! The JDBC sink connectors' upserts into MySQL and MariaDB, as a Rust sink: settings of Aiven's, Confluent's and
//! Debezium's `JdbcSinkConnector`, tables made and evolved from Connect schemas, multi-row statements in one
//! transaction a batch.
//!
//! Records come as [`connect_data::frame::RecordFrame`] bytes; a plan compiled once per (topic, key schema, value
//! schema) reads the slots of their row images and writes SQL. See `docs/mysql-sink.md`.
//!
//! What this crate does not do: read Kafka, convert, transform.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod batch;
mod column_type;
mod ddl;
mod fault;
mod fields;
mod literal;
mod name;
mod plan;
mod plans;
mod semantic;
mod server;
mod settings;
mod sink;
mod statement;
mod table;
mod write;

pub use settings::{Flavour, Settings, config, other_keys};
pub use sink::{Sink, SinkRecord, Statistics};
