//! 5.2 部门协作评估: what a participating department says of itself, and PRODUCT of it.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{department_evaluation, enums::ReportSection, report};

use crate::{
    auth::{Act, policy},
    catalog::Department,
    error::Result,
    graphql::{
        context::{actor, parent},
        ids::Kind,
        input::{Checks, LONG, expect_version},
        payload::{UserError, answer},
        walk::One,
    },
    report::permissions::facts,
    store::{Change, Origin, Store, update},
};

/// 部门协作评估: the evaluation of one department.
#[derive(Clone)]
pub struct DepartmentEvaluation(pub department_evaluation::Model);

/// 部门协作评估: the evaluation of one department.
#[Object]
impl DepartmentEvaluation {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::DepartmentEvaluation.id(self.0.id)
    }

    /// The department.
    async fn department(&self, ctx: &Context<'_>) -> Result<One<Department>> {
        Department::by_code(ctx, &self.0.department).await
    }

    /// 协作表现.
    async fn performance(&self) -> Option<&str> {
        self.0.performance.as_deref()
    }

    /// 存在问题.
    async fn shortcomings(&self) -> Option<&str> {
        self.0.shortcomings.as_deref()
    }

    /// 改进建议.
    async fn suggestions(&self) -> Option<&str> {
        self.0.suggestions.as_deref()
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// What you may do with it now.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<EvaluationPermissions> {
        let report = parent::<report::Entity>(ctx, self.0.report_id).await?;
        let act = Act::EvaluationWrite { department: &self.0.department };
        Ok(EvaluationPermissions { edit: policy::may(actor(ctx)?, act, &facts(ctx, &report).await?) })
    }
}

/// What the caller may do with an evaluation.
#[derive(SimpleObject)]
pub struct EvaluationPermissions {
    /// Write it.
    pub edit: bool,
}

/// A patch of a department's evaluation: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct DepartmentEvaluationUpdateInput {
    /// The evaluation.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// 协作表现.
    pub performance: MaybeUndefined<String>,
    /// 存在问题.
    pub shortcomings: MaybeUndefined<String>,
    /// 改进建议.
    pub suggestions: MaybeUndefined<String>,
}

/// What `departmentEvaluationUpdate` answers.
#[derive(SimpleObject)]
pub struct DepartmentEvaluationUpdatePayload {
    /// The changed evaluation; null when there are user errors.
    department_evaluation: Option<DepartmentEvaluation>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of departments' evaluations.
#[derive(Default)]
pub struct DepartmentEvaluationMutation;

#[Object]
impl DepartmentEvaluationMutation {
    /// Writes a department's evaluation.
    async fn department_evaluation_update(
        &self,
        ctx: &Context<'_>,
        input: DepartmentEvaluationUpdateInput,
    ) -> Result<DepartmentEvaluationUpdatePayload> {
        let (row, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(DepartmentEvaluationUpdatePayload { department_evaluation: row.map(DepartmentEvaluation), user_errors })
    }
}

async fn run(store: &Store, origin: &Origin, input: DepartmentEvaluationUpdateInput) -> Result<department_evaluation::Model> {
    let DepartmentEvaluationUpdateInput { id, expected_version, performance, shortcomings, suggestions } = input;
    let id = Kind::DepartmentEvaluation.uuid(&id)?;
    let (opened, before) = store.open_row::<department_evaluation::Entity>(origin, id).await?;
    let permitted = opened.permit(&[Act::EvaluationWrite { department: &before.department }])?;
    expect_version(expected_version, before.version)?;
    let mut row = before.clone();
    let mut checks = Checks::default();
    checks.patch_text("performance", performance, LONG, &mut row.performance);
    checks.patch_text("shortcomings", shortcomings, LONG, &mut row.shortcomings);
    checks.patch_text("suggestions", suggestions, LONG, &mut row.suggestions);
    checks.done()?;
    let change = Change::of("departmentEvaluationUpdate").edited("DepartmentEvaluation", row.id, &before, &row);
    if !change.is_empty() {
        row.version += 1;
        update(&permitted, row.clone()).await?;
    }
    permitted.commit(change.content(ReportSection::Evaluation, row.id, row.version)).await?;
    Ok(row)
}
