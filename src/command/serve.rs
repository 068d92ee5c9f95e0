//! `relsum serve`. In development it also migrates, fills an empty embedded database with demo content, and prints tokens.

use std::{fmt::Write as _, sync::Arc};

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    app::{App, metrics_router},
    auth::{
        Actor,
        actor::{membership_from, role_from},
        mint::{self, Signer},
    },
    clock::Clock,
    config::Settings,
    demo, lifecycle,
};

/// How long the ready tokens of development last, in seconds.
const READY_TOKEN_SECONDS: i64 = 30 * 24 * 3600;

/// Serves until told to stop.
pub async fn serve(settings: Settings, jobs: bool) -> Result<(), String> {
    let clock = Arc::new(Clock::default());
    let stop = lifecycle::until_told();
    if settings.development() {
        super::upkeep::migrate_up(&settings).await?;
    }
    let app = Arc::new(App::open(settings, Arc::clone(&clock)).await?);
    app.store.ready().await?;
    let settings = &app.settings;
    if settings.development() && settings.demo && settings.database_file().is_some() && demo::is_empty(&app.store).await? {
        demo::fill(&app.store, demo::REPORTS).await?;
        tracing::info!(reports = demo::REPORTS, "demo content loaded");
    }
    let _metrics = measured(&app).await?;
    let listener = TcpListener::bind(settings.listen).await.map_err(|e| format!("RELSUM_LISTEN: {}: {e}", settings.listen))?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    tracing::info!(%address, mode = ?settings.mode, "listening");
    if settings.development() && settings.jwt_jwks.is_none() {
        super::upkeep::print(&welcome(settings, address, clock.now())?)?;
    }
    lifecycle::serve(Arc::clone(&app), listener, stop, jobs).await?;
    app.store.clone().close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Serves `/metrics` on its own address, if there is one, as long as the answer is kept.
async fn measured(app: &Arc<App>) -> Result<Option<DropGuard>, String> {
    let Some(address) = app.settings.metrics_listen else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|e| format!("RELSUM_METRICS_LISTEN: {address}: {e}"))?;
    let (stop, routes) = (CancellationToken::new(), metrics_router(Arc::clone(app)));
    let stopped = stop.clone();
    tokio::spawn(async move { axum::serve(listener, routes).with_graceful_shutdown(async move { stopped.cancelled().await }).await });
    Ok(Some(stop.drop_guard()))
}

/// Does the jobs, and serves nothing, until told to stop.
pub async fn work(settings: Settings) -> Result<(), String> {
    let stop = lifecycle::until_told();
    let app = Arc::new(App::open(settings, Arc::new(Clock::default())).await?);
    app.store.ready().await?;
    let _metrics = measured(&app).await?;
    tracing::info!(mode = ?app.settings.mode, "working");
    lifecycle::work(Arc::clone(&app), stop).await?;
    app.store.clone().close().await;
    tracing::info!("stopped");
    Ok(())
}

/// What somebody is, subject, name, memberships, roles.
type Sample = (&'static str, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);

/// The people of the demo company, one for each kind of user.
const PEOPLE: [Sample; 10] = [
    ("product head", "u-1001", "张伟", &["PRODUCT:HEAD"], &[]),
    ("product member", "u-1002", "王芳", &["PRODUCT:MEMBER"], &[]),
    ("operations head", "u-1041", "赵磊", &["OPS:HEAD"], &[]),
    ("operations member", "u-1042", "孙婷", &["OPS:MEMBER"], &[]),
    ("testing member", "u-1032", "周敏", &["TEST:MEMBER"], &[]),
    ("committee head", "u-1071", "陈建国", &["COMMITTEE:HEAD"], &[]),
    ("committee member", "u-1072", "刘洋", &["COMMITTEE:MEMBER"], &[]),
    ("auditor", "u-1090", "何静", &[], &["AUDITOR"]),
    ("pipeline", "ci-netaudit", "CI netaudit", &[], &["PIPELINE"]),
    ("admin", "u-1099", "系统管理员", &[], &["ADMIN"]),
];

fn welcome(settings: &Settings, address: std::net::SocketAddr, now: chrono::DateTime<chrono::Utc>) -> Result<String, String> {
    let signer = Signer::Secret(mint::development_secret(settings)?);
    let mut out = String::new();
    let page = settings.graphiql.unwrap_or(true);
    let _ = writeln!(out, "\nRelsum is ready at http://{address}{}\n", if page { " (GraphiQL)" } else { "" });
    let _ = writeln!(out, "Tokens for the people of the demo company, good for 30 days; make others with `relsum token`:\n");
    for (what, sub, name, memberships, roles) in PEOPLE {
        let actor = Actor {
            subject: sub.into(),
            name: name.into(),
            memberships: memberships.iter().filter_map(|m| membership_from(m)).collect(),
            roles: roles.iter().filter_map(|r| role_from(r)).collect(),
            products: Vec::new(),
        };
        let token = mint::token(settings, &signer, &actor, now, READY_TOKEN_SECONDS)?;
        let _ = writeln!(out, "  {what} ({name})\n    {token}\n");
    }
    let _ = writeln!(out, "Stop with Ctrl-C.");
    Ok(out)
}
