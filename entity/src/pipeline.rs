//! The enums of deployments and of the ways by which pipelines report them, shared by the tables and by GraphQL.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// How far a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentStatus {
    /// Planned or waiting; not started.
    Queued,
    /// Under way.
    Running,
    /// Given up before it was done.
    Canceled,
    /// Ended without success.
    Failed,
    /// Done.
    Succeeded,
    /// Done, and taken back since.
    RolledBack,
}

/// What kind of environment a deployment went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EnvironmentClass {
    /// 生产环境.
    Production,
    /// 预发布环境.
    Staging,
    /// Any other: test, development, preview.
    Other,
}

/// How a deployment stands to the reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentStanding {
    /// Belongs to a report and is applied to it.
    Attached,
    /// Belongs to a report that is frozen; applied when that is returned.
    Held,
    /// Belongs to no report yet, or to more than one.
    Parked,
    /// Set aside by a person, with a reason.
    Dismissed,
}

/// Why a deployment is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ParkedReason {
    /// There is no live report for its application, or for its product and version.
    NoReport,
    /// The product that it names, or its project, is of no product that is known here.
    UnknownProduct,
    /// It says neither application nor product, and its project and commit lead nowhere.
    NoProduct,
    /// Its product is known, its version is not.
    NoVersion,
    /// More than one report fits.
    Ambiguous,
    /// The report that fits is of a product that its pipeline is not bound to.
    NotAllowed,
}

/// What kind of sender an ingestion source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SourceKind {
    /// GitHub's `deployment_status` webhooks.
    #[sea_orm(string_value = "GITHUB")]
    #[serde(rename = "GITHUB")]
    #[graphql(name = "GITHUB")]
    GitHub,
    /// GitLab's deployment hooks.
    #[sea_orm(string_value = "GITLAB")]
    #[serde(rename = "GITLAB")]
    #[graphql(name = "GITLAB")]
    GitLab,
    /// CDEvents over HTTP.
    #[sea_orm(string_value = "CDEVENTS")]
    #[serde(rename = "CDEVENTS")]
    #[graphql(name = "CDEVENTS")]
    CdEvents,
}

/// By which way something was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryWay {
    /// The native call.
    Native,
    /// The mutation `deploymentRecord`.
    #[sea_orm(string_value = "GRAPHQL")]
    #[serde(rename = "GRAPHQL")]
    #[graphql(name = "GRAPHQL")]
    GraphQl,
    /// GitHub's webhook.
    #[sea_orm(string_value = "GITHUB")]
    #[serde(rename = "GITHUB")]
    #[graphql(name = "GITHUB")]
    GitHub,
    /// GitLab's webhook.
    #[sea_orm(string_value = "GITLAB")]
    #[serde(rename = "GITLAB")]
    #[graphql(name = "GITLAB")]
    GitLab,
    /// A CDEvent.
    #[sea_orm(string_value = "CDEVENTS")]
    #[serde(rename = "CDEVENTS")]
    #[graphql(name = "CDEVENTS")]
    CdEvents,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryFate {
    /// Stored; waits to be worked.
    Received,
    /// It told of a deployment, which knows it now.
    Worked,
    /// It tells nothing of interest here.
    Ignored,
    /// It could not be read; `reason` says why. Replay it after the cause is gone.
    Failed,
}

/// The fields of a report that pipelines fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReportedField {
    /// Actual time of the milestone 预发布验证.
    StagingVerification,
    /// Actual time of the milestone 生产环境部署.
    ProductionDeployment,
    /// 计划发布时间.
    PlannedRelease,
    /// 实际发布时间.
    ActualRelease,
    /// 计划发布时长.
    PlannedDuration,
    /// 实际发布时长.
    ActualDuration,
}

/// Who a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, Enum, Serialize, Deserialize)]
pub enum ValueSource {
    /// A person entered it; no pipeline overwrites it.
    Person,
    /// A pipeline reported it.
    Pipeline,
}
