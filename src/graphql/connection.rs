//! Relay connections: `edges`, `nodes`, `pageInfo`, and `totalCount`, which is counted only when asked for, with the page.

use async_graphql::{
    Context, Object, OutputType,
    connection::{Connection, Edge, EmptyFields},
};
use futures_util::future::BoxFuture;
use sea_orm::{EntityTrait, Select};

use super::context::store;
use crate::{
    error::{Error, Result},
    store::{
        Store,
        page::{Page, PageArgs, Sort},
    },
};

type Counter = Box<dyn Fn(Store) -> BoxFuture<'static, Result<u64>> + Send + Sync>;

/// How many there are in all pages together: known with the page, or counted when asked.
pub struct Total {
    known: Option<u64>,
    counter: Counter,
}

#[Object]
impl Total {
    /// How many there are in all pages together.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = match self.known {
            Some(known) => known,
            None => (self.counter)(store(ctx)?.clone()).await?,
        };
        i32::try_from(count).map_err(|_| Error::internal("more rows than Int counts"))
    }
}

/// Whether the selection of the list at hand asks how many there are: then its page says so, too.
pub fn asks_total(ctx: &Context<'_>) -> bool {
    ctx.field().selection_set().any(|field| field.name() == "totalCount")
}

/// A connection of `T`.
pub type List<T> = Connection<String, T, Total>;

/// The page of a query that a list's arguments ask for, as a connection.
///
/// # Errors
/// `BAD_USER_INPUT` for arguments out of range and foreign cursors.
pub async fn paged<E: EntityTrait, T: OutputType>(
    ctx: &Context<'_>,
    query: Select<E>,
    sorts: &[Sort<E::Model>],
    args: &PageArgs,
    object: impl Fn(E::Model) -> T + Send,
) -> Result<List<T>> {
    let page = store(ctx)?.page(query.clone(), sorts, args, asks_total(ctx)).await?;
    Ok(connect(page, query, object))
}

/// A page of a query as a connection.
pub fn connect<M, E: EntityTrait, T: OutputType>(page: Page<M>, query: Select<E>, object: impl Fn(M) -> T) -> List<T> {
    let counter: Counter = Box::new(move |store| {
        let query = query.clone();
        Box::pin(async move { store.count(query).await })
    });
    let total = Total { known: page.total, counter };
    let mut connection = Connection::with_additional_fields(page.has_previous, page.has_next, total);
    connection.edges = page.rows.into_iter().map(|(cursor, row)| Edge::<_, _, EmptyFields>::new(cursor, object(row))).collect();
    connection
}
