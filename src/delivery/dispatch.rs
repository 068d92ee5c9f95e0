//! Takes queued deliveries to their sinks (`events.md` 15–19): each sink has a queue, workers and a retry schedule of its own, so that
//! one that is dead or slow holds no other up. Any number of replicas: a delivery is held in the database while it is tried.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    event, event_sink,
    sink::{DisabledReason, SinkKind},
    sink_secret,
};
use futures_util::StreamExt;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, prelude::Uuid};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    envelope::Envelope,
    guard::Guard,
    nats::{Broker, Message},
    webhook::{Outcome, Sender},
};
use crate::{
    auth::seal::Seal,
    config::Settings,
    error::{Error, Result},
    store::{
        Store,
        deliveries::{Attempted, Held},
    },
};

/// Deliveries that a worker takes at once.
const AT_ONCE: u64 = 64;
/// Attempts at one sink that are under way at once, in one process.
const UNDER_WAY: usize = 24;
/// Attempts that are noted together, and how long the first of them waits for the others.
const NOTED_TOGETHER: usize = 64;
const NOTED_WITHIN: Duration = Duration::from_millis(20);
/// How much longer a delivery is held than an attempt may take: a worker that died with it gives it back then.
const MARGIN: TimeDelta = TimeDelta::seconds(5);
/// The longest pause before a broker is tried again.
const BROKER_PAUSE: i64 = 60;
/// How long a failing round waits.
const AGAIN: Duration = Duration::from_secs(1);

/// Secrets of a sink, the newest first, each with its end.
type Secrets = Vec<(String, Option<DateTime<Utc>>)>;

/// Takes deliveries to their sinks.
pub struct Dispatcher {
    store: Store,
    seal: Arc<Seal>,
    sender: Sender,
    broker: Option<Arc<Broker>>,
    envelope: Envelope,
    schedule: Vec<u64>,
    give_up_after: TimeDelta,
    patience: TimeDelta,
    poll: Duration,
    secrets: Mutex<HashMap<Uuid, (i32, Secrets)>>,
}

impl Dispatcher {
    /// As configured, with a guard.
    ///
    /// # Errors
    /// What is wrong with TLS.
    pub fn new(store: Store, settings: &Settings, seal: Arc<Seal>, guard: Guard) -> Result<Self, String> {
        let all = Duration::from_millis(settings.webhook_timeout_ms);
        let sender = Sender::new(guard, Duration::from_millis(settings.webhook_connect_timeout_ms), all)?;
        Ok(Self {
            store,
            seal,
            sender,
            broker: settings.nats_url.as_ref().map(|url| Broker::new(url.0.clone())),
            envelope: Envelope::new(settings),
            schedule: settings.webhook_schedule_seconds.clone(),
            give_up_after: TimeDelta::days(settings.sink_disable_days.into()),
            patience: TimeDelta::from_std(all).unwrap_or(TimeDelta::seconds(15)) + MARGIN,
            poll: Duration::from_millis(settings.delivery_poll_ms),
            secrets: Mutex::default(),
        })
    }

    /// Where webhooks may go.
    pub fn guard(&self) -> &Guard {
        self.sender.guard()
    }

    /// Seals and opens secrets.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Whether there is a broker.
    pub fn has_broker(&self) -> bool {
        self.broker.is_some()
    }

    /// Sends a test event at once, past the queue.
    ///
    /// # Errors
    /// A fault of the database, or a secret that does not open.
    pub async fn ping(&self, sink: &event_sink::Model) -> Result<Attempted> {
        let (now, id) = (self.store.now(), format!("ping-{}", Uuid::now_v7()));
        let event = event::Model {
            position: 0,
            id: id.clone(),
            kind: "ops.ping.v1".into(),
            subject: format!("sinks/{}", sink.id),
            subject_sequence: 1,
            report_id: None,
            action_id: None,
            deployment_id: None,
            at: now,
            recorded_at: now,
            data: serde_json::json!({ "sink": { "id": sink.id, "name": sink.name } }),
        };
        let secrets = self.secrets_of(sink).await?;
        let delivery = crate::store::deliveries::waiting(sink.id, id, now);
        Ok(self.attempt(sink, Held { delivery, event }, &secrets).await.0)
    }

