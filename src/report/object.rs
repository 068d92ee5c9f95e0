//! Header and basics of the report, as GraphQL shows them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::{
    enums::{Audience, ReleaseOutcome, ReleaseStrategy, ReleaseType, ReportState},
    participant, participant_person, product, release_application, report,
};

use super::{Report, permissions::ReportPermissions};
use crate::{
    catalog::{Department, Person, Product, ReleaseApplication},
    error::Result,
    graphql::{
        context::{actor, children, departments, parent},
        ids::Kind,
        scalars::{Day, Hundredths, Instant},
        walk::{Many, One},
    },
};

/// Header: number, application, department, date, state.
#[derive(Clone)]
pub struct HeaderPart(pub Arc<report::Model>);

#[Object]
impl HeaderPart {
    /// Global id.
    async fn id(&self) -> ID {
        Kind::Report.id(self.0.id)
    }

    /// 报告编号: `REL-SUM-YYYY-NNN`, given by the service.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// 对应发布申请编号: `REL-APP-YYYY-NNN`.
    async fn application_number(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(parent::<release_application::Entity>(ctx, self.0.application_id).await?.number.clone())
    }

    /// The release application, which lives in another system.
    async fn application(&self, ctx: &Context<'_>) -> Result<One<ReleaseApplication>> {
        Ok(One(ReleaseApplication(parent::<release_application::Entity>(ctx, self.0.application_id).await?)))
    }

    /// 编制部门: the department that prepares the report.
    async fn prepared_by(&self, ctx: &Context<'_>) -> Result<One<Department>> {
        Department::by_code(ctx, &self.0.prepared_by).await
    }

    /// 编制日期.
    async fn prepared_on(&self) -> Day {
        Day(self.0.prepared_on)
    }

    /// Where the report stands.
    async fn state(&self) -> ReportState {
        self.0.state
    }

    /// Version of header and basics, as an optimistic lock: send it as `expectedVersion` to `reportUpdate`. (`version` is 发布版本.)
    async fn revision(&self) -> i32 {
        self.0.row_version
    }

    /// When the draft was made.
    async fn created_at(&self) -> Instant {
        Instant(self.0.created_at)
    }

    /// When anything of it was changed last.
    async fn updated_at(&self) -> Instant {
        Instant(self.0.updated_at)
    }

    /// The filed report that this one replaces.
    async fn supersedes(&self, ctx: &Context<'_>) -> Option<Result<Report>> {
        match self.0.supersedes_id {
            Some(id) => Some(parent::<report::Entity>(ctx, id).await.map(Report::shared)),
            None => None,
        }
    }

    /// The report that replaces this one, from its draft on.
    async fn superseded_by(&self, ctx: &Context<'_>) -> Option<Result<Report>> {
        let successors = match children::<report::Entity>(ctx, self.0.id).await {
            Ok(successors) => successors,
            Err(error) => return Some(Err(error)),
        };
        let open = successors.iter().find(|r| r.state != ReportState::Discarded)?;
        match actor(ctx) {
            Ok(actor) if open.first_submitted_at.is_some() || crate::auth::policy::may_read_unsubmitted(actor) => {
                Some(Ok(Report::new(open.clone())))
            }
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Whether a filed report replaced it; then it no longer counts in figures.
    async fn superseded(&self) -> bool {
        self.0.superseded_at.is_some()
    }

    /// What you may do with it now.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<One<ReportPermissions>> {
        ReportPermissions::of(ctx, &self.0).await.map(One)
    }
}

/// 一、发布基本信息.
#[derive(Clone)]
pub struct BasicsPart(pub Arc<report::Model>);

#[Object]
impl BasicsPart {
    /// 产品名称: the product.
    async fn product(&self, ctx: &Context<'_>) -> Option<Result<One<Product>>> {
        match self.0.product_id {
            Some(id) => Some(parent::<product::Entity>(ctx, id).await.map(|row| One(Product(row)))),
            None => None,
        }
    }

