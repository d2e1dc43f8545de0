//! The command line.

mod arguments;
mod exit;
mod run;
mod signals;
pub mod stop;
mod validate;

pub use signals::listen;
pub use stop::Stop;

use crate::config::secrets::Redactor;
use arguments::{Arguments, Command};
use clap::Parser;
use connect_data::Error;
use std::io::{self, Write};
use std::process::ExitCode;

/// Does what the command line says. A wrong one ends the process with code 2.
pub fn main() -> ExitCode {
    exit::with(match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Validate(arguments) => validate::validate(&arguments),
        Command::Cat(arguments) => crate::cat::run(&arguments),
        Command::Decode(arguments) => crate::convert::decode(&arguments),
        Command::Encode(arguments) => crate::convert::encode(&arguments),
        Command::Version => version(),
    })
}

/// Writes to standard output; a reader that went away is no failure.
fn write_out(text: &str) {
    let mut out = io::stdout().lock();
    // Nothing can be done about a full disk behind a pipe either.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes an error to standard error: what is wrong, where, and what to do.
fn print_error(error: &Error, redactor: &Redactor) {
    let mut text = format!("error: {} [{}]", error.message(), error.code());
    if error.path().count() > 0 {
        text.push_str(&format!("\n  at {}", error.path_text()));
    }
    if let Some(hint) = error.hint_text() {
        text.push_str(&format!("\n  {hint}"));
    }
    // Nobody is left to tell if standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{}", redactor.clean(&text));
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn version() -> u8 {
    let (_, librdkafka) = rdkafka::util::get_rdkafka_version();
    let components = if cfg!(feature = "components") { "with components" } else { "without components" };
    write_out(&format!("bucatini {} ({components}, librdkafka {librdkafka})\n", env!("CARGO_PKG_VERSION")));
    exit::DONE
}
