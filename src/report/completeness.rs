//! What submission needs (`model.md`, "Needed for submission"): the list of what is missing, who owes it, and the share done.

use std::{collections::HashSet, fmt::Display};

use async_graphql::{Context, SimpleObject};
use chrono::NaiveDate;
use entity::{
    department_evaluation,
    enums::{ComplianceVerdict, Impact, IssueCategory, MilestoneKind, MilestoneStatus, ReleaseOutcome, ReportSection, ScheduleKind},
    milestone, post_release_stat, problem,
};

use super::{content::Content, object::retired};
use crate::{
    catalog::Department,
    clock::Calendar,
    error::{Result, Said, UserError, UserErrorCode, say},
    graphql::{
        context::{lang, store},
        walk::Many,
    },
    report::rules,
};

const PRODUCT: &str = "PRODUCT";

/// One thing that submission needs.
#[derive(Debug, Clone)]
pub struct Need {
    /// Which section of the form.
    pub section: ReportSection,
    /// What to say, where it is not there.
    pub missing: Option<Missing>,
}

/// Something that submission needs and that is missing.
#[derive(Debug, Clone)]
pub struct Missing {
    /// Which section of the form.
    pub section: ReportSection,
    /// Path of the field, outermost first.
    pub field: Vec<String>,
    /// Code of the department that owes it.
    pub department: String,
    /// What is missing.
    pub message: Said,
}

/// Collects needs.
struct Needs<'a> {
    list: Vec<Need>,
    retired: &'a HashSet<String>,
}

impl Needs<'_> {
    /// Most is there, most of the time: only of what is not, more is said.
    fn add(&mut self, section: ReportSection, field: impl Display, department: &str, met: bool, message: impl FnOnce() -> Said) {
        let missing = (!met).then(|| {
            // What a retired department owned, PRODUCT may do, so PRODUCT owes it.
            let department = if self.retired.contains(department) { PRODUCT } else { department };
            let field = field.to_string().split('.').map(str::to_owned).collect();
            Missing { section, field, department: department.to_owned(), message: message() }
        });
        self.list.push(Need { section, missing });
    }

    /// A plain field: "`what` is missing".
    fn field(&mut self, section: ReportSection, field: &str, department: &str, met: bool, what: (&str, &str)) {
        self.add(section, field, department, met, || say(format!("{} is missing", what.0), format!("缺少{}", what.1)));
    }
}

/// Everything that submission needs of this content today, met or not.
pub fn needs(content: &Content, retired: &HashSet<String>, calendar: Calendar, today: NaiveDate) -> Vec<Need> {
    let mut needs = Needs { list: Vec::new(), retired };
    basics(content, &mut needs);
    for milestone in content.milestones.iter() {
        self::milestone(content, milestone, calendar, today, &mut needs);
    }
    resources(content, &mut needs);
    for problem in content.problems.iter() {
        self::problem(content, problem, &mut needs);
    }
    if content.report.outcome == ReleaseOutcome::RolledBack {
        let met = content.problems.iter().any(|p| p.triggered_rollback);
        let said = || say("A rolled back release needs a problem that triggered the rollback", "发布已回滚，须至少记录一个触发回滚的问题");
        needs.add(ReportSection::Problems, "problems", PRODUCT, met, said);
    }
    for category in [IssueCategory::Functional, IssueCategory::Performance, IssueCategory::Compatibility, IssueCategory::Security] {
        statistics(content, category, &mut needs);
    }
    evaluation(content, &mut needs);
    needs.field(
        ReportSection::Summary,
        "achievements.highlights",
        PRODUCT,
        content.report.highlights.is_some(),
        ("Highlights", "核心成果要点"),
    );
    actions(content, today, &mut needs);
    needs.list
}

