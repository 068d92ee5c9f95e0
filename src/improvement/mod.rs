//! 6.3 具体改进措施: improvement actions, which outlive their report.

pub mod announce;
pub mod complete;
pub mod due;
pub mod object;
pub mod occurrence;
pub mod plan;
pub mod search;
pub mod state;
pub mod steer;
pub mod verify;

use std::sync::Arc;

use async_graphql::{Context, MergedObject, Object};
use entity::report;

pub use object::ImprovementAction;
pub use occurrence::ActionOccurrence;

use crate::{
    error::Result,
    graphql::{context::children, walk::Many},
};

/// Improvement actions of a report.
#[derive(Clone)]
pub struct ImprovementPart(pub Arc<report::Model>);

#[Object]
impl ImprovementPart {
    /// 6.3 具体改进措施, in order.
    async fn improvement_actions(&self, ctx: &Context<'_>) -> Result<Many<ImprovementAction>> {
        let rows = children::<entity::improvement_action::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(ImprovementAction::new).collect())
    }
}

/// The section's mutations.
#[derive(Default, MergedObject)]
pub struct ImprovementMutation(plan::PlanMutation, complete::CompleteMutation, verify::VerifyMutation, steer::SteerMutation);
