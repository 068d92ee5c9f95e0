//! Release applications (发布申请): they live in another system; here each is a row that reports and pipelines refer to.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::{product, release_application, report};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid, sea_query::OnConflict};

use super::{Product, number::FormNumber};
use crate::{
    error::{Error, Result},
    graphql::{
        context::{actor, parent, store},
        ids::Kind,
        scalars::{Instant, Url},
    },
    report::Report,
    store::{Permitted, visible},
};

/// A release application (发布申请) of another system.
#[derive(Debug, Clone)]
pub struct ReleaseApplication(pub Arc<release_application::Model>);

/// A release application (发布申请) of another system.
#[Object]
impl ReleaseApplication {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::ReleaseApplication.id(self.0.id)
    }

    /// `REL-APP-YYYY-NNN`.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// The product that it applied for.
    async fn product(&self, ctx: &Context<'_>) -> Option<Result<Product>> {
        match self.0.product_id {
            Some(id) => Some(parent::<product::Entity>(ctx, id).await.map(Product)),
            None => None,
        }
    }

    /// The version that it applied for.
    async fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Where it can be read.
    async fn url(&self) -> Option<Url> {
        self.0.url.clone().map(Url)
    }

    /// When the release was planned.
    async fn planned_release_at(&self) -> Option<Instant> {
        self.0.planned_release_at.map(Instant)
    }

    /// The reports on it that you see, the latest first: the live one, superseded and discarded ones.
    async fn reports(&self, ctx: &Context<'_>) -> Result<Vec<Report>> {
        let query = report::Entity::find()
            .filter(report::Column::ApplicationId.eq(self.0.id))
            .filter(visible(actor(ctx)?))
            .order_by_desc(report::Column::Id)
            .limit(100);
        Ok(store(ctx)?.all(query).await?.into_iter().map(Report::new).collect())
    }
}

/// Queries on applications.
#[derive(Default)]
pub struct ApplicationQuery;

#[Object]
impl ApplicationQuery {
    /// The release application with this number, or null where nothing you see mentions it.
    async fn release_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`REL-APP-YYYY-NNN`.")] number: String,
    ) -> Option<Result<ReleaseApplication>> {
        find(ctx, release_application::Column::Number.eq(number.trim().replace('\0', ""))).await.transpose()
    }
}

/// The application that a condition names, if the caller sees a report on it (`architecture.md`, The door: reached upwards).
///
/// # Errors
/// A fault of the database.
pub async fn find(ctx: &Context<'_>, which: sea_orm::sea_query::Expr) -> Result<Option<ReleaseApplication>> {
    let seen = report::Entity::find().select_only().column(report::Column::ApplicationId).filter(visible(actor(ctx)?));
    let query = release_application::Entity::find()
        .filter(which)
        .filter(release_application::Column::Id.in_subquery(sea_orm::QueryTrait::into_query(seen)));
    Ok(store(ctx)?.one(query).await?.map(|a| ReleaseApplication(Arc::new(a))))
}

/// The row of an application, made on first mention.
///
/// # Errors
/// A fault of the database.
pub async fn mention(permitted: &Permitted, number: FormNumber) -> Result<release_application::Model> {
    let number = number.to_string();
    let row = release_application::ActiveModel {
        id: Set(Uuid::now_v7()),
        number: Set(number.clone()),
        product_id: Set(None),
        version: Set(None),
        url: Set(None),
        planned_release_at: Set(None),
        created_at: Set(permitted.now()),
    };
    release_application::Entity::insert(row)
        .on_conflict(OnConflict::column(release_application::Column::Number).do_nothing().to_owned())
        .exec_without_returning(permitted.conn())
        .await?;
    let found = release_application::Entity::find().filter(release_application::Column::Number.eq(number)).one(permitted.conn()).await?;
    found.ok_or_else(|| Error::internal("an application was mentioned and not kept"))
}
