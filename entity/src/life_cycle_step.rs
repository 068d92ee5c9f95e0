//! Table `life_cycle_step`: every step of a report's life cycle; rounds, signatures, opinions and filing are read from here.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{LifeCycleAct, ReportState};

/// A row of `life_cycle_step`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "life_cycle_step")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub report_id: Uuid,
    pub number: i32,
    pub round: i32,
    pub act: LifeCycleAct,
    pub from_state: Option<ReportState>,
    pub to_state: ReportState,
    pub person_id: Uuid,
    #[serde(deserialize_with = "crate::read::instant")]
    pub at: DateTimeUtc,
    pub reason: Option<String>,
    /// What was submitted, signed or agreed to.
    pub digest: Option<String>,
    /// Of a filing: 备案部门.
    pub department: Option<String>,
    /// Of a filing: 备案日期.
    #[serde(deserialize_with = "crate::read::maybe_day", default)]
    pub filed_on: Option<Date>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
