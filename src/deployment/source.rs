//! Ingestion sources as administrators see them: kind, secrets, rules on environments and versions, mapping of projects.

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{
    environment_rule, ingestion_source,
    pipeline::{EnvironmentClass, SourceKind},
    product, project_mapping, source_secret,
};
use sea_orm::{EntityTrait, QueryOrder, QuerySelect};

use crate::{
    auth::{Act, Facts, policy},
    catalog::Product,
    error::Result,
    graphql::{
        context::{actor, children, parent, store},
        ids::Kind,
        scalars::Instant,
    },
};

/// Who sends webhooks of deployments: a GitHub, GitLab or CDEvents sender.
#[derive(Clone)]
pub struct IngestionSource(pub ingestion_source::Model);

/// A rule on environments: the first whose pattern fits the name decides.
#[derive(Debug, Clone, SimpleObject)]
pub struct EnvironmentRule {
    /// The name, in which `*` stands for any text; without case.
    pattern: String,
    /// The class of what fits.
    class: EnvironmentClass,
}

/// Which product a project of a source belongs to: the first whose pattern fits decides.
#[derive(SimpleObject)]
pub struct ProjectMapping {
    /// The project, with or without the host, in which `*` stands for any text; without case.
    pattern: String,
    /// The product.
    product: Product,
}

/// A secret of a source; the secret itself is never shown again.
#[derive(SimpleObject)]
pub struct SourceSecret {
    /// When it was set.
    created_at: Instant,
    /// Until when it counts, once it was rotated.
    ends_at: Option<Instant>,
}

/// Who sends webhooks of deployments: a GitHub, GitLab or CDEvents sender.
#[Object]
impl IngestionSource {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::IngestionSource.id(self.0.id)
    }

    /// Last part of its address.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it sends to: this path on Relsum's own address.
    async fn path(&self) -> String {
        format!("/api/v1/hooks/{}", self.0.name)
    }

    /// What kind of sender.
    async fn kind(&self) -> SourceKind {
        self.0.kind
    }

    /// Whether its deliveries are taken.
    async fn active(&self) -> bool {
        self.0.active
    }

    /// A regular expression with one group, which finds the version in a tag.
    async fn version_pattern(&self) -> &str {
        &self.0.version_pattern
    }

    /// Its rules on environments, in order; what none fits is told by the sender or by its name.
    async fn environment_rules(&self, ctx: &Context<'_>) -> Result<Vec<EnvironmentRule>> {
        let rows = children::<environment_rule::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().map(|r| EnvironmentRule { pattern: r.pattern.clone(), class: r.class }).collect())
    }

    /// Its projects and their products, in order; what none fits is looked for among the products' own projects.
    async fn projects(&self, ctx: &Context<'_>) -> Result<Vec<ProjectMapping>> {
        let rows = children::<project_mapping::Entity>(ctx, self.0.id).await?;
        let mapping = |r: entity::project_mapping::Model| async move {
            let product = Product(parent::<product::Entity>(ctx, r.product_id).await?);
            Ok(ProjectMapping { pattern: r.pattern, product })
        };
        futures_util::future::try_join_all(rows.iter().cloned().map(mapping)).await
    }

    /// Its secrets, without the secrets themselves.
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Vec<SourceSecret>> {
        let rows = children::<source_secret::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().map(|s| SourceSecret { created_at: Instant(s.created_at), ends_at: s.ends_at.map(Instant) }).collect())
    }

    /// When it was made.
    async fn created_at(&self) -> Instant {
        Instant(self.0.created_at)
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// Queries on sources.
#[derive(Default)]
pub struct SourceQuery;

#[Object]
impl SourceQuery {
    /// All ingestion sources by name; none unless you administer them.
    async fn ingestion_sources(&self, ctx: &Context<'_>) -> Result<Vec<IngestionSource>> {
        if policy::allows(actor(ctx)?, Act::SourceManage, &Facts::default()).is_err() {
            return Ok(Vec::new());
        }
        let query = ingestion_source::Entity::find().order_by_asc(ingestion_source::Column::Name).limit(1_000);
        Ok(store(ctx)?.all(query).await?.into_iter().map(IngestionSource).collect())
    }
}

/// The source with this id, if the caller administers them.
///
/// # Errors
/// A fault of the database.
pub async fn one(ctx: &Context<'_>, id: &ID) -> Result<Option<IngestionSource>> {
    let Ok(id) = Kind::IngestionSource.uuid(id) else { return Ok(None) };
    if policy::allows(actor(ctx)?, Act::SourceManage, &Facts::default()).is_err() {
        return Ok(None);
    }
    Ok(store(ctx)?.one(ingestion_source::Entity::find_by_id(id)).await?.map(IngestionSource))
}