fn basics(content: &Content, needs: &mut Needs<'_>) {
    let r = &content.report;
    let aborted = r.outcome == ReleaseOutcome::Aborted;
    let audience = r.audience_internal || r.audience_partial_external || r.audience_all_external;
    for (field, met, what) in [
        ("product", r.product_id.is_some(), ("The product", "产品名称")),
        ("version", r.version.is_some(), ("The version", "发布版本")),
        ("releaseType", r.release_type.is_some(), ("The release type", "发布类型")),
        ("releaseOwner", r.release_owner_id.is_some(), ("The release owner", "发布负责人")),
        ("plannedReleaseAt", r.planned_release_at.is_some(), ("The planned release time", "计划发布时间")),
        ("plannedDurationMinutes", r.planned_duration_minutes.is_some(), ("The planned duration", "计划发布时长")),
        ("strategy", r.strategy.is_some(), ("The release strategy", "发布策略")),
        ("audience", audience, ("The audience", "覆盖用户范围")),
    ] {
        needs.field(ReportSection::Basics, field, PRODUCT, met, what);
    }
    if !aborted {
        needs.field(
            ReportSection::Basics,
            "actualReleaseAt",
            PRODUCT,
            r.actual_release_at.is_some(),
            ("The actual release time", "实际发布时间"),
        );
        let met = r.actual_duration_minutes.is_some();
        needs.field(ReportSection::Basics, "actualDurationMinutes", PRODUCT, met, ("The actual duration", "实际发布时长"));
    }
    for participant in content.participants.iter() {
        let said = || say(format!("{} names no person", participant.department), format!("{} 未填写核心参与人员", participant.department));
        let path = format_args!("participants.{}.people", participant.department);
        needs.add(ReportSection::Basics, path, PRODUCT, !content.people_of(participant.id).is_empty(), said);
    }
}

/// How a milestone is named in paths and messages.
pub fn milestone_name(milestone: &milestone::Model) -> String {
    match (&milestone.name, milestone.kind) {
        (Some(name), MilestoneKind::Custom) => name.clone(),
        (_, kind) => serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default(),
    }
}

fn milestone(content: &Content, m: &milestone::Model, calendar: Calendar, today: NaiveDate, needs: &mut Needs<'_>) {
    if m.not_applicable {
        return;
    }
    let name = milestone_name(m);
    let owners = content.owners_of(m.id);
    let owner = owners.first().map_or(PRODUCT, |o| o.department.as_str());
    let deployment = content.milestones.iter().find(|d| d.kind == MilestoneKind::ProductionDeployment);
    let from_deployment = deployment.is_some_and(|d| m.position >= d.position) && m.kind != MilestoneKind::ReviewMeeting;
    let may_be_open = from_deployment && content.report.outcome != ReleaseOutcome::Released && m.actual_at.is_none();
    let section = ReportSection::Milestones;
    let path = |field: &str| format!("milestones.{}.{field}", name.replace('.', " "));
    if !may_be_open {
        let said = || say(format!("{name} has no planned time"), format!("{name} 缺少计划完成时间"));
        needs.add(section, path("plannedAt"), owner, m.planned_at.is_some(), said);
        let said = || say(format!("{name} has no actual time"), format!("{name} 缺少实际完成时间"));
        needs.add(section, path("actualAt"), owner, m.actual_at.is_some(), said);
    }
    if rules::milestone_status(m, calendar, calendar.start_of(today)) == MilestoneStatus::Delayed {
        let said = || say(format!("{name} is delayed and gives no reason"), format!("{name} 已延迟，缺少延迟原因"));
        needs.add(section, path("delayReason"), owner, m.delay_reason.is_some(), said);
    }
}

fn resources(content: &Content, needs: &mut Needs<'_>) {
    let r = &content.report;
    let section = ReportSection::Resources;
    needs.field(section, "resources.effortHours", PRODUCT, r.effort_hours.is_some(), ("The effort in hours", "总投入工时"));
    let staffed = content.staffing.iter().any(|s| s.people.is_some());
    needs.field(section, "resources.staffing", PRODUCT, staffed, ("At least one row of staffing", "人力资源（至少一行）"));
    needs.field(section, "resources.budgetPlanned", PRODUCT, r.budget_planned.is_some(), ("The planned budget", "预算金额"));
    needs.field(section, "resources.budgetActual", PRODUCT, r.budget_actual.is_some(), ("The actual cost", "实际花费"));
    if r.budget_planned.is_some() && r.budget_actual.is_some() && r.budget_planned != r.budget_actual {
        needs.field(
            section,
            "resources.budgetReason",
            PRODUCT,
            r.budget_reason.is_some(),
            ("The reason for the budget variance", "预算差异原因"),
        );
    }
}

