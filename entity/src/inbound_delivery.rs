//! Table `inbound_delivery`: the inbox: what was received, raw, before it was worked (`events.md` 22).

use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::pipeline::{DeliveryFate, DeliveryWay};

/// A row of `inbound_delivery`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "inbound_delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub source_id: Option<Uuid>,
    pub way: DeliveryWay,
    /// Subject of who sent it; `source:` and its name for a webhook.
    pub reported_by: String,
    /// The sender's id of the delivery.
    pub dedupe_key: Option<String>,
    pub event_type: Option<String>,
    pub content_type: Option<String>,
    pub headers: Json,
    /// As received; gone after the retention period.
    pub body: Option<Vec<u8>>,
    pub body_bytes: i32,
    pub body_sha256: String,
    pub fate: DeliveryFate,
    pub reason: Option<String>,
    pub reason_zh: Option<String>,
    pub deployment_id: Option<Uuid>,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTimeUtc>,
    pub received_at: DateTimeUtc,
    pub worked_at: Option<DateTimeUtc>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
