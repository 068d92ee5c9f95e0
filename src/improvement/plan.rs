//! Planning actions: added, edited and removed while they were never submitted.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, OneofObject, SimpleObject};
use chrono::NaiveDate;
use entity::{
    enums::{ActionArea, ReportSection, ScheduleKind},
    improvement_action, report,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, prelude::Uuid};

use super::ImprovementAction;
use crate::{
    auth::Act,
    catalog::department::{check_codes, visible},
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::{Checks, LONG, SHORT, expect_version},
        payload::{UserError, answer},
        scalars::Day,
    },
    report::{
        Report,
        owners::{Owned, codes},
        rules,
    },
    store::{
        Change, Opened, Origin, Store,
        idempotency::{self, Key},
        insert, update,
    },
};

/// 计划完成时间: one of a date, at once, or a rule.
#[derive(Debug, Clone, OneofObject)]
pub enum ActionScheduleInput {
    /// A date.
    On(Day),
    /// 立即执行: `true`.
    Immediate(bool),
    /// An RFC 5545 rule; 每季度末 is `FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1`.
    Rule(String),
}

/// The fields of an action: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct ActionFields {
    /// What `OTHER` stands for.
    pub area_note: MaybeUndefined<String>,
    /// 责任部门: codes, in order.
    pub owners: MaybeUndefined<Vec<String>>,
    /// 牵头: code of the owner that leads.
    pub lead: MaybeUndefined<String>,
    /// 验证方式.
    pub verification: MaybeUndefined<String>,
    /// 计划完成时间.
    pub schedule: MaybeUndefined<ActionScheduleInput>,
    /// The schedule's wording on the form.
    pub schedule_text: MaybeUndefined<String>,
}

/// A new action.
#[derive(Debug, Clone, InputObject)]
pub struct ActionAddInput {
    /// The report.
    pub report_id: ID,
    /// 改进领域.
    pub area: ActionArea,
    /// 改进措施.
    pub measure: String,
    /// The same key and input give the same action.
    pub idempotency_key: Option<String>,
    /// What is known already.
    #[graphql(flatten)]
    pub fields: ActionFields,
}

/// A patch of an action that was never submitted.
#[derive(Debug, Clone, InputObject)]
pub struct ActionUpdateInput {
    /// The action.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// 改进领域.
    pub area: MaybeUndefined<ActionArea>,
    /// 改进措施.
    pub measure: MaybeUndefined<String>,
    /// The fields.
    #[graphql(flatten)]
    pub fields: ActionFields,
}

/// Which action to remove.
#[derive(Debug, Clone, InputObject)]
pub struct ActionRemoveInput {
    /// The action.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
}

/// What `actionAdd` answers.
#[derive(SimpleObject)]
pub struct ActionAddPayload {
    /// The new action; null when there are user errors.
    improvement_action: Option<ImprovementAction>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `actionUpdate` answers.
#[derive(SimpleObject)]
pub struct ActionUpdatePayload {
    /// The changed action; null when there are user errors.
    improvement_action: Option<ImprovementAction>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `actionRemove` answers.
#[derive(SimpleObject)]
pub struct ActionRemovePayload {
    /// The report without it; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations that plan actions.
#[derive(Default)]
pub struct PlanMutation;

#[Object]
impl PlanMutation {
    /// Adds an improvement action.
    async fn action_add(&self, ctx: &Context<'_>, input: ActionAddInput) -> Result<ActionAddPayload> {
        let (row, user_errors) = answer(ctx, |store, origin| add(store, origin, input.clone())).await?;
        Ok(ActionAddPayload { improvement_action: row.map(ImprovementAction::new), user_errors })
    }

    /// Edits an improvement action that was never submitted.
    async fn action_update(&self, ctx: &Context<'_>, input: ActionUpdateInput) -> Result<ActionUpdatePayload> {
        let (row, user_errors) = answer(ctx, |store, origin| edit(store, origin, input.clone())).await?;
        Ok(ActionUpdatePayload { improvement_action: row.map(ImprovementAction::new), user_errors })
    }

