//! Announcing due dates, and delivering events: what was announced, sinks with their secrets, deliveries with their attempts.

use sea_orm_migration::prelude::*;

use crate::{drop_tables, run};

/// See the file's first line.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261124_000008_delivery"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "DROP INDEX occurrence_to_announce; ALTER TABLE occurrence DROP COLUMN look_at;").await?;
        drop_tables(manager, TABLES).await
    }
}

const TABLES: &[&str] = &["delivery_attempt", "event_delivery", "sink_secret", "event_sink", "announcement"];

// What is open already is looked at once, and then knows by itself when to be looked at again.
const UP: &str = r#"
ALTER TABLE occurrence ADD COLUMN look_at timestamptz;
UPDATE occurrence SET look_at = '2000-01-01T00:00:00+00:00' WHERE status = 'OPEN';
CREATE INDEX occurrence_to_announce ON occurrence (look_at, id) WHERE look_at IS NOT NULL;

CREATE TABLE announcement (
  id uuid NOT NULL PRIMARY KEY,
  occurrence_id uuid NOT NULL CONSTRAINT announcement_occurrence REFERENCES occurrence (id) ON DELETE CASCADE,
  due_on date NOT NULL,
  kind text NOT NULL CONSTRAINT announcement_kind CHECK (kind IN ('DUE_SOON', 'OVERDUE', 'REMINDER')),
  step integer NOT NULL,
  attempt integer NOT NULL,
  at timestamptz NOT NULL,
  CONSTRAINT announcement_once UNIQUE (occurrence_id, due_on, kind, step, attempt)
);

CREATE TABLE event_sink (
  id uuid NOT NULL PRIMARY KEY,
  name text NOT NULL,
  kind text NOT NULL CONSTRAINT event_sink_kind CHECK (kind IN ('WEBHOOK', 'NATS')),
  url text,
  stream text,
  subject_prefix text,
  types json,
  departments json,
  state text NOT NULL CONSTRAINT event_sink_state CHECK (state IN ('ENABLED', 'DISABLED', 'REMOVED')),
  disabled_reason text CONSTRAINT event_sink_disabled_reason CHECK (disabled_reason IN ('GONE', 'FAILING', 'BY_HAND')),
  disabled_at timestamptz,
  failing_since timestamptz,
  last_success_at timestamptz,
  last_error text,
  created_at timestamptz NOT NULL,
  version integer NOT NULL,
  CONSTRAINT event_sink_name_unique UNIQUE (name),
  CONSTRAINT event_sink_target CHECK ((kind = 'WEBHOOK') = (url IS NOT NULL) AND (kind = 'NATS') = (stream IS NOT NULL AND subject_prefix IS NOT NULL)),
  CONSTRAINT event_sink_disabled CHECK ((state = 'DISABLED') = (disabled_reason IS NOT NULL))
);

CREATE TABLE sink_secret (
  id uuid NOT NULL PRIMARY KEY,
  sink_id uuid NOT NULL CONSTRAINT sink_secret_sink REFERENCES event_sink (id) ON DELETE CASCADE,
  sealed text NOT NULL,
  created_at timestamptz NOT NULL,
  ends_at timestamptz
);
CREATE INDEX sink_secret_by_sink ON sink_secret (sink_id);

CREATE TABLE event_delivery (
  id uuid NOT NULL PRIMARY KEY,
  sink_id uuid NOT NULL CONSTRAINT event_delivery_sink REFERENCES event_sink (id),
  event_id text NOT NULL,
  state text NOT NULL CONSTRAINT event_delivery_state CHECK (state IN ('WAITING', 'DELIVERED', 'DEAD')),
  attempts integer NOT NULL,
  tried integer NOT NULL,
  next_attempt_at timestamptz,
  held_until timestamptz,
  last_status integer,
  last_error text,
  created_at timestamptz NOT NULL,
  delivered_at timestamptz,
  CONSTRAINT event_delivery_once UNIQUE (sink_id, event_id)
);
CREATE INDEX event_delivery_waiting ON event_delivery (sink_id, next_attempt_at, id) WHERE state = 'WAITING';
CREATE INDEX event_delivery_by_state ON event_delivery (state, created_at, id);
CREATE INDEX event_delivery_by_created ON event_delivery (created_at, id);

CREATE TABLE delivery_attempt (
  id uuid NOT NULL PRIMARY KEY,
  delivery_id uuid NOT NULL CONSTRAINT delivery_attempt_delivery REFERENCES event_delivery (id) ON DELETE CASCADE,
  number integer NOT NULL,
  at timestamptz NOT NULL,
  status integer,
  error text,
  milliseconds integer NOT NULL
);
CREATE INDEX delivery_attempt_by_delivery ON delivery_attempt (delivery_id, number);
"#;
