//! Giving a report up: with a reason; the number stays used, the actions are cancelled, and the application is free again.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{
    enums::{LifeCycleAct, ReportState},
    report,
};
use serde_json::json;

use super::{
    Report,
    basics::REASON,
    step::{self, Note},
};
use crate::{
    auth::Act,
    deployment::attach::let_go,
    error::Result,
    graphql::{
        ids::Kind,
        input::Checks,
        payload::{UserError, answer},
    },
    improvement::state::cancel_all,
    store::{Announcement, Change, Origin, Store},
};

/// Which report to give up, and why.
#[derive(Debug, Clone, InputObject)]
pub struct ReportDiscardInput {
    /// The report.
    pub id: ID,
    /// Why.
    pub reason: String,
}

/// What `reportDiscard` answers.
#[derive(SimpleObject)]
pub struct ReportDiscardPayload {
    /// The discarded report; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Discarding.
#[derive(Default)]
pub struct DiscardMutation;

#[Object]
impl DiscardMutation {
    /// Gives the report up for good: it keeps its number, its actions are cancelled.
    async fn report_discard(&self, ctx: &Context<'_>, input: ReportDiscardInput) -> Result<ReportDiscardPayload> {
        let (report, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(ReportDiscardPayload { report: report.map(Report::new), user_errors })
    }
}

/// Discards a report.
///
/// # Errors
/// User errors, `FORBIDDEN`, `NOT_FOUND`, faults.
pub async fn run(store: &Store, origin: &Origin, input: ReportDiscardInput) -> Result<report::Model> {
    let ReportDiscardInput { id, reason } = input;
    let mut permitted = store.open(origin, Kind::Report.uuid(&id)?).await?.permit(&[Act::ReportDiscard])?;
    let mut checks = Checks::default();
    checks.filled("reason", &reason, REASON);
    checks.done()?;
    let before = permitted.report()?.clone();
    let change = cancel_all(&permitted, before.id, &reason, Change::of("reportDiscard")).await?;
    let mut row = before.clone();
    row.live_application_id = None;
    let note = Note { reason: Some(reason.clone()), ..Note::default() };
    let row = step::take(&permitted, LifeCycleAct::Discard, row, ReportState::Discarded, note).await?;
    let change = change.edited("Report", row.id, &before, &row).field("Report", row.id, "reason", None::<()>, &reason);
    let told = json!({ "reason": reason });
    permitted.note(change.announce(Announcement::report("report.discarded.v1").with("discard", told))).await?;
    Box::pin(let_go(&mut permitted, "reportDiscard", &row)).await?;
    permitted.commit(Change::of("reportDiscard")).await?;
    Ok(row)
}
