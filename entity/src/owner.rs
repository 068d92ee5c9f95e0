//! Table `owner`: the owner departments of milestones, problems and actions, in order.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `owner`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "owner")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub report_id: Uuid,
    pub milestone_id: Option<Uuid>,
    pub problem_id: Option<Uuid>,
    pub action_id: Option<Uuid>,
    pub department: String,
    pub position: i32,
    /// 牵头; of actions only.
    pub lead: bool,
    /// False once an action was reassigned: then only its submitted form remembers this owner.
    pub current: bool,
    /// Part of the action as it was submitted last; what a signature covers.
    pub submitted: bool,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
