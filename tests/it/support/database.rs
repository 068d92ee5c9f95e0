//! A database for each test, cloned from a migrated template, and removed afterwards.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database as Connect, DatabaseConnection, DbBackend, Statement};
use tokio::sync::OnceCell;

/// Which database, and where.
pub enum Database {
    Sqlite { file: PathBuf, url: String },
    Postgres { name: String, url: String, server: String },
}

static COUNT: AtomicUsize = AtomicUsize::new(0);
static SQLITE: OnceCell<PathBuf> = OnceCell::const_new();
static POSTGRES: OnceCell<String> = OnceCell::const_new();

fn next() -> usize {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("relsum-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

impl Database {
    /// A fresh one of each kind at hand.
    pub async fn each() -> Vec<Self> {
        let mut all = vec![Self::sqlite().await];
        all.extend(Self::postgres().await);
        all
    }

    /// A fresh SQLite database.
    pub async fn sqlite() -> Self {
        let template = SQLITE
            .get_or_init(async || {
                let file = folder().join("template.db");
                let db = Connect::connect(format!("sqlite://{}?mode=rwc", file.display())).await.unwrap();
                Migrator::up(&db, None).await.unwrap();
                db.close().await.unwrap();
                file
            })
            .await;
        let file = folder().join(format!("{}.db", next()));
        std::fs::copy(template, &file).unwrap();
        Self::Sqlite { url: format!("sqlite://{}", file.display()), file }
    }

    /// A fresh PostgreSQL database, where there is a server.
    pub async fn postgres() -> Option<Self> {
        let server = std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())?;
        let template = POSTGRES
            .get_or_init(async || {
                let admin = Connect::connect(&server).await.unwrap();
                clean(&admin).await;
                let name = format!("relsum_test_{}_template", std::process::id());
                run(&admin, &format!("CREATE DATABASE {name}")).await;
                let db = Connect::connect(at(&server, &name)).await.unwrap();
                Migrator::up(&db, None).await.unwrap();
                db.close().await.unwrap();
                admin.close().await.unwrap();
                name
            })
            .await;
        let name = format!("relsum_test_{}_{}", std::process::id(), next());
        let admin = Connect::connect(&server).await.unwrap();
        // Copying a template takes an exclusive look at it: one test at a time.
        static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let turn = TURN.lock().await;
        run(&admin, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        drop(turn);
        // Tests ask whether a commit is kept by the server, not whether it survives the machine.
        run(&admin, &format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
        admin.close().await.unwrap();
        Some(Self::Postgres { url: at(&server, &name), name, server })
    }

    /// A PostgreSQL database without a schema, where there is a server.
    pub async fn empty_postgres() -> Option<Self> {
        let server = std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())?;
        let name = format!("relsum_test_{}_{}", std::process::id(), next());
        let admin = Connect::connect(&server).await.unwrap();
        run(&admin, &format!("CREATE DATABASE {name}")).await;
        admin.close().await.unwrap();
        Some(Self::Postgres { url: at(&server, &name), name, server })
    }

    /// For the test's output.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Sqlite { url, .. } | Self::Postgres { url, .. } => url,
        }
    }

    /// The same database, for another application; whoever made it removes it.
    pub fn again(&self) -> Self {
        match self {
            Self::Sqlite { file, url } => Self::Sqlite { file: file.clone(), url: url.clone() },
            Self::Postgres { name, url, server } => Self::Postgres { name: name.clone(), url: url.clone(), server: server.clone() },
        }
    }

    /// A connection of the test's own.
    pub async fn connect(&self) -> DatabaseConnection {
        Connect::connect(self.url()).await.unwrap()
    }

    /// How many rows each table holds, and how often rows were changed: equal before and after means that nothing was written.
    pub async fn fingerprint(&self) -> String {
        let db = self.connect().await;
        let mut all = String::new();
        for table in [
            "report",
            "milestone",
            "problem",
            "improvement_action",
            "occurrence",
            "audit_entry",
            "event",
            "life_cycle_step",
            "department",
            "product",
            "deployment",
            "observation",
            "inbound_delivery",
            "build",
            "reported_value",
            "idempotency_key",
            "ingestion_source",
        ] {
            let row =
                db.query_one_raw(Statement::from_string(self.backend(), format!("SELECT count(*) FROM {table}"))).await.unwrap().unwrap();
            all.push_str(&format!("{table} {} ", row.try_get_by_index::<i64>(0).unwrap()));
        }
        db.close().await.unwrap();
        all
    }

    /// All that the rows of a table hold, as text: what is to be secret is looked for in it.
    pub async fn dump(&self, table: &str) -> String {
        let db = self.connect().await;
        let row = if self.is_postgres() { "row_to_json(t)::text" } else { "id || sealed" };
        let rows = db.query_all_raw(Statement::from_string(self.backend(), format!("SELECT {row} FROM {table} t"))).await.unwrap();
        db.close().await.unwrap();
        rows.iter()
            .map(|row| {
                row.try_get_by_index::<String>(0)
                    .unwrap_or_else(|_| String::from_utf8_lossy(&row.try_get_by_index::<Vec<u8>>(0).unwrap()).into_owned())
            })
            .collect()
    }

    pub fn backend(&self) -> DbBackend {
        if self.is_postgres() { DbBackend::Postgres } else { DbBackend::Sqlite }
    }

    pub async fn remove(self) {
        match self {
            Self::Sqlite { file, .. } => {
                for ending in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
                }
            }
            Self::Postgres { name, server, .. } => {
                let admin = Connect::connect(server).await.unwrap();
                run(&admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
                admin.close().await.unwrap();
            }
        }
    }
}

async fn run(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap();
}

/// Removes what test processes that died left behind.
async fn clean(admin: &DatabaseConnection) {
    let rows = admin
        .query_all_raw(Statement::from_string(DbBackend::Postgres, "SELECT datname FROM pg_database WHERE datname LIKE 'relsum_test_%'"))
        .await
        .unwrap();
    for row in rows {
        let name: String = row.try_get_by_index(0).unwrap();
        let alive = name.split('_').nth(2).is_some_and(|pid| std::path::Path::new("/proc").join(pid).exists());
        if !alive {
            let _ = admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

/// The server's address with another database.
fn at(server: &str, name: &str) -> String {
    let (base, options) = server.split_once('?').map_or((server, String::new()), |(base, o)| (base, format!("?{o}")));
    let host_ends = base.find("://").map_or(0, |i| i + 3);
    let path = base[host_ends..].find('/').map_or(base.len(), |i| host_ends + i);
    format!("{}/{name}{options}", &base[..path])
}
