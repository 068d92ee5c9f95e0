//! Runs a request and its loads in one task: loads start when the request can go no further, so that everything asked for
//! at once is one batch, every time. No timer, no spawned task, no race between them (`stack.md`, DataLoader).

use std::{pin::pin, task::Poll, time::Duration};

use async_graphql::runtime::Timer;
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::FuturesUnordered,
    task::{FutureObj, Spawn, SpawnError},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// Loads of one request under way at once: more would let one reader empty the pool.
const LOADS_AT_ONCE: usize = 4;

/// Hands loads to [`drive`].
pub struct Handover(pub UnboundedSender<FutureObj<'static, ()>>);

impl Spawn for Handover {
    fn spawn_obj(&self, load: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.0.send(load).map_err(|_| SpawnError::shutdown())
    }
}

/// No delay: [`drive`] decides when a load starts.
pub struct AtOnce;

impl Timer for AtOnce {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Runs `work`, and between its steps the loads it asked for.
pub async fn drive<F: Future>(work: F, mut asked: UnboundedReceiver<FutureObj<'static, ()>>) -> F::Output {
    let mut work = pin!(work);
    let mut loads = FuturesUnordered::new();
    std::future::poll_fn(|cx| {
        loop {
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            let mut moved = false;
            while loads.len() < LOADS_AT_ONCE
                && let Ok(load) = asked.try_recv()
            {
                loads.push(load);
            }
            while let Poll::Ready(Some(())) = loads.poll_next_unpin(cx) {
                moved = true;
            }
            if !moved && (loads.len() >= LOADS_AT_ONCE || asked.is_empty()) {
                return Poll::Pending;
            }
        }
    })
    .await
}
