//! Table `idempotency_key`: keys of creations that were done once.

use sea_orm::entity::prelude::*;
use serde::Serialize;

/// A row of `idempotency_key`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub subject: String,
    pub mutation: String,
    pub key: String,
    pub fingerprint: String,
    pub object_id: Option<String>,
    /// Of a call over REST: status and body, as it was answered.
    pub answer: Option<String>,
    pub at: DateTimeUtc,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
