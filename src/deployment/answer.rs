//! What a call over REST is answered: which report and milestone were touched, or that the deployment is parked or held, and why.

use chrono::{DateTime, Utc};
use entity::{
    deployment,
    enums::ReportState,
    pipeline::{DeploymentStanding, DeploymentStatus, EnvironmentClass, ParkedReason, ReportedField},
    reported_value,
};
use sea_orm::prelude::Uuid;
use serde::Serialize;
use utoipa::ToSchema;

use super::{apply::Applied, effects::milestone_of, record::Recorded};
use crate::error::{Lang, Said, say};

/// How a deployment stands, as it is described.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "describes; each is the standing of that name")]
pub enum StandingName {
    Attached,
    Held,
    Parked,
    Dismissed,
}

/// The class of an environment, as it is described.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "describes; each is the class of that name")]
pub enum ClassName {
    Production,
    Staging,
    Other,
}

/// What was recorded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentAnswer {
    /// Exactly this was reported before: nothing changed.
    repeated: bool,
    /// The deployment, as everything that was reported of it adds up.
    deployment: DeploymentState,
    #[schema(value_type = StandingName)]
    standing: DeploymentStanding,
    /// Why it is parked, held or dismissed; null when it is attached.
    #[schema(required)]
    reason: Option<Reason>,
    /// The report that it belongs to.
    #[schema(required)]
    report: Option<ReportNamed>,
    /// The milestone that a deployment to this environment completes.
    #[schema(required)]
    milestone: Option<MilestoneNamed>,
    /// The fields that pipelines fill, as they stand.
    values: Vec<ValueTold>,
    /// Receipt: the delivery as it is kept.
    delivery: Uuid,
}

/// The deployment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentState {
    /// Relsum's id.
    id: Uuid,
    /// The caller's id.
    deployment_id: String,
    /// Whose it is.
    source: String,
    /// The environment as named.
    environment: String,
    #[schema(value_type = ClassName)]
    environment_class: EnvironmentClass,
    #[schema(value_type = super::ways::StatusName)]
    status: DeploymentStatus,
    /// The highest attempt.
    attempt: i32,
    /// First start.
    #[schema(required)]
    started_at: Option<DateTime<Utc>>,
    /// Last success, or end.
    #[schema(required)]
    finished_at: Option<DateTime<Utc>>,
    /// From first start to last success, in minutes.
    #[schema(required)]
    duration_minutes: Option<i64>,
    /// It finished before it started: the times are shown, and change no report.
    inconsistent: bool,
}

/// Why it is not applied.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reason {
    /// NO_REPORT, UNKNOWN_PRODUCT, NO_PRODUCT, NO_VERSION, AMBIGUOUS, NOT_ALLOWED; HELD; DISMISSED.
    #[schema(example = "NO_REPORT")]
    code: String,
    /// In words, in the language of the request.
    message: String,
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportNamed {
    /// `REL-SUM-YYYY-NNN`.
    number: String,
    /// Its state.
    #[schema(value_type = String, example = "DRAFT")]
    state: ReportState,
}

/// A milestone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MilestoneNamed {
    /// STAGING_VERIFICATION or PRODUCTION_DEPLOYMENT.
    #[schema(example = "PRODUCTION_DEPLOYMENT")]
    kind: String,
    /// Its actual time, as the report shows it.
    #[schema(required)]
    actual_at: Option<DateTime<Utc>>,
}

/// A field of the report that pipelines fill.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValueTold {
    /// PLANNED_RELEASE, PLANNED_DURATION, ACTUAL_RELEASE, ACTUAL_DURATION, STAGING_VERIFICATION, PRODUCTION_DEPLOYMENT.
    #[schema(value_type = String, example = "ACTUAL_RELEASE")]
    field: ReportedField,
    /// The time that is reported.
    #[schema(required)]
    at: Option<DateTime<Utc>>,
    /// The minutes that are reported.
    #[schema(required)]
    minutes: Option<i32>,
    /// Whether the report shows it; otherwise what a person entered stays, and this stands beside it.
    applied: bool,
}

