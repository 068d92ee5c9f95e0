//! 4.1 发布后问题统计: how many were found, of which severity, how many are fixed.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{
    enums::{IssueCategory, ReportSection},
    feedback_source, planned_fix, post_release_stat, report,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};

use crate::{
    auth::{Act, policy},
    error::{Result, UserErrorCode, say},
    graphql::{
        context::{actor, children, parent},
        ids::Kind,
        input::{Checks, SHORT, expect_version},
        payload::{UserError, answer},
        walk::{Many, One},
    },
    report::permissions::facts,
    store::{Change, Origin, Store, insert_many, update},
};

/// A row of the post-release statistics.
#[derive(Clone)]
pub struct PostReleaseStat(pub post_release_stat::Model);

/// How many were found, by severity: `P0`–`P3`, or for vulnerabilities high, medium and low. Blank is not zero.
#[derive(SimpleObject)]
pub struct FoundBySeverity {
    /// P0; not of `SECURITY`.
    pub p0: Option<i32>,
    /// P1; not of `SECURITY`.
    pub p1: Option<i32>,
    /// P2; not of `SECURITY`.
    pub p2: Option<i32>,
    /// P3; not of `SECURITY`.
    pub p3: Option<i32>,
    /// 高危; of `SECURITY` only.
    pub high: Option<i32>,
    /// 中危; of `SECURITY` only.
    pub medium: Option<i32>,
    /// 低危; of `SECURITY` only.
    pub low: Option<i32>,
}

/// How many of the unfixed a version will fix.
#[derive(SimpleObject)]
pub struct PlannedFix {
    /// The version.
    pub version: String,
    /// How many.
    pub count: i32,
}

/// A row of the post-release statistics.
#[Object]
impl PostReleaseStat {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::PostReleaseStat.id(self.0.id)
    }

    /// 问题类型.
    async fn category(&self) -> IssueCategory {
        self.0.category
    }

    /// 严重程度分布.
    async fn found(&self) -> One<FoundBySeverity> {
        let s = &self.0;
        One(FoundBySeverity {
            p0: s.found_p0,
            p1: s.found_p1,
            p2: s.found_p2,
            p3: s.found_p3,
            high: s.found_high,
            medium: s.found_medium,
            low: s.found_low,
        })
    }

    /// 发现数量, derived; null while no severity is given.
    async fn found_total(&self) -> Option<i32> {
        found_total(&self.0)
    }

    /// 已修复数量.
    async fn fixed(&self) -> Option<i32> {
        self.0.fixed
    }

    /// 未修复数量, derived.
    async fn unfixed(&self) -> Option<i32> {
        unfixed(&self.0)
    }

    /// 计划修复版本.
    async fn planned_fixes(&self, ctx: &Context<'_>) -> Result<Many<PlannedFix>> {
        let rows = children::<planned_fix::Entity>(ctx, self.0.report_id).await?;
        let rows = rows.iter().filter(|f| f.stat_id == self.0.id);
        Ok(rows.map(|f| PlannedFix { version: f.release_version.clone(), count: f.count }).collect())
    }

    /// 主要反馈来源.
    async fn feedback_sources(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        let rows = children::<feedback_source::Entity>(ctx, self.0.report_id).await?;
        Ok(rows.iter().filter(|f| f.stat_id == self.0.id).map(|f| f.text.clone()).collect())
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// What you may do with it now.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<PostReleaseStatPermissions> {
        let report = parent::<report::Entity>(ctx, self.0.report_id).await?;
        let act = Act::PostReleaseEdit { category: self.0.category };
        Ok(PostReleaseStatPermissions { edit: policy::may(actor(ctx)?, act, &facts(ctx, &report).await?) })
    }
}

/// What the caller may do with a row of the statistics.
#[derive(SimpleObject)]
pub struct PostReleaseStatPermissions {
    /// Write it.
    pub edit: bool,
}

fn severities(s: &post_release_stat::Model) -> [Option<i32>; 7] {
    [s.found_p0, s.found_p1, s.found_p2, s.found_p3, s.found_high, s.found_medium, s.found_low]
}

/// Derived: the sum over the severities that are given.
pub fn found_total(s: &post_release_stat::Model) -> Option<i32> {
    let given = severities(s);
    given.iter().any(Option::is_some).then(|| given.iter().flatten().sum())
}

