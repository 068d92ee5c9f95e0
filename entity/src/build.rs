//! Table `build`: builds that pipelines registered (`events.md` 26).

use sea_orm::entity::prelude::*;
use serde::Serialize;

/// A row of `build`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "build")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub project: String,
    pub commit_sha: String,
    /// What it is a build of, as one text, so that a repeat is one row.
    pub target: String,
    pub application_id: Option<Uuid>,
    pub product_id: Option<Uuid>,
    pub version: Option<String>,
    pub version_key: Option<String>,
    pub url: Option<String>,
    pub registered_by: String,
    pub registered_at: DateTimeUtc,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
