//! Table `audit_entry`: the audit log: append-only.

use sea_orm::entity::prelude::*;
use serde::Serialize;

/// A row of `audit_entry`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub at: DateTimeUtc,
    /// The subject of who did it; the name is in `person`.
    pub subject: String,
    pub person_id: Option<Uuid>,
    /// In which capacity: the memberships and roles of the token.
    pub role: String,
    pub request_id: String,
    pub act: String,
    pub object_type: String,
    pub object_id: String,
    pub report_id: Option<Uuid>,
    /// A list of field, before and after.
    pub changes: Json,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
