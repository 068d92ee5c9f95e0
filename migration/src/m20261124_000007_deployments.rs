//! Deployments from pipelines: sources with their secrets and rules, the inbox, builds, deployments with their observations, and
//! what they reported to a report.

use sea_orm_migration::prelude::*;

use crate::{Dialect, drop_tables, run};

/// See the file's first line.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261124_000007_deployments"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let dialect = Dialect::of(manager);
        run(manager, &UP.replace("{bytes}", if dialect.postgres { "bytea" } else { "blob" })).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DOWN).await?;
        drop_tables(manager, TABLES).await
    }
}

const TABLES: &[&str] = &[
    "reported_value",
    "observation",
    "deployment",
    "build",
    "inbound_delivery",
    "project_mapping",
    "environment_rule",
    "source_secret",
    "ingestion_source",
];

const DOWN: &str = r#"
DROP INDEX event_by_deployment;
ALTER TABLE event DROP COLUMN deployment_id;
ALTER TABLE problem DROP COLUMN deployment_id;
ALTER TABLE idempotency_key DROP COLUMN answer;
"#;

const UP: &str = r#"
CREATE TABLE ingestion_source (
  id uuid NOT NULL PRIMARY KEY,
  name text NOT NULL,
  kind text NOT NULL CONSTRAINT ingestion_source_kind CHECK (kind IN ('GITHUB', 'GITLAB', 'CDEVENTS')),
  version_pattern text NOT NULL,
  active boolean NOT NULL,
  created_at timestamptz NOT NULL,
  version integer NOT NULL,
  CONSTRAINT ingestion_source_name_unique UNIQUE (name)
);

CREATE TABLE source_secret (
  id uuid NOT NULL PRIMARY KEY,
  source_id uuid NOT NULL CONSTRAINT source_secret_source REFERENCES ingestion_source (id) ON DELETE CASCADE,
  sealed text NOT NULL,
  created_at timestamptz NOT NULL,
  ends_at timestamptz
);
CREATE INDEX source_secret_by_source ON source_secret (source_id);

CREATE TABLE environment_rule (
  id uuid NOT NULL PRIMARY KEY,
  source_id uuid NOT NULL CONSTRAINT environment_rule_source REFERENCES ingestion_source (id) ON DELETE CASCADE,
  position integer NOT NULL,
  pattern text NOT NULL,
  class text NOT NULL CONSTRAINT environment_rule_class CHECK (class IN ('PRODUCTION', 'STAGING', 'OTHER'))
);
CREATE INDEX environment_rule_by_source ON environment_rule (source_id, position);

CREATE TABLE project_mapping (
  id uuid NOT NULL PRIMARY KEY,
  source_id uuid NOT NULL CONSTRAINT project_mapping_source REFERENCES ingestion_source (id) ON DELETE CASCADE,
  position integer NOT NULL,
  pattern text NOT NULL,
  product_id uuid NOT NULL CONSTRAINT project_mapping_product REFERENCES product (id)
);
CREATE INDEX project_mapping_by_source ON project_mapping (source_id, position);

CREATE TABLE inbound_delivery (
  id uuid NOT NULL PRIMARY KEY,
  source_id uuid CONSTRAINT inbound_delivery_source REFERENCES ingestion_source (id),
  way text NOT NULL CONSTRAINT inbound_delivery_way CHECK (way IN ('NATIVE', 'GRAPHQL', 'GITHUB', 'GITLAB', 'CDEVENTS')),
  reported_by text NOT NULL,
  dedupe_key text,
  event_type text,
  content_type text,
  headers json NOT NULL,
  body {bytes},
  body_bytes integer NOT NULL,
  body_sha256 text NOT NULL,
  fate text NOT NULL CONSTRAINT inbound_delivery_fate CHECK (fate IN ('RECEIVED', 'WORKED', 'IGNORED', 'FAILED')),
  reason text,
  reason_zh text,
  deployment_id uuid,
  attempts integer NOT NULL,
  next_attempt_at timestamptz,
  received_at timestamptz NOT NULL,
  worked_at timestamptz,
  CONSTRAINT inbound_delivery_once UNIQUE (source_id, dedupe_key)
);
CREATE INDEX inbound_delivery_waiting ON inbound_delivery (next_attempt_at, id) WHERE fate = 'RECEIVED';
CREATE INDEX inbound_delivery_by_deployment ON inbound_delivery (deployment_id);
CREATE INDEX inbound_delivery_by_received ON inbound_delivery (received_at, id);

CREATE TABLE build (
  id uuid NOT NULL PRIMARY KEY,
  project text NOT NULL,
  commit_sha text NOT NULL,
  target text NOT NULL,
  application_id uuid CONSTRAINT build_application REFERENCES release_application (id),
  product_id uuid CONSTRAINT build_product REFERENCES product (id),
  version text,
  version_key text,
  url text,
  registered_by text NOT NULL,
  registered_at timestamptz NOT NULL,
  CONSTRAINT build_once UNIQUE (project, commit_sha, target)
);

