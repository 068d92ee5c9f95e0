//! Deployments from pipelines (`events.md` 21–28): four ways in, one pipeline behind them.
//!
//! Ways in: [`ways`] (native over REST, with [`native`] reading and [`answer`] answering), [`mutate`] (GraphQL), [`hooks`] (webhooks,
//! read by [`github`], [`gitlab`], [`cdevents`]), [`builds`]; [`openapi`] describes them. Behind: [`told`] is what one delivery says,
//! [`fold`] adds that up, [`correlate`] finds the report, [`effects`] says what that takes, [`apply`] writes it, [`record`] does all of
//! it in one transaction, from what was [`seen`] at its beginning, and [`telling`] what is told of it; [`attach`] moves deployments
//! between reports, [`working`] works the inbox. To read: [`object`], [`search`], [`delivery`], [`part`]; [`source`], [`source_edit`],
//! [`sources`] and [`environment`] are who may send and by which rules.

pub mod answer;
pub mod apply;
pub mod attach;
pub mod builds;
pub mod cdevents;
pub mod correlate;
pub mod delivery;
pub mod effects;
pub mod environment;
pub mod fold;
pub mod github;
pub mod gitlab;
pub mod hooks;
pub mod mutate;
pub mod native;
pub mod object;
pub mod openapi;
pub mod part;
pub mod payload;
pub mod record;
pub mod search;
mod seen;
pub mod signature;
pub mod source;
pub mod source_edit;
pub mod sources;
mod telling;
pub mod told;
pub mod ways;
pub mod working;

use async_graphql::MergedObject;

pub use object::Deployment;
pub use part::DeploymentPart;

/// The queries of deployments.
#[derive(Default, MergedObject)]
pub struct DeploymentQueries(search::DeploymentQuery, delivery::DeliveryQuery, source::SourceQuery);

/// The mutations of deployments.
#[derive(Default, MergedObject)]
pub struct DeploymentMutations(mutate::DeploymentMutation, delivery::DeliveryMutation, source_edit::SourceMutation);
