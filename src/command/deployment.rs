//! `relsum deployment report`: the native call for shells and pipelines. It waits, and tries again with the same key, until the
//! service has answered: an event is never lost because a database was restarted just then.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use reqwest::{StatusCode, Url, header::RETRY_AFTER};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

/// What to do about deployments.
#[derive(Debug, Subcommand)]
pub enum Deployment {
    /// Report a deployment to a running service, whole or in parts
    Report(Box<Report>),
}

/// What to report. Only the id and the status are always needed; the first report of a deployment also says where and of what.
#[derive(Debug, Args)]
pub struct Report {
    /// Address of the service
    #[arg(long, env = "RELSUM_URL", default_value = "http://127.0.0.1:8080")]
    pub url: Url,
    /// Token of a PIPELINE, or of a member of OPS
    #[arg(long, env = "RELSUM_TOKEN", hide_env_values = true)]
    pub token: String,
    /// Your id of the deployment; later parts repeat it
    #[arg(long = "id")]
    pub deployment_id: String,
    /// How far it is
    #[arg(long, value_parser = ["queued", "running", "succeeded", "failed", "canceled", "rolled-back"])]
    pub status: String,
    /// The environment as you name it
    #[arg(long)]
    pub environment: Option<String>,
    /// Release application, REL-APP-YYYY-NNN
    #[arg(long)]
    pub application: Option<String>,
    /// Key of the product, with --release
    #[arg(long)]
    pub product: Option<String>,
    /// Version of the product, with --product
    #[arg(long)]
    pub release: Option<String>,
    /// Project in its code host, with --commit
    #[arg(long)]
    pub project: Option<String>,
    /// Commit
    #[arg(long)]
    pub commit: Option<String>,
    /// Which attempt, from 1
    #[arg(long)]
    pub attempt: Option<i32>,
    /// When it is to start, RFC 3339 with an offset
    #[arg(long)]
    pub planned_start: Option<String>,
    /// When it is to finish
    #[arg(long)]
    pub planned_finish: Option<String>,
    /// When it started; now unless given, with --status running
    #[arg(long)]
    pub started: Option<String>,
    /// When it ended; now unless given, with a status that ends it
    #[arg(long)]
    pub finished: Option<String>,
    /// When the oldest new commit was made
    #[arg(long)]
    pub oldest_commit: Option<String>,
    /// Id of the deployment that this one rolls back
    #[arg(long)]
    pub rollback_of: Option<String>,
    /// Where it can be seen
    #[arg(long)]
    pub link: Option<String>,
    /// The same key gets the same answer; made up unless given, and kept through all tries
    #[arg(long)]
    pub idempotency_key: Option<String>,
    /// How long to try, in seconds
    #[arg(long, default_value_t = 300)]
    pub wait: u64,
    /// Fail unless it belongs to a report
    #[arg(long)]
    pub require_report: bool,
}

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long one try may take.
const ONE_TRY: Duration = Duration::from_secs(40);

impl Report {
    /// The body. What has just happened is told with its time now, not with that of the try that gets through.
    fn body(&self, now: DateTime<Utc>) -> Value {
        let time = |given: &Option<String>, just: bool| given.clone().or_else(|| just.then(|| now.to_rfc3339()));
        let over = !matches!(self.status.as_str(), "queued" | "running");
        let all = [
            ("deploymentId", json!(self.deployment_id)),
            ("status", json!(self.status.replace('-', "_").to_uppercase())),
            ("environment", json!(self.environment)),
            ("applicationNumber", json!(self.application)),
            ("product", json!(self.product)),
            ("version", json!(self.release)),
            ("project", json!(self.project)),
            ("commit", json!(self.commit)),
            ("attempt", json!(self.attempt)),
            ("plannedStartAt", json!(self.planned_start)),
            ("plannedFinishAt", json!(self.planned_finish)),
            ("startedAt", json!(time(&self.started, self.status == "running"))),
            ("finishedAt", json!(time(&self.finished, over))),
            ("oldestCommitAt", json!(self.oldest_commit)),
            ("rollbackOf", json!(self.rollback_of)),
            ("url", json!(self.link)),
        ];
        let given = all.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

/// Reports, and prints the answer.
///
/// # Errors
/// What the service refuses, or that it could not be reached in time.
pub async fn report(report: &Report, now: DateTime<Utc>) -> Result<(), String> {
    let address = report.url.join("/api/v1/deployments").map_err(|e| format!("--url {}: {e}", report.url))?;
    let client = reqwest::Client::builder().timeout(ONE_TRY).build().map_err(|e| e.to_string())?;
    let key = report.idempotency_key.clone().unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let body = report.body(now).to_string();
    let end = Instant::now() + Duration::from_secs(report.wait);
    let mut pause = Duration::from_secs(1);
    loop {
        let asked = client
            .post(address.clone())
            .bearer_auth(&report.token)
            .header("content-type", "application/json")
            .header("idempotency-key", &key)
            .body(body.clone());
        let (why, wanted) = match asked.send().await {
            Ok(answer) => {
                let status = answer.status();
                let after = answer.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok()).map(Duration::from_secs);
                let text = answer.text().await.unwrap_or_default();
                if status.is_success() {
                    return told(&text, report.require_report);
                }
                let again = status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::CONFLICT);
                if !again {
                    return Err(format!("deployment report: {status}: {}", refusal(&text)));
                }
                (format!("{status}: {}", refusal(&text)), after)
            }
            Err(error) => (error.to_string(), None),
        };
        let rest = wanted.unwrap_or(pause).min(LONGEST_PAUSE);
        if Instant::now() + rest > end {
            return Err(format!("deployment report: given up after {} s: {why}. Run it again with --idempotency-key {key}", report.wait));
        }
        eprintln!("relsum: {why}; trying again in {} s", rest.as_secs());
        sleep(rest).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What a refusal says, with each field.
fn refusal(text: &str) -> String {
    let Ok(problem) = serde_json::from_str::<Value>(text) else { return text.chars().take(300).collect() };
    let errors = problem.get("errors").and_then(Value::as_array);
    let one = |e: &Value| Some(format!("{}: {}", e.get("field")?.as_str()?, e.get("message")?.as_str()?));
    match errors {
        Some(errors) if !errors.is_empty() => errors.iter().filter_map(one).collect::<Vec<_>>().join("; "),
        _ => problem.get("detail").and_then(Value::as_str).unwrap_or_default().to_owned(),
    }
}

/// Prints what became of it.
fn told(text: &str, require_report: bool) -> Result<(), String> {
    let answer: Value = serde_json::from_str(text).map_err(|e| format!("deployment report: the answer is no JSON: {e}"))?;
    let at = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    let standing = at("/standing").unwrap_or_default();
    let status = at("/deployment/status").unwrap_or_default();
    let place = match (at("/report/number"), at("/reason/message")) {
        (Some(number), Some(why)) => format!("{standing} {number}: {why}"),
        (Some(number), None) => format!("{standing} {number}"),
        (None, Some(why)) => format!("{standing}: {why}"),
        (None, None) => standing.to_owned(),
    };
    super::upkeep::print(&format!("{status} {place}\n"))?;
    if require_report && at("/report/number").is_none() { Err("deployment report: it belongs to no report".into()) } else { Ok(()) }
}
