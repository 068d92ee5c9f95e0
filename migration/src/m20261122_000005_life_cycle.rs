//! Steps of the life cycle, and what was submitted.

use sea_orm_migration::prelude::*;

use crate::{drop_tables, run};

/// See the file's first line.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000005_life_cycle"
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

const TABLES: &[&str] = &["submission", "life_cycle_step"];

const UP: &str = r#"
CREATE TABLE life_cycle_step (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT life_cycle_step_report REFERENCES report (id) ON DELETE CASCADE,
  number integer NOT NULL,
  round integer NOT NULL,
  act text NOT NULL CONSTRAINT life_cycle_step_act CHECK (act IN ('CREATE', 'SUBMIT', 'WITHDRAW', 'SIGN', 'RETURN', 'FILE', 'DISCARD', 'SUPERSEDE')),
  from_state text,
  to_state text NOT NULL,
  person_id uuid NOT NULL CONSTRAINT life_cycle_step_person REFERENCES person (id),
  at timestamptz NOT NULL,
  reason text,
  digest text,
  department text CONSTRAINT life_cycle_step_department REFERENCES department (code),
  filed_on date,
  CONSTRAINT life_cycle_step_number_unique UNIQUE (report_id, number),
  CONSTRAINT life_cycle_step_reason CHECK (act NOT IN ('RETURN', 'DISCARD') OR reason IS NOT NULL),
  CONSTRAINT life_cycle_step_digest CHECK (act NOT IN ('SUBMIT', 'SIGN', 'FILE') OR digest IS NOT NULL),
  CONSTRAINT life_cycle_step_filing CHECK ((act = 'FILE') = (department IS NOT NULL AND filed_on IS NOT NULL))
);

CREATE TABLE submission (
  id uuid NOT NULL PRIMARY KEY,
  report_id uuid NOT NULL CONSTRAINT submission_report REFERENCES report (id) ON DELETE CASCADE,
  round integer NOT NULL,
  digest text NOT NULL,
  canonical text NOT NULL,
  names json NOT NULL,
  at timestamptz NOT NULL,
  CONSTRAINT submission_round_unique UNIQUE (report_id, round)
);
"#;
