//! Ctrl-C and SIGTERM.

use super::exit;
use super::stop::{Level, Stop};
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens from now on: the first signal drains, the second ends at once, and the third does not wait for that.
///
/// # Errors
/// The system refuses a handler. Must be called inside of a runtime.
pub fn listen(stop: Stop) -> io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        tracing::info!("stopping: delivering what is under way; once more ends at once");
        stop.request(Level::Drain);
        either(&mut interrupt, &mut terminate).await;
        tracing::warn!("ending at once; what is not acknowledged comes again at the next start");
        stop.request(Level::Now);
        either(&mut interrupt, &mut terminate).await;
        std::process::exit(i32::from(exit::INTERRUPTED));
    });
    Ok(())
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
