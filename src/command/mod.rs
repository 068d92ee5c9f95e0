//! What the binary can be told to do. Settings come from the environment (see [`Settings`]); the arguments are few.

pub mod deployment;
mod serve;
mod upkeep;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

use crate::{clock::Clock, config::Settings, telemetry};

/// A command of the binary.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API and do the jobs (the default)
    Serve {
        /// Leave the jobs (inbox, due dates, deliveries) to processes that run `relsum work`
        #[arg(long)]
        no_jobs: bool,
    },
    /// Do the jobs, and serve nothing
    Work,
    /// Bring the database schema up or down, or tell where it stands
    Migrate {
        /// What to do
        #[command(subcommand)]
        what: Migrate,
    },
    /// Print the GraphQL schema
    Schema,
    /// Make an Ed25519 key pair for a company without an identity provider (the private key and its JWKS), and a key that encrypts webhook secrets
    Keys {
        /// Folder to write `relsum-private.pem`, `relsum-jwks.json` and `relsum-encryption-key` to
        #[arg(long, default_value = "keys")]
        out: PathBuf,
    },
    /// Mint a token, with the development secret or with a private key
    Token(Token),
    /// Fill an empty database with the content of a believable company
    Demo {
        /// How many reports
        #[arg(long, default_value_t = crate::demo::REPORTS)]
        reports: u32,
    },
    /// Look after the sums that dashboards read
    Rollup {
        /// What to do
        #[command(subcommand)]
        what: Rollup,
    },
    /// Copy the SQLite database, consistent while the service runs
    Backup {
        /// File to write; must not exist
        to: PathBuf,
    },
    /// Check the configuration and say what is wrong
    CheckConfig,
    /// Print the OpenAPI document of the REST routes
    Openapi,
    /// Write the JSON Schemas of all types of events to a folder
    EventSchemas {
        /// The folder
        folder: PathBuf,
    },
    /// Report deployments to a running service
    Deployment {
        /// What to do
        #[command(subcommand)]
        what: deployment::Deployment,
    },
    /// Ask a running service on this machine whether it is ready (exit code 0 or 1)
    Healthcheck,
}

/// What is done about roll-ups.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum Rollup {
    /// Make them anew from the reports, while the service runs
    Rebuild,
    /// Compare them with the reports; exit code 1 where they differ
    Check,
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve { no_jobs: false }
    }
}

/// What to do with the schema.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Apply what is missing, one process at a time
    Up,
    /// Take the latest migrations back
    Down {
        /// How many
        #[arg(long, default_value_t = 1)]
        steps: u32,
    },
    /// List what is applied and what is missing
    Status,
}

/// Whom the token is for.
#[derive(Debug, clap::Args)]
pub struct Token {
    /// Subject
    #[arg(long)]
    pub sub: String,
    /// Display name; the subject unless given
    #[arg(long)]
    pub name: Option<String>,
    /// Department and role, as OPS:HEAD or OPS:MEMBER; repeatable
    #[arg(long)]
    pub membership: Vec<String>,
    /// ADMIN, AUDITOR or PIPELINE; repeatable
    #[arg(long)]
    pub role: Vec<String>,
    /// Key of a product that a PIPELINE is bound to; repeatable
    #[arg(long)]
    pub product: Vec<String>,
    /// How long it lasts, as 15m, 8h or 30d
    #[arg(long, default_value = "8h")]
    pub ttl: String,
    /// Private key in PEM (`relsum keys`); the development secret unless given
    #[arg(long)]
    pub key: Option<PathBuf>,
}

/// Runs a command; what went wrong goes to standard error.
pub fn run(command: Command) -> ExitCode {
    // One provider of TLS for everything that goes out.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // This talks to a service from outside and has no business with its settings.
    if let Command::Deployment { what: deployment::Deployment::Report(report) } = &command {
        return ended(in_runtime(deployment::report(report, Clock::default().now())));
    }
    let done = Settings::load().and_then(|settings| {
        let _telemetry = telemetry::start(&settings)?;
        match command {
            Command::Serve { no_jobs } => in_runtime(serve::serve(settings, !no_jobs)),
            Command::Work => in_runtime(serve::work(settings)),
            Command::Migrate { what } => in_runtime(upkeep::migrate(settings, what)),
            Command::Schema => upkeep::print(&crate::graphql::schema::sdl()),
            Command::Openapi => upkeep::print(&crate::deployment::openapi::document()),
            Command::EventSchemas { folder } => upkeep::event_schemas(&settings, &folder),
            Command::Deployment { .. } => Ok(()),
            Command::Keys { out } => upkeep::keys(&out),
            Command::Token(token) => upkeep::token(&settings, &token),
            Command::Demo { reports } => in_runtime(upkeep::demo(settings, reports)),
            Command::Rollup { what } => in_runtime(upkeep::rollup(settings, what)),
            Command::Backup { to } => in_runtime(upkeep::backup(settings, to)),
            Command::CheckConfig => upkeep::print(&format!("The configuration is fine.\n{settings:#?}\n")),
            Command::Healthcheck => in_runtime(upkeep::healthcheck(settings)),
        }
    });
    ended(done)
}

fn ended(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            for line in why.lines() {
                eprintln!("relsum: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Stack of a worker, in bytes; memory that is touched alone is used.
const STACK: usize = 8 * 1024 * 1024;

fn in_runtime(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    // Parsing and resolving recurse: unoptimised, a deep document takes more than the default of 2 MiB leaves.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build().map_err(|e| e.to_string())?;
    runtime.block_on(work)
}
