//! Roll-ups: what counted reports add to figures, by month. Kept exact in the transaction of the change: what a report contributes is
//! computed again and compared with what it contributed before ([`rollup_part`]); the difference is appended to `rollup_delta`, so that
//! writers of the same month never wait for one another. A job adds deltas up into `rollup_cell`; readers add both.
//!
//! What a report contributes is said by `metrics` ([`Store::rolls`]); this file knows only that there are figures, dimensions, days, keys
//! and classes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Datelike, NaiveDate};
use entity::{report, rollup_delta, rollup_part};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    Statement, prelude::Uuid, sea_query::OnConflict,
};

use super::{
    Store,
    children::{any_of, any_of_text, any_of_values},
    door::bulk_insert,
    pool::Begun,
};
use crate::{
    clock::Calendar,
    error::{Error, Result},
};

/// Makes the statement that gives the contributions of the reports that its condition names: for each the report's id as text, figure,
/// dimension, time (a date, or seconds since 1970), key, class, count and total.
pub type Rolls = fn(postgres: bool, of: &str) -> String;

/// Figure, dimension, day, key, class.
type Place = (String, String, NaiveDate, String, i32);
/// Count and total.
type Amount = (i64, i64);
/// What adds up at a place.
type Cells = BTreeMap<Place, Amount>;

/// Open occurrences by due date; the only figure that time alone changes, so its days are kept.
pub const OPEN_BY_DAY: &str = "open_by_day";
/// Open occurrences by month; the total is of the days since 1970, so that a mean of days overdue is a subtraction.
pub const OPEN_BY_MONTH: &str = "open_by_month";

/// Reports that are computed in one statement.
const BATCH: usize = 250;
/// Deltas that are added up in one transaction.
const FOLD: i64 = 20_000;
/// Any number that nobody else uses for an advisory lock.
const LOCK: i64 = 7_246_093_183;

/// The number of a day, as the total of [`OPEN_BY_MONTH`] adds them up.
pub fn days_since_1970(day: NaiveDate) -> i64 {
    (day - DateTime::UNIX_EPOCH.date_naive()).num_days()
}

/// The first day of a month.
fn month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

fn add(cells: &mut Cells, place: Place, (count, total): Amount) {
    let cell = cells.entry(place).or_default();
    cell.0 += count;
    cell.1 += total;
}

/// What reports contribute now.
async fn contributions(conn: &impl ConnectionTrait, rolls: Rolls, calendar: Calendar, ids: &[Uuid]) -> Result<HashMap<Uuid, Cells>> {
    let backend = conn.get_database_backend();
    let of = format!("report.id {}", any_of_text(backend, ids.len()));
    let sql = rolls(backend == DbBackend::Postgres, &of);
    let statement = Statement::from_sql_and_values(backend, sql, any_of_values(backend, ids));
    let mut found: HashMap<Uuid, Cells> = HashMap::new();
    for row in conn.query_all_raw(statement).await? {
        let (id, figure, dimension): (String, String, String) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let (time, key): (Option<String>, Option<String>) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
        let class = i32::try_from(row.try_get_by_index::<i64>(5)?).map_err(Error::internal)?;
        let amount = (row.try_get_by_index(6)?, row.try_get_by_index::<Option<i64>>(7)?.unwrap_or(0));
        // A release without any time falls into no month.
        let Some(time) = time else { continue };
        let day = match time.parse::<i64>() {
            Ok(seconds) => calendar.day_of(DateTime::from_timestamp(seconds, 0).ok_or_else(|| Error::internal("a time out of range"))?),
            Err(_) => time.parse().map_err(Error::internal)?,
        };
        let key = key.unwrap_or_default();
        let cells = found.entry(id.parse().map_err(Error::internal)?).or_default();
        if figure == OPEN_BY_DAY {
            let days = days_since_1970(day);
            add(cells, (OPEN_BY_MONTH.into(), dimension.clone(), month(day), key.clone(), class), (amount.0, amount.0 * days));
            add(cells, (figure, dimension, day, key, class), (amount.0, 0));
        } else {
            add(cells, (figure, dimension, month(day), key, class), amount);
        }
    }
    Ok(found)
}

