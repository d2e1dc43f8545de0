//! How the process ends.

use connect_data::{Error, ErrorKind};
use std::process::ExitCode;

/// Done.
pub(super) const DONE: u8 = 0;
/// The command line or a setting is wrong. clap uses it too.
pub(super) const USAGE: u8 = 2;
/// Something that the run needs did not answer at its start.
pub(super) const NOT_READY: u8 = 3;
/// The run failed.
pub(super) const FAILED: u8 = 5;
/// Ended at once by a second signal: 128 and SIGINT, as shells have it.
pub(super) const INTERRUPTED: u8 = 130;

/// The code for an error of a run that was `ready` or was not.
pub(super) fn code_of(error: &Error, ready: bool) -> u8 {
    match (error.kind(), ready) {
        (ErrorKind::Config, false) => USAGE,
        (ErrorKind::Outage, false) => NOT_READY,
        (ErrorKind::Config | ErrorKind::Outage, true) | (ErrorKind::Data | ErrorKind::Internal, _) => FAILED,
    }
}

/// For `main`.
pub(super) fn with(code: u8) -> ExitCode {
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_who_has_to_act() {
        let config = Error::config("x", "");
        let outage = Error::outage("x", "");
        assert_eq!([code_of(&config, false), code_of(&config, true)], [USAGE, FAILED]);
        assert_eq!([code_of(&outage, false), code_of(&outage, true)], [NOT_READY, FAILED]);
        assert_eq!([code_of(&Error::data("x", ""), false), code_of(&Error::internal("x", ""), true)], [FAILED; 2]);
    }
}
