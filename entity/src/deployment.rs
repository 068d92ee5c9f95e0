//! Table `deployment`: deployments as their observations fold (`events.md` 21-28).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::pipeline::{DeploymentStanding, DeploymentStatus, EnvironmentClass, ParkedReason};

/// A row of `deployment`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "deployment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `native:` and the subject, or `source:` and the id: with `external_id` its identity.
    pub source_key: String,
    pub source: String,
    pub source_id: Option<Uuid>,
    /// `deploymentId`.
    pub external_id: String,
    pub application_number: Option<String>,
    pub application_id: Option<Uuid>,
    pub product_key: Option<String>,
    pub product_id: Option<Uuid>,
    pub version: Option<String>,
    pub version_key: Option<String>,
    pub project: Option<String>,
    pub ref_name: Option<String>,
    pub commit_sha: Option<String>,
    /// Keys of the products that its pipeline is bound to; empty means any.
    pub bound_to: Json,
    /// As named.
    pub environment: String,
    pub environment_class: EnvironmentClass,
    pub status: DeploymentStatus,
    pub attempt: i32,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub planned_start_at: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub planned_finish_at: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub started_at: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub finished_at: Option<DateTimeUtc>,
    /// Last success.
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub succeeded_at: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub rolled_back_at: Option<DateTimeUtc>,
    /// It finished before it started.
    pub inconsistent: bool,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub oldest_commit_at: Option<DateTimeUtc>,
    /// `deploymentId` of what it rolls back.
    pub rollback_of: Option<String>,
    pub url: Option<String>,
    pub report_id: Option<Uuid>,
    pub standing: DeploymentStanding,
    pub parked_reason: Option<ParkedReason>,
    pub attached_by_hand: bool,
    pub dismissal_reason: Option<String>,
    /// Something appeared that it may belong to.
    pub recheck: bool,
    #[serde(deserialize_with = "crate::read::instant")]
    pub recorded_at: DateTimeUtc,
    #[serde(deserialize_with = "crate::read::instant")]
    pub updated_at: DateTimeUtc,
    pub row_version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
