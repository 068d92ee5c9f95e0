//! The report: header, basics, life cycle, completeness and digest; and the place where the sections are gathered.

mod ahead;
pub mod approval;
pub mod basics;
pub mod completeness;
pub mod content;
pub mod create;
pub mod digest;
pub mod discard;
pub mod edit;
pub mod file;
pub mod history;
pub mod node;
pub mod object;
pub mod owners;
pub mod participants;
pub mod permissions;
pub mod query;
pub mod rules;
pub mod search;
pub mod send_back;
pub mod sign;
pub mod step;
pub mod submit;
pub mod summary;
pub mod supersede;
pub mod worklist;

use std::sync::Arc;

use async_graphql::MergedObject;
use entity::{enums::ReportState, report};
use sea_orm::prelude::Uuid;

use crate::{
    aftermath::AftermathPart, deployment::DeploymentPart, evaluation::EvaluationPart, execution::ExecutionPart,
    improvement::ImprovementPart, problem::ProblemPart,
};

/// Whether content may be written in this state.
pub fn is_writable(state: ReportState) -> bool {
    matches!(state, ReportState::Draft | ReportState::Returned)
}

/// 产品发布总结报告: the product release summary report.
#[derive(MergedObject, Clone)]
pub struct Report(
    object::HeaderPart,
    object::BasicsPart,
    ExecutionPart,
    ProblemPart,
    AftermathPart,
    EvaluationPart,
    summary::SummaryPart,
    ImprovementPart,
    approval::ApprovalPart,
    history::HistoryPart,
    DeploymentPart,
);

impl Report {
    /// The global id, for the interface `Node`.
    ///
    /// # Errors
    /// None.
    pub async fn id(&self, _: &async_graphql::Context<'_>) -> async_graphql::Result<async_graphql::ID> {
        Ok(crate::graphql::ids::Kind::Report.id(self.0.0.id))
    }

    /// Its row's id.
    pub fn key(&self) -> Uuid {
        self.0.0.id
    }

    /// The object of a row that the caller sees.
    pub fn new(row: report::Model) -> Self {
        Self::shared(Arc::new(row))
    }

    /// The same, of a row that others hold too.
    pub fn shared(row: Arc<report::Model>) -> Self {
        Self(
            object::HeaderPart(Arc::clone(&row)),
            object::BasicsPart(Arc::clone(&row)),
            ExecutionPart(Arc::clone(&row)),
            ProblemPart(Arc::clone(&row)),
            AftermathPart(Arc::clone(&row)),
            EvaluationPart(Arc::clone(&row)),
            summary::SummaryPart(Arc::clone(&row)),
            ImprovementPart(Arc::clone(&row)),
            approval::ApprovalPart(Arc::clone(&row)),
            history::HistoryPart(Arc::clone(&row)),
            DeploymentPart(row),
        )
    }
}

/// The report's part of the queries.
#[derive(Default, MergedObject)]
pub struct ReportQuery(query::ReportRootQuery, node::NodeQuery, history::AuditQuery, worklist::ViewerQuery);

/// The report's part of the mutations.
#[derive(Default, MergedObject)]
pub struct ReportMutation(
    create::CreateMutation,
    edit::EditMutation,
    summary::SummaryMutation,
    submit::SubmitMutation,
    sign::SignMutation,
    send_back::SendBackMutation,
    file::FileMutation,
    discard::DiscardMutation,
    supersede::SupersedeMutation,
);
