//! Runs PostgreSQL -> Kafka -> MySQL pipelines from Kafka Connect's JSON, without a JVM.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod cli;
pub mod config;
pub mod report;
pub mod transforms;
