//! Writing milestones: owners report what happened, PRODUCT plans.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{
    enums::{MilestoneKind, MilestonePrecision, ReportSection},
    milestone,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};

use super::Milestone;
use crate::{
    auth::Act,
    catalog::department::check_codes,
    clock::Calendar,
    deployment::{apply::entered, effects::field_of},
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::{Checks, LONG, SHORT, expect_version},
        payload::{UserError, answer},
        scalars::Instant,
    },
    report::{
        Report,
        basics::to_the_minute,
        owners::{Owned, codes},
    },
    store::{
        Change, Origin, Permitted, Store,
        idempotency::{self, Key},
        insert, update,
    },
};

/// A custom milestone.
#[derive(Debug, Clone, InputObject)]
pub struct MilestoneAddInput {
    /// The report.
    pub report_id: ID,
    /// Its name.
    pub name: String,
    /// Whether the day or the minute counts.
    pub precision: MilestonePrecision,
    /// Codes of the owner departments, in order.
    pub owners: Option<Vec<String>>,
    /// 计划完成时间.
    pub planned_at: Option<Instant>,
    /// Place among the milestones, from 1. Default: last.
    pub position: Option<i32>,
    /// The same key and input give the same milestone.
    pub idempotency_key: Option<String>,
}

/// A patch of a milestone: what is omitted stays, `null` clears. Its owners may set actual time, delay reason and not applicable; PRODUCT everything.
#[derive(Debug, Clone, InputObject)]
pub struct MilestoneUpdateInput {
    /// The milestone.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// 实际完成时间. At day precision only the business day counts.
    pub actual_at: MaybeUndefined<Instant>,
    /// 延迟原因.
    pub delay_reason: MaybeUndefined<String>,
    /// Whether it is set aside; needs `notApplicableReason`.
    pub not_applicable: MaybeUndefined<bool>,
    /// Why it is not applicable.
    pub not_applicable_reason: MaybeUndefined<String>,
    /// 计划完成时间. Of PRODUCT.
    pub planned_at: MaybeUndefined<Instant>,
    /// Codes of the owner departments, in order. Of PRODUCT.
    pub owners: MaybeUndefined<Vec<String>>,
    /// Name of a custom one. Of PRODUCT.
    pub name: MaybeUndefined<String>,
    /// Precision of a custom one. Of PRODUCT.
    pub precision: MaybeUndefined<MilestonePrecision>,
    /// Place among the milestones, from 1. Of PRODUCT.
    pub position: MaybeUndefined<i32>,
}

/// Which milestone to remove.
#[derive(Debug, Clone, InputObject)]
pub struct MilestoneRemoveInput {
    /// The milestone: a custom one.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
}

/// What `milestoneAdd` answers.
#[derive(SimpleObject)]
pub struct MilestoneAddPayload {
    /// The new milestone; null when there are user errors.
    milestone: Option<Milestone>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `milestoneUpdate` answers.
#[derive(SimpleObject)]
pub struct MilestoneUpdatePayload {
    /// The changed milestone; null when there are user errors.
    milestone: Option<Milestone>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `milestoneRemove` answers.
#[derive(SimpleObject)]
pub struct MilestoneRemovePayload {
    /// The report without it; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of milestones.
#[derive(Default)]
pub struct MilestoneMutation;

#[Object]
impl MilestoneMutation {
    /// Adds a custom milestone.
    async fn milestone_add(&self, ctx: &Context<'_>, input: MilestoneAddInput) -> Result<MilestoneAddPayload> {
        let (milestone, user_errors) = answer(ctx, |store, origin| add(store, origin, input.clone())).await?;
        Ok(MilestoneAddPayload { milestone: milestone.map(Milestone), user_errors })
    }

    /// Edits a milestone.
    async fn milestone_update(&self, ctx: &Context<'_>, input: MilestoneUpdateInput) -> Result<MilestoneUpdatePayload> {
        let (milestone, user_errors) = answer(ctx, |store, origin| edit(store, origin, input.clone())).await?;
        Ok(MilestoneUpdatePayload { milestone: milestone.map(Milestone), user_errors })
    }

