//! Connections to PostgreSQL, lent the one used last first. The driver's pool lends them in turn: a service that needs one at a time
//! has ten, each with plans and caches that went cold. And it asks each whether it lives when it comes back: one more way to the
//! database for every statement. So what comes back whole rests here; the driver's pool opens, limits, mends and closes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{ConnAcquireErr, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values, metric::Info};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Executor, PgConnection, PgPool, Postgres, pool::PoolConnection, query::Query};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Plans, pool::Told};

/// Connections that rest, above the driver's pool.
pub struct Warm {
    pool: PgPool,
    /// One for each connection that the driver's pool may open, so that whoever has one and finds none at rest gets one there.
    places: Arc<Semaphore>,
    resting: Mutex<Resting>,
    plans: Plans,
    told: Told,
}

#[derive(Default)]
struct Resting {
    connections: VecDeque<Rested>,
    closed: bool,
}

struct Rested {
    connection: PoolConnection<Postgres>,
    /// When it came from the driver's pool, which closes by age, and does not lend what was outgrown.
    since: Instant,
    /// Its plans were made since then.
    planned: Instant,
    /// When it was used last.
    used: Instant,
}

/// What becomes of a connection that is dropped.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// It rests.
    Whole,
    /// Its statement failed or was left: the driver waits for its end, and asks whether the connection lives.
    Torn,
    /// A transaction is open on it, and is undone.
    Open,
    /// It begins or ends a transaction: whoever left does not know which. It is closed, and PostgreSQL undoes what was not committed.
    Unknown,
}

/// A connection that is lent.
pub struct Lent {
    rested: Option<Rested>,
    state: State,
    warm: Arc<Warm>,
    place: Option<OwnedSemaphorePermit>,
}

impl Warm {
    /// Over the driver's pool.
    pub fn over(pool: PgPool, plans: Plans, told: Told) -> Arc<Self> {
        let places = usize::try_from(pool.options().get_max_connections()).unwrap_or(1);
        Arc::new(Self { pool, places: Arc::new(Semaphore::new(places)), resting: Mutex::default(), plans, told })
    }

    fn resting(&self) -> MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections: how many there are, how many of them are idle.
    pub fn figures(&self) -> (u32, usize) {
        (self.pool.size(), self.pool.num_idle() + self.resting().connections.len())
    }

    /// Closes what rests, and what is lent as it comes back; waits for that.
    pub async fn close(&self) {
        let rested = {
            let mut resting = self.resting();
            resting.closed = true;
            std::mem::take(&mut resting.connections)
        };
        drop(rested);
        self.pool.close().await;
    }

    /// The connection used last.
    fn rested(&self) -> Option<Rested> {
        self.resting().connections.pop_back()
    }

    fn lent(self: &Arc<Self>, rested: Rested, place: OwnedSemaphorePermit) -> Lent {
        Lent { rested: Some(rested), state: State::Torn, warm: Arc::clone(self), place: Some(place) }
    }

    /// Lends a connection, as soon as there is one, without plans that tables have outgrown.
    ///
    /// # Errors
    /// None came in time, or the database cannot be reached.
    pub async fn lend(self: &Arc<Self>) -> Result<Lent, DbErr> {
        let mut lent = self.any().await?;
        lent.plan_anew().await?;
        Ok(lent)
    }

    async fn any(self: &Arc<Self>) -> Result<Lent, DbErr> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned()
            && let Some(rested) = self.rested()
        {
            return Ok(self.lent(rested, place));
        }
        let patience = self.pool.options().get_acquire_timeout();
        let waited = tokio::time::timeout(patience, async {
            let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
            let rested = match self.rested() {
                Some(rested) => rested,
                None => {
                    let now = Instant::now();
                    Rested { connection: self.pool.acquire().await?, since: now, planned: now, used: now }
                }
            };
            Ok(self.lent(rested, place))
        });
        match waited.await {
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
            Ok(Err(sqlx::Error::PoolClosed)) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Ok(Err(fault)) => Err(DbErr::Conn(RuntimeErr::SqlxError(fault.into()))),
            Ok(Ok(lent)) => Ok(lent),
        }
    }

    /// Puts a connection to rest, and closes the one that has rested longest if nobody needed it for long.
    fn rest(&self, mut rested: Rested) {
        rested.used = Instant::now();
        let options = self.pool.options();
        let beyond = |time: Duration, limit: Option<Duration>| limit.is_some_and(|limit| time > limit);
        if beyond(rested.since.elapsed(), options.get_max_lifetime()) {
            return;
        }
        let mut resting = self.resting();
        if resting.closed {
            return;
        }
        resting.connections.push_back(rested);
        let idle = resting.connections.pop_front_if(|first| beyond(first.used.elapsed(), options.get_idle_timeout()));
        drop(resting);
        if let Some(mut idle) = idle {
            idle.connection.close_on_drop();
        }
    }

    /// A connection was found broken: the driver asks all that rest whether they live, before somebody needs them.
    fn doubt(&self) {
        let doubted = std::mem::take(&mut self.resting().connections);
        drop(doubted);
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut rested) = self.rested.take() else { return };
        match self.state {
            State::Whole => self.warm.rest(rested),
            State::Torn => {}
            State::Open => {
                let left = Self { rested: Some(rested), state: State::Unknown, warm: Arc::clone(&self.warm), place: self.place.take() };
                tokio::spawn(left.undo());
            }
            State::Unknown => rested.connection.close_on_drop(),
        }
    }
}

