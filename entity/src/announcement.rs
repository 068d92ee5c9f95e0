//! Table `announcement`: what was announced of a due date: the key that lets it be announced once (`events.md` 6).

use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::sink::AnnouncementKind;

/// A row of `announcement`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "announcement")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub occurrence_id: Uuid,
    pub due_on: Date,
    pub kind: AnnouncementKind,
    /// Days before, of DUE_SOON; the number, of REMINDER; 0 of OVERDUE.
    pub step: i32,
    /// How often a failed verification had opened it again.
    pub attempt: i32,
    pub at: DateTimeUtc,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
