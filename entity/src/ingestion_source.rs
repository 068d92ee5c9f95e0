//! Table `ingestion_source`: who sends webhooks: a GitHub, GitLab or CDEvents sender with its rules (`events.md` 21).

use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::pipeline::SourceKind;

/// A row of `ingestion_source`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "ingestion_source")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Last part of its address.
    pub name: String,
    pub kind: SourceKind,
    /// A regular expression with one group, which finds the version in a tag.
    pub version_pattern: String,
    pub active: bool,
    pub created_at: DateTimeUtc,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
