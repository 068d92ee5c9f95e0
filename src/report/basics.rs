//! The patch of header and basics that creation and editing share, with the rules of `model.md`, 1.

use async_graphql::{InputObject, MaybeUndefined};
use chrono::{DateTime, Timelike, Utc};
use entity::{
    enums::{Audience, ReleaseOutcome, ReleaseStrategy, ReleaseType},
    release_application, report,
};
use sea_orm::EntityTrait;

use super::participants::{self, ParticipantInput};
use crate::{
    catalog::{
        PersonInput, ProductBy,
        department::check_codes,
        number::{version_key, version_sort},
    },
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        input::{Checks, LONG, SHORT, patch_into},
        scalars::{Hundredths, Instant, Url},
    },
    store::{Change, Permitted, update},
};

/// Header and basics: what is omitted stays, `null` clears.
#[derive(Debug, Clone, InputObject)]
pub struct BasicsInput {
    /// 编制部门: code of the department.
    pub prepared_by: MaybeUndefined<String>,
    /// Where the application can be read.
    pub application_url: MaybeUndefined<Url>,
    /// 产品名称.
    pub product: MaybeUndefined<ProductBy>,
    /// 发布版本, as it is written: `V4.1.2`.
    pub version: MaybeUndefined<String>,
    /// 发布类型.
    pub release_type: MaybeUndefined<ReleaseType>,
    /// 发布负责人.
    pub release_owner: MaybeUndefined<PersonInput>,
    /// 计划发布时间; seconds are dropped.
    pub planned_release_at: MaybeUndefined<Instant>,
    /// 实际发布时间; seconds are dropped.
    pub actual_release_at: MaybeUndefined<Instant>,
    /// 计划发布时长, in minutes.
    pub planned_duration_minutes: MaybeUndefined<i32>,
    /// 实际发布时长, in minutes.
    pub actual_duration_minutes: MaybeUndefined<i32>,
    /// 发布策略. `OTHER` needs `strategyNote`.
    pub strategy: MaybeUndefined<ReleaseStrategy>,
    /// What `OTHER` stands for.
    pub strategy_note: MaybeUndefined<String>,
    /// 覆盖用户范围. `PARTIAL_EXTERNAL` needs `externalPercent` and excludes `ALL_EXTERNAL`.
    pub audience: MaybeUndefined<Vec<Audience>>,
    /// Share of the external users in percent, more than 0 and less than 100, with `PARTIAL_EXTERNAL`.
    pub external_percent: MaybeUndefined<Hundredths>,
    /// 参与部门 and 核心参与人员; the list replaces the one before. A new report starts with the form's six departments.
    pub participants: MaybeUndefined<Vec<ParticipantInput>>,
    /// How the release ended. Default `RELEASED`.
    pub outcome: MaybeUndefined<ReleaseOutcome>,
}

/// A time to the minute.
pub fn to_the_minute(at: Instant) -> DateTime<Utc> {
    at.0.with_second(0).and_then(|t| t.with_nanosecond(0)).unwrap_or(at.0)
}

/// What is left to write once the report's row is.
pub struct Rest {
    participants: Option<Vec<ParticipantInput>>,
    /// The report is new: it has none before.
    first: bool,
    url: MaybeUndefined<Url>,
}

/// Checks the patch and applies it to `row`; people are written at once, the rest by [`Rest::write`].
///
/// # Errors
/// User errors, all together.
pub async fn apply(permitted: &Permitted, row: &mut report::Model, input: BasicsInput) -> Result<Rest> {
    let BasicsInput {
        prepared_by,
        application_url,
        product,
        version,
        release_type,
        release_owner,
        planned_release_at,
        actual_release_at,
        planned_duration_minutes,
        actual_duration_minutes,
        strategy,
        strategy_note,
        audience,
        external_percent,
        participants,
        outcome,
    } = input;
    let mut checks = Checks::default();
    if let MaybeUndefined::Value(code) = &prepared_by {
        let mut codes = Checks::default();
        check_codes(permitted, &mut codes, "preparedBy", std::slice::from_ref(code), std::slice::from_ref(&row.prepared_by)).await?;
        // One value, not a list: the path has no index.
        if let Err(Error::User(errors)) = codes.done() {
            errors.into_iter().for_each(|e| checks.fail(e.code, "preparedBy", e.message));
        }
    }
    checks.patch_value("preparedBy", prepared_by, &mut row.prepared_by);
    match product {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => row.product_id = None,
        MaybeUndefined::Value(by) => row.product_id = by.find(permitted, &mut checks, "product", row.product_id).await?,
    }
    apply_version(&mut checks, version, row);
    patch_into(release_type, &mut row.release_type);
    patch_into(planned_release_at.map_value(to_the_minute), &mut row.planned_release_at);
    patch_into(actual_release_at.map_value(to_the_minute), &mut row.actual_release_at);
    checks.patch_count("plannedDurationMinutes", planned_duration_minutes, &mut row.planned_duration_minutes);
    checks.patch_count("actualDurationMinutes", actual_duration_minutes, &mut row.actual_duration_minutes);
    patch_into(strategy, &mut row.strategy);
    checks.patch_text("strategyNote", strategy_note, LONG, &mut row.strategy_note);
    checks.require(
        row.strategy != Some(ReleaseStrategy::Other) || row.strategy_note.is_some(),
        UserErrorCode::Required,
        "strategyNote",
        || say("The strategy OTHER needs a strategyNote", "发布策略为“其他”时必须填写说明"),
    );
    apply_audience(&mut checks, audience, external_percent, row);
    checks.patch_value("outcome", outcome, &mut row.outcome);
    let participants = match participants {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => {
            checks.cannot_clear("participants");
            None
        }
        MaybeUndefined::Value(list) => {
            let before: Vec<String> = participants::of(permitted, row.id).await?.into_iter().map(|p| p.department).collect();
            participants::check(permitted, &mut checks, &list, &before).await?;
            Some(list)
        }
    };
    if let MaybeUndefined::Value(owner) = &release_owner {
        owner.check(&mut checks, "releaseOwner");
    }
    checks.done()?;
    match release_owner {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => row.release_owner_id = None,
        MaybeUndefined::Value(owner) => row.release_owner_id = Some(owner.mention(permitted).await?),
    }
    Ok(Rest { participants, first: false, url: application_url })
}

