//! 六、总结: achievements (6.1) and shortcomings (6.2).

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{enums::ReportSection, report, shortcoming};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};

use super::Report;
use crate::{
    auth::Act,
    error::Result,
    graphql::{
        context::children,
        ids::Kind,
        input::{Checks, LONG, expect_version},
        payload::{UserError, answer},
        scalars::Hundredths,
        walk::One,
    },
    store::{Change, Origin, Permitted, Store, insert_many, update},
};

/// Achievements and shortcomings.
#[derive(Clone)]
pub struct SummaryPart(pub Arc<report::Model>);

#[Object]
impl SummaryPart {
    /// 6.1 本次发布核心成果.
    async fn achievements(&self) -> One<Achievements> {
        let r = &self.0;
        One(Achievements {
            features_added: r.features_added,
            bugs_fixed: r.bugs_fixed,
            vulnerabilities_fixed: r.vulnerabilities_fixed,
            highlights: r.highlights.clone(),
            strategy_findings: r.strategy_findings.clone(),
            collaboration_findings: r.collaboration_findings.clone(),
            efficiency_gain_percent: r.efficiency_gain_percent.map(Hundredths),
            version: r.summary_version,
        })
    }

    /// 6.2 主要不足: statements, in order.
    async fn shortcomings(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        let rows = children::<shortcoming::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().map(|s| s.statement.clone()).collect())
    }
}

/// 6.1 本次发布核心成果.
#[derive(SimpleObject)]
pub struct Achievements {
    /// 新增功能.
    pub features_added: Option<i32>,
    /// 修复 Bug.
    pub bugs_fixed: Option<i32>,
    /// 修复安全漏洞.
    pub vulnerabilities_fixed: Option<i32>,
    /// 提升: what became better.
    pub highlights: Option<String>,
    /// What was learnt about the release strategy.
    pub strategy_findings: Option<String>,
    /// What was learnt about working together.
    pub collaboration_findings: Option<String>,
    /// How much faster problems were handled than in the version before, in percent; may be negative.
    pub efficiency_gain_percent: Option<Hundredths>,
    /// Version of achievements and shortcomings; send it as `expectedVersion` to `summaryUpdate`.
    pub version: i32,
}

/// A patch of achievements and shortcomings: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct SummaryUpdateInput {
    /// The report.
    pub id: ID,
    /// Refused with `CONFLICT` when `achievements.version` is another.
    pub expected_version: Option<i32>,
    /// 新增功能.
    pub features_added: MaybeUndefined<i32>,
    /// 修复 Bug.
    pub bugs_fixed: MaybeUndefined<i32>,
    /// 修复安全漏洞.
    pub vulnerabilities_fixed: MaybeUndefined<i32>,
    /// What became better.
    pub highlights: MaybeUndefined<String>,
    /// What was learnt about the release strategy.
    pub strategy_findings: MaybeUndefined<String>,
    /// What was learnt about working together.
    pub collaboration_findings: MaybeUndefined<String>,
    /// In percent; may be negative.
    pub efficiency_gain_percent: MaybeUndefined<Hundredths>,
    /// 主要不足; the list replaces the one before.
    pub shortcomings: MaybeUndefined<Vec<String>>,
}

/// What `summaryUpdate` answers.
#[derive(SimpleObject)]
pub struct SummaryUpdatePayload {
    /// The changed report; null when there are user errors.
    report: Option<Report>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Editing of the summary.
#[derive(Default)]
pub struct SummaryMutation;

#[Object]
impl SummaryMutation {
    /// Edits achievements and shortcomings.
    async fn summary_update(&self, ctx: &Context<'_>, input: SummaryUpdateInput) -> Result<SummaryUpdatePayload> {
        let (report, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(SummaryUpdatePayload { report: report.map(Report::new), user_errors })
    }
}

async fn run(store: &Store, origin: &Origin, input: SummaryUpdateInput) -> Result<report::Model> {
    let SummaryUpdateInput {
        id,
        expected_version,
        features_added,
        bugs_fixed,
        vulnerabilities_fixed,
        highlights,
        strategy_findings,
        collaboration_findings,
        efficiency_gain_percent,
        shortcomings,
    } = input;
    let permitted = store.open(origin, Kind::Report.uuid(&id)?).await?.permit(&[Act::ReportEdit])?;
    let before = permitted.report()?.clone();
    expect_version(expected_version, before.summary_version)?;
    let mut row = before.clone();
    let mut checks = Checks::default();
    checks.patch_count("featuresAdded", features_added, &mut row.features_added);
    checks.patch_count("bugsFixed", bugs_fixed, &mut row.bugs_fixed);
    checks.patch_count("vulnerabilitiesFixed", vulnerabilities_fixed, &mut row.vulnerabilities_fixed);
    checks.patch_text("highlights", highlights, LONG, &mut row.highlights);
    checks.patch_text("strategyFindings", strategy_findings, LONG, &mut row.strategy_findings);
    checks.patch_text("collaborationFindings", collaboration_findings, LONG, &mut row.collaboration_findings);
    checks.patch_decimal("efficiencyGainPercent", efficiency_gain_percent, true, &mut row.efficiency_gain_percent);
    let old: Vec<String> = shortcomings_of(&permitted, row.id).await?;
    let mut new = old.clone();
    checks.patch_value("shortcomings", shortcomings, &mut new);
    checks.list("shortcomings", &new, 100);
    for (index, statement) in new.iter().enumerate() {
        checks.filled(&format!("shortcomings.{index}"), statement, LONG);
    }
    checks.done()?;
    let change = Change::of("summaryUpdate").edited("Report", row.id, &before, &row).field("Report", row.id, "shortcomings", &old, &new);
    if !change.is_empty() {
        row.summary_version += 1;
        row.updated_at = permitted.now();
        update(&permitted, row.clone()).await?;
    }
    if new != old {
        shortcoming::Entity::delete_many().filter(shortcoming::Column::ReportId.eq(row.id)).exec(permitted.conn()).await?;
        let rows =
            (1..).zip(new).map(|(position, statement)| shortcoming::Model { id: Uuid::now_v7(), report_id: row.id, statement, position });
        insert_many(&permitted, rows.collect()).await?;
    }
    let change = change.content(ReportSection::Summary, row.id, row.summary_version);
    permitted.commit(change).await?;
    Ok(row)
}

async fn shortcomings_of(permitted: &Permitted, report_id: Uuid) -> Result<Vec<String>> {
    let query = shortcoming::Entity::find().filter(shortcoming::Column::ReportId.eq(report_id)).order_by_asc(shortcoming::Column::Position);
    Ok(query.all(permitted.conn()).await?.into_iter().map(|s| s.statement).collect())
}
