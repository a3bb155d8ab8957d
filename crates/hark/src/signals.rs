//! SIGTERM and Ctrl-C: the first drains, the second stops.

use hark_worker::StopSignals;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// Watches for signals in the background.
///
/// # Errors
/// When the system refuses a handler.
pub fn watch() -> std::io::Result<StopSignals> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let signals = StopSignals::default();
    let tell = signals.clone();
    tokio::spawn(async move {
        for (n, token) in [&tell.drain, &tell.stop].into_iter().enumerate() {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if n == 0 {
                info!("told to stop: draining; once more to hang up");
            }
            token.cancel();
        }
    });
    Ok(signals)
}
