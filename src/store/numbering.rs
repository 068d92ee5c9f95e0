//! Report numbers: consecutive per year, never reused, right under concurrent creation from several replicas. The row of
//! the year stays locked until the transaction ends, so a number that was rolled back is given again.

use entity::number_sequence;
use sea_orm::{
    ActiveValue::Set,
    EntityTrait, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::Permitted;
use crate::error::Result;

/// The next number of a year.
pub async fn next(permitted: &Permitted, year: i32) -> Result<i32> {
    let conn = permitted.conn();
    let row = number_sequence::ActiveModel { year: Set(year), last: Set(1) };
    let count = Expr::col((number_sequence::Entity, number_sequence::Column::Last)).add(1);
    let row = number_sequence::Entity::insert(row)
        .on_conflict(OnConflict::column(number_sequence::Column::Year).value(number_sequence::Column::Last, count).to_owned())
        .exec_with_returning(conn)
        .await?;
    Ok(row.last)
}

/// Where a year's sequence stands, under the row's lock, which is made first where the year is new.
pub async fn last(permitted: &Permitted, year: i32) -> Result<i32> {
    let conn = permitted.conn();
    let row = number_sequence::ActiveModel { year: Set(year), last: Set(0) };
    number_sequence::Entity::insert(row)
        .on_conflict(OnConflict::column(number_sequence::Column::Year).do_nothing().to_owned())
        .exec_without_returning(conn)
        .await?;
    let row = number_sequence::Entity::find_by_id(year).lock_exclusive().one(conn).await?;
    Ok(row.map_or(0, |r| r.last))
}

/// Lets a year's sequence continue after `last`.
pub async fn continue_after(permitted: &Permitted, year: i32, last: i32) -> Result<()> {
    let row = number_sequence::ActiveModel { year: Set(year), last: Set(last) };
    number_sequence::Entity::insert(row)
        .on_conflict(OnConflict::column(number_sequence::Column::Year).update_column(number_sequence::Column::Last).to_owned())
        .exec_without_returning(permitted.conn())
        .await?;
    Ok(())
}
