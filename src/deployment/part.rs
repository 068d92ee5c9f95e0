//! What a report shows of its deployments: the list, where the values that pipelines fill come from, and the problems to record.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use entity::{
    deployment,
    enums::ProblemPhase,
    pipeline::{DeploymentStanding, DeploymentStatus, EnvironmentClass, ReportedField, ValueSource},
    problem, report, reported_value,
};
use sea_orm::{ColumnTrait, Condition};

use super::{
    object::Deployment,
    search::{DeploymentOrder, DeploymentWhere, page, seen_row},
};
use crate::{
    error::Result,
    graphql::{
        connection::List,
        context::{actor, children, lang, row},
        ids::Kind,
        scalars::Instant,
    },
    store::page::PageArgs,
};

/// What pipelines say of a report.
#[derive(Clone)]
pub struct DeploymentPart(pub Arc<report::Model>);

/// The fields of a report, beside its milestones, that pipelines fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum PipelineField {
    /// `plannedReleaseAt`.
    PlannedReleaseAt,
    /// `actualReleaseAt`.
    ActualReleaseAt,
    /// `plannedDurationMinutes`.
    PlannedDurationMinutes,
    /// `actualDurationMinutes`.
    ActualDurationMinutes,
}

/// Where the value of a field comes from, and what pipelines report for it.
#[derive(SimpleObject)]
pub struct PipelineValue {
    /// Which field.
    field: PipelineField,
    /// Who the value that is shown comes from; null while there is none.
    source: Option<ValueSource>,
    /// What pipelines report: what is shown, or what stands beside a person's value.
    reported: Option<ReportedValue>,
}

/// What a pipeline reports for a field.
#[derive(SimpleObject)]
pub struct ReportedValue {
    /// The time, of a field that is one; to the second.
    at: Option<Instant>,
    /// The minutes, of a duration.
    minutes: Option<i32>,
    /// Reported − shown, in minutes; null while nothing is shown.
    difference_minutes: Option<i32>,
    /// The deployment that says so; null unless you may see it.
    deployment: Option<Deployment>,
}

/// A problem that a rolled back production deployment asks for. Record it with `problemAdd`, which takes these values as they are.
#[derive(SimpleObject)]
pub struct ProposedProblem {
    /// The report.
    report_id: ID,
    /// The deployment that was rolled back.
    deployment: Deployment,
    /// A description to begin with.
    description: String,
    /// The phase that the times suggest.
    phase: ProblemPhase,
    /// True: it triggered a rollback, so it needs a review.
    triggered_rollback: bool,
    /// When it was rolled back, if that is known.
    detected_at: Option<Instant>,
}

#[Object]
impl DeploymentPart {
    /// Its deployments that you may see, those that are held among them; the latest first. `first` and `last`: 20 unless given, at most 100.
    #[expect(clippy::too_many_arguments, reason = "Relay's four, where and orderBy")]
    async fn deployments(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where")] filter: Option<DeploymentWhere>,
        order_by: Option<Vec<DeploymentOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<Deployment>>> {
        let which = filter.unwrap_or_default().condition().add(deployment::Column::ReportId.eq(self.0.id));
        Some(page(ctx, Condition::all().add(which), order_by.as_deref(), PageArgs { first, after, last, before }).await)
    }

    /// Where planned and actual release time and duration come from, and what pipelines report beside what a person entered.
    async fn pipeline_values(&self, ctx: &Context<'_>) -> Result<Vec<PipelineValue>> {
        let r = &self.0;
        let values = children::<reported_value::Entity>(ctx, r.id).await?;
        let at = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(Shown::At);
        let minutes = |m: Option<i32>| m.map(Shown::Minutes);
        let mut list = Vec::with_capacity(4);
        for (field, of, shown) in [
            (PipelineField::PlannedReleaseAt, ReportedField::PlannedRelease, at(r.planned_release_at)),
            (PipelineField::ActualReleaseAt, ReportedField::ActualRelease, at(r.actual_release_at)),
            (PipelineField::PlannedDurationMinutes, ReportedField::PlannedDuration, minutes(r.planned_duration_minutes)),
            (PipelineField::ActualDurationMinutes, ReportedField::ActualDuration, minutes(r.actual_duration_minutes)),
        ] {
            let value = values.iter().find(|v| v.field == of);
            list.push(PipelineValue { field, source: source_of(value, shown), reported: reported(ctx, value, shown).await? });
        }
        Ok(list)
    }

    /// Problems that rolled back production deployments ask for, and nobody has recorded yet.
    async fn proposed_problems(&self, ctx: &Context<'_>) -> Result<Vec<ProposedProblem>> {
        let deployments = children::<deployment::Entity>(ctx, self.0.id).await?;
        let problems = children::<problem::Entity>(ctx, self.0.id).await?;
        let asks = |d: &&deployment::Model| {
            d.environment_class == EnvironmentClass::Production
                && d.status == DeploymentStatus::RolledBack
                && d.standing == DeploymentStanding::Attached
                && !problems.iter().any(|p| p.deployment_id == Some(d.id))
        };
        let zh = lang(ctx) == crate::error::Lang::Zh;
        let propose = |d: &deployment::Model| {
            let (name, environment) = (&d.external_id, &d.environment);
            // Verified within a day of its success: the form's own phases after the deployment.
            let phase = match (d.succeeded_at, d.rolled_back_at) {
                (Some(done), Some(back)) if back > done => ProblemPhase::First24Hours,
                _ => ProblemPhase::ProductionDeployment,
            };
            ProposedProblem {
                report_id: Kind::Report.id(self.0.id),
                deployment: Deployment::new(d.clone()),
                description: if zh {
                    format!("{environment} 部署 {name} 已回滚")
                } else {
                    format!("The deployment {name} to {environment} was rolled back")
                },
                phase,
                triggered_rollback: true,
                detected_at: d.rolled_back_at.map(Instant),
            }
        };
        Ok(deployments.iter().filter(asks).map(propose).collect())
    }
}

/// A value that is shown.
#[derive(Debug, Clone, Copy)]
pub enum Shown {
    /// A time.
    At(chrono::DateTime<chrono::Utc>),
    /// Minutes.
    Minutes(i32),
}

/// Who a value comes from.
pub fn source_of(value: Option<&reported_value::Model>, shown: Option<Shown>) -> Option<ValueSource> {
    shown?;
    Some(if value.is_some_and(|v| v.applied) { ValueSource::Pipeline } else { ValueSource::Person })
}

/// What pipelines report for a field, beside what is shown.
///
/// # Errors
/// A fault of the database.
pub async fn reported(ctx: &Context<'_>, value: Option<&reported_value::Model>, shown: Option<Shown>) -> Result<Option<ReportedValue>> {
    let Some(value) = value else { return Ok(None) };
    let difference = match (shown, value.at, value.minutes) {
        (Some(Shown::At(shown)), Some(at), _) => i32::try_from((super::effects::to_the_minute(at) - shown).num_minutes()).ok(),
        (Some(Shown::Minutes(shown)), _, Some(minutes)) => Some(minutes - shown),
        _ => None,
    };
    let deployment = row::<deployment::Entity>(ctx, value.deployment_id).await?;
    let actor = actor(ctx)?;
    let deployment = deployment.filter(|d| seen_row(actor, d)).map(Deployment::shared);
    Ok(Some(ReportedValue { at: value.at.map(Instant), minutes: value.minutes, difference_minutes: difference, deployment }))
}
