//! Table `environment_rule`: ordered rules that class environments (`events.md` 25).

use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::pipeline::EnvironmentClass;

/// A row of `environment_rule`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "environment_rule")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub source_id: Uuid,
    pub position: i32,
    pub pattern: String,
    pub class: EnvironmentClass,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
