//! Departments, products, people and release applications.

use sea_orm_migration::prelude::*;

use crate::{drop_tables, run};

/// See the file's first line.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000001_catalog"
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

const TABLES: &[&str] = &["release_application", "person", "product_project", "product", "department"];

const UP: &str = r#"
CREATE TABLE department (
  code text NOT NULL PRIMARY KEY,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  active boolean NOT NULL,
  position integer NOT NULL,
  version integer NOT NULL
);

-- The departments of the form. PRODUCT, COMMITTEE and COMMITTEE_OFFICE have duties of their own.
INSERT INTO department (code, name_zh, name_en, active, position, version) VALUES
  ('PRODUCT', '产品部', 'Product', TRUE, 1, 1),
  ('RND', '研发部', 'Research and development', TRUE, 2, 1),
  ('TEST', '测试部', 'Testing', TRUE, 3, 1),
  ('OPS', '运维部', 'Operations', TRUE, 4, 1),
  ('INFOSEC', '信息安全部', 'Information security', TRUE, 5, 1),
  ('CUSTOMER_SUCCESS', '客户成功部', 'Customer success', TRUE, 6, 1),
  ('COMMITTEE', '产品发布管理委员会', 'Release committee', TRUE, 7, 1),
  ('COMMITTEE_OFFICE', '产品发布管理委员会办公室', 'Release committee office', TRUE, 8, 1);

CREATE TABLE product (
  id uuid NOT NULL PRIMARY KEY,
  key text NOT NULL,
  name text NOT NULL,
  active boolean NOT NULL,
  version integer NOT NULL,
  CONSTRAINT product_key_unique UNIQUE (key)
);

CREATE TABLE product_project (
  id uuid NOT NULL PRIMARY KEY,
  product_id uuid NOT NULL CONSTRAINT product_project_product REFERENCES product (id) ON DELETE CASCADE,
  path text NOT NULL,
  position integer NOT NULL,
  CONSTRAINT product_project_path_unique UNIQUE (path)
);
CREATE INDEX product_project_by_product ON product_project (product_id);

CREATE TABLE person (
  id uuid NOT NULL PRIMARY KEY,
  subject text,
  name text NOT NULL,
  erased boolean NOT NULL,
  CONSTRAINT person_subject_unique UNIQUE (subject)
);
CREATE UNIQUE INDEX person_name_unique ON person (name) WHERE subject IS NULL AND NOT erased;

CREATE TABLE release_application (
  id uuid NOT NULL PRIMARY KEY,
  number text NOT NULL,
  product_id uuid CONSTRAINT release_application_product REFERENCES product (id),
  version text,
  url text,
  planned_release_at timestamptz,
  created_at timestamptz NOT NULL,
  CONSTRAINT release_application_number_unique UNIQUE (number)
);
"#;
