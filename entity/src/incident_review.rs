//! Table `incident_review`: 重大问题复盘: at most one per problem.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `incident_review`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "incident_review")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub problem_id: Uuid,
    pub report_id: Uuid,
    pub details: Option<String>,
    pub root_cause: Option<String>,
    pub accountability: Option<String>,
    pub corrective_measures: Option<String>,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
