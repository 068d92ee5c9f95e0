//! CDEvents over HTTP, binary or structured, of any version: types are matched by prefix, since versions vary in the wild.

use std::collections::BTreeMap;

use entity::pipeline::DeploymentStatus;
use regex::Regex;
use serde_json::Value;

use super::{
    environment::version_in,
    payload::{Heard, Payload, application_in, unreadable},
    told::Told,
};
use crate::error::{Said, say};

/// The CDEvent in a body: what is in the envelope's `data`, or the body itself; the oldest events have none, only CloudEvents attributes.
pub fn event_in(body: &Value) -> &Value {
    let is_event = |value: &&Value| value.get("context").is_some();
    body.get("data").filter(is_event).unwrap_or(body)
}

/// What a delivery is deduplicated by: `context.source` and `context.id`, or what the envelope says where there is no context.
pub fn key_of(body: &Value, headers: &BTreeMap<String, String>) -> Option<String> {
    let event = Payload(event_in(body));
    let envelope = Payload(body);
    let header = |name: &str| headers.get(name).cloned();
    let id = event.id("/context/id").or_else(|| envelope.id("/id")).or_else(|| header("ce-id"))?;
    let source = event.text("/context/source").or_else(|| envelope.text("/source")).or_else(|| header("ce-source")).unwrap_or_default();
    Some(format!("{source} {id}"))
}

/// The event's type.
pub fn type_of(body: &Value, headers: &BTreeMap<String, String>) -> Option<String> {
    let event = Payload(event_in(body));
    event.text("/context/type").or_else(|| Payload(body).text("/type")).or_else(|| headers.get("ce-type").cloned())
}

/// What a body says.
///
/// # Errors
/// What cannot be read.
pub fn read(body: &Value, headers: &BTreeMap<String, String>, rule: &Regex) -> Result<Heard, Said> {
    let kind = type_of(body, headers).ok_or_else(|| unreadable("context.type", "is missing", "缺失"))?;
    let Some(verb) = kind.strip_prefix("dev.cdevents.service.").or_else(|| kind.strip_prefix("cd.service.")) else {
        return Ok(Heard::Nothing(say(format!("{kind} tells of no deployment"), format!("{kind} 与部署无关"))));
    };
    let verb = verb.split('.').next().unwrap_or_default();
    let status = match verb {
        "deployed" | "upgraded" | "rolledback" => DeploymentStatus::Succeeded,
        _ => return Ok(Heard::Nothing(say(format!("{kind} tells of no deployment"), format!("{kind} 与部署无关")))),
    };
    let p = Payload(event_in(body));
    let header = |name: &str| headers.get(name).cloned();
    let environment = p.text("/subject/content/environment/id").or_else(|| header("ce-serviceenvid"));
    let environment = environment.ok_or_else(|| unreadable("subject.content.environment.id", "is missing", "缺失"))?;
    let service = p.id("/subject/id").or_else(|| header("ce-servicename"));
    let service = service.ok_or_else(|| unreadable("subject.id", "is missing", "缺失"))?;
    let origin = p.text("/subject/source").or_else(|| p.text("/context/source")).or_else(|| header("ce-source")).unwrap_or_default();
    let artifact = p.text("/subject/content/artifactId").or_else(|| header("ce-serviceversion")).unwrap_or_default();
    let own = |name: &str| p.text(&format!("/customData/{name}"));
    let mut told = Told::of(status, environment.clone());
    told.at = p.time("/context/timestamp")?;
    told.application_number = own("applicationNumber").or_else(|| own("description").as_deref().and_then(application_in));
    told.product = own("product");
    told.commit = own("commit");
    told.ref_name = own("tag").or_else(|| own("ref"));
    told.project = own("repository").or_else(|| Some(service.clone()));
    told.url = own("url");
    told.started_at = p.time("/customData/startedAt")?;
    let named = own("version").or_else(|| told.ref_name.as_deref().and_then(|tag| version_in(tag, rule)));
    told.version = named.or_else(|| version_of(&artifact, rule));
    let group = format!("{origin} {service} {environment} ");
    if verb == "rolledback" {
        if let Some(id) = own("deploymentId") {
            // It names the very deployment that was taken back.
            told.status = DeploymentStatus::RolledBack;
            return Ok(Heard::Deployment { id, told: Box::new(told), withdraws: None });
        }
        // The artifact is what was returned to: a deployment of its own, which takes back what succeeded last before it.
        told.rollback_of = own("rollbackOf");
        let withdraws = told.rollback_of.is_none().then_some(group);
        let id = format!("rollback {}", p.id("/context/id").unwrap_or(artifact));
        return Ok(Heard::Deployment { id, told: Box::new(told), withdraws });
    }
    let id = own("deploymentId").unwrap_or_else(|| format!("{group}{artifact}"));
    Ok(Heard::Deployment { id, told: Box::new(told), withdraws: None })
}

/// The version in a package URL, `pkg:generic/netaudit@4.1.2` or `…?tag=v4.1.2`, or in an image's name.
fn version_of(artifact: &str, rule: &Regex) -> Option<String> {
    let (name, query) = artifact.split_once('?').unwrap_or((artifact, ""));
    let tag = query.split('&').find_map(|pair| pair.strip_prefix("tag="));
    let version = tag.or_else(|| name.rsplit_once('@').map(|(_, version)| version)).or_else(|| name.rsplit_once(':').map(|(_, tag)| tag));
    version_in(version.unwrap_or(name), rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::environment::{VERSION_PATTERN, version_rule};

    #[test]
    fn versions_are_found_in_artifacts_that_name_one() {
        let rule = version_rule(VERSION_PATTERN).unwrap();
        for (artifact, version) in [
            ("pkg:generic/netaudit@4.1.2", Some("4.1.2")),
            ("pkg:oci/netaudit@sha256%3A4db5e538?tag=v4.1.2", Some("v4.1.2")),
            ("pkg:oci/netaudit@sha256%3A4db5e538", None),
            ("nginx:1.0", Some("1.0")),
            ("", None),
        ] {
            assert_eq!(version_of(artifact, &rule).as_deref(), version, "{artifact}");
        }
    }
}
