//! 五、发布各环节评估: strategy, departments, compliance.

pub mod department;
pub mod verdict;

use std::sync::Arc;

use async_graphql::{Context, MergedObject, Object};
use entity::report;

pub use department::DepartmentEvaluation;

use crate::{
    error::Result,
    graphql::{
        context::children,
        walk::{Many, One},
    },
};

/// Evaluation of a release.
#[derive(Clone)]
pub struct EvaluationPart(pub Arc<report::Model>);

#[Object]
impl EvaluationPart {
    /// 5.1 发布策略评估 and 5.3 流程合规性评估.
    async fn evaluation(&self) -> One<verdict::Evaluation> {
        One(verdict::Evaluation::of(&self.0))
    }

    /// 5.2 部门协作评估: one row a participating department.
    async fn department_evaluations(&self, ctx: &Context<'_>) -> Result<Many<DepartmentEvaluation>> {
        let rows = children::<entity::department_evaluation::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(DepartmentEvaluation).collect())
    }
}

/// The section's mutations.
#[derive(Default, MergedObject)]
pub struct EvaluationMutation(verdict::VerdictMutation, department::DepartmentEvaluationMutation);
