//! Table `problem`: 发布中出现的问题: problems.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{Impact, ProblemPhase};

/// A row of `problem`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "problem")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub report_id: Uuid,
    /// `PROB-001` is 1; never reused.
    pub number: i32,
    pub description: String,
    pub phase: Option<ProblemPhase>,
    pub impact: Option<Impact>,
    pub resolution: Option<String>,
    pub handling_minutes: Option<i32>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub detected_at: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub resolved_at: Option<DateTimeUtc>,
    pub triggered_rollback: bool,
    /// The deployment that it is tied to.
    pub deployment_id: Option<Uuid>,
    pub recorded_by: Uuid,
    #[serde(deserialize_with = "crate::read::instant")]
    pub recorded_at: DateTimeUtc,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
