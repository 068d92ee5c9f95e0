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
        self.begun.get_or_try_init(|| self.db.begin()).await
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
