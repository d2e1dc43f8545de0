//! What a run tells people: logs and progress, both on standard error.

mod counters;

pub use counters::{Counts, Phase, Reporter, SourceProgress};
