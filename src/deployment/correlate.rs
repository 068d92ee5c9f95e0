//! Which report a deployment belongs to (`events.md` 26): by its application, else by a registered build, else by product and
//! version. What fits none, or several, is parked with the reason; nothing is guessed.

use std::collections::BTreeSet;

use entity::{build, deployment, pipeline::ParkedReason, product, product_project, project_mapping, release_application, report};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait},
};

use super::environment::matches;
use crate::{
    catalog::{
        application,
        number::{FormNumber, version_key},
    },
    error::Result,
    store::Permitted,
};

/// What a deployment leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Led {
    /// Its application, if one is known.
    pub application_id: Option<Uuid>,
    /// Its product, if it is known.
    pub product_id: Option<Uuid>,
    /// Its version, as told or as its build says.
    pub version: Option<String>,
    /// The report, or why there is none.
    pub to: Result<Uuid, ParkedReason>,
}

/// An application and its reports that count.
#[derive(Clone)]
pub struct Known {
    application: release_application::Model,
    reports: Vec<report::Model>,
}

impl Known {
    /// What was found of it; nothing of an application that is not known yet.
    pub fn of(applications: Vec<release_application::Model>, reports: Vec<report::Model>) -> Option<Self> {
        applications.into_iter().next().map(|application| Self { application, reports: standing(reports) })
    }
}

/// Looks where a deployment leads, as it stands; its report, if it has one, is not looked at.
///
/// # Errors
/// A fault of the database.
pub async fn lead(permitted: &Permitted, row: &deployment::Model, known: Option<&Known>) -> Result<Led> {
    let mut led = Led { application_id: None, product_id: None, version: row.version.clone(), to: Err(ParkedReason::NoProduct) };
    let number = row.application_number.as_deref().and_then(|text| FormNumber::application("applicationNumber", text).ok());
    if let Some(number) = number {
        let known = match known.filter(|known| known.application.number == number.to_string()) {
            Some(known) => known.clone(),
            None => {
                let application = application_of(permitted, number).await?;
                let reports = open_reports(permitted, report::Column::ApplicationId.eq(application.id)).await?;
                Known { application, reports }
            }
        };
        led.application_id = Some(known.application.id);
        led.product_id = known.application.product_id;
        led.to = only(&known.reports, &mut led.product_id);
        return allowed(permitted, row, led).await;
    }
    if let Some(target) = rolled_back(permitted, row).await? {
        led.product_id = target.product_id;
        if let Some(report) = target.report_id {
            led.to = Ok(report);
            return allowed(permitted, row, led).await;
        }
    }
    if let (Some(project), Some(commit)) = (&row.project, &row.commit_sha) {
        let builds = builds_of(permitted, project, commit).await?;
        if !builds.is_empty() {
            led = by_builds(permitted, &builds, led).await?;
            return allowed(permitted, row, led).await;
        }
    }
    led.product_id = match (&row.product_key, &row.project) {
        (Some(key), _) => product::Entity::find().filter(product::Column::Key.eq(key)).one(permitted.conn()).await?.map(|p| p.id),
        (None, Some(project)) => product_of(permitted, row.source_id, project).await?,
        (None, None) => None,
    };
    led.to = match (led.product_id, &led.version) {
        (None, _) if row.product_key.is_some() || row.project.is_some() => Err(ParkedReason::UnknownProduct),
        (None, _) => Err(ParkedReason::NoProduct),
        (Some(_), None) => Err(ParkedReason::NoVersion),
        (Some(product), Some(version)) => only(&by_version(permitted, product, version).await?, &mut led.product_id),
    };
    allowed(permitted, row, led).await
}

async fn application_of(permitted: &Permitted, number: FormNumber) -> Result<release_application::Model> {
    let known = release_application::Entity::find().filter(release_application::Column::Number.eq(number.to_string()));
    match known.one(permitted.conn()).await? {
        Some(known) => Ok(known),
        None => application::mention(permitted, number).await,
    }
}

/// That a report counts: it is neither discarded nor superseded.
pub const COUNTS: &str = "state <> 'DISCARDED' AND superseded_at IS NULL";

/// Of a filed report and the draft that is to take its place, the draft.
fn standing(mut found: Vec<report::Model>) -> Vec<report::Model> {
    let replaced: BTreeSet<Uuid> = found.iter().filter_map(|r| r.supersedes_id).collect();
    found.retain(|r| !replaced.contains(&r.id));
    found.sort_by_key(|r| r.id);
    found
}

async fn open_reports(permitted: &Permitted, which: Expr) -> Result<Vec<report::Model>> {
    Ok(standing(report::Entity::find().filter(which).filter(Expr::cust(COUNTS)).all(permitted.conn()).await?))
}

