//! A change of a roll-up that is not added up yet.

use sea_orm::entity::prelude::*;

/// A row of `rollup_delta`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollup_delta")]
#[expect(missing_docs, reason = "the columns are the fields of store::rollup")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub figure: String,
    pub dimension: String,
    pub day: Date,
    pub key: String,
    pub class: i32,
    pub count: i64,
    pub total: i64,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
