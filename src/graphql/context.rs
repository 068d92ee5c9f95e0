//! What a request carries, and how resolvers reach it.

use std::sync::{Arc, PoisonError, RwLock};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache},
};
use entity::{department, event};
use futures_util::task::FutureObj;
use sea_orm::prelude::Uuid;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{
    drive::{AtOnce, Handover},
    turns::Turns,
};
use crate::{
    auth::Actor,
    error::{Error, Lang, Result},
    store::{
        Origin, Store,
        bundle::Bundled,
        children::{Batch, ById, Child, Departments, EventNamed, Of, Row},
    },
};

/// Who asks, in which language.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Actor and request id.
    pub origin: Origin,
    /// From `Accept-Language`.
    pub lang: Lang,
}

type Loads = DataLoader<Batch, HashMapCache>;

/// The loaders of one request. A mutation renews them, so that its payload reads what it wrote.
pub struct Loaders {
    store: Store,
    handover: UnboundedSender<FutureObj<'static, ()>>,
    now: RwLock<(Arc<Loads>, Arc<Bundled>)>,
}

impl Loaders {
    /// Loaders, and the receiver that [`drive`](super::drive::drive) takes.
    pub fn new(store: Store) -> (Self, tokio::sync::mpsc::UnboundedReceiver<FutureObj<'static, ()>>) {
        let (handover, asked) = unbounded_channel();
        let now = RwLock::new((fresh(&store, &handover), Arc::default()));
        (Self { store, handover, now }, asked)
    }

    /// Forgets what was loaded.
    pub fn renew(&self) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = (fresh(&self.store, &self.handover), Arc::default());
    }

    fn get(&self) -> Arc<Loads> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// What was read ahead.
    pub fn bundled(&self) -> Arc<Bundled> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).1)
    }
}

fn fresh(store: &Store, handover: &UnboundedSender<FutureObj<'static, ()>>) -> Arc<Loads> {
    let loads = DataLoader::with_cache(Batch(store.clone()), Handover(handover.clone()), AtOnce, HashMapCache::default());
    Arc::new(loads.delay(std::time::Duration::ZERO).max_batch_size(usize::MAX))
}

fn data<'a, T: Send + Sync + 'static>(ctx: &Context<'a>) -> Result<&'a T> {
    ctx.data::<T>().map_err(|e| Error::internal(e.message))
}

/// The store.
pub fn store<'a>(ctx: &Context<'a>) -> Result<&'a Store> {
    data(ctx)
}

/// Who asks.
pub fn caller<'a>(ctx: &Context<'a>) -> Result<&'a Caller> {
    data(ctx)
}

/// The actor.
pub fn actor<'a>(ctx: &Context<'a>) -> Result<&'a Actor> {
    Ok(&caller(ctx)?.origin.actor)
}

/// The language of the answer.
pub fn lang(ctx: &Context<'_>) -> Lang {
    caller(ctx).map(|c| c.lang).unwrap_or_default()
}

/// Turns for what is dear.
pub fn turns<'a>(ctx: &Context<'a>) -> Result<&'a Turns> {
    data(ctx)
}

/// The loaders of this request.
pub fn loaders<'a>(ctx: &Context<'a>) -> Result<&'a Loaders> {
    data(ctx)
}

/// The children of a parent, batched.
pub async fn children<E: Child + 'static>(ctx: &Context<'_>, parent: Uuid) -> Result<Arc<Vec<E::Model>>> {
    let loaders = loaders(ctx)?;
    if let Some(read) = loaders.bundled().children::<E>(parent) {
        return Ok(read);
    }
    // What was not read ahead is rare: kept out of the resolvers' futures, which are moved often.
    let loads = loaders.get();
    Ok(Box::pin(loads.load_one(Of::<E>::parent(parent))).await?.unwrap_or_default())
}

/// A row by its id, batched.
pub async fn row<E: ById + 'static>(ctx: &Context<'_>, id: Uuid) -> Result<Option<Arc<E::Model>>> {
    let loaders = loaders(ctx)?;
    if let Some(read) = loaders.bundled().row::<E>(id) {
        return Ok(Some(read));
    }
    let loads = loaders.get();
    Box::pin(loads.load_one(Row::<E>::id(id))).await
}

/// An event by its CloudEvents id, batched.
pub async fn event_named(ctx: &Context<'_>, id: &str) -> Result<Option<Arc<event::Model>>> {
    let loads = loaders(ctx)?.get();
    Box::pin(loads.load_one(EventNamed(id.to_owned()))).await
}

/// A row that a foreign key promises.
pub async fn parent<E: ById + 'static>(ctx: &Context<'_>, id: Uuid) -> Result<Arc<E::Model>> {
    row::<E>(ctx, id).await?.ok_or_else(|| Error::internal("a row that a foreign key promises is gone"))
}

/// All departments by code, once a request.
pub async fn departments(ctx: &Context<'_>) -> Result<Arc<std::collections::HashMap<String, department::Model>>> {
    let loaders = loaders(ctx)?;
    if let Some(read) = loaders.bundled().departments() {
        return Ok(read);
    }
    let loads = loaders.get();
    Box::pin(loads.load_one(Departments)).await?.ok_or_else(|| Error::internal("no departments"))
}
