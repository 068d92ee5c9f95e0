//! Table `improvement_action`: 改进措施: the part of the report that outlives it.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{ActionArea, ScheduleKind};

/// A row of `improvement_action`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "improvement_action")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub report_id: Uuid,
    pub position: i32,
    pub area: ActionArea,
    pub area_note: Option<String>,
    pub measure: String,
    pub verification: Option<String>,
    pub schedule_kind: Option<ScheduleKind>,
    /// Of the kind DATE.
    #[serde(deserialize_with = "crate::read::maybe_day", default)]
    pub scheduled_on: Option<Date>,
    /// Of the kind RECURRING: an RFC 5545 rule.
    pub rule: Option<String>,
    /// Its wording on the form.
    pub schedule_text: Option<String>,
    /// The business day of the submission that brought it; its rule counts from here.
    #[serde(deserialize_with = "crate::read::maybe_day", default)]
    pub watched_from: Option<Date>,
    /// Derived, kept by `improvement::state`: the earliest open due date.
    #[serde(deserialize_with = "crate::read::maybe_day", default)]
    pub open_due_on: Option<Date>,
    /// Derived, kept by `improvement::state`, for filters.
    pub status_kept: String,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub ended_at: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub cancelled_at: Option<DateTimeUtc>,
    pub closing_reason: Option<String>,
    pub closed_by: Option<Uuid>,
    pub created_by: Uuid,
    #[serde(deserialize_with = "crate::read::instant")]
    pub created_at: DateTimeUtc,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
