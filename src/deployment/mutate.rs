//! Mutations of deployments: reporting one, attaching and dismissing by hand, registering a build.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{
    deployment,
    pipeline::{DeliveryWay, DeploymentStatus},
    report,
};
use sea_orm::EntityTrait;
use serde_json::{Map, Value, json};

use super::{
    answer::field_of_class,
    attach::{by_hand, dismiss},
    builds,
    effects::milestone_of,
    native::{self, Raw},
    object::Deployment,
    record::{ACT, Recorded},
};
use crate::{
    auth::Act,
    error::{Error, Result, UserErrorCode, say},
    execution::Milestone,
    graphql::{
        ids::Kind,
        input::{Checks, SHORT},
        payload::{UserError, answer},
        scalars::{Instant, Url},
    },
    report::Report,
    store::{
        Change, Origin, Store,
        idempotency::{self, Key},
    },
};

/// What happened to a deployment. In one call when it is over, or in parts, under the same `deploymentId` and in any order. The first
/// call also says where (`environment`) and of what (`applicationNumber`, or `product` and `version`, or `project` and `commit`).
#[derive(Debug, Clone, InputObject)]
pub struct DeploymentRecordInput {
    /// Your id of the deployment; later parts repeat it.
    pub deployment_id: String,
    /// How far it is.
    pub status: DeploymentStatus,
    /// The environment as you name it; its class follows from the name.
    pub environment: Option<String>,
    /// `REL-APP-YYYY-NNN`.
    pub application_number: Option<String>,
    /// Key of the product, with `version`.
    pub product: Option<String>,
    /// The version, with `product`.
    pub version: Option<String>,
    /// The project in its code host, with `commit`, where the build was registered.
    pub project: Option<String>,
    /// The commit: 7 to 64 hexadecimal digits.
    pub commit: Option<String>,
    /// Which attempt, from 1.
    pub attempt: Option<i32>,
    /// When it is to start.
    pub planned_start_at: Option<Instant>,
    /// When it is to finish.
    pub planned_finish_at: Option<Instant>,
    /// When it started; with `RUNNING` the time of the call, unless given.
    pub started_at: Option<Instant>,
    /// When it ended; with a status that ends it the time of the call, unless given.
    pub finished_at: Option<Instant>,
    /// When the oldest commit that is new with it was made: lead times start here.
    pub oldest_commit_at: Option<Instant>,
    /// `deploymentId` of what this one rolls back.
    pub rollback_of: Option<String>,
    /// Where it can be seen.
    pub url: Option<Url>,
    /// Of members of OPS: subject of the pipeline whose deployment it is.
    pub source: Option<String>,
    /// The same key and input give the same answer.
    pub idempotency_key: Option<String>,
}

impl DeploymentRecordInput {
    /// The call as it comes over REST.
    fn as_call(&self) -> Value {
        let Self {
            deployment_id,
            status,
            environment,
            application_number,
            product,
            version,
            project,
            commit,
            attempt,
            planned_start_at,
            planned_finish_at,
            started_at,
            finished_at,
            oldest_commit_at,
            rollback_of,
            url,
            source,
            idempotency_key: _,
        } = self;
        let time = |at: &Option<Instant>| json!(at.map(|at| at.0));
        let all = [
            ("deploymentId", json!(deployment_id)),
            ("status", json!(status)),
            ("environment", json!(environment)),
            ("applicationNumber", json!(application_number)),
            ("product", json!(product)),
            ("version", json!(version)),
            ("project", json!(project)),
            ("commit", json!(commit)),
            ("attempt", json!(attempt)),
            ("plannedStartAt", time(planned_start_at)),
            ("plannedFinishAt", time(planned_finish_at)),
            ("startedAt", time(started_at)),
            ("finishedAt", time(finished_at)),
            ("oldestCommitAt", time(oldest_commit_at)),
            ("rollbackOf", json!(rollback_of)),
            ("url", json!(url.as_ref().map(|u| &u.0))),
            ("source", json!(source)),
        ];
        Value::Object(
            all.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>(),
        )
    }
}

