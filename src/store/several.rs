//! What must be known before a write begins, in one statement: rows of several tables that do not depend on each other, each table as a
//! list in JSON that the database makes. The text is made once.

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QueryResult, Statement, Value};
use serde::de::DeserializeOwned;

use super::{bundle::rows, lists};
use crate::error::{Error, Result};

/// A statement of several lists.
#[derive(Default)]
pub struct Several {
    postgres: String,
    sqlite: String,
}

impl Several {
    /// Adds the rows of a table, `t`, for which a condition holds, with parameters as `$1`.
    pub fn and<E: EntityTrait>(mut self, held: &str) -> Self {
        for (text, backend) in [(&mut self.postgres, DbBackend::Postgres), (&mut self.sqlite, DbBackend::Sqlite)] {
            text.push_str(if text.is_empty() { "SELECT (" } else { ", (" });
            text.push_str(&lists::whole::<E>(backend, held));
            text.push(')');
        }
        self
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn read(&self, conn: &impl ConnectionTrait, values: impl IntoIterator<Item = Value>) -> Result<Found> {
        let backend = conn.get_database_backend();
        let text = if backend == DbBackend::Postgres { &self.postgres } else { &self.sqlite };
        let asked = Statement::from_sql_and_values(backend, text, values);
        Ok(Found(conn.query_one_raw(asked).await?.ok_or_else(|| Error::internal("lists are a row"))?))
    }
}

/// What was found.
pub struct Found(QueryResult);

impl Found {
    /// The rows of the table that was added at this place, from 0; in no order.
    ///
    /// # Errors
    /// A fault, where they are not of this kind.
    pub fn rows<M: DeserializeOwned>(&self, place: usize) -> Result<Vec<M>> {
        let json: Option<String> = self.0.try_get_by_index(place)?;
        rows(json.as_deref())
    }
}
