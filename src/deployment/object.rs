//! A deployment as GraphQL shows it, with its way from the raw bodies to the milestone.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{
    deployment, inbound_delivery, ingestion_source, observation, owner, participant,
    pipeline::{DeploymentStanding, DeploymentStatus, EnvironmentClass, ParkedReason},
    product, release_application, report, reported_value,
};

use super::{
    answer::{duration_minutes, field_of_class, why},
    delivery::InboundDelivery,
    effects::milestone_of,
    source::IngestionSource,
};
use crate::{
    auth::{Act, Facts, policy},
    catalog::{Product, ReleaseApplication},
    error::Result,
    execution::Milestone,
    graphql::{
        context::{actor, children, lang, parent, row},
        ids::Kind,
        scalars::{Instant, Url},
    },
    report::Report,
    store::{own_key, sees_waiting},
};

/// A deployment that pipelines reported, as everything that they said of it adds up.
#[derive(Clone)]
pub struct Deployment(Arc<deployment::Model>);

impl Deployment {
    /// The object of a row that the caller sees.
    pub fn new(row: deployment::Model) -> Self {
        Self(Arc::new(row))
    }

    /// The same, of a row that others hold too.
    pub fn shared(row: Arc<deployment::Model>) -> Self {
        Self(row)
    }
}

/// One thing that was said of a deployment.
#[derive(SimpleObject)]
pub struct DeploymentObservation {
    /// How far it was.
    pub status: DeploymentStatus,
    /// Since when, as told, or as received.
    pub happened_at: Instant,
    /// Which attempt, if that was told.
    pub attempt: Option<i32>,
    /// The delivery that said it.
    pub delivery: Option<InboundDelivery>,
}

