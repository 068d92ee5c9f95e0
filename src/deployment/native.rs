//! The native call (`events.md` 23), over REST and as the mutation `deploymentRecord`: what it may say, and recording it.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};
use entity::{
    inbound_delivery,
    pipeline::{DeliveryFate, DeliveryWay, DeploymentStatus},
};
use sea_orm::prelude::Uuid;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    payload::Heard,
    record::{Delivery, Recorded, Reporter, Saying, not_bound, record},
    seen::Seen,
    told::Told,
};
use crate::{
    auth::{Act, Actor, policy},
    catalog::number::FormNumber,
    error::{Error, Result, Said, UserErrorCode, say},
    graphql::{
        input::{Checks, SHORT},
        scalars::{Instant, Url},
    },
    store::{Origin, Permitted, Store, native_key},
};

/// One native call, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `deploymentId`.
    pub id: String,
    /// Whose deployment it is, if not the caller's own.
    pub source: Option<String>,
    /// What it says.
    pub told: Told,
}

/// The fields of a call.
pub const FIELDS: [&str; 17] = [
    "deploymentId",
    "source",
    "applicationNumber",
    "product",
    "version",
    "project",
    "commit",
    "environment",
    "status",
    "attempt",
    "plannedStartAt",
    "plannedFinishAt",
    "startedAt",
    "finishedAt",
    "oldestCommitAt",
    "rollbackOf",
    "url",
];

/// Reads the fields of an object one by one, and collects what is wrong.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    path: &'a str,
    checks: &'a mut Checks,
}

impl Fields<'_> {
    fn at(&self, field: &str) -> String {
        format!("{}{field}", self.path)
    }

    fn wrong(&mut self, field: &str, code: UserErrorCode, en: &str, zh: &str) {
        let at = self.at(field);
        self.checks.fail(code, &at, say(en, zh));
    }

    fn text(&mut self, field: &str, most: usize) -> Option<String> {
        match self.object.get(field)? {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => {
                self.wrong(field, UserErrorCode::Invalid, "The text must not be blank", "文本不能为空");
                None
            }
            Value::String(text) => {
                let at = self.at(field);
                self.checks.text(&at, text, most);
                Some(text.trim().to_owned())
            }
            _ => {
                self.wrong(field, UserErrorCode::Invalid, "This is a text", "该字段应为文本");
                None
            }
        }
    }

    fn time(&mut self, field: &str) -> Option<DateTime<Utc>> {
        let text = self.text(field, 64)?;
        if let Ok(far) = DateTime::parse_from_rfc3339(&text)
            && !(1900..=9999).contains(&far.year())
        {
            self.wrong(field, UserErrorCode::OutOfRange, "A time lies between the years 1900 and 9999", "时间须在 1900 年到 9999 年之间");
            return None;
        }
        let read = <Instant as async_graphql::ScalarType>::parse(async_graphql::Value::String(text));
        if let Ok(Instant(at)) = read {
            return Some(at);
        }
        let (en, zh) = (
            "A time is RFC 3339 with an offset, such as 2026-03-28T21:50:00+08:00",
            "时间须为带时区偏移的 RFC 3339 格式，如 2026-03-28T21:50:00+08:00",
        );
        self.wrong(field, UserErrorCode::Invalid, en, zh);
        None
    }

    fn number(&mut self, field: &str) -> Option<i32> {
        match self.object.get(field)? {
            Value::Null => None,
            value => {
                // JSON knows no difference between 1 and 1.0.
                let whole = value.as_f64().filter(|n| n.fract() == 0.0).map(|n| format!("{n:.0}"));
                let number = value
                    .as_i64()
                    .or_else(|| whole?.parse().ok())
                    .and_then(|n| i32::try_from(n).ok())
                    .filter(|n| (1..=1_000_000).contains(n));
                if number.is_none() {
                    self.wrong(
                        field,
                        UserErrorCode::OutOfRange,
                        "This is a whole number from 1 to 1000000",
                        "该字段应为 1 到 1000000 的整数",
                    );
                }
                number
            }
        }
    }
}

/// The object that a body is.
///
/// # Errors
/// The user error that it is none.
pub fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>> {
    value
        .as_object()
        .ok_or_else(|| Error::user(UserErrorCode::Invalid, path.trim_end_matches('.'), say("This is a JSON object", "应为 JSON 对象")))
}

