//! Table `event_delivery`: one event on its way to one sink.

use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::sink::DeliveryState;

/// A row of `event_delivery`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "event_delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub sink_id: Uuid,
    pub event_id: String,
    pub state: DeliveryState,
    /// Since it was queued or replayed.
    pub attempts: i32,
    /// In all.
    pub tried: i32,
    pub next_attempt_at: Option<DateTimeUtc>,
    /// A worker has it until then.
    pub held_until: Option<DateTimeUtc>,
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
    pub created_at: DateTimeUtc,
    pub delivered_at: Option<DateTimeUtc>,
}

/// Joins are written where they are needed.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
