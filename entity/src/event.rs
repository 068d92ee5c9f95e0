//! Table `event`: the event log (`events.md` 12-14).

use sea_orm::entity::prelude::*;
use serde::Serialize;

/// A row of `event`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "event")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub position: i64,
    /// The CloudEvents id.
    pub id: String,
    /// The type without prefix, such as `report.submitted.v1`.
    pub kind: String,
    pub subject: String,
    /// 1, 2, 3… per subject without a gap.
    pub subject_sequence: i64,
    pub report_id: Option<Uuid>,
    pub action_id: Option<Uuid>,
    pub deployment_id: Option<Uuid>,
    pub at: DateTimeUtc,
    pub recorded_at: DateTimeUtc,
    pub data: Json,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
