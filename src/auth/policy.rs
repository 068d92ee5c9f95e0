//! The one page of law: who may do what (`model.md`, "Who may do what"). [`grants`] is the table, row for row;
//! enforcement, `viewerCan`, the sentence in the schema and the text of a refusal all read it.

use std::collections::HashSet;

use entity::enums::{
    IssueCategory,
    ReportState::{self, Discarded, Draft, Filed, Returned, Signed, Submitted},
    ServiceRole,
};
use sea_orm::prelude::Uuid;

use super::Actor;
use crate::error::{Error, Said, UserErrorCode, say};

/// An act, with what its rule looks at.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// Create a report.
    ReportCreate,
    /// Edit header, basics, participants, resources, achievements, shortcomings, strategy and compliance.
    ReportEdit,
    /// Submit.
    ReportSubmit,
    /// Take a submission back.
    ReportWithdraw,
    /// Sign for the product department.
    ReportSign,
    /// Send back with a reason.
    ReportReturn,
    /// Agree and file.
    ReportFile,
    /// Give up.
    ReportDiscard,
    /// Open a draft that replaces a filed report.
    ReportSupersede,
    /// A milestone's actual time, delay reason, not applicable.
    MilestoneReport {
        /// The milestone's owners.
        owners: &'a [String],
    },
    /// All else of a milestone; adding and removing custom ones.
    MilestonePlan,
    /// Record a problem.
    ProblemRecord,
    /// Edit a problem, write its review.
    ProblemEdit {
        /// The problem's owners.
        owners: &'a [String],
        /// Who recorded it.
        recorded_by: Uuid,
    },
    /// A problem's impact and owners; removing it.
    ProblemGovern,
    /// Typical cases.
    CaseEdit,
    /// A row of the post-release statistics.
    PostReleaseEdit {
        /// Which row.
        category: IssueCategory,
    },
    /// A department's evaluation.
    EvaluationWrite {
        /// Whose.
        department: &'a str,
    },
    /// Add, edit or remove an action that was never submitted.
    ActionPlan,
    /// Complete an occurrence, or withdraw the completion.
    OccurrenceComplete {
        /// The action's owners.
        owners: &'a [String],
    },
    /// Reschedule, reassign, cancel or end a submitted action.
    ActionSteer {
        /// The action's lead, or all its owners if it has none.
        leads: &'a [String],
    },
    /// Verify a completion.
    OccurrenceVerify {
        /// Who completed it.
        completed_by: Option<Uuid>,
    },
    /// Products.
    ProductManage,
    /// Departments.
    DepartmentManage,
    /// Number sequences.
    SequenceManage,
    /// Erase a person's name.
    PersonErase,
    /// Read the audit log.
    AuditRead,
    /// Report a deployment, register a build.
    DeploymentRecord,
    /// See deployments that are parked or held, and what became of deliveries.
    DeploymentWaitingRead,
    /// Attach, dismiss and replay them.
    DeploymentSettle,
    /// Ingestion sources.
    SourceManage,
    /// Read deliveries as they were received.
    DeliveryBodyRead,
    /// Read figures.
    MetricsRead,
    /// Announce due dates.
    DueAnnounce,
    /// Event sinks, the event log's deliveries, replaying them.
    SinkManage,
}

