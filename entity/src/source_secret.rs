//! Table `source_secret`: secrets of ingestion sources, sealed (`operations.md`, Keys).

use sea_orm::entity::prelude::*;
use serde::Serialize;

/// A row of `source_secret`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "source_secret")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub source_id: Uuid,
    /// Encrypted with the first of `RELSUM_ENCRYPTION_KEY` then.
    pub sealed: String,
    pub created_at: DateTimeUtc,
    /// When it no longer counts, once it was rotated.
    pub ends_at: Option<DateTimeUtc>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
