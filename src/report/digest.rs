//! The canonical form of a report's content and its SHA-256, which signatures name. Documented in `docs/digest.md`:
//! all content by codes and values, actions as they were submitted; no derived values, occurrences or deployments.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{department, improvement_action, owner, person, product, release_application};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, prelude::Uuid};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{content::Content, object::audience};
use crate::{
    error::{Error, Result},
    graphql::scalars::Hundredths,
    store::Permitted,
};

/// The canonical text of a report, and its digest.
pub struct Canonical {
    /// JSON: keys sorted, no white space.
    pub text: String,
    /// SHA-256 of the text's UTF-8, in hexadecimal.
    pub digest: String,
}

/// The canonical form; `number` and `product` are the application's number and the product's key.
pub fn canonical(content: &Content, application_number: &str, product_key: Option<&str>) -> Canonical {
    let mut text = String::with_capacity(8_192);
    write(&form(content, application_number, product_key), &mut text);
    let digest = sha256(&text);
    Canonical { text, digest }
}

/// SHA-256 in hexadecimal.
pub fn sha256(text: &str) -> String {
    format!("{:x}", Sha256::digest(text.as_bytes()))
}

/// Keys in order of their code points, no white space; strings as `serde_json` escapes them.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write(map.get(key).unwrap_or(&Value::Null), out);
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn at(time: Option<DateTime<Utc>>) -> Option<String> {
    time.map(|t| t.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn decimal(value: Option<i64>) -> Option<String> {
    value.map(|v| Hundredths(v).text())
}

fn form(content: &Content, application_number: &str, product_key: Option<&str>) -> Value {
    let r = &content.report;
    json!({
        "form": "relsum/1",
        "number": r.number,
        "applicationNumber": application_number,
        "preparedBy": r.prepared_by,
        "preparedOn": r.prepared_on.to_string(),
        "outcome": r.outcome,
        "product": product_key,
        "version": r.version,
        "releaseType": r.release_type,
        "releaseOwner": r.release_owner_id,
        "plannedReleaseAt": at(r.planned_release_at),
        "actualReleaseAt": at(r.actual_release_at),
        "plannedDurationMinutes": r.planned_duration_minutes,
        "actualDurationMinutes": r.actual_duration_minutes,
        "strategy": r.strategy,
        "strategyNote": r.strategy_note,
        "audience": audience(r),
        "externalPercent": decimal(r.external_percent),
        "participants": content.participants.iter().map(|p| json!({ "department": p.department, "people": content.people_of(p.id) })).collect::<Vec<_>>(),
        "milestones": content.milestones.iter().map(|m| json!({
            "kind": m.kind, "name": m.name, "precision": m.precision, "plannedAt": at(m.planned_at), "actualAt": at(m.actual_at),
            "delayReason": m.delay_reason, "notApplicable": m.not_applicable, "notApplicableReason": m.not_applicable_reason,
            "owners": codes(&content.owners_of(m.id)),
        })).collect::<Vec<_>>(),
        "resources": {
            "staffing": content.staffing.iter().map(|s| json!({ "department": s.department, "people": s.people })).collect::<Vec<_>>(),
            "effortHours": decimal(r.effort_hours), "productionServers": r.production_servers, "testServers": r.test_servers,
            "storageAddedGb": decimal(r.storage_added_gb), "currency": r.currency, "budgetPlanned": decimal(r.budget_planned),
            "budgetActual": decimal(r.budget_actual), "budgetReason": r.budget_reason,
        },
        "problems": content.problems.iter().map(|p| json!({
            "code": format!("PROB-{:03}", p.number), "description": p.description, "phase": p.phase, "impact": p.impact, "resolution": p.resolution,
            "handlingMinutes": p.handling_minutes, "detectedAt": at(p.detected_at), "resolvedAt": at(p.resolved_at),
            "triggeredRollback": p.triggered_rollback, "owners": codes(&content.owners_of(p.id)),
            "incidentReview": content.review_of(p.id).map(|review| json!({
                "details": review.details, "rootCause": review.root_cause, "accountability": review.accountability,
                "correctiveMeasures": review.corrective_measures,
                "timeline": content.timeline_of(p.id).iter().map(|t| json!({ "at": at(Some(t.at)), "event": t.event })).collect::<Vec<_>>(),
            })),
        })).collect::<Vec<_>>(),
        "postReleaseStats": statistics(content),
        "cases": content.cases.iter().map(|c| json!({
            "code": format!("POST-{:03}", c.number), "description": c.description, "solution": c.solution, "satisfaction": c.satisfaction,
            "lesson": c.lesson,
        })).collect::<Vec<_>>(),
        "evaluation": {
            "strategyFit": r.strategy_fit, "strategyFitReason": r.strategy_fit_reason, "strategySuggestions": r.strategy_suggestions,
            "departments": content.evaluations.iter().map(|e| json!({
                "department": e.department, "performance": e.performance, "shortcomings": e.shortcomings, "suggestions": e.suggestions,
            })).collect::<Vec<_>>(),
            "compliance": r.compliance, "nonCompliances": r.non_compliances, "rectification": r.rectification,
        },
        "achievements": {
            "featuresAdded": r.features_added, "bugsFixed": r.bugs_fixed, "vulnerabilitiesFixed": r.vulnerabilities_fixed,
            "highlights": r.highlights, "strategyFindings": r.strategy_findings, "collaborationFindings": r.collaboration_findings,
            "efficiencyGainPercent": decimal(r.efficiency_gain_percent),
        },
        "shortcomings": content.shortcomings.iter().map(|s| &s.statement).collect::<Vec<_>>(),
        "improvementActions": content.actions.iter().map(|a| action(content, a)).collect::<Vec<_>>(),
        "attachments": [],
    })
}

fn codes(owners: &[&owner::Model]) -> Vec<String> {
    owners.iter().map(|o| o.department.clone()).collect()
}

fn statistics(content: &Content) -> Vec<Value> {
    let mut rows: Vec<_> = content.statistics.iter().collect();
    rows.sort_by_key(|s| s.category);
    let one = |s: &entity::post_release_stat::Model| {
        json!({
            "category": s.category,
            "found": { "P0": s.found_p0, "P1": s.found_p1, "P2": s.found_p2, "P3": s.found_p3,
                       "HIGH": s.found_high, "MEDIUM": s.found_medium, "LOW": s.found_low },
            "fixed": s.fixed,
            "plannedFixes": content.fixes.iter().filter(|f| f.stat_id == s.id)
                .map(|f| json!({ "version": f.release_version, "count": f.count })).collect::<Vec<_>>(),
            "feedbackSources": content.sources.iter().filter(|f| f.stat_id == s.id).map(|f| &f.text).collect::<Vec<_>>(),
        })
    };
    rows.into_iter().map(one).collect()
}

/// An action as it was submitted, or as it is while it never was: what happens to it later does not count.
fn action(content: &Content, a: &improvement_action::Model) -> Value {
    let submitted = a.watched_from.is_some();
    let counts = |o: &&owner::Model| o.action_id == Some(a.id) && if submitted { o.submitted } else { o.current };
    let owners: Vec<&owner::Model> = content.owners.iter().filter(counts).collect();
    json!({
        "area": a.area, "areaNote": a.area_note, "measure": a.measure, "verification": a.verification,
        "owners": codes(&owners), "lead": owners.iter().find(|o| o.lead).map(|o| &o.department),
        "schedule": { "kind": a.schedule_kind, "on": a.scheduled_on.map(|d| d.to_string()), "rule": a.rule, "text": a.schedule_text },
    })
}

/// The canonical form of the report under the lock.
///
/// # Errors
/// A fault of the database.
pub async fn of(permitted: &Permitted, content: &Content) -> Result<Canonical> {
    let conn = permitted.conn();
    let application = release_application::Entity::find_by_id(content.report.application_id).one(conn).await?;
    let application = application.ok_or_else(|| Error::internal("a report without its application"))?;
    let product = match content.report.product_id {
        Some(id) => product::Entity::find_by_id(id).one(conn).await?,
        None => None,
    };
    Ok(canonical(content, &application.number, product.as_ref().map(|p| p.key.as_str())))
}

/// The names of departments, products and people of the day, kept beside the snapshot for print.
///
/// # Errors
/// A fault of the database.
pub async fn names(permitted: &Permitted, content: &Content) -> Result<Value> {
    let conn = permitted.conn();
    let departments: Map<String, Value> =
        department::Entity::find().all(conn).await?.into_iter().map(|d| (d.code, json!({ "zh": d.name_zh, "en": d.name_en }))).collect();
    let mut ids: Vec<Uuid> = content.people.iter().map(|p| p.person_id).collect();
    ids.extend(content.report.release_owner_id);
    let people = person::Entity::find().filter(person::Column::Id.is_in(ids)).all(conn).await?;
    let people: Map<String, Value> = people.into_iter().map(|p| (p.id.to_string(), json!(p.name))).collect();
    let product = match content.report.product_id {
        Some(id) => product::Entity::find_by_id(id).one(conn).await?.map(|p| json!({ p.key: p.name })),
        None => None,
    };
    Ok(json!({ "departments": departments, "people": people, "products": product }))
}
