//! Opening the database, and what state its schema is in.

use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};

use super::Plans;
use crate::config::Settings;

/// Opens the pool, with what each database needs on every connection; on PostgreSQL, one that was put back into it, and whose plans were outgrown, is replaced.
///
/// # Errors
/// The driver's, when the database cannot be reached.
pub async fn connect(settings: &Settings, plans: &Plans) -> Result<DatabaseConnection, DbErr> {
    if let Some(folder) = settings.database_file().as_deref().and_then(std::path::Path::parent)
        && !folder.as_os_str().is_empty()
    {
        std::fs::create_dir_all(folder).map_err(|e| DbErr::Custom(format!("{}: {e}", folder.display())))?;
    }
    let url = &settings.database_url.0;
    let memory = url.contains(":memory:");
    let mut options = ConnectOptions::new(url.clone());
    let acquire = Duration::from_millis(settings.database_acquire_timeout_ms);
    options
        .max_connections(if memory { 1 } else { settings.database_connections })
        .min_connections(u32::from(memory))
        .acquire_timeout(acquire)
        .connect_timeout(acquire)
        .test_before_acquire(false)
        .sqlx_logging(false);
    if memory {
        // The database lives as long as its only connection.
        options.idle_timeout(None).max_lifetime(None);
    }
    let (statement, lock) = (settings.statement_timeout_ms, settings.lock_timeout_ms);
    let plain = local(url) && !url.contains("sslmode");
    options.map_sqlx_postgres_opts(move |pg| {
        // Nothing is gained by encrypting for oneself.
        let pg = if plain { pg.ssl_mode(sqlx::postgres::PgSslMode::Disable) } else { pg };
        pg.application_name("relsum").options([
            ("statement_timeout", statement.to_string()),
            ("lock_timeout", lock.to_string()),
            ("TimeZone", "UTC".to_owned()),
        ])
    });
    let plans = plans.clone();
    options.map_sqlx_postgres_before_acquire(move |_, connection| {
        let good = !plans.outgrew(connection.age);
        Box::pin(std::future::ready(Ok(good)))
    });
    options.map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(Duration::from_millis(lock))
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .synchronous(sqlx::sqlite::SqliteSynchronous::Normal)
    });
    Database::connect(options).await
}

/// Whether a URL leads to this machine.
fn local(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()))
}

/// Whether the schema is exactly the one that this binary knows.
///
/// # Errors
/// Which migrations are missing, or which are not known.
pub async fn schema_status(db: &impl ConnectionTrait) -> Result<(), String> {
    let known: Vec<String> = Migrator::migrations().iter().map(|m| m.name().to_owned()).collect();
    let rows = db
        .query_all_raw(sea_orm::Statement::from_string(db.get_database_backend(), "SELECT version FROM seaql_migrations ORDER BY version"))
        .await
        .map_err(|_| "schema: no migrations have run; run `relsum migrate up`".to_owned())?;
    let applied: Vec<String> = rows.iter().filter_map(|row| row.try_get_by_index(0).ok()).collect();
    let missing: Vec<&String> = known.iter().filter(|name| !applied.contains(name)).collect();
    let unknown: Vec<&String> = applied.iter().filter(|name| !known.contains(name)).collect();
    if !missing.is_empty() {
        return Err(format!("schema: older than this binary, which also needs {missing:?}; run `relsum migrate up`"));
    }
    if !unknown.is_empty() {
        return Err(format!("schema: newer than this binary, which does not know {unknown:?}; deploy a newer one"));
    }
    Ok(())
}
