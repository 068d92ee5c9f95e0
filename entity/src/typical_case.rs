//! Table `typical_case`: 典型问题处理案例.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `typical_case`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "typical_case")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub report_id: Uuid,
    /// `POST-001` is 1; never reused.
    pub number: i32,
    pub description: String,
    pub solution: Option<String>,
    /// 1 to 5 stars.
    pub satisfaction: Option<i32>,
    pub lesson: Option<String>,
    #[serde(deserialize_with = "crate::read::instant")]
    pub created_at: DateTimeUtc,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