    /// Removes a custom milestone.
    async fn milestone_remove(&self, ctx: &Context<'_>, input: MilestoneRemoveInput) -> Result<MilestoneRemovePayload> {
        let (report, user_errors) = answer(ctx, |store, origin| remove(store, origin, input.clone())).await?;
        Ok(MilestoneRemovePayload { report: report.map(Report::new), user_errors })
    }
}

/// A time as the precision keeps it.
fn at(time: Instant, precision: MilestonePrecision, calendar: Calendar) -> chrono::DateTime<chrono::Utc> {
    match precision {
        MilestonePrecision::Minute => to_the_minute(time),
        MilestonePrecision::Day => calendar.start_of(calendar.day_of(time.0)),
    }
}

async fn siblings(permitted: &Permitted, report_id: Uuid) -> Result<Vec<milestone::Model>> {
    let query = milestone::Entity::find().filter(milestone::Column::ReportId.eq(report_id)).order_by_asc(milestone::Column::Position);
    Ok(query.all(permitted.conn()).await?)
}

/// Puts `id` at `position` and counts the others around it; gives its position, and each sibling that moved, before and after.
async fn place(permitted: &Permitted, report_id: Uuid, id: Uuid, position: i32) -> Result<(i32, Vec<[milestone::Model; 2]>)> {
    let mut rows = siblings(permitted, report_id).await?;
    rows.retain(|m| m.id != id);
    let index = usize::try_from(position.saturating_sub(1)).unwrap_or(0).min(rows.len());
    let mut moved = Vec::new();
    for (place, row) in (1..).zip(rows) {
        let wanted = if place > i32::try_from(index).unwrap_or(i32::MAX) { place + 1 } else { place };
        if row.position != wanted {
            let after = milestone::Model { position: wanted, ..row.clone() };
            update(permitted, after.clone()).await?;
            moved.push([row, after]);
        }
    }
    Ok((i32::try_from(index).unwrap_or(0) + 1, moved))
}

fn tell_moved(change: Change, moved: &[[milestone::Model; 2]]) -> Change {
    moved.iter().fold(change, |change, [before, after]| change.edited("Milestone", after.id, before, after))
}

async fn add(store: &Store, origin: &Origin, input: MilestoneAddInput) -> Result<milestone::Model> {
    let retry = Key::of("milestoneAdd", input.idempotency_key.as_deref(), &input);
    let MilestoneAddInput { report_id, name, precision, owners, planned_at, position, idempotency_key: _ } = input;
    let permitted = store.open(origin, Kind::Report.uuid(&report_id)?).await?.permit(&[Act::MilestonePlan])?;
    if let Some(id) = idempotency::taken(&permitted, retry.as_ref()).await? {
        let id: Uuid = id.parse().map_err(Error::internal)?;
        let made = milestone::Entity::find_by_id(id).one(permitted.conn()).await?;
        return made.ok_or_else(|| Error::not_found("Milestone"));
    }
    let report_id = permitted.report()?.id;
    let owners = owners.unwrap_or_default();
    let mut checks = Checks::default();
    checks.filled("name", &name, SHORT);
    check_codes(&permitted, &mut checks, "owners", &owners, &[]).await?;
    checks
        .require(position.is_none_or(|p| p >= 1), UserErrorCode::OutOfRange, "position", || say("Positions count from 1", "位置从 1 开始"));
    let so_far = siblings(&permitted, report_id).await?;
    checks.require(so_far.len() < 100, UserErrorCode::OutOfRange, "reportId", || {
        say("A report has at most 100 milestones", "每份报告最多 100 个关键节点")
    });
    checks.done()?;
    let id = Uuid::now_v7();
    let (position, moved) = place(&permitted, report_id, id, position.unwrap_or(i32::MAX)).await?;
    let row = milestone::Model {
        id,
        report_id,
        kind: MilestoneKind::Custom,
        name: Some(name),
        precision,
        position,
        planned_at: planned_at.map(|t| at(t, precision, permitted.calendar())),
        actual_at: None,
        delay_reason: None,
        not_applicable: false,
        not_applicable_reason: None,
        version: 1,
    };
    insert(&permitted, row.clone()).await?;
    Owned::Milestone(id).write(&permitted, report_id, &owners, None).await?;
    idempotency::done(&permitted, retry.as_ref(), id).await?;
    let nothing: [String; 0] = [];
    let change = Change::of("milestoneAdd").added("Milestone", id, &row).field("Milestone", id, "owners", nothing, &owners);
    permitted.commit(tell_moved(change, &moved).content(ReportSection::Milestones, id, row.version)).await?;
    Ok(row)
}

async fn edit(store: &Store, origin: &Origin, input: MilestoneUpdateInput) -> Result<milestone::Model> {
    let MilestoneUpdateInput {
        id,
        expected_version,
        actual_at,
        delay_reason,
        not_applicable,
        not_applicable_reason,
        planned_at,
        owners,
        name,
        precision,
        position,
    } = input;
    let (opened, before) = store.open_row::<milestone::Entity>(origin, Kind::Milestone.uuid(&id)?).await?;
    let old_owners = codes(&Owned::Milestone(before.id).opened(&opened).await?);
    let plans =
        !(planned_at.is_undefined() && owners.is_undefined() && name.is_undefined() && precision.is_undefined() && position.is_undefined());
    let mut acts = vec![Act::MilestoneReport { owners: &old_owners }];
    if plans {
        acts.push(Act::MilestonePlan);
    }
    let permitted = opened.permit(&acts)?;
    expect_version(expected_version, before.version)?;
    let custom = before.kind == MilestoneKind::Custom;
    let mut row = before.clone();
    let mut checks = Checks::default();
    checks.require(custom || (name.is_undefined() && precision.is_undefined()), UserErrorCode::Invalid, "name", || {
        say("Name and precision of the form's milestones are fixed", "表单自带关键节点的名称和精度不可修改")
    });
    if custom {
        let mut filled = row.name.clone().unwrap_or_default();
        checks.patch_filled("name", name, SHORT, &mut filled);
        row.name = Some(filled);
        checks.patch_value("precision", precision, &mut row.precision);
    }
    let reports_actual = !actual_at.is_undefined();
    let kept = |t: Instant| at(t, row.precision, permitted.calendar());
    let (actual_at, planned_at) = (actual_at.map_value(kept), planned_at.map_value(kept));
    crate::graphql::input::patch_into(actual_at, &mut row.actual_at);
    crate::graphql::input::patch_into(planned_at, &mut row.planned_at);
    if let (true, Some(field)) = (reports_actual, field_of(before.kind)) {
        entered(&permitted, row.report_id, &[field]).await?;
    }
    let again = |t| at(Instant(t), row.precision, permitted.calendar());
    (row.actual_at, row.planned_at) = (row.actual_at.map(again), row.planned_at.map(again));
    checks.patch_text("delayReason", delay_reason, LONG, &mut row.delay_reason);
    let cleared = matches!(not_applicable, MaybeUndefined::Value(false)) && not_applicable_reason.is_undefined();
    checks.patch_value("notApplicable", not_applicable, &mut row.not_applicable);
    checks.patch_text("notApplicableReason", not_applicable_reason, LONG, &mut row.not_applicable_reason);
    if cleared {
        row.not_applicable_reason = None;
    }
    match (row.not_applicable, &row.not_applicable_reason) {
        (true, None) => {
            checks.fail(UserErrorCode::Required, "notApplicableReason", say("Not applicable needs a reason", "标记为不适用时必须填写原因"))
        }
        (false, Some(_)) => checks.fail(
            UserErrorCode::Invalid,
            "notApplicableReason",
            say("The reason goes with notApplicable: true", "仅在标记为不适用时填写原因"),
        ),
        _ => {}
    }
    checks.require(!(row.not_applicable && row.actual_at.is_some()), UserErrorCode::Invalid, "notApplicable", || {
        say("It has an actual time; clear that first", "该节点已有实际完成时间，请先清除")
    });
    let mut new_owners = old_owners.clone();
    checks.patch_value("owners", owners, &mut new_owners);
    check_codes(&permitted, &mut checks, "owners", &new_owners, &old_owners).await?;
    if let MaybeUndefined::Value(position) = position {
        checks.require(position >= 1, UserErrorCode::OutOfRange, "position", || say("Positions count from 1", "位置从 1 开始"));
    }
    checks.done()?;
    let mut moved = Vec::new();
    if let MaybeUndefined::Value(position) = position {
        (row.position, moved) = place(&permitted, row.report_id, row.id, position).await?;
    }
    let change = Change::of("milestoneUpdate").edited("Milestone", row.id, &before, &row);
    let change = change.field("Milestone", row.id, "owners", &old_owners, &new_owners);
    if !change.is_empty() {
        row.version += 1;
        update(&permitted, row.clone()).await?;
        if new_owners != old_owners {
            Owned::Milestone(row.id).write(&permitted, row.report_id, &new_owners, None).await?;
        }
    }
    permitted.commit(tell_moved(change, &moved).content(ReportSection::Milestones, row.id, row.version)).await?;
    Ok(row)
}

async fn remove(store: &Store, origin: &Origin, input: MilestoneRemoveInput) -> Result<entity::report::Model> {
    let MilestoneRemoveInput { id, expected_version } = input;
    let (opened, row) = store.open_row::<milestone::Entity>(origin, Kind::Milestone.uuid(&id)?).await?;
    let owners = codes(&Owned::Milestone(row.id).opened(&opened).await?);
    let permitted = opened.permit(&[Act::MilestonePlan])?;
    expect_version(expected_version, row.version)?;
    if row.kind != MilestoneKind::Custom {
        let said = say("The form's milestones stay; mark one as not applicable instead", "表单自带的关键节点不能删除，可标记为不适用");
        return Err(Error::user(UserErrorCode::Invalid, "id", said));
    }
    milestone::Entity::delete_by_id(row.id).exec(permitted.conn()).await?;
    let report = permitted.report()?.clone();
    let change = Change::of("milestoneRemove").removed("Milestone", row.id, &row).field("Milestone", row.id, "owners", &owners, None::<()>);
    permitted.commit(change.content(ReportSection::Milestones, row.id, row.version)).await?;
    Ok(report)
}
