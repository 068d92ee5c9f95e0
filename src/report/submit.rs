//! Submission: refused with the complete list of what is missing; otherwise the content is frozen and its actions are watched.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{
    department,
    enums::{LifeCycleAct, ReportState},
    report, submission,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, prelude::Uuid};
use serde_json::json;

use super::{
    Report, completeness,
    content::Content,
    digest,
    step::{self, Note},
};
use crate::{
    auth::Act,
    config::Settings,
    error::{Error, Result},
    graphql::{
        ids::Kind,
        input::expect_version,
        payload::{UserError, answer},
    },
    improvement::state::watch,
    store::{Announcement, Change, Origin, Store, insert},
};

/// Which report to submit.
#[derive(Debug, Clone, InputObject)]
pub struct ReportSubmitInput {
    /// The report.
    pub id: ID,
    /// Refused with `CONFLICT` when its `revision` is another.
    pub expected_version: Option<i32>,
}

/// What `reportSubmit` answers.
#[derive(SimpleObject)]
pub struct ReportSubmitPayload {
    /// The submitted report; null when there are user errors.
    report: Option<Report>,
    /// With `INCOMPLETE`: everything that is missing, each with the department that owes it.
    user_errors: Vec<UserError>,
}

/// Submission.
#[derive(Default)]
pub struct SubmitMutation;

#[Object]
impl SubmitMutation {
    /// Submits the report for signature. Refused with everything that is missing, as `completeness` lists it.
    async fn report_submit(&self, ctx: &Context<'_>, input: ReportSubmitInput) -> Result<ReportSubmitPayload> {
        let grace = ctx.data::<Settings>().map_err(|e| Error::internal(e.message))?.immediate_grace_days;
        let (report, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone(), grace)).await?;
        Ok(ReportSubmitPayload { report: report.map(Report::new), user_errors })
    }
}

/// Submits a report.
///
/// # Errors
/// User errors, `FORBIDDEN`, `NOT_FOUND`, faults.
pub async fn run(store: &Store, origin: &Origin, input: ReportSubmitInput, grace_days: u32) -> Result<report::Model> {
    let ReportSubmitInput { id, expected_version } = input;
    let permitted = store.open(origin, Kind::Report.uuid(&id)?).await?.permit(&[Act::ReportSubmit])?;
    let before = permitted.report()?.clone();
    expect_version(expected_version, before.row_version)?;
    let content = Content::of(&permitted, before.clone()).await?;
    let retired = department::Entity::find().filter(department::Column::Active.eq(false)).all(permitted.conn()).await?;
    let retired = retired.into_iter().map(|d| d.code).collect();
    let today = permitted.today();
    let missing = completeness::as_errors(completeness::needs(&content, &retired, permitted.calendar(), today));
    if !missing.is_empty() {
        return Err(Error::User(missing));
    }
    let mut row = before.clone();
    row.round += 1;
    row.first_submitted_at.get_or_insert(permitted.now());
    watch(&permitted, &content, grace_days).await?;
    // Read again: the actions are now as they are submitted.
    let content = Content::of(&permitted, row.clone()).await?;
    let canonical = digest::of(&permitted, &content).await?;
    let snapshot = submission::Model {
        id: Uuid::now_v7(),
        report_id: row.id,
        round: row.round,
        digest: canonical.digest.clone(),
        canonical: canonical.text,
        names: digest::names(&permitted, &content).await?,
        at: permitted.now(),
    };
    insert(&permitted, snapshot).await?;
    let note = Note { digest: Some(canonical.digest.clone()), ..Note::default() };
    let row = step::take(&permitted, LifeCycleAct::Submit, row, ReportState::Submitted, note).await?;
    let told = json!({ "round": row.round, "digest": canonical.digest });
    let change = Change::of("reportSubmit").edited("Report", row.id, &before, &row);
    permitted.commit(change.announce(Announcement::report("report.submitted.v1").with("submission", told))).await?;
    Ok(row)
}
