//! `viewer`: who asks, and what waits for them.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use chrono::Days;
use entity::{
    deployment,
    enums::{LifeCycleAct, MemberRole, OccurrenceStatus, ReportState, ServiceRole},
    life_cycle_step, occurrence, report,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};

use super::{
    Report,
    completeness::{Missing, MissingItem, needs},
    content::Content,
    object::retired,
};
use crate::{
    auth::{Act, Actor, Facts, policy},
    deployment::Deployment,
    error::Result,
    graphql::context::{actor, caller, store},
    improvement::{
        ActionOccurrence,
        search::{owned_by, seen_occurrences},
    },
    report::permissions::facts,
    store::{involving, visible},
};

/// How many entries each list of the worklist shows at most; the queries of the schema show the rest.
const MOST: u64 = 50;
/// Days before its due date from which an action is shown as due.
const SOON: u64 = 7;

/// Who asks.
pub struct Viewer;

/// A department that the viewer belongs to.
#[derive(SimpleObject)]
pub struct ViewerMembership {
    /// Code of the department.
    pub department: String,
    /// Member or head.
    pub role: MemberRole,
}

/// Who asks, as the token says.
#[Object]
impl Viewer {
    /// The identity provider's subject.
    async fn subject(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(caller(ctx)?.origin.actor.subject.clone())
    }

    /// Display name.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(caller(ctx)?.origin.actor.name.clone())
    }

    /// Departments with roles.
    async fn memberships(&self, ctx: &Context<'_>) -> Result<Vec<ViewerMembership>> {
        let list = actor(ctx)?.memberships.iter();
        Ok(list.map(|m| ViewerMembership { department: m.department.clone(), role: m.role }).collect())
    }

    /// Service-wide roles.
    async fn roles(&self, ctx: &Context<'_>) -> Result<Vec<ServiceRole>> {
        Ok(actor(ctx)?.roles.clone())
    }

    /// What waits for you; up to 50 entries of each kind.
    async fn worklist(&self) -> Worklist {
        Worklist
    }
}

/// What waits for the viewer.
pub struct Worklist;

/// What a department owes a report that is being written.
#[derive(SimpleObject)]
pub struct OwedContribution {
    /// The report.
    pub report: Report,
    /// What your departments owe it.
    pub missing: Vec<MissingItem>,
}

/// What waits for the viewer; up to 50 entries of each kind.
#[Object]
impl Worklist {
    /// Of the 50 reports being written that changed last and that your departments take part in: those to which they owe something.
    async fn contributions(&self, ctx: &Context<'_>) -> Option<Result<Vec<OwedContribution>>> {
        Some(contributions(ctx).await)
    }

    /// Reports that wait for your signature, the longest waiting first.
    async fn awaiting_signature(&self, ctx: &Context<'_>) -> Option<Result<Vec<Report>>> {
        Some(awaiting(ctx, ReportState::Submitted, Act::ReportSign).await)
    }

    /// Reports that wait for your filing, the longest waiting first.
    async fn awaiting_filing(&self, ctx: &Context<'_>) -> Option<Result<Vec<Report>>> {
        Some(awaiting(ctx, ReportState::Signed, Act::ReportFile).await)
    }

    /// Due dates of your departments' actions within the next seven days.
    async fn due_actions(&self, ctx: &Context<'_>) -> Option<Result<Vec<ActionOccurrence>>> {
        Some(due(ctx, false).await)
    }

    /// Due dates of your departments' actions that have passed, the oldest first.
    async fn overdue_actions(&self, ctx: &Context<'_>) -> Option<Result<Vec<ActionOccurrence>>> {
        Some(due(ctx, true).await)
    }

    /// Deployments that belong to no report yet, or to more than one, if you may attach them; the oldest first.
    async fn parked_deployments(&self, ctx: &Context<'_>) -> Option<Result<Vec<Deployment>>> {
        Some(parked(ctx).await)
    }

    /// Completions that wait for your verification, the oldest first.
    async fn awaiting_verification(&self, ctx: &Context<'_>) -> Option<Result<Vec<ActionOccurrence>>> {
        Some(awaiting_verification(ctx).await)
    }
}

fn departments(actor: &Actor) -> Vec<String> {
    actor.departments().map(str::to_owned).collect()
}

async fn contributions(ctx: &Context<'_>) -> Result<Vec<OwedContribution>> {
    let (store, actor) = (store(ctx)?, actor(ctx)?);
    let mine = departments(actor);
    if mine.is_empty() {
        return Ok(Vec::new());
    }
    // PRODUCT owes to every report; the others to those in which they take part or own a row.
    let involved = if actor.is_member("PRODUCT") { Condition::all() } else { involving(mine.clone()) };
    let query = report::Entity::find()
        .filter(visible(actor))
        .filter(involved)
        .filter(report::Column::State.is_in([ReportState::Draft, ReportState::Returned]))
        .order_by_desc(report::Column::UpdatedAt)
        .limit(MOST);
    let rows: Vec<Arc<report::Model>> = store.all(query).await?.into_iter().map(Arc::new).collect();
    let contents = futures_util::future::try_join_all(rows.iter().map(|row| Content::read(ctx, Arc::clone(row)))).await?;
    let retired = retired(ctx).await?;
    let mut list = Vec::new();
    for content in contents {
        let missing = needs(&content, &retired, store.calendar, store.today()).into_iter().filter_map(|need| need.missing);
        let owed: Vec<Missing> = missing.filter(|missing| mine.contains(&missing.department)).collect();
        if !owed.is_empty() {
            list.push(OwedContribution { report: Report::shared(content.report), missing: MissingItem::list(ctx, owed).await? });
        }
    }
    Ok(list)
}