/// Why a deployment stands where it does, in words; nothing of one that is applied.
pub fn why(row: &deployment::Model) -> Option<(String, Said)> {
    let reason = |reason: ParkedReason| {
        let code = serde_json::to_value(reason).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        let said = match reason {
            ParkedReason::NoReport => say(
                "There is no report for this application, or product and version, yet; the deployment is attached as soon as there is",
                "尚无对应该发布申请或产品版本的报告；报告创建后将自动关联",
            ),
            ParkedReason::UnknownProduct => say(
                "Relsum knows no such product or project; add the project to its product, or to the source's mapping",
                "产品或代码仓库未登记，请在产品或来源映射中添加",
            ),
            ParkedReason::NoProduct => say(
                "It names neither application nor product; register the build, or attach it by hand",
                "未给出发布申请或产品，请登记构建或手工关联",
            ),
            ParkedReason::NoVersion => say(
                "Its product is known, its version is not; deploy a tag, register the build, or attach it by hand",
                "产品已知但版本未知，请按标签部署、登记构建或手工关联",
            ),
            ParkedReason::Ambiguous => say("More than one report fits; attach it by hand", "有多份报告匹配，请手工关联"),
            ParkedReason::NotAllowed => {
                say("The report is of a product that the pipeline is not bound to", "报告所属产品不在该流水线的授权范围内")
            }
        };
        (code, said)
    };
    match row.standing {
        DeploymentStanding::Attached => None,
        DeploymentStanding::Parked => row.parked_reason.map(reason),
        DeploymentStanding::Held => {
            let said = say("The report is submitted; this is applied when it is returned", "报告已提交，退回后自动应用");
            Some(("HELD".into(), said))
        }
        DeploymentStanding::Dismissed => {
            let reason = row.dismissal_reason.clone().unwrap_or_default();
            Some(("DISMISSED".into(), say(format!("It was set aside: {reason}"), format!("已忽略：{reason}"))))
        }
    }
}

/// First start to last success, in minutes; none of what is inconsistent.
pub fn duration_minutes(row: &deployment::Model) -> Option<i64> {
    let end = row.succeeded_at.or(row.finished_at)?;
    Some((end - row.started_at?).num_minutes()).filter(|_| !row.inconsistent)
}

impl DeploymentAnswer {
    /// The answer to what was recorded.
    pub fn of(recorded: Recorded, delivery: Uuid, lang: Lang) -> Self {
        let Recorded { deployment: row, repeated, applied, .. } = recorded;
        let reason = why(&row).map(|(code, said)| Reason { code, message: said.text(lang).to_owned() });
        let report = applied.as_ref().map(|a| ReportNamed { number: a.report.number.clone(), state: a.report.state });
        let milestone = applied.as_ref().and_then(|a| milestone(a, row.environment_class));
        let values = applied.map(|a| a.values).unwrap_or_default();
        let told = |v: reported_value::Model| ValueTold { field: v.field, at: v.at, minutes: v.minutes, applied: v.applied };
        let mut values: Vec<ValueTold> = values.into_iter().map(told).collect();
        values.sort_by_key(|v| v.field);
        Self {
            repeated,
            standing: row.standing,
            reason,
            report,
            milestone,
            values,
            delivery,
            deployment: DeploymentState {
                id: row.id,
                duration_minutes: duration_minutes(&row),
                deployment_id: row.external_id,
                source: row.source,
                environment: row.environment,
                environment_class: row.environment_class,
                status: row.status,
                attempt: row.attempt,
                started_at: row.started_at,
                finished_at: row.finished_at,
                inconsistent: row.inconsistent,
            },
        }
    }
}

/// The field that a success in this class of environment fills.
pub fn field_of_class(class: EnvironmentClass) -> Option<ReportedField> {
    match class {
        EnvironmentClass::Production => Some(ReportedField::ProductionDeployment),
        EnvironmentClass::Staging => Some(ReportedField::StagingVerification),
        EnvironmentClass::Other => None,
    }
}

fn milestone(applied: &Applied, class: EnvironmentClass) -> Option<MilestoneNamed> {
    let kind = milestone_of(field_of_class(class)?)?;
    let milestone = applied.milestones.iter().find(|m| m.kind == kind)?;
    let name = serde_json::to_value(kind).ok()?.as_str()?.to_owned();
    Some(MilestoneNamed { kind: name, actual_at: milestone.actual_at })
}
