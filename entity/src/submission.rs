//! Table `submission`: what was submitted: the canonical form, its digest, and the names of that day.

use sea_orm::entity::prelude::*;
use serde::Serialize;

/// A row of `submission`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "submission")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub report_id: Uuid,
    pub round: i32,
    pub digest: String,
    pub canonical: String,
    pub names: Json,
    pub at: DateTimeUtc,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
