//! Runs a request and its loads in one task: loads start when the request can go no further, so that everything asked for
//! at once is one batch, every time. No timer, no spawned task, no race between them (`stack.md`, DataLoader).

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use async_graphql::runtime::Timer;
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::FuturesUnordered,
    task::{FutureObj, Spawn, SpawnError},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender},
    task::coop::has_budget_remaining,
};

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

/// Notes that the work was woken, and passes it on.
struct Woken {
    yes: AtomicBool,
    outer: Mutex<Waker>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.yes.store(true, Ordering::Release);
        self.outer.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
    }
}

/// Runs `work`, and between its steps the loads it asked for.
pub async fn drive<F: Future>(work: F, asked: &mut UnboundedReceiver<FutureObj<'static, ()>>) -> F::Output {
    let mut work = pin!(work);
    let mut loads = FuturesUnordered::new();
    let woken = Arc::new(Woken { yes: AtomicBool::new(true), outer: Mutex::new(Waker::noop().clone()) });
    let waker = Waker::from(Arc::clone(&woken));
    std::future::poll_fn(|cx| {
        woken.outer.lock().unwrap_or_else(PoisonError::into_inner).clone_from(cx.waker());
        loop {
            // Long lists yield half way, awake: only work that sleeps has asked for everything it can.
            while woken.yes.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Poll::Ready(output);
                }
                // What has used up the task's turn says that it is not ready, and where no worker runs it wakes at once, until the
                // runtime gives another turn.
                if !has_budget_remaining() {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            while loads.len() < LOADS_AT_ONCE
                && let Ok(load) = asked.try_recv()
            {
                loads.push(load);
            }
            while let Poll::Ready(Some(())) = loads.poll_next_unpin(cx) {}
            let more = loads.len() < LOADS_AT_ONCE && !asked.is_empty();
            if !woken.yes.load(Ordering::Acquire) && !more {
                return Poll::Pending;
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_uses_up_its_turn_gives_way_and_goes_on() {
        let (done, waits) = std::sync::mpsc::channel();
        // Not on a worker, where the runtime wakes later; and if it did not give way, it would never end.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
            let (_handover, mut asked) = tokio::sync::mpsc::unbounded_channel();
            let work = async {
                let counted = tokio::sync::Mutex::new(0);
                for _ in 0..1_000 {
                    *counted.lock().await += 1;
                }
                counted.into_inner()
            };
            done.send(runtime.block_on(drive(work, &mut asked))).unwrap();
        });
        assert_eq!(waits.recv_timeout(Duration::from_secs(20)), Ok(1_000));
    }
}
