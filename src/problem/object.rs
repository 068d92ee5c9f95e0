//! A problem and its review as GraphQL shows them.

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{
    deployment,
    enums::{Impact, ProblemPhase},
    incident_review, problem, report, timeline_entry,
};

use crate::{
    auth::{Act, policy},
    catalog::{Department, Person},
    deployment::{Deployment, search::seen_row},
    error::Result,
    graphql::{
        context::{actor, children, parent, row},
        ids::Kind,
        scalars::Instant,
        walk::{Many, One},
    },
    report::{
        Report,
        owners::{Owned, codes},
        permissions::facts,
    },
};

/// 问题: a problem during the release.
#[derive(Clone)]
pub struct Problem(pub problem::Model);

/// 问题: a problem during the release.
#[Object]
impl Problem {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::Problem.id(self.0.id)
    }

    /// 问题 ID: `PROB-001` within the report, given by the service, never reused.
    async fn code(&self) -> String {
        format!("PROB-{:03}", self.0.number)
    }

    /// 问题描述.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// 出现阶段.
    async fn phase(&self) -> Option<ProblemPhase> {
        self.0.phase
    }

    /// 影响程度.
    async fn impact(&self) -> Option<Impact> {
        self.0.impact
    }

    /// 处理措施.
    async fn resolution(&self) -> Option<&str> {
        self.0.resolution.as_deref()
    }

    /// 处理时长, in minutes, as entered.
    async fn handling_minutes(&self) -> Option<i32> {
        self.0.handling_minutes
    }

    /// The deployment that it is tied to, if you may see it.
    async fn deployment(&self, ctx: &Context<'_>) -> Option<Result<Deployment>> {
        let found = row::<deployment::Entity>(ctx, self.0.deployment_id?).await;
        let seen = |row: &std::sync::Arc<deployment::Model>| actor(ctx).is_ok_and(|actor| seen_row(actor, row));
        found.map(|row| row.filter(seen).map(Deployment::shared)).transpose()
    }

    /// When it was noticed.
    async fn detected_at(&self) -> Option<Instant> {
        self.0.detected_at.map(Instant)
    }

    /// When it was over.
    async fn resolved_at(&self) -> Option<Instant> {
        self.0.resolved_at.map(Instant)
    }

    /// Derived: `resolvedAt` − `detectedAt`, in minutes. It may differ from `handlingMinutes`, which is independent.
    async fn resolution_minutes(&self) -> Option<i32> {
        i32::try_from((self.0.resolved_at? - self.0.detected_at?).num_minutes()).ok()
    }

    /// Whether it triggered a rollback.
    async fn triggered_rollback(&self) -> bool {
        self.0.triggered_rollback
    }

    /// 负责部门, in order.
    async fn owners(&self, ctx: &Context<'_>) -> Result<Many<Department>> {
        Owned::Problem(self.0.id).departments(ctx, self.0.report_id).await
    }

    /// Who recorded it.
    async fn recorded_by(&self, ctx: &Context<'_>) -> Result<One<Person>> {
        Person::by_id(ctx, self.0.recorded_by).await
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> Instant {
        Instant(self.0.recorded_at)
    }

    /// 3.2 重大问题复盘: required where it triggered a rollback or its impact is `HIGH`.
    async fn incident_review(&self, ctx: &Context<'_>) -> Option<Result<One<IncidentReview>>> {
        let found = children::<incident_review::Entity>(ctx, self.0.report_id).await;
        found.map(|rows| rows.iter().find(|r| r.problem_id == self.0.id).cloned().map(|row| One(IncidentReview(row)))).transpose()
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The report it belongs to.
    async fn report(&self, ctx: &Context<'_>) -> Result<Report> {
        Ok(Report::shared(parent::<report::Entity>(ctx, self.0.report_id).await?))
    }

    /// What you may do with it now.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<ProblemPermissions> {
        let report = parent::<report::Entity>(ctx, self.0.report_id).await?;
        let facts = facts(ctx, &report).await?;
        let owners = codes(&Owned::Problem(self.0.id).read(ctx, self.0.report_id).await?);
        let actor = actor(ctx)?;
        let edit = policy::may(actor, Act::ProblemEdit { owners: &owners, recorded_by: self.0.recorded_by }, &facts);
        let govern = policy::may(actor, Act::ProblemGovern, &facts);
        Ok(ProblemPermissions { edit, review: edit, govern, remove: govern })
    }
}

/// What the caller may do with a problem.
#[derive(SimpleObject)]
pub struct ProblemPermissions {
    /// Edit it, apart from impact and owners.
    pub edit: bool,
    /// Write its review.
    pub review: bool,
    /// Set impact and owners.
    pub govern: bool,
    /// Remove it.
    pub remove: bool,
}

/// 3.2 重大问题复盘: the review of a problem.
#[derive(Clone)]
pub struct IncidentReview(pub incident_review::Model);

/// 3.2 重大问题复盘: the review of a problem.
#[Object]
impl IncidentReview {
    /// 问题详情.
    async fn details(&self) -> Option<&str> {
        self.0.details.as_deref()
    }

    /// 根本原因.
    async fn root_cause(&self) -> Option<&str> {
        self.0.root_cause.as_deref()
    }

    /// 处理过程: what happened when, in order.
    async fn timeline(&self, ctx: &Context<'_>) -> Result<Many<TimelineEntry>> {
        let rows = children::<timeline_entry::Entity>(ctx, self.0.report_id).await?;
        let rows = rows.iter().filter(|t| t.problem_id == self.0.problem_id);
        Ok(rows.map(|t| TimelineEntry { at: Instant(t.at), event: t.event.clone() }).collect())
    }

    /// 责任认定.
    async fn accountability(&self) -> Option<&str> {
        self.0.accountability.as_deref()
    }

    /// 改进措施.
    async fn corrective_measures(&self) -> Option<&str> {
        self.0.corrective_measures.as_deref()
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A row of the timeline.
#[derive(SimpleObject)]
pub struct TimelineEntry {
    /// When.
    pub at: Instant,
    /// What happened.
    pub event: String,
}
