//! Debezium 1.7's PostgreSQL connector with wal2json, as a Rust source: snapshot, hand-off to the log, streaming.
//!
//! [`Source::open`] looks at the server, creates the replication slot if need be, and starts a task that reads the rows of
//! all captured tables as of the slot's consistent point and then the changes from there on. [`Source::next`] hands out
//! batches of records, [`connect_data::frame::RecordFrame`]s with Debezium's topics, keys and envelopes, and with each the
//! [`Offset`] to store. [`Source::acknowledge`] lets the slot forget what is before a stored offset.
//!
//! Delivery is at least once, in the order of the log, and never with a gap: where the slot cannot go on from the stored
//! offset there is an error that says what to do. See `docs/postgres-source.md`.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod batch;
mod catalog;
mod connection;
mod copy_text;
mod failure;
mod filter;
mod frames;
mod heartbeat;
mod keys;
mod offset;
mod options;
mod position;
mod queue;
mod server;
mod settings;
mod snapshot;
mod source;
mod stream;
mod tls;
mod worker;

pub use batch::SourceBatch;
pub use keys::{CONFIG, OTHER_KEYS};
pub use offset::Offset;
pub use settings::Settings;
pub use source::{Progress, Source};
