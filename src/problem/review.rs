//! Writing and removing the incident review of a problem.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{enums::ReportSection, incident_review, problem, timeline_entry};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};

use super::Problem;
use crate::{
    auth::Act,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::{Checks, LONG, expect_version},
        payload::{UserError, answer},
        scalars::Instant,
    },
    report::owners::{Owned, codes},
    store::{Change, Opened, Origin, Permitted, Store, insert, insert_many, update},
};

/// A row of the timeline.
#[derive(Debug, Clone, InputObject)]
pub struct TimelineEntryInput {
    /// When.
    pub at: Instant,
    /// What happened.
    pub event: String,
}

/// A patch of the review, made if there is none: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct IncidentReviewWriteInput {
    /// The problem.
    pub problem_id: ID,
    /// Refused with `CONFLICT` when the review's version is another; 0 for "there is none yet".
    pub expected_version: Option<i32>,
    /// 问题详情.
    pub details: MaybeUndefined<String>,
    /// 根本原因.
    pub root_cause: MaybeUndefined<String>,
    /// 处理过程; the list replaces the one before.
    pub timeline: MaybeUndefined<Vec<TimelineEntryInput>>,
    /// 责任认定.
    pub accountability: MaybeUndefined<String>,
    /// 改进措施.
    pub corrective_measures: MaybeUndefined<String>,
}

/// Which review to remove.
#[derive(Debug, Clone, InputObject)]
pub struct IncidentReviewRemoveInput {
    /// The problem.
    pub problem_id: ID,
    /// Refused with `CONFLICT` when the review's version is another.
    pub expected_version: Option<i32>,
}

/// What `incidentReviewWrite` answers.
#[derive(SimpleObject)]
pub struct IncidentReviewWritePayload {
    /// The problem with its review; null when there are user errors.
    problem: Option<Problem>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `incidentReviewRemove` answers.
#[derive(SimpleObject)]
pub struct IncidentReviewRemovePayload {
    /// The problem without a review; null when there are user errors.
    problem: Option<Problem>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of reviews.
#[derive(Default)]
pub struct ReviewMutation;

#[Object]
impl ReviewMutation {
    /// 3.2 重大问题复盘: writes the review of a problem.
    async fn incident_review_write(&self, ctx: &Context<'_>, input: IncidentReviewWriteInput) -> Result<IncidentReviewWritePayload> {
        let (problem, user_errors) = answer(ctx, |store, origin| write(store, origin, input.clone())).await?;
        Ok(IncidentReviewWritePayload { problem: problem.map(Problem), user_errors })
    }

