//! The commands of operators: schema, keys, tokens, demo content, backup, health.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};

use super::{Migrate, Token};
use crate::{
    app::App,
    auth::{
        Actor,
        actor::{membership_from, role_from},
        mint::{self, Signer, write_private},
        seal::fresh_key,
    },
    clock::Clock,
    config::Settings,
    delivery::{envelope::Envelope, event::EventType, schemas},
    demo,
    store::{Plans, connect},
};

/// Prints to standard output; a closed pipe is no error.
pub fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    Ok(())
}

async fn open(settings: &Settings) -> Result<DatabaseConnection, String> {
    // A migration may take longer than a request may.
    let patient = Settings { statement_timeout_ms: 0, lock_timeout_ms: 60_000, database_connections: 2, ..settings.clone() };
    connect(&patient, &Plans::default()).await.map_err(|e| format!("RELSUM_DATABASE_URL: {e}"))
}

/// Any number that nobody else uses for an advisory lock.
const MIGRATION_LOCK: i64 = 7_251_006_471;

/// Migrates under an advisory lock, so that several replicas do it one after the other.
pub async fn migrate_up(settings: &Settings) -> Result<(), String> {
    let db = open(settings).await?;
    // Nothing to do is found out without the locks and looks that doing it takes.
    if crate::store::schema_status(&db).await.is_ok() {
        let _ = db.close().await;
        return Ok(());
    }
    let done = locked(&db, async || Migrator::up(&db, None).await).await;
    let _ = db.close().await;
    done
}

