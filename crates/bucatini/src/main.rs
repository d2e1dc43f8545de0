//! The program `bucatini`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bucatini::cli::main()
}
