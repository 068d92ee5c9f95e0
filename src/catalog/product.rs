//! Products: key, full name and projects in code hosts. Dashboards group by them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, OneofObject, SimpleObject};
use entity::{deployment, pipeline::ParkedReason, product, product_project};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid};

use super::department::{CatalogPermissions, visible};
use crate::{
    auth::{Act, Facts, policy},
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        context::{actor, children, store},
        ids::Kind,
        input::{Checks, SHORT, expect_version},
        payload::{UserError, answer},
    },
    store::{
        Change, Origin, Permitted, Store,
        idempotency::{self, Key},
        inbox, insert, insert_many, update,
    },
};

/// A product that is released.
#[derive(Debug, Clone)]
pub struct Product(pub Arc<product::Model>);

/// A product that is released.
#[Object]
impl Product {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::Product.id(self.0.id)
    }

    /// Stable short name: `netaudit`.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// 产品名称: full name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its projects in code hosts, such as `github.com/xx/netaudit`.
    async fn projects(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        let rows = children::<product_project::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().map(|p| p.path.clone()).collect())
    }

    /// Whether new reports may name it.
    async fn active(&self) -> bool {
        self.0.active
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<CatalogPermissions> {
        Ok(CatalogPermissions { edit: policy::may(actor(ctx)?, Act::ProductManage, &Facts::default()) })
    }
}

/// Names a product.
#[derive(Debug, Clone, OneofObject)]
pub enum ProductBy {
    /// By global id.
    Id(ID),
    /// By key.
    Key(String),
}

impl ProductBy {
    /// The product's row; one that is retired counts only if it was named `before`.
    ///
    /// # Errors
    /// `NOT_FOUND` for an id of nothing.
    pub async fn find(&self, permitted: &Permitted, checks: &mut Checks, path: &str, before: Option<Uuid>) -> Result<Option<Uuid>> {
        let (query, path) = match self {
            Self::Id(id) => (product::Entity::find_by_id(Kind::Product.uuid(id)?), format!("{path}.id")),
            Self::Key(key) => (product::Entity::find().filter(product::Column::Key.eq(key.replace('\0', ""))), format!("{path}.key")),
        };
        let found = query.one(permitted.conn()).await?;
        match (found, self) {
            (Some(p), _) if !p.active && before != Some(p.id) => {
                checks.fail(
                    UserErrorCode::Retired,
                    &path,
                    say(format!("The product {} is retired", p.key), format!("产品 {} 已停用", p.key)),
                );
                Ok(None)
            }
            (Some(p), _) => Ok(Some(p.id)),
            (None, Self::Id(_)) => Err(Error::not_found("Product")),
            (None, Self::Key(key)) => {
                let key = visible(key);
                checks.fail(UserErrorCode::Unknown, &path, say(format!("There is no product {key}"), format!("不存在产品 {key}")));
                Ok(None)
            }
        }
    }
}

/// Queries on products.
#[derive(Default)]
pub struct ProductQuery;

#[Object]
impl ProductQuery {
    /// All products by key. `active: true` leaves out the retired ones.
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those in use, or only the retired ones; all unless given.")] active: Option<bool>,
    ) -> Result<Vec<Product>> {
        if !policy::reads_submitted(actor(ctx)?) {
            return Ok(Vec::new());
        }
        let mut query = product::Entity::find().order_by_asc(product::Column::Key);
        if let Some(active) = active {
            query = query.filter(product::Column::Active.eq(active));
        }
        Ok(store(ctx)?.all(query).await?.into_iter().map(|p| Product(Arc::new(p))).collect())
    }
}

/// A new product.
#[derive(Debug, Clone, InputObject)]
pub struct ProductCreateInput {
    /// Stable short name of small letters, digits and `-`: `netaudit`.
    pub key: String,
    /// Full name.
    pub name: String,
    /// Projects in code hosts.
    pub projects: Option<Vec<String>>,
    /// The same key and input give the same product.
    pub idempotency_key: Option<String>,
}

/// A patch of a product: what is omitted stays.
#[derive(Debug, Clone, InputObject)]
pub struct ProductUpdateInput {
    /// The product.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// Full name.
    pub name: MaybeUndefined<String>,
    /// Projects in code hosts; the list replaces the one before.
    pub projects: MaybeUndefined<Vec<String>>,
    /// `false` retires it, `true` brings it back.
    pub active: MaybeUndefined<bool>,
}

/// What `productCreate` answers.
#[derive(SimpleObject)]
pub struct ProductCreatePayload {
    /// The new product; null when there are user errors.
    product: Option<Product>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `productUpdate` answers.
#[derive(SimpleObject)]
pub struct ProductUpdatePayload {
    /// The changed product; null when there are user errors.
    product: Option<Product>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of products.
#[derive(Default)]
pub struct ProductMutation;

#[Object]
impl ProductMutation {
    /// Adds a product.
    async fn product_create(&self, ctx: &Context<'_>, input: ProductCreateInput) -> Result<ProductCreatePayload> {
        let (product, user_errors) = answer(ctx, |store, origin| create(store, origin, input.clone())).await?;
        Ok(ProductCreatePayload { product: product.map(|p| Product(Arc::new(p))), user_errors })
    }

