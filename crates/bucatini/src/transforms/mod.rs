//! The chain of transformations and predicates that a connector's records go through.
//!
//! [`Chain::apply`] works on a whole record in the form of [`connect_data::frame::RecordFrame`].

mod chain;
mod kafka;
pub(crate) mod pattern;
mod predicates;

pub use chain::{Chain, Failed, Plugins, Scratch};

/// Which part of a record a transformation is about: `$Key` or `$Value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `$Key`
    Key,
    /// `$Value`
    Value,
}