/// Whether the connection is of no more use, and those beside it may not be either.
fn broken(fault: &sqlx::Error) -> bool {
    match fault {
        // The server is going down, or told this connection to end.
        sqlx::Error::Database(told) => told.code().is_some_and(|code| code.starts_with("57P")),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => true,
        _ => false,
    }
}

fn wrong_statement(fault: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(fault.into()))
}

fn wrong_query(fault: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(fault.into()))
}

/// A statement as the driver takes it; its values go with it.
fn query<'a>(statement: &mut Statement) -> Query<'a, Postgres, SqlxValues> {
    let values = statement.values.take().unwrap_or(Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql.clone()), SqlxValues(values))
}

impl Lent {
    fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.rested.as_mut().map(|rested| &mut *rested.connection).ok_or(sqlx::Error::PoolClosed)
    }

    /// Tells of a statement what came of it.
    fn told<T>(&self, statement: &Statement, begun: Instant, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        (self.warm.told)(&Info { elapsed: begun.elapsed(), statement, failed: done.is_err() });
        self.trusted(done)
    }

    /// After a broken connection, no other that rests is trusted.
    fn trusted<T>(&self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if done.as_ref().is_err_and(broken) {
            self.warm.doubt();
        }
        done
    }

    /// Forgets its plans where tables have outgrown them, those of foreign keys' checks too; what is prepared stays.
    async fn plan_anew(&mut self) -> Result<(), DbErr> {
        let Some(rested) = self.rested.as_mut().filter(|rested| self.warm.plans.outgrew(rested.planned.elapsed())) else { return Ok(()) };
        rested.planned = Instant::now();
        self.execute(Statement::from_string(DbBackend::Postgres, "DISCARD PLANS")).await.map(|_| ())
    }

    /// The work on it came to its end: it may rest.
    pub fn whole<T>(mut self, done: T) -> T {
        self.state = State::Whole;
        done
    }

    /// Runs a statement.
    pub async fn execute(&mut self, mut statement: Statement) -> Result<ExecResult, DbErr> {
        let (query, begun) = (query(&mut statement), Instant::now());
        let done = self.connection().map_err(wrong_statement)?.execute(query).await;
        self.told(&statement, begun, done).map(Into::into).map_err(wrong_statement)
    }

    /// Runs a text as it is.
    pub async fn execute_unprepared(&mut self, sql: &str) -> Result<ExecResult, DbErr> {
        let done = self.connection().map_err(wrong_statement)?.execute(AssertSqlSafe(sql)).await;
        self.trusted(done).map(Into::into).map_err(wrong_statement)
    }

    /// The first row.
    pub async fn one(&mut self, mut statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let (query, begun) = (query(&mut statement), Instant::now());
        let done = self.connection().map_err(wrong_query)?.fetch_optional(query).await;
        self.told(&statement, begun, done).map(|row| row.map(Into::into)).map_err(wrong_query)
    }

    /// All rows.
    pub async fn all(&mut self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (query, begun) = (query(&mut statement), Instant::now());
        let done = self.connection().map_err(wrong_query)?.fetch_all(query).await;
        self.told(&statement, begun, done).map(|rows| rows.into_iter().map(Into::into).collect()).map_err(wrong_query)
    }

    /// Begins a transaction.
    pub async fn begin(&mut self) -> Result<(), DbErr> {
        self.state = State::Unknown;
        self.execute_unprepared("BEGIN").await?;
        self.state = State::Open;
        Ok(())
    }

    /// Commits what was begun.
    pub async fn commit(mut self) -> Result<(), DbErr> {
        self.state = State::Unknown;
        self.execute_unprepared("COMMIT").await?;
        self.state = State::Whole;
        Ok(())
    }

    /// Undoes what is open, once a statement that was left has ended.
    async fn undo(mut self) {
        if self.execute_unprepared("ROLLBACK").await.is_ok() {
            self.state = State::Whole;
        }
    }
}