/// A deployment that pipelines reported, as everything that they said of it adds up.
#[Object]
impl Deployment {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::Deployment.id(self.0.id)
    }

    /// The sender's id of it; with `source` its identity.
    async fn deployment_id(&self) -> &str {
        &self.0.external_id
    }

    /// Who reports it: the subject of a pipeline, or the name of an ingestion source.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// The ingestion source, of a webhook. Null unless you administer sources.
    async fn ingestion_source(&self, ctx: &Context<'_>) -> Option<Result<IngestionSource>> {
        let id = self.0.source_id?;
        match actor(ctx) {
            Ok(actor) if policy::may(actor, Act::SourceManage, &Facts::default()) => {
                Some(parent::<ingestion_source::Entity>(ctx, id).await.map(|s| IngestionSource((*s).clone())))
            }
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The release application that it names, or that its build was registered for.
    async fn application(&self, ctx: &Context<'_>) -> Option<Result<ReleaseApplication>> {
        Some(parent::<release_application::Entity>(ctx, self.0.application_id?).await.map(ReleaseApplication))
    }

    /// The product.
    async fn product(&self, ctx: &Context<'_>) -> Option<Result<Product>> {
        Some(parent::<product::Entity>(ctx, self.0.product_id?).await.map(Product))
    }

    /// The version, as told, found in the tag, or registered with the build.
    async fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// The project in its code host.
    async fn project(&self) -> Option<&str> {
        self.0.project.as_deref()
    }

    /// The tag or branch.
    #[graphql(name = "ref")]
    async fn ref_name(&self) -> Option<&str> {
        self.0.ref_name.as_deref()
    }

    /// The commit.
    async fn commit(&self) -> Option<&str> {
        self.0.commit_sha.as_deref()
    }

    /// When the oldest commit that is new with it was made.
    async fn oldest_commit_at(&self) -> Option<Instant> {
        self.0.oldest_commit_at.map(Instant)
    }

    /// The environment, as named.
    async fn environment(&self) -> &str {
        &self.0.environment
    }

    /// The class of the environment, by the source's rules, what the sender says of it, and its name.
    async fn environment_class(&self) -> EnvironmentClass {
        self.0.environment_class
    }

    /// How far it is.
    async fn status(&self) -> DeploymentStatus {
        self.0.status
    }

    /// The highest attempt, from 1.
    async fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// When it was to start.
    async fn planned_start_at(&self) -> Option<Instant> {
        self.0.planned_start_at.map(Instant)
    }

    /// When it was to finish.
    async fn planned_finish_at(&self) -> Option<Instant> {
        self.0.planned_finish_at.map(Instant)
    }

    /// First start.
    async fn started_at(&self) -> Option<Instant> {
        self.0.started_at.map(Instant)
    }

    /// Last success, or the last end of one that never succeeded; null while it is under way.
    async fn finished_at(&self) -> Option<Instant> {
        self.0.finished_at.map(Instant)
    }

    /// When it was rolled back.
    async fn rolled_back_at(&self) -> Option<Instant> {
        self.0.rolled_back_at.map(Instant)
    }

    /// From first start to last success, in minutes.
    async fn duration_minutes(&self) -> Option<i32> {
        duration_minutes(&self.0).and_then(|m| i32::try_from(m).ok())
    }

    /// It finished before it started: the times are shown, and change no report.
    async fn inconsistent(&self) -> bool {
        self.0.inconsistent
    }

    /// The sender's id of the deployment that it rolls back.
    async fn rollback_of(&self) -> Option<&str> {
        self.0.rollback_of.as_deref()
    }

    /// Where it can be seen.
    async fn url(&self) -> Option<Url> {
        self.0.url.clone().map(Url)
    }

    /// How it stands to the reports.
    async fn standing(&self) -> DeploymentStanding {
        self.0.standing
    }

    /// Why it is parked.
    async fn parked_reason(&self) -> Option<ParkedReason> {
        self.0.parked_reason
    }

    /// Why it is parked, held or dismissed, and what to do, in words.
    async fn standing_note(&self, ctx: &Context<'_>) -> Option<String> {
        why(&self.0).map(|(_, said)| said.text(lang(ctx)).to_owned())
    }

    /// Whether a person attached it.
    async fn attached_by_hand(&self) -> bool {
        self.0.attached_by_hand
    }

    /// The report that it belongs to, if you may read it.
    async fn report(&self, ctx: &Context<'_>) -> Option<Result<Report>> {
        shown_report(ctx, &self.0).await.transpose()
    }

    /// The milestone that a success in this class of environment completes, if you may read the report.
    async fn milestone(&self, ctx: &Context<'_>) -> Option<Result<Milestone>> {
        let kind = milestone_of(field_of_class(self.0.environment_class)?)?;
        let report = match shown_report(ctx, &self.0).await {
            Ok(Some(report)) => report.key(),
            Ok(None) => return None,
            Err(error) => return Some(Err(error)),
        };
        let all = match children::<entity::milestone::Entity>(ctx, report).await {
            Ok(all) => all,
            Err(error) => return Some(Err(error)),
        };
        all.iter().find(|m| m.kind == kind).cloned().map(|m| Ok(Milestone(m)))
    }

    /// The fields of the report whose value, shown or standing beside a person's, is this deployment's.
    async fn fills(&self, ctx: &Context<'_>) -> Result<Vec<FilledField>> {
        let Some(report) = self.0.report_id else { return Ok(Vec::new()) };
        let values = children::<reported_value::Entity>(ctx, report).await?;
        let own = values.iter().filter(|v| v.deployment_id == self.0.id);
        let mut fields: Vec<FilledField> = own.map(FilledField::of).collect();
        fields.sort_by(|a, b| a.field.cmp(&b.field));
        Ok(fields)
    }

    /// Everything that was said of it, in the order in which it came, each with its delivery (which those see who see parked
    /// deployments, and who sent it).
    async fn observations(&self, ctx: &Context<'_>) -> Result<Vec<DeploymentObservation>> {
        let mut rows = (*children::<observation::Entity>(ctx, self.0.id).await?).clone();
        rows.sort_by_key(|o| o.id);
        let shown = sees_waiting(actor(ctx)?) || self.0.source_key == own_key(actor(ctx)?);
        let deliveries =
            rows.iter().map(|o| async move { if shown { row::<inbound_delivery::Entity>(ctx, o.delivery_id).await } else { Ok(None) } });
        let deliveries = futures_util::future::try_join_all(deliveries).await?;
        let told = |(o, delivery): (observation::Model, Option<Arc<inbound_delivery::Model>>)| DeploymentObservation {
            status: o.status,
            happened_at: Instant(o.happened_at),
            attempt: o.attempt,
            delivery: delivery.map(|d| InboundDelivery((*d).clone())),
        };
        Ok(rows.into_iter().zip(deliveries).map(told).collect())
    }

    /// When it was first heard of.
    async fn recorded_at(&self) -> Instant {
        Instant(self.0.recorded_at)
    }

    /// When anything about it changed last.
    async fn updated_at(&self) -> Instant {
        Instant(self.0.updated_at)
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<DeploymentPermissions> {
        let settle = policy::may(actor(ctx)?, Act::DeploymentSettle, &Facts::default());
        let dismissed = self.0.standing == DeploymentStanding::Dismissed;
        Ok(DeploymentPermissions {
            attach: settle,
            dismiss: settle && !dismissed,
            restore: settle && (dismissed || self.0.attached_by_hand),
        })
    }
}

/// The report of a deployment, if the caller may read it.
async fn shown_report(ctx: &Context<'_>, row: &deployment::Model) -> Result<Option<Report>> {
    let Some(id) = row.report_id else { return Ok(None) };
    let actor = actor(ctx)?;
    let report = parent::<report::Entity>(ctx, id).await?;
    if !policy::reads_submitted(actor) {
        return Ok(None);
    }
    if policy::may_read_unsubmitted(actor) || report.first_submitted_at.is_some() {
        return Ok(Some(Report::shared(report)));
    }
    // As `visible` has it: who participates, or owns a row. Batched with the other deployments of the answer.
    let (participants, owners) = futures_util::try_join!(children::<participant::Entity>(ctx, id), children::<owner::Entity>(ctx, id))?;
    let involved = participants.iter().map(|p| &p.department).chain(owners.iter().map(|o| &o.department)).any(|d| actor.is_member(d));
    Ok(involved.then(|| Report::shared(report)))
}

/// A field of a report that a deployment fills.
#[derive(SimpleObject)]
pub struct FilledField {
    /// `ACTUAL_RELEASE`, `ACTUAL_DURATION`, `PLANNED_RELEASE`, `PLANNED_DURATION`, `STAGING_VERIFICATION` or `PRODUCTION_DEPLOYMENT`.
    field: String,
    /// The time that is reported.
    at: Option<Instant>,
    /// The minutes that are reported.
    minutes: Option<i32>,
    /// Whether the report shows it; otherwise a person's value stays.
    applied: bool,
}

impl FilledField {
    fn of(value: &reported_value::Model) -> Self {
        let field = serde_json::to_value(value.field).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        Self { field, at: value.at.map(Instant), minutes: value.minutes, applied: value.applied }
    }
}

/// What the caller may do with a deployment.
#[derive(SimpleObject)]
pub struct DeploymentPermissions {
    /// Attach it to a report by hand.
    pub attach: bool,
    /// Set it aside with a reason.
    pub dismiss: bool,
    /// Take the dismissal, or the attachment by hand, back.
    pub restore: bool,
}
