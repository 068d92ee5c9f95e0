//! How each table hangs below another: what [`children`](super::children) and the [`door`](super::door) ask about it.

use entity::{
    delivery_attempt, department_evaluation, deployment, environment_rule, event_sink, feedback_source, improvement_action,
    inbound_delivery, incident_review, ingestion_source, life_cycle_step, milestone, observation, occurrence, owner, participant,
    participant_person, person, planned_fix, post_release_stat, problem, product, product_project, project_mapping, release_application,
    report, reported_value, rescheduling, shortcoming, sink_secret, source_secret, staffing, submission, timeline_entry, typical_case,
    verification,
};
use sea_orm::prelude::Uuid;

use super::{
    ReportRow,
    children::{ById, Child},
};

impl Child for participant::Entity {
    const PARENT: participant::Column = participant::Column::ReportId;
    const ORDER: participant::Column = participant::Column::Position;
    fn parent(row: &participant::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for participant_person::Entity {
    const PARENT: participant_person::Column = participant_person::Column::ReportId;
    const ORDER: participant_person::Column = participant_person::Column::Position;
    fn parent(row: &participant_person::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for staffing::Entity {
    const PARENT: staffing::Column = staffing::Column::ReportId;
    const ORDER: staffing::Column = staffing::Column::Position;
    fn parent(row: &staffing::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for milestone::Entity {
    const PARENT: milestone::Column = milestone::Column::ReportId;
    const ORDER: milestone::Column = milestone::Column::Position;
    fn parent(row: &milestone::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for owner::Entity {
    const PARENT: owner::Column = owner::Column::ReportId;
    const ORDER: owner::Column = owner::Column::Position;
    fn parent(row: &owner::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for problem::Entity {
    const PARENT: problem::Column = problem::Column::ReportId;
    const ORDER: problem::Column = problem::Column::Number;
    fn parent(row: &problem::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for incident_review::Entity {
    const PARENT: incident_review::Column = incident_review::Column::ReportId;
    const ORDER: incident_review::Column = incident_review::Column::ProblemId;
    fn parent(row: &incident_review::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for timeline_entry::Entity {
    const PARENT: timeline_entry::Column = timeline_entry::Column::ReportId;
    const ORDER: timeline_entry::Column = timeline_entry::Column::Position;
    fn parent(row: &timeline_entry::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for post_release_stat::Entity {
    const PARENT: post_release_stat::Column = post_release_stat::Column::ReportId;
    const ORDER: post_release_stat::Column = post_release_stat::Column::Id;
    fn parent(row: &post_release_stat::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for planned_fix::Entity {
    const PARENT: planned_fix::Column = planned_fix::Column::ReportId;
    const ORDER: planned_fix::Column = planned_fix::Column::Position;
    fn parent(row: &planned_fix::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for feedback_source::Entity {
    const PARENT: feedback_source::Column = feedback_source::Column::ReportId;
    const ORDER: feedback_source::Column = feedback_source::Column::Position;
    fn parent(row: &feedback_source::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for typical_case::Entity {
    const PARENT: typical_case::Column = typical_case::Column::ReportId;
    const ORDER: typical_case::Column = typical_case::Column::Number;
    fn parent(row: &typical_case::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for department_evaluation::Entity {
    const PARENT: department_evaluation::Column = department_evaluation::Column::ReportId;
    const ORDER: department_evaluation::Column = department_evaluation::Column::Position;
    fn parent(row: &department_evaluation::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for shortcoming::Entity {
    const PARENT: shortcoming::Column = shortcoming::Column::ReportId;
    const ORDER: shortcoming::Column = shortcoming::Column::Position;
    fn parent(row: &shortcoming::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for improvement_action::Entity {
    const PARENT: improvement_action::Column = improvement_action::Column::ReportId;
    const ORDER: improvement_action::Column = improvement_action::Column::Position;
    fn parent(row: &improvement_action::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for life_cycle_step::Entity {
    const PARENT: life_cycle_step::Column = life_cycle_step::Column::ReportId;
    const ORDER: life_cycle_step::Column = life_cycle_step::Column::Number;
    fn parent(row: &life_cycle_step::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for submission::Entity {
    const PARENT: submission::Column = submission::Column::ReportId;
    const ORDER: submission::Column = submission::Column::Round;
    fn parent(row: &submission::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for occurrence::Entity {
    const PARENT: occurrence::Column = occurrence::Column::ActionId;
    const ORDER: occurrence::Column = occurrence::Column::Number;
    fn parent(row: &occurrence::Model) -> Option<Uuid> {
        Some(row.action_id)
    }
}

impl Child for rescheduling::Entity {
    const PARENT: rescheduling::Column = rescheduling::Column::OccurrenceId;
    const ORDER: rescheduling::Column = rescheduling::Column::At;
    fn parent(row: &rescheduling::Model) -> Option<Uuid> {
        Some(row.occurrence_id)
    }
}

impl Child for verification::Entity {
    const PARENT: verification::Column = verification::Column::OccurrenceId;
    const ORDER: verification::Column = verification::Column::Number;
    fn parent(row: &verification::Model) -> Option<Uuid> {
        Some(row.occurrence_id)
    }
}

impl Child for product_project::Entity {
    const PARENT: product_project::Column = product_project::Column::ProductId;
    const ORDER: product_project::Column = product_project::Column::Position;
    fn parent(row: &product_project::Model) -> Option<Uuid> {
        Some(row.product_id)
    }
}

impl Child for report::Entity {
    const PARENT: report::Column = report::Column::SupersedesId;
    const ORDER: report::Column = report::Column::NumberSequence;
    fn parent(row: &report::Model) -> Option<Uuid> {
        row.supersedes_id
    }
}

impl ById for person::Entity {
    const ID: person::Column = person::Column::Id;
    fn id(row: &person::Model) -> Uuid {
        row.id
    }
}

impl ById for product::Entity {
    const ID: product::Column = product::Column::Id;
    fn id(row: &product::Model) -> Uuid {
        row.id
    }
}

impl ById for release_application::Entity {
    const ID: release_application::Column = release_application::Column::Id;
    fn id(row: &release_application::Model) -> Uuid {
        row.id
    }
}

impl ById for report::Entity {
    const ID: report::Column = report::Column::Id;
    fn id(row: &report::Model) -> Uuid {
        row.id
    }
}

impl ById for problem::Entity {
    const ID: problem::Column = problem::Column::Id;
    fn id(row: &problem::Model) -> Uuid {
        row.id
    }
}

impl ById for improvement_action::Entity {
    const ID: improvement_action::Column = improvement_action::Column::Id;
    fn id(row: &improvement_action::Model) -> Uuid {
        row.id
    }
}

impl ById for occurrence::Entity {
    const ID: occurrence::Column = occurrence::Column::Id;
    fn id(row: &occurrence::Model) -> Uuid {
        row.id
    }
}

impl ById for post_release_stat::Entity {
    const ID: post_release_stat::Column = post_release_stat::Column::Id;
    fn id(row: &post_release_stat::Model) -> Uuid {
        row.id
    }
}

impl ById for milestone::Entity {
    const ID: milestone::Column = milestone::Column::Id;
    fn id(row: &milestone::Model) -> Uuid {
        row.id
    }
}

impl ReportRow for milestone::Entity {
    const NAME: &'static str = "Milestone";
    fn report_id(row: &milestone::Model) -> Uuid {
        row.report_id
    }
}

impl ReportRow for problem::Entity {
    const NAME: &'static str = "Problem";
    fn report_id(row: &problem::Model) -> Uuid {
        row.report_id
    }
}

impl ReportRow for post_release_stat::Entity {
    const NAME: &'static str = "Post-release row";
    fn report_id(row: &post_release_stat::Model) -> Uuid {
        row.report_id
    }
}

impl ReportRow for typical_case::Entity {
    const NAME: &'static str = "Case";
    fn report_id(row: &typical_case::Model) -> Uuid {
        row.report_id
    }
}

impl ReportRow for department_evaluation::Entity {
    const NAME: &'static str = "Evaluation";
    fn report_id(row: &department_evaluation::Model) -> Uuid {
        row.report_id
    }
}

impl ReportRow for improvement_action::Entity {
    const NAME: &'static str = "Improvement action";
    fn report_id(row: &improvement_action::Model) -> Uuid {
        row.report_id
    }
}

impl ReportRow for occurrence::Entity {
    const NAME: &'static str = "Occurrence";
    fn report_id(row: &occurrence::Model) -> Uuid {
        row.report_id
    }
}

impl Child for reported_value::Entity {
    const PARENT: reported_value::Column = reported_value::Column::ReportId;
    const ORDER: reported_value::Column = reported_value::Column::Field;
    fn parent(row: &reported_value::Model) -> Option<Uuid> {
        Some(row.report_id)
    }
}

impl Child for observation::Entity {
    const PARENT: observation::Column = observation::Column::DeploymentId;
    const ORDER: observation::Column = observation::Column::Id;
    fn parent(row: &observation::Model) -> Option<Uuid> {
        Some(row.deployment_id)
    }
}

impl Child for environment_rule::Entity {
    const PARENT: environment_rule::Column = environment_rule::Column::SourceId;
    const ORDER: environment_rule::Column = environment_rule::Column::Position;
    fn parent(row: &environment_rule::Model) -> Option<Uuid> {
        Some(row.source_id)
    }
}

impl Child for project_mapping::Entity {
    const PARENT: project_mapping::Column = project_mapping::Column::SourceId;
    const ORDER: project_mapping::Column = project_mapping::Column::Position;
    fn parent(row: &project_mapping::Model) -> Option<Uuid> {
        Some(row.source_id)
    }
}

impl Child for source_secret::Entity {
    const PARENT: source_secret::Column = source_secret::Column::SourceId;
    const ORDER: source_secret::Column = source_secret::Column::CreatedAt;
    fn parent(row: &source_secret::Model) -> Option<Uuid> {
        Some(row.source_id)
    }
}

impl Child for deployment::Entity {
    const PARENT: deployment::Column = deployment::Column::ReportId;
    const ORDER: deployment::Column = deployment::Column::Id;
    fn parent(row: &deployment::Model) -> Option<Uuid> {
        row.report_id
    }
}

impl ById for deployment::Entity {
    const ID: deployment::Column = deployment::Column::Id;
    fn id(row: &deployment::Model) -> Uuid {
        row.id
    }
}

impl ById for inbound_delivery::Entity {
    const ID: inbound_delivery::Column = inbound_delivery::Column::Id;
    fn id(row: &inbound_delivery::Model) -> Uuid {
        row.id
    }
}

impl ById for ingestion_source::Entity {
    const ID: ingestion_source::Column = ingestion_source::Column::Id;
    fn id(row: &ingestion_source::Model) -> Uuid {
        row.id
    }
}

impl Child for sink_secret::Entity {
    const PARENT: sink_secret::Column = sink_secret::Column::SinkId;
    const ORDER: sink_secret::Column = sink_secret::Column::CreatedAt;
    fn parent(row: &sink_secret::Model) -> Option<Uuid> {
        Some(row.sink_id)
    }
}

impl Child for delivery_attempt::Entity {
    const PARENT: delivery_attempt::Column = delivery_attempt::Column::DeliveryId;
    const ORDER: delivery_attempt::Column = delivery_attempt::Column::Number;
    fn parent(row: &delivery_attempt::Model) -> Option<Uuid> {
        Some(row.delivery_id)
    }
}

impl ById for event_sink::Entity {
    const ID: event_sink::Column = event_sink::Column::Id;
    fn id(row: &event_sink::Model) -> Uuid {
        row.id
    }
}
