//! Making and changing ingestion sources, and rotating their secrets, which are shown once and kept encrypted.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use entity::{
    environment_rule, ingestion_source,
    pipeline::{EnvironmentClass, SourceKind},
    project_mapping, source_secret,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid, sea_query::Expr};

use super::{
    environment::{VERSION_PATTERN, version_rule},
    source::IngestionSource,
    sources::{Sources, about},
};
use crate::{
    auth::{Act, seal::webhook_secret},
    catalog::ProductBy,
    error::{Error, Result, UserErrorCode, say},
    graphql::{
        ids::Kind,
        input::{Checks, SHORT, expect_version},
        payload::{UserError, answer},
    },
    store::{
        Change, Origin, Permitted, Store,
        idempotency::{self, Key},
        insert, insert_many, update,
    },
};

/// A rule on environments.
#[derive(Debug, Clone, InputObject)]
pub struct EnvironmentRuleInput {
    /// The name, in which `*` stands for any text; without case.
    pub pattern: String,
    /// The class of what fits.
    pub class: EnvironmentClass,
}

/// Which product a project belongs to.
#[derive(Debug, Clone, InputObject)]
pub struct ProjectMappingInput {
    /// The project, with or without the host, in which `*` stands for any text; without case.
    pub pattern: String,
    /// The product.
    pub product: ProductBy,
}

/// A new source.
#[derive(Debug, Clone, InputObject)]
pub struct IngestionSourceCreateInput {
    /// Last part of its address: small letters, digits and `-`.
    pub name: String,
    /// What kind of sender.
    pub kind: SourceKind,
    /// The secret that the sender knows, at least 16 characters; made up unless given.
    pub secret: Option<String>,
    /// A regular expression with one group, which finds the version in a tag. Default: `v4.1.2`, `release/4.1.2` and the like.
    pub version_pattern: Option<String>,
    /// Its rules on environments, in order.
    pub environment_rules: Option<Vec<EnvironmentRuleInput>>,
    /// Its projects and their products, in order.
    pub projects: Option<Vec<ProjectMappingInput>>,
    /// The same key and input give the same source; the secret is shown the first time only.
    pub idempotency_key: Option<String>,
}

/// A patch of a source: what is omitted stays. Replay deliveries to have them read by the new rules.
#[derive(Debug, Clone, InputObject)]
pub struct IngestionSourceUpdateInput {
    /// The source.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// `false` refuses its deliveries from now on, `true` takes them again.
    pub active: MaybeUndefined<bool>,
    /// A regular expression with one group, which finds the version in a tag; `null` for the default.
    pub version_pattern: MaybeUndefined<String>,
    /// Its rules on environments; the list replaces the one before.
    pub environment_rules: MaybeUndefined<Vec<EnvironmentRuleInput>>,
    /// Its projects and their products; the list replaces the one before.
    pub projects: MaybeUndefined<Vec<ProjectMappingInput>>,
}

/// A new secret for a source.
#[derive(Debug, Clone, InputObject)]
pub struct IngestionSourceSecretRotateInput {
    /// The source.
    pub id: ID,
    /// The secret that the sender will know, at least 16 characters; made up unless given.
    pub secret: Option<String>,
    /// Hours for which the secrets of before still count, 0 to 720. Default 24.
    pub keep_old_hours: Option<i32>,
}

/// What `ingestionSourceCreate` answers.
#[derive(SimpleObject)]
pub struct IngestionSourceCreatePayload {
    /// The new source; null when there are user errors.
    ingestion_source: Option<IngestionSource>,
    /// Its secret, shown this once.
    secret: Option<String>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `ingestionSourceUpdate` answers.
#[derive(SimpleObject)]
pub struct IngestionSourceUpdatePayload {
    /// The changed source; null when there are user errors.
    ingestion_source: Option<IngestionSource>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `ingestionSourceSecretRotate` answers.
#[derive(SimpleObject)]
pub struct IngestionSourceSecretRotatePayload {
    /// The source; null when there are user errors.
    ingestion_source: Option<IngestionSource>,
    /// Its new secret, shown this once.
    secret: Option<String>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of sources.
#[derive(Default)]
pub struct SourceMutation;

#[Object]
impl SourceMutation {
    /// Adds an ingestion source. Its secret is shown in this answer only, and kept encrypted.
    async fn ingestion_source_create(&self, ctx: &Context<'_>, input: IngestionSourceCreateInput) -> Result<IngestionSourceCreatePayload> {
        let sources = sources(ctx)?;
        let (made, user_errors) = answer(ctx, |store, origin| create(store, origin, sources, input.clone())).await?;
        let (source, secret) = made.map_or((None, None), |(source, secret)| (Some(source), secret));
        Ok(IngestionSourceCreatePayload { ingestion_source: source.map(IngestionSource), secret, user_errors })
    }

