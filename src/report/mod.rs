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

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ID, MergedObject, ObjectType, OutputType, Positioned, ServerResult, Value,
    parser::types::Field,
    registry::{MetaType, Registry},
};
use entity::{enums::ReportState, report};
use sea_orm::prelude::Uuid;

use crate::{
    aftermath::AftermathPart,
    deployment::DeploymentPart,
    evaluation::EvaluationPart,
    execution::ExecutionPart,
    graphql::{ids::Kind, walk},
    improvement::ImprovementPart,
    problem::ProblemPart,
};

/// Whether content may be written in this state.
pub fn is_writable(state: ReportState) -> bool {
    matches!(state, ReportState::Draft | ReportState::Returned)
}

/// 产品发布总结报告: the product release summary report.
#[derive(MergedObject, Clone)]
#[graphql(name = "Report")]
struct Parts(
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

/// 产品发布总结报告: the product release summary report, put together from its sections.
#[derive(Clone)]
pub struct Report(Parts);

/// In which part a field is, so that not each is asked for each.
static PLACES: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let mut registry = Registry::default();
    let parts = [
        registry.create_fake_output_type::<object::HeaderPart>(),
        registry.create_fake_output_type::<object::BasicsPart>(),
        registry.create_fake_output_type::<ExecutionPart>(),
        registry.create_fake_output_type::<ProblemPart>(),
        registry.create_fake_output_type::<AftermathPart>(),
        registry.create_fake_output_type::<EvaluationPart>(),
        registry.create_fake_output_type::<summary::SummaryPart>(),
        registry.create_fake_output_type::<ImprovementPart>(),
        registry.create_fake_output_type::<approval::ApprovalPart>(),
        registry.create_fake_output_type::<history::HistoryPart>(),
        registry.create_fake_output_type::<DeploymentPart>(),
    ];
    let fields = |part: &MetaType| part.fields().map(|fields| fields.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    parts.iter().enumerate().flat_map(|(place, part)| fields(part).into_iter().map(move |field| (field, place))).collect()
});

impl ContainerType for Report {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let Parts(header, basics, execution, problems, aftermath, evaluation, summary, improvement, approval, history, deployments) =
            &self.0;
        match PLACES.get(ctx.item.node.name.node.as_str()) {
            Some(0) => header.resolve_field(ctx).await,
            Some(1) => basics.resolve_field(ctx).await,
            Some(2) => execution.resolve_field(ctx).await,
            Some(3) => problems.resolve_field(ctx).await,
            Some(4) => aftermath.resolve_field(ctx).await,
            Some(5) => evaluation.resolve_field(ctx).await,
            Some(6) => summary.resolve_field(ctx).await,
            Some(7) => improvement.resolve_field(ctx).await,
            Some(8) => approval.resolve_field(ctx).await,
            // Pages, which are large and rare.
            Some(9) => Box::pin(history.resolve_field(ctx)).await,
            Some(10) => Box::pin(deployments.resolve_field(ctx)).await,
            _ => Ok(None),
        }
    }
}

impl OutputType for Report {
    fn type_name() -> Cow<'static, str> {
        Parts::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Parts::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        walk::object(ctx, self).await
    }
}

impl ObjectType for Report {}

impl Report {
    /// The global id, for the interface `Node`.
    ///
    /// # Errors
    /// None.
    pub async fn id(&self, _: &Context<'_>) -> async_graphql::Result<ID> {
        Ok(Kind::Report.id(self.key()))
    }

    /// Its row's id.
    pub fn key(&self) -> Uuid {
        self.0.0.0.id
    }

    /// The object of a row that the caller sees.
    pub fn new(row: report::Model) -> Self {
        Self::shared(Arc::new(row))
    }

    /// The same, of a row that others hold too.
    pub fn shared(row: Arc<report::Model>) -> Self {
        Self(Parts(
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
        ))
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
