//! Table `observation`: what one delivery said of a deployment; a set.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::pipeline::DeploymentStatus;

/// A row of `observation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "observation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub deployment_id: Uuid,
    pub delivery_id: Uuid,
    pub digest: String,
    pub status: DeploymentStatus,
    /// What the fold orders by.
    #[serde(deserialize_with = "crate::read::instant")]
    pub happened_at: DateTimeUtc,
    pub attempt: Option<i32>,
    /// All that was said, in the service's own words.
    pub told: Json,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
