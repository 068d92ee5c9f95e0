//! Creation: a number, the application on first mention, and everything that a new report starts with.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::Datelike;
use entity::{
    enums::{IssueCategory, LifeCycleAct, MilestoneKind, MilestonePrecision, ReleaseOutcome, ReportState},
    feedback_source, milestone, owner, post_release_stat, report, staffing,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, prelude::Uuid};

use super::{
    Report,
    basics::{self, BasicsInput},
    step::{self, Note},
};
use crate::{
    auth::Act,
    catalog::{application, number::FormNumber},
    deployment::attach::adopt,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        payload::{UserError, answer},
        scalars::Day,
    },
    store::{
        Announcement, Change, Origin, Permitted, Store,
        idempotency::{self, Key},
        insert, insert_later, numbering,
    },
};

/// A new report.
#[derive(Debug, Clone, InputObject)]
pub struct ReportCreateInput {
    /// 对应发布申请编号: `REL-APP-YYYY-NNN`. An application has one live report.
    pub application_number: String,
    /// 编制日期, whose year the number gets. Default: today.
    pub prepared_on: Option<Day>,
    /// The same key and input give the same report.
    pub idempotency_key: Option<String>,
    /// What is known already.
    #[graphql(flatten)]
    pub basics: BasicsInput,
}

/// What `reportCreate` answers.
#[derive(SimpleObject)]
pub struct ReportCreatePayload {
    /// The new draft; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Creation.
#[derive(Default)]
pub struct CreateMutation;

#[Object]
impl CreateMutation {
    /// Creates the draft of a report, with the form's departments, milestones, staffing rows and statistics.
    async fn report_create(&self, ctx: &Context<'_>, input: ReportCreateInput) -> Result<ReportCreatePayload> {
        let currency = &ctx.data::<crate::config::Settings>().map_err(|e| Error::internal(e.message))?.currency;
        let (report, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone(), currency)).await?;
        Ok(ReportCreatePayload { report: report.map(Report::new), user_errors })
    }
}

/// Creates a draft.
///
/// # Errors
/// User errors, `FORBIDDEN`, faults.
pub async fn run(store: &Store, origin: &Origin, input: ReportCreateInput, currency: &str) -> Result<report::Model> {
    let retry = Key::of("reportCreate", input.idempotency_key.as_deref(), &input);
    let ReportCreateInput { application_number, prepared_on, idempotency_key: _, basics: input } = input;
    let number = FormNumber::application("applicationNumber", &application_number)?;
    let mut permitted = store.create(origin, Act::ReportCreate).await?;
    if let Some(id) = idempotency::taken(&permitted, retry.as_ref()).await? {
        let id: Uuid = id.parse().map_err(Error::internal)?;
        let made = report::Entity::find_by_id(id).one(permitted.conn()).await?;
        return made.ok_or_else(crate::store::no_such_report);
    }
    let application = application::mention(&permitted, number).await?;
    refuse_second(&permitted, application.id).await?;
    let prepared_on = prepared_on.map_or_else(|| permitted.today(), |d| d.0);
    if !(2000..=2999).contains(&prepared_on.year()) {
        let said = say("The preparation date lies between 2000 and 2999", "编制日期应在 2000 年到 2999 年之间");
        return Err(Error::user(UserErrorCode::OutOfRange, "preparedOn", said));
    }
    let mut row = blank(&permitted, application.id, prepared_on, currency);
    let rest = basics::apply(&permitted, &mut row, input).await?.with_participants_of_the_form();
    give_number(&permitted, &mut row).await?;
    insert(&permitted, row.clone()).await?;
    start(&mut permitted, &row);
    let first = step::made(&permitted, LifeCycleAct::Create, &row, None, Note::default(), 1);
    insert_later(&mut permitted, first);
    idempotency::done(&permitted, retry.as_ref(), row.id).await?;
    let change = Change::of("reportCreate").beside(Some(row.id)).added("Report", row.id, &row);
    let change = rest.write(&mut permitted, &row, change).await?;
    permitted.note(change.announce(Announcement::report("report.created.v1"))).await?;
    // What pipelines reported before there was a report.
    let row = Box::pin(adopt(&mut permitted, "reportCreate", row)).await?;
    permitted.commit(Change::of("reportCreate")).await?;
    Ok(row)
}

/// Refuses a second live report of an application, naming the first.
///
/// # Errors
/// The user error `DUPLICATE`.
pub async fn refuse_second(permitted: &Permitted, application: Uuid) -> Result<()> {
    let live = report::Entity::find().filter(report::Column::LiveApplicationId.eq(application)).one(permitted.conn()).await?;
    match live {
        None => Ok(()),
        Some(first) => {
            let said = say(
                format!("The application already has the report {}; discard it first, or supersede it once it is filed", first.number),
                format!("该发布申请已有报告 {}，请先废弃该报告，或在其备案后取代", first.number),
            );
            Err(Error::user(UserErrorCode::Duplicate, "applicationNumber", said))
        }
    }
}

/// Gives the next number of the preparation date's year.
///
/// # Errors
/// A fault of the database.
pub async fn give_number(permitted: &Permitted, row: &mut report::Model) -> Result<()> {
    row.number_sequence = numbering::next(permitted, row.number_year).await?;
    row.number = FormNumber::report(row.number_year, row.number_sequence).to_string();
    Ok(())
}

