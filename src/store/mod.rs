//! The only owner of a database connection. Reading: [`Store::all`], [`Store::one`], [`Store::count`] and the loaders of
//! [`children`] and [`page`]. Writing: through the [`door`] alone.

mod audit;
mod batch;
pub mod bundle;
pub mod children;
mod connect;
pub mod deliveries;
mod door;
mod due;
pub mod figures;
pub mod idempotency;
mod import;
pub mod inbox;
mod line;
mod lists;
pub mod log;
pub mod numbering;
mod outbox;
pub mod page;
pub mod people;
mod plans;
mod pool;
pub mod rollup;
mod several;
mod tables;
mod visible;
mod warm;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QuerySelect, Select, sea_query::Expr};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

pub use audit::{Change, Section};
pub use connect::{connect, schema_status};
pub use door::{Opened, Permitted, ReportRow, insert, insert_later, insert_later_unless_raced, insert_many, update};
pub use due::{due_looks, lock_free_reports};
pub use import::Rows;
pub use line::Line;
pub use outbox::{Announcement, REPORT_CHANGED};
pub use plans::Plans;
pub use pool::Pool;
pub use several::{Found, Several};
pub use visible::{heard, hears, involving, native_key, own_key, sees, sees_waiting, visible};

use crate::{
    auth::Actor,
    clock::{Calendar, Clock},
    error::{Error, Result, say},
};
use pool::Begun;

/// The database, the clock and the calendar.
#[derive(Clone)]
pub struct Store {
    db: Pool,
    /// SQLite takes one writer: they queue here, fairly, instead of racing for its lock (`stack.md`, trap 2).
    writers: Arc<Mutex<()>>,
    clock: Arc<Clock>,
    /// The business time zone.
    pub calendar: Calendar,
    /// How long a writer waits in the queue.
    patience: std::time::Duration,
    /// Rung when an event was committed here.
    bell: Arc<Notify>,
    /// Rung when there is something to work.
    work: Arc<Notify>,
    /// Rung when there is something to deliver.
    post: Arc<Notify>,
    /// What reports contribute to the roll-ups; nothing unless `metrics` said so.
    rolls: Option<rollup::Rolls>,
    /// Statements that one request may have under way: one reader shall not empty the pool.
    at_once: Option<Arc<Semaphore>>,
}

/// Which request a change belongs to, and who asks.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The caller.
    pub actor: Actor,
    /// `x-request-id`.
    pub request_id: String,
}

/// A write transaction under way.
struct Tx {
    conn: Line,
    now: DateTime<Utc>,
    bell: Arc<Notify>,
    work: Arc<Notify>,
    post: Arc<Notify>,
    plans: Plans,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Store {
    /// A store over open connections.
    pub fn new(db: Pool, clock: Arc<Clock>, calendar: Calendar, patience: std::time::Duration) -> Self {
        Self {
            db,
            writers: Arc::default(),
            clock,
            calendar,
            patience,
            bell: Arc::default(),
            work: Arc::default(),
            post: Arc::default(),
            rolls: None,
            at_once: None,
        }
    }

    /// With roll-ups that are made so.
    pub fn rolling(self, rolls: rollup::Rolls) -> Self {
        Self { rolls: Some(rolls), ..self }
    }

    /// For one request, which may have so many statements under way at once.
    pub fn for_request(&self, statements: usize) -> Self {
        Self { at_once: Some(Arc::new(Semaphore::new(statements))), ..self.clone() }
    }

    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        match &self.at_once {
            Some(at_once) => Arc::clone(at_once).acquire_owned().await.ok(),
            None => None,
        }
    }

    /// The time now, for reading. Within a write, ask [`Permitted::now`].
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Today in the business time zone.
    pub fn today(&self) -> chrono::NaiveDate {
        self.calendar.day_of(self.now())
    }

    /// All rows of a query.
    pub async fn all<E: EntityTrait>(&self, query: Select<E>) -> Result<Vec<E::Model>> {
        let _turn = self.turn().await;
        Ok(query.all(&self.db).await?)
    }

