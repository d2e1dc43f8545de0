//! The Schema Registry protocol as a pure state machine: needs in, HTTP exchanges out, answers in.
//!
//! No sockets and no clock: a converter asks [`RegistryClient::lookup`] for a [`Fact`]; what is not known yet becomes a
//! need, for which the host performs one [`Exchange`](connect_data::frame::Exchange) after the other
//! ([`RegistryClient::exchange`], [`RegistryClient::answer`]) and then calls the converter again. Failover, back-off,
//! budgets, credentials, caching and the meaning of every answer are decided here and tested without a network.
//!
//! Calls and errors follow Confluent's client 8.3.1 (`CachedSchemaRegistryClient`, `RestService`); what differs on
//! purpose: an outage is retried inside a budget and then reported as such, never as bad data; an answer is believed
//! only after it was checked.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod client;
pub mod config;
mod credentials;
mod facts;
pub mod keys;
mod needs;
mod request;
mod response;
mod retry_after;
pub mod transport;
mod url;

pub use client::{References, RegistryClient};
pub use config::{RegistryConfig, VersionLookup};
pub use needs::{AssignedId, Fact, Lookup, Need, Reference, RegisteredSchema};
pub use transport::Transport;
