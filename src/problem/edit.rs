//! Recording, editing and removing problems.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{
    deployment,
    enums::{Impact, ProblemPhase, ReportSection},
    incident_review, problem, report,
};
use sea_orm::{EntityTrait, prelude::Uuid};
use serde_json::json;

use super::{Problem, review::timeline_of};
use crate::{
    auth::Act,
    catalog::department::check_codes,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::{Checks, LONG, expect_version, patch_into},
        payload::{UserError, answer},
        scalars::Instant,
    },
    report::{
        Report,
        owners::{Owned, codes},
    },
    store::{
        Announcement, Change, Origin, Permitted, Store,
        idempotency::{self, Key},
        insert, update,
    },
};

/// The fields of a problem: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct ProblemFields {
    /// 出现阶段.
    pub phase: MaybeUndefined<ProblemPhase>,
    /// 影响程度. Once recorded, of PRODUCT.
    pub impact: MaybeUndefined<Impact>,
    /// 处理措施.
    pub resolution: MaybeUndefined<String>,
    /// 处理时长, in minutes.
    pub handling_minutes: MaybeUndefined<i32>,
    /// When it was noticed.
    pub detected_at: MaybeUndefined<Instant>,
    /// When it was over.
    pub resolved_at: MaybeUndefined<Instant>,
    /// The deployment that it is tied to: one of this report.
    pub deployment_id: MaybeUndefined<ID>,
    /// Whether it triggered a rollback.
    pub triggered_rollback: MaybeUndefined<bool>,
    /// 负责部门: codes, in order. Once recorded, of PRODUCT.
    pub owners: MaybeUndefined<Vec<String>>,
}

/// A new problem.
#[derive(Debug, Clone, InputObject)]
pub struct ProblemAddInput {
    /// The report.
    pub report_id: ID,
    /// 问题描述.
    pub description: String,
    /// The same key and input give the same problem.
    pub idempotency_key: Option<String>,
    /// What is known already.
    #[graphql(flatten)]
    pub fields: ProblemFields,
}

/// A patch of a problem.
#[derive(Debug, Clone, InputObject)]
pub struct ProblemUpdateInput {
    /// The problem.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// 问题描述.
    pub description: MaybeUndefined<String>,
    /// The fields.
    #[graphql(flatten)]
    pub fields: ProblemFields,
}

/// Which problem to remove.
#[derive(Debug, Clone, InputObject)]
pub struct ProblemRemoveInput {
    /// The problem.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
}

/// What `problemAdd` answers.
#[derive(SimpleObject)]
pub struct ProblemAddPayload {
    /// The new problem; null when there are user errors.
    problem: Option<Problem>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `problemUpdate` answers.
#[derive(SimpleObject)]
pub struct ProblemUpdatePayload {
    /// The changed problem; null when there are user errors.
    problem: Option<Problem>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `problemRemove` answers.
#[derive(SimpleObject)]
pub struct ProblemRemovePayload {
    /// The report without it; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of problems.
#[derive(Default)]
pub struct ProblemEditMutation;

#[Object]
impl ProblemEditMutation {
    /// Records a problem, with the next code of the report.
    async fn problem_add(&self, ctx: &Context<'_>, input: ProblemAddInput) -> Result<ProblemAddPayload> {
        let (problem, user_errors) = answer(ctx, |store, origin| add(store, origin, input.clone())).await?;
        Ok(ProblemAddPayload { problem: problem.map(Problem), user_errors })
    }

    /// Edits a problem. Impact and owners are of PRODUCT.
    async fn problem_update(&self, ctx: &Context<'_>, input: ProblemUpdateInput) -> Result<ProblemUpdatePayload> {
        let (problem, user_errors) = answer(ctx, |store, origin| edit(store, origin, input.clone())).await?;
        Ok(ProblemUpdatePayload { problem: problem.map(Problem), user_errors })
    }

