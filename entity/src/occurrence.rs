//! Table `occurrence`: one due date of an action.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::OccurrenceStatus;

/// A row of `occurrence`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "occurrence")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub action_id: Uuid,
    pub report_id: Uuid,
    pub number: i32,
    #[serde(deserialize_with = "crate::read::day")]
    pub original_due_on: Date,
    #[serde(deserialize_with = "crate::read::day")]
    pub due_on: Date,
    pub status: OccurrenceStatus,
    /// How often a failed verification opened it again.
    pub reopened: i32,
    /// The day the work was done, as entered.
    #[serde(deserialize_with = "crate::read::maybe_day", default)]
    pub completed_on: Option<Date>,
    /// When that was recorded.
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub completed_at: Option<DateTimeUtc>,
    pub completed_by: Option<Uuid>,
    pub evidence: Option<String>,
    /// When there may be something to announce of it; kept by `improvement::due`.
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub look_at: Option<DateTimeUtc>,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
