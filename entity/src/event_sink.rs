//! Table `event_sink`: who is told of events: webhooks and JetStream streams (`events.md` 15).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::sink::{DisabledReason, SinkKind, SinkState};

/// A row of `event_sink`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "event_sink")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub kind: SinkKind,
    /// Of a webhook.
    pub url: Option<String>,
    /// Of NATS.
    pub stream: Option<String>,
    /// Of NATS: what stands before the type in a subject.
    pub subject_prefix: Option<String>,
    /// Types without prefix; null: all but edits of content.
    pub types: Option<Json>,
    /// Codes; null: whatever the department.
    pub departments: Option<Json>,
    pub state: SinkState,
    pub disabled_reason: Option<DisabledReason>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub disabled_at: Option<DateTimeUtc>,
    /// First failure since the last success.
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub failing_since: Option<DateTimeUtc>,
    #[serde(deserialize_with = "crate::read::maybe_instant", default)]
    pub last_success_at: Option<DateTimeUtc>,
    pub last_error: Option<String>,
    #[serde(deserialize_with = "crate::read::instant")]
    pub created_at: DateTimeUtc,
    pub version: i32,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
