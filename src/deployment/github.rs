//! GitHub's `deployment_status` webhooks. Each deployment has an id; its states come one by one.

use entity::pipeline::{DeploymentStatus, EnvironmentClass};
use regex::Regex;
use serde_json::Value;

use super::{
    environment::version_in,
    payload::{Heard, Payload, application_in, unreadable},
    told::Told,
};
use crate::error::{Said, say};

/// The only event that tells of deployments.
pub const EVENT: &str = "deployment_status";

/// What a body says.
///
/// # Errors
/// What cannot be read.
pub fn read(body: &Value, rule: &Regex) -> Result<Heard, Said> {
    let p = Payload(body);
    let state = p.needed("/deployment_status/state")?;
    let status = match state.as_str() {
        "queued" | "pending" | "waiting" => DeploymentStatus::Queued,
        "in_progress" => DeploymentStatus::Running,
        "success" => DeploymentStatus::Succeeded,
        "failure" | "error" => DeploymentStatus::Failed,
        // A later deployment took its place: that undoes nothing.
        "inactive" => {
            return Ok(Heard::Nothing(say(
                "An inactive deployment was replaced, not rolled back",
                "部署被后续部署取代（inactive），并非回滚",
            )));
        }
        _ => return Err(unreadable("deployment_status.state", "is no state that is known", "未知的状态")),
    };
    let environment = p.text("/deployment_status/environment").or_else(|| p.text("/deployment/environment"));
    let mut told = Told::of(status, environment.ok_or_else(|| unreadable("deployment.environment", "is missing", "缺失"))?);
    told.at = p.time("/deployment_status/created_at")?;
    // False says only that it is not production: staging is told by its name.
    told.tier = p.flag("/deployment/production_environment").and_then(|yes| yes.then_some(EnvironmentClass::Production));
    let name = p.needed("/repository/full_name")?;
    let host = p.text("/repository/html_url").and_then(|url| reqwest::Url::parse(&url).ok()?.host_str().map(str::to_owned));
    told.project = Some(format!("{}/{name}", host.as_deref().unwrap_or("github.com")));
    told.commit = p.text("/deployment/sha");
    told.ref_name = p.text("/deployment/ref");
    told.url = ["/deployment_status/log_url", "/deployment_status/target_url"].iter().find_map(|at| p.text(at));
    let payload = own(body);
    let own = Payload(&payload);
    told.application_number = ["/applicationNumber", "/application_number"]
        .iter()
        .find_map(|at| own.text(at))
        .or_else(|| p.text("/deployment/description").as_deref().and_then(application_in));
    told.product = own.text("/product");
    told.version = own.text("/version").or_else(|| told.ref_name.as_deref().and_then(|tag| version_in(tag, rule)));
    told.rollback_of = own.id("/rollbackOf");
    told.planned_start_at = own.time("/plannedStartAt")?;
    told.planned_finish_at = own.time("/plannedFinishAt")?;
    told.oldest_commit_at = own.time("/oldestCommitAt")?;
    Ok(Heard::Deployment { id: p.needed("/deployment/id")?, told: Box::new(told), withdraws: None })
}

/// What the workflow put into the deployment's own payload: an object, or a text that is one.
fn own(body: &Value) -> Value {
    match body.pointer("/deployment/payload") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(value) => value.clone(),
        None => Value::Null,
    }
}
