//! The enums of the form, shared by the tables and by GraphQL. Labels in both languages live in `relsum::graphql::labels`.
//! A value is stored under the name that GraphQL shows, so that the database can be read without this file.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// Where a report stands in its life cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReportState {
    /// Being written; never submitted.
    Draft,
    /// Sent back or withdrawn; being written again.
    Returned,
    /// Waits for the signature of the product head.
    Submitted,
    /// Waits for the release committee.
    Signed,
    /// Filed by the committee; frozen.
    Filed,
    /// Given up; its number stays used.
    Discarded,
}

/// 发布类型: the kind of release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleaseType {
    /// 重大版本发布: a major version.
    Major,
    /// 功能迭代发布: a feature iteration.
    Feature,
    /// 补丁版本发布: a patch.
    Patch,
    /// 紧急修复发布: an emergency fix.
    Emergency,
}

/// 发布策略: how the release reached its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleaseStrategy {
    /// 灰度发布: a growing share of users.
    Canary,
    /// 蓝绿发布: switched between two environments.
    BlueGreen,
    /// 滚动发布: instance by instance.
    Rolling,
    /// 全量发布: everybody at once.
    Full,
    /// 其他: needs a strategy note.
    Other,
}

/// 覆盖用户范围: who the release was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Audience {
    /// 内部用户: internal users.
    Internal,
    /// 部分外部用户: a share of the external users.
    PartialExternal,
    /// 全量外部用户: all external users.
    AllExternal,
}

/// How the release ended; it decides what completeness asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleaseOutcome {
    /// The release went live and stayed.
    Released,
    /// The release was rolled back.
    RolledBack,
    /// The release was given up before it went live.
    Aborted,
}

/// 关键节点: the milestones of the form, and custom ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MilestoneKind {
    /// 发布计划审批: approval of the release plan.
    PlanApproval,
    /// 版本测试完成: the version is tested.
    TestingCompleted,
    /// 预发布验证: verified on staging.
    StagingVerification,
    /// 生产环境部署: deployed to production.
    ProductionDeployment,
    /// 发布验证完成: the release is verified.
    ReleaseVerification,
    /// 发布总结会议: the review meeting.
    ReviewMeeting,
    /// A milestone of the company's own, with a name.
    Custom,
}

/// How exactly the times of a milestone count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MilestonePrecision {
    /// Only the business day counts.
    Day,
    /// The minute counts.
    Minute,
}

/// 出现阶段: when a problem appeared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProblemPhase {
    /// 发布计划阶段: while planning.
    Planning,
    /// 测试阶段: while testing.
    Testing,
    /// 预发布阶段: on staging.
    Staging,
    /// 生产环境部署阶段: while deploying to production.
    ProductionDeployment,
    /// 发布验证阶段: while verifying the release.
    ReleaseVerification,
    /// 发布后 24 小时内: within 24 hours of the release.
    #[sea_orm(string_value = "FIRST_24_HOURS")]
    #[serde(rename = "FIRST_24_HOURS")]
    #[graphql(name = "FIRST_24_HOURS")]
    First24Hours,
    /// 其他阶段: another phase.
    Other,
}

/// 影响程度: how much a problem hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Impact {
    /// 高: high.
    High,
    /// 中: medium.
    Medium,
    /// 低: low.
    Low,
}

/// 问题类型: the rows of the post-release statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IssueCategory {
    /// 功能 Bug: functional bugs.
    Functional,
    /// 性能问题: performance problems.
    Performance,
    /// 兼容性问题: compatibility problems.
    Compatibility,
    /// 安全漏洞: vulnerabilities.
    Security,
}

/// 流程合规性: whether the release followed the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ComplianceVerdict {
    /// 完全符合: complied fully.
    Full,
    /// 基本符合: complied mostly.
    Mostly,
    /// 不符合: did not comply.
    NonCompliant,
}

