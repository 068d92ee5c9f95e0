//! 四、发布后问题跟踪与处理: statistics and typical cases.

pub mod case;
pub mod case_edit;
pub mod statistics;

use std::sync::Arc;

use async_graphql::{Context, MergedObject, Object};
use entity::report;

pub use case::Case;
pub use statistics::PostReleaseStat;

use crate::{
    error::Result,
    graphql::{
        context::children,
        walk::{Many, One},
    },
};

/// What came after the release.
#[derive(Clone)]
pub struct AftermathPart(pub Arc<report::Model>);

#[Object]
impl AftermathPart {
    /// 4.1 发布后问题统计: one row each for functional, performance, compatibility and security.
    async fn post_release_stats(&self, ctx: &Context<'_>) -> Result<Many<PostReleaseStat>> {
        let rows = children::<entity::post_release_stat::Entity>(ctx, self.0.id).await?;
        let mut rows: Vec<_> = rows.iter().cloned().collect();
        rows.sort_by_key(|s| s.category);
        Ok(rows.into_iter().map(PostReleaseStat).collect())
    }

    /// 合计: the totals row, derived.
    async fn post_release_totals(&self, ctx: &Context<'_>) -> Result<One<statistics::PostReleaseTotals>> {
        let rows = children::<entity::post_release_stat::Entity>(ctx, self.0.id).await?;
        Ok(One(statistics::PostReleaseTotals::of(&rows)))
    }

    /// 4.2 典型问题处理案例, by code.
    async fn cases(&self, ctx: &Context<'_>) -> Result<Many<Case>> {
        let rows = children::<entity::typical_case::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Case).collect())
    }
}

/// The section's mutations.
#[derive(Default, MergedObject)]
pub struct AftermathMutation(statistics::StatisticsMutation, case_edit::CaseMutation);
