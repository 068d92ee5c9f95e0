//! The commands: parse, call.

#![recursion_limit = "256"]

use clap::Parser;
use relsum::command::{Command, run};

/// Answers are thousands of small values: the system's allocator took a third of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The product release summary report as typed, permissioned, auditable data behind a GraphQL API.
#[derive(Parser)]
#[command(name = "relsum", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

fn main() -> std::process::ExitCode {
    run(Arguments::parse().command.unwrap_or_default())
}
