//! The program `bucatini`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bucatini_runner::cli::main()
}