fn read(cells: &str) -> Result<Cells> {
    let list: Vec<(Place, Amount)> = serde_json::from_str(cells).map_err(Error::internal)?;
    Ok(list.into_iter().collect())
}

/// Brings what these reports contribute up to date; the caller holds their locks.
pub(super) async fn refresh(conn: &impl ConnectionTrait, rolls: Rolls, calendar: Calendar, ids: &BTreeSet<Uuid>) -> Result<()> {
    let ids: Vec<Uuid> = ids.iter().copied().collect();
    for ids in ids.chunks(BATCH) {
        let mut now = contributions(conn, rolls, calendar, ids).await?;
        let known =
            rollup_part::Entity::find().filter(any_of(conn.get_database_backend(), rollup_part::Column::ReportId, ids.iter().copied()));
        let mut before: HashMap<Uuid, String> = known.all(conn).await?.into_iter().map(|part| (part.report_id, part.cells)).collect();
        let (mut parts, mut deltas) = (Vec::new(), Cells::new());
        for id in ids {
            let (new, old) = (now.remove(id).unwrap_or_default(), before.remove(id));
            let list: Vec<(&Place, &Amount)> = new.iter().collect();
            let text = serde_json::to_string(&list).map_err(Error::internal)?;
            if old.as_ref() == Some(&text) || old.is_none() && new.is_empty() {
                continue;
            }
            for (place, (count, total)) in old.as_deref().map(read).transpose()?.unwrap_or_default() {
                add(&mut deltas, place, (-count, -total));
            }
            parts.push(rollup_part::Model { report_id: *id, cells: text });
            for (place, amount) in new {
                add(&mut deltas, place, amount);
            }
        }
        if !parts.is_empty() {
            let rows = parts.into_iter().map(|part| part.into_active_model().reset_all());
            let again = OnConflict::column(rollup_part::Column::ReportId).update_column(rollup_part::Column::Cells).to_owned();
            rollup_part::Entity::insert_many(rows).on_conflict(again).exec_without_returning(conn).await?;
        }
        let changed = deltas.into_iter().filter(|(_, amount)| *amount != (0, 0));
        let rows = changed.map(|((figure, dimension, day, key, class), (count, total))| rollup_delta::Model {
            id: Uuid::now_v7(),
            figure,
            dimension,
            day,
            key,
            class,
            count,
            total,
        });
        bulk_insert(conn, rows.collect()).await?;
    }
    Ok(())
}

