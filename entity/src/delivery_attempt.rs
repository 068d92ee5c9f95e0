//! Table `delivery_attempt`: each attempt at a delivery.

use sea_orm::entity::prelude::*;
use serde::Serialize;

/// A row of `delivery_attempt`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "delivery_attempt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub delivery_id: Uuid,
    pub number: i32,
    pub at: DateTimeUtc,
    /// Of HTTP.
    pub status: Option<i32>,
    pub error: Option<String>,
    pub milliseconds: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
