//! Debezium 1.7's PostgreSQL connector with wal2json, as a Rust source: snapshot, hand-off to the log, streaming.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod batch;
mod filter;
mod keys;
mod offset;
mod options;
mod settings;
mod source;

pub use batch::SourceBatch;
pub use keys::{CONFIG, OTHER_KEYS};
pub use offset::Offset;
pub use settings::Settings;
pub use source::{Progress, Source};
