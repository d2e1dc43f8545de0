//! Logs on standard error, as text or JSON, without secrets.

use super::progress::Terminal;
use crate::config::secrets::Redactor;
use std::io::{self, Write};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// `--log-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Whose messages are this program's own.
const OURS: [&str; 3] = ["bucatini", "postgres_source", "mysql_sink"];

/// Sends logs to standard error from now on. `verbosity` counts `-v`; below zero only warnings are shown.
///
/// Only the first call in a process has an effect.
pub fn start(format: LogFormat, verbosity: i8, redactor: &Redactor, terminal: &Terminal) {
    let (ours, others) = match verbosity {
        i8::MIN..=-1 => (LevelFilter::WARN, LevelFilter::ERROR),
        0 => (LevelFilter::INFO, LevelFilter::WARN),
        1 => (LevelFilter::DEBUG, LevelFilter::INFO),
        _ => (LevelFilter::TRACE, LevelFilter::DEBUG),
    };
    let filter = Targets::new().with_default(others).with_targets(OURS.map(|target| (target, ours)));
    let writer = Clean { redactor: redactor.clone(), terminal: terminal.clone() };
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    // A second call finds a subscriber in place, and leaves it there.
    let _ = match format {
        LogFormat::Text => registry.with(layer.with_target(false)).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true).with_span_list(false)).try_init(),
    };
}

/// Standard error behind the redactor, above the progress bar if there is one.
#[derive(Clone)]
struct Clean {
    redactor: Redactor,
    terminal: Terminal,
}

/// Collects one event, so that a secret cannot hide at the end of a write.
struct Event<'a> {
    clean: &'a Clean,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Clean {
    type Writer = Event<'a>;

    fn make_writer(&'a self) -> Event<'a> {
        Event { clean: self, text: Vec::new() }
    }
}

impl Write for Event<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Event<'_> {
    fn drop(&mut self) {
        let text = self.clean.redactor.clean(&String::from_utf8_lossy(&self.text));
        // Nobody is left to tell if standard error is gone.
        self.clean.terminal.above(|| drop(io::stderr().lock().write_all(text.as_bytes())));
    }
}
