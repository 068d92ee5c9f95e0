//! Registered builds (`events.md` 26): which application, or product and version, a commit of a project was built for.

use chrono::{DateTime, Utc};
use entity::{build, deployment, product};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, Func, OnConflict},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    correlate::project_key,
    native::{bound, known_only, object},
    record::not_bound,
};
use crate::{
    catalog::{application, number::FormNumber, number::version_key},
    error::{Error, Result, UserErrorCode, say},
    graphql::{input::Checks, input::SHORT, scalars::Url},
    store::{Change, Permitted, inbox},
};

/// The fields of a registration.
const FIELDS: [&str; 6] = ["project", "commit", "applicationNumber", "product", "version", "url"];

/// A registration, checked.
#[derive(Debug, Clone)]
pub struct Registration {
    project: String,
    commit: String,
    application: Option<FormNumber>,
    product: Option<String>,
    version: Option<String>,
    url: Option<String>,
}

/// What was registered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BuildAnswer {
    /// Relsum's id.
    id: Uuid,
    /// It was registered before: nothing changed.
    repeated: bool,
    /// The project, as it is compared.
    project: String,
    /// The commit.
    commit: String,
    /// The application that it is for.
    #[schema(required)]
    application_number: Option<String>,
    /// Key of the product that it is of.
    #[schema(required)]
    product: Option<String>,
    /// Its version.
    #[schema(required)]
    version: Option<String>,
    /// When it was registered.
    registered_at: DateTime<Utc>,
    /// How many parked deployments of this commit are looked at again because of it.
    deployments_rechecked: u64,
}

/// Reads a registration.
///
/// # Errors
/// User errors, all together.
pub fn read(value: &Value) -> Result<Registration> {
    let object = object(value, "")?;
    let mut checks = Checks::default();
    known_only(&mut checks, object, "", &FIELDS);
    let mut text = |field: &str, most: usize, needed: bool| -> Option<String> {
        match object.get(field) {
            Some(Value::String(text)) if !text.trim().is_empty() => {
                checks.text(field, text, most);
                Some(text.trim().to_owned())
            }
            Some(Value::String(_)) => {
                checks.fail(UserErrorCode::Required, field, say("The text must not be blank", "文本不能为空"));
                None
            }
            Some(Value::Null) | None => {
                checks.require(!needed, UserErrorCode::Required, field, || say("This is needed", "必填"));
                None
            }
            Some(_) => {
                checks.fail(UserErrorCode::Invalid, field, say("This is a text", "该字段应为文本"));
                None
            }
        }
    };
    let (project, commit) = (text("project", SHORT, true), text("commit", 64, true));
    let number = text("applicationNumber", 40, false);
    let (product, version) = (text("product", 60, false), text("version", 60, false));
    let url = text("url", 2_000, false);
    let hex = commit.as_ref().is_none_or(|c| matches!(c.len(), 40 | 64) && c.bytes().all(|b| b.is_ascii_hexdigit()));
    checks.require(hex, UserErrorCode::Invalid, "commit", || {
        say("A commit is its whole hash: 40 or 64 hexadecimal digits", "commit 须为完整哈希：40 或 64 位十六进制数字")
    });
    let good = url.clone().is_none_or(|u| <Url as async_graphql::ScalarType>::parse(async_graphql::Value::String(u)).is_ok());
    checks
        .require(good, UserErrorCode::Invalid, "url", || say("A URL begins with http:// or https://", "url 须以 http:// 或 https:// 开头"));
    let named = number.is_some() || (product.is_some() && version.is_some());
    checks.require(named, UserErrorCode::Required, "applicationNumber", || {
        say("A build names its applicationNumber, or product and version", "构建须给出 applicationNumber，或 product 与 version")
    });
    let application = match number.map(|text| FormNumber::application("applicationNumber", &text)) {
        Some(Err(Error::User(errors))) => {
            errors.into_iter().for_each(|e| checks.fail(e.code, "applicationNumber", e.message));
            None
        }
        other => other.transpose()?,
    };
    checks.done()?;
    let (Some(project), Some(commit)) = (project, commit) else { return Err(Error::internal("a checked registration lacks a field")) };
    Ok(Registration { project: project_key(&project), commit: commit.to_lowercase(), application, product, version, url })
}

/// Registers a build.
///
/// # Errors
/// User errors, `FORBIDDEN`, faults.
pub async fn register(permitted: &mut Permitted, registration: Registration) -> Result<BuildAnswer> {
    let Registration { project, commit, application, product, version, url } = registration;
    let bound_to = bound(&permitted.origin().actor);
    if !bound_to.is_empty() && !product.as_ref().is_some_and(|p| bound_to.contains(p)) {
        return Err(not_bound());
    }
    let application = match application {
        Some(number) => Some(application::mention(permitted, number).await?),
        None => None,
    };
    let found = match &product {
        Some(key) => product::Entity::find().filter(product::Column::Key.eq(key)).one(permitted.conn()).await?,
        None => None,
    };
    if let (Some(key), None) = (&product, &found) {
        let said = say(format!("There is no product {key}"), format!("不存在产品 {key}"));
        return Err(Error::user(UserErrorCode::Unknown, "product", said));
    }
    let key = version.as_deref().map(version_key);
    let number = application.as_ref().map(|a| a.number.clone());
    let target = format!("{} {} {}", number.as_deref().unwrap_or("-"), product.as_deref().unwrap_or("-"), key.as_deref().unwrap_or("-"));
    let row = build::Model {
        id: Uuid::now_v7(),
        project: project.clone(),
        commit_sha: commit.clone(),
        target: target.clone(),
        application_id: application.as_ref().map(|a| a.id),
        product_id: found.map(|p| p.id),
        version: version.clone(),
        version_key: key,
        url,
        registered_by: permitted.origin().actor.subject.clone(),
        registered_at: permitted.now(),
    };
    let insert = build::Entity::insert(row.clone().into_active_model()).on_conflict(OnConflict::new().do_nothing().to_owned());
    let fresh = insert.exec_without_returning(permitted.conn()).await? == 1;
    let kept = build::Entity::find()
        .filter(build::Column::Project.eq(&project))
        .filter(build::Column::CommitSha.eq(&commit))
        .filter(build::Column::Target.eq(target))
        .one(permitted.conn())
        .await?
        .ok_or_else(|| Error::internal("a build was registered and not kept"))?;
    let mut rechecked = 0;
    if fresh {
        // A short commit is the beginning of a whole one.
        let own = || Expr::col((deployment::Entity, deployment::Column::CommitSha));
        let start = Func::cust("substr").arg(Expr::value(commit.clone())).arg(1).arg(Func::char_length(own()));
        let same = Condition::all().add(own().is_not_null()).add(Expr::from(start).eq(own()));
        rechecked = inbox::recheck(permitted, same).await?;
        permitted.ring_work();
        permitted.note(Change::of("buildRegister").added("Build", kept.id, &kept)).await?;
    }
    Ok(BuildAnswer {
        id: kept.id,
        repeated: !fresh,
        project,
        commit,
        application_number: number,
        product,
        version,
        registered_at: kept.registered_at,
        deployments_rechecked: rechecked,
    })
}

impl BuildAnswer {
    /// Whether it was registered before.
    pub fn repeated(&self) -> bool {
        self.repeated
    }

    /// How many deployments are looked at again.
    pub fn rechecked(&self) -> u64 {
        self.deployments_rechecked
    }
}
