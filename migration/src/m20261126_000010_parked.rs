//! Indexes of what is parked, each of use for its own key alone. With one predicate for all of them PostgreSQL takes any: while few are
//! known to be parked, walking another's whole index seems to cost as much as looking into the right one, and a plan that was made then
//! is kept when there are many.

use sea_orm_migration::prelude::*;

use crate::run;

/// See the file's first line.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261126_000010_parked"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // At once, on one connection: another of SQLite's would still know the indexes that are gone.
        run(manager, &format!("{DROP}{UP}")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &format!("{DROP}{DOWN}")).await
    }
}

const DROP: &str = "DROP INDEX deployment_parked; DROP INDEX deployment_parked_by_application; DROP INDEX deployment_parked_by_version; DROP INDEX deployment_by_commit;";

// What is parked has a reason (`deployment_parked_has_reason`), and nothing else has.
const UP: &str = "
CREATE INDEX deployment_parked ON deployment (id) WHERE parked_reason IS NOT NULL;
CREATE INDEX deployment_parked_by_application ON deployment (application_id) WHERE standing = 'PARKED' AND application_id IS NOT NULL;
CREATE INDEX deployment_parked_by_version ON deployment (version_key) WHERE standing = 'PARKED' AND version_key IS NOT NULL;
CREATE INDEX deployment_by_commit ON deployment (commit_sha) WHERE standing = 'PARKED' AND commit_sha IS NOT NULL;
";

const DOWN: &str = "
CREATE INDEX deployment_parked ON deployment (id) WHERE standing = 'PARKED';
CREATE INDEX deployment_parked_by_application ON deployment (application_id) WHERE standing = 'PARKED';
CREATE INDEX deployment_parked_by_version ON deployment (version_key) WHERE standing = 'PARKED';
CREATE INDEX deployment_by_commit ON deployment (commit_sha) WHERE standing = 'PARKED';
";
