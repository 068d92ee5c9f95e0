//! Reading the event log in the order of its positions (`events.md` 20). A lower position can commit after a higher one: on
//! PostgreSQL a missing position may belong to a transaction that is still under way, or to one that was rolled back.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use entity::{event, owner, participant, report};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    Statement, prelude::Uuid,
};
use tokio::sync::Notify;

use super::{Store, children::any_of, page::limited, visible::heard};
use crate::{auth::Actor, error::Result};

/// The channel on which replicas ring for each other: a doorbell, not the truth.
pub const CHANNEL: &str = "relsum_events";

/// What decides who sees a report, as it stands now.
#[derive(Debug, Clone)]
pub struct Sight {
    /// The report.
    pub report: Arc<report::Model>,
    /// Departments that participate or own a row of it.
    pub departments: HashSet<String>,
}

impl Store {
    /// Rung after each commit with events in this process.
    pub fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    /// Rings at the other replicas; `own` is what this one knows its own ringing by.
    ///
    /// # Errors
    /// A fault of the database; polling covers it.
    pub async fn ring_others(&self, own: &str) -> Result<()> {
        if self.db.get_database_backend() == DbBackend::Postgres {
            let ring = Statement::from_sql_and_values(DbBackend::Postgres, "SELECT pg_notify($1, $2)", [CHANNEL.into(), own.into()]);
            self.db.execute_raw(ring).await?;
        }
        Ok(())
    }

    /// The last position that is visible; 0 for none.
    pub async fn log_end(&self) -> Result<i64> {
        let last = event::Entity::find().select_only().column(event::Column::Position).order_by_desc(event::Column::Position);
        Ok(last.into_tuple().one(&self.db).await?.unwrap_or(0))
    }

    /// Events behind a position, in order.
    pub async fn log_after(&self, position: i64, most: usize) -> Result<Vec<event::Model>> {
        let rows = self.db.query_all_raw(limited(self.db.get_database_backend(), &behind(position).into_query(), most)).await?;
        Ok(rows.iter().map(|row| event::Model::from_query_result(row, "")).collect::<std::result::Result<_, _>>()?)
    }

    /// The positions of events behind one, in order.
    pub async fn positions_after(&self, position: i64, most: usize) -> Result<Vec<i64>> {
        let query = behind(position).select_only().column(event::Column::Position).into_query();
        let rows = self.db.query_all_raw(limited(self.db.get_database_backend(), &query, most)).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<_, _>>()?)
    }

    /// Events that the caller sees behind a position, up to another; of one report, if it is given.
    pub async fn log_seen(&self, actor: &Actor, of: Option<Uuid>, after: i64, to: i64, most: u64) -> Result<Vec<event::Model>> {
        let seen = behind(after).filter(event::Column::Position.lte(to)).filter(heard(actor));
        let seen = match of {
            Some(report) => seen.filter(event::Column::ReportId.eq(report)),
            None => seen,
        };
        Ok(seen.limit(most).all(&self.db).await?)
    }

    /// The oldest transaction under way, as PostgreSQL numbers them; none where writers take turns (SQLite), so that a missing
    /// position stays missing.
    pub async fn oldest_under_way(&self) -> Result<Option<i64>> {
        self.number("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint").await
    }

    /// A transaction that begins now: all that began before have lower numbers. (`pg_snapshot_xmax` would not do: it is the number
    /// behind the last that is over, and one under way may have a higher one.)
    pub async fn transaction_now(&self) -> Result<Option<i64>> {
        self.number("SELECT pg_current_xact_id()::text::bigint").await
    }

    async fn number(&self, sql: &str) -> Result<Option<i64>> {
        if self.db.get_database_backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let row = self.db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }

    /// Who may see these reports: three statements, however many they are.
    pub async fn sights(&self, reports: &HashSet<Uuid>) -> Result<HashMap<Uuid, Sight>> {
        if reports.is_empty() {
            return Ok(HashMap::new());
        }
        let backend = self.db.get_database_backend();
        let rows = report::Entity::find().filter(any_of(backend, report::Column::Id, reports.iter().copied())).all(&self.db).await?;
        let mut sights: HashMap<Uuid, Sight> =
            rows.into_iter().map(|row| (row.id, Sight { report: Arc::new(row), departments: HashSet::new() })).collect();
        let participants: Vec<(Uuid, String)> = participant::Entity::find()
            .select_only()
            .columns([participant::Column::ReportId, participant::Column::Department])
            .filter(any_of(backend, participant::Column::ReportId, reports.iter().copied()))
            .into_tuple()
            .all(&self.db)
            .await?;
        let owners: Vec<(Uuid, String)> = owner::Entity::find()
            .select_only()
            .columns([owner::Column::ReportId, owner::Column::Department])
            .filter(any_of(backend, owner::Column::ReportId, reports.iter().copied()))
            .distinct()
            .into_tuple()
            .all(&self.db)
            .await?;
        for (report, department) in participants.into_iter().chain(owners) {
            if let Some(sight) = sights.get_mut(&report) {
                sight.departments.insert(department);
            }
        }
        Ok(sights)
    }
}

fn behind(position: i64) -> Select<event::Entity> {
    event::Entity::find().filter(event::Column::Position.gt(position)).order_by_asc(event::Column::Position)
}
