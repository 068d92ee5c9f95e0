//! Table `reported_value`: what pipelines reported for a field of a report, applied or beside what a person entered (`events.md` 27).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::pipeline::ReportedField;

/// A row of `reported_value`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "reported_value")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub report_id: Uuid,
    pub field: ReportedField,
    /// The time, of a field that is one.
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub at: Option<DateTimeUtc>,
    /// The minutes, of a duration.
    pub minutes: Option<i32>,
    pub deployment_id: Uuid,
    /// Whether the report shows this value; otherwise a person's stands.
    pub applied: bool,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