/// A way to hold a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who<'a> {
    AnyMember,
    Member(&'a str),
    Head(&'a str),
    OwnerDepartment(&'a [String]),
    HeadOfLead(&'a [String]),
    Participant,
    HeadOfParticipant,
    Recorder(Uuid),
    HeadOfRow(&'a str),
    Role(ServiceRole),
    Service,
}

/// Some ways to hold a permission, and the states of the report in which they count (none given: there is no report, or any state).
struct Grant<'a> {
    who: Vec<Who<'a>>,
    states: &'static [ReportState],
}

/// Who may never, even when a grant says yes.
enum Never {
    Nobody,
    Signer,
    Completer(Option<Uuid>),
}

const WRITABLE: &[ReportState] = &[Draft, Returned];
const NOT_DISCARDED: &[ReportState] = &[Draft, Returned, Submitted, Signed, Filed];
const PRODUCT: &str = "PRODUCT";
const COMMITTEE: &str = "COMMITTEE";
const OPS: &str = "OPS";

/// The table.
fn grants<'a>(act: Act<'a>) -> (Vec<Grant<'a>>, Never) {
    use Who::*;
    let one = |who: Vec<Who<'a>>, states| (vec![Grant { who, states }], Never::Nobody);
    match act {
        Act::ReportCreate => one(vec![Member(PRODUCT)], &[]),
        Act::ReportEdit | Act::ReportSubmit | Act::ReportDiscard | Act::MilestonePlan | Act::ProblemGovern => {
            one(vec![Member(PRODUCT)], WRITABLE)
        }
        Act::ReportWithdraw => one(vec![Member(PRODUCT)], &[Submitted]),
        Act::ReportSign => one(vec![Head(PRODUCT)], &[Submitted]),
        Act::ReportReturn => {
            let product = Grant { who: vec![Head(PRODUCT)], states: &[Submitted] };
            let committee = Grant { who: vec![Head(COMMITTEE)], states: &[Signed] };
            // Whoever signed for PRODUCT does not sign for the committee, and a return from SIGNED is its opinion.
            (vec![product, committee], Never::Signer)
        }
        Act::ReportFile => (vec![Grant { who: vec![Head(COMMITTEE)], states: &[Signed] }], Never::Signer),
        Act::ReportSupersede => one(vec![Head(COMMITTEE), Head(PRODUCT)], &[Filed]),
        Act::MilestoneReport { owners } => one(vec![OwnerDepartment(owners), Member(PRODUCT)], WRITABLE),
        Act::ProblemRecord => one(vec![Participant], WRITABLE),
        Act::ProblemEdit { owners, recorded_by } => one(vec![OwnerDepartment(owners), Recorder(recorded_by), Member(PRODUCT)], WRITABLE),
        Act::CaseEdit => one(vec![Member(PRODUCT), Member("CUSTOMER_SUCCESS")], WRITABLE),
        Act::PostReleaseEdit { category } => {
            let who = match category {
                IssueCategory::Functional => vec![Member(PRODUCT), Member("CUSTOMER_SUCCESS"), Member("TEST")],
                IssueCategory::Performance => vec![Member(PRODUCT), Member("OPS")],
                IssueCategory::Compatibility => vec![Member(PRODUCT), Member("TEST")],
                IssueCategory::Security => vec![Member("INFOSEC")],
            };
            one(who, WRITABLE)
        }
        Act::EvaluationWrite { department } => one(vec![HeadOfRow(department), Member(PRODUCT)], WRITABLE),
        Act::ActionPlan => one(vec![Member(PRODUCT), HeadOfParticipant], WRITABLE),
        Act::OccurrenceComplete { owners } => one(vec![OwnerDepartment(owners)], NOT_DISCARDED),
        Act::ActionSteer { leads } => one(vec![HeadOfLead(leads), Head(PRODUCT)], NOT_DISCARDED),
        Act::OccurrenceVerify { completed_by } => {
            let who = vec![Head(PRODUCT), Member(COMMITTEE)];
            (vec![Grant { who, states: NOT_DISCARDED }], Never::Completer(completed_by))
        }
        Act::ProductManage => one(vec![Head(PRODUCT), Role(ServiceRole::Admin)], &[]),
        Act::DepartmentManage | Act::SequenceManage | Act::PersonErase => one(vec![Role(ServiceRole::Admin)], &[]),
        Act::AuditRead => one(vec![Role(ServiceRole::Auditor), Role(ServiceRole::Admin)], &[]),
        Act::DeploymentRecord => one(vec![Role(ServiceRole::Pipeline), Member(OPS)], &[]),
        Act::DeploymentWaitingRead => one(vec![Member(OPS), Member(PRODUCT), Role(ServiceRole::Auditor), Role(ServiceRole::Admin)], &[]),
        Act::DeploymentSettle => one(vec![Member(OPS), Member(PRODUCT), Role(ServiceRole::Admin)], &[]),
        Act::SourceManage | Act::DeliveryBodyRead | Act::SinkManage => one(vec![Role(ServiceRole::Admin)], &[]),
        Act::MetricsRead => one(vec![AnyMember, Role(ServiceRole::Auditor), Role(ServiceRole::Admin)], &[]),
        Act::DueAnnounce => one(vec![Service], &[]),
    }
}

/// What the law looks at beside the act: the report, if there is one, and the retired departments.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The report's state.
    pub state: Option<ReportState>,
    /// The departments that participate.
    pub participants: Vec<String>,
    /// Who signed the round at hand.
    pub signer: Option<Uuid>,
    /// What a retired department owned, PRODUCT may do.
    pub retired: HashSet<String>,
}

/// Whether the law allows the act.
///
/// # Errors
/// `FORBIDDEN` with the permission that was lacking, or the user error `WRONG_STATE` when the caller may, but not in this state.
pub fn allows(actor: &Actor, act: Act<'_>, facts: &Facts) -> Result<(), Error> {
    judge(actor, act, facts).map_err(|refused| match refused {
        Refused::Lacks(grants) => forbidden(act, &grants, &facts.retired),
        Refused::State => wrong_state(act, facts.state),
        Refused::Barred => Error::Forbidden(requires(act)),
    })
}

/// Whether somebody may do something, where nobody is told why not: [`allows`] without its text.
pub fn may(actor: &Actor, act: Act<'_>, facts: &Facts) -> bool {
    judge(actor, act, facts).is_ok()
}

/// Why not.
enum Refused<'a> {
    /// Holding one of these would allow it.
    Lacks(Vec<Grant<'a>>),
    /// Nobody may in this state.
    State,
    /// Whoever else may, this one may not.
    Barred,
}

fn judge<'a>(actor: &Actor, act: Act<'a>, facts: &Facts) -> Result<(), Refused<'a>> {
    let (grants, never) = grants(act);
    let in_state = |grant: &Grant<'_>| grant.states.is_empty() || facts.state.is_some_and(|s| grant.states.contains(&s));
    let held = |grant: &Grant<'_>| grant.who.iter().any(|who| holds(actor, *who, facts));
    if !grants.iter().any(held) {
        return Err(Refused::Lacks(grants));
    }
    if !grants.iter().any(|g| in_state(g) && held(g)) {
        // Somebody else may in this state (the committee returns what is signed): that is a lack of permission.
        let others: Vec<Grant<'_>> = grants.into_iter().filter(|g| in_state(g)).collect();
        return Err(if others.is_empty() { Refused::State } else { Refused::Lacks(others) });
    }
    let barred = match never {
        Never::Nobody => false,
        Never::Signer => facts.signer == Some(actor.person_id()),
        Never::Completer(by) => by == Some(actor.person_id()),
    };
    if barred { Err(Refused::Barred) } else { Ok(()) }
}

