//! Roll-ups of figures: sums by month, changes of them that are not added up yet, and what each report contributes; and the indexes by
//! which figures and whole reports are read.

use sea_orm_migration::prelude::*;

use crate::{drop_tables, run};

/// See the file's first line.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261124_000009_rollup"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, "DROP INDEX problem_by_deployment; DROP INDEX verification_by_report; DROP INDEX rescheduling_by_report; DROP INDEX report_by_filing;").await?;
        drop_tables(manager, TABLES).await
    }
}

const TABLES: &[&str] = &["rollup_part", "rollup_delta", "rollup_cell"];

// Where reports are already, the roll-ups are of no use until `relsum rollup rebuild` made them: then there is the row READY.
const UP: &str = r#"
CREATE TABLE rollup_cell (
  figure text NOT NULL,
  dimension text NOT NULL,
  day date NOT NULL,
  key text NOT NULL,
  class integer NOT NULL,
  count bigint NOT NULL,
  total bigint NOT NULL,
  CONSTRAINT rollup_cell_pkey PRIMARY KEY (figure, dimension, day, key, class)
);
INSERT INTO rollup_cell SELECT 'READY', '', '2000-01-01', '', 0, 1, 0 WHERE NOT EXISTS (SELECT 1 FROM report);

CREATE TABLE rollup_delta (
  id uuid NOT NULL PRIMARY KEY,
  figure text NOT NULL,
  dimension text NOT NULL,
  day date NOT NULL,
  key text NOT NULL,
  class integer NOT NULL,
  count bigint NOT NULL,
  total bigint NOT NULL
);

CREATE TABLE rollup_part (
  report_id uuid NOT NULL PRIMARY KEY CONSTRAINT rollup_part_report REFERENCES report (id) ON DELETE CASCADE,
  cells text NOT NULL
);

CREATE INDEX problem_by_deployment ON problem (deployment_id) WHERE deployment_id IS NOT NULL;
CREATE INDEX verification_by_report ON verification (report_id);
CREATE INDEX rescheduling_by_report ON rescheduling (report_id);
CREATE INDEX report_by_filing ON report (filed_at, id) WHERE filed_at IS NOT NULL;
"#;