    /// The first row of a query.
    pub async fn one<E: EntityTrait>(&self, query: Select<E>) -> Result<Option<E::Model>> {
        let _turn = self.turn().await;
        Ok(query.one(&self.db).await?)
    }

    /// How many rows a query has. Asked without the columns, which a count would otherwise read.
    pub async fn count<E: EntityTrait>(&self, query: Select<E>) -> Result<u64> {
        let _turn = self.turn().await;
        let counted: Option<i64> = counting(query).into_tuple().one(&self.db).await?;
        Ok(counted.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    /// Whether the database answers and its schema is the one that this binary knows.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub async fn ready(&self) -> Result<(), String> {
        self.db.ping().await.map_err(|e| format!("database: {e}"))?;
        schema_status(&self.db).await
    }

    /// Closes the pool.
    pub async fn close(self) {
        self.db.close().await;
    }

    /// Rung when there is something to deliver in this process.
    pub fn post_bell(&self) -> Arc<Notify> {
        Arc::clone(&self.post)
    }

    /// Tells those who follow the log, and those who deliver, that there is news.
    fn ring(&self) {
        self.bell.notify_one();
        self.post.notify_one();
    }

    /// A transaction of the machinery, which has no audit.
    async fn machinery<T>(&self, work: impl AsyncFnOnce(&Begun) -> Result<T>) -> Result<T> {
        let _turn = self.writers_turn().await?;
        let conn = self.db.begin().await?;
        let done = work(&conn).await?;
        conn.commit().await?;
        Ok(done)
    }

    /// The turn of a writer, on SQLite.
    async fn writers_turn(&self) -> Result<Option<OwnedMutexGuard<()>>> {
        if self.db.get_database_backend() == DbBackend::Postgres {
            return Ok(None);
        }
        let wait = tokio::time::timeout(self.patience, Arc::clone(&self.writers).lock_owned());
        Ok(Some(wait.await.map_err(|_| Error::Unavailable("the queue of writers is too long".into()))?))
    }

    /// Begins a write: the only place that does.
    async fn begin(&self, origin: &Origin) -> Result<Tx> {
        let postgres = self.db.get_database_backend() == DbBackend::Postgres;
        let turn = self.writers_turn().await?;
        let conn = Line::later(self.db.clone());
        // One clock per transaction (`events.md` 10).
        let now = if postgres {
            self.clock.shift(people::remember_and_time(&conn, &origin.actor).await?)
        } else {
            people::remember(&conn, &origin.actor).await?;
            self.clock.now()
        };
        Ok(self.tx(conn, now, turn))
    }

    /// [`Store::begin`] on PostgreSQL with what was found out together with who asks: nothing has begun yet.
    async fn begin_knowing(&self, origin: &Origin, found: &Found) -> Result<Tx> {
        let conn = Line::later(self.db.clone());
        let (now, known) = found.asker()?;
        people::keep(&conn, &origin.actor, known).await?;
        Ok(self.tx(conn, self.clock.shift(now), None))
    }

    fn tx(&self, conn: Line, now: DateTime<Utc>, turn: Option<OwnedMutexGuard<()>>) -> Tx {
        Tx { conn, now, bell: self.bell(), work: self.work_bell(), post: self.post_bell(), plans: self.db.plans().clone(), _turn: turn }
    }
}

/// How many rows a query has, as a query.
fn counting<E: EntityTrait>(query: Select<E>) -> Select<E> {
    query.select_only().expr(Expr::cust("COUNT(*)"))
}

/// How often a write that others came between is tried.
const TRIES: usize = 10;

/// Runs a write, and once more when it lost against another on a deadlock or a serialisation failure; more often when another
/// write came between what it had read and what it was to write.
pub async fn retrying<T, F: Future<Output = Result<T>>>(write: impl Fn() -> F) -> Result<T> {
    for _ in 1..TRIES {
        match write().await {
            Err(Error::Raced) => {}
            Err(error) if crate::error::is_transient(&error) => break,
            other => return other,
        }
    }
    write().await
}

/// What a refused reader is told about a report.
pub fn no_such_report() -> Error {
    Error::NotFound(say("The report does not exist or is not visible to you", "报告不存在或您无权查看"))
}
