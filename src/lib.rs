//! Relsum: the product release summary report (产品发布总结报告) as typed, permissioned, auditable data.
//!
//! A folder is a concept of the form, a file is an act or a shape:
//! [`report`] gathers [`execution`] (milestones, resources), [`problem`], [`aftermath`] (statistics, cases), [`evaluation`] and
//! [`improvement`]; [`catalog`] has departments, products and applications; [`deployment`] takes what pipelines report, [`delivery`] takes
//! the event log to subscriptions, [`metrics`] adds up figures, [`job`] is what runs by itself. Three layers are shared: [`auth`] (who, and what
//! they may), [`store`] (the only owner of a database connection) and [`graphql`] (schema, front, scalars).
//!
//! What operators look at is told by [`telemetry`] (log, traces), [`observe`] (what the process counts) and [`scrape`] (`/metrics`);
//! [`dashboard`] is the page of figures.
//!
//! Who may import whom: `store` knows `auth`; concepts know `store`, `auth`, `graphql`'s shared parts and `report`'s content,
//! never each other except through `report`; `app` knows all. `tests/it/architecture.rs` keeps this true.

#![recursion_limit = "256"]

pub mod aftermath;
pub mod app;
pub mod auth;
pub mod catalog;
pub mod clock;
pub mod command;
pub mod config;
pub mod dashboard;
pub mod delivery;
pub mod demo;
pub mod deployment;
pub mod error;
pub mod evaluation;
pub mod execution;
pub mod graphql;
pub mod improvement;
pub mod job;
pub mod lifecycle;
pub mod metrics;
pub mod observe;
pub mod pages;
pub mod problem;
pub mod report;
pub mod rest;
pub mod scrape;
pub mod store;
pub mod telemetry;
