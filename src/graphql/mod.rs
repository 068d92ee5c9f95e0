//! GraphQL: the schema's assembly, the HTTP front, and what every concept's objects share.
//!
//! [`schema`] knows all concepts; the rest is shared by them: [`scalars`], [`ids`], [`context`], [`connection`], [`filter`],
//! [`labels`], [`payload`], [`input`].

pub mod connection;
pub mod context;
pub mod drive;
pub mod filter;
pub mod front;
pub mod graphiql;
pub mod ids;
pub mod input;
pub mod labels;
pub mod law;
pub mod negotiate;
pub mod payload;
pub mod scalars;
pub mod schema;
