//! The one loader of children: rows of a table by their parents' ids, in one statement however many parents there are.

use std::{collections::HashMap, hash::Hash, marker::PhantomData, sync::Arc};

use async_graphql::dataloader::Loader;
use entity::{department, event};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, Iterable, Order, PrimaryKeyToColumn, QueryFilter, QueryOrder, Value,
    prelude::Uuid, sea_query::Expr,
};

use super::Store;
use crate::error::{Error, Result};

/// A table of children: which column names the parent, and in which order they come.
pub trait Child: EntityTrait<Model: Send + Sync> {
    /// The parent's column.
    const PARENT: Self::Column;
    /// The order among siblings.
    const ORDER: Self::Column;
    /// The parent of a row.
    fn parent(row: &Self::Model) -> Option<Uuid>;
}

/// The condition that `column` is one of `ids`. One array on PostgreSQL, so that the statement is the same for any number.
pub fn any_of<C: ColumnTrait>(backend: DbBackend, column: C, ids: impl IntoIterator<Item = Uuid>) -> Expr {
    if backend == DbBackend::Postgres { column.eq_any(ids) } else { column.is_in(ids) }
}

/// [`any_of`] for statements that are written out: what follows the column, and the parameters. On PostgreSQL one id is compared as such,
/// so that its plan is made once, while an array is planned for its length every time.
pub fn any_of_text(backend: DbBackend, ids: usize) -> String {
    match backend {
        _ if ids == 1 => "= $1".to_owned(),
        DbBackend::Postgres => "= ANY($1)".to_owned(),
        _ => format!("IN ({})", (1..=ids).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")),
    }
}

/// The parameters of [`any_of_text`].
pub fn any_of_values(backend: DbBackend, ids: &[Uuid]) -> Vec<Value> {
    if backend == DbBackend::Postgres && ids.len() > 1 { vec![ids.to_vec().into()] } else { ids.iter().map(|id| (*id).into()).collect() }
}

/// The children of all `parents`, in order.
pub async fn load<E: Child>(conn: &impl ConnectionTrait, parents: &[Uuid]) -> Result<HashMap<Uuid, Vec<E::Model>>> {
    let rows = E::find()
        .filter(any_of(conn.get_database_backend(), E::PARENT, parents.iter().copied()))
        .order_by(E::PARENT, Order::Asc)
        .order_by(E::ORDER, Order::Asc);
    // Equal positions keep one order however many parents are asked for: a digest depends on it.
    let rows = E::PrimaryKey::iter().fold(rows, |rows, key| rows.order_by(key.into_column(), Order::Asc)).all(conn).await?;
    let mut by_parent: HashMap<Uuid, Vec<E::Model>> = HashMap::with_capacity(parents.len());
    for row in rows {
        if let Some(parent) = E::parent(&row) {
            by_parent.entry(parent).or_default().push(row);
        }
    }
    Ok(by_parent)
}

/// The key of a batch: the parent whose children of table `E` are asked for.
#[derive(Debug)]
pub struct Of<E>(pub Uuid, PhantomData<fn() -> E>);

impl<E> Of<E> {
    /// The children of this parent.
    pub fn parent(id: Uuid) -> Self {
        Self(id, PhantomData)
    }
}

impl<E> Clone for Of<E> {
    fn clone(&self) -> Self {
        Self(self.0, PhantomData)
    }
}

impl<E> PartialEq for Of<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<E> Eq for Of<E> {}

impl<E> Hash for Of<E> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Loads for one request; batches what is asked for at once.
pub struct Batch(pub Store);

impl<E: Child + 'static> Loader<Of<E>> for Batch {
    type Value = Arc<Vec<E::Model>>;
    type Error = Error;

    async fn load(&self, keys: &[Of<E>]) -> Result<HashMap<Of<E>, Self::Value>> {
        let parents: Vec<Uuid> = keys.iter().map(|k| k.0).collect();
        let mut found = load::<E>(&self.0.db, &parents).await?;
        Ok(keys.iter().map(|k| (k.clone(), Arc::new(found.remove(&k.0).unwrap_or_default()))).collect())
    }
}

/// The key of a batch: a row of `E` by its own id.
#[derive(Debug)]
pub struct Row<E>(pub Uuid, PhantomData<fn() -> E>);

impl<E> Row<E> {
    /// The row with this id.
    pub fn id(id: Uuid) -> Self {
        Self(id, PhantomData)
    }
}

impl<E> Clone for Row<E> {
    fn clone(&self) -> Self {
        Self(self.0, PhantomData)
    }
}

impl<E> PartialEq for Row<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<E> Eq for Row<E> {}

impl<E> Hash for Row<E> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// A table that is looked up by its own id.
pub trait ById: EntityTrait<Model: Send + Sync> {
    /// The id's column.
    const ID: Self::Column;
    /// The id of a row.
    fn id(row: &Self::Model) -> Uuid;
}

impl<E: ById + 'static> Loader<Row<E>> for Batch {
    type Value = Arc<E::Model>;
    type Error = Error;

    async fn load(&self, keys: &[Row<E>]) -> Result<HashMap<Row<E>, Self::Value>> {
        let db = &self.0.db;
        let rows = E::find().filter(any_of(db.get_database_backend(), E::ID, keys.iter().map(|k| k.0))).all(db).await?;
        Ok(rows.into_iter().map(|row| (Row::id(E::id(&row)), Arc::new(row))).collect())
    }
}

/// The key of a batch: an event by its CloudEvents id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventNamed(pub String);

impl Loader<EventNamed> for Batch {
    type Value = Arc<event::Model>;
    type Error = Error;

    async fn load(&self, keys: &[EventNamed]) -> Result<HashMap<EventNamed, Self::Value>> {
        let rows = event::Entity::find().filter(event::Column::Id.is_in(keys.iter().map(|k| k.0.clone()))).all(&self.0.db).await?;
        Ok(rows.into_iter().map(|row| (EventNamed(row.id.clone()), Arc::new(row))).collect())
    }
}

/// All departments by code: they are few, and asked for together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Departments;

impl Loader<Departments> for Batch {
    type Value = Arc<HashMap<String, department::Model>>;
    type Error = Error;

    async fn load(&self, keys: &[Departments]) -> Result<HashMap<Departments, Self::Value>> {
        let rows = department::Entity::find().all(&self.0.db).await?;
        let all = Arc::new(rows.into_iter().map(|d| (d.code.clone(), d)).collect::<HashMap<_, _>>());
        Ok(keys.iter().map(|k| (k.clone(), Arc::clone(&all))).collect())
    }
}
