//! `/metrics`: how the service's own work stands, in Prometheus' text format. What the database knows is read at each scrape, so that
//! every replica tells the same; what a process did itself is counted since its start.

use std::{
    fmt::{Display, Write as _},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use chrono::{DateTime, Utc};
use entity::sink::SinkState;

use crate::{error::Result, observe::recorder, store::Store};

/// What the job of due dates of this process did since it started.
#[derive(Debug, Default)]
pub struct Scans {
    scans: AtomicU64,
    failed: AtomicU64,
    announced: AtomicU64,
    microseconds: AtomicU64,
    /// Unix seconds.
    last: AtomicU64,
}

impl Scans {
    /// A scan ended well.
    pub fn ended(&self, announced: usize, took: Duration, now: DateTime<Utc>) {
        self.scans.fetch_add(1, Relaxed);
        self.announced.fetch_add(u64::try_from(announced).unwrap_or(u64::MAX), Relaxed);
        self.microseconds.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        self.last.store(u64::try_from(now.timestamp()).unwrap_or(0), Relaxed);
    }

    /// A scan failed; it is done again.
    pub fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }
}

/// The text as it grows.
struct Page(String);

impl Page {
    fn of(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP relsum_{name} {help}\n# TYPE relsum_{name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(key, text)| format!("{key}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "relsum_{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.of(name, kind, help);
        self.value(name, &[], value);
    }
}

/// Seconds since; none where the clock was set back.
fn age(since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> f64 {
    since.and_then(|since| (now - since).to_std().ok()).map_or(0.0, |age| age.as_secs_f64())
}

/// The page, from five statements.
///
/// # Errors
/// A fault of the database.
pub async fn page(store: &Store, scans: &Scans) -> Result<String> {
    let now = store.now();
    let mut page = Page(String::new());
    let (waiting, oldest) = store.due_backlog().await?;
    page.one("due_waiting", "gauge", "Due dates that have something to say and were not looked at yet.", waiting);
    page.one(
        "due_lag_seconds",
        "gauge",
        "How long the oldest of them has waited; more than a minute means that nobody scans.",
        age(oldest, now),
    );
    page.one("due_scans_total", "counter", "Scans of due dates by this process that ended well.", scans.scans.load(Relaxed));
    page.one("due_scan_failures_total", "counter", "Scans of due dates by this process that failed.", scans.failed.load(Relaxed));
    let seconds = Duration::from_micros(scans.microseconds.load(Relaxed)).as_secs_f64();
    page.one("due_scan_seconds_total", "counter", "Time that these scans took.", seconds);
    page.one("due_last_scan_timestamp_seconds", "gauge", "When this process last ended a scan; 0 for never.", scans.last.load(Relaxed));
    page.one("due_announced_total", "counter", "Events that this process announced.", scans.announced.load(Relaxed));
    let (waiting, oldest) = store.inbox_backlog().await?;
    page.one("inbox_waiting", "gauge", "Deliveries of pipelines that were stored and not worked yet.", waiting);
    page.one("inbox_oldest_seconds", "gauge", "How long the oldest of them has waited.", age(oldest, now));
    sinks(&mut page, store, now).await?;
    business(&mut page, store).await?;
    let (size, idle) = store.pool();
    page.of("pool_connections", "gauge", "Connections to the database, by what they do.");
    let used = usize::try_from(size).unwrap_or(0).saturating_sub(idle);
    page.value("pool_connections", &[("state", "idle")], idle);
    page.value("pool_connections", &[("state", "used")], used);
    // What this process counted itself.
    page.0.push_str(&recorder().map(metrics_exporter_prometheus::PrometheusHandle::render).unwrap_or_default());
    Ok(page.0)
}

/// What the company would ask: what is overdue, and what lies where.
async fn business(page: &mut Page, store: &Store) -> Result<()> {
    let open = crate::metrics::rollup::overdue_now(store);
    let sql = format!(
        "{open} UNION ALL SELECT 'REPORTS', state, CAST(COUNT(*) AS bigint) FROM report WHERE state IN ('DRAFT', 'RETURNED', 'SUBMITTED', 'SIGNED') \
         GROUP BY state UNION ALL SELECT 'PARKED', '', CAST(COUNT(*) AS bigint) FROM deployment WHERE standing = 'PARKED' \
         UNION ALL SELECT 'WAITING', '', CAST(COUNT(*) AS bigint) FROM rollup_delta"
    );
    let rows = store.figures(sql, 2).await?;
    let mut of = |what: &str, name: &str, help: &str, label: &str| {
        page.of(name, "gauge", help);
        for (texts, numbers) in &rows {
            let text = |index: usize| texts.get(index).and_then(|t| t.as_deref()).unwrap_or_default();
            if text(0) == what {
                let labels = [(label, text(1))];
                let labels = if label.is_empty() { &[][..] } else { &labels[..] };
                page.value(name, labels, numbers.first().copied().flatten().unwrap_or(0));
            }
        }
    };
    of(
        "OVERDUE",
        "overdue_actions",
        "Occurrences of improvement actions that are open past their due date, by department (of a lead, or of owners).",
        "department",
    );
    of("REPORTS", "reports", "Reports that are not filed, by state.", "state");
    of("PARKED", "parked_deployments", "Deployments that belong to no report yet.", "");
    of("WAITING", "rollup_changes_waiting", "Changes of the roll-ups that are not added up yet.", "");
    Ok(())
}

async fn sinks(page: &mut Page, store: &Store, now: DateTime<Utc>) -> Result<()> {
    let (sinks, queues) = (store.sinks().await?, crate::delivery::sink::queues(store).await?);
    let queue = |id| queues.get(id).copied().unwrap_or_default();
    page.of("sink_state", "gauge", "1 for the state that a sink is in.");
    for sink in &sinks {
        for (name, state) in [("ENABLED", SinkState::Enabled), ("DISABLED", SinkState::Disabled)] {
            page.value("sink_state", &[("sink", &sink.name), ("state", name)], u8::from(sink.state == state));
        }
    }
    page.of("sink_failing_seconds", "gauge", "How long a sink has been failing; 0 for one that is well.");
    for sink in &sinks {
        page.value("sink_failing_seconds", &[("sink", &sink.name)], age(sink.failing_since, now));
    }
    page.of("deliveries", "gauge", "Deliveries that are not done, by sink and state.");
    for sink in &sinks {
        page.value("deliveries", &[("sink", &sink.name), ("state", "WAITING")], queue(&sink.id).waiting);
        page.value("deliveries", &[("sink", &sink.name), ("state", "DEAD")], queue(&sink.id).dead);
    }
    page.of("deliveries_oldest_seconds", "gauge", "How long the oldest waiting delivery of a sink has waited.");
    for sink in &sinks {
        page.value("deliveries_oldest_seconds", &[("sink", &sink.name)], age(queue(&sink.id).oldest, now));
    }
    Ok(())
}