    /// Delivers until told to stop; what is under way then is finished, what was only held is given back.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let bell = self.store.post_bell();
        let mut working: JoinSet<Uuid> = JoinSet::new();
        let mut busy: std::collections::HashSet<Uuid> = std::collections::HashSet::new();
        while !stop.is_cancelled() {
            let wait = match self.store.sinks_with_work().await {
                Ok(sinks) => {
                    for sink in sinks {
                        if !busy.insert(sink.id) {
                            continue;
                        }
                        let (this, stop) = (Arc::clone(&self), stop.clone());
                        working.spawn(async move {
                            let id = sink.id;
                            if let Err(error) = this.drain(sink, &stop).await {
                                tracing::error!(sink = %id, cause = error.cause().unwrap_or(error.code()), "deliveries could not be worked");
                                sleep(AGAIN).await;
                            }
                            id
                        });
                    }
                    self.poll
                }
                Err(error) => {
                    tracing::warn!(cause = error.cause().unwrap_or(error.code()), "the queues cannot be read; trying again");
                    AGAIN
                }
            };
            tokio::select! {
                Some(done) = working.join_next() => {
                    if let Ok(id) = done { busy.remove(&id); } else { busy.clear(); }
                }
                () = bell.notified() => {}
                () = sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
        while working.join_next().await.is_some() {}
    }

    /// Delivers what is due of one sink, until nothing is.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn drain(&self, sink: event_sink::Model, stop: &CancellationToken) -> Result<usize> {
        let mut count = 0;
        while !stop.is_cancelled() {
            let held = self.store.hold(sink.id, AT_ONCE, self.patience).await?;
            if held.is_empty() {
                return Ok(count);
            }
            count += held.len();
            if !self.batch(&sink, held, stop).await? {
                return Ok(count);
            }
        }
        Ok(count)
    }

    /// Tries a batch; whether to go on with this sink.
    async fn batch(&self, sink: &event_sink::Model, held: Vec<Held>, stop: &CancellationToken) -> Result<bool> {
        let secrets = self.secrets_of(sink).await?;
        let (noting, noted) = mpsc::unbounded_channel();
        let attempts = async {
            let mut back = Vec::new();
            let mut gone = false;
            let tries = futures_util::stream::iter(held).map(|held| {
                let secrets = &secrets;
                async move { if stop.is_cancelled() { Err(held.delivery.id) } else { Ok(self.attempt(sink, held, secrets).await) } }
            });
            let mut tries = tries.buffer_unordered(UNDER_WAY);
            while let Some(tried) = tries.next().await {
                match tried {
                    Err(unheld) => back.push(unheld),
                    Ok((attempted, wants_no_more)) => {
                        gone |= wants_no_more;
                        let _ = noting.send(attempted);
                    }
                }
            }
            drop(noting);
            (back, gone)
        };
        let ((back, gone), noted) = tokio::join!(attempts, self.note(noted));
        if !back.is_empty() {
            self.store.give_back(back).await?;
        }
        let failed = noted?;
        if gone {
            self.store.disable_sink(sink, DisabledReason::Gone).await?;
            return Ok(false);
        }
        // What the service says of a sink is not said of again, or two dead sinks would talk of each other for ever.
        let told_of = |a: &&Attempted| a.next.is_none() && !a.delivery.event_id.starts_with("ops-");
        let dead: Vec<Attempted> = failed.iter().filter(told_of).cloned().collect();
        if !dead.is_empty() {
            self.store.tell_exhausted(sink, dead).await?;
        }
        if failed.is_empty() {
            return Ok(true);
        }
        let goes_on = self.give_up(sink.id).await?;
        // A broker that failed one fails the next too: the others wait until it is looked at again.
        Ok(goes_on && sink.kind == SinkKind::Webhook)
    }

    /// Notes attempts in the order in which they end, several at once; gives those that failed.
    async fn note(&self, mut noted: mpsc::UnboundedReceiver<Attempted>) -> Result<Vec<Attempted>> {
        let mut failed = Vec::new();
        while let Some(first) = noted.recv().await {
            let mut together = vec![first];
            let end = Instant::now() + NOTED_WITHIN;
            while together.len() < NOTED_TOGETHER {
                match tokio::time::timeout_at(end, noted.recv()).await {
                    Ok(Some(more)) => together.push(more),
                    Ok(None) | Err(_) => break,
                }
            }
            failed.extend(together.iter().filter(|a| a.error.is_some()).cloned());
            self.store.attempted(together).await?;
        }
        Ok(failed)
    }