    /// Removes a problem; its code is not used again.
    async fn problem_remove(&self, ctx: &Context<'_>, input: ProblemRemoveInput) -> Result<ProblemRemovePayload> {
        let (report, user_errors) = answer(ctx, |store, origin| remove(store, origin, input.clone())).await?;
        Ok(ProblemRemovePayload { report: report.map(Report::new), user_errors })
    }
}

/// Applies the fields; owners are checked and returned.
fn apply(checks: &mut Checks, row: &mut problem::Model, fields: ProblemFields, owners: &mut Vec<String>) {
    let ProblemFields {
        phase,
        impact,
        resolution,
        handling_minutes,
        detected_at,
        resolved_at,
        deployment_id: _,
        triggered_rollback,
        owners: new_owners,
    } = fields;
    patch_into(phase, &mut row.phase);
    patch_into(impact, &mut row.impact);
    checks.patch_text("resolution", resolution, LONG, &mut row.resolution);
    checks.patch_count("handlingMinutes", handling_minutes, &mut row.handling_minutes);
    patch_into(detected_at.map_value(|t| t.0), &mut row.detected_at);
    patch_into(resolved_at.map_value(|t| t.0), &mut row.resolved_at);
    if let (Some(detected), Some(resolved)) = (row.detected_at, row.resolved_at) {
        checks.require(detected <= resolved, UserErrorCode::Invalid, "resolvedAt", || {
            say("It was resolved before it was detected", "解决时间不能早于发现时间")
        });
    }
    checks.patch_value("triggeredRollback", triggered_rollback, &mut row.triggered_rollback);
    checks.patch_value("owners", new_owners, owners);
}

/// Ties a problem to a deployment of its report, or unties it.
async fn tie(permitted: &Permitted, checks: &mut Checks, row: &mut problem::Model, to: &MaybeUndefined<ID>) -> Result<()> {
    match to {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => row.deployment_id = None,
        MaybeUndefined::Value(id) => {
            let found = deployment::Entity::find_by_id(Kind::Deployment.uuid(id)?).one(permitted.conn()).await?;
            let reports = [Some(row.report_id), permitted.report()?.supersedes_id];
            let of_report = found.as_ref().is_some_and(|d| d.report_id.is_some() && reports.contains(&d.report_id));
            checks.require(of_report, UserErrorCode::Unknown, "deploymentId", || {
                say("The report has no such deployment", "该报告没有此部署")
            });
            row.deployment_id = found.map(|d| d.id);
        }
    }
    Ok(())
}

async fn add(store: &Store, origin: &Origin, input: ProblemAddInput) -> Result<problem::Model> {
    let retry = Key::of("problemAdd", input.idempotency_key.as_deref(), &input);
    let ProblemAddInput { report_id, description, idempotency_key: _, fields } = input;
    let permitted = store.open(origin, Kind::Report.uuid(&report_id)?).await?.permit(&[Act::ProblemRecord])?;
    if let Some(id) = idempotency::taken(&permitted, retry.as_ref()).await? {
        let id: Uuid = id.parse().map_err(Error::internal)?;
        let made = problem::Entity::find_by_id(id).one(permitted.conn()).await?;
        return made.ok_or_else(|| Error::not_found("Problem"));
    }
    let mut report = permitted.report()?.clone();
    report.last_problem += 1;
    let mut row = problem::Model {
        id: Uuid::now_v7(),
        report_id: report.id,
        number: report.last_problem,
        description,
        phase: None,
        impact: None,
        resolution: None,
        handling_minutes: None,
        detected_at: None,
        resolved_at: None,
        triggered_rollback: false,
        deployment_id: None,
        recorded_by: permitted.person(),
        recorded_at: permitted.now(),
        version: 1,
    };
    let mut owners = Vec::new();
    let mut checks = Checks::default();
    checks.filled("description", &row.description, LONG);
    checks.require(row.number <= 500, UserErrorCode::OutOfRange, "reportId", || {
        say("A report takes at most 500 problems", "每份报告最多记录 500 个问题")
    });
    tie(&permitted, &mut checks, &mut row, &fields.deployment_id).await?;
    apply(&mut checks, &mut row, fields, &mut owners);
    check_codes(&permitted, &mut checks, "owners", &owners, &[]).await?;
    checks.done()?;
    update(&permitted, report).await?;
    insert(&permitted, row.clone()).await?;
    Owned::Problem(row.id).write(&permitted, row.report_id, &owners, None).await?;
    idempotency::done(&permitted, retry.as_ref(), row.id).await?;
    let nothing: [String; 0] = [];
    let told = json!({ "code": format!("PROB-{:03}", row.number), "description": row.description, "phase": row.phase, "impact": row.impact,
        "triggeredRollback": row.triggered_rollback, "owners": owners });
    let change = Change::of("problemAdd")
        .added("Problem", row.id, &row)
        .field("Problem", row.id, "owners", nothing, &owners)
        .announce(Announcement::report("problem.recorded.v1").with("problem", told));
    permitted.commit(change.content(ReportSection::Problems, row.id, row.version)).await?;
    Ok(row)
}

async fn edit(store: &Store, origin: &Origin, input: ProblemUpdateInput) -> Result<problem::Model> {
    let ProblemUpdateInput { id, expected_version, description, fields } = input;
    let (opened, before) = store.open_row::<problem::Entity>(origin, Kind::Problem.uuid(&id)?).await?;
    let old = codes(&Owned::Problem(before.id).opened(&opened).await?);
    let mut acts = vec![Act::ProblemEdit { owners: &old, recorded_by: before.recorded_by }];
    if !(fields.impact.is_undefined() && fields.owners.is_undefined()) {
        acts.push(Act::ProblemGovern);
    }
    let permitted = opened.permit(&acts)?;
    expect_version(expected_version, before.version)?;
    let mut row = before.clone();
    let mut new = old.clone();
    let mut checks = Checks::default();
    checks.patch_filled("description", description, LONG, &mut row.description);
    tie(&permitted, &mut checks, &mut row, &fields.deployment_id).await?;
    apply(&mut checks, &mut row, fields, &mut new);
    check_codes(&permitted, &mut checks, "owners", &new, &old).await?;
    checks.done()?;
    let change = Change::of("problemUpdate").edited("Problem", row.id, &before, &row).field("Problem", row.id, "owners", &old, &new);
    if !change.is_empty() {
        row.version += 1;
        update(&permitted, row.clone()).await?;
        if new != old {
            Owned::Problem(row.id).write(&permitted, row.report_id, &new, None).await?;
        }
    }
    permitted.commit(change.content(ReportSection::Problems, row.id, row.version)).await?;
    Ok(row)
}

async fn remove(store: &Store, origin: &Origin, input: ProblemRemoveInput) -> Result<report::Model> {
    let ProblemRemoveInput { id, expected_version } = input;
    let (opened, row) = store.open_row::<problem::Entity>(origin, Kind::Problem.uuid(&id)?).await?;
    let owners = codes(&Owned::Problem(row.id).opened(&opened).await?);
    let permitted = opened.permit(&[Act::ProblemGovern])?;
    expect_version(expected_version, row.version)?;
    let review = incident_review::Entity::find_by_id(row.id).one(permitted.conn()).await?;
    let timeline = timeline_of(&permitted, row.id).await?;
    problem::Entity::delete_by_id(row.id).exec(permitted.conn()).await?;
    let report = permitted.report()?.clone();
    let mut change = Change::of("problemRemove").removed("Problem", row.id, &row).field("Problem", row.id, "owners", &owners, None::<()>);
    if let Some(review) = review {
        change = change.removed("IncidentReview", row.id, &review).field("IncidentReview", row.id, "timeline", timeline, None::<()>);
    }
    permitted.commit(change.content(ReportSection::Problems, row.id, row.version)).await?;
    Ok(report)
}
