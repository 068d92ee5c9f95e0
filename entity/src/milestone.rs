//! Table `milestone`: 关键节点: milestones.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{MilestoneKind, MilestonePrecision};

/// A row of `milestone`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "milestone")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub report_id: Uuid,
    pub kind: MilestoneKind,
    /// Of a custom one.
    pub name: Option<String>,
    pub precision: MilestonePrecision,
    pub position: i32,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub planned_at: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub actual_at: Option<DateTimeUtc>,
    pub delay_reason: Option<String>,
    pub not_applicable: bool,
    pub not_applicable_reason: Option<String>,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
