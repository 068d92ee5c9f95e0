//! Sending back: `reportReturn` by the product head or the committee, with a reason; `reportWithdraw` by PRODUCT itself.

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
    deployment::attach::apply_held,
    error::Result,
    graphql::{
        ids::Kind,
        input::Checks,
        payload::{UserError, answer},
    },
    store::{Announcement, Change, Origin, Store},
};

/// Which report to send back, and why.
#[derive(Debug, Clone, InputObject)]
pub struct ReportReturnInput {
    /// The report.
    pub id: ID,
    /// Why. Of the committee: 补充要求, what is to be supplemented.
    pub reason: String,
}

/// Which submission to take back.
#[derive(Debug, Clone, InputObject)]
pub struct ReportWithdrawInput {
    /// The report.
    pub id: ID,
}

/// What `reportReturn` answers.
#[derive(SimpleObject)]
pub struct ReportReturnPayload {
    /// The returned report; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `reportWithdraw` answers.
#[derive(SimpleObject)]
pub struct ReportWithdrawPayload {
    /// The report, writable again; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Sending back.
#[derive(Default)]
pub struct SendBackMutation;

#[Object]
impl SendBackMutation {
    /// Sends the report back with a reason. From `SIGNED` it is the committee's opinion 需补充说明.
    async fn report_return(&self, ctx: &Context<'_>, input: ReportReturnInput) -> Result<ReportReturnPayload> {
        let (report, user_errors) = answer(ctx, |store, origin| send_back(store, origin, input.clone())).await?;
        Ok(ReportReturnPayload { report: report.map(Report::new), user_errors })
    }

    /// Takes a submission back before it is signed.
    async fn report_withdraw(&self, ctx: &Context<'_>, input: ReportWithdrawInput) -> Result<ReportWithdrawPayload> {
        let (report, user_errors) = answer(ctx, |store, origin| withdraw(store, origin, input.clone())).await?;
        Ok(ReportWithdrawPayload { report: report.map(Report::new), user_errors })
    }
}

async fn send_back(store: &Store, origin: &Origin, input: ReportReturnInput) -> Result<report::Model> {
    let ReportReturnInput { id, reason } = input;
    let mut permitted = store.open(origin, Kind::Report.uuid(&id)?).await?.permit(&[Act::ReportReturn])?;
    let mut checks = Checks::default();
    checks.filled("reason", &reason, REASON);
    checks.done()?;
    let before = permitted.report()?.clone();
    let note = Note { reason: Some(reason.clone()), ..Note::default() };
    let row = step::take(&permitted, LifeCycleAct::Return, before.clone(), ReportState::Returned, note).await?;
    let change = Change::of("reportReturn").edited("Report", row.id, &before, &row).field("Report", row.id, "reason", None::<()>, &reason);
    let told = json!({ "round": row.round, "from": before.state, "reason": reason });
    permitted.note(change.announce(Announcement::report("report.returned.v1").with("return", told))).await?;
    let row = Box::pin(apply_held(&mut permitted, "reportReturn", row)).await?;
    permitted.commit(Change::of("reportReturn")).await?;
    Ok(row)
}

async fn withdraw(store: &Store, origin: &Origin, input: ReportWithdrawInput) -> Result<report::Model> {
    let ReportWithdrawInput { id } = input;
    let mut permitted = store.open(origin, Kind::Report.uuid(&id)?).await?.permit(&[Act::ReportWithdraw])?;
    let before = permitted.report()?.clone();
    let row = step::take(&permitted, LifeCycleAct::Withdraw, before.clone(), ReportState::Returned, Note::default()).await?;
    let change = Change::of("reportWithdraw").edited("Report", row.id, &before, &row);
    permitted.note(change.announce(Announcement::report("report.withdrawn.v1"))).await?;
    let row = Box::pin(apply_held(&mut permitted, "reportWithdraw", row)).await?;
    permitted.commit(Change::of("reportWithdraw")).await?;
    Ok(row)
}