    /// Changes the rules of an ingestion source, or whether its deliveries are taken.
    async fn ingestion_source_update(&self, ctx: &Context<'_>, input: IngestionSourceUpdateInput) -> Result<IngestionSourceUpdatePayload> {
        let (source, user_errors) = answer(ctx, |store, origin| edit(store, origin, input.clone())).await?;
        Ok(IngestionSourceUpdatePayload { ingestion_source: source.map(IngestionSource), user_errors })
    }

    /// Gives an ingestion source a new secret; those of before count a while longer.
    async fn ingestion_source_secret_rotate(
        &self,
        ctx: &Context<'_>,
        input: IngestionSourceSecretRotateInput,
    ) -> Result<IngestionSourceSecretRotatePayload> {
        let sources = sources(ctx)?;
        let (made, user_errors) = answer(ctx, |store, origin| rotate(store, origin, sources, input.clone())).await?;
        let (source, secret) = made.map_or((None, None), |(source, secret)| (Some(source), Some(secret)));
        Ok(IngestionSourceSecretRotatePayload { ingestion_source: source.map(IngestionSource), secret, user_errors })
    }
}

fn sources<'a>(ctx: &Context<'a>) -> Result<&'a std::sync::Arc<Sources>> {
    ctx.data().map_err(|e| Error::internal(e.message))
}

fn check_secret(checks: &mut Checks, secret: Option<&String>) {
    let Some(secret) = secret else { return };
    let fits = (16..=200).contains(&secret.len()) && secret.bytes().all(|b| b.is_ascii_graphic());
    checks.require(fits, UserErrorCode::Invalid, "secret", || {
        say("A secret has 16 to 200 visible ASCII characters", "密钥须为 16 到 200 个可见 ASCII 字符")
    });
    let key = secret.strip_prefix("whsec_").map(|text| STANDARD.decode(text));
    checks.require(!matches!(key, Some(Err(_))), UserErrorCode::Invalid, "secret", || {
        say("What follows whsec_ is base64", "whsec_ 之后须为 base64")
    });
}

fn check_pattern(checks: &mut Checks, pattern: &str) {
    checks.text("versionPattern", pattern, SHORT * 2);
    if let Err(why) = version_rule(pattern) {
        let why: String = why.lines().last().unwrap_or_default().chars().take(200).collect();
        checks.fail(UserErrorCode::Invalid, "versionPattern", say(format!("Not a rule: {why}"), format!("规则无效：{why}")));
    }
}

fn check_rules(checks: &mut Checks, rules: &[EnvironmentRuleInput]) {
    checks.list("environmentRules", rules, 50);
    for (index, rule) in rules.iter().enumerate() {
        checks.filled(&format!("environmentRules.{index}.pattern"), &rule.pattern, SHORT);
    }
}

/// The mappings with their products found.
async fn mappings(permitted: &Permitted, checks: &mut Checks, list: Vec<ProjectMappingInput>) -> Result<Vec<(String, Uuid)>> {
    checks.list("projects", &list, 200);
    let mut found = Vec::new();
    for (index, mapping) in list.into_iter().take(200).enumerate() {
        checks.filled(&format!("projects.{index}.pattern"), &mapping.pattern, SHORT);
        let product = mapping.product.find(permitted, checks, &format!("projects.{index}.product"), None).await?;
        found.extend(product.map(|product| (mapping.pattern, product)));
    }
    Ok(found)
}

async fn write_rules(permitted: &Permitted, source_id: Uuid, rules: Vec<EnvironmentRuleInput>) -> Result<()> {
    environment_rule::Entity::delete_many().filter(environment_rule::Column::SourceId.eq(source_id)).exec(permitted.conn()).await?;
    let row = |(position, rule): (i32, EnvironmentRuleInput)| environment_rule::Model {
        id: Uuid::now_v7(),
        source_id,
        position,
        pattern: rule.pattern,
        class: rule.class,
    };
    insert_many(permitted, (1..).zip(rules).map(row).collect()).await
}

async fn write_mappings(permitted: &Permitted, source_id: Uuid, list: Vec<(String, Uuid)>) -> Result<()> {
    project_mapping::Entity::delete_many().filter(project_mapping::Column::SourceId.eq(source_id)).exec(permitted.conn()).await?;
    let row = |(position, (pattern, product_id)): (i32, (String, Uuid))| project_mapping::Model {
        id: Uuid::now_v7(),
        source_id,
        position,
        pattern,
        product_id,
    };
    insert_many(permitted, (1..).zip(list).map(row).collect()).await
}

async fn add_secret(permitted: &Permitted, sources: &Sources, source_id: Uuid, secret: &str) -> Result<()> {
    let id = Uuid::now_v7();
    let sealed = sources.seal.seal(&about(id), secret)?;
    insert(permitted, source_secret::Model { id, source_id, sealed, created_at: permitted.now(), ends_at: None }).await
}

fn as_texts(rules: &[EnvironmentRuleInput]) -> Vec<String> {
    rules.iter().map(|r| format!("{} {:?}", r.pattern, r.class)).collect()
}

async fn create(
    store: &Store,
    origin: &Origin,
    sources: &Sources,
    input: IngestionSourceCreateInput,
) -> Result<(ingestion_source::Model, Option<String>)> {
    let retry = Key::of("ingestionSourceCreate", input.idempotency_key.as_deref(), &input);
    let IngestionSourceCreateInput { name, kind, secret, version_pattern, environment_rules, projects, idempotency_key: _ } = input;
    let permitted = store.create(origin, Act::SourceManage).await?;
    if let Some(id) = idempotency::taken(&permitted, retry.as_ref()).await? {
        let id: Uuid = id.parse().map_err(Error::internal)?;
        let made = ingestion_source::Entity::find_by_id(id).one(permitted.conn()).await?;
        return made.map(|made| (made, None)).ok_or_else(|| Error::not_found("IngestionSource"));
    }
    let mut checks = Checks::default();
    let fits = (1..=60).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    checks.require(fits, UserErrorCode::Invalid, "name", || {
        say("A name has 1 to 60 small letters, digits or -", "名称由 1 到 60 个小写字母、数字或连字符组成")
    });
    check_secret(&mut checks, secret.as_ref());
    let version_pattern = version_pattern.unwrap_or_else(|| VERSION_PATTERN.to_owned());
    check_pattern(&mut checks, &version_pattern);
    let rules = environment_rules.unwrap_or_default();
    check_rules(&mut checks, &rules);
    let projects = mappings(&permitted, &mut checks, projects.unwrap_or_default()).await?;
    checks.done()?;
    let secret = secret.map_or_else(webhook_secret, Ok)?;
    let row =
        ingestion_source::Model { id: Uuid::now_v7(), name, kind, version_pattern, active: true, created_at: permitted.now(), version: 1 };
    insert(&permitted, row.clone()).await?;
    add_secret(&permitted, sources, row.id, &secret).await?;
    let nothing: [String; 0] = [];
    let change = Change::of("ingestionSourceCreate")
        .added("IngestionSource", row.id, &row)
        .field("IngestionSource", row.id, "environmentRules", &nothing, as_texts(&rules))
        .field("IngestionSource", row.id, "projects", &nothing, &projects);
    write_rules(&permitted, row.id, rules).await?;
    write_mappings(&permitted, row.id, projects).await?;
    idempotency::done(&permitted, retry.as_ref(), row.id).await?;
    permitted.commit(change).await?;
    Ok((row, Some(secret)))
}

async fn opened(permitted: &Permitted, id: &ID) -> Result<ingestion_source::Model> {
    let found = ingestion_source::Entity::find_by_id(Kind::IngestionSource.uuid(id)?).lock_exclusive().one(permitted.conn()).await?;
    found.ok_or_else(|| Error::not_found("IngestionSource"))
}

async fn edit(store: &Store, origin: &Origin, input: IngestionSourceUpdateInput) -> Result<ingestion_source::Model> {
    let IngestionSourceUpdateInput { id, expected_version, active, version_pattern, environment_rules, projects } = input;
    let permitted = store.create(origin, Act::SourceManage).await?;
    let before = opened(&permitted, &id).await?;
    expect_version(expected_version, before.version)?;
    let mut row = before.clone();
    let mut checks = Checks::default();
    checks.patch_value("active", active, &mut row.active);
    match version_pattern {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => row.version_pattern = VERSION_PATTERN.to_owned(),
        MaybeUndefined::Value(pattern) => row.version_pattern = pattern,
    }
    check_pattern(&mut checks, &row.version_pattern);
    let rules = match environment_rules {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(Vec::new()),
        MaybeUndefined::Value(rules) => Some(rules),
    };
    check_rules(&mut checks, rules.as_deref().unwrap_or_default());
    let list = match projects {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(Vec::new()),
        MaybeUndefined::Value(list) => Some(mappings(&permitted, &mut checks, list).await?),
    };
    checks.done()?;
    let mut change = Change::of("ingestionSourceUpdate").edited("IngestionSource", row.id, &before, &row);
    if let Some(rules) = rules {
        let of = environment_rule::Entity::find()
            .filter(environment_rule::Column::SourceId.eq(row.id))
            .order_by_asc(environment_rule::Column::Position);
        let old: Vec<EnvironmentRuleInput> =
            of.all(permitted.conn()).await?.into_iter().map(|r| EnvironmentRuleInput { pattern: r.pattern, class: r.class }).collect();
        change = change.field("IngestionSource", row.id, "environmentRules", as_texts(&old), as_texts(&rules));
        write_rules(&permitted, row.id, rules).await?;
    }
    if let Some(list) = list {
        let of = project_mapping::Entity::find()
            .filter(project_mapping::Column::SourceId.eq(row.id))
            .order_by_asc(project_mapping::Column::Position);
        let old: Vec<(String, Uuid)> = of.all(permitted.conn()).await?.into_iter().map(|m| (m.pattern, m.product_id)).collect();
        change = change.field("IngestionSource", row.id, "projects", &old, &list);
        write_mappings(&permitted, row.id, list).await?;
    }
    if change.is_empty() {
        return Ok(row);
    }
    row.version += 1;
    update(&permitted, row.clone()).await?;
    permitted.commit(change).await?;
    Ok(row)
}

async fn rotate(
    store: &Store,
    origin: &Origin,
    sources: &Sources,
    input: IngestionSourceSecretRotateInput,
) -> Result<(ingestion_source::Model, String)> {
    use source_secret::Column;
    let IngestionSourceSecretRotateInput { id, secret, keep_old_hours } = input;
    let permitted = store.create(origin, Act::SourceManage).await?;
    let before = opened(&permitted, &id).await?;
    let hours = keep_old_hours.unwrap_or(24);
    let mut checks = Checks::default();
    check_secret(&mut checks, secret.as_ref());
    checks.require((0..=720).contains(&hours), UserErrorCode::OutOfRange, "keepOldHours", || {
        say("Secrets of before count for 0 to 720 hours", "旧密钥可保留 0 到 720 小时")
    });
    checks.done()?;
    let secret = secret.map_or_else(webhook_secret, Ok)?;
    let end = permitted.now() + TimeDelta::hours(hours.into());
    source_secret::Entity::delete_many()
        .filter(Column::SourceId.eq(before.id))
        .filter(Column::EndsAt.lte(permitted.now()))
        .exec(permitted.conn())
        .await?;
    source_secret::Entity::update_many()
        .col_expr(Column::EndsAt, Expr::value(end))
        .filter(Column::SourceId.eq(before.id))
        .filter(sea_orm::Condition::any().add(Column::EndsAt.is_null()).add(Column::EndsAt.gt(end)))
        .exec(permitted.conn())
        .await?;
    add_secret(&permitted, sources, before.id, &secret).await?;
    let mut row = before;
    row.version += 1;
    update(&permitted, row.clone()).await?;
    let change = Change::of("ingestionSourceSecretRotate").field("IngestionSource", row.id, "secret", "(secret)", "(another)");
    let change = change.field("IngestionSource", row.id, "oldSecretsEndAt", None::<()>, end);
    permitted.commit(change).await?;
    Ok((row, secret))
}
