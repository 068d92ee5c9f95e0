//! What the scan of due dates asks: which occurrences have something to say, and which of their reports nobody has locked.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::{enums::OccurrenceStatus, occurrence, report};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, LockBehavior, LockType},
};

use super::{Permitted, Store};
use crate::error::Result;

/// Occurrences of one batch.
const BATCH: u64 = 250;

/// Occurrences that are to be looked at now, the oldest first, each with its report. Costs what is due, not what exists.
///
/// # Errors
/// A fault of the database.
pub async fn due_looks(store: &Store) -> Result<Vec<(Uuid, Uuid)>> {
    let query = occurrence::Entity::find()
        .select_only()
        .columns([occurrence::Column::Id, occurrence::Column::ReportId])
        .filter(occurrence::Column::LookAt.is_not_null())
        .filter(occurrence::Column::LookAt.lte(store.now()))
        .order_by_asc(occurrence::Column::LookAt)
        .order_by_asc(occurrence::Column::Id)
        .limit(BATCH);
    Ok(query.into_tuple().all(&store.db).await?)
}

/// Locks those of the reports that nobody else has locked, in the order of their ids: whoever completes something just now is not
/// waited for, and other scanners have theirs.
///
/// # Errors
/// A fault of the database.
pub async fn lock_free_reports(permitted: &Permitted, reports: HashSet<Uuid>) -> Result<HashSet<Uuid>> {
    let query = report::Entity::find()
        .select_only()
        .column(report::Column::Id)
        .filter(report::Column::Id.is_in(reports))
        .order_by_asc(report::Column::Id)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let locked: Vec<Uuid> = query.into_tuple().all(permitted.conn()).await?;
    Ok(locked.into_iter().collect())
}

impl Store {
    /// How many occurrences are to be looked at now, and since when the oldest.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn due_backlog(&self) -> Result<(i64, Option<DateTime<Utc>>)> {
        let query = occurrence::Entity::find()
            .select_only()
            .column_as(occurrence::Column::Id.count(), "number")
            .column_as(occurrence::Column::LookAt.min(), "oldest")
            .filter(occurrence::Column::LookAt.lte(self.now()));
        Ok(query.into_tuple().one(&self.db).await?.unwrap_or_default())
    }

    /// Looks again at open due dates that come within so many days: how they are announced may have been configured anew.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn look_again_within(&self, days: u32) -> Result<()> {
        let _turn = self.writers_turn().await?;
        let now = self.now();
        let until = self.today().checked_add_days(chrono::Days::new(days.into()));
        occurrence::Entity::update_many()
            .col_expr(occurrence::Column::LookAt, Expr::value(now))
            .filter(occurrence::Column::Status.eq(OccurrenceStatus::Open))
            .filter(occurrence::Column::LookAt.gt(now))
            .filter(occurrence::Column::DueOn.lte(until))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}
