//! Table `department`: departments: data, not an enum (`model.md`, header).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `department`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "department")]
pub struct Model {
    /// Stable, as the claims name it; never changes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    pub name_zh: String,
    pub name_en: String,
    /// A retired department keeps its rows; PRODUCT acts for it.
    pub active: bool,
    pub position: i32,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