fn blank(permitted: &Permitted, application_id: Uuid, prepared_on: chrono::NaiveDate, currency: &str) -> report::Model {
    report::Model {
        id: Uuid::now_v7(),
        number: String::new(),
        number_year: prepared_on.year(),
        number_sequence: 0,
        application_id,
        live_application_id: Some(application_id),
        prepared_by: "PRODUCT".into(),
        prepared_on,
        state: ReportState::Draft,
        outcome: ReleaseOutcome::Released,
        product_id: None,
        version: None,
        version_key: None,
        version_sort: None,
        release_type: None,
        release_owner_id: None,
        planned_release_at: None,
        actual_release_at: None,
        planned_duration_minutes: None,
        actual_duration_minutes: None,
        strategy: None,
        strategy_note: None,
        audience_internal: false,
        audience_partial_external: false,
        audience_all_external: false,
        external_percent: None,
        row_version: 1,
        effort_hours: None,
        production_servers: None,
        test_servers: None,
        storage_added_gb: None,
        currency: currency.to_owned(),
        budget_planned: None,
        budget_actual: None,
        budget_reason: None,
        resources_version: 1,
        strategy_fit: None,
        strategy_fit_reason: None,
        strategy_suggestions: None,
        compliance: None,
        non_compliances: None,
        rectification: None,
        evaluation_version: 1,
        features_added: None,
        bugs_fixed: None,
        vulnerabilities_fixed: None,
        highlights: None,
        strategy_findings: None,
        collaboration_findings: None,
        efficiency_gain_percent: None,
        summary_version: 1,
        round: 0,
        first_submitted_at: None,
        filed_at: None,
        supersedes_id: None,
        superseded_at: None,
        last_problem: 0,
        last_case: 0,
        created_by: permitted.person(),
        created_at: permitted.now(),
        updated_at: permitted.now(),
    }
}

/// The form's milestones: kind, precision, owners.
pub const MILESTONES: [(MilestoneKind, MilestonePrecision, &[&str]); 6] = [
    (MilestoneKind::PlanApproval, MilestonePrecision::Day, &["COMMITTEE"]),
    (MilestoneKind::TestingCompleted, MilestonePrecision::Day, &["TEST"]),
    (MilestoneKind::StagingVerification, MilestonePrecision::Day, &["OPS", "TEST"]),
    (MilestoneKind::ProductionDeployment, MilestonePrecision::Minute, &["OPS"]),
    (MilestoneKind::ReleaseVerification, MilestonePrecision::Minute, &["TEST", "PRODUCT"]),
    (MilestoneKind::ReviewMeeting, MilestonePrecision::Day, &["PRODUCT"]),
];

/// The form's statistics: category and its own feedback sources.
pub const STATISTICS: [(IssueCategory, &[&str]); 4] = [
    (IssueCategory::Functional, &["客户成功部", "用户反馈"]),
    (IssueCategory::Performance, &["运维部监控", "用户反馈"]),
    (IssueCategory::Compatibility, &["测试部", "用户反馈"]),
    (IssueCategory::Security, &["信息安全部"]),
];

/// Writes what every report starts with, in one statement with what is noted of it.
fn start(permitted: &mut Permitted, row: &report::Model) {
    let report_id = row.id;
    let (mut milestones, mut owners) = (Vec::new(), Vec::new());
    for (position, (kind, precision, departments)) in (1..).zip(MILESTONES) {
        let id = Uuid::now_v7();
        milestones.push(milestone::Model {
            id,
            report_id,
            kind,
            name: None,
            precision,
            position,
            planned_at: None,
            actual_at: None,
            delay_reason: None,
            not_applicable: false,
            not_applicable_reason: None,
            version: 1,
        });
        for (position, department) in (1..).zip(departments) {
            owners.push(owner::Model {
                id: Uuid::now_v7(),
                report_id,
                milestone_id: Some(id),
                problem_id: None,
                action_id: None,
                department: (*department).to_owned(),
                position,
                lead: false,
                current: true,
                submitted: false,
            });
        }
    }
    milestones.into_iter().for_each(|row| insert_later(permitted, row));
    owners.into_iter().for_each(|row| insert_later(permitted, row));
    let staffing = (1..).zip(["RND", "TEST", "OPS", "PRODUCT"]).map(|(position, department)| staffing::Model {
        id: Uuid::now_v7(),
        report_id,
        department: department.to_owned(),
        people: None,
        position,
    });
    staffing.for_each(|row| insert_later(permitted, row));
    let (mut statistics, mut sources) = (Vec::new(), Vec::new());
    for (category, texts) in STATISTICS {
        let id = Uuid::now_v7();
        statistics.push(post_release_stat::Model {
            id,
            report_id,
            category,
            found_p0: None,
            found_p1: None,
            found_p2: None,
            found_p3: None,
            found_high: None,
            found_medium: None,
            found_low: None,
            fixed: None,
            version: 1,
        });
        for (position, text) in (1..).zip(texts) {
            sources.push(feedback_source::Model { id: Uuid::now_v7(), stat_id: id, report_id, text: (*text).to_owned(), position });
        }
    }
    statistics.into_iter().for_each(|row| insert_later(permitted, row));
    sources.into_iter().for_each(|row| insert_later(permitted, row));
}
