//! Filing: the committee's agreeing opinion and the filing, together. A report that supersedes another takes its place now.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{
    enums::{LifeCycleAct, ReportState},
    report,
};
use sea_orm::{EntityTrait, QuerySelect};
use serde_json::json;

use super::{
    Report,
    sign::submitted_digest,
    step::{self, Note},
};
use crate::{
    auth::Act,
    catalog::department::check_codes,
    deployment::attach::hand_over,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::Checks,
        payload::{UserError, answer},
        scalars::Day,
    },
    store::{Announcement, Change, Origin, Store, update},
};

/// What to file.
#[derive(Debug, Clone, InputObject)]
pub struct ReportFileInput {
    /// The report.
    pub id: ID,
    /// 备案部门: code. Default `COMMITTEE_OFFICE`.
    pub department: Option<String>,
    /// 备案日期. Default: today. Not in the future.
    pub date: Option<Day>,
    /// The `contentDigest` that the committee saw; refused with `CONFLICT` when another was submitted since.
    pub digest: Option<String>,
}

/// What `reportFile` answers.
#[derive(SimpleObject)]
pub struct ReportFilePayload {
    /// The filed report; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Filing.
#[derive(Default)]
pub struct FileMutation;

#[Object]
impl FileMutation {
    /// 同意备案: writes the committee's agreement and the filing together.
    async fn report_file(&self, ctx: &Context<'_>, input: ReportFileInput) -> Result<ReportFilePayload> {
        let (report, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(ReportFilePayload { report: report.map(Report::new), user_errors })
    }
}

/// Files a report.
///
/// # Errors
/// User errors, `FORBIDDEN`, `NOT_FOUND`, faults.
pub async fn run(store: &Store, origin: &Origin, input: ReportFileInput) -> Result<report::Model> {
    let ReportFileInput { id, department, date, digest } = input;
    let mut permitted = store.open(origin, Kind::Report.uuid(&id)?).await?.permit(&[Act::ReportFile])?;
    let before = permitted.report()?.clone();
    let department = department.unwrap_or_else(|| "COMMITTEE_OFFICE".into());
    let date = date.map_or_else(|| permitted.today(), |d| d.0);
    let mut checks = Checks::default();
    check_codes(&permitted, &mut checks, "department", std::slice::from_ref(&department), &[]).await?;
    checks.require(date <= permitted.today(), UserErrorCode::Invalid, "date", || {
        say("The filing date is in the future", "备案日期不能晚于今天")
    });
    checks.done()?;
    let digest = submitted_digest(&permitted, digest.as_deref()).await?;
    let mut row = before.clone();
    row.filed_at = Some(permitted.now());
    let mut change = Change::of("reportFile");
    if let Some(old) = row.supersedes_id {
        let found = report::Entity::find_by_id(old).lock_exclusive().one(permitted.conn()).await?;
        let old = found.ok_or_else(|| Error::internal("a report supersedes nothing"))?;
        let mut superseded = old.clone();
        superseded.live_application_id = None;
        superseded.superseded_at = Some(permitted.now());
        superseded.row_version += 1;
        update(&permitted, superseded.clone()).await?;
        row.live_application_id = Some(row.application_id);
        let successor = json!({ "number": row.number });
        change = change
            .edited("Report", old.id, &old, &superseded)
            .announce(Announcement::report("report.superseded.v1").of(old.id).with("successor", successor));
    }
    let note = Note { digest: Some(digest.clone()), department: Some(department.clone()), filed_on: Some(date), ..Note::default() };
    let row = step::take(&permitted, LifeCycleAct::File, row, ReportState::Filed, note).await?;
    let told = json!({ "round": row.round, "digest": digest, "department": department, "date": date });
    let change = change.edited("Report", row.id, &before, &row);
    permitted.note(change.announce(Announcement::report("report.filed.v1").with("filing", told))).await?;
    let row = match row.supersedes_id {
        Some(old) => Box::pin(hand_over(&mut permitted, "reportFile", old, row, true)).await?,
        None => row,
    };
    permitted.commit(Change::of("reportFile")).await?;
    Ok(row)
}
