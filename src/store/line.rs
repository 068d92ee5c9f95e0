//! The connection of a write. Its transaction begins with the first statement that is sent on it: what turns out to be one statement
//! is sent [`apart`](Line::apart), where it is a transaction of its own, and saves the ways to the database for BEGIN and COMMIT.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::OnceCell;

use super::pool::{Begun, Pool};

/// A connection whose transaction begins when it must.
pub struct Line {
    db: Pool,
    begun: OnceCell<Begun>,
}

impl Line {
    /// One that has not begun.
    pub(super) fn later(db: Pool) -> Self {
        Self { db, begun: OnceCell::new() }
    }

    async fn transaction(&self) -> Result<&Begun, DbErr> {
        self.begun.get_or_try_init(|| begin(self.db.clone())).await
    }

    /// Where a statement is a transaction of its own; none once the transaction has begun, of which it would be no part.
    pub(super) fn apart(&self) -> Option<&Pool> {
        (!self.begun.initialized()).then_some(&self.db)
    }

    /// Commits what was begun.
    ///
    /// # Errors
    /// A fault of the database.
    pub(super) async fn commit(&mut self) -> Result<(), DbErr> {
        match self.begun.take() {
            Some(transaction) => transaction.commit().await,
            None => Ok(()),
        }
    }
}

/// Begins a transaction, to its end even if the caller goes away meanwhile: the driver, dropped while it waits for BEGIN to be
/// answered, would give the connection back with the transaction open, and the next statement on it would be part of that.
pub(super) async fn begin(db: Pool) -> Result<Begun, DbErr> {
    let begun = tokio::spawn(async move { db.begin().await });
    begun.await.map_err(|fault| DbErr::Custom(fault.to_string()))?
}

#[async_trait::async_trait]
impl ConnectionTrait for Line {
    fn get_database_backend(&self) -> DbBackend {
        self.db.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.transaction().await?.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.transaction().await?.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.transaction().await?.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.transaction().await?.query_all_raw(statement).await
    }
}