fn problem(content: &Content, p: &problem::Model, needs: &mut Needs<'_>) {
    let code = format!("PROB-{:03}", p.number);
    let owners = content.owners_of(p.id);
    let owner = owners.first().map_or(PRODUCT, |o| o.department.as_str());
    let mut need = |field: &str, met: bool, en: &str, zh: &str| {
        let said = || say(format!("{code}: {en} is missing"), format!("{code} 缺少{zh}"));
        needs.add(ReportSection::Problems, format_args!("problems.{code}.{field}"), owner, met, said);
    };
    need("phase", p.phase.is_some(), "the phase", "出现阶段");
    need("impact", p.impact.is_some(), "the impact", "影响程度");
    need("resolution", p.resolution.is_some(), "the resolution", "处理措施");
    need("owners", !owners.is_empty(), "an owner", "负责部门");
    if p.triggered_rollback || p.impact == Some(Impact::High) {
        let review = content.review_of(p.id);
        let has = |field: fn(&entity::incident_review::Model) -> &Option<String>| review.is_some_and(|r| field(r).is_some());
        need("incidentReview.details", has(|r| &r.details), "the review's details", "问题详情");
        need("incidentReview.rootCause", has(|r| &r.root_cause), "the review's root cause", "根本原因");
        need("incidentReview.timeline", !content.timeline_of(p.id).is_empty(), "the review's timeline", "处理过程");
        need("incidentReview.accountability", has(|r| &r.accountability), "the review's accountability", "责任认定");
        need("incidentReview.correctiveMeasures", has(|r| &r.corrective_measures), "the review's corrective measures", "改进措施");
    }
}

/// Who owes a row of the statistics.
fn statistics_owner(category: IssueCategory) -> &'static str {
    match category {
        IssueCategory::Functional | IssueCategory::Compatibility => "TEST",
        IssueCategory::Performance => "OPS",
        IssueCategory::Security => "INFOSEC",
    }
}

fn statistics(content: &Content, category: IssueCategory, needs: &mut Needs<'_>) {
    let row = content.statistics.iter().find(|s| s.category == category);
    let found = |s: &post_release_stat::Model| match category {
        IssueCategory::Security => s.found_high.is_some() && s.found_medium.is_some() && s.found_low.is_some(),
        _ => s.found_p0.is_some() && s.found_p1.is_some() && s.found_p2.is_some() && s.found_p3.is_some(),
    };
    let name = match category {
        IssueCategory::Functional => "FUNCTIONAL",
        IssueCategory::Performance => "PERFORMANCE",
        IssueCategory::Compatibility => "COMPATIBILITY",
        IssueCategory::Security => "SECURITY",
    };
    let owner = statistics_owner(category);
    let section = ReportSection::PostRelease;
    let said = || say(format!("{name}: found is not given for each severity"), format!("{name} 未按严重程度填写发现数量"));
    needs.add(section, format_args!("postReleaseStats.{name}.found"), owner, row.is_some_and(found), said);
    let said = || say(format!("{name}: fixed is missing"), format!("{name} 缺少已修复数量"));
    needs.add(section, format_args!("postReleaseStats.{name}.fixed"), owner, row.is_some_and(|s| s.fixed.is_some()), said);
}

fn evaluation(content: &Content, needs: &mut Needs<'_>) {
    let r = &content.report;
    let section = ReportSection::Evaluation;
    needs.field(section, "evaluation.strategyFit", PRODUCT, r.strategy_fit.is_some(), ("Whether the strategy fits", "发布策略适用性"));
    needs.field(
        section,
        "evaluation.strategyFitReason",
        PRODUCT,
        r.strategy_fit_reason.is_some(),
        ("Why the strategy fits or not", "适用性理由"),
    );
    needs.field(section, "evaluation.compliance", PRODUCT, r.compliance.is_some(), ("The compliance verdict", "流程合规性结论"));
    if r.compliance.is_some_and(|c| c != ComplianceVerdict::Full) {
        needs.field(section, "evaluation.nonCompliances", PRODUCT, r.non_compliances.is_some(), ("What did not comply", "不符合项说明"));
        needs.field(section, "evaluation.rectification", PRODUCT, r.rectification.is_some(), ("The rectification", "整改措施"));
    }
    let of = |department: &str| content.evaluations.iter().find(|e: &&department_evaluation::Model| e.department == department);
    for participant in content.participants.iter().map(|p| p.department.as_str()) {
        if ["INFOSEC", "COMMITTEE"].contains(&participant) {
            continue;
        }
        let said = || say(format!("{participant} has no statement of its performance"), format!("{participant} 缺少协作表现"));
        let met = of(participant).is_some_and(|e| e.performance.is_some());
        needs.add(section, format_args!("departmentEvaluations.{participant}.performance"), participant, met, said);
    }
}

