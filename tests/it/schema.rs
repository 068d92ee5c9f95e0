//! The contract: checked in, described throughout, kept by both databases' migrations.

use std::collections::HashSet;

use migration::{Migrator, MigratorTrait};
use relsum::{
    config::Settings,
    delivery::{envelope::Envelope, event::EventType, schemas},
    graphql::schema::sdl,
};
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::each_database;

#[test]
fn the_checked_in_schema_is_the_one_that_is_served() {
    let checked_in = include_str!("../../schema.graphql");
    assert!(checked_in == sdl(), "schema.graphql is stale: cargo run -- schema > schema.graphql");
}

#[test]
fn the_checked_in_schemas_of_events_are_those_that_are_served() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events");
    let envelope = Envelope::new(&Settings::default());
    let mut names = HashSet::new();
    for (kind, name) in EventType::all() {
        let checked_in = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap_or_default();
        assert!(checked_in == schemas::file(kind, &envelope), "{name} is stale: cargo run -- event-schemas docs/events");
        names.insert(format!("{name}.json"));
    }
    let there: HashSet<_> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, names, "and no others");
}

#[tokio::test]
async fn every_type_field_argument_and_value_has_a_description() {
    each_database(async |app| {
        let query = "{ __schema { types { name description fields { name description args { name description } } inputFields { name description } enumValues { name description } } } }";
        let data = app.product().read(query, json!({})).await;
        let mut bare = Vec::new();
        let blank = |v: &serde_json::Value| v["description"].as_str().is_none_or(|d| d.trim().is_empty());
        for of in data["__schema"]["types"].as_array().unwrap() {
            let name = of["name"].as_str().unwrap();
            if name.starts_with("__") || ["Int", "Float", "String", "Boolean", "ID"].contains(&name) {
                continue;
            }
            if blank(of) {
                bare.push(name.to_owned());
            }
            for list in ["fields", "inputFields", "enumValues"] {
                for part in of[list].as_array().into_iter().flatten() {
                    if blank(part) {
                        bare.push(format!("{name}.{}", part["name"].as_str().unwrap()));
                    }
                    for argument in part["args"].as_array().into_iter().flatten() {
                        if blank(argument) {
                            bare.push(format!("{name}.{}({})", part["name"].as_str().unwrap(), argument["name"].as_str().unwrap()));
                        }
                    }
                }
            }
        }
        assert!(bare.is_empty(), "{bare:#?}");
    })
    .await;
}

#[tokio::test]
async fn every_migration_has_a_way_back() {
    each_database(async |app| {
        let db = app.database.connect().await;
        Migrator::down(&db, None).await.unwrap();
        let tables = if app.database.is_postgres() {
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'seaql_migrations'"
        } else {
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT IN ('seaql_migrations', 'sqlite_sequence')"
        };
        let row = db.query_one_raw(sea_orm::Statement::from_string(app.database.backend(), tables)).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 0);
        assert!(app.app.store.ready().await.unwrap_err().contains("older"));
        Migrator::up(&db, None).await.unwrap();
        app.app.store.ready().await.unwrap();
        db.execute_unprepared("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_future', 0)").await.unwrap();
        assert!(app.app.store.ready().await.unwrap_err().contains("newer"));
        db.close().await.unwrap();
    })
    .await;
}
