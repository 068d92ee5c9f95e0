//! The event log as it grows, read once for all subscriptions of this process (`events.md` 20). The database is the truth and is
//! polled; a bell in the process and LISTEN between replicas only say that it is worth looking now.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use entity::event;
use sea_orm::prelude::Uuid;
use tokio::{
    sync::{Notify, broadcast, watch},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Settings,
    error::{Error, Result},
    store::{
        Store,
        log::{CHANNEL, Sight},
    },
};

/// Events that a subscription may be behind before it reads them from the log itself.
const RING: usize = 1_024;
/// Events read at once.
const BATCH: usize = 500;
/// Positions before the end of the log at start that may still be filled by transactions under way.
const LOOK_BACK: i64 = 256;
/// How soon the log is read again while events keep coming: who follows a burst hears of it together.
const BREATH: Duration = Duration::from_millis(5);
/// The same while nobody listens here; the other replicas, which may be listened to, are rung as often.
const BREATH_UNHEARD: Duration = Duration::from_millis(25);
/// How soon a missing position is looked for again, and how long at most: no transaction of ours lasts longer.
const MISSING_AGAIN: Duration = Duration::from_millis(20);
const MISSING_AT_MOST: Duration = Duration::from_secs(60);
/// How long to wait before listening again.
const LISTEN_AGAIN: Duration = Duration::from_secs(2);

/// An event with what decides who sees it.
#[derive(Debug)]
pub struct Told {
    /// The event.
    pub event: event::Model,
    /// Its report, as it stood when the feed read the event; none for an event about no report, and where the feed has not looked.
    pub sight: Option<Sight>,
}

/// The log as it grows.
pub struct Feed {
    store: Store,
    live: broadcast::Sender<Arc<Told>>,
    /// No event at or before this position will appear any more.
    settled: AtomicI64,
    /// Where reading began, once all that was there then is settled.
    started: watch::Sender<Option<i64>>,
    poll: Duration,
    listen_to: Option<String>,
    /// Rung by another replica.
    from_others: Notify,
    /// What this one sends with its ringing, which it hears as well.
    own: String,
}

/// Where reading stands.
struct Reader {
    /// The next position to tell.
    next: i64,
    /// Where the log ended when reading began, and where reading began: until all in between is settled, nobody may join.
    begins: Option<(i64, i64)>,
    missing: Option<Missing>,
}

/// A position that is missing, and the transaction that began after it was seen to be: when all up to that one are over, nobody can
/// fill it any more.
struct Missing {
    position: i64,
    barrier: i64,
    since: Instant,
}

impl Feed {
    /// A feed that does not run yet.
    pub fn new(store: Store, settings: &Settings) -> Self {
        let url = &settings.database_url.0;
        Self {
            store,
            live: broadcast::channel(RING).0,
            settled: AtomicI64::new(0),
            started: watch::Sender::new(None),
            poll: Duration::from_millis(settings.feed_poll_ms),
            listen_to: (!url.starts_with("sqlite")).then(|| url.clone()),
            from_others: Notify::new(),
            own: Uuid::now_v7().to_string(),
        }
    }

    /// The store that it reads.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Events from now on, and the position up to which everything was told before: subscribe first, look then, and an event in
    /// between is in both rather than in none. Waits until the feed knows where the log ends.
    pub async fn join(&self) -> (broadcast::Receiver<Arc<Told>>, i64) {
        let live = self.live.subscribe();
        if self.started.borrow().is_some() {
            return (live, self.settled());
        }
        // Asked before reading had begun: whatever stands behind that place may be news.
        (live, self.started().await)
    }

    /// Waits until all that was in the log when reading began is settled, and tells where reading began.
    pub async fn started(&self) -> i64 {
        let mut started = self.started.subscribe();
        // The sender lives as long as this does.
        let found = started.wait_for(Option::is_some).await.ok().and_then(|position| *position);
        found.unwrap_or_default()
    }

    /// No event at or before this position will appear any more.
    pub fn settled(&self) -> i64 {
        self.settled.load(Ordering::SeqCst)
    }

    /// Reading begins at the end of the log, or before that at the first position that is missing: it may still be filled.
    ///
    /// # Errors
    /// A fault of the database.
    async fn start(&self) -> Result<Reader> {
        let from = (self.store.log_end().await? - LOOK_BACK).max(0);
        let known = self.store.positions_after(from, BATCH).await?;
        let end = known.last().copied().unwrap_or(from);
        let next = (from + 1..).zip(&known).find(|(expected, position)| expected != *position).map_or(end + 1, |(expected, _)| expected);
        Ok(Reader { next, begins: Some((next - 1, end)), missing: None })
    }

    /// Reads and tells until told to stop. A database that is away is waited for.
    pub async fn run(&self, stop: CancellationToken) {
        let work = async { tokio::join!(self.read(), self.listen()) };
        tokio::select! {
            _ = work => {}
            () = stop.cancelled() => {}
        }
    }

