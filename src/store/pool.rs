//! The connections of the store, whichever database they lead to. SQLite's are the driver's pool; PostgreSQL's are [`Warm`].

use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait, metric::Info,
};
use tokio::sync::Mutex;

use super::{
    Plans,
    warm::{Lent, Warm},
};

/// Told of each statement.
pub type Told = Arc<dyn Fn(&Info<'_>) + Send + Sync>;

/// The connections of the store. Cheap to clone.
#[derive(Clone)]
pub struct Pool {
    connections: Connections,
    plans: Plans,
}

#[derive(Clone)]
enum Connections {
    Sqlite(DatabaseConnection),
    Postgres(Arc<Warm>),
}

/// A transaction that has begun; dropped before its commit, it is undone.
pub enum Begun {
    /// Of SQLite.
    Sqlite(DatabaseTransaction),
    /// Of PostgreSQL.
    Postgres(Mutex<Lent>),
}

impl Pool {
    /// Over what [`connect`](super::connect()) opened with these plans; told of each statement.
    pub fn over(mut db: DatabaseConnection, plans: Plans, told: impl Fn(&Info<'_>) + Send + Sync + 'static) -> Self {
        let connections = if db.get_database_backend() == DbBackend::Postgres {
            Connections::Postgres(Warm::over(db.get_postgres_connection_pool().clone(), plans.clone(), Arc::new(told)))
        } else {
            db.set_metric_callback(told);
            Connections::Sqlite(db)
        };
        Self { connections, plans }
    }

    /// Plans that tables may outgrow.
    pub(super) fn plans(&self) -> &Plans {
        &self.plans
    }

    /// Connections: how many there are, how many of them are idle.
    pub(super) fn figures(&self) -> (u32, usize) {
        match &self.connections {
            Connections::Sqlite(db) => {
                let pool = db.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
            Connections::Postgres(warm) => warm.figures(),
        }
    }

    /// Whether the database answers.
    pub(super) async fn ping(&self) -> Result<(), DbErr> {
        match &self.connections {
            Connections::Sqlite(db) => db.ping().await,
            Connections::Postgres(_) => self.execute_unprepared("").await.map(|_| ()),
        }
    }

    /// Closes all of them.
    pub(super) async fn close(&self) {
        match &self.connections {
            Connections::Sqlite(db) => {
                let _ = db.close_by_ref().await;
            }
            Connections::Postgres(warm) => warm.close().await,
        }
    }

    /// Begins a transaction; on SQLite, one that may write, and to its end even if the caller goes away meanwhile: the driver, dropped
    /// while it waits for BEGIN to be answered, would give the connection back with the transaction open, and the next statement on it
    /// would be part of that.
    pub(super) async fn begin(&self) -> Result<Begun, DbErr> {
        match &self.connections {
            Connections::Sqlite(db) => {
                let options =
                    TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..TransactionOptions::default() };
                let db = db.clone();
                #[expect(clippy::disallowed_methods, reason = "the one place that begins a transaction")]
                let begun = tokio::spawn(async move { db.begin_with_options(options).await });
                Ok(Begun::Sqlite(begun.await.map_err(|fault| DbErr::Custom(fault.to_string()))??))
            }
            Connections::Postgres(warm) => {
                let mut lent = warm.lend().await?;
                lent.begin().await?;
                Ok(Begun::Postgres(Mutex::new(lent)))
            }
        }
    }
}

impl Begun {
    /// Commits.
    ///
    /// # Errors
    /// A fault of the database.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(begun) => begun.commit().await,
            Self::Postgres(lent) => lent.into_inner().commit().await,
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        match self.connections {
            Connections::Sqlite(_) => DbBackend::Sqlite,
            Connections::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.connections {
            Connections::Sqlite(db) => db.execute_raw(statement).await,
            Connections::Postgres(warm) => {
                let mut lent = warm.lend().await?;
                let done = lent.execute(statement).await?;
                Ok(lent.whole(done))
            }
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.connections {
            Connections::Sqlite(db) => db.execute_unprepared(sql).await,
            Connections::Postgres(warm) => {
                let mut lent = warm.lend().await?;
                let done = lent.execute_unprepared(sql).await?;
                Ok(lent.whole(done))
            }
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.connections {
            Connections::Sqlite(db) => db.query_one_raw(statement).await,
            Connections::Postgres(warm) => {
                let mut lent = warm.lend().await?;
                let found = lent.one(statement).await?;
                Ok(lent.whole(found))
            }
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.connections {
            Connections::Sqlite(db) => db.query_all_raw(statement).await,
            Connections::Postgres(warm) => {
                let mut lent = warm.lend().await?;
                let found = lent.all(statement).await?;
                Ok(lent.whole(found))
            }
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Begun {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(begun) => begun.execute_raw(statement).await,
            Self::Postgres(lent) => lent.lock().await.execute(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(begun) => begun.execute_unprepared(sql).await,
            Self::Postgres(lent) => lent.lock().await.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(begun) => begun.query_one_raw(statement).await,
            Self::Postgres(lent) => lent.lock().await.one(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(begun) => begun.query_all_raw(statement).await,
            Self::Postgres(lent) => lent.lock().await.all(statement).await,
        }
    }
}
