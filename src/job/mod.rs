//! What runs by itself: the inbox is worked as soon as something comes, and looked at again and again; what two writes missed of
//! each other is found by state; what is kept too long is forgotten.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{app::App, deployment::working, error::Error};

/// How often deployments are looked for that two writes missed of each other.
const MISSED_EVERY: Duration = Duration::from_secs(30);
/// How often what is kept too long is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);
/// How long a failing job waits.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs until told to stop; what is under way is finished.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let bell = app.store.work_bell();
    let poll = Duration::from_millis(app.settings.inbox_poll_ms);
    let (mut missed, mut forget) = (Instant::now(), Instant::now());
    while !stop.is_cancelled() {
        let turn = async {
            if Instant::now() >= missed {
                app.store.mark_missed().await?;
                missed = Instant::now() + MISSED_EVERY;
            }
            if Instant::now() >= forget {
                let now = app.store.now();
                let before = |days: u32| now - TimeDelta::days(days.into());
                app.store.forget(before(app.settings.inbox_body_days), before(app.settings.idempotency_key_days)).await?;
                forget = Instant::now() + FORGET_EVERY;
            }
            working::work(&app, &stop).await
        };
        let wait = match turn.await {
            Ok(_) => poll,
            Err(error) => {
                if !matches!(error, Error::Raced) {
                    tracing::error!(cause = error.cause().unwrap_or(error.code()), "the inbox could not be worked");
                }
                AGAIN
            }
        };
        tokio::select! {
            () = bell.notified() => {}
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}