    /// One attempt, and whether the receiver wants no more.
    async fn attempt(&self, sink: &event_sink::Model, held: Held, secrets: &Secrets) -> (Attempted, bool) {
        let Held { delivery, event } = held;
        let (at, began) = (self.store.now(), Instant::now());
        let body = self.envelope.of(&event).to_string();
        let outcome = match (&sink.kind, &sink.url, &sink.stream, &sink.subject_prefix) {
            (SinkKind::Webhook, Some(url), ..) => match url.parse() {
                Ok(url) => {
                    let counting: Vec<String> =
                        secrets.iter().filter(|(_, end)| end.is_none_or(|end| at < end)).map(|(s, _)| s.clone()).collect();
                    self.sender.send(&url, &event.id, body, &counting, at).await
                }
                Err(_) => refused("the address of the sink cannot be read"),
            },
            (SinkKind::Nats, _, Some(stream), Some(prefix)) => match &self.broker {
                Some(broker) => {
                    let message =
                        Message { stream: stream.clone(), prefix: prefix.clone(), kind: event.kind.clone(), id: event.id.clone(), body };
                    match broker.publish(message).await {
                        Ok(()) => Outcome::Taken(reqwest::StatusCode::OK),
                        Err(why) => refused(&why),
                    }
                }
                None => refused("RELSUM_NATS_URL is not set"),
            },
            _ => refused("the sink has no target"),
        };
        let milliseconds = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        let note = |status: Option<i32>, error: Option<String>, next| Attempted {
            delivery: delivery.clone(),
            at,
            milliseconds,
            status,
            error,
            next,
        };
        match outcome {
            Outcome::Taken(status) => (note(webhook_status(sink, Some(status)), None, None), false),
            Outcome::Gone => (note(Some(410), Some("410 Gone: the receiver wants no more".into()), Some(at)), true),
            Outcome::Refused { status, why, after } => {
                let next = self.next(sink.kind, delivery.attempts + 1, after, &delivery.id).map(|pause| self.store.now() + pause);
                (note(webhook_status(sink, status), Some(why), next), false)
            }
        }
    }

    /// The pause after so many attempts, with jitter; none when they are used up. A broker is waited for as long as it takes.
    fn next(&self, kind: SinkKind, attempts: i32, after: Option<TimeDelta>, id: &Uuid) -> Option<TimeDelta> {
        let index = usize::try_from(attempts).unwrap_or(usize::MAX);
        let seconds = match kind {
            SinkKind::Webhook => i64::try_from(*self.schedule.get(index)?).unwrap_or(i64::MAX),
            SinkKind::Nats => (1_i64 << attempts.clamp(0, 10)).min(BROKER_PAUSE),
        };
        let seconds = seconds.min(2_000_000);
        // Up to a tenth more, another for each delivery and attempt: so many milliseconds of each second.
        let spread = id.as_u128().wrapping_mul(u128::from(attempts.unsigned_abs()) | 1) >> 64;
        let jitter = i64::try_from(spread % 100).unwrap_or(0) * seconds;
        let pause = TimeDelta::seconds(seconds) + TimeDelta::milliseconds(jitter);
        Some(after.map_or(pause, |after| after.max(pause)))
    }

    /// Disables a sink that has only failed for days; whether to go on with it.
    async fn give_up(&self, id: Uuid) -> Result<bool> {
        let sink = self.store.one(event_sink::Entity::find_by_id(id)).await?.ok_or_else(|| Error::internal("a sink is gone"))?;
        let failing = sink.failing_since.is_some_and(|since| self.store.now() - since >= self.give_up_after);
        if failing {
            self.store.disable_sink(&sink, DisabledReason::Failing).await?;
        }
        // What failed has a time of its own to be tried again.
        Ok(!failing)
    }

    async fn secrets_of(&self, sink: &event_sink::Model) -> Result<Secrets> {
        let kept = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).get(&sink.id).cloned();
        if let Some((version, secrets)) = kept
            && version == sink.version
        {
            return Ok(secrets);
        }
        let rows = self.store.all(sink_secret::Entity::find().filter(sink_secret::Column::SinkId.eq(sink.id))).await?;
        let mut rows: Vec<sink_secret::Model> = rows;
        rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
        let secrets = rows.into_iter().map(|s| Ok((self.seal.open(&about(s.id), &s.sealed)?, s.ends_at))).collect::<Result<Vec<_>>>()?;
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(sink.id, (sink.version, secrets.clone()));
        Ok(secrets)
    }
}

/// What a secret is bound to when it is sealed.
pub fn about(secret: Uuid) -> String {
    format!("sink_secret/{secret}")
}

fn refused(why: &str) -> Outcome {
    Outcome::Refused { status: None, why: why.to_owned(), after: None }
}

fn webhook_status(sink: &event_sink::Model, status: Option<reqwest::StatusCode>) -> Option<i32> {
    status.filter(|_| sink.kind == SinkKind::Webhook).map(|s| s.as_u16().into())
}