    /// Removes the review of a problem.
    async fn incident_review_remove(&self, ctx: &Context<'_>, input: IncidentReviewRemoveInput) -> Result<IncidentReviewRemovePayload> {
        let (problem, user_errors) = answer(ctx, |store, origin| remove(store, origin, input.clone())).await?;
        Ok(IncidentReviewRemovePayload { problem: problem.map(Problem), user_errors })
    }
}

async fn open(store: &Store, origin: &Origin, id: &ID) -> Result<(Permitted, problem::Model)> {
    let (opened, problem): (Opened, _) = store.open_row::<problem::Entity>(origin, Kind::Problem.uuid(id)?).await?;
    let owners = codes(&Owned::Problem(problem.id).opened(&opened).await?);
    let permitted = opened.permit(&[Act::ProblemEdit { owners: &owners, recorded_by: problem.recorded_by }])?;
    Ok((permitted, problem))
}

/// The timeline as the audit log shows it: time and what happened, in order.
pub(super) async fn timeline_of(permitted: &Permitted, problem: Uuid) -> Result<Vec<(DateTime<Utc>, String)>> {
    let query =
        timeline_entry::Entity::find().filter(timeline_entry::Column::ProblemId.eq(problem)).order_by_asc(timeline_entry::Column::Position);
    Ok(query.all(permitted.conn()).await?.into_iter().map(|t| (t.at, t.event)).collect())
}

async fn write(store: &Store, origin: &Origin, input: IncidentReviewWriteInput) -> Result<problem::Model> {
    let IncidentReviewWriteInput { problem_id, expected_version, details, root_cause, timeline, accountability, corrective_measures } =
        input;
    let (permitted, problem) = open(store, origin, &problem_id).await?;
    let before = incident_review::Entity::find_by_id(problem.id).one(permitted.conn()).await?;
    expect_version(expected_version, before.as_ref().map_or(0, |r| r.version))?;
    let mut row = before.clone().unwrap_or(incident_review::Model {
        problem_id: problem.id,
        report_id: problem.report_id,
        details: None,
        root_cause: None,
        accountability: None,
        corrective_measures: None,
        version: 0,
    });
    let mut checks = Checks::default();
    checks.patch_text("details", details, LONG, &mut row.details);
    checks.patch_text("rootCause", root_cause, LONG, &mut row.root_cause);
    checks.patch_text("accountability", accountability, LONG, &mut row.accountability);
    checks.patch_text("correctiveMeasures", corrective_measures, LONG, &mut row.corrective_measures);
    let old = timeline_of(&permitted, problem.id).await?;
    let mut new = old.clone();
    checks.patch_value("timeline", timeline.map_value(|list| list.into_iter().map(|t| (t.at.0, t.event)).collect()), &mut new);
    checks.list("timeline", &new, 200);
    for (index, (_, event)) in new.iter().enumerate() {
        checks.filled(&format!("timeline.{index}.event"), event, LONG);
    }
    checks.require(new.is_sorted_by_key(|(at, _)| *at), UserErrorCode::Invalid, "timeline", || {
        say("The timeline is not in the order of its times", "处理过程未按时间先后排列")
    });
    checks.done()?;
    let change = Change::of("incidentReviewWrite");
    let change = match &before {
        Some(before) => change.edited("IncidentReview", row.problem_id, before, &row),
        None => change.added("IncidentReview", row.problem_id, &row),
    };
    let change = change.field("IncidentReview", row.problem_id, "timeline", &old, &new);
    if !change.is_empty() {
        row.version += 1;
        if before.is_some() { update(&permitted, row.clone()).await? } else { insert(&permitted, row.clone()).await? }
    }
    if new != old {
        timeline_entry::Entity::delete_many().filter(timeline_entry::Column::ProblemId.eq(problem.id)).exec(permitted.conn()).await?;
        let rows = (1..).zip(new).map(|(position, (at, event))| timeline_entry::Model {
            id: Uuid::now_v7(),
            problem_id: problem.id,
            report_id: problem.report_id,
            at,
            event,
            position,
        });
        insert_many(&permitted, rows.collect()).await?;
    }
    permitted.commit(change.content(ReportSection::Problems, row.problem_id, row.version)).await?;
    Ok(problem)
}

async fn remove(store: &Store, origin: &Origin, input: IncidentReviewRemoveInput) -> Result<problem::Model> {
    let IncidentReviewRemoveInput { problem_id, expected_version } = input;
    let (permitted, problem) = open(store, origin, &problem_id).await?;
    let found = incident_review::Entity::find_by_id(problem.id).one(permitted.conn()).await?;
    let row = found.ok_or_else(|| Error::not_found("Incident review"))?;
    expect_version(expected_version, row.version)?;
    let timeline = timeline_of(&permitted, problem.id).await?;
    incident_review::Entity::delete_by_id(row.problem_id).exec(permitted.conn()).await?;
    let change = Change::of("incidentReviewRemove").removed("IncidentReview", row.problem_id, &row);
    let change = change.field("IncidentReview", row.problem_id, "timeline", &timeline, None::<()>);
    permitted.commit(change.content(ReportSection::Problems, row.problem_id, row.version)).await?;
    Ok(problem)
}
