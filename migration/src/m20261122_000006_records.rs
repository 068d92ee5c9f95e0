//! Audit log, event log, number sequences and idempotency keys.

use sea_orm_migration::prelude::*;

use crate::{Dialect, drop_tables, run};

/// See the file's first line.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000006_records"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let dialect = Dialect::of(manager);
        run(manager, &UP.replace("{auto}", dialect.auto())).await?;
        run(manager, &dialect.append_only("audit_entry")).await?;
        run(manager, &dialect.append_only("event")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let dialect = Dialect::of(manager);
        drop_tables(manager, TABLES).await?;
        run(manager, &dialect.forget_append_only("audit_entry")).await?;
        run(manager, &dialect.forget_append_only("event")).await
    }
}

const TABLES: &[&str] = &["idempotency_key", "number_sequence", "event_subject", "event", "audit_entry"];

const UP: &str = r#"
CREATE TABLE audit_entry (
  id {auto},
  at timestamptz NOT NULL,
  subject text NOT NULL,
  person_id uuid,
  role text NOT NULL,
  request_id text NOT NULL,
  act text NOT NULL,
  object_type text NOT NULL,
  object_id text NOT NULL,
  report_id uuid,
  changes json NOT NULL
);
CREATE INDEX audit_entry_by_report ON audit_entry (report_id, id);
CREATE INDEX audit_entry_by_subject ON audit_entry (subject, id);

CREATE TABLE event (
  position {auto},
  id text NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL,
  subject_sequence bigint NOT NULL,
  report_id uuid,
  action_id uuid,
  at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  data json NOT NULL,
  CONSTRAINT event_id_unique UNIQUE (id),
  CONSTRAINT event_sequence_unique UNIQUE (subject, subject_sequence)
);
CREATE INDEX event_by_report ON event (report_id, position);

CREATE TABLE event_subject (
  subject text NOT NULL PRIMARY KEY,
  last bigint NOT NULL
);

CREATE TABLE number_sequence (
  year integer NOT NULL PRIMARY KEY,
  last integer NOT NULL CONSTRAINT number_sequence_not_negative CHECK (last >= 0)
);

CREATE TABLE idempotency_key (
  id uuid NOT NULL PRIMARY KEY,
  subject text NOT NULL,
  mutation text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  object_id text,
  at timestamptz NOT NULL,
  CONSTRAINT idempotency_key_unique UNIQUE (subject, mutation, key)
);
"#;
