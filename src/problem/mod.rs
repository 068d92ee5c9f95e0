//! 三、发布过程问题及处理分析: problems and their incident reviews.

pub mod edit;
pub mod object;
pub mod review;
pub mod search;

use std::sync::Arc;

use async_graphql::{Context, MergedObject, Object};
use entity::report;

pub use object::Problem;

use crate::{
    error::Result,
    graphql::{context::children, walk::Many},
};

/// Problems of a report.
#[derive(Clone)]
pub struct ProblemPart(pub Arc<report::Model>);

#[Object]
impl ProblemPart {
    /// 3.1 发布中出现的问题汇总, by code.
    async fn problems(&self, ctx: &Context<'_>) -> Result<Many<Problem>> {
        let rows = children::<entity::problem::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Problem).collect())
    }
}

/// The section's mutations.
#[derive(Default, MergedObject)]
pub struct ProblemMutation(edit::ProblemEditMutation, review::ReviewMutation);
