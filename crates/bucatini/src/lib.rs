//! Runs PostgreSQL -> Kafka -> MySQL pipelines from Kafka Connect's JSON, without a JVM.
//!
//! [`engine::run`] runs a [`config::Pipeline`] until [`cli::Stop`] says so, and counts in a [`report::Reporter`].
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod cat;
pub mod cli;
pub mod config;
pub mod convert;
pub mod engine;
mod kafka;
mod offsets;
mod plugins;
pub mod registry;
pub mod report;
pub mod transforms;
