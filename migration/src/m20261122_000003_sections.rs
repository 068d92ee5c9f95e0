//! The sections that departments write: milestones, problems, statistics, cases, evaluations, shortcomings; and owners.

use sea_orm_migration::prelude::*;

use crate::{drop_tables, run};

/// See the file's first line.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000003_sections"
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

const TABLES: &[&str] = &[
    "shortcoming",
    "department_evaluation",
    "typical_case",
    "feedback_source",
    "planned_fix",
    "post_release_stat",
    "timeline_entry",
    "incident_review",
    "problem",
    "milestone",
];

const UP: &str = r#"
CREATE TABLE milestone (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT milestone_report REFERENCES report (id) ON DELETE CASCADE,
  kind text NOT NULL CONSTRAINT milestone_kind CHECK (kind IN ('PLAN_APPROVAL', 'TESTING_COMPLETED', 'STAGING_VERIFICATION', 'PRODUCTION_DEPLOYMENT', 'RELEASE_VERIFICATION', 'REVIEW_MEETING', 'CUSTOM')),
  name text,
  precision text NOT NULL CONSTRAINT milestone_precision CHECK (precision IN ('DAY', 'MINUTE')),
  position integer NOT NULL,
  planned_at timestamptz,
  actual_at timestamptz,
  delay_reason text,
  not_applicable boolean NOT NULL,
  not_applicable_reason text,
  version integer NOT NULL,
  CONSTRAINT milestone_custom_has_name CHECK ((kind = 'CUSTOM') = (name IS NOT NULL)),
  CONSTRAINT milestone_not_applicable_reason CHECK (not_applicable = (not_applicable_reason IS NOT NULL))
);
CREATE INDEX milestone_by_report ON milestone (report_id, position);
CREATE UNIQUE INDEX milestone_kind_once ON milestone (report_id, kind) WHERE kind <> 'CUSTOM';

CREATE TABLE problem (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT problem_report REFERENCES report (id) ON DELETE CASCADE,
  number integer NOT NULL,
  description text NOT NULL,
  phase text CONSTRAINT problem_phase CHECK (phase IN ('PLANNING', 'TESTING', 'STAGING', 'PRODUCTION_DEPLOYMENT', 'RELEASE_VERIFICATION', 'FIRST_24_HOURS', 'OTHER')),
  impact text CONSTRAINT problem_impact CHECK (impact IN ('HIGH', 'MEDIUM', 'LOW')),
  resolution text,
  handling_minutes integer CONSTRAINT problem_handling_minutes_not_negative CHECK (handling_minutes >= 0),
  detected_at timestamptz,
  resolved_at timestamptz,
  triggered_rollback boolean NOT NULL,
  recorded_by uuid NOT NULL CONSTRAINT problem_recorded_by REFERENCES person (id),
  recorded_at timestamptz NOT NULL,
  version integer NOT NULL,
  CONSTRAINT problem_number_unique UNIQUE (report_id, number)
);

CREATE TABLE incident_review (
  problem_id uuid NOT NULL PRIMARY KEY CONSTRAINT incident_review_problem REFERENCES problem (id) ON DELETE CASCADE,
  report_id uuid NOT NULL CONSTRAINT incident_review_report REFERENCES report (id) ON DELETE CASCADE,
  details text,
  root_cause text,
  accountability text,
  corrective_measures text,
  version integer NOT NULL
);
CREATE INDEX incident_review_by_report ON incident_review (report_id);

CREATE TABLE timeline_entry (
  id uuid NOT NULL PRIMARY KEY,
  problem_id uuid NOT NULL CONSTRAINT timeline_entry_review REFERENCES incident_review (problem_id) ON DELETE CASCADE,
  report_id uuid NOT NULL CONSTRAINT timeline_entry_report REFERENCES report (id) ON DELETE CASCADE,
  at timestamptz NOT NULL,
  event text NOT NULL,
  position integer NOT NULL
);
CREATE INDEX timeline_entry_by_report ON timeline_entry (report_id);
CREATE INDEX timeline_entry_by_problem ON timeline_entry (problem_id);