/// Refuses fields that do not exist: a misspelled one would be lost.
pub fn known_only(checks: &mut Checks, object: &Map<String, Value>, path: &str, known: &[&str]) {
    for field in object.keys().filter(|field| !known.contains(&field.as_str())) {
        let named: String = field.chars().filter(|c| !c.is_control()).take(60).collect();
        let said = say(
            format!("There is no field {named}; the fields are {}", known.join(", ")),
            format!("不存在字段 {named}，可用字段：{}", known.join("、")),
        );
        checks.fail(UserErrorCode::Unknown, &format!("{path}{named}"), said);
    }
}

/// Reads a call; `path` stands before the names of fields in errors.
///
/// # Errors
/// User errors, all together.
pub fn read(value: &Value, path: &str, now: DateTime<Utc>) -> Result<Call> {
    let object = object(value, path)?;
    let mut checks = Checks::default();
    known_only(&mut checks, object, path, &FIELDS);
    let mut f = Fields { object, path, checks: &mut checks };
    let id = f.text("deploymentId", SHORT);
    let status = f.text("status", 40);
    let environment = f.text("environment", SHORT).unwrap_or_default();
    let source = f.text("source", SHORT);
    let told = Told {
        attempt: f.number("attempt"),
        planned_start_at: f.time("plannedStartAt"),
        planned_finish_at: f.time("plannedFinishAt"),
        started_at: f.time("startedAt"),
        finished_at: f.time("finishedAt"),
        application_number: f.text("applicationNumber", 40),
        product: f.text("product", 60),
        version: f.text("version", 60),
        project: f.text("project", SHORT),
        commit: f.text("commit", 64),
        oldest_commit_at: f.time("oldestCommitAt"),
        rollback_of: f.text("rollbackOf", SHORT),
        url: f.text("url", 2_000),
        ..Told::of(DeploymentStatus::Queued, environment)
    };
    let call = check(&mut checks, path, (id, status.as_deref(), source), told, now);
    checks.done()?;
    call.ok_or_else(|| Error::internal("a call that is wrong told nothing"))
}

/// The statuses as they are written.
const STATUSES: [(&str, DeploymentStatus); 6] = [
    ("QUEUED", DeploymentStatus::Queued),
    ("RUNNING", DeploymentStatus::Running),
    ("SUCCEEDED", DeploymentStatus::Succeeded),
    ("FAILED", DeploymentStatus::Failed),
    ("CANCELED", DeploymentStatus::Canceled),
    ("ROLLED_BACK", DeploymentStatus::RolledBack),
];

/// Checks what reading alone does not.
fn check(
    checks: &mut Checks,
    path: &str,
    (id, status, source): (Option<String>, Option<&str>, Option<String>),
    told: Told,
    now: DateTime<Utc>,
) -> Option<Call> {
    let at = |field: &str| format!("{path}{field}");
    let missing = || say("This is needed", "必填");
    checks.require(id.is_some(), UserErrorCode::Required, &at("deploymentId"), missing);
    checks.require(status.is_some(), UserErrorCode::Required, &at("status"), missing);
    let known = status.and_then(|text| STATUSES.iter().find(|(name, _)| *name == text));
    checks.require(status.is_none() || known.is_some(), UserErrorCode::Unknown, &at("status"), || {
        let all = STATUSES.map(|(name, _)| name).join(", ");
        say(format!("A status is one of {all}"), format!("status 的取值为 {all}"))
    });
    let mut told = told;
    if let Some(text) = &told.application_number {
        match FormNumber::application(&at("applicationNumber"), text) {
            Ok(number) => told.application_number = Some(number.to_string()),
            Err(Error::User(errors)) => errors.into_iter().for_each(|e| checks.fail(e.code, &at("applicationNumber"), e.message)),
            Err(_) => {}
        }
    }
    let hex = told.commit.as_ref().is_none_or(|c| (7..=64).contains(&c.len()) && c.bytes().all(|b| b.is_ascii_hexdigit()));
    checks.require(hex, UserErrorCode::Invalid, &at("commit"), || {
        say("A commit is 7 to 64 hexadecimal digits", "commit 为 7 到 64 位十六进制数字")
    });
    let url = told.url.clone().is_none_or(|u| <Url as async_graphql::ScalarType>::parse(async_graphql::Value::String(u)).is_ok());
    checks.require(url, UserErrorCode::Invalid, &at("url"), || {
        say("A URL is absolute and begins with http:// or https://", "url 须为以 http:// 或 https:// 开头的完整地址")
    });
    if let Some((field, said)) = told.implausible(now) {
        checks.fail(UserErrorCode::OutOfRange, &at(field), said);
    }
    told.status = known?.1;
    Some(Call { id: id?, source, told })
}