/// What `deploymentRecord` answers.
#[derive(SimpleObject)]
pub struct DeploymentRecordPayload {
    /// The deployment as everything that was reported of it adds up; null when there are user errors.
    deployment: Option<Deployment>,
    /// The report that was touched; null when it is parked, or when you may only report.
    report: Option<Report>,
    /// The milestone that a success in this environment completes.
    milestone: Option<Milestone>,
    /// Whether exactly this was reported before: then nothing changed.
    repeated: Option<bool>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Which deployment to attach, and to which report.
#[derive(Debug, Clone, InputObject)]
pub struct DeploymentAttachInput {
    /// The deployment, wherever it stands.
    pub id: ID,
    /// The report.
    pub report_id: ID,
}

/// Which deployment to set aside, and why.
#[derive(Debug, Clone, InputObject)]
pub struct DeploymentDismissInput {
    /// The deployment.
    pub id: ID,
    /// Why.
    pub reason: String,
}

/// Which dismissal to take back.
#[derive(Debug, Clone, InputObject)]
pub struct DeploymentRestoreInput {
    /// The deployment.
    pub id: ID,
}

/// A build: which application, or product and version, a commit of a project was built for.
#[derive(Debug, Clone, InputObject)]
pub struct BuildRegisterInput {
    /// The project in its code host.
    pub project: String,
    /// The commit, its whole hash.
    pub commit: String,
    /// `REL-APP-YYYY-NNN`.
    pub application_number: Option<String>,
    /// Key of the product, with `version`.
    pub product: Option<String>,
    /// The version, with `product`.
    pub version: Option<String>,
    /// Where the build can be seen.
    pub url: Option<Url>,
}

/// What `deploymentAttach` answers.
#[derive(SimpleObject)]
pub struct DeploymentAttachPayload {
    /// The deployment; null when there are user errors.
    deployment: Option<Deployment>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `deploymentDismiss` answers.
#[derive(SimpleObject)]
pub struct DeploymentDismissPayload {
    /// The deployment; null when there are user errors.
    deployment: Option<Deployment>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `deploymentRestore` answers.
#[derive(SimpleObject)]
pub struct DeploymentRestorePayload {
    /// The deployment, attached, held or parked as if it came now; null when there are user errors.
    deployment: Option<Deployment>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `buildRegister` answers.
#[derive(SimpleObject)]
pub struct BuildRegisterPayload {
    /// Whether it was registered before; null when there are user errors.
    repeated: Option<bool>,
    /// How many parked deployments of this commit are looked at again because of it; null when there are user errors.
    deployments_rechecked: Option<i32>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of deployments.
#[derive(Default)]
pub struct DeploymentMutation;

#[Object]
impl DeploymentMutation {
    /// Reports a deployment, as a pipeline does over REST.
    async fn deployment_record(&self, ctx: &Context<'_>, input: DeploymentRecordInput) -> Result<DeploymentRecordPayload> {
        let (recorded, user_errors) = answer(ctx, |store, origin| record(store, origin, input.clone())).await?;
        let Some(Recorded { deployment, repeated, applied, .. }) = recorded else {
            return Ok(DeploymentRecordPayload { deployment: None, report: None, milestone: None, repeated: None, user_errors });
        };
        // A pipeline may change a report that it cannot read.
        let reads = crate::auth::policy::reads_submitted(crate::graphql::context::actor(ctx)?);
        let applied = applied.filter(|_| reads);
        let kind = field_of_class(deployment.environment_class).and_then(milestone_of);
        let milestone = applied.as_ref().and_then(|a| a.milestones.iter().find(|m| Some(m.kind) == kind).cloned());
        Ok(DeploymentRecordPayload {
            deployment: Some(Deployment::new(deployment)),
            report: applied.map(|a| Report::new(a.report)),
            milestone: milestone.map(Milestone),
            repeated: Some(repeated),
            user_errors,
        })
    }

    /// Attaches a deployment to a report by hand, wherever it stands; that stays until somebody attaches it elsewhere or dismisses it.
    async fn deployment_attach(&self, ctx: &Context<'_>, input: DeploymentAttachInput) -> Result<DeploymentAttachPayload> {
        let (deployment, user_errors) = answer(ctx, |store, origin| attach(store, origin, input.clone())).await?;
        Ok(DeploymentAttachPayload { deployment: deployment.map(Deployment::new), user_errors })
    }

    /// Sets a deployment aside with a reason: it changes no report, and is kept.
    async fn deployment_dismiss(&self, ctx: &Context<'_>, input: DeploymentDismissInput) -> Result<DeploymentDismissPayload> {
        let (deployment, user_errors) = answer(ctx, |store, origin| set_aside(store, origin, input.clone())).await?;
        Ok(DeploymentDismissPayload { deployment: deployment.map(Deployment::new), user_errors })
    }

