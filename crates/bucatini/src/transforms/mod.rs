//! The chain of transformations and predicates that a connector's records go through.
//!
//! [`Chain::apply`] works on a whole record in the form of [`connect_data::frame::RecordFrame`].

mod chain;
mod kafka;
pub(crate) mod pattern;
mod predicates;
mod projection;

pub use chain::{Chain, Failed, Plugins, Scratch};
pub(crate) use kafka::{check as check_kafka, has_sides, transformations as kafka_transformations};
pub(crate) use predicates::{PREDICATES, check as check_predicate};

/// Which part of a record a transformation is about: `$Key` or `$Value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `$Key`
    Key,
    /// `$Value`
    Value,
}