CREATE TABLE deployment (
  id uuid NOT NULL PRIMARY KEY,
  source_key text NOT NULL,
  source text NOT NULL,
  source_id uuid CONSTRAINT deployment_source REFERENCES ingestion_source (id),
  external_id text NOT NULL,
  application_number text,
  application_id uuid CONSTRAINT deployment_application REFERENCES release_application (id),
  product_key text,
  product_id uuid CONSTRAINT deployment_product REFERENCES product (id),
  version text,
  version_key text,
  project text,
  ref_name text,
  commit_sha text,
  bound_to json NOT NULL,
  environment text NOT NULL,
  environment_class text NOT NULL CONSTRAINT deployment_environment_class CHECK (environment_class IN ('PRODUCTION', 'STAGING', 'OTHER')),
  status text NOT NULL CONSTRAINT deployment_status CHECK (status IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED', 'ROLLED_BACK')),
  attempt integer NOT NULL,
  planned_start_at timestamptz,
  planned_finish_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  succeeded_at timestamptz,
  rolled_back_at timestamptz,
  inconsistent boolean NOT NULL,
  oldest_commit_at timestamptz,
  rollback_of text,
  url text,
  report_id uuid CONSTRAINT deployment_report REFERENCES report (id),
  standing text NOT NULL CONSTRAINT deployment_standing CHECK (standing IN ('ATTACHED', 'HELD', 'PARKED', 'DISMISSED')),
  parked_reason text CONSTRAINT deployment_parked_reason CHECK (parked_reason IN ('NO_REPORT', 'UNKNOWN_PRODUCT', 'NO_PRODUCT', 'NO_VERSION', 'AMBIGUOUS', 'NOT_ALLOWED')),
  attached_by_hand boolean NOT NULL,
  dismissal_reason text,
  recheck boolean NOT NULL,
  recorded_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  row_version integer NOT NULL,
  CONSTRAINT deployment_identity UNIQUE (source_key, external_id),
  CONSTRAINT deployment_parked_has_reason CHECK ((standing = 'PARKED') = (parked_reason IS NOT NULL)),
  CONSTRAINT deployment_dismissed_has_reason CHECK ((standing = 'DISMISSED') = (dismissal_reason IS NOT NULL)),
  CONSTRAINT deployment_attached_has_report CHECK ((standing IN ('ATTACHED', 'HELD')) = (report_id IS NOT NULL))
);
CREATE INDEX deployment_by_report ON deployment (report_id, id);
-- What a report takes is the first or last of each: found at once however many there are.
CREATE INDEX deployment_planned_start ON deployment (report_id, environment_class, planned_start_at) WHERE planned_start_at IS NOT NULL;
CREATE INDEX deployment_planned_finish ON deployment (report_id, environment_class, planned_finish_at) WHERE planned_finish_at IS NOT NULL;
CREATE INDEX deployment_start ON deployment (report_id, environment_class, started_at) WHERE started_at IS NOT NULL;
CREATE INDEX deployment_success ON deployment (report_id, environment_class, succeeded_at) WHERE succeeded_at IS NOT NULL;
CREATE INDEX deployment_rollback ON deployment (report_id, environment_class, rolled_back_at) WHERE rolled_back_at IS NOT NULL;
CREATE INDEX deployment_by_recorded ON deployment (recorded_at, id);
CREATE INDEX deployment_by_finish ON deployment (finished_at, id);
CREATE INDEX deployment_parked ON deployment (id) WHERE standing = 'PARKED';
CREATE INDEX deployment_parked_by_application ON deployment (application_id) WHERE standing = 'PARKED';
CREATE INDEX deployment_parked_by_version ON deployment (version_key) WHERE standing = 'PARKED';
CREATE INDEX deployment_by_commit ON deployment (commit_sha) WHERE standing = 'PARKED';
CREATE INDEX deployment_recheck ON deployment (id) WHERE recheck;
CREATE INDEX deployment_by_rollback ON deployment (source_key, rollback_of) WHERE rollback_of IS NOT NULL;

CREATE TABLE observation (
  id uuid NOT NULL PRIMARY KEY,
  deployment_id uuid NOT NULL CONSTRAINT observation_deployment REFERENCES deployment (id) ON DELETE CASCADE,
  delivery_id uuid NOT NULL CONSTRAINT observation_delivery REFERENCES inbound_delivery (id),
  digest text NOT NULL,
  status text NOT NULL CONSTRAINT observation_status CHECK (status IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED', 'ROLLED_BACK')),
  happened_at timestamptz NOT NULL,
  attempt integer,
  told json NOT NULL,
  CONSTRAINT observation_once UNIQUE (deployment_id, digest)
);

CREATE TABLE reported_value (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT reported_value_report REFERENCES report (id) ON DELETE CASCADE,
  field text NOT NULL CONSTRAINT reported_value_field CHECK (field IN ('STAGING_VERIFICATION', 'PRODUCTION_DEPLOYMENT', 'PLANNED_RELEASE', 'ACTUAL_RELEASE', 'PLANNED_DURATION', 'ACTUAL_DURATION')),
  at timestamptz,
  minutes integer,
  deployment_id uuid NOT NULL CONSTRAINT reported_value_deployment REFERENCES deployment (id),
  applied boolean NOT NULL,
  CONSTRAINT reported_value_once UNIQUE (report_id, field)
);

ALTER TABLE problem ADD COLUMN deployment_id uuid;
ALTER TABLE event ADD COLUMN deployment_id uuid;
CREATE INDEX event_by_deployment ON event (deployment_id, position);
ALTER TABLE idempotency_key ADD COLUMN answer text;
"#;