    /// Takes a dismissal back, or an attachment by hand: the deployment is looked at as if it came now.
    async fn deployment_restore(&self, ctx: &Context<'_>, input: DeploymentRestoreInput) -> Result<DeploymentRestorePayload> {
        let (deployment, user_errors) = answer(ctx, |store, origin| restore(store, origin, input.clone())).await?;
        Ok(DeploymentRestorePayload { deployment: deployment.map(Deployment::new), user_errors })
    }

    /// Registers a build, so that deployments that name only project and commit find their report.
    async fn build_register(&self, ctx: &Context<'_>, input: BuildRegisterInput) -> Result<BuildRegisterPayload> {
        let (built, user_errors) = answer(ctx, |store, origin| register(store, origin, input.clone())).await?;
        let (repeated, rechecked) = built.map_or((None, None), |(repeated, rechecked)| (Some(repeated), i32::try_from(rechecked).ok()));
        Ok(BuildRegisterPayload { repeated, deployments_rechecked: rechecked, user_errors })
    }
}

async fn record(store: &Store, origin: &Origin, input: DeploymentRecordInput) -> Result<Recorded> {
    let retry = Key::of(ACT, input.idempotency_key.as_deref(), &input);
    let value = input.as_call();
    let call = native::read(&value, "", store.now())?;
    let (mut permitted, seen) = match &retry {
        Some(_) => (store.create(origin, Act::DeploymentRecord).await?, None),
        None => native::begin(store, origin, &call).await.map(|(permitted, seen)| (permitted, Some(seen)))?,
    };
    idempotency::taken(&permitted, retry.as_ref()).await?;
    let raw = Raw { way: DeliveryWay::GraphQl, body: value.to_string().into_bytes(), key: input.idempotency_key.clone() };
    // Said twice, it is folded once: the key has nothing to add but to refuse another input.
    let (mut recorded, _) = native::run(&mut permitted, call, raw, seen).await?;
    idempotency::done(&permitted, retry.as_ref(), recorded.deployment.id).await?;
    std::mem::take(&mut recorded.untold).commit(permitted).await?;
    Ok(recorded)
}

async fn attach(store: &Store, origin: &Origin, input: DeploymentAttachInput) -> Result<deployment::Model> {
    let DeploymentAttachInput { id, report_id } = input;
    let (id, to) = (Kind::Deployment.uuid(&id)?, Kind::Report.uuid(&report_id)?);
    let permitted = store.create(origin, Act::DeploymentSettle).await?;
    let seen = sea_orm::QueryFilter::filter(report::Entity::find_by_id(to), crate::store::visible(&origin.actor));
    let report = seen.one(permitted.conn()).await?.ok_or_else(crate::store::no_such_report)?;
    if report.state == entity::enums::ReportState::Discarded {
        let said = say("The report is discarded; attach it to another", "该报告已废弃，请关联到其他报告");
        return Err(Error::user(UserErrorCode::WrongState, "reportId", said));
    }
    by_hand(permitted, id, to).await
}

async fn set_aside(store: &Store, origin: &Origin, input: DeploymentDismissInput) -> Result<deployment::Model> {
    let DeploymentDismissInput { id, reason } = input;
    let id = Kind::Deployment.uuid(&id)?;
    let permitted = store.create(origin, Act::DeploymentSettle).await?;
    let mut checks = Checks::default();
    checks.filled("reason", &reason, SHORT * 10);
    checks.done()?;
    dismiss(permitted, "deploymentDismiss", id, Some(reason)).await
}

async fn restore(store: &Store, origin: &Origin, input: DeploymentRestoreInput) -> Result<deployment::Model> {
    let id = Kind::Deployment.uuid(&input.id)?;
    dismiss(store.create(origin, Act::DeploymentSettle).await?, "deploymentRestore", id, None).await
}

async fn register(store: &Store, origin: &Origin, input: BuildRegisterInput) -> Result<(bool, u64)> {
    let BuildRegisterInput { project, commit, application_number, product, version, url } = input;
    let value = json!({ "project": project, "commit": commit, "applicationNumber": application_number, "product": product,
        "version": version, "url": url.map(|u| u.0) });
    let registration = builds::read(&value)?;
    let mut permitted = store.create(origin, Act::DeploymentRecord).await?;
    let built = builds::register(&mut permitted, registration).await?;
    permitted.commit(Change::of("buildRegister")).await?;
    Ok((built.repeated(), built.rechecked()))
}
