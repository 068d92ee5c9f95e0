//! Table `project_mapping`: which product a project of a source belongs to, before the products' own projects.

use sea_orm::entity::prelude::*;
use serde::Serialize;

/// A row of `project_mapping`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "project_mapping")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub source_id: Uuid,
    pub position: i32,
    pub pattern: String,
    pub product_id: Uuid,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
