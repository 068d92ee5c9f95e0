//! Table `timeline_entry`: 处理过程: what happened when, of an incident review.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `timeline_entry`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "timeline_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub problem_id: Uuid,
    pub report_id: Uuid,
    #[serde(deserialize_with = "crate::read::instant")]
    pub at: DateTimeUtc,
    pub event: String,
    pub position: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
