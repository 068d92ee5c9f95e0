//! A mistake found after filing: a new draft with a copy of the content, a number of its own and a link both ways. The
//! filed report stays as it is, and counts as superseded once the new one is filed.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::Datelike;
use entity::{
    department_evaluation,
    enums::{LifeCycleAct, ReportState},
    feedback_source, improvement_action, incident_review, milestone, owner, participant, participant_person, planned_fix,
    post_release_stat, problem, report, reported_value, shortcoming, staffing, timeline_entry, typical_case,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, prelude::Uuid};

use super::{
    Report,
    content::Content,
    create::give_number,
    step::{self, Note},
};
use crate::{
    auth::Act,
    deployment::attach::hand_over,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        payload::{UserError, answer},
    },
    store::{Announcement, Change, Origin, Permitted, Store, insert, insert_many},
};

/// Which report to replace.
#[derive(Debug, Clone, InputObject)]
pub struct ReportSupersedeInput {
    /// The filed report.
    pub id: ID,
}

/// What `reportSupersede` answers.
#[derive(SimpleObject)]
pub struct ReportSupersedePayload {
    /// The new draft; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Superseding.
#[derive(Default)]
pub struct SupersedeMutation;

#[Object]
impl SupersedeMutation {
    /// Opens a draft that replaces a filed report, with a copy of its content. Its actions are copied as plans; those of the
    /// filed report live on until they are completed or cancelled.
    async fn report_supersede(&self, ctx: &Context<'_>, input: ReportSupersedeInput) -> Result<ReportSupersedePayload> {
        let (report, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(ReportSupersedePayload { report: report.map(Report::new), user_errors })
    }
}

/// Opens the new draft.
///
/// # Errors
/// User errors, `FORBIDDEN`, `NOT_FOUND`, faults.
pub async fn run(store: &Store, origin: &Origin, input: ReportSupersedeInput) -> Result<report::Model> {
    let ReportSupersedeInput { id } = input;
    let mut permitted = store.open(origin, Kind::Report.uuid(&id)?).await?.permit(&[Act::ReportSupersede])?;
    let filed = permitted.report()?.clone();
    refuse_second(&permitted, &filed).await?;
    let content = Content::of(&permitted, filed.clone()).await?;
    let today = permitted.today();
    let mut row = report::Model {
        id: Uuid::now_v7(),
        live_application_id: None,
        prepared_on: today,
        number_year: today.year(),
        state: ReportState::Draft,
        round: 0,
        first_submitted_at: None,
        filed_at: None,
        supersedes_id: Some(filed.id),
        superseded_at: None,
        row_version: 1,
        resources_version: 1,
        evaluation_version: 1,
        summary_version: 1,
        created_by: permitted.person(),
        created_at: permitted.now(),
        updated_at: permitted.now(),
        ..filed.clone()
    };
    give_number(&permitted, &mut row).await?;
    insert(&permitted, row.clone()).await?;
    copy(&permitted, &content, row.id).await?;
    step::record(&permitted, LifeCycleAct::Create, &row, None, Note::default()).await?;
    step::record(&permitted, LifeCycleAct::Supersede, &filed, Some(ReportState::Filed), Note::default()).await?;
    let change = Change::of("reportSupersede")
        .added("Report", row.id, &row)
        .field("Report", filed.id, "supersededBy", None::<()>, row.id)
        .announce(Announcement::report("report.created.v1").of(row.id));
    permitted.note(change).await?;
    let row = Box::pin(hand_over(&mut permitted, "reportSupersede", filed.id, row, false)).await?;
    permitted.commit(Change::of("reportSupersede")).await?;
    Ok(row)
}

async fn refuse_second(permitted: &Permitted, filed: &report::Model) -> Result<()> {
    let open = report::Entity::find()
        .filter(report::Column::SupersedesId.eq(filed.id))
        .filter(report::Column::State.ne(ReportState::Discarded))
        .one(permitted.conn())
        .await?;
    match open {
        Some(open) => {
            let said = say(format!("{} supersedes this report already", open.number), format!("报告 {} 已取代本报告", open.number));
            Err(Error::user(UserErrorCode::Duplicate, "id", said))
        }
        None => Ok(()),
    }
}

/// Copies every row under new ids.
async fn copy(permitted: &Permitted, content: &Content, report_id: Uuid) -> Result<()> {
    let mut ids: HashMap<Uuid, Uuid> = HashMap::new();
    let mut renew = |old: Uuid| *ids.entry(old).or_insert_with(Uuid::now_v7);
    let participants = content.participants.iter().map(|r| participant::Model { id: renew(r.id), report_id, ..r.clone() }).collect();
    let people = content.people.iter().map(|r| participant_person::Model {
        id: Uuid::now_v7(),
        report_id,
        participant_id: renew(r.participant_id),
        ..r.clone()
    });
    let people = people.collect();
    let staffing = content.staffing.iter().map(|r| staffing::Model { id: Uuid::now_v7(), report_id, ..r.clone() }).collect();
    let milestones = content.milestones.iter().map(|r| milestone::Model { id: renew(r.id), report_id, version: 1, ..r.clone() }).collect();
    let problems = content.problems.iter().map(|r| problem::Model { id: renew(r.id), report_id, version: 1, ..r.clone() }).collect();
    let reviews =
        content.reviews.iter().map(|r| incident_review::Model { problem_id: renew(r.problem_id), report_id, version: 1, ..r.clone() });
    let reviews = reviews.collect();
    let timeline = content.timeline.iter().map(|r| timeline_entry::Model {
        id: Uuid::now_v7(),
        problem_id: renew(r.problem_id),
        report_id,
        ..r.clone()
    });
    let timeline = timeline.collect();
    let statistics = content.statistics.iter().map(|r| post_release_stat::Model { id: renew(r.id), report_id, version: 1, ..r.clone() });
    let statistics = statistics.collect();
    let fixes = content.fixes.iter().map(|r| planned_fix::Model { id: Uuid::now_v7(), stat_id: renew(r.stat_id), report_id, ..r.clone() });
    let fixes = fixes.collect();
    let sources =
        content.sources.iter().map(|r| feedback_source::Model { id: Uuid::now_v7(), stat_id: renew(r.stat_id), report_id, ..r.clone() });
    let sources = sources.collect();
    let cases = content.cases.iter().map(|r| typical_case::Model { id: Uuid::now_v7(), report_id, version: 1, ..r.clone() }).collect();
    let evaluations =
        content.evaluations.iter().map(|r| department_evaluation::Model { id: Uuid::now_v7(), report_id, version: 1, ..r.clone() });
    let evaluations = evaluations.collect();
    let shortcomings = content.shortcomings.iter().map(|r| shortcoming::Model { id: Uuid::now_v7(), report_id, ..r.clone() }).collect();
    let actions = content.actions.iter().map(|r| improvement_action::Model {
        id: renew(r.id),
        report_id,
        watched_from: None,
        open_due_on: None,
        status_kept: "PLANNED".into(),
        ended_at: None,
        cancelled_at: None,
        closing_reason: None,
        closed_by: None,
        created_by: permitted.person(),
        created_at: permitted.now(),
        version: 1,
        ..r.clone()
    });
    let actions = actions.collect();
    let owners = content.owners.iter().filter(|r| r.current).map(|r| owner::Model {
        id: Uuid::now_v7(),
        report_id,
        milestone_id: r.milestone_id.map(&mut renew),
        problem_id: r.problem_id.map(&mut renew),
        action_id: r.action_id.map(&mut renew),
        submitted: false,
        ..r.clone()
    });
    let owners = owners.collect();
    insert_many::<participant::Model>(permitted, participants).await?;
    insert_many::<participant_person::Model>(permitted, people).await?;
    insert_many::<staffing::Model>(permitted, staffing).await?;
    insert_many::<milestone::Model>(permitted, milestones).await?;
    insert_many::<problem::Model>(permitted, problems).await?;
    insert_many::<incident_review::Model>(permitted, reviews).await?;
    insert_many::<timeline_entry::Model>(permitted, timeline).await?;
    insert_many::<post_release_stat::Model>(permitted, statistics).await?;
    insert_many::<planned_fix::Model>(permitted, fixes).await?;
    insert_many::<feedback_source::Model>(permitted, sources).await?;
    insert_many::<typical_case::Model>(permitted, cases).await?;
    insert_many::<department_evaluation::Model>(permitted, evaluations).await?;
    insert_many::<shortcoming::Model>(permitted, shortcomings).await?;
    insert_many::<improvement_action::Model>(permitted, actions).await?;
    insert_many::<owner::Model>(permitted, owners).await?;
    let values =
        reported_value::Entity::find().filter(reported_value::Column::ReportId.eq(content.report.id)).all(permitted.conn()).await?;
    let values = values.into_iter().map(|v| reported_value::Model { id: Uuid::now_v7(), report_id, ..v });
    insert_many::<reported_value::Model>(permitted, values.collect()).await
}
