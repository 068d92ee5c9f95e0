//! What several queries find, in one statement: each as a list in JSON that the database makes. For what must be known before a write
//! begins, and does not depend on each other.

use sea_orm::{
    ConnectionTrait, EntityTrait, QueryResult, QueryTrait, Select,
    sea_query::{Alias, Expr, Query, SelectStatement},
};
use serde::de::DeserializeOwned;

use super::{bundle::rows, lists};
use crate::error::{Error, Result};

/// Queries to come.
#[derive(Default)]
pub struct Several {
    asked: SelectStatement,
    count: usize,
}

impl Several {
    /// Adds a query.
    pub fn and<E: EntityTrait>(mut self, conn: &impl ConnectionTrait, query: Select<E>) -> Self {
        let made = lists::of_columns::<E>(conn.get_database_backend());
        let list = Query::select().expr(Expr::cust(made)).from_subquery(query.into_query(), Alias::new("t")).to_owned();
        self.count += 1;
        self.asked.expr_as(Expr::SubQuery(None, Box::new(list.into())), Alias::new(lists::name(self.count)));
        self
    }

    /// Asks all of them.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn read(self, conn: &impl ConnectionTrait) -> Result<Found> {
        let found = conn.query_one(&self.asked).await?.ok_or_else(|| Error::internal("lists are a row"))?;
        Ok(Found(found))
    }
}

/// What was found.
pub struct Found(QueryResult);

impl Found {
    /// The rows of the query that was added at this place, from 1; in no order.
    ///
    /// # Errors
    /// A fault, where they are not of this kind.
    pub fn rows<M: DeserializeOwned>(&self, place: usize) -> Result<Vec<M>> {
        let json: Option<String> = self.0.try_get("", &lists::name(place))?;
        rows(json.as_deref())
    }
}
