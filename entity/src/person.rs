//! Table `person`: people: a subject with a display name, kept in this one place so that a name can be erased (`operations.md`).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `person`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "person")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The identity provider's subject, where known.
    pub subject: Option<String>,
    pub name: String,
    /// Once erased, a name does not come back with the next token.
    pub erased: bool,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
