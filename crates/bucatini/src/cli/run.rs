//! `bucatini run`

use super::arguments::RunArguments;
use super::stop::{Level, Stop};
use super::{exit, signals};
use crate::config::secrets::Redactor;
use crate::config::{Pipeline, Request, load};
use crate::engine;
use crate::report::{LogFormat, Phase, Progress, Reporter, Terminal, start_logging, summary};
use connect_data::{Error, Result};
use std::time::Instant;

/// Runs until it is stopped or done; returns the exit code.
pub(super) fn run(arguments: &RunArguments) -> u8 {
    let (redactor, terminal) = (Redactor::new(), Terminal::new());
    let report = |error: &Error| report(error, arguments.log_format, &redactor, &terminal);
    start_logging(arguments.log_format, arguments.verbosity(), &redactor, &terminal);
    let pipeline = match read(arguments, &redactor) {
        Ok(pipeline) => pipeline,
        Err(error) => {
            report(&error);
            return exit::USAGE;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            report(&Error::internal("cli.runtime", format!("expected threads, found {error}")));
            return exit::FAILED;
        }
    };
    let (stop, reporter) = (Stop::new(), Reporter::new());
    let started = Instant::now();
    let mut progress = Progress::start(&reporter, &terminal, arguments.log_format);
    let outcome = runtime.block_on(async {
        if let Err(error) = signals::listen(stop.clone()) {
            return Err(Error::internal("cli.signals", format!("expected signal handlers, found {error}")));
        }
        let draining = reporter.clone();
        let asked = stop.clone();
        tokio::spawn(async move {
            asked.requested().await;
            draining.phase(Phase::Draining);
        });
        engine::run(pipeline, stop.clone(), reporter.clone()).await
    });
    progress.stop();
    // Whatever still blocks a thread has nothing left to deliver.
    runtime.shutdown_background();
    summary(&reporter.counts(), started.elapsed(), arguments.log_format);
    match outcome {
        Ok(()) if stop.level() == Level::Now => exit::INTERRUPTED,
        Ok(()) => exit::DONE,
        Err(error) => {
            report(&error);
            exit::code_of(&error, reporter.is_ready())
        }
    }
}

fn read(arguments: &RunArguments, redactor: &Redactor) -> Result<Pipeline> {
    let files = &arguments.files;
    let loaded = load(&Request {
        files: &files.files,
        worker: files.worker.clone(),
        bootstrap_servers: files.bootstrap_servers.clone(),
        kafka_properties: &files.kafka_properties,
        lenient: files.lenient,
        options: arguments.options(),
        environment: &super::environment,
        redactor,
    })?;
    for notice in loaded.notices() {
        tracing::warn!("{notice}");
    }
    loaded.pipeline()
}

/// Tells people why a run ended.
fn report(error: &Error, format: LogFormat, redactor: &Redactor, terminal: &Terminal) {
    match format {
        LogFormat::Json => tracing::error!(
            code = error.code(),
            path = (error.path().count() > 0).then(|| error.path_text()),
            hint = error.hint_text(),
            "{}",
            error.message()
        ),
        LogFormat::Text => terminal.above(|| super::print_error(error, redactor)),
    }
}