impl Store {
    /// Adds deltas up; how many it was. Any number of processes may: one does, the others find nothing to do.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn fold_rollups(&self) -> Result<u64> {
        let (columns, upsert) = (
            "figure, dimension, day, key, class",
            "ON CONFLICT (figure, dimension, day, key, class) DO UPDATE SET count = rollup_cell.count + excluded.count, total = rollup_cell.total + excluded.total",
        );
        let sums = format!("SELECT {columns}, CAST(SUM(count) AS bigint), CAST(SUM(total) AS bigint)");
        self.machinery(async |tx| {
            let backend = tx.get_database_backend();
            let run = async |sql: String| Ok::<u64, Error>(tx.execute_raw(Statement::from_string(backend, sql)).await?.rows_affected());
            let done = if backend == DbBackend::Postgres {
                let lock = tx.query_one_raw(Statement::from_string(backend, format!("SELECT pg_try_advisory_xact_lock({LOCK})"))).await?;
                if !lock.is_some_and(|row| row.try_get_by_index(0).unwrap_or(false)) {
                    return Ok(0);
                }
                // One statement: a reader sees each amount once. In one order, and alone.
                run(format!(
                    "WITH gone AS (DELETE FROM rollup_delta WHERE id IN (SELECT id FROM rollup_delta ORDER BY id LIMIT {FOLD}) RETURNING *) \
                     INSERT INTO rollup_cell {sums} FROM gone GROUP BY {columns} ORDER BY {columns} {upsert}"
                ))
                .await?
            } else {
                let some = format!("(SELECT id FROM rollup_delta ORDER BY id LIMIT {FOLD})");
                run(format!("INSERT INTO rollup_cell {sums} FROM rollup_delta WHERE id IN {some} GROUP BY {columns} {upsert}")).await?;
                run(format!("DELETE FROM rollup_delta WHERE id IN {some}")).await?
            };
            if done > 0 {
                run("DELETE FROM rollup_cell WHERE count = 0 AND total = 0".into()).await?;
            }
            Ok(done)
        })
        .await
    }

    /// Whether the roll-ups were made; figures come from the base data until then.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn rollups_ready(&self) -> Result<bool> {
        Ok(!self.figures("SELECT figure FROM rollup_cell WHERE figure = 'READY'".into(), 1).await?.is_empty())
    }

    /// Held while roll-ups are made anew: two at once would undo each other. SQLite has one process.
    async fn rebuild_alone(&self) -> Result<Option<Begun>> {
        if !self.is_postgres() {
            return Ok(None);
        }
        let held = self.db.begin().await?;
        let lock = Statement::from_string(DbBackend::Postgres, format!("SELECT pg_try_advisory_xact_lock({LOCK} + 1)"));
        match held.query_one_raw(lock).await? {
            Some(row) if row.try_get_by_index(0)? => Ok(Some(held)),
            _ => Err(Error::Unavailable("another process makes the roll-ups".into())),
        }
    }

    /// Makes the roll-ups anew from the base data, while the service goes on: figures are read from the base data meanwhile. How many
    /// reports were looked at.
    ///
    /// # Errors
    /// A fault of the database; the roll-ups stay unused then until the next try.
    pub async fn rebuild_rollups(&self) -> Result<u64> {
        let rolls = self.rolls.ok_or_else(|| Error::internal("no roll-ups are defined"))?;
        let _alone = self.rebuild_alone().await?;
        self.machinery(async |tx| {
            for table in ["rollup_cell", "rollup_delta", "rollup_part"] {
                tx.execute_raw(Statement::from_string(tx.get_database_backend(), format!("DELETE FROM {table}"))).await?;
            }
            Ok(())
        })
        .await?;
        let (mut after, mut seen) = (Uuid::nil(), 0);
        loop {
            let last = self
                .machinery(async |tx| {
                    // Under the lock of each: a writer that comes between finds what this wrote, or is found.
                    let ids: Vec<Uuid> = report::Entity::find()
                        .select_only()
                        .column(report::Column::Id)
                        .filter(report::Column::Id.gt(after))
                        .filter(report::Column::FirstSubmittedAt.is_not_null())
                        .order_by_asc(report::Column::Id)
                        .limit(u64::try_from(BATCH).unwrap_or(250))
                        .lock_exclusive()
                        .into_tuple()
                        .all(tx)
                        .await?;
                    refresh(tx, rolls, self.calendar, &ids.iter().copied().collect()).await?;
                    seen += u64::try_from(ids.len()).unwrap_or(0);
                    Ok(ids.last().copied())
                })
                .await?;
            match last {
                Some(id) => after = id,
                None => break,
            }
            self.fold_rollups().await?;
        }
        let ready = "INSERT INTO rollup_cell VALUES ('READY', '', '2000-01-01', '', 0, 1, 0) ON CONFLICT DO NOTHING";
        self.machinery(async |tx| Ok(tx.execute_raw(Statement::from_string(tx.get_database_backend(), ready)).await.map(|_| ())?)).await?;
        Ok(seen)
    }
}
