//! Table `verification`: attempts at verifying an occurrence.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::VerificationVerdict;

/// A row of `verification`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "verification")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub occurrence_id: Uuid,
    pub report_id: Uuid,
    pub number: i32,
    pub verdict: VerificationVerdict,
    pub comment: Option<String>,
    #[serde(deserialize_with = "crate::read::day")]
    pub completed_on: Date,
    pub completed_by: Uuid,
    pub person_id: Uuid,
    #[serde(deserialize_with = "crate::read::instant")]
    pub at: DateTimeUtc,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
