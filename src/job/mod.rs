//! What runs by itself. Each job is found by state, so that a crash or an outage of any length loses nothing; any number of replicas
//! may run it. One that dies ends the process with failure.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    deployment::working,
    error::{Error, Result},
    improvement::{announce::scan, due::Plan},
};

/// How often deployments are looked for that two writes missed of each other.
const MISSED_EVERY: Duration = Duration::from_secs(30);
/// How often what is kept too long is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);
/// How often the changes of roll-ups are added up.
const FOLD_EVERY: Duration = Duration::from_secs(5);
/// How long a failing job waits.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs all jobs until told to stop; what is under way is finished.
///
/// # Errors
/// Which job is dead.
pub async fn run(app: Arc<App>, stop: CancellationToken) -> Result<(), String> {
    let mut jobs: JoinSet<&'static str> = JoinSet::new();
    jobs.spawn(named("the inbox", inbox(Arc::clone(&app), stop.clone())));
    jobs.spawn(named("due dates", due_dates(Arc::clone(&app), stop.clone())));
    jobs.spawn(named("retention", retention(Arc::clone(&app), stop.clone())));
    jobs.spawn(named("roll-ups", rollups(Arc::clone(&app), stop.clone())));
    jobs.spawn(named("deliveries", Arc::clone(&app.dispatcher).run(stop.clone())));
    while let Some(ended) = jobs.join_next().await {
        match ended {
            Ok(_) if stop.is_cancelled() => {}
            Ok(name) => return Err(format!("a job is dead: {name}")),
            Err(dead) => return Err(format!("a job is dead: {dead}")),
        }
    }
    Ok(())
}

async fn named(name: &'static str, job: impl Future<Output = ()>) -> &'static str {
    job.await;
    name
}

/// Says what went wrong, and how long to wait then.
fn failed(what: &str, error: &Error) -> Duration {
    if !matches!(error, Error::Raced) {
        tracing::error!(cause = error.cause().unwrap_or(error.code()), "{what} could not be worked");
    }
    AGAIN
}

async fn inbox(app: Arc<App>, stop: CancellationToken) {
    let bell = app.store.work_bell();
    let poll = Duration::from_millis(app.settings.inbox_poll_ms);
    let mut missed = Instant::now();
    while !stop.is_cancelled() {
        let turn = async {
            if Instant::now() >= missed {
                app.store.mark_missed().await?;
                missed = Instant::now() + MISSED_EVERY;
            }
            working::work(&app, &stop).await
        };
        let wait = match turn.await {
            Ok(_) => poll,
            Err(error) => failed("the inbox", &error),
        };
        tokio::select! {
            () = bell.notified() => {}
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn due_dates(app: Arc<App>, stop: CancellationToken) {
    let plan = Plan::new(&app.settings);
    let poll = Duration::from_millis(app.settings.due_poll_ms);
    let mut configured = false;
    while !stop.is_cancelled() {
        let turn = async {
            if !configured {
                // How long before may be another than when these were looked at last.
                let longest = plan.due_soon_days.iter().copied().max().unwrap_or(0);
                app.store.look_again_within(longest + 1).await?;
                configured = true;
            }
            let began = Instant::now();
            let announced = scan(&app.store, &plan).await?;
            app.scans.ended(announced, began.elapsed(), app.store.now());
            if announced > 0 {
                tracing::info!(
                    announced,
                    milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                    "due dates announced"
                );
            }
            Ok(())
        };
        let wait = match turn.await {
            Ok(()) => poll,
            Err(error) => {
                app.scans.failed();
                failed("due dates", &error)
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Adds the changes of roll-ups up; makes them anew where they were never made (after an upgrade).
async fn rollups(app: Arc<App>, stop: CancellationToken) {
    let mut ready = false;
    while !stop.is_cancelled() {
        let turn = async {
            if !ready && !app.store.rollups_ready().await? {
                tracing::info!("roll-ups are made from the reports that are here");
                let reports = app.store.rebuild_rollups().await?;
                tracing::info!(reports, "roll-ups are made");
            }
            ready = true;
            // Until nothing is left: what waits is read with every figure.
            while !stop.is_cancelled() && app.store.fold_rollups().await? > 0 {}
            Ok(())
        };
        let wait = match turn.await {
            Ok(()) => FOLD_EVERY,
            // Another process does it.
            Err(Error::Unavailable(_)) => FOLD_EVERY,
            Err(error) => failed("roll-ups", &error),
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn retention(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let now = app.store.now();
        let before = |days: u32| now - TimeDelta::days(days.into());
        let (bodies, keys) = (before(app.settings.inbox_body_days), before(app.settings.idempotency_key_days));
        let wait = match app.store.forget(bodies, keys, before(app.settings.delivery_days)).await {
            Ok(()) => FORGET_EVERY,
            Err(error) => failed("retention", &error),
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}