async fn awaiting(ctx: &Context<'_>, state: ReportState, act: Act<'_>) -> Result<Vec<Report>> {
    let (store, actor) = (store(ctx)?, actor(ctx)?);
    // The law below refuses the signer; left out here too, so that what they signed does not fill the list.
    let signed = life_cycle_step::Entity::find()
        .select_only()
        .column(life_cycle_step::Column::ReportId)
        .filter(life_cycle_step::Column::Act.eq(LifeCycleAct::Sign))
        .filter(life_cycle_step::Column::PersonId.eq(actor.person_id()))
        .filter(Expr::col((life_cycle_step::Entity, life_cycle_step::Column::Round)).equals((report::Entity, report::Column::Round)));
    let query = report::Entity::find()
        .filter(visible(actor))
        .filter(report::Column::State.eq(state))
        .filter(report::Column::Id.not_in_subquery(signed.into_query()))
        .order_by_asc(report::Column::UpdatedAt)
        .limit(MOST);
    let mut list = Vec::new();
    if !actor.is_head("PRODUCT") && !actor.is_head("COMMITTEE") {
        return Ok(list);
    }
    let rows = store.all(query).await?;
    let all_facts = futures_util::future::try_join_all(rows.iter().map(|row| facts(ctx, row))).await?;
    for (row, facts) in rows.into_iter().zip(all_facts) {
        if policy::may(actor, act, &facts) {
            list.push(Report::new(row));
        }
    }
    Ok(list)
}

/// Reports that were given up: nothing of them waits for anybody.
fn discarded() -> sea_orm::Select<report::Entity> {
    report::Entity::find().select_only().column(report::Column::Id).filter(report::Column::State.eq(ReportState::Discarded))
}

async fn due(ctx: &Context<'_>, overdue: bool) -> Result<Vec<ActionOccurrence>> {
    let (store, actor) = (store(ctx)?, actor(ctx)?);
    let mut mine = departments(actor);
    if actor.is_member("PRODUCT") {
        // What a retired department owned, PRODUCT may do.
        mine.extend(retired(ctx).await?);
    }
    let today = store.today();
    let soon = today.checked_add_days(Days::new(SOON)).unwrap_or(today);
    let when = Condition::all();
    let when = if overdue {
        when.add(occurrence::Column::DueOn.lt(today))
    } else {
        when.add(occurrence::Column::DueOn.gte(today)).add(occurrence::Column::DueOn.lte(soon))
    };
    let owned = owned_by(|department| Condition::all().add(department.is_in(mine.clone())));
    let query = seen_occurrences(actor)
        .filter(occurrence::Column::Status.eq(OccurrenceStatus::Open))
        .filter(occurrence::Column::ActionId.in_subquery(owned.into_query()))
        .filter(when)
        .order_by_asc(occurrence::Column::DueOn)
        .order_by_asc(occurrence::Column::Id)
        .limit(MOST);
    Ok(store.all(query).await?.into_iter().map(ActionOccurrence).collect())
}

async fn parked(ctx: &Context<'_>) -> Result<Vec<Deployment>> {
    let (store, actor) = (store(ctx)?, actor(ctx)?);
    if !policy::may(actor, Act::DeploymentSettle, &Facts::default()) {
        return Ok(Vec::new());
    }
    // What is parked has a reason: in the words of the index that has them in order.
    let query =
        deployment::Entity::find().filter(deployment::Column::ParkedReason.is_not_null()).order_by_asc(deployment::Column::Id).limit(MOST);
    Ok(store.all(query).await?.into_iter().map(Deployment::new).collect())
}

async fn awaiting_verification(ctx: &Context<'_>) -> Result<Vec<ActionOccurrence>> {
    let (store, actor) = (store(ctx)?, actor(ctx)?);
    if !actor.is_head("PRODUCT") && !actor.is_member("COMMITTEE") {
        return Ok(Vec::new());
    }
    let query = seen_occurrences(actor)
        .filter(occurrence::Column::Status.eq(OccurrenceStatus::Completed))
        .filter(occurrence::Column::CompletedBy.ne(actor.person_id()))
        .filter(occurrence::Column::ReportId.not_in_subquery(discarded().into_query()))
        .order_by_asc(occurrence::Column::CompletedAt)
        .order_by_asc(occurrence::Column::Id)
        .limit(MOST);
    Ok(store.all(query).await?.into_iter().map(ActionOccurrence).collect())
}

/// Queries on who asks.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who asks, and what waits for them.
    async fn viewer(&self) -> Viewer {
        Viewer
    }
}