/// Derived: found − fixed.
pub fn unfixed(s: &post_release_stat::Model) -> Option<i32> {
    Some(found_total(s)? - s.fixed?)
}

/// 合计 over the four rows; each null while a row lacks it.
#[derive(SimpleObject)]
pub struct PostReleaseTotals {
    /// 发现数量.
    pub found: Option<i32>,
    /// 已修复数量.
    pub fixed: Option<i32>,
    /// 未修复数量.
    pub unfixed: Option<i32>,
}

impl PostReleaseTotals {
    /// Of the rows of a report.
    pub fn of(rows: &[post_release_stat::Model]) -> Self {
        let sum = |of: fn(&post_release_stat::Model) -> Option<i32>| rows.iter().map(of).sum::<Option<i32>>();
        Self { found: sum(found_total), fixed: sum(|s| s.fixed), unfixed: sum(unfixed) }
    }
}

/// How many were found, by severity: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct FoundBySeverityInput {
    /// P0; not of `SECURITY`.
    pub p0: MaybeUndefined<i32>,
    /// P1; not of `SECURITY`.
    pub p1: MaybeUndefined<i32>,
    /// P2; not of `SECURITY`.
    pub p2: MaybeUndefined<i32>,
    /// P3; not of `SECURITY`.
    pub p3: MaybeUndefined<i32>,
    /// 高危; of `SECURITY` only.
    pub high: MaybeUndefined<i32>,
    /// 中危; of `SECURITY` only.
    pub medium: MaybeUndefined<i32>,
    /// 低危; of `SECURITY` only.
    pub low: MaybeUndefined<i32>,
}

/// How many of the unfixed a version will fix.
#[derive(Debug, Clone, InputObject)]
pub struct PlannedFixInput {
    /// The version.
    pub version: String,
    /// How many, from 1.
    pub count: i32,
}

/// A patch of a row of the statistics: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct PostReleaseStatUpdateInput {
    /// The row.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// 严重程度分布.
    pub found: Option<FoundBySeverityInput>,
    /// 已修复数量; never more than found.
    pub fixed: MaybeUndefined<i32>,
    /// 计划修复版本, together at most what is unfixed; the list replaces the one before.
    pub planned_fixes: MaybeUndefined<Vec<PlannedFixInput>>,
    /// 主要反馈来源; the list replaces the one before.
    pub feedback_sources: MaybeUndefined<Vec<String>>,
}