    /// Removes an improvement action that was never submitted.
    async fn action_remove(&self, ctx: &Context<'_>, input: ActionRemoveInput) -> Result<ActionRemovePayload> {
        let (report, user_errors) = answer(ctx, |store, origin| remove(store, origin, input.clone())).await?;
        Ok(ActionRemovePayload { report: report.map(Report::new), user_errors })
    }
}

/// Owners and lead, as an action has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    /// In order.
    pub codes: Vec<String>,
    /// One of them, if one leads.
    pub lead: Option<String>,
}

impl Owners {
    /// Those of an action under the lock.
    async fn of(opened: &Opened, action: Uuid) -> Result<Self> {
        let owned = Owned::Action(action).opened(opened).await?;
        Ok(Self { codes: codes(&owned), lead: owned.iter().find(|o| o.lead).map(|o| o.department.clone()) })
    }

    /// The lead must be an owner.
    pub fn check_lead(&self, checks: &mut Checks) {
        if let Some(lead) = &self.lead {
            checks.require(self.codes.contains(lead), UserErrorCode::Invalid, "lead", || {
                let lead = visible(lead);
                say(format!("{lead} leads, but is not an owner"), format!("牵头部门 {lead} 不在责任部门之中"))
            });
        }
    }
}

fn apply(
    checks: &mut Checks,
    row: &mut improvement_action::Model,
    fields: ActionFields,
    owners: &mut Owners,
    prepared_on: NaiveDate,
    today: NaiveDate,
) {
    let ActionFields { area_note, owners: codes, lead, verification, schedule, schedule_text } = fields;
    checks.patch_text("areaNote", area_note, SHORT, &mut row.area_note);
    checks.require(row.area != ActionArea::Other || row.area_note.is_some(), UserErrorCode::Required, "areaNote", || {
        say("The area OTHER needs an areaNote", "改进领域为“其他”时必须填写说明")
    });
    checks.patch_value("owners", codes, &mut owners.codes);
    crate::graphql::input::patch_into(lead, &mut owners.lead);
    owners.check_lead(checks);
    checks.patch_text("verification", verification, LONG, &mut row.verification);
    checks.patch_text("scheduleText", schedule_text, SHORT, &mut row.schedule_text);
    let (kind, on, rule) = match schedule {
        MaybeUndefined::Undefined => return,
        MaybeUndefined::Null => (None, None, None),
        MaybeUndefined::Value(ActionScheduleInput::On(day)) => {
            checks.require(day.0 >= prepared_on, UserErrorCode::Invalid, "schedule.on", || {
                say("The due date lies before the report's preparation date", "计划完成时间早于报告编制日期")
            });
            (Some(ScheduleKind::Date), Some(day.0), None)
        }
        MaybeUndefined::Value(ActionScheduleInput::Immediate(now)) => {
            checks.require(now, UserErrorCode::Invalid, "schedule.immediate", || say("immediate takes true only", "immediate 只能为 true"));
            (Some(ScheduleKind::Immediate), None, None)
        }
        MaybeUndefined::Value(ActionScheduleInput::Rule(rule)) => {
            if let Err(said) = rules::check_rule(&rule, today) {
                checks.fail(UserErrorCode::Invalid, "schedule.rule", said);
            }
            (Some(ScheduleKind::Recurring), None, Some(rule.trim().to_ascii_uppercase()))
        }
    };
    (row.schedule_kind, row.scheduled_on, row.rule) = (kind, on, rule);
}

async fn add(store: &Store, origin: &Origin, input: ActionAddInput) -> Result<improvement_action::Model> {
    let retry = Key::of("actionAdd", input.idempotency_key.as_deref(), &input);
    let ActionAddInput { report_id, area, measure, idempotency_key: _, fields } = input;
    let permitted = store.open(origin, Kind::Report.uuid(&report_id)?).await?.permit(&[Act::ActionPlan])?;
    if let Some(id) = idempotency::taken(&permitted, retry.as_ref()).await? {
        let id: Uuid = id.parse().map_err(Error::internal)?;
        let made = improvement_action::Entity::find_by_id(id).one(permitted.conn()).await?;
        return made.ok_or_else(|| Error::not_found("Improvement action"));
    }
    let report = permitted.report()?.clone();
    let of_report = improvement_action::Entity::find().filter(improvement_action::Column::ReportId.eq(report.id));
    let so_far = of_report.clone().count(permitted.conn()).await?;
    let last = of_report.order_by_desc(improvement_action::Column::Position).one(permitted.conn()).await?;
    let mut row = improvement_action::Model {
        id: Uuid::now_v7(),
        report_id: report.id,
        position: last.map_or(0, |a| a.position) + 1,
        area,
        area_note: None,
        measure,
        verification: None,
        schedule_kind: None,
        scheduled_on: None,
        rule: None,
        schedule_text: None,
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
    };
    let mut owners = Owners::default();
    let mut checks = Checks::default();
    checks.filled("measure", &row.measure, LONG);
    checks.require(so_far < 200, UserErrorCode::OutOfRange, "reportId", || {
        say("A report takes at most 200 actions", "每份报告最多 200 项改进措施")
    });
    apply(&mut checks, &mut row, fields, &mut owners, report.prepared_on, permitted.today());
    check_codes(&permitted, &mut checks, "owners", &owners.codes, &[]).await?;
    checks.done()?;
    insert(&permitted, row.clone()).await?;
    Owned::Action(row.id).write(&permitted, row.report_id, &owners.codes, owners.lead.as_deref()).await?;
    idempotency::done(&permitted, retry.as_ref(), row.id).await?;
    let nothing: [String; 0] = [];
    let change = Change::of("actionAdd")
        .added("ImprovementAction", row.id, &row)
        .field("ImprovementAction", row.id, "owners", nothing, &owners.codes)
        .field("ImprovementAction", row.id, "lead", None::<()>, &owners.lead);
    permitted.commit(change.content(ReportSection::Actions, row.id, row.version)).await?;
    Ok(row)
}

/// Refuses to edit what was submitted: that is rescheduled, reassigned, cancelled or ended instead.
fn refuse_submitted(row: &improvement_action::Model) -> Result<()> {
    if row.watched_from.is_none() && row.cancelled_at.is_none() {
        return Ok(());
    }
    let said = say("The action was submitted; reschedule, reassign, cancel or end it instead", "该措施已提交，只能改期、改派、取消或终止");
    Err(Error::user(UserErrorCode::WrongState, "id", said))
}

async fn edit(store: &Store, origin: &Origin, input: ActionUpdateInput) -> Result<improvement_action::Model> {
    let ActionUpdateInput { id, expected_version, area, measure, fields } = input;
    let (opened, before) = store.open_row::<improvement_action::Entity>(origin, Kind::ImprovementAction.uuid(&id)?).await?;
    let old = Owners::of(&opened, before.id).await?;
    let permitted = opened.permit(&[Act::ActionPlan])?;
    refuse_submitted(&before)?;
    expect_version(expected_version, before.version)?;
    let prepared_on = permitted.report()?.prepared_on;
    let mut row = before.clone();
    let mut new = old.clone();
    let mut checks = Checks::default();
    checks.patch_value("area", area, &mut row.area);
    checks.patch_filled("measure", measure, LONG, &mut row.measure);
    apply(&mut checks, &mut row, fields, &mut new, prepared_on, permitted.today());
    check_codes(&permitted, &mut checks, "owners", &new.codes, &old.codes).await?;
    checks.done()?;
    let change = Change::of("actionUpdate")
        .edited("ImprovementAction", row.id, &before, &row)
        .field("ImprovementAction", row.id, "owners", &old.codes, &new.codes)
        .field("ImprovementAction", row.id, "lead", &old.lead, &new.lead);
    if !change.is_empty() {
        row.version += 1;
        update(&permitted, row.clone()).await?;
        if new != old {
            Owned::Action(row.id).write(&permitted, row.report_id, &new.codes, new.lead.as_deref()).await?;
        }
    }
    permitted.commit(change.content(ReportSection::Actions, row.id, row.version)).await?;
    Ok(row)
}

async fn remove(store: &Store, origin: &Origin, input: ActionRemoveInput) -> Result<report::Model> {
    let ActionRemoveInput { id, expected_version } = input;
    let (opened, row) = store.open_row::<improvement_action::Entity>(origin, Kind::ImprovementAction.uuid(&id)?).await?;
    let old = Owners::of(&opened, row.id).await?;
    let permitted = opened.permit(&[Act::ActionPlan])?;
    refuse_submitted(&row)?;
    expect_version(expected_version, row.version)?;
    improvement_action::Entity::delete_by_id(row.id).exec(permitted.conn()).await?;
    let report = permitted.report()?.clone();
    let change = Change::of("actionRemove")
        .removed("ImprovementAction", row.id, &row)
        .field("ImprovementAction", row.id, "owners", &old.codes, None::<()>)
        .field("ImprovementAction", row.id, "lead", &old.lead, None::<()>);
    permitted.commit(change.content(ReportSection::Actions, row.id, row.version)).await?;
    Ok(report)
}
