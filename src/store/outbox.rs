//! The event log (`events.md` 12–14): written in the transaction of the change, read later by delivery and subscriptions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entity::{enums::ReportState, event, event_sink, event_subject, product, release_application, report};
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    prelude::Uuid,
    sea_query::{Alias, Expr, ExprTrait, OnConflict},
};
use serde_json::{Map, Value, json};

use super::{batch::Batch, children::any_of, deliveries};
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
    /// Of what is about the service itself.
    subject: Option<String>,
    /// Id and time, where they do not come with the writing.
    identified: Option<(String, DateTime<Utc>)>,
    data: Map<String, Value>,
}

impl Announcement {
    fn new(kind: &'static str) -> Self {
        Self { kind, report: None, action: None, deployment: None, subject: None, identified: None, data: Map::new() }
    }

    /// About a report.
    pub fn report(kind: &'static str) -> Self {
        Self::new(kind)
    }

    /// About an improvement action of a report.
    pub fn action(kind: &'static str, action: Uuid) -> Self {
        Self { action: Some(action), ..Self::new(kind) }
    }

    /// About a deployment, which may belong to no report.
    pub fn deployment(kind: &'static str, deployment: Uuid) -> Self {
        Self { deployment: Some(deployment), ..Self::new(kind) }
    }

    /// About the service itself, such as a sink.
    pub fn operation(kind: &'static str, subject: String) -> Self {
        Self { subject: Some(subject), ..Self::new(kind) }
    }

