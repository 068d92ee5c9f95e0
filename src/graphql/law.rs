//! The sentence "Requires: …" of each root field, written into the schema from the one policy that enforces it.

use async_graphql::registry::{MetaType, Registry};
use entity::enums::IssueCategory;
use sea_orm::prelude::Uuid;

use crate::auth::{Act, policy};

/// The acts that a root field amounts to, in the order in which it asks. A test knows that every mutation is here.
pub fn acts_of(field: &str) -> &'static [Act<'static>] {
    const NOBODY: &[String] = &[];
    const NO_ONE: Uuid = Uuid::nil();
    match field {
        "reportCreate" => &[Act::ReportCreate],
        "reportUpdate" | "resourcesUpdate" | "evaluationUpdate" | "summaryUpdate" => &[Act::ReportEdit],
        "reportSubmit" => &[Act::ReportSubmit],
        "reportWithdraw" => &[Act::ReportWithdraw],
        "reportSign" => &[Act::ReportSign],
        "reportReturn" => &[Act::ReportReturn],
        "reportFile" => &[Act::ReportFile],
        "reportDiscard" => &[Act::ReportDiscard],
        "reportSupersede" => &[Act::ReportSupersede],
        "milestoneAdd" | "milestoneRemove" => &[Act::MilestonePlan],
        "milestoneUpdate" => &[Act::MilestoneReport { owners: NOBODY }, Act::MilestonePlan],
        "problemAdd" => &[Act::ProblemRecord],
        "problemUpdate" => &[Act::ProblemEdit { owners: NOBODY, recorded_by: NO_ONE }, Act::ProblemGovern],
        "problemRemove" => &[Act::ProblemGovern],
        "incidentReviewWrite" | "incidentReviewRemove" => &[Act::ProblemEdit { owners: NOBODY, recorded_by: NO_ONE }],
        "caseAdd" | "caseUpdate" | "caseRemove" => &[Act::CaseEdit],
        "postReleaseStatUpdate" => &[
            Act::PostReleaseEdit { category: IssueCategory::Functional },
            Act::PostReleaseEdit { category: IssueCategory::Performance },
            Act::PostReleaseEdit { category: IssueCategory::Compatibility },
            Act::PostReleaseEdit { category: IssueCategory::Security },
        ],
        "departmentEvaluationUpdate" => &[Act::EvaluationWrite { department: "" }],
        "actionAdd" | "actionUpdate" | "actionRemove" => &[Act::ActionPlan],
        "actionComplete" | "actionCompletionWithdraw" => &[Act::OccurrenceComplete { owners: NOBODY }],
        "actionReschedule" | "actionReassign" | "actionCancel" | "actionEnd" => &[Act::ActionSteer { leads: NOBODY }],
        "actionVerify" => &[Act::OccurrenceVerify { completed_by: None }],
        "productCreate" | "productUpdate" => &[Act::ProductManage],
        "departmentCreate" | "departmentUpdate" => &[Act::DepartmentManage],
        "numberSequenceSet" => &[Act::SequenceManage],
        "personErase" => &[Act::PersonErase],
        "auditLog" => &[Act::AuditRead],
        "deploymentRecord" | "buildRegister" => &[Act::DeploymentRecord],
        "deploymentAttach" | "deploymentDismiss" | "deploymentRestore" | "inboundDeliveryReplay" => &[Act::DeploymentSettle],
        "eventSinks"
        | "eventDeliveries"
        | "eventSinkCreate"
        | "eventSinkUpdate"
        | "eventSinkSecretRotate"
        | "eventSinkRemove"
        | "eventSinkPing"
        | "eventDeliveryReplay" => &[Act::SinkManage],
        "metrics" => &[Act::MetricsRead],
        "parkedDeployments" => &[Act::DeploymentWaitingRead],
        "ingestionSources" | "ingestionSourceCreate" | "ingestionSourceUpdate" | "ingestionSourceSecretRotate" => &[Act::SourceManage],
        _ => &[],
    }
}

/// What of a field an act is about, where a field amounts to several.
fn about(act: Act<'_>) -> &'static str {
    match act {
        Act::MilestoneReport { .. } => "Actual time, delay reason, not applicable: ",
        Act::MilestonePlan => "All else: ",
        Act::ProblemEdit { .. } => "",
        Act::ProblemGovern => "Impact and owners: ",
        Act::PostReleaseEdit { category: IssueCategory::Functional } => "FUNCTIONAL: ",
        Act::PostReleaseEdit { category: IssueCategory::Performance } => "PERFORMANCE: ",
        Act::PostReleaseEdit { category: IssueCategory::Compatibility } => "COMPATIBILITY: ",
        Act::PostReleaseEdit { category: IssueCategory::Security } => "SECURITY: ",
        _ => "",
    }
}

/// Describes what every list has in common: connections, and the arguments that Relay and our lists share.
pub fn describe_lists(registry: &mut Registry) {
    for of in registry.types.values_mut() {
        let MetaType::Object { name, description, fields, .. } = of else { continue };
        if name.ends_with("Connection") && description.is_none() {
            *description = Some("A page of a list; `totalCount` is counted only when asked for.".into());
        }
        for argument in fields.values_mut().flat_map(|field| field.args.values_mut()) {
            let said = match argument.name.as_str() {
                "first" => "Rows from the start: 20 unless given, at most 100.",
                "after" => "Only rows after this cursor.",
                "last" => "Rows from the end, at most 100.",
                "before" => "Only rows before this cursor.",
                "where" => "Which rows; all unless given.",
                "orderBy" => "In which order: by the first key, then by the next.",
                "groupBy" => {
                    "By what, one or two dimensions; not unless given. `metricDefinitions` says by what each figure can be grouped."
                }
                "input" => "What to do it with.",
                _ => continue,
            };
            argument.description.get_or_insert_with(|| said.into());
        }
    }
}

/// Adds to the descriptions of a root type's fields what they require.
pub fn describe(registry: &mut Registry, root: &str) {
    let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(root) else { return };
    for field in fields.values_mut() {
        let acts = acts_of(&field.name);
        let sentences = acts.iter().map(|act| {
            let said = policy::requires(*act).en;
            if acts.len() > 1 { format!("{}{said}", about(*act)) } else { said }
        });
        let sentences: Vec<String> = sentences.collect();
        if !sentences.is_empty() {
            let before = field.description.take().unwrap_or_default();
            field.description = Some(format!("{before}\n\n{}", sentences.join("\n")));
        }
    }
}
