//! Table `post_release_stat`: 发布后问题统计: one row a category.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::IssueCategory;

/// A row of `post_release_stat`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "post_release_stat")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub report_id: Uuid,
    pub category: IssueCategory,
    pub found_p0: Option<i32>,
    pub found_p1: Option<i32>,
    pub found_p2: Option<i32>,
    pub found_p3: Option<i32>,
    pub found_high: Option<i32>,
    pub found_medium: Option<i32>,
    pub found_low: Option<i32>,
    pub fixed: Option<i32>,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