fn holds(actor: &Actor, who: Who<'_>, facts: &Facts) -> bool {
    let member = |d: &str| actor.is_member(d) || (facts.retired.contains(d) && actor.is_member(PRODUCT));
    let head = |d: &str| actor.is_head(d) || (facts.retired.contains(d) && actor.is_head(PRODUCT));
    match who {
        Who::AnyMember => !actor.memberships.is_empty(),
        Who::Member(d) => member(d),
        Who::Head(d) | Who::HeadOfRow(d) => head(d),
        Who::OwnerDepartment(owners) => owners.iter().any(|d| member(d)),
        Who::HeadOfLead(leads) => leads.iter().any(|d| head(d)),
        Who::Participant => facts.participants.iter().any(|d| member(d)),
        Who::HeadOfParticipant => facts.participants.iter().any(|d| head(d)),
        Who::Recorder(person) => person == actor.person_id(),
        Who::Role(role) => actor.has(role),
        // No token can name such a subject (`token.rs`).
        Who::Service => actor.is_service(),
    }
}

fn describe(who: Who<'_>) -> String {
    match who {
        Who::AnyMember => "member of any department".into(),
        Who::Member(d) => format!("member of {d}"),
        Who::Head(d) => format!("HEAD of {d}"),
        Who::OwnerDepartment(_) => "member of an owner department".into(),
        Who::HeadOfLead(_) => "HEAD of the action's lead (of any owner if it has none)".into(),
        Who::Participant => "member of a participating department".into(),
        Who::HeadOfParticipant => "HEAD of a participating department".into(),
        Who::Recorder(_) => "who recorded it".into(),
        Who::HeadOfRow(_) => "HEAD of that department".into(),
        Who::Role(ServiceRole::Admin) => "ADMIN".into(),
        Who::Role(ServiceRole::Auditor) => "AUDITOR".into(),
        Who::Role(ServiceRole::Pipeline) => "PIPELINE".into(),
        Who::Service => "the service itself".into(),
    }
}