    /// 发布版本, as written: `V4.1.2`.
    async fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// 发布类型.
    async fn release_type(&self) -> Option<ReleaseType> {
        self.0.release_type
    }

    /// 发布负责人.
    async fn release_owner(&self, ctx: &Context<'_>) -> Option<Result<One<Person>>> {
        match self.0.release_owner_id {
            Some(id) => Some(Person::by_id(ctx, id).await),
            None => None,
        }
    }

    /// 计划发布时间, to the minute.
    async fn planned_release_at(&self) -> Option<Instant> {
        self.0.planned_release_at.map(Instant)
    }

    /// 实际发布时间, to the minute.
    async fn actual_release_at(&self) -> Option<Instant> {
        self.0.actual_release_at.map(Instant)
    }

    /// Derived: actual − planned release time, in minutes; negative when early.
    async fn release_delay_minutes(&self) -> Option<i32> {
        release_delay(&self.0)
    }

    /// 计划发布时长, in minutes.
    async fn planned_duration_minutes(&self) -> Option<i32> {
        self.0.planned_duration_minutes
    }

    /// 实际发布时长, in minutes.
    async fn actual_duration_minutes(&self) -> Option<i32> {
        self.0.actual_duration_minutes
    }

    /// Derived: actual − planned duration, in minutes.
    async fn duration_deviation_minutes(&self) -> Option<i32> {
        Some(self.0.actual_duration_minutes? - self.0.planned_duration_minutes?)
    }

    /// 发布策略.
    async fn strategy(&self) -> Option<ReleaseStrategy> {
        self.0.strategy
    }

    /// What `OTHER` stands for.
    async fn strategy_note(&self) -> Option<&str> {
        self.0.strategy_note.as_deref()
    }

    /// 覆盖用户范围: a set.
    async fn audience(&self) -> Vec<Audience> {
        audience(&self.0)
    }

    /// Share of the external users, in percent, with `PARTIAL_EXTERNAL`.
    async fn external_percent(&self) -> Option<Hundredths> {
        self.0.external_percent.map(Hundredths)
    }

    /// 参与部门 and 核心参与人员: one row a department, in order.
    async fn participants(&self, ctx: &Context<'_>) -> Result<Many<Participant>> {
        let rows = children::<participant::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().map(|row| Participant(row.clone())).collect())
    }

    /// How the release ended; decides what completeness asks for.
    async fn outcome(&self) -> ReleaseOutcome {
        self.0.outcome
    }
}

/// Derived: actual − planned release time, in minutes.
pub fn release_delay(row: &report::Model) -> Option<i32> {
    i32::try_from((row.actual_release_at? - row.planned_release_at?).num_minutes()).ok()
}

/// The audience as a set, in the order of the form.
pub fn audience(row: &report::Model) -> Vec<Audience> {
    let all = [
        (row.audience_internal, Audience::Internal),
        (row.audience_partial_external, Audience::PartialExternal),
        (row.audience_all_external, Audience::AllExternal),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, audience)| audience).collect()
}

/// A department that takes part in the release, with its people.
#[derive(Clone)]
pub struct Participant(pub participant::Model);

/// A department that takes part in the release, with its people.
#[Object]
impl Participant {
    /// The department.
    async fn department(&self, ctx: &Context<'_>) -> Result<One<Department>> {
        Department::by_code(ctx, &self.0.department).await
    }

    /// 核心参与人员, in order.
    async fn people(&self, ctx: &Context<'_>) -> Result<Many<Person>> {
        let rows = children::<participant_person::Entity>(ctx, self.0.report_id).await?;
        let ids = rows.iter().filter(|row| row.participant_id == self.0.id).map(|row| row.person_id);
        let people = futures_util::future::try_join_all(ids.map(|id| Person::by_id(ctx, id))).await?;
        Ok(people.into_iter().map(|person| person.0).collect())
    }
}

/// The codes of the retired departments.
pub async fn retired(ctx: &Context<'_>) -> Result<std::collections::HashSet<String>> {
    Ok(departments(ctx).await?.values().filter(|d| !d.active).map(|d| d.code.clone()).collect())
}
