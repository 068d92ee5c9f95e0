//! Editing header and basics: `reportUpdate`. The other sections have mutations and versions of their own.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::Datelike;
use entity::{enums::ReportSection, pipeline::ReportedField, report};

use super::{
    Report,
    basics::{self, BasicsInput},
    create::refuse_second,
};
use crate::{
    auth::Act,
    catalog::{application, number::FormNumber},
    deployment::{apply::entered, attach::adopt},
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::expect_version,
        payload::{UserError, answer},
        scalars::Day,
    },
    store::{Change, Origin, Store, update},
};

/// A patch of header and basics: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct ReportUpdateInput {
    /// The report.
    pub id: ID,
    /// Refused with `CONFLICT` when its `revision` is another.
    pub expected_version: Option<i32>,
    /// 对应发布申请编号; changeable before the first submission only.
    pub application_number: Option<String>,
    /// 编制日期; stays in the number's year.
    pub prepared_on: MaybeUndefined<Day>,
    /// The fields.
    #[graphql(flatten)]
    pub basics: BasicsInput,
}

/// What `reportUpdate` answers.
#[derive(SimpleObject)]
pub struct ReportUpdatePayload {
    /// The changed report; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Editing.
#[derive(Default)]
pub struct EditMutation;

#[Object]
impl EditMutation {
    /// Edits header, basics and participants.
    async fn report_update(&self, ctx: &Context<'_>, input: ReportUpdateInput) -> Result<ReportUpdatePayload> {
        let (report, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(ReportUpdatePayload { report: report.map(Report::new), user_errors })
    }
}

/// Edits a report.
///
/// # Errors
/// User errors, `FORBIDDEN`, `NOT_FOUND`, faults.
pub async fn run(store: &Store, origin: &Origin, input: ReportUpdateInput) -> Result<report::Model> {
    let ReportUpdateInput { id, expected_version, application_number, prepared_on, basics: input } = input;
    let mut permitted = store.open(origin, Kind::Report.uuid(&id)?).await?.permit(&[Act::ReportEdit])?;
    let before = permitted.report()?.clone();
    expect_version(expected_version, before.row_version)?;
    let mut row = before.clone();
    if let Some(text) = application_number {
        let number = FormNumber::application("applicationNumber", &text)?;
        let application = application::mention(&permitted, number).await?;
        if application.id != row.application_id {
            if row.first_submitted_at.is_some() || row.supersedes_id.is_some() {
                let said = say("The application is fixed once the report was submitted", "报告提交后不能更改对应的发布申请");
                return Err(Error::user(UserErrorCode::WrongState, "applicationNumber", said));
            }
            refuse_second(&permitted, application.id).await?;
            row.application_id = application.id;
            row.live_application_id = Some(application.id);
        }
    }
    match prepared_on {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Value(day) if day.0.year() == row.number_year => row.prepared_on = day.0,
        MaybeUndefined::Null | MaybeUndefined::Value(_) => {
            let year = row.number_year;
            let said =
                say(format!("The preparation date stays in {year}, the number's year"), format!("编制日期必须在编号所属的 {year} 年内"));
            return Err(Error::user(UserErrorCode::Invalid, "preparedOn", said));
        }
    }
    entered(&permitted, row.id, &pipeline_fields(&input)).await?;
    let rest = basics::apply(&permitted, &mut row, input).await?;
    let change = Change::of("reportUpdate").edited("Report", row.id, &before, &row);
    let change = rest.write(&mut permitted, &row, change).await?;
    if !change.is_empty() {
        row.row_version += 1;
        row.updated_at = permitted.now();
        update(&permitted, row.clone()).await?;
    }
    let change = change.content(ReportSection::Basics, row.id, row.row_version);
    permitted.note(change).await?;
    let leads = |r: &report::Model| (r.application_id, r.product_id, r.version_key.clone());
    if leads(&row) != leads(&before) {
        row = Box::pin(adopt(&mut permitted, "reportUpdate", row)).await?;
    }
    permitted.commit(Change::of("reportUpdate")).await?;
    Ok(row)
}

/// The fields of a patch that pipelines fill too: from now on they are a person's.
fn pipeline_fields(input: &BasicsInput) -> Vec<ReportedField> {
    let given = [
        (!input.planned_release_at.is_undefined(), ReportedField::PlannedRelease),
        (!input.actual_release_at.is_undefined(), ReportedField::ActualRelease),
        (!input.planned_duration_minutes.is_undefined(), ReportedField::PlannedDuration),
        (!input.actual_duration_minutes.is_undefined(), ReportedField::ActualDuration),
    ];
    given.into_iter().filter(|(given, _)| *given).map(|(_, field)| field).collect()
}
