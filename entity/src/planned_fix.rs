//! Table `planned_fix`: 计划修复版本: how many of the unfixed which version will fix.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `planned_fix`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "planned_fix")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub stat_id: Uuid,
    pub report_id: Uuid,
    pub release_version: String,
    pub count: i32,
    pub position: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
