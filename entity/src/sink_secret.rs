//! Table `sink_secret`: secrets that sign webhooks, sealed.

use sea_orm::entity::prelude::*;
use serde::Serialize;

/// A row of `sink_secret`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "sink_secret")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub sink_id: Uuid,
    pub sealed: String,
    pub created_at: DateTimeUtc,
    pub ends_at: Option<DateTimeUtc>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
