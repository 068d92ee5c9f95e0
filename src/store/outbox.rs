//! The event log (`events.md` 12–14): written in the transaction of the change, read later by delivery and subscriptions.

use chrono::{DateTime, Utc};
use entity::{event, event_subject, product, release_application, report};
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, EntityTrait, QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait},
};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// The type of events that tell of edited content.
pub const REPORT_CHANGED: &str = "report.changed.v1";

/// An event to come.
#[derive(Debug)]
pub struct Announcement {
    kind: &'static str,
    report: Option<Uuid>,
    action: Option<Uuid>,
    deployment: Option<Uuid>,
    data: Map<String, Value>,
}

impl Announcement {
    /// About a report.
    pub fn report(kind: &'static str) -> Self {
        Self { kind, report: None, action: None, deployment: None, data: Map::new() }
    }

    /// About an improvement action of a report.
    pub fn action(kind: &'static str, action: Uuid) -> Self {
        Self { kind, report: None, action: Some(action), deployment: None, data: Map::new() }
    }

    /// About a deployment, which may belong to no report.
    pub fn deployment(kind: &'static str, deployment: Uuid) -> Self {
        Self { kind, report: None, action: None, deployment: Some(deployment), data: Map::new() }
    }

    /// About another report than the one that was opened.
    pub fn of(mut self, report: Uuid) -> Self {
        self.report = Some(report);
        self
    }

    /// Adds what a receiver needs in order not to call back.
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.data.insert(key.to_owned(), value);
        self
    }
}

/// Writes the events, each with the next number of its subject.
pub(super) async fn announce(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    report_id: Option<Uuid>,
    announcements: Vec<Announcement>,
) -> Result<()> {
    let mut known: Option<(Uuid, String, Value)> = None;
    for Announcement { kind, report, action, deployment, mut data } in announcements {
        let report_id = report.or(report_id);
        if let Some(id) = report_id
            && known.as_ref().is_none_or(|(known, ..)| *known != id)
        {
            let (number, about) = about(conn, id).await?;
            known = Some((id, number, about));
        }
        let of = known.as_ref().filter(|(id, ..)| report_id == Some(*id));
        let report = of.map(|(_, number, _)| format!("reports/{number}"));
        let subject = match (report, action, deployment) {
            (Some(report), Some(action), _) => format!("{report}/actions/{action}"),
            (Some(report), None, Some(deployment)) => format!("{report}/deployments/{deployment}"),
            (Some(report), None, None) => report,
            (None, _, Some(deployment)) => format!("deployments/{deployment}"),
            (None, _, None) => return Err(Error::internal("an event about nothing")),
        };
        data.insert("report".into(), of.map_or(Value::Null, |(_, _, about)| about.clone()));
        let row = event::ActiveModel {
            // No full stop in it, as Standard Webhooks signs `id.timestamp.body` (`events.md` 13).
            id: Set(Uuid::now_v7().to_string()),
            kind: Set(kind.to_owned()),
            subject_sequence: Set(next(conn, &subject).await?),
            subject: Set(subject),
            report_id: Set(report_id),
            action_id: Set(action),
            deployment_id: Set(deployment),
            at: Set(now),
            recorded_at: Set(now),
            data: Set(Value::Object(data)),
            ..Default::default()
        };
        event::Entity::insert(row).exec_without_returning(conn).await?;
    }
    Ok(())
}

/// The report as events carry it.
async fn about(conn: &impl ConnectionTrait, id: Uuid) -> Result<(String, Value)> {
    let missing = || Error::internal("an event about no report");
    let report = report::Entity::find_by_id(id).one(conn).await?.ok_or_else(missing)?;
    let application = release_application::Entity::find_by_id(report.application_id).one(conn).await?.ok_or_else(missing)?;
    let product = match report.product_id {
        Some(product) => product::Entity::find_by_id(product).one(conn).await?,
        None => None,
    };
    let about = json!({
        "number": report.number,
        "applicationNumber": application.number,
        "product": product.map(|p| json!({ "key": p.key, "name": p.name })),
        "version": report.version,
        "state": report.state,
    });
    Ok((report.number, about))
}

/// The next `subjectseq`: 1, 2, 3… without a gap, since it commits or rolls back with the event.
async fn next(conn: &impl ConnectionTrait, subject: &str) -> Result<i64> {
    use sea_orm::sea_query::OnConflict;
    let row = event_subject::ActiveModel { subject: Set(subject.to_owned()), last: Set(1) };
    let count = Expr::col((event_subject::Entity, event_subject::Column::Last)).add(1);
    event_subject::Entity::insert(row)
        .on_conflict(OnConflict::column(event_subject::Column::Subject).value(event_subject::Column::Last, count).to_owned())
        .exec_without_returning(conn)
        .await?;
    let last: Option<i64> = event_subject::Entity::find_by_id(subject.to_owned())
        .select_only()
        .column(event_subject::Column::Last)
        .into_tuple()
        .one(conn)
        .await?;
    last.ok_or_else(|| Error::internal("no event subject"))
}
