//! The report: what the form has once, its participants and its staffing.

use sea_orm_migration::prelude::*;

use crate::{drop_tables, run};

/// See the file's first line.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000002_report"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, TABLES).await
    }
}

const TABLES: &[&str] = &["staffing", "participant_person", "participant", "report"];

const UP: &str = r#"
CREATE TABLE report (
  id uuid NOT NULL PRIMARY KEY,
  number text NOT NULL,
  number_year integer NOT NULL,
  number_sequence integer NOT NULL,
  application_id uuid NOT NULL CONSTRAINT report_application REFERENCES release_application (id),
  live_application_id uuid,
  prepared_by text NOT NULL CONSTRAINT report_prepared_by REFERENCES department (code),
  prepared_on date NOT NULL,
  state text NOT NULL CONSTRAINT report_state CHECK (state IN ('DRAFT', 'RETURNED', 'SUBMITTED', 'SIGNED', 'FILED', 'DISCARDED')),
  outcome text NOT NULL CONSTRAINT report_outcome CHECK (outcome IN ('RELEASED', 'ROLLED_BACK', 'ABORTED')),
  product_id uuid CONSTRAINT report_product REFERENCES product (id),
  version text,
  version_key text,
  version_sort text,
  release_type text CONSTRAINT report_release_type CHECK (release_type IN ('MAJOR', 'FEATURE', 'PATCH', 'EMERGENCY')),
  release_owner_id uuid CONSTRAINT report_release_owner REFERENCES person (id),
  planned_release_at timestamptz,
  actual_release_at timestamptz,
  planned_duration_minutes integer CONSTRAINT report_planned_duration_minutes_not_negative CHECK (planned_duration_minutes >= 0),
  actual_duration_minutes integer CONSTRAINT report_actual_duration_minutes_not_negative CHECK (actual_duration_minutes >= 0),
  strategy text CONSTRAINT report_strategy CHECK (strategy IN ('CANARY', 'BLUE_GREEN', 'ROLLING', 'FULL', 'OTHER')),
  strategy_note text,
  audience_internal boolean NOT NULL,
  audience_partial_external boolean NOT NULL,
  audience_all_external boolean NOT NULL,
  external_percent bigint,
  row_version integer NOT NULL,
  effort_hours bigint CONSTRAINT report_effort_hours_not_negative CHECK (effort_hours >= 0),
  production_servers integer CONSTRAINT report_production_servers_not_negative CHECK (production_servers >= 0),
  test_servers integer CONSTRAINT report_test_servers_not_negative CHECK (test_servers >= 0),
  storage_added_gb bigint CONSTRAINT report_storage_added_gb_not_negative CHECK (storage_added_gb >= 0),
  currency text NOT NULL,
  budget_planned bigint CONSTRAINT report_budget_planned_not_negative CHECK (budget_planned >= 0),
  budget_actual bigint CONSTRAINT report_budget_actual_not_negative CHECK (budget_actual >= 0),
  budget_reason text,
  resources_version integer NOT NULL,
  strategy_fit boolean,
  strategy_fit_reason text,
  strategy_suggestions text,
  compliance text CONSTRAINT report_compliance CHECK (compliance IN ('FULL', 'MOSTLY', 'NON_COMPLIANT')),
  non_compliances text,
  rectification text,
  evaluation_version integer NOT NULL,
  features_added integer CONSTRAINT report_features_added_not_negative CHECK (features_added >= 0),
  bugs_fixed integer CONSTRAINT report_bugs_fixed_not_negative CHECK (bugs_fixed >= 0),
  vulnerabilities_fixed integer CONSTRAINT report_vulnerabilities_fixed_not_negative CHECK (vulnerabilities_fixed >= 0),
  highlights text,
  strategy_findings text,
  collaboration_findings text,
  efficiency_gain_percent bigint,
  summary_version integer NOT NULL,
  round integer NOT NULL,
  first_submitted_at timestamptz,
  filed_at timestamptz,
  supersedes_id uuid CONSTRAINT report_supersedes REFERENCES report (id),
  superseded_at timestamptz,
  last_problem integer NOT NULL,
  last_case integer NOT NULL,
  created_by uuid NOT NULL CONSTRAINT report_created_by REFERENCES person (id),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT report_number_unique UNIQUE (number),
  CONSTRAINT report_one_live_per_application UNIQUE (live_application_id),
  CONSTRAINT report_strategy_note_with_other CHECK (strategy <> 'OTHER' OR strategy_note IS NOT NULL),
  CONSTRAINT report_audience_partial_or_all CHECK (NOT (audience_partial_external AND audience_all_external)),
  CONSTRAINT report_external_percent CHECK (
    (audience_partial_external AND external_percent IS NOT NULL AND external_percent > 0 AND external_percent < 10000)
    OR (NOT audience_partial_external AND external_percent IS NULL))
);
CREATE UNIQUE INDEX report_one_open_successor ON report (supersedes_id) WHERE supersedes_id IS NOT NULL AND state <> 'DISCARDED';
CREATE INDEX report_by_superseded ON report (supersedes_id);
CREATE INDEX report_by_application ON report (application_id);
CREATE INDEX report_by_state ON report (state, id);
CREATE INDEX report_by_sequence ON report (number_year, number_sequence, id);
CREATE INDEX report_by_product ON report (product_id, actual_release_at);
CREATE INDEX report_by_actual_release ON report (actual_release_at, id);
CREATE INDEX report_by_planned_release ON report (planned_release_at, id);
CREATE INDEX report_by_updated ON report (updated_at, id);

CREATE TABLE participant (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT participant_report REFERENCES report (id) ON DELETE CASCADE,
  department text NOT NULL CONSTRAINT participant_department REFERENCES department (code),
  position integer NOT NULL,
  CONSTRAINT participant_once UNIQUE (report_id, department)
);
CREATE INDEX participant_by_department ON participant (department, report_id);

CREATE TABLE participant_person (
  id uuid NOT NULL PRIMARY KEY,
  participant_id uuid NOT NULL CONSTRAINT participant_person_participant REFERENCES participant (id) ON DELETE CASCADE,
  report_id uuid NOT NULL CONSTRAINT participant_person_report REFERENCES report (id) ON DELETE CASCADE,
  person_id uuid NOT NULL CONSTRAINT participant_person_person REFERENCES person (id),
  position integer NOT NULL,
  CONSTRAINT participant_person_once UNIQUE (participant_id, person_id)
);
CREATE INDEX participant_person_by_report ON participant_person (report_id);

CREATE TABLE staffing (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT staffing_report REFERENCES report (id) ON DELETE CASCADE,
  department text NOT NULL CONSTRAINT staffing_department REFERENCES department (code),
  people integer CONSTRAINT staffing_people_not_negative CHECK (people >= 0),
  position integer NOT NULL,
  CONSTRAINT staffing_once UNIQUE (report_id, department)
);
"#;
