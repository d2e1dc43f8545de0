//! `bucatini cat`: reads a topic as kcat 1.7 does in its consumer mode, Avro included.
//!
//! Options, output and messages are kcat's; `docs/cat.md` lists what differs. Data goes to standard output, everything else
//! to standard error.

mod arguments;
mod consume;
mod format;
mod message;
mod output;
mod pack;
mod schemas;
mod settings;

pub use arguments::Arguments;
pub(crate) use schemas::Schemas;
pub(crate) use settings::registry as registry_settings;

use crate::cli::{Stop, listen};
use connect_data::{Error, Result};
use consume::Consume;
use output::Output;
use settings::Settings;
use std::io::Write;

/// Exit code of kcat for whatever went wrong.
const FAILED: u8 = 1;

/// Reads until the options say so. Returns the exit code.
pub fn run(arguments: &Arguments) -> u8 {
    let tell = Tell { verbosity: arguments.verbosity() };
    match start(arguments, tell) {
        Ok(code) => code,
        Err(error) => {
            tell.always(&format!("ERROR: {error}"));
            FAILED
        }
    }
}

fn start(arguments: &Arguments, tell: Tell) -> Result<u8> {
    let settings = Settings::read(arguments, tell, |name| std::env::var(name).ok())?;
    let deserializers = arguments.deserializers()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Error::internal("cat.runtime", format!("runtime: {error}")))?;
    let stop = Stop::new();
    let schemas = match (deserializers.ask_registry(), &settings.registry) {
        (false, _) => None,
        (true, Some(registry)) => {
            Some(Schemas::over_http(registry, arguments.style(), runtime.handle().clone(), stop.clone())?)
        }
        (true, None) => {
            let message = "options: expected the registry's URL for Avro, found none";
            return Err(Error::config("cat.registry", message).hint("add -r http://user:password@host:8081"));
        }
    };
    let output = Output::new(arguments, deserializers, schemas)?;
    {
        let _inside = runtime.enter();
        let handlers = listen(stop.clone());
        handlers.map_err(|error| Error::internal("cat.signals", format!("signal handlers: {error}")))?;
    }
    Consume::new(arguments, &settings, tell)?.run(output, &stop)
}

/// Lines on standard error, each after a per cent sign as kcat has them.
#[derive(Clone, Copy, Debug)]
struct Tell {
    verbosity: u8,
}

impl Tell {
    /// What people should know unless they said `-q`.
    fn info(self, text: &str) {
        if self.verbosity > 0 {
            self.always(text);
        }
    }

    /// What people asked for with `-v`.
    fn detail(self, text: &str) {
        if self.verbosity > 1 {
            self.always(text);
        }
    }

    fn always(self, text: &str) {
        // Nobody is left to tell if standard error is gone.
        let _ = writeln!(std::io::stderr().lock(), "% {text}");
    }
}
