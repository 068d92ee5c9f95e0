//! The tables, one file each, and the enums they share with GraphQL. No logic lives here.

pub mod enums;

pub mod audit_entry;
pub mod department;
pub mod department_evaluation;
pub mod event;
pub mod event_subject;
pub mod feedback_source;
pub mod idempotency_key;
pub mod improvement_action;
pub mod incident_review;
pub mod life_cycle_step;
pub mod milestone;
pub mod number_sequence;
pub mod occurrence;
pub mod owner;
pub mod participant;
pub mod participant_person;
pub mod person;
pub mod planned_fix;
pub mod post_release_stat;
pub mod problem;
pub mod product;
pub mod product_project;
pub mod release_application;
pub mod report;
pub mod rescheduling;
pub mod shortcoming;
pub mod staffing;
pub mod submission;
pub mod timeline_entry;
pub mod typical_case;
pub mod verification;
