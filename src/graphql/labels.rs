//! Labels of every enum value in both languages (`enumLabels`), so that a front end needs no dictionary of its own.

use async_graphql::{Context, Object, SimpleObject};

use super::context::lang;
use crate::error::{Lang, Result};

/// Enum, value, Chinese, English. A test compares with the schema.
pub const LABELS: &[(&str, &str, &str, &str)] = &[
    ("ReportState", "DRAFT", "草稿", "Draft"),
    ("ReportState", "RETURNED", "已退回", "Returned"),
    ("ReportState", "SUBMITTED", "已提交", "Submitted"),
    ("ReportState", "SIGNED", "已签字", "Signed"),
    ("ReportState", "FILED", "已备案", "Filed"),
    ("ReportState", "DISCARDED", "已废弃", "Discarded"),
    ("ReleaseType", "MAJOR", "重大版本发布", "Major release"),
    ("ReleaseType", "FEATURE", "功能迭代发布", "Feature release"),
    ("ReleaseType", "PATCH", "补丁版本发布", "Patch release"),
    ("ReleaseType", "EMERGENCY", "紧急修复发布", "Emergency fix"),
    ("ReleaseStrategy", "CANARY", "灰度发布", "Canary"),
    ("ReleaseStrategy", "BLUE_GREEN", "蓝绿发布", "Blue-green"),
    ("ReleaseStrategy", "ROLLING", "滚动发布", "Rolling"),
    ("ReleaseStrategy", "FULL", "全量发布", "Full"),
    ("ReleaseStrategy", "OTHER", "其他", "Other"),
    ("Audience", "INTERNAL", "内部用户", "Internal users"),
    ("Audience", "PARTIAL_EXTERNAL", "部分外部用户", "Some external users"),
    ("Audience", "ALL_EXTERNAL", "全量外部用户", "All external users"),
    ("ReleaseOutcome", "RELEASED", "已发布", "Released"),
    ("ReleaseOutcome", "ROLLED_BACK", "已回滚", "Rolled back"),
    ("ReleaseOutcome", "ABORTED", "已中止", "Aborted"),
    ("MilestoneKind", "PLAN_APPROVAL", "发布计划审批", "Plan approval"),
    ("MilestoneKind", "TESTING_COMPLETED", "版本测试完成", "Testing completed"),
    ("MilestoneKind", "STAGING_VERIFICATION", "预发布验证", "Staging verification"),
    ("MilestoneKind", "PRODUCTION_DEPLOYMENT", "生产环境部署", "Production deployment"),
    ("MilestoneKind", "RELEASE_VERIFICATION", "发布验证完成", "Release verification"),
    ("MilestoneKind", "REVIEW_MEETING", "发布总结会议", "Review meeting"),
    ("MilestoneKind", "CUSTOM", "自定义节点", "Custom milestone"),
    ("MilestonePrecision", "DAY", "按天", "Day"),
    ("MilestonePrecision", "MINUTE", "按分钟", "Minute"),
    ("MilestoneStatus", "PENDING", "待完成", "Pending"),
    ("MilestoneStatus", "OVERDUE", "已超期", "Overdue"),
    ("MilestoneStatus", "ON_TIME", "按时", "On time"),
    ("MilestoneStatus", "DELAYED", "延迟", "Delayed"),
    ("MilestoneStatus", "UNPLANNED", "计划外完成", "Done without a plan"),
    ("MilestoneStatus", "NOT_APPLICABLE", "不适用", "Not applicable"),
    ("ProblemPhase", "PLANNING", "发布计划阶段", "Planning"),
    ("ProblemPhase", "TESTING", "测试阶段", "Testing"),
    ("ProblemPhase", "STAGING", "预发布阶段", "Staging"),
    ("ProblemPhase", "PRODUCTION_DEPLOYMENT", "生产环境部署阶段", "Production deployment"),
    ("ProblemPhase", "RELEASE_VERIFICATION", "发布验证阶段", "Release verification"),
    ("ProblemPhase", "FIRST_24_HOURS", "发布后 24 小时内", "First 24 hours"),
    ("ProblemPhase", "OTHER", "其他阶段", "Other"),
    ("Impact", "HIGH", "高", "High"),
    ("Impact", "MEDIUM", "中", "Medium"),
    ("Impact", "LOW", "低", "Low"),
    ("IssueCategory", "FUNCTIONAL", "功能 Bug", "Functional bugs"),
    ("IssueCategory", "PERFORMANCE", "性能问题", "Performance problems"),
    ("IssueCategory", "COMPATIBILITY", "兼容性问题", "Compatibility problems"),
    ("IssueCategory", "SECURITY", "安全漏洞", "Vulnerabilities"),
    ("ComplianceVerdict", "FULL", "完全符合", "Fully compliant"),
    ("ComplianceVerdict", "MOSTLY", "基本符合", "Mostly compliant"),
    ("ComplianceVerdict", "NON_COMPLIANT", "不符合", "Not compliant"),
    ("ActionArea", "TESTING", "测试环节", "Testing"),
    ("ActionArea", "COLLABORATION", "协作机制", "Collaboration"),
    ("ActionArea", "CAPABILITY", "能力提升", "Capability"),
    ("ActionArea", "PROCESS", "流程优化", "Process"),
    ("ActionArea", "OTHER", "其他", "Other"),
    ("ScheduleKind", "DATE", "指定日期", "On a date"),
    ("ScheduleKind", "IMMEDIATE", "立即执行", "Immediately"),
    ("ScheduleKind", "RECURRING", "周期执行", "Recurring"),
    ("OccurrenceStatus", "OPEN", "未完成", "Open"),
    ("OccurrenceStatus", "COMPLETED", "已完成待验证", "Completed"),
    ("OccurrenceStatus", "VERIFIED", "已验证", "Verified"),
    ("OccurrenceStatus", "CANCELLED", "已取消", "Cancelled"),
    ("ActionStatus", "PLANNED", "未提交", "Planned"),
    ("ActionStatus", "OPEN", "进行中", "Open"),
    ("ActionStatus", "COMPLETED", "已完成待验证", "Completed"),
    ("ActionStatus", "VERIFIED", "已验证", "Verified"),
    ("ActionStatus", "ENDED", "已终止", "Ended"),
    ("ActionStatus", "CANCELLED", "已取消", "Cancelled"),
    ("BudgetOutcome", "SAVED", "节余", "Saved"),
    ("BudgetOutcome", "OVERSPENT", "超支", "Overspent"),
    ("BudgetOutcome", "ON_BUDGET", "持平", "On budget"),
    ("OpinionVerdict", "AGREED", "同意备案", "Agreed to file"),
    ("OpinionVerdict", "SUPPLEMENT_REQUIRED", "需补充说明", "Supplement required"),
    ("VerificationVerdict", "PASSED", "通过", "Passed"),
    ("VerificationVerdict", "FAILED", "未通过", "Failed"),
    ("LifeCycleAct", "CREATE", "创建", "Created"),
    ("LifeCycleAct", "SUBMIT", "提交", "Submitted"),
    ("LifeCycleAct", "WITHDRAW", "撤回", "Withdrawn"),
    ("LifeCycleAct", "SIGN", "签字", "Signed"),
    ("LifeCycleAct", "RETURN", "退回", "Returned"),
    ("LifeCycleAct", "FILE", "备案", "Filed"),
    ("LifeCycleAct", "DISCARD", "废弃", "Discarded"),
    ("LifeCycleAct", "SUPERSEDE", "取代", "Superseded"),
    ("MemberRole", "MEMBER", "成员", "Member"),
    ("MemberRole", "HEAD", "负责人", "Head"),
    ("ServiceRole", "ADMIN", "系统管理员", "Administrator"),
    ("ServiceRole", "AUDITOR", "审计员", "Auditor"),
    ("ServiceRole", "PIPELINE", "流水线", "Pipeline"),
    ("ReportSection", "BASICS", "发布基本信息", "Basic information"),
    ("ReportSection", "MILESTONES", "关键节点完成情况", "Milestones"),
    ("ReportSection", "RESOURCES", "资源投入情况", "Resources"),
    ("ReportSection", "PROBLEMS", "发布过程问题", "Problems"),
    ("ReportSection", "POST_RELEASE", "发布后问题统计", "Post-release statistics"),
    ("ReportSection", "CASES", "典型问题处理案例", "Typical cases"),
    ("ReportSection", "EVALUATION", "发布各环节评估", "Evaluation"),
    ("ReportSection", "SUMMARY", "核心成果与不足", "Summary"),
    ("ReportSection", "ACTIONS", "具体改进措施", "Improvement actions"),
    ("ReportSection", "APPROVAL", "审批与备案", "Approval and filing"),
    ("ReportSection", "APPENDICES", "附录", "Appendices"),
    ("UserErrorCode", "REQUIRED", "必填", "Required"),
    ("UserErrorCode", "INVALID", "无效", "Invalid"),
    ("UserErrorCode", "TOO_LONG", "过长", "Too long"),
    ("UserErrorCode", "OUT_OF_RANGE", "超出范围", "Out of range"),
    ("UserErrorCode", "UNKNOWN", "不存在", "Unknown"),
    ("UserErrorCode", "RETIRED", "已停用", "Retired"),
    ("UserErrorCode", "DUPLICATE", "重复", "Duplicate"),
    ("UserErrorCode", "CONFLICT", "版本冲突", "Conflict"),
    ("UserErrorCode", "WRONG_STATE", "状态不允许", "Wrong state"),
    ("UserErrorCode", "INCOMPLETE", "不完整", "Incomplete"),
    ("UserErrorCode", "IDEMPOTENCY_MISMATCH", "幂等键不符", "Idempotency mismatch"),
    ("OrderDirection", "ASC", "升序", "Ascending"),
    ("OrderDirection", "DESC", "降序", "Descending"),
    ("ReportOrderField", "NUMBER", "报告编号", "Number"),
    ("ReportOrderField", "PREPARED_ON", "编制日期", "Preparation date"),
    ("ReportOrderField", "PLANNED_RELEASE_AT", "计划发布时间", "Planned release time"),
    ("ReportOrderField", "ACTUAL_RELEASE_AT", "实际发布时间", "Actual release time"),
    ("ReportOrderField", "VERSION", "发布版本", "Version"),
    ("ReportOrderField", "UPDATED_AT", "最后修改时间", "Last change"),
    ("MilestoneOrderField", "PLANNED_AT", "计划完成时间", "Planned time"),
    ("MilestoneOrderField", "ACTUAL_AT", "实际完成时间", "Actual time"),
    ("ProblemOrderField", "RECORDED_AT", "记录时间", "Time of recording"),
    ("ProblemOrderField", "HANDLING_MINUTES", "处理时长", "Handling time"),
    ("CaseOrderField", "CREATED_AT", "记录时间", "Time of recording"),
    ("CaseOrderField", "SATISFACTION", "用户满意度", "Satisfaction"),
    ("ImprovementActionOrderField", "DUE_ON", "截止日期", "Due date"),
    ("ImprovementActionOrderField", "CREATED_AT", "记录时间", "Time of writing"),
    ("ActionOccurrenceOrderField", "DUE_ON", "截止日期", "Due date"),
    ("ActionOccurrenceOrderField", "COMPLETED_ON", "完成日期", "Day of completion"),
];

/// The label of an enum value.
#[derive(SimpleObject)]
pub struct EnumLabel {
    /// Name of the enum: `ReleaseType`.
    #[graphql(name = "enum")]
    pub of: &'static str,
    /// The value: `EMERGENCY`.
    pub value: &'static str,
    /// In the language of the request.
    pub label: &'static str,
    /// In Chinese, as on the form.
    pub label_zh: &'static str,
    /// In English.
    pub label_en: &'static str,
}

/// Queries on labels.
#[derive(Default)]
pub struct LabelQuery;

#[Object]
impl LabelQuery {
    /// Labels of enum values in both languages; of one enum, or of all.
    async fn enum_labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "enum", desc = "Name of one enum; all unless given.")] of: Option<String>,
    ) -> Result<Vec<EnumLabel>> {
        let zh = lang(ctx) == Lang::Zh;
        let wanted = LABELS.iter().filter(|(name, ..)| of.as_deref().is_none_or(|of| of == *name));
        let label = |(of, value, label_zh, label_en): &(&'static str, &'static str, &'static str, &'static str)| EnumLabel {
            of,
            value,
            label: if zh { label_zh } else { label_en },
            label_zh,
            label_en,
        };
        Ok(wanted.map(label).collect())
    }
}