    async fn read(&self) {
        let bell = self.store.bell();
        let mut reader = None;
        let (mut away, mut rung) = (false, false);
        loop {
            let again = Instant::now() + if self.live.receiver_count() > 0 { BREATH } else { BREATH_UNHEARD };
            let round = match &mut reader {
                None => match self.start().await {
                    Ok(started) => self.round(reader.insert(started)).await,
                    Err(error) => Err(error),
                },
                Some(reader) => self.round(reader).await,
            };
            if std::mem::take(&mut rung) {
                // The others poll too, if this fails.
                let _ = self.store.ring_others(&self.own).await;
            }
            let wait = match round {
                Ok(all) => {
                    away = false;
                    if all { self.poll } else { MISSING_AGAIN }
                }
                Err(error) => {
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(cause = error.cause().unwrap_or_default(), "the event log cannot be read; trying again");
                    }
                    self.poll
                }
            };
            sleep_until(again).await;
            tokio::select! {
                () = bell.notified() => rung = true,
                () = self.from_others.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Tells what is new; false where it stopped at a missing position.
    async fn round(&self, reader: &mut Reader) -> Result<bool> {
        loop {
            // Before the rows are read: whoever is finished now is visible then.
            let gone = match &reader.missing {
                Some(missing) if missing.since.elapsed() > MISSING_AT_MOST => {
                    tracing::error!(position = missing.position, "a position of the event log is missing for too long; passing over it");
                    Some(missing.position)
                }
                Some(missing) => {
                    let finished = self.store.oldest_under_way().await?.is_none_or(|oldest| oldest > missing.barrier);
                    finished.then_some(missing.position)
                }
                None => None,
            };
            // Where nobody listens, where the events stand is all that is to be known of them.
            let news = if self.live.receiver_count() > 0 { Some(self.store.log_after(reader.next - 1, BATCH).await?) } else { None };
            let positions = match &news {
                Some(events) => events.iter().map(|event| event.position).collect(),
                None => self.store.positions_after(reader.next - 1, BATCH).await?,
            };
            let full = positions.len() >= BATCH;
            let (from, mut next, mut stopped) = (reader.next, reader.next, false);
            for position in positions {
                stopped = position > next && gone != Some(next);
                if stopped {
                    break;
                }
                next = position + 1;
            }
            let mut told = match news {
                Some(events) => self.told(events, next).await?,
                None => Vec::new(),
            };
            // Before they are told: who joins now finds them behind this position in the log, or in what is told, or in both.
            self.settled.store(next - 1, Ordering::SeqCst);
            // Who joined meanwhile, and found an earlier position, is told as well. Where that fails, it is read again from there.
            if told.is_empty() && next > from && self.live.receiver_count() > 0 {
                told = self.told(self.store.log_after(from - 1, BATCH).await?, next).await?;
            }
            for event in told {
                // Nobody listening is no failure.
                let _ = self.live.send(Arc::new(event));
            }
            reader.next = next;
            if let Some((begun, _)) = reader.begins.take_if(|(_, end)| next > *end) {
                self.started.send_replace(Some(begun));
            }
            if !stopped {
                reader.missing = None;
                if full {
                    continue;
                }
                return Ok(true);
            }
            if reader.missing.as_ref().is_some_and(|missing| missing.position == next) {
                return Ok(false);
            }
            // Where writers take turns, what is missing was rolled back: the next turn of this loop passes over it.
            let barrier = self.store.transaction_now().await?;
            reader.missing = Some(Missing { position: next, barrier: barrier.unwrap_or(0), since: Instant::now() });
            if barrier.is_some() {
                return Ok(false);
            }
        }
    }

    /// Events before a position, each with what decides who sees it.
    async fn told(&self, events: Vec<event::Model>, before: i64) -> Result<Vec<Told>> {
        let reports: HashSet<_> = events.iter().filter_map(|event| event.report_id).collect();
        let sights = self.store.sights(&reports).await?;
        let events = events.into_iter().filter(|event| event.position < before);
        Ok(events.map(|event| Told { sight: event.report_id.and_then(|report| sights.get(&report).cloned()), event }).collect())
    }

    /// Listens to the other replicas; on SQLite there are none.
    async fn listen(&self) {
        let Some(url) = &self.listen_to else { return std::future::pending().await };
        loop {
            let listened = async {
                let mut listener = sqlx::postgres::PgListener::connect(url).await?;
                listener.listen(CHANNEL).await?;
                loop {
                    if listener.recv().await?.payload() != self.own {
                        self.from_others.notify_one();
                    }
                }
            };
            let failed: std::result::Result<(), sqlx::Error> = listened.await;
            if let Err(error) = failed {
                let error = Error::internal(error);
                tracing::debug!(cause = error.cause().unwrap_or_default(), "not listening to other replicas; polling goes on");
            }
            sleep(LISTEN_AGAIN).await;
        }
    }
}
