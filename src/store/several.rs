//! What must be known before a write begins, in one statement: rows of several tables that do not depend on each other, each table as a
//! list in JSON that the database makes. The text is made once.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QueryResult, Statement, Value};
use serde::de::DeserializeOwned;

use super::{bundle::rows, lists, people};
use crate::{
    auth::{Actor, actor::person_id},
    error::{Error, Result},
};

/// A statement of several lists, with so many parameters.
pub struct Several {
    parameters: usize,
    postgres: String,
    sqlite: String,
    /// On PostgreSQL, with who asks.
    asking: String,
}

impl Several {
    /// With so many parameters, `$1` and on.
    pub fn with(parameters: usize) -> Self {
        Self { parameters, postgres: String::new(), sqlite: String::new(), asking: String::new() }
    }

    /// Adds the rows of a table, `t`, for which a condition holds.
    pub fn and<E: EntityTrait>(mut self, held: &str) -> Self {
        for (text, backend) in [(&mut self.postgres, DbBackend::Postgres), (&mut self.sqlite, DbBackend::Sqlite)] {
            text.push_str(if text.is_empty() { "SELECT (" } else { ", (" });
            text.push_str(&lists::whole::<E>(backend, held));
            text.push(')');
        }
        self.asking = format!("{}, {} {}", self.postgres, people::ASKER, people::asker_is(self.parameters + 1));
        self
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn read(&self, conn: &impl ConnectionTrait, values: Vec<Value>) -> Result<Found> {
        let backend = conn.get_database_backend();
        let text = if backend == DbBackend::Postgres { &self.postgres } else { &self.sqlite };
        found(conn, Statement::from_sql_and_values(backend, text, values)).await
    }

    /// [`Several::read`], and who asks. PostgreSQL alone.
    pub(super) async fn read_asking(&self, conn: &impl ConnectionTrait, values: Vec<Value>, actor: &Actor) -> Result<Found> {
        let values = values.into_iter().chain([person_id(&actor.subject).into()]);
        found(conn, Statement::from_sql_and_values(DbBackend::Postgres, &self.asking, values)).await
    }
}

async fn found(conn: &impl ConnectionTrait, asked: Statement) -> Result<Found> {
    Ok(Found(conn.query_one_raw(asked).await?.ok_or_else(|| Error::internal("lists are a row"))?))
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

    /// The database's time, and who asks as they are known.
    pub(super) fn asker(&self) -> Result<(DateTime<Utc>, people::Known)> {
        people::asker(&self.0)
    }
}