    /// With an id that does not depend on who writes it, and the time when it happened (`events.md` 13).
    pub fn identified(mut self, id: String, at: DateTime<Utc>) -> Self {
        self.identified = Some((id, at));
        self
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

/// Writes what comes with them and the events, each with the next number of its subject, and a delivery of each to every sink that
/// wants it; whether there is one to deliver. Constant in statements.
pub(super) async fn announce(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    report_id: Option<Uuid>,
    announcements: Vec<Announcement>,
    with: Batch,
) -> Result<bool> {
    if announcements.is_empty() {
        with.run(conn).await?;
        return Ok(false);
    }
    let mut events = events(conn, now, report_id, announcements).await?;
    if let [event] = events.as_slice()
        && with.fits(0)
        && conn.get_database_backend() == DbBackend::Postgres
    {
        let heard = with.run_with(conn, event).await?;
        return if heard { deliveries::queue(conn, now, &events).await } else { Ok(false) };
    }
    with.run(conn).await?;
    number(conn, &mut events).await?;
    let queued = deliveries::queue(conn, now, &events).await?;
    for chunk in events.chunks(2_000) {
        event::Entity::insert_many(chunk.to_vec()).exec_without_returning(conn).await?;
    }
    Ok(queued)
}

/// [`announce`] of one event, whose sinks are known: one statement. PostgreSQL alone.
pub(super) async fn announce_apart(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    announcement: Announcement,
    sinks: &[event_sink::Model],
    mut with: Batch,
) -> Result<bool> {
    let events = events(conn, now, None, vec![announcement]).await?;
    let wanted = deliveries::wanted(sinks, &events, now)?;
    let queued = !wanted.is_empty();
    wanted.into_iter().for_each(|delivery| with.add(delivery));
    let event = events.first().ok_or_else(|| Error::internal("an announcement is an event"))?;
    with.run_with(conn, event).await?;
    Ok(queued)
}

/// The events, not numbered yet.
async fn events(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    report_id: Option<Uuid>,
    announcements: Vec<Announcement>,
) -> Result<Vec<event::ActiveModel>> {
    let reports: Vec<Uuid> = announcements.iter().filter_map(|a| a.report.or(report_id)).collect::<BTreeSet<_>>().into_iter().collect();
    let about = about(conn, &reports).await?;
    let mut events = Vec::with_capacity(announcements.len());
    for Announcement { kind, report, action, deployment, subject, identified, mut data } in announcements {
        let report_id = report.or(report_id);
        let of = report_id.map(|id| about.get(&id).ok_or_else(|| Error::internal("an event about no report"))).transpose()?;
        let report = of.map(|(number, _)| format!("reports/{number}"));
        let subject = match (subject, report, action, deployment) {
            (Some(subject), ..) => subject,
            (None, Some(report), Some(action), _) => format!("{report}/actions/{action}"),
            (None, Some(report), None, Some(deployment)) => format!("{report}/deployments/{deployment}"),
            (None, Some(report), None, None) => report,
            (None, None, _, Some(deployment)) => format!("deployments/{deployment}"),
            (None, None, _, None) => return Err(Error::internal("an event about nothing")),
        };
        if let Some((_, about)) = of {
            data.insert("report".into(), about.clone());
        }
        // No full stop in it, as Standard Webhooks signs `id.timestamp.body` (`events.md` 13).
        let (id, at) = identified.unwrap_or_else(|| (Uuid::now_v7().to_string(), now));
        events.push(event::ActiveModel {
            id: Set(id),
            kind: Set(kind.to_owned()),
            subject_sequence: Set(0),
            subject: Set(subject),
            report_id: Set(report_id),
            action_id: Set(action),
            deployment_id: Set(deployment),
            at: Set(at),
            recorded_at: Set(now),
            data: Set(Value::Object(data)),
            ..Default::default()
        });
    }
    Ok(events)
}

/// The reports as events carry them, with their numbers: one statement.
async fn about(conn: &impl ConnectionTrait, reports: &[Uuid]) -> Result<HashMap<Uuid, (String, Value)>> {
    if reports.is_empty() {
        return Ok(HashMap::new());
    }
    type Row = (Uuid, String, String, Option<String>, Option<String>, Option<String>, ReportState);
    let mut query = report::Entity::find()
        .select_only()
        .columns([report::Column::Id, report::Column::Number])
        .column_as(Expr::col((release_application::Entity, release_application::Column::Number)), "application")
        .column_as(Expr::col((product::Entity, product::Column::Key)), "product_key")
        .column_as(Expr::col((product::Entity, product::Column::Name)), "product_name")
        .columns([report::Column::Version, report::Column::State])
        .filter(any_of(conn.get_database_backend(), report::Column::Id, reports.iter().copied()));
    let of = |column: report::Column| Expr::col((report::Entity, column));
    let application = of(report::Column::ApplicationId).equals((release_application::Entity, release_application::Column::Id));
    let product = of(report::Column::ProductId).equals((product::Entity, product::Column::Id));
    QueryTrait::query(&mut query).inner_join(release_application::Entity, application).left_join(product::Entity, product);
    let rows: Vec<Row> = query.into_tuple().all(conn).await?;
    let told = rows.into_iter().map(|(id, number, application, key, name, version, state)| {
        let product = key.map(|key| json!({ "key": key, "name": name }));
        let about = json!({ "number": number, "applicationNumber": application, "product": product, "version": version, "state": state });
        (id, (number, about))
    });
    Ok(told.collect())
}

/// What is counted of a subject that has events already is added.
fn counts_on() -> OnConflict {
    let (last, added) = (event_subject::Column::Last, Expr::col((Alias::new("excluded"), event_subject::Column::Last)));
    OnConflict::column(event_subject::Column::Subject).value(last, Expr::col((event_subject::Entity, last)).add(added)).to_owned()
}

/// Numbers the events of each subject: 1, 2, 3… without a gap, since the count commits or rolls back with the event.
async fn number(conn: &impl ConnectionTrait, events: &mut [event::ActiveModel]) -> Result<()> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for event in events.iter() {
        *counts.entry(event.subject.clone().take().unwrap_or_default()).or_default() += 1;
    }
    let rows = counts.iter().map(|(subject, count)| event_subject::ActiveModel { subject: Set(subject.clone()), last: Set(*count) });
    let rows: Vec<_> = rows.collect();
    let mut next: HashMap<String, i64> = HashMap::new();
    for chunk in rows.chunks(10_000) {
        let counted = event_subject::Entity::insert_many(chunk.to_vec()).on_conflict(counts_on()).exec_with_returning(conn).await?;
        next.extend(counted.into_iter().map(|row| {
            let count = counts.get(&row.subject).copied().unwrap_or(1);
            (row.subject, row.last - count)
        }));
    }
    for event in events {
        let subject = event.subject.clone().take().unwrap_or_default();
        let before = next.get_mut(&subject).ok_or_else(|| Error::internal("no event subject"))?;
        *before += 1;
        event.subject_sequence = Set(*before);
    }
    Ok(())
}
