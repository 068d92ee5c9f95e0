//! GitLab's deployment hooks. A deployment has an id within its instance; each change of its status is one hook.

use entity::pipeline::{DeploymentStatus, EnvironmentClass};
use regex::Regex;
use serde_json::Value;

use super::{
    environment::version_in,
    payload::{Heard, Payload, application_in, unreadable},
    told::Told,
};
use crate::error::{Said, say};

/// The hook that tells of deployments.
pub const EVENT: &str = "Deployment Hook";

/// What a body says.
///
/// # Errors
/// What cannot be read.
pub fn read(body: &Value, rule: &Regex) -> Result<Heard, Said> {
    let p = Payload(body);
    if p.text("/object_kind").as_deref() != Some("deployment") {
        return Ok(Heard::Nothing(say("Not a deployment hook", "不是部署事件")));
    }
    let status = match p.needed("/status")?.as_str() {
        "created" | "blocked" | "approved" | "skipped" => DeploymentStatus::Queued,
        "running" => DeploymentStatus::Running,
        "success" => DeploymentStatus::Succeeded,
        "failed" | "rejected" => DeploymentStatus::Failed,
        "canceled" => DeploymentStatus::Canceled,
        _ => return Err(unreadable("status", "is no status that is known", "未知的状态")),
    };
    let mut told = Told::of(status, p.needed("/environment")?);
    told.at = p.time("/status_changed_at")?;
    told.tier = match p.text("/environment_tier").as_deref() {
        Some("production") => Some(EnvironmentClass::Production),
        Some("staging") => Some(EnvironmentClass::Staging),
        Some(_) => Some(EnvironmentClass::Other),
        None => None,
    };
    let web = p.text("/project/web_url").and_then(|url| reqwest::Url::parse(&url).ok());
    let host = web.as_ref().and_then(|url| url.host_str()).unwrap_or("gitlab.com");
    told.project = Some(format!("{host}/{}", p.needed("/project/path_with_namespace")?));
    // The whole commit is in its address alone.
    let whole = p.text("/commit_url").and_then(|url| url.rsplit('/').next().map(str::to_owned)).filter(|sha| is_commit(sha));
    told.commit = whole.or_else(|| p.text("/short_sha"));
    told.ref_name = p.text("/ref");
    told.version = told.ref_name.as_deref().and_then(|tag| version_in(tag, rule));
    told.application_number = p.text("/commit_title").as_deref().and_then(application_in);
    told.url = p.text("/deployable_url");
    // Older instances send the job's id alone.
    let id = p.id("/deployment_id").or_else(|| p.id("/deployable_id").map(|job| format!("job-{job}")));
    let id = id.ok_or_else(|| unreadable("deployment_id", "is missing", "缺失"))?;
    Ok(Heard::Deployment { id, told: Box::new(told), withdraws: None })
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}
