//! Stories through the public API, each on a real database of its own: SQLite always, PostgreSQL where `TEST_DATABASE_URL` names one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and drives the database and the clock itself"
)]

mod architecture;
mod attaching;
mod audit;
mod bad_input;
mod catalog;
mod commands;
mod conformance;
mod crash;
mod deployments;
mod due;
mod edge;
mod failures;
mod faults;
mod figures;
mod gate;
mod guide;
mod hooks;
mod hostile;
mod http;
mod identity;
mod improvement;
mod jetstream;
mod law;
mod life_cycle;
mod live;
mod metrics;
mod numbers;
mod persisted;
mod reading;
mod ready;
mod rollups;
mod schema;
mod sections;
mod sinks;
mod snippets;
mod sockets;
mod statements;
mod support;
mod telemetry;
mod together;
