//! Adding, editing and removing typical cases.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{enums::ReportSection, report, typical_case};
use sea_orm::{EntityTrait, prelude::Uuid};

use super::Case;
use crate::{
    auth::Act,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::{Checks, LONG, expect_version, patch_into},
        payload::{UserError, answer},
    },
    report::Report,
    store::{
        Change, Origin, Store,
        idempotency::{self, Key},
        insert, update,
    },
};

/// The fields of a case: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct CaseFields {
    /// 处理方案.
    pub solution: MaybeUndefined<String>,
    /// 用户满意度: 1 to 5 stars.
    pub satisfaction: MaybeUndefined<i32>,
    /// 经验总结.
    pub lesson: MaybeUndefined<String>,
}

/// A new case.
#[derive(Debug, Clone, InputObject)]
pub struct CaseAddInput {
    /// The report.
    pub report_id: ID,
    /// 问题描述.
    pub description: String,
    /// The same key and input give the same case.
    pub idempotency_key: Option<String>,
    /// What is known already.
    #[graphql(flatten)]
    pub fields: CaseFields,
}

/// A patch of a case.
#[derive(Debug, Clone, InputObject)]
pub struct CaseUpdateInput {
    /// The case.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// 问题描述.
    pub description: MaybeUndefined<String>,
    /// The fields.
    #[graphql(flatten)]
    pub fields: CaseFields,
}

/// Which case to remove.
#[derive(Debug, Clone, InputObject)]
pub struct CaseRemoveInput {
    /// The case.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
}

/// What `caseAdd` answers.
#[derive(SimpleObject)]
pub struct CaseAddPayload {
    /// The new case; null when there are user errors.
    case: Option<Case>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `caseUpdate` answers.
#[derive(SimpleObject)]
pub struct CaseUpdatePayload {
    /// The changed case; null when there are user errors.
    case: Option<Case>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `caseRemove` answers.
#[derive(SimpleObject)]
pub struct CaseRemovePayload {
    /// The report without it; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of cases.
#[derive(Default)]
pub struct CaseMutation;

#[Object]
impl CaseMutation {
    /// Adds a typical case, with the next code of the report.
    async fn case_add(&self, ctx: &Context<'_>, input: CaseAddInput) -> Result<CaseAddPayload> {
        let (case, user_errors) = answer(ctx, |store, origin| add(store, origin, input.clone())).await?;
        Ok(CaseAddPayload { case: case.map(Case), user_errors })
    }

    /// Edits a typical case.
    async fn case_update(&self, ctx: &Context<'_>, input: CaseUpdateInput) -> Result<CaseUpdatePayload> {
        let (case, user_errors) = answer(ctx, |store, origin| edit(store, origin, input.clone())).await?;
        Ok(CaseUpdatePayload { case: case.map(Case), user_errors })
    }

    /// Removes a typical case; its code is not used again.
    async fn case_remove(&self, ctx: &Context<'_>, input: CaseRemoveInput) -> Result<CaseRemovePayload> {
        let (report, user_errors) = answer(ctx, |store, origin| remove(store, origin, input.clone())).await?;
        Ok(CaseRemovePayload { report: report.map(Report::new), user_errors })
    }
}

fn apply(checks: &mut Checks, row: &mut typical_case::Model, fields: CaseFields) {
    let CaseFields { solution, satisfaction, lesson } = fields;
    checks.patch_text("solution", solution, LONG, &mut row.solution);
    patch_into(satisfaction, &mut row.satisfaction);
    checks.require(row.satisfaction.is_none_or(|s| (1..=5).contains(&s)), UserErrorCode::OutOfRange, "satisfaction", || {
        say("Satisfaction is 1 to 5 stars", "用户满意度为 1 到 5 星")
    });
    checks.patch_text("lesson", lesson, LONG, &mut row.lesson);
}

async fn add(store: &Store, origin: &Origin, input: CaseAddInput) -> Result<typical_case::Model> {
    let retry = Key::of("caseAdd", input.idempotency_key.as_deref(), &input);
    let CaseAddInput { report_id, description, idempotency_key: _, fields } = input;
    let permitted = store.open(origin, Kind::Report.uuid(&report_id)?).await?.permit(&[Act::CaseEdit])?;
    if let Some(id) = idempotency::taken(&permitted, retry.as_ref()).await? {
        let id: Uuid = id.parse().map_err(Error::internal)?;
        let made = typical_case::Entity::find_by_id(id).one(permitted.conn()).await?;
        return made.ok_or_else(|| Error::not_found("Case"));
    }
    let mut report = permitted.report()?.clone();
    report.last_case += 1;
    let mut row = typical_case::Model {
        id: Uuid::now_v7(),
        report_id: report.id,
        number: report.last_case,
        description,
        solution: None,
        satisfaction: None,
        lesson: None,
        created_at: permitted.now(),
        version: 1,
    };
    let mut checks = Checks::default();
    checks.filled("description", &row.description, LONG);
    checks.require(row.number <= 500, UserErrorCode::OutOfRange, "reportId", || {
        say("A report takes at most 500 cases", "每份报告最多记录 500 个案例")
    });
    apply(&mut checks, &mut row, fields);
    checks.done()?;
    update(&permitted, report).await?;
    insert(&permitted, row.clone()).await?;
    idempotency::done(&permitted, retry.as_ref(), row.id).await?;
    let change = Change::of("caseAdd").added("Case", row.id, &row);
    permitted.commit(change.content(ReportSection::Cases, row.id, row.version)).await?;
    Ok(row)
}

async fn edit(store: &Store, origin: &Origin, input: CaseUpdateInput) -> Result<typical_case::Model> {
    let CaseUpdateInput { id, expected_version, description, fields } = input;
    let (opened, before) = store.open_row::<typical_case::Entity>(origin, Kind::Case.uuid(&id)?).await?;
    let permitted = opened.permit(&[Act::CaseEdit])?;
    expect_version(expected_version, before.version)?;
    let mut row = before.clone();
    let mut checks = Checks::default();
    checks.patch_filled("description", description, LONG, &mut row.description);
    apply(&mut checks, &mut row, fields);
    checks.done()?;
    let change = Change::of("caseUpdate").edited("Case", row.id, &before, &row);
    if !change.is_empty() {
        row.version += 1;
        update(&permitted, row.clone()).await?;
    }
    permitted.commit(change.content(ReportSection::Cases, row.id, row.version)).await?;
    Ok(row)
}

async fn remove(store: &Store, origin: &Origin, input: CaseRemoveInput) -> Result<report::Model> {
    let CaseRemoveInput { id, expected_version } = input;
    let (opened, row) = store.open_row::<typical_case::Entity>(origin, Kind::Case.uuid(&id)?).await?;
    let permitted = opened.permit(&[Act::CaseEdit])?;
    expect_version(expected_version, row.version)?;
    typical_case::Entity::delete_by_id(row.id).exec(permitted.conn()).await?;
    let report = permitted.report()?.clone();
    let change = Change::of("caseRemove").removed("Case", row.id, &row);
    permitted.commit(change.content(ReportSection::Cases, row.id, row.version)).await?;
    Ok(report)
}
