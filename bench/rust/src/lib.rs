//! What measures without a JVM, shared by the races (`main.rs`) and criterion (`benches`).
#![allow(clippy::missing_panics_doc, missing_docs)]

pub mod batch;
pub mod guest;
pub mod input;
pub mod line;
pub mod memory;
pub mod race;
pub mod row;
pub mod sizes;
pub mod straight;
