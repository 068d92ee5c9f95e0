//! The schema, assembled from the concepts' parts.

use std::{borrow::Cow, time::Duration};

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, MergedObject, ObjectType, OutputType, Positioned, Schema, ServerResult, SubscriptionType,
    Value, parser::types::Field, registry::Registry,
};
use tracing::Instrument;

use super::{again::Probe, gate::Shapes, labels::LabelQuery, law, turns::Turns};
use crate::{
    aftermath::{AftermathMutation, case::CaseQuery},
    catalog::{CatalogMutation, CatalogQuery},
    config::Settings,
    delivery::{DeliveryMutations, DeliveryQueries, subscription::Subscriptions},
    deployment::{DeploymentMutations, DeploymentQueries},
    evaluation::EvaluationMutation,
    execution::{ExecutionMutation, search::MilestoneQuery},
    improvement::{ImprovementMutation, search::ImprovementQuery},
    metrics::query::MetricQuery,
    problem::{ProblemMutation, search::ProblemQuery},
    report::{ReportMutation, ReportQuery},
    telemetry,
};

/// Everything that can be read.
#[derive(Default, MergedObject)]
#[graphql(name = "Query")]
pub struct Queries(
    ReportQuery,
    CatalogQuery,
    ImprovementQuery,
    MilestoneQuery,
    ProblemQuery,
    CaseQuery,
    LabelQuery,
    DeploymentQueries,
    DeliveryQueries,
    MetricQuery,
);

/// Everything that can be changed. Each mutation takes one `input` and answers the changed object, or `userErrors`.
#[derive(Default, MergedObject)]
#[graphql(name = "Mutation")]
pub struct Mutations(
    ReportMutation,
    ExecutionMutation,
    ProblemMutation,
    AftermathMutation,
    EvaluationMutation,
    ImprovementMutation,
    CatalogMutation,
    DeploymentMutations,
    DeliveryMutations,
);

/// A root whose fields say what they require; each is a span of its own where there are traces.
#[derive(Default)]
pub struct Lawful<T>(T);

impl<T: ObjectType> ContainerType for Lawful<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        if let Some(probe) = ctx.data_opt::<Probe>() {
            probe.look(ctx);
            return Ok(None);
        }
        self.0.resolve_field(ctx).instrument(telemetry::root_field(&ctx.item.node.name.node)).await
    }
}

impl<T: ObjectType> OutputType for Lawful<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = T::create_type_info(registry);
        law::describe(registry, &T::type_name());
        law::describe_lists(registry);
        name
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(ctx, field).await
    }
}

impl<T: ObjectType> ObjectType for Lawful<T> {}

/// Relsum's schema.
pub type RelsumSchema = Schema<Lawful<Queries>, Lawful<Mutations>, Subscriptions>;

/// Builds the schema. It has no extension: with one, the library takes a longer way to every field.
pub fn build(settings: &Settings) -> RelsumSchema {
    let mut builder = Schema::build(Lawful::default(), Lawful::default(), Subscriptions)
        .register_output_type::<crate::report::node::Node>()
        // The gate has measured what nests; a fragment in a fragment counts here, and not there.
        .limit_recursive_depth(200)
        .data(settings.clone())
        .data(Turns::new(settings.database_connections, Duration::from_millis(settings.lock_timeout_ms)));
    if !settings.suggestions.unwrap_or(settings.development()) {
        builder = builder.disable_suggestions();
    }
    builder.finish()
}

/// The schema as the gate needs it.
pub fn shapes() -> Shapes {
    let mut registry = Registry { query_type: "Query".into(), ..Registry::default() };
    registry.mutation_type = Some("Mutation".into());
    registry.subscription_type = Some("Subscription".into());
    <Lawful<Queries> as OutputType>::create_type_info(&mut registry);
    <Lawful<Mutations> as OutputType>::create_type_info(&mut registry);
    <Subscriptions as SubscriptionType>::create_type_info(&mut registry);
    <crate::report::node::Node as OutputType>::create_type_info(&mut registry);
    Shapes::of(registry)
}

/// The schema in SDL, sorted, as it is checked in.
pub fn sdl() -> String {
    let settings = Settings { introspection: Some(true), ..Settings::default() };
    let options = async_graphql::SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items().include_specified_by();
    let text = build(&settings).sdl_with_options(options);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim())
}
