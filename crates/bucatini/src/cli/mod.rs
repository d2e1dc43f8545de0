//! The command line.

pub mod stop;

pub use stop::Stop;