fn apply_version(checks: &mut Checks, version: MaybeUndefined<String>, row: &mut report::Model) {
    checks.patch_text("version", version, 60, &mut row.version);
    if let Some(text) = &row.version {
        let well_formed = version_key(text).starts_with(|c: char| c.is_ascii_digit())
            && text.trim().chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'));
        checks.require(well_formed, UserErrorCode::Invalid, "version", || {
            say("A version has a number, as V4.1.2, and no spaces", "版本号应为数字形式，如 V4.1.2，且不含空格")
        });
    }
    row.version_key = row.version.as_deref().map(version_key);
    row.version_sort = row.version.as_deref().map(version_sort);
}

fn apply_audience(
    checks: &mut Checks,
    audience: MaybeUndefined<Vec<Audience>>,
    percent: MaybeUndefined<Hundredths>,
    row: &mut report::Model,
) {
    if !audience.is_undefined() {
        let set = audience.take().unwrap_or_default();
        row.audience_internal = set.contains(&Audience::Internal);
        row.audience_partial_external = set.contains(&Audience::PartialExternal);
        row.audience_all_external = set.contains(&Audience::AllExternal);
        // The percentage belongs to PARTIAL_EXTERNAL and goes with it.
        if !row.audience_partial_external && percent.is_undefined() {
            row.external_percent = None;
        }
    }
    patch_into(percent.map_value(|p| p.0), &mut row.external_percent);
    checks.require(!(row.audience_partial_external && row.audience_all_external), UserErrorCode::Invalid, "audience", || {
        say("PARTIAL_EXTERNAL and ALL_EXTERNAL exclude each other", "“部分外部用户”与“全量外部用户”不能同时选择")
    });
    match (row.audience_partial_external, row.external_percent) {
        (true, None) => checks.fail(
            UserErrorCode::Required,
            "externalPercent",
            say("PARTIAL_EXTERNAL needs externalPercent", "选择“部分外部用户”时必须填写百分比"),
        ),
        (true, Some(p)) => checks.require(0 < p && p < 10_000, UserErrorCode::OutOfRange, "externalPercent", || {
            say("The percentage must be more than 0 and less than 100", "百分比必须大于 0 且小于 100")
        }),
        (false, Some(_)) => checks.fail(
            UserErrorCode::Invalid,
            "externalPercent",
            say("externalPercent goes with PARTIAL_EXTERNAL only", "仅选择“部分外部用户”时可以填写百分比"),
        ),
        (false, None) => {}
    }
}

impl Rest {
    /// Writes participants, and what the report tells of its application.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn write(self, permitted: &mut Permitted, row: &report::Model, mut change: Change) -> Result<Change> {
        if let Some(list) = self.participants {
            let before = if self.first { Vec::new() } else { participants::of(permitted, row.id).await? };
            change = participants::write(permitted, row.id, &before, &list, change).await?;
        }
        let found = release_application::Entity::find_by_id(row.application_id).one(permitted.conn()).await?;
        let before = found.ok_or_else(|| Error::internal("a report without its application"))?;
        let mut application = before.clone();
        patch_into(self.url.map_value(|u| u.0), &mut application.url);
        // First mention: what the report knows. Where they differ later, the report's own fields count for the report.
        application.product_id = application.product_id.or(row.product_id);
        application.version = application.version.or_else(|| row.version.clone());
        application.planned_release_at = application.planned_release_at.or(row.planned_release_at);
        if application != before {
            update(permitted, application.clone()).await?;
            change = change.edited("ReleaseApplication", application.id, &before, &application);
        }
        Ok(change)
    }

    /// The participants of a new report: those given, else the form's six.
    pub fn with_participants_of_the_form(mut self) -> Self {
        self.first = true;
        self.participants.get_or_insert_with(|| {
            participants::OF_THE_FORM.iter().map(|d| ParticipantInput { department: (*d).to_owned(), people: Vec::new() }).collect()
        });
        self
    }
}

/// Longest reason for an act, in characters.
pub const REASON: usize = SHORT * 10;
