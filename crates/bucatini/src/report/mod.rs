//! What a run tells people: logs and progress, both on standard error.

mod counters;
mod logging;
mod progress;

pub use counters::{Counts, Phase, Reporter, SourceProgress};
pub use logging::{LogFormat, start as start_logging};
pub use progress::{Progress, Terminal, summary};