async fn by_version(permitted: &Permitted, product: Uuid, version: &str) -> Result<Vec<report::Model>> {
    open_reports(permitted, report::Column::ProductId.eq(product).and(report::Column::VersionKey.eq(version_key(version)))).await
}

/// The one report, or why there is not one.
fn only(reports: &[report::Model], product: &mut Option<Uuid>) -> Result<Uuid, ParkedReason> {
    match reports {
        [] => Err(ParkedReason::NoReport),
        [one] => {
            *product = one.product_id.or(*product);
            Ok(one.id)
        }
        _ => Err(ParkedReason::Ambiguous),
    }
}

/// What it rolls back, if that is known here.
async fn rolled_back(permitted: &Permitted, row: &deployment::Model) -> Result<Option<deployment::Model>> {
    let Some(of) = &row.rollback_of else { return Ok(None) };
    let query =
        deployment::Entity::find().filter(deployment::Column::SourceKey.eq(&row.source_key)).filter(deployment::Column::ExternalId.eq(of));
    Ok(query.one(permitted.conn()).await?)
}

/// Builds of a commit; a short commit is the beginning of a whole one.
async fn builds_of(permitted: &Permitted, project: &str, commit: &str) -> Result<Vec<build::Model>> {
    let query = build::Entity::find().filter(build::Column::Project.eq(project_key(project))).filter(
        Condition::any()
            .add(build::Column::CommitSha.eq(commit.to_lowercase()))
            .add(build::Column::CommitSha.starts_with(commit.to_lowercase())),
    );
    Ok(query.all(permitted.conn()).await?)
}

async fn by_builds(permitted: &Permitted, builds: &[build::Model], mut led: Led) -> Result<Led> {
    let mut reports = Vec::new();
    for build in builds {
        let which = match (build.application_id, build.product_id, &build.version) {
            (Some(application), ..) => open_reports(permitted, report::Column::ApplicationId.eq(application)).await?,
            (None, Some(product), Some(version)) => by_version(permitted, product, version).await?,
            _ => Vec::new(),
        };
        reports.extend(which);
    }
    reports.sort_by_key(|r| r.id);
    reports.dedup_by_key(|r| r.id);
    if let [build] = builds {
        led.application_id = build.application_id;
        led.product_id = build.product_id;
        led.version = build.version.clone().or(led.version);
    }
    led.to = only(&reports, &mut led.product_id);
    Ok(led)
}

/// A project as it is compared: without case, scheme, `.git` or closing slash.
pub fn project_key(project: &str) -> String {
    let lower = project.trim().to_lowercase();
    let bare = lower.trim_start_matches("https://").trim_start_matches("http://");
    bare.trim_end_matches('/').trim_end_matches(".git").to_owned()
}

/// The product of a project: by the source's own mapping, else by the products' projects, with or without the host.
async fn product_of(permitted: &Permitted, source: Option<Uuid>, project: &str) -> Result<Option<Uuid>> {
    let key = project_key(project);
    let without_host = key.split_once('/').map(|(_, path)| path.to_owned());
    if let Some(source) = source {
        let mappings = project_mapping::Entity::find()
            .filter(project_mapping::Column::SourceId.eq(source))
            .order_by_asc(project_mapping::Column::Position)
            .all(permitted.conn())
            .await?;
        let fits = |m: &&project_mapping::Model| {
            matches(&m.pattern, &key) || without_host.as_deref().is_some_and(|path| matches(&m.pattern, path))
        };
        if let Some(mapping) = mappings.iter().find(fits) {
            return Ok(Some(mapping.product_id));
        }
    }
    let names: Vec<String> = [Some(key.clone()), without_host].into_iter().flatten().collect();
    let path = sea_orm::sea_query::Func::lower(sea_orm::sea_query::Expr::col(product_project::Column::Path));
    let found = product_project::Entity::find()
        .filter(sea_orm::sea_query::ExprTrait::is_in(sea_orm::sea_query::Expr::from(path), names))
        .all(permitted.conn())
        .await?;
    let products: BTreeSet<Uuid> = found.iter().map(|p| p.product_id).collect();
    Ok(if products.len() == 1 { products.first().copied() } else { None })
}

/// A pipeline that is bound to products reports to theirs alone.
async fn allowed(permitted: &Permitted, row: &deployment::Model, mut led: Led) -> Result<Led> {
    let bound: Vec<String> = serde_json::from_value(row.bound_to.clone()).unwrap_or_default();
    if bound.is_empty() || led.to.is_err() {
        return Ok(led);
    }
    let key = match led.product_id {
        Some(id) => product::Entity::find_by_id(id).one(permitted.conn()).await?.map(|p| p.key),
        None => None,
    };
    if !key.is_some_and(|key| bound.contains(&key)) {
        led.to = Err(ParkedReason::NotAllowed);
    }
    Ok(led)
}
