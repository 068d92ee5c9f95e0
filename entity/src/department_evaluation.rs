//! Table `department_evaluation`: 部门协作评估: one row a participating department.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `department_evaluation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "department_evaluation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub report_id: Uuid,
    pub department: String,
    pub position: i32,
    pub performance: Option<String>,
    pub shortcomings: Option<String>,
    pub suggestions: Option<String>,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