fn actions(content: &Content, today: NaiveDate, needs: &mut Needs<'_>) {
    for (place, action) in (1..).zip(content.actions.iter()) {
        let mut need = |field: &str, met: bool, en: &str, zh: &str| {
            let said = || say(format!("Action {place}: {en} is missing"), format!("改进措施 {place} 缺少{zh}"));
            needs.add(ReportSection::Actions, format_args!("improvementActions.{place}.{field}"), PRODUCT, met, said);
        };
        need("measure", !action.measure.trim().is_empty(), "the measure", "措施内容");
        need("owners", !content.owners_of(action.id).is_empty(), "an owner", "责任部门");
        need("verification", action.verification.is_some(), "how it is verified", "验证方式");
        // A rule that ended before it was ever submitted asks for nothing any more.
        let due = match (action.schedule_kind, action.rule.as_deref(), action.watched_from) {
            (None, ..) => false,
            (Some(ScheduleKind::Recurring), Some(rule), None) => rules::first_occurrence(rule, today).is_some(),
            _ => true,
        };
        need("schedule", due, "a schedule with a date to come", "有效的计划完成时间");
    }
}

/// What is missing, as user errors of `reportSubmit`.
pub fn as_errors(needs: Vec<Need>) -> Vec<UserError> {
    let error = |n: Missing| UserError {
        code: UserErrorCode::Incomplete,
        field: n.field,
        message: n.message,
        current_version: None,
        department: Some(n.department),
    };
    needs.into_iter().filter_map(|n| n.missing).map(error).collect()
}

/// What submission still needs, and how much of each section is there.
#[derive(SimpleObject)]
pub struct Completeness {
    /// Whether nothing is missing: `reportSubmit` would pass.
    pub complete: bool,
    /// Everything that is missing.
    pub missing: Many<MissingItem>,
    /// The share done of each section that submission asks anything of.
    pub sections: Many<SectionCompleteness>,
}

/// Something that submission needs and that is missing.
#[derive(SimpleObject)]
pub struct MissingItem {
    /// The section of the form.
    pub section: ReportSection,
    /// Path of the field, outermost first: `["milestones", "TESTING_COMPLETED", "actualAt"]`.
    pub field: Vec<String>,
    /// What is missing.
    pub message: String,
    /// The department that owes it.
    pub department: Department,
}

/// How much of a section is there.
#[derive(SimpleObject)]
pub struct SectionCompleteness {
    /// The section of the form.
    pub section: ReportSection,
    /// How many things submission asks of it.
    pub required: i32,
    /// How many of them are there.
    pub done: i32,
    /// `done` / `required`, from 0 to 1.
    pub share: f64,
}

impl Completeness {
    /// Reads the content and asks.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn of(ctx: &Context<'_>, content: &Content) -> Result<Self> {
        let store = store(ctx)?;
        let all = needs(content, &retired(ctx).await?, store.calendar, store.today());
        let mut sections: Vec<SectionCompleteness> = Vec::new();
        for need in &all {
            let place = sections.iter().position(|s| s.section == need.section).unwrap_or_else(|| {
                sections.push(SectionCompleteness { section: need.section, required: 0, done: 0, share: 0.0 });
                sections.len() - 1
            });
            if let Some(section) = sections.get_mut(place) {
                section.required += 1;
                section.done += i32::from(need.missing.is_none());
                section.share = f64::from(section.done) / f64::from(section.required);
            }
        }
        let missing = all.into_iter().filter_map(|n| n.missing).collect();
        let missing = MissingItem::list(ctx, missing).await?;
        Ok(Self { complete: missing.is_empty(), missing: Many(missing), sections: Many(sections) })
    }
}

impl MissingItem {
    /// Needs as objects.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn list(ctx: &Context<'_>, missing: Vec<Missing>) -> Result<Vec<Self>> {
        let lang = lang(ctx);
        let departments = Department::by_codes(ctx, missing.iter().map(|n| n.department.as_str())).await?;
        let object = |(n, department): (Missing, Department)| Self {
            section: n.section,
            field: n.field,
            message: n.message.text(lang).to_owned(),
            department,
        };
        Ok(missing.into_iter().zip(departments.0).map(object).collect())
    }
}
