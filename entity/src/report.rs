//! Table `report`: reports: what the form has once.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{ComplianceVerdict, ReleaseOutcome, ReleaseStrategy, ReleaseType, ReportState};

/// A row of `report`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "report")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `REL-SUM-YYYY-NNN`; given by the service.
    pub number: String,
    pub number_year: i32,
    pub number_sequence: i32,
    pub application_id: Uuid,
    /// The application while this report is its live one; unique, so that there is one.
    pub live_application_id: Option<Uuid>,
    pub prepared_by: String,
    #[serde(deserialize_with = "crate::read::day")]
    pub prepared_on: Date,
    pub state: ReportState,
    pub outcome: ReleaseOutcome,
    pub product_id: Option<Uuid>,
    /// 发布版本 as written.
    pub version: Option<String>,
    /// Trimmed, lower case, without the V: what versions are compared by.
    pub version_key: Option<String>,
    /// Sorts as a version.
    pub version_sort: Option<String>,
    pub release_type: Option<ReleaseType>,
    pub release_owner_id: Option<Uuid>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub planned_release_at: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub actual_release_at: Option<DateTimeUtc>,
    pub planned_duration_minutes: Option<i32>,
    pub actual_duration_minutes: Option<i32>,
    pub strategy: Option<ReleaseStrategy>,
    pub strategy_note: Option<String>,
    pub audience_internal: bool,
    pub audience_partial_external: bool,
    pub audience_all_external: bool,
    /// In hundredths.
    pub external_percent: Option<i64>,
    pub row_version: i32,
    /// In hundredths.
    pub effort_hours: Option<i64>,
    pub production_servers: Option<i32>,
    pub test_servers: Option<i32>,
    /// In hundredths.
    pub storage_added_gb: Option<i64>,
    pub currency: String,
    /// In minor units (分): `Decimal` is REAL on SQLite and would lose money.
    pub budget_planned: Option<i64>,
    /// In minor units.
    pub budget_actual: Option<i64>,
    pub budget_reason: Option<String>,
    pub resources_version: i32,
    pub strategy_fit: Option<bool>,
    pub strategy_fit_reason: Option<String>,
    pub strategy_suggestions: Option<String>,
    pub compliance: Option<ComplianceVerdict>,
    pub non_compliances: Option<String>,
    pub rectification: Option<String>,
    pub evaluation_version: i32,
    pub features_added: Option<i32>,
    pub bugs_fixed: Option<i32>,
    pub vulnerabilities_fixed: Option<i32>,
    pub highlights: Option<String>,
    pub strategy_findings: Option<String>,
    pub collaboration_findings: Option<String>,
    /// In hundredths; may be negative.
    pub efficiency_gain_percent: Option<i64>,
    pub summary_version: i32,
    /// How often it was submitted.
    pub round: i32,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub first_submitted_at: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub filed_at: Option<DateTimeUtc>,
    pub supersedes_id: Option<Uuid>,
    /// Set when the report that replaces this one is filed.
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub superseded_at: Option<DateTimeUtc>,
    /// The last `PROB-` number given.
    pub last_problem: i32,
    /// The last `POST-` number given.
    pub last_case: i32,
    pub created_by: Uuid,
    #[serde(deserialize_with = "crate::read::instant")]
    pub created_at: DateTimeUtc,
    #[serde(deserialize_with = "crate::read::instant")]
    pub updated_at: DateTimeUtc,
}

impl Model {
    /// A row whose columns are these in their order, from this place on. By name, which [`FromQueryResult`] goes by, each is looked up,
    /// and each that is null makes a text that says so: that was a quarter of what a page costs the service.
    ///
    /// # Errors
    /// A column of another kind.
    pub fn at(row: &QueryResult, first: usize) -> Result<Self, DbErr> {
        let mut places = first..;
        let mut next = || places.next().unwrap_or(usize::MAX);
        Ok(Self {
            id: row.try_get_by_index(next())?,
            number: row.try_get_by_index(next())?,
            number_year: row.try_get_by_index(next())?,
            number_sequence: row.try_get_by_index(next())?,
            application_id: row.try_get_by_index(next())?,
            live_application_id: row.try_get_by_index(next())?,
            prepared_by: row.try_get_by_index(next())?,
            prepared_on: row.try_get_by_index(next())?,
            state: row.try_get_by_index(next())?,
            outcome: row.try_get_by_index(next())?,
            product_id: row.try_get_by_index(next())?,
            version: row.try_get_by_index(next())?,
            version_key: row.try_get_by_index(next())?,
            version_sort: row.try_get_by_index(next())?,
            release_type: row.try_get_by_index(next())?,
            release_owner_id: row.try_get_by_index(next())?,
            planned_release_at: row.try_get_by_index(next())?,
            actual_release_at: row.try_get_by_index(next())?,
            planned_duration_minutes: row.try_get_by_index(next())?,
            actual_duration_minutes: row.try_get_by_index(next())?,
            strategy: row.try_get_by_index(next())?,
            strategy_note: row.try_get_by_index(next())?,
            audience_internal: row.try_get_by_index(next())?,
            audience_partial_external: row.try_get_by_index(next())?,
            audience_all_external: row.try_get_by_index(next())?,
            external_percent: row.try_get_by_index(next())?,
            row_version: row.try_get_by_index(next())?,
            effort_hours: row.try_get_by_index(next())?,
            production_servers: row.try_get_by_index(next())?,
            test_servers: row.try_get_by_index(next())?,
            storage_added_gb: row.try_get_by_index(next())?,
            currency: row.try_get_by_index(next())?,
            budget_planned: row.try_get_by_index(next())?,
            budget_actual: row.try_get_by_index(next())?,
            budget_reason: row.try_get_by_index(next())?,
            resources_version: row.try_get_by_index(next())?,
            strategy_fit: row.try_get_by_index(next())?,
            strategy_fit_reason: row.try_get_by_index(next())?,
            strategy_suggestions: row.try_get_by_index(next())?,
            compliance: row.try_get_by_index(next())?,
            non_compliances: row.try_get_by_index(next())?,
            rectification: row.try_get_by_index(next())?,
            evaluation_version: row.try_get_by_index(next())?,
            features_added: row.try_get_by_index(next())?,
            bugs_fixed: row.try_get_by_index(next())?,
            vulnerabilities_fixed: row.try_get_by_index(next())?,
            highlights: row.try_get_by_index(next())?,
            strategy_findings: row.try_get_by_index(next())?,
            collaboration_findings: row.try_get_by_index(next())?,
            efficiency_gain_percent: row.try_get_by_index(next())?,
            summary_version: row.try_get_by_index(next())?,
            round: row.try_get_by_index(next())?,
            first_submitted_at: row.try_get_by_index(next())?,
            filed_at: row.try_get_by_index(next())?,
            supersedes_id: row.try_get_by_index(next())?,
            superseded_at: row.try_get_by_index(next())?,
            last_problem: row.try_get_by_index(next())?,
            last_case: row.try_get_by_index(next())?,
            created_by: row.try_get_by_index(next())?,
            created_at: row.try_get_by_index(next())?,
            updated_at: row.try_get_by_index(next())?,
        })
    }
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
