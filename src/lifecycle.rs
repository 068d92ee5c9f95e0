//! Serving until told to stop: SIGTERM or Ctrl-C drains what is under way, and ends.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, router},
    graphql::places::Places,
    job, observe,
};

/// How long serving waits for the first look at the event log.
const FEED_START: Duration = Duration::from_secs(5);

/// Serves until `stop`, and does the jobs too if so; then no new connections, and what is under way may finish within the drain timeout.
///
/// # Errors
/// The listener's.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: CancellationToken, jobs: bool) -> Result<(), String> {
    let patience = Duration::from_millis(app.settings.drain_timeout_ms);
    let feed = Arc::clone(&app.feed);
    let mut feeding = tokio::spawn(async move { feed.run(CancellationToken::new()).await });
    // Who subscribes first shall miss nothing. A database that is away is no reason not to answer: `/readyz` tells.
    let _ = tokio::time::timeout(FEED_START, app.feed.started()).await;
    let working = CancellationToken::new();
    let counting = tokio::spawn(observe::keep_up(working.clone()));
    let mut work = tokio::spawn(working_or_waiting(Arc::clone(&app), working.clone(), jobs));
    let stopped = stop.clone();
    let routes = router(Arc::clone(&app)).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(async move { stopped.cancelled().await });
    let too_long = async {
        stop.cancelled().await;
        // Sockets and streams end now, and with the streams their requests.
        app.stop.cancel();
        tokio::time::sleep(patience).await;
    };
    let done = tokio::select! {
        served = serving => served.map_err(|e| e.to_string()),
        ended = &mut feeding => Err(format!("the event log is no longer followed: {ended:?}")),
        ended = &mut work => Err(format!("the jobs are no longer done: {ended:?}")),
        () = too_long => {
            tracing::warn!("requests still under way were cut off");
            Ok(())
        }
    };
    // Upgraded sockets are not the server's any more: they say goodbye themselves.
    app.stop.cancel();
    until_left(&app.places, patience).await;
    feeding.abort();
    // What is under way is finished; a crash instead would lose nothing either.
    working.cancel();
    counting.abort();
    if !work.is_finished() && tokio::time::timeout(patience, &mut work).await.is_err() {
        work.abort();
    }
    done
}

async fn working_or_waiting(app: Arc<App>, stop: CancellationToken, jobs: bool) -> Result<(), String> {
    if jobs {
        return job::run(app, stop).await;
    }
    stop.cancelled().await;
    Ok(())
}

/// Does the jobs alone until `stop`, and finishes what is under way.
///
/// # Errors
/// When a job is dead.
pub async fn work(app: Arc<App>, stop: CancellationToken) -> Result<(), String> {
    let patience = Duration::from_millis(app.settings.drain_timeout_ms);
    let mut work = tokio::spawn(job::run(app, stop.clone()));
    tokio::spawn(observe::keep_up(stop.clone()));
    tokio::select! {
        ended = &mut work => match ended {
            Ok(Ok(())) if stop.is_cancelled() => return Ok(()),
            ended => return Err(format!("the jobs are no longer done: {ended:?}")),
        },
        () = stop.cancelled() => {}
    }
    if tokio::time::timeout(patience, &mut work).await.is_err() {
        tracing::warn!("work still under way was cut off; it is done again");
        work.abort();
    }
    Ok(())
}

/// Waits for the sockets that are saying goodbye.
async fn until_left(places: &Places, patience: Duration) {
    let all = async {
        while places.taken() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(patience, all).await;
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
        told.cancel();
        tracing::info!("stopping");
    });
    stop
}