fn list(states: &[ReportState]) -> String {
    states.iter().map(|s| state_name(*s)).collect::<Vec<_>>().join(" or ")
}

/// The name of a state as GraphQL shows it.
pub fn state_name(state: ReportState) -> &'static str {
    match state {
        Draft => "DRAFT",
        Returned => "RETURNED",
        Submitted => "SUBMITTED",
        Signed => "SIGNED",
        Filed => "FILED",
        Discarded => "DISCARDED",
    }
}

/// The permission that an act needs, in words: `Requires: HEAD of PRODUCT (SUBMITTED); HEAD of COMMITTEE (SIGNED).`
pub fn requires(act: Act<'_>) -> Said {
    let (grants, never) = grants(act);
    sentence(&grants, &never)
}

fn sentence(grants: &[Grant<'_>], never: &Never) -> Said {
    let parts: Vec<String> = grants
        .iter()
        .map(|grant| {
            let who = grant.who.iter().map(|w| describe(*w)).collect::<Vec<_>>().join(", or ");
            if grant.states.is_empty() { who } else { format!("{who} ({})", list(grant.states)) }
        })
        .collect();
    let (but, but_zh) = match never {
        Never::Nobody => ("", ""),
        Never::Signer => ("; never who signed for PRODUCT", "；签字人本人除外"),
        Never::Completer(_) => ("; never who completed it", "；完成人本人除外"),
    };
    let rule = parts.join("; ");
    say(format!("Requires: {rule}{but}."), format!("所需权限：{rule}{but_zh}。"))
}

fn forbidden(act: Act<'_>, grants: &[Grant<'_>], retired: &HashSet<String>) -> Error {
    let (_, never) = self::grants(act);
    let mut said = sentence(grants, &never);
    if !retired.is_empty() {
        said.en.push_str(" For a retired department, PRODUCT acts.");
        said.zh.push_str("已停用部门的事项由产品部办理。");
    }
    Error::Forbidden(said)
}

fn wrong_state(act: Act<'_>, state: Option<ReportState>) -> Error {
    let (grants, _) = grants(act);
    let states: Vec<ReportState> = grants.iter().flat_map(|g| g.states.iter().copied()).collect();
    let now = state.map_or("?", state_name);
    Error::user(
        UserErrorCode::WrongState,
        "id",
        say(
            format!("The report is {now}; this is possible in {} only", list(&states)),
            format!(
                "报告当前状态为 {now}，仅在 {} 状态下可以执行此操作",
                states.iter().map(|s| state_name(*s)).collect::<Vec<_>>().join("、")
            ),
        ),
    )
}

/// Whether the caller may read a report: the facts decide as [`visible`](crate::store::visible) does in SQL.
pub fn may_read_unsubmitted(actor: &Actor) -> bool {
    actor.is_member(PRODUCT) || actor.is_member(COMMITTEE) || actor.is_member("INFOSEC") || reads_all(actor)
}

/// Whether the caller reports deployments of any product and for any pipeline: OPS, whom no token's products bind.
pub fn reports_freely(actor: &Actor) -> bool {
    actor.is_member(OPS)
}

/// Whether the caller reads everything.
pub fn reads_all(actor: &Actor) -> bool {
    actor.has(ServiceRole::Auditor) || actor.has(ServiceRole::Admin)
}

/// Whether the caller reads what was ever submitted.
pub fn reads_submitted(actor: &Actor) -> bool {
    !actor.memberships.is_empty() || reads_all(actor)
}
