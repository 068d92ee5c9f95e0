//! Table `product`: products, by which dashboards group.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `product`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "product")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Stable short name, such as `netaudit`.
    pub key: String,
    pub name: String,
    pub active: bool,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
