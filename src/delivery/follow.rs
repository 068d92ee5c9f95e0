//! Follows the log for one subscription: first what was missed, from the log, then what comes, from the feed; permission at every
//! event. Nothing is kept for a reader that is slow: one that falls behind the feed reads the log again from where it was.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use entity::event;
use futures_util::{Stream, stream::unfold};
use sea_orm::prelude::Uuid;
use tokio::sync::broadcast::{self, error::RecvError};

use super::{
    event::EventType,
    feed::{Feed, Told},
};
use crate::{
    auth::Actor,
    error::{Error, Result, say},
    store::hears,
};

/// How soon a log that cannot be read is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// Events read from the log at once.
const PAGE: u64 = 100;

/// Which events a subscription wants. All that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of one report.
    pub report: Option<Uuid>,
    /// Of these types.
    pub types: Option<Vec<EventType>>,
    /// About an improvement action.
    pub actions_only: bool,
    /// About a deployment.
    pub deployments_only: bool,
    /// About an action that this department owns.
    pub department: Option<String>,
}

impl Wanted {
    fn holds(&self, event: &event::Model) -> bool {
        let Some(kind) = EventType::of(&event.kind) else { return false };
        let owned = |department: &String| {
            let owners = event.data.pointer("/action/departments").and_then(|list| list.as_array());
            owners.is_some_and(|owners| owners.iter().any(|owner| owner.as_str() == Some(department)))
        };
        self.report.is_none_or(|report| event.report_id == Some(report))
            && self.types.as_ref().is_none_or(|types| types.contains(&kind))
            && (!self.actions_only || event.action_id.is_some())
            && (!self.deployments_only || event.deployment_id.is_some())
            && self.department.as_ref().is_none_or(owned)
    }
}

struct Follower {
    feed: Arc<Feed>,
    live: broadcast::Receiver<Arc<Told>>,
    actor: Actor,
    wanted: Wanted,
    /// The last position that was told or passed over.
    cursor: i64,
    /// Up to where the log is to be read before the feed.
    behind_to: i64,
    page: VecDeque<event::Model>,
}

/// The events that the caller sees and wants, behind a position, or from now on.
///
/// # Errors
/// `BAD_USER_INPUT` for what is no position, `POSITION_EXPIRED` for one that the log does not reach.
pub async fn follow(
    feed: Arc<Feed>,
    actor: Actor,
    wanted: Wanted,
    after: Option<String>,
) -> Result<impl Stream<Item = Result<Arc<Told>>> + Send + 'static> {
    let (live, from) = feed.join().await;
    let settled = feed.settled();
    let cursor = match after {
        None => from,
        Some(text) => {
            let position = text.parse::<i64>().ok().filter(|position| *position >= 0);
            let position = position.ok_or_else(|| {
                Error::BadInput(say("after: must be the position of an event that was received", "after 必须是已收到事件的 position"))
            })?;
            if position > settled && position > feed.store().log_end().await? {
                return Err(Error::PositionExpired);
            }
            position
        }
    };
    let follower = Follower { feed, live, actor, wanted, cursor, behind_to: settled, page: VecDeque::new() };
    Ok(unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        match follower.next().await {
            Ok(Some(event)) => Some((Ok(event), Some(follower))),
            Ok(None) => None,
            // The client resumes from the last position that it saw.
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Follower {
    async fn next(&mut self) -> Result<Option<Arc<Told>>> {
        loop {
            if let Some(event) = self.page.pop_front() {
                self.cursor = event.position;
                if self.wanted.holds(&event) {
                    return Ok(Some(Arc::new(Told { event, sight: None })));
                }
                continue;
            }
            if self.cursor < self.behind_to {
                let page = match self.feed.store().log_seen(&self.actor, self.wanted.report, self.cursor, self.behind_to, PAGE).await {
                    // The feed waits for the database, and so do those who read the log.
                    Err(Error::Unavailable(_) | Error::Timeout(_)) => {
                        tokio::time::sleep(AGAIN).await;
                        continue;
                    }
                    page => page?,
                };
                if page.is_empty() {
                    self.cursor = self.behind_to;
                }
                self.page = page.into();
                continue;
            }
            match self.live.recv().await {
                Ok(told) if told.event.position <= self.cursor => {}
                Ok(told) if told.event.report_id.is_some() && told.sight.is_none() => self.behind_to = told.event.position,
                Ok(told) => {
                    self.cursor = told.event.position;
                    let seen = hears(&self.actor, &told.event, told.sight.as_ref());
                    if seen && self.wanted.holds(&told.event) {
                        return Ok(Some(told));
                    }
                }
                Err(RecvError::Lagged(_)) => self.behind_to = self.feed.settled(),
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }
}