/// A call that is worked again from its stored body.
///
/// # Errors
/// What cannot be read.
pub fn again(body: &Value, received_at: DateTime<Utc>) -> Result<Heard, Said> {
    match read(body, "", received_at) {
        Ok(call) => Ok(Heard::Deployment { id: call.id, told: Box::new(call.told), withdraws: None }),
        Err(error) => Err(error.message()),
    }
}

/// What a native call is made of beside what it says.
#[derive(Debug, Clone)]
pub struct Raw {
    /// REST or GraphQL.
    pub way: DeliveryWay,
    /// The body, as JSON of one call.
    pub body: Vec<u8>,
    /// `Idempotency-Key`, if there is one.
    pub key: Option<String>,
}

/// Begins what records one call alone: with what is known of it.
///
/// # Errors
/// `FORBIDDEN`, faults.
pub async fn begin(store: &Store, origin: &Origin, call: &Call) -> Result<(Permitted, Seen)> {
    match whose(&origin.actor, call.source.clone()) {
        Ok(subject) => Seen::first(store, origin, (&native_key(&subject), &call.id, &call.told)).await,
        // Who may not report at all is told that.
        Err(error) => store.create(origin, Act::DeploymentRecord).await.and(Err(error)),
    }
}

/// Records a native call, in the write that has begun; with what was seen at its beginning, if that was for it alone.
///
/// # Errors
/// User errors, `FORBIDDEN`, `Raced`, faults.
pub async fn run(permitted: &mut Permitted, call: Call, raw: Raw, seen: Option<Seen>) -> Result<(Recorded, Uuid)> {
    let actor = permitted.origin().actor.clone();
    let Call { id, source, told } = call;
    let subject = whose(&actor, source)?;
    let bound_to = bound(&actor);
    if told.product.as_ref().is_some_and(|product| !bound_to.is_empty() && !bound_to.contains(product)) {
        return Err(not_bound());
    }
    let now = permitted.now();
    let row = inbound_delivery::Model {
        id: Uuid::now_v7(),
        source_id: None,
        way: raw.way,
        reported_by: subject.clone(),
        dedupe_key: raw.key,
        event_type: None,
        content_type: Some("application/json".into()),
        headers: json!(BTreeMap::<String, String>::new()),
        body_bytes: i32::try_from(raw.body.len()).unwrap_or(i32::MAX),
        body_sha256: format!("{:x}", Sha256::digest(&raw.body)),
        body: Some(raw.body),
        fate: DeliveryFate::Worked,
        reason: None,
        reason_zh: None,
        deployment_id: None,
        attempts: 1,
        next_attempt_at: None,
        received_at: now,
        worked_at: Some(now),
    };
    let delivery = row.id;
    let reporter = Reporter::native(&subject, bound_to, true);
    let saying = Saying { id, told, withdraws: None, delivery: Delivery::New(Box::new(row)), received_at: now, again: false };
    Ok((Box::pin(record(permitted, &reporter, &[], saying, seen)).await?, delivery))
}

/// Products that the caller is bound to as a pipeline.
pub fn bound(actor: &Actor) -> Vec<String> {
    if policy::reports_freely(actor) { Vec::new() } else { actor.products.clone() }
}

/// Whose deployment: the caller's own; OPS may name a pipeline's, to finish what it began.
fn whose(actor: &Actor, source: Option<String>) -> Result<String> {
    match source {
        Some(source) if source != actor.subject => {
            if policy::reports_freely(actor) {
                Ok(source)
            } else {
                Err(Error::Forbidden(say("Only members of OPS report for another source", "仅运维部成员可代其他来源报告")))
            }
        }
        _ => Ok(actor.subject.clone()),
    }
}
