//! Table `release_application`: release applications (发布申请): they live in another system and are referenced here.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `release_application`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "release_application")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `REL-APP-YYYY-NNN`.
    pub number: String,
    pub product_id: Option<Uuid>,
    pub version: Option<String>,
    pub url: Option<String>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub planned_release_at: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::instant")]
    pub created_at: DateTimeUtc,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
