//! GraphQL: the schema's assembly, the HTTP front, and what every concept's objects share.
//!
//! [`schema`] knows all concepts; what they share is [`scalars`], [`ids`], [`context`], [`connection`], [`filter`], [`labels`],
//! [`payload`], [`input`]. The front: [`http`], [`socket`] and [`sse`] receive, [`negotiate`] and [`asked`] read, [`documents`] and
//! [`gate`] let through, [`front`] executes, [`again`] what ran before, [`answer`], [`text`], [`refusal`] and [`translate`] tell.

pub mod again;
pub mod answer;
pub mod asked;
pub mod connection;
pub mod context;
pub mod documents;
pub mod drive;
pub mod filter;
pub mod frames;
pub mod front;
pub mod gate;
pub mod graphiql;
pub mod http;
pub mod ids;
pub mod input;
pub mod kept;
pub mod labels;
pub mod law;
pub mod negotiate;
pub mod payload;
pub mod places;
pub mod refusal;
pub mod scalars;
pub mod schema;
pub mod socket;
pub mod sse;
pub mod text;
pub mod translate;
pub mod turns;
pub mod walk;
