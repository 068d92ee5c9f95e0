//! A milestone as GraphQL shows it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{
    enums::{MilestoneKind, MilestonePrecision, MilestoneStatus},
    milestone,
    pipeline::ValueSource,
    report, reported_value,
};

use crate::{
    auth::{Act, policy},
    catalog::Department,
    deployment::{
        effects::field_of,
        part::{ReportedValue, Shown, reported, source_of},
    },
    error::Result,
    graphql::{
        context::{actor, children, parent, store},
        ids::Kind,
        scalars::Instant,
        walk::Many,
    },
    report::{
        Report,
        owners::{Owned, codes},
        permissions::facts,
        rules,
    },
};

/// 关键节点: a milestone of a release.
#[derive(Clone)]
pub struct Milestone(pub milestone::Model);

/// 关键节点: a milestone of a release.
#[Object]
impl Milestone {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::Milestone.id(self.0.id)
    }

    /// Which milestone.
    async fn kind(&self) -> MilestoneKind {
        self.0.kind
    }

    /// Name, of a `CUSTOM` one.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether the day or the minute counts.
    async fn precision(&self) -> MilestonePrecision {
        self.0.precision
    }

    /// Place among the milestones of the report.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// 计划完成时间; at day precision the start of the business day.
    async fn planned_at(&self) -> Option<Instant> {
        self.0.planned_at.map(Instant)
    }

    /// 实际完成时间; at day precision the start of the business day.
    async fn actual_at(&self) -> Option<Instant> {
        self.0.actual_at.map(Instant)
    }

    /// 完成状态, derived from plan, actual time and now.
    async fn status(&self, ctx: &Context<'_>) -> Result<MilestoneStatus> {
        let store = store(ctx)?;
        Ok(rules::milestone_status(&self.0, store.calendar, store.now()))
    }

    /// Derived: actual − planned, in minutes; at day precision whole days × 1440.
    async fn delay_minutes(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        let calendar = match store(ctx) {
            Ok(store) => store.calendar,
            Err(error) => return Some(Err(error)),
        };
        rules::milestone_delay_minutes(&self.0, calendar).and_then(|m| i32::try_from(m).ok()).map(Ok)
    }

    /// Who the actual time comes from; null while there is none.
    async fn actual_source(&self, ctx: &Context<'_>) -> Option<Result<ValueSource>> {
        let values = match children::<reported_value::Entity>(ctx, self.0.report_id).await {
            Ok(values) => values,
            Err(error) => return Some(Err(error)),
        };
        source_of(self.value(&values), self.0.actual_at.map(Shown::At)).map(Ok)
    }

    /// What pipelines report as its actual time: what is shown, or what stands beside a person's time.
    async fn reported(&self, ctx: &Context<'_>) -> Option<Result<ReportedValue>> {
        let values = match children::<reported_value::Entity>(ctx, self.0.report_id).await {
            Ok(values) => values,
            Err(error) => return Some(Err(error)),
        };
        reported(ctx, self.value(&values), self.0.actual_at.map(Shown::At)).await.transpose()
    }

    /// 延迟原因.
    async fn delay_reason(&self) -> Option<&str> {
        self.0.delay_reason.as_deref()
    }

    /// Set aside by a person: an emergency fix may skip staging.
    async fn not_applicable(&self) -> bool {
        self.0.not_applicable
    }

    /// Why it is not applicable.
    async fn not_applicable_reason(&self) -> Option<&str> {
        self.0.not_applicable_reason.as_deref()
    }

    /// 负责部门, in order.
    async fn owners(&self, ctx: &Context<'_>) -> Result<Many<Department>> {
        Owned::Milestone(self.0.id).departments(ctx, self.0.report_id).await
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
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<MilestonePermissions> {
        let report: Arc<report::Model> = parent::<report::Entity>(ctx, self.0.report_id).await?;
        let facts = facts(ctx, &report).await?;
        let owners = codes(&Owned::Milestone(self.0.id).read(ctx, self.0.report_id).await?);
        let actor = actor(ctx)?;
        let plan = policy::may(actor, Act::MilestonePlan, &facts);
        Ok(MilestonePermissions {
            report_actual: policy::may(actor, Act::MilestoneReport { owners: &owners }, &facts),
            edit: plan,
            remove: plan && self.0.kind == MilestoneKind::Custom,
        })
    }
}

impl Milestone {
    /// What pipelines report for it.
    fn value<'a>(&self, values: &'a [reported_value::Model]) -> Option<&'a reported_value::Model> {
        values.iter().find(|v| Some(v.field) == field_of(self.0.kind))
    }
}

/// What the caller may do with a milestone.
#[derive(SimpleObject)]
pub struct MilestonePermissions {
    /// Set actual time, delay reason and not applicable.
    pub report_actual: bool,
    /// Set everything else too.
    pub edit: bool,
    /// Remove it: custom ones only.
    pub remove: bool,
}