CREATE TABLE post_release_stat (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT post_release_stat_report REFERENCES report (id) ON DELETE CASCADE,
  category text NOT NULL CONSTRAINT post_release_stat_category CHECK (category IN ('FUNCTIONAL', 'PERFORMANCE', 'COMPATIBILITY', 'SECURITY')),
  found_p0 integer CONSTRAINT post_release_stat_found_p0_not_negative CHECK (found_p0 >= 0),
  found_p1 integer CONSTRAINT post_release_stat_found_p1_not_negative CHECK (found_p1 >= 0),
  found_p2 integer CONSTRAINT post_release_stat_found_p2_not_negative CHECK (found_p2 >= 0),
  found_p3 integer CONSTRAINT post_release_stat_found_p3_not_negative CHECK (found_p3 >= 0),
  found_high integer CONSTRAINT post_release_stat_found_high_not_negative CHECK (found_high >= 0),
  found_medium integer CONSTRAINT post_release_stat_found_medium_not_negative CHECK (found_medium >= 0),
  found_low integer CONSTRAINT post_release_stat_found_low_not_negative CHECK (found_low >= 0),
  fixed integer CONSTRAINT post_release_stat_fixed_not_negative CHECK (fixed >= 0),
  version integer NOT NULL,
  CONSTRAINT post_release_stat_once UNIQUE (report_id, category),
  CONSTRAINT post_release_stat_severities CHECK (
    (category = 'SECURITY' AND found_p0 IS NULL AND found_p1 IS NULL AND found_p2 IS NULL AND found_p3 IS NULL)
    OR (category <> 'SECURITY' AND found_high IS NULL AND found_medium IS NULL AND found_low IS NULL)),
  CONSTRAINT post_release_stat_fixed_at_most_found CHECK (fixed IS NULL OR fixed <= coalesce(found_p0, 0) + coalesce(found_p1, 0) + coalesce(found_p2, 0) + coalesce(found_p3, 0) + coalesce(found_high, 0) + coalesce(found_medium, 0) + coalesce(found_low, 0))
);

CREATE TABLE planned_fix (
  id uuid NOT NULL PRIMARY KEY,
  stat_id uuid NOT NULL CONSTRAINT planned_fix_stat REFERENCES post_release_stat (id) ON DELETE CASCADE,
  report_id uuid NOT NULL CONSTRAINT planned_fix_report REFERENCES report (id) ON DELETE CASCADE,
  release_version text NOT NULL,
  count integer NOT NULL CONSTRAINT planned_fix_count_positive CHECK (count > 0),
  position integer NOT NULL
);
CREATE INDEX planned_fix_by_report ON planned_fix (report_id);
CREATE INDEX planned_fix_by_stat ON planned_fix (stat_id);

CREATE TABLE feedback_source (
  id uuid NOT NULL PRIMARY KEY,
  stat_id uuid NOT NULL CONSTRAINT feedback_source_stat REFERENCES post_release_stat (id) ON DELETE CASCADE,
  report_id uuid NOT NULL CONSTRAINT feedback_source_report REFERENCES report (id) ON DELETE CASCADE,
  text text NOT NULL,
  position integer NOT NULL
);
CREATE INDEX feedback_source_by_report ON feedback_source (report_id);
CREATE INDEX feedback_source_by_stat ON feedback_source (stat_id);

CREATE TABLE typical_case (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT typical_case_report REFERENCES report (id) ON DELETE CASCADE,
  number integer NOT NULL,
  description text NOT NULL,
  solution text,
  satisfaction integer CONSTRAINT typical_case_satisfaction CHECK (satisfaction BETWEEN 1 AND 5),
  lesson text,
  created_at timestamptz NOT NULL,
  version integer NOT NULL,
  CONSTRAINT typical_case_number_unique UNIQUE (report_id, number)
);

CREATE TABLE department_evaluation (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT department_evaluation_report REFERENCES report (id) ON DELETE CASCADE,
  department text NOT NULL CONSTRAINT department_evaluation_department REFERENCES department (code),
  position integer NOT NULL,
  performance text,
  shortcomings text,
  suggestions text,
  version integer NOT NULL,
  CONSTRAINT department_evaluation_once UNIQUE (report_id, department)
);

CREATE TABLE shortcoming (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT shortcoming_report REFERENCES report (id) ON DELETE CASCADE,
  statement text NOT NULL,
  position integer NOT NULL
);
CREATE INDEX shortcoming_by_report ON shortcoming (report_id);
"#;