    /// Renames, retires or brings back a product, or sets its projects.
    async fn product_update(&self, ctx: &Context<'_>, input: ProductUpdateInput) -> Result<ProductUpdatePayload> {
        let (product, user_errors) = answer(ctx, |store, origin| edit(store, origin, input.clone())).await?;
        Ok(ProductUpdatePayload { product: product.map(|p| Product(Arc::new(p))), user_errors })
    }
}

fn check_projects(checks: &mut Checks, projects: &[String]) {
    checks.list("projects", projects, 50);
    for (index, path) in projects.iter().enumerate() {
        checks.filled(&format!("projects.{index}"), path, SHORT);
        checks.require(!projects.iter().take(index).any(|p| p == path), UserErrorCode::Duplicate, &format!("projects.{index}"), || {
            say("The project is named twice", "代码仓库重复")
        });
    }
}

async fn write_projects(permitted: &Permitted, product_id: Uuid, projects: Vec<String>) -> Result<()> {
    product_project::Entity::delete_many().filter(product_project::Column::ProductId.eq(product_id)).exec(permitted.conn()).await?;
    let rows = (1..).zip(projects).map(|(position, path)| product_project::Model { id: Uuid::now_v7(), product_id, path, position });
    insert_many(permitted, rows.collect()).await
}

/// Deployments of products or projects that were not known may lead somewhere now.
async fn look_again(permitted: &mut Permitted) -> Result<()> {
    let unknown = deployment::Column::ParkedReason.is_in([ParkedReason::UnknownProduct, ParkedReason::NoProduct]);
    inbox::recheck(permitted, Condition::all().add(unknown)).await?;
    permitted.ring_work();
    Ok(())
}

async fn create(store: &Store, origin: &Origin, input: ProductCreateInput) -> Result<product::Model> {
    let retry = Key::of("productCreate", input.idempotency_key.as_deref(), &input);
    let ProductCreateInput { key, name, projects, idempotency_key: _ } = input;
    let mut permitted = store.create(origin, Act::ProductManage).await?;
    if let Some(id) = idempotency::taken(&permitted, retry.as_ref()).await? {
        let id: Uuid = id.parse().map_err(Error::internal)?;
        let made = product::Entity::find_by_id(id).one(permitted.conn()).await?;
        return made.ok_or_else(|| Error::not_found("Product"));
    }
    let projects = projects.unwrap_or_default();
    let mut checks = Checks::default();
    let well_formed = (1..=60).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    checks.require(well_formed, UserErrorCode::Invalid, "key", || {
        say("A key has 1 to 60 small letters, digits or -", "产品标识由 1 到 60 个小写字母、数字或连字符组成")
    });
    checks.filled("name", &name, SHORT);
    check_projects(&mut checks, &projects);
    checks.done()?;
    let row = product::Model { id: Uuid::now_v7(), key, name, active: true, version: 1 };
    insert(&permitted, row.clone()).await?;
    write_projects(&permitted, row.id, projects.clone()).await?;
    idempotency::done(&permitted, retry.as_ref(), row.id).await?;
    look_again(&mut permitted).await?;
    let nothing: [String; 0] = [];
    let change = Change::of("productCreate").added("Product", row.id, &row).field("Product", row.id, "projects", nothing, &projects);
    permitted.commit(change).await?;
    Ok(row)
}

async fn edit(store: &Store, origin: &Origin, input: ProductUpdateInput) -> Result<product::Model> {
    let ProductUpdateInput { id, expected_version, name, projects, active } = input;
    let mut permitted = store.create(origin, Act::ProductManage).await?;
    let found = product::Entity::find_by_id(Kind::Product.uuid(&id)?).lock_exclusive().one(permitted.conn()).await?;
    let before = found.ok_or_else(|| Error::not_found("Product"))?;
    expect_version(expected_version, before.version)?;
    let mut row = before.clone();
    let mut checks = Checks::default();
    checks.patch_filled("name", name, SHORT, &mut row.name);
    checks.patch_value("active", active, &mut row.active);
    let old: Vec<String> = product_project::Entity::find()
        .filter(product_project::Column::ProductId.eq(row.id))
        .order_by_asc(product_project::Column::Position)
        .all(permitted.conn())
        .await?
        .into_iter()
        .map(|p| p.path)
        .collect();
    let mut new = old.clone();
    checks.patch_value("projects", projects, &mut new);
    check_projects(&mut checks, &new);
    checks.done()?;
    if row == before && new == old {
        return Ok(row);
    }
    row.version += 1;
    update(&permitted, row.clone()).await?;
    if new != old {
        write_projects(&permitted, row.id, new.clone()).await?;
        look_again(&mut permitted).await?;
    }
    let change = Change::of("productUpdate").edited("Product", row.id, &before, &row).field("Product", row.id, "projects", &old, &new);
    permitted.commit(change).await?;
    Ok(row)
}
