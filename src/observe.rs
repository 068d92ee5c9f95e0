//! What the process did, counted for `/metrics`: requests by route and by operation, errors by code, statements; and where traces are on,
//! a span for each statement.

use std::{sync::OnceLock, time::Duration};

use metrics::{counter, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sea_orm::metric::Info;
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// Bounds of the histograms, in seconds.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How often what was measured is put into the histograms: unread, it would pile up.
const UPKEEP: Duration = Duration::from_secs(5);

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The recorder of this process; begun when first asked for.
pub fn recorder() -> Option<&'static PrometheusHandle> {
    HANDLE.get_or_init(|| PrometheusBuilder::new().set_buckets(&SECONDS).ok()?.install_recorder().ok()).as_ref()
}

/// Keeps the histograms small until told to stop.
pub async fn keep_up(stop: CancellationToken) {
    while let Some(handle) = recorder() {
        tokio::select! {
            () = tokio::time::sleep(UPKEEP) => handle.run_upkeep(),
            () = stop.cancelled() => return,
        }
    }
    stop.cancelled().await;
}

/// An answer over HTTP.
pub fn answered(route: &str, method: &str, status: u16, took: Duration) {
    let labels = [("route", route.to_owned()), ("method", method.to_owned()), ("status", status.to_string())];
    counter!("relsum_http_requests_total", &labels).increment(1);
    histogram!("relsum_http_request_seconds", "route" => route.to_owned()).record(took.as_secs_f64());
}

/// A GraphQL operation, by the name of its first root field: names of clients' own would be without bound.
pub fn operated(operation: &str, took: Duration) {
    histogram!("relsum_graphql_request_seconds", "operation" => operation.to_owned()).record(took.as_secs_f64());
}

/// An error that was told, by its code.
pub fn erred(code: &'static str) {
    counter!("relsum_errors_total", "code" => code).increment(1);
}

/// A statement.
pub fn stated(info: &Info<'_>) {
    counter!("relsum_statements_total").increment(1);
    histogram!("relsum_statement_seconds").record(info.elapsed.as_secs_f64());
    if info.failed {
        counter!("relsum_statement_failures_total").increment(1);
    }
    telemetry::statement(info);
}
