//! Reading figures: statements that give texts and numbers, whatever they are made of.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::Store;
use crate::error::Result;

/// A row of texts, then numbers.
pub type FigureRow = (Vec<Option<String>>, Vec<Option<i64>>);

impl Store {
    /// The rows of a statement without parameters, whose first columns are texts and whose others are numbers. The text must not hold
    /// anything that a caller wrote.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn figures(&self, sql: String, texts: usize) -> Result<Vec<FigureRow>> {
        let _turn = self.turn().await;
        read(&self.db, sql, texts).await
    }

    /// Connections of the pool: how many there are, how many of them are idle.
    pub fn pool(&self) -> (u32, usize) {
        self.db.figures()
    }

    /// Whether the database is PostgreSQL; SQLite otherwise.
    pub fn is_postgres(&self) -> bool {
        self.db.get_database_backend() == DbBackend::Postgres
    }
}

pub(super) async fn read(conn: &impl ConnectionTrait, sql: String, texts: usize) -> Result<Vec<FigureRow>> {
    let rows = conn.query_all_raw(Statement::from_string(conn.get_database_backend(), sql)).await?;
    // Asking a row for the names of its columns copies them.
    let width = rows.first().map_or(0, |row| row.column_names().len());
    rows.iter()
        .map(|row| {
            let texts_of = (0..texts).map(|at| row.try_get_by_index(at)).collect::<Result<_, _>>()?;
            Ok((texts_of, (texts..width).map(|at| row.try_get_by_index(at)).collect::<Result<_, _>>()?))
        })
        .collect()
}