async fn locked(db: &DatabaseConnection, work: impl AsyncFnOnce() -> Result<(), sea_orm::DbErr>) -> Result<(), String> {
    let failed = |e: sea_orm::DbErr| format!("migrate: {e}");
    if db.get_database_backend() != DbBackend::Postgres {
        return work().await.map_err(failed);
    }
    // The lock lives as long as this transaction; the work runs on another connection.
    #[expect(clippy::disallowed_methods, reason = "holds a lock and writes nothing")]
    let holder = db.begin().await.map_err(failed)?;
    let lock = Statement::from_string(DbBackend::Postgres, format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"));
    holder.execute_raw(lock).await.map_err(failed)?;
    let done = work().await.map_err(failed);
    holder.rollback().await.map_err(failed)?;
    done
}

/// `relsum migrate`.
pub async fn migrate(settings: Settings, what: Migrate) -> Result<(), String> {
    match what {
        Migrate::Up => migrate_up(&settings).await?,
        Migrate::Down { steps } => {
            let db = open(&settings).await?;
            locked(&db, async || Migrator::down(&db, Some(steps)).await).await?;
        }
        Migrate::Status => {}
    }
    let db = open(&settings).await?;
    let applied = Migrator::get_applied_migrations(&db).await.map_err(|e| e.to_string())?;
    let applied: Vec<&str> = applied.iter().map(|m| m.name()).collect();
    for migration in Migrator::migrations() {
        let mark = if applied.contains(&migration.name()) { "applied" } else { "missing" };
        print(&format!("{mark}  {}\n", migration.name()))?;
    }
    Ok(())
}

/// `relsum keys`.
pub fn keys(out: &Path) -> Result<(), String> {
    let (private, jwks) = (out.join("relsum-private.pem"), out.join("relsum-jwks.json"));
    let encryption = out.join("relsum-encryption-key");
    if private.exists() || jwks.exists() || encryption.exists() {
        return Err(format!("keys: {} holds keys already; name another folder with --out", out.display()));
    }
    let (pem, set) = mint::key_pair()?;
    let failed = |e: std::io::Error| format!("keys: {}: {e}", out.display());
    std::fs::create_dir_all(out).map_err(failed)?;
    write_private(&private, pem.as_bytes()).map_err(failed)?;
    std::fs::write(&jwks, set).map_err(failed)?;
    write_private(&encryption, fresh_key()?.as_bytes()).map_err(failed)?;
    print(&format!(
        "{}: sign tokens with it (relsum token --key …); keep it secret\n{}: give it to the service (RELSUM_JWT_JWKS)\n{}: encrypts webhook secrets (RELSUM_ENCRYPTION_KEY=file:…); keep it secret, and keep it\n",
        private.display(),
        jwks.display(),
        encryption.display()
    ))
}

/// `relsum event-schemas`.
pub fn event_schemas(settings: &Settings, folder: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("event-schemas: {}: {e}", folder.display());
    std::fs::create_dir_all(folder).map_err(failed)?;
    let envelope = Envelope::new(settings);
    for (kind, name) in EventType::all() {
        std::fs::write(folder.join(format!("{name}.json")), schemas::file(kind, &envelope)).map_err(failed)?;
    }
    Ok(())
}

/// `15m`, `8h`, `30d` in seconds.
fn seconds(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: i64 = text.get(..text.len() - 1)?.parse().ok()?;
    number.checked_mul(unit).filter(|s| *s > 0)
}

/// `relsum token`.
pub fn token(settings: &Settings, token: &Token) -> Result<(), String> {
    let memberships = token.membership.iter().map(|m| membership_from(m).ok_or(format!("--membership {m}: as OPS:HEAD or OPS:MEMBER")));
    let roles = token.role.iter().map(|r| role_from(r).ok_or(format!("--role {r}: ADMIN, AUDITOR or PIPELINE")));
    let actor = Actor {
        subject: token.sub.clone(),
        name: token.name.clone().unwrap_or_else(|| token.sub.clone()),
        memberships: memberships.collect::<Result<_, _>>()?,
        roles: roles.collect::<Result<_, _>>()?,
        products: token.product.clone(),
    };
    let lasting = seconds(&token.ttl).ok_or_else(|| format!("--ttl {}: as 15m, 8h or 30d", token.ttl))?;
    let signer = match &token.key {
        Some(file) => Signer::Key(std::fs::read(file).map_err(|e| format!("--key {}: {e}", file.display()))?),
        None if settings.development() => Signer::Secret(mint::development_secret(settings)?),
        None => return Err("--key: production mode signs with a private key (relsum keys)".into()),
    };
    print(&format!("{}\n", mint::token(settings, &signer, &actor, Clock::default().now(), lasting)?))
}

/// `relsum demo`.
pub async fn demo(settings: Settings, reports: u32) -> Result<(), String> {
    migrate_up(&settings).await?;
    let app = App::open(Settings { statement_timeout_ms: 0, ..settings }, Arc::new(Clock::default())).await?;
    if !demo::is_empty(&app.store).await? {
        return Err("demo: the database holds reports already; demo content goes into an empty one only".into());
    }
    demo::fill(&app.store, reports).await?;
    print(&format!("{reports} reports loaded\n"))
}

/// `relsum rollup`.
pub async fn rollup(settings: Settings, what: super::Rollup) -> Result<(), String> {
    let app = App::open(Settings { statement_timeout_ms: 0, ..settings }, Arc::new(Clock::default())).await?;
    app.store.ready().await?;
    let told = |e: crate::error::Error| format!("rollup: {}", e.cause().unwrap_or(e.code()));
    match what {
        super::Rollup::Rebuild => {
            let reports = app.store.rebuild_rollups().await.map_err(told)?;
            print(&format!("made from {reports} reports\n"))
        }
        super::Rollup::Check => match crate::metrics::rollup::check(&app.store).await.map_err(told)? {
            wrong if wrong.is_empty() => print("the roll-ups agree with the reports\n"),
            wrong => Err(wrong.join("\n")),
        },
    }
}

/// `relsum backup`.
pub async fn backup(settings: Settings, to: PathBuf) -> Result<(), String> {
    if settings.database_file().is_none() {
        return Err("backup: copies SQLite; for PostgreSQL use pg_dump or its continuous archiving (docs/operations.md)".into());
    }
    if to.exists() {
        return Err(format!("backup: {} exists already", to.display()));
    }
    let db = open(&settings).await?;
    let name = to.to_str().filter(|n| !n.contains(['\0', '\n'])).ok_or("backup: the file's name must be plain text")?;
    let copy = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [name.into()]);
    db.execute_raw(copy).await.map_err(|e| format!("backup: {e}"))?;
    print(&format!("{}\n", to.display()))
}

/// `relsum healthcheck`.
pub async fn healthcheck(settings: Settings) -> Result<(), String> {
    let mut at = settings.listen;
    if at.ip().is_unspecified() {
        at.set_ip(if at.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(5)).no_proxy().build().map_err(|e| e.to_string())?;
    let answer = client.get(format!("http://{at}/readyz")).send().await.map_err(|e| format!("healthcheck: {e}"))?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("healthcheck: {}", answer.text().await.unwrap_or_default())) }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_time_to_live_has_a_unit() {
        assert_eq!(seconds("15m"), Some(900));
        assert_eq!(seconds("30d"), Some(2_592_000));
        for wrong in ["", "8", "h", "-1h", "0h", "8 h", "１h"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
