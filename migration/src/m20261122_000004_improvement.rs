//! Improvement actions, their occurrences and what happened to them; owners of milestones, problems and actions.

use sea_orm_migration::prelude::*;

use crate::{drop_tables, run};

/// See the file's first line.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000004_improvement"
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

const TABLES: &[&str] = &["verification", "rescheduling", "occurrence", "owner", "improvement_action"];

const UP: &str = r#"
CREATE TABLE improvement_action (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT improvement_action_report REFERENCES report (id) ON DELETE CASCADE,
  position integer NOT NULL,
  area text NOT NULL CONSTRAINT improvement_action_area CHECK (area IN ('TESTING', 'COLLABORATION', 'CAPABILITY', 'PROCESS', 'OTHER')),
  area_note text,
  measure text NOT NULL,
  verification text,
  schedule_kind text CONSTRAINT improvement_action_schedule_kind CHECK (schedule_kind IN ('DATE', 'IMMEDIATE', 'RECURRING')),
  scheduled_on date,
  rule text,
  schedule_text text,
  watched_from date,
  open_due_on date,
  status_kept text NOT NULL,
  ended_at timestamptz,
  cancelled_at timestamptz,
  closing_reason text,
  closed_by uuid CONSTRAINT improvement_action_closed_by REFERENCES person (id),
  created_by uuid NOT NULL CONSTRAINT improvement_action_created_by REFERENCES person (id),
  created_at timestamptz NOT NULL,
  version integer NOT NULL,
  CONSTRAINT improvement_action_area_note_with_other CHECK (area <> 'OTHER' OR area_note IS NOT NULL),
  CONSTRAINT improvement_action_schedule CHECK (
    (schedule_kind IS NULL AND scheduled_on IS NULL AND rule IS NULL)
    OR (schedule_kind = 'DATE' AND scheduled_on IS NOT NULL AND rule IS NULL)
    OR (schedule_kind = 'IMMEDIATE' AND scheduled_on IS NULL AND rule IS NULL)
    OR (schedule_kind = 'RECURRING' AND scheduled_on IS NULL AND rule IS NOT NULL))
);
CREATE INDEX improvement_action_by_report ON improvement_action (report_id, position);
CREATE INDEX improvement_action_by_due ON improvement_action (open_due_on, id);
CREATE INDEX improvement_action_by_status ON improvement_action (status_kept, id);

CREATE TABLE owner (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT owner_report REFERENCES report (id) ON DELETE CASCADE,
  milestone_id uuid CONSTRAINT owner_milestone REFERENCES milestone (id) ON DELETE CASCADE,
  problem_id uuid CONSTRAINT owner_problem REFERENCES problem (id) ON DELETE CASCADE,
  action_id uuid CONSTRAINT owner_action REFERENCES improvement_action (id) ON DELETE CASCADE,
  department text NOT NULL CONSTRAINT owner_department REFERENCES department (code),
  position integer NOT NULL,
  lead boolean NOT NULL,
  current boolean NOT NULL,
  submitted boolean NOT NULL,
  CONSTRAINT owner_of_one_row CHECK (
    (CASE WHEN milestone_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN problem_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN action_id IS NULL THEN 0 ELSE 1 END) = 1),
  CONSTRAINT owner_lead_of_action CHECK (NOT lead OR action_id IS NOT NULL)
);
CREATE INDEX owner_by_report ON owner (report_id);
CREATE INDEX owner_by_department ON owner (department, report_id);
CREATE UNIQUE INDEX owner_of_milestone_once ON owner (milestone_id, department) WHERE milestone_id IS NOT NULL;
CREATE UNIQUE INDEX owner_of_problem_once ON owner (problem_id, department) WHERE problem_id IS NOT NULL;
CREATE UNIQUE INDEX owner_of_action_once ON owner (action_id, department) WHERE action_id IS NOT NULL AND current;

CREATE TABLE occurrence (
  id uuid NOT NULL PRIMARY KEY,
  action_id uuid NOT NULL CONSTRAINT occurrence_action REFERENCES improvement_action (id) ON DELETE CASCADE,
  report_id uuid NOT NULL CONSTRAINT occurrence_report REFERENCES report (id) ON DELETE CASCADE,
  number integer NOT NULL,
  original_due_on date NOT NULL,
  due_on date NOT NULL,
  status text NOT NULL CONSTRAINT occurrence_status CHECK (status IN ('OPEN', 'COMPLETED', 'VERIFIED', 'CANCELLED')),
  reopened integer NOT NULL,
  completed_on date,
  completed_at timestamptz,
  completed_by uuid CONSTRAINT occurrence_completed_by REFERENCES person (id),
  evidence text,
  version integer NOT NULL,
  CONSTRAINT occurrence_number_unique UNIQUE (action_id, number),
  CONSTRAINT occurrence_completion CHECK (
    (status IN ('COMPLETED', 'VERIFIED')) = (completed_on IS NOT NULL AND completed_at IS NOT NULL AND completed_by IS NOT NULL))
);
CREATE INDEX occurrence_by_report ON occurrence (report_id);
CREATE INDEX occurrence_open_by_due ON occurrence (due_on, id) WHERE status = 'OPEN';
CREATE INDEX occurrence_by_due ON occurrence (due_on, id);

CREATE TABLE rescheduling (
  id uuid NOT NULL PRIMARY KEY,
  occurrence_id uuid NOT NULL CONSTRAINT rescheduling_occurrence REFERENCES occurrence (id) ON DELETE CASCADE,
  report_id uuid NOT NULL CONSTRAINT rescheduling_report REFERENCES report (id) ON DELETE CASCADE,
  from_on date NOT NULL,
  to_on date NOT NULL,
  reason text NOT NULL,
  person_id uuid NOT NULL CONSTRAINT rescheduling_person REFERENCES person (id),
  at timestamptz NOT NULL
);
CREATE INDEX rescheduling_by_occurrence ON rescheduling (occurrence_id);

CREATE TABLE verification (
  id uuid NOT NULL PRIMARY KEY,
  occurrence_id uuid NOT NULL CONSTRAINT verification_occurrence REFERENCES occurrence (id) ON DELETE CASCADE,
  report_id uuid NOT NULL CONSTRAINT verification_report REFERENCES report (id) ON DELETE CASCADE,
  number integer NOT NULL,
  verdict text NOT NULL CONSTRAINT verification_verdict CHECK (verdict IN ('PASSED', 'FAILED')),
  comment text,
  completed_on date NOT NULL,
  completed_by uuid NOT NULL CONSTRAINT verification_completed_by REFERENCES person (id),
  person_id uuid NOT NULL CONSTRAINT verification_person REFERENCES person (id),
  at timestamptz NOT NULL,
  CONSTRAINT verification_number_unique UNIQUE (occurrence_id, number),
  CONSTRAINT verification_by_another CHECK (person_id <> completed_by)
);
"#;