/// What `postReleaseStatUpdate` answers.
#[derive(SimpleObject)]
pub struct PostReleaseStatUpdatePayload {
    /// The changed row; null when there are user errors.
    post_release_stat: Option<PostReleaseStat>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of the statistics.
#[derive(Default)]
pub struct StatisticsMutation;

#[Object]
impl StatisticsMutation {
    /// Edits a row of the post-release statistics.
    async fn post_release_stat_update(&self, ctx: &Context<'_>, input: PostReleaseStatUpdateInput) -> Result<PostReleaseStatUpdatePayload> {
        let (row, user_errors) = answer(ctx, |store, origin| run(store, origin, input.clone())).await?;
        Ok(PostReleaseStatUpdatePayload { post_release_stat: row.map(PostReleaseStat), user_errors })
    }
}

fn apply_found(checks: &mut Checks, row: &mut post_release_stat::Model, found: FoundBySeverityInput) {
    let FoundBySeverityInput { p0, p1, p2, p3, high, medium, low } = found;
    let security = row.category == IssueCategory::Security;
    for (name, of_security, value, into) in [
        ("p0", false, p0, &mut row.found_p0),
        ("p1", false, p1, &mut row.found_p1),
        ("p2", false, p2, &mut row.found_p2),
        ("p3", false, p3, &mut row.found_p3),
        ("high", true, high, &mut row.found_high),
        ("medium", true, medium, &mut row.found_medium),
        ("low", true, low, &mut row.found_low),
    ] {
        let path = format!("found.{name}");
        if security != of_security && matches!(value, MaybeUndefined::Value(_)) {
            let said = say(
                "SECURITY counts high, medium and low; the others P0 to P3",
                "安全漏洞按高危、中危、低危统计，其他类型按 P0 至 P3 统计",
            );
            checks.fail(UserErrorCode::Invalid, &path, said);
        } else {
            checks.patch_count(&path, value, into);
        }
    }
}

async fn run(store: &Store, origin: &Origin, input: PostReleaseStatUpdateInput) -> Result<post_release_stat::Model> {
    let PostReleaseStatUpdateInput { id, expected_version, found, fixed, planned_fixes, feedback_sources } = input;
    let (opened, before) = store.open_row::<post_release_stat::Entity>(origin, Kind::PostReleaseStat.uuid(&id)?).await?;
    let permitted = opened.permit(&[Act::PostReleaseEdit { category: before.category }])?;
    expect_version(expected_version, before.version)?;
    let conn = permitted.conn();
    let mut row = before.clone();
    let mut checks = Checks::default();
    if let Some(found) = found {
        apply_found(&mut checks, &mut row, found);
    }
    checks.patch_count("fixed", fixed, &mut row.fixed);
    let total = found_total(&row).unwrap_or(0);
    checks.require(row.fixed.unwrap_or(0) <= total, UserErrorCode::OutOfRange, "fixed", || {
        say(format!("Fixed is more than the {total} found"), format!("已修复数量超过发现数量 {total}"))
    });
    let fixes = planned_fix::Entity::find().filter(planned_fix::Column::StatId.eq(row.id)).order_by_asc(planned_fix::Column::Position);
    let old_fixes: Vec<(String, i32)> = fixes.all(conn).await?.into_iter().map(|f| (f.release_version, f.count)).collect();
    let mut new_fixes = old_fixes.clone();
    checks.patch_value("plannedFixes", planned_fixes.map_value(|l| l.into_iter().map(|f| (f.version, f.count)).collect()), &mut new_fixes);
    checks.list("plannedFixes", &new_fixes, 50);
    for (index, (version, count)) in new_fixes.iter().enumerate() {
        checks.filled(&format!("plannedFixes.{index}.version"), version, 60);
        checks.require(*count > 0, UserErrorCode::OutOfRange, &format!("plannedFixes.{index}.count"), || {
            say("The count must be at least 1", "数量至少为 1")
        });
    }
    let planned: i64 = new_fixes.iter().map(|(_, count)| i64::from(*count)).sum();
    let left = i64::from(total - row.fixed.unwrap_or(0));
    checks.require(planned <= left, UserErrorCode::OutOfRange, "plannedFixes", || {
        say(format!("{planned} fixes are planned, but only {left} are unfixed"), format!("计划修复 {planned} 个，但未修复的只有 {left} 个"))
    });
    let sources =
        feedback_source::Entity::find().filter(feedback_source::Column::StatId.eq(row.id)).order_by_asc(feedback_source::Column::Position);
    let old_sources: Vec<String> = sources.all(conn).await?.into_iter().map(|f| f.text).collect();
    let mut new_sources = old_sources.clone();
    checks.patch_value("feedbackSources", feedback_sources, &mut new_sources);
    checks.list("feedbackSources", &new_sources, 50);
    for (index, text) in new_sources.iter().enumerate() {
        checks.filled(&format!("feedbackSources.{index}"), text, SHORT);
    }
    checks.done()?;
    let change = Change::of("postReleaseStatUpdate")
        .edited("PostReleaseStat", row.id, &before, &row)
        .field("PostReleaseStat", row.id, "plannedFixes", &old_fixes, &new_fixes)
        .field("PostReleaseStat", row.id, "feedbackSources", &old_sources, &new_sources);
    let (stat_id, report_id) = (row.id, row.report_id);
    if !change.is_empty() {
        row.version += 1;
        update(&permitted, row.clone()).await?;
    }
    if new_fixes != old_fixes {
        planned_fix::Entity::delete_many().filter(planned_fix::Column::StatId.eq(stat_id)).exec(conn).await?;
        let rows = (1..).zip(new_fixes).map(|(position, (release_version, count))| planned_fix::Model {
            id: Uuid::now_v7(),
            stat_id,
            report_id,
            release_version,
            count,
            position,
        });
        insert_many(&permitted, rows.collect()).await?;
    }
    if new_sources != old_sources {
        feedback_source::Entity::delete_many().filter(feedback_source::Column::StatId.eq(stat_id)).exec(conn).await?;
        let rows = (1..).zip(new_sources).map(|(position, text)| feedback_source::Model {
            id: Uuid::now_v7(),
            stat_id,
            report_id,
            text,
            position,
        });
        insert_many(&permitted, rows.collect()).await?;
    }
    permitted.commit(change.content(ReportSection::PostRelease, stat_id, row.version)).await?;
    Ok(row)
}