/// 改进领域: what an improvement action improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActionArea {
    /// 测试环节: testing.
    Testing,
    /// 协作机制: collaboration.
    Collaboration,
    /// 能力提升: people's skills.
    Capability,
    /// 流程优化: the process.
    Process,
    /// 其他: needs an area note.
    Other,
}

/// 计划完成时间: how an action's due dates are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScheduleKind {
    /// One calendar date.
    Date,
    /// 立即执行: at once; due a grace period after the first submission.
    Immediate,
    /// A recurrence rule of RFC 5545, such as 每季度末.
    Recurring,
}

/// Where one due date of an improvement action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OccurrenceStatus {
    /// To be done.
    Open,
    /// Reported as done; waits for verification.
    Completed,
    /// Done, and verified by somebody else.
    Verified,
    /// No longer to be done.
    Cancelled,
}

/// Where an improvement action stands, from its occurrences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActionStatus {
    /// Not watched yet: its report was not submitted with it.
    Planned,
    /// At least one occurrence is to be done.
    Open,
    /// Nothing is open; at least one occurrence waits for verification.
    Completed,
    /// Everything is done and verified.
    Verified,
    /// A recurring action that was ended; nothing is open.
    Ended,
    /// The action was cancelled.
    Cancelled,
}

/// 完成状态: derived from plan, actual time and today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MilestoneStatus {
    /// Not done, not past its plan.
    Pending,
    /// Planned, past and not done.
    Overdue,
    /// 按时: done by the plan.
    OnTime,
    /// 延迟: done after the plan.
    Delayed,
    /// Done without a plan.
    Unplanned,
    /// Set aside by a person, with a reason.
    NotApplicable,
}

/// 预算执行: actual against planned budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BudgetOutcome {
    /// 节余: less was spent than planned.
    Saved,
    /// 超支: more was spent than planned.
    Overspent,
    /// Spent as planned.
    OnBudget,
}

/// 产品发布管理委员会意见: what the committee found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OpinionVerdict {
    /// 同意备案: agreed to file.
    Agreed,
    /// 需补充说明: a supplement is required.
    SupplementRequired,
}

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VerificationVerdict {
    /// The work was done.
    Passed,
    /// The work was not done; the occurrence is open again.
    Failed,
}

/// A step in the life cycle of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LifeCycleAct {
    /// Created.
    Create,
    /// Submitted.
    Submit,
    /// Taken back before the signature.
    Withdraw,
    /// Signed by the product head.
    Sign,
    /// Sent back with a reason.
    Return,
    /// Filed by the committee.
    File,
    /// Given up with a reason.
    Discard,
    /// A new draft was opened to replace the filed report.
    Supersede,
}

/// The role of a person in a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MemberRole {
    /// A member.
    Member,
    /// The head, or a deputy; may all that a member may.
    Head,
}

/// A role in the whole service, beside the departments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceRole {
    /// Administers departments, sequences, sources and sinks.
    Admin,
    /// Reads everything, the audit log included; writes nothing.
    Auditor,
    /// Reports deployments and builds, and reads what it reported.
    Pipeline,
}

/// The sections of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReportSection {
    /// 一、发布基本信息: header and basic information.
    Basics,
    /// 2.1 关键节点完成情况: milestones.
    Milestones,
    /// 2.2 资源投入情况: resources.
    Resources,
    /// 三、发布过程问题及处理分析: problems and their reviews.
    Problems,
    /// 4.1 发布后问题统计: post-release statistics.
    PostRelease,
    /// 4.2 典型问题处理案例: typical cases.
    Cases,
    /// 五、发布各环节评估: evaluation.
    Evaluation,
    /// 6.1-6.2 总结: achievements and shortcomings.
    Summary,
    /// 6.3 具体改进措施: improvement actions.
    Actions,
    /// 审批与备案: approval and filing.
    Approval,
    /// 七、附录: appendices.
    Appendices,
}
