//! The program `bucatini`.

use std::process::ExitCode;

fn main() -> ExitCode {
    share_arenas();
    bucatini_runner::cli::main()
}

/// glibc's allocator keeps what was freed for each thread apart; with few arenas a run's memory stays near what it uses.
fn share_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: sets a limit of the allocator, while there is no other thread.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}
