//! Table `rescheduling`: the history of due dates.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `rescheduling`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "rescheduling")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub occurrence_id: Uuid,
    pub report_id: Uuid,
    #[serde(deserialize_with = "crate::read::day")]
    pub from_on: Date,
    #[serde(deserialize_with = "crate::read::day")]
    pub to_on: Date,
    pub reason: String,
    pub person_id: Uuid,
    #[serde(deserialize_with = "crate::read::instant")]
    pub at: DateTimeUtc,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
