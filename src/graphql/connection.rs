//! Relay connections: `edges`, `nodes`, `pageInfo`, and `totalCount`, which is counted only when asked for.

use async_graphql::{
    Context, Object, OutputType,
    connection::{Connection, Edge, EmptyFields},
};
use futures_util::future::BoxFuture;

use super::context::store;
use crate::{
    error::{Error, Result},
    store::{Store, page::Page},
};

type Counter = Box<dyn Fn(Store) -> BoxFuture<'static, Result<u64>> + Send + Sync>;

/// Counts when asked.
pub struct Total(Counter);

impl Total {
    /// Counts the rows of a query.
    pub fn of<E: sea_orm::EntityTrait>(query: sea_orm::Select<E>) -> Self {
        Self(Box::new(move |store| {
            let query = query.clone();
            Box::pin(async move { store.count(query).await })
        }))
    }
}

#[Object]
impl Total {
    /// How many there are in all pages together.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = (self.0)(store(ctx)?.clone()).await?;
        i32::try_from(count).map_err(|_| Error::internal("more rows than Int counts"))
    }
}

/// A connection of `T`.
pub type List<T> = Connection<String, T, Total>;

/// A page as a connection.
pub fn connect<M, T: OutputType>(page: Page<M>, total: Total, object: impl Fn(M) -> T) -> List<T> {
    let mut connection = Connection::with_additional_fields(page.has_previous, page.has_next, total);
    connection.edges = page.rows.into_iter().map(|(cursor, row)| Edge::<_, _, EmptyFields>::new(cursor, object(row))).collect();
    connection
}
