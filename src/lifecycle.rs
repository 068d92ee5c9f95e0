//! Serving until told to stop: SIGTERM or Ctrl-C drains what is under way, and ends.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{App, router};

/// Serves until `stop`; then no new connections, and what is under way may finish within the drain timeout.
///
/// # Errors
/// The listener's.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: CancellationToken) -> Result<(), String> {
    let patience = Duration::from_millis(app.settings.drain_timeout_ms);
    let stopped = stop.clone();
    let serving = axum::serve(listener, router(app)).with_graceful_shutdown(async move { stopped.cancelled().await });
    let too_long = async {
        stop.cancelled().await;
        tokio::time::sleep(patience).await;
    };
    tokio::select! {
        served = serving => served.map_err(|e| e.to_string()),
        () = too_long => {
            tracing::warn!("requests still under way were cut off");
            Ok(())
        }
    }
}

/// A token that is cancelled by SIGTERM or Ctrl-C.
pub fn until_told() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        let interrupt = tokio::signal::ctrl_c();
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            match signal(SignalKind::terminate()) {
                Ok(mut terminate) => {
                    tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
                }
                Err(_) => drop(interrupt.await),
            }
        }
        #[cfg(not(unix))]
        drop(interrupt.await);
        tracing::info!("stopping");
        told.cancel();
    });
    stop
}
