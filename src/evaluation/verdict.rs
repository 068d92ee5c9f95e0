//! 5.1 and 5.3: whether the strategy fitted, and whether the rules were followed.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{
    enums::{ComplianceVerdict, ReportSection},
    report,
};

use crate::{
    auth::Act,
    error::Result,
    graphql::{
        ids::Kind,
        input::{Checks, LONG, expect_version, patch_into},
        payload::{UserError, answer},
    },
    report::Report,
    store::{Change, Origin, Store, update},
};

/// 5.1 发布策略评估 and 5.3 流程合规性评估.
#[derive(SimpleObject)]
pub struct Evaluation {
    /// 适用性: whether the strategy fitted the version.
    pub strategy_fit: Option<bool>,
    /// Why.
    pub strategy_fit_reason: Option<String>,
    /// 优化建议.
    pub strategy_suggestions: Option<String>,
    /// 是否符合《产品发布管理内部规范》.
    pub compliance: Option<ComplianceVerdict>,
    /// 不符合项说明; needed unless `FULL`.
    pub non_compliances: Option<String>,
    /// 整改措施; needed unless `FULL`.
    pub rectification: Option<String>,
    /// Counts the changes of this section; send it as `expectedVersion`.
    pub version: i32,
}

impl Evaluation {
    /// Of a report's row.
    pub fn of(r: &report::Model) -> Self {
        Self {
            strategy_fit: r.strategy_fit,
            strategy_fit_reason: r.strategy_fit_reason.clone(),
            strategy_suggestions: r.strategy_suggestions.clone(),
            compliance: r.compliance,
            non_compliances: r.non_compliances.clone(),
            rectification: r.rectification.clone(),
            version: r.evaluation_version,
        }
    }
}

/// A patch of strategy and compliance evaluation: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct EvaluationUpdateInput {
    /// The report.
    pub report_id: ID,
    /// Refused with `CONFLICT` when `evaluation.version` is another.
    pub expected_version: Option<i32>,
    /// Whether the strategy fitted the version.
    pub strategy_fit: MaybeUndefined<bool>,
    /// Why.
    pub strategy_fit_reason: MaybeUndefined<String>,
    /// 优化建议.
    pub strategy_suggestions: MaybeUndefined<String>,
    /// 是否符合《产品发布管理内部规范》.
    pub compliance: MaybeUndefined<ComplianceVerdict>,
    /// 不符合项说明.
    pub non_compliances: MaybeUndefined<String>,
    /// 整改措施.
    pub rectification: MaybeUndefined<String>,
}

/// What `evaluationUpdate` answers.
#[derive(SimpleObject)]
pub struct EvaluationUpdatePayload {
    /// The changed report; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of strategy and compliance evaluation.
#[derive(Default)]
pub struct VerdictMutation;

#[Object]
impl VerdictMutation {
    /// Edits strategy and compliance evaluation.
    async fn evaluation_update(&self, ctx: &Context<'_>, input: EvaluationUpdateInput) -> Result<EvaluationUpdatePayload> {
        let (report, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(EvaluationUpdatePayload { report: report.map(Report::new), user_errors })
    }
}

async fn run(store: &Store, origin: &Origin, input: EvaluationUpdateInput) -> Result<report::Model> {
    let EvaluationUpdateInput {
        report_id,
        expected_version,
        strategy_fit,
        strategy_fit_reason,
        strategy_suggestions,
        compliance,
        non_compliances,
        rectification,
    } = input;
    let permitted = store.open(origin, Kind::Report.uuid(&report_id)?).await?.permit(&[Act::ReportEdit])?;
    let before = permitted.report()?.clone();
    expect_version(expected_version, before.evaluation_version)?;
    let mut row = before.clone();
    let mut checks = Checks::default();
    patch_into(strategy_fit, &mut row.strategy_fit);
    checks.patch_text("strategyFitReason", strategy_fit_reason, LONG, &mut row.strategy_fit_reason);
    checks.patch_text("strategySuggestions", strategy_suggestions, LONG, &mut row.strategy_suggestions);
    patch_into(compliance, &mut row.compliance);
    checks.patch_text("nonCompliances", non_compliances, LONG, &mut row.non_compliances);
    checks.patch_text("rectification", rectification, LONG, &mut row.rectification);
    checks.done()?;
    let change = Change::of("evaluationUpdate").edited("Report", row.id, &before, &row);
    if !change.is_empty() {
        row.evaluation_version += 1;
        row.updated_at = permitted.now();
        update(&permitted, row.clone()).await?;
    }
    permitted.commit(change.content(ReportSection::Evaluation, row.id, row.evaluation_version)).await?;
    Ok(row)
}
