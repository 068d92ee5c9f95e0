//! 二、发布计划执行情况: milestones and resources.

pub mod milestone;
pub mod milestone_edit;
pub mod resources;
pub mod search;

use std::sync::Arc;

use async_graphql::{Context, MergedObject, Object};
use entity::report;

pub use milestone::Milestone;

use crate::{
    error::Result,
    graphql::{
        context::children,
        walk::{Many, One},
    },
};

/// Milestones and resources of a report.
#[derive(Clone)]
pub struct ExecutionPart(pub Arc<report::Model>);

#[Object]
impl ExecutionPart {
    /// 2.1 关键节点完成情况: the form's six and custom ones, by position.
    async fn milestones(&self, ctx: &Context<'_>) -> Result<Many<Milestone>> {
        let rows = children::<entity::milestone::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Milestone).collect())
    }

    /// 2.2 资源投入情况.
    async fn resources(&self) -> One<resources::Resources> {
        One(resources::Resources(Arc::clone(&self.0)))
    }
}

/// The section's mutations.
#[derive(Default, MergedObject)]
pub struct ExecutionMutation(milestone_edit::MilestoneMutation, resources::ResourcesMutation);
